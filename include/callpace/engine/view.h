/* What supervisors read: writes what changed to Redis as absolute values, after
 * the barrier, as fast as Redis answers and no faster. CONTRACT section 4. */
#ifndef CALLPACE_ENGINE_VIEW_H
#define CALLPACE_ENGINE_VIEW_H

#include <sys/types.h>

#include "callpace/base/writer.h"
#include "callpace/engine/engine.h"

/* Starts the embedded redis-server if configured, and the connection. */
enum status view_new(struct engine *engine, struct view **out, struct error *error);
void view_free(struct view *view); /* stops the embedded server; NULL is fine */

/* After the barrier: sends the next batch if Redis is ready for one. */
void view_publish(struct view *view);
/* Once a second: source fields and state of callpace:meta, alerts of Redis itself. */
void view_upkeep(struct view *view);

/* Everything up to this LSN stands in Redis. */
uint64_t view_published_lsn(const struct view *view);
bool view_is_up(const struct view *view); /* Redis answers */
/* Nothing that is durable waits to be written. */
bool view_is_current(const struct view *view);
/* Appends the JSON object "redis" of the status. */
void view_put_status(const struct view *view, struct writer *w);
/* A child was reaped; true when it was the embedded server. */
bool view_reaped(struct view *view, pid_t pid, int status);

#endif
