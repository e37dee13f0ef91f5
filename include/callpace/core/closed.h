/* Weeks and months that are closed, as they were judged then: they stand, whatever
 * comes later (POLICY section 3, end). Pure; part of the fold. */
#ifndef CALLPACE_CORE_CLOSED_H
#define CALLPACE_CORE_CLOSED_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/base/table.h"
#include "callpace/base/writer.h"
#include "callpace/core/ladder.h"
#include "callpace/core/outcome.h"

/* The decision on one agent's week, with its evidence. */
struct week_closed {
  day_t monday, policy_from;
  msec_t at_ms;                   /* when the week was due to be judged */
  enum week_state state;          /* reached, short, none or unknown */
  bool offence, shadow;           /* shadow: an offence without consequences */
  bool base_unmet;                /* poor basic habits */
  enum ladder_action action;      /* of the rung; and for how long */
  int32_t weeks;                  /* it holds leads */
  uint32_t rung;                  /* that applied; 0: none */
  uint32_t missed_days;           /* judged days that ended `missed` */
  int64_t points;                 /* of the rung; 0 without an offence */
  int64_t issued, reached;        /* leads */
  int64_t rate_bp, threshold_bp;  /* -1: no rate; 0: no rung */
  int64_t coverage_bp;
};

/* The decision on one agent's month. */
struct month_closed {
  month_t month;
  msec_t at_ms;
  struct month_facts facts; /* what was judged */
  struct month_verdict verdict;
  int64_t points;
  uint32_t offences;
};

struct closed_week {
  struct closed_week *older;     /* of the same agent */
  struct closed_week *next_open; /* of those that something follows from */
  const char *agent;
  struct week_closed fact;
  bool told;   /* its alert is decided */
  bool booked; /* its points are in the ledger */
  bool moved;  /* its undialled leads are dealt with */
};
struct closed_month {
  struct closed_month *older, *next_open;
  const char *agent;
  struct month_closed fact;
  bool told;
};

/* Zero-initialise, then closed_begin. */
struct closed {
  struct table agents; /* id -> struct closed_agent */
  struct closed_agent *first, *last;
  day_t week;    /* Monday of the newest week that is closed for everybody */
  month_t month; /* the same for months */
  bool begun;    /* week and month are set */
  struct closed_week *open_weeks, *open_weeks_last;
  struct closed_month *open_months, *open_months_last;
};
void closed_free(struct closed *closed); /* its content; leaves it empty */

/* What lies before the first day ever seen is not judged. Later calls change
 * nothing. */
void closed_begin(struct closed *closed, day_t today);

/* A decision; with an empty agent: the period is closed for everybody. A second
 * one on the same agent and period changes nothing. */
void closed_add_week(struct closed *closed, struct slice agent, const struct week_closed *fact);
void closed_add_month(struct closed *closed, struct slice agent, const struct month_closed *fact);

/* NULL: no decision. */
struct closed_week *closed_find_week(const struct closed *closed, struct slice agent,
                                     day_t monday);
struct closed_month *closed_find_month(const struct closed *closed, struct slice agent,
                                       month_t month);

/* The agent's offences in the window of a week, before it. Those judged in shadow
 * count only while the policy is in shadow. */
unsigned closed_offences_before(const struct closed *closed, struct slice agent,
                                const struct policy *policy, day_t monday);
/* The agent's offences that book into a month. */
unsigned closed_offences_in(const struct closed *closed, struct slice agent, month_t month,
                            bool with_shadow);

/* Forgets what books into months before `month`. */
void closed_drop(struct closed *closed, month_t month);

/* For snapshots. Loading into an empty one; bytes that make no sense set the
 * reader's `failed` and leave it empty. */
void closed_save(const struct closed *closed, struct writer *w);
void closed_load(struct closed *closed, struct reader *r);

/* The two kinds of decision as bytes, for journal and snapshots. Reading checks
 * ranges and sets `failed`. */
void week_closed_put(struct writer *w, const struct week_closed *fact);
void week_closed_get(struct reader *r, struct week_closed *out);
void month_closed_put(struct writer *w, const struct month_closed *fact);
void month_closed_get(struct reader *r, struct month_closed *out);

#endif
