/* The report as a page: made to be read on paper (A4) as well as on a screen. */
#include <stdio.h>

#include "callpace/base/text.h"
#include "report_inner.h"

/* What stands above a column; `name` that of the registry, or "days": the chart. */
struct heading {
  const char *name, *en, *zh;
};
static const struct heading headings[] = {
    {"agent", "Agent", "工号"},
    {"name", "Name", "姓名"},
    {"team", "Team", "团队"},
    {"class", "Class", "类别"},
    {"days", "Day by day", "每日"},
    {"dials", "Dials", "外呼"},
    {"answered", "Answered", "接通"},
    {"calls", "Calls", "有效通话"},
    {"talk_ms", "Talk", "通话时长"},
    {"calls_state", "Calls are", "通话数状态"},
    {"talk_state", "Talk is", "时长状态"},
    {"state", "State", "状态"},
    {"inbound", "Inbound", "呼入"},
    {"first_dial_ms", "First dial", "首呼"},
    {"last_dial_ms", "Last dial", "末呼"},
    {"lost_track", "Lost", "失去跟踪"},
    {"leads_issued", "Leads", "名单"},
    {"leads_dialled", "Dialled", "已拨"},
    {"leads_reached", "Reached", "达标联系"},
    {"contact_rate_bp", "Contact rate", "联系率"},
    {"threshold_bp", "Threshold", "标准"},
    {"rung", "Rung", "阶梯"},
    {"members", "Members", "会员"},
    {"days_met", "Days met", "达标天"},
    {"days_missed", "Missed", "未达标天"},
    {"days_unknown", "Unknown", "数据不足"},
    {"basic", "Basic", "基本工作量"},
    {"incentive", "Incentive", "激励"},
    {"outcome", "Outcome", "考核结果"},
    {"attainment_bp", "Attained", "完成率"},
    {"points", "Points", "积分"},
    {"offences", "Offences", "违规"},
    {"coverage_bp", "Coverage", "覆盖率"},
};
enum { HEADINGS = sizeof headings / sizeof *headings };

/* The figure against its target, where the report has that. */
static const char *const targets[][3] = {{"calls", "calls_target", "calls_expected"},
                                         {"talk_ms", "talk_target_ms", "talk_expected_ms"},
                                         {"members", "members_target", NULL}};

static const char *in_tongue(const struct report *r, const char *en, const char *zh) {
  return r->options.chinese ? zh : en;
}

void report_put_words(const struct report *r, struct slice name, struct writer *out) {
  static const char *const words[][2] = {
      {"met", "已达标"},
      {"on_pace", "进度正常"},
      {"warming", "热身中"},
      {"behind", "落后"},
      {"missed", "未达标"},
      {"unreachable", "无法达标"},
      {"exempt", "免考核"},
      {"unknown", "数据不足"},
      {"unrostered", "未登记"},
      {"new", "新人"},
      {"veteran", "老员工"},
      {"unmet", "未达标"},
      {"alternative", "替代标准"},
      {"on_track", "正常"},
      {"at_risk", "有风险"},
      {"reached", "已达到"},
      {"short", "不足"},
      {"none", "无名单"},
      {"base_only", "基本工资"},
      {"base_and_bonus", "基本工资加奖金"},
      {"by_attainment", "按完成率"},
      {"bonus_less_100", "奖金，基本工资减 100 元"},
  };
  for (size_t i = 0; r->options.chinese && i < sizeof words / sizeof *words; i++)
    if (slice_equal(name, slice_of(words[i][0]))) {
      put_text(out, words[i][1]);
      return;
    }
  size_t from = out->len;
  text_put_html(out, name);
  for (size_t i = from; i < out->len; i++)
    if (out->data[i] == '_') out->data[i] = ' ';
}

/* --- values --- */

/* "2:30" hours. */
static void put_duration(msec_t length_ms, struct writer *out) {
  long long minutes = (long long)(length_ms / MSEC_PER_MIN);
  put_format(out, "%lld:%02lld", minutes / 60, minutes % 60);
}

static const struct zone *zone_of(const struct report *r) {
  return centre_settings(r->options.fold->centre)->policy->calendar.zone;
}

/* "09:00", with seconds or date where asked. */
static void put_clock(const struct report *r, msec_t at, bool with_date, struct writer *out) {
  char text[CLOCK_TEXT_SIZE];
  clock_format_rfc3339(at + zone_offset_ms(zone_of(r), at), text);
  if (with_date) put_format(out, "%.10s ", text);
  put_format(out, "%.5s", text + 11);
}

static void put_value(const struct report *r, const struct metric *metric,
                      const struct metric_value *value, struct writer *out) {
  switch (metric->unit) {
  case UNIT_TEXT: report_put_words(r, value->text, out); break;
  case UNIT_MS: put_duration(value->number, out); break;
  case UNIT_TIME_MS: put_clock(r, value->number, false, out); break;
  case UNIT_BP:
    put_format(out, "%lld.%lld%%", (long long)value->number / 100,
               (long long)(value->number % 100 / 10));
    break;
  default: put_int(out, value->number);
  }
}

static bool number_of(const struct report *r, const struct report_row *row, const char *name,
                      int64_t *number) {
  struct metric_value value;
  int column = name ? report_find_column(r, name) : -1;
  if (column < 0 || !report_value(r, row, (unsigned)column, &value)) return false;
  *number = value.number;
  return true;
}

/* --- cells --- */

static bool is_chart(const struct heading *heading) {
  return strcmp(heading->name, "days") == 0;
}

/* Left out where everybody has 0. */
static bool is_rare(const struct heading *heading) {
  static const char *const rare[] = {"inbound", "lost_track", "days_unknown"};
  for (size_t i = 0; i < sizeof rare / sizeof *rare; i++)
    if (strcmp(heading->name, rare[i]) == 0) return true;
  return false;
}

/* Columns that nobody has anything in are left out. */
static bool is_used(const struct report *r, const struct heading *heading) {
  if (is_chart(heading)) return r->options.period.kind != PERIOD_DAY;
  struct metric_value value;
  int column = report_find_column(r, heading->name);
  for (size_t i = 0; column >= 0 && i < r->row_count; i++)
    if (report_value(r, &r->rows[i], (unsigned)column, &value) &&
        !(is_rare(heading) && value.number == 0))
      return true;
  return false;
}

static void put_target(const struct report *r, const struct report_row *row, const char *name,
                       enum metric_unit unit, int64_t done, struct writer *out) {
  int64_t target, expected = 0;
  for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
    if (strcmp(targets[i][0], name) != 0 || !number_of(r, row, targets[i][1], &target)) continue;
    put_text(out, "<small> / ");
    if (unit == UNIT_MS)
      put_duration(target, out);
    else
      put_int(out, target);
    put_text(out, "</small>");
    number_of(r, row, targets[i][2], &expected);
    report_chart_bar(done, target, expected, out);
  }
}

/* The names of people and teams are shown as they are, states in words. */
static void put_name(const struct report *r, const struct heading *heading, struct slice text,
                     struct writer *out) {
  static const char *const names[] = {"agent", "name", "team"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(heading->name, names[i]) == 0) {
      text_put_html(out, text);
      return;
    }
  report_put_words(r, text, out);
}

static void put_cell(const struct report *r, const struct report_row *row,
                     const struct heading *heading, struct writer *out) {
  struct metric_value value;
  if (is_chart(heading)) {
    put_text(out, "<td>");
    report_chart_row(r, row, out);
    put_text(out, "</td>");
    return;
  }
  unsigned column = (unsigned)report_find_column(r, heading->name);
  const struct metric *metric = r->columns[column].metric;
  bool wraps = strcmp(heading->name, "name") == 0;
  put_text(out, wraps                       ? "<td class=\"w\">"
                : metric->unit == UNIT_TEXT ? "<td>"
                                            : "<td class=\"n\">");
  if (report_value(r, row, column, &value)) {
    if (value.is_text)
      put_name(r, heading, value.text, out);
    else
      put_value(r, metric, &value, out);
    if (!value.is_text) put_target(r, row, heading->name, metric->unit, value.number, out);
  }
  put_text(out, "</td>");
}

/* --- the page --- */

static const char style[] =
    "@page{size:A4 landscape;margin:12mm}"
    "body{font:13px/1.4 system-ui,\"Noto Sans CJK SC\",\"Microsoft "
    "YaHei\",sans-serif;color:#1c2430;"
    "margin:24px auto;max-width:1180px;padding:0 16px}"
    "h1{font-size:20px;margin:0}p{margin:2px 0 14px;color:#5a6675}"
    ".tiles{display:flex;gap:12px;margin:0 0 14px}"
    ".tiles div{border:1px solid #d8dde4;border-radius:6px;padding:6px 14px}"
    ".tiles b{display:block;font-size:18px}"
    "figure{margin:0 0 14px}figcaption{color:#5a6675}"
    "svg.states,svg.days{width:100%;max-width:640px;display:block}"
    "svg text{font-size:9px;text-anchor:middle;fill:#5a6675}"
    ".key{margin-right:12px;white-space:nowrap}"
    ".key i{display:inline-block;width:10px;height:10px;margin-right:4px}"
    "table{border-collapse:collapse;width:100%}thead{display:table-header-group}"
    "th{text-align:left;border-bottom:2px solid #1c2430;padding:3px 8px 3px "
    "0;vertical-align:bottom}"
    "td{border-bottom:1px solid #e3e7ec;padding:3px 8px 3px 0;vertical-align:top}"
    "td,th{white-space:nowrap}td.w{white-space:normal}tr{break-inside:avoid}.n{text-align:right;"
    "font-variant-numeric:tabular-nums}"
    "small{color:#5a6675}svg.bar{display:block;width:100%;min-width:60px;height:5px;margin-top:2px}"
    "*{print-color-adjust:exact;-webkit-print-color-adjust:exact}"
    "@media print{body{margin:0;padding:0;font-size:10px}.tiles b{font-size:14px}}";

static void put_title(const struct report *r, struct writer *out) {
  static const char *const en[] = {"Day", "Week", "Month"};
  static const char *const zh[] = {"日报", "周报", "月报"};
  unsigned kind = r->options.period.kind;
  if (r->options.chinese)
    put_format(out, "坐席%s %s", zh[kind], r->options.period.text);
  else
    put_format(out, "%s report %s", en[kind], r->options.period.text);
}

static void put_head(const struct report *r, struct writer *out) {
  put_format(out, "<!DOCTYPE html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">",
             in_tongue(r, "en", "zh-CN"));
  put_text(out, "<meta name=\"viewport\" content=\"width=device-width\"><title>");
  put_title(r, out);
  put_format(out, "</title><style>%s</style></head>\n<body><h1>", style);
  put_title(r, out);
  put_text(out, "</h1>\n<p>");
  if (r->options.team.len) {
    put_text(out, in_tongue(r, "Team ", "团队 "));
    text_put_html(out, r->options.team);
    put_text(out, " · ");
  }
  if (r->options.fold->now_ms != MSEC_NONE) {
    put_text(out, in_tongue(r, "as of ", "截至 "));
    put_clock(r, r->options.fold->now_ms, true, out);
    put_char(out, ' ');
  }
  text_put_html(out, slice_of(zone_name(zone_of(r))));
  if (r->options.node[0]) {
    put_text(out, " · ");
    text_put_html(out, slice_of(r->options.node));
  }
  put_text(out, "</p>\n");
}

static int64_t total_of(const struct report *r, const char *name) {
  int64_t total = 0, number;
  for (size_t i = 0; i < r->row_count; i++)
    if (number_of(r, &r->rows[i], name, &number)) total += number;
  return total;
}

static void put_tiles(const struct report *r, struct writer *out) {
  static const struct heading tiles[] = {{"dials", "dials", "外呼"},
                                         {"answered", "answered", "接通"},
                                         {"calls", "calls", "有效通话"},
                                         {"talk_ms", "talk", "通话时长"},
                                         {"members", "members", "会员"}};
  put_format(out, "<div class=\"tiles\"><div><b>%zu</b>%s</div>", r->row_count,
             in_tongue(r, "agents", "坐席"));
  for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
    int64_t total = total_of(r, tiles[i].name);
    put_text(out, "<div><b>");
    if (strcmp(tiles[i].name, "talk_ms") == 0)
      put_duration(total, out);
    else
      put_int(out, total);
    put_format(out, "</b>%s</div>", in_tongue(r, tiles[i].en, tiles[i].zh));
  }
  put_text(out, "</div>\n");
}

static void put_table(const struct report *r, struct writer *out) {
  bool used[HEADINGS];
  put_text(out, "<table><thead><tr>");
  for (unsigned i = 0; i < HEADINGS; i++) {
    used[i] = is_used(r, &headings[i]);
    if (!used[i]) continue;
    int column = report_find_column(r, headings[i].name);
    bool number = column >= 0 && r->columns[column].metric->unit != UNIT_TEXT;
    put_format(out, "<th%s>%s</th>", number ? " class=\"n\"" : "",
               in_tongue(r, headings[i].en, headings[i].zh));
  }
  put_text(out, "</tr></thead>\n<tbody>\n");
  for (size_t i = 0; i < r->row_count; i++) {
    put_text(out, "<tr>");
    for (unsigned c = 0; c < HEADINGS; c++)
      if (used[c]) put_cell(r, &r->rows[i], &headings[c], out);
    put_text(out, "</tr>\n");
  }
  put_text(out, "</tbody></table>\n");
}

void report_put_html(const struct report *r, struct writer *out) {
  put_head(r, out);
  put_tiles(r, out);
  report_chart_states(r, out);
  report_chart_days(r, out);
  put_table(r, out);
  put_text(out, "</body></html>\n");
}
