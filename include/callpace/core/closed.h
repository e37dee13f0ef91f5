/* What was decided when an agent's week or month closed: it stands, whatever comes
 * later (POLICY section 3, end). Plain values, and the numbers they are written as. */
#ifndef CALLPACE_CORE_CLOSED_H
#define CALLPACE_CORE_CLOSED_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/core/ladder.h"
#include "callpace/core/outcome.h"

/* A week, with its evidence. POLICY section 5, "The ladder". */
struct week_closed {
  struct week_verdict verdict; /* of state reached, short, none or unknown */
  msec_t at_ms;                /* when the week was due to be judged */
  day_t policy_from;
  bool shadow; /* the ladder was in shadow: nothing follows from an offence */
  /* Of the rung that applied; zero without an offence. */
  enum ladder_action action;
  int64_t weeks;  /* hold_leads: for so many weeks */
  int64_t points; /* what the rung costs, as -1; in shadow as well */
  int64_t issued, reached, coverage_bp, missed_days;
};

/* Fills in the decision that follows from a verdict. */
void week_closed_make(const struct week_facts *facts, const struct week_verdict *verdict,
                      msec_t at_ms, struct week_closed *out);

/* As numbers, for journal and snapshots. Reading checks ranges; false: no week. */
enum { WEEK_CLOSED_NUMBERS = 14 };
void week_closed_pack(const struct week_closed *week, int64_t out[WEEK_CLOSED_NUMBERS]);
bool week_closed_unpack(const int64_t numbers[WEEK_CLOSED_NUMBERS], struct week_closed *out);

/* An offence that counts towards the rung of a later week: those judged in shadow
 * do so only while the policy is in shadow. */
bool week_closed_counts(const struct week_closed *week, const struct policy *policy);

/* A month, with what it was judged by. POLICY section 4. */
struct month_closed {
  struct month_facts facts;
  struct month_verdict verdict; /* its `judged` may be false */
  msec_t at_ms;                 /* when the month was over */
  int64_t points, offences;     /* as they were then */
};

enum { MONTH_CLOSED_NUMBERS = 15 };
void month_closed_pack(const struct month_closed *month, int64_t out[MONTH_CLOSED_NUMBERS]);
bool month_closed_unpack(const int64_t numbers[MONTH_CLOSED_NUMBERS], struct month_closed *out);

#endif
