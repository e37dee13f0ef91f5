#include "callpace/core/closed.h"

enum { BP_ONE = 10000, DAY_MAX = 4000000 };

void week_closed_make(const struct week_facts *facts, const struct week_verdict *verdict,
                      msec_t at_ms, struct week_closed *out) {
  const struct policy *policy = facts->policy;
  *out = (struct week_closed){.verdict = *verdict,
                              .at_ms = at_ms,
                              .policy_from = policy->from,
                              .shadow = policy->contact.ladder_shadow,
                              .issued = facts->issued,
                              .reached = facts->reached,
                              .coverage_bp = facts->coverage_bp,
                              .missed_days = facts->missed_days};
  if (!verdict->offence) return;
  out->action = policy->contact.ladder[verdict->rung - 1].action;
  out->weeks = policy->contact.ladder[verdict->rung - 1].weeks;
  out->points = policy->contact.ladder[verdict->rung - 1].points;
}

bool week_closed_counts(const struct week_closed *week, const struct policy *policy) {
  return week->verdict.offence && (!week->shadow || policy->contact.ladder_shadow);
}

/* The order stands in the journal: never change it. */
void week_closed_pack(const struct week_closed *week, int64_t out[WEEK_CLOSED_NUMBERS]) {
  const struct week_verdict *v = &week->verdict;
  int64_t numbers[WEEK_CLOSED_NUMBERS] = {
      v->state,          v->offence | v->base_unmet << 1 | week->shadow << 2,
      v->rung,           v->threshold_bp,
      v->rate_bp,        week->at_ms,
      week->policy_from, week->action,
      week->weeks,       week->points,
      week->issued,      week->reached,
      week->coverage_bp, week->missed_days};
  for (unsigned i = 0; i < WEEK_CLOSED_NUMBERS; i++)
    out[i] = numbers[i];
}

static bool within(int64_t value, int64_t min, int64_t max) {
  return value >= min && value <= max;
}

bool week_closed_unpack(const int64_t n[WEEK_CLOSED_NUMBERS], struct week_closed *out) {
  if (!within(n[0], 0, WEEK_STATES - 1) || !within(n[1], 0, 7) || !within(n[2], 0, LADDER_MAX) ||
      !within(n[3], 0, BP_ONE) || !within(n[4], -1, BP_ONE) || !within(n[6], -DAY_MAX, DAY_MAX) ||
      !within(n[7], 0, LADDER_REASSIGN_UNDIALLED) || !within(n[8], 0, INT32_MAX) ||
      !within(n[9], -INT32_MAX, INT32_MAX))
    return false;
  *out = (struct week_closed){.verdict = {.state = (enum week_state)n[0],
                                          .offence = n[1] & 1,
                                          .base_unmet = n[1] & 2,
                                          .rung = (unsigned)n[2],
                                          .threshold_bp = n[3],
                                          .rate_bp = n[4]},
                              .shadow = n[1] & 4,
                              .at_ms = n[5],
                              .policy_from = (day_t)n[6],
                              .action = (enum ladder_action)n[7],
                              .weeks = n[8],
                              .points = n[9],
                              .issued = n[10],
                              .reached = n[11],
                              .coverage_bp = n[12],
                              .missed_days = n[13]};
  return true;
}

/* The order stands in the journal: never change it. */
void month_closed_pack(const struct month_closed *month, int64_t out[MONTH_CLOSED_NUMBERS]) {
  const struct month_verdict *v = &month->verdict;
  const int64_t numbers[MONTH_CLOSED_NUMBERS] = {
      month->facts.calls, month->facts.members, month->facts.talk_ms, v->judged | v->must_meet << 1,
      v->basic,           v->incentive,         v->outcome,           v->attainment_bp,
      v->calls_target,    v->members_target,    v->talk_target_ms,    v->policy_from,
      month->at_ms,       month->points,        month->offences};
  for (unsigned i = 0; i < MONTH_CLOSED_NUMBERS; i++)
    out[i] = numbers[i];
}

bool month_closed_unpack(const int64_t n[MONTH_CLOSED_NUMBERS], struct month_closed *out) {
  if (!within(n[3], 0, 3) || !within(n[4], BASIC_NONE, BASIC_UNMET) ||
      !within(n[5], INCENTIVE_NONE, INCENTIVE_UNMET) ||
      !within(n[6], MONTH_OUTCOME_NONE, MONTH_BY_ATTAINMENT) || !within(n[7], 0, BP_ONE) ||
      !within(n[11], -DAY_MAX, DAY_MAX) || !within(n[14], 0, INT32_MAX))
    return false;
  *out = (struct month_closed){.facts = {.calls = n[0], .members = n[1], .talk_ms = n[2]},
                               .verdict = {.judged = n[3] & 1,
                                           .must_meet = n[3] & 2,
                                           .basic = (enum month_basic)n[4],
                                           .incentive = (enum month_incentive)n[5],
                                           .outcome = (enum month_outcome)n[6],
                                           .attainment_bp = n[7],
                                           .calls_target = n[8],
                                           .members_target = n[9],
                                           .talk_target_ms = n[10],
                                           .policy_from = (day_t)n[11]},
                               .at_ms = n[12],
                               .points = n[13],
                               .offences = n[14]};
  return true;
}
