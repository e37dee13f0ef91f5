/* What the files of the explanation share; nobody else includes it. */
#ifndef CALLPACE_CORE_EXPLAIN_INNER_H
#define CALLPACE_CORE_EXPLAIN_INNER_H

#include "callpace/base/mem.h"
#include "callpace/base/table.h"
#include "callpace/core/explain.h"

struct repeat {
  enum call_event_type type;
  msec_t ts_ms;
  uint64_t lsn;
};

/* What the fold does not keep of a call that may concern the agent. */
struct note {
  char *call, *number;
  msec_t named_ms; /* earliest time stamp of an event that named the agent */
  uint64_t lsn;
  day_t policy_from; /* in force when the call was last counted */
  struct repeat *repeats;
  size_t repeat_count, repeat_capacity;
};

struct explain {
  struct fold *fold;
  char *agent;
  day_t first, last;
  struct table notes; /* call -> struct note */
  struct explain_entry *entries;
  size_t count, capacity;
  struct explain_state *states;
  size_t state_count, state_capacity;
  struct arena arena;
};

#endif
