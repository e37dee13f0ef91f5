/* The counters of one agent on one business day, and talk as the union of the
 * times in which the agent spoke (POLICY section 2). Fields are those of the
 * Redis hash callpace:agent:{ID}:day:DATE (CONTRACT section 4). */
#ifndef CALLPACE_CORE_TALLY_H
#define CALLPACE_CORE_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callpace/core/call.h"
#include "callpace/core/pace.h"

/* A union of runs of time, sorted and disjoint, in ms after a common origin. */
struct talk_span {
  int32_t from, to;
};
struct talk_union {
  struct talk_span *spans;
  uint32_t count, capacity;
  msec_t base_ms;  /* of runs that were given up */
  msec_t total_ms; /* base and runs together */
};
/* Zero-initialise. Adding at or behind the end is O(1); elsewhere O(count). */
void talk_union_add(struct talk_union *u, int32_t from, int32_t to);
/* Keeps the total and gives up the runs. */
void talk_union_settle(struct talk_union *u);
void talk_union_clear(struct talk_union *u); /* empty, memory kept, base too */
void talk_union_free(struct talk_union *u);

/* What calls that are no longer remembered left in the day. */
struct day_frozen {
  struct talk_union talk, inbound_talk;
  msec_t first_dial_ms, last_dial_ms;
  uint32_t longest_ms;
};

struct centre_agent;
struct team_day;
struct centre_day;

struct day_tally {
  struct centre_agent *agent;
  struct team_day *team_day; /* where it is summed; NULL: no team */
  struct centre_day *centre_day;
  struct day_tally *older; /* next of the same agent */
  day_t day;
  uint64_t lsn;      /* of the last event that changed it */
  msec_t updated_ms; /* when that was */
  msec_t begin_ms;   /* first moment of the day when the tally was made */

  uint32_t dials, answered, calls, inbound;
  uint32_t no_answer, busy, failed, cancelled, lost_track;
  uint32_t members, open_calls;
  uint32_t longest_ms;
  msec_t ring_ms, hold_ms;
  msec_t first_dial_ms, last_dial_ms;   /* MSEC_NONE: no dial */
  msec_t on_call_since_ms;              /* earliest answer of the open calls, or MSEC_NONE */
  msec_t talking_since_ms;              /* the same of those whose talk will count */
  struct talk_union talk, inbound_talk; /* .total_ms are talk_ms, inbound_talk_ms */

  /* The plan of the day, and the judgement. */
  enum agent_class agent_class;
  bool rostered; /* false: class new, state unrostered, judged by nothing */
  bool exempt;
  int64_t calls_target; /* 0: none */
  msec_t talk_target_ms;
  struct pace_memory pace;
  struct verdict verdict; /* the last one given; .state PACE_NONE before */
  msec_t cycle_ms;        /* productive time from the first dial to the last */
  uint32_t cycles;        /* from dial to next dial in it */

  msec_t renewed_ms; /* when its key in Redis last got its full life; the view's own */

  /* The centre's own. */
  const struct day_plan *plan; /* NULL until asked for, or without a roster entry */
  bool plan_owned;
  bool settled; /* runs of talk given up */
  bool dirty, to_judge;
  uint32_t heap_at; /* place in the heap of judgements due */
  struct day_tally *next_dirty, *next_to_judge;
  struct call_list {
    struct call *first, *last;
  } open, done; /* done: also the lost */
  struct day_frozen *frozen;
};

/* Adds the times in which a counted call talked, in ms after the tally's
 * begin_ms: with COUNT_LESS_HOLDS less its holds. */
void talk_union_add_call(struct talk_union *u, const struct day_tally *tally,
                         const struct call *call);

void day_tally_init(struct day_tally *tally, struct centre_agent *agent, day_t day,
                    msec_t begin_ms);
void day_tally_clear(struct day_tally *tally); /* frees what it holds, not itself or calls */

/* An open call comes and goes, under the policy of the day. */
void day_tally_open(struct day_tally *tally, struct call *call, const struct policy *policy);
void day_tally_close(struct day_tally *tally, struct call *call, const struct policy *policy);
/* An open call's answer has become earlier, or its direction known. */
void day_tally_look_at(struct day_tally *tally, const struct call *call,
                       const struct policy *policy);
/* The moment from which talk that is going on adds to tally->talk: the earliest answer
 * of an open call that will count, later by what the union holds behind it, as calls
 * that overlap count once (POLICY section 2). MSEC_NONE: no such call. O(runs behind). */
msec_t day_tally_grows_since(const struct day_tally *tally);
/* Looks at the answers of all open calls again. */
void day_tally_look_open(struct day_tally *tally, const struct policy *policy);

/* A completed call (with its count made) comes, is taken back, or is forgotten
 * (what it counted for stays). Adding is O(1), taking back reads the day's
 * other calls again. */
void day_tally_add(struct day_tally *tally, struct call *call);
void day_tally_take(struct day_tally *tally, struct call *call);
void day_tally_forget(struct day_tally *tally, struct call *call);
/* For snapshots: puts a completed call back without adding to the sums, and when
 * all are back makes the rest of the day out of them. */
void day_tally_restore(struct day_tally *tally, struct call *call);
void day_tally_join_again(struct day_tally *tally);
/* Gives up the runs of talk of a day whose calls are all forgotten; calls that
 * come later still count, their overlaps with those before do not show. */
void day_tally_settle(struct day_tally *tally);

#endif
