/* Weeks and months close: every agent's is judged for good, and what follows is decided
 * (points, holds, alerts). Each step is a record of the journal, and each looks at
 * what the fold already holds, so that a crash between any two neither repeats nor
 * forgets one. POLICY sections 4 to 6. */
#ifndef CALLPACE_ENGINE_CLOSING_H
#define CALLPACE_ENGINE_CLOSING_H

#include "callpace/engine/engine.h"

/* Closes what is due at the fold's now; the first time also completes what a crash cut
 * off. Cheap when nothing is due. */
void closing_run(struct engine *engine);

#endif
