/* The contact ladder: which rung applies, whether a week is an offence, and how a
 * week that still runs stands against it. Pure. POLICY section 5. */
#ifndef CALLPACE_CORE_LADDER_H
#define CALLPACE_CORE_LADDER_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/core/policy.h"

/* Values stand in the journal: never renumber. */
enum week_state {
  WEEK_NONE = 0, /* no leads issued: no rate, no judgement */
  WEEK_ON_TRACK = 1,
  WEEK_AT_RISK = 2,
  WEEK_REACHED = 3,
  WEEK_SHORT = 4,
  WEEK_UNKNOWN = 5, /* coverage under the floor: judged by nothing */
  WEEK_STATES
};
const char *week_state_name(enum week_state state);        /* "on_track"; NULL for what is none */
const char *ladder_action_name(enum ladder_action action); /* "hold_leads" */

/* What a week is judged by. `policy` is that of its last day. */
struct week_facts {
  const struct policy *policy;
  unsigned offences;       /* of the agent in the window, before this week */
  int64_t issued, reached; /* leads */
  int64_t coverage_bp;     /* of the week's productive time */
  unsigned missed_days;    /* judged days of the week that ended `missed` */
  bool over;               /* the week closes; else it runs */
  bool flagging;           /* at_risk_from has come */
  msec_t productive_ms;    /* the agent's, of the whole week, */
  msec_t elapsed_ms;       /* and what has passed of it */
};

/* rung 0: none applies (none is listed, or the last is not repeated). */
struct week_verdict {
  enum week_state state;
  bool offence;
  unsigned rung;        /* the one that applies, from 1 on */
  int64_t threshold_bp; /* its `below`; 0 without a rung */
  int64_t rate_bp;      /* rounded down; -1 without leads */
  bool base_unmet;
};

/* The rung, from 1 on, against which an offence after `offences` others is judged;
 * 0: none. A rung's row is policy->contact.ladder[rung - 1]. */
unsigned ladder_rung(const struct policy *policy, unsigned offences);
/* A rate as basis points, rounded down; -1 when nothing was issued. */
int64_t ladder_rate_bp(int64_t reached, int64_t issued);
/* The fewest leads that must be reached so that the rate is not below. */
int64_t ladder_needed(int64_t threshold_bp, int64_t issued);

void ladder_judge(const struct week_facts *facts, struct week_verdict *out);

/* The month into which the offence and points of a week book: that in which it
 * ends. And whether two weeks (by their Mondays) share a window of offences. */
month_t ladder_month(day_t monday);
bool ladder_same_window(const struct policy *policy, day_t monday, day_t other);

/* A moment of the week of a Monday by its local weekday (0 = Monday) and time; 24:00
 * ends a business day. And when the week is judged: by `judge_at` of its policy. */
msec_t ladder_moment(const struct calendar *calendar, day_t monday, int weekday, msec_t time_ms);
msec_t ladder_judge_at(const struct policy_book *book, day_t monday);

#endif
