/* One call: what is known of it and what it counts for. Facts join in any order
 * and any number of times to the same result: of conflicting repeats the
 * earliest time stamp wins, and a field once known stays (CONTRACT section 2). */
#ifndef CALLPACE_CORE_CALL_H
#define CALLPACE_CORE_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/core/call_event.h"
#include "callpace/core/policy.h"

enum call_state {
  CALL_WAITING = 0,  /* something is missing: the start, or who it was */
  CALL_OPEN = 1,     /* started, not ended */
  CALL_DONE = 2,     /* ended: counts */
  CALL_LOST = 3,     /* its end was never seen: counts as lost_track */
  CALL_INTERNAL = 4, /* agent to agent: counts for nothing */
  CALL_STATES
};

/* Why and how a completed call adds to its agent's day. */
enum call_count_flag {
  COUNT_DIALLED = 1 << 0,  /* outbound leg */
  COUNT_ANSWERED = 1 << 1, /* with COUNT_DIALLED answered, else inbound */
  COUNT_CALL = 1 << 2,     /* one of the calls of the daily target */
  COUNT_TALK = 1 << 3,     /* its talk joins talk_ms */
  COUNT_LOST = 1 << 4,
  COUNT_LESS_HOLDS = 1 << 5 /* talk_includes_hold: false */
};

/* What one completed call counts for. Kept with the call, so that a revision
 * takes away exactly what was added, whatever the settings are by then. Times
 * are ms after the first moment of the business day. */
struct call_count {
  int32_t start;
  int32_t talk_from, talk_to; /* equal: no talk */
  uint32_t ring_ms, hold_ms;
  uint32_t talk_ms;  /* less holds where they are not talk */
  uint64_t dial_key; /* outbound: of the lead it named, else of the number; 0: neither */
  uint8_t flags;     /* enum call_count_flag */
  uint8_t outcome;   /* enum call_outcome of an unanswered outbound leg */
};

/* Times of call.hold and call.retrieve, each as ts * 2 + (retrieve ? 1 : 0),
 * sorted, without repeats; the earliest CALL_HOLDS_MAX of them. */
enum { CALL_HOLDS_MAX = 1000 };
struct call_holds {
  uint32_t count, capacity;
  int64_t at[];
};

enum { CALL_ID_NEAR = 40 }; /* longer ids live on the heap */

/* Times are taken from 1970 to 9999, a call's talk up to some 24 days: sums of
 * them never overflow. */
#define CALL_TIME_MAX ((msec_t)253402300799999)
#define CALL_TALK_MAX ((msec_t)INT32_MAX)

struct centre_agent;
struct day_tally;

/* Fields stand in the order of use: most events touch only the first 128 bytes. */
struct call {
  uint16_t id_len;
  uint8_t state;                /* enum call_state */
  uint8_t dir;                  /* enum call_dir; DIR_UNKNOWN counts as out */
  uint8_t outcome;              /* enum call_outcome */
  uint8_t agent_rank, dir_rank; /* 0: told by a start, 1: by another event */
  bool lost;                    /* call.lost was seen */
  bool timed_out;               /* older than max_call without an end */
  bool queued, touched;         /* among those to be forgotten; changed since */
  uint32_t heap_at;             /* place in the heap of deadlines, while open */
  uint32_t hash;                /* table_hash of its id; the centre's own */
  struct centre_agent *agent;   /* or NULL */
  union {
    char near[CALL_ID_NEAR];
    char *far;
  } id;

  msec_t start_ms, answer_ms, end_ms, talk_ms; /* MSEC_NONE: not known */
  struct day_tally *tally;                     /* where it is open or counted; or NULL */
  struct call *next_of_day, *prev_of_day;      /* in its tally's list, by state; NULL at the ends */
  struct call_holds *holds;                    /* or NULL */

  struct call_count count;                      /* while CALL_DONE or CALL_LOST with a tally */
  msec_t agent_ts, dir_ts, outcome_ts, talk_ts; /* of the event that told it */
  struct call_target {
    uint64_t key; /* 0: not known */
    msec_t ts_ms; /* of the event that told it, and its rank as above */
    uint8_t rank;
  } number, lead;
  struct call *next_queued;
  msec_t queued_ms;
};

/* Makes an empty call of this id (copied). */
void call_init(struct call *call, struct slice id);
void call_clear(struct call *call);            /* frees what the call holds, not itself */
struct slice call_id(const struct call *call); /* lives as long as the call, does not move */

/* Joins what an event of this call says; `agent` is the event's agent, resolved,
 * or NULL where it names none. True when it taught something new. */
bool call_learn(struct call *call, const struct call_event *event, struct centre_agent *agent);

/* The same for what it called: keys of the event's number and lead (core/number), 0
 * where it has none. */
bool call_learn_target(struct call *call, const struct call_event *event, uint64_t number_key,
                       uint64_t lead_key);

/* The state that follows from the facts. */
enum call_state call_state_of(const struct call *call);
const char *call_state_name(enum call_state state); /* "open" */

/* Runs of hold one after the other, from *position = 0; false at the end. `to` is
 * MSEC_MAX where the call was never retrieved. */
bool call_hold_next(const struct call *call, uint32_t *position, msec_t *from, msec_t *to);

/* True when the calls of this direction are part of calls and talk (POLICY
 * section 2, `directions`). */
bool call_joins(const struct call *call, const struct policy *policy);

/* When it began: the start, else the end less the talk (CONTRACT section 2).
 * Only for calls that are not CALL_WAITING. */
msec_t call_begin(const struct call *call);
bool call_answered(const struct call *call);

/* What the call counts for in `state` (CALL_DONE or CALL_LOST) under the policy
 * of its day, whose first moment is `day_begin`. POLICY section 2. */
void call_count_make(const struct call *call, enum call_state state, const struct policy *policy,
                     msec_t day_begin, struct call_count *out);

#endif
