/* The payload's bytes. Written through a bare pointer into room reserved once,
 * since every event of the centre passes here. */
#include "record_inner.h"

#include <assert.h>
#include <string.h>

enum { VARINT_MAX = 10 };

/* The texts of an event in the order of their bits: never reorder. */
const size_t record_event_texts[SHAPE_TEXTS] = {
    offsetof(struct call_event, call),   offsetof(struct call_event, agent),
    offsetof(struct call_event, number), offsetof(struct call_event, lead),
    offsetof(struct call_event, queue),  offsetof(struct call_event, trunk),
    offsetof(struct call_event, cause),  offsetof(struct call_event, reason),
    offsetof(struct call_event, week),   offsetof(struct call_event, member),
    offsetof(struct call_event, by),     offsetof(struct call_event, id),
};

/* Differences of times wrap, so that MSEC_NONE and hostile values survive. */
static uint64_t zigzag(uint64_t difference) {
  return difference << 1 ^ (0 - (difference >> 63));
}

static char *write_varint(char *p, uint64_t value) {
  while (value >= 0x80) {
    *p++ = (char)(value | 0x80);
    value >>= 7;
  }
  *p++ = (char)value;
  return p;
}

static char *write_time(char *p, msec_t at, msec_t base) {
  return write_varint(p, zigzag((uint64_t)at - (uint64_t)base));
}

/* Call ids and extensions are short: two overlapping moves of a fixed size cost
 * less than a call of memcpy. */
static char *write_text(char *p, struct slice text) {
  p = write_varint(p, text.len);
  char *end = p + text.len;
  if (text.len > 16) {
    memcpy(p, text.data, text.len);
  } else if (text.len >= 8) {
    memcpy(p, text.data, 8);
    memcpy(end - 8, text.data + text.len - 8, 8);
  } else if (text.len >= 4) {
    memcpy(p, text.data, 4);
    memcpy(end - 4, text.data + text.len - 4, 4);
  } else {
    for (size_t i = 0; i < text.len; i++)
      p[i] = text.data[i];
  }
  return end;
}

static char *write_head(char *p, enum record_type type, msec_t now_ms, msec_t *clock_ms) {
  if (now_ms == *clock_ms) {
    *p++ = (char)type;
    return p;
  }
  *p++ = (char)((unsigned)type | CLOCK_MOVED);
  p = write_time(p, now_ms, *clock_ms);
  *clock_ms = now_ms;
  return p;
}

static const struct slice *event_text(const struct call_event *event, unsigned i) {
  return (const struct slice *)((const char *)event + record_event_texts[i]);
}

static uint32_t event_shape(const struct call_event *event, uint64_t seq, size_t *room) {
  uint32_t shape = (uint32_t)event->type | (uint32_t)event->dir << SHAPE_DIR_AT |
                   (uint32_t)event->outcome << SHAPE_OUTCOME_AT |
                   (uint32_t)event->state << SHAPE_STATE_AT;
  if (event->start_is_answer) shape |= SHAPE_START_IS_ANSWER;
  if (event->talk_ms != MSEC_NONE) shape |= SHAPE_TALK;
  if (seq) shape |= SHAPE_SEQ;
  if (event->from_ms || event->to_ms) shape |= SHAPE_SPAN;
  if (event->points) shape |= SHAPE_POINTS;
  size_t len = 0;
  for (unsigned i = 0; i < SHAPE_TEXTS; i++) {
    size_t text_len = event_text(event, i)->len;
    shape |= (uint32_t)(text_len != 0) << (SHAPE_TEXTS_AT + i);
    len += text_len;
  }
  *room = len + 8 + (9 + SHAPE_TEXTS) * VARINT_MAX;
  return shape;
}

void record_encode_event(const struct call_event *event, uint32_t origin, uint64_t seq,
                         msec_t now_ms, msec_t *clock_ms, struct writer *out) {
  assert(event->type > EVENT_NONE && event->type < EVENT_TYPES);
  size_t room;
  uint32_t shape = event_shape(event, seq, &room);
  char *begin = writer_reserve(out, room);
  if (!begin) return;
  char *p = write_head(begin, RECORD_EVENT, now_ms, clock_ms);
  for (unsigned i = 0; i < 4; i++)
    *p++ = (char)(shape >> 8 * i);
  p = write_varint(p, origin);
  if (seq) p = write_varint(p, seq);
  p = write_time(p, now_ms, event->ts_ms);
  if (shape & SHAPE_TALK) p = write_time(p, event->talk_ms, 0);
  if (shape & SHAPE_SPAN) {
    p = write_time(p, event->from_ms, event->ts_ms);
    p = write_time(p, event->to_ms, event->ts_ms);
  }
  if (shape & SHAPE_POINTS) p = write_time(p, event->points, 0);
  for (uint32_t left = shape >> SHAPE_TEXTS_AT; left; left &= left - 1)
    p = write_text(p, *event_text(event, (unsigned)__builtin_ctz(left)));
  out->len += (size_t)(p - begin);
}

/* What a daemon notes of itself, its senders and its sources. */
static unsigned history_texts(struct record *record, struct slice *texts[RECORD_TEXTS_MAX]) {
  unsigned n = 0;
  switch (record->type) {
  case RECORD_ORIGIN:
    texts[n++] = &record->name.source;
    texts[n++] = &record->name.producer;
    texts[n++] = &record->name.epoch;
    break;
  case RECORD_START:
    texts[n++] = &record->start.node;
    texts[n++] = &record->start.version;
    break;
  case RECORD_SOURCE:
    texts[n++] = &record->source.source;
    texts[n++] = &record->source.producer;
    texts[n++] = &record->source.reason;
    break;
  case RECORD_SOURCE_SERVES:
    texts[n++] = &record->source_serves.source;
    texts[n++] = &record->source_serves.serves;
    break;
  case RECORD_GAP:
    texts[n++] = &record->gap.source;
    texts[n++] = &record->gap.reason;
    break;
  case RECORD_SETTINGS:
    texts[n++] = &record->settings.policy;
    texts[n++] = &record->settings.roster;
    break;
  default: break;
  }
  return n;
}

static unsigned alert_texts(struct record *record, struct slice *texts[RECORD_TEXTS_MAX]) {
  unsigned n = 0;
  switch (record->type) {
  case RECORD_ALERT:
    texts[n++] = &record->alert.id;
    texts[n++] = &record->alert.json;
    texts[n++] = &record->alert.hooks;
    break;
  case RECORD_DELIVERED:
    texts[n++] = &record->delivered.id;
    texts[n++] = &record->delivered.hook;
    texts[n++] = &record->delivered.reason;
    break;
  case RECORD_ALERT_ACK:
    texts[n++] = &record->ack.id;
    texts[n++] = &record->ack.by;
    texts[n++] = &record->ack.note;
    break;
  default: break;
  }
  return n;
}

static unsigned decision_texts(struct record *record, struct slice *texts[RECORD_TEXTS_MAX]) {
  unsigned n = 0;
  switch (record->type) {
  case RECORD_LEAD_MOVE:
    texts[n++] = &record->lead_move.lead;
    texts[n++] = &record->lead_move.number;
    texts[n++] = &record->lead_move.from;
    texts[n++] = &record->lead_move.to;
    texts[n++] = &record->lead_move.reason;
    break;
  case RECORD_LEAD_HOLD:
    texts[n++] = &record->lead_hold.agent;
    texts[n++] = &record->lead_hold.reason;
    break;
  case RECORD_WEEK_CLOSED: texts[n++] = &record->week_closed.agent; break;
  case RECORD_MONTH_CLOSED: texts[n++] = &record->month_closed.agent; break;
  case RECORD_POINTS:
    texts[n++] = &record->points.fact.agent;
    texts[n++] = &record->points.fact.reason;
    texts[n++] = &record->points.fact.by;
    texts[n++] = &record->points.fact.id;
    texts[n++] = &record->points.before;
    texts[n++] = &record->points.hash;
    break;
  case RECORD_PROPOSAL:
    texts[n++] = &record->proposal.agent;
    texts[n++] = &record->proposal.by;
    texts[n++] = &record->proposal.moves;
    break;
  default: break;
  }
  return n;
}

unsigned record_texts(struct record *record, struct slice *texts[RECORD_TEXTS_MAX]) {
  unsigned n = history_texts(record, texts);
  if (n == 0) n = alert_texts(record, texts);
  return n > 0 ? n : decision_texts(record, texts);
}

static char *write_list(char *p, const int64_t *numbers, unsigned count) {
  for (unsigned i = 0; i < count; i++)
    p = write_time(p, numbers[i], 0);
  return p;
}

static char *write_week_closed(char *p, const struct record *record) {
  int64_t numbers[WEEK_CLOSED_NUMBERS];
  week_closed_pack(&record->week_closed.fact, numbers);
  p = write_time(p, record->week_closed.week, 0);
  return write_list(p, numbers, WEEK_CLOSED_NUMBERS);
}

static char *write_month_closed(char *p, const struct record *record) {
  int64_t numbers[MONTH_CLOSED_NUMBERS];
  month_closed_pack(&record->month_closed.fact, numbers);
  p = write_time(p, record->month_closed.month, 0);
  return write_list(p, numbers, MONTH_CLOSED_NUMBERS);
}

static char *write_points(char *p, const struct record *record) {
  int64_t numbers[POINTS_NUMBERS];
  points_fact_pack(&record->points.fact, numbers);
  return write_list(p, numbers, POINTS_NUMBERS);
}

static char *write_numbers(char *p, const struct record *record) {
  switch (record->type) {
  case RECORD_SEQ: p = write_varint(p, record->origin); return write_varint(p, record->seq);
  case RECORD_ORIGIN: return write_varint(p, record->origin);
  case RECORD_START:
    *p++ = (char)(record->start.clock_events | record->start.after_clean_stop << 1);
    return p;
  case RECORD_SOURCE:
    *p++ = (char)record->source.change;
    return write_time(p, record->source.at_ms, record->now_ms);
  case RECORD_GAP:
    p = write_time(p, record->gap.from_ms, record->now_ms);
    return write_time(p, record->gap.to_ms, record->now_ms);
  case RECORD_ALERT:
    *p++ = (char)record->alert.raised;
    return write_time(p, record->alert.at_ms, record->now_ms);
  case RECORD_DELIVERED:
    *p++ = (char)(record->delivered.raised | record->delivered.success << 1);
    p = write_time(p, record->delivered.attempts, 0);
    return write_time(p, record->delivered.at_ms, record->now_ms);
  case RECORD_LEAD_MOVE: return write_time(p, record->lead_move.week, 0);
  case RECORD_LEAD_HOLD: return write_time(p, record->lead_hold.week, 0);
  case RECORD_WEEK_CLOSED: return write_week_closed(p, record);
  case RECORD_MONTH_CLOSED: return write_month_closed(p, record);
  case RECORD_POINTS: return write_points(p, record);
  case RECORD_PROPOSAL:
    *p++ = (char)record->proposal.state;
    return write_time(p, record->proposal.week, 0);
  case RECORD_ALERT_ACK: return write_time(p, record->ack.at_ms, record->now_ms);
  default: return p;
  }
}

void record_encode(const struct record *record, msec_t *clock_ms, struct writer *out) {
  if (record->type == RECORD_EVENT) {
    record_encode_event(&record->event, record->origin, record->seq, record->now_ms, clock_ms, out);
    return;
  }
  assert(record->type > RECORD_NONE && record->type < RECORD_TYPES);
  struct record copy = *record;
  struct slice *texts[RECORD_TEXTS_MAX];
  unsigned count = record_texts(&copy, texts);
  size_t room = 32 * VARINT_MAX;
  for (unsigned i = 0; i < count; i++)
    room += texts[i]->len;
  char *begin = writer_reserve(out, room);
  if (!begin) return;
  char *p = write_head(begin, record->type, record->now_ms, clock_ms);
  p = write_numbers(p, record);
  for (unsigned i = 0; i < count; i++)
    p = write_text(p, *texts[i]);
  out->len += (size_t)(p - begin);
}
