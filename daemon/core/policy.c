#include "callpace/core/policy.h"

#include <assert.h>
#include <stdlib.h>

void policy_book_free(struct policy_book *book) {
  if (!book) return;
  calendar_free(&book->calendar);
  free(book->policies);
  free(book);
}

const struct policy *policy_on(const struct policy_book *book, day_t day) {
  assert(book->count > 0);
  size_t i = book->count - 1;
  while (i > 0 && book->policies[i].from > day)
    i--;
  return &book->policies[i];
}

/* target x part / whole, rounded up. The largest that the bounds of the policy
 * file allow (744 h x a month in ms) is below 2^63. */
static int64_t scale_up(int64_t target, msec_t part, msec_t whole) {
  if (whole == 0) return 0;
  return (target * part + whole - 1) / whole;
}

/* The day's productive time less the agent's leave. */
static void cut_leave(const struct agent *agent, struct spans *spans) {
  if (spans->count == 0) return;
  msec_t begin = spans->at[0].from_ms, end = spans->at[spans->count - 1].to_ms;
  size_t low = 0, high = agent->leave_count; /* the first leave that ends after `begin` */
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (agent->leave[middle].to_ms <= begin)
      low = middle + 1;
    else
      high = middle;
  }
  for (; low < agent->leave_count && agent->leave[low].from_ms < end; low++)
    spans_cut(spans, agent->leave[low].from_ms, agent->leave[low].to_ms);
}

/* From here on the agent's days are judged one by one. */
static day_t grace_end(const struct policy *policy, const struct agent *agent) {
  return agent->hired == DAY_NONE ? DAY_NONE : agent->hired + (day_t)policy->grace_days;
}

void day_plan_make(const struct policy_book *book, const struct agent *agent, day_t day,
                   struct day_plan *out) {
  struct day_plan plan = {.policy = policy_on(book, day), .exempt = true};
  calendar_productive(&book->calendar, day, &plan.productive, &plan.shift_end_ms);
  if (agent) {
    msec_t whole = spans_total(&plan.productive);
    cut_leave(agent, &plan.productive);
    msec_t left = spans_total(&plan.productive);
    plan.agent_class = agent_class_on(agent, day);
    plan.exempt = left == 0 || day < grace_end(plan.policy, agent);
    if (!plan.exempt) {
      const struct class_targets *targets = &plan.policy->classes[plan.agent_class];
      msec_t part = plan.policy->leave_prorates ? left : whole;
      plan.calls_target = scale_up(targets->day_calls, part, whole);
      plan.talk_target_ms = scale_up(targets->day_talk_ms, part, whole);
    }
  }
  *out = plan;
}

/* Productive time of the month, all of it and the agent's own. A day of part
 * leave weighs as it does in the daily targets. */
static void month_time(const struct policy_book *book, const struct policy *policy,
                       const struct agent *agent, month_t month, msec_t *own, msec_t *whole) {
  *own = *whole = 0;
  for (day_t day = month_first_day(month); day < month_first_day(month + 1); day++) {
    struct spans spans;
    calendar_productive(&book->calendar, day, &spans, NULL);
    msec_t full = spans_total(&spans);
    *whole += full;
    if (agent->hired != DAY_NONE && day < agent->hired) continue;
    cut_leave(agent, &spans);
    msec_t left = spans_total(&spans);
    *own += policy->leave_prorates || left == 0 ? left : full;
  }
}

static void month_judge(const struct policy_book *book, const struct agent *agent, month_t month,
                        struct month_plan *plan) {
  day_t last = month_first_day(month + 1) - 1;
  plan->agent_class = agent_class_on(agent, last);
  plan->judged = last >= grace_end(plan->policy, agent);
  plan->must_meet = agent->hired != DAY_NONE && month_of(agent->hired) == month;
  plan->confirmed = agent->confirmed_on != DAY_NONE && agent->confirmed_on <= last;
  const struct class_targets *targets = &plan->policy->classes[plan->agent_class];
  msec_t own = 1, whole = 1;
  if (plan->policy->monthly_prorate_workdays)
    month_time(book, plan->policy, agent, month, &own, &whole);
  plan->calls_target = scale_up(targets->month_calls, own, whole);
  plan->talk_target_ms = scale_up(targets->month_talk_ms, own, whole);
  plan->members_target = targets->month_members;
}

void month_plan_make(const struct policy_book *book, const struct agent *agent, month_t month,
                     struct month_plan *out) {
  struct month_plan plan = {.policy = policy_on(book, month_first_day(month + 1) - 1)};
  if (agent) month_judge(book, agent, month, &plan);
  *out = plan;
}
