/* Commands that are one question or one check. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callpace/control.h"
#include "callpace/io/config.h"

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

static int run_check(struct client_options *options, int argc, char **argv) {
  const char *path = NULL;
  struct error error = {0};
  struct writer found = {0};
  enum status status = options_read(options, NULL, argc, argv, &path, 0, 1);
  if (status) return status;
  if (!path) path = options->config;
  if (!path) return client_usage_error("check what? callpace check FILE");
  status = config_check(path, &found, &error);
  if (options->json) {
    json_t *report = json_pack("{s:b, s:s?, s:s}", "ok", !status, "error",
                               status ? error.text : NULL, "found", writer_text(&found));
    json_print(report);
    json_decref(report);
  } else {
    fputs(writer_text(&found), stdout);
  }
  writer_free(&found);
  return status ? client_fail(&error) : STATUS_OK;
}

const struct command command_check = {
    .name = "check",
    .arguments = "FILE",
    .summary = "Check a configuration with its policy and roster",
    .manual = "Prints what was found, or FILE:LINE:COLUMN of the first fault (exit 78). Does\n"
              "what callpaced --check-config does; no daemon is needed.\n",
    .run = run_check,
};
