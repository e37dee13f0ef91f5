#include "callpace/base/table.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

#include "callpace/base/clock.h"
#include "callpace/base/mem.h"

enum { CAPACITY_FIRST = 16 };

__extension__ typedef unsigned __int128 uint128;

static uint64_t seeds[2] = {0x9e3779b97f4a7c15u, 0xd1b54a32d192ed03u};

/* Before main, so that hashing need not ask whether it is seeded. */
__attribute__((constructor)) static void seed_hash(void) {
  uint64_t fresh[2];
  if (getrandom(fresh, sizeof fresh, GRND_NONBLOCK) != (ssize_t)sizeof fresh) {
    fresh[0] = (uint64_t)clock_wall_us();
    fresh[1] = (uint64_t)(uintptr_t)&fresh ^ (uint64_t)clock_monotonic_us();
  }
  seeds[0] ^= fresh[0];
  seeds[1] ^= fresh[1];
}

static uint64_t load64(const char *at) {
  uint64_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

static uint64_t load32(const char *at) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

/* Both halves of the product folded: every bit of the result depends on all. */
static uint64_t mix(uint64_t a, uint64_t b) {
  uint128 product = (uint128)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint32_t table_hash(struct slice key) {
  const char *at = key.data;
  size_t left = key.len;
  uint64_t hash = seeds[0] ^ (left * 0x9e3779b97f4a7c15u);
  for (; left > 16; at += 16, left -= 16)
    hash = mix(load64(at) ^ seeds[1], load64(at + 8) ^ hash);
  uint64_t a = 0, b = 0;
  if (left >= 8) {
    a = load64(at);
    b = load64(at + left - 8);
  } else if (left >= 4) {
    a = load32(at);
    b = load32(at + left - 4);
  } else if (left > 0) {
    a = (uint64_t)(unsigned char)at[0] | (uint64_t)(unsigned char)at[left / 2] << 8 |
        (uint64_t)(unsigned char)at[left - 1] << 16;
  }
  hash = mix(a ^ seeds[1], b ^ hash);
  uint32_t result = (uint32_t)mix(hash ^ seeds[0], 0xd1b54a32d192ed03u);
  return result ? result : 1;
}

/* The slot of the key, or the empty one where it would go. */
static struct table_slot *find_slot(const struct table *table, struct slice key, uint32_t hash) {
  size_t mask = table->capacity - 1;
  for (size_t i = hash & mask;; i = (i + 1) & mask) {
    struct table_slot *slot = &table->slots[i];
    if (!slot->hash || (slot->hash == hash && slot->key_len == key.len &&
                        (key.len == 0 || memcmp(slot->key, key.data, key.len) == 0)))
      return slot;
  }
}

void *table_get_hashed(const struct table *table, struct slice key, uint32_t hash) {
  return table->count ? find_slot(table, key, hash)->value : NULL;
}

void *table_get(const struct table *table, struct slice key) {
  return table_get_hashed(table, key, table_hash(key));
}

void *table_likely(const struct table *table, uint32_t hash) {
  if (!table->count) return NULL;
  size_t mask = table->capacity - 1, i = hash & mask;
  while (table->slots[i].hash && table->slots[i].hash != hash)
    i = (i + 1) & mask;
  return table->slots[i].value;
}

static void grow(struct table *table) {
  struct table old = *table;
  table->capacity = old.capacity ? old.capacity * 2 : CAPACITY_FIRST;
  table->slots = mem_zalloc_huge(table->capacity * sizeof *table->slots);
  size_t mask = table->capacity - 1;
  for (size_t i = 0; i < old.capacity; i++) {
    if (!old.slots[i].hash) continue;
    size_t to = old.slots[i].hash & mask;
    while (table->slots[to].hash)
      to = (to + 1) & mask;
    table->slots[to] = old.slots[i];
  }
  free(old.slots);
}

void *table_put_hashed(struct table *table, struct slice key, uint32_t hash, void *value) {
  assert(value && hash && key.len <= UINT32_MAX);
  if ((table->count + 1) * 10 > table->capacity * 7) grow(table);
  struct table_slot *slot = find_slot(table, key, hash);
  void *before = slot->value;
  if (!before) table->count++;
  *slot = (struct table_slot){key.data, (uint32_t)key.len, hash, value};
  return before;
}

void *table_put(struct table *table, struct slice key, void *value) {
  return table_put_hashed(table, key, table_hash(key), value);
}

/* Closes the gap at `gap`: each following entry of the run moves there unless
 * its home lies behind the gap. */
static void shift_back(struct table *table, size_t gap) {
  size_t mask = table->capacity - 1;
  for (size_t i = (gap + 1) & mask; table->slots[i].hash; i = (i + 1) & mask) {
    size_t home = table->slots[i].hash & mask;
    if (((i - home) & mask) >= ((i - gap) & mask)) {
      table->slots[gap] = table->slots[i];
      gap = i;
    }
  }
  table->slots[gap] = (struct table_slot){0};
}

void *table_remove(struct table *table, struct slice key) {
  return table_remove_hashed(table, key, table_hash(key));
}

void *table_remove_hashed(struct table *table, struct slice key, uint32_t hash) {
  if (!table->count) return NULL;
  struct table_slot *slot = find_slot(table, key, hash);
  void *value = slot->value;
  if (value) {
    shift_back(table, (size_t)(slot - table->slots));
    table->count--;
  }
  return value;
}

void *table_next(const struct table *table, size_t *position) {
  while (*position < table->capacity) {
    const struct table_slot *slot = &table->slots[(*position)++];
    if (slot->hash) return slot->value;
  }
  return NULL;
}

void table_free(struct table *table) {
  if (!table) return;
  free(table->slots);
  *table = (struct table){0};
}
