#include "callpace/engine/closing.h"

#include <stdlib.h>

#include "callpace/base/mem.h"
#include "callpace/engine/judge.h"
#include "callpace/engine/pipeline.h"
#include "callpace/engine/reassign.h"
#include "callpace/engine/score.h"

/* Those on the roster, by id: consequences come in this order. */
struct crowd {
  struct centre_agent **agents;
  size_t count;
};

static int by_id(const void *a, const void *b) {
  const struct centre_agent *const *x = a, *const *y = b;
  return strcmp((*x)->id, (*y)->id);
}

static struct crowd crowd_of(const struct engine *e) {
  size_t all = centre_agent_count(e->fold.centre);
  struct crowd crowd = {.agents = mem_alloc((all + 1) * sizeof *crowd.agents)};
  for (size_t i = 0; i < all; i++) {
    struct centre_agent *agent = centre_agent_at(e->fold.centre, i);
    if (agent->rostered) crowd.agents[crowd.count++] = agent;
  }
  qsort(crowd.agents, crowd.count, sizeof *crowd.agents, by_id);
  return crowd;
}

/* --- the decision --- */

static void record_closed(struct engine *e, struct slice agent, day_t monday,
                          const struct week_closed *fact) {
  struct record record = {.type = RECORD_WEEK_CLOSED,
                          .week_closed = {.week = monday, .agent = agent}};
  if (fact) record.week_closed.fact = *fact;
  pipeline_record(e, &record);
}

static void judge_agent(struct engine *e, struct centre_agent *agent, day_t monday, msec_t due_ms) {
  struct lead_week *week = centre_find_week(agent, monday);
  struct week_facts facts;
  struct week_verdict verdict;
  struct week_closed fact;
  msec_t later_ms;
  if (!week || week->closed) return;
  if (!fold_week_verdict(&e->fold, week, &facts, &verdict, &later_ms)) return;
  week_closed_make(&facts, &verdict, due_ms, &fact);
  record_closed(e, slice_of(agent->id), monday, &fact);
}

/* --- what follows --- */

static const struct week_closed *offence_of(const struct centre_agent *agent, day_t monday,
                                            const struct lead_week **week) {
  *week = centre_find_week(agent, monday);
  return *week && (*week)->closed && (*week)->closed->verdict.offence ? (*week)->closed : NULL;
}

static void tell(struct engine *e, struct receivers *receivers, const struct centre_agent *agent,
                 day_t monday) {
  const struct lead_week *week;
  struct alert_offence told = {.agent = agent->rostered,
                               .monday = monday,
                               .now_ms = e->fold.now_ms,
                               .closed = offence_of(agent, monday, &week)};
  if (!told.closed || week->told) return;
  if (told.closed->action == LADDER_REASSIGN_UNDIALLED && !told.closed->shadow)
    reassign_week(e, receivers, agent, monday);
  else
    alert_tell_offence(&e->fold.latch, &told, judge_sink(e));
}

static void hold_leads(struct engine *e, const struct centre_agent *agent, day_t monday,
                       const struct week_closed *closed) {
  struct writer reason = {0};
  put_format(&reason, "rung %u of %s", closed->verdict.rung, period_of(PERIOD_WEEK, monday).text);
  for (int64_t i = 1; i <= closed->weeks; i++) {
    day_t held = monday + (day_t)i * 7;
    const struct lead_week *week = centre_find_week(agent, held);
    struct record record = {
        .type = RECORD_LEAD_HOLD,
        .lead_hold = {.week = held, .agent = slice_of(agent->id), .reason = writer_slice(&reason)}};
    if (!week || !week->on_hold) pipeline_record(e, &record);
  }
  writer_free(&reason);
}

static void punish(struct engine *e, const struct centre_agent *agent, day_t monday) {
  const struct lead_week *week;
  const struct week_closed *closed = offence_of(agent, monday, &week);
  if (!closed || closed->shadow) return;
  score_rung(e, slice_of(agent->id), monday, closed);
  if (closed->action == LADDER_HOLD_LEADS) hold_leads(e, agent, monday, closed);
}

static void settle_week(struct engine *e, const struct crowd *crowd, day_t monday) {
  struct receivers receivers = {.ranked = NULL};
  for (size_t i = 0; i < crowd->count; i++)
    punish(e, crowd->agents[i], monday);
  for (size_t i = 0; i < crowd->count; i++)
    tell(e, &receivers, crowd->agents[i], monday);
  receivers_free(&receivers);
}

static void close_week(struct engine *e, day_t monday) {
  struct crowd crowd = crowd_of(e);
  msec_t due_ms = fold_week_due(&e->fold);
  for (size_t i = 0; i < crowd.count; i++)
    judge_agent(e, crowd.agents[i], monday, due_ms);
  record_closed(e, (struct slice){0}, monday, NULL);
  settle_week(e, &crowd, monday);
  free(crowd.agents);
}

/* --- months --- */

static void record_month(struct engine *e, struct slice agent, month_t month,
                         const struct month_closed *fact) {
  struct record record = {.type = RECORD_MONTH_CLOSED,
                          .month_closed = {.month = month, .agent = agent}};
  if (fact) record.month_closed.fact = *fact;
  pipeline_record(e, &record);
}

static void judge_month(struct engine *e, const struct centre_agent *agent, month_t month,
                        msec_t due_ms) {
  const struct month_tally *tally = centre_find_month(agent, month);
  struct month_state state;
  if (!tally || tally->closed) return;
  fold_month(&e->fold, tally, &state);
  struct month_closed fact = {.facts = {tally->calls, tally->members, tally->talk_ms},
                              .verdict = state.verdict,
                              .at_ms = due_ms,
                              .points = state.points,
                              .offences = state.offences};
  record_month(e, slice_of(agent->id), month, &fact);
}

static void settle_month(struct engine *e, const struct crowd *crowd, month_t month) {
  for (size_t i = 0; i < crowd->count; i++) {
    const struct month_tally *tally = centre_find_month(crowd->agents[i], month);
    if (tally && tally->closed && tally->closed->verdict.judged && !tally->told)
      alert_tell_month(&e->fold.latch, crowd->agents[i]->rostered, month, tally->closed,
                       e->fold.now_ms, judge_sink(e));
  }
}

static void close_month(struct engine *e, month_t month) {
  struct crowd crowd = crowd_of(e);
  msec_t due_ms = fold_month_due(&e->fold);
  for (size_t i = 0; i < crowd.count; i++)
    judge_month(e, crowd.agents[i], month, due_ms);
  record_month(e, (struct slice){0}, month, NULL);
  settle_month(e, &crowd, month);
  free(crowd.agents);
}

/* --- */

/* What a crash cut off: the newest of each, as it is complete before the next begins. */
static void settle_newest(struct engine *e) {
  struct crowd crowd = crowd_of(e);
  settle_week(e, &crowd, e->fold.weeks_closed);
  settle_month(e, &crowd, e->fold.months_closed);
  reassign_resume(e);
  free(crowd.agents);
}

/* A week that ends with the month costs points of that month: it closes first. */
static bool close_next(struct engine *e) {
  msec_t week_ms = fold_week_due(&e->fold), month_ms = fold_month_due(&e->fold);
  if (week_ms > e->fold.now_ms && month_ms > e->fold.now_ms) return false;
  if (week_ms <= month_ms)
    close_week(e, fold_closing_week(&e->fold));
  else
    close_month(e, fold_closing_month(&e->fold));
  return true;
}

void closing_run(struct engine *e) {
  if (e->fold.weeks_closed == DAY_NONE) return;
  if (!e->closings_settled) settle_newest(e);
  e->closings_settled = true;
  while (close_next(e)) {
  }
}
