/* What a week of leads is judged by, and when weeks and months close. */
#include "callpace/core/fold.h"

__extension__ typedef __int128 int128;

enum { DAYS = 7, BP_ONE = 10000 };

/* Offences of the agent in the window, before this week, as they were decided. */
static unsigned offences_before(const struct lead_week *week, const struct policy *policy) {
  unsigned offences = 0;
  for (const struct lead_week *w = week->older; w; w = w->older)
    offences += w->closed && week_closed_counts(w->closed, policy) &&
                ladder_same_window(policy, week->monday, w->monday);
  return offences;
}

/* Of the week's productive time, as far as it has passed; and its missed days. */
static void look_back(const struct fold *fold, const struct lead_week *week,
                      struct week_facts *facts) {
  const struct agent *rostered = week->agent->rostered;
  msec_t whole = 0, missing = 0;
  for (day_t day = week->monday; day < week->monday + DAYS; day++) {
    struct day_plan plan;
    day_plan_make(centre_settings(fold->centre)->policy, rostered, day, &plan);
    const struct day_tally *tally = centre_find_day(week->agent, day);
    facts->missed_days += tally && tally->verdict.state == PACE_MISSED;
    if (rostered->hired != DAY_NONE && day < rostered->hired) continue;
    whole += spans_elapsed(&plan.productive, fold->now_ms);
    missing += coverage_missing_ms(&fold->coverage, rostered, &plan.productive, fold->now_ms);
  }
  facts->coverage_bp = whole > 0 ? (whole - missing) * BP_ONE / whole : BP_ONE;
}

/* The first moment at which the projected rate falls short, as reached x productive /
 * elapsed falls with time. */
static msec_t falls_short_at(struct fold *fold, struct lead_week *week,
                             const struct week_facts *facts, int64_t threshold_bp) {
  if (facts->issued <= 0 || threshold_bp <= 0) return MSEC_MAX;
  int128 enough = (int128)facts->reached * facts->productive_ms * BP_ONE;
  int128 elapsed = enough / ((int128)facts->issued * threshold_bp) + 1;
  if (elapsed > facts->productive_ms) return MSEC_MAX;
  return centre_week_point(fold->centre, week, (msec_t)elapsed);
}

static msec_t sooner(msec_t a, msec_t b) {
  return a < b ? a : b;
}

bool fold_week_verdict(struct fold *fold, struct lead_week *week, struct week_facts *facts,
                       struct week_verdict *verdict, msec_t *due_ms) {
  const struct policy_book *book = centre_settings(fold->centre)->policy;
  const struct policy *policy = policy_on(book, week->monday + DAYS - 1);
  *facts = (struct week_facts){
      .policy = policy, .issued = week->book.counts.issued, .reached = week->book.counts.reached};
  if (!centre_week_time(fold->centre, week, fold->now_ms, &facts->productive_ms,
                        &facts->elapsed_ms))
    return false;
  msec_t judge_at = ladder_judge_at(book, week->monday);
  msec_t flag_at = ladder_moment(&book->calendar, week->monday, policy->contact.at_risk_weekday,
                                 policy->contact.at_risk_time_ms);
  facts->offences = offences_before(week, policy);
  facts->over = fold->now_ms >= judge_at;
  facts->flagging = fold->now_ms >= flag_at;
  facts->coverage_bp = BP_ONE;
  if (facts->over) look_back(fold, week, facts);
  ladder_judge(facts, verdict);
  if (week->closed) *verdict = week->closed->verdict;
  *due_ms = facts->over || week->closed ? MSEC_MAX : judge_at;
  if (!facts->over && !facts->flagging) *due_ms = sooner(judge_at, flag_at);
  if (facts->flagging && verdict->state == WEEK_ON_TRACK)
    *due_ms = sooner(judge_at, falls_short_at(fold, week, facts, verdict->threshold_bp));
  return true;
}

bool fold_week_forecast(struct fold *fold, struct lead_week *week, struct week_forecast *out) {
  struct week_facts facts;
  struct week_verdict verdict;
  msec_t due_ms;
  return !week->closed && fold_week_verdict(fold, week, &facts, &verdict, &due_ms) &&
         week_forecast_make(&facts, &verdict, out);
}

static int32_t later(int32_t a, int32_t b) {
  return a > b ? a : b;
}

day_t fold_closing_week(const struct fold *fold) {
  if (fold->weeks_closed == DAY_NONE) return DAY_NONE;
  day_t week = later(fold->weeks_closed + DAYS, week_monday(centre_kept_since(fold->centre)));
  return fold->closes_from == DAY_NONE ? week : later(week, week_monday(fold->closes_from));
}

month_t fold_closing_month(const struct fold *fold) {
  month_t kept = month_of(centre_today(fold->centre)) - centre_limits(fold->centre)->keep_months;
  month_t month = later(fold->months_closed, kept) + 1;
  return fold->closes_from == DAY_NONE ? month : later(month, month_of(fold->closes_from));
}

msec_t fold_week_due(struct fold *fold) {
  if (fold->weeks_closed == DAY_NONE) return MSEC_MAX;
  if (fold->week_due_ms == MSEC_NONE)
    fold->week_due_ms =
        ladder_judge_at(centre_settings(fold->centre)->policy, fold_closing_week(fold));
  return fold->week_due_ms;
}

msec_t fold_month_due(struct fold *fold) {
  if (fold->weeks_closed == DAY_NONE) return MSEC_MAX;
  if (fold->month_due_ms == MSEC_NONE)
    fold->month_due_ms = calendar_day_end(&centre_settings(fold->centre)->policy->calendar,
                                          month_first_day(fold_closing_month(fold) + 1) - 1);
  return fold->month_due_ms;
}

unsigned fold_offences(const struct centre_agent *agent, month_t month,
                       const struct policy *policy) {
  unsigned offences = 0;
  for (const struct lead_week *w = agent->weeks; w; w = w->older)
    offences +=
        w->closed && week_closed_counts(w->closed, policy) && ladder_month(w->monday) == month;
  return offences;
}
