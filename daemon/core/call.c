/* What is known of a call, and what it counts for. Every fact is the least of
 * what was told by some key that starts with the time stamp, so the order of
 * events and their repetition do not matter. */
#include "callpace/core/call.h"

#include <assert.h>
#include <stdlib.h>

#include "callpace/base/mem.h"
#include "callpace/core/centre.h"
#include "callpace/core/deadlines.h"

const char *call_state_name(enum call_state state) {
  static const char *const names[CALL_STATES] = {"waiting", "open", "done", "lost", "internal"};
  return (unsigned)state < CALL_STATES ? names[state] : NULL;
}

void call_init(struct call *call, struct slice id) {
  assert(id.len <= UINT16_MAX);
  *call = (struct call){.id_len = (uint16_t)id.len,
                        .heap_at = DEADLINE_NONE,
                        .start_ms = MSEC_NONE,
                        .answer_ms = MSEC_NONE,
                        .end_ms = MSEC_NONE,
                        .talk_ms = MSEC_NONE};
  char *to = call->id.near;
  if (id.len > CALL_ID_NEAR) to = call->id.far = mem_alloc(id.len);
  if (id.len) memcpy(to, id.data, id.len);
}

void call_clear(struct call *call) {
  if (call->id_len > CALL_ID_NEAR) free(call->id.far);
  call->id_len = 0;
  free(call->holds);
  call->holds = NULL;
}

struct slice call_id(const struct call *call) {
  return (struct slice){call->id_len > CALL_ID_NEAR ? call->id.far : call->id.near, call->id_len};
}

static bool learn_time(msec_t *known, msec_t ts) {
  if (*known != MSEC_NONE && *known <= ts) return false;
  *known = ts;
  return true;
}

static bool learn_agent(struct call *call, unsigned rank, msec_t ts, struct centre_agent *agent) {
  if (!agent) return false;
  if (call->agent) {
    if (call->agent_rank != rank) {
      if (call->agent_rank < rank) return false;
    } else if (call->agent_ts < ts ||
               (call->agent_ts == ts && strcmp(call->agent->id, agent->id) <= 0)) {
      return false;
    }
  }
  call->agent = agent;
  call->agent_rank = (uint8_t)rank;
  call->agent_ts = ts;
  return true;
}

static bool learn_dir(struct call *call, unsigned rank, msec_t ts, enum call_dir dir) {
  if (dir == DIR_UNKNOWN) return false;
  if (call->dir != DIR_UNKNOWN) {
    if (call->dir_rank != rank) {
      if (call->dir_rank < rank) return false;
    } else if (call->dir_ts < ts || (call->dir_ts == ts && call->dir <= dir)) {
      return false;
    }
  }
  call->dir = (uint8_t)dir;
  call->dir_rank = (uint8_t)rank;
  call->dir_ts = ts;
  return true;
}

static bool learn_outcome(struct call *call, msec_t ts, enum call_outcome outcome) {
  if (outcome == OUTCOME_UNKNOWN) return false;
  if (call->outcome != OUTCOME_UNKNOWN &&
      (call->outcome_ts < ts || (call->outcome_ts == ts && call->outcome <= outcome)))
    return false;
  call->outcome = (uint8_t)outcome;
  call->outcome_ts = ts;
  return true;
}

static bool learn_talk(struct call *call, msec_t ts, msec_t talk_ms) {
  if (talk_ms == MSEC_NONE) return false;
  if (talk_ms < 0) talk_ms = 0;
  if (talk_ms > CALL_TALK_MAX) talk_ms = CALL_TALK_MAX;
  if (call->talk_ms != MSEC_NONE &&
      (call->talk_ts < ts || (call->talk_ts == ts && call->talk_ms <= talk_ms)))
    return false;
  call->talk_ms = talk_ms;
  call->talk_ts = ts;
  return true;
}

static void grow_holds(struct call *call) {
  struct call_holds *holds = call->holds;
  uint32_t capacity = holds ? holds->capacity * 2 : 4;
  holds = mem_resize(holds, sizeof *holds + capacity * sizeof holds->at[0]);
  if (!call->holds) holds->count = 0;
  holds->capacity = capacity;
  call->holds = holds;
}

static bool learn_hold(struct call *call, msec_t ts, bool retrieve) {
  int64_t key = ts * 2 + (retrieve ? 1 : 0);
  uint32_t count = call->holds ? call->holds->count : 0, at = count;
  while (at > 0 && call->holds->at[at - 1] > key)
    at--;
  if (at > 0 && call->holds->at[at - 1] == key) return false;
  if (at == CALL_HOLDS_MAX) return false;
  if (count == CALL_HOLDS_MAX) count--; /* the latest gives way */
  if (!call->holds || count == call->holds->capacity) grow_holds(call);
  int64_t *holds = call->holds->at;
  memmove(holds + at + 1, holds + at, (count - at) * sizeof holds[0]);
  holds[at] = key;
  call->holds->count = count + 1;
  return true;
}

static bool learn_type(struct call *call, const struct call_event *event) {
  bool news = false;
  switch (event->type) {
  case EVENT_CALL_START:
    news = learn_time(&call->start_ms, event->ts_ms);
    return (event->start_is_answer && learn_time(&call->answer_ms, event->ts_ms)) || news;
  case EVENT_CALL_ANSWER: return learn_time(&call->answer_ms, event->ts_ms);
  case EVENT_CALL_HOLD: return learn_hold(call, event->ts_ms, false);
  case EVENT_CALL_RETRIEVE: return learn_hold(call, event->ts_ms, true);
  case EVENT_CALL_END:
    news |= learn_time(&call->end_ms, event->ts_ms);
    news |= learn_outcome(call, event->ts_ms, event->outcome);
    news |= learn_talk(call, event->ts_ms, event->talk_ms);
    return news;
  case EVENT_CALL_LOST:
    news = !call->lost;
    call->lost = true;
    return news;
  default: assert(!"an event of a call"); return false;
  }
}

bool call_learn(struct call *call, const struct call_event *event, struct centre_agent *agent) {
  unsigned rank = event->type == EVENT_CALL_START ? 0 : 1;
  bool news = learn_type(call, event);
  news |= learn_agent(call, rank, event->ts_ms, agent);
  news |= learn_dir(call, rank, event->ts_ms, event->dir);
  return news;
}

static bool learn_key(struct call_target *known, unsigned rank, msec_t ts, uint64_t key) {
  if (key == 0) return false;
  if (known->key != 0) {
    if (known->rank != rank) {
      if (known->rank < rank) return false;
    } else if (known->ts_ms < ts || (known->ts_ms == ts && known->key <= key)) {
      return false;
    }
  }
  *known = (struct call_target){.key = key, .ts_ms = ts, .rank = (uint8_t)rank};
  return true;
}

bool call_learn_target(struct call *call, const struct call_event *event, uint64_t number_key,
                       uint64_t lead_key) {
  unsigned rank = event->type == EVENT_CALL_START ? 0 : 1;
  bool news = learn_key(&call->number, rank, event->ts_ms, number_key);
  news |= learn_key(&call->lead, rank, event->ts_ms, lead_key);
  return news;
}

enum call_state call_state_of(const struct call *call) {
  if (call->dir == DIR_INTERNAL) return CALL_INTERNAL;
  if (!call->agent) return CALL_WAITING;
  bool ended = call->end_ms != MSEC_NONE;
  if (call->start_ms == MSEC_NONE) {
    bool whole = ended && (call->talk_ms != MSEC_NONE || call->outcome != OUTCOME_UNKNOWN);
    return whole ? CALL_DONE : CALL_WAITING;
  }
  if (ended) return CALL_DONE;
  return call->lost || call->timed_out ? CALL_LOST : CALL_OPEN;
}

bool call_hold_next(const struct call *call, uint32_t *position, msec_t *from, msec_t *to) {
  uint32_t count = call->holds ? call->holds->count : 0, at = *position;
  while (at < count && call->holds->at[at] & 1)
    at++;
  if (at == count) return false;
  *from = call->holds->at[at] >> 1;
  while (at < count && !(call->holds->at[at] & 1))
    at++;
  *to = at < count ? call->holds->at[at] >> 1 : MSEC_MAX;
  *position = at;
  return true;
}

bool call_joins(const struct call *call, const struct policy *policy) {
  return call->dir == DIR_IN ? policy->count.directions_in : policy->count.directions_out;
}

msec_t call_begin(const struct call *call) {
  if (call->start_ms != MSEC_NONE) return call->start_ms;
  return call->end_ms - (call->talk_ms != MSEC_NONE ? call->talk_ms : 0);
}

bool call_answered(const struct call *call) {
  return call->answer_ms != MSEC_NONE || call->outcome == OUTCOME_ANSWERED || call->talk_ms > 0;
}

static int32_t offset_of(msec_t at, msec_t origin) {
  msec_t offset = at - origin;
  return (int32_t)(offset < INT32_MIN ? INT32_MIN : offset > INT32_MAX ? INT32_MAX : offset);
}

static uint32_t length_of(msec_t from, msec_t to) {
  if (to <= from) return 0;
  return to - from > UINT32_MAX ? UINT32_MAX : (uint32_t)(to - from);
}

static uint32_t hold_within(const struct call *call, msec_t from, msec_t to) {
  uint32_t position = 0, sum = 0;
  for (msec_t on, off; call_hold_next(call, &position, &on, &off);)
    sum += length_of(on > from ? on : from, off < to ? off : to);
  return sum;
}

/* Ringing, hold and talk of a call that ended. */
static void measure(const struct call *call, const struct policy *policy, msec_t day_begin,
                    struct call_count *out) {
  msec_t begin = call_begin(call), to = call->end_ms, from = to;
  bool connected = call->answer_ms != MSEC_NONE;
  if (call->talk_ms != MSEC_NONE)
    from = to - call->talk_ms;
  else if (connected)
    from = call->answer_ms < to ? call->answer_ms : to;
  out->ring_ms = length_of(begin, connected ? call->answer_ms : from);
  out->hold_ms = call->holds ? hold_within(call, from, to) : 0;
  out->talk_from = offset_of(from, day_begin);
  out->talk_to = offset_of(to, day_begin);
  out->talk_ms = length_of(out->talk_from, out->talk_to);
  if (policy->count.talk_includes_hold || out->hold_ms == 0) return;
  out->flags |= COUNT_LESS_HOLDS;
  out->talk_ms -= out->hold_ms < out->talk_ms ? out->hold_ms : out->talk_ms;
}

static bool is_call(const struct call_count *count, const struct policy *policy) {
  bool answered = count->flags & COUNT_ANSWERED;
  if (policy->count.calls_when_attempted) return answered || count->flags & COUNT_DIALLED;
  return answered && count->talk_ms >= policy->count.min_talk_ms;
}

void call_count_make(const struct call *call, enum call_state state, const struct policy *policy,
                     msec_t day_begin, struct call_count *out) {
  assert(state == CALL_DONE || state == CALL_LOST);
  bool outbound = call->dir != DIR_IN, answered = call_answered(call);
  struct call_count count = {.start = offset_of(call_begin(call), day_begin)};
  count.flags = (uint8_t)((outbound ? COUNT_DIALLED : 0) | (answered ? COUNT_ANSWERED : 0));
  if (outbound) count.dial_key = call->lead.key ? call->lead.key : call->number.key;
  if (state == CALL_LOST) {
    count.flags |= COUNT_LOST;
    if (answered) count.ring_ms = length_of(call->start_ms, call->answer_ms);
  } else {
    measure(call, policy, day_begin, &count);
    if (outbound && !answered)
      count.outcome = call->outcome == OUTCOME_UNKNOWN ? OUTCOME_NO_ANSWER : call->outcome;
  }
  if (call_joins(call, policy)) {
    if (answered && state == CALL_DONE) count.flags |= COUNT_TALK;
    if (is_call(&count, policy)) count.flags |= COUNT_CALL;
  }
  *out = count;
}
