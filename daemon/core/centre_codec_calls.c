/* Calls in snapshots of the centre. */
#include <assert.h>
#include <stdlib.h>

#include "centre_codec.h"

static void code_holds(struct codec *c, struct call *call) {
  uint32_t count = (uint32_t)code_count(c, call->holds ? call->holds->count : 0, 1);
  if (count > CALL_HOLDS_MAX) c->r->failed = true;
  if (count == 0 || codec_failed(c)) return;
  if (!c->w) {
    call->holds = mem_zalloc(sizeof *call->holds + count * sizeof call->holds->at[0]);
    call->holds->count = call->holds->capacity = count;
  }
  int64_t before = -1;
  for (uint32_t i = 0; i < count; i++) {
    int64_t *at = &call->holds->at[i];
    code_i64(c, at);
    if (*at <= before || *at > CALL_TIME_MAX * 2 + 1) c->r->failed = true;
    before = *at;
  }
}

static void code_target(struct codec *c, struct call_target *target) {
  bool has = target->key != 0, other = target->rank;
  code_bool(c, &has);
  if (!has) return;
  code_u64(c, &target->key);
  code_time(c, &target->ts_ms);
  code_bool(c, &other);
  target->rank = other;
}

static void code_facts(struct codec *c, struct call *call) {
  bool agent_rank = call->agent_rank, dir_rank = call->dir_rank;
  code_bool(c, &call->lost);
  code_bool(c, &call->timed_out);
  code_bool(c, &agent_rank);
  code_bool(c, &dir_rank);
  call->agent_rank = agent_rank;
  call->dir_rank = dir_rank;
  call->dir = (uint8_t)code_small(c, call->dir, DIR_INTERNAL + 1);
  call->outcome = (uint8_t)code_small(c, call->outcome, OUTCOME_CANCELLED + 1);
  msec_t *const times[] = {&call->start_ms, &call->answer_ms,  &call->end_ms, &call->agent_ts,
                           &call->dir_ts,   &call->outcome_ts, &call->talk_ts};
  for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
    code_time(c, times[i]);
  code_i64(c, &call->talk_ms);
  if (call->talk_ms != MSEC_NONE && (call->talk_ms < 0 || call->talk_ms > CALL_TALK_MAX))
    c->r->failed = true;
  code_target(c, &call->number);
  code_target(c, &call->lead);
  code_holds(c, call);
}

static void code_count_made(struct codec *c, struct call_count *count) {
  code_i32(c, &count->start);
  code_i32(c, &count->talk_from);
  code_i32(c, &count->talk_to);
  code_u32(c, &count->ring_ms);
  code_u32(c, &count->hold_ms);
  code_u32(c, &count->talk_ms);
  code_u64(c, &count->dial_key);
  count->flags = (uint8_t)code_small(c, count->flags, COUNT_LESS_HOLDS * 2);
  count->outcome = (uint8_t)code_small(c, count->outcome, OUTCOME_CANCELLED + 1);
}

/* The call's agent by number from 1 (0: none) and its day. */
static void save_call(struct codec *c, struct call *call, const struct table *numbers) {
  put_blob(c->w, call_id(call));
  uintptr_t number = 0;
  if (call->agent) number = (uintptr_t)table_get(numbers, slice_of(call->agent->id));
  put_varint(c->w, number);
  code_facts(c, call);
  put_u8(c->w, call->state);
  put_u8(c->w, (uint8_t)((call->queued ? 1 : 0) | (call->touched ? 2 : 0)));
  put_varint_signed(c->w, call->queued_ms);
  put_u8(c->w, call->tally ? 1 : 0);
  if (!call->tally) return;
  put_varint_signed(c->w, call->tally->day);
  if (call->state != CALL_OPEN) code_count_made(c, &call->count);
}

void centre_save_calls(struct codec *c, const struct centre *centre) {
  struct table numbers = {0};
  for (size_t i = 0; i < centre->agent_count; i++)
    table_put(&numbers, slice_of(centre->agents[i]->id), (void *)(uintptr_t)(i + 1));
  put_varint(c->w, centre->calls.count);
  for (struct call *call = centre->queue_first; call; call = call->next_queued)
    save_call(c, call, &numbers);
  for (size_t i = 0; i < centre->agent_count; i++)
    for (struct day_tally *tally = centre->agents[i]->days; tally; tally = tally->older) {
      struct call *call = tally->open.first;
      for (uint32_t n = 0; n < tally->open_calls; n++, call = call->next_of_day)
        if (!call->queued) save_call(c, call, &numbers);
    }
  table_free(&numbers);
}

static void enqueue(struct centre *centre, struct call *call, unsigned marks, msec_t queued_ms) {
  if (!(marks & 1)) return;
  msec_t now_ms = centre->now_ms;
  centre->now_ms = queued_ms;
  centre_queue_call(centre, call);
  centre->now_ms = now_ms;
  call->touched = marks & 2;
}

/* Hangs a call into its day; false when they do not fit together. */
static bool hang(struct codec *c, struct centre *centre, struct call *call) {
  int32_t day = 0;
  code_i32(c, &day);
  struct day_tally *tally = call->agent ? centre_find_day(call->agent, day) : NULL;
  if (!tally) return false;
  if (call->state == CALL_OPEN) {
    if (call->start_ms == MSEC_NONE) return false;
    day_tally_open(tally, call, tally->centre_day->policy);
    centre->open_calls++;
    centre_watch_call(centre, call);
    return true;
  }
  if (call->state != CALL_DONE && call->state != CALL_LOST) return false;
  code_count_made(c, &call->count);
  day_tally_restore(tally, call);
  return true;
}

static bool load_call(struct codec *c, struct centre *centre) {
  struct slice id = get_blob(c->r);
  uint64_t number = get_varint(c->r);
  if (codec_failed(c) || id.len == 0 || id.len > UINT16_MAX || number > centre->agent_count)
    return false;
  if (table_get(&centre->calls, id)) return false;
  struct call *call = pool_take(&centre->call_pool);
  call_init(call, id);
  call->hash = table_hash(id);
  table_put_hashed(&centre->calls, call_id(call), call->hash, call);
  if (number) {
    call->agent = centre->agents[number - 1];
    call->agent->calls++;
  }
  code_facts(c, call);
  unsigned state = code_small(c, 0, CALL_STATES), marks = code_small(c, 0, 4);
  msec_t queued_ms = get_varint_signed(c->r);
  bool hangs = code_small(c, 0, 2);
  if (codec_failed(c)) return false;
  call->state = (uint8_t)state;
  if (state == CALL_OPEN ? !hangs : !(marks & 1)) return false;
  if (hangs && !hang(c, centre, call)) return false;
  enqueue(centre, call, marks, queued_ms);
  return !codec_failed(c);
}

bool centre_load_calls(struct codec *c, struct centre *centre) {
  uint64_t count = code_count(c, 0, 8);
  for (uint64_t i = 0; i < count; i++)
    if (!load_call(c, centre)) return false;
  return !codec_failed(c);
}
