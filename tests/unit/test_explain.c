/* What explain credits adds up to what the fold counts, on random histories: calls
 * repeated, contradicted, handed over, late by minutes or by days, lost, forgotten;
 * rules that change in the middle. CALLPACE_SEED=N repeats one seed. */
#include <criterion/criterion.h>

#include "callpace/core/explain.h"
#include "centre_fixture.h"

enum { DAYS = 8, CALLS = 150, EVENTS_MAX = CALLS * 8, RUNS = 30, AGENTS = 3 };

static uint64_t random_state;
static unsigned roll(unsigned sides) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (unsigned)((random_state >> 11) % sides);
}

struct arrival {
  msec_t now_ms;
  unsigned order;
  struct call_event event;
};

struct history {
  struct settings *first, *second; /* the second in force from change_ms on */
  msec_t origin, change_ms;
  struct arrival arrivals[EVENTS_MAX];
  unsigned count;
};

static const char *const agents[AGENTS] = {"1001", "1002", "stranger"};
static char ids[CALLS][16];

/* On its way for a moment, minutes, or days. */
static msec_t delay(void) {
  switch (roll(12)) {
  case 0: return roll(600) * SEC;
  case 1: return roll(5 * 86400) * SEC;
  default: return roll(3) * SEC;
  }
}

static struct call_event *add(struct history *h, enum call_event_type type, unsigned call,
                              msec_t ts) {
  struct arrival *a = &h->arrivals[h->count];
  *a = (struct arrival){ts + delay(), h->count, call_event_of(type, ts)};
  a->event.call = slice_of(ids[call]);
  h->count++;
  return &a->event;
}

static void add_call(struct history *h, unsigned call) {
  unsigned agent = roll(AGENTS);
  msec_t start = h->origin + roll((DAYS - 1) * 86400) * SEC;
  if (roll(2)) start = h->origin + roll(DAYS - 1) * MSEC_PER_DAY + roll(1800) * SEC; /* overlaps */
  msec_t answer = start + roll(30) * SEC, end = answer + roll(900) * SEC;
  struct call_event *event = add(h, EVENT_CALL_START, call, start);
  event->agent = slice_of(agents[agent]);
  event->dir = (enum call_dir)(roll(4) ? DIR_OUT : roll(4));
  if (roll(8) == 0) add(h, EVENT_CALL_START, call, start)->agent = slice_of(agents[roll(AGENTS)]);
  if (roll(4)) add(h, EVENT_CALL_ANSWER, call, answer);
  if (roll(8) == 0) add(h, EVENT_CALL_HOLD, call, answer + roll(300) * SEC);
  if (roll(20) == 0) return; /* lost */
  for (unsigned i = roll(8) ? 1 : 2; i > 0; i--) {
    event = add(h, EVENT_CALL_END, call, end);
    event->outcome = (enum call_outcome)roll(6);
    if (roll(6) == 0) event->talk_ms = roll(900) * SEC;
    if (roll(6) == 0) event->agent = slice_of(agents[roll(AGENTS)]);
  }
}

static int by_arrival(const void *a, const void *b) {
  const struct arrival *x = a, *y = b;
  if (x->now_ms != y->now_ms) return x->now_ms < y->now_ms ? -1 : 1;
  return (x->order > y->order) - (x->order < y->order);
}

static struct settings *some_settings(void) {
  struct settings *settings = fixture_settings(2);
  struct policy *policy = &settings->policy->policies[0];
  policy->count.directions_in = roll(2);
  policy->count.directions_out = roll(5) > 0;
  policy->count.calls_when_attempted = roll(4) == 0;
  policy->count.min_talk_ms = roll(2) ? 0 : 60 * SEC;
  policy->count.talk_includes_hold = roll(2);
  return settings;
}

static void make_history(struct history *h) {
  h->first = some_settings();
  h->second = some_settings();
  h->origin = utc("2026-11-22T16:00:00Z");
  h->change_ms = h->origin + roll(DAYS * 86400) * SEC;
  h->count = 0;
  for (unsigned i = 0; i < CALLS; i++) {
    snprintf(ids[i], sizeof ids[i], "c%u", roll(50) ? i : roll(CALLS));
    add_call(h, i);
  }
  qsort(h->arrivals, h->count, sizeof h->arrivals[0], by_arrival);
}

static void play(const struct history *h, struct fold *fold, struct explain *explain) {
  bool changed = false;
  for (unsigned i = 0; i < h->count; i++) {
    const struct arrival *a = &h->arrivals[i];
    if (!changed && a->now_ms >= h->change_ms) fold_use_settings(fold, h->second);
    changed = a->now_ms >= h->change_ms;
    enum centre_result result = fold_event(fold, i + 1, 0, 0, &a->event, a->now_ms);
    explain_event(explain, i + 1, &a->event, result);
    explain_judge(explain);
  }
  fold_advance(fold, h->origin + (DAYS + 5) * MSEC_PER_DAY);
  explain_judge(explain);
  explain_finish(explain);
}

/* Every day that is asked for, to the call and the millisecond. */
static void compare(const struct fold *fold, const struct explain *x, const char *id, day_t first,
                    day_t last, uint64_t seed) {
  const struct centre_agent *agent = centre_find_agent(fold->centre, slice_of(id));
  for (day_t day = first - 2; day <= last + 2; day++) {
    const struct day_tally *t = agent ? centre_find_day(agent, day) : NULL;
    int64_t calls = 0, talk_ms = 0;
    for (size_t i = 0; i < explain_count(x); i++) {
      const struct explain_entry *entry = explain_at(x, i);
      cr_assert_eq(entry->calls_credited == 0, entry->calls_reason != REASON_NONE);
      if (entry->talk_credited_ms == 0) cr_assert_neq(entry->talk_reason, REASON_NONE);
      if (entry->repeated) cr_assert_eq(entry->calls_reason, REASON_DUPLICATE);
      if (entry->day != day) continue;
      calls += entry->calls_credited;
      talk_ms += entry->talk_credited_ms;
    }
    bool asked = t && day >= first && day <= last;
    cr_assert_eq(calls, asked ? t->calls : 0, "seed %llu agent %s day %d: %lld calls",
                 (unsigned long long)seed, id, (int)(day - first), (long long)calls);
    cr_assert_eq(talk_ms, asked ? t->talk.total_ms : 0, "seed %llu agent %s day %d: %lld ms",
                 (unsigned long long)seed, id, (int)(day - first), (long long)talk_ms);
    enum pace_state state = PACE_NONE;
    for (size_t i = 0; i < explain_state_count(x); i++)
      if (explain_state_at(x, i)->day == day) state = explain_state_at(x, i)->verdict.state;
    if (asked) cr_assert_eq(state, t->verdict.state);
  }
}

static void check_seed(uint64_t seed) {
  static struct history h;
  random_state = seed * 0x9e3779b97f4a7c15u + 1;
  make_history(&h);
  day_t origin = date("2026-11-23"), first = origin + (day_t)roll(DAYS),
        last = first + (day_t)roll(DAYS);
  for (unsigned a = 0; a < AGENTS; a++) {
    struct fold fold;
    fold_init(&fold, h.first, true);
    centre_limits(fold.centre)->keep_days = 1000;
    if (roll(3) == 0) centre_limits(fold.centre)->calls_max = 20;
    struct explain *explain = explain_new(&fold, slice_of(agents[a]), first, last);
    play(&h, &fold, explain);
    compare(&fold, explain, agents[a], first, last, seed);
    explain_free(explain);
    fold_free(&fold);
  }
  settings_free(h.first);
  settings_free(h.second);
}

Test(explain, adds_up_to_the_counters) {
  const char *given = getenv("CALLPACE_SEED");
  if (given) {
    check_seed(strtoull(given, NULL, 10));
    return;
  }
  for (uint64_t seed = 1; seed <= RUNS; seed++)
    check_seed(seed);
}

/* --- each reason by an example --- */

struct example {
  struct settings *settings;
  struct fold fold;
  struct explain *explain;
  uint64_t lsn;
  msec_t nine;
};

static struct example example(void) {
  return (struct example){.settings = fixture_settings(2), .nine = utc("2026-11-23T01:00:00Z")};
}

/* To be called once the rules stand. */
static void begin(struct example *e) {
  day_t day = date("2026-11-23");
  fold_init(&e->fold, e->settings, true);
  e->explain = explain_new(&e->fold, SLICE("1001"), day, day);
}

static void tell(struct example *e, struct call_event event) {
  enum centre_result result = fold_event(&e->fold, ++e->lsn, 0, 0, &event, event.ts_ms);
  explain_event(e->explain, e->lsn, &event, result);
}

static struct call_event start_of(const char *call, const char *agent, msec_t ts,
                                  enum call_dir dir) {
  struct call_event event = call_event_of(EVENT_CALL_START, ts);
  event.call = slice_of(call);
  event.agent = slice_of(agent);
  event.dir = dir;
  event.number = SLICE("13900001111");
  return event;
}

static struct call_event of_call(enum call_event_type type, const char *call, msec_t ts) {
  struct call_event event = call_event_of(type, ts);
  event.call = slice_of(call);
  return event;
}

static void whole(struct example *e, const char *call, msec_t ts, msec_t talk_ms,
                  enum call_dir dir) {
  tell(e, start_of(call, "1001", ts, dir));
  if (talk_ms) tell(e, of_call(EVENT_CALL_ANSWER, call, ts));
  tell(e, of_call(EVENT_CALL_END, call, ts + talk_ms));
}

static const struct explain_entry *only(const struct example *e, const char *call) {
  const struct explain_entry *found = NULL;
  for (size_t i = 0; i < explain_count(e->explain); i++)
    if (strcmp(explain_at(e->explain, i)->call, call) == 0 && !explain_at(e->explain, i)->repeated)
      found = explain_at(e->explain, i);
  cr_assert_not_null(found, "no entry of %s", call);
  return found;
}

static void end(struct example *e) {
  explain_free(e->explain);
  fold_free(&e->fold);
  settings_free(e->settings);
}

/* POLICY section 2: what counts, and each is a switch. */
Test(explain, says_why_a_call_does_not_count) {
  struct example e = example();
  e.settings->policy->policies[0].count.min_talk_ms = 10 * SEC;
  begin(&e);
  whole(&e, "good", e.nine, 60 * SEC, DIR_OUT);
  whole(&e, "short", e.nine + 2 * MIN, 9 * SEC, DIR_OUT);
  whole(&e, "inside", e.nine + 3 * MIN, 60 * SEC, DIR_INTERNAL);
  whole(&e, "inbound", e.nine + 5 * MIN, 60 * SEC, DIR_IN);
  whole(&e, "unanswered", e.nine + 7 * MIN, 0, DIR_OUT);
  tell(&e, start_of("lost", "1001", e.nine + 8 * MIN, DIR_OUT));
  tell(&e, of_call(EVENT_CALL_ANSWER, "lost", e.nine + 8 * MIN));
  tell(&e, of_call(EVENT_CALL_LOST, "lost", e.nine + 9 * MIN));
  tell(&e, of_call(EVENT_CALL_END, "good", e.nine + 60 * SEC));
  tell(&e, start_of("open", "1001", e.nine + 10 * MIN, DIR_OUT));
  struct call_event handed = of_call(EVENT_CALL_END, "handed", e.nine + 11 * MIN);
  handed.agent = SLICE("1001");
  tell(&e, start_of("handed", "1002", e.nine + 10 * MIN, DIR_OUT));
  tell(&e, handed);
  explain_finish(e.explain);
  cr_assert_eq(only(&e, "good")->calls_credited, 1);
  cr_assert_eq(only(&e, "good")->talk_credited_ms, 60 * SEC);
  cr_assert_str_eq(only(&e, "good")->number, "13900001111");
  cr_assert_eq(only(&e, "short")->calls_reason, REASON_TOO_SHORT);
  cr_assert_eq(only(&e, "short")->talk_credited_ms, 9 * SEC);
  cr_assert_eq(only(&e, "inside")->calls_reason, REASON_INTERNAL);
  cr_assert_eq(only(&e, "inbound")->calls_reason, REASON_DIRECTION);
  cr_assert_eq(only(&e, "unanswered")->calls_reason, REASON_NOT_ANSWERED);
  cr_assert_eq(only(&e, "unanswered")->outcome, OUTCOME_NO_ANSWER);
  cr_assert_eq(only(&e, "lost")->calls_reason, REASON_LOST_TRACK);
  cr_assert_eq(only(&e, "lost")->talk_reason, REASON_LOST_TRACK);
  cr_assert_eq(only(&e, "open")->calls_reason, REASON_OPEN);
  cr_assert_eq(only(&e, "handed")->calls_reason, REASON_AFTER_TRANSFER);
  cr_assert_str_eq(only(&e, "handed")->holder, "1002");
  size_t repeated = 0;
  for (size_t i = 0; i < explain_count(e.explain); i++)
    repeated += explain_at(e.explain, i)->repeated == EVENT_CALL_END;
  cr_assert_eq(repeated, 1);
  end(&e);
}

Test(explain, credits_overlapping_talk_once) {
  struct example e = example();
  begin(&e);
  tell(&e, start_of("a", "1001", e.nine, DIR_OUT));
  tell(&e, start_of("b", "1001", e.nine + 30 * SEC, DIR_OUT));
  tell(&e, of_call(EVENT_CALL_ANSWER, "a", e.nine));
  tell(&e, of_call(EVENT_CALL_ANSWER, "b", e.nine + 30 * SEC));
  tell(&e, of_call(EVENT_CALL_END, "a", e.nine + 60 * SEC));
  tell(&e, of_call(EVENT_CALL_END, "b", e.nine + 90 * SEC));
  explain_finish(e.explain);
  cr_assert_eq(only(&e, "a")->talk_credited_ms, 60 * SEC);
  cr_assert_eq(only(&e, "b")->talk_credited_ms, 30 * SEC);
  cr_assert_eq(only(&e, "b")->talk_reason, REASON_OVERLAP);
  cr_assert_eq(only(&e, "b")->calls_credited, 1);
  end(&e);
}

/* A call belongs whole to the business day in which it started. */
Test(explain, a_call_over_midnight_is_of_the_day_before) {
  struct example e = example();
  begin(&e);
  msec_t midnight = utc("2026-11-22T16:00:00Z");
  whole(&e, "night", midnight - 60 * SEC, 120 * SEC, DIR_OUT);
  whole(&e, "late", midnight + MSEC_PER_DAY - 60 * SEC, 120 * SEC, DIR_OUT);
  explain_finish(e.explain);
  cr_assert_eq(only(&e, "night")->calls_reason, REASON_OUTSIDE_WINDOW);
  cr_assert_eq(only(&e, "night")->talk_credited_ms, 0);
  cr_assert_eq(only(&e, "late")->calls_credited, 1);
  end(&e);
}

Test(explain, writes_json_that_holds_hostile_names) {
  struct example e = example();
  begin(&e);
  whole(&e, "\"},<script>\n\x1b[31m", e.nine, 60 * SEC, DIR_OUT);
  explain_finish(e.explain);
  struct writer out = {0};
  json_open(&out, '[');
  explain_put_calls(e.explain, &out);
  explain_put_talk(e.explain, &out);
  explain_put_states(e.explain, &out);
  json_close(&out, ']');
  const char *text = writer_text(&out);
  cr_assert_null(strchr(text, '\x1b'));
  cr_assert_null(strchr(text, '<'));
  cr_assert_not_null(strstr(text, "\"when\":\"2026-11-23T09:00:00+08:00\""));
  cr_assert_not_null(strstr(text, "\"credited\":60000"));
  writer_free(&out);
  end(&e);
}
