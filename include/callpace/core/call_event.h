/* One thing that a switch said, in callpace's own words: what every dialect
 * makes and the core folds. Names follow the line protocol (doc/protocol.md);
 * call states follow CSTA, ECMA-269. */
#ifndef CALLPACE_CORE_CALL_EVENT_H
#define CALLPACE_CORE_CALL_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/base/clock.h"
#include "callpace/base/slice.h"

/* Values stand in the journal: never renumber. */
enum call_event_type {
  EVENT_NONE = 0,
  EVENT_CALL_START = 1,
  EVENT_CALL_ANSWER = 2,
  EVENT_CALL_HOLD = 3,
  EVENT_CALL_RETRIEVE = 4,
  EVENT_CALL_END = 5,
  EVENT_CALL_LOST = 6, /* "call.lost": the switch no longer knows the call */
  EVENT_AGENT_STATE = 7,
  EVENT_LEAD_ISSUE = 8,
  EVENT_LEAD_WITHDRAW = 9,
  EVENT_MEMBER_DEVELOPED = 10,
  EVENT_REVIEW_POINTS = 11,
  EVENT_SOURCE_GAP = 12,
  EVENT_TICK = 13,
  EVENT_TYPES
};

enum call_dir { DIR_UNKNOWN = 0, DIR_OUT = 1, DIR_IN = 2, DIR_INTERNAL = 3 };

enum call_outcome {
  OUTCOME_UNKNOWN = 0,
  OUTCOME_ANSWERED = 1,
  OUTCOME_NO_ANSWER = 2,
  OUTCOME_BUSY = 3,
  OUTCOME_FAILED = 4,
  OUTCOME_CANCELLED = 5
};

enum agent_state {
  AGENT_STATE_UNKNOWN = 0,
  AGENT_LOGGED_ON = 1,
  AGENT_LOGGED_OFF = 2,
  AGENT_READY = 3,
  AGENT_NOT_READY = 4,
  AGENT_ACW = 5
};

/* Slices are borrowed and live only until the maker is fed again: whoever keeps
 * one copies it. An empty slice is "not given". */
struct call_event {
  enum call_event_type type;
  enum call_dir dir;
  enum call_outcome outcome;
  enum agent_state state;
  bool start_is_answer;  /* call.start of a source with start_means: answer */
  msec_t ts_ms;          /* always set: arrival time where the sender gave none */
  msec_t talk_ms;        /* call.end: MSEC_NONE when not given */
  msec_t from_ms, to_ms; /* source.gap */
  int64_t points;        /* review.points */
  struct slice call;     /* unique over all sources */
  struct slice agent;    /* roster id once resolved, before that id or extension */
  struct slice number, lead, queue, trunk, cause;
  struct slice reason, week, member, by, id;
};

/* An empty event of a type: everything not given. */
static inline struct call_event call_event_of(enum call_event_type type, msec_t ts_ms) {
  return (struct call_event){.type = type, .ts_ms = ts_ms, .talk_ms = MSEC_NONE};
}

/* Names of the line protocol: "call.start", "out", "no_answer", "not_ready".
 * NULL for the unknown value. The _parse forms give the unknown value (0) for
 * text that is no such name. */
const char *call_event_type_name(enum call_event_type type);
const char *call_dir_name(enum call_dir dir);
const char *call_outcome_name(enum call_outcome outcome);
const char *agent_state_name(enum agent_state state);
enum call_event_type call_event_type_parse(struct slice name);
enum call_dir call_dir_parse(struct slice name);
enum call_outcome call_outcome_parse(struct slice name);
enum agent_state agent_state_parse(struct slice name);

#endif
