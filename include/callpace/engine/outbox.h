/* Alerts on their way to hooks: what waits is in the fold (core/alert_log), when
 * and how often it is tried is here. At least once, across any crash. CONTRACT
 * section 5. */
#ifndef CALLPACE_ENGINE_OUTBOX_H
#define CALLPACE_ENGINE_OUTBOX_H

#include <stdbool.h>
#include <sys/types.h>

#include "callpace/base/writer.h"
#include "callpace/engine/engine.h"

struct outbox *outbox_new(struct engine *engine);
void outbox_free(struct outbox *outbox); /* ends running hooks; NULL is fine */

/* Takes over the hooks of a configuration. What waits for a hook that is no
 * longer there is given up, on the record. Config stays borrowed. */
void outbox_configure(struct outbox *outbox, const struct config *config);

/* Appends the names of the hooks that an alert is for, by its type, team, severity and
 * their budgets, as RECORD_ALERT holds them. */
void outbox_put_hooks(const struct outbox *outbox, const struct alert *alert, struct slice id,
                      struct writer *out);

/* After the barrier: starts what waits, is durable, and may run now. */
void outbox_deliver(struct outbox *outbox);

/* No hook runs. */
bool outbox_is_idle(const struct outbox *outbox);
/* A child was reaped; true when it was a hook. */
bool outbox_reaped(struct outbox *outbox, pid_t pid, int status);
/* Appends the JSON array "hooks" of the status. */
void outbox_put_status(const struct outbox *outbox, struct writer *w);

#endif
