/* Months of agents: what is decided of them. */
#include "callpace/core/closed.h"
#include "centre_inner.h"

static struct month_tally *month_of_agent(struct centre *centre, struct slice agent_id,
                                          month_t month) {
  const struct centre_agent *agent = centre_find_agent(centre, agent_id);
  return agent ? centre_find_month(agent, month) : NULL;
}

void centre_touch_month(struct centre *centre, struct slice agent, month_t month, uint64_t lsn) {
  struct month_tally *tally = month_of_agent(centre, agent, month);
  if (!tally) return;
  tally->lsn = lsn;
  centre_mark_month(centre, tally);
}

void centre_close_month(struct centre *centre, struct slice agent, month_t month,
                        const struct month_closed *fact, uint64_t lsn) {
  struct month_tally *tally = month_of_agent(centre, agent, month);
  if (lsn > centre->lsn) centre->lsn = lsn;
  if (!tally || tally->closed) return;
  tally->closed = mem_alloc(sizeof *tally->closed);
  *tally->closed = *fact;
  centre_touch_month(centre, agent, month, lsn);
}

void centre_tell_month(struct centre *centre, struct slice agent, month_t month) {
  struct month_tally *tally = month_of_agent(centre, agent, month);
  if (tally) tally->told = true;
}
