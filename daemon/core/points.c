#include "callpace/core/points.h"

#include <openssl/sha.h>
#include <stdlib.h>

#include "callpace/base/mem.h"

/* Up to the year 10000, and beyond. */
enum { DAY_MAX = 4000000, MONTH_MAX = 120000 };

/* Its newest entry may be gone, its hash stays. */
struct points_agent {
  struct points_agent *next; /* in the order of their coming, so that snapshots are repeatable */
  char *id;
  struct points_entry *newest;
  uint8_t head[POINTS_HASH_SIZE];
};

const char *points_kind_name(enum points_kind kind) {
  static const char *const names[POINTS_KINDS] = {NULL, "ladder", "review", "manual", "reversal"};
  return (unsigned)kind < POINTS_KINDS ? names[kind] : NULL;
}

static void review_free(struct points_review *review) {
  free(review->agent);
  free(review->reason);
  free(review->by);
  free(review->id);
  free(review);
}

void points_free(struct points *points) {
  for (size_t i = 0; i < points->count; i++)
    free(points->entries[i]);
  free(points->entries);
  for (struct points_review *next, *review = points->pending; review; review = next) {
    next = review->next;
    review_free(review);
  }
  for (struct points_agent *next, *agent = points->first; agent; agent = next) {
    next = agent->next;
    free(agent->id);
    free(agent);
  }
  table_free(&points->agents);
  table_free(&points->review_ids);
  *points = (struct points){0};
}

/* The order stands in the journal: never change it. */
void points_fact_pack(const struct points_fact *fact, int64_t out[POINTS_NUMBERS]) {
  const int64_t numbers[POINTS_NUMBERS] = {(int64_t)fact->number,
                                           fact->kind,
                                           fact->month,
                                           fact->at_ms,
                                           fact->final_ms,
                                           fact->points,
                                           (int64_t)fact->reverses,
                                           fact->week,
                                           fact->policy_from,
                                           fact->rate_bp,
                                           fact->threshold_bp,
                                           fact->rung};
  memcpy(out, numbers, sizeof numbers);
}

static bool is_day(int64_t day) {
  return day >= -DAY_MAX && day <= DAY_MAX;
}

bool points_fact_unpack(const int64_t n[POINTS_NUMBERS], struct points_fact *out) {
  if (n[0] < 1 || n[1] <= POINTS_NONE || n[1] >= POINTS_KINDS || n[2] < 0 || n[2] > MONTH_MAX ||
      n[5] < -POINTS_MAX || n[5] > POINTS_MAX || n[6] < 0 || n[11] != (uint32_t)n[11])
    return false;
  if (!is_day(n[7]) && (n[7] != DAY_NONE || n[1] == POINTS_LADDER)) return false;
  if (!is_day(n[8]) && n[8] != DAY_NONE) return false;
  *out = (struct points_fact){.number = (uint64_t)n[0],
                              .kind = (enum points_kind)n[1],
                              .month = (month_t)n[2],
                              .at_ms = n[3],
                              .final_ms = n[4],
                              .points = n[5],
                              .reverses = (uint64_t)n[6],
                              .week = (day_t)n[7],
                              .policy_from = (day_t)n[8],
                              .rate_bp = n[9],
                              .threshold_bp = n[10],
                              .rung = (uint32_t)n[11]};
  return true;
}

/* --- the chain --- */

static void put_fact(struct writer *w, const struct points_fact *fact) {
  put_u64(w, fact->number);
  put_u8(w, (uint8_t)fact->kind);
  put_varint_signed(w, fact->month);
  put_varint_signed(w, fact->at_ms);
  put_varint_signed(w, fact->final_ms);
  put_varint_signed(w, fact->points);
  put_varint(w, fact->reverses);
  put_varint_signed(w, fact->week);
  put_varint_signed(w, fact->policy_from);
  put_varint_signed(w, fact->rate_bp);
  put_varint_signed(w, fact->threshold_bp);
  put_varint(w, fact->rung);
  put_blob(w, fact->agent);
  put_blob(w, fact->reason);
  put_blob(w, fact->by);
  put_blob(w, fact->id);
}

void points_hash(const uint8_t before[POINTS_HASH_SIZE], const struct points_fact *fact,
                 uint8_t out[POINTS_HASH_SIZE]) {
  struct writer w = {0};
  put_bytes(&w, before, POINTS_HASH_SIZE);
  put_fact(&w, fact);
  SHA256((const unsigned char *)w.data, w.len, out);
  writer_free(&w);
}

void points_head(const struct points *points, struct slice agent, uint8_t out[POINTS_HASH_SIZE]) {
  const struct points_agent *known = table_get(&points->agents, agent);
  if (known)
    memcpy(out, known->head, POINTS_HASH_SIZE);
  else
    memset(out, 0, POINTS_HASH_SIZE);
}

static bool fits(const struct points_entry *entry) {
  uint8_t hash[POINTS_HASH_SIZE];
  points_hash(entry->before, &entry->fact, hash);
  if (memcmp(hash, entry->hash, sizeof hash) != 0) return false;
  return !entry->older || memcmp(entry->older->hash, entry->before, sizeof hash) == 0;
}

const struct points_entry *points_verify(const struct points *points) {
  for (size_t i = 0; i < points->count; i++)
    if (!fits(points->entries[i])) return points->entries[i];
  return NULL;
}

/* --- entries --- */

uint64_t points_next(const struct points *points) {
  return points->dropped + points->count + 1;
}

static struct points_entry *entry_at(const struct points *points, uint64_t number) {
  if (number <= points->dropped || number >= points_next(points)) return NULL;
  return points->entries[number - points->dropped - 1];
}

const struct points_entry *points_find(const struct points *points, uint64_t number) {
  return entry_at(points, number);
}

const struct points_entry *points_newest(const struct points *points, struct slice agent) {
  const struct points_agent *known = table_get(&points->agents, agent);
  return known ? known->newest : NULL;
}

int64_t points_sum(const struct points *points, struct slice agent, month_t month) {
  int64_t sum = 0;
  for (const struct points_entry *e = points_newest(points, agent); e; e = e->older)
    if (e->fact.month == month) sum += e->fact.points;
  return sum;
}

bool points_has_week(const struct points *points, struct slice agent, day_t monday) {
  for (const struct points_entry *e = points_newest(points, agent); e; e = e->older)
    if (e->fact.kind == POINTS_LADDER && e->fact.week == monday) return true;
  return false;
}

static struct points_agent *agent_of(struct points *points, struct slice id) {
  struct points_agent *agent = table_get(&points->agents, id);
  if (agent) return agent;
  agent = mem_zalloc(sizeof *agent);
  agent->id = mem_slice_dup(id);
  table_put(&points->agents, (struct slice){agent->id, id.len}, agent);
  if (points->last)
    points->last->next = agent;
  else
    points->first = agent;
  points->last = agent;
  return agent;
}

static struct slice keep(char **room, struct slice text) {
  struct slice kept = {*room, text.len};
  if (text.len) memcpy(*room, text.data, text.len);
  *room += text.len;
  return kept;
}

/* Its texts lie behind it; the agent's id is the ledger's. */
static struct points_entry *make_entry(const struct points_fact *fact, struct slice agent) {
  struct points_entry *entry =
      mem_zalloc(sizeof *entry + fact->reason.len + fact->by.len + fact->id.len + 1);
  char *room = (char *)(entry + 1);
  entry->fact = *fact;
  entry->fact.agent = agent;
  entry->fact.reason = keep(&room, fact->reason);
  entry->fact.by = keep(&room, fact->by);
  entry->fact.id = keep(&room, fact->id);
  return entry;
}

static void review_done(struct points *points, const struct points_entry *entry) {
  struct points_review *review = points->pending;
  table_remove(&points->review_ids, entry->fact.id); /* its key is the event's */
  if (entry->fact.id.len) table_put(&points->review_ids, entry->fact.id, (void *)(uintptr_t)entry);
  if (!review || !slice_equal(slice_of(review->agent), entry->fact.agent)) return;
  points->pending = review->next;
  if (!points->pending) points->pending_last = NULL;
  review_free(review);
}

const struct points_entry *points_add(struct points *points, const struct points_fact *fact,
                                      const uint8_t before[POINTS_HASH_SIZE],
                                      const uint8_t hash[POINTS_HASH_SIZE]) {
  bool begins = points->count == 0 && points->dropped == 0;
  if (fact->number != points_next(points) && !(begins && fact->number > 0)) return NULL;
  if (!points_kind_name(fact->kind)) return NULL;
  if (fact->points < -POINTS_MAX || fact->points > POINTS_MAX) return NULL;
  points->dropped = fact->number - points->count - 1;
  struct points_agent *agent = agent_of(points, fact->agent);
  struct points_entry *entry = make_entry(fact, (struct slice){agent->id, fact->agent.len});
  memcpy(entry->before, before, POINTS_HASH_SIZE);
  memcpy(entry->hash, hash, POINTS_HASH_SIZE);
  memcpy(agent->head, hash, POINTS_HASH_SIZE);
  entry->older = agent->newest;
  if (entry->older) entry->older->newer = entry;
  agent->newest = entry;
  points->entries = mem_grow(points->entries, &points->capacity, points->count + 1,
                             sizeof(struct points_entry *));
  points->entries[points->count++] = entry;
  struct points_entry *undone = entry_at(points, fact->reverses);
  if (undone) undone->reversed = true;
  if (fact->kind == POINTS_REVIEW) review_done(points, entry);
  return entry;
}

bool points_take_review(struct points *points, struct slice agent, int64_t value,
                        struct slice reason, struct slice by, struct slice id, msec_t ts_ms) {
  if (id.len && table_get(&points->review_ids, id)) return false;
  struct points_review *review = mem_zalloc(sizeof *review);
  *review = (struct points_review){.agent = mem_slice_dup(agent),
                                   .reason = mem_slice_dup(reason),
                                   .by = mem_slice_dup(by),
                                   .id = mem_slice_dup(id),
                                   .points = value,
                                   .ts_ms = ts_ms};
  if (id.len) table_put(&points->review_ids, (struct slice){review->id, id.len}, review);
  if (points->pending_last)
    points->pending_last->next = review;
  else
    points->pending = review;
  points->pending_last = review;
  return true;
}

static void drop_entry(struct points *points, struct points_entry *entry) {
  struct points_agent *agent = table_get(&points->agents, entry->fact.agent);
  if (entry->newer)
    entry->newer->older = NULL;
  else
    agent->newest = NULL;
  if (entry->fact.id.len && table_get(&points->review_ids, entry->fact.id) == entry)
    table_remove(&points->review_ids, entry->fact.id);
  free(entry);
}

void points_drop(struct points *points, month_t month) {
  size_t old = 0;
  while (old < points->count && points->entries[old]->fact.month < month)
    drop_entry(points, points->entries[old++]);
  points->count -= old;
  points->dropped += old;
  if (old) memmove(points->entries, points->entries + old, points->count * sizeof *points->entries);
}

/* --- snapshots --- */

static void save_entry(const struct points_entry *entry, struct writer *w) {
  put_fact(w, &entry->fact);
  put_bytes(w, entry->before, POINTS_HASH_SIZE);
  put_bytes(w, entry->hash, POINTS_HASH_SIZE);
}

static void save_review(const struct points_review *review, struct writer *w) {
  put_blob(w, slice_of(review->agent));
  put_varint_signed(w, review->points);
  put_blob(w, slice_of(review->reason));
  put_blob(w, slice_of(review->by));
  put_blob(w, slice_of(review->id));
  put_varint_signed(w, review->ts_ms);
}

void points_save(const struct points *points, struct writer *w) {
  put_varint(w, points->dropped);
  put_varint(w, points->count);
  for (size_t i = 0; i < points->count; i++)
    save_entry(points->entries[i], w);
  uint64_t heads = 0, waiting = 0;
  for (const struct points_review *review = points->pending; review; review = review->next)
    waiting++;
  for (const struct points_agent *agent = points->first; agent; agent = agent->next)
    heads += !agent->newest;
  put_varint(w, heads); /* of those who have no entry left */
  for (const struct points_agent *agent = points->first; agent; agent = agent->next) {
    if (agent->newest) continue;
    put_blob(w, slice_of(agent->id));
    put_bytes(w, agent->head, POINTS_HASH_SIZE);
  }
  put_varint(w, waiting);
  for (const struct points_review *review = points->pending; review; review = review->next)
    save_review(review, w);
}

static void get_hash(struct reader *r, uint8_t out[POINTS_HASH_SIZE]) {
  if (r->end - r->at < POINTS_HASH_SIZE) r->failed = true;
  if (r->failed) return;
  memcpy(out, r->at, POINTS_HASH_SIZE);
  r->at += POINTS_HASH_SIZE;
}

static int32_t get_small(struct reader *r) {
  int64_t value = get_varint_signed(r);
  if (value < INT32_MIN || value > INT32_MAX) r->failed = true;
  return r->failed ? 0 : (int32_t)value;
}

static void load_entry(struct points *points, struct reader *r) {
  uint8_t before[POINTS_HASH_SIZE] = {0}, hash[POINTS_HASH_SIZE] = {0};
  struct points_fact fact = {.number = get_u64(r), .kind = (enum points_kind)get_u8(r)};
  fact.month = get_small(r);
  fact.at_ms = get_varint_signed(r);
  fact.final_ms = get_varint_signed(r);
  fact.points = get_varint_signed(r);
  fact.reverses = get_varint(r);
  fact.week = get_small(r);
  fact.policy_from = get_small(r);
  fact.rate_bp = get_varint_signed(r);
  fact.threshold_bp = get_varint_signed(r);
  fact.rung = (uint32_t)get_varint(r);
  fact.agent = get_blob(r);
  fact.reason = get_blob(r);
  fact.by = get_blob(r);
  fact.id = get_blob(r);
  get_hash(r, before);
  get_hash(r, hash);
  if (!r->failed && !points_add(points, &fact, before, hash)) r->failed = true;
}

static void load_head(struct points *points, struct reader *r) {
  struct slice id = get_blob(r);
  uint8_t head[POINTS_HASH_SIZE] = {0};
  get_hash(r, head);
  if (!r->failed) memcpy(agent_of(points, id)->head, head, sizeof head);
}

static void load_review(struct points *points, struct reader *r) {
  struct slice agent = get_blob(r);
  int64_t value = get_varint_signed(r);
  struct slice reason = get_blob(r), by = get_blob(r), id = get_blob(r);
  msec_t ts_ms = get_varint_signed(r);
  if (!r->failed) points_take_review(points, agent, value, reason, by, id, ts_ms);
}

void points_load(struct points *points, struct reader *r) {
  points->dropped = get_varint(r);
  for (uint64_t n = get_varint(r); n > 0 && !r->failed; n--)
    load_entry(points, r);
  for (uint64_t n = get_varint(r); n > 0 && !r->failed; n--)
    load_head(points, r);
  for (uint64_t n = get_varint(r); n > 0 && !r->failed; n--)
    load_review(points, r);
  if (r->failed) points_free(points);
}
