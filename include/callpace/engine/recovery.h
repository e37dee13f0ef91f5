/* Back to where the journal ends: snapshot, replay, and the settings in force.
 * And forward again: the snapshots that bound the next recovery. */
#ifndef CALLPACE_ENGINE_RECOVERY_H
#define CALLPACE_ENGINE_RECOVERY_H

#include <sys/types.h>

#include "callpace/engine/engine.h"

/* Fills engine->fold from engine->config->state_dir, whose journal is open, and
 * records this start. engine->settings are those of the files. Progress and what
 * was found go to the log. */
enum status recovery_run(struct engine *engine, const struct journal_found *found,
                         struct error *error);

/* Records the settings when they are not those recorded last. */
void recovery_note_settings(struct engine *engine);
/* Says again what is in force, in a segment that begins: rules and sources that are
 * down. Whoever looks back starts there, and older segments may be gone. */
void recovery_note_segment(struct engine *e);

/* Begins a snapshot in a child when one is due; retention after it. */
void snapshot_upkeep(struct engine *engine);
/* Writes one here and now (at an orderly end). */
void snapshot_now(struct engine *engine);
/* Ends the child that writes one, if any, and waits for its end. */
void snapshot_abandon(struct engine *engine);
/* A child was reaped; true when it was the snapshot's. */
bool snapshot_reaped(struct engine *engine, pid_t pid, int status);

#endif
