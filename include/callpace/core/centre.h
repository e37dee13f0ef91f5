/* The whole call centre as a fold: state = fold(events). Agents, days, calls,
 * sums of months and teams, members developed. No I/O, no clock: `now` is an
 * argument and never goes back. Recovery, replay and the live daemon run these
 * same functions. POLICY section 2, CONTRACT sections 2 and 4. */
#ifndef CALLPACE_CORE_CENTRE_H
#define CALLPACE_CORE_CENTRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callpace/base/status.h"
#include "callpace/base/writer.h"
#include "callpace/core/settings.h"
#include "callpace/core/tally.h"

struct centre;
struct month_closed;

struct month_tally {
  struct centre_agent *agent;
  struct month_tally *older;
  struct month_tally *next_dirty;
  month_t month;
  bool dirty;
  int64_t calls, members;
  msec_t talk_ms;
  struct month_closed *closed; /* NULL: not yet (core/closed.h) */
  bool told;                   /* closed, and its alert is decided */
  uint64_t lsn;
  msec_t renewed_ms; /* when its key in Redis last got its full life; the view's own */
};

struct lead_week; /* core/leads.h */

struct centre_agent {
  char *id;
  const struct agent *rostered; /* NULL: not on the roster */
  struct day_tally *days;       /* newest first */
  struct month_tally *months;   /* newest first */
  struct lead_week *weeks;      /* newest first */
  enum agent_state state;       /* the latest by ts, and that ts (MSEC_NONE: none) */
  msec_t state_ms;
  struct day_tally *recent; /* the centre's own: the day used last */
  uint32_t calls;           /* the centre's own: remembered calls that name it */
};

struct centre_team {
  char *id;
  struct team_day *days; /* newest first */
};

/* callpace:team:{TEAM}:day:DATE. Rostered agents only. */
struct team_day {
  struct centre_team *team;
  struct team_day *older;
  struct team_day *next_dirty;
  day_t day;
  bool dirty;
  int64_t dials, answered, calls, members;
  msec_t talk_ms;    /* sum over the agents */
  msec_t renewed_ms; /* the view's own, as in month_tally */
  uint32_t agents;
  uint32_t states[PACE_STATES]; /* agents by the day's state */
};

/* `settings` is borrowed: it must outlive the centre, or until the next
 * centre_use_settings. */
struct centre *centre_new(const struct settings *settings);
void centre_free(struct centre *centre); /* NULL is fine */

/* Other settings from now on (reload): agents are bound to the roster again,
 * plans of today and later and the teams are made anew, everything that shows is
 * dirty; what was counted stays. After return the old settings are not used. */
void centre_use_settings(struct centre *centre, const struct settings *settings, msec_t now_ms);
const struct settings *centre_settings(const struct centre *centre);

/* Limits; set before use. The defaults are in centre_new. */
struct centre_limits {
  uint32_t calls_max;      /* remembered finished or waiting calls: 1,000,000 */
  msec_t remember_ms;      /* how long since they changed: 48 h */
  uint32_t unrostered_max; /* agents not on the roster: 10,000 */
  int32_t keep_days;       /* day tallies before today: 62 */
  int32_t keep_months;     /* months with this one: 3 */
  uint32_t leads_max;      /* of all weeks that are kept: 8,000,000 */
};
struct centre_limits *centre_limits(struct centre *centre);

/* The canonical id of an agent as the roster knows it (by id, else by
 * extension); the same slice where it does not. */
struct slice centre_resolve_agent(const struct centre *centre, struct slice id_or_extension);

enum centre_result {
  CENTRE_APPLIED = 0,
  CENTRE_UNCHANGED = 1,       /* nothing new in it; the state did not change at all */
  CENTRE_MISSING_FIELD = 2,   /* no call, agent or member where the type needs one */
  CENTRE_TOO_MANY_AGENTS = 3, /* one more agent that is not on the roster */
  CENTRE_BAD_TIME = 4,        /* ts before 1970 or after 9999 */
  CENTRE_LEAD_HOLD = 5,       /* the agent gets no leads in that week: it went to the pool */
  CENTRE_UNKNOWN_LEAD = 6,    /* a withdrawal of a lead that the agent does not hold */
  CENTRE_TOO_MANY_LEADS = 7,
  CENTRE_BAD_WEEK = 8, /* no week, or more than a year ahead */
};
/* Folds one event in. `now_ms`: arrival time; lsn: its place in the journal
 * (rising). Types that are not folded (review.points, source.gap, tick) are
 * CENTRE_APPLIED. Never judges and never closes calls as lost. */
enum centre_result centre_apply(struct centre *centre, const struct call_event *event,
                                msec_t now_ms, uint64_t lsn);

/* Events that will be applied soon: first each is added, then what they will touch is
 * fetched from memory, which empties the list. Nothing changes; more than
 * CENTRE_AHEAD_MAX are passed over. The centre must not change in between. */
enum { CENTRE_AHEAD_MAX = 16 };
struct centre_ahead {
  size_t count; /* zero-initialise; the rest is the centre's own */
  struct centre_ahead_item {
    uint32_t hash;
    const struct call *call;
    const struct centre_agent *agent;
    const struct day_tally *day;
  } items[CENTRE_AHEAD_MAX];
};
void centre_ahead_add(const struct centre *centre, struct centre_ahead *ahead,
                      const struct call_event *event);
void centre_ahead_fetch(const struct centre *centre, struct centre_ahead *ahead);

/* Time passes: closes lost calls, forgets old ones, begins business days, puts
 * on the list to judge whose verdict is due. Call once a tick, before or after
 * the tick's events, and at centre_next_due. */
void centre_advance(struct centre *centre, msec_t now_ms, uint64_t lsn);
/* The same in one leap: nothing happens at the days in between. centre_advance
 * leaps itself over what is more than this before `now` (one wrong time stamp is
 * enough for that, with clock: events). */
#define CENTRE_STEPS_MAX_MS (62 * MSEC_PER_DAY)
void centre_leap(struct centre *centre, msec_t now_ms, uint64_t lsn);
/* The next moment at which centre_advance has something to do; MSEC_MAX: never. */
msec_t centre_next_due(const struct centre *centre);
day_t centre_today(const struct centre *centre); /* DAY_NONE before the first now */
/* The first business day whose tallies are all still there. */
day_t centre_kept_since(const struct centre *centre);
msec_t centre_now(const struct centre *centre); /* the highest now so far, or MSEC_NONE */

/* Looking. All pointers are the centre's; they hold until it next changes. */
size_t centre_agent_count(const struct centre *centre);
struct centre_agent *centre_agent_at(const struct centre *centre, size_t index);
struct centre_agent *centre_find_agent(const struct centre *centre, struct slice id);
size_t centre_team_count(const struct centre *centre);
struct centre_team *centre_team_at(const struct centre *centre, size_t index);
struct day_tally *centre_find_day(const struct centre_agent *agent, day_t day);
struct month_tally *centre_find_month(const struct centre_agent *agent, month_t month);

/* A remembered call; NULL when there is none of that id. */
const struct call *centre_find_call(const struct centre *centre, struct slice id);
/* All that are remembered, in no order. */
typedef void centre_call_fn(void *context, const struct call *call);
void centre_each_call(const struct centre *centre, centre_call_fn *fn, void *context);
/* From now on `fn` gets every call just before it is forgotten, while it still
 * counts in its tally; for whoever looks back. NULL: nobody. */
void centre_on_forget(struct centre *centre, centre_call_fn *fn, void *context);

struct centre_counts {
  size_t open_calls;  /* with a start and no end */
  size_t calls;       /* all that are remembered */
  size_t unrostered;  /* agents not on the roster */
  size_t members;     /* distinct agent and member */
  uint64_t forgotten; /* calls given up for calls_max, not for age */
};
struct centre_counts centre_counts(const struct centre *centre);

/* Whose published form changed, in the order of change, each once; NULL: none
 * left. Taking one clears its mark. */
/* The month closed for the agent as decided; a second decision changes nothing. And its
 * alert was decided (RECORD_MONTH_CLOSED, RECORD_ALERT). */
void centre_close_month(struct centre *centre, struct slice agent, month_t month,
                        const struct month_closed *fact, uint64_t lsn);
void centre_tell_month(struct centre *centre, struct slice agent, month_t month);
/* What shows of an agent's month changed outside of the centre. */
void centre_touch_month(struct centre *centre, struct slice agent, month_t month, uint64_t lsn);
struct day_tally *centre_next_dirty_day(struct centre *centre);
struct month_tally *centre_next_dirty_month(struct centre *centre);
struct team_day *centre_next_dirty_team(struct centre *centre);
bool centre_is_dirty(const struct centre *centre); /* one of these, or of the weeks */
void centre_mark_all_dirty(struct centre *centre);

/* Judging. Days whose facts changed or whose verdict is due. */
struct day_tally *centre_next_to_judge(struct centre *centre);
/* Puts every judged agent of today on that list. */
void centre_judge_all(struct centre *centre);
/* From now on centre_advance does not do so every minute, which only keeps what is
 * expected up to date: states and what follows from them come out the same. For whoever
 * looks back; a change of coverage has to be told by centre_judge_all, as ever. */
void centre_judge_when_due(struct centre *centre);
/* The same for the days that lie in [from_ms, to_ms), after a change of coverage. */
void centre_judge_span(struct centre *centre, msec_t from_ms, msec_t to_ms);
/* The plan of a tally's day; NULL when it has none (agent not on the roster). */
const struct day_plan *centre_plan(struct centre *centre, struct day_tally *tally);
/* The facts to judge by; false when the day is judged by nothing (no plan). The
 * call cycle is the agent's own from 5 cycles on, else the site's mean of that
 * day when this minute began, else 0. */
bool centre_pace_facts(struct centre *centre, struct day_tally *tally, msec_t now_ms,
                       int64_t coverage_bp, struct pace_facts *out);
/* Stores a verdict: team sums by state, dirty when it shows, next due moment. */
void centre_set_verdict(struct centre *centre, struct day_tally *tally,
                        const struct verdict *verdict);

/* Calls newly closed as lost until then, one a call of this function; those that
 * have ended since are passed over. Take them each tick. */
struct lost_call {
  struct day_tally *tally;
  struct slice call; /* holds until the centre next changes */
  msec_t start_ms;
  bool timed_out; /* nothing was heard for max_call; else the switch knows it no more */
};
bool centre_take_lost(struct centre *centre, msec_t until_ms, struct lost_call *out);

/* Snapshot: appends the whole state, versioned and with a checksum. Loading, with
 * the settings that were in force when it was saved, gives a centre that goes on
 * exactly as the saved one, with everything dirty and today to be judged (limits
 * are set anew). Damaged or foreign bytes give NULL and an error, and `r` failed. */
void centre_save(const struct centre *centre, struct writer *w);
struct centre *centre_load(struct reader *r, const struct settings *settings, struct error *error);

#endif
