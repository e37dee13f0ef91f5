#include "callpace/core/deadlines.h"

#include <assert.h>
#include <stdlib.h>

#include "callpace/base/mem.h"

/* Of each item: its children lie in one line of the cache, and half as many levels as
 * with two mean half as many items told their new place. */
enum { CHILDREN = 4 };

static size_t parent_of(size_t at) {
  return (at - 1) / CHILDREN;
}

static void put_at(struct deadlines *d, size_t at, struct deadline item) {
  d->items[at] = item;
  *item.place = (uint32_t)at;
}

static void sift_up(struct deadlines *d, size_t at, struct deadline item) {
  while (at > 0) {
    size_t parent = parent_of(at);
    if (d->items[parent].due_ms <= item.due_ms) break;
    put_at(d, at, d->items[parent]);
    at = parent;
  }
  put_at(d, at, item);
}

static void sift_down(struct deadlines *d, size_t at, struct deadline item) {
  for (;;) {
    size_t child = CHILDREN * at + 1, end = child + CHILDREN;
    if (child >= d->count) break;
    if (end > d->count) end = d->count;
    for (size_t other = child + 1; other < end; other++)
      if (d->items[other].due_ms < d->items[child].due_ms) child = other;
    if (d->items[child].due_ms >= item.due_ms) break;
    put_at(d, at, d->items[child]);
    at = child;
  }
  put_at(d, at, item);
}

static void settle(struct deadlines *d, size_t at, struct deadline item) {
  if (at > 0 && d->items[parent_of(at)].due_ms > item.due_ms)
    sift_up(d, at, item);
  else
    sift_down(d, at, item);
}

void deadlines_set(struct deadlines *d, uint32_t *place, msec_t due_ms) {
  struct deadline item = {due_ms, place};
  if (*place != DEADLINE_NONE) {
    settle(d, *place, item);
    return;
  }
  assert(d->count < DEADLINE_NONE);
  d->items = mem_grow(d->items, &d->capacity, d->count + 1, sizeof *d->items);
  sift_up(d, d->count++, item);
}

void deadlines_drop(struct deadlines *d, uint32_t *place) {
  size_t at = *place;
  if (at == DEADLINE_NONE) return;
  assert(at < d->count && d->items[at].place == place);
  *place = DEADLINE_NONE;
  struct deadline last = d->items[--d->count];
  if (at < d->count) settle(d, at, last);
}

msec_t deadlines_first(const struct deadlines *d) {
  return d->count ? d->items[0].due_ms : MSEC_MAX;
}

void deadlines_free(struct deadlines *d) {
  free(d->items);
  *d = (struct deadlines){0};
}
