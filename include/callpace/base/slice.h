/* A borrowed run of bytes: not owned, not NUL-terminated, may hold any byte.
 * Whoever makes a slice says how long the bytes behind it stay. */
#ifndef CALLPACE_BASE_SLICE_H
#define CALLPACE_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
  const char *data;
  size_t len;
};

/* A slice of a string literal; static lifetime. */
#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

/* A slice of a NUL-terminated string; NULL gives the empty slice. */
static inline struct slice slice_of(const char *text) {
  return (struct slice){text, text ? strlen(text) : 0};
}

/* True when both hold the same bytes. */
static inline bool slice_equal(struct slice a, struct slice b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

#endif
