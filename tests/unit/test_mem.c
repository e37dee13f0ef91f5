#include <criterion/criterion.h>
#include <signal.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#include "callpace/base/mem.h"

Test(mem, never_null) {
  void *none = mem_alloc(0), *zero = mem_zalloc(0);
  cr_assert(none && zero);
  none = mem_resize(none, 100);
  cr_assert(none);
  free(none);
  free(zero);
  char *copy = mem_slice_dup((struct slice){"a\0b", 3});
  cr_assert_eq(memcmp(copy, "a\0b", 4), 0);
  free(copy);
  copy = mem_strdup("name");
  cr_assert_str_eq(copy, "name");
  free(copy);
}

Test(mem, grow_is_geometric) {
  size_t capacity = 0, moves = 0;
  int *array = NULL;
  for (size_t i = 0; i < 100000; i++) {
    size_t before = capacity;
    array = mem_grow(array, &capacity, i + 1, sizeof *array);
    cr_assert_geq(capacity, i + 1);
    moves += capacity != before;
    array[i] = (int)i;
  }
  cr_assert_lt(moves, 40);
  cr_assert_eq(array[77777], 77777);
  free(array);
}

Test(mem, impossible_sizes_end_the_program, .signal = SIGABRT) {
  size_t capacity = 0;
  mem_grow(NULL, &capacity, SIZE_MAX / 2, 16);
}

Test(mem, arena_pieces_are_zeroed_aligned_apart) {
  struct arena arena = {0};
  unsigned char *pieces[500];
  for (size_t i = 0; i < 500; i++) {
    size_t size = 1 + i * 37 % 9000;
    pieces[i] = arena_alloc(&arena, size);
    cr_assert_eq((uintptr_t)pieces[i] % alignof(max_align_t), 0);
    for (size_t b = 0; b < size; b++)
      cr_assert_eq(pieces[i][b], 0);
    memset(pieces[i], (int)(i & 0xff) | 1, size);
  }
  for (size_t i = 0; i < 500; i++)
    cr_assert_eq(pieces[i][i * 37 % 9000], (i & 0xff) | 1);
  arena_free(&arena);
  cr_assert_str_eq(arena_dup(&arena, SLICE("again")), "again");
  cr_assert_str_eq(arena_dup(&arena, (struct slice){NULL, 0}), "");
  arena_free(&arena);
  arena_free(&arena);
  arena_free(NULL);
}

struct piece {
  uint64_t number;
  char text[33];
};

Test(mem, pool_gives_back_and_reuses) {
  struct pool pool;
  pool_init(&pool, sizeof(struct piece));
  struct piece *pieces[10000];
  for (size_t i = 0; i < 10000; i++) {
    pieces[i] = pool_take(&pool);
    pieces[i]->number = i;
    memset(pieces[i]->text, 'x', sizeof pieces[i]->text);
  }
  cr_assert_eq(pool.in_use, 10000);
  for (size_t i = 0; i < 10000; i += 2)
    pool_give(&pool, pieces[i]);
  cr_assert_eq(pool.in_use, 5000);
  for (size_t i = 1; i < 10000; i += 2)
    cr_assert_eq(pieces[i]->number, i);
  struct piece *reused = pool_take(&pool);
  cr_assert_eq(reused, pieces[9998]);
  pool_free(&pool);
  cr_assert_eq(pool.in_use, 0);
  pool_free(&pool);
  pool_free(NULL);
}

Test(mem, pool_takes_tiny_and_huge_pieces) {
  static const size_t sizes[] = {1, 8, 200 * 1024};
  for (size_t i = 0; i < 3; i++) {
    struct pool pool;
    pool_init(&pool, sizes[i]);
    char *a = pool_take(&pool), *b = pool_take(&pool);
    memset(a, 1, sizes[i]);
    memset(b, 2, sizes[i]);
    cr_assert_eq(a[sizes[i] - 1], 1);
    pool_give(&pool, a);
    pool_give(&pool, b);
    cr_assert_eq(pool_take(&pool), b);
    cr_assert_eq(pool_take(&pool), a);
    pool_free(&pool);
  }
}
