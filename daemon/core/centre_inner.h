/* What the files of the centre share; nobody else includes it. */
#ifndef CALLPACE_CORE_CENTRE_INNER_H
#define CALLPACE_CORE_CENTRE_INNER_H

#include "callpace/base/mem.h"
#include "callpace/base/table.h"
#include "callpace/core/centre.h"
#include "callpace/core/deadlines.h"
#include "callpace/core/leads.h"
#include "callpace/core/member_set.h"

/* A plan that agents of one day have in common. */
struct shared_plan {
  struct shared_plan *next;
  struct day_plan plan;
};

/* A business day with tallies (or today). */
struct centre_day {
  struct centre_day *older;
  day_t day;
  msec_t begin_ms, end_ms;
  const struct policy *policy;
  struct shared_plan *plans;
  size_t tallies;
  msec_t cycle_ms;      /* of all agents: first to last dial, productive time */
  int64_t cycles;       /* and the number of cycles in it */
  msec_t site_cycle_ms; /* the site's mean at the beginning of this minute; 0: none */
};

/* A call that was closed as lost and is still to be told. */
struct lost_note {
  char *id; /* NUL-terminated copy */
  msec_t noted_ms;
};

struct centre {
  const struct settings *settings;
  struct centre_limits limits;
  msec_t now_ms;
  day_t today;
  uint64_t lsn;

  struct centre_agent **agents; /* in the order of their coming */
  size_t agent_count, agent_capacity, unrostered;
  struct table agents_by_id;
  struct centre_agent **by_roster; /* by the agent's index in the roster */
  struct centre_team **teams;
  size_t team_count, team_capacity;
  struct table teams_by_id;

  struct centre_day *days; /* newest first */
  struct centre_day *recent_day;
  struct pool tally_pool, month_pool, call_pool;
  size_t stale_tallies; /* made for days that are not kept */

  struct table calls;
  struct call *queue_first, *queue_last; /* to be forgotten, by queued_ms */
  size_t queue_count, open_calls;
  uint64_t forgotten;
  struct deadlines timeouts;  /* of open calls */
  struct deadlines judgments; /* of tallies */
  struct lost_note *lost;     /* calls newly lost, in the order of noted_ms */
  size_t lost_first, lost_count, lost_capacity;
  struct member_set members;
  struct lead_pool pool;
  size_t leads;                    /* in all books */
  struct deadlines week_judgments; /* of weeks */
  centre_call_fn *on_forget;       /* NULL: nobody looks */
  void *on_forget_context;

  struct day_tally *dirty_first, *dirty_last;
  struct day_tally *judge_first, *judge_last;
  bool judges_when_due;   /* time alone judges nobody before its verdict is due */
  msec_t judged_cycle_ms; /* with it: today's site_cycle_ms when all were judged by it */
  struct month_tally *dirty_month_first, *dirty_month_last;
  struct team_day *dirty_team_first, *dirty_team_last;
  struct lead_week *dirty_week_first, *dirty_week_last;
  struct lead_week *judge_week_first, *judge_week_last;
};

void centre_set_now(struct centre *centre, msec_t now_ms);   /* never back */
struct centre *centre_make(const struct settings *settings); /* without agents */

/* centre_agents.c: agents and teams, and how they hang on the roster. */
/* NULL when it is not on the roster and there are too many such. `made` tells
 * that the record is new. */
struct centre_agent *centre_agent_of(struct centre *centre, struct slice name, bool *made);
struct centre_agent *centre_add_agent(struct centre *centre, struct slice id);
void centre_unmake_agent(struct centre *centre, struct centre_agent *agent); /* the newest */
void centre_bind_roster(struct centre *centre);
void centre_free_agent(struct centre *centre, struct centre_agent *agent);
void centre_drop_idle_agents(struct centre *centre);
struct team_day *centre_team_day(struct centre *centre, struct slice id, day_t day);
void centre_sum_team(struct team_day *team_day, const struct day_tally *tally, int sign);
void centre_join_team(struct centre *centre, struct day_tally *tally);
void centre_leave_team(struct centre *centre, struct day_tally *tally);

/* centre_days.c: days, tallies, months, and their plans. */
struct centre_day *centre_day_at(struct centre *centre, msec_t at);
struct centre_day *centre_day_of(struct centre *centre, day_t day);
struct day_tally *centre_tally_of(struct centre *centre, struct centre_agent *agent,
                                  struct centre_day *day);
struct month_tally *centre_month_of(struct centre *centre, struct centre_agent *agent,
                                    month_t month);
void centre_bind_plan(struct centre *centre, struct day_tally *tally);
void centre_drop_plan(struct day_tally *tally);
void centre_free_plans(struct centre_day *day);
void centre_begin_today(struct centre *centre);
void centre_drop_days(struct centre *centre);
void centre_free_tally(struct centre *centre, struct day_tally *tally);
void centre_count_cycles(struct centre *centre, struct day_tally *tally);

/* centre_calls.c: calls and their contributions. */
/* What a day looked like before a change; its end brings sums, judgement and
 * marks along. */
struct centre_change {
  struct day_tally *tally;
  uint32_t dials, answered, calls, members;
  msec_t talk_ms, talking_since_ms, first_dial_ms, last_dial_ms;
};
void centre_change_begin(struct day_tally *tally, struct centre_change *change);
void centre_change_end(struct centre *centre, const struct centre_change *change);
enum centre_result centre_apply_call(struct centre *centre, const struct call_event *event);
void centre_lose_late(struct centre *centre, msec_t now_ms); /* older than max_call */
void centre_forget_old(struct centre *centre);               /* past remember_ms */
/* Takes its calls off a tally that goes; they stay remembered. */
void centre_part_calls(struct centre *centre, struct day_tally *tally);
void centre_queue_call(struct centre *centre, struct call *call);
/* centre_ahead.c: a call was taken off the queue; those behind it will follow. */
void centre_expect_forgetting(const struct centre *centre);
/* Calls lost and not yet told, and the means of this minute, for snapshots. */
void centre_save_pending(const struct centre *centre, struct writer *w);
void centre_load_pending(struct centre *centre, struct reader *r);
void centre_watch_call(struct centre *centre, struct call *call); /* its max_call */

/* centre_leads.c: weeks and their leads. */
struct lead_week *centre_week_of(struct centre *centre, struct centre_agent *agent, day_t monday);
void centre_free_week(struct centre *centre, struct lead_week *week);
void centre_begin_weeks(struct centre *centre);
void centre_drop_weeks(struct centre *centre);
void centre_renew_weeks(struct centre *centre); /* other settings */
enum centre_result centre_apply_issue(struct centre *centre, const struct call_event *event);
enum centre_result centre_apply_withdraw(struct centre *centre, const struct call_event *event);
/* What a call counts for is added to its tally, or taken back. */
void centre_credit_lead(struct centre *centre, const struct call *call, bool add);

/* centre_lists.c */
void centre_mark_week_judge(struct centre *centre, struct lead_week *week);
void centre_mark_day(struct centre *centre, struct day_tally *tally);
void centre_mark_month(struct centre *centre, struct month_tally *month);
void centre_mark_team(struct centre *centre, struct team_day *team_day);
void centre_mark_judge(struct centre *centre, struct day_tally *tally);
/* Takes what is before `day` off all lists (months: of before `month`). */
void centre_purge_lists(struct centre *centre, day_t day, month_t month);

#endif
