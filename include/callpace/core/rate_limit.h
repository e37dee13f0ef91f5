/* Not more often than a receiver takes: so many in any run of time, by several
 * rules at once. Pure; the times are of any clock that does not go back. */
#ifndef CALLPACE_CORE_RATE_LIMIT_H
#define CALLPACE_CORE_RATE_LIMIT_H

#include "callpace/base/clock.h"

/* One rule: at most `count` within any `per_ms`; count 0: no rule. */
struct rate_rule {
  unsigned count; /* at most RATE_LIMIT_KEPT */
  msec_t per_ms;
};

/* When it was done last. Zero-initialise. */
enum { RATE_LIMIT_KEPT = 128 };
struct rate_limit {
  msec_t at_ms[RATE_LIMIT_KEPT];
  unsigned long long done;
};

/* How long to wait until it may be done again; 0: now. */
msec_t rate_limit_wait(const struct rate_limit *limit, const struct rate_rule *rules,
                       unsigned rule_count, msec_t now_ms);
/* It is done now. */
void rate_limit_note(struct rate_limit *limit, msec_t now_ms);

#endif
