#include <stdio.h>
#include <string.h>

#include "callpace/control.h"
#include "callpace/core/metric.h"
#include "callpace/grid.h"
#include "callpace/show.h"

static const char *find_help(const struct metric *metrics, unsigned count, const char *name) {
  for (unsigned i = 0; i < count; i++)
    if (strcmp(metrics[i].name, name) == 0) return in_words(metrics[i].help_en, metrics[i].help_zh);
  return "";
}

static const char *meaning_of(const char *part, const char *field) {
  if (strcmp(part, "week") == 0) return find_help(week_metrics, week_metric_count, field);
  if (strcmp(part, "month") == 0) return find_help(month_metrics, month_metric_count, field);
  if (strcmp(part, "week_forecast") == 0)
    return find_help(week_forecast_metrics, week_forecast_metric_count, field);
  if (strcmp(part, "forecast") == 0)
    return find_help(forecast_metrics, forecast_metric_count, field);
  return find_help(day_metrics, day_metric_count, field);
}

static void show_part(const json_t *data, const char *part, bool terminal, struct writer *out) {
  json_t *object = json_object_get(data, part), *value;
  const char *key;
  struct grid grid;
  struct writer text = {0};
  if (!json_is_object(object)) return;
  grid_begin(&grid, part);
  grid.columns = terminal ? 3 : 2; /* for people also what it means */
  for (unsigned i = 1; i < grid.columns; i++)
    grid_put(&grid, SLICE(""), GRID_PLAIN);
  json_object_foreach(object, key, value) {
    char room[32];
    struct slice plain = json_text(object, key, room);
    writer_reset(&text);
    put_field(&text, key, plain);
    grid_put(&grid, slice_of(key), GRID_PLAIN);
    grid_put(&grid, writer_slice(&text),
             strstr(key, "state") ? colour_of_state(plain) : GRID_PLAIN);
    if (terminal) grid_put(&grid, slice_of(meaning_of(part, key)), GRID_DIM);
  }
  if (out->len) put_char(out, '\n');
  grid_print(&grid, terminal, out);
  grid_free(&grid);
  writer_free(&text);
}

static void show_agent(const json_t *data) {
  struct writer out = {0};
  bool terminal = output_is_terminal();
  show_part(data, "day", terminal, &out);
  show_part(data, "forecast", terminal, &out);
  show_part(data, "week", terminal, &out);
  show_part(data, "week_forecast", terminal, &out);
  show_part(data, "month", terminal, &out);
  if (!out.len)
    put_text(&out, in_words("nothing is known of this agent in that period\n",
                            "该坐席在此期间没有数据\n"));
  fputs(writer_text(&out), stdout);
  writer_free(&out);
}

static int run(struct client_options *options, int argc, char **argv) {
  const char *id = NULL, *day = NULL;
  struct error error = {0};
  const struct option_row rows[] = {{"--day", OPTION_TEXT, &day}, {0}};
  enum status status = options_read(options, rows, argc, argv, &id, 1, 1);
  if (status) return status;
  json_t *request = json_pack("{s:s, s:s}", "command", "agent", "id", id);
  if (request && day) json_object_set_new(request, "day", json_string(day));
  if (!request) return client_usage_error("the id is not UTF-8");
  json_t *data = client_ask_once(options, request, &error);
  if (!data) return client_fail(&error);
  if (options->json)
    json_print(data);
  else
    show_agent(data);
  json_decref(data);
  return STATUS_OK;
}

const struct command command_agent = {
    .name = "agent",
    .arguments = "ID [--day 2026-11-23]",
    .summary = "One agent's counters, states and forecast of a day, its week and its month",
    .manual = "ID is the roster's id, or an extension.\n",
    .run = run,
};
