#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callpace/base/mem.h"
#include "callpace/control.h"
#include "callpace/core/explain.h"
#include "callpace/engine/history.h"
#include "callpace/grid.h"
#include "callpace/past.h"
#include "callpace/show.h"

struct asked {
  const char *id, *figure;
  struct period period;
  struct explain *explain;
};

static const char *const figures[] = {"calls", "talk", "leads", "points", "state", "all", NULL};

/* --- as JSON, which is also what the table is made of --- */

/* Leads go by weeks, points by months: they are no part of all that there is of a day. */
static bool wants(const struct asked *asked, const char *figure) {
  if (strcmp(asked->figure, figure) == 0) return true;
  bool of_day = strcmp(figure, "leads") != 0 && strcmp(figure, "points") != 0;
  return strcmp(asked->figure, "all") == 0 && (of_day || asked->period.kind != PERIOD_DAY);
}

static void put_entries(const struct asked *asked, struct writer *out) {
  json_open(out, '[');
  if (wants(asked, "calls")) explain_put_calls(asked->explain, out);
  if (wants(asked, "talk")) explain_put_talk(asked->explain, out);
  if (wants(asked, "leads")) explain_put_leads(asked->explain, out);
  if (wants(asked, "points")) explain_put_points(asked->explain, out);
  if (wants(asked, "state")) explain_put_states(asked->explain, out);
  json_close(out, ']');
}

/* --- for people --- */

static const char *reason_in_words(const char *reason) {
  static const char *const words[][3] = {
      {"duplicate", "told before: counted once", "重复事件，只计一次"},
      {"internal", "internal call", "内部通话"},
      {"too_short", "shorter than min_talk", "通话过短"},
      {"after_transfer", "the call is another agent's", "已转给其他坐席"},
      {"lost_track", "its end was never seen: no invented talk", "未见通话结束，不计时长"},
      {"outside_window", "belongs to the day in which it began", "属于通话开始的那一天"},
      {"not_answered", "not answered", "未接通"},
      {"direction", "calls of this direction do not count", "该方向的通话不计"},
      {"open", "still up", "通话进行中"},
      {"incomplete", "the switch told too little of it", "事件不完整"},
      {"overlap", "in part at the time of another call", "与其他通话时间重叠"},
      {"no_talk", "nobody talked", "没有通话"},
      {"not_reached", "too few contacts", "联系次数不足"},
      {"received", "taken over from another agent: outside the rate", "转入线索，不计联系率"},
      {"not_held", "withdrawn, or another agent's by now", "已收回或转给他人"},
      {"min_gap", "too soon before the next contact", "与下一次联系间隔过短"},
      {"not_the_holder", "another agent holds this lead", "线索属于其他坐席"},
      {"no_lead", "no lead has this number", "不在线索名单中"},
      {"running", "the week is not over", "本周尚未结束"},
      {"shadow", "an offence; in shadow mode nothing follows", "违规；试运行，不作处理"},
      {"no_leads", "no leads issued", "未发放线索"},
      {"coverage", "too little was seen", "数据不足"},
      {"below_threshold", "an offence: below the threshold", "违规：低于标准"},
      {"base_met", "below the threshold, but basic habits are met", "低于标准，但基本工作量达标"},
      {"no_rung", "below the threshold; no rung applies", "低于标准，无适用级别"},
  };
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(words[i][0], reason) == 0) return in_words(words[i][1], words[i][2]);
  return reason;
}

static void put_cell(struct grid *grid, const json_t *entry, const char *key) {
  char room[32];
  struct writer text = {0};
  put_field(&text, key, json_text(entry, key, room));
  grid_put(grid, writer_slice(&text), GRID_PLAIN);
  writer_free(&text);
}

static void put_time_cell(struct grid *grid, const json_t *entry) {
  struct writer text = {0};
  put_local_time(&text, json_number(entry, "when_ms", 0), true);
  grid_put(grid, writer_slice(&text), GRID_PLAIN);
  writer_free(&text);
}

static void put_credit_cell(struct grid *grid, const json_t *entry, bool talk) {
  struct writer text = {0};
  int64_t credited = json_number(entry, "credited", 0);
  if (talk)
    put_duration(&text, credited);
  else
    put_int(&text, credited);
  grid_put(grid, writer_slice(&text), credited ? GRID_GREEN : GRID_DIM);
  writer_free(&text);
}

/* One figure of calls, and what it adds up to. */
static void show_calls(const json_t *entries, const char *figure, bool terminal,
                       struct writer *out) {
  struct grid grid;
  size_t i;
  json_t *entry;
  int64_t sum = 0, in = 0, left_out = 0;
  bool talk = strcmp(figure, "talk") == 0;
  grid_begin(&grid, "when|what|call|number|outcome|>talk|>credited|reason");
  json_array_foreach(entries, i, entry) {
    char room[32];
    if (!slice_equal(json_text(entry, "figure", room), slice_of(figure))) continue;
    int64_t credited = json_number(entry, "credited", 0);
    sum += credited;
    in += credited > 0;
    left_out += credited == 0;
    put_time_cell(&grid, entry);
    put_cell(&grid, entry, "what");
    put_cell(&grid, entry, "call");
    put_cell(&grid, entry, "number");
    put_cell(&grid, entry, "outcome");
    put_cell(&grid, entry, "talk_ms");
    put_credit_cell(&grid, entry, talk);
    const char *reason = json_string_value(json_object_get(entry, "reason"));
    grid_put(&grid, slice_of(reason ? reason_in_words(reason) : ""), GRID_DIM);
  }
  grid_print(&grid, terminal, out);
  grid_free(&grid);
  if (!terminal) return;
  put_format(out, in_words("%s: ", "%s："), figure);
  if (talk)
    put_duration(out, sum);
  else
    put_int(out, sum);
  put_format(out,
             in_words("   (%lld entries credited, %lld not; POLICY section 2)\n",
                      "   （计入 %lld 条，不计 %lld 条；规则第 2 节）\n"),
             (long long)in, (long long)left_out);
}

/* The other figures: columns that the entries may have, and the sum. */
static void show_ledger(const json_t *entries, const char *const figure[2],
                        const char *const *columns, const char *headings, bool terminal,
                        struct writer *out) {
  struct grid grid;
  size_t i;
  json_t *entry;
  grid_begin(&grid, headings);
  json_array_foreach(entries, i, entry) {
    char room[32];
    struct slice name = json_text(entry, "figure", room);
    if (!slice_equal(name, slice_of(figure[0])) && !slice_equal(name, slice_of(figure[1])))
      continue;
    put_time_cell(&grid, entry);
    for (size_t c = 0; columns[c]; c++)
      put_cell(&grid, entry, columns[c]);
    const char *reason = json_string_value(json_object_get(entry, "reason"));
    grid_put(&grid, slice_of(reason ? reason_in_words(reason) : ""), GRID_DIM);
  }
  grid_print(&grid, terminal, out);
  grid_free(&grid);
}

static void show_leads(const json_t *entries, bool terminal, struct writer *out) {
  static const char *const figure[2] = {"leads", "contacts"};
  static const char *const columns[] = {"what",         "period",   "lead",    "number",
                                        "dials",        "contacts", "state",   "rate_bp",
                                        "threshold_bp", "credited", "outcome", NULL};
  show_ledger(entries, figure, columns,
              "when|what|period|lead|number|>dials|>contacts|state|>rate|>threshold|>credited|"
              "outcome|reason",
              terminal, out);
}

static void show_points(const json_t *entries, bool terminal, struct writer *out) {
  static const char *const figure[2] = {"points", "points"};
  static const char *const columns[] = {"what",         "period",   "number", "rung", "rate_bp",
                                        "threshold_bp", "credited", "by",     NULL};
  show_ledger(entries, figure, columns,
              "when|what|period|>number|>rung|>rate|>threshold|>points|by|reason", terminal, out);
}

static void show_states(const json_t *entries, bool terminal, struct writer *out) {
  struct grid grid;
  size_t i;
  json_t *entry;
  grid_begin(&grid, "when|what|state|>calls|>expected|>target|>talk|>expected|>target|>coverage");
  json_array_foreach(entries, i, entry) {
    char room[32];
    if (!slice_equal(json_text(entry, "figure", room), SLICE("state"))) continue;
    struct slice state = json_text(entry, "state", room);
    put_time_cell(&grid, entry);
    put_cell(&grid, entry, "what");
    grid_put(&grid, state_in_words(state), colour_of_state(state));
    static const char *const columns[] = {"calls",      "calls_expected",   "calls_target",
                                          "talk_ms",    "talk_expected_ms", "talk_target_ms",
                                          "coverage_bp"};
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++)
      put_cell(&grid, entry, columns[c]);
  }
  grid_print(&grid, terminal, out);
  grid_free(&grid);
}

static void show(const struct asked *asked, const json_t *entries) {
  struct writer out = {0};
  bool terminal = output_is_terminal();
  static const char *const of_calls[] = {"calls", "talk"};
  for (size_t i = 0; i < 2; i++) {
    if (!wants(asked, of_calls[i])) continue;
    if (out.len) put_char(&out, '\n');
    show_calls(entries, of_calls[i], terminal, &out);
  }
  if (wants(asked, "leads")) {
    if (out.len) put_char(&out, '\n');
    show_leads(entries, terminal, &out);
  }
  if (wants(asked, "points")) {
    if (out.len) put_char(&out, '\n');
    show_points(entries, terminal, &out);
  }
  if (wants(asked, "state")) {
    if (out.len) put_char(&out, '\n');
    show_states(entries, terminal, &out);
  }
  fputs(writer_text(&out), stdout);
  writer_free(&out);
}

/* --- the reading --- */

static void on_begin(void *context, struct fold *fold) {
  struct asked *asked = context;
  struct slice id = centre_resolve_agent(fold->centre, slice_of(asked->id));
  asked->explain = explain_new(fold, id, asked->period.first, asked->period.last);
}

static void on_event(void *context, uint64_t lsn, const struct call_event *event,
                     enum centre_result result) {
  const struct asked *asked = context;
  explain_event(asked->explain, lsn, event, result);
}

static void on_judge(void *context) {
  const struct asked *asked = context;
  explain_judge(asked->explain);
}

static void print_entries(const struct client_options *options, const struct asked *asked) {
  struct writer text = {0};
  put_entries(asked, &text);
  if (options->json) {
    puts(writer_text(&text));
  } else {
    json_t *entries = json_loadb(text.data, text.len, 0, NULL);
    show(asked, entries);
    json_decref(entries);
  }
  writer_free(&text);
}

static enum status explain(const struct client_options *options, struct asked *asked,
                           const char *state_dir, struct error *error) {
  struct history_options range = {
      .state_dir = state_dir, .first = asked->period.first, .last = asked->period.last};
  struct history_visitor visitor = {.begin = on_begin, .event = on_event, .context = asked};
  struct history history;
  if (wants(asked, "leads")) explain_range(&range.first, &range.last);
  /* Leads may have been issued, or moved, long before their week. */
  range.whole_journal = wants(asked, "leads");
  if (wants(asked, "state")) visitor.judge = on_judge;
  enum status status = history_read(&range, &visitor, &history, error);
  if (status == STATUS_OK) {
    use_zone_of(history.settings);
    explain_finish(asked->explain);
    print_entries(options, asked);
  }
  explain_free(asked->explain);
  history_free(&history);
  return status;
}

static enum status read_figure(struct asked *asked, const char *word) {
  asked->figure = word ? word : "calls";
  for (size_t i = 0; figures[i]; i++)
    if (strcmp(figures[i], asked->figure) == 0) return STATUS_OK;
  const char *near = nearest_word(word, figures);
  return (enum status)client_usage_error("%s: did you mean %s?", word,
                                         near ? near : "calls, talk, leads, points, state or all");
}

/* The period of --day, --week or --month; else the running day, for leads its week, for
 * points its month. */
static enum status read_period(struct asked *asked, const char *const given[PERIOD_KINDS],
                               const char *state_dir, struct error *error) {
  for (unsigned kind = 0; kind < PERIOD_KINDS; kind++)
    if (given[kind]) return past_period((enum period_kind)kind, given[kind], &asked->period);
  struct history_extent extent;
  enum status status = history_extent(state_dir, &extent, error);
  enum period_kind kind = strcmp(asked->figure, "leads") == 0    ? PERIOD_WEEK
                          : strcmp(asked->figure, "points") == 0 ? PERIOD_MONTH
                                                                 : PERIOD_DAY;
  if (status == STATUS_OK) asked->period = period_of(kind, extent.last);
  return status;
}

static int run(struct client_options *options, int argc, char **argv) {
  const char *words[2] = {NULL}, *given[PERIOD_KINDS] = {NULL}, *dir = NULL;
  struct asked asked = {0};
  struct error error = {0};
  const struct option_row rows[] = {{"--day", OPTION_TEXT, &given[PERIOD_DAY]},
                                    {"--week", OPTION_TEXT, &given[PERIOD_WEEK]},
                                    {"--month", OPTION_TEXT, &given[PERIOD_MONTH]},
                                    {"--state-dir", OPTION_TEXT, &dir},
                                    {0}};
  enum status status = options_read(options, rows, argc, argv, words, 1, 2);
  if (status == STATUS_OK) status = read_figure(&asked, words[1]);
  if (status) return status;
  asked.id = words[0];
  char *state_dir = past_state_dir(options, dir, &error);
  if (!state_dir) return client_fail(&error);
  status = read_period(&asked, given, state_dir, &error);
  if (status == STATUS_OK) status = explain(options, &asked, state_dir, &error);
  free(state_dir);
  if (error.status) return client_fail(&error);
  return status;
}

const struct command command_explain = {
    .name = "explain",
    .arguments = "ID [calls|talk|leads|points|state|all] [--day D | --week W | --month M]",
    .summary = "Every event behind an agent's figure, credited or not, and why",
    .manual = "ID is the roster's id, or an extension. It reads the journal on disk, beside\n"
              "the daemon or without it, for any day that is still kept.\n\n"
              "  calls (default), talk   each call, and what it adds to the figure in Redis\n"
              "  leads                   the week's leads, the calls to them, how it was judged\n"
              "  points                  the month's entries in the ledger of points\n"
              "  state                   how the day's state came about\n"
              "  --day 2026-11-23, --week 2026-W48, --month 2026-11   default: the running one\n"
              "  --state-dir DIR         default: state_dir of the configuration (-c FILE)\n",
    .run = run,
};
