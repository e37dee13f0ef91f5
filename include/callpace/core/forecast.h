/* Where a day will end: both quotas with a range, which of them binds, and until
 * when it is worth helping. Pure. From the pace so far, the productive time left and
 * the day's policy (POLICY section 3).
 *
 * The pace so far is actual / productive time elapsed. Of what is missing of the
 * warmup, the target's own pace is assumed, so that the first calls of a morning
 * do not run away with the figure. */
#ifndef CALLPACE_CORE_FORECAST_H
#define CALLPACE_CORE_FORECAST_H

#include "callpace/core/pace.h"

enum forecast_quota { FORECAST_NONE, FORECAST_CALLS, FORECAST_TALK };

/* Figures at the end of the day's productive time. Low and high hold it in about
 * four days of five when calls come independently of each other and talk has the
 * spread of an exponential; with no time left all three are the figure itself. */
struct forecast {
  int64_t calls, calls_low, calls_high;
  msec_t talk_ms, talk_low_ms, talk_high_ms;
  msec_t productive_left_ms;
  /* The last moment at which a quota that then goes on at the best rate is still
   * met; a millisecond of productive time later it is `unreachable`: calls at the
   * call cycle of the facts, talk without a pause. The earlier of both quotas, if
   * nothing more is done until then. MSEC_NONE: both are met, it has passed, or
   * nothing can be said (no call cycle is known yet). */
  msec_t last_useful_ms;
  enum forecast_quota binds; /* the one with less time to spare; NONE: both met */
};

/* False when the day is judged by nothing; `out` is untouched then. */
bool forecast_make(const struct pace_memory *memory, const struct pace_facts *facts,
                   struct forecast *out);
const char *forecast_quota_name(enum forecast_quota quota); /* "calls"; NULL for NONE */

#endif
