/* The past, read again from the journal with the daemon's own fold: beside a
 * running daemon or without one. Nothing is written. DESIGN, "The core is a fold". */
#ifndef CALLPACE_ENGINE_HISTORY_H
#define CALLPACE_ENGINE_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/base/status.h"
#include "callpace/core/fold.h"
#include "callpace/core/settings.h"

struct history_options {
  const char *state_dir;
  day_t first, last;  /* the business days that must come out as the daemon has them */
  bool whole_journal; /* also what was developed or issued long before may matter: slower */
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
  void *context;
};

struct history {
  struct fold fold;
  struct settings *settings; /* in force at the end; the fold borrows them */
  char node[65];             /* of the daemon that wrote last */
};

/* Folds what the journal has of those days, by the rules in force at each time, up
 * to its end, late events included. Days outside may be incomplete. STATUS_CONFIG:
 * the journal is damaged, empty, or holds no rules. `out` is to be freed in any
 * case. */
enum status history_read(const struct history_options *options,
                         const struct history_visitor *visitor, struct history *out,
                         struct error *error);
void history_free(struct history *history);

/* The business day with which the journal ends: the running one, beside a daemon. */
enum status history_today(const char *state_dir, day_t *today, struct error *error);

#endif
