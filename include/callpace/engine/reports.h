/* Reports that are written by themselves once their period has closed, in a child:
 * a slow disk does not hold up the line. */
#ifndef CALLPACE_ENGINE_REPORTS_H
#define CALLPACE_ENGINE_REPORTS_H

#include <sys/types.h>

#include "callpace/engine/engine.h"

/* Once a second: starts the child when a business day has closed since. After a
 * start what closed in the last week is looked for, too. */
void reports_upkeep(struct engine *engine);
/* A child was reaped; true when it was this one. */
bool reports_reaped(struct engine *engine, pid_t pid, int status);
/* The configuration changed: look for what is missing. */
void reports_reconfigure(struct engine *engine);

#endif
