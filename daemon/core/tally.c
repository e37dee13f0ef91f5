/* Counters of one agent's day. Sums are added and taken away; what cannot be
 * taken away (a union, a first, a longest) is read again from the day's calls
 * and from what forgotten ones left. */
#include "callpace/core/tally.h"

#include <assert.h>
#include <stdlib.h>

#include "callpace/base/mem.h"
#include "callpace/core/deadlines.h"

/* Room for one more run at `at`. */
static void insert_span(struct talk_union *u, uint32_t at, struct talk_span span) {
  size_t capacity = u->capacity;
  u->spans = mem_grow(u->spans, &capacity, (size_t)u->count + 1, sizeof *u->spans);
  u->capacity = (uint32_t)capacity;
  memmove(u->spans + at + 1, u->spans + at, (u->count - at) * sizeof *u->spans);
  u->spans[at] = span;
  u->count++;
}

static msec_t span_length(struct talk_span span) {
  return (msec_t)span.to - span.from;
}

/* First run that ends at or behind `from`. */
static uint32_t first_touching(const struct talk_union *u, int32_t from) {
  uint32_t low = 0, high = u->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (u->spans[middle].to < from)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

void talk_union_add(struct talk_union *u, int32_t from, int32_t to) {
  if (from >= to) return;
  struct talk_span span = {from, to};
  uint32_t at = u->count;
  if (at > 0 && u->spans[at - 1].to >= from) at = first_touching(u, from);
  uint32_t end = at;
  for (; end < u->count && u->spans[end].from <= to; end++) {
    if (u->spans[end].from < span.from) span.from = u->spans[end].from;
    if (u->spans[end].to > span.to) span.to = u->spans[end].to;
    u->total_ms -= span_length(u->spans[end]);
  }
  u->total_ms += span_length(span);
  if (end == at) {
    insert_span(u, at, span);
    return;
  }
  u->spans[at] = span;
  memmove(u->spans + at + 1, u->spans + end, (u->count - end) * sizeof *u->spans);
  u->count -= end - at - 1;
}

void talk_union_clear(struct talk_union *u) {
  u->count = 0;
  u->total_ms = u->base_ms;
}

void talk_union_settle(struct talk_union *u) {
  free(u->spans);
  *u = (struct talk_union){.base_ms = u->total_ms, .total_ms = u->total_ms};
}

void talk_union_free(struct talk_union *u) {
  free(u->spans);
  *u = (struct talk_union){0};
}

static void add_union(struct talk_union *to, const struct talk_union *from) {
  for (uint32_t i = 0; i < from->count; i++)
    talk_union_add(to, from->spans[i].from, from->spans[i].to);
}

void day_tally_init(struct day_tally *tally, struct centre_agent *agent, day_t day,
                    msec_t begin_ms) {
  *tally = (struct day_tally){.agent = agent,
                              .day = day,
                              .begin_ms = begin_ms,
                              .first_dial_ms = MSEC_NONE,
                              .last_dial_ms = MSEC_NONE,
                              .on_call_since_ms = MSEC_NONE,
                              .talking_since_ms = MSEC_NONE,
                              .heap_at = DEADLINE_NONE};
}

static void free_frozen(struct day_tally *tally) {
  if (!tally->frozen) return;
  talk_union_free(&tally->frozen->talk);
  talk_union_free(&tally->frozen->inbound_talk);
  free(tally->frozen);
  tally->frozen = NULL;
}

void day_tally_clear(struct day_tally *tally) {
  talk_union_free(&tally->talk);
  talk_union_free(&tally->inbound_talk);
  free_frozen(tally);
}

/* Nothing but its neighbours is touched: the first call of a day is long out of the
 * caches when the last one comes. */
static void link_call(struct call_list *list, struct call *call) {
  call->next_of_day = NULL;
  call->prev_of_day = list->last;
  if (list->last)
    list->last->next_of_day = call;
  else
    list->first = call;
  list->last = call;
}

static void unlink_call(struct call_list *list, struct call *call) {
  if (call->prev_of_day)
    call->prev_of_day->next_of_day = call->next_of_day;
  else
    list->first = call->next_of_day;
  if (call->next_of_day)
    call->next_of_day->prev_of_day = call->prev_of_day;
  else
    list->last = call->prev_of_day;
  call->next_of_day = call->prev_of_day = NULL;
}

static void earlier(msec_t *known, msec_t at) {
  if (*known == MSEC_NONE || at < *known) *known = at;
}

void day_tally_look_at(struct day_tally *tally, const struct call *call,
                       const struct policy *policy) {
  if (call->answer_ms == MSEC_NONE) return;
  earlier(&tally->on_call_since_ms, call->answer_ms);
  if (call_joins(call, policy)) earlier(&tally->talking_since_ms, call->answer_ms);
}

void day_tally_look_open(struct day_tally *tally, const struct policy *policy) {
  tally->on_call_since_ms = tally->talking_since_ms = MSEC_NONE;
  for (struct call *call = tally->open.first; call; call = call->next_of_day)
    day_tally_look_at(tally, call, policy);
}

msec_t day_tally_grows_since(const struct day_tally *tally) {
  msec_t since = tally->talking_since_ms, grows = since;
  if (since == MSEC_NONE) return MSEC_NONE;
  for (uint32_t i = tally->talk.count; i-- > 0;) {
    msec_t from = tally->begin_ms + tally->talk.spans[i].from;
    msec_t to = tally->begin_ms + tally->talk.spans[i].to;
    if (to <= since) break;
    grows += to - (from > since ? from : since);
  }
  return grows;
}

void day_tally_open(struct day_tally *tally, struct call *call, const struct policy *policy) {
  link_call(&tally->open, call);
  call->tally = tally;
  tally->open_calls++;
  day_tally_look_at(tally, call, policy);
}

/* The answer of a call only ever becomes earlier, so one that is later than the
 * earliest was not the earliest before. */
void day_tally_close(struct day_tally *tally, struct call *call, const struct policy *policy) {
  assert(call->tally == tally && tally->open_calls > 0);
  unlink_call(&tally->open, call);
  call->tally = NULL;
  tally->open_calls--;
  if (call->answer_ms != MSEC_NONE &&
      (call->answer_ms <= tally->on_call_since_ms || call->answer_ms <= tally->talking_since_ms))
    day_tally_look_open(tally, policy);
}

/* Sums: with sign 1 in, with -1 out. */
static void sum(struct day_tally *tally, const struct call_count *count, uint32_t sign) {
  bool answered = count->flags & COUNT_ANSWERED;
  if (count->flags & COUNT_CALL) tally->calls += sign;
  if (count->flags & COUNT_LOST) tally->lost_track += sign;
  if (!(count->flags & COUNT_DIALLED)) {
    if (answered) tally->inbound += sign;
    return;
  }
  tally->dials += sign;
  if (answered) tally->answered += sign;
  switch (count->outcome) {
  case OUTCOME_NO_ANSWER: tally->no_answer += sign; break;
  case OUTCOME_BUSY: tally->busy += sign; break;
  case OUTCOME_FAILED: tally->failed += sign; break;
  case OUTCOME_CANCELLED: tally->cancelled += sign; break;
  default: break;
  }
  tally->ring_ms += sign == 1 ? count->ring_ms : -(msec_t)count->ring_ms;
  tally->hold_ms += sign == 1 ? count->hold_ms : -(msec_t)count->hold_ms;
}

static void add_piece(struct talk_union *u, const struct day_tally *tally, msec_t from, msec_t to) {
  if (from < to)
    talk_union_add(u, (int32_t)(from - tally->begin_ms), (int32_t)(to - tally->begin_ms));
}

/* The talk of a call less its holds. */
static void add_pieces(struct talk_union *u, const struct day_tally *tally,
                       const struct call *call) {
  msec_t at = tally->begin_ms + call->count.talk_from, end = tally->begin_ms + call->count.talk_to;
  uint32_t position = 0;
  for (msec_t from, to; at < end && call_hold_next(call, &position, &from, &to);) {
    add_piece(u, tally, at, from < end ? from : end);
    if (to > at) at = to;
  }
  add_piece(u, tally, at, end);
}

void talk_union_add_call(struct talk_union *u, const struct day_tally *tally,
                         const struct call *call) {
  if (call->count.flags & COUNT_LESS_HOLDS)
    add_pieces(u, tally, call);
  else
    talk_union_add(u, call->count.talk_from, call->count.talk_to);
}

static bool is_inbound_talk(const struct call_count *count) {
  return !(count->flags & COUNT_DIALLED) && count->flags & COUNT_ANSWERED;
}

/* Unions, firsts and longests: what a sum cannot hold. */
static void join(struct day_tally *tally, const struct call *call) {
  const struct call_count *count = &call->count;
  if (count->flags & COUNT_TALK) talk_union_add_call(&tally->talk, tally, call);
  if (is_inbound_talk(count)) talk_union_add_call(&tally->inbound_talk, tally, call);
  if (!(count->flags & COUNT_DIALLED)) return;
  msec_t start = tally->begin_ms + count->start;
  earlier(&tally->first_dial_ms, start);
  if (start > tally->last_dial_ms) tally->last_dial_ms = start;
  if (count->talk_ms > tally->longest_ms) tally->longest_ms = count->talk_ms;
}

/* True when the day without this call may differ in what join() makes. */
static bool stands_out(const struct day_tally *tally, const struct call_count *count) {
  if (count->talk_from < count->talk_to && (count->flags & COUNT_TALK || is_inbound_talk(count)))
    return true;
  if (!(count->flags & COUNT_DIALLED)) return false;
  msec_t start = tally->begin_ms + count->start;
  return start == tally->first_dial_ms || start == tally->last_dial_ms ||
         count->talk_ms == tally->longest_ms;
}

void day_tally_join_again(struct day_tally *tally) {
  const struct day_frozen *frozen = tally->frozen;
  talk_union_clear(&tally->talk);
  talk_union_clear(&tally->inbound_talk);
  if (!tally->settled) {
    tally->first_dial_ms = frozen ? frozen->first_dial_ms : MSEC_NONE;
    tally->last_dial_ms = frozen ? frozen->last_dial_ms : MSEC_NONE;
    tally->longest_ms = frozen ? frozen->longest_ms : 0;
  }
  if (frozen) {
    add_union(&tally->talk, &frozen->talk);
    add_union(&tally->inbound_talk, &frozen->inbound_talk);
  }
  for (struct call *call = tally->done.first; call; call = call->next_of_day)
    join(tally, call);
}

void day_tally_restore(struct day_tally *tally, struct call *call) {
  link_call(&tally->done, call);
  call->tally = tally;
}

void day_tally_add(struct day_tally *tally, struct call *call) {
  day_tally_restore(tally, call);
  sum(tally, &call->count, 1);
  join(tally, call);
}

void day_tally_take(struct day_tally *tally, struct call *call) {
  assert(call->tally == tally);
  unlink_call(&tally->done, call);
  call->tally = NULL;
  sum(tally, &call->count, (uint32_t)-1);
  if (stands_out(tally, &call->count)) day_tally_join_again(tally);
}

void day_tally_forget(struct day_tally *tally, struct call *call) {
  assert(call->tally == tally);
  unlink_call(&tally->done, call);
  call->tally = NULL;
  if (!tally->frozen) {
    tally->frozen = mem_zalloc(sizeof *tally->frozen);
    tally->frozen->first_dial_ms = tally->frozen->last_dial_ms = MSEC_NONE;
  }
  struct day_frozen *frozen = tally->frozen;
  if (call->count.flags & COUNT_TALK) talk_union_add_call(&frozen->talk, tally, call);
  if (is_inbound_talk(&call->count)) talk_union_add_call(&frozen->inbound_talk, tally, call);
  if (!(call->count.flags & COUNT_DIALLED)) return;
  msec_t start = tally->begin_ms + call->count.start;
  earlier(&frozen->first_dial_ms, start);
  if (start > frozen->last_dial_ms) frozen->last_dial_ms = start;
  if (call->count.talk_ms > frozen->longest_ms) frozen->longest_ms = call->count.talk_ms;
}

void day_tally_settle(struct day_tally *tally) {
  assert(!tally->open.first && !tally->done.first);
  talk_union_settle(&tally->talk);
  talk_union_settle(&tally->inbound_talk);
  free_frozen(tally);
  tally->settled = true;
}
