/* Reassignments of undialled leads: planned, waiting for approval, or under way. A plan
 * is journalled whole before its first lead moves, and counts how many have moved, so
 * that a crash in between neither repeats nor forgets one. Part of the fold. POLICY
 * section 5, "Reassignment". */
#ifndef CALLPACE_CORE_PROPOSAL_H
#define CALLPACE_CORE_PROPOSAL_H

#include <stdbool.h>
#include <stddef.h>

#include "callpace/base/slice.h"
#include "callpace/base/table.h"
#include "callpace/base/writer.h"
#include "callpace/core/period.h"

/* Values stand in the journal: never renumber. */
enum proposal_state {
  PROPOSAL_WAITING = 0,
  PROPOSAL_APPROVED = 1, /* by somebody, or by mode: apply at once */
  PROPOSAL_REJECTED = 2,
  PROPOSAL_STATES
};
const char *proposal_state_name(enum proposal_state state); /* "waiting"; NULL for none */

struct proposal_move {
  struct slice lead, number, to; /* `to` empty: the unassigned pool */
};

/* Of one agent and week: "AGENT/WEEK" names it. */
struct proposal {
  struct proposal *next;
  char *agent; /* who gives */
  day_t week;  /* Monday of the week that was judged */
  enum proposal_state state;
  msec_t at_ms; /* of the last change of state */
  char *by;     /* who decided; "" for nobody */
  size_t done;  /* moves that were made */
  bool told;    /* that it waits */
  char *bytes;  /* the moves as they were written; `moves` points into them */
  size_t bytes_len, move_count;
  struct proposal_move *moves;
};

/* Zero-initialise. */
struct proposals {
  struct proposal *first, *last; /* in the order of their coming */
  struct table taken;            /* week and agent -> how many leads it is to get */
};
void proposals_free(struct proposals *proposals); /* its content; leaves it empty */

struct proposal *proposal_find(const struct proposals *proposals, struct slice agent, day_t week);

/* How many leads the proposals of a week give to an agent, but for rejected ones. */
size_t proposals_taken(const struct proposals *proposals, struct slice agent, day_t week);

/* Appends a move in the form of the record. */
void proposal_put_move(struct writer *w, const struct proposal_move *move);

/* A change as the journal holds it: a new one, or what was decided of one that waits,
 * with its moves as they are then. Of one that is decided nothing changes. False:
 * the moves make no sense. */
bool proposal_take(struct proposals *proposals, struct slice agent, day_t week,
                   enum proposal_state state, struct slice by, struct slice moves, msec_t at_ms);
/* A lead moved from an agent, into the week behind the proposal's. */
void proposal_moved(struct proposals *proposals, struct slice from, day_t into_week,
                    struct slice lead);
/* Forgets weeks before this Monday. */
void proposals_drop(struct proposals *proposals, day_t before);

/* For snapshots. Loading into an empty one; bytes that make no sense set the reader's
 * `failed`. */
void proposals_save(const struct proposals *proposals, struct writer *w);
void proposals_load(struct proposals *proposals, struct reader *r);

#endif
