/* The ledger of leads in the centre, against POLICY section 5, and against a plain
 * model that keeps all events and looks at them again for every figure: in random
 * order, repeated, conflicting, late, with snapshots between. CALLPACE_SEED=N repeats
 * one seed. */
#include <criterion/criterion.h>

#include "callpace/core/leads.h"
#include "callpace/core/number.h"
#include "centre_fixture.h"

enum { AGENTS = 3, LEADS = 8, CALLS = 40, EVENTS_MAX = 1000, RUNS = 60, WEEKS = 2 };

static uint64_t random_state;
static unsigned long long seed_now;
static unsigned roll(unsigned sides) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (unsigned)((random_state >> 11) % sides);
}

static const char *const agent_ids[AGENTS] = {"1001", "1002", "stranger"};
static const char *const lead_ids[LEADS] = {"L0", "L1", "L2", "L3", "L4", "L5", "L6", "L7"};
static const char *const week_names[WEEKS] = {"2026-W48", "2026-W49"};
/* Rows of forms of one number each. */
enum { NUMBERS = 5, FORMS = 4 };
static const char *const numbers[NUMBERS][FORMS] = {
    {"13800138000", "+8613800138000", "913800138000", "138 0013 8000"},
    {"13800138001", "008613800138001", "013800138001", "9013800138001"},
    {"01012345678", "+861012345678", "901012345678", "010-12345678"},
    {"95588", "95588", "9 55 88", "95-588"},
    {"anonymous", "anonymous", "anonymous", "anonymous"}};

struct world {
  struct settings *settings;
  const struct policy *policy;
  msec_t origin;
  struct call_event events[EVENTS_MAX];
  bool taken[EVENTS_MAX]; /* withdrawals of what was held */
  unsigned count;
  char ids[CALLS][8];
};

static struct settings *settings_with(int64_t reached, bool attempted, msec_t gap_ms) {
  struct settings *settings = fixture_settings(2);
  struct policy *policy = settings->policy->policies;
  settings->policy->numbers =
      (struct number_rules){{{"0086", 4}, {"+86", 3}, {"9", 1}, {"0", 1}}, 4};
  policy->contact.reached_contacts = reached;
  policy->contact.counts_when_attempted = attempted;
  policy->contact.contact_min_gap_ms = gap_ms;
  return settings;
}

static struct call_event *add(struct world *w, enum call_event_type type, msec_t ts) {
  assert(w->count < EVENTS_MAX);
  w->events[w->count] = call_event_of(type, ts);
  return &w->events[w->count++];
}

static const char *some_number(void) {
  return numbers[roll(NUMBERS)][roll(FORMS)];
}

static void add_call(struct world *w, unsigned i) {
  struct slice id = slice_of(w->ids[i]), agent = slice_of(agent_ids[roll(AGENTS)]);
  /* half past the hour, so that no call stands in two weeks; a day before the end, so
   * that the lost are given up */
  msec_t start = w->origin + roll((WEEKS * 7 - 1) * 24) * HOUR + 30 * MIN + roll(1200) * SEC;
  unsigned starts = 1 + roll(2);
  for (unsigned n = 0; n < starts; n++) {
    struct call_event *event = add(w, EVENT_CALL_START, start + n * roll(3) * SEC);
    event->call = id;
    event->agent = agent;
    event->dir = roll(10) ? DIR_OUT : DIR_IN;
    if (roll(5)) event->number = slice_of(some_number());
    if (roll(4) == 0) event->lead = slice_of(lead_ids[roll(LEADS)]);
  }
  if (roll(3)) add(w, EVENT_CALL_ANSWER, start + 10 * SEC)->call = id;
  if (roll(12) == 0) return; /* its end is never seen */
  struct call_event *end = add(w, EVENT_CALL_END, start + 60 * SEC);
  end->call = id;
  if (roll(2)) end->number = slice_of(some_number());
}

static void add_lead_event(struct world *w, enum call_event_type type) {
  unsigned week = roll(WEEKS);
  struct call_event *event = add(w, type, w->origin + roll(7 * 24) * HOUR);
  event->agent = slice_of(agent_ids[roll(AGENTS)]);
  event->lead = slice_of(lead_ids[roll(LEADS)]);
  if (type == EVENT_LEAD_ISSUE) event->number = slice_of(some_number());
  if (week > 0 || roll(2)) event->week = slice_of(week_names[week]);
}

static void shuffle(struct world *w) {
  for (unsigned i = 0, had = w->count; i < had; i++)
    if (roll(5) == 0) w->events[w->count++] = w->events[i];
  for (unsigned i = w->count - 1; i > 0; i--) {
    unsigned other = roll(i + 1);
    struct call_event event = w->events[i];
    w->events[i] = w->events[other];
    w->events[other] = event;
  }
}

static struct centre *deliver(struct world *w) {
  struct centre *centre = centre_new(w->settings);
  centre_limits(centre)->remember_ms = 100 * (msec_t)MSEC_PER_DAY;
  msec_t now = w->origin;
  for (unsigned i = 0; i < w->count; i++) {
    enum centre_result result = centre_apply(centre, &w->events[i], now, i + 1);
    w->taken[i] = result == CENTRE_APPLIED;
    if (w->events[i].type != EVENT_LEAD_WITHDRAW)
      cr_assert(result == CENTRE_APPLIED || result == CENTRE_UNCHANGED);
    if (roll(4) == 0) centre_advance(centre, now += roll(5) * HOUR, i + 1);
    if (now > w->origin + 13 * MSEC_PER_DAY) now = w->origin + 13 * MSEC_PER_DAY;
    if (roll(40) == 0) centre = fixture_reload(centre, w->settings);
  }
  centre_advance(centre, w->origin + 14 * MSEC_PER_DAY - 1, w->count);
  return centre;
}

/* --- the model --- */

struct told {
  bool started, answered, out;
  const struct call_event *agent, *number, *lead;
  msec_t start_ms;
};

/* A start's word goes before another's, then the earlier, then the one with the lesser
 * key: that the model takes from whoever is asked. */
static bool goes_before(const struct call_event *a, const struct call_event *b) {
  if (!b) return true;
  bool a_start = a->type == EVENT_CALL_START, b_start = b->type == EVENT_CALL_START;
  if (a_start != b_start) return a_start;
  return a->ts_ms < b->ts_ms;
}

static uint64_t key_of(const struct world *w, struct slice number) {
  return number_key(&w->settings->policy->numbers, number);
}

static const struct call_event *better_number(const struct world *w, const struct call_event *a,
                                              const struct call_event *b) {
  if (a->number.len == 0) return b;
  bool tie =
      b && (a->type == EVENT_CALL_START) == (b->type == EVENT_CALL_START) && a->ts_ms == b->ts_ms;
  if (tie) return key_of(w, a->number) < key_of(w, b->number) ? a : b;
  return goes_before(a, b) ? a : b;
}

static const struct call_event *better_lead(const struct call_event *a,
                                            const struct call_event *b) {
  if (a->lead.len == 0) return b;
  if (b && a->ts_ms == b->ts_ms) return number_lead_key(a->lead) < number_lead_key(b->lead) ? a : b;
  return goes_before(a, b) ? a : b;
}

static struct told look_at(const struct world *w, unsigned call) {
  struct told told = {.start_ms = MSEC_MAX};
  const struct call_event *dir = NULL;
  for (unsigned i = 0; i < w->count; i++) {
    const struct call_event *e = &w->events[i];
    if (!slice_equal(e->call, slice_of(w->ids[call]))) continue;
    if (e->type == EVENT_CALL_START) {
      told.started = true;
      told.agent = e;
      if (e->ts_ms < told.start_ms) told.start_ms = e->ts_ms;
      if (!dir || e->ts_ms < dir->ts_ms || (e->ts_ms == dir->ts_ms && e->dir < dir->dir)) dir = e;
      told.lead = better_lead(e, told.lead);
    }
    told.number = better_number(w, e, told.number);
    if (e->type == EVENT_CALL_ANSWER) told.answered = true;
  }
  told.out = dir && dir->dir == DIR_OUT;
  return told;
}

static day_t week_of(const struct world *w, const struct call_event *event) {
  day_t monday = week_monday(calendar_day_of(&w->settings->policy->calendar, event->ts_ms));
  if (event->week.len) week_parse(event->week, &monday);
  return monday;
}

/* The issue by which the agent holds the lead; NULL: not held. */
static const struct call_event *held_by(const struct world *w, const char *agent, const char *lead,
                                        day_t monday) {
  const struct call_event *issue = NULL;
  msec_t gone = MSEC_NONE;
  for (unsigned i = 0; i < w->count; i++) {
    const struct call_event *e = &w->events[i];
    if (!slice_equal(e->lead, slice_of(lead)) || !slice_equal(e->agent, slice_of(agent))) continue;
    if (e->type != EVENT_LEAD_ISSUE && e->type != EVENT_LEAD_WITHDRAW) continue;
    if (week_of(w, e) != monday) continue;
    if (e->type == EVENT_LEAD_WITHDRAW) {
      if (w->taken[i] && e->ts_ms > gone) gone = e->ts_ms;
    } else if (!issue || e->ts_ms > issue->ts_ms ||
               (e->ts_ms == issue->ts_ms && strcmp(e->number.data, issue->number.data) < 0)) {
      issue = e;
    }
  }
  return issue && issue->ts_ms > gone ? issue : NULL;
}

static int compare_times(const void *a, const void *b) {
  msec_t x = *(const msec_t *)a, y = *(const msec_t *)b;
  return (x > y) - (x < y);
}

static void expect_lead(const struct world *w, const struct centre *centre, const char *agent,
                        const char *id, day_t monday, struct lead_counts *counts) {
  const struct call_event *issue = held_by(w, agent, id, monday);
  const struct centre_agent *record = centre_find_agent(centre, slice_of(agent));
  const struct lead_week *week = record ? centre_find_week(record, monday) : NULL;
  const struct lead *lead = week ? lead_book_find(&week->book, slice_of(id)) : NULL;
  cr_assert_eq(lead && lead->held, issue != NULL, "seed %llu: %s of %s", seed_now, id, agent);
  if (!issue) return;
  cr_assert(slice_equal(lead_number(&week->book, lead), issue->number));
  msec_t contacts[CALLS];
  unsigned dials = 0, found = 0, spaced = 0;
  for (unsigned i = 0; i < CALLS; i++) {
    struct told told = look_at(w, i);
    if (!told.started || !told.out || !slice_equal(told.agent->agent, slice_of(agent))) continue;
    if (week_monday(calendar_day_of(&w->settings->policy->calendar, told.start_ms)) != monday)
      continue;
    bool hit = told.lead
                   ? slice_equal(told.lead->lead, slice_of(id))
                   : told.number && key_of(w, told.number->number) == key_of(w, issue->number);
    if (!hit) continue;
    dials++;
    if (told.answered || w->policy->contact.counts_when_attempted)
      contacts[found++] = told.start_ms;
  }
  qsort(contacts, found, sizeof *contacts, compare_times);
  msec_t before = MSEC_NONE;
  for (unsigned i = 0; i < found; i++) {
    if (before != MSEC_NONE && contacts[i] - before < w->policy->contact.contact_min_gap_ms)
      continue;
    before = contacts[i];
    spaced++;
  }
  cr_assert(lead->dials == dials && lead->contacts == spaced,
            "seed %llu: %s of %s: %u,%u for %u,%u", seed_now, id, agent, lead->dials,
            lead->contacts, dials, spaced);
  counts->issued++;
  counts->dialled += dials > 0;
  counts->contacted += spaced > 0;
  counts->reached += spaced >= (unsigned)w->policy->contact.reached_contacts;
}

static void expect_all(const struct world *w, const struct centre *centre) {
  for (unsigned n = 0; n < WEEKS; n++) {
    day_t monday = DAY_NONE;
    week_parse(slice_of(week_names[n]), &monday);
    for (unsigned a = 0; a < AGENTS; a++) {
      struct lead_counts counts = {0};
      for (unsigned i = 0; i < LEADS; i++)
        expect_lead(w, centre, agent_ids[a], lead_ids[i], monday, &counts);
      const struct centre_agent *agent = centre_find_agent(centre, slice_of(agent_ids[a]));
      const struct lead_week *week = agent ? centre_find_week(agent, monday) : NULL;
      if (week)
        cr_assert_eq(memcmp(&week->book.counts, &counts, sizeof counts), 0, "seed %llu: %s in %s",
                     seed_now, agent_ids[a], week_names[n]);
    }
  }
}

static void run(uint64_t seed) {
  static struct world w;
  seed_now = seed;
  random_state = seed * 0x9e3779b97f4a7c15u + 1;
  w = (struct world){.origin = utc("2026-11-23T00:00:00+08:00")};
  w.settings = settings_with(1 + roll(3), roll(3) == 0, roll(2) ? 0 : roll(48) * HOUR);
  w.policy = w.settings->policy->policies;
  for (unsigned i = 0; i < CALLS; i++) {
    snprintf(w.ids[i], sizeof w.ids[i], "c%u", i);
    add_call(&w, i);
  }
  for (unsigned i = 0; i < 60; i++)
    add_lead_event(&w, roll(4) ? EVENT_LEAD_ISSUE : EVENT_LEAD_WITHDRAW);
  shuffle(&w);
  struct centre *centre = deliver(&w);
  expect_all(&w, centre);
  centre_free(centre);
  settings_free(w.settings);
}

Test(leads, policy_5_the_ledger_is_what_a_plain_model_says) {
  const char *one = getenv("CALLPACE_SEED");
  if (one) {
    run(strtoull(one, NULL, 10));
    return;
  }
  for (uint64_t seed = 1; seed <= RUNS; seed++)
    run(seed);
}

/* --- holds, moves, the pool, retention --- */

static struct settings *site;
static struct centre *centre;
static uint64_t last_lsn;
static msec_t now;

static void begin(void) {
  site = settings_with(2, false, 0);
  centre = centre_new(site);
  last_lsn = 0;
  now = utc("2026-11-27T10:00:00+08:00"); /* a Friday */
  centre_advance(centre, now, ++last_lsn);
}

static void end(void) {
  centre_free(centre);
  settings_free(site);
}

static enum centre_result issue(const char *agent, const char *lead, const char *week) {
  struct call_event event = call_event_of(EVENT_LEAD_ISSUE, now);
  event.agent = slice_of(agent);
  event.lead = slice_of(lead);
  event.number = SLICE("13800138000");
  event.week = slice_of(week);
  return centre_apply(centre, &event, now, ++last_lsn);
}

static enum centre_result withdraw(const char *agent, const char *lead, const char *week) {
  struct call_event event = call_event_of(EVENT_LEAD_WITHDRAW, now);
  event.agent = slice_of(agent);
  event.lead = slice_of(lead);
  event.week = slice_of(week);
  return centre_apply(centre, &event, now, ++last_lsn);
}

static void call(const char *id, const char *agent, msec_t start_ms) {
  struct call_event event = call_event_of(EVENT_CALL_START, start_ms);
  event.call = slice_of(id);
  event.agent = slice_of(agent);
  event.number = SLICE("13800138000");
  centre_apply(centre, &event, now, ++last_lsn);
  event = call_event_of(EVENT_CALL_END, start_ms + MIN);
  event.call = slice_of(id);
  event.talk_ms = 30 * SEC;
  centre_apply(centre, &event, now, ++last_lsn);
}

static day_t monday_of(const char *week) {
  day_t monday = DAY_NONE;
  cr_assert(week_parse(slice_of(week), &monday));
  return monday;
}

static struct lead_week *week_named(const char *agent, const char *week) {
  return centre_find_week(centre_find_agent(centre, slice_of(agent)), monday_of(week));
}

static bool holds(const char *agent, const char *lead, const char *week) {
  const struct lead_week *found = week_named(agent, week);
  const struct lead *held = found ? lead_book_find(&found->book, slice_of(lead)) : NULL;
  return held && held->held;
}

static const struct pool_lead *pooled(const char *lead, const char *week) {
  return lead_pool_find(centre_pool(centre), monday_of(week), slice_of(lead));
}

static void move(const char *lead, const char *from, const char *to) {
  struct pool_lead moved = {.week = monday_of("2026-W49"),
                            .at_ms = now,
                            .lead = slice_of(lead),
                            .number = SLICE("13800138000"),
                            .from = slice_of(from),
                            .reason = SLICE("reassign_undialled")};
  centre_move_lead(centre, &moved, slice_of(to), ++last_lsn);
}

Test(leads, policy_5_a_hold_refuses_leads_and_empties_the_week, .init = begin, .fini = end) {
  cr_assert_eq(issue("1001", "L1", "2026-W49"), CENTRE_APPLIED);
  cr_assert_eq(issue("1001", "L2", "2026-W48"), CENTRE_APPLIED);
  move("R1", "1002", "1001");
  centre_hold_leads(centre, SLICE("1001"), monday_of("2026-W49"), SLICE("rung 2"), now, ++last_lsn);
  cr_assert_not(holds("1001", "L1", "2026-W49"));
  cr_assert(holds("1001", "L2", "2026-W48"), "the hold is of its week alone");
  cr_assert(holds("1001", "R1", "2026-W49"), "what was received stays");
  cr_assert(slice_equal(pooled("L1", "2026-W49")->reason, SLICE("rung 2")));
  cr_assert_eq(issue("1001", "L3", "2026-W49"), CENTRE_LEAD_HOLD);
  cr_assert_eq(issue("1001", "L1", "2026-W49"), CENTRE_LEAD_HOLD);
  cr_assert(slice_equal(pooled("L3", "2026-W49")->from, SLICE("1001")));
  centre = fixture_reload(centre, site);
  cr_assert_eq(issue("1001", "L4", "2026-W49"), CENTRE_LEAD_HOLD);
  cr_assert_eq(issue("1001", "L5", "2026-W50"), CENTRE_APPLIED);
  cr_assert_eq(withdraw("1001", "L4", "2026-W49"), CENTRE_UNKNOWN_LEAD);
  now += MIN;
  cr_assert_eq(issue("1002", "L3", "2026-W49"), CENTRE_APPLIED);
  cr_assert_null(pooled("L3", "2026-W49"), "somebody holds it now");
  cr_assert_eq(issue("1001", "L3", "2026-W49"), CENTRE_LEAD_HOLD);
  cr_assert_null(pooled("L3", "2026-W49"));
  cr_assert_eq(centre_pool(centre)->by_lead.count, 2);
}

Test(leads, policy_5_a_reassigned_lead_is_received, .init = begin, .fini = end) {
  issue("1001", "L1", "2026-W49");
  issue("1002", "L2", "2026-W49");
  move("L1", "1001", "1002");
  move("L9", "1001", "1002");
  move("L8", "1001", "");
  move("L2", "1002", "");
  cr_assert_not(holds("1001", "L1", "2026-W49"));
  cr_assert(holds("1002", "L1", "2026-W49"));
  const struct lead_counts *counts = &week_named("1002", "2026-W49")->book.counts;
  cr_assert(counts->received == 2 && counts->issued == 0);
  cr_assert(pooled("L8", "2026-W49") && pooled("L2", "2026-W49"));
  call("c1", "1002", utc("2026-12-01T10:00:00+08:00"));
  cr_assert_eq(lead_book_find(&week_named("1002", "2026-W49")->book, SLICE("L1"))->contacts, 1);
  cr_assert_eq(counts->contacted, 0, "a received lead stays out of the rate");
  move("L1", "1001", "1002"); /* once more, as after a crash */
  cr_assert_eq(counts->received, 2);
}

Test(leads, weeks_out_of_reach_are_not_kept, .init = begin, .fini = end) {
  cr_assert_eq(issue("1001", "L1", "2026-W01"), CENTRE_APPLIED);
  cr_assert_null(week_named("1001", "2026-W01"));
  cr_assert_eq(issue("1001", "L1", "2028-W10"), CENTRE_BAD_WEEK);
  cr_assert_eq(issue("1001", "L1", "W10"), CENTRE_BAD_WEEK);
  cr_assert_eq(issue("1001", "", "2026-W48"), CENTRE_MISSING_FIELD);
  cr_assert_eq(withdraw("1001", "L1", "2026-W48"), CENTRE_UNKNOWN_LEAD);
  centre_limits(centre)->leads_max = 1;
  cr_assert_eq(issue("1001", "L1", "2026-W48"), CENTRE_APPLIED);
  cr_assert_eq(issue("1001", "L2", "2026-W48"), CENTRE_TOO_MANY_LEADS);
  cr_assert_eq(centre_lead_count(centre), 1);
}

Test(leads, a_week_stands_after_the_next_and_goes_after_the_days, .init = begin, .fini = end) {
  issue("1001", "L1", "2026-W48");
  call("c1", "1001", now);
  now += 7 * MSEC_PER_DAY;
  centre_advance(centre, now, ++last_lsn);
  call("c2", "1001", utc("2026-11-29T10:00:00+08:00"));
  const struct lead_week *week = week_named("1001", "2026-W48");
  cr_assert_eq(week->book.counts.reached, 1, "a late call counts while the next week runs");
  now += 7 * MSEC_PER_DAY;
  centre_advance(centre, now, ++last_lsn);
  call("c3", "1001", utc("2026-11-29T11:00:00+08:00"));
  cr_assert_eq(lead_book_find(&week->book, SLICE("L1"))->dials, 2);
  now += 60 * MSEC_PER_DAY;
  centre_advance(centre, now, ++last_lsn);
  cr_assert_null(week_named("1001", "2026-W48"));
  cr_assert_eq(centre_lead_count(centre), 0);
}

Test(leads, other_rules_hold_for_weeks_that_run, .init = begin, .fini = end) {
  issue("1001", "L1", "2026-W48");
  issue("1001", "L1", "2026-W47");
  call("c1", "1001", now);
  call("c2", "1001", now - 7 * MSEC_PER_DAY);
  cr_assert_eq(week_named("1001", "2026-W48")->book.counts.reached, 0);
  struct settings *other = settings_with(1, false, 0);
  centre_use_settings(centre, other, now);
  settings_free(site);
  site = other;
  cr_assert_eq(week_named("1001", "2026-W48")->book.counts.reached, 1);
  cr_assert_eq(week_named("1001", "2026-W47")->book.counts.reached, 0, "it stands");
}

Test(leads, policy_5_productive_time_of_a_week, .init = begin, .fini = end) {
  msec_t productive, elapsed;
  struct lead_week *week = week_named("1001", "2026-W48");
  cr_assert(centre_week_time(centre, week, now, &productive, &elapsed));
  cr_assert_eq(productive, 40 * HOUR);
  cr_assert_eq(elapsed, 33 * HOUR);
  cr_assert_eq(centre_week_point(centre, week, 35 * HOUR), now + 2 * HOUR);
  cr_assert_eq(centre_week_point(centre, week, 50 * HOUR), utc("2026-11-28T00:00:00+08:00"));
  issue("1001", "L1", "2026-W49");
  cr_assert(centre_week_time(centre, week_named("1001", "2026-W49"), now, &productive, &elapsed));
  cr_assert_eq(elapsed, 0);
  issue("stranger", "L1", "2026-W48");
  cr_assert_not(
      centre_week_time(centre, week_named("stranger", "2026-W48"), now, &productive, &elapsed));
}
