/* Leads of a week that nobody holds: refused for a hold, or left over when leads were
 * reassigned. Pure; part of the fold. POLICY section 5. */
#ifndef CALLPACE_CORE_LEAD_POOL_H
#define CALLPACE_CORE_LEAD_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "callpace/base/table.h"
#include "callpace/base/writer.h"
#include "callpace/core/period.h"

struct pool_lead {
  struct pool_lead *next, *before;
  day_t week; /* Monday */
  msec_t at_ms;
  struct slice lead, number, from, reason; /* from: the agent it was meant for, or had it */
};

/* Zero-initialise. */
struct lead_pool {
  struct table by_lead;           /* week and id -> struct pool_lead */
  struct pool_lead *first, *last; /* in the order of their coming */
};
void lead_pool_free(struct lead_pool *pool); /* its content; leaves it empty */

/* Texts are copied. A lead that is there already keeps its place, and what was said
 * of it first; false then. */
bool lead_pool_add(struct lead_pool *pool, const struct pool_lead *lead);
/* Somebody holds it now; false when it was not there. */
bool lead_pool_remove(struct lead_pool *pool, day_t week, struct slice lead);
const struct pool_lead *lead_pool_find(const struct lead_pool *pool, day_t week, struct slice lead);
/* Forgets weeks before this Monday. */
void lead_pool_drop(struct lead_pool *pool, day_t before);

/* For snapshots. Loading into an empty pool; bytes that make no sense set the
 * reader's `failed`. */
void lead_pool_save(const struct lead_pool *pool, struct writer *w);
void lead_pool_load(struct lead_pool *pool, struct reader *r);

#endif
