#include "callpace/core/rate_limit.h"

#include <assert.h>

msec_t rate_limit_wait(const struct rate_limit *limit, const struct rate_rule *rules,
                       unsigned rule_count, msec_t now_ms) {
  msec_t wait = 0;
  for (unsigned i = 0; i < rule_count; i++) {
    unsigned count = rules[i].count;
    assert(count <= RATE_LIMIT_KEPT);
    if (count == 0 || limit->done < count) continue;
    msec_t until = limit->at_ms[(limit->done - count) % RATE_LIMIT_KEPT] + rules[i].per_ms;
    if (until - now_ms > wait) wait = until - now_ms;
  }
  return wait;
}

void rate_limit_note(struct rate_limit *limit, msec_t now_ms) {
  limit->at_ms[limit->done++ % RATE_LIMIT_KEPT] = now_ms;
}
