/* SIGHUP and `callpace reload`: everything of the new files, or nothing. */
#ifndef CALLPACE_ENGINE_RELOAD_H
#define CALLPACE_ENGINE_RELOAD_H

#include "callpace/engine/engine.h"

/* Makes the log go where the configuration says, and tells its warnings. */
void reload_log(const struct config *config);

/* Reads and checks the new configuration, policy and roster whole, opens what is
 * new, then swaps. On error all is as before and `error` says what to mend. */
enum status reload_run(struct engine *engine, struct error *error);

#endif
