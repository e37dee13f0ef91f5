/* The ledger of points: append-only, one chain of hashes an agent, so that a
 * changed past shows. An entry is undone by another one, never edited. Pure; part
 * of the fold. POLICY section 6. */
#ifndef CALLPACE_CORE_POINTS_H
#define CALLPACE_CORE_POINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callpace/base/table.h"
#include "callpace/base/writer.h"
#include "callpace/core/period.h"

/* Values stand in the journal: never renumber. */
enum points_kind {
  POINTS_NONE = 0,
  POINTS_LADDER = 1,   /* a rung of the contact ladder */
  POINTS_REVIEW = 2,   /* the event review.points */
  POINTS_MANUAL = 3,   /* callpace score add */
  POINTS_REVERSAL = 4, /* callpace score reverse */
  POINTS_KINDS
};
const char *points_kind_name(enum points_kind kind); /* "ladder"; NULL for what is none */

enum { POINTS_HASH_SIZE = 32, POINTS_MAX = 1000000000 };

/* What an entry says. Slices are borrowed by whoever hands one over, and the
 * ledger's own once it is in. */
struct points_fact {
  uint64_t number; /* from 1 on, over all agents */
  enum points_kind kind;
  month_t month;     /* into which it books */
  msec_t at_ms;      /* when it was decided */
  msec_t final_ms;   /* provisional until then (the appeal window) */
  int64_t points;    /* signed; within ±POINTS_MAX */
  uint64_t reverses; /* number of the entry that it undoes; 0: none */
  /* Evidence of a ladder entry. */
  day_t week;        /* Monday; DAY_NONE elsewhere */
  day_t policy_from; /* DAY_NONE: no policy behind it */
  int64_t rate_bp, threshold_bp;
  uint32_t rung;
  struct slice agent, reason, by, id;
};

/* Its numbers, for the journal. Reading checks ranges; false: no entry. */
enum { POINTS_NUMBERS = 12 };
void points_fact_pack(const struct points_fact *fact, int64_t out[POINTS_NUMBERS]);
bool points_fact_unpack(const int64_t numbers[POINTS_NUMBERS], struct points_fact *out);

struct points_entry {
  struct points_entry *older, *newer; /* of the same agent */
  struct points_fact fact;
  bool reversed; /* a later entry undoes it */
  uint8_t before[POINTS_HASH_SIZE], hash[POINTS_HASH_SIZE];
};

/* A review that came as an event and has no entry yet. */
struct points_review {
  struct points_review *next;
  char *agent, *reason, *by, *id;
  int64_t points;
  msec_t ts_ms;
};

/* Zero-initialise. */
struct points {
  struct table agents; /* id -> struct points_agent */
  struct points_agent *first, *last;
  struct table review_ids;       /* ids of reviews that came */
  struct points_entry **entries; /* in the order of their numbers, without holes */
  size_t count, capacity;
  uint64_t dropped;                             /* numbers up to here are gone */
  struct points_review *pending, *pending_last; /* in the order of their coming */
};
void points_free(struct points *points); /* its content; leaves it empty */

/* SHA-256 of the entry behind one whose hash is `before` (all zero: the first).
 * The bytes are told in doc/journal-format.md. */
void points_hash(const uint8_t before[POINTS_HASH_SIZE], const struct points_fact *fact,
                 uint8_t out[POINTS_HASH_SIZE]);
/* The hash of an agent's newest entry; all zero where there is none. */
void points_head(const struct points *points, struct slice agent, uint8_t out[POINTS_HASH_SIZE]);
/* Number for the next entry. */
uint64_t points_next(const struct points *points);

/* Adds an entry as the journal holds it, whatever its hashes say; points_verify
 * tells. Texts are copied. A review's takes its event off `pending`. An empty ledger
 * begins with any number: what was before is gone. NULL and no change: its number is
 * not the next, or a value is out of range. */
const struct points_entry *points_add(struct points *points, const struct points_fact *fact,
                                      const uint8_t before[POINTS_HASH_SIZE],
                                      const uint8_t hash[POINTS_HASH_SIZE]);
/* NULL: there is none, or it has been dropped. */
const struct points_entry *points_find(const struct points *points, uint64_t number);
/* The newest entry of an agent; NULL. */
const struct points_entry *points_newest(const struct points *points, struct slice agent);
/* Whether an agent's week (by its Monday) has its ladder entry. */
bool points_has_week(const struct points *points, struct slice agent, day_t monday);
/* Sum of an agent's entries that book into a month. */
int64_t points_sum(const struct points *points, struct slice agent, month_t month);

/* Takes a review.points event, once per id (CONTRACT section 2); false: had it. It
 * waits in `pending` until its entry is added. */
bool points_take_review(struct points *points, struct slice agent, int64_t value,
                        struct slice reason, struct slice by, struct slice id, msec_t ts_ms);

/* The first entry whose hash does not fit its content or the entry before it;
 * NULL when the chain holds. */
const struct points_entry *points_verify(const struct points *points);

/* Forgets entries that book into months before `month`; chains go on. */
void points_drop(struct points *points, month_t month);

/* For snapshots. Loading into an empty ledger; bytes that make no sense set the
 * reader's `failed` and leave it empty. */
void points_save(const struct points *points, struct writer *w);
void points_load(struct points *points, struct reader *r);

#endif
