/* Why an agent's figures are what they are: every call that a run of days credited
 * and every one that it did not, each with the reason. Fed while the fold takes the
 * events; what it adds up to is what the fold counts. Pure. POLICY section 2,
 * CONTRACT section 8. */
#ifndef CALLPACE_CORE_EXPLAIN_H
#define CALLPACE_CORE_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callpace/base/writer.h"
#include "callpace/core/fold.h"

enum explain_reason {
  REASON_NONE = 0, /* credited */
  REASON_DUPLICATE,
  REASON_INTERNAL,
  REASON_TOO_SHORT,      /* less than min_talk */
  REASON_AFTER_TRANSFER, /* the call is another agent's */
  REASON_LOST_TRACK,
  REASON_OUTSIDE_WINDOW, /* belongs to the business day in which it began */
  REASON_NOT_ANSWERED,   /* .outcome says how */
  REASON_DIRECTION,      /* `directions` leaves it out */
  REASON_OPEN,           /* still up, or ringing */
  REASON_INCOMPLETE,     /* no start, or an end that does not make a whole call */
  REASON_OVERLAP,        /* talk that another call has credited already */
  REASON_NO_TALK,
  REASON_COUNT
};
const char *explain_reason_name(enum explain_reason reason); /* "too_short"; NULL for NONE */

/* Why a call that is done or lost is no call of the target; only for one that is none
 * (COUNT_CALL). */
enum explain_reason explain_not_counted(const struct call_count *count);

/* One call, or one repeated event of it. Strings are the explain's. */
struct explain_entry {
  enum call_event_type repeated; /* EVENT_NONE: the call itself */
  const char *call, *number;     /* number NULL: not told */
  const char *holder;            /* REASON_AFTER_TRANSFER: whose it is; else NULL */
  msec_t at_ms;                  /* begin of the call, or time stamp of the event */
  msec_t end_ms;                 /* MSEC_NONE: not ended */
  day_t day;                     /* the business day that it belongs to */
  day_t policy_from;
  enum call_state state;
  enum call_dir dir;
  enum call_outcome outcome;
  bool answered;
  msec_t talk_ms; /* its own */
  uint64_t lsn;   /* of the last event that taught something of it; 0: unknown */

  uint32_t calls_credited; /* adds up to `calls` */
  enum explain_reason calls_reason;
  msec_t talk_credited_ms; /* adds up to `talk_ms` */
  enum explain_reason talk_reason;

  /* The explain's own. */
  struct talk_union talk;
  msec_t begin_ms, settled_ms; /* talk counts from here; which of the day's unions it joined */
};

/* A change of the day's state. */
struct explain_state {
  msec_t at_ms;
  day_t day, policy_from;
  struct verdict verdict;
  int64_t calls, calls_target;
  msec_t talk_ms, talk_target_ms;
};

struct explain;

/* For agent `id` (as the roster has it; copied) and the days from first to last.
 * The fold must hold no calls yet, keep its days, and be given every event from
 * some days before `first` on. explain_free takes NULL and is to be called before
 * the fold goes. */
struct explain *explain_new(struct fold *fold, struct slice id, day_t first, day_t last);
void explain_free(struct explain *explain);

/* Leads go by weeks: those that end in the days, or else the one in which the days
 * lie. Widens the days to them. */
void explain_range(day_t *first, day_t *last);

/* The fold has just taken this event, with this result. */
void explain_event(struct explain *explain, uint64_t lsn, const struct call_event *event,
                   enum centre_result result);
/* Judges the agent's days as they stand at the fold's now, and notes what changed. */
void explain_judge(struct explain *explain);
/* No more events: adds what is still remembered, sorts, and credits the talk. */
void explain_finish(struct explain *explain);

/* After explain_finish, in the order of time. */
size_t explain_count(const struct explain *explain);
const struct explain_entry *explain_at(const struct explain *explain, size_t index);
size_t explain_state_count(const struct explain *explain);
const struct explain_state *explain_state_at(const struct explain *explain, size_t index);

/* Append entries as values of a JSON array that the caller has opened, with `when`
 * in the centre's zone. CONTRACT section 8. */
void explain_put_calls(const struct explain *explain, struct writer *out);
void explain_put_talk(const struct explain *explain, struct writer *out);
void explain_put_states(const struct explain *explain, struct writer *out);
/* The weeks' leads: what each came to (adds up to leads_reached), the calls to it (add
 * up to its contacts) and those to no lead of the agent's; and how the week was judged.
 * POLICY section 5. */
void explain_put_leads(struct explain *explain, struct writer *out);
/* What was entered in the ledger; of a whole month with what it began with, so that
 * it adds up to the month's points. POLICY section 6. */
void explain_put_points(const struct explain *explain, struct writer *out);

#endif
