/* How the daemon itself is doing: the status document of CONTRACT section 8. */
#ifndef CALLPACE_ENGINE_STATS_H
#define CALLPACE_ENGINE_STATS_H

#include "callpace/base/writer.h"
#include "callpace/engine/engine.h"

/* Appends the JSON object. */
void stats_put_status(const struct engine *engine, struct writer *w);

#endif
