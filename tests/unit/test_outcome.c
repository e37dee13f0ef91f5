/* Every rule of the month by name. POLICY sections 1, 2 and 4. */
#include <criterion/criterion.h>

#include "callpace/core/outcome.h"

#define MIN  ((msec_t)MSEC_PER_MIN)
#define HOUR ((msec_t)MSEC_PER_HOUR)

static struct policy policy = {
    .from = 100,
    .alternatives = {{500, 20 * HOUR, 800}, {300, 15 * HOUR, 900}},
    .alternative_count = 2,
};

/* A confirmed veteran's month. */
static struct month_plan veteran(void) {
  return (struct month_plan){.policy = &policy,
                             .agent_class = CLASS_VETERAN,
                             .judged = true,
                             .confirmed = true,
                             .calls_target = 1320,
                             .talk_target_ms = 3300 * MIN,
                             .members_target = 700};
}

static struct month_verdict judge(struct month_plan plan, int64_t calls, msec_t talk,
                                  int64_t members) {
  struct month_verdict verdict;
  outcome_judge(&plan, &(struct month_facts){.calls = calls, .talk_ms = talk, .members = members},
                &verdict);
  return verdict;
}

Test(outcome, section_4_four_outcomes) {
  struct month_verdict v = judge(veteran(), 1320, 3300 * MIN, 700);
  cr_assert_eq(v.outcome, MONTH_BASE_AND_BONUS);
  v = judge(veteran(), 1320, 3300 * MIN, 699);
  cr_assert_eq(v.outcome, MONTH_BASE_ONLY);
  v = judge(veteran(), 1319, 3300 * MIN, 700);
  cr_assert_eq(v.outcome, MONTH_BONUS_LESS_100);
  v = judge(veteran(), 1319, 3300 * MIN, 699);
  cr_assert_eq(v.outcome, MONTH_BY_ATTAINMENT);
}

Test(outcome, section_2_both_calls_and_talk_must_be_met) {
  cr_assert_eq(judge(veteran(), 1320, 3300 * MIN, 0).basic, BASIC_MET);
  cr_assert_eq(judge(veteran(), 1319, 9999 * MIN, 0).basic, BASIC_UNMET);
  cr_assert_eq(judge(veteran(), 9999, 3300 * MIN - 1, 0).basic, BASIC_UNMET);
}

Test(outcome, section_4_an_alternative_needs_all_three) {
  cr_assert_eq(judge(veteran(), 500, 20 * HOUR, 800).basic, BASIC_ALTERNATIVE);
  cr_assert_eq(judge(veteran(), 499, 20 * HOUR, 800).basic, BASIC_UNMET);
  cr_assert_eq(judge(veteran(), 500, 20 * HOUR - 1, 800).basic, BASIC_UNMET);
  cr_assert_eq(judge(veteran(), 500, 20 * HOUR, 799).basic, BASIC_UNMET);
  cr_assert_eq(judge(veteran(), 300, 15 * HOUR, 900).basic, BASIC_ALTERNATIVE); /* the second */
  cr_assert_eq(judge(veteran(), 1320, 3300 * MIN, 900).basic, BASIC_MET);       /* not needed */
}

Test(outcome, section_4_an_alternative_stands_in_place_of_sections_2_and_4) {
  struct month_plan plan = veteran();
  plan.members_target = 1000; /* more than the alternative asks for */
  struct month_verdict v = judge(plan, 500, 20 * HOUR, 800);
  cr_assert_eq(v.incentive, INCENTIVE_MET);
  cr_assert_eq(v.outcome, MONTH_BASE_AND_BONUS);
  cr_assert_eq(v.attainment_bp,
               500 * 10000 / 1320 < 1200 * 10000 / 3300 ? 500 * 10000 / 1320 : 1200 * 10000 / 3300);
}

Test(outcome, section_4_alternatives_are_for_confirmed_agents) {
  struct month_plan plan = veteran();
  plan.confirmed = false;
  struct month_verdict v = judge(plan, 500, 20 * HOUR, 800);
  cr_assert_eq(v.basic, BASIC_UNMET);
  cr_assert_eq(v.outcome, MONTH_BONUS_LESS_100);
}

Test(outcome, section_1_the_first_month_must_be_fully_met) {
  struct month_plan plan = veteran();
  plan.must_meet = true;
  struct month_verdict v = judge(plan, 500, 20 * HOUR, 800);
  cr_assert(v.must_meet);
  cr_assert_eq(v.basic, BASIC_UNMET);
  cr_assert_eq(judge(plan, 1320, 3300 * MIN, 0).basic, BASIC_MET);
}

Test(outcome, section_4_attainment_is_the_lower_and_at_most_whole) {
  cr_assert_eq(judge(veteran(), 660, 3300 * MIN, 0).attainment_bp, 5000);
  cr_assert_eq(judge(veteran(), 1320, 1100 * MIN, 0).attainment_bp, 3333); /* rounded down */
  cr_assert_eq(judge(veteran(), 5000, 9999 * MIN, 0).attainment_bp, 10000);
  cr_assert_eq(judge(veteran(), 0, 0, 0).attainment_bp, 0);
  cr_assert_eq(judge(veteran(), 1319, 3300 * MIN, 0).attainment_bp, 9992);
}

Test(outcome, section_1_a_month_of_grace_is_not_judged) {
  struct month_plan plan = veteran();
  plan.judged = false;
  struct month_verdict v = judge(plan, 1320, 3300 * MIN, 700);
  cr_assert_not(v.judged);
  cr_assert_null(month_basic_name(v.basic));
  cr_assert_null(month_incentive_name(v.incentive));
  cr_assert_null(month_outcome_name(v.outcome));
}

Test(outcome, section_2_a_month_without_working_days_asks_for_nothing) {
  struct month_plan plan = veteran();
  plan.calls_target = plan.talk_target_ms = 0;
  struct month_verdict v = judge(plan, 0, 0, 0);
  cr_assert_eq(v.basic, BASIC_MET);
  cr_assert_eq(v.attainment_bp, 10000);
}

Test(outcome, names) {
  cr_assert_str_eq(month_basic_name(BASIC_ALTERNATIVE), "alternative");
  cr_assert_str_eq(month_incentive_name(INCENTIVE_UNMET), "unmet");
  cr_assert_str_eq(month_outcome_name(MONTH_BONUS_LESS_100), "bonus_less_100");
  cr_assert_null(month_outcome_name((enum month_outcome)99));
}
