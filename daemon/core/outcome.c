#include "callpace/core/outcome.h"

enum { BP_ONE = 10000 };

const char *month_basic_name(enum month_basic basic) {
  static const char *const names[] = {NULL, "met", "alternative", "unmet"};
  return (unsigned)basic < sizeof names / sizeof *names ? names[basic] : NULL;
}

const char *month_incentive_name(enum month_incentive incentive) {
  static const char *const names[] = {NULL, "met", "unmet"};
  return (unsigned)incentive < sizeof names / sizeof *names ? names[incentive] : NULL;
}

const char *month_outcome_name(enum month_outcome outcome) {
  static const char *const names[] = {NULL, "base_and_bonus", "base_only", "bonus_less_100",
                                      "by_attainment"};
  return (unsigned)outcome < sizeof names / sizeof *names ? names[outcome] : NULL;
}

/* done / target, rounded down and at most whole; nothing to do is all done. */
static int64_t attained(int64_t done, int64_t target) {
  if (done >= target) return BP_ONE;
  return done > 0 ? done * BP_ONE / target : 0;
}

static bool alternative_met(const struct month_plan *plan, const struct month_facts *facts) {
  if (!plan->confirmed || plan->must_meet) return false;
  for (unsigned i = 0; i < plan->policy->alternative_count; i++)
    if (facts->calls >= plan->policy->alternatives[i].calls &&
        facts->talk_ms >= plan->policy->alternatives[i].talk_ms &&
        facts->members >= plan->policy->alternatives[i].members)
      return true;
  return false;
}

static enum month_outcome outcome_of(bool basic, bool incentive) {
  if (basic) return incentive ? MONTH_BASE_AND_BONUS : MONTH_BASE_ONLY;
  return incentive ? MONTH_BONUS_LESS_100 : MONTH_BY_ATTAINMENT;
}

void outcome_judge(const struct month_plan *plan, const struct month_facts *facts,
                   struct month_verdict *out) {
  *out = (struct month_verdict){.judged = plan->judged,
                                .must_meet = plan->judged && plan->must_meet,
                                .calls_target = plan->calls_target,
                                .talk_target_ms = plan->talk_target_ms,
                                .members_target = plan->members_target,
                                .policy_from = plan->policy->from};
  if (!plan->judged) return;
  bool met = facts->calls >= plan->calls_target && facts->talk_ms >= plan->talk_target_ms;
  bool alternative = alternative_met(plan, facts);
  bool bonus = alternative || facts->members >= plan->members_target;
  out->basic = met ? BASIC_MET : alternative ? BASIC_ALTERNATIVE : BASIC_UNMET;
  out->incentive = bonus ? INCENTIVE_MET : INCENTIVE_UNMET;
  out->outcome = outcome_of(met || alternative, bonus);
  int64_t calls = attained(facts->calls, plan->calls_target);
  int64_t talk = attained(facts->talk_ms, plan->talk_target_ms);
  out->attainment_bp = calls < talk ? calls : talk;
}
