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

/* An outbound call that may have been to a lead. */
struct explain_dial {
  const char *call, *number; /* number NULL: not told */
  day_t monday;
  msec_t at_ms;
  uint64_t key, lsn; /* as struct call_count has it */
  bool answered;
  const char *holder; /* of the lead with this number, when it is another agent's */
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
  day_t first_week, last_week; /* Mondays */
  struct explain_dial *dials;
  size_t dial_count, dial_capacity;
  struct arena arena;
};

/* Opens an entry with what every one begins with. */
void explain_open_entry(const struct explain *x, const char *figure, const char *what, msec_t at_ms,
                        const char *period, struct writer *out);

#endif
