/* Members developed, each once per agent ever: a set of 128-bit FNV-1a hashes of
 * agent and member, the same in every process, with the time first seen. */
#ifndef CALLPACE_CORE_MEMBER_SET_H
#define CALLPACE_CORE_MEMBER_SET_H

#include <stddef.h>
#include <stdint.h>

#include "callpace/base/slice.h"
#include "callpace/base/writer.h"
#include "callpace/core/period.h"

struct member_entry {
  uint64_t hash[2]; /* both 0: empty */
  msec_t ts_ms;     /* earliest seen */
  day_t day;        /* where it is counted */
};
/* Zero-initialise. */
struct member_set {
  struct member_entry *slots;
  size_t count, capacity; /* power of two */
};
/* The entry of an agent's member, a new one with ts_ms MSEC_NONE where there was
 * none. Holds until the next call. */
struct member_entry *member_set_entry(struct member_set *set, struct slice agent,
                                      struct slice member);
/* The same without making one: NULL where there is none. */
struct member_entry *member_set_find(const struct member_set *set, struct slice agent,
                                     struct slice member);
void member_set_free(struct member_set *set);

void member_set_save(const struct member_set *set, struct writer *w);
/* Into an empty set; damage sets r->failed. */
void member_set_load(struct member_set *set, struct reader *r);

#endif
