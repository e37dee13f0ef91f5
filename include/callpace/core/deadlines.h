/* Things that fall due, earliest first: a heap. Each thing keeps its
 * place in a uint32_t of its own, so that it can be moved or dropped. */
#ifndef CALLPACE_CORE_DEADLINES_H
#define CALLPACE_CORE_DEADLINES_H

#include <stddef.h>
#include <stdint.h>

#include "callpace/base/clock.h"

#define DEADLINE_NONE UINT32_MAX /* value of the place of a thing that is not in */

struct deadline {
  msec_t due_ms;
  uint32_t *place; /* in the thing, which must not move */
};
/* Zero-initialise. */
struct deadlines {
  struct deadline *items;
  size_t count, capacity;
};
/* Puts a thing in, or moves it. O(log n); O(1) for one later than all. */
void deadlines_set(struct deadlines *deadlines, uint32_t *place, msec_t due_ms);
/* Takes a thing out; nothing happens when it is not in. */
void deadlines_drop(struct deadlines *deadlines, uint32_t *place);
/* Earliest due moment; MSEC_MAX when empty. */
msec_t deadlines_first(const struct deadlines *deadlines);
void deadlines_free(struct deadlines *deadlines);

#endif
