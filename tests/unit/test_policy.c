#include <criterion/criterion.h>
#include <stdio.h>

#include "callpace/base/mem.h"
#include "callpace/core/policy.h"
#include "callpace/core/settings.h"

#define HOUR ((msec_t)MSEC_PER_HOUR)
#define MIN  ((msec_t)MSEC_PER_MIN)

static day_t day(const char *text) {
  day_t out = DAY_NONE;
  cr_assert(day_parse(slice_of(text), &out), "%s", text);
  return out;
}

static msec_t utc(const char *text) {
  msec_t at = 0;
  cr_assert(clock_parse_rfc3339(slice_of(text), &at), "%s", text);
  return at;
}

/* The default figures, in Shanghai. */
static struct policy_book *make_book(size_t count) {
  static char bytes[8192];
  FILE *file = fopen("/usr/share/zoneinfo/Asia/Shanghai", "rb");
  cr_assert_not_null(file);
  size_t len = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  struct policy_book *book = mem_zalloc(sizeof *book);
  book->calendar = (struct calendar){
      .zone = zone_parse((struct slice){bytes, len}, "Asia/Shanghai", NULL),
      .working = {true, true, true, true, true, false, false},
      .shift = {9 * HOUR, 18 * HOUR},
      .breaks = {{12 * HOUR, 13 * HOUR}},
      .break_count = 1,
  };
  book->policies = mem_zalloc(count * sizeof *book->policies);
  book->count = count;
  for (size_t i = 0; i < count; i++)
    book->policies[i] = (struct policy){
        .from = day("2016-01-01"),
        .grace_days = 7,
        .leave_prorates = true,
        .classes = {{50, 120 * MIN, 1100, 2640 * MIN, 600}, {60, 150 * MIN, 1320, 3300 * MIN, 700}},
    };
  return book;
}

static struct agent veteran(void) {
  return (struct agent){.id = "1001",
                        .class_given = true,
                        .given_class = CLASS_VETERAN,
                        .hired = DAY_NONE,
                        .confirmed_on = DAY_NONE};
}

Test(policy, the_newest_that_has_begun_applies) {
  struct policy_book *book = make_book(3);
  book->policies[1].from = day("2026-07-01");
  book->policies[2].from = day("2026-12-01");
  cr_assert_eq(policy_on(book, day("2015-01-01")), &book->policies[0]);
  cr_assert_eq(policy_on(book, day("2026-06-30")), &book->policies[0]);
  cr_assert_eq(policy_on(book, day("2026-07-01")), &book->policies[1]);
  cr_assert_eq(policy_on(book, day("2030-01-01")), &book->policies[2]);
  policy_book_free(book);
  policy_book_free(NULL);
  settings_free(NULL);
}

Test(policy, a_plain_day) {
  struct policy_book *book = make_book(1);
  struct agent agent = veteran();
  struct day_plan plan;
  day_plan_make(book, &agent, day("2026-11-23"), &plan);
  cr_assert_not(plan.exempt);
  cr_assert_eq(plan.calls_target, 60);
  cr_assert_eq(plan.talk_target_ms, 150 * MIN);
  cr_assert_eq(spans_total(&plan.productive), 8 * HOUR);
  cr_assert_eq(plan.shift_end_ms, utc("2026-11-23T10:00:00Z"));
  agent.given_class = CLASS_NEW;
  day_plan_make(book, &agent, day("2026-11-23"), &plan);
  cr_assert_eq(plan.calls_target, 50);
  cr_assert_eq(plan.agent_class, CLASS_NEW);
  policy_book_free(book);
}

Test(policy, weekends_and_strangers_are_judged_by_nothing) {
  struct policy_book *book = make_book(1);
  struct agent agent = veteran();
  struct day_plan plan;
  day_plan_make(book, &agent, day("2026-11-22"), &plan);
  cr_assert(plan.exempt);
  cr_assert_eq(plan.calls_target, 0);
  cr_assert_eq(plan.productive.count, 0);
  cr_assert_eq(plan.shift_end_ms, MSEC_NONE);
  day_plan_make(book, NULL, day("2026-11-23"), &plan);
  cr_assert(plan.exempt);
  cr_assert_eq(plan.agent_class, CLASS_NEW);
  struct month_plan month;
  month_plan_make(book, NULL, month_of(day("2026-11-23")), &month);
  cr_assert_not(month.judged);
  cr_assert_not_null(month.policy);
  policy_book_free(book);
}

Test(policy, grace_is_the_hire_date_and_the_six_days_after) {
  struct policy_book *book = make_book(1);
  struct agent agent = veteran();
  agent.hired = day("2026-11-16");
  struct day_plan plan;
  for (day_t d = day("2026-11-12"); d < day("2026-11-23"); d++) {
    day_plan_make(book, &agent, d, &plan);
    cr_assert(plan.exempt, "%d", d - agent.hired);
  }
  day_plan_make(book, &agent, day("2026-11-23"), &plan);
  cr_assert_not(plan.exempt);
  book->policies[0].grace_days = 0;
  day_plan_make(book, &agent, agent.hired, &plan);
  cr_assert_not(plan.exempt);
  policy_book_free(book);
}

Test(policy, part_day_leave_scales_the_target_up) {
  struct policy_book *book = make_book(1);
  struct agent agent = veteran();
  struct span leave[] = {{utc("2026-11-20T00:00:00Z"), utc("2026-11-20T10:00:00Z")},
                         {utc("2026-11-24T05:00:00Z"), utc("2026-11-24T10:00:00Z")},
                         {utc("2026-11-25T03:30:00Z"), utc("2026-11-25T05:30:00Z")},
                         {utc("2026-11-26T01:00:00Z"), utc("2026-11-26T01:00:01Z")}};
  agent.leave = leave, agent.leave_count = 4;
  struct day_plan plan;
  day_plan_make(book, &agent, day("2026-11-20"), &plan); /* the whole day */
  cr_assert(plan.exempt);
  cr_assert_eq(plan.productive.count, 0);
  day_plan_make(book, &agent, day("2026-11-24"), &plan); /* the afternoon: 3 of 8 h left */
  cr_assert_eq(plan.calls_target, 23);                   /* 22.5 */
  cr_assert_eq(plan.talk_target_ms, 150 * MIN * 3 / 8);
  day_plan_make(book, &agent, day("2026-11-25"), &plan); /* across lunch: one hour counts */
  cr_assert_eq(spans_total(&plan.productive), 7 * HOUR);
  cr_assert_eq(plan.calls_target, 53);
  day_plan_make(book, &agent, day("2026-11-26"), &plan); /* one second */
  cr_assert_eq(plan.calls_target, 60);
  cr_assert_eq(plan.talk_target_ms, 150 * MIN - 312); /* less 312.5 ms, rounded up */
  book->policies[0].leave_prorates = false;
  day_plan_make(book, &agent, day("2026-11-24"), &plan);
  cr_assert_eq(plan.calls_target, 60);
  cr_assert_eq(spans_total(&plan.productive), 3 * HOUR);
  day_plan_make(book, &agent, day("2026-11-20"), &plan);
  cr_assert(plan.exempt);
  policy_book_free(book);
}

Test(policy, months) {
  struct policy_book *book = make_book(1);
  struct agent agent = {.id = "1", .hired = day("2026-11-24"), .confirmed_on = day("2026-12-31")};
  month_t november = month_of(day("2026-11-01"));
  struct month_plan plan;
  month_plan_make(book, &agent, november, &plan); /* grace ends on the 30th */
  cr_assert_not(plan.judged);
  cr_assert(plan.must_meet);
  agent.hired = day("2026-11-23");
  month_plan_make(book, &agent, november, &plan);
  cr_assert(plan.judged);
  cr_assert_eq(plan.agent_class, CLASS_NEW);
  cr_assert_eq(plan.calls_target, 1100);
  month_plan_make(book, &agent, november + 1, &plan); /* class of the last day */
  cr_assert_eq(plan.agent_class, CLASS_VETERAN);
  cr_assert_not(plan.must_meet);
  cr_assert_eq(plan.talk_target_ms, 3300 * MIN);
  cr_assert_eq(plan.members_target, 700);
  month_plan_make(book, &agent, november - 1, &plan); /* not here yet */
  cr_assert_not(plan.judged);
  policy_book_free(book);
}

Test(policy, a_month_by_working_days) {
  struct policy_book *book = make_book(1);
  book->policies[0].monthly_prorate_workdays = true;
  struct agent agent = veteran();
  struct span leave[] = {{utc("2026-11-01T16:00:00Z"), utc("2026-11-02T16:00:00Z")},
                         {utc("2026-11-03T05:00:00Z"), utc("2026-11-03T09:00:00Z")}};
  month_t november = month_of(day("2026-11-01")); /* 21 working days */
  struct month_plan plan;
  month_plan_make(book, &agent, november, &plan);
  cr_assert_eq(plan.calls_target, 1320);
  agent.leave = leave, agent.leave_count = 2; /* one day and half a day */
  month_plan_make(book, &agent, november, &plan);
  cr_assert_eq(plan.calls_target, 1226); /* 1320 x 19.5 / 21 = 1225.7 */
  book->policies[0].leave_prorates = false;
  month_plan_make(book, &agent, november, &plan);
  cr_assert_eq(plan.calls_target, 1258); /* 1320 x 20 / 21 = 1257.1 */
  agent.leave_count = 0;
  agent.hired = day("2026-11-16"); /* 11 working days are left */
  month_plan_make(book, &agent, november, &plan);
  cr_assert_eq(plan.calls_target, 692); /* 691.4 */
  cr_assert(plan.must_meet);
  policy_book_free(book);
}
