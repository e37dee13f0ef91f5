#include "callpace/core/reassign.h"

#include <stdlib.h>

#include "callpace/base/mem.h"

__extension__ typedef __int128 int128;

enum { DAYS = 7 };

struct receiver {
  struct slice id;
  int64_t reached, issued, calls;
  size_t taken; /* leads that it gets of this week's givers */
};

/* --- who may receive --- */

static bool in_scope(const struct centre_agent *giver, const struct centre_agent *agent,
                     bool site) {
  if (!agent->rostered || agent == giver) return false;
  if (site) return true;
  const struct team *team = giver->rostered->team, *other = agent->rostered->team;
  return team && other && strcmp(team->id, other->id) == 0;
}

/* Also before that week has begun, when its tally is not there yet. */
static bool works_in(const struct fold *fold, const struct agent *rostered, day_t monday) {
  for (day_t day = monday; day < monday + DAYS; day++) {
    struct day_plan plan;
    if (rostered->hired != DAY_NONE && day < rostered->hired) continue;
    day_plan_make(centre_settings(fold->centre)->policy, rostered, day, &plan);
    if (spans_total(&plan.productive) > 0) return true;
  }
  return false;
}

static bool may_receive(const struct fold *fold, const struct centre_agent *agent, day_t monday) {
  const struct lead_week *judged = centre_find_week(agent, monday);
  const struct lead_week *begins = centre_find_week(agent, monday + DAYS);
  if (!judged || !judged->closed || judged->closed->verdict.offence) return false;
  if (begins && begins->on_hold) return false;
  return works_in(fold, agent->rostered, monday + DAYS);
}

static struct receiver receiver_of(const struct fold *fold, const struct centre_agent *agent,
                                   day_t monday) {
  const struct lead_week *week = centre_find_week(agent, monday);
  struct receiver receiver = {
      .id = slice_of(agent->id), .reached = week->closed->reached, .issued = week->closed->issued};
  for (day_t day = monday; day < monday + DAYS; day++) {
    const struct day_tally *tally = centre_find_day(agent, day);
    if (tally) receiver.calls += tally->calls;
  }
  for (const struct proposal *p = fold->proposals.first; p; p = p->next)
    for (size_t i = 0; p->week == monday && p->state != PROPOSAL_REJECTED && i < p->move_count; i++)
      receiver.taken += slice_equal(p->moves[i].to, receiver.id);
  return receiver;
}

/* By contact rate (none is the least), then by calls, then by id. */
static int by_merit(const void *a, const void *b) {
  const struct receiver *x = a, *y = b;
  if ((x->issued > 0) != (y->issued > 0)) return x->issued > 0 ? -1 : 1;
  int128 left = (int128)x->reached * y->issued, right = (int128)y->reached * x->issued;
  if (left != right) return left > right ? -1 : 1;
  if (x->calls != y->calls) return x->calls > y->calls ? -1 : 1;
  size_t least = x->id.len < y->id.len ? x->id.len : y->id.len;
  int order = memcmp(x->id.data, y->id.data, least);
  return order ? order : (x->id.len > y->id.len) - (x->id.len < y->id.len);
}

/* The best; returns how many. */
static size_t find_receivers(const struct fold *fold, const struct centre_agent *giver,
                             day_t monday, const struct policy *policy, struct receiver **out) {
  size_t count = 0, all = centre_agent_count(fold->centre);
  struct receiver *receivers = mem_alloc((all + 1) * sizeof *receivers);
  for (size_t i = 0; i < all; i++) {
    const struct centre_agent *agent = centre_agent_at(fold->centre, i);
    if (in_scope(giver, agent, policy->contact.reassign_site) && may_receive(fold, agent, monday))
      receivers[count++] = receiver_of(fold, agent, monday);
  }
  qsort(receivers, count, sizeof *receivers, by_merit);
  *out = receivers;
  return count < (size_t)policy->contact.receivers ? count : (size_t)policy->contact.receivers;
}

/* --- who gets what --- */

/* Turns, over all givers: whoever has least, the better one first. */
static struct slice next_turn(struct receiver *receivers, size_t count, int64_t cap) {
  struct receiver *next = NULL;
  for (size_t i = 0; i < count; i++)
    if (receivers[i].taken < (size_t)cap && (!next || receivers[i].taken < next->taken))
      next = &receivers[i];
  if (!next) return (struct slice){0};
  next->taken++;
  return next->id;
}

static bool others_hold(const struct fold *fold, const struct centre_agent *giver, day_t monday,
                        struct slice id) {
  for (size_t i = 0; i < centre_agent_count(fold->centre); i++) {
    const struct centre_agent *agent = centre_agent_at(fold->centre, i);
    const struct lead_week *week = agent == giver ? NULL : centre_find_week(agent, monday);
    const struct lead *lead = week ? lead_book_find(&week->book, id) : NULL;
    if (lead && lead->held) return true;
  }
  return false;
}

void reassign_plan(struct fold *fold, const struct centre_agent *giver, day_t monday,
                   struct writer *moves) {
  const struct lead_week *week = centre_find_week(giver, monday);
  const struct policy *policy = policy_on(centre_settings(fold->centre)->policy, monday + DAYS - 1);
  struct receiver *receivers;
  size_t count = find_receivers(fold, giver, monday, policy, &receivers);
  for (uint32_t i = 0; week && i < week->book.lead_count; i++) {
    const struct lead *lead = &week->book.leads[i];
    struct proposal_move move = {.lead = lead_id(&week->book, lead),
                                 .number = lead_number(&week->book, lead)};
    if (!lead->held || lead->dials > 0 || others_hold(fold, giver, monday + DAYS, move.lead))
      continue;
    move.to = next_turn(receivers, count, policy->contact.receiver_cap);
    proposal_put_move(moves, &move);
  }
  free(receivers);
}

static bool still_receives(const struct fold *fold, struct slice id, day_t monday) {
  const struct centre_agent *agent = centre_find_agent(fold->centre, id);
  const struct lead_week *begins = agent ? centre_find_week(agent, monday + DAYS) : NULL;
  return agent && agent->rostered && !(begins && begins->on_hold);
}

void reassign_refresh(struct fold *fold, const struct proposal *proposal, struct writer *moves) {
  const struct centre_agent *giver = centre_find_agent(fold->centre, slice_of(proposal->agent));
  const struct lead_week *week = giver ? centre_find_week(giver, proposal->week) : NULL;
  for (size_t i = 0; week && i < proposal->move_count; i++) {
    struct proposal_move move = proposal->moves[i];
    const struct lead *lead = lead_book_find(&week->book, move.lead);
    if (!lead || !lead->held || others_hold(fold, giver, proposal->week + DAYS, move.lead))
      continue;
    if (!still_receives(fold, move.to, proposal->week)) move.to = (struct slice){0};
    proposal_put_move(moves, &move);
  }
}
