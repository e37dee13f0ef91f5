#include <stdio.h>

#include "callpace/base/text.h"
#include "callpace/control.h"
#include "callpace/grid.h"
#include "callpace/show.h"

static void show_alert(const json_t *alert, bool terminal) {
  struct writer out = {0};
  char room[32];
  struct slice severity = json_text(alert, "severity", room);
  const json_t *texts = json_object_get(alert, "text");
  put_local_time(&out, json_number(alert, "at_ms", 0), true);
  put_text(&out, terminal ? "  " : "\t");
  put_coloured(&out, json_text(alert, "type", room),
               severity.len ? colour_of_state(severity) : GRID_PLAIN, terminal);
  put_text(&out, terminal ? "  " : "\t");
  put_slice(&out, json_text(alert, "state", room));
  put_text(&out, terminal ? "  " : "\t");
  struct slice text = json_text(texts, reader_is_chinese() ? "zh" : "en", room);
  struct writer clean = {0};
  text_put_terminal(&clean, text, 0, false);
  put_slice(&out, writer_slice(&clean));
  puts(writer_text(&out));
  fflush(stdout);
  writer_free(&clean);
  writer_free(&out);
}

static void tell(const struct client_options *options, const json_t *alert) {
  if (options->json)
    json_print(alert);
  else
    show_alert(alert, output_is_terminal());
}

/* One line a piece as they happen, until the daemon goes or we are stopped. */
static int follow(const struct client_options *options) {
  struct error error = {0};
  FILE *control = client_connect(options, &error);
  if (!control) return client_fail(&error);
  json_t *request = json_pack("{s:s, s:b}", "command", "alerts", "follow", 1);
  json_t *alert = client_ask(control, request, &error);
  while (alert && !ferror(stdout)) {
    tell(options, alert);
    json_decref(alert);
    alert = client_next(control, &error);
  }
  json_decref(alert);
  fclose(control);
  return error.status ? client_fail(&error) : STATUS_OK;
}

static int run(struct client_options *options, int argc, char **argv) {
  bool follows = false;
  struct error error = {0};
  const struct option_row rows[] = {
      {"--follow", OPTION_FLAG, &follows}, {"-f", OPTION_FLAG, &follows}, {0}};
  enum status status = options_read(options, rows, argc, argv, NULL, 0, 0);
  if (status) return status;
  if (follows) return follow(options);
  json_t *data = client_ask_once(options, json_pack("{s:s}", "command", "alerts"), &error), *alert;
  size_t i;
  if (!data) return client_fail(&error);
  json_array_foreach(data, i, alert) tell(options, alert);
  json_decref(data);
  return STATUS_OK;
}

const struct command command_alerts = {
    .name = "alerts",
    .arguments = "[--follow]",
    .summary = "Alerts so far; with --follow also those to come",
    .manual = "With --json one alert a line. The text is in Chinese where LANG begins with\n"
              "zh, else in English.\n",
    .run = run,
};
