#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callpace/control.h"
#include "callpace/core/report.h"
#include "callpace/engine/history.h"
#include "callpace/grid.h"
#include "callpace/past.h"
#include "callpace/show.h"

struct wish {
  enum period_kind kind;
  const char *period; /* NULL: the running one */
  const char *team, *format, *language, *file, *state_dir;
};

/* --- the table --- */

struct table_column {
  const char *name, *en, *zh;
};
static const struct table_column shown[PERIOD_KINDS][GRID_COLUMNS + 1] = {
    [PERIOD_DAY] = {{"agent", "agent", "工号"},
                    {"name", "name", "姓名"},
                    {"team", "team", "团队"},
                    {"class", "class", "类别"},
                    {"dials", ">dials", ">外呼"},
                    {"answered", ">answered", ">接通"},
                    {"calls", ">calls", ">有效通话"},
                    {"calls_target", ">of", ">目标"},
                    {"talk_ms", ">talk", ">时长"},
                    {"talk_target_ms", ">of", ">目标"},
                    {"state", "state", "状态"},
                    {"inbound", ">inbound", ">呼入"},
                    {"members", ">members", ">会员"},
                    {"coverage_bp", ">coverage", ">覆盖率"}},
    [PERIOD_WEEK] = {{"agent", "agent", "工号"},
                     {"name", "name", "姓名"},
                     {"team", "team", "团队"},
                     {"calls", ">calls", ">有效通话"},
                     {"talk_ms", ">talk", ">时长"},
                     {"members", ">members", ">会员"},
                     {"days_met", ">met", ">达标天数"},
                     {"days_missed", ">missed", ">未达标"},
                     {"leads_issued", ">leads", ">名单"},
                     {"leads_reached", ">reached", ">达标联系"},
                     {"contact_rate_bp", ">contact", ">联系率"},
                     {"threshold_bp", ">of", ">标准"},
                     {"rung", ">rung", ">阶梯"},
                     {"state", "state", "状态"},
                     {"coverage_bp", ">coverage", ">覆盖率"}},
    [PERIOD_MONTH] = {{"agent", "agent", "工号"},
                      {"name", "name", "姓名"},
                      {"team", "team", "团队"},
                      {"calls", ">calls", ">有效通话"},
                      {"calls_target", ">of", ">目标"},
                      {"talk_ms", ">talk", ">时长"},
                      {"talk_target_ms", ">of", ">目标"},
                      {"members", ">members", ">会员"},
                      {"basic", "basic", "基本工作量"},
                      {"incentive", "incentive", "激励"},
                      {"outcome", "outcome", "考核结果"},
                      {"attainment_bp", ">attained", ">完成率"},
                      {"points", ">points", ">积分"},
                      {"offences", ">offences", ">违规"},
                      {"coverage_bp", ">coverage", ">覆盖率"}}};

static bool is_used(const json_t *rows, const char *name) {
  size_t i;
  json_t *row;
  json_array_foreach(rows, i, row) {
    if (json_object_get(row, name)) return true;
  }
  return false;
}

static void put_cell(struct grid *grid, const json_t *row, const char *name, bool terminal) {
  char room[32];
  struct slice plain = json_text(row, name, room);
  if (!terminal) { /* for scripts: as the contract has it */
    grid_put(grid, plain, GRID_PLAIN);
    return;
  }
  if (strcmp(name, "state") == 0) {
    grid_put(grid, state_in_words(plain), colour_of_state(plain));
    return;
  }
  struct writer text = {0};
  put_field(&text, name, plain);
  grid_put(grid, writer_slice(&text), GRID_PLAIN);
  writer_free(&text);
}

static void put_table(const json_t *rows, enum period_kind kind, bool terminal,
                      struct writer *out) {
  const struct table_column *used[GRID_COLUMNS];
  unsigned count = 0;
  struct writer names = {0};
  for (const struct table_column *c = shown[kind]; c->name; c++) {
    if (!is_used(rows, c->name)) continue;
    if (count) put_char(&names, '|');
    put_text(&names, terminal ? in_words(c->en, c->zh) : c->name);
    used[count++] = c;
  }
  struct grid grid;
  size_t i;
  json_t *row;
  grid_begin(&grid, writer_text(&names));
  json_array_foreach(rows, i, row) {
    for (unsigned c = 0; c < count; c++)
      put_cell(&grid, row, used[c]->name, terminal);
  }
  if (count) grid_print(&grid, terminal, out);
  grid_free(&grid);
  writer_free(&names);
}

/* --- where it comes from --- */

/* The report as text, malloc'd; NULL and `error`. A daemon that does not answer, or
 * does not have that period at hand, is STATUS_UNAVAILABLE. */
static char *from_daemon(const struct client_options *options, const struct wish *wish,
                         enum report_format format, struct error *error) {
  json_t *request = json_pack(
      "{s:s, s:s, s:s, s:s, s:s, s:s}", "command", "report", "kind", period_kind_name(wish->kind),
      "period", wish->period ? wish->period : "", "team", wish->team ? wish->team : "", "format",
      report_format_name(format), "language", wish->language);
  if (!request) {
    error_set(error, STATUS_USAGE, "the team is not UTF-8");
    return NULL;
  }
  json_t *data = client_ask_once(options, request, error);
  if (!data) return NULL;
  char *text =
      json_is_string(data) ? strdup(json_string_value(data)) : json_dumps(data, JSON_COMPACT);
  json_decref(data);
  return text;
}

/* The days of the period as the journal has them, judged. */
static enum status read_period(const struct wish *wish, const char *state_dir,
                               struct period *period, struct history *history,
                               struct error *error) {
  struct history_extent extent;
  if (wish->period) {
    if (!period_parse(wish->kind, slice_of(wish->period), period)) return STATUS_USAGE;
  } else {
    enum status status = history_extent(state_dir, &extent, error);
    if (status != STATUS_OK) return status;
    *period = period_of(wish->kind, extent.last);
  }
  struct history_options range = {
      .state_dir = state_dir, .first = period->first, .last = period->last, .whole_journal = true};
  enum status status = history_read(&range, &(struct history_visitor){0}, history, error);
  if (status == STATUS_OK) fold_judge(&history->engine.fold, NULL);
  return status;
}

static char *from_journal(const struct client_options *options, const struct wish *wish,
                          enum report_format format, struct error *error) {
  char *dir = past_state_dir(options, wish->state_dir, error), *text = NULL;
  struct history history = {0};
  struct report_options made = {.fold = &history.engine.fold,
                                .team = slice_of(wish->team),
                                .chinese = strcmp(wish->language, "zh") == 0};
  if (dir && read_period(wish, dir, &made.period, &history, error) == STATUS_OK) {
    struct writer out = {0};
    made.node = history.node;
    use_zone_of(history.settings);
    report_write(&made, format, &out);
    if (report_team_exists(&made))
      text = strdup(writer_text(&out));
    else
      error_set(error, STATUS_USAGE, "no such team on the roster");
    writer_free(&out);
  }
  history_free(&history);
  free(dir);
  return text;
}

/* The daemon has the recent periods at hand; the others are in the journal. */
static char *make_report(const struct client_options *options, const struct wish *wish,
                         enum report_format format, struct error *error) {
  if (!wish->state_dir) {
    char *text = from_daemon(options, wish, format, error);
    bool try_journal = error->status == STATUS_UNAVAILABLE || error->status == STATUS_PERMISSION;
    if (text || !try_journal) return text;
    *error = (struct error){0};
  }
  return from_journal(options, wish, format, error);
}

/* --- the command --- */

static enum status print_text(const char *text, const char *file, struct error *error) {
  FILE *out = file ? fopen(file, "w") : stdout;
  if (!out) return error_set_errno(error, STATUS_IO, "%s", file);
  bool failed = fputs(text, out) < 0 || fflush(out) != 0;
  if (file && fclose(out) != 0) failed = true;
  return failed ? error_set_errno(error, STATUS_IO, "%s", file ? file : "output") : STATUS_OK;
}

static enum status print_report(const char *text, const struct wish *wish,
                                enum report_format format, struct error *error) {
  if (format != REPORT_NO_FORMAT && format != REPORT_JSON)
    return print_text(text, wish->file, error);
  struct writer out = {0};
  json_t *rows = format == REPORT_NO_FORMAT ? json_loads(text, 0, NULL) : NULL;
  if (rows)
    put_table(rows, wish->kind, !wish->file && output_is_terminal(), &out);
  else
    put_format(&out, "%s\n", text);
  enum status status = print_text(writer_text(&out), wish->file, error);
  json_decref(rows);
  writer_free(&out);
  return status;
}

static enum status read_kind(const char *word, enum period_kind *kind) {
  const char *names[PERIOD_KINDS + 1] = {NULL};
  for (unsigned i = 0; i < PERIOD_KINDS; i++) {
    names[i] = period_kind_name((enum period_kind)i);
    if (strcmp(names[i], word) != 0) continue;
    *kind = (enum period_kind)i;
    return STATUS_OK;
  }
  const char *near = nearest_word(word, names);
  return (enum status)client_usage_error("report %s: did you mean %s?", word,
                                         near ? near : "day, week or month");
}

/* Formats and languages: one of the words, or the first where none is given. */
static enum status read_choice(const char *option, const char *const *words, const char **value) {
  if (!*value) *value = words[0];
  for (size_t i = 0; words[i]; i++)
    if (strcmp(words[i], *value) == 0) return STATUS_OK;
  const char *near = nearest_word(*value, words);
  return (enum status)client_usage_error("%s %s: did you mean %s?", option, *value,
                                         near ? near : words[0]);
}

static enum status read_wish(const struct client_options *options, const char *const words[2],
                             struct wish *wish) {
  static const char *const formats[] = {"table", "json", "csv", "html", NULL};
  static const char *const languages[] = {"en", "zh", NULL};
  struct period period;
  wish->period = words[1];
  if (options->json && !wish->format) wish->format = "json";
  bool for_reading = wish->format && strcmp(wish->format, "html") == 0;
  if (!wish->language) wish->language = for_reading && reader_is_chinese() ? "zh" : "en";
  enum status status = read_kind(words[0], &wish->kind);
  if (status == STATUS_OK) status = read_choice("--format", formats, &wish->format);
  if (status == STATUS_OK) status = read_choice("--lang", languages, &wish->language);
  if (status == STATUS_OK && wish->period) status = past_period(wish->kind, wish->period, &period);
  return status;
}

static int run(struct client_options *options, int argc, char **argv) {
  const char *words[2] = {NULL};
  struct wish wish = {0};
  struct error error = {0};
  const struct option_row rows[] = {{"--team", OPTION_TEXT, &wish.team},
                                    {"--format", OPTION_TEXT, &wish.format},
                                    {"--lang", OPTION_TEXT, &wish.language},
                                    {"-o", OPTION_TEXT, &wish.file},
                                    {"--output", OPTION_TEXT, &wish.file},
                                    {"--state-dir", OPTION_TEXT, &wish.state_dir},
                                    {0}};
  enum status status = options_read(options, rows, argc, argv, words, 1, 2);
  if (status == STATUS_OK) status = read_wish(options, words, &wish);
  if (status) return status;
  enum report_format format = report_format_parse(slice_of(wish.format));
  char *text = make_report(options, &wish, format ? format : REPORT_JSON, &error);
  if (text) print_report(text, &wish, format, &error);
  free(text);
  return error.status ? client_fail(&error) : STATUS_OK;
}

const struct command command_report = {
    .name = "report",
    .arguments = "day|week|month [PERIOD] [--team T] [--format table|json|csv|html] [-o FILE]",
    .summary = "Everybody's figures of a day, a week or a month",
    .manual = "PERIOD is 2026-11-23, 2026-W48 or 2026-11; without it the running one. Recent\n"
              "periods come from the daemon, others from the journal.\n\n"
              "  --team ID        only this team\n"
              "  --format FORMAT  table (default), json, csv (for spreadsheets) or html (a page\n"
              "                   to read and print)\n"
              "  --lang en|zh     headings of csv and html; default: the terminal's language\n"
              "                   for html, field names for csv\n"
              "  -o FILE          write it there\n"
              "  --state-dir DIR  read this journal, and do not ask the daemon\n",
    .run = run,
};
