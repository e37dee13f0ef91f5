/* The past under other rules: retained history is read twice, by the rules that were
 * in force and by the others, and the two are compared. Nothing is touched. The two
 * readings run side by side, one of them in a child. CONTRACT section 8. */
#ifndef CALLPACE_ENGINE_REPLAY_H
#define CALLPACE_ENGINE_REPLAY_H

#include "callpace/core/alert.h"
#include "callpace/core/metric.h"
#include "callpace/core/period.h"

struct replay_options {
  const char *state_dir;
  struct slice policy_text;  /* the other rules */
  const char *policy_label;  /* names them in errors */
  day_t from, to;            /* business days; DAY_NONE: from the first, to the last */
  const char *const *agents; /* ids, ends with NULL; NULL: everybody */
  void (*progress)(void *context, uint64_t done, uint64_t total); /* may be NULL */
  void *context;
};

/* A value on one side; absent where the figure does not apply. */
struct replay_value {
  bool present;
  struct metric_value value;
};
struct replay_change {
  struct slice agent;
  struct period period;
  const char *field; /* as in the registry */
  struct replay_value was, becomes;
};

/* How often something is so, on both sides: agents' days by state, weeks by state,
 * months by outcome, alerts raised by type; sums of points. */
struct replay_total {
  const char *what; /* "day.state", "week.state", "month.outcome", "alerts", "month.points" */
  char name[32];    /* "met"; empty for sums */
  int64_t was, becomes;
};
enum { REPLAY_TOTALS_MAX = 96 };
struct replay_totals {
  struct replay_total at[REPLAY_TOTALS_MAX];
  size_t count;
  uint64_t changes;
};

/* Calls `each` for every change, by agent and then period. STATUS_CONFIG: the rules
 * or the journal are wrong. STATUS_UNAVAILABLE: no child could be made. */
enum status replay_run(const struct replay_options *options,
                       void (*each)(void *context, const struct replay_change *change),
                       struct replay_totals *totals, struct error *error);

#endif
