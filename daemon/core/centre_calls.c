/* Calls: what an event teaches of one, in whose day it stands, how it ends or is
 * forgotten. */
#include <assert.h>
#include <stdlib.h>

#include "callpace/core/number.h"
#include "centre_inner.h"

enum { LOST_NOTES_MAX = 10000 };

/* What pace_note looks at; the call cycle is no part of it. */
struct noted {
  int64_t calls;
  msec_t talk_ms, talking_since_ms;
};

static void note_pace(struct day_tally *tally, const struct day_plan *plan, msec_t now_ms,
                      struct noted noted) {
  struct pace_facts facts = {.plan = plan,
                             .now_ms = now_ms,
                             .calls = noted.calls,
                             .talk_ms = noted.talk_ms,
                             .talking_since_ms = noted.talking_since_ms,
                             .coverage_bp = 10000};
  pace_note(&tally->pace, &facts);
}

/* A change that pace does not see needs no note. */
static void note_change(struct centre *centre, const struct centre_change *before) {
  struct day_tally *tally = before->tally;
  struct noted was = {before->calls, before->talk_ms, before->talking_since_ms};
  struct noted is = {tally->calls, tally->talk.total_ms, day_tally_grows_since(tally)};
  if (was.calls == is.calls && was.talk_ms == is.talk_ms &&
      was.talking_since_ms == is.talking_since_ms)
    return;
  const struct day_plan *plan = centre_plan(centre, tally);
  if (!plan || plan->exempt) return;
  note_pace(tally, plan, centre->now_ms, was);
  note_pace(tally, plan, centre->now_ms, is);
}

void centre_change_begin(struct day_tally *tally, struct centre_change *change) {
  *change = (struct centre_change){.tally = tally,
                                   .dials = tally->dials,
                                   .answered = tally->answered,
                                   .calls = tally->calls,
                                   .members = tally->members,
                                   .talk_ms = tally->talk.total_ms,
                                   .talking_since_ms = day_tally_grows_since(tally),
                                   .first_dial_ms = tally->first_dial_ms,
                                   .last_dial_ms = tally->last_dial_ms};
}

static void sum_team(struct centre *centre, const struct centre_change *before) {
  const struct day_tally *now = before->tally;
  struct team_day *team_day = now->team_day;
  if (!team_day) return;
  team_day->dials += (int64_t)now->dials - before->dials;
  team_day->answered += (int64_t)now->answered - before->answered;
  team_day->calls += (int64_t)now->calls - before->calls;
  team_day->members += (int64_t)now->members - before->members;
  team_day->talk_ms += now->talk.total_ms - before->talk_ms;
  centre_mark_team(centre, team_day);
}

static void sum_month(struct centre *centre, const struct centre_change *before) {
  const struct day_tally *now = before->tally;
  struct month_tally *month = now->agent->months;
  month_t which = month_of(now->day);
  if (!month || month->month != which) month = centre_month_of(centre, now->agent, which);
  month->calls += (int64_t)now->calls - before->calls;
  month->members += (int64_t)now->members - before->members;
  month->talk_ms += now->talk.total_ms - before->talk_ms;
  month->lsn = centre->lsn;
  centre_mark_month(centre, month);
}

void centre_change_end(struct centre *centre, const struct centre_change *change) {
  struct day_tally *tally = change->tally;
  bool month_moved = tally->calls != change->calls || tally->members != change->members ||
                     tally->talk.total_ms != change->talk_ms;
  if (month_moved) sum_month(centre, change);
  if (month_moved || tally->dials != change->dials || tally->answered != change->answered)
    sum_team(centre, change);
  if (tally->dials != change->dials || tally->first_dial_ms != change->first_dial_ms ||
      tally->last_dial_ms != change->last_dial_ms)
    centre_count_cycles(centre, tally);
  note_change(centre, change);
  tally->lsn = centre->lsn;
  tally->updated_ms = centre->now_ms;
  centre_mark_day(centre, tally);
  centre_mark_judge(centre, tally);
}

/* Where a call stands. */

void centre_watch_call(struct centre *centre, struct call *call) {
  msec_t max = call->tally->centre_day->policy->count.max_call_ms;
  msec_t due = max > CALL_TIME_MAX ? MSEC_MAX : call->start_ms + max;
  deadlines_set(&centre->timeouts, &call->heap_at, due);
}

static void leave_day(struct centre *centre, struct call *call) {
  if (call->state == CALL_OPEN) {
    deadlines_drop(&centre->timeouts, &call->heap_at);
    centre->open_calls--;
    day_tally_close(call->tally, call, call->tally->centre_day->policy);
  } else {
    centre_credit_lead(centre, call, false);
    day_tally_take(call->tally, call);
  }
}

static void enter_day(struct centre *centre, struct call *call, struct day_tally *tally,
                      enum call_state state) {
  const struct policy *policy = tally->centre_day->policy;
  if (state == CALL_OPEN) {
    day_tally_open(tally, call, policy);
    centre->open_calls++;
    centre_watch_call(centre, call);
  } else {
    call_count_make(call, state, policy, tally->begin_ms, &call->count);
    day_tally_add(tally, call);
    centre_credit_lead(centre, call, true);
  }
}

/* Open as before, with an earlier answer or start, or another direction. */
static void look_again(struct centre *centre, struct call *call, bool turned) {
  struct day_tally *tally = call->tally;
  struct centre_change change;
  centre_change_begin(tally, &change);
  if (turned)
    day_tally_look_open(tally, tally->centre_day->policy);
  else
    day_tally_look_at(tally, call, tally->centre_day->policy);
  centre_watch_call(centre, call);
  centre_change_end(centre, &change);
}

/* Puts the call where its facts say. `turned`: its direction may be another one. */
static void place(struct centre *centre, struct call *call, bool turned) {
  enum call_state state = call_state_of(call);
  struct day_tally *from = call->tally, *to = NULL;
  if (state == CALL_OPEN || state == CALL_DONE || state == CALL_LOST)
    to = centre_tally_of(centre, call->agent, centre_day_at(centre, call_begin(call)));
  struct centre_change change, other;
  if (to && to == from && state == CALL_OPEN && call->state == CALL_OPEN) {
    look_again(centre, call, turned);
    return;
  }
  if (from) {
    centre_change_begin(from, &change);
    if (to != from && to) centre_change_begin(to, &other);
    leave_day(centre, call);
  } else if (to) {
    centre_change_begin(to, &other);
  }
  if (to) enter_day(centre, call, to, state);
  call->state = (uint8_t)state;
  if (from) centre_change_end(centre, &change);
  if (to && to != from) centre_change_end(centre, &other);
  if (state != CALL_OPEN) centre_queue_call(centre, call);
}

static void note_lost(struct centre *centre, const struct call *call) {
  if (centre->lost_count >= LOST_NOTES_MAX) return;
  centre->lost =
      mem_grow(centre->lost, &centre->lost_capacity, centre->lost_count + 1, sizeof *centre->lost);
  centre->lost[centre->lost_count++] =
      (struct lost_note){mem_slice_dup(call_id(call)), centre->now_ms};
}

static void lose(struct centre *centre) {
  uint32_t *heap_at = centre->timeouts.items[0].place;
  struct call *call = (struct call *)((char *)heap_at - offsetof(struct call, heap_at));
  call->timed_out = true;
  place(centre, call, false);
  note_lost(centre, call);
}

/* Each at its own moment. */
void centre_lose_late(struct centre *centre, msec_t now_ms) {
  for (msec_t due; (due = deadlines_first(&centre->timeouts)) <= now_ms;) {
    centre_set_now(centre, due);
    lose(centre);
  }
}

bool centre_take_lost(struct centre *centre, msec_t until_ms, struct lost_call *out) {
  while (centre->lost_first < centre->lost_count) {
    if (centre->lost[centre->lost_first].noted_ms > until_ms) return false;
    char *id = centre->lost[centre->lost_first++].id;
    struct call *call = table_get(&centre->calls, slice_of(id));
    free(id);
    if (!call || call->state != CALL_LOST) continue;
    *out = (struct lost_call){call->tally, call_id(call), call->start_ms, !call->lost};
    return true;
  }
  centre->lost_first = centre->lost_count = 0;
  return false;
}

/* Forgetting. */

static void queue_push(struct centre *centre, struct call *call) {
  call->queued = true;
  call->touched = false;
  call->queued_ms = centre->now_ms;
  call->next_queued = NULL;
  if (centre->queue_first)
    centre->queue_last->next_queued = call;
  else
    centre->queue_first = call;
  centre->queue_last = call;
  centre->queue_count++;
}

void centre_queue_call(struct centre *centre, struct call *call) {
  if (call->queued)
    call->touched = true;
  else
    queue_push(centre, call);
}

static struct call *queue_pop(struct centre *centre) {
  struct call *call = centre->queue_first;
  centre->queue_first = call->next_queued;
  call->queued = false;
  centre->queue_count--;
  return call;
}

/* A call that is off the queue and not open. */
static void forget(struct centre *centre, struct call *call) {
  struct day_tally *tally = call->tally;
  if (centre->on_forget) centre->on_forget(centre->on_forget_context, call);
  if (tally) day_tally_forget(tally, call);
  if (call->agent) call->agent->calls--;
  table_remove_hashed(&centre->calls, call_id(call), call->hash);
  call_clear(call);
  pool_give(&centre->call_pool, call);
  if (tally && !tally->open.first && !tally->done.first && tally->day < centre->today - 1) {
    day_tally_settle(tally);
    centre_drop_plan(tally);
  }
}

void centre_part_calls(struct centre *centre, struct day_tally *tally) {
  while (tally->open.first) {
    struct call *call = tally->open.first;
    leave_day(centre, call);
    call->state = CALL_WAITING;
    centre_queue_call(centre, call);
  }
  while (tally->done.first)
    day_tally_forget(tally, tally->done.first);
}

/* One call off the queue: an open one leaves it, one that changed since waits
 * another time, the others are forgotten. */
static bool forget_first(struct centre *centre) {
  struct call *call = queue_pop(centre);
  centre_expect_forgetting(centre);
  if (call->state == CALL_OPEN) return false;
  if (call->touched) {
    queue_push(centre, call);
    return false;
  }
  forget(centre, call);
  return true;
}

void centre_forget_old(struct centre *centre) {
  while (centre->queue_first &&
         centre->queue_first->queued_ms + centre->limits.remember_ms <= centre->now_ms)
    forget_first(centre);
}

static void keep_limits(struct centre *centre) {
  while (centre->queue_count > centre->limits.calls_max)
    if (forget_first(centre)) centre->forgotten++;
  while (centre->open_calls > centre->limits.calls_max)
    lose(centre);
}

/* Events. */

/* The keys of what it called, as they are made now: other prefixes later change
 * nothing about calls that were. */
static bool learn_target(const struct centre *centre, struct call *call,
                         const struct call_event *event) {
  if (event->number.len == 0 && event->lead.len == 0) return false;
  uint64_t number = number_key(&centre->settings->policy->numbers, event->number);
  return call_learn_target(call, event, number, event->lead.len ? number_lead_key(event->lead) : 0);
}

static struct call *add_call(struct centre *centre, struct slice id, uint32_t hash) {
  struct call *call = pool_take(&centre->call_pool);
  call_init(call, id);
  call->hash = hash;
  table_put_hashed(&centre->calls, call_id(call), hash, call);
  return call;
}

static void count_agent(struct centre_agent *before, struct centre_agent *after) {
  if (before == after) return;
  if (before) before->calls--;
  if (after) after->calls++;
}

enum centre_result centre_apply_call(struct centre *centre, const struct call_event *event) {
  if (event->call.len == 0 || event->call.len > UINT16_MAX) return CENTRE_MISSING_FIELD;
  if (event->type == EVENT_CALL_START && event->agent.len == 0) return CENTRE_MISSING_FIELD;
  struct centre_agent *agent = NULL;
  bool made = false;
  if (event->agent.len) {
    agent = centre_agent_of(centre, event->agent, &made);
    if (!agent) return CENTRE_TOO_MANY_AGENTS;
  }
  uint32_t hash = table_hash(event->call);
  struct call *call = table_get_hashed(&centre->calls, event->call, hash);
  if (!call) call = add_call(centre, event->call, hash);
  struct centre_agent *before = call->agent;
  uint8_t dir = call->dir;
  bool news = learn_target(centre, call, event);
  news |= call_learn(call, event, agent);
  if (!news) {
    if (made) centre_unmake_agent(centre, agent);
    return CENTRE_UNCHANGED;
  }
  count_agent(before, call->agent);
  if (made && call->agent != agent) centre_unmake_agent(centre, agent);
  bool was_lost = call->state == CALL_LOST;
  place(centre, call, call->dir != dir);
  if (call->state == CALL_LOST && !was_lost) note_lost(centre, call);
  keep_limits(centre);
  return CENTRE_APPLIED;
}
