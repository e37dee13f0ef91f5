/* POLICY section 3: the table of states, and pace against a naive walk through
 * the day, millisecond by millisecond. */
#include <criterion/criterion.h>
#include <string.h>

#include "callpace/core/pace.h"

enum { MIN = MSEC_PER_MIN, HOUR = MSEC_PER_HOUR };

/* A veteran's day, 09:00 to 18:00 with a break at noon; times from midnight. */
static struct policy policy = {
    .pace = {.warmup_ms = 60 * MIN, .behind_below_bp = 8000, .hold_down_ms = 15 * MIN},
    .coverage_floor_bp = 9500};
static struct day_plan plan;
static struct pace_memory memory;
static struct pace_facts facts;
static struct verdict verdict;

static void setup(void) {
  plan = (struct day_plan){.policy = &policy,
                           .calls_target = 60,
                           .talk_target_ms = 150 * MIN,
                           .productive = {2, {{9 * HOUR, 12 * HOUR}, {13 * HOUR, 18 * HOUR}}},
                           .shift_end_ms = 18 * HOUR};
  memory = (struct pace_memory){0};
  facts = (struct pace_facts){.plan = &plan, .talking_since_ms = MSEC_NONE, .coverage_bp = 10000};
}
TestSuite(pace, .init = setup);

static void judge_at(msec_t now) {
  facts.now_ms = now;
  pace_judge(&memory, &facts, &verdict);
}

/* The facts change at a moment, as the fold does it. */
static void change(msec_t now, int64_t calls, msec_t talk_ms, msec_t talking_since_ms) {
  facts.now_ms = now;
  pace_note(&memory, &facts);
  facts.calls = calls;
  facts.talk_ms = talk_ms;
  facts.talking_since_ms = talking_since_ms;
  pace_note(&memory, &facts);
}

#define STATES(c, t, d)                                                                            \
  do {                                                                                             \
    cr_expect_str_eq(pace_state_name(verdict.calls_state), c);                                     \
    cr_expect_str_eq(pace_state_name(verdict.talk_state), t);                                      \
    cr_expect_str_eq(pace_state_name(verdict.state), d);                                           \
  } while (0)

Test(pace, warming_until_the_warmup_has_passed) {
  judge_at(8 * HOUR);
  STATES("warming", "warming", "warming");
  judge_at(10 * HOUR - 1);
  STATES("warming", "warming", "warming");
  cr_expect_eq(verdict.due_ms, 10 * HOUR);
  judge_at(10 * HOUR);
  STATES("behind", "behind", "behind"); /* the hold-down ran while warming */
}

Test(pace, on_pace_at_exactly_behind_below_of_expected) {
  /* At 14:00, half the day: expected 30 calls and 75 min, of which 0.8. */
  change(9 * HOUR, 24, 60 * MIN, MSEC_NONE);
  judge_at(14 * HOUR);
  STATES("on_pace", "on_pace", "on_pace");
  cr_expect_eq(verdict.calls_expected, 30);
  cr_expect_eq(verdict.talk_expected_ms, 75 * MIN);
  cr_expect_eq(verdict.due_ms, 14 * HOUR + 15 * MIN);
}

Test(pace, behind_after_the_hold_down_to_the_millisecond) {
  change(9 * HOUR, 24, 100 * MIN, MSEC_NONE);
  judge_at(14 * HOUR + 15 * MIN - 1);
  STATES("on_pace", "on_pace", "on_pace");
  cr_expect_eq(verdict.due_ms, 14 * HOUR + 15 * MIN);
  judge_at(14 * HOUR + 15 * MIN);
  STATES("behind", "on_pace", "behind");
}

Test(pace, hold_down_starts_anew_after_a_moment_on_pace) {
  change(9 * HOUR, 24, 150 * MIN, MSEC_NONE);             /* below from 14:00 on */
  change(14 * HOUR + 10 * MIN, 25, 150 * MIN, MSEC_NONE); /* 25 is 0.8 of 31.25: good until 14:10 */
  judge_at(14 * HOUR + 25 * MIN - 1);
  STATES("on_pace", "met", "on_pace");
  judge_at(14 * HOUR + 25 * MIN);
  STATES("behind", "met", "behind");
}

Test(pace, hold_down_does_not_run_in_breaks) {
  /* 8 % of the day's calls more than needed at 11:50, then lunch. */
  plan.calls_target = 48; /* one call every ten productive minutes; 0.8: every 12.5 */
  change(9 * HOUR, 16, 150 * MIN, MSEC_NONE); /* falls below after 200 min: 13:20 */
  judge_at(13 * HOUR + 35 * MIN - 1);
  STATES("on_pace", "met", "on_pace");
  change(9 * HOUR + 1, 14, 150 * MIN, MSEC_NONE); /* a correction: below after 175 min, 11:55 */
  judge_at(12 * HOUR + 59 * MIN);
  STATES("on_pace", "met", "on_pace");
  cr_expect_eq(verdict.due_ms, 13 * HOUR + 10 * MIN);
  judge_at(13 * HOUR + 10 * MIN);
  STATES("behind", "met", "behind");
}

Test(pace, a_call_that_leaves_it_below_does_not_stop_the_hold_down) {
  change(9 * HOUR, 0, 150 * MIN, MSEC_NONE);
  change(9 * HOUR + 55 * MIN, 5, 150 * MIN, MSEC_NONE); /* 5 of 0.8 x 6.9 */
  judge_at(10 * HOUR);
  STATES("behind", "met", "behind");
}

Test(pace, unreachable_by_talk_to_the_millisecond) {
  change(9 * HOUR, 60, 30 * MIN, MSEC_NONE); /* 120 min missing */
  judge_at(16 * HOUR);
  STATES("met", "behind", "behind");
  cr_expect_eq(verdict.due_ms, 16 * HOUR + 1);
  judge_at(16 * HOUR + 1);
  STATES("met", "unreachable", "unreachable");
}

Test(pace, unreachable_by_the_call_cycle) {
  change(9 * HOUR, 50, 150 * MIN, MSEC_NONE);
  facts.call_cycle_ms = 6 * MIN; /* 10 missing: an hour */
  judge_at(17 * HOUR);
  STATES("on_pace", "met", "on_pace");
  cr_expect_eq(verdict.due_ms, 17 * HOUR + 1);
  judge_at(17 * HOUR + 1);
  STATES("unreachable", "met", "unreachable");
  facts.call_cycle_ms = 0; /* not known: nothing can be said */
  judge_at(17 * HOUR + 1);
  cr_expect_eq(verdict.calls_state, PACE_ON_PACE);
}

Test(pace, met_by_completed_talk_only) {
  change(9 * HOUR, 60, 149 * MIN, MSEC_NONE);
  change(11 * HOUR, 60, 149 * MIN, 11 * HOUR);
  judge_at(11 * HOUR + 5 * MIN);
  STATES("met", "on_pace", "on_pace");
  change(11 * HOUR + 5 * MIN, 60, 154 * MIN, MSEC_NONE);
  judge_at(11 * HOUR + 5 * MIN);
  STATES("met", "met", "met");
  cr_expect_eq(verdict.due_ms, 18 * HOUR); /* what was expected and seen of all the day */
  judge_at(18 * HOUR);
  STATES("met", "met", "met");
  cr_expect_eq(verdict.due_ms, MSEC_MAX);
}

Test(pace, once_met_it_stays_met_whatever_comes) {
  change(15 * HOUR, 60, 150 * MIN, MSEC_NONE);
  change(15 * HOUR + 1, 59, 149 * MIN, MSEC_NONE); /* a late end took some back */
  facts.coverage_bp = 0;
  judge_at(20 * HOUR);
  STATES("met", "met", "met");
}

Test(pace, missed_from_the_end_of_the_shift_and_met_after_it) {
  change(9 * HOUR, 59, 150 * MIN, MSEC_NONE);
  judge_at(18 * HOUR - 1);
  STATES("on_pace", "met", "on_pace");
  cr_expect_eq(verdict.due_ms, 18 * HOUR);
  judge_at(18 * HOUR);
  STATES("missed", "met", "missed");
  cr_expect_eq(verdict.due_ms, MSEC_MAX);
  change(18 * HOUR + 20 * MIN, 60, 150 * MIN, MSEC_NONE);
  judge_at(18 * HOUR + 20 * MIN);
  STATES("met", "met", "met");
}

Test(pace, unknown_instead_of_missed_below_the_coverage_floor) {
  change(9 * HOUR, 60, 0, MSEC_NONE);
  facts.coverage_bp = 9499;
  judge_at(18 * HOUR - 1);
  STATES("met", "unreachable", "unreachable");
  judge_at(18 * HOUR);
  STATES("met", "unknown", "unknown");
  facts.coverage_bp = 9500;
  judge_at(18 * HOUR);
  STATES("met", "missed", "missed");
}

Test(pace, exempt_days_are_judged_by_nothing) {
  plan.exempt = true;
  judge_at(19 * HOUR);
  STATES("exempt", "exempt", "exempt");
  cr_expect_eq(verdict.due_ms, MSEC_MAX);
  plan.exempt = false;
  plan.productive.count = 0; /* leave all day long */
  judge_at(19 * HOUR);
  STATES("exempt", "exempt", "exempt");
}

Test(pace, part_day_leave_ends_the_productive_time_before_the_shift) {
  plan.productive = (struct spans){1, {{9 * HOUR, 12 * HOUR}}};
  plan.calls_target = 23;
  plan.talk_target_ms = 57 * MIN;
  change(9 * HOUR, 23, 20 * MIN, MSEC_NONE);
  judge_at(10 * HOUR + 30 * MIN);
  cr_expect_eq(verdict.talk_expected_ms, 57 * MIN / 2);
  judge_at(15 * HOUR);
  STATES("met", "unreachable", "unreachable");
  cr_expect_eq(verdict.due_ms, 18 * HOUR);
  judge_at(18 * HOUR);
  STATES("met", "missed", "missed");
}

Test(pace, talk_so_far_lifts_out_of_behind_by_itself) {
  change(9 * HOUR, 60, 59 * MIN, MSEC_NONE);
  change(14 * HOUR + 30 * MIN, 60, 59 * MIN, 14 * HOUR + 30 * MIN);
  judge_at(14 * HOUR + 30 * MIN);
  STATES("met", "behind", "behind");
  msec_t due = verdict.due_ms;
  judge_at(due - 1);
  STATES("met", "behind", "behind");
  judge_at(due);
  STATES("met", "on_pace", "on_pace");
}

Test(pace, keeps_up_asks_by_another_rate) {
  change(9 * HOUR, 25, 150 * MIN, MSEC_NONE); /* of 30 at 14:00: 83 % */
  facts.now_ms = 14 * HOUR;
  cr_expect(pace_keeps_up(&memory, &facts, 8000));
  cr_expect_not(pace_keeps_up(&memory, &facts, 8500));
  cr_expect_eq(pace_keeps_up_due_ms(&facts, 8500), MSEC_MAX);
}

Test(pace, figures_beyond_reason_do_not_overflow) {
  plan.calls_target = INT64_MAX / 4;
  plan.talk_target_ms = INT64_MAX / 4;
  facts.call_cycle_ms = INT64_MAX / 4;
  change(9 * HOUR, 1, MIN, 9 * HOUR);
  judge_at(13 * HOUR);
  STATES("unreachable", "unreachable", "unreachable");
}

/* --- against a naive walk --- */

static uint64_t seed;
static int64_t draw(int64_t below) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (int64_t)(seed >> 33) % below;
}

struct naive {
  msec_t elapsed, calls_ok, talk_ok;
  bool calls_met, talk_met;
};

static enum pace_state naive_quota(const struct naive *n, bool met, bool below, msec_t ok,
                                   bool unreachable) {
  if (met) return PACE_MET;
  if (facts.now_ms >= plan.shift_end_ms) return PACE_MISSED;
  if (n->elapsed < policy.pace.warmup_ms) return PACE_WARMING;
  if (unreachable) return PACE_UNREACHABLE;
  return below && n->elapsed - ok >= policy.pace.hold_down_ms ? PACE_BEHIND : PACE_ON_PACE;
}

/* Looks at one millisecond after the other, with the figures of a small day. */
static void naive_look(struct naive *n, enum pace_state *calls, enum pace_state *talk) {
  msec_t total = spans_total(&plan.productive);
  n->elapsed = spans_elapsed(&plan.productive, facts.now_ms);
  msec_t spoken = pace_talk_so_far(&facts), left = total - n->elapsed;
  int64_t rate = policy.pace.behind_below_bp;
  bool calls_below = facts.calls * total * 10000 < rate * plan.calls_target * n->elapsed;
  bool talk_below = spoken * total * 10000 < rate * plan.talk_target_ms * n->elapsed;
  if (!calls_below) n->calls_ok = n->elapsed;
  if (!talk_below) n->talk_ok = n->elapsed;
  n->calls_met |= facts.calls >= plan.calls_target;
  n->talk_met |= facts.talk_ms >= plan.talk_target_ms;
  *calls = naive_quota(n, n->calls_met, calls_below, n->calls_ok,
                       facts.call_cycle_ms > 0 &&
                           (plan.calls_target - facts.calls) * facts.call_cycle_ms > left);
  *talk = naive_quota(n, n->talk_met, talk_below, n->talk_ok, plan.talk_target_ms - spoken > left);
}

/* A day of some hundred milliseconds. */
static void random_day(void) {
  setup();
  plan.productive.count = 0;
  msec_t at = draw(20);
  for (int64_t i = 1 + draw(3); i > 0; i--) {
    msec_t to = at + 1 + draw(120);
    plan.productive.at[plan.productive.count++] = (struct span){at, to};
    at = to + 1 + draw(30);
  }
  plan.shift_end_ms = at + draw(20);
  plan.calls_target = 1 + draw(30);
  plan.talk_target_ms = 1 + draw(draw(4) == 0 ? 600 : 150);
  policy.pace.warmup_ms = draw(40);
  policy.pace.hold_down_ms = draw(4) == 0 ? draw(3) : draw(40);
  policy.pace.behind_below_bp = draw(5) == 0 ? 12000 : 5000 + draw(5001);
  facts.call_cycle_ms = draw(15);
}

static void random_change(void) {
  int64_t calls = facts.calls, talk = facts.talk_ms;
  msec_t since = facts.talking_since_ms;
  if (since == MSEC_NONE) {
    since = facts.now_ms;
  } else {
    talk = pace_talk_so_far(&facts);
    calls++;
    since = MSEC_NONE;
  }
  if (draw(8) == 0) talk = draw(talk + 1);
  change(facts.now_ms, calls, talk, since);
}

Test(pace, equals_a_naive_walk_on_random_days, .timeout = 120) {
  for (unsigned day = 1; day <= 3000; day++) {
    seed = day;
    random_day();
    struct naive naive = {0};
    enum pace_state calls, talk, last_calls = PACE_NONE, last_talk = PACE_NONE;
    msec_t due = 0;
    int64_t often = 1 + draw(60), looks = 1 + draw(20);
    for (facts.now_ms = 0; facts.now_ms < plan.shift_end_ms + 20; facts.now_ms++) {
      naive_look(&naive, &calls, &talk);
      bool moved = calls != last_calls || talk != last_talk;
      cr_assert_not(moved && facts.now_ms < due, "day %u: at %lld a state changed before due %lld",
                    day, (long long)facts.now_ms, (long long)due);
      if (draw(often) == 0) {
        random_change();
        naive_look(&naive, &calls, &talk);
      } else if (!moved && facts.now_ms != due && draw(looks) > 0) {
        continue;
      }
      last_calls = calls;
      last_talk = talk;
      pace_judge(&memory, &facts, &verdict);
      cr_assert_eq(verdict.calls_state, calls, "day %u at %lld: calls %s, should be %s", day,
                   (long long)facts.now_ms, pace_state_name(verdict.calls_state),
                   pace_state_name(calls));
      cr_assert_eq(verdict.talk_state, talk, "day %u at %lld: talk %s, should be %s", day,
                   (long long)facts.now_ms, pace_state_name(verdict.talk_state),
                   pace_state_name(talk));
      cr_assert_gt(verdict.due_ms, facts.now_ms);
      due = verdict.due_ms;
    }
  }
}
