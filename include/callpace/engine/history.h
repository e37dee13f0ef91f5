/* The past, read again from the journal with the daemon's own fold: beside a
 * running daemon or without one. Nothing is written. DESIGN, "The core is a fold". */
#ifndef CALLPACE_ENGINE_HISTORY_H
#define CALLPACE_ENGINE_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/base/status.h"
#include "callpace/core/settings.h"
#include "callpace/engine/engine.h"

struct history_options {
  const char *state_dir;
  day_t first, last;  /* the business days that must come out as the daemon has them */
  bool whole_journal; /* also what was developed or issued long before may matter: slower */
  /* Other rules: this text stands in for the policy in force, decisions of the
   * journal are passed over, and the engine decides anew. Empty: none. */
  struct slice policy_text;
  const char *policy_label; /* names it in errors */
};

/* Looks on; every function may be NULL. */
struct history_visitor {
  /* The fold stands ready, before the first record; it does not move. */
  void (*begin)(void *context, struct fold *fold);
  /* An event was folded in. */
  void (*event)(void *context, uint64_t lsn, const struct call_event *event,
                enum centre_result result);
  /* Time is about to pass, or has come to a moment at which something is due. */
  void (*judge)(void *context);
  /* An alert that the journal has, or with other rules one that they would raise or
   * resolve. */
  void (*alert)(void *context, struct slice id, bool raised);
  /* Every some thousand records; `done` of `total`. */
  void (*progress)(void *context, uint64_t done, uint64_t total);
  void *context;
};

struct history {
  struct engine engine;      /* dry; its fold is what came out */
  struct settings *settings; /* in force at the end; the fold borrows them */
  char node[65];             /* of the daemon that wrote last */
  struct alert_sink sink;    /* its own */
};

/* Folds what the journal has of those days, by the rules in force at each time, up
 * to its end, late events included. Days outside may be incomplete. STATUS_CONFIG:
 * the journal is damaged, empty, or holds no rules. `out` is to be freed in any
 * case and does not move. */
enum status history_read(const struct history_options *options,
                         const struct history_visitor *visitor, struct history *out,
                         struct error *error);
void history_free(struct history *history);

/* What there is: records, and the business days of the first and the last. The last
 * day is the running one, beside a daemon. */
struct history_extent {
  uint64_t first_lsn, last_lsn;
  day_t first, last;
};
enum status history_extent(const char *state_dir, struct history_extent *out, struct error *error);

#endif
