/* Commands that are one question. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callpace/control.h"

static int run_reload(struct client_options *options, int argc, char **argv) {
  struct error error = {0};
  enum status status = options_read(options, NULL, argc, argv, NULL, 0, 0);
  if (status) return status;
  json_t *data = client_ask_once(options, json_pack("{s:s}", "command", "reload"), &error);
  if (!data) return client_fail(&error);
  if (options->json)
    json_print(data);
  else
    puts("reloaded");
  json_decref(data);
  return STATUS_OK;
}

const struct command command_reload = {
    .name = "reload",
    .arguments = "",
    .summary = "Have the daemon read its configuration, roster and policy again",
    .manual = "All or nothing: when something is wrong in them, the daemon goes on as it\n"
              "was, the error is printed, and the exit code is 78.\n",
    .run = run_reload,
};
