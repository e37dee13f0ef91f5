/* The payload's bytes. Written through a bare pointer into room reserved once,
 * since every event of the centre passes here. */
#include "callpace/core/record.h"

#include <assert.h>
#include <string.h>

#include "callpace/core/call.h"

/* First byte: the type, and whether the clock's change follows. */
enum { TYPE_MASK = 0x3f, CLOCK_MOVED = 0x80, VARINT_MAX = 10 };

/* The 32 bits in front of an event: its small values, and what is present. */
enum {
  SHAPE_TYPE_BITS = 5,
  SHAPE_DIR_AT = 5,
  SHAPE_OUTCOME_AT = 7,
  SHAPE_STATE_AT = 10,
  SHAPE_START_IS_ANSWER = 1 << 13,
  SHAPE_TALK = 1 << 14,
  SHAPE_SEQ = 1 << 15,
  SHAPE_SPAN = 1 << 16,
  SHAPE_POINTS = 1 << 17,
  SHAPE_TEXTS_AT = 18,
  SHAPE_TEXTS = 12,
};
_Static_assert(EVENT_TYPES <= 1 << SHAPE_TYPE_BITS, "an event type fits its bits");

/* The texts of an event in the order of their bits: never reorder. */
static const size_t event_texts[SHAPE_TEXTS] = {
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

static uint64_t unzigzag(uint64_t value) {
  return value >> 1 ^ (0 - (value & 1));
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
  return (const struct slice *)((const char *)event + event_texts[i]);
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

/* The texts of a record other than an event, in the order of their bytes.
 * Returns how many. One list for both directions. */
enum { RECORD_TEXTS_MAX = 6 };
static unsigned record_texts(struct record *record, struct slice *texts[RECORD_TEXTS_MAX]) {
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
  case RECORD_GAP:
    texts[n++] = &record->gap.source;
    texts[n++] = &record->gap.reason;
    break;
  case RECORD_SETTINGS:
    texts[n++] = &record->settings.policy;
    texts[n++] = &record->settings.roster;
    break;
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
  case RECORD_ALERT_ACK:
    texts[n++] = &record->ack.id;
    texts[n++] = &record->ack.by;
    texts[n++] = &record->ack.note;
    break;
  default: break;
  }
  return n;
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

/* The reading side keeps its place in a struct reader of base, with the short
 * cases of its getters in line. */
static inline uint64_t read_varint(struct reader *r) {
  if (r->end - r->at < 4) return get_varint(r);
  const unsigned char *p = (const unsigned char *)r->at;
  if (p[0] < 0x80) {
    r->at += 1;
    return p[0];
  }
  if (p[1] < 0x80) {
    r->at += 2;
    return (p[0] & 0x7fu) | (uint64_t)p[1] << 7;
  }
  if (p[2] < 0x80) {
    r->at += 3;
    return (p[0] & 0x7fu) | (p[1] & 0x7fu) << 7 | (uint64_t)p[2] << 14;
  }
  return get_varint(r);
}

static inline uint8_t read_u8(struct reader *r) {
  if (r->at < r->end) return (uint8_t)*r->at++;
  r->failed = true;
  return 0;
}

static inline msec_t read_time(struct reader *r, msec_t base) {
  return (msec_t)(unzigzag(read_varint(r)) + (uint64_t)base);
}

static inline struct slice read_text(struct reader *r) {
  uint64_t len = read_varint(r);
  if (len > (uint64_t)(r->end - r->at)) {
    r->failed = true;
    return (struct slice){NULL, 0};
  }
  struct slice text = {r->at, (size_t)len};
  r->at += len;
  return text;
}

static uint32_t read_origin(struct reader *r) {
  uint64_t origin = read_varint(r);
  if (origin > UINT32_MAX) r->failed = true;
  return (uint32_t)origin;
}

static void read_event(struct reader *r, struct record *record) {
  struct call_event *event = &record->event;
  uint32_t shape = 0;
  if (r->end - r->at < 4) {
    r->failed = true;
    return;
  }
  for (unsigned i = 0; i < 4; i++)
    shape |= (uint32_t)(uint8_t)*r->at++ << 8 * i;
  event->type = (enum call_event_type)(shape & ((1u << SHAPE_TYPE_BITS) - 1));
  event->dir = (enum call_dir)(shape >> SHAPE_DIR_AT & 3);
  event->outcome = (enum call_outcome)(shape >> SHAPE_OUTCOME_AT & 7);
  event->state = (enum agent_state)(shape >> SHAPE_STATE_AT & 7);
  if (event->type == EVENT_NONE || event->type >= EVENT_TYPES ||
      event->outcome > OUTCOME_CANCELLED || event->state > AGENT_ACW ||
      shape >> (SHAPE_TEXTS_AT + SHAPE_TEXTS))
    r->failed = true;
  event->start_is_answer = shape & SHAPE_START_IS_ANSWER;
  record->origin = read_origin(r);
  if (shape & SHAPE_SEQ) record->seq = read_varint(r);
  event->ts_ms = (msec_t)((uint64_t)record->now_ms - unzigzag(read_varint(r)));
  event->talk_ms = shape & SHAPE_TALK ? read_time(r, 0) : MSEC_NONE;
  if (shape & SHAPE_SPAN) {
    event->from_ms = read_time(r, event->ts_ms);
    event->to_ms = read_time(r, event->ts_ms);
  }
  if (shape & SHAPE_POINTS) event->points = read_time(r, 0);
  for (uint32_t left = shape >> SHAPE_TEXTS_AT; left && !r->failed; left &= left - 1) {
    size_t at = event_texts[(unsigned)__builtin_ctz(left) % SHAPE_TEXTS];
    *(struct slice *)((char *)event + at) = read_text(r);
  }
}

/* A Monday in the years that a time may have. */
static day_t read_week(struct reader *r) {
  int64_t day = read_time(r, 0);
  bool good = day >= 0 && day <= CALL_TIME_MAX / MSEC_PER_DAY;
  if (!good || weekday_of((day_t)day) != 0) r->failed = true;
  return r->failed ? 0 : (day_t)day;
}

static void read_list(struct reader *r, int64_t *numbers, unsigned count) {
  for (unsigned i = 0; i < count; i++)
    numbers[i] = read_time(r, 0);
}

static void read_week_closed(struct reader *r, struct record *record) {
  int64_t numbers[WEEK_CLOSED_NUMBERS];
  record->week_closed.week = read_week(r);
  read_list(r, numbers, WEEK_CLOSED_NUMBERS);
  if (!week_closed_unpack(numbers, &record->week_closed.fact)) r->failed = true;
}

static void read_month_closed(struct reader *r, struct record *record) {
  int64_t numbers[MONTH_CLOSED_NUMBERS], month = read_time(r, 0);
  if (month < 0 || month > 12 * 10000) r->failed = true;
  record->month_closed.month = r->failed ? 0 : (month_t)month;
  read_list(r, numbers, MONTH_CLOSED_NUMBERS);
  if (!month_closed_unpack(numbers, &record->month_closed.fact)) r->failed = true;
}

static void read_points(struct reader *r, struct record *record) {
  int64_t numbers[POINTS_NUMBERS];
  read_list(r, numbers, POINTS_NUMBERS);
  if (!points_fact_unpack(numbers, &record->points.fact)) r->failed = true;
}

/* A byte of flags, of which only those below `limit` exist. */
static uint8_t read_flags(struct reader *r, uint8_t limit) {
  uint8_t flags = read_u8(r);
  if (flags >= limit) r->failed = true;
  return flags;
}

static void read_numbers(struct reader *r, struct record *record) {
  uint8_t flags;
  switch (record->type) {
  case RECORD_SEQ:
    record->origin = read_origin(r);
    record->seq = read_varint(r);
    break;
  case RECORD_ORIGIN: record->origin = read_origin(r); break;
  case RECORD_START:
    flags = read_flags(r, 4);
    record->start.clock_events = flags & 1;
    record->start.after_clean_stop = flags & 2;
    break;
  case RECORD_SOURCE:
    record->source.change = (enum source_change)read_flags(r, SOURCE_CHANGES);
    record->source.at_ms = read_time(r, record->now_ms);
    break;
  case RECORD_GAP:
    record->gap.from_ms = read_time(r, record->now_ms);
    record->gap.to_ms = read_time(r, record->now_ms);
    break;
  case RECORD_ALERT:
    record->alert.raised = read_flags(r, 2);
    record->alert.at_ms = read_time(r, record->now_ms);
    break;
  case RECORD_DELIVERED:
    flags = read_flags(r, 4);
    record->delivered.raised = flags & 1;
    record->delivered.success = flags & 2;
    record->delivered.attempts = read_time(r, 0);
    record->delivered.at_ms = read_time(r, record->now_ms);
    break;
  case RECORD_LEAD_MOVE: record->lead_move.week = read_week(r); break;
  case RECORD_LEAD_HOLD: record->lead_hold.week = read_week(r); break;
  case RECORD_WEEK_CLOSED: read_week_closed(r, record); break;
  case RECORD_MONTH_CLOSED: read_month_closed(r, record); break;
  case RECORD_POINTS: read_points(r, record); break;
  case RECORD_PROPOSAL:
    record->proposal.state = (enum proposal_state)read_flags(r, PROPOSAL_STATES);
    record->proposal.week = read_week(r);
    break;
  case RECORD_ALERT_ACK: record->ack.at_ms = read_time(r, record->now_ms); break;
  default: break;
  }
}

/* Some numbers are not given out. */
static bool exists(enum record_type type) {
  if (type > RECORD_MONTH_CLOSED && type < RECORD_ALERT_ACK) return false;
  if (type > RECORD_ALERT_ACK && type < RECORD_PROPOSAL) return false;
  return type > RECORD_NONE && type < RECORD_TYPES;
}

static uint8_t read_head(struct reader *r, msec_t *clock_ms) {
  uint8_t head = read_u8(r);
  if (head & CLOCK_MOVED) *clock_ms = read_time(r, *clock_ms);
  return head;
}

bool record_peek(struct slice payload, msec_t *clock_ms, enum record_type *type) {
  struct reader r = reader_of(payload);
  uint8_t head = read_head(&r, clock_ms);
  *type = (enum record_type)(head & TYPE_MASK);
  return !r.failed && exists(*type) && !(head & 0x40 && *type != RECORD_EVENT);
}

bool record_decode(struct slice payload, msec_t *clock_ms, struct record *record) {
  struct reader r = {payload.data, payload.data + payload.len, false};
  memset(record, 0, sizeof *record);
  uint8_t head = read_head(&r, clock_ms);
  record->type = (enum record_type)(head & TYPE_MASK);
  record->now_ms = *clock_ms;
  if (record->type == RECORD_EVENT) {
    read_event(&r, record);
  } else {
    if (!exists(record->type) || head & 0x40) return false;
    read_numbers(&r, record);
    struct slice *texts[RECORD_TEXTS_MAX];
    unsigned count = record_texts(record, texts);
    for (unsigned i = 0; i < count; i++)
      *texts[i] = read_text(&r);
  }
  if (record->type == RECORD_POINTS && (record->points.before.len != POINTS_HASH_SIZE ||
                                        record->points.hash.len != POINTS_HASH_SIZE))
    return false;
  return !r.failed && r.at == r.end;
}
