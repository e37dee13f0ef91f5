#include "callpace/engine/judge.h"

#include "callpace/engine/closing.h"
#include "callpace/engine/outbox.h"
#include "callpace/engine/pipeline.h"
#include "callpace/engine/score.h"

/* A backlog brings starts that are older than max_call; their ends follow. */
enum { FORGET_AFTER_DAYS = 3, CLOSE_DAYS = 62, LOST_HOLD_MS = 3000 };

/* A decision: journalled with the hooks that must hear of it. */
static void decide(void *context, const struct alert *alert) {
  struct engine *e = context;
  struct writer id = {0}, json = {0}, hooks = {0};
  alert_put_id(&id, alert);
  if (!alert->silent) {
    alert_put_json(&json, alert);
    outbox_put_hooks(e->outbox, alert, writer_slice(&id), &hooks);
  }
  struct record record = {.type = RECORD_ALERT,
                          .alert = {.raised = alert->state == ALERT_RAISED,
                                    .at_ms = alert->at_ms,
                                    .id = writer_slice(&id),
                                    .json = writer_slice(&json),
                                    .hooks = writer_slice(&hooks)}};
  pipeline_record(e, &record);
  writer_free(&id);
  writer_free(&json);
  writer_free(&hooks);
}

struct alert_sink judge_sink(struct engine *e) {
  return e->dry ? *e->dry : (struct alert_sink){decide, e};
}

static void judge_day(struct engine *e, struct day_tally *tally) {
  struct fold *fold = &e->fold;
  struct pace_facts facts;
  struct verdict verdict;
  if (!fold_verdict(fold, tally, &facts, &verdict)) return;
  if (tally->day == centre_today(fold->centre)) {
    struct alert_day day = {.agent = tally->agent->rostered,
                            .day = tally->day,
                            .memory = &tally->pace,
                            .facts = &facts,
                            .verdict = &verdict,
                            .unseen = coverage_is_down(&fold->coverage, tally->agent->rostered)};
    msec_t due = alert_judge_day(&fold->latch, &day, judge_sink(e));
    if (due < verdict.due_ms) verdict.due_ms = due;
  }
  centre_set_verdict(fold->centre, tally, &verdict);
}

static void judge_week(struct engine *e, struct lead_week *week) {
  struct fold *fold = &e->fold;
  struct week_facts facts;
  struct week_verdict verdict;
  msec_t due_ms;
  if (!fold_week_verdict(fold, week, &facts, &verdict, &due_ms)) return;
  struct alert_week told = {.agent = week->agent->rostered,
                            .monday = week->monday,
                            .now_ms = fold->now_ms,
                            .facts = &facts,
                            .verdict = &verdict};
  msec_t again_ms = alert_judge_week(&fold->latch, &told, judge_sink(e));
  centre_set_week_verdict(fold->centre, week, &verdict, again_ms < due_ms ? again_ms : due_ms);
}

msec_t judge_lost_hold_ms(const struct engine *e) {
  return e->fold.clock_events ? 0 : LOST_HOLD_MS;
}

static void tell_lost_calls(struct engine *e) {
  struct fold *fold = &e->fold;
  if (fold->now_ms == MSEC_NONE) return;
  msec_t until_ms = fold->now_ms - judge_lost_hold_ms(e);
  for (struct lost_call lost; centre_take_lost(fold->centre, until_ms, &lost);) {
    struct alert_lost_call told = {.agent_id = slice_of(lost.tally->agent->id),
                                   .agent = lost.tally->agent->rostered,
                                   .call = lost.call,
                                   .timed_out = lost.timed_out,
                                   .day = lost.tally->day,
                                   .now_ms = fold->now_ms,
                                   .started_ms = lost.start_ms,
                                   .policy = policy_on(e->settings->policy, lost.tally->day)};
    alert_lost_track(&fold->latch, &told, judge_sink(e));
  }
}

/* The business day changed, perhaps while no daemon ran: what was open of the days
 * before is closed. */
static void turn_day(struct engine *e) {
  day_t today = centre_today(e->fold.centre);
  if (today == DAY_NONE || today == e->judged_day) return;
  day_t first = e->judged_day != DAY_NONE && e->judged_day > today - CLOSE_DAYS
                    ? e->judged_day
                    : today - CLOSE_DAYS;
  for (day_t day = first; day < today; day++)
    alert_close_day(&e->fold.latch, day, e->fold.now_ms, judge_sink(e));
  alert_latch_forget(&e->fold.latch, today - FORGET_AFTER_DAYS);
  e->judged_day = today;
}

void judge_run(struct engine *e) {
  tell_lost_calls(e);
  turn_day(e);
  for (struct day_tally *tally; (tally = centre_next_to_judge(e->fold.centre));)
    judge_day(e, tally);
  for (struct lead_week *week; (week = centre_next_week_to_judge(e->fold.centre));)
    judge_week(e, week);
  score_take_reviews(e);
  closing_run(e);
}

msec_t judge_outage(struct engine *e, enum alert_type type, struct slice subject,
                    msec_t down_since_ms) {
  day_t today = centre_today(e->fold.centre);
  if (today == DAY_NONE) today = calendar_day_of(&e->settings->policy->calendar, e->wall_ms);
  return alert_outage(&e->fold.latch, type, subject, down_since_ms, today, e->wall_ms,
                      judge_sink(e));
}
