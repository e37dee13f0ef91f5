#include "callpace/core/ladder.h"

__extension__ typedef __int128 int128;

enum { BP_ONE = 10000, SUNDAY = 6 };

const char *week_state_name(enum week_state state) {
  static const char *const names[WEEK_STATES] = {"none",    "on_track", "at_risk",
                                                 "reached", "short",    "unknown"};
  return (unsigned)state < WEEK_STATES ? names[state] : NULL;
}

const char *ladder_action_name(enum ladder_action action) {
  static const char *const names[] = {"warn", "hold_leads", "reassign_undialled"};
  return (unsigned)action < sizeof names / sizeof *names ? names[action] : NULL;
}

unsigned ladder_rung(const struct policy *policy, unsigned offences) {
  if (offences < policy->contact.rung_count) return offences + 1;
  return policy->contact.after_last_repeats ? policy->contact.rung_count : 0;
}

int64_t ladder_rate_bp(int64_t reached, int64_t issued) {
  return issued > 0 ? reached * BP_ONE / issued : -1;
}

int64_t ladder_needed(int64_t threshold_bp, int64_t issued) {
  return (threshold_bp * issued + BP_ONE - 1) / BP_ONE;
}

/* reached x the week's productive time / what has passed of it, against the rung. */
static bool falls_short(const struct week_facts *facts, int64_t threshold_bp) {
  int128 projected = (int128)facts->reached * facts->productive_ms * BP_ONE;
  return projected < (int128)facts->issued * facts->elapsed_ms * threshold_bp;
}

static enum week_state state_of(const struct week_facts *facts, int64_t threshold_bp) {
  if (facts->issued <= 0) return WEEK_NONE;
  if (facts->over && facts->coverage_bp < facts->policy->coverage_floor_bp) return WEEK_UNKNOWN;
  if (facts->reached * BP_ONE >= threshold_bp * facts->issued) return WEEK_REACHED;
  if (facts->over) return WEEK_SHORT;
  return facts->flagging && falls_short(facts, threshold_bp) ? WEEK_AT_RISK : WEEK_ON_TRACK;
}

void ladder_judge(const struct week_facts *facts, struct week_verdict *out) {
  const struct policy *policy = facts->policy;
  unsigned rung = ladder_rung(policy, facts->offences);
  *out = (struct week_verdict){.rung = rung,
                               .threshold_bp = rung ? policy->contact.ladder[rung - 1].below_bp : 0,
                               .rate_bp = ladder_rate_bp(facts->reached, facts->issued),
                               .base_unmet =
                                   (int64_t)facts->missed_days > policy->contact.base_unmet_days};
  out->state = state_of(facts, out->threshold_bp);
  bool asks_more = rung && policy->contact.ladder[rung - 1].requires_base_unmet;
  out->offence = out->state == WEEK_SHORT && (!asks_more || out->base_unmet);
}

month_t ladder_month(day_t monday) {
  return month_of(monday + SUNDAY);
}

bool ladder_same_window(const struct policy *policy, day_t monday, day_t other) {
  return !policy->contact.window_month || ladder_month(monday) == ladder_month(other);
}

msec_t ladder_moment(const struct calendar *calendar, day_t monday, int weekday, msec_t time_ms) {
  if (time_ms == MSEC_PER_DAY) return calendar_day_end(calendar, monday + weekday);
  msec_t in_day = calendar_in_day(calendar, time_ms, false);
  return zone_to_utc(calendar->zone, (monday + weekday) * MSEC_PER_DAY + in_day);
}

msec_t ladder_judge_at(const struct policy_book *book, day_t monday) {
  const struct policy *policy = policy_on(book, monday + SUNDAY);
  return ladder_moment(&book->calendar, monday, policy->contact.judge_weekday,
                       policy->contact.judge_time_ms);
}
