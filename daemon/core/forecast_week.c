#include "callpace/core/forecast_week.h"

__extension__ typedef __int128 int128;

/* Not more than were issued. */
static int64_t projected(const struct week_facts *facts) {
  if (facts->elapsed_ms <= 0) return -1;
  int128 reached = (int128)facts->reached * facts->productive_ms / facts->elapsed_ms;
  return reached < facts->issued ? (int64_t)reached : facts->issued;
}

bool week_forecast_make(const struct week_facts *facts, const struct week_verdict *verdict,
                        struct week_forecast *out) {
  if (facts->over || facts->issued <= 0 || verdict->rung == 0) return false;
  unsigned rung = verdict->rung;
  int64_t needed = ladder_needed(verdict->threshold_bp, facts->issued) - facts->reached;
  int64_t reached = projected(facts);
  *out = (struct week_forecast){.needed = needed > 0 ? needed : 0,
                                .left = facts->issued - facts->reached,
                                .reached = reached,
                                .rate_bp = ladder_rate_bp(reached, facts->issued),
                                .rung = rung,
                                .action = facts->policy->contact.ladder[rung - 1].action,
                                .points = facts->policy->contact.ladder[rung - 1].points,
                                .only_if_base_unmet =
                                    facts->policy->contact.ladder[rung - 1].requires_base_unmet,
                                .productive_left_ms = facts->productive_ms - facts->elapsed_ms};
  if (reached < 0) out->rate_bp = -1;
  return true;
}
