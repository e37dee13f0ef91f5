#include "callpace/core/member_set.h"

#include <stdlib.h>

#include "callpace/base/mem.h"

__extension__ typedef unsigned __int128 uint128;

enum { CAPACITY_FIRST = 64, ENTRY_BYTES_MIN = 18 };

static uint128 fnv1a(uint128 hash, struct slice text) {
  const uint128 prime = (uint128)1 << 88 | 0x13b;
  for (size_t i = 0; i < text.len; i++)
    hash = (hash ^ (unsigned char)text.data[i]) * prime;
  return hash;
}

static void hash_member(struct slice agent, struct slice member, uint64_t out[2]) {
  uint128 hash = (uint128)0x6c62272e07bb0142u << 64 | 0x62b821756295c58du;
  hash = fnv1a(fnv1a(fnv1a(hash, agent), (struct slice){"", 1}), member);
  out[0] = (uint64_t)(hash >> 64);
  out[1] = (uint64_t)hash;
  if (!out[0] && !out[1]) out[1] = 1;
}

/* The high half of FNV-1a is the well mixed one, its low bits fold in. */
static struct member_entry *find_slot(const struct member_set *set, const uint64_t hash[2]) {
  size_t mask = set->capacity - 1;
  for (size_t i = (size_t)(hash[0] ^ hash[1] ^ hash[1] >> 32) & mask;; i = (i + 1) & mask) {
    struct member_entry *slot = &set->slots[i];
    if (!slot->hash[0] && !slot->hash[1]) return slot;
    if (slot->hash[0] == hash[0] && slot->hash[1] == hash[1]) return slot;
  }
}

static void grow(struct member_set *set) {
  struct member_set old = *set;
  set->capacity = old.capacity ? old.capacity * 2 : CAPACITY_FIRST;
  set->slots = mem_zalloc(set->capacity * sizeof *set->slots);
  for (size_t i = 0; i < old.capacity; i++)
    if (old.slots[i].hash[0] || old.slots[i].hash[1])
      *find_slot(set, old.slots[i].hash) = old.slots[i];
  free(old.slots);
}

static struct member_entry *entry_of(struct member_set *set, const uint64_t hash[2]) {
  if ((set->count + 1) * 4 > set->capacity * 3) grow(set);
  struct member_entry *slot = find_slot(set, hash);
  if (slot->hash[0] || slot->hash[1]) return slot;
  set->count++;
  *slot = (struct member_entry){{hash[0], hash[1]}, MSEC_NONE, DAY_NONE};
  return slot;
}

struct member_entry *member_set_entry(struct member_set *set, struct slice agent,
                                      struct slice member) {
  uint64_t hash[2];
  hash_member(agent, member, hash);
  return entry_of(set, hash);
}

struct member_entry *member_set_find(const struct member_set *set, struct slice agent,
                                     struct slice member) {
  if (!set->count) return NULL;
  uint64_t hash[2];
  hash_member(agent, member, hash);
  struct member_entry *slot = find_slot(set, hash);
  return slot->hash[0] || slot->hash[1] ? slot : NULL;
}

void member_set_free(struct member_set *set) {
  free(set->slots);
  *set = (struct member_set){0};
}

void member_set_save(const struct member_set *set, struct writer *w) {
  put_varint(w, set->count);
  for (size_t i = 0; i < set->capacity; i++) {
    const struct member_entry *entry = &set->slots[i];
    if (!entry->hash[0] && !entry->hash[1]) continue;
    put_u64(w, entry->hash[0]);
    put_u64(w, entry->hash[1]);
    put_varint_signed(w, entry->ts_ms);
    put_varint_signed(w, entry->day);
  }
}

void member_set_load(struct member_set *set, struct reader *r) {
  uint64_t count = get_varint(r);
  if (count > (size_t)(r->end - r->at) / ENTRY_BYTES_MIN) r->failed = true;
  for (uint64_t i = 0; i < count && !r->failed; i++) {
    uint64_t hash[2];
    hash[0] = get_u64(r);
    hash[1] = get_u64(r);
    msec_t ts_ms = get_varint_signed(r);
    int64_t day = get_varint_signed(r);
    if ((!hash[0] && !hash[1]) || day < INT32_MIN || day > INT32_MAX) r->failed = true;
    if (r->failed) return;
    struct member_entry *entry = entry_of(set, hash);
    entry->ts_ms = ts_ms;
    entry->day = (day_t)day;
  }
}
