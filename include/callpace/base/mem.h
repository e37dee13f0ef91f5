/* Memory: an arena for things that die together, a pool for equal pieces. Out
 * of memory ends the program (abort with a log line): there is nothing sane to
 * do without it, and the journal brings everything back. */
#ifndef CALLPACE_BASE_MEM_H
#define CALLPACE_BASE_MEM_H

#include <stddef.h>

#include "callpace/base/slice.h"

/* malloc family that never returns NULL. Free with free(). */
void *mem_alloc(size_t size);
void *mem_zalloc(size_t size);
/* For what is large and read here and there: from 2 MiB on it asks for huge pages,
 * so that finding a page costs less than reading it. */
void *mem_zalloc_huge(size_t size);
void *mem_resize(void *old, size_t size);
char *mem_strdup(const char *text);
/* NUL-terminated copy of a slice. */
char *mem_slice_dup(struct slice text);

/* Grows a malloc'd array geometrically so that `*capacity` >= `needed`.
 * Returns the possibly moved array; new elements are not zeroed. */
void *mem_grow(void *array, size_t *capacity, size_t needed, size_t element_size);

/* Arena: zero-initialise, allocate, free all at once. Pieces are zeroed and
 * aligned for any type. arena_free leaves it empty and usable again. */
struct arena {
  struct arena_block *blocks;
};
void *arena_alloc(struct arena *arena, size_t size);
char *arena_dup(struct arena *arena, struct slice text); /* NUL-terminated */
void arena_free(struct arena *arena);

/* Pool of pieces of one size, taken and given back in O(1), never returned to
 * the system before pool_free. A piece is not zeroed. */
struct pool {
  size_t piece_size;
  void *free_list;
  struct arena_block *blocks;
  size_t in_use; /* pieces taken and not given back */
};
void pool_init(struct pool *pool, size_t piece_size);
void *pool_take(struct pool *pool);
void pool_give(struct pool *pool, void *piece);
void pool_free(struct pool *pool);

#endif
