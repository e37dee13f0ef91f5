/* callpace's calls against the switch's own records: figures of both sides for each
 * agent, and the calls in which they differ. Pure. */
#ifndef CALLPACE_CORE_AUDIT_H
#define CALLPACE_CORE_AUDIT_H

#include "callpace/base/writer.h"
#include "callpace/core/cdr.h"
#include "callpace/core/fold.h"

struct audit_figures {
  int64_t dials, answered, inbound; /* inbound: answered ones */
  msec_t talk_ms;                   /* of both directions, call by call */
};
struct audit_agent {
  const char *agent;
  struct audit_figures ours, theirs;
  size_t differing; /* calls */
};

enum audit_kind { AUDIT_ONLY_IN_CDR, AUDIT_ONLY_HERE, AUDIT_ANSWERED_DIFFERS, AUDIT_TALK_DIFFERS };
const char *audit_kind_name(enum audit_kind kind); /* "only_in_cdr" */

struct audit_call {
  enum audit_kind kind;
  const struct cdr_call *ours, *theirs; /* NULL on the side that does not have it */
};

/* Borrows both lists. */
struct audit {
  day_t day;
  struct audit_agent *agents; /* by id */
  size_t agent_count, agent_capacity;
  struct audit_call *calls; /* by agent, then time */
  size_t call_count, call_capacity;
  msec_t moved_ms; /* by so much the records' wall clock was off the zone's */
};

/* Calls of the day [begin_ms, end_ms); both lists should reach a day further at both
 * ends, so that calls at midnight find each other. They are paired by id (the records
 * have it without the source's name), else by agent, direction, number and time. Talk
 * that is apart by more than `tolerance_ms` differs. Reorders the lists; `theirs` may
 * be moved in time. */
void audit_compare(day_t day, msec_t begin_ms, msec_t end_ms, msec_t tolerance_ms,
                   struct cdr_list *ours, struct cdr_list *theirs, struct audit *out);
void audit_free(struct audit *audit);

/* True when a figure of the agent is not the same on both sides (talk: beyond the
 * tolerance for each call). */
bool audit_drifts(const struct audit_agent *agent);

/* The centre's own calls of [from_ms, to_ms), gathered while a fold takes the events:
 * outbound ones, and inbound ones, that are over. */
struct audit_calls {
  const struct fold *fold;
  msec_t from_ms, to_ms;
  struct table numbers; /* call -> number: the fold does not keep them */
  struct cdr_list list; /* what came out */
};
/* The fold must hold no calls yet. `out` does not move; free it before the fold goes. */
void audit_calls_begin(struct audit_calls *out, const struct fold *fold, msec_t from_ms,
                       msec_t to_ms);
/* The fold has just taken this event. */
void audit_calls_event(struct audit_calls *calls, const struct call_event *event);
/* No more events. */
void audit_calls_finish(struct audit_calls *calls);
void audit_calls_free(struct audit_calls *calls);

/* An array of one object an agent, with the calls behind each drift. */
void audit_put_json(const struct audit *audit, struct writer *out);

#endif
