/* What happens by the clock and not by an event: once a second, and at the moment
 * at which a verdict falls due. */
#ifndef CALLPACE_ENGINE_UPKEEP_H
#define CALLPACE_ENGINE_UPKEEP_H

#include "callpace/engine/engine.h"

struct upkeep;
struct upkeep *upkeep_new(struct engine *engine);
void upkeep_free(struct upkeep *upkeep); /* NULL is fine */

/* Sets the timer to the next moment at which something is due; once a tick. */
void upkeep_plan(struct upkeep *upkeep);

#endif
