/* How often each team lead was told by each hook of late: what a budget of alerts an
 * hour is kept by. Part of the fold. CONTRACT section 5, `budget`. */
#ifndef CALLPACE_CORE_ALERT_BUDGET_H
#define CALLPACE_CORE_ALERT_BUDGET_H

#include "callpace/base/table.h"
#include "callpace/base/writer.h"
#include "callpace/core/rate_limit.h"

/* Zero-initialise. */
struct alert_budget {
  struct table lines; /* hook and lead -> struct budget_line */
  struct budget_line *first, *last;
};
void alert_budget_free(struct alert_budget *budget); /* its content */

/* The lead was told by the hook at `now_ms`, which never goes back. */
void alert_budget_note(struct alert_budget *budget, struct slice hook, struct slice lead,
                       msec_t now_ms);
/* Whether one more keeps within the rule. */
bool alert_budget_allows(const struct alert_budget *budget, struct slice hook, struct slice lead,
                         struct rate_rule rule, msec_t now_ms);

/* For snapshots. Loading into an empty one; nonsense sets the reader's `failed`. */
void alert_budget_save(const struct alert_budget *budget, struct writer *w);
void alert_budget_load(struct alert_budget *budget, struct reader *r);

#endif
