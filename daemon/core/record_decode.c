/* Records out of bytes, which may be hostile: whatever makes no sense fails. */
#include <string.h>

#include "callpace/core/call.h"
#include "record_inner.h"

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

static uint64_t unzigzag(uint64_t value) {
  return value >> 1 ^ (0 - (value & 1));
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
    size_t at = record_event_texts[(unsigned)__builtin_ctz(left) % SHAPE_TEXTS];
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
