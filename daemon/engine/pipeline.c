#include "callpace/engine/pipeline.h"

#include "callpace/base/log.h"
#include "callpace/engine/care.h"
#include "callpace/engine/control.h"
#include "callpace/engine/intake.h"
#include "callpace/engine/judge.h"
#include "callpace/engine/outbox.h"
#include "callpace/engine/view.h"
#include "callpace/engine/web.h"

static void judge_due(void *context) {
  struct engine *e = context;
  e->now_ms = e->fold.now_ms; /* decisions bear the time at which they fell due */
  judge_run(e);
}

static void pass_time(struct engine *e, msec_t to) {
  fold_pass(&e->fold, to, judge_due, e);
}

void pipeline_begin(struct engine *e) {
  if (e->in_tick) return;
  e->in_tick = true;
  e->wall_ms = clock_wall_ms();
  if (!e->fold.clock_events) pass_time(e, e->wall_ms);
  e->now_ms = e->fold.now_ms == MSEC_NONE ? 0 : e->fold.now_ms;
}

static void follow_event_time(struct engine *e, msec_t ts_ms) {
  if (ts_ms <= e->fold.now_ms) return;
  pass_time(e, ts_ms);
  e->now_ms = e->fold.now_ms;
}

/* What is expected by now rises with time alone (POLICY section 3): everybody's is
 * brought up to date every minute (by the centre), and at the very moment that a
 * tick names. */
static void refresh_expected(struct engine *e) {
  if (!e->refresh_due || e->now_ms == e->refreshed_ms) return;
  e->refresh_due = false;
  e->refreshed_ms = e->now_ms;
  centre_judge_all(e->fold.centre);
}

enum centre_result pipeline_event(struct engine *e, uint32_t origin, uint64_t seq,
                                  struct call_event *event) {
  if (e->fold.clock_events) follow_event_time(e, event->ts_ms);
  if (e->fold.clock_events && event->type == EVENT_TICK) e->refresh_due = true;
  if (event->agent.len) event->agent = centre_resolve_agent(e->fold.centre, event->agent);
  uint64_t lsn = journal_append_event(e->journal, event, origin, seq, e->now_ms);
  enum centre_result result = fold_event(&e->fold, lsn, origin, seq, event, e->now_ms);
  /* Event by event, so that nothing depends on how they were cut into reads. */
  if (e->fold.clock_events) judge_run(e);
  return result;
}

uint64_t pipeline_record(struct engine *e, struct record *record) {
  record->now_ms = e->now_ms;
  uint64_t lsn = e->dry ? e->fold.lsn + 1 : journal_append(e->journal, record);
  fold_record(&e->fold, lsn, record);
  return lsn;
}

/* The barrier. What it says decides whether the world may know. */
static bool make_durable(struct engine *e) {
  struct error why = {0};
  hub_leave(e->hub);
  bool durable = journal_commit(e->journal, &why) == STATUS_OK;
  hub_return(e->hub);
  if (durable == !e->stalled) return durable;
  e->stalled = !durable;
  e->stalled_since_ms = e->wall_ms;
  hub_pause(e->hub, e->stalled);
  if (durable)
    log_info("journal_recovered", KV("reading", "resumed"));
  else
    log_error("journal_stalled", KV("reason", why.text), KV("reading", "paused"));
  return durable;
}

void pipeline_commit(struct engine *e) {
  pipeline_begin(e);
  refresh_expected(e);
  judge_run(e);
  care_run(e);
  if (make_durable(e)) {
    intake_acknowledge(e->intake);
    view_publish(e->view);
    outbox_deliver(e->outbox);
    control_publish(e->control);
  }
  web_publish(e->web);
  e->in_tick = false;
}

msec_t pipeline_due(struct engine *e) {
  return e->fold.clock_events ? MSEC_MAX : fold_next_due(&e->fold);
}
