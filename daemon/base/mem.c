#include "callpace/base/mem.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "callpace/base/log.h"

enum { BLOCK_SIZE_FIRST = 4096, HUGE_PAGE = 2 << 20, BLOCK_SIZE_MAX = HUGE_PAGE };

static void *not_null(void *memory, size_t size) {
  if (!memory) {
    log_error("out_of_memory", KV_INT("bytes", size));
    abort();
  }
  return memory;
}

void *mem_alloc(size_t size) {
  return not_null(malloc(size ? size : 1), size);
}

void *mem_zalloc(size_t size) {
  return not_null(calloc(1, size ? size : 1), size);
}

void *mem_zalloc_huge(size_t size) {
  if (size < HUGE_PAGE || size > SIZE_MAX - HUGE_PAGE) return mem_zalloc(size);
  size = (size + HUGE_PAGE - 1) & ~((size_t)HUGE_PAGE - 1);
  void *memory = not_null(aligned_alloc(HUGE_PAGE, size), size);
  madvise(memory, size, MADV_HUGEPAGE); /* only a wish */
  return memset(memory, 0, size);
}

void *mem_resize(void *old, size_t size) {
  return not_null(realloc(old, size ? size : 1), size);
}

char *mem_slice_dup(struct slice text) {
  assert(text.len < SIZE_MAX);
  char *copy = mem_alloc(text.len + 1);
  if (text.len) memcpy(copy, text.data, text.len);
  copy[text.len] = '\0';
  return copy;
}

char *mem_strdup(const char *text) {
  return mem_slice_dup(slice_of(text));
}

void *mem_grow(void *array, size_t *capacity, size_t needed, size_t element_size) {
  if (needed <= *capacity) return array;
  size_t grown = *capacity + *capacity / 2;
  if (grown < needed) grown = needed;
  if (grown < 8) grown = 8;
  size_t size;
  if (__builtin_mul_overflow(grown, element_size, &size)) not_null(NULL, SIZE_MAX);
  array = mem_resize(array, size);
  *capacity = grown;
  return array;
}

struct arena_block {
  struct arena_block *next;
  size_t size, used; /* of `pieces` */
  alignas(max_align_t) char pieces[];
};

static size_t align_up(size_t size) {
  size_t mask = alignof(max_align_t) - 1;
  if (size > SIZE_MAX - sizeof(struct arena_block) - mask) not_null(NULL, size);
  return (size + mask) & ~mask;
}

/* Puts a new zeroed block of at least `size` in front; each is twice as large
 * as the one before it, up to a limit. */
static struct arena_block *push_block(struct arena_block **blocks, size_t size) {
  size_t most = BLOCK_SIZE_MAX - sizeof(struct arena_block);
  size_t usual = *blocks ? (*blocks)->size * 2 : BLOCK_SIZE_FIRST - sizeof(struct arena_block);
  if (usual > most) usual = most;
  if (size < usual) size = usual;
  struct arena_block *block = mem_zalloc_huge(sizeof *block + size);
  block->size = size;
  block->next = *blocks;
  *blocks = block;
  return block;
}

static void free_blocks(struct arena_block **blocks) {
  while (*blocks) {
    struct arena_block *next = (*blocks)->next;
    free(*blocks);
    *blocks = next;
  }
}

void *arena_alloc(struct arena *arena, size_t size) {
  size = align_up(size ? size : 1);
  struct arena_block *block = arena->blocks;
  if (!block || block->size - block->used < size) block = push_block(&arena->blocks, size);
  void *piece = block->pieces + block->used;
  block->used += size;
  return piece;
}

char *arena_dup(struct arena *arena, struct slice text) {
  assert(text.len < SIZE_MAX);
  char *copy = arena_alloc(arena, text.len + 1);
  if (text.len) memcpy(copy, text.data, text.len);
  return copy;
}

void arena_free(struct arena *arena) {
  if (arena) free_blocks(&arena->blocks);
}

/* Under AddressSanitizer a piece that was given back may not be touched. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(memory, size)   ASAN_POISON_MEMORY_REGION((memory), (size))
#define UNPOISON(memory, size) ASAN_UNPOISON_MEMORY_REGION((memory), (size))
#else
#define POISON(memory, size)   ((void)0)
#define UNPOISON(memory, size) ((void)0)
#endif

void pool_init(struct pool *pool, size_t piece_size) {
  assert(piece_size > 0);
  *pool = (struct pool){.piece_size = align_up(piece_size)};
}

void *pool_take(struct pool *pool) {
  assert(pool->piece_size > 0);
  void *piece = pool->free_list;
  if (piece) {
    UNPOISON(piece, pool->piece_size);
    memcpy(&pool->free_list, piece, sizeof pool->free_list);
  } else {
    struct arena_block *block = pool->blocks;
    if (!block || block->size - block->used < pool->piece_size)
      block = push_block(&pool->blocks, pool->piece_size);
    piece = block->pieces + block->used;
    block->used += pool->piece_size;
  }
  pool->in_use++;
  return piece;
}

void pool_give(struct pool *pool, void *piece) {
  assert(piece && pool->in_use > 0);
  memcpy(piece, &pool->free_list, sizeof pool->free_list);
  pool->free_list = piece;
  pool->in_use--;
  POISON(piece, pool->piece_size);
}

void pool_free(struct pool *pool) {
  if (!pool) return;
  for (struct arena_block *block = pool->blocks; block; block = block->next)
    UNPOISON(block->pieces, block->size);
  free_blocks(&pool->blocks);
  pool->free_list = NULL;
  pool->in_use = 0;
}
