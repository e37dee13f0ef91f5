/* Rows and columns, JSON and CSV. */
#include "callpace/core/report.h"

#include <assert.h>
#include <stdlib.h>

#include "callpace/base/mem.h"
#include "callpace/base/text.h"

/* What a period adds to the registry: sums over its days. */
enum sum_field {
  SUM_PERIOD,
  SUM_DIALS,
  SUM_ANSWERED,
  SUM_CALLS,
  SUM_TALK,
  SUM_INBOUND,
  SUM_LOST_TRACK,
  SUM_MEMBERS,
  SUM_DAYS_MET,
  SUM_DAYS_MISSED,
  SUM_DAYS_UNKNOWN,
  SUM_COVERAGE,
  SUM_FIELDS
};
static const struct metric sums[] = {
    [SUM_PERIOD] = {"period", UNIT_TEXT, "Day, week or month", "周期"},
    [SUM_DIALS] = {"dials", UNIT_COUNT, "Outbound attempts", "外呼次数"},
    [SUM_ANSWERED] = {"answered", UNIT_COUNT, "Outbound attempts answered", "外呼接通数"},
    [SUM_CALLS] = {"calls", UNIT_COUNT, "Calls that count towards the target", "有效通话数"},
    [SUM_TALK] = {"talk_ms", UNIT_MS, "Talk that counts towards the target", "有效通话时长"},
    [SUM_INBOUND] = {"inbound", UNIT_COUNT, "Inbound calls answered", "呼入接听数"},
    [SUM_LOST_TRACK] = {"lost_track", UNIT_COUNT, "Calls whose end was never seen",
                        "失去跟踪的通话"},
    [SUM_MEMBERS] = {"members", UNIT_COUNT, "Members developed", "发展会员数"},
    [SUM_DAYS_MET] = {"days_met", UNIT_COUNT, "Days that met both targets", "达标天数"},
    [SUM_DAYS_MISSED] = {"days_missed", UNIT_COUNT, "Days that ended missed", "未达标天数"},
    [SUM_DAYS_UNKNOWN] = {"days_unknown", UNIT_COUNT, "Days of which too little was seen",
                          "数据不足天数"},
    [SUM_COVERAGE] = {"coverage_bp", UNIT_BP, "Share of productive time that was seen",
                      "数据覆盖率"},
};

enum { WHO_FIELDS = 4 }; /* agent name team class: the first of the day's registry */

static day_t last_day(const struct report *r) {
  return r->options.period.last;
}

static unsigned day_count(const struct report *r) {
  return (unsigned)(last_day(r) - r->options.period.first) + 1;
}

/* --- columns --- */

int report_find_column(const struct report *r, const char *name) {
  for (unsigned i = 0; i < r->column_count; i++)
    if (strcmp(r->columns[i].metric->name, name) == 0) return (int)i;
  return -1;
}

static void add_column(struct report *r, const struct metric *metrics, int from, unsigned index) {
  assert(r->column_count < REPORT_COLUMNS_MAX);
  if (report_find_column(r, metrics[index].name) >= 0) return;
  struct report_column column = {.metric = &metrics[index], .index = index};
  column.from = from;
  r->columns[r->column_count++] = column;
}

static void add_sum_columns(struct report *r) {
  for (unsigned i = SUM_DIALS; i < SUM_FIELDS; i++)
    add_column(r, sums, REPORT_SUM, i);
}

/* What an offence costs books into a month: its points stand beside the week. */
static void add_week_columns(struct report *r) {
  add_sum_columns(r);
  for (unsigned i = 0; i < week_metric_count; i++)
    add_column(r, week_metrics, REPORT_WEEK, i);
  for (unsigned i = 0; i < month_metric_count; i++)
    if (strcmp(month_metrics[i].name, "points") == 0) add_column(r, month_metrics, REPORT_MONTH, i);
}

static void add_columns(struct report *r) {
  for (unsigned i = 0; i < WHO_FIELDS; i++)
    add_column(r, day_metrics, REPORT_WHO, i);
  add_column(r, sums, REPORT_SUM, SUM_PERIOD);
  switch (r->options.period.kind) {
  case PERIOD_DAY:
    for (unsigned i = WHO_FIELDS; i < day_metric_count; i++)
      add_column(r, day_metrics, REPORT_DAY, i);
    return;
  case PERIOD_WEEK: add_week_columns(r); return;
  default:
    for (unsigned i = 0; i < month_metric_count; i++)
      add_column(r, month_metrics, REPORT_MONTH, i);
  }
  add_sum_columns(r);
}

/* --- rows --- */

static struct slice team_of(const struct centre_agent *agent) {
  const struct agent *rostered = agent->rostered;
  return slice_of(rostered && rostered->team ? rostered->team->id : "");
}

static int compare_text(struct slice a, struct slice b) {
  size_t len = a.len < b.len ? a.len : b.len;
  int order = len ? memcmp(a.data, b.data, len) : 0;
  return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_team(const void *a, const void *b) {
  const struct report_row *x = a, *y = b;
  int order = compare_text(team_of(x->agent), team_of(y->agent));
  return order ? order : strcmp(x->agent->id, y->agent->id);
}

static void fill_row(struct report *r, struct centre_agent *agent, struct report_row *row) {
  *row = (struct report_row){.agent = agent};
  for (struct day_tally *t = agent->days; t && t->day >= r->options.period.first; t = t->older)
    if (t->day <= last_day(r)) row->days[t->day - r->options.period.first] = t;
  if (r->options.period.kind == PERIOD_DAY) return;
  if (r->options.period.kind == PERIOD_WEEK)
    row->week = centre_find_week(agent, r->options.period.first);
  const struct month_tally *month = centre_find_month(agent, month_of(last_day(r)));
  if (month) fold_month(r->options.fold, month, &row->month);
}

static bool has_days(const struct report *r, const struct report_row *row) {
  for (unsigned i = 0; i < day_count(r); i++)
    if (row->days[i]) return true;
  return false;
}

bool report_team_exists(const struct report_options *options) {
  const struct roster *roster = centre_settings(options->fold->centre)->roster;
  for (size_t i = 0; i < roster->team_count; i++)
    if (slice_equal(slice_of(roster->teams[i].id), options->team)) return true;
  return options->team.len == 0;
}

void report_make(const struct report_options *options, struct report *out) {
  const struct centre *centre = options->fold->centre;
  *out = (struct report){.options = *options};
  out->rows = mem_alloc((centre_agent_count(centre) + 1) * sizeof *out->rows);
  add_columns(out);
  for (size_t i = 0; i < centre_agent_count(centre); i++) {
    struct centre_agent *agent = centre_agent_at(centre, i);
    if (options->team.len && !slice_equal(team_of(agent), options->team)) continue;
    fill_row(out, agent, &out->rows[out->row_count]);
    if (has_days(out, &out->rows[out->row_count])) out->row_count++;
  }
  if (out->row_count) qsort(out->rows, out->row_count, sizeof *out->rows, by_team);
}

void report_free(struct report *r) {
  free(r->rows);
  *r = (struct report){.rows = NULL};
}

/* --- values --- */

static int64_t count_states(const struct report *r, const struct report_row *row,
                            enum pace_state state) {
  int64_t count = 0;
  for (unsigned i = 0; i < day_count(r); i++)
    count += row->days[i] && row->days[i]->verdict.state == state;
  return count;
}

static int64_t sum_days(const struct report *r, const struct report_row *row, unsigned field) {
  int64_t sum = 0;
  for (unsigned i = 0; i < day_count(r); i++) {
    const struct day_tally *t = row->days[i];
    if (!t) continue;
    switch ((enum sum_field)field) {
    case SUM_DIALS: sum += t->dials; break;
    case SUM_ANSWERED: sum += t->answered; break;
    case SUM_CALLS: sum += t->calls; break;
    case SUM_TALK: sum += t->talk.total_ms; break;
    case SUM_INBOUND: sum += t->inbound; break;
    case SUM_LOST_TRACK: sum += t->lost_track; break;
    default: sum += t->members; break;
    }
  }
  return sum;
}

/* Of the productive time that has passed in the judged days. */
static bool coverage_of(const struct report *r, const struct report_row *row, int64_t *bp) {
  struct fold *fold = r->options.fold;
  msec_t whole = 0, missing = 0;
  for (unsigned i = 0; i < day_count(r); i++) {
    const struct day_plan *plan = row->days[i] ? centre_plan(fold->centre, row->days[i]) : NULL;
    if (!plan || plan->exempt) continue;
    whole += spans_elapsed(&plan->productive, fold->now_ms);
    missing +=
        coverage_missing_ms(&fold->coverage, row->agent->rostered, &plan->productive, fold->now_ms);
  }
  if (whole > 0) *bp = (whole - missing) * 10000 / whole;
  return whole > 0;
}

static bool sum_value(const struct report *r, const struct report_row *row, unsigned field,
                      struct metric_value *out) {
  *out = (struct metric_value){0};
  switch ((enum sum_field)field) {
  case SUM_PERIOD:
    *out = (struct metric_value){.is_text = true, .text = slice_of(r->options.period.text)};
    return true;
  case SUM_DAYS_MET: out->number = count_states(r, row, PACE_MET); return true;
  case SUM_DAYS_MISSED: out->number = count_states(r, row, PACE_MISSED); return true;
  case SUM_DAYS_UNKNOWN: out->number = count_states(r, row, PACE_UNKNOWN); return true;
  case SUM_COVERAGE: return coverage_of(r, row, &out->number);
  default: out->number = sum_days(r, row, field); return true;
  }
}

/* Who it is stands in every tally; the newest knows best. */
static const struct day_tally *newest(const struct report *r, const struct report_row *row) {
  unsigned i = day_count(r);
  while (i > 0 && !row->days[i - 1])
    i--;
  assert(i > 0);
  return row->days[i - 1];
}

bool report_value(const struct report *r, const struct report_row *row, unsigned column,
                  struct metric_value *out) {
  const struct report_column *c = &r->columns[column];
  switch (c->from) {
  case REPORT_WHO: return day_metric_value(newest(r, row), r->options.node, c->index, out);
  case REPORT_DAY: return day_metric_value(row->days[0], r->options.node, c->index, out);
  case REPORT_WEEK: return row->week && week_metric_value(row->week, c->index, out);
  case REPORT_MONTH: return row->month.tally && month_metric_value(&row->month, c->index, out);
  default: return sum_value(r, row, c->index, out);
  }
}

/* --- JSON and CSV --- */

void report_put_json(const struct report *r, struct writer *out) {
  struct metric_value value;
  json_open(out, '[');
  for (size_t i = 0; i < r->row_count; i++) {
    json_open(out, '{');
    for (unsigned c = 0; c < r->column_count; c++) {
      if (!report_value(r, &r->rows[i], c, &value)) continue;
      if (value.is_text)
        json_put_string(out, r->columns[c].metric->name, value.text);
      else
        json_put_int(out, r->columns[c].metric->name, value.number);
    }
    json_close(out, '}');
  }
  json_close(out, ']');
}

static bool is_ascii(struct slice text) {
  for (size_t i = 0; i < text.len; i++)
    if ((unsigned char)text.data[i] >= 0x80) return false;
  return true;
}

static void put_csv_rows(const struct report *r, struct writer *out) {
  struct metric_value value;
  for (unsigned c = 0; c < r->column_count; c++) {
    const struct metric *metric = r->columns[c].metric;
    if (c) put_char(out, ',');
    text_put_csv(out, slice_of(r->options.chinese ? metric->help_zh : metric->name));
  }
  put_text(out, "\r\n");
  for (size_t i = 0; i < r->row_count; i++) {
    for (unsigned c = 0; c < r->column_count; c++) {
      if (c) put_char(out, ',');
      if (!report_value(r, &r->rows[i], c, &value)) continue;
      if (value.is_text)
        text_put_csv(out, value.text);
      else
        put_int(out, value.number);
    }
    put_text(out, "\r\n");
  }
}

void report_put_csv(const struct report *r, struct writer *out) {
  struct writer rows = {0};
  put_csv_rows(r, &rows);
  if (!is_ascii(writer_slice(&rows))) put_text(out, "\xEF\xBB\xBF");
  put_slice(out, writer_slice(&rows));
  writer_free(&rows);
}

/* --- formats --- */

static const char *const formats[] = {
    [REPORT_JSON] = "json", [REPORT_CSV] = "csv", [REPORT_HTML] = "html"};

const char *report_format_name(enum report_format format) {
  return (unsigned)format <= REPORT_HTML ? formats[format] : NULL;
}

enum report_format report_format_parse(struct slice name) {
  for (unsigned i = REPORT_JSON; i <= REPORT_HTML; i++)
    if (slice_equal(name, slice_of(formats[i]))) return (enum report_format)i;
  return REPORT_NO_FORMAT;
}

void report_write(const struct report_options *options, enum report_format format,
                  struct writer *out) {
  struct report report;
  report_make(options, &report);
  switch (format) {
  case REPORT_CSV: report_put_csv(&report, out); break;
  case REPORT_HTML: report_put_html(&report, out); break;
  default: report_put_json(&report, out);
  }
  report_free(&report);
}
