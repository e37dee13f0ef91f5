/* Which alerts follow from what is known now. Every decision looks at the latch
 * and the present state only, so a decision lost in a crash is made again. */
#include <assert.h>

#include "alert_inner.h"

enum { BP_ONE = 10000, RESOLVE_MARGIN_BP = 500, ROOM_BP = 1000 };

void alert_add_number(struct alert *alert, const char *key, int64_t value) {
  assert(alert->number_count < ALERT_NUMBERS_MAX);
  alert->numbers[alert->number_count++] = (struct alert_number){key, value};
}

void alert_tell(struct alert_latch *latch, const struct alert *alert, struct alert_sink sink) {
  alert_latch_set(latch, alert);
  sink.emit(sink.context, alert);
}

void alert_add_person(struct alert *alert, struct slice id, const struct agent *agent) {
  alert->subject = alert->agent = alert->name = id;
  if (!agent) return;
  alert->name = slice_of(agent->name);
  if (!agent->team) return;
  alert->team = slice_of(agent->team->id);
  alert->team_name = slice_of(agent->team->name);
  alert->team_lead = slice_of(agent->team->lead);
}

/* --- the day of an agent --- */

static void add_day_numbers(struct alert *alert, const struct alert_day *day) {
  const struct pace_facts *facts = day->facts;
  alert_add_number(alert, "calls", facts->calls);
  alert_add_number(alert, "calls_target", facts->plan->calls_target);
  alert_add_number(alert, "calls_expected", day->verdict->calls_expected);
  alert_add_number(alert, "talk_ms", facts->talk_ms);
  alert_add_number(alert, "talk_target_ms", facts->plan->talk_target_ms);
  alert_add_number(alert, "talk_expected_ms", day->verdict->talk_expected_ms);
  if (facts->talking_since_ms != MSEC_NONE)
    alert_add_number(alert, "talking_ms", pace_talk_so_far(facts) - facts->talk_ms);
  alert_add_number(alert, "coverage_bp", day->verdict->coverage_bp);
  alert_add_number(alert, "productive_left_ms", pace_productive_left(facts));
  if (alert->type == ALERT_DAY_BEHIND)
    alert_add_number(alert, "behind_below_bp", facts->plan->policy->pace.behind_below_bp);
  if (alert->type == ALERT_DAY_UNREACHABLE && facts->call_cycle_ms > 0)
    alert_add_number(alert, "call_cycle_ms", facts->call_cycle_ms);
}

static struct alert day_alert(const struct alert_day *day, enum alert_type type,
                              enum alert_state state) {
  struct alert alert = {.type = type,
                        .state = state,
                        .at_ms = day->facts->now_ms,
                        .period = day->day,
                        .policy_from = day->facts->plan->policy->from};
  alert_add_person(&alert, slice_of(day->agent->id), day->agent);
  add_day_numbers(&alert, day);
  return alert;
}

enum wish { KEEP, RAISE, RESOLVE, CLOSE_SILENTLY };

static int64_t resolve_rate(const struct alert_day *day) {
  int64_t behind = day->facts->plan->policy->pace.behind_below_bp,
          rate = behind + RESOLVE_MARGIN_BP;
  if (rate > BP_ONE) rate = BP_ONE;
  return rate > behind ? rate : behind;
}

static enum wish wish_behind(const struct alert_day *day) {
  switch (day->verdict->state) {
  case PACE_MISSED:
  case PACE_UNKNOWN: return CLOSE_SILENTLY;
  case PACE_BEHIND: return RAISE;
  case PACE_UNREACHABLE: return KEEP;
  case PACE_WARMING:
  case PACE_ON_PACE:
    return pace_keeps_up(day->memory, day->facts, resolve_rate(day)) ? RESOLVE : KEEP;
  default: return RESOLVE;
  }
}

/* The mean call cycle moves with every dial: near the border the verdict would turn
 * with each of them. So it has to be within reach by a margin. */
static bool has_room(const struct alert_day *day) {
  msec_t left = pace_productive_left(day->facts);
  return pace_slack_ms(day->memory, day->facts) >= left / BP_ONE * ROOM_BP;
}

static enum wish wish_unreachable(const struct alert_day *day) {
  switch (day->verdict->state) {
  case PACE_MISSED:
  case PACE_UNKNOWN: return CLOSE_SILENTLY;
  case PACE_UNREACHABLE: return RAISE;
  case PACE_MET:
  case PACE_EXEMPT: return RESOLVE;
  default: return has_room(day) ? RESOLVE : KEEP;
  }
}

/* The moment from which an id that resolved may be raised again. */
static msec_t raise_again_ms(const struct alert_day *day, msec_t resolved_ms) {
  const struct day_plan *plan = day->facts->plan;
  msec_t length = spans_elapsed(&plan->productive, resolved_ms) + plan->policy->pace.hold_down_ms;
  return spans_point(&plan->productive, length);
}

static msec_t raise_day(struct alert_latch *latch, const struct alert_day *day,
                        enum alert_type type, enum alert_state state, struct alert_sink sink) {
  struct slice subject = slice_of(day->agent->id);
  if (state == ALERT_RAISED) return MSEC_MAX;
  if (state == ALERT_RESOLVED) {
    if (!alert_type_lasts(type)) return MSEC_MAX;
    msec_t again = raise_again_ms(day, alert_latch_since(latch, subject, type, day->day));
    if (again > day->facts->now_ms) return again;
  }
  struct alert alert = day_alert(day, type, ALERT_RAISED);
  alert_tell(latch, &alert, sink);
  return MSEC_MAX;
}

static void resolve_day(struct alert_latch *latch, const struct alert_day *day,
                        enum alert_type type, bool silent, struct alert_sink sink) {
  struct alert alert = day_alert(day, type, ALERT_RESOLVED);
  alert.silent = silent;
  alert_tell(latch, &alert, sink);
}

/* One judgement: what its alerts were before, and where they go. */
struct judgement {
  struct alert_latch *latch;
  const struct alert_day *day;
  enum alert_state states[ALERT_TYPES];
  struct alert_sink sink;
};

static msec_t grant(const struct judgement *j, enum alert_type type, enum wish wish) {
  if (wish == RAISE && j->day->unseen && alert_type_lasts(type)) return MSEC_MAX;
  if (wish == RAISE) return raise_day(j->latch, j->day, type, j->states[type], j->sink);
  if (wish != KEEP && j->states[type] == ALERT_RAISED)
    resolve_day(j->latch, j->day, type, wish == CLOSE_SILENTLY, j->sink);
  return MSEC_MAX;
}

static void look_up(struct judgement *j) {
  const uint8_t *states = alert_latch_states(j->latch, slice_of(j->day->agent->id), j->day->day);
  for (unsigned type = 0; type < ALERT_TYPES; type++)
    j->states[type] = states ? (enum alert_state)states[type] : ALERT_CLEAR;
}

msec_t alert_judge_day(struct alert_latch *latch, const struct alert_day *day,
                       struct alert_sink sink) {
  enum pace_state state = day->verdict->state;
  if (state == PACE_NONE || state == PACE_UNROSTERED) return MSEC_MAX;
  struct judgement j = {.latch = latch, .day = day, .sink = sink};
  look_up(&j);
  enum wish behind = wish_behind(day);
  msec_t due = grant(&j, ALERT_DAY_BEHIND, behind);
  msec_t later = grant(&j, ALERT_DAY_UNREACHABLE, wish_unreachable(day));
  grant(&j, ALERT_DAY_MISSED, state == PACE_MISSED ? RAISE : RESOLVE);
  grant(&j, ALERT_DAY_MET, state == PACE_MET ? RAISE : KEEP);
  if (later < due) due = later;
  if (behind != KEEP || j.states[ALERT_DAY_BEHIND] != ALERT_RAISED) return due;
  later = pace_keeps_up_due_ms(day->facts, resolve_rate(day));
  return later < due ? later : due;
}

struct closing {
  struct alert_latch *latch;
  struct alert alert;
  struct alert_sink sink;
};

static void close_one(void *context, struct slice subject) {
  struct closing *closing = context;
  closing->alert.subject = closing->alert.agent = closing->alert.name = subject;
  alert_tell(closing->latch, &closing->alert, closing->sink);
}

void alert_close_day(struct alert_latch *latch, day_t day, msec_t now_ms, struct alert_sink sink) {
  struct closing closing = {.latch = latch, .sink = sink};
  closing.alert = (struct alert){.state = ALERT_RESOLVED,
                                 .silent = true,
                                 .at_ms = now_ms,
                                 .period = day,
                                 .policy_from = DAY_NONE};
  static const enum alert_type open[] = {ALERT_DAY_BEHIND, ALERT_DAY_UNREACHABLE};
  for (unsigned i = 0; i < 2; i++) {
    closing.alert.type = open[i];
    alert_latch_each_open(latch, open[i], day, close_one, &closing);
  }
}

void alert_lost_track(struct alert_latch *latch, const struct alert_lost_call *call,
                      struct alert_sink sink) {
  if (alert_latch_state(latch, call->agent_id, ALERT_CALL_LOST_TRACK, call->day) != ALERT_CLEAR)
    return;
  struct alert alert = {.type = ALERT_CALL_LOST_TRACK,
                        .state = ALERT_RAISED,
                        .at_ms = call->now_ms,
                        .period = call->day,
                        .call = call->call,
                        .reason = call->timed_out ? "max_call" : "unknown_to_switch",
                        .policy_from = call->policy ? call->policy->from : DAY_NONE};
  alert_add_person(&alert, call->agent_id, call->agent);
  alert_add_number(&alert, "started_ms", call->started_ms);
  alert_add_number(&alert, "open_ms", call->now_ms - call->started_ms);
  if (call->policy) alert_add_number(&alert, "max_call_ms", call->policy->count.max_call_ms);
  alert_tell(latch, &alert, sink);
}

/* --- sources, Redis, the journal --- */

static struct alert outage_alert(enum alert_type type, struct slice subject, day_t period,
                                 msec_t since_ms, msec_t now_ms) {
  struct alert alert = {.type = type,
                        .state = ALERT_RAISED,
                        .subject = subject,
                        .at_ms = now_ms,
                        .period = period,
                        .policy_from = DAY_NONE};
  alert_add_number(&alert, "since_ms", since_ms);
  alert_add_number(&alert, "down_ms", now_ms - since_ms);
  return alert;
}

static enum alert_type recovery_of(enum alert_type type) {
  if (type == ALERT_SOURCE_DOWN) return ALERT_SOURCE_UP;
  return type == ALERT_REDIS_DOWN ? ALERT_REDIS_UP : ALERT_NONE;
}

/* It was raised once the hold had run out, so it began that much earlier. */
static void resolve_outage(struct alert_latch *latch, enum alert_type type, struct slice subject,
                           day_t open_day, day_t today, msec_t now_ms, struct alert_sink sink) {
  msec_t since = alert_latch_since(latch, subject, type, open_day) - ALERT_OUTAGE_HOLD_MS;
  struct alert alert = outage_alert(type, subject, open_day, since, now_ms);
  alert.state = ALERT_RESOLVED;
  alert_tell(latch, &alert, sink);
  if (recovery_of(type) == ALERT_NONE) return;
  alert = outage_alert(recovery_of(type), subject, today, since, now_ms);
  alert_tell(latch, &alert, sink);
}

msec_t alert_outage(struct alert_latch *latch, enum alert_type type, struct slice subject,
                    msec_t down_since_ms, day_t today, msec_t now_ms, struct alert_sink sink) {
  assert(type == ALERT_SOURCE_DOWN || type == ALERT_REDIS_DOWN || type == ALERT_JOURNAL_STALLED);
  if (type == ALERT_REDIS_DOWN) subject = SLICE("redis");
  if (type == ALERT_JOURNAL_STALLED) subject = SLICE("journal");
  day_t open_day = alert_latch_open_day(latch, subject, type);
  if (down_since_ms == MSEC_NONE) {
    if (open_day != DAY_NONE) resolve_outage(latch, type, subject, open_day, today, now_ms, sink);
    return MSEC_MAX;
  }
  if (open_day != DAY_NONE) return MSEC_MAX;
  if (now_ms - down_since_ms < ALERT_OUTAGE_HOLD_MS) return down_since_ms + ALERT_OUTAGE_HOLD_MS;
  struct alert alert = outage_alert(type, subject, today, down_since_ms, now_ms);
  alert_tell(latch, &alert, sink);
  return MSEC_MAX;
}
