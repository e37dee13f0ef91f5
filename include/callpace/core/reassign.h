/* Who gets the leads that an agent left undialled. Looks, and changes nothing. POLICY
 * section 5, "Reassignment". */
#ifndef CALLPACE_CORE_REASSIGN_H
#define CALLPACE_CORE_REASSIGN_H

#include "callpace/core/fold.h"

/* Who may receive leads of a closed week, best first. Zero-initialise; reassign_rank
 * fills it, for as long as neither offences nor holds change. */
struct receivers {
  struct receiver *ranked;
  size_t count;
  bool filled;
};
void reassign_rank(const struct fold *fold, day_t monday, struct receivers *out);
void receivers_free(struct receivers *receivers); /* its content */

/* Appends the moves (proposal_put_move) of the undialled leads of a closed week, in the
 * order of issue: its best receivers take turns up to the cap, counting what other
 * proposals of the week gave them; the rest, and all without receivers, goes to the
 * pool. Leads that others hold in the week that begins stay out. */
void reassign_plan(const struct fold *fold, const struct receivers *receivers,
                   const struct centre_agent *giver, day_t monday, struct writer *moves);

/* The moves of a proposal as they can still be made: without leads that were withdrawn
 * or are held by others meanwhile; to the pool where the receiver left or is on hold. */
void reassign_refresh(const struct fold *fold, const struct proposal *proposal,
                      struct writer *moves);

#endif
