/* The ledger of points at work: entries are decided, hashed and recorded here, and
 * shown. The ledger itself is core/points. POLICY section 6. */
#ifndef CALLPACE_ENGINE_SCORE_H
#define CALLPACE_ENGINE_SCORE_H

#include "callpace/base/writer.h"
#include "callpace/core/closed.h"
#include "callpace/engine/engine.h"

/* Enters the reviews that came as events. Once a tick, before the barrier. */
void score_take_reviews(struct engine *engine);

/* Enters what the rung of an agent's closed week costs, unless it stands already. */
void score_rung(struct engine *engine, struct slice agent, day_t monday,
                const struct week_closed *closed);

/* Somebody adds or subtracts. `month`: into which it books, its text or empty for the
 * running one; reason and by are cut to SCORE_TEXT_MAX. Appends the entry. STATUS_USAGE:
 * nobody of that id, no reason, points 0 or out of range, or no such month. */
enum { SCORE_TEXT_MAX = 500 };
enum status score_add(struct engine *engine, struct slice agent, int64_t points, struct slice month,
                      struct slice reason, struct slice by, struct writer *w, struct error *error);

/* Undoes an entry by another one, of the same month. Appends it. STATUS_USAGE: no such
 * entry, no reason, it is undone already, or is a reversal itself. */
enum status score_reverse(struct engine *engine, uint64_t number, struct slice reason,
                          struct slice by, struct writer *w, struct error *error);

/* Appends the array of `callpace score`: of one agent, or (empty) of all on the roster:
 * agent, name, month, start, points, and the month's entries, oldest first. CONTRACT
 * section 8. */
void score_put(const struct engine *engine, struct slice agent, month_t month, struct writer *w);

#endif
