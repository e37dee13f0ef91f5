/* Is an agent on pace? The live judgement of one agent on one day, from facts to
 * states; pure. POLICY section 3. */
#ifndef CALLPACE_CORE_PACE_H
#define CALLPACE_CORE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/core/policy.h"

/* Worst first among those that are compared (MISSED … MET); a day's state is the
 * worse of calls and talk. EXEMPT, UNKNOWN and UNROSTERED stand outside. */
enum pace_state {
  PACE_NONE = 0, /* not judged yet */
  PACE_MISSED = 1,
  PACE_UNREACHABLE = 2,
  PACE_BEHIND = 3,
  PACE_WARMING = 4,
  PACE_ON_PACE = 5,
  PACE_MET = 6,
  PACE_EXEMPT = 7,
  PACE_UNKNOWN = 8,
  PACE_UNROSTERED = 9,
  PACE_STATES
};
const char *pace_state_name(enum pace_state state); /* "on_pace"; NULL for NONE */

/* What the hold-down and "once met, met for the day" must remember between
 * events. Zero-initialise at the start of a day. Part of the fold: kept in the
 * day's tally and in snapshots. */
struct pace_memory {
  msec_t calls_ok_ms; /* productive time elapsed when calls were last not below */
  msec_t talk_ok_ms;
  msec_t noted_ms; /* productive time elapsed at the last pace_note */
  bool calls_met, talk_met;
};

/* Everything the judgement looks at. */
struct pace_facts {
  const struct day_plan *plan;
  msec_t now_ms;
  int64_t calls;           /* completed */
  msec_t talk_ms;          /* completed */
  msec_t talking_since_ms; /* since when talk of a call that is up grows, or MSEC_NONE */
  msec_t call_cycle_ms;    /* mean productive time from dial to dial; 0 = not known */
  int64_t coverage_bp;     /* of the day's productive time so far */
};

struct verdict {
  enum pace_state calls_state, talk_state, state;
  int64_t calls_expected; /* rounded down; at now */
  msec_t talk_expected_ms;
  int64_t coverage_bp;
  msec_t due_ms; /* earliest later moment at which time alone may change a state; MSEC_MAX: never */
};

/* To be called with the facts just before they change and again just after:
 * moves the memory on. The analytic crossing of actual and expected is taken, so
 * how often it is called does not matter. */
void pace_note(struct pace_memory *memory, const struct pace_facts *facts);

/* Judges; does not change the memory. */
void pace_judge(const struct pace_memory *memory, const struct pace_facts *facts,
                struct verdict *out);

/* Talk that counts now: completed, and so far of the call that is up. */
msec_t pace_talk_so_far(const struct pace_facts *facts);
msec_t pace_productive_left(const struct pace_facts *facts);

/* True when no quota that is not met yet is below rate_bp x expected: what an
 * alert asks before it resolves, with a rate above behind_below. */
bool pace_keeps_up(const struct pace_memory *memory, const struct pace_facts *facts,
                   int64_t rate_bp);
/* Productive time that would be left over after the rest of both quotas, at the
 * agent's pace of today (POLICY section 3, "unreachable"): below 0 it cannot be done
 * any more. MSEC_MAX when both are met or nothing is judged. */
msec_t pace_slack_ms(const struct pace_memory *memory, const struct pace_facts *facts);
/* Earliest later moment at which the talk of the call that is up may change the
 * answer of pace_keeps_up; MSEC_MAX without such a call. */
msec_t pace_keeps_up_due_ms(const struct pace_facts *facts, int64_t rate_bp);

#endif
