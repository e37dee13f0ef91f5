/* The lead ledger of the centre: who holds which leads in which week, what was made
 * of them, and how the week stands. What the events lead.issue, lead.withdraw and
 * the calls do to it goes through centre_apply. POLICY section 5. */
#ifndef CALLPACE_CORE_LEADS_H
#define CALLPACE_CORE_LEADS_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/core/centre.h"
#include "callpace/core/closed.h"
#include "callpace/core/ladder.h"
#include "callpace/core/lead_book.h"
#include "callpace/core/lead_pool.h"

/* callpace:agent:{ID}:week:WEEK. Stands from the first day of the week for whoever is
 * on the roster. */
struct lead_week {
  struct centre_agent *agent;
  struct lead_week *older; /* next of the same agent */
  day_t monday;
  bool on_hold;    /* no leads are issued to the agent in this week */
  msec_t begin_ms; /* first moment of the week when this was made */
  struct lead_rules rules;
  struct lead_book book;
  struct week_verdict verdict;         /* the last one given; of state WEEK_NONE before */
  struct week_closed *closed;          /* NULL: not yet; then `verdict` is its */
  bool told;                           /* closed, and its alert is decided */
  uint64_t lsn;                        /* of the last event that changed it */
  msec_t renewed_ms, leads_renewed_ms; /* the view's own, as in day_tally */

  /* The centre's own. */
  bool dirty, to_judge;
  uint32_t heap_at; /* place in the heap of judgements due */
  struct lead_week *next_dirty, *next_to_judge;
  day_t plan_day; /* the day of which the next two hold; DAY_NONE: to be made */
  msec_t productive_ms, passed_ms;
};

/* Looking. Pointers hold until the centre next changes. NULL: there is none. */
struct lead_week *centre_find_week(const struct centre_agent *agent, day_t monday);
const struct lead_pool *centre_pool(const struct centre *centre);
size_t centre_lead_count(const struct centre *centre); /* all that are kept, of all weeks */

/* The agents' productive time of the week: all of it, and what has passed by now.
 * False for an agent who is not on the roster. */
bool centre_week_time(struct centre *centre, struct lead_week *week, msec_t now_ms,
                      msec_t *productive_ms, msec_t *elapsed_ms);
/* The first moment at which as much of it has passed; not after the end of today,
 * when more would have to pass. */
msec_t centre_week_point(struct centre *centre, struct lead_week *week, msec_t elapsed_ms);

/* Decisions, as the journal holds them (RECORD_LEAD_MOVE, RECORD_LEAD_HOLD). A lead
 * moves to `to`, who holds it as received; with `to` empty it goes to the pool.
 * `from` no longer holds it in that week. */
void centre_move_lead(struct centre *centre, const struct pool_lead *lead, struct slice to,
                      uint64_t lsn);
/* No leads are issued to the agent in that week; what was issued for it goes to the
 * pool, and so does what is issued later. */
void centre_hold_leads(struct centre *centre, struct slice agent, day_t monday, struct slice reason,
                       msec_t now_ms, uint64_t lsn);

/* The week closed for the agent as decided; a second decision changes nothing. And its
 * alert was decided (RECORD_WEEK_CLOSED, RECORD_ALERT). */
void centre_close_week(struct centre *centre, struct slice agent, day_t monday,
                       const struct week_closed *fact, uint64_t lsn);
void centre_tell_week(struct centre *centre, struct slice agent, day_t monday);

/* As centre_next_dirty_day and so on, for weeks; a week is dirty when its own figures
 * or one of its leads changed. */
struct lead_week *centre_next_dirty_week(struct centre *centre);
void centre_mark_week(struct centre *centre, struct lead_week *week);
struct lead_week *centre_next_week_to_judge(struct centre *centre);
void centre_set_week_verdict(struct centre *centre, struct lead_week *week,
                             const struct week_verdict *verdict, msec_t due_ms);

#endif
