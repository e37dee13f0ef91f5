/* The line, in order, with its one barrier (DESIGN, "One idea"):
 *
 *   bytes -> dialect -> call_event -> call -> tally -> judge -> journal || ack, view, hooks
 *
 * Everything before the barrier touches memory only; pipeline_commit is the
 * barrier. This is the only file that knows what comes after what. */
#ifndef CALLPACE_ENGINE_PIPELINE_H
#define CALLPACE_ENGINE_PIPELINE_H

#include "callpace/engine/engine.h"

/* Reads the clock once and lets time pass up to it. Every way into the line calls
 * it; the second call of a tick does nothing. */
void pipeline_begin(struct engine *engine);

/* An event of a journal origin goes down the line. `seq` 0: none. The event's
 * agent is replaced by the roster id it stands for. */
enum centre_result pipeline_event(struct engine *engine, uint32_t origin, uint64_t seq,
                                  struct call_event *event);
/* Any other record: into the journal and folded in. `now_ms` is filled in.
 * Returns its LSN. */
uint64_t pipeline_record(struct engine *engine, struct record *record);

/* Judges what changed, then the barrier: one write and sync of all that was
 * appended, and only when it holds: acknowledgements, Redis, hooks. */
void pipeline_commit(struct engine *engine);

/* The time (wall clock) by which pipeline_commit should run again though nothing
 * came; MSEC_MAX: never. */
msec_t pipeline_due(struct engine *engine);

#endif
