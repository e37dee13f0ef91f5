/* Where a running week of leads will end on the ladder, and how many more leads must be
 * reached so that nothing follows. Pure. POLICY section 5. */
#ifndef CALLPACE_CORE_FORECAST_WEEK_H
#define CALLPACE_CORE_FORECAST_WEEK_H

#include "callpace/core/ladder.h"

struct week_forecast {
  int64_t needed;  /* leads still to be reached to avoid the rung; 0: done */
  int64_t left;    /* issued and not reached yet: `needed` of them is all there is */
  int64_t reached; /* by the week's end at the pace so far (the projected rate of
                      POLICY section 5); -1: nothing of the week has passed */
  int64_t rate_bp; /* of that; -1 likewise */
  unsigned rung;   /* what follows when the week ends short: its rung … */
  enum ladder_action action;
  int64_t points;          /* … as the policy books it, below 0 */
  bool only_if_base_unmet; /* … and only with poor basic habits */
  msec_t productive_left_ms;
};

/* False when nothing can follow: no leads, no rung, or the week is over. `out` is
 * untouched then. */
bool week_forecast_make(const struct week_facts *facts, const struct week_verdict *verdict,
                        struct week_forecast *out);

#endif
