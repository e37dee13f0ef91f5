/* /metrics: the registry's figures and the daemon's own, as Prometheus reads them
 * (text format 0.0.4): seconds and ratios, the unit in the name. */
#include <stdio.h>
#include <string.h>

#include "callpace/core/metric.h"
#include "callpace/engine/intake.h"
#include "callpace/engine/view.h"
#include "callpace/io/journal.h"
#include "web_internal.h"

/* ---- pieces of the format ---- */

static void put_label(struct writer *w, char before, const char *name, struct slice value) {
  put_char(w, before);
  put_text(w, name);
  put_text(w, "=\"");
  for (size_t i = 0; i < value.len; i++) {
    char c = value.data[i];
    if (c == '\\' || c == '"') put_char(w, '\\');
    if (c == '\n')
      put_text(w, "\\n");
    else
      put_char(w, c);
  }
  put_char(w, '"');
}

static void put_family(struct writer *w, const char *name, const char *type, const char *help) {
  put_format(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_seconds(struct writer *w, msec_t ms) {
  if (ms < 0) put_char(w, '-');
  uint64_t size = ms < 0 ? (uint64_t)-ms : (uint64_t)ms;
  put_format(w, "%llu.%03llu", (unsigned long long)(size / 1000),
             (unsigned long long)(size % 1000));
}

static void put_number(struct writer *w, enum metric_unit unit, int64_t value) {
  if (unit == UNIT_MS || unit == UNIT_TIME_MS)
    put_seconds(w, value);
  else if (unit == UNIT_BP)
    put_format(w, "%lld.%04lld", (long long)(value / 10000), (long long)(value % 10000));
  else
    put_int(w, value);
  put_char(w, '\n');
}

/* "talk_ms" -> "PREFIX_talk_seconds". */
static const char *family_name(char *out, size_t size, const char *prefix,
                               const struct metric *metric) {
  static const char *const suffixes[] = {[UNIT_MS] = "_seconds",
                                         [UNIT_TIME_MS] = "_timestamp_seconds",
                                         [UNIT_BP] = "_ratio",
                                         [UNIT_FLAG] = ""};
  static const size_t cuts[] = {[UNIT_MS] = 3, [UNIT_TIME_MS] = 3, [UNIT_BP] = 3, [UNIT_FLAG] = 0};
  size_t cut = cuts[metric->unit], len = strlen(metric->name);
  snprintf(out, size, "%s_%.*s%s", prefix, (int)(len - cut), metric->name,
           suffixes[metric->unit] ? suffixes[metric->unit] : "");
  return out;
}

static void put_one(struct writer *w, const char *name, const char *type, const char *help,
                    int64_t value) {
  put_family(w, name, type, help);
  put_format(w, "%s %lld\n", name, (long long)value);
}

/* ---- figures of the registry ---- */

static void put_agents(struct writer *w, const struct engine *e, unsigned figure, day_t day) {
  const struct centre *centre = e->fold.centre;
  char name[96];
  const struct metric *metric = &day_metrics[figure];
  bool is_state = metric->unit == UNIT_TEXT;
  if (is_state)
    snprintf(name, sizeof name, "callpace_agent_day_%s", metric->name);
  else
    family_name(name, sizeof name, "callpace_agent_day", metric);
  put_family(w, name, "gauge", metric->help_en);
  for (size_t i = 0; i < centre_agent_count(centre); i++) {
    const struct centre_agent *agent = centre_agent_at(centre, i);
    const struct day_tally *t = centre_find_day(agent, day);
    struct metric_value value;
    if (!t || !day_metric_value(t, e->config->node, figure, &value)) continue;
    put_text(w, name);
    put_label(w, '{', "agent", slice_of(agent->id));
    if (agent->rostered && agent->rostered->team)
      put_label(w, ',', "team", slice_of(agent->rostered->team->id));
    if (is_state) put_label(w, ',', "state", value.text);
    put_text(w, "} ");
    put_number(w, is_state ? UNIT_COUNT : metric->unit, is_state ? 1 : value.number);
  }
}

static const struct team_day *team_day_of(const struct centre_team *team, day_t day) {
  const struct team_day *t = team->days;
  while (t && t->day != day)
    t = t->older;
  return t;
}

static void put_teams(struct writer *w, const struct engine *e, unsigned figure, day_t day) {
  const struct centre *centre = e->fold.centre;
  char name[96];
  family_name(name, sizeof name, "callpace_team_day", &team_metrics[figure]);
  put_family(w, name, "gauge", team_metrics[figure].help_en);
  for (size_t i = 0; i < centre_team_count(centre); i++) {
    const struct centre_team *team = centre_team_at(centre, i);
    const struct team_day *t = team_day_of(team, day);
    struct metric_value value;
    if (!t || !team_metric_value(t, figure, &value)) continue;
    put_text(w, name);
    put_label(w, '{', "team", slice_of(team->id));
    put_text(w, "} ");
    put_number(w, team_metrics[figure].unit, value.number);
  }
}

/* Ids, names and bookkeeping are labels or nothing; of texts only states count. */
static bool is_shown(const struct metric *metric) {
  size_t len = strlen(metric->name);
  if (metric->unit == UNIT_TEXT) return len >= 5 && strcmp(metric->name + len - 5, "state") == 0;
  return strcmp(metric->name, "lsn") != 0;
}

static void put_figures(struct writer *w, const struct engine *e) {
  day_t today = centre_today(e->fold.centre);
  for (unsigned i = 0; i < day_metric_count; i++)
    if (is_shown(&day_metrics[i])) put_agents(w, e, i, today);
  for (unsigned i = 0; i < team_metric_count; i++)
    put_teams(w, e, i, today);
}

/* ---- sources ---- */

enum source_figure {
  OF_SOURCE_UP,
  OF_SOURCE_CONNECTIONS,
  OF_SOURCE_LAST,
  OF_SOURCE_EVENTS,
  OF_SOURCE_REFUSED,
  OF_SOURCE_DUPLICATES,
  OF_SOURCE_OUTAGES,
  OF_SOURCE_GAPS,
  OF_SOURCE_LAG,
  OF_SOURCE_FIGURES
};

static const struct {
  const char *name, *type, *help;
} source_figures[OF_SOURCE_FIGURES] = {
    [OF_SOURCE_UP] = {"callpace_source_up", "gauge", "1 while the source is healthy"},
    [OF_SOURCE_CONNECTIONS] = {"callpace_source_connections", "gauge", "Connections now open"},
    [OF_SOURCE_LAST] = {"callpace_source_last_event_timestamp_seconds", "gauge",
                        "Time stamp of the newest event"},
    [OF_SOURCE_EVENTS] = {"callpace_source_events_total", "counter", "Events taken"},
    [OF_SOURCE_REFUSED] = {"callpace_source_refused_total", "counter", "Lines refused"},
    [OF_SOURCE_DUPLICATES] = {"callpace_source_duplicates_total", "counter",
                              "Events that came again"},
    [OF_SOURCE_OUTAGES] = {"callpace_source_outages_total", "counter", "Times it went down"},
    [OF_SOURCE_GAPS] = {"callpace_source_gaps_total", "counter",
                        "Jumps in seq, data lost with a connection, gaps that a sender declared"},
    [OF_SOURCE_LAG] = {"callpace_source_lag_seconds", "gauge",
                       "From the newest event's time stamp to its arrival"}};

struct source_put {
  struct writer *w;
  enum source_figure figure;
};

static void put_source(void *context, const struct intake_report *r) {
  const struct source_put *put = context;
  msec_t lag = r->last_event_ms == MSEC_NONE ? 0 : r->last_arrival_ms - r->last_event_ms;
  const int64_t values[OF_SOURCE_FIGURES] = {[OF_SOURCE_UP] = r->is_up,
                                             [OF_SOURCE_CONNECTIONS] = (int64_t)r->connections,
                                             [OF_SOURCE_LAST] = r->last_event_ms,
                                             [OF_SOURCE_EVENTS] = (int64_t)r->events,
                                             [OF_SOURCE_REFUSED] = (int64_t)r->refused,
                                             [OF_SOURCE_DUPLICATES] = (int64_t)r->duplicates,
                                             [OF_SOURCE_OUTAGES] = (int64_t)r->outages,
                                             [OF_SOURCE_GAPS] = (int64_t)r->gaps,
                                             [OF_SOURCE_LAG] = lag > 0 ? lag : 0};
  bool of_event = put->figure == OF_SOURCE_LAST || put->figure == OF_SOURCE_LAG;
  if (of_event && r->last_event_ms == MSEC_NONE) return;
  put_text(put->w, source_figures[put->figure].name);
  put_label(put->w, '{', "source", slice_of(r->name));
  put_label(put->w, ',', "type", slice_of(r->type));
  put_text(put->w, "} ");
  put_number(put->w,
             put->figure == OF_SOURCE_LAST  ? UNIT_TIME_MS
             : put->figure == OF_SOURCE_LAG ? UNIT_MS
                                            : UNIT_COUNT,
             values[put->figure]);
}

static void put_sources(struct writer *w, const struct engine *e) {
  struct source_put put = {.w = w};
  for (; put.figure < OF_SOURCE_FIGURES; put.figure++) {
    put_family(w, source_figures[put.figure].name, source_figures[put.figure].type,
               source_figures[put.figure].help);
    intake_each(e->intake, put_source, &put);
  }
}

/* ---- the daemon ---- */

static void put_journal(struct writer *w, const struct engine *e) {
  struct journal_stats s;
  journal_stats(e->journal, &s);
  put_one(w, "callpace_journal_durable_lsn", "gauge", "Newest record on disk",
          (int64_t)s.durable_lsn);
  put_one(w, "callpace_journal_stalled", "gauge", "1 while the journal cannot be written",
          s.stalled);
  put_one(w, "callpace_journal_segments", "gauge", "Segment files", (int64_t)s.segments);
  put_one(w, "callpace_journal_bytes", "gauge", "Size of all segments", (int64_t)s.bytes);
  put_one(w, "callpace_journal_commits_total", "counter", "Syncs that held", (int64_t)s.commits);
  put_one(w, "callpace_journal_failures_total", "counter", "Syncs that failed",
          (int64_t)s.failures);
  put_family(w, "callpace_journal_sync_seconds", "gauge", "How long the last sync took");
  put_format(w, "callpace_journal_sync_seconds %lld.%06lld\n", (long long)s.last_sync_us / 1000000,
             (long long)s.last_sync_us % 1000000);
}

static void put_daemon(struct writer *w, const struct web *web) {
  const struct engine *e = web->engine;
  struct centre_counts counts = centre_counts(e->fold.centre);
  put_family(w, "callpace_build_info", "gauge", "Version and instance");
  put_text(w, "callpace_build_info");
  put_label(w, '{', "version", slice_of(CALLPACE_VERSION));
  put_label(w, ',', "node", slice_of(e->config->node));
  put_text(w, "} 1\n");
  put_family(w, "callpace_start_time_seconds", "gauge", "When the daemon started");
  put_text(w, "callpace_start_time_seconds ");
  put_number(w, UNIT_TIME_MS, e->started_ms);
  put_one(w, "callpace_redis_up", "gauge", "1 while Redis answers", view_is_up(e->view));
  put_one(w, "callpace_redis_published_lsn", "gauge", "Newest record that stands in Redis",
          (int64_t)view_published_lsn(e->view));
  put_one(w, "callpace_open_alerts", "gauge", "Alerts raised and not resolved",
          (int64_t)alert_latch_open_count(&e->fold.latch));
  put_one(w, "callpace_agents", "gauge", "Agents known",
          (int64_t)centre_agent_count(e->fold.centre));
  put_one(w, "callpace_unrostered_agents", "gauge", "Agents not on the roster",
          (int64_t)counts.unrostered);
  put_one(w, "callpace_open_calls", "gauge", "Calls now up or ringing", (int64_t)counts.open_calls);
  put_one(w, "callpace_remembered_calls", "gauge", "Calls held in memory", (int64_t)counts.calls);
  put_one(w, "callpace_http_connections", "gauge", "HTTP connections", (int64_t)web->visit_count);
  put_one(w, "callpace_http_streams", "gauge", "Event streams", (int64_t)web->stream_count);
  put_one(w, "callpace_http_requests_total", "counter", "HTTP requests", (int64_t)web->requests);
  put_one(w, "callpace_http_refused_total", "counter", "HTTP requests refused",
          (int64_t)web->refused);
  put_one(w, "callpace_http_dropped_total", "counter", "HTTP connections closed for being slow",
          (int64_t)web->dropped);
}

void metrics_serve(struct exchange *x) {
  enum http_role role = x->badge->viewer.role;
  if (role == HTTP_TEAM || role == HTTP_AGENT) {
    exchange_fail(x, 403, "role", "the metrics are of the whole site");
    return;
  }
  x->type = "text/plain; version=0.0.4; charset=utf-8";
  put_daemon(x->body, x->web);
  put_journal(x->body, x->web->engine);
  put_sources(x->body, x->web->engine);
  put_figures(x->body, x->web->engine);
}
