/* Senders that said hello, and how far each has come: the memory behind "what was
 * acknowledged is never counted twice". CONTRACT section 2, "Opening". */
#ifndef CALLPACE_CORE_PRODUCER_H
#define CALLPACE_CORE_PRODUCER_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/base/clock.h"
#include "callpace/base/table.h"
#include "callpace/base/writer.h"

/* One epoch of one producer. A sender may return to an earlier epoch; the newest
 * PRODUCER_EPOCHS_MAX of each producer are remembered. */
enum { PRODUCER_EPOCHS_MAX = 16 };
struct producer_epoch {
  struct producer *producer;
  struct producer_epoch *older;
  char *name;
  uint64_t seq;   /* highest taken; 0: none */
  msec_t last_ms; /* ts of the event taken last, or MSEC_NONE */
};

struct producer {
  char *name;
  struct producer_epoch *epochs; /* the one used last first */
};

/* Zero-initialise. */
struct producers {
  struct table by_name;
};
void producers_free(struct producers *producers); /* its content */

/* The epoch of a producer, made when new. Moves it to the front. When there are
 * too many the oldest goes, and is told in `*gone` (as an address to forget; may
 * be NULL), else `*gone` becomes NULL. */
struct producer_epoch *producers_epoch(struct producers *producers, struct slice producer,
                                       struct slice epoch, const struct producer_epoch **gone);
/* How far a producer's epoch has come; 0 when it is not known. Changes nothing. */
uint64_t producers_seq(const struct producers *producers, struct slice producer,
                       struct slice epoch);

/* For snapshots. Loading into an empty one; nonsense sets the reader's `failed`. */
void producers_save(const struct producers *producers, struct writer *w);
void producers_load(struct producers *producers, struct reader *r);

#endif
