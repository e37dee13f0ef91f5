/* An agent's working time and calls of a day, for whoever draws them. */
#ifndef CALLPACE_ENGINE_TIMELINE_H
#define CALLPACE_ENGINE_TIMELINE_H

#include "callpace/base/writer.h"
#include "callpace/engine/engine.h"

/* Appends {"agent","now_ms","productive":[{"from_ms","to_ms"}],"calls":[…]}. Calls
 * that are no longer remembered are not in it. */
void timeline_put(struct writer *w, const struct engine *engine, struct day_tally *tally);

#endif
