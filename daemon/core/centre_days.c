/* Business days, an agent's tallies and months, and the plans of the days. */
#include <assert.h>
#include <stdlib.h>

#include "centre_inner.h"

enum { SHARED_PLANS_MAX = 8 };

static const struct calendar *calendar_of(const struct centre *centre) {
  return &centre->settings->policy->calendar;
}

struct centre_day *centre_day_of(struct centre *centre, day_t day) {
  struct centre_day **at = &centre->days;
  while (*at && (*at)->day > day)
    at = &(*at)->older;
  if (*at && (*at)->day == day) return *at;
  struct centre_day *made = mem_zalloc(sizeof *made);
  made->day = day;
  made->begin_ms = calendar_day_begin(calendar_of(centre), day);
  made->end_ms = calendar_day_end(calendar_of(centre), day);
  made->policy = policy_on(centre->settings->policy, day);
  made->older = *at;
  *at = made;
  return made;
}

struct centre_day *centre_day_at(struct centre *centre, msec_t at) {
  struct centre_day *recent = centre->recent_day;
  if (recent && recent->begin_ms <= at && at < recent->end_ms) return recent;
  recent = centre_day_of(centre, calendar_day_of(calendar_of(centre), at));
  centre->recent_day = recent;
  return recent;
}

/* Plans. */

static bool has_leave(const struct agent *agent, const struct centre_day *day) {
  for (size_t i = 0; i < agent->leave_count; i++)
    if (agent->leave[i].from_ms < day->end_ms + MSEC_PER_DAY &&
        agent->leave[i].to_ms > day->begin_ms)
      return true;
  return false;
}

static bool plan_equal(const struct day_plan *a, const struct day_plan *b) {
  return a->agent_class == b->agent_class && a->exempt == b->exempt &&
         a->calls_target == b->calls_target && a->talk_target_ms == b->talk_target_ms &&
         a->shift_end_ms == b->shift_end_ms && a->productive.count == b->productive.count &&
         (a->productive.count == 0 ||
          memcmp(a->productive.at, b->productive.at,
                 a->productive.count * sizeof a->productive.at[0]) == 0);
}

/* The same plan out of the few that agents without leave have; NULL: full. */
static const struct day_plan *share_plan(struct centre_day *day, const struct day_plan *plan) {
  unsigned count = 0;
  for (struct shared_plan *shared = day->plans; shared; shared = shared->next, count++)
    if (plan_equal(&shared->plan, plan)) return &shared->plan;
  if (count >= SHARED_PLANS_MAX) return NULL;
  struct shared_plan *shared = mem_alloc(sizeof *shared);
  shared->plan = *plan;
  shared->next = day->plans;
  day->plans = shared;
  return &shared->plan;
}

static void make_plan(struct centre *centre, struct day_tally *tally) {
  struct day_plan plan;
  const struct agent *rostered = tally->agent->rostered;
  day_plan_make(centre->settings->policy, rostered, tally->day, &plan);
  if (!has_leave(rostered, tally->centre_day)) tally->plan = share_plan(tally->centre_day, &plan);
  if (tally->plan) return;
  struct day_plan *own = mem_alloc(sizeof *own);
  *own = plan;
  tally->plan = own;
  tally->plan_owned = true;
}

void centre_drop_plan(struct day_tally *tally) {
  if (tally->plan_owned) free((void *)(uintptr_t)tally->plan);
  tally->plan = NULL;
  tally->plan_owned = false;
}

void centre_free_plans(struct centre_day *day) {
  for (struct shared_plan *plan = day->plans, *next; plan; plan = next) {
    next = plan->next;
    free(plan);
  }
  day->plans = NULL;
}

const struct day_plan *centre_plan(struct centre *centre, struct day_tally *tally) {
  if (!tally->plan && tally->rostered && tally->agent->rostered) make_plan(centre, tally);
  return tally->plan;
}

/* What the day shows of its plan, and where it is summed. */
void centre_bind_plan(struct centre *centre, struct day_tally *tally) {
  tally->rostered = tally->agent->rostered != NULL;
  const struct day_plan *plan = centre_plan(centre, tally);
  tally->agent_class = plan ? plan->agent_class : CLASS_NEW;
  tally->exempt = plan && plan->exempt;
  tally->calls_target = plan ? plan->calls_target : 0;
  tally->talk_target_ms = plan ? plan->talk_target_ms : 0;
  if (!plan) {
    tally->verdict = (struct verdict){.state = PACE_UNROSTERED, .due_ms = MSEC_MAX};
    deadlines_drop(&centre->judgments, &tally->heap_at);
  } else if (tally->verdict.state == PACE_UNROSTERED) {
    tally->verdict = (struct verdict){.state = PACE_NONE, .due_ms = MSEC_MAX};
  }
  centre_join_team(centre, tally);
  centre_mark_day(centre, tally);
  centre_mark_judge(centre, tally);
}

/* Mean call cycle: what this agent's day adds to the site's. */
void centre_count_cycles(struct centre *centre, struct day_tally *tally) {
  const struct day_plan *plan = centre_plan(centre, tally);
  struct centre_day *day = tally->centre_day;
  day->cycle_ms -= tally->cycle_ms;
  day->cycles -= tally->cycles;
  tally->cycle_ms = 0;
  tally->cycles = 0;
  if (!plan || tally->dials < 2) return;
  tally->cycle_ms = spans_elapsed(&plan->productive, tally->last_dial_ms) -
                    spans_elapsed(&plan->productive, tally->first_dial_ms);
  tally->cycles = tally->dials - 1;
  day->cycle_ms += tally->cycle_ms;
  day->cycles += tally->cycles;
}

/* Tallies and months. */

struct month_tally *centre_month_of(struct centre *centre, struct centre_agent *agent,
                                    month_t month) {
  struct month_tally **at = &agent->months;
  while (*at && (*at)->month > month)
    at = &(*at)->older;
  if (*at && (*at)->month == month) return *at;
  struct month_tally *made = pool_take(&centre->month_pool);
  *made = (struct month_tally){.agent = agent, .month = month, .lsn = centre->lsn, .older = *at};
  *at = made;
  centre_mark_month(centre, made);
  return made;
}

static struct day_tally *make_tally(struct centre *centre, struct centre_agent *agent,
                                    struct centre_day *day, struct day_tally **at) {
  struct day_tally *tally = pool_take(&centre->tally_pool);
  day_tally_init(tally, agent, day->day, day->begin_ms);
  tally->centre_day = day;
  tally->lsn = centre->lsn;
  tally->updated_ms = centre->now_ms;
  tally->verdict.due_ms = MSEC_MAX;
  tally->older = *at;
  *at = tally;
  day->tallies++;
  if (day->day < centre->today - centre->limits.keep_days) centre->stale_tallies++;
  centre_bind_plan(centre, tally);
  centre_month_of(centre, agent, month_of(day->day));
  return tally;
}

struct day_tally *centre_tally_of(struct centre *centre, struct centre_agent *agent,
                                  struct centre_day *day) {
  struct day_tally *recent = agent->recent;
  if (recent && recent->day == day->day) return recent;
  struct day_tally **at = &agent->days;
  while (*at && (*at)->day > day->day)
    at = &(*at)->older;
  if (!*at || (*at)->day != day->day) make_tally(centre, agent, day, at);
  return agent->recent = *at;
}

void centre_begin_today(struct centre *centre) {
  struct centre_day *today = centre_day_at(centre, centre->now_ms);
  centre->today = today->day;
  for (size_t i = 0; i < centre->agent_count; i++)
    if (centre->agents[i]->rostered) centre_tally_of(centre, centre->agents[i], today);
  centre_begin_weeks(centre);
}

void centre_free_tally(struct centre *centre, struct day_tally *tally) {
  centre_part_calls(centre, tally);
  deadlines_drop(&centre->judgments, &tally->heap_at);
  centre_drop_plan(tally);
  day_tally_clear(tally);
  tally->centre_day->tallies--;
  pool_give(&centre->tally_pool, tally);
}

/* Frees the tail of an agent's lists that is too old. */
static void trim_agent(struct centre *centre, struct centre_agent *agent, day_t day,
                       month_t month) {
  struct day_tally **at = &agent->days;
  while (*at && (*at)->day >= day)
    at = &(*at)->older;
  for (struct day_tally *tally = *at, *older; tally; tally = older) {
    older = tally->older;
    if (agent->recent == tally) agent->recent = NULL;
    centre_free_tally(centre, tally);
  }
  *at = NULL;
  struct month_tally **month_at = &agent->months;
  while (*month_at && (*month_at)->month >= month)
    month_at = &(*month_at)->older;
  for (struct month_tally *tally = *month_at, *older; tally; tally = older) {
    older = tally->older;
    free(tally->closed);
    pool_give(&centre->month_pool, tally);
  }
  *month_at = NULL;
}

static void trim_team(struct centre_team *team, day_t day) {
  struct team_day **at = &team->days;
  while (*at && (*at)->day >= day)
    at = &(*at)->older;
  for (struct team_day *team_day = *at, *older; team_day; team_day = older) {
    older = team_day->older;
    free(team_day);
  }
  *at = NULL;
}

static void trim_days(struct centre *centre) {
  centre->recent_day = NULL;
  for (struct centre_day **at = &centre->days; *at;) {
    struct centre_day *day = *at;
    if (day->tallies || day->day == centre->today) {
      at = &day->older;
      continue;
    }
    *at = day->older;
    centre_free_plans(day);
    free(day);
  }
}

void centre_drop_days(struct centre *centre) {
  day_t day = centre->today - centre->limits.keep_days;
  month_t month = month_of(centre->today) - centre->limits.keep_months + 1;
  centre_purge_lists(centre, day, month);
  for (size_t i = 0; i < centre->agent_count; i++)
    trim_agent(centre, centre->agents[i], day, month);
  centre_drop_weeks(centre);
  for (size_t i = 0; i < centre->team_count; i++)
    trim_team(centre->teams[i], day);
  trim_days(centre);
  centre_drop_idle_agents(centre);
  centre->stale_tallies = 0;
}
