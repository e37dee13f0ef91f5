/* The fold against a plain model that keeps all events, looks at them again for
 * every figure, and marks talk second by second: random calls, delivered in
 * random order, with repetition, conflict and loss, time jumping ahead of late
 * ends, snapshots between. CALLPACE_SEED=N repeats one seed. */
#include <criterion/criterion.h>

#include "centre_fixture.h"

enum { DAYS = 3, SECONDS = 86400 * (DAYS + 2), CALLS = 24, AGENTS = 3, EVENTS_MAX = CALLS * 20 };
enum { RUNS = 25 };

static uint64_t random_state;
static unsigned roll(unsigned sides) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (unsigned)((random_state >> 11) % sides);
}

struct world {
  struct settings *settings;
  const struct policy *policy;
  msec_t origin; /* midnight of the first day */
  msec_t final_ms;
  struct call_event events[EVENTS_MAX];
  unsigned count;
  char ids[CALLS][64];
};

static const char *const agent_ids[AGENTS] = {"1001", "1002", "stranger"};
static const char *const agent_names[AGENTS] = {"1001", "SIP/1002", "stranger"};
static const char *const members[] = {"m1", "m2", "m3", "m4"};

/* Events. */

static struct call_event *add(struct world *w, enum call_event_type type, unsigned call,
                              msec_t ts) {
  if (ts < w->origin) ts = w->origin;
  w->events[w->count] = call_event_of(type, ts);
  w->events[w->count].call = slice_of(w->ids[call]);
  return &w->events[w->count++];
}

static void add_end(struct world *w, unsigned call, msec_t ts, unsigned agent) {
  struct call_event *end = add(w, EVENT_CALL_END, call, ts);
  if (roll(3) == 0) end->outcome = (enum call_outcome)roll(6);
  if (roll(4) == 0) end->talk_ms = roll(900) * SEC;
  if (roll(4) == 0) end->agent = slice_of(agent_names[agent]);
  if (roll(10) == 0) end->dir = (enum call_dir)roll(4);
}

static void add_call(struct world *w, unsigned call) {
  unsigned agent = roll(AGENTS);
  /* many calls around midnight and close together, so that they overlap */
  msec_t start = w->origin + roll(DAYS) * MSEC_PER_DAY + roll(40) * MIN;
  if (roll(3) == 0) start = w->origin + roll(86400 * DAYS - 7200) * SEC;
  if (roll(3) == 0) start = w->origin + (1 + roll(DAYS - 1)) * MSEC_PER_DAY - roll(300) * SEC;
  if (roll(8) == 0) start = w->final_ms - roll(5 * 3600) * SEC;
  msec_t answer = start + roll(40) * SEC, end = answer + roll(roll(8) ? 900 : 20000) * SEC;
  unsigned starts = roll(6) ? 1 : roll(3), ends = roll(6) ? 1 : roll(3);
  enum call_dir dir = (enum call_dir)(roll(3) ? DIR_UNKNOWN : roll(8) ? roll(3) : DIR_INTERNAL);
  for (unsigned i = 0; i < starts; i++) {
    struct call_event *event =
        add(w, EVENT_CALL_START, call, start + (i && roll(2) ? roll(100) * SEC : 0));
    event->agent = slice_of(agent_names[i && roll(2) ? roll(AGENTS) : agent]);
    if (i == 0 || roll(2)) event->dir = dir;
    event->start_is_answer = roll(12) == 0;
  }
  if (roll(4)) add(w, EVENT_CALL_ANSWER, call, answer);
  if (roll(10) == 0) add(w, EVENT_CALL_ANSWER, call, answer + roll(60) * SEC);
  for (unsigned holds = roll(3) ? 0 : roll(6); holds > 0; holds--)
    add(w, roll(2) ? EVENT_CALL_HOLD : EVENT_CALL_RETRIEVE, call, answer + roll(1000) * SEC);
  for (unsigned i = 0; i < ends; i++)
    add_end(w, call, end + (i && roll(2) ? roll(100) * SEC : 0), agent);
  if (roll(15) == 0) add(w, EVENT_CALL_LOST, call, end);
}

static void add_member(struct world *w) {
  struct call_event event =
      call_event_of(EVENT_MEMBER_DEVELOPED, w->origin + roll(86400 * DAYS) * SEC);
  event.agent = slice_of(agent_names[roll(AGENTS)]);
  event.member = slice_of(members[roll(4)]);
  w->events[w->count++] = event;
}

static void make_world(struct world *w) {
  w->settings = fixture_settings(2);
  struct policy *policy = &w->settings->policy->policies[0];
  policy->count.directions_in = roll(2);
  policy->count.directions_out = roll(4) > 0;
  policy->count.calls_when_attempted = roll(4) == 0;
  policy->count.min_talk_ms = roll(2) ? 0 : 60 * SEC;
  policy->count.talk_includes_hold = roll(2);
  w->policy = policy;
  w->settings->policy->calendar.day_starts_ms = roll(2) ? 0 : 4 * HOUR;
  w->origin = utc("2026-11-22T16:00:00Z") + w->settings->policy->calendar.day_starts_ms;
  w->final_ms = w->origin + 2 * MSEC_PER_DAY + 12 * HOUR;
  w->count = 0;
  for (unsigned i = 0; i < CALLS; i++) {
    snprintf(w->ids[i], sizeof w->ids[i],
             roll(4) ? "c%u" : "a-call-with-quite-a-long-identifier-%020u", i);
    add_call(w, i);
  }
  for (unsigned i = 0; i < 6; i++)
    add_member(w);
}

/* The model. */

struct figures {
  unsigned dials, answered, calls, inbound, no_answer, busy, failed, cancelled, lost, members, open;
  msec_t ring, hold, talk, inbound_talk, longest, first, last, since, talking;
};

struct seen_call {                               /* what all events of one call say together */
  const struct call_event *start, *end, *answer; /* the earliest of each */
  msec_t answer_ts, talk_ms;
  int agent, dir, outcome;
  bool lost;
};

static int agent_index(struct slice name) {
  for (int i = 0; i < AGENTS; i++)
    if (slice_equal(name, slice_of(agent_names[i]))) return i;
  return -1;
}

/* Value of a field by the earliest event that tells it, of starts first. */
#define TOLD(field_given, field_value, result)                                                     \
  do {                                                                                             \
    for (int wants_start = 1; wants_start >= 0 && result < 0; wants_start--) {                     \
      msec_t best = MSEC_MAX;                                                                      \
      for (unsigned i = 0; i < w->count; i++) {                                                    \
        const struct call_event *e = &w->events[i];                                                \
        if (!slice_equal(e->call, id) || (e->type == EVENT_CALL_START) != wants_start) continue;   \
        if (!(field_given)) continue;                                                              \
        if (e->ts_ms < best || (e->ts_ms == best && (field_value) < result)) {                     \
          best = e->ts_ms;                                                                         \
          result = (field_value);                                                                  \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
  } while (0)

static struct seen_call look(const struct world *w, struct slice id) {
  struct seen_call seen = {.agent = -1, .dir = -1, .outcome = -1, .answer_ts = MSEC_NONE};
  int64_t talk = -1;
  for (unsigned i = 0; i < w->count; i++) {
    const struct call_event *e = &w->events[i];
    if (!slice_equal(e->call, id)) continue;
    if (e->type == EVENT_CALL_START && (!seen.start || e->ts_ms < seen.start->ts_ms))
      seen.start = e;
    if (e->type == EVENT_CALL_END && (!seen.end || e->ts_ms < seen.end->ts_ms)) seen.end = e;
    if (e->type == EVENT_CALL_ANSWER || e->start_is_answer)
      if (seen.answer_ts == MSEC_NONE || e->ts_ms < seen.answer_ts) seen.answer_ts = e->ts_ms;
    if (e->type == EVENT_CALL_LOST) seen.lost = true;
  }
  TOLD(e->agent.len, agent_index(e->agent), seen.agent);
  TOLD(e->dir, (int)e->dir, seen.dir);
  TOLD(e->outcome, (int)e->outcome, seen.outcome);
  TOLD(e->talk_ms != MSEC_NONE, e->talk_ms, talk);
  seen.talk_ms = talk;
  return seen;
}

static void at_least(msec_t *known, msec_t at) {
  if (*known == MSEC_NONE || at < *known) *known = at;
}

/* Seconds in which a call is on hold between from and to. */
static void mark_holds(const struct world *w, struct slice id, msec_t from, msec_t to, bool *held) {
  bool on = false;
  memset(held, 0, SECONDS);
  for (msec_t at = from; at < to; at += SEC) {
    bool hold = false, retrieve = false;
    for (unsigned i = 0; i < w->count; i++) {
      const struct call_event *e = &w->events[i];
      if (e->ts_ms != at || !slice_equal(e->call, id)) continue;
      hold |= e->type == EVENT_CALL_HOLD;
      retrieve |= e->type == EVENT_CALL_RETRIEVE;
    }
    if (hold) on = true;
    if (retrieve) on = false;
    held[(at - w->origin) / SEC + 86400] = on;
  }
}

/* The first of its holds, or MSEC_NONE. */
static msec_t first_hold(const struct world *w, struct slice id) {
  msec_t first = MSEC_NONE;
  for (unsigned i = 0; i < w->count; i++)
    if (slice_equal(w->events[i].call, id) && w->events[i].type == EVENT_CALL_HOLD)
      at_least(&first, w->events[i].ts_ms);
  return first;
}

static bool talked[AGENTS][DAYS][SECONDS], talked_in[AGENTS][DAYS][SECONDS], held[SECONDS];

static void count_call(const struct world *w, struct slice id,
                       struct figures figures[AGENTS][DAYS]) {
  struct seen_call c = look(w, id);
  const struct policy *p = w->policy;
  bool inbound = c.dir == DIR_IN,
       joins = inbound ? p->count.directions_in : p->count.directions_out;
  if (c.agent < 0 || c.dir == DIR_INTERNAL) return;
  if (!c.start && (!c.end || (c.talk_ms < 0 && c.outcome < 0))) return;
  msec_t start = c.start ? c.start->ts_ms : c.end->ts_ms - (c.talk_ms > 0 ? c.talk_ms : 0);
  msec_t day = (start - w->origin + MSEC_PER_DAY) / MSEC_PER_DAY - 1;
  if (day < 0 || day >= DAYS) return;
  struct figures *f = &figures[c.agent][day];
  bool late = c.start && start + p->count.max_call_ms <= w->final_ms;
  if (!c.end && !c.lost && !late) {
    f->open++;
    if (c.answer_ts == MSEC_NONE) return;
    at_least(&f->since, c.answer_ts);
    if (joins) at_least(&f->talking, c.answer_ts);
    return;
  }
  bool answered = c.answer_ts != MSEC_NONE || c.outcome == OUTCOME_ANSWERED || c.talk_ms > 0;
  msec_t to = c.end ? c.end->ts_ms : start, from = to, talk = 0, hold = 0;
  if (c.end && c.talk_ms >= 0)
    from = to - c.talk_ms;
  else if (c.end && c.answer_ts != MSEC_NONE)
    from = c.answer_ts;
  msec_t first = first_hold(w, id);
  bool holds = first != MSEC_NONE;
  if (holds) mark_holds(w, id, first, to, held);
  for (msec_t at = from; at < to; at += SEC) {
    size_t second = (size_t)((at - w->origin) / SEC + 86400);
    bool is_held = holds && held[second];
    hold += is_held ? SEC : 0;
    if (is_held && !p->count.talk_includes_hold) continue;
    talk += SEC;
    if (joins && answered) talked[c.agent][day][second] = true;
    if (inbound && answered) talked_in[c.agent][day][second] = true;
  }
  bool counts = answered && talk >= p->count.min_talk_ms;
  if (p->count.calls_when_attempted) counts = answered || !inbound;
  f->calls += joins && counts;
  f->lost += !c.end;
  f->inbound += inbound && answered;
  if (inbound) return;
  f->dials++;
  f->answered += answered;
  if (c.end) {
    f->no_answer += !answered && (c.outcome < 0 || c.outcome == OUTCOME_NO_ANSWER);
    f->busy += !answered && c.outcome == OUTCOME_BUSY;
    f->failed += !answered && c.outcome == OUTCOME_FAILED;
    f->cancelled += !answered && c.outcome == OUTCOME_CANCELLED;
  }
  msec_t ring = 0;
  if (c.answer_ts != MSEC_NONE)
    ring = c.answer_ts - start;
  else if (c.end)
    ring = from - start;
  f->ring += ring > 0 ? ring : 0;
  f->hold += hold;
  if (talk > f->longest) f->longest = talk;
  at_least(&f->first, start);
  if (start > f->last) f->last = start;
}

static void count_members(const struct world *w, struct figures figures[AGENTS][DAYS]) {
  for (int agent = 0; agent < AGENTS; agent++)
    for (int member = 0; member < 4; member++) {
      msec_t first = MSEC_NONE;
      for (unsigned i = 0; i < w->count; i++)
        if (w->events[i].member.len &&
            slice_equal(w->events[i].member, slice_of(members[member])) &&
            agent_index(w->events[i].agent) == agent)
          at_least(&first, w->events[i].ts_ms);
      if (first != MSEC_NONE) figures[agent][(first - w->origin) / MSEC_PER_DAY].members++;
    }
}

static void count_world(const struct world *w, struct figures figures[AGENTS][DAYS]) {
  memset(talked, 0, sizeof talked);
  memset(talked_in, 0, sizeof talked_in);
  for (int a = 0; a < AGENTS; a++)
    for (int d = 0; d < DAYS; d++)
      figures[a][d] = (struct figures){
          .first = MSEC_NONE, .last = MSEC_NONE, .since = MSEC_NONE, .talking = MSEC_NONE};
  for (unsigned i = 0; i < CALLS; i++)
    count_call(w, slice_of(w->ids[i]), figures);
  count_members(w, figures);
  for (int a = 0; a < AGENTS; a++)
    for (int d = 0; d < DAYS; d++)
      for (int s = 0; s < SECONDS; s++) {
        figures[a][d].talk += talked[a][d][s] ? SEC : 0;
        figures[a][d].inbound_talk += talked_in[a][d][s] ? SEC : 0;
      }
}

/* Delivery and comparison. */

static void lose_some(struct world *w) {
  unsigned kept = 0;
  for (unsigned i = 0; i < w->count; i++)
    if (roll(25)) w->events[kept++] = w->events[i];
  w->count = kept;
}

static struct centre *deliver(const struct world *w) {
  struct centre *centre = centre_new(w->settings);
  centre_limits(centre)->remember_ms = 30 * MSEC_PER_DAY;
  unsigned order[EVENTS_MAX * 2], count = 0;
  for (unsigned i = 0; i < w->count; i++) {
    order[count++] = i;
    if (roll(3) == 0) order[count++] = i;
  }
  unsigned reach = roll(3) ? count : 6; /* wild disorder, or a little */
  msec_t now = w->origin - HOUR;
  for (unsigned i = 0; i < count; i++) {
    unsigned j = i + roll(count - i < reach ? count - i : reach), event = order[j];
    order[j] = order[i];
    if (roll(4) == 0) now += (w->final_ms - now) * roll(20) / 100;
    if (roll(3) == 0) centre_advance(centre, now, i);
    enum centre_result result = centre_apply(centre, &w->events[event], now, i);
    cr_assert(result == CENTRE_APPLIED || result == CENTRE_UNCHANGED);
    if (roll(60) == 0) centre = fixture_reload(centre, w->settings);
  }
  centre_advance(centre, w->final_ms, count);
  return centre;
}

#define SAME(got, expected)                                                                        \
  cr_assert_eq((int64_t)(got), (int64_t)(expected),                                                \
               "seed %llu agent %s day %d %s: %lld, model %lld", (unsigned long long)seed,         \
               agent_ids[a], d, #expected, (long long)(got), (long long)(expected))

static void compare_day(uint64_t seed, int a, int d, const struct day_tally *t,
                        const struct figures *f) {
  SAME(t->dials, f->dials);
  SAME(t->answered, f->answered);
  SAME(t->calls, f->calls);
  SAME(t->inbound, f->inbound);
  SAME(t->no_answer, f->no_answer);
  SAME(t->busy, f->busy);
  SAME(t->failed, f->failed);
  SAME(t->cancelled, f->cancelled);
  SAME(t->lost_track, f->lost);
  SAME(t->members, f->members);
  SAME(t->open_calls, f->open);
  SAME(t->ring_ms, f->ring);
  SAME(t->hold_ms, f->hold);
  SAME(t->talk.total_ms, f->talk);
  SAME(t->inbound_talk.total_ms, f->inbound_talk);
  SAME(t->longest_ms, f->longest);
  SAME(t->first_dial_ms, f->first);
  SAME(t->last_dial_ms, f->last);
  SAME(t->on_call_since_ms, f->since);
  SAME(t->talking_since_ms, f->talking);
}

static void compare_team(uint64_t seed, const struct centre *centre, int d, day_t day,
                         struct figures figures[AGENTS][DAYS]) {
  int a = 0;
  const struct team_day *team = centre_team_at(centre, 0)->days;
  while (team && team->day != day)
    team = team->older;
  if (!team) return;
  SAME(team->dials, figures[0][d].dials + figures[1][d].dials);
  SAME(team->answered, figures[0][d].answered + figures[1][d].answered);
  SAME(team->calls, figures[0][d].calls + figures[1][d].calls);
  SAME(team->talk_ms, figures[0][d].talk + figures[1][d].talk);
  SAME(team->members, figures[0][d].members + figures[1][d].members);
}

static void compare(uint64_t seed, const struct world *w, const struct centre *centre,
                    struct figures figures[AGENTS][DAYS]) {
  static const struct figures nothing = {
      .first = MSEC_NONE, .last = MSEC_NONE, .since = MSEC_NONE, .talking = MSEC_NONE};
  day_t first = calendar_day_of(&w->settings->policy->calendar, w->origin);
  for (int a = 0; a < AGENTS; a++) {
    const struct centre_agent *agent = centre_find_agent(centre, slice_of(agent_ids[a]));
    int64_t calls = 0, talk = 0;
    for (int d = 0; d < DAYS; d++) {
      const struct day_tally *t = agent ? centre_find_day(agent, first + d) : NULL;
      if (t)
        compare_day(seed, a, d, t, &figures[a][d]);
      else
        cr_assert_eq(memcmp(&figures[a][d], &nothing, sizeof nothing), 0, "seed %llu",
                     (unsigned long long)seed);
      const struct day_tally *eve = a + d == 0 ? centre_find_day(agent, first - 1) : NULL;
      calls += figures[a][d].calls + (eve ? eve->calls : 0);
      talk += figures[a][d].talk + (eve ? eve->talk.total_ms : 0);
    }
    const struct month_tally *month = agent ? centre_find_month(agent, month_of(first)) : NULL;
    int d = -1;
    const struct day_tally *eve = a && agent ? centre_find_day(agent, first - 1) : NULL;
    SAME(month ? month->calls : 0, calls + (eve ? eve->calls : 0));
    SAME(month ? month->talk_ms : 0, talk + (eve ? eve->talk.total_ms : 0));
  }
  for (int d = 0; d < DAYS; d++)
    compare_team(seed, centre, d, first + d, figures);
}

static void run_seed(uint64_t seed) {
  static struct world world;
  static struct figures figures[AGENTS][DAYS];
  random_state = seed * 0x9e3779b97f4a7c15u + 1;
  make_world(&world);
  lose_some(&world);
  count_world(&world, figures);
  for (int again = 0; again < 5; again++) {
    struct centre *centre = deliver(&world);
    compare(seed, &world, centre, figures);
    centre_free(centre);
  }
  settings_free(world.settings);
}

Test(fold_model, any_order_and_repetition_give_what_the_model_counts) {
  const char *given = getenv("CALLPACE_SEED");
  if (given) {
    run_seed(strtoull(given, NULL, 10));
    return;
  }
  for (uint64_t seed = 1; seed <= RUNS; seed++)
    run_seed(seed);
}
