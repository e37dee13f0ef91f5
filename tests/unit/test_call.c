#include <criterion/criterion.h>

#include "centre_fixture.h"

static struct centre_agent wang = {.id = "1001"}, zhao = {.id = "1002"};

static struct call make(void) {
  struct call call;
  call_init(&call, SLICE("pbx1/1795400000.1"));
  return call;
}

static bool tell(struct call *call, enum call_event_type type, msec_t ts,
                 struct centre_agent *agent) {
  struct call_event event = call_event_of(type, ts);
  return call_learn(call, &event, agent);
}

static bool tell_end(struct call *call, msec_t ts, enum call_outcome outcome, msec_t talk_ms) {
  struct call_event event = call_event_of(EVENT_CALL_END, ts);
  event.outcome = outcome;
  event.talk_ms = talk_ms;
  return call_learn(call, &event, NULL);
}

static struct call_count count(struct call *call, const struct policy *policy) {
  struct call_count out;
  call_count_make(call, call_state_of(call), policy, 0, &out);
  call_clear(call);
  return out;
}

static const struct policy plain = {
    .count = {.directions_out = true, .talk_includes_hold = true, .max_call_ms = 4 * HOUR}};

Test(call, repetition_teaches_nothing) {
  struct call call = make();
  cr_assert(tell(&call, EVENT_CALL_START, 1000, &wang));
  cr_assert_not(tell(&call, EVENT_CALL_START, 1000, &wang));
  cr_assert(tell(&call, EVENT_CALL_HOLD, 3000, NULL));
  cr_assert_not(tell(&call, EVENT_CALL_HOLD, 3000, NULL));
  cr_assert(tell(&call, EVENT_CALL_RETRIEVE, 3000, NULL));
  cr_assert_not(tell(&call, EVENT_CALL_START, 2000, &wang), "a later repeat loses");
  call_clear(&call);
}

Test(call, of_conflicting_repeats_the_earliest_wins) {
  struct call call = make();
  tell(&call, EVENT_CALL_START, 2000, &wang);
  tell(&call, EVENT_CALL_START, 1000, &zhao);
  tell(&call, EVENT_CALL_START, 3000, &wang);
  cr_assert_eq(call.start_ms, 1000);
  cr_assert_eq(call.agent, &zhao);
  tell(&call, EVENT_CALL_START, 1000, &wang);
  cr_assert_eq(call.agent, &wang, "equal time stamps: the lesser id, in either order");
  tell(&call, EVENT_CALL_END, 500, &zhao);
  cr_assert_eq(call.agent, &wang, "a start knows the agent better than an end");
  call_clear(&call);
}

Test(call, a_field_once_known_stays) {
  struct call call = make();
  tell_end(&call, 9000, OUTCOME_BUSY, MSEC_NONE);
  tell_end(&call, 8000, OUTCOME_UNKNOWN, MSEC_NONE);
  cr_assert_eq(call.end_ms, 8000);
  cr_assert_eq(call.outcome, OUTCOME_BUSY);
  call_clear(&call);
}

Test(call, long_ids_are_kept_whole) {
  char id[300];
  memset(id, 'x', sizeof id);
  struct call call;
  call_init(&call, (struct slice){id, sizeof id});
  cr_assert(slice_equal(call_id(&call), (struct slice){id, sizeof id}));
  call_clear(&call);
}

Test(call, an_end_alone_needs_agent_and_talk_or_outcome) {
  struct call call = make();
  tell(&call, EVENT_CALL_END, 60000, NULL);
  cr_assert_eq(call_state_of(&call), CALL_WAITING);
  call.agent = &wang;
  cr_assert_eq(call_state_of(&call), CALL_WAITING);
  tell_end(&call, 60000, OUTCOME_UNKNOWN, 20000);
  cr_assert_eq(call_state_of(&call), CALL_DONE);
  cr_assert_eq(call_begin(&call), 40000);
  call_clear(&call);
}

Test(call, states_follow_from_facts) {
  struct call call = make();
  tell(&call, EVENT_CALL_ANSWER, 2000, NULL);
  cr_assert_eq(call_state_of(&call), CALL_WAITING);
  tell(&call, EVENT_CALL_START, 1000, &wang);
  cr_assert_eq(call_state_of(&call), CALL_OPEN);
  tell(&call, EVENT_CALL_LOST, 5000, NULL);
  cr_assert_eq(call_state_of(&call), CALL_LOST);
  tell(&call, EVENT_CALL_END, 6000, NULL);
  cr_assert_eq(call_state_of(&call), CALL_DONE);
  call.dir = DIR_INTERNAL;
  cr_assert_eq(call_state_of(&call), CALL_INTERNAL);
  cr_assert_str_eq(call_state_name(CALL_LOST), "lost");
  call_clear(&call);
}

Test(call, an_answered_call_rings_then_talks) {
  struct call call = make();
  tell(&call, EVENT_CALL_START, 1000, &wang);
  tell(&call, EVENT_CALL_ANSWER, 8000, NULL);
  tell_end(&call, 68000, OUTCOME_BUSY, MSEC_NONE);
  struct call_count c = count(&call, &plain);
  cr_assert_eq(c.flags, COUNT_DIALLED | COUNT_ANSWERED | COUNT_CALL | COUNT_TALK);
  cr_assert_eq(c.outcome, OUTCOME_UNKNOWN, "the answer beats the outcome");
  cr_assert_eq(c.ring_ms, 7000);
  cr_assert_eq(c.talk_ms, 60000);
}

Test(call, unanswered_without_outcome_is_no_answer) {
  struct call call = make();
  tell(&call, EVENT_CALL_START, 1000, &wang);
  tell_end(&call, 31000, OUTCOME_UNKNOWN, MSEC_NONE);
  struct call_count c = count(&call, &plain);
  cr_assert_eq(c.flags, COUNT_DIALLED);
  cr_assert_eq(c.outcome, OUTCOME_NO_ANSWER);
  cr_assert_eq(c.ring_ms, 30000);
}

Test(call, given_talk_is_placed_before_the_end) {
  struct call call = make();
  tell(&call, EVENT_CALL_START, 1000, &wang);
  tell_end(&call, 61000, OUTCOME_UNKNOWN, 50000);
  struct call_count c = count(&call, &plain);
  cr_assert(c.flags & COUNT_ANSWERED);
  cr_assert_eq(c.talk_from, 11000);
  cr_assert_eq(c.talk_to, 61000);
  cr_assert_eq(c.ring_ms, 10000);
}

Test(call, answered_by_outcome_alone_has_no_talk) {
  struct call call = make();
  tell(&call, EVENT_CALL_START, 1000, &wang);
  tell_end(&call, 61000, OUTCOME_ANSWERED, MSEC_NONE);
  struct call_count c = count(&call, &plain);
  cr_assert(c.flags & COUNT_ANSWERED && c.flags & COUNT_CALL);
  cr_assert_eq(c.talk_ms, 0);
}

Test(call, a_start_may_mean_the_answer) {
  struct call call = make();
  struct call_event start = call_event_of(EVENT_CALL_START, 1000);
  start.start_is_answer = true;
  call_learn(&call, &start, &wang);
  tell_end(&call, 61000, OUTCOME_UNKNOWN, MSEC_NONE);
  cr_assert_eq(count(&call, &plain).talk_ms, 60000);
}

Test(call, clocks_that_disagree_never_count_below_zero) {
  struct call call = make();
  tell(&call, EVENT_CALL_START, 9000, &wang);
  tell(&call, EVENT_CALL_ANSWER, 8000, NULL);
  tell_end(&call, 7000, OUTCOME_UNKNOWN, MSEC_NONE);
  struct call_count c = count(&call, &plain);
  cr_assert_eq(c.ring_ms, 0);
  cr_assert_eq(c.talk_ms, 0);
}

Test(call, hold_is_counted_apart_and_is_talk_unless_the_policy_says_not) {
  for (int includes = 0; includes < 2; includes++) {
    struct policy policy = plain;
    policy.count.talk_includes_hold = includes;
    struct call call = make();
    tell(&call, EVENT_CALL_START, 1000, &wang);
    tell(&call, EVENT_CALL_ANSWER, 10000, NULL);
    tell(&call, EVENT_CALL_RETRIEVE, 40000, NULL);
    tell(&call, EVENT_CALL_HOLD, 20000, NULL);
    tell(&call, EVENT_CALL_HOLD, 60000, NULL); /* never retrieved */
    tell_end(&call, 70000, OUTCOME_UNKNOWN, MSEC_NONE);
    struct call_count c = count(&call, &policy);
    cr_assert_eq(c.hold_ms, 30000);
    cr_assert_eq(c.talk_ms, includes ? 60000 : 30000);
  }
}

Test(call, the_earliest_holds_are_kept_whatever_the_order) {
  struct call call = make();
  for (int i = CALL_HOLDS_MAX + 50; i > 0; i--)
    tell(&call, EVENT_CALL_HOLD, i * 1000, NULL);
  cr_assert_eq(call.holds->count, CALL_HOLDS_MAX);
  cr_assert_eq(call.holds->at[0], 2000);
  cr_assert_eq(call.holds->at[CALL_HOLDS_MAX - 1], (int64_t)CALL_HOLDS_MAX * 2000);
  cr_assert_not(tell(&call, EVENT_CALL_HOLD, 2000000, NULL));
  call_clear(&call);
}

Test(call, what_is_a_call_is_policy) {
  struct policy policy = plain;
  policy.count.min_talk_ms = 30000;
  struct call call = make();
  tell(&call, EVENT_CALL_START, 1000, &wang);
  tell_end(&call, 40000, OUTCOME_UNKNOWN, 29999);
  struct call_count out;
  call_count_make(&call, CALL_DONE, &policy, 0, &out);
  cr_assert_not(out.flags & COUNT_CALL);
  cr_assert(out.flags & COUNT_TALK, "short talk is talk all the same");
  policy.count.calls_when_attempted = true;
  call_count_make(&call, CALL_DONE, &policy, 0, &out);
  cr_assert(out.flags & COUNT_CALL);
  call.dir = DIR_IN;
  call_count_make(&call, CALL_DONE, &policy, 0, &out);
  cr_assert_eq(out.flags, COUNT_ANSWERED, "inbound joins only where directions lists it");
  policy.count.directions_in = true;
  call_count_make(&call, CALL_DONE, &policy, 0, &out);
  cr_assert_eq(out.flags, COUNT_ANSWERED | COUNT_CALL | COUNT_TALK);
  call_clear(&call);
}

Test(call, a_lost_call_has_no_talk) {
  struct policy policy = plain;
  struct call call = make();
  tell(&call, EVENT_CALL_START, 1000, &wang);
  tell(&call, EVENT_CALL_ANSWER, 5000, NULL);
  tell(&call, EVENT_CALL_LOST, 90000, NULL);
  struct call_count out;
  call_count_make(&call, CALL_LOST, &policy, 0, &out);
  cr_assert_eq(out.flags, COUNT_DIALLED | COUNT_ANSWERED | COUNT_LOST | COUNT_CALL);
  cr_assert_eq(out.ring_ms, 4000);
  cr_assert_eq(out.talk_ms, 0);
  policy.count.min_talk_ms = 1;
  call_count_make(&call, CALL_LOST, &policy, 0, &out);
  cr_assert_not(out.flags & COUNT_CALL);
  call_clear(&call);
}
