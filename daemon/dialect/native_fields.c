#include "callpace/dialect/native_fields.h"

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

enum field {
  F_TS,
  F_CALL,
  F_AGENT,
  F_DIR,
  F_NUMBER,
  F_LEAD,
  F_QUEUE,
  F_TRUNK,
  F_OUTCOME,
  F_CAUSE,
  F_TALK_MS,
  F_STATE,
  F_REASON,
  F_WEEK,
  F_MEMBER,
  F_POINTS,
  F_BY,
  F_ID,
  F_FROM,
  F_TO,
  F_SEQ,
  F_TYPE,
  FIELDS
};
#define BIT(field) (1u << (field))

enum field_kind {
  KIND_TEXT,
  KIND_WEEK,
  KIND_DIR,
  KIND_OUTCOME,
  KIND_STATE,
  KIND_TIME,
  KIND_INTEGER
};

struct field_row {
  struct slice name;
  enum field_kind kind;
  uint16_t at;   /* offset in struct call_event */
  uint16_t most; /* KIND_TEXT: longest value in bytes */
};
#define AT(member) (uint16_t) offsetof(struct call_event, member)
#define TEXT(name, longest)                                                                        \
  { {#name, sizeof #name - 1}, KIND_TEXT, AT(name), (longest) }
#define OTHER(name, kind, member)                                                                  \
  { {name, sizeof(name) - 1}, (kind), AT(member), 0 }

static const struct field_row fields[FIELDS] = {
    [F_TS] = OTHER("ts", KIND_TIME, ts_ms),
    [F_CALL] = TEXT(call, NATIVE_CALL_MAX),
    [F_AGENT] = TEXT(agent, NATIVE_AGENT_MAX),
    [F_DIR] = OTHER("dir", KIND_DIR, dir),
    [F_NUMBER] = TEXT(number, NATIVE_TEXT_MAX),
    [F_LEAD] = TEXT(lead, NATIVE_TEXT_MAX),
    [F_QUEUE] = TEXT(queue, NATIVE_TEXT_MAX),
    [F_TRUNK] = TEXT(trunk, NATIVE_TEXT_MAX),
    [F_OUTCOME] = OTHER("outcome", KIND_OUTCOME, outcome),
    [F_CAUSE] = TEXT(cause, NATIVE_TEXT_MAX),
    [F_TALK_MS] = OTHER("talk_ms", KIND_INTEGER, talk_ms),
    [F_STATE] = OTHER("state", KIND_STATE, state),
    [F_REASON] = TEXT(reason, NATIVE_TEXT_MAX),
    [F_WEEK] = OTHER("week", KIND_WEEK, week),
    [F_MEMBER] = TEXT(member, NATIVE_TEXT_MAX),
    [F_POINTS] = OTHER("points", KIND_INTEGER, points),
    [F_BY] = TEXT(by, NATIVE_TEXT_MAX),
    [F_ID] = TEXT(id, NATIVE_TEXT_MAX),
    [F_FROM] = OTHER("from", KIND_TIME, from_ms),
    [F_TO] = OTHER("to", KIND_TIME, to_ms),
    [F_SEQ] = {{"seq", 3}, KIND_INTEGER, 0, 0},
    [F_TYPE] = {{"type", 4}, KIND_TEXT, 0, 0},
};

/* Which fields an event has; any other key is unknown to it and ignored. */
static const struct {
  uint32_t required, optional;
} events[EVENT_TYPES] = {
    [EVENT_CALL_START] = {BIT(F_CALL) | BIT(F_AGENT),
                          BIT(F_DIR) | BIT(F_NUMBER) | BIT(F_LEAD) | BIT(F_QUEUE) | BIT(F_TRUNK)},
    [EVENT_CALL_ANSWER] = {BIT(F_CALL), 0},
    [EVENT_CALL_HOLD] = {BIT(F_CALL), 0},
    [EVENT_CALL_RETRIEVE] = {BIT(F_CALL), 0},
    [EVENT_CALL_END] = {BIT(F_CALL), BIT(F_OUTCOME) | BIT(F_CAUSE) | BIT(F_TALK_MS) | BIT(F_AGENT) |
                                         BIT(F_NUMBER) | BIT(F_DIR)},
    [EVENT_CALL_LOST] = {BIT(F_CALL), 0},
    [EVENT_AGENT_STATE] = {BIT(F_AGENT) | BIT(F_STATE), BIT(F_REASON)},
    [EVENT_LEAD_ISSUE] = {BIT(F_AGENT) | BIT(F_LEAD) | BIT(F_NUMBER), BIT(F_WEEK)},
    [EVENT_LEAD_WITHDRAW] = {BIT(F_AGENT) | BIT(F_LEAD), BIT(F_NUMBER) | BIT(F_WEEK)},
    [EVENT_MEMBER_DEVELOPED] = {BIT(F_AGENT) | BIT(F_MEMBER), 0},
    [EVENT_REVIEW_POINTS] = {BIT(F_AGENT) | BIT(F_POINTS) | BIT(F_REASON) | BIT(F_BY), BIT(F_ID)},
    [EVENT_SOURCE_GAP] = {BIT(F_FROM) | BIT(F_TO), 0},
    [EVENT_TICK] = {BIT(F_TS), 0},
};

/* One comparison of constant length each, which the compiler makes a load of. */
#define KEY(name, field) (memcmp(key.data, name, sizeof(name) - 1) == 0 ? (field) : FIELDS)

static enum field field_of_2(struct slice key) {
  switch (key.data[0]) {
  case 't': return key.data[1] == 's' ? F_TS : KEY("to", F_TO);
  case 'b': return KEY("by", F_BY);
  case 'i': return KEY("id", F_ID);
  default: return FIELDS;
  }
}

static enum field field_of_4(struct slice key) {
  switch (key.data[0]) {
  case 't': return KEY("type", F_TYPE);
  case 'c': return KEY("call", F_CALL);
  case 'l': return KEY("lead", F_LEAD);
  case 'w': return KEY("week", F_WEEK);
  case 'f': return KEY("from", F_FROM);
  default: return FIELDS;
  }
}

static enum field field_of_5(struct slice key) {
  switch (key.data[0]) {
  case 'a': return KEY("agent", F_AGENT);
  case 'q': return KEY("queue", F_QUEUE);
  case 't': return KEY("trunk", F_TRUNK);
  case 'c': return KEY("cause", F_CAUSE);
  case 's': return KEY("state", F_STATE);
  default: return FIELDS;
  }
}

static enum field field_of_6(struct slice key) {
  switch (key.data[0]) {
  case 'n': return KEY("number", F_NUMBER);
  case 'r': return KEY("reason", F_REASON);
  case 'm': return KEY("member", F_MEMBER);
  case 'p': return KEY("points", F_POINTS);
  default: return FIELDS;
  }
}

/* FIELDS when the key is none of ours. */
static enum field field_of(struct slice key) {
  switch (key.len) {
  case 2: return field_of_2(key);
  case 3: return key.data[0] == 's' ? KEY("seq", F_SEQ) : KEY("dir", F_DIR);
  case 4: return field_of_4(key);
  case 5: return field_of_5(key);
  case 6: return field_of_6(key);
  case 7: return key.data[0] == 'o' ? KEY("outcome", F_OUTCOME) : KEY("talk_ms", F_TALK_MS);
  default: return FIELDS;
  }
}

bool native_refuse(struct item *item, const char *code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(item->message, sizeof item->message, format, arguments);
  va_end(arguments);
  item->code = code;
  return false;
}

static bool bad_field(struct item *item, const struct field_row *row, const char *reason) {
  return native_refuse(item, "bad_field", "%s: %s", row->name.data, reason);
}

const struct flat_member *native_member(const struct flat_object *object, struct slice key) {
  for (unsigned i = 0; i < object->count; i++)
    if (slice_equal(object->members[i].key, key))
      return object->members[i].kind == FLAT_NULL ? NULL : &object->members[i];
  return NULL;
}

bool native_text(const struct flat_member *member, struct slice *out) {
  int64_t integer;
  if (member->kind != FLAT_STRING && !flat_int(member, &integer)) return false;
  *out = member->value;
  return true;
}

/* "2026-W48": the form of ISO 8601, weeks 01 to 53. */
static bool is_week(struct slice text) {
  if (text.len != 8 || text.data[4] != '-' || text.data[5] != 'W') return false;
  for (unsigned i = 0; i < text.len; i++)
    if (i != 4 && i != 5 && (text.data[i] < '0' || text.data[i] > '9')) return false;
  int week = (text.data[6] - '0') * 10 + (text.data[7] - '0');
  return week >= 1 && week <= 53;
}

/* A NUL can only come from an escape. */
static bool holds_nul(struct slice value, const struct native_context *context) {
  return context->has_escapes && memchr(value.data, '\0', value.len);
}

static bool take_text(const struct field_row *row, const struct flat_member *member,
                      const struct native_context *context, bool required, struct item *item) {
  struct slice value;
  if (!native_text(member, &value)) return bad_field(item, row, "not a string");
  if (value.len > row->most)
    return native_refuse(item, "bad_field", "%s: longer than %u bytes", row->name.data, row->most);
  if (required && value.len == 0) return bad_field(item, row, "empty");
  if (holds_nul(value, context)) return bad_field(item, row, "holds a NUL");
  memcpy((char *)&item->event + row->at, &value, sizeof value);
  return true;
}

static bool take_week(const struct field_row *row, const struct flat_member *member,
                      struct item *item) {
  if (member->kind != FLAT_STRING || !is_week(member->value))
    return bad_field(item, row, "not a week like 2026-W48");
  item->event.week = member->value;
  return true;
}

/* The three fields with a fixed set of values. */
static bool take_name(const struct field_row *row, const struct flat_member *member,
                      struct item *item) {
  struct call_event *event = &item->event;
  if (member->kind != FLAT_STRING) return bad_field(item, row, "not a string");
  switch (row->kind) {
  case KIND_DIR:
    event->dir = call_dir_parse(member->value);
    return event->dir != DIR_UNKNOWN || bad_field(item, row, "none of out, in, internal");
  case KIND_OUTCOME:
    event->outcome = call_outcome_parse(member->value);
    return event->outcome != OUTCOME_UNKNOWN ||
           bad_field(item, row, "none of answered, no_answer, busy, failed, cancelled");
  default:
    event->state = agent_state_parse(member->value);
    return event->state != AGENT_STATE_UNKNOWN ||
           bad_field(item, row, "none of logged_on, logged_off, ready, not_ready, acw");
  }
}

/* Up to the end of year 9999, the last that RFC 3339 can write. */
static bool take_time(const struct field_row *row, const struct flat_member *member,
                      struct item *item) {
  const msec_t last = INT64_C(253402300799999);
  msec_t at;
  bool read =
      member->kind == FLAT_STRING ? clock_parse_rfc3339(member->value, &at) : flat_int(member, &at);
  if (!read)
    return bad_field(item, row, "neither whole milliseconds nor an RFC 3339 time with its zone");
  if (at < 0 || at > last) return bad_field(item, row, "out of range");
  memcpy((char *)&item->event + row->at, &at, sizeof at);
  return true;
}

static bool take_integer(const struct field_row *row, const struct flat_member *member,
                         int64_t least, int64_t most, struct item *item) {
  int64_t value;
  if (!flat_int(member, &value)) return bad_field(item, row, "not a whole number");
  if (value < least || value > most) return bad_field(item, row, "out of range");
  memcpy((char *)&item->event + row->at, &value, sizeof value);
  return true;
}

static bool take_field(enum field field, const struct flat_member *member,
                       const struct native_context *context, bool required, struct item *item) {
  const struct field_row *row = &fields[field];
  switch (row->kind) {
  case KIND_TEXT: return take_text(row, member, context, required, item);
  case KIND_WEEK: return take_week(row, member, item);
  case KIND_TIME: return take_time(row, member, item);
  case KIND_INTEGER:
    if (field == F_TALK_MS) return take_integer(row, member, 0, NATIVE_TALK_MAX_MS, item);
    return take_integer(row, member, -NATIVE_POINTS_MAX, NATIVE_POINTS_MAX, item);
  default: return take_name(row, member, item);
  }
}

static bool take_type(const struct flat_member *member, struct item *item) {
  if (!member) return native_refuse(item, "missing_field", "type: missing");
  if (member->kind != FLAT_STRING) return native_refuse(item, "bad_field", "type: not a string");
  item->event.type = call_event_type_parse(member->value);
  if (item->event.type != EVENT_NONE) return true;
  int shown = member->value.len < 60 ? (int)member->value.len : 60;
  return native_refuse(item, "unknown_type", "unknown type \"%.*s\"", shown, member->value.data);
}

/* A seq is read before anything else is judged, so that a refused line still
 * counts as taken. */
static void read_seq(const struct flat_member *member, struct item *item) {
  int64_t seq;
  if (!member || !flat_int(member, &seq) || seq < 1) return;
  item->has_seq = true;
  item->seq = (uint64_t)seq;
}

static bool check_seq(const struct flat_member *member, struct item *item) {
  if (item->has_seq) return true;
  if (!member) return native_refuse(item, "missing_field", "seq: missing");
  return native_refuse(item, "bad_field", "seq: not a whole number from 1");
}

static bool check_times(const struct native_context *context, struct item *item) {
  struct call_event *event = &item->event;
  msec_t newest = event->ts_ms;
  if (event->type == EVENT_SOURCE_GAP) {
    if (event->to_ms < event->from_ms) return bad_field(item, &fields[F_TO], "before from");
    if (event->to_ms > newest) newest = event->to_ms;
  }
  if (context->events_clock || newest <= context->now_ms + NATIVE_AHEAD_MAX_MS) return true;
  const char *name = newest == event->ts_ms ? "ts" : "to";
  return native_refuse(item, "future_ts", "%s: more than 5 minutes ahead of the clock", name);
}

bool native_event(const struct flat_object *object, const struct native_context *context,
                  struct item *item) {
  const struct flat_member *given[FIELDS];
  uint32_t present = 0;
  for (unsigned i = 0; i < object->count; i++) {
    enum field field = field_of(object->members[i].key);
    if (field == FIELDS || object->members[i].kind == FLAT_NULL) continue;
    given[field] = &object->members[i];
    present |= BIT(field);
  }
  const struct flat_member *seq = present & BIT(F_SEQ) ? given[F_SEQ] : NULL;
  if (context->needs_seq) read_seq(seq, item);
  item->event = call_event_of(EVENT_NONE, context->now_ms);
  if (!take_type(present & BIT(F_TYPE) ? given[F_TYPE] : NULL, item)) return false;
  if (context->needs_seq && !check_seq(seq, item)) return false;

  uint32_t required = events[item->event.type].required;
  uint32_t missing = required & ~present;
  if (missing) {
    const char *name = fields[__builtin_ctz(missing)].name.data;
    return native_refuse(item, "missing_field", "%s: missing", name);
  }
  uint32_t wanted = present & (required | events[item->event.type].optional | BIT(F_TS));
  for (; wanted; wanted &= wanted - 1) {
    enum field field = (enum field)__builtin_ctz(wanted);
    if (!take_field(field, given[field], context, required & BIT(field), item)) return false;
  }
  item->event.start_is_answer = context->start_means_answer && item->event.type == EVENT_CALL_START;
  return check_times(context, item);
}
