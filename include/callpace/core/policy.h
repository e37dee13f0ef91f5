/* The figures and switches that agents are judged by; every one comes from the
 * policy file (POLICY, "Default policy file"), none is compiled in. */
#ifndef CALLPACE_CORE_POLICY_H
#define CALLPACE_CORE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/core/period.h"
#include "callpace/core/roster.h"

enum { ALTERNATIVES_MAX = 16, LADDER_MAX = 16, NUMBER_PREFIXES_MAX = 16, NUMBER_PREFIX_LEN = 8 };

enum ladder_action { LADDER_WARN, LADDER_HOLD_LEADS, LADDER_REASSIGN_UNDIALLED };

struct class_targets {
  int64_t day_calls;
  msec_t day_talk_ms;
  int64_t month_calls;
  msec_t month_talk_ms;
  int64_t month_members;
};

/* One dated policy. Rates are basis points (0.80 -> 8000). */
struct policy {
  day_t from;
  struct {
    bool directions_out, directions_in;
    bool calls_when_attempted; /* call_counts_when: attempted (else answered) */
    msec_t min_talk_ms;
    bool talk_includes_hold;
    msec_t max_call_ms;
  } count;
  int64_t grace_days;
  bool leave_prorates; /* leave: prorate (else full) */
  struct class_targets classes[CLASS_COUNT];
  struct {
    int64_t calls;
    msec_t talk_ms;
    int64_t members;
  } alternatives[ALTERNATIVES_MAX];
  unsigned alternative_count;
  bool monthly_prorate_workdays; /* monthly.prorate: workdays (else none) */
  struct {
    msec_t warmup_ms;
    int64_t behind_below_bp;
    msec_t hold_down_ms;
  } pace;
  int64_t coverage_floor_bp;
  struct {
    int64_t reached_contacts;
    bool counts_when_attempted;
    msec_t contact_min_gap_ms;
    int at_risk_weekday;    /* 0 = Monday */
    msec_t at_risk_time_ms; /* since midnight */
    int judge_weekday;
    msec_t judge_time_ms;
    bool ladder_shadow; /* judge and report: no points, no holds, no moves */
    struct {
      int64_t below_bp;
      int64_t points;
      enum ladder_action action;
      int64_t weeks;
      bool requires_base_unmet;
    } ladder[LADDER_MAX];
    unsigned rung_count;
    bool after_last_repeats;
    bool window_month;
    int64_t base_unmet_days;
    bool reassign_applies; /* mode: apply (else propose) */
    bool reassign_site;    /* scope: site (else team) */
    int64_t receivers, receiver_cap;
  } contact;
  int64_t points_start;
  msec_t points_appeal_ms; /* how long an entry is provisional */
};

/* What stands in front of a number and does not belong to it (POLICY 5): of the
 * country, of the trunk, of another area. */
struct number_rules {
  struct number_prefix {
    char text[NUMBER_PREFIX_LEN + 1];
    uint8_t len;
  } prefixes[NUMBER_PREFIXES_MAX]; /* the longest first */
  unsigned count;
};

/* The policy file: the calendar and the dated policies, oldest first. */
struct policy_book {
  struct calendar calendar;
  struct number_rules numbers;
  struct policy *policies;
  size_t count; /* at least 1 */
};
void policy_book_free(struct policy_book *book); /* content and struct; NULL is fine */

/* The newest policy whose `from` is not after the day; the oldest for days
 * before all of them. */
const struct policy *policy_on(const struct policy_book *book, day_t day);

/* What one agent has to do on one day (POLICY 1 to 3). */
struct day_plan {
  const struct policy *policy;
  enum agent_class agent_class;
  bool exempt;          /* grace, no working day, full-day leave: judged by nothing */
  int64_t calls_target; /* 0 when exempt */
  msec_t talk_target_ms;
  struct spans productive; /* less the agent's leave; empty on exempt days by calendar */
  msec_t shift_end_ms;     /* MSEC_NONE on a day without a shift */
};
void day_plan_make(const struct policy_book *book, const struct agent *agent, day_t day,
                   struct day_plan *out);

/* What one agent has to do in a month, by class on its last day (POLICY 2). */
struct month_plan {
  const struct policy *policy;
  enum agent_class agent_class;
  bool judged;    /* false when every day from `hired` to the end is grace */
  bool must_meet; /* month of `hired` (POLICY 1, first month) */
  bool confirmed; /* past probation: `confirmed_on` is not after its last day */
  int64_t calls_target;
  msec_t talk_target_ms;
  int64_t members_target;
};
void month_plan_make(const struct policy_book *book, const struct agent *agent, month_t month,
                     struct month_plan *out);

#endif
