#include "callpace/engine/stats.h"

#include "callpace/engine/intake.h"
#include "callpace/engine/outbox.h"
#include "callpace/engine/view.h"
#include "callpace/engine/web.h"

static void put_journal(const struct engine *e, struct writer *w) {
  struct journal_stats stats;
  journal_stats(e->journal, &stats);
  json_open(w, '{');
  json_put_text(w, "state", stats.stalled ? "stalled" : "ok");
  json_put_bool(w, "stalled", stats.stalled);
  if (stats.stalled) json_put_int(w, "stalled_since_ms", e->stalled_since_ms);
  json_put_uint(w, "first_lsn", stats.first_lsn);
  json_put_uint(w, "appended_lsn", stats.appended_lsn);
  json_put_uint(w, "durable_lsn", stats.durable_lsn);
  json_put_uint(w, "snapshot_lsn", e->snapshot_lsn);
  json_put_uint(w, "segments", stats.segments);
  json_put_uint(w, "bytes", stats.bytes);
  json_put_uint(w, "backlog_bytes", stats.backlog_bytes);
  json_put_uint(w, "commits", stats.commits);
  json_put_uint(w, "failures", stats.failures);
  json_put_int(w, "last_sync_us", stats.last_sync_us);
  json_put_int(w, "max_sync_us", stats.max_sync_us);
  json_close(w, '}');
}

static void put_centre(const struct engine *e, struct writer *w) {
  struct centre_counts counts = centre_counts(e->fold.centre);
  json_open(w, '{');
  json_put_uint(w, "agents", centre_agent_count(e->fold.centre));
  json_put_uint(w, "unrostered", counts.unrostered);
  json_put_uint(w, "open_calls", counts.open_calls);
  json_put_uint(w, "remembered_calls", counts.calls);
  json_put_uint(w, "forgotten_calls", counts.forgotten);
  json_close(w, '}');
}

void stats_put_status(const struct engine *e, struct writer *w) {
  json_open(w, '{');
  json_put_text(w, "node", e->config->node);
  json_put_text(w, "version", CALLPACE_VERSION);
  json_put_text(w, "state_dir", e->config->state_dir);
  json_put_text(w, "state", e->stopping ? "stopping" : e->stalled ? "journal.stalled" : "running");
  json_put_uint(w, "lsn", journal_durable_lsn(e->journal));
  json_put_uint(w, "published_lsn", view_published_lsn(e->view));
  json_put_text(w, "timezone", zone_name(e->settings->policy->calendar.zone));
  json_put_text(w, "clock", e->fold.clock_events ? "events" : "wall");
  if (e->now_ms > 0) json_put_int(w, "clock_ms", e->now_ms);
  json_put_int(w, "started_ms", e->started_ms);
  json_key(w, "sources");
  intake_put_status(e->intake, w);
  json_key(w, "http");
  web_put_status(e->web, w);
  json_key(w, "redis");
  view_put_status(e->view, w);
  json_key(w, "journal");
  put_journal(e, w);
  json_key(w, "hooks");
  outbox_put_status(e->outbox, w);
  json_key(w, "centre");
  put_centre(e, w);
  json_put_uint(w, "open_alerts", alert_latch_open_count(&e->fold.latch));
  json_close(w, '}');
}
