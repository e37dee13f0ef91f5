/* The lead ledger: weeks of agents, leads that come and go, and what calls do to
 * them. */
#include <assert.h>
#include <stdlib.h>

#include "callpace/core/number.h"
#include "centre_inner.h"

enum { DAYS = 7, AHEAD_WEEKS = 53, LEAD_ID_MAX = 1024 };

static day_t this_monday(const struct centre *centre) {
  return week_monday(centre->today);
}

static day_t oldest_monday(const struct centre *centre) {
  return week_monday(centre->today - centre->limits.keep_days);
}

/* --- weeks --- */

static void use_rules(const struct centre *centre, struct lead_week *week) {
  const struct policy *policy = policy_on(centre->settings->policy, week->monday + DAYS - 1);
  week->rules = (struct lead_rules){.reached_contacts = policy->contact.reached_contacts,
                                    .attempted = policy->contact.counts_when_attempted,
                                    .min_gap_ms = policy->contact.contact_min_gap_ms};
}

static void touch(struct centre *centre, struct lead_week *week) {
  week->lsn = centre->lsn;
  centre_mark_week(centre, week);
  centre_mark_week_judge(centre, week);
}

struct lead_week *centre_week_of(struct centre *centre, struct centre_agent *agent, day_t monday) {
  struct lead_week **at = &agent->weeks;
  while (*at && (*at)->monday > monday)
    at = &(*at)->older;
  if (*at && (*at)->monday == monday) return *at;
  struct lead_week *week = mem_alloc(sizeof *week);
  *week = (struct lead_week){.agent = agent,
                             .older = *at,
                             .monday = monday,
                             .begin_ms =
                                 calendar_day_begin(&centre->settings->policy->calendar, monday),
                             .heap_at = DEADLINE_NONE,
                             .plan_day = DAY_NONE};
  *at = week;
  use_rules(centre, week);
  week->book.frozen = monday < this_monday(centre) - DAYS;
  touch(centre, week);
  return week;
}

struct lead_week *centre_find_week(const struct centre_agent *agent, day_t monday) {
  struct lead_week *week = agent->weeks;
  while (week && week->monday > monday)
    week = week->older;
  return week && week->monday == monday ? week : NULL;
}

void centre_free_week(struct centre *centre, struct lead_week *week) {
  deadlines_drop(&centre->week_judgments, &week->heap_at);
  centre->leads -= week->book.lead_count;
  lead_book_free(&week->book);
  free(week->closed);
  free(week);
}

void centre_begin_weeks(struct centre *centre) {
  day_t monday = this_monday(centre);
  for (size_t i = 0; i < centre->agent_count; i++) {
    struct centre_agent *agent = centre->agents[i];
    if (agent->rostered) centre_week_of(centre, agent, monday);
    for (struct lead_week *week = agent->weeks; week; week = week->older) {
      if (week->monday < monday - DAYS && !week->book.frozen) lead_book_freeze(&week->book);
      if (week->monday >= monday - DAYS) centre_mark_week_judge(centre, week);
    }
  }
}

void centre_drop_weeks(struct centre *centre) {
  day_t oldest = oldest_monday(centre);
  for (size_t i = 0; i < centre->agent_count; i++) {
    struct lead_week **at = &centre->agents[i]->weeks;
    while (*at && (*at)->monday >= oldest)
      at = &(*at)->older;
    for (struct lead_week *week = *at, *older; week; week = older) {
      older = week->older;
      centre_free_week(centre, week);
    }
    *at = NULL;
  }
  lead_pool_drop(&centre->pool, oldest);
}

/* Weeks that are over stand as they were judged. */
void centre_renew_weeks(struct centre *centre) {
  for (size_t i = 0; i < centre->agent_count; i++)
    for (struct lead_week *week = centre->agents[i]->weeks; week; week = week->older) {
      week->plan_day = DAY_NONE;
      if (week->closed || centre->today == DAY_NONE || week->monday + DAYS <= centre->today)
        continue;
      use_rules(centre, week);
      lead_book_recount(&week->book, &week->rules);
      touch(centre, week);
    }
}

const struct lead_pool *centre_pool(const struct centre *centre) {
  return &centre->pool;
}

size_t centre_lead_count(const struct centre *centre) {
  return centre->leads;
}

/* --- productive time of a week --- */

static void productive_of(const struct centre *centre, const struct lead_week *week, day_t day,
                          struct spans *out) {
  const struct agent *rostered = week->agent->rostered;
  struct day_plan plan;
  *out = (struct spans){.count = 0};
  if (rostered->hired != DAY_NONE && day < rostered->hired) return;
  day_plan_make(centre->settings->policy, rostered, day, &plan);
  *out = plan.productive;
}

static void plan_week(struct centre *centre, struct lead_week *week) {
  if (week->plan_day == centre->today) return;
  week->plan_day = centre->today;
  week->productive_ms = week->passed_ms = 0;
  for (day_t day = week->monday; day < week->monday + DAYS; day++) {
    struct spans spans;
    productive_of(centre, week, day, &spans);
    msec_t length = spans_total(&spans);
    week->productive_ms += length;
    if (day < centre->today) week->passed_ms += length;
  }
}

static bool holds_today(const struct centre *centre, const struct lead_week *week) {
  return week->monday <= centre->today && centre->today < week->monday + DAYS;
}

bool centre_week_time(struct centre *centre, struct lead_week *week, msec_t now_ms,
                      msec_t *productive_ms, msec_t *elapsed_ms) {
  if (!week->agent->rostered || centre->today == DAY_NONE) return false;
  plan_week(centre, week);
  *productive_ms = week->productive_ms;
  *elapsed_ms = week->passed_ms;
  if (!holds_today(centre, week)) return true;
  struct spans today;
  productive_of(centre, week, centre->today, &today);
  *elapsed_ms += spans_elapsed(&today, now_ms);
  return true;
}

msec_t centre_week_point(struct centre *centre, struct lead_week *week, msec_t elapsed_ms) {
  struct spans today;
  if (!week->agent->rostered || !holds_today(centre, week)) return MSEC_MAX;
  plan_week(centre, week);
  productive_of(centre, week, centre->today, &today);
  msec_t point = spans_point(&today, elapsed_ms - week->passed_ms);
  msec_t end = calendar_day_end(&centre->settings->policy->calendar, centre->today);
  return point < end ? point : end;
}

/* --- the events lead.issue and lead.withdraw --- */

static enum centre_result week_of_event(const struct centre *centre, const struct call_event *event,
                                        day_t *monday) {
  if (event->week.len > 0) {
    if (!week_parse(event->week, monday)) return CENTRE_BAD_WEEK;
  } else {
    *monday = week_monday(calendar_day_of(&centre->settings->policy->calendar, event->ts_ms));
  }
  return *monday > this_monday(centre) + AHEAD_WEEKS * DAYS ? CENTRE_BAD_WEEK : CENTRE_APPLIED;
}

static bool is_held(const struct lead_week *week, struct slice id) {
  const struct lead *lead = week ? lead_book_find(&week->book, id) : NULL;
  return lead && lead->held;
}

static bool somebody_holds(const struct centre *centre, day_t monday, struct slice id) {
  for (size_t i = 0; i < centre->agent_count; i++)
    if (is_held(centre_find_week(centre->agents[i], monday), id)) return true;
  return false;
}

static void give(struct centre *centre, struct lead_week *week, const struct pool_lead *lead,
                 bool received) {
  const struct number_rules *numbers = &centre->settings->policy->numbers;
  uint32_t before = week->book.lead_count;
  bool changed = lead_book_give(&week->book, &week->rules, lead->lead, lead->number,
                                number_key(numbers, lead->number), received, lead->at_ms);
  centre->leads += week->book.lead_count - before;
  if (changed) touch(centre, week);
  lead_pool_remove(&centre->pool, week->monday, lead->lead);
}

enum centre_result centre_apply_issue(struct centre *centre, const struct call_event *event) {
  day_t monday;
  bool made = false;
  if (event->agent.len == 0 || event->number.len == 0 || event->lead.len == 0 ||
      event->lead.len > LEAD_ID_MAX || event->number.len > UINT16_MAX)
    return CENTRE_MISSING_FIELD;
  enum centre_result result = week_of_event(centre, event, &monday);
  if (result != CENTRE_APPLIED || monday < oldest_monday(centre)) return result;
  if (centre->leads + centre->pool.by_lead.count >= centre->limits.leads_max)
    return CENTRE_TOO_MANY_LEADS;
  struct centre_agent *agent = centre_agent_of(centre, event->agent, &made);
  if (!agent) return CENTRE_TOO_MANY_AGENTS;
  struct pool_lead lead = {.week = monday,
                           .at_ms = event->ts_ms,
                           .lead = event->lead,
                           .number = event->number,
                           .from = slice_of(agent->id),
                           .reason = SLICE("lead_hold")};
  struct lead_week *week = centre_week_of(centre, agent, monday);
  if (week->on_hold) {
    if (!somebody_holds(centre, monday, lead.lead)) lead_pool_add(&centre->pool, &lead);
    return CENTRE_LEAD_HOLD;
  }
  give(centre, week, &lead, false);
  return CENTRE_APPLIED;
}

enum centre_result centre_apply_withdraw(struct centre *centre, const struct call_event *event) {
  day_t monday;
  if (event->agent.len == 0 || event->lead.len == 0) return CENTRE_MISSING_FIELD;
  enum centre_result result = week_of_event(centre, event, &monday);
  if (result != CENTRE_APPLIED) return result;
  const struct centre_agent *agent = centre_find_agent(centre, event->agent);
  struct lead_week *week = agent ? centre_find_week(agent, monday) : NULL;
  if (!is_held(week, event->lead)) return CENTRE_UNKNOWN_LEAD;
  if (!lead_book_take(&week->book, event->lead, event->ts_ms)) return CENTRE_UNCHANGED;
  touch(centre, week);
  return CENTRE_APPLIED;
}

/* --- decisions --- */

void centre_move_lead(struct centre *centre, const struct pool_lead *lead, struct slice to,
                      uint64_t lsn) {
  bool made = false;
  if (lsn > centre->lsn) centre->lsn = lsn;
  if (centre->today == DAY_NONE || lead->week < oldest_monday(centre) || lead->lead.len == 0 ||
      lead->lead.len > LEAD_ID_MAX)
    return;
  struct centre_agent *from = centre_find_agent(centre, lead->from);
  struct lead_week *had = from ? centre_find_week(from, lead->week) : NULL;
  const struct lead *held = had ? lead_book_find(&had->book, lead->lead) : NULL;
  if (held && held->held) {
    /* Gone, even when the clocks of those who issue are ahead. */
    msec_t at_ms = lead->at_ms > held->moved_ms ? lead->at_ms : held->moved_ms;
    if (lead_book_take(&had->book, lead->lead, at_ms)) touch(centre, had);
  }
  struct centre_agent *agent = to.len ? centre_agent_of(centre, to, &made) : NULL;
  if (agent)
    give(centre, centre_week_of(centre, agent, lead->week), lead, true);
  else if (!somebody_holds(centre, lead->week, lead->lead))
    lead_pool_add(&centre->pool, lead);
}

/* What was issued; received leads stay. */
static void empty_into_pool(struct centre *centre, struct lead_week *week, struct slice reason,
                            msec_t now_ms) {
  struct lead_book *book = &week->book;
  for (uint32_t i = 0; i < book->lead_count; i++) {
    struct lead *lead = &book->leads[i];
    if (!lead->held || lead->received) continue;
    struct pool_lead pooled = {.week = week->monday,
                               .at_ms = now_ms,
                               .lead = lead_id(book, lead),
                               .number = lead_number(book, lead),
                               .from = slice_of(week->agent->id),
                               .reason = reason};
    msec_t at_ms = now_ms > lead->moved_ms ? now_ms : lead->moved_ms;
    lead_book_take(book, pooled.lead, at_ms);
    if (!somebody_holds(centre, week->monday, pooled.lead)) lead_pool_add(&centre->pool, &pooled);
  }
}

void centre_hold_leads(struct centre *centre, struct slice agent_id, day_t monday,
                       struct slice reason, msec_t now_ms, uint64_t lsn) {
  bool made = false;
  if (lsn > centre->lsn) centre->lsn = lsn;
  if (centre->today == DAY_NONE || monday < oldest_monday(centre)) return;
  struct centre_agent *agent = centre_agent_of(centre, agent_id, &made);
  if (!agent) return;
  struct lead_week *week = centre_week_of(centre, agent, monday);
  week->on_hold = true;
  empty_into_pool(centre, week, reason, now_ms);
  touch(centre, week);
}

/* The rung of later weeks may follow from it. */
static void mark_later(struct centre *centre, const struct lead_week *week) {
  for (struct lead_week *w = week->agent->weeks; w && w != week; w = w->older)
    centre_mark_week_judge(centre, w);
}

void centre_close_week(struct centre *centre, struct slice agent_id, day_t monday,
                       const struct week_closed *fact, uint64_t lsn) {
  bool made = false;
  if (lsn > centre->lsn) centre->lsn = lsn;
  if (centre->today == DAY_NONE || monday < oldest_monday(centre)) return;
  struct centre_agent *agent = centre_agent_of(centre, agent_id, &made);
  if (!agent) return;
  struct lead_week *week = centre_week_of(centre, agent, monday);
  if (week->closed) return;
  week->closed = mem_alloc(sizeof *week->closed);
  *week->closed = *fact;
  week->verdict = fact->verdict;
  deadlines_drop(&centre->week_judgments, &week->heap_at);
  touch(centre, week);
  mark_later(centre, week);
}

void centre_tell_week(struct centre *centre, struct slice agent_id, day_t monday) {
  const struct centre_agent *agent = centre_find_agent(centre, agent_id);
  struct lead_week *week = agent ? centre_find_week(agent, monday) : NULL;
  if (week) week->told = true;
}

/* --- calls --- */

void centre_credit_lead(struct centre *centre, const struct call *call, bool add) {
  const struct call_count *count = &call->count;
  const struct day_tally *tally = call->tally;
  if (count->dial_key == 0) return;
  day_t monday = week_monday(tally->day);
  struct lead_week *week = centre_find_week(tally->agent, monday);
  if (!week) {
    if (!add || monday < oldest_monday(centre)) return;
    week = centre_week_of(centre, tally->agent, monday);
  }
  msec_t at_ms = tally->begin_ms + count->start - week->begin_ms;
  bool answered = count->flags & COUNT_ANSWERED;
  if (lead_book_dial(&week->book, &week->rules, count->dial_key, at_ms, answered, add))
    touch(centre, week);
}

/* --- judging --- */

void centre_set_week_verdict(struct centre *centre, struct lead_week *week,
                             const struct week_verdict *verdict, msec_t due_ms) {
  const struct week_verdict *was = &week->verdict;
  if (was->state != verdict->state || was->threshold_bp != verdict->threshold_bp ||
      was->rung != verdict->rung || was->offence != verdict->offence)
    centre_mark_week(centre, week);
  week->verdict = *verdict;
  if (due_ms == MSEC_MAX)
    deadlines_drop(&centre->week_judgments, &week->heap_at);
  else
    deadlines_set(&centre->week_judgments, &week->heap_at, due_ms);
}
