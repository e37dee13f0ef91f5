/* Undialled leads change hands: planned, approved or applied at once, moved, told. The
 * rules are core/reassign, the state is the fold's (core/proposal). POLICY section 5. */
#ifndef CALLPACE_ENGINE_REASSIGN_H
#define CALLPACE_ENGINE_REASSIGN_H

#include "callpace/base/writer.h"
#include "callpace/core/reassign.h"
#include "callpace/engine/engine.h"

/* Of an agent whose closed week asks for it: plans unless there is a plan, and goes on
 * with what is approved and not done. With mode: propose it tells that it waits.
 * `receivers` is filled when needed, and serves all givers of the week. */
void reassign_week(struct engine *engine, struct receivers *receivers,
                   const struct centre_agent *giver, day_t monday);

/* Goes on with all that was approved and cut off. */
void reassign_resume(struct engine *engine);

/* Somebody decides on the one that `id` names: AGENT/WEEK, the id of its alert, or the
 * agent (the newest that waits). Appends it as reassign_put
 * does. STATUS_USAGE: there is none, or it is decided already. */
enum status reassign_decide(struct engine *engine, struct slice id, bool approve, struct slice by,
                            struct writer *w, struct error *error);

/* Appends the array of `callpace leads proposals`: id, agent, week, state, by, at_ms, the
 * leads with lead, number and to, and a preview of both sides: the giver's and every
 * receiver's leads and contact rate of the judged week, and of the one that begins before
 * and after. */
void reassign_put(const struct engine *engine, struct writer *w);

#endif
