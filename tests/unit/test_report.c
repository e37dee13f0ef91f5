/* Reports: which rows and columns, and that nothing in a name gets out of its cell. */
#include <criterion/criterion.h>

#include "callpace/core/report.h"
#include "centre_fixture.h"

struct scene {
  struct settings *settings;
  struct fold fold;
  uint64_t lsn;
};

static void tell(struct scene *s, enum call_event_type type, const char *call, const char *agent,
                 msec_t ts) {
  struct call_event event = call_event_of(type, ts);
  event.call = slice_of(call);
  event.agent = slice_of(agent);
  fold_event(&s->fold, ++s->lsn, 0, 0, &event, ts);
}

static void call(struct scene *s, const char *call, const char *agent, const char *at,
                 msec_t talk_ms) {
  tell(s, EVENT_CALL_START, call, agent, utc(at));
  tell(s, EVENT_CALL_ANSWER, call, "", utc(at));
  tell(s, EVENT_CALL_END, call, "", utc(at) + talk_ms);
}

static struct scene scene(void) {
  struct scene s = {.settings = fixture_settings(3)};
  fold_init(&s.fold, s.settings, true);
  call(&s, "a", "1001", "2026-11-23T01:00:00Z", 60 * SEC);
  call(&s, "b", "1001", "2026-11-23T02:00:00Z", 90 * SEC);
  call(&s, "c", "1001", "2026-11-25T02:00:00Z", 30 * SEC);
  call(&s, "d", "=HYPERLINK(\"x\")", "2026-11-23T03:00:00Z", 30 * SEC);
  fold_judge(&s.fold, NULL);
  return s;
}

static void end(struct scene *s) {
  fold_free(&s->fold);
  settings_free(s->settings);
}

static struct report_options options(struct scene *s, enum period_kind kind) {
  return (struct report_options){
      .fold = &s->fold, .node = "here", .period = period_of(kind, date("2026-11-23"))};
}

static struct metric_value value(const struct report *r, size_t row, const char *name) {
  struct metric_value out = {.number = -1};
  int column = report_find_column(r, name);
  cr_assert_geq(column, 0, "%s", name);
  report_value(r, &r->rows[row], (unsigned)column, &out);
  return out;
}

/* CONTRACT section 4: columns named as its fields, and section 7 of the rules: daily
 * statistics. */
Test(report, has_a_row_an_agent_and_the_fields_of_the_contract) {
  struct scene s = scene();
  struct report r;
  struct report_options asked = options(&s, PERIOD_DAY);
  report_make(&asked, &r);
  cr_assert_eq(r.row_count, 4);
  for (unsigned i = 0; i < day_metric_count; i++)
    cr_assert_geq(report_find_column(&r, day_metrics[i].name), 0);
  cr_assert_eq(value(&r, 1, "calls").number, 2);
  cr_assert_eq(value(&r, 1, "talk_ms").number, 150 * SEC);
  cr_assert(slice_equal(value(&r, 1, "agent").text, SLICE("1001")));
  cr_assert(slice_equal(value(&r, 0, "state").text, SLICE("unrostered")));
  report_free(&r);
  asked = options(&s, PERIOD_WEEK);
  report_make(&asked, &r);
  cr_assert_eq(value(&r, 1, "calls").number, 3);
  cr_assert_eq(value(&r, 1, "talk_ms").number, 180 * SEC);
  cr_assert_eq(value(&r, 1, "dials").number, 3);
  cr_assert_eq(value(&r, 1, "days_missed").number, 2); /* on Tuesday nobody called */
  cr_assert_eq(value(&r, 1, "coverage_bp").number, 10000);
  cr_assert(slice_equal(value(&r, 1, "period").text, SLICE("2026-W48")));
  report_free(&r);
  asked = options(&s, PERIOD_MONTH);
  report_make(&asked, &r);
  for (unsigned i = 0; i < month_metric_count; i++)
    cr_assert_geq(report_find_column(&r, month_metrics[i].name), 0);
  cr_assert_eq(value(&r, 1, "calls").number, 3);
  cr_assert_eq(value(&r, 1, "calls_target").number, 1320);
  report_free(&r);
  end(&s);
}

Test(report, can_be_of_one_team) {
  struct scene s = scene();
  struct report r;
  struct report_options asked = options(&s, PERIOD_DAY);
  asked.team = SLICE("red");
  cr_assert(report_team_exists(&asked));
  report_make(&asked, &r);
  cr_assert_eq(r.row_count, 3);
  report_free(&r);
  asked.team = SLICE("none");
  cr_assert_not(report_team_exists(&asked));
  end(&s);
}

Test(report, a_spreadsheet_finds_no_formula_in_it) {
  struct scene s = scene();
  s.settings->roster->agents[0].name = "\xE7\x8E\x8B, \"the\" = \r\n1";
  s.settings->roster->agents[1].name = "\xEF\xBC\x8B"
                                       "1+1";
  struct writer out = {0};
  struct report_options asked = options(&s, PERIOD_DAY);
  report_write(&asked, REPORT_CSV, &out);
  const char *text = writer_text(&out);
  cr_assert_eq(strncmp(text,
                       "\xEF\xBB\xBF"
                       "agent,name,",
                       14),
               0);
  cr_assert_not_null(strstr(text, "\r\n\"'=HYPERLINK(\"\"x\"\")\","));
  cr_assert_not_null(strstr(text, "1001,\"\xE7\x8E\x8B, \"\"the\"\" =   1\",red,"));
  cr_assert_not_null(strstr(text, "1002,\"'\xEF\xBC\x8B"
                                  "1+1\",red,"));
  size_t lines = 0;
  for (const char *c = text; *c; c++)
    lines += *c == '\n';
  cr_assert_eq(lines, 5);
  writer_reset(&out);
  asked.chinese = true;
  report_write(&asked, REPORT_CSV, &out);
  cr_assert_not_null(strstr(writer_text(&out), "坐席工号,姓名,"));
  writer_free(&out);
  end(&s);
}

Test(report, ascii_needs_no_byte_order_mark) {
  struct scene s = scene();
  struct writer out = {0};
  struct report_options asked = options(&s, PERIOD_WEEK);
  report_write(&asked, REPORT_CSV, &out);
  cr_assert_eq(strncmp(writer_text(&out), "agent,name,team,class,period,", 29), 0);
  writer_free(&out);
  end(&s);
}

Test(report, a_name_is_no_markup) {
  struct scene s = scene();
  s.settings->roster->agents[0].name = "<script>alert('x')</script>&\x1b[2J\xff\xe2\x80\xae";
  for (unsigned kind = 0; kind < PERIOD_KINDS; kind++) {
    struct writer out = {0};
    struct report_options asked = options(&s, (enum period_kind)kind);
    asked.chinese = kind == PERIOD_WEEK;
    report_write(&asked, REPORT_HTML, &out);
    const char *text = writer_text(&out);
    cr_assert_null(strstr(text, "<script"));
    cr_assert_null(strstr(text, "\xe2\x80\xae"));
    cr_assert_null(strchr(text, '\x1b'));
    cr_assert_not_null(strstr(text, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;?[2J?"
                                    "?</td>"));
    cr_assert_not_null(strstr(text, "=HYPERLINK(&quot;x&quot;)"));
    cr_assert_not_null(strstr(text, "</table>\n</body></html>"));
    writer_free(&out);
  }
  end(&s);
}
