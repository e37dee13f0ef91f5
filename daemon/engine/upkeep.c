#include "callpace/engine/upkeep.h"

#include <event2/event.h>
#include <stdlib.h>

#include "callpace/base/mem.h"
#include "callpace/engine/intake.h"
#include "callpace/engine/judge.h"
#include "callpace/engine/pipeline.h"
#include "callpace/engine/recovery.h"
#include "callpace/engine/reports.h"
#include "callpace/engine/view.h"
#include "callpace/engine/web.h"
#include "callpace/io/rejects.h"
#include "callpace/io/supervisor.h"

/* How exactly the journal knows until when this daemon was alive. */
enum { HEARTBEAT_MS = 5000, COVERAGE_DAYS = 70 };

struct upkeep {
  struct engine *engine;
  struct event *every_second, *at_due;
  msec_t planned_ms;
  msec_t heartbeat_ms;
  msec_t stall_due_ms;
  uint64_t segment_lsn; /* the segment in which it was last said what is in force */
  bool was_stalled;
};

static void heartbeat(struct upkeep *u) {
  struct engine *e = u->engine;
  if (e->fold.clock_events || e->wall_ms - u->heartbeat_ms < HEARTBEAT_MS) return;
  u->heartbeat_ms = e->wall_ms;
  struct record record = {.type = RECORD_CLOCK};
  if (!e->stalled) pipeline_record(e, &record);
  coverage_prune(&e->fold.coverage, e->now_ms - COVERAGE_DAYS * MSEC_PER_DAY);
}

static void watch_journal(struct upkeep *u) {
  struct engine *e = u->engine;
  if (e->stalled != u->was_stalled || e->wall_ms >= u->stall_due_ms)
    u->stall_due_ms = judge_outage(e, ALERT_JOURNAL_STALLED, SLICE("journal"),
                                   e->stalled ? e->stalled_since_ms : MSEC_NONE);
  u->was_stalled = e->stalled;
}

static void watch_segment(struct upkeep *u) {
  uint64_t lsn = journal_segment_lsn(u->engine->journal);
  if (lsn == u->segment_lsn || u->engine->stalled) return;
  bool first = u->segment_lsn == 0; /* of a new journal: it begins with them */
  u->segment_lsn = lsn;
  if (!first) recovery_note_segment(u->engine);
}

static void on_second(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  struct upkeep *u = arg;
  pipeline_begin(u->engine);
  /* When events pause, the last of them counts as a tick. */
  if (u->engine->fold.clock_events) u->engine->refresh_due = true;
  heartbeat(u);
  watch_journal(u);
  watch_segment(u);
  intake_upkeep(u->engine->intake);
  view_upkeep(u->engine->view);
  web_upkeep(u->engine->web);
  rejects_flush(u->engine->rejects);
  snapshot_upkeep(u->engine);
  reports_upkeep(u->engine);
  supervisor_alive();
}

static void on_due(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  struct upkeep *u = arg;
  u->planned_ms = MSEC_MAX;
  pipeline_begin(u->engine);
}

struct upkeep *upkeep_new(struct engine *engine) {
  struct upkeep *u = mem_zalloc(sizeof *u);
  *u = (struct upkeep){.engine = engine,
                       .planned_ms = MSEC_MAX,
                       .stall_due_ms = MSEC_MAX,
                       .segment_lsn = journal_segment_lsn(engine->journal)};
  u->every_second = event_new(engine->base, -1, EV_PERSIST, on_second, u);
  u->at_due = event_new(engine->base, -1, 0, on_due, u);
  event_add(u->every_second, &(struct timeval){.tv_sec = 1});
  return u;
}

void upkeep_free(struct upkeep *u) {
  if (!u) return;
  event_free(u->every_second);
  event_free(u->at_due);
  free(u);
}

void upkeep_plan(struct upkeep *u) {
  msec_t due = pipeline_due(u->engine);
  if (due == u->planned_ms) return;
  u->planned_ms = due;
  event_del(u->at_due);
  if (due == MSEC_MAX) return;
  msec_t wait = due - clock_wall_ms();
  if (wait < 1) wait = 1;
  if (wait > MSEC_PER_HOUR) wait = MSEC_PER_HOUR; /* the wall clock may be set meanwhile */
  event_add(u->at_due, &(struct timeval){.tv_sec = wait / 1000, .tv_usec = wait % 1000 * 1000});
}
