/* What Kamailio's dialogs are to callpace. Nothing is kept for an absent client
 * and there is no list to ask for: after a gap the number of active dialogs in
 * the heartbeat is all that tells of calls before it. */
#include <assert.h>

#include "evapi_internal.h"

void evapi_calls_init(struct evapi_calls *calls) {
  *calls = (struct evapi_calls){.lost_ms = MSEC_NONE, .begun_ms = MSEC_NONE};
  pool_init(&calls->pool, sizeof(struct evapi_call));
}

void evapi_calls_free(struct evapi_calls *calls) {
  table_free(&calls->by_id);
  pool_free(&calls->pool);
  event_queue_free(&calls->queue);
  writer_free(&calls->id);
}

/* --- the calls at hand --- */

static void list_add(struct evapi_list *list, struct evapi_call *call) {
  call->next = NULL;
  call->prev = list->last;
  if (list->last) {
    list->last->next = call;
  } else {
    list->first = call;
  }
  list->last = call;
  list->count++;
}

static void list_take(struct evapi_list *list, struct evapi_call *call) {
  if (call->prev) {
    call->prev->next = call->next;
  } else {
    list->first = call->next;
  }
  if (call->next) {
    call->next->prev = call->prev;
  } else {
    list->last = call->prev;
  }
  list->count--;
}

static void forget(struct evapi_calls *calls, struct evapi_list *list, struct evapi_call *call) {
  list_take(list, call);
  table_remove(&calls->by_id, (struct slice){call->id, call->id_len});
  pool_give(&calls->pool, call);
}

/* The call of this id, made where it is not known. Hostile ids without end push
 * out the oldest. */
static struct evapi_call *call_of(struct evapi_calls *calls, struct slice id) {
  struct evapi_call *call = table_get(&calls->by_id, id);
  if (!call) {
    if (calls->up.count >= EVAPI_CALLS_MAX) forget(calls, &calls->up, calls->up.first);
    call = pool_take(&calls->pool);
    *call = (struct evapi_call){.number = 1, .id_len = (uint8_t)id.len};
    memcpy(call->id, id.data, id.len);
    table_put(&calls->by_id, (struct slice){call->id, call->id_len}, call);
    list_add(&calls->up, call);
  }
  call->seen = calls->connection;
  return call;
}

static void mark_ended(struct evapi_calls *calls, struct evapi_call *call) {
  if (call->ended) return;
  call->ended = true;
  list_take(&calls->up, call);
  list_add(&calls->ended, call);
  if (calls->ended.count > EVAPI_ENDED_MAX) forget(calls, &calls->ended, calls->ended.first);
}

/* A Call-ID may be used again, by a telephone that tries another way. */
static void begin_again(struct evapi_calls *calls, struct evapi_call *call) {
  if (!call->ended) return;
  call->ended = call->answered = false;
  call->number++;
  list_take(&calls->ended, call);
  list_add(&calls->up, call);
}

/* --- events --- */

static struct call_event event_of(struct evapi_calls *calls, const struct evapi_call *call,
                                  enum call_event_type type, msec_t ts_ms) {
  struct call_event event = call_event_of(type, ts_ms);
  writer_reset(&calls->id);
  put_slice(&calls->id, calls->source);
  put_char(&calls->id, ':');
  put_bytes(&calls->id, call->id, call->id_len);
  if (call->number > 1) {
    put_char(&calls->id, '/');
    put_uint(&calls->id, call->number);
  }
  event.call = writer_slice(&calls->id);
  return event;
}

/* The dialled number may be a colleague's; a configuration that tells the
 * direction knows better. */
static enum call_dir dir_of(const struct evapi_calls *calls, const struct evapi_event *event) {
  enum call_dir dir = call_dir_parse(event->dir);
  if (dir != DIR_UNKNOWN) return dir;
  const struct roster *roster = *calls->roster;
  return roster && roster_find(roster, event->number) ? DIR_INTERNAL : DIR_OUT;
}

static void tell_start(struct evapi_calls *calls, const struct evapi_call *call,
                       const struct evapi_event *event, msec_t ts_ms) {
  struct call_event told = event_of(calls, call, EVENT_CALL_START, ts_ms);
  told.agent = event->agent;
  told.number = event->number;
  told.queue = event->queue;
  told.dir = dir_of(calls, event);
  event_queue_put(&calls->queue, &told);
}

static void answer(struct evapi_calls *calls, struct evapi_call *call, msec_t ts_ms) {
  if (call->answered) return;
  call->answered = true;
  struct call_event told = event_of(calls, call, EVENT_CALL_ANSWER, ts_ms);
  event_queue_put(&calls->queue, &told);
}

static enum call_outcome outcome_of(struct slice code) {
  if (slice_equal(code, SLICE("486"))) return OUTCOME_BUSY;
  if (slice_equal(code, SLICE("487"))) return OUTCOME_CANCELLED;
  return slice_equal(code, SLICE("408")) ? OUTCOME_NO_ANSWER : OUTCOME_FAILED;
}

static void end(struct evapi_calls *calls, struct evapi_call *call, const struct evapi_event *event,
                enum call_outcome outcome) {
  struct call_event told = event_of(calls, call, EVENT_CALL_END, event->ts_ms);
  told.outcome = outcome;
  told.cause = event->code;
  told.agent = event->agent;
  told.number = event->number;
  if (event->agent.len) told.dir = dir_of(calls, event);
  msec_t answer_ms = event->answer_ms;
  if (outcome == OUTCOME_ANSWERED && answer_ms != MSEC_NONE)
    told.talk_ms = event->ts_ms > answer_ms ? event->ts_ms - answer_ms : 0;
  event_queue_put(&calls->queue, &told);
  mark_ended(calls, call);
}

/* The dialog timer ended it: the BYE was lost, nobody knows when. */
static void timed_out(struct evapi_calls *calls, struct evapi_call *call,
                      const struct evapi_event *event) {
  struct call_event told = event_of(calls, call, EVENT_CALL_LOST, event->ts_ms);
  event_queue_put(&calls->queue, &told);
  mark_ended(calls, call);
}

/* What was missed of a call is told by what comes later of it. */
static void catch_up(struct evapi_calls *calls, struct evapi_call *call,
                     const struct evapi_event *event, bool known) {
  if (!known && event->agent.len && event->start_ms != MSEC_NONE)
    tell_start(calls, call, event, event->start_ms);
  if (event->answer_ms != MSEC_NONE) answer(calls, call, event->answer_ms);
}

static bool take_start(struct evapi_calls *calls, const struct evapi_event *event) {
  struct evapi_call *call = call_of(calls, event->call_id);
  begin_again(calls, call);
  tell_start(calls, call, event, event->start_ms == MSEC_NONE ? event->ts_ms : event->start_ms);
  return true;
}

static bool take_later(struct evapi_calls *calls, const struct evapi_event *event) {
  bool known = table_get(&calls->by_id, event->call_id) != NULL;
  struct evapi_call *call = call_of(calls, event->call_id);
  catch_up(calls, call, event, known);
  if (slice_equal(event->name, SLICE("answer"))) {
    answer(calls, call, event->ts_ms);
  } else if (slice_equal(event->name, SLICE("failed"))) {
    end(calls, call, event, outcome_of(event->code));
  } else if (slice_equal(event->by, SLICE("timeout"))) {
    timed_out(calls, call, event);
  } else {
    end(calls, call, event, OUTCOME_ANSWERED);
  }
  return true;
}

/* A BYE that belongs to no dialog: the switch was started anew while the call went
 * on between the telephones. It is the end all the same. */
static bool take_orphan(struct evapi_calls *calls, const struct evapi_event *event) {
  struct evapi_call *call = table_get(&calls->by_id, event->call_id);
  if (call) end(calls, call, event, OUTCOME_ANSWERED);
  return true;
}

bool evapi_calls_take(struct evapi_calls *calls, const struct evapi_event *event, const char **code,
                      const char **problem) {
  static const char *const passed_over[] = {"ringing", "reinvite"};
  bool starts = slice_equal(event->name, SLICE("start"));
  bool later = slice_equal(event->name, SLICE("answer")) ||
               slice_equal(event->name, SLICE("end")) || slice_equal(event->name, SLICE("failed"));
  bool orphan = slice_equal(event->name, SLICE("orphan_bye"));
  for (size_t i = 0; i < sizeof passed_over / sizeof passed_over[0]; i++) {
    if (slice_equal(event->name, slice_of(passed_over[i]))) return true;
  }
  if (!starts && !later && !orphan)
    return *code = "unknown_type", *problem = "ev is not known", false;
  if (event->call_id.len == 0)
    return *code = "missing_field", *problem = "call_id is missing", false;
  assert(event->call_id.len <= EVAPI_ID_MAX);
  if (starts && event->agent.len == 0)
    return *code = "missing_field", *problem = "agent is missing", false;
  if (starts) return take_start(calls, event);
  return later ? take_later(calls, event) : take_orphan(calls, event);
}

/* --- after a gap --- */

/* How long a telephone may ring: RFC 3261, timer C. */
enum { RING_MAX_MS = 180 * 1000 };

void evapi_calls_heartbeat(struct evapi_calls *calls, int64_t active, msec_t now_ms) {
  struct evapi_call *next;
  for (struct evapi_call *call = calls->up.first; call; call = next) {
    next = call->next;
    if (call->seen == calls->connection) continue;
    bool gone = call->answered ? active == 0 : now_ms - calls->begun_ms > RING_MAX_MS;
    if (!gone) continue;
    msec_t gap_ms = calls->lost_ms == MSEC_NONE ? now_ms : calls->lost_ms;
    struct call_event told = event_of(calls, call, EVENT_CALL_LOST, gap_ms);
    event_queue_put(&calls->queue, &told);
    mark_ended(calls, call);
  }
}
