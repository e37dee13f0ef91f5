/* Hash table from byte strings to pointers. Open addressing; the key bytes live
 * in the caller's object (the table stores the slice, not a copy), so they must
 * outlive the entry and not move. Keyed hash (random per process) because keys
 * come from outside. */
#ifndef CALLPACE_BASE_TABLE_H
#define CALLPACE_BASE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/base/slice.h"

struct table_slot {
  const char *key;
  uint32_t key_len;
  uint32_t hash; /* 0 = empty */
  void *value;
};

/* Zero-initialise to get an empty table. */
struct table {
  struct table_slot *slots;
  size_t capacity; /* power of two */
  size_t count;
};

/* Hash of a key as the table uses it; never 0. */
uint32_t table_hash(struct slice key);

/* The value, or NULL. The _hashed forms take table_hash(key) when the caller
 * has it already. */
void *table_get(const struct table *table, struct slice key);
void *table_get_hashed(const struct table *table, struct slice key, uint32_t hash);

/* The key of this hash is looked for soon: fetches its place from memory. */
static inline void table_expect(const struct table *table, uint32_t hash) {
  if (table->capacity) __builtin_prefetch(&table->slots[hash & (table->capacity - 1)]);
}

/* The value of some key of this hash, likely the only one, or NULL. */
void *table_likely(const struct table *table, uint32_t hash);

/* Sets a value (not NULL). Returns the value that stood there before, or NULL;
 * on replacement the slot keeps the new key slice. */
void *table_put(struct table *table, struct slice key, void *value);
void *table_put_hashed(struct table *table, struct slice key, uint32_t hash, void *value);

/* Removes; returns the value or NULL. Leaves no tombstones (backward shift). */
void *table_remove(struct table *table, struct slice key);
void *table_remove_hashed(struct table *table, struct slice key, uint32_t hash);

/* Iterates in no order: start with *position = 0; NULL at the end. The table
 * must not change meanwhile. */
void *table_next(const struct table *table, size_t *position);

void table_free(struct table *table); /* frees the slots, not the values */

#endif
