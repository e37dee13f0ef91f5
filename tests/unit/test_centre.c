#include <criterion/criterion.h>

#include "callpace/base/crc32c.h"
#include "centre_fixture.h"

static struct settings *settings;
static struct centre *centre;
static msec_t now;
static uint64_t lsn;

static void begin(void) {
  settings = fixture_settings(3);
  centre = centre_new(settings);
  now = utc("2026-11-23T09:00:00+08:00");
  centre_advance(centre, now, 0);
}

static void finish(void) {
  centre_free(centre);
  settings_free(settings);
}
TestSuite(centre, .init = begin, .fini = finish);

static struct call_event event_of(enum call_event_type type, const char *call, msec_t ts,
                                  const char *agent) {
  struct call_event event = call_event_of(type, ts);
  event.call = slice_of(call);
  event.agent = slice_of(agent);
  return event;
}

static enum centre_result tell(enum call_event_type type, const char *call, msec_t ts,
                               const char *agent) {
  struct call_event event = event_of(type, call, ts, agent);
  return centre_apply(centre, &event, now, ++lsn);
}

static void talk(const char *call, msec_t start, msec_t talk_ms, const char *agent) {
  tell(EVENT_CALL_START, call, start, agent);
  tell(EVENT_CALL_ANSWER, call, start, NULL);
  tell(EVENT_CALL_END, call, start + talk_ms, NULL);
}

static struct day_tally *day_of(const char *agent, const char *day) {
  struct centre_agent *found = centre_find_agent(centre, slice_of(agent));
  return found ? centre_find_day(found, date(day)) : NULL;
}

static struct day_tally *today(const char *agent) {
  return day_of(agent, "2026-11-23");
}

Test(centre, every_rostered_agent_has_a_day_from_its_beginning) {
  cr_assert_eq(centre_today(centre), date("2026-11-23"));
  int dirty = 0, judge = 0;
  while (centre_next_dirty_day(centre))
    dirty++;
  while (centre_next_to_judge(centre))
    judge++;
  cr_assert_eq(dirty, 3);
  cr_assert_eq(judge, 3);
  cr_assert_eq(today("1001")->calls_target, 60);
  msec_t midnight = utc("2026-11-24T00:00:00+08:00");
  cr_assert_leq(centre_next_due(centre), midnight);
  centre_advance(centre, midnight, 0);
  cr_assert_not_null(day_of("1003", "2026-11-24"));
}

Test(centre, open_calls_live_counters_when_completed) {
  tell(EVENT_CALL_START, "a", now, "1001");
  cr_assert_eq(today("1001")->open_calls, 1);
  cr_assert_eq(today("1001")->dials, 0);
  cr_assert_eq(today("1001")->on_call_since_ms, MSEC_NONE);
  tell(EVENT_CALL_ANSWER, "a", now + 5 * SEC, NULL);
  cr_assert_eq(today("1001")->on_call_since_ms, now + 5 * SEC);
  tell(EVENT_CALL_END, "a", now + 65 * SEC, NULL);
  const struct day_tally *t = today("1001");
  cr_assert_eq(t->open_calls, 0);
  cr_assert_eq(t->on_call_since_ms, MSEC_NONE);
  cr_assert_eq(t->dials + t->answered + t->calls, 3);
  cr_assert_eq(t->talk.total_ms, 60 * SEC);
  cr_assert_eq(t->first_dial_ms, now);
  cr_assert_eq(t->lsn, lsn);
}

Test(centre, repetition_is_told_and_changes_nothing) {
  cr_assert_eq(tell(EVENT_CALL_START, "a", now, "1001"), CENTRE_APPLIED);
  while (centre_next_dirty_day(centre))
    continue;
  cr_assert_eq(tell(EVENT_CALL_START, "a", now, "1001"), CENTRE_UNCHANGED);
  cr_assert_null(centre_next_dirty_day(centre));
}

Test(centre, refusals) {
  cr_assert_eq(tell(EVENT_CALL_START, "a", now, NULL), CENTRE_MISSING_FIELD);
  cr_assert_eq(tell(EVENT_CALL_END, NULL, now, "1001"), CENTRE_MISSING_FIELD);
  cr_assert_eq(tell(EVENT_CALL_START, "a", -1, "1001"), CENTRE_BAD_TIME);
  centre_limits(centre)->unrostered_max = 1;
  cr_assert_eq(tell(EVENT_CALL_START, "a", now, "x1"), CENTRE_APPLIED);
  cr_assert_eq(tell(EVENT_CALL_START, "b", now, "x2"), CENTRE_TOO_MANY_AGENTS);
  cr_assert_eq(tell(EVENT_CALL_START, "b", now, "1002"), CENTRE_APPLIED);
}

Test(centre, agents_are_found_by_extension_and_strangers_counted) {
  talk("a", now, 10 * SEC, "SIP/1002");
  talk("b", now, 10 * SEC, "x9");
  cr_assert(slice_equal(centre_resolve_agent(centre, SLICE("SIP/1002")), SLICE("1002")));
  cr_assert_eq(today("1002")->calls, 1);
  cr_assert_eq(today("x9")->calls, 1);
  cr_assert_eq(today("x9")->verdict.state, PACE_UNROSTERED);
  cr_assert_eq(today("x9")->agent_class, CLASS_NEW);
  struct pace_facts facts;
  cr_assert_not(centre_pace_facts(centre, today("x9"), now, 10000, &facts));
}

Test(centre, a_call_belongs_to_the_day_of_its_start) {
  talk("a", utc("2026-11-23T23:59:00+08:00"), 10 * MIN, "1001");
  cr_assert_eq(today("1001")->talk.total_ms, 10 * MIN);
  tell(EVENT_CALL_START, "a", utc("2026-11-22T23:59:00+08:00"), "1001");
  cr_assert_eq(today("1001")->dials, 0, "an earlier start moves it");
  cr_assert_eq(day_of("1001", "2026-11-22")->dials, 1);
}

Test(centre, an_end_that_names_nobody_waits_for_its_start) {
  tell(EVENT_CALL_END, "a", now + 60 * SEC, NULL);
  tell(EVENT_CALL_ANSWER, "a", now + 10 * SEC, NULL);
  cr_assert_eq(centre_counts(centre).calls, 1);
  tell(EVENT_CALL_START, "a", now, "1001");
  cr_assert_eq(today("1001")->talk.total_ms, 50 * SEC);
  cr_assert_eq(today("1001")->ring_ms, 10 * SEC);
}

Test(centre, internal_calls_are_nothing) {
  struct call_event start = event_of(EVENT_CALL_START, "a", now, "1001");
  start.dir = DIR_INTERNAL;
  centre_apply(centre, &start, now, ++lsn);
  cr_assert_eq(today("1001")->open_calls, 0);
  tell(EVENT_CALL_END, "a", now + MIN, NULL);
  cr_assert_eq(today("1001")->dials, 0);
}

Test(centre, a_call_without_end_is_lost_after_max_call_and_a_late_end_replaces_it) {
  struct lost_call lost;
  tell(EVENT_CALL_START, "a", now, "1001");
  tell(EVENT_CALL_ANSWER, "a", now + SEC, NULL);
  tell(EVENT_CALL_START, "b", now, "1001");
  cr_assert_eq(centre_next_due(centre), now + 4 * HOUR);
  centre_advance(centre, now + 4 * HOUR - 1, lsn);
  cr_assert_not(centre_take_lost(centre, MSEC_MAX, &lost));
  centre_advance(centre, now + 4 * HOUR, lsn);
  cr_assert_eq(today("1001")->lost_track, 2);
  cr_assert_eq(today("1001")->answered, 1);
  cr_assert_eq(today("1001")->calls, 1);
  cr_assert_eq(today("1001")->talk.total_ms, 0);
  tell(EVENT_CALL_END, "a", now + 5 * HOUR, NULL);
  cr_assert(centre_take_lost(centre, MSEC_MAX, &lost));
  cr_assert(slice_equal(lost.call, SLICE("b")), "the one that ended is passed over");
  cr_assert_not(centre_take_lost(centre, MSEC_MAX, &lost));
  cr_assert_eq(today("1001")->lost_track, 1);
  cr_assert_eq(today("1001")->dials, 2);
  cr_assert_eq(today("1001")->talk.total_ms, 5 * HOUR - SEC);
}

Test(centre, members_count_once_in_the_day_first_seen) {
  struct call_event event = event_of(EVENT_MEMBER_DEVELOPED, NULL, now, "1001");
  event.member = SLICE("m1");
  cr_assert_eq(centre_apply(centre, &event, now, 1), CENTRE_APPLIED);
  cr_assert_eq(centre_apply(centre, &event, now, 2), CENTRE_UNCHANGED);
  cr_assert_eq(today("1001")->members, 1);
  event.ts_ms -= MSEC_PER_DAY;
  cr_assert_eq(centre_apply(centre, &event, now, 3), CENTRE_APPLIED);
  cr_assert_eq(today("1001")->members, 0);
  cr_assert_eq(day_of("1001", "2026-11-22")->members, 1);
  month_t month = month_of(date("2026-11-23"));
  cr_assert_eq(centre_find_month(today("1001")->agent, month)->members, 1);
}

Test(centre, the_latest_agent_state_stays) {
  struct call_event event = event_of(EVENT_AGENT_STATE, NULL, now, "1001");
  event.state = AGENT_READY;
  centre_apply(centre, &event, now, 1);
  event.state = AGENT_ACW;
  event.ts_ms = now - 1;
  cr_assert_eq(centre_apply(centre, &event, now, 2), CENTRE_UNCHANGED);
  cr_assert_eq(today("1001")->agent->state, AGENT_READY);
}

Test(centre, finished_calls_are_forgotten_but_stay_counted) {
  talk("a", now, MIN, "1001");
  centre_advance(centre, now + 48 * HOUR - 1, lsn);
  cr_assert_eq(centre_counts(centre).calls, 1);
  centre_advance(centre, now + 48 * HOUR, lsn);
  cr_assert_eq(centre_counts(centre).calls, 0);
  cr_assert_eq(today("1001")->talk.total_ms, MIN);
  cr_assert(today("1001")->settled);
  cr_assert_null(today("1001")->talk.spans);
}

Test(centre, no_more_calls_are_remembered_than_the_limit) {
  centre_limits(centre)->calls_max = 10;
  for (int i = 0; i < 100; i++) {
    char id[16];
    snprintf(id, sizeof id, "c%d", i);
    talk(id, now + i * MIN, 30 * SEC, "1001");
    snprintf(id, sizeof id, "o%d", i);
    tell(EVENT_CALL_ANSWER, id, now, NULL);
  }
  cr_assert_eq(centre_counts(centre).calls, 10);
  cr_assert_eq(centre_counts(centre).forgotten, 190);
  cr_assert_eq(today("1001")->calls, 100);
  cr_assert_eq(today("1001")->talk.total_ms, 50 * MIN);
}

Test(centre, old_days_and_idle_strangers_go) {
  talk("a", now, MIN, "x9");
  tell(EVENT_CALL_END, "b", now, "1001");
  for (int day = 1; day <= 130; day++) {
    centre_advance(centre, now + day * MSEC_PER_DAY, lsn);
    if (day == 62) cr_assert_not_null(today("x9"));
    if (day == 63) cr_assert_null(today("x9"));
  }
  cr_assert_null(centre_find_agent(centre, SLICE("x9")));
  cr_assert_eq(centre_counts(centre).unrostered, 0);
  while (centre_next_dirty_day(centre) || centre_next_dirty_month(centre) ||
         centre_next_dirty_team(centre) || centre_next_to_judge(centre))
    continue;
}

Test(centre, team_sums_and_agents_by_state) {
  talk("a", now, MIN, "1001");
  talk("b", now, 2 * MIN, "1002");
  talk("c", now, 4 * MIN, "x9");
  struct verdict verdict = {.state = PACE_BEHIND, .due_ms = now + HOUR};
  centre_set_verdict(centre, today("1001"), &verdict);
  const struct team_day *red = centre_team_at(centre, 0)->days;
  cr_assert_eq(red->agents, 3);
  cr_assert_eq(red->calls, 2);
  cr_assert_eq(red->talk_ms, 3 * MIN);
  cr_assert_eq(red->states[PACE_BEHIND], 1);
  cr_assert_eq(red->states[PACE_NONE], 2);
}

Test(centre, a_verdict_that_is_due_is_judged_again) {
  while (centre_next_to_judge(centre))
    continue;
  msec_t due = now + MIN / 2; /* everybody is judged at the next minute */
  struct verdict verdict = {.state = PACE_WARMING, .due_ms = due};
  centre_set_verdict(centre, today("1002"), &verdict);
  cr_assert_eq(centre_next_due(centre), due);
  centre_advance(centre, due - 1, lsn);
  cr_assert_null(centre_next_to_judge(centre));
  centre_advance(centre, due, lsn);
  cr_assert_eq(centre_next_to_judge(centre), today("1002"));
  cr_assert_null(centre_next_to_judge(centre));
}

Test(centre, the_call_cycle_is_the_agents_own_from_five_on_else_the_sites) {
  struct pace_facts facts;
  msec_t eleven = utc("2026-11-23T11:50:00+08:00");
  for (int i = 0; i < 6; i++) {
    char id[16];
    snprintf(id, sizeof id, "c%d", i);
    talk(id, eleven + i * 4 * MIN, MIN, "1001"); /* over the lunch break */
  }
  cr_assert(centre_pace_facts(centre, today("1001"), now, 10000, &facts));
  cr_assert_eq(facts.call_cycle_ms, 10 * MIN / 5);
  talk("z", now, MIN, "1002");
  talk("y", now + 5 * MIN, MIN, "1002");
  centre_advance(centre, centre_now(centre) + MIN, lsn); /* the site's, minute by minute */
  centre_pace_facts(centre, today("1002"), now, 10000, &facts);
  cr_assert_eq(facts.call_cycle_ms, 15 * MIN / 6);
}

Test(centre, a_reload_binds_anew_and_keeps_what_was_counted) {
  talk("a", now, MIN, "x9");
  talk("b", now, MIN, "1003");
  tell(EVENT_CALL_START, "o", now, "1001");
  struct settings *other = fixture_settings(2);
  other->policy->policies[0].count.max_call_ms = HOUR;
  other->policy->policies[0].classes[CLASS_VETERAN].day_calls = 70;
  centre_use_settings(centre, other, now);
  settings_free(settings);
  settings = other;
  cr_assert_eq(today("1001")->calls_target, 70);
  cr_assert_eq(today("1003")->calls, 1);
  cr_assert_eq(today("1003")->verdict.state, PACE_UNROSTERED);
  cr_assert_eq(centre_team_at(centre, 0)->days->agents, 2);
  cr_assert_eq(centre_team_at(centre, 0)->days->calls, 0);
  centre_advance(centre, now + HOUR, lsn);
  cr_assert_eq(today("1001")->lost_track, 1);
  cr_assert_eq(centre_counts(centre).unrostered, 2);
}

Test(centre, a_snapshot_goes_on_exactly) {
  talk("a", now, MIN, "1001");
  tell(EVENT_CALL_START, "b", now, "1002");
  tell(EVENT_CALL_HOLD, "b", now + SEC, NULL);
  tell(EVENT_CALL_START, "l", now - 5 * HOUR, "1003");
  centre_advance(centre, now, lsn);
  struct verdict verdict = {.state = PACE_BEHIND, .due_ms = now + HOUR};
  centre_set_verdict(centre, today("1001"), &verdict);
  centre = fixture_reload(centre, settings);
  struct lost_call lost;
  cr_assert(centre_take_lost(centre, MSEC_MAX, &lost));
  cr_assert(slice_equal(lost.call, SLICE("l")));
  cr_assert_eq(today("1001")->verdict.state, PACE_BEHIND);
  cr_assert_eq(centre_team_at(centre, 0)->days->states[PACE_BEHIND], 1);
  cr_assert_eq(tell(EVENT_CALL_START, "a", now, "1001"), CENTRE_UNCHANGED);
  cr_assert_eq(today("1002")->open_calls, 1);
  centre_advance(centre, now + 4 * HOUR, lsn);
  cr_assert_eq(today("1002")->lost_track, 1);
  cr_assert_eq(centre_today(centre), date("2026-11-23"));
}

/* Every cut and flipped bit is refused; with the checksum mended it must still
 * not crash. */
Test(centre, a_damaged_snapshot_is_refused) {
  talk("a", now, MIN, "1001");
  tell(EVENT_CALL_START, "b", now, "x9");
  tell(EVENT_CALL_HOLD, "b", now + SEC, NULL);
  struct writer w = {0};
  centre_save(centre, &w);
  for (size_t i = 0; i < w.len; i++) {
    struct error error = {0};
    struct reader cut = reader_of((struct slice){w.data, i});
    cr_assert_null(centre_load(&cut, settings, &error), "cut at %zu", i);
    cr_assert(cut.failed && error.text[0]);
    w.data[i] = (char)(w.data[i] ^ (1 << i % 8));
    struct reader flipped = reader_of(writer_slice(&w));
    cr_assert_null(centre_load(&flipped, settings, &error), "bit at %zu", i);
    if (i >= 20) {
      uint32_t crc = crc32c(0, w.data + 20, w.len - 20), good;
      memcpy(&good, w.data + 16, sizeof good);
      memcpy(w.data + 16, &crc, sizeof crc);
      struct reader mended = reader_of(writer_slice(&w));
      centre_free(centre_load(&mended, settings, &error));
      memcpy(w.data + 16, &good, sizeof good);
    }
    w.data[i] = (char)(w.data[i] ^ (1 << i % 8));
  }
  writer_free(&w);
}
