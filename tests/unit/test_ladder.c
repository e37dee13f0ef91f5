/* Every rule of the ladder by name. POLICY section 5. */
#include <criterion/criterion.h>

#include "callpace/core/forecast_week.h"
#include "callpace/core/ladder.h"
#include "centre_fixture.h"

/* The default ladder. */
static struct policy default_policy(void) {
  return (struct policy){
      .coverage_floor_bp = 9500,
      .contact = {.ladder = {{6000, -1, LADDER_WARN, 1, false},
                             {6500, -2, LADDER_HOLD_LEADS, 1, false},
                             {7000, -3, LADDER_REASSIGN_UNDIALLED, 1, true}},
                  .rung_count = 3,
                  .after_last_repeats = true,
                  .window_month = true},
  };
}

static struct week_facts week(const struct policy *policy, int64_t reached, unsigned offences) {
  return (struct week_facts){.policy = policy,
                             .offences = offences,
                             .issued = 100,
                             .reached = reached,
                             .coverage_bp = 10000,
                             .over = true,
                             .productive_ms = 40 * HOUR,
                             .elapsed_ms = 40 * HOUR};
}

static struct week_verdict judge(struct week_facts facts) {
  struct week_verdict verdict;
  ladder_judge(&facts, &verdict);
  return verdict;
}

static day_t day(const char *text) {
  day_t out = DAY_NONE;
  cr_assert(day_parse(slice_of(text), &out), "%s", text);
  return out;
}

Test(ladder, section_5_rung_1_is_a_rate_below_60_percent) {
  struct policy policy = default_policy();
  struct week_verdict v = judge(week(&policy, 59, 0));
  cr_assert(v.offence);
  cr_assert_eq(v.rung, 1);
  cr_assert_eq(v.state, WEEK_SHORT);
  cr_assert_eq(v.rate_bp, 5900);
  cr_assert_eq(v.threshold_bp, 6000);
  v = judge(week(&policy, 60, 0));
  cr_assert_not(v.offence);
  cr_assert_eq(v.state, WEEK_REACHED);
}

Test(ladder, section_5_the_rate_is_compared_unrounded) {
  struct policy policy = default_policy();
  struct week_facts facts = week(&policy, 59999, 0);
  facts.issued = 100000; /* 59.999 %: 59.99 when rounded down, and not 60 */
  cr_assert(judge(facts).offence);
  policy.contact.ladder[0].below_bp = 3333;
  facts.issued = 3, facts.reached = 1; /* 33.333… % */
  cr_assert_not(judge(facts).offence);
  policy.contact.ladder[0].below_bp = 3334;
  cr_assert(judge(facts).offence);
}

Test(ladder, section_5_the_nth_offence_is_judged_against_the_nth_rung) {
  struct policy policy = default_policy();
  struct week_verdict v = judge(week(&policy, 64, 1));
  cr_assert_eq(v.rung, 2);
  cr_assert_eq(v.threshold_bp, 6500);
  cr_assert(v.offence);
  cr_assert_not(judge(week(&policy, 64, 0)).offence);
  cr_assert_eq(judge(week(&policy, 64, 2)).rung, 3);
}

Test(ladder, section_5_rung_3_requires_poor_basic_habits) {
  struct policy policy = default_policy();
  struct week_facts facts = week(&policy, 69, 2);
  struct week_verdict v = judge(facts);
  cr_assert_eq(v.state, WEEK_SHORT, "short even where `requires` fails");
  cr_assert_not(v.offence);
  cr_assert_eq(v.rung, 3);
  facts.missed_days = 1;
  v = judge(facts);
  cr_assert(v.offence);
  cr_assert(v.base_unmet);
}

Test(ladder, section_5_base_unmet_is_more_than_base_unmet_days) {
  struct policy policy = default_policy();
  policy.contact.base_unmet_days = 2;
  struct week_facts facts = week(&policy, 0, 2);
  facts.missed_days = 2;
  cr_assert_not(judge(facts).offence);
  facts.missed_days = 3;
  cr_assert(judge(facts).offence);
}

Test(ladder, section_5_after_last_repeats_the_last_rung_or_ends) {
  struct policy policy = default_policy();
  cr_assert_eq(ladder_rung(&policy, 3), 3);
  cr_assert_eq(ladder_rung(&policy, 30), 3);
  policy.contact.after_last_repeats = false;
  cr_assert_eq(ladder_rung(&policy, 2), 3);
  cr_assert_eq(ladder_rung(&policy, 3), 0);
  struct week_verdict v = judge(week(&policy, 0, 3));
  cr_assert_not(v.offence);
  cr_assert_eq(v.threshold_bp, 0);
  policy.contact.rung_count = 0;
  policy.contact.after_last_repeats = true;
  cr_assert_eq(ladder_rung(&policy, 0), 0);
}

Test(ladder, section_5_a_policy_may_list_more_rungs) {
  struct policy policy = default_policy();
  policy.contact.ladder[3].below_bp = 9000;
  policy.contact.rung_count = 4;
  cr_assert_eq(judge(week(&policy, 89, 3)).rung, 4);
  cr_assert(judge(week(&policy, 89, 3)).offence);
}

Test(ladder, section_5_coverage_under_the_floor_judges_nothing) {
  struct policy policy = default_policy();
  struct week_facts facts = week(&policy, 0, 0);
  facts.coverage_bp = 9499;
  struct week_verdict v = judge(facts);
  cr_assert_eq(v.state, WEEK_UNKNOWN);
  cr_assert_not(v.offence);
  facts.coverage_bp = 9500;
  cr_assert(judge(facts).offence);
}

Test(ladder, section_5_no_leads_no_judgement) {
  struct policy policy = default_policy();
  struct week_facts facts = week(&policy, 0, 0);
  facts.issued = 0;
  struct week_verdict v = judge(facts);
  cr_assert_eq(v.state, WEEK_NONE);
  cr_assert_eq(v.rate_bp, -1);
  cr_assert_not(v.offence);
}

Test(ladder, section_5_at_risk_is_by_the_projected_rate) {
  struct policy policy = default_policy();
  struct week_facts facts = week(&policy, 29, 0);
  facts.over = false;
  facts.elapsed_ms = 20 * HOUR; /* half the week: 58 projected */
  cr_assert_eq(judge(facts).state, WEEK_ON_TRACK, "not before at_risk_from");
  facts.flagging = true;
  cr_assert_eq(judge(facts).state, WEEK_AT_RISK);
  facts.reached = 30;
  cr_assert_eq(judge(facts).state, WEEK_ON_TRACK);
  facts.reached = 60;
  cr_assert_eq(judge(facts).state, WEEK_REACHED);
  facts.offences = 1; /* the rung that would apply */
  cr_assert_eq(judge(facts).state, WEEK_ON_TRACK);
  facts.reached = 32;
  cr_assert_eq(judge(facts).state, WEEK_AT_RISK);
  facts.elapsed_ms = 0, facts.reached = 0;
  cr_assert_eq(judge(facts).state, WEEK_ON_TRACK, "nothing to project from");
  cr_assert_not(judge(facts).offence);
}

Test(ladder, section_5_leads_still_needed) {
  cr_assert_eq(ladder_needed(6000, 100), 60);
  cr_assert_eq(ladder_needed(6000, 101), 61);
  cr_assert_eq(ladder_needed(6500, 3), 2);
  cr_assert_eq(ladder_needed(6500, 0), 0);
  cr_assert_eq(ladder_rate_bp(2, 3), 6666);
  cr_assert_eq(ladder_rate_bp(0, 0), -1);
}

Test(ladder, section_5_a_week_books_into_the_month_in_which_it_ends) {
  struct policy policy = default_policy();
  day_t w48 = day("2026-11-23"), w49 = day("2026-11-30");
  cr_assert_eq(ladder_month(w48), month_of(day("2026-11-01")));
  cr_assert_eq(ladder_month(w49), month_of(day("2026-12-01")));
  cr_assert(ladder_same_window(&policy, w48, day("2026-11-02")));
  cr_assert_not(ladder_same_window(&policy, w48, w49));
  policy.contact.window_month = false;
  cr_assert(ladder_same_window(&policy, w48, w49));
}

Test(ladder, names) {
  cr_assert_str_eq(week_state_name(WEEK_AT_RISK), "at_risk");
  cr_assert_null(week_state_name((enum week_state)77));
  cr_assert_str_eq(ladder_action_name(LADDER_HOLD_LEADS), "hold_leads");
}

/* --- where a running week will end --- */

static bool forecast_of(struct week_facts facts, struct week_forecast *out) {
  struct week_verdict verdict = judge(facts);
  return week_forecast_make(&facts, &verdict, out);
}

Test(ladder, twelve_more_leads_reached_avoid_rung_2) {
  struct policy policy = default_policy();
  struct week_forecast f;
  struct week_facts facts = week(&policy, 53, 1);
  facts.over = false;
  facts.elapsed_ms = 36 * HOUR;
  cr_assert(forecast_of(facts, &f));
  cr_assert_eq(f.needed, 12);
  cr_assert_eq(f.left, 47);
  cr_assert_eq(f.reached, 58); /* 53 x 40 / 36 */
  cr_assert_eq(f.rate_bp, 5800);
  cr_assert_eq(f.rung, 2);
  cr_assert_eq(f.action, LADDER_HOLD_LEADS);
  cr_assert_eq(f.points, -2);
  cr_assert_eq(f.productive_left_ms, 4 * HOUR);
}

Test(ladder, as_many_more_as_it_says_and_not_one_less) {
  for (int64_t issued = 1; issued < 120; issued += 7)
    for (int64_t reached = 0; reached <= issued; reached++)
      for (unsigned offences = 0; offences < 4; offences++) {
        struct policy policy = default_policy();
        struct week_forecast f;
        struct week_facts facts = week(&policy, reached, offences);
        facts.issued = issued;
        facts.over = false;
        cr_assert(forecast_of(facts, &f));
        facts.over = true;
        facts.missed_days = 1;
        facts.reached = reached + f.needed;
        cr_assert_not(judge(facts).offence);
        facts.reached = reached + f.needed - 1;
        if (f.needed > 0) cr_assert(judge(facts).offence);
      }
}

Test(ladder, no_forecast_where_nothing_can_follow) {
  struct policy policy = default_policy();
  struct week_forecast f;
  struct week_facts facts = week(&policy, 10, 0);
  cr_assert_not(forecast_of(facts, &f)); /* over */
  facts.over = false;
  facts.elapsed_ms = 0;
  cr_assert(forecast_of(facts, &f));
  cr_assert_eq(f.reached, -1);
  cr_assert_eq(f.rate_bp, -1);
  facts.issued = 0;
  cr_assert_not(forecast_of(facts, &f));
  facts.issued = 100;
  policy.contact.rung_count = 0;
  cr_assert_not(forecast_of(facts, &f));
}

Test(ladder, section_5_sunday_24_00_ends_the_business_day) {
  struct policy_book *book = fixture_book();
  cr_assert_eq(ladder_judge_at(book, day("2026-11-23")), utc("2026-11-29T16:00:00Z"));
  book->calendar.day_starts_ms = 6 * HOUR; /* a night shift */
  cr_assert_eq(ladder_judge_at(book, day("2026-11-23")), utc("2026-11-29T22:00:00Z"));
  book->policies[0].contact.judge_weekday = 4;
  book->policies[0].contact.judge_time_ms = 18 * HOUR;
  cr_assert_eq(ladder_judge_at(book, day("2026-11-23")), utc("2026-11-27T10:00:00Z"));
  policy_book_free(book);
}
