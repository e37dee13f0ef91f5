#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "callpace/base/text.h"
#include "callpace/control.h"
#include "callpace/grid.h"
#include "callpace/show.h"

static void put_clean(struct writer *out, const json_t *object, const char *key) {
  char room[32];
  text_put_terminal(out, json_text(object, key, room), 0, false);
}

/* Who sees to it. */
static void put_acked(struct writer *out, const json_t *acked) {
  char room[32];
  if (!acked) return;
  put_text(out, in_words(" (acknowledged by ", "（已确认："));
  put_clean(out, acked, "by");
  if (json_text(acked, "note", room).len) {
    put_text(out, in_words(": ", "，"));
    put_clean(out, acked, "note");
  }
  put_text(out, in_words(")", "）"));
}

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
  put_acked(&out, json_object_get(alert, "acked"));
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

/* ---- ack ---- */

static int acknowledge(struct client_options *options, const char *id, const char *note) {
  struct error error = {0};
  const struct passwd *user = getpwuid(getuid());
  if (!id) return client_usage_error("alerts ack needs the id of an alert");
  json_t *request = json_pack("{s:s, s:s, s:s, s:s}", "command", "ack", "id", id, "by",
                              user ? user->pw_name : "?", "note", note ? note : "");
  if (!request) return client_usage_error("the id and the note have to be UTF-8");
  json_t *data = client_ask_once(options, request, &error);
  if (!data) return client_fail(&error);
  if (options->json) json_print(data);
  json_decref(data);
  return STATUS_OK;
}

/* ---- stats ---- */

static void put_median(struct grid *grid, const json_t *row, const char *key) {
  struct writer text = {0};
  int64_t length = json_number(row, key, -1);
  if (length >= 0) put_duration(&text, length);
  grid_put(grid, writer_slice(&text), GRID_PLAIN);
  writer_free(&text);
}

static void show_stats(const json_t *rows) {
  static const char *const counts[] = {"raised", "recovered", "ran_out", "open", "acked"};
  struct grid grid;
  const json_t *row;
  char room[32];
  size_t at;
  grid_begin(&grid, in_words("type|>raised|>recovered|>ran out|>open|>acked|>to recover|>to ack",
                             "类型|>发出|>恢复|>到期未恢复|>未解除|>已确认|>恢复用时|>确认用时"));
  json_array_foreach(rows, at, row) {
    grid_put(&grid, json_text(row, "type", room), GRID_BOLD);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
      grid_put_number(&grid, json_number(row, counts[i], 0), GRID_PLAIN);
    put_median(&grid, row, "recovered_median_ms");
    put_median(&grid, row, "acked_median_ms");
  }
  struct writer out = {0};
  grid_print(&grid, output_is_terminal(), &out);
  fwrite(out.data, 1, out.len, stdout);
  writer_free(&out);
  grid_free(&grid);
}

static int stats(const struct client_options *options) {
  struct error error = {0};
  json_t *data = client_ask_once(options, json_pack("{s:s}", "command", "alert-stats"), &error);
  if (!data) return client_fail(&error);
  if (options->json)
    json_print(data);
  else
    show_stats(data);
  json_decref(data);
  return STATUS_OK;
}

/* ---- list ---- */

static int list(const struct client_options *options) {
  struct error error = {0};
  json_t *data = client_ask_once(options, json_pack("{s:s}", "command", "alerts"), &error), *alert;
  size_t i;
  if (!data) return client_fail(&error);
  json_array_foreach(data, i, alert) tell(options, alert);
  json_decref(data);
  return STATUS_OK;
}

static int run(struct client_options *options, int argc, char **argv) {
  bool follows = false;
  const char *words[2] = {NULL, NULL}, *note = NULL;
  const struct option_row rows[] = {{"--follow", OPTION_FLAG, &follows},
                                    {"-f", OPTION_FLAG, &follows},
                                    {"--note", OPTION_TEXT, &note},
                                    {0}};
  enum status status = options_read(options, rows, argc, argv, words, 0, 2);
  if (status) return status;
  bool acks = words[0] && strcmp(words[0], "ack") == 0;
  if (note && !acks) return client_usage_error("--note goes with alerts ack");
  if (acks) return acknowledge(options, words[1], note);
  if (words[1]) return client_usage_error("one word too many: %s", words[1]);
  if (words[0] && strcmp(words[0], "stats") == 0) return stats(options);
  if (words[0]) return client_usage_error("unknown: alerts %s; see callpace help alerts", words[0]);
  return follows ? follow(options) : list(options);
}

const struct command command_alerts = {
    .name = "alerts",
    .arguments = "[--follow] | ack ID [--note TEXT] | stats",
    .summary = "Alerts so far; with --follow also those to come",
    .manual = "  ack ID    say that you see to it: it is not escalated, and everybody sees who\n"
              "  stats     of every type how many were raised, and how many recovered\n\n"
              "With --json one alert a line. The text is in Chinese where LANG begins with\n"
              "zh, else in English.\n",
    .run = run,
};
