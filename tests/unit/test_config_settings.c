/* Policy and roster files. */
#include <criterion/criterion.h>

#include "callpace/io/config.h"

static enum status read_both(const char *policy, const char *roster, struct settings **out,
                             struct error *error) {
  return settings_from_text(slice_of(policy), "policy.yaml", slice_of(roster), "roster.yaml", out,
                            error);
}

static struct settings *read_good(const char *policy, const char *roster) {
  struct settings *settings = NULL;
  struct error error = {0};
  cr_assert_eq(read_both(policy, roster, &settings, &error), STATUS_OK, "%s", error.text);
  cr_assert_str_eq(settings->policy_text, policy);
  cr_assert_str_eq(settings->roster_text, roster);
  return settings;
}

static void expect_error(const char *policy, const char *roster, const char *place,
                         const char *words) {
  struct settings *settings = NULL;
  struct error error = {0};
  cr_assert_eq(read_both(policy, roster, &settings, &error), STATUS_CONFIG, "taken: %s %s", policy,
               roster);
  cr_assert_null(settings);
  cr_assert(strncmp(error.text, place, strlen(place)) == 0, "%s: not at %s", error.text, place);
  cr_assert_not_null(strstr(error.text, words), "%s: no \"%s\"", error.text, words);
}

static msec_t utc(const char *text) {
  msec_t at = 0;
  cr_assert(clock_parse_rfc3339(slice_of(text), &at), "%s", text);
  return at;
}

/* conf/policy.yaml and the defaults of the option table are the same policy. */
Test(settings, the_shipped_policy_is_the_default) {
  struct settings *shipped = NULL, *empty = read_good("", "");
  struct error error = {0};
  cr_assert_eq(settings_load(PROJECT_ROOT "/conf/policy.yaml", PROJECT_ROOT "/conf/roster.yaml",
                             &shipped, &error),
               STATUS_OK, "%s", error.text);
  cr_assert_eq(shipped->policy->count, 1);
  cr_assert_eq(empty->policy->count, 1);
  cr_assert_eq(memcmp(shipped->policy->policies, empty->policy->policies, sizeof(struct policy)),
               0);
  struct calendar a = shipped->policy->calendar, b = empty->policy->calendar;
  cr_assert_str_eq(zone_name(a.zone), zone_name(b.zone));
  cr_assert_eq(memcmp(a.working, b.working, sizeof a.working), 0);
  cr_assert_eq(memcmp(&a.shift, &b.shift, sizeof a.shift), 0);
  cr_assert_eq(memcmp(a.breaks, b.breaks, sizeof a.breaks), 0);
  cr_assert_eq(a.day_starts_ms, b.day_starts_ms);
  cr_assert_eq(a.holiday_count + a.workday_count + b.holiday_count + b.workday_count, 0);
  settings_free(shipped);
  settings_free(empty);
}

Test(settings, the_default_figures) {
  struct settings *s = read_good("", "");
  const struct policy *p = s->policy->policies;
  cr_assert(p->count.directions_out && !p->count.directions_in && !p->count.calls_when_attempted);
  cr_assert(p->count.talk_includes_hold && p->leave_prorates && !p->monthly_prorate_workdays);
  cr_assert_eq(p->count.max_call_ms, 4 * 3600000);
  cr_assert_eq(p->grace_days, 7);
  cr_assert_eq(p->classes[CLASS_NEW].day_calls, 50);
  cr_assert_eq(p->classes[CLASS_NEW].month_talk_ms, 2640 * 60000LL);
  cr_assert_eq(p->classes[CLASS_VETERAN].day_talk_ms, 150 * 60000);
  cr_assert_eq(p->classes[CLASS_VETERAN].month_members, 700);
  cr_assert_eq(p->alternative_count, 2);
  cr_assert_eq(p->alternatives[1].talk_ms, 15 * 3600000);
  cr_assert_eq(p->pace.behind_below_bp, 8000);
  cr_assert_eq(p->coverage_floor_bp, 9500);
  cr_assert_eq(p->contact.at_risk_weekday, 2);
  cr_assert_eq(p->contact.at_risk_time_ms, 12 * 3600000);
  cr_assert_eq(p->contact.rung_count, 3);
  cr_assert_eq(p->contact.ladder[2].points, -3);
  cr_assert_eq(p->contact.ladder[2].action, LADDER_REASSIGN_UNDIALLED);
  cr_assert(p->contact.ladder[2].requires_base_unmet && !p->contact.ladder[1].requires_base_unmet);
  cr_assert(p->contact.reassign_applies && !p->contact.reassign_site && p->contact.window_month);
  cr_assert_eq(p->contact.judge_weekday, 6);
  cr_assert_eq(p->contact.judge_time_ms, 24 * 3600000);
  cr_assert_not(p->contact.ladder_shadow);
  cr_assert_eq(p->points_start, 100);
  cr_assert_eq(p->points_appeal_ms, 3 * 24 * 3600000);
  const struct number_rules *numbers = &s->policy->numbers;
  cr_assert_eq(numbers->count, 4);
  cr_assert_str_eq(numbers->prefixes[0].text, "0086", "the longest comes first");
  cr_assert_str_eq(numbers->prefixes[1].text, "+86");
  cr_assert_str_eq(numbers->prefixes[2].text, "9");
  cr_assert_str_eq(numbers->prefixes[3].text, "0");
  settings_free(s);
}

/* POLICY 5; the ladder is a list of rungs, or a map that says more. */
Test(settings, a_ladder_in_either_form) {
  struct settings *s = read_good("policies:\n"
                                 "- {from: 2026-01-01, contact: {ladder: {shadow: true}}}\n"
                                 "- {from: 2026-02-01, contact: {ladder: {shadow: true, rungs: "
                                 "[{below: 0.5, points: -9, action: hold_leads, weeks: 2}]}}}\n"
                                 "- {from: 2026-03-01, contact: {ladder: []}}\n"
                                 "- {from: 2026-04-01, points: {appeal: 36h}, contact: "
                                 "{judge_at: \"sat 18:00\"}}\n",
                                 "");
  const struct policy *p = s->policy->policies;
  cr_assert(p[0].contact.ladder_shadow);
  cr_assert_eq(p[0].contact.rung_count, 3);
  cr_assert(p[1].contact.ladder_shadow);
  cr_assert_eq(p[1].contact.rung_count, 1);
  cr_assert_eq(p[1].contact.ladder[0].below_bp, 5000);
  cr_assert_eq(p[1].contact.ladder[0].weeks, 2);
  cr_assert_eq(p[2].contact.rung_count, 0);
  cr_assert_not(p[2].contact.ladder_shadow);
  cr_assert_eq(p[3].points_appeal_ms, 36 * 3600000);
  cr_assert_eq(p[3].contact.judge_weekday, 5);
  cr_assert_eq(p[3].contact.judge_time_ms, 18 * 3600000);
  settings_free(s);
}

Test(settings, prefixes_of_numbers) {
  struct settings *s =
      read_good("numbers: {country: [\"0049\", \"+49\"], trunk: [], area: \"0\"}\n", "");
  const struct number_rules *numbers = &s->policy->numbers;
  cr_assert_eq(numbers->count, 3);
  cr_assert_str_eq(numbers->prefixes[0].text, "0049");
  cr_assert_str_eq(numbers->prefixes[1].text, "+49");
  cr_assert_str_eq(numbers->prefixes[2].text, "0");
  settings_free(s);
}

Test(settings, a_partial_policy_keeps_the_other_defaults) {
  struct settings *s = read_good("timezone: Europe/Berlin\nbusiness_day_starts: 04:00\n"
                                 "calendar: {holidays: [2026-12-25, 2026-01-01]}\n"
                                 "shift: {start: 08:00, end: 16:00, breaks: []}\n"
                                 "policies:\n"
                                 "- from: 2026-07-01\n"
                                 "  classes: {new: {day: {calls: 5}}}\n"
                                 "  alternatives: []\n"
                                 "- from: 2026-01-01\n"
                                 "  count: {talk_includes_hold: no, directions: [in, out]}\n",
                                 "");
  const struct policy_book *book = s->policy;
  cr_assert_eq(book->count, 2);
  cr_assert_lt(book->policies[0].from, book->policies[1].from);
  cr_assert_not(book->policies[0].count.talk_includes_hold);
  cr_assert(book->policies[0].count.directions_in);
  cr_assert_eq(book->policies[1].classes[CLASS_NEW].day_calls, 5);
  cr_assert_eq(book->policies[1].classes[CLASS_NEW].day_talk_ms, 120 * 60000);
  cr_assert_eq(book->policies[1].alternative_count, 0);
  cr_assert_eq(book->calendar.break_count, 0);
  cr_assert_eq(book->calendar.holiday_count, 2);
  cr_assert_lt(book->calendar.holidays[0], book->calendar.holidays[1]);
  cr_assert_eq(book->calendar.day_starts_ms, 4 * 3600000);
  settings_free(s);
}

Test(settings, policy_errors_have_their_place) {
  expect_error("timezone: Asia/Shanghi\n", "", "policy.yaml:1:11: ", "no time zone");
  expect_error("timezone: ../../../etc/passwd\n", "", "policy.yaml:1:11: ", "not a time zone");
  expect_error("calendar: {working: [mon, thr]}\n", "", "policy.yaml:1:27: ", "day of the week");
  expect_error("calendar: {holidays: [2026-02-30]}\n", "", "policy.yaml:1:23: ", "not a date");
  expect_error("shift: {start: \"18:00\", end: \"09:00\"}\n", "",
               "policy.yaml:1:8: ", "ends before it begins");
  expect_error("shift: {start: \"9:00\"}\n", "", "policy.yaml:1:16: ", "time of day");
  expect_error("shift: {breaks: [[\"08:00\", \"08:30\"]]}\n", "",
               "policy.yaml:1:18: ", "not within the shift");
  expect_error("shift: {breaks: [\"08:00\"]}\n", "", "policy.yaml:1:18: ", "a pair");
  expect_error("policies: []\n", "", "policy.yaml:1:11: ", "at least one");
  expect_error("policies:\n- grace_days: 1\n", "", "policy.yaml:2:3: ", "\"from\" is missing");
  expect_error("policies:\n- {from: 2026-01-01, pace: {behind_below: 1.5}}\n", "",
               "policy.yaml:2:43: ", "0 to 1");
  expect_error("policies:\n- {from: 2026-01-01, grace_days: -1}\n", "",
               "policy.yaml:2:34: ", "out of range");
  expect_error("policies:\n- {from: 2026-01-01}\n- {from: 2026-01-01}\n", "",
               "policy.yaml:3:10: ", "same date");
  expect_error("policies:\n- from: 2026-01-01\n  classes:\n    old: {}\n", "",
               "policy.yaml:4:5: ", "unknown key \"old\"");
  expect_error("policies:\n- {from: 2026-01-01, count: {call_counts_when: anwered}}\n", "",
               "policy.yaml:2:48: ", "did you mean \"answered\"?");
  expect_error("policies:\n- {from: 2026-01-01, contact: {at_risk_from: \"wed\"}}\n", "",
               "policy.yaml:2:46: ", "wed 12:00");
  expect_error("policies:\n- {from: 2026-01-01, contact: {judge_at: \"24:00\"}}\n", "",
               "policy.yaml:2:42: ", "sun 24:00");
  expect_error("policies:\n- {from: 2026-01-01, contact: {ladder: {shadw: true}}}\n", "",
               "policy.yaml:2:41: ", "did you mean \"shadow\"?");
  expect_error("policies:\n- {from: 2026-01-01, contact: {ladder: {shadow: perhaps}}}\n", "",
               "policy.yaml:2:49: ", "not true or false");
  expect_error("numbers: {trunk: nine}\n", "", "policy.yaml:1:18: ", "not a prefix");
  expect_error("numbers: {trunk: \"+\"}\n", "", "policy.yaml:1:18: ", "not a prefix");
}

Test(settings, a_roster) {
  struct settings *s =
      read_good("timezone: Europe/Berlin\nbusiness_day_starts: \"04:00\"\n",
                "agents:\n" /* before the teams, which is fine */
                "- {id: 1001, name: \"王芳\", team: red, class: veteran, hired: 2024-03-01,\n"
                "   confirmed_on: 2024-06-01, extensions: [\"1001\", PJSIP/1001],\n"
                "   leave: [{from: 2026-11-26, to: 2026-11-27}, {from: \"2026-11-24 13:00\",\n"
                "            to: \"2026-11-24 18:00\"}, {from: \"2026-11-24T17:00\", to: "
                "\"2026-11-24 24:00\"}]}\n"
                "- {id: \"1002\"}\n"
                "teams: [{id: red, lead: \"Li Wei\"}]\n");
  const struct agent *a = roster_find(s->roster, SLICE("PJSIP/1001"));
  cr_assert_not_null(a);
  cr_assert_eq(a, roster_find(s->roster, SLICE("1001")));
  cr_assert_str_eq(a->name, "王芳");
  cr_assert_str_eq(a->team->name, "red");
  cr_assert_str_eq(a->team->lead, "Li Wei");
  cr_assert(a->class_given && a->given_class == CLASS_VETERAN);
  cr_assert_eq(a->leave_count, 2);
  cr_assert_eq(a->leave[0].from_ms, utc("2026-11-24T12:00:00Z"));
  cr_assert_eq(a->leave[0].to_ms, utc("2026-11-24T23:00:00Z"));
  cr_assert_eq(a->leave[1].from_ms, utc("2026-11-26T03:00:00Z"));
  cr_assert_eq(a->leave[1].to_ms, utc("2026-11-28T03:00:00Z"));
  const struct agent *b = roster_find(s->roster, SLICE("1002"));
  cr_assert_str_eq(b->name, "1002");
  cr_assert_null(b->team);
  cr_assert_eq(b->hired, DAY_NONE);
  cr_assert_not(b->class_given);
  settings_free(s);
}

Test(settings, roster_errors_have_their_place) {
  expect_error("", "agents:\n- {name: x}\n", "roster.yaml:2:3: ", "\"id\" is missing");
  expect_error("", "agents:\n- {id: a}\n- {id: b}\n- {id: a}\n",
               "roster.yaml:4:8: ", "already, on line 2");
  expect_error("", "teams: [{id: red}]\nagents:\n- {id: a, team: rde}\n",
               "roster.yaml:3:17: ", "unknown team \"rde\", did you mean \"red\"?");
  expect_error("", "teams: [{id: red}, {id: red}]\n", "roster.yaml:1:25: ", "twice");
  expect_error("", "agents:\n- {id: a, extensions: [x]}\n- {id: b, extensions: [y, x]}\n",
               "roster.yaml:3:27: ", "belongs to agent \"a\" already, on line 2");
  expect_error("", "agents:\n- {id: a, extensions: [b]}\n- {id: b}\n",
               "roster.yaml:2:24: ", "belongs to agent \"b\"");
  expect_error("", "agents:\n- {id: a, class: old}\n", "roster.yaml:2:18: ", "new, veteran");
  expect_error("", "agents:\n- {id: a, hired: 2026-13-01}\n", "roster.yaml:2:18: ", "not a date");
  expect_error("", "agents:\n- {id: \"a{b\"}\n", "roster.yaml:2:8: ", "braces");
  expect_error("", "agents:\n- {id: a, leave: [{from: 13:00, to: 2026-11-24}]}\n",
               "roster.yaml:2:26: ", "local time");
  expect_error("", "agents:\n- {id: a, leave: [{from: 2026-11-25, to: 2026-11-24}]}\n",
               "roster.yaml:2:19: ", "ends before");
  expect_error("", "agents: {}\n", "roster.yaml:1:9: ", "a list of agents");
  expect_error("", "agnts: []\n", "roster.yaml:1:1: ", "did you mean \"agents\"?");
}

Test(settings, a_missing_file_is_told) {
  struct settings *s = NULL;
  struct error error = {0};
  cr_assert_eq(settings_load("/nonexistent/p.yaml", "/nonexistent/r.yaml", &s, &error),
               STATUS_CONFIG);
  cr_assert_str_eq(error.text, "/nonexistent/p.yaml: No such file or directory");
}
