/* What became of every alert: until when it was open, who was told and when, and who
 * said that it is seen to. Part of the fold; what is to be escalated, how an alert is
 * shown, and the figures of `callpace alerts stats` are read from it. */
#ifndef CALLPACE_CORE_ALERT_BOOK_H
#define CALLPACE_CORE_ALERT_BOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "callpace/base/clock.h"
#include "callpace/base/slice.h"
#include "callpace/base/table.h"
#include "callpace/base/writer.h"
#include "callpace/core/alert.h"

/* The oldest are forgotten beyond this. */
enum { ALERT_BOOK_MAX = 10000 };

/* A hook that was told of a case. */
struct alert_told {
  struct alert_told *next;
  bool escalated; /* because others had not acknowledged */
  msec_t told_ms; /* the fold's now when it was, or was given up; MSEC_NONE: not yet */
  char name[];
};

/* One alert from its raising on; an id that is raised again has a new one. */
struct alert_case {
  struct alert_case *newer, *older;
  enum alert_type type;
  char *id;
  msec_t raised_ms, resolved_ms; /* at_ms of the alert; MSEC_NONE: not resolved */
  bool recovered;                /* resolved because it went well; else it ran out */
  msec_t acked_ms;               /* MSEC_NONE: not acknowledged */
  char *acked_by, *note;         /* NULL without an acknowledgement; note may be "" */
  struct alert_told *told;
};

/* Zero-initialise. */
struct alert_book {
  struct alert_case *oldest, *newest;
  size_t count;
  struct table by_id; /* id -> its newest case */
};
void alert_book_free(struct alert_book *book); /* its content */

/* What is known of telling a hook of it; NULL: it is not to be told. */
struct alert_told *alert_case_told(const struct alert_case *c, struct slice hook);
/* The newest case of an id, or NULL. */
struct alert_case *alert_book_find(const struct alert_book *book, struct slice id);

/* The records, in order. Ids that are no alert's are passed over. `hooks`: names to
 * be told, as in the record; those with '^' join the case that there is. */
void alert_book_raise(struct alert_book *book, struct slice id, msec_t at_ms, struct slice hooks);
void alert_book_resolve(struct alert_book *book, struct slice id, msec_t at_ms, bool recovered);
void alert_book_told(struct alert_book *book, struct slice id, struct slice hook, msec_t now_ms);
void alert_book_ack(struct alert_book *book, struct slice id, msec_t at_ms, struct slice by,
                    struct slice note);

/* Appends an alert's JSON, for its raising with the member "acked" ({at_ms, by, note})
 * when it was acknowledged. */
void alert_book_put_json(const struct alert_book *book, struct slice id, bool raised, msec_t at_ms,
                         struct slice json, struct writer *w);

/* How alerts of a type fared, of those that are kept. */
struct alert_stats {
  size_t raised, recovered, ran_out, acked, open; /* open: lasting ones only */
  msec_t median_recovered_ms;                     /* from raising; MSEC_NONE: none did */
  msec_t median_acked_ms;
};
void alert_book_stats(const struct alert_book *book, enum alert_type type, struct alert_stats *out);

/* For snapshots. Loading into an empty one; nonsense sets the reader's `failed`. */
void alert_book_save(const struct alert_book *book, struct writer *w);
void alert_book_load(struct alert_book *book, struct reader *r);

#endif
