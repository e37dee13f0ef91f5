#include <criterion/criterion.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "callpace/base/table.h"

enum { KEYS = 3000 };

static char names[KEYS][24];

static struct slice name_of(int i) {
  snprintf(names[i], sizeof names[i], "call-%d.%d", i * 7919, i % 13);
  return slice_of(names[i]);
}

Test(table, empty_table_answers) {
  struct table table = {0};
  size_t position = 0;
  cr_assert_null(table_get(&table, SLICE("x")));
  cr_assert_null(table_remove(&table, SLICE("x")));
  cr_assert_null(table_next(&table, &position));
  table_free(&table);
  table_free(NULL);
}

Test(table, put_replaces_and_tells) {
  struct table table = {0};
  int a, b;
  char key[] = "key", same[] = "key";
  cr_assert_null(table_put(&table, (struct slice){key, 3}, &a));
  cr_assert_eq(table_put(&table, (struct slice){same, 3}, &b), &a);
  cr_assert_eq(table.count, 1);
  key[0] = 'x'; /* the slot holds the new key's bytes now */
  cr_assert_eq(table_get(&table, SLICE("key")), &b);
  cr_assert_null(table_put(&table, (struct slice){NULL, 0}, &a));
  cr_assert_eq(table_get(&table, SLICE("")), &a);
  table_free(&table);
}

/* Random puts and removes against a plain array. */
Test(table, agrees_with_a_model) {
  struct table table = {0};
  static bool present[KEYS];
  size_t count = 0;
  srand(7);
  for (int step = 0; step < 200000; step++) {
    int i = rand() % (step < 100000 ? KEYS : KEYS / 8);
    struct slice key = name_of(i);
    void *want = present[i] ? names[i] : NULL;
    cr_assert_eq(table_get(&table, key), want);
    if (rand() % 5 < 2) {
      cr_assert_eq(table_remove(&table, key), want);
      count -= present[i];
      present[i] = false;
    } else {
      cr_assert_eq(table_put_hashed(&table, key, table_hash(key), names[i]), want);
      count += !present[i];
      present[i] = true;
    }
    cr_assert_eq(table.count, count);
  }
  size_t seen = 0, position = 0;
  for (char *name; (name = table_next(&table, &position)); seen++)
    cr_assert(present[(name - names[0]) / (ptrdiff_t)sizeof names[0]]);
  cr_assert_eq(seen, count);
  cr_assert_leq(table.count * 10, table.capacity * 7);
  table_free(&table);
}

/* Equal hashes at the array's end: probing and shifting go around it. */
Test(table, runs_wrap_around) {
  struct table table = {0};
  for (int i = 0; i < 6; i++)
    table_put_hashed(&table, name_of(i), 15, names[i]);
  for (int i = 0; i < 6; i++)
    cr_assert_eq(table_get_hashed(&table, slice_of(names[i]), 15), names[i]);
  table_free(&table);
}

Test(table, hash_sees_every_byte) {
  char key[64];
  for (size_t len = 1; len < sizeof key; len++) {
    memset(key, 'a', sizeof key);
    uint32_t plain = table_hash((struct slice){key, len});
    cr_assert_neq(plain, 0);
    for (size_t i = 0; i < len; i++) {
      key[i] ^= 1;
      cr_assert_neq(table_hash((struct slice){key, len}), plain, "%zu of %zu", i, len);
      key[i] ^= 1;
    }
  }
}
