/* When to judge, and what becomes of it: verdicts into the tallies, decisions
 * into the journal. The rules themselves are core/pace and core/alert. */
#ifndef CALLPACE_ENGINE_JUDGE_H
#define CALLPACE_ENGINE_JUDGE_H

#include "callpace/engine/engine.h"

/* Judges every agent whose figures changed or whose time has come, tells newly
 * lost calls, closes days that are over. At the fold's now. */
void judge_run(struct engine *engine);

/* Takes alerts that are decided: into the journal, with the hooks that must hear. */
struct alert_sink judge_sink(struct engine *engine);

/* How long after a call was closed as lost it is told: its end may be next in a
 * backlog. With clock: events not at all. */
msec_t judge_lost_hold_ms(const struct engine *engine);

/* A source, Redis or the journal is down since `down_since_ms` (wall clock;
 * MSEC_NONE: it is well). Returns when to ask again; MSEC_MAX: on changes only. */
msec_t judge_outage(struct engine *engine, enum alert_type type, struct slice subject,
                    msec_t down_since_ms);

#endif
