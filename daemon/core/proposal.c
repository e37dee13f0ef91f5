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

/* --- who gets how many --- */

struct taken {
  size_t count;
  size_t key_len;
  char key[]; /* the week's bytes, the agent */
};

static struct taken *find_taken(const struct proposals *proposals, struct slice agent, day_t week) {
  char room[sizeof week + 256], *key = room;
  struct taken *found = NULL;
  size_t len = sizeof week + agent.len;
  if (len > sizeof room) key = mem_alloc(len);
  memcpy(key, &week, sizeof week);
  if (agent.len) memcpy(key + sizeof week, agent.data, agent.len);
  found = table_get(&proposals->taken, (struct slice){key, len});
  if (key != room) free(key);
  return found;
}

static struct taken *need_taken(struct proposals *proposals, struct slice agent, day_t week) {
  struct taken *taken = find_taken(proposals, agent, week);
  if (taken) return taken;
  size_t len = sizeof week + agent.len;
  taken = mem_zalloc(sizeof *taken + len);
  taken->key_len = len;
  memcpy(taken->key, &week, sizeof week);
  if (agent.len) memcpy(taken->key + sizeof week, agent.data, agent.len);
  table_put(&proposals->taken, (struct slice){taken->key, len}, taken);
  return taken;
}

static void count_taken(struct proposals *proposals, const struct proposal *p, bool more) {
  for (size_t i = 0; p->state != PROPOSAL_REJECTED && i < p->move_count; i++) {
    struct taken *taken = need_taken(proposals, p->moves[i].to, p->week);
    taken->count += more ? 1 : (size_t)-1;
    if (taken->count > 0) continue;
    table_remove(&proposals->taken, (struct slice){taken->key, taken->key_len});
    free(taken);
  }
}

size_t proposals_taken(const struct proposals *proposals, struct slice agent, day_t week) {
  const struct taken *taken = find_taken(proposals, agent, week);
  return taken ? taken->count : 0;
}

void proposals_free(struct proposals *proposals) {
  for (struct proposal *next, *p = proposals->first; p; p = next) {
    next = p->next;
    count_taken(proposals, p, false);
    proposal_free(p);
  }
  table_free(&proposals->taken);
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
  if (p) count_taken(proposals, p, false);
  bool good = set_moves(p ? p : made, moves);
  if (!good) {
    if (p) count_taken(proposals, p, true);
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
  count_taken(proposals, p, true);
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
    if (p->week >= before) {
      append(&kept, p);
    } else {
      count_taken(proposals, p, false);
      proposal_free(p);
    }
  }
  kept.taken = proposals->taken;
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
