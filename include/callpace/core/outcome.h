/* How a month stands for an agent: basic quantity, incentive, and what follows
 * from both. Pure. POLICY section 4, "Outcome of the month". */
#ifndef CALLPACE_CORE_OUTCOME_H
#define CALLPACE_CORE_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/core/policy.h"

/* Values stand in the journal: never renumber. */
enum month_basic { BASIC_NONE = 0, BASIC_MET = 1, BASIC_ALTERNATIVE = 2, BASIC_UNMET = 3 };
enum month_incentive { INCENTIVE_NONE = 0, INCENTIVE_MET = 1, INCENTIVE_UNMET = 2 };
enum month_outcome {
  MONTH_OUTCOME_NONE = 0,
  MONTH_BASE_AND_BONUS = 1,
  MONTH_BASE_ONLY = 2,
  MONTH_BONUS_LESS_100 = 3,
  MONTH_BY_ATTAINMENT = 4
};
/* "alternative", "unmet", "by_attainment"; NULL for NONE and what is no value. */
const char *month_basic_name(enum month_basic basic);
const char *month_incentive_name(enum month_incentive incentive);
const char *month_outcome_name(enum month_outcome outcome);

/* What the agent did in all days of the month. */
struct month_facts {
  int64_t calls, members;
  msec_t talk_ms;
};

/* All but the targets is zero where the month is not judged. */
struct month_verdict {
  bool judged, must_meet;
  enum month_basic basic;
  enum month_incentive incentive;
  enum month_outcome outcome;
  int64_t attainment_bp; /* the lower of calls and talk against target; 0 … 10000 */
  int64_t calls_target, members_target;
  msec_t talk_target_ms;
  day_t policy_from;
};

/* Basic is met by calls and talk; else, past probation and past the first month, by
 * an alternative, which stands in place of the incentive's target as well. */
void outcome_judge(const struct month_plan *plan, const struct month_facts *facts,
                   struct month_verdict *out);

#endif
