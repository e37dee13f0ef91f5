/* The call centre whole: made, fed, moved on in time, looked at. */
#include "callpace/core/centre.h"

#include <assert.h>
#include <stdlib.h>

#include "centre_inner.h"

enum { OWN_CYCLES_MIN = 5, STALE_TALLIES_MAX = 100000 };

struct centre *centre_make(const struct settings *settings) {
  struct centre *centre = mem_zalloc(sizeof *centre);
  centre->settings = settings;
  centre->limits = (struct centre_limits){.calls_max = 1000000,
                                          .remember_ms = 48 * (msec_t)MSEC_PER_HOUR,
                                          .unrostered_max = 10000,
                                          .keep_days = 62,
                                          .keep_months = 3,
                                          .leads_max = 8000000};
  centre->now_ms = MSEC_NONE;
  centre->today = DAY_NONE;
  pool_init(&centre->tally_pool, sizeof(struct day_tally));
  pool_init(&centre->month_pool, sizeof(struct month_tally));
  pool_init(&centre->call_pool, sizeof(struct call));
  return centre;
}

struct centre *centre_new(const struct settings *settings) {
  struct centre *centre = centre_make(settings);
  centre_bind_roster(centre);
  return centre;
}

static void free_teams(struct centre *centre) {
  for (size_t i = 0; i < centre->team_count; i++) {
    struct centre_team *team = centre->teams[i];
    for (struct team_day *day = team->days, *older; day; day = older) {
      older = day->older;
      free(day);
    }
    free(team->id);
    free(team);
  }
  free(centre->teams);
  table_free(&centre->teams_by_id);
}

static void free_days(struct centre *centre) {
  for (struct centre_day *day = centre->days, *older; day; day = older) {
    older = day->older;
    centre_free_plans(day);
    free(day);
  }
}

static void free_calls(struct centre *centre) {
  size_t position = 0;
  for (struct call *call; (call = table_next(&centre->calls, &position));)
    call_clear(call);
  table_free(&centre->calls);
  for (size_t i = centre->lost_first; i < centre->lost_count; i++)
    free(centre->lost[i].id);
  free(centre->lost);
}

void centre_free(struct centre *centre) {
  if (!centre) return;
  free_calls(centre);
  for (size_t i = 0; i < centre->agent_count; i++)
    centre_free_agent(centre, centre->agents[i]);
  free(centre->agents);
  free(centre->by_roster);
  table_free(&centre->agents_by_id);
  free_teams(centre);
  free_days(centre);
  member_set_free(&centre->members);
  lead_pool_free(&centre->pool);
  deadlines_free(&centre->week_judgments);
  deadlines_free(&centre->timeouts);
  deadlines_free(&centre->judgments);
  pool_free(&centre->tally_pool);
  pool_free(&centre->month_pool);
  pool_free(&centre->call_pool);
  free(centre);
}

const struct settings *centre_settings(const struct centre *centre) {
  return centre->settings;
}

struct centre_limits *centre_limits(struct centre *centre) {
  return &centre->limits;
}

/* Days by the new calendar and policy. */
static void renew_days(struct centre *centre) {
  const struct policy_book *book = centre->settings->policy;
  for (struct centre_day *day = centre->days; day; day = day->older) {
    centre_free_plans(day);
    day->begin_ms = calendar_day_begin(&book->calendar, day->day);
    day->end_ms = calendar_day_end(&book->calendar, day->day);
    day->policy = policy_on(book, day->day);
  }
  centre->recent_day = NULL;
}

static void renew_tally(struct centre *centre, struct day_tally *tally) {
  centre_drop_plan(tally);
  struct call *call = tally->open.first;
  for (uint32_t i = 0; i < tally->open_calls; i++, call = call->next_of_day)
    centre_watch_call(centre, call);
  day_tally_look_open(tally, tally->centre_day->policy);
  if (tally->day < centre->today) return;
  centre_leave_team(centre, tally);
  centre_bind_plan(centre, tally);
  centre_count_cycles(centre, tally);
}

void centre_use_settings(struct centre *centre, const struct settings *settings, msec_t now_ms) {
  if (now_ms > centre->now_ms) centre->now_ms = now_ms;
  centre->settings = settings;
  renew_days(centre);
  centre_bind_roster(centre);
  if (centre->now_ms != MSEC_NONE)
    centre->today = calendar_day_of(&settings->policy->calendar, centre->now_ms);
  for (size_t i = 0; i < centre->agent_count; i++)
    for (struct day_tally *tally = centre->agents[i]->days; tally; tally = tally->older)
      renew_tally(centre, tally);
  centre_renew_weeks(centre);
  if (centre->now_ms != MSEC_NONE) centre_begin_today(centre);
  centre_mark_all_dirty(centre);
}

/* Events that are of no call. */

static enum centre_result apply_state(struct centre *centre, const struct call_event *event) {
  bool made = false;
  if (event->agent.len == 0 || event->state == AGENT_STATE_UNKNOWN) return CENTRE_MISSING_FIELD;
  struct centre_agent *agent = centre_agent_of(centre, event->agent, &made);
  if (!agent) return CENTRE_TOO_MANY_AGENTS;
  if (agent->state_ms > event->ts_ms ||
      (agent->state_ms == event->ts_ms && agent->state >= event->state))
    return CENTRE_UNCHANGED;
  agent->state = event->state;
  agent->state_ms = event->ts_ms;
  return CENTRE_APPLIED;
}

static void count_member(struct centre *centre, struct day_tally *tally, bool more) {
  struct centre_change change;
  centre_change_begin(tally, &change);
  if (more)
    tally->members++;
  else if (tally->members > 0)
    tally->members--;
  centre_change_end(centre, &change);
}

static enum centre_result apply_member(struct centre *centre, const struct call_event *event) {
  bool made = false;
  if (event->agent.len == 0 || event->member.len == 0) return CENTRE_MISSING_FIELD;
  struct centre_agent *agent = centre_agent_of(centre, event->agent, &made);
  if (!agent) return CENTRE_TOO_MANY_AGENTS;
  struct member_entry *entry =
      member_set_entry(&centre->members, slice_of(agent->id), event->member);
  if (entry->ts_ms != MSEC_NONE && entry->ts_ms <= event->ts_ms) return CENTRE_UNCHANGED;
  struct centre_day *day = centre_day_at(centre, event->ts_ms);
  day_t before = entry->day;
  entry->ts_ms = event->ts_ms;
  entry->day = day->day;
  if (before == day->day) return CENTRE_APPLIED;
  struct day_tally *counted = before == DAY_NONE ? NULL : centre_find_day(agent, before);
  if (counted) count_member(centre, counted, false);
  count_member(centre, centre_tally_of(centre, agent, day), true);
  return CENTRE_APPLIED;
}

enum centre_result centre_apply(struct centre *centre, const struct call_event *event,
                                msec_t now_ms, uint64_t lsn) {
  if (event->ts_ms < 0 || event->ts_ms > CALL_TIME_MAX) return CENTRE_BAD_TIME;
  if (now_ms > centre->now_ms) centre->now_ms = now_ms;
  if (centre->today == DAY_NONE) centre_begin_today(centre);
  if (lsn > centre->lsn) centre->lsn = lsn;
  switch (event->type) {
  case EVENT_CALL_START:
  case EVENT_CALL_ANSWER:
  case EVENT_CALL_HOLD:
  case EVENT_CALL_RETRIEVE:
  case EVENT_CALL_END:
  case EVENT_CALL_LOST: return centre_apply_call(centre, event);
  case EVENT_AGENT_STATE: return apply_state(centre, event);
  case EVENT_MEMBER_DEVELOPED: return apply_member(centre, event);
  case EVENT_LEAD_ISSUE: return centre_apply_issue(centre, event);
  case EVENT_LEAD_WITHDRAW: return centre_apply_withdraw(centre, event);
  default: return CENTRE_APPLIED;
  }
}

/* Time. */

static msec_t today_end(const struct centre *centre) {
  for (const struct centre_day *day = centre->days; day; day = day->older)
    if (day->day == centre->today) return day->end_ms;
  return MSEC_NONE;
}

static void judge_due(struct centre *centre) {
  while (deadlines_first(&centre->judgments) <= centre->now_ms) {
    uint32_t *place = centre->judgments.items[0].place;
    struct day_tally *tally =
        (struct day_tally *)((char *)place - offsetof(struct day_tally, heap_at));
    deadlines_drop(&centre->judgments, place);
    centre_mark_judge(centre, tally);
  }
  while (deadlines_first(&centre->week_judgments) <= centre->now_ms) {
    uint32_t *place = centre->week_judgments.items[0].place;
    struct lead_week *week =
        (struct lead_week *)((char *)place - offsetof(struct lead_week, heap_at));
    deadlines_drop(&centre->week_judgments, place);
    centre_mark_week_judge(centre, week);
  }
}

/* The site's mean call cycle is taken once a minute: between two minutes an agent's
 * judgement depends on nobody else, so it does not matter when and how often it is
 * asked for. */
void centre_set_now(struct centre *centre, msec_t now_ms) {
  if (now_ms <= centre->now_ms) return;
  bool new_minute = now_ms / MSEC_PER_MIN != centre->now_ms / MSEC_PER_MIN;
  centre->now_ms = now_ms;
  if (!new_minute) return;
  for (struct centre_day *day = centre->days; day; day = day->older)
    day->site_cycle_ms = day->cycles > 0 ? day->cycle_ms / day->cycles : 0;
}

static void move_to(struct centre *centre, msec_t now_ms) {
  centre_lose_late(centre, now_ms);
  centre_set_now(centre, now_ms);
  if (centre->today == DAY_NONE || centre->now_ms >= today_end(centre)) {
    centre_begin_today(centre);
    centre_drop_days(centre);
  } else if (centre->stale_tallies > STALE_TALLIES_MAX) {
    centre_drop_days(centre);
  }
  centre_forget_old(centre);
}

void centre_leap(struct centre *centre, msec_t now_ms, uint64_t lsn) {
  if (lsn > centre->lsn) centre->lsn = lsn;
  move_to(centre, now_ms);
}

void centre_judge_when_due(struct centre *centre) {
  centre->judges_when_due = true;
}

/* Of those who have too few cycles of their own the site's mean may turn the verdict. */
static void judge_newcomers(struct centre *centre) {
  msec_t cycle_ms = centre_day_of(centre, centre->today)->site_cycle_ms;
  if (cycle_ms == centre->judged_cycle_ms) return;
  centre->judged_cycle_ms = cycle_ms;
  for (size_t i = 0; i < centre->agent_count; i++) {
    struct day_tally *tally = centre->agents[i]->days;
    if (tally && tally->day == centre->today && tally->cycles < OWN_CYCLES_MIN)
      centre_mark_judge(centre, tally);
  }
}

/* Stops wherever state changes by time alone, so that it is the same however long
 * the steps are that the caller takes. */
void centre_advance(struct centre *centre, msec_t now_ms, uint64_t lsn) {
  msec_t before_ms = centre->now_ms;
  if (lsn > centre->lsn) centre->lsn = lsn;
  if (now_ms < before_ms) now_ms = before_ms;
  if (now_ms == MSEC_NONE) return;
  if (before_ms != MSEC_NONE && now_ms - before_ms > CENTRE_STEPS_MAX_MS)
    move_to(centre, now_ms - CENTRE_STEPS_MAX_MS);
  while (centre->today != DAY_NONE && today_end(centre) < now_ms)
    move_to(centre, today_end(centre));
  move_to(centre, now_ms);
  judge_due(centre);
  /* What is expected rises with time alone. */
  if (now_ms / MSEC_PER_MIN == before_ms / MSEC_PER_MIN) return;
  if (centre->judges_when_due)
    judge_newcomers(centre);
  else
    centre_judge_all(centre);
}

static msec_t sooner(msec_t a, msec_t b) {
  return a < b ? a : b;
}

msec_t centre_next_due(const struct centre *centre) {
  if (centre->today == DAY_NONE) return MSEC_MAX;
  msec_t due = today_end(centre);
  due = sooner(due, deadlines_first(&centre->timeouts));
  due = sooner(due, deadlines_first(&centre->judgments));
  due = sooner(due, deadlines_first(&centre->week_judgments));
  if (centre->queue_first)
    due = sooner(due, centre->queue_first->queued_ms + centre->limits.remember_ms);
  return due;
}

/* Looking. */

struct slice centre_resolve_agent(const struct centre *centre, struct slice id_or_extension) {
  const struct agent *agent = roster_find(centre->settings->roster, id_or_extension);
  return agent ? slice_of(agent->id) : id_or_extension;
}

day_t centre_today(const struct centre *centre) {
  return centre->today;
}

day_t centre_kept_since(const struct centre *centre) {
  return centre->today == DAY_NONE ? DAY_NONE : centre->today - centre->limits.keep_days;
}

msec_t centre_now(const struct centre *centre) {
  return centre->now_ms;
}

size_t centre_agent_count(const struct centre *centre) {
  return centre->agent_count;
}

struct centre_agent *centre_agent_at(const struct centre *centre, size_t index) {
  assert(index < centre->agent_count);
  return centre->agents[index];
}

struct centre_agent *centre_find_agent(const struct centre *centre, struct slice id) {
  return table_get(&centre->agents_by_id, id);
}

size_t centre_team_count(const struct centre *centre) {
  return centre->team_count;
}

struct centre_team *centre_team_at(const struct centre *centre, size_t index) {
  assert(index < centre->team_count);
  return centre->teams[index];
}

struct day_tally *centre_find_day(const struct centre_agent *agent, day_t day) {
  struct day_tally *tally = agent->days;
  while (tally && tally->day > day)
    tally = tally->older;
  return tally && tally->day == day ? tally : NULL;
}

struct month_tally *centre_find_month(const struct centre_agent *agent, month_t month) {
  struct month_tally *tally = agent->months;
  while (tally && tally->month > month)
    tally = tally->older;
  return tally && tally->month == month ? tally : NULL;
}

const struct call *centre_find_call(const struct centre *centre, struct slice id) {
  return table_get(&centre->calls, id);
}

void centre_each_call(const struct centre *centre, centre_call_fn *fn, void *context) {
  size_t position = 0;
  for (const struct call *call; (call = table_next(&centre->calls, &position));)
    fn(context, call);
}

void centre_on_forget(struct centre *centre, centre_call_fn *fn, void *context) {
  centre->on_forget = fn;
  centre->on_forget_context = context;
}

struct centre_counts centre_counts(const struct centre *centre) {
  return (struct centre_counts){.open_calls = centre->open_calls,
                                .calls = centre->calls.count,
                                .unrostered = centre->unrostered,
                                .members = centre->members.count,
                                .forgotten = centre->forgotten};
}

/* Judging. */

static msec_t call_cycle(const struct day_tally *tally) {
  if (tally->cycles >= OWN_CYCLES_MIN) return tally->cycle_ms / tally->cycles;
  return tally->centre_day->site_cycle_ms;
}

bool centre_pace_facts(struct centre *centre, struct day_tally *tally, msec_t now_ms,
                       int64_t coverage_bp, struct pace_facts *out) {
  const struct day_plan *plan = centre_plan(centre, tally);
  if (!plan) return false;
  *out = (struct pace_facts){.plan = plan,
                             .now_ms = now_ms,
                             .calls = tally->calls,
                             .talk_ms = tally->talk.total_ms,
                             .talking_since_ms = day_tally_grows_since(tally),
                             .call_cycle_ms = call_cycle(tally),
                             .coverage_bp = coverage_bp};
  return true;
}

static bool verdict_shows(const struct verdict *a, const struct verdict *b) {
  return a->state != b->state || a->calls_state != b->calls_state ||
         a->talk_state != b->talk_state || a->calls_expected != b->calls_expected ||
         a->talk_expected_ms != b->talk_expected_ms || a->coverage_bp != b->coverage_bp;
}

void centre_set_verdict(struct centre *centre, struct day_tally *tally,
                        const struct verdict *verdict) {
  if (tally->team_day && tally->verdict.state != verdict->state) {
    tally->team_day->states[tally->verdict.state]--;
    tally->team_day->states[verdict->state]++;
    centre_mark_team(centre, tally->team_day);
  }
  if (verdict_shows(&tally->verdict, verdict)) centre_mark_day(centre, tally);
  tally->verdict = *verdict;
  if (verdict->due_ms == MSEC_MAX)
    deadlines_drop(&centre->judgments, &tally->heap_at);
  else
    deadlines_set(&centre->judgments, &tally->heap_at, verdict->due_ms);
}
