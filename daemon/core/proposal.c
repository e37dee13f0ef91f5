#include "callpace/core/proposal.h"

#include <stdlib.h>

#include "callpace/base/mem.h"

enum { WEEK_DAYS = 7 };

const char *proposal_state_name(enum proposal_state state) {
  static const char *const names[PROPOSAL_STATES] = {"waiting", "approved", "rejected"};
  return (unsigned)state < PROPOSAL_STATES ? names[state] : NULL;
}

static void proposal_free(struct proposal *proposal) {
  free(proposal->agent);
  free(proposal->by);
  free(proposal->bytes);
  free(proposal->moves);
  free(proposal);
}

void proposals_free(struct proposals *proposals) {
  for (struct proposal *next, *p = proposals->first; p; p = next) {
    next = p->next;
    proposal_free(p);
  }
  *proposals = (struct proposals){.first = NULL};
}

struct proposal *proposal_find(const struct proposals *proposals, struct slice agent, day_t week) {
  for (struct proposal *p = proposals->first; p; p = p->next)
    if (p->week == week && slice_equal(slice_of(p->agent), agent)) return p;
  return NULL;
}

/* --- moves as bytes --- */

void proposal_put_move(struct writer *w, const struct proposal_move *move) {
  put_blob(w, move->lead);
  put_blob(w, move->number);
  put_blob(w, move->to);
}

static bool get_move(struct reader *r, struct proposal_move *move) {
  move->lead = get_blob(r);
  move->number = get_blob(r);
  move->to = get_blob(r);
  return !r->failed;
}

static bool set_moves(struct proposal *proposal, struct slice bytes) {
  struct proposal_move *moves = NULL;
  size_t count = 0, capacity = 0;
  char *copy = mem_slice_dup(bytes);
  struct reader r = reader_of((struct slice){copy, bytes.len});
  while (r.at < r.end && !r.failed) {
    moves = mem_grow(moves, &capacity, count + 1, sizeof *moves);
    if (get_move(&r, &moves[count])) count++;
  }
  if (r.failed) {
    free(moves);
    free(copy);
    return false;
  }
  free(proposal->bytes);
  free(proposal->moves);
  proposal->bytes = copy;
  proposal->bytes_len = bytes.len;
  proposal->moves = moves;
  proposal->move_count = count;
  return true;
}

/* --- changes --- */

static void append(struct proposals *proposals, struct proposal *proposal) {
  if (proposals->last)
    proposals->last->next = proposal;
  else
    proposals->first = proposal;
  proposals->last = proposal;
}

bool proposal_take(struct proposals *proposals, struct slice agent, day_t week,
                   enum proposal_state state, struct slice by, struct slice moves, msec_t at_ms) {
  struct proposal *p = proposal_find(proposals, agent, week);
  if (p && p->state != PROPOSAL_WAITING) return true;
  struct proposal *made = p ? NULL : mem_zalloc(sizeof *made);
  if (!set_moves(p ? p : made, moves)) {
    free(made);
    return false;
  }
  if (made) {
    made->agent = mem_slice_dup(agent);
    made->week = week;
    append(proposals, made);
    p = made;
  }
  free(p->by);
  p->by = mem_slice_dup(by);
  p->state = state;
  p->at_ms = at_ms;
  return true;
}

void proposal_moved(struct proposals *proposals, struct slice from, day_t into_week,
                    struct slice lead) {
  struct proposal *p = proposal_find(proposals, from, into_week - WEEK_DAYS);
  if (!p || p->state != PROPOSAL_APPROVED || p->done == p->move_count) return;
  if (slice_equal(p->moves[p->done].lead, lead)) p->done++;
}

void proposals_drop(struct proposals *proposals, day_t before) {
  struct proposals kept = {.first = NULL};
  for (struct proposal *next, *p = proposals->first; p; p = next) {
    next = p->next;
    p->next = NULL;
    if (p->week < before)
      proposal_free(p);
    else
      append(&kept, p);
  }
  *proposals = kept;
}

/* --- snapshots --- */

void proposals_save(const struct proposals *proposals, struct writer *w) {
  for (const struct proposal *p = proposals->first; p; p = p->next) {
    put_u8(w, 1);
    put_blob(w, slice_of(p->agent));
    put_varint_signed(w, p->week);
    put_u8(w, (uint8_t)p->state);
    put_blob(w, slice_of(p->by));
    put_blob(w, (struct slice){p->bytes, p->bytes_len});
    put_varint_signed(w, p->at_ms);
    put_varint(w, p->done);
    put_u8(w, p->told);
  }
  put_u8(w, 0);
}

static void load_one(struct proposals *proposals, struct reader *r) {
  struct slice agent = get_blob(r);
  int64_t week = get_varint_signed(r);
  uint8_t state = get_u8(r);
  struct slice by = get_blob(r), moves = get_blob(r);
  msec_t at_ms = get_varint_signed(r);
  uint64_t done = get_varint(r);
  bool told = get_u8(r) != 0;
  if (week != (day_t)week || state >= PROPOSAL_STATES ||
      proposal_find(proposals, agent, (day_t)week))
    r->failed = true;
  if (r->failed) return;
  if (!proposal_take(proposals, agent, (day_t)week, (enum proposal_state)state, by, moves, at_ms) ||
      done > proposals->last->move_count) {
    r->failed = true;
    return;
  }
  proposals->last->done = (size_t)done;
  proposals->last->told = told;
}

void proposals_load(struct proposals *proposals, struct reader *r) {
  while (get_u8(r) == 1 && !r->failed)
    load_one(proposals, r);
  if (r->failed) proposals_free(proposals);
}
