#include "callpace/core/reassign.h"

#include <stdlib.h>

#include "callpace/base/mem.h"

__extension__ typedef __int128 int128;

enum { DAYS = 7 };

struct receiver {
  const struct centre_agent *agent;
  int64_t reached, issued, calls;
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

static struct receiver receiver_of(const struct centre_agent *agent, day_t monday) {
  const struct lead_week *week = centre_find_week(agent, monday);
  struct receiver receiver = {
      .agent = agent, .reached = week->closed->reached, .issued = week->closed->issued};
  for (day_t day = monday; day < monday + DAYS; day++) {
    const struct day_tally *tally = centre_find_day(agent, day);
    if (tally) receiver.calls += tally->calls;
  }
  return receiver;
}

/* By contact rate (none is the least), then by calls, then by id. */
static int by_merit(const void *a, const void *b) {
  const struct receiver *x = a, *y = b;
  if ((x->issued > 0) != (y->issued > 0)) return x->issued > 0 ? -1 : 1;
  int128 left = (int128)x->reached * y->issued, right = (int128)y->reached * x->issued;
  if (left != right) return left > right ? -1 : 1;
  if (x->calls != y->calls) return x->calls > y->calls ? -1 : 1;
  return strcmp(x->agent->id, y->agent->id);
}

void reassign_rank(const struct fold *fold, day_t monday, struct receivers *out) {
  size_t all = centre_agent_count(fold->centre);
  *out = (struct receivers){.ranked = mem_alloc((all + 1) * sizeof *out->ranked), .filled = true};
  for (size_t i = 0; i < all; i++) {
    const struct centre_agent *agent = centre_agent_at(fold->centre, i);
    if (agent->rostered && may_receive(fold, agent, monday))
      out->ranked[out->count++] = receiver_of(agent, monday);
  }
  qsort(out->ranked, out->count, sizeof *out->ranked, by_merit);
}

void receivers_free(struct receivers *receivers) {
  free(receivers->ranked);
  *receivers = (struct receivers){.ranked = NULL};
}

/* --- who gets what --- */

/* One that takes turns, and how many leads it has of all givers of the week. */
struct turn {
  struct slice id;
  size_t taken;
};

static size_t find_turns(const struct fold *fold, const struct receivers *receivers,
                         const struct centre_agent *giver, day_t monday,
                         const struct policy *policy, struct turn *out) {
  size_t count = 0, most = (size_t)policy->contact.receivers;
  for (size_t i = 0; i < receivers->count && count < most; i++) {
    const struct centre_agent *agent = receivers->ranked[i].agent;
    struct slice id = slice_of(agent->id);
    if (in_scope(giver, agent, policy->contact.reassign_site))
      out[count++] = (struct turn){id, proposals_taken(&fold->proposals, id, monday)};
  }
  return count;
}

/* Whoever has least, the better one first. */
static struct slice next_turn(struct turn *turns, size_t count, int64_t cap) {
  struct turn *next = NULL;
  for (size_t i = 0; i < count; i++)
    if (turns[i].taken < (size_t)cap && (!next || turns[i].taken < next->taken)) next = &turns[i];
  if (!next) return (struct slice){0};
  next->taken++;
  return next->id;
}

/* Books of the others in which there is something in the week that begins. */
struct others {
  const struct lead_book **books;
  size_t count;
};

static struct others others_of(const struct fold *fold, const struct centre_agent *giver,
                               day_t monday) {
  size_t all = centre_agent_count(fold->centre);
  struct others others = {.books = mem_alloc((all + 1) * sizeof *others.books)};
  for (size_t i = 0; i < all; i++) {
    const struct centre_agent *agent = centre_agent_at(fold->centre, i);
    const struct lead_week *week = centre_find_week(agent, monday + DAYS);
    if (agent != giver && week && week->book.lead_count > 0)
      others.books[others.count++] = &week->book;
  }
  return others;
}

static bool others_hold(const struct others *others, struct slice id) {
  for (size_t i = 0; i < others->count; i++) {
    const struct lead *lead = lead_book_find(others->books[i], id);
    if (lead && lead->held) return true;
  }
  return false;
}

void reassign_plan(const struct fold *fold, const struct receivers *receivers,
                   const struct centre_agent *giver, day_t monday, struct writer *moves) {
  const struct lead_week *week = centre_find_week(giver, monday);
  const struct policy *policy = policy_on(centre_settings(fold->centre)->policy, monday + DAYS - 1);
  struct others others = others_of(fold, giver, monday);
  struct turn *turns = mem_alloc((receivers->count + 1) * sizeof *turns);
  size_t count = find_turns(fold, receivers, giver, monday, policy, turns);
  for (uint32_t i = 0; week && i < week->book.lead_count; i++) {
    const struct lead *lead = &week->book.leads[i];
    struct proposal_move move = {.lead = lead_id(&week->book, lead),
                                 .number = lead_number(&week->book, lead)};
    if (!lead->held || lead->dials > 0 || others_hold(&others, move.lead)) continue;
    move.to = next_turn(turns, count, policy->contact.receiver_cap);
    proposal_put_move(moves, &move);
  }
  free(turns);
  free(others.books);
}

static bool still_receives(const struct fold *fold, struct slice id, day_t monday) {
  const struct centre_agent *agent = centre_find_agent(fold->centre, id);
  const struct lead_week *begins = agent ? centre_find_week(agent, monday + DAYS) : NULL;
  return agent && agent->rostered && !(begins && begins->on_hold);
}

void reassign_refresh(const struct fold *fold, const struct proposal *proposal,
                      struct writer *moves) {
  const struct centre_agent *giver = centre_find_agent(fold->centre, slice_of(proposal->agent));
  const struct lead_week *week = giver ? centre_find_week(giver, proposal->week) : NULL;
  struct others others = others_of(fold, giver, proposal->week);
  for (size_t i = 0; week && i < proposal->move_count; i++) {
    struct proposal_move move = proposal->moves[i];
    const struct lead *lead = lead_book_find(&week->book, move.lead);
    if (!lead || !lead->held || others_hold(&others, move.lead)) continue;
    if (!still_receives(fold, move.to, proposal->week)) move.to = (struct slice){0};
    proposal_put_move(moves, &move);
  }
  free(others.books);
}
