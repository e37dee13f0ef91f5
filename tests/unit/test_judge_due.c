/* Whoever looks back judges when a verdict is due, not every minute: the states, and
 * when they were reached, are the same. POLICY section 3. */
#include <criterion/criterion.h>

#include "callpace/core/fold.h"
#include "centre_fixture.h"

enum { AGENTS = 12, CALLS = 1500 };

struct look {
  struct fold fold;
  struct writer log; /* every change of a state */
};

static void judge(void *context) {
  struct look *look = context;
  struct pace_facts facts;
  struct verdict verdict;
  for (struct day_tally *t; (t = centre_next_to_judge(look->fold.centre));) {
    if (!fold_verdict(&look->fold, t, &facts, &verdict)) continue;
    if (t->verdict.state != verdict.state)
      put_format(&look->log, "%s %d %s %lld\n", t->agent->id, t->day,
                 pace_state_name(verdict.state), (long long)look->fold.now_ms);
    centre_set_verdict(look->fold.centre, t, &verdict);
  }
}

static void pass(struct look *look, msec_t to_ms) {
  fold_pass(&look->fold, to_ms, judge, look);
  judge(look);
}

static void apply(struct look *look, const struct call_event *event) {
  pass(look, event->ts_ms);
  fold_event(&look->fold, look->fold.lsn + 1, 0, 0, event, event->ts_ms);
  judge(look);
}

/* The first agents call without a pause, the last hardly ever. */
static void live_a_day(struct look *look, msec_t begin, uint32_t seed) {
  for (unsigned i = 0; i < CALLS; i++) {
    char call[32], agent[16];
    seed = seed * 1664525 + 1013904223;
    unsigned who = (seed >> 8) % AGENTS * ((seed >> 16) % AGENTS) / AGENTS;
    snprintf(agent, sizeof agent, "%u", 1001 + who);
    snprintf(call, sizeof call, "%lld-%u", (long long)begin, i);
    struct call_event event = call_event_of(EVENT_CALL_START, begin + 9 * HOUR / CALLS * i);
    event.call = slice_of(call);
    event.agent = slice_of(agent);
    event.dir = DIR_OUT;
    apply(look, &event);
    event = call_event_of(EVENT_CALL_END, event.ts_ms + 15 * SEC);
    event.call = slice_of(call);
    event.outcome = OUTCOME_ANSWERED;
    event.talk_ms = (seed >> 20) % 60 * SEC;
    apply(look, &event);
  }
}

static void live(struct look *look, const struct settings *settings, bool when_due) {
  fold_init(&look->fold, settings, true);
  if (when_due) centre_judge_when_due(look->fold.centre);
  msec_t monday = utc("2026-11-23T09:00:00+08:00");
  for (unsigned day = 0; day < 3; day++)
    live_a_day(look, monday + day * 24 * HOUR, day + 7);
  pass(look, monday + 80 * HOUR);
}

Test(judge_due, states_and_their_times_are_the_same) {
  struct settings *settings = fixture_settings(AGENTS);
  struct look often = {.log = {0}}, due = {.log = {0}};
  live(&often, settings, false);
  live(&due, settings, true);
  static const char *const all[] = {"warming", "on_pace", "behind", "unreachable", "missed", "met"};
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
    cr_assert(strstr(writer_text(&often.log), all[i]), "nobody is ever %s", all[i]);
  cr_assert_str_eq(writer_text(&due.log), writer_text(&often.log));
  fold_free(&often.fold);
  fold_free(&due.fold);
  writer_free(&often.log);
  writer_free(&due.log);
  settings_free(settings);
}
