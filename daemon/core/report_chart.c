/* Drawings of the report. Their colours say what the words beside them say, too. */
#include "report_inner.h"

enum { BAR_WIDTH = 640, DAYS_WIDTH = 640, DAYS_HEIGHT = 90, ROW_STEP = 5, ROW_HEIGHT = 18 };

static const enum pace_state shown[] = {PACE_MET,     PACE_ON_PACE,     PACE_WARMING,
                                        PACE_BEHIND,  PACE_UNREACHABLE, PACE_MISSED,
                                        PACE_UNKNOWN, PACE_EXEMPT,      PACE_UNROSTERED};
enum { SHOWN = sizeof shown / sizeof *shown };

const char *report_colour(enum pace_state state) {
  static const char *const colours[PACE_STATES] = {
      [PACE_NONE] = "#c9ced6",      [PACE_MISSED] = "#c0392b",  [PACE_UNREACHABLE] = "#d9603b",
      [PACE_BEHIND] = "#e0a030",    [PACE_WARMING] = "#b7c3d0", [PACE_ON_PACE] = "#3f8fc4",
      [PACE_MET] = "#2e8b57",       [PACE_EXEMPT] = "#dfe3e8",  [PACE_UNKNOWN] = "#8e98a5",
      [PACE_UNROSTERED] = "#e8e0d0"};
  return (unsigned)state < PACE_STATES ? colours[state] : colours[PACE_NONE];
}

static unsigned day_count(const struct report *r) {
  return (unsigned)(r->options.period.last - r->options.period.first) + 1;
}

static void count_states(const struct report *r, int64_t counts[PACE_STATES]) {
  for (size_t i = 0; i < r->row_count; i++)
    for (unsigned d = 0; d < day_count(r); d++) {
      const struct day_tally *t = r->rows[i].days[d];
      if (t) counts[t->rostered ? t->verdict.state : PACE_UNROSTERED]++;
    }
}

void report_chart_states(const struct report *r, struct writer *out) {
  int64_t counts[PACE_STATES] = {0}, total = 0, at = 0;
  count_states(r, counts);
  for (unsigned i = 0; i < SHOWN; i++)
    total += counts[shown[i]];
  if (total == 0) return;
  put_format(out, "<figure><svg viewBox=\"0 0 %d 22\" class=\"states\">", BAR_WIDTH);
  for (unsigned i = 0; i < SHOWN; i++) {
    int64_t from = at * BAR_WIDTH / total, to = (at += counts[shown[i]]) * BAR_WIDTH / total;
    if (from == to) continue;
    put_format(out, "<rect x=\"%lld\" y=\"0\" width=\"%lld\" height=\"22\" fill=\"%s\"/>",
               (long long)from, (long long)(to - from), report_colour(shown[i]));
  }
  put_text(out, "</svg><figcaption>");
  for (unsigned i = 0; i < SHOWN; i++) {
    if (counts[shown[i]] == 0) continue;
    put_format(out, "<span class=\"key\"><i style=\"background:%s\"></i>", report_colour(shown[i]));
    report_put_words(r, slice_of(pace_state_name(shown[i])), out);
    put_format(out, " %lld</span> ", (long long)counts[shown[i]]);
  }
  put_text(out, "</figcaption></figure>\n");
}

static int64_t calls_on(const struct report *r, unsigned day) {
  int64_t sum = 0;
  for (size_t i = 0; i < r->row_count; i++)
    if (r->rows[i].days[day]) sum += r->rows[i].days[day]->calls;
  return sum;
}

void report_chart_days(const struct report *r, struct writer *out) {
  int64_t highest = 0, step = DAYS_WIDTH / day_count(r);
  for (unsigned d = 0; d < day_count(r); d++)
    if (calls_on(r, d) > highest) highest = calls_on(r, d);
  if (day_count(r) < 2 || highest == 0) return;
  put_format(out, "<figure><svg viewBox=\"0 0 %d %d\" class=\"days\">", DAYS_WIDTH,
             DAYS_HEIGHT + 30);
  for (unsigned d = 0; d < day_count(r); d++) {
    int64_t calls = calls_on(r, d), height = calls * DAYS_HEIGHT / highest;
    int64_t x = d * step, middle = x + step / 2;
    put_format(out, "<rect x=\"%lld\" y=\"%lld\" width=\"%lld\" height=\"%lld\" fill=\"#3f8fc4\"/>",
               (long long)(x + step / 8), (long long)(12 + DAYS_HEIGHT - height),
               (long long)(step - step / 4), (long long)height);
    if (calls)
      put_format(out, "<text x=\"%lld\" y=\"%lld\">%lld</text>", (long long)middle,
                 (long long)(9 + DAYS_HEIGHT - height), (long long)calls);
    put_format(out, "<text x=\"%lld\" y=\"%d\">%d</text>", (long long)middle, DAYS_HEIGHT + 25,
               civil_from_day(r->options.period.first + (day_t)d).day);
  }
  put_format(out, "</svg><figcaption>%s</figcaption></figure>\n",
             r->options.chinese ? "每日有效通话数" : "Calls by day");
}

void report_chart_bar(int64_t done, int64_t target, int64_t expected, struct writer *out) {
  if (target <= 0) return;
  int64_t width = done >= target ? 100 : done * 100 / target;
  put_text(out, "<svg viewBox=\"0 0 100 6\" class=\"bar\"><rect width=\"100\" height=\"6\" "
                "fill=\"#e6e9ee\"/>");
  put_format(out, "<rect width=\"%lld\" height=\"6\" fill=\"%s\"/>", (long long)width,
             report_colour(done >= target ? PACE_MET : PACE_ON_PACE));
  if (expected > 0 && expected < target)
    put_format(out, "<rect x=\"%lld\" width=\"1\" height=\"6\" fill=\"#222\"/>",
               (long long)(expected * 100 / target));
  put_text(out, "</svg>");
}

void report_chart_row(const struct report *r, const struct report_row *row, struct writer *out) {
  int64_t highest = 1;
  unsigned days = day_count(r);
  for (unsigned d = 0; d < days; d++) {
    const struct day_tally *t = row->days[d];
    if (t && t->calls > highest) highest = t->calls;
    if (t && t->calls_target > highest) highest = t->calls_target;
  }
  put_format(out, "<svg viewBox=\"0 0 %u %d\" width=\"%u\" height=\"%d\">", days * ROW_STEP,
             ROW_HEIGHT, days * ROW_STEP, ROW_HEIGHT);
  for (unsigned d = 0; d < days; d++) {
    const struct day_tally *t = row->days[d];
    if (!t) continue;
    int64_t height = (t->calls * (ROW_HEIGHT - 2) + highest - 1) / highest + 2;
    put_format(out, "<rect x=\"%u\" y=\"%lld\" width=\"%d\" height=\"%lld\" fill=\"%s\"/>",
               d * ROW_STEP, (long long)(ROW_HEIGHT - height), ROW_STEP - 1, (long long)height,
               report_colour(t->rostered ? t->verdict.state : PACE_UNROSTERED));
  }
  put_text(out, "</svg>");
}
