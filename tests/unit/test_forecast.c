/* The forecast of a day against a plain model in floating point, and its last useful
 * minute against the judgement itself. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "callpace/core/forecast.h"

enum { MIN = MSEC_PER_MIN, HOUR = MSEC_PER_HOUR, ROUNDS = 3000 };

static struct policy policy = {
    .pace = {.warmup_ms = 60 * MIN, .behind_below_bp = 8000, .hold_down_ms = 15 * MIN},
    .coverage_floor_bp = 9500};
static struct day_plan plan;
static struct pace_memory memory;
static struct pace_facts facts;
static struct forecast forecast;

/* A veteran's day, 09:00 to 18:00 with a break at noon. */
static void setup(void) {
  policy.pace.warmup_ms = 60 * MIN;
  plan = (struct day_plan){.policy = &policy,
                           .calls_target = 60,
                           .talk_target_ms = 150 * MIN,
                           .productive = {2, {{9 * HOUR, 12 * HOUR}, {13 * HOUR, 18 * HOUR}}},
                           .shift_end_ms = 18 * HOUR};
  memory = (struct pace_memory){0};
  facts = (struct pace_facts){.plan = &plan, .talking_since_ms = MSEC_NONE, .coverage_bp = 10000};
}
TestSuite(forecast, .init = setup);

static void make(msec_t now) {
  facts.now_ms = now;
  cr_assert(forecast_make(&memory, &facts, &forecast));
}

Test(forecast, half_of_it_by_half_of_the_day) {
  facts.calls = 20;
  facts.talk_ms = 80 * MIN;
  make(14 * HOUR);
  cr_expect_eq(forecast.calls, 40);
  cr_expect_eq(forecast.talk_ms, 160 * MIN);
  cr_expect_eq(forecast.productive_left_ms, 4 * HOUR);
  cr_expect_leq(forecast.calls_low, 32); /* 20 ± 1.28 root(2 x 21) */
  cr_expect_geq(forecast.calls_high, 48);
}

Test(forecast, in_the_morning_the_target_stands_in_for_what_is_missing_of_the_warmup) {
  make(8 * HOUR);
  cr_expect_eq(forecast.calls, 60);
  cr_expect_eq(forecast.talk_ms, 150 * MIN);
  facts.calls = 1;
  make(9 * HOUR + MIN); /* not 480 */
  cr_expect_eq(forecast.calls, 1 + 67);
}

Test(forecast, at_the_end_it_is_the_figure) {
  facts.calls = 37;
  facts.talk_ms = 99 * MIN;
  make(18 * HOUR);
  cr_expect(forecast.calls == 37 && forecast.calls_low == 37 && forecast.calls_high == 37);
  cr_expect_eq(forecast.talk_ms, 99 * MIN);
  cr_expect_eq(forecast.talk_low_ms, 99 * MIN);
  cr_expect_eq(forecast.talk_high_ms, 99 * MIN);
  cr_expect_eq(forecast.last_useful_ms, MSEC_NONE);
}

Test(forecast, the_quota_with_less_time_to_spare_binds) {
  facts.calls = 50;
  facts.call_cycle_ms = 6 * MIN; /* an hour for the rest */
  facts.talk_ms = 110 * MIN;     /* 40 minutes for the rest */
  make(14 * HOUR);
  cr_expect_str_eq(forecast_quota_name(forecast.binds), "calls");
  cr_expect_eq(forecast.last_useful_ms, 17 * HOUR);
  facts.talk_ms = 80 * MIN;
  make(14 * HOUR);
  cr_expect_str_eq(forecast_quota_name(forecast.binds), "talk");
  cr_expect_eq(forecast.last_useful_ms, 16 * HOUR + 50 * MIN);
  make(16 * HOUR + 51 * MIN);
  cr_expect_str_eq(forecast_quota_name(forecast.binds), "talk");
  cr_expect_eq(forecast.last_useful_ms, MSEC_NONE);
  memory.talk_met = memory.calls_met = true;
  make(14 * HOUR);
  cr_expect_null(forecast_quota_name(forecast.binds));
}

Test(forecast, before_a_break_or_after_it_is_the_same) {
  facts.talk_ms = 0;
  plan.talk_target_ms = 5 * HOUR;
  make(10 * HOUR);
  cr_expect_eq(forecast.last_useful_ms, 13 * HOUR);
}

Test(forecast, says_nothing_of_days_that_are_not_judged) {
  plan.exempt = true;
  cr_expect_not(forecast_make(&memory, &facts, &forecast));
  plan.exempt = false;
  plan.productive.count = 0;
  cr_expect_not(forecast_make(&memory, &facts, &forecast));
}

Test(forecast, figures_beyond_reason_do_not_overflow) {
  plan.calls_target = plan.talk_target_ms = facts.call_cycle_ms = INT64_MAX / 4;
  facts.talking_since_ms = 9 * HOUR;
  facts.calls = UINT32_MAX;
  make(9 * HOUR + 1);
  cr_expect_geq(forecast.calls_high, forecast.calls);
  cr_expect_leq(forecast.talk_high_ms, 9 * HOUR);
  cr_expect_eq(forecast.last_useful_ms, MSEC_NONE);
}

/* --- any day against a plain model --- */

static uint64_t seed;
static int64_t draw(int64_t below) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (int64_t)(seed >> 33) % below;
}

static void any_day(void) {
  setup();
  policy.pace.warmup_ms = draw(4) ? draw(2 * HOUR) : 0;
  plan.calls_target = draw(90);
  plan.talk_target_ms = draw(5 * HOUR);
  facts.calls = draw(90);
  facts.talk_ms = draw(4 * HOUR);
  facts.now_ms = 8 * HOUR + draw(11 * HOUR);
  if (draw(3) == 0) facts.talking_since_ms = facts.now_ms - draw(HOUR);
  if (draw(4)) facts.call_cycle_ms = draw(15 * MIN);
  pace_note(&memory, &facts);
  make(facts.now_ms);
}

static double plain_rest(double actual, double target) {
  double total = (double)spans_total(&plan.productive);
  double elapsed = (double)spans_elapsed(&plan.productive, facts.now_ms);
  double warmup = (double)policy.pace.warmup_ms, seen = elapsed;
  if (elapsed <= 0) return target;
  if (elapsed < warmup) {
    actual += target * (warmup - elapsed) / total;
    seen = warmup;
  }
  return actual / seen * (total - elapsed);
}

Test(forecast, agrees_with_the_plain_model) {
  for (seed = 1; seed < ROUNDS;) {
    uint64_t round = seed;
    any_day();
    double calls = (double)facts.calls + plain_rest((double)facts.calls, (double)plan.calls_target);
    msec_t spoken = pace_talk_so_far(&facts);
    double rest = plain_rest((double)spoken, (double)plan.talk_target_ms);
    double talk = (double)spoken + fmin(rest, (double)forecast.productive_left_ms);
    cr_expect_leq(fabs((double)forecast.calls - calls), 0.51 + calls * 1e-6, "seed %lu", round);
    cr_expect_leq(fabs((double)forecast.talk_ms - talk), 2 + talk * 1e-6, "seed %lu", round);
    cr_expect_leq(forecast.calls_low, forecast.calls);
    cr_expect_leq(forecast.calls, forecast.calls_high);
    cr_expect_leq(facts.calls, forecast.calls_low);
    cr_expect_leq(spoken, forecast.talk_low_ms);
    cr_expect_leq(forecast.talk_low_ms, forecast.talk_ms);
    cr_expect_leq(forecast.talk_ms, forecast.talk_high_ms);
    cr_expect_leq(forecast.talk_high_ms, spoken + forecast.productive_left_ms);
    seed = round + 1;
  }
}

static bool unreachable_at(msec_t now) {
  struct verdict verdict;
  struct pace_facts then = facts;
  then.now_ms = now;
  if (then.talking_since_ms != MSEC_NONE) { /* it ends now, and nothing more is done */
    then.talk_ms = pace_talk_so_far(&facts);
    then.talking_since_ms = MSEC_NONE;
  }
  pace_judge(&memory, &then, &verdict);
  return verdict.calls_state == PACE_UNREACHABLE || verdict.talk_state == PACE_UNREACHABLE;
}

Test(forecast, a_millisecond_after_the_last_useful_moment_it_is_unreachable) {
  unsigned told = 0;
  for (seed = 1; seed < ROUNDS;) {
    uint64_t round = seed;
    any_day();
    policy.pace.warmup_ms = 0; /* while warming nothing is called unreachable */
    bool over = facts.now_ms >= plan.shift_end_ms;
    if (forecast.last_useful_ms != MSEC_NONE && !over) {
      told++;
      cr_expect_geq(forecast.last_useful_ms, facts.now_ms, "seed %lu", round);
      cr_expect_not(unreachable_at(forecast.last_useful_ms), "seed %lu", round);
      cr_expect(unreachable_at(forecast.last_useful_ms + 1), "seed %lu", round);
    } else if (!over && forecast.binds != FORECAST_NONE) {
      bool unknown = forecast.binds == FORECAST_CALLS && facts.call_cycle_ms == 0;
      bool talked = pace_talk_so_far(&facts) >= plan.talk_target_ms;
      cr_expect(unknown || talked || unreachable_at(facts.now_ms), "seed %lu", round);
    }
    seed = round + 1;
  }
  cr_expect_gt(told, ROUNDS / 4);
}
