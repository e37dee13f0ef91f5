#include "callpace/engine/view.h"

#include <stdio.h>
#include <stdlib.h>

#include "callpace/base/log.h"
#include "callpace/base/mem.h"
#include "callpace/core/metric.h"
#include "callpace/engine/intake.h"
#include "callpace/engine/judge.h"
#include "callpace/engine/pipeline.h"
#include "callpace/io/redis_server.h"
#include "callpace/io/store.h"

enum { STREAM_MAX = 10000, BATCH_DAYS_MAX = 2048 };

struct view {
  struct engine *engine;
  struct redis_server *server; /* NULL: Redis is somebody else's */
  struct store *store;
  uint64_t published_lsn;
  uint64_t streamed_lsn;  /* alerts up to here are in the stream */
  bool stream_is_foreign; /* made by somebody else or incomplete: begin it anew */
  bool meta_due;
  bool drained; /* the batch in flight left nothing behind */
  bool is_up;
  msec_t changed_ms, outage_due_ms;
  msec_t anew_ms;                          /* when all was last to be written anew */
  struct day_tally *batch[BATCH_DAYS_MAX]; /* for the boards and the channel */
  unsigned batch_count;
  struct writer key, value;
};

static struct slice key_of(struct view *v, const char *format, const char *id, const char *period) {
  writer_reset(&v->key);
  put_text(&v->key, v->engine->config->redis.prefix);
  put_format(&v->key, format, id, period);
  return writer_slice(&v->key);
}

static bool has_room(const struct view *v) {
  return store_batch_bytes(v->store) < STORE_BATCH_BYTES;
}

static void put_field(struct store *store, const struct metric *metric, bool applies,
                      const struct metric_value *value) {
  struct slice name = slice_of(metric->name);
  if (!applies)
    store_field_absent(store, name);
  else if (value->is_text)
    store_field_slice(store, name, value->text);
  else
    store_field_int(store, name, value->number);
}

/* Whether a key is to get its full life with this write: once an hour is enough,
 * unless Redis may have lost the key since. */
static bool renews(const struct view *v, msec_t *renewed_ms) {
  msec_t now_ms = v->engine->wall_ms;
  if (*renewed_ms > v->anew_ms && now_ms - *renewed_ms < MSEC_PER_HOUR) return false;
  *renewed_ms = now_ms;
  return true;
}

/* ---- one key each ---- */

static void put_day(struct view *v, struct day_tally *t) {
  char period[DAY_TEXT_SIZE];
  day_format(t->day, period);
  store_hash_begin(v->store, key_of(v, ":agent:{%s}:day:%s", t->agent->id, period));
  for (unsigned i = 0; i < day_metric_count; i++) {
    struct metric_value value;
    bool applies = day_metric_value(t, v->engine->config->node, i, &value);
    put_field(v->store, &day_metrics[i], applies, &value);
  }
  store_hash_end(v->store, renews(v, &t->renewed_ms));
}

static void put_leads(struct view *v, struct lead_week *week, const char *period) {
  struct lead_book *book = &week->book;
  store_hash_begin(v->store, key_of(v, ":lead:{%s}:%s", week->agent->id, period));
  while (has_room(v)) {
    const struct lead *lead = lead_book_next_dirty(book);
    if (!lead) break;
    writer_reset(&v->value);
    if (lead->held) lead_put_csv(book, lead, &v->value);
    if (lead->held)
      store_field_slice(v->store, lead_id(book, lead), writer_slice(&v->value));
    else
      store_field_absent(v->store, lead_id(book, lead));
  }
  store_hash_end(v->store, renews(v, &week->leads_renewed_ms));
  if (lead_book_is_dirty(book)) centre_mark_week(v->engine->fold.centre, week);
}

static void put_week(struct view *v, struct lead_week *week) {
  char period[DAY_TEXT_SIZE];
  week_format(week->monday, period);
  store_hash_begin(v->store, key_of(v, ":agent:{%s}:week:%s", week->agent->id, period));
  for (unsigned i = 0; i < week_metric_count; i++) {
    struct metric_value value;
    bool applies = week_metric_value(week, i, &value);
    put_field(v->store, &week_metrics[i], applies, &value);
  }
  store_hash_end(v->store, renews(v, &week->renewed_ms));
  if (lead_book_is_dirty(&week->book)) put_leads(v, week, period);
}

static void put_month(struct view *v, struct month_tally *t) {
  char period[DAY_TEXT_SIZE];
  month_format(t->month, period);
  struct month_state state;
  fold_month(&v->engine->fold, t, &state);
  store_hash_begin(v->store, key_of(v, ":agent:{%s}:month:%s", t->agent->id, period));
  for (unsigned i = 0; i < month_metric_count; i++) {
    struct metric_value value;
    bool applies = month_metric_value(&state, i, &value);
    put_field(v->store, &month_metrics[i], applies, &value);
  }
  store_hash_end(v->store, renews(v, &t->renewed_ms));
}

static void put_team(struct view *v, struct team_day *t) {
  char period[DAY_TEXT_SIZE];
  day_format(t->day, period);
  store_hash_begin(v->store, key_of(v, ":team:{%s}:day:%s", t->team->id, period));
  for (unsigned i = 0; i < team_metric_count; i++) {
    struct metric_value value;
    bool applies = team_metric_value(t, i, &value);
    put_field(v->store, &team_metrics[i], applies, &value);
  }
  store_hash_end(v->store, renews(v, &t->renewed_ms));
}

static void put_alert(struct view *v, const struct alert_entry *entry) {
  if (entry->notice) return;
  store_xadd(v->store, key_of(v, ":alerts%s%s", "", ""), STREAM_MAX, SLICE("json"),
             slice_of(entry->json), true);
  if (!v->stream_is_foreign)
    store_publish(v->store, key_of(v, ":alert%s%s", "", ""), slice_of(entry->json));
}

static void put_source_field(void *context, const char *prefix, const char *name,
                             struct slice text) {
  struct view *v = context;
  char field[96];
  snprintf(field, sizeof field, "%s:%s", prefix, name);
  store_field_slice(v->store, slice_of(field), text);
}

static void put_meta(struct view *v) {
  struct engine *e = v->engine;
  store_hash_begin(v->store, key_of(v, ":meta%s%s", "", ""));
  store_field_slice(v->store, SLICE("version"), slice_of(CALLPACE_VERSION));
  store_field_slice(v->store, SLICE("node"), slice_of(e->config->node));
  store_field_int(v->store, SLICE("started_ms"), e->started_ms);
  store_field_slice(v->store, SLICE("state"),
                    e->stopping  ? SLICE("stopping")
                    : e->stalled ? SLICE("stalled")
                                 : SLICE("running"));
  intake_each_meta(e->intake, put_source_field, v);
  store_hash_end(v->store, false);
  v->meta_due = false;
}

/* ---- a batch ---- */

/* Boards after the hashes, grouped by day; one command a board and day. */
static void put_boards(struct view *v) {
  static const char *const boards[] = {"calls", "talk_ms"};
  for (unsigned from = 0, to; from < v->batch_count; from = to) {
    day_t day = v->batch[from]->day;
    char period[DAY_TEXT_SIZE];
    day_format(day, period);
    for (to = from; to < v->batch_count && v->batch[to]->day == day; to++) {
    }
    for (unsigned b = 0; b < 2; b++) {
      store_zset_begin(v->store, key_of(v, ":board:day:%s:%s", period, boards[b]));
      for (unsigned i = from; i < to; i++)
        store_zset_member(v->store, slice_of(v->batch[i]->agent->id),
                          b == 0 ? (int64_t)v->batch[i]->calls : v->batch[i]->talk.total_ms);
      store_zset_end(v->store, true);
    }
  }
}

static bool put_alerts(struct view *v) {
  const struct alert_entry *entry = alert_log_after(&v->engine->fold.alerts, v->streamed_lsn);
  if (v->stream_is_foreign && v->streamed_lsn == 0)
    store_del(v->store, key_of(v, ":alerts%s%s", "", ""));
  for (; entry && has_room(v); entry = entry->newer) {
    put_alert(v, entry);
    v->streamed_lsn = entry->lsn;
  }
  if (!entry) v->stream_is_foreign = false;
  return !entry;
}

/* Takes what is dirty until the batch is full; true when nothing is left. */
static bool fill(struct view *v) {
  struct centre *centre = v->engine->fold.centre;
  v->batch_count = 0;
  bool left = true;
  while (v->batch_count < BATCH_DAYS_MAX && has_room(v)) {
    struct day_tally *day = centre_next_dirty_day(centre);
    left = day != NULL;
    if (!day) break;
    put_day(v, day);
    v->batch[v->batch_count++] = day;
  }
  put_boards(v);
  for (struct lead_week *w; !left && (left = !has_room(v), !left);) {
    if (!(w = centre_next_dirty_week(centre))) break;
    put_week(v, w);
  }
  for (struct month_tally *m; !left && (left = !has_room(v), !left);) {
    if (!(m = centre_next_dirty_month(centre))) break;
    put_month(v, m);
  }
  for (struct team_day *t; !left && (left = !has_room(v), !left);) {
    if (!(t = centre_next_dirty_team(centre))) break;
    put_team(v, t);
  }
  for (unsigned i = 0; i < v->batch_count; i++)
    store_publish(v->store, key_of(v, ":changed%s%s", "", ""), slice_of(v->batch[i]->agent->id));
  return put_alerts(v) && !left;
}

static bool has_work(const struct view *v) {
  const struct fold *fold = &v->engine->fold;
  return centre_is_dirty(fold->centre) || v->meta_due ||
         (fold->alerts.newest && fold->alerts.newest->lsn > v->streamed_lsn);
}

void view_publish(struct view *v) {
  uint64_t durable = journal_durable_lsn(v->engine->journal);
  if (!has_work(v)) {
    if (v->is_up && !store_in_flight(v->store) && v->drained) v->published_lsn = durable;
    return;
  }
  if (!store_can_begin(v->store)) return;
  store_begin(v->store);
  v->drained = fill(v);
  if (v->meta_due) put_meta(v);
  store_end(v->store, v->drained ? durable : v->published_lsn);
}

/* ---- what the store tells ---- */

static void on_state(enum store_state state, const char *reason, void *arg) {
  struct view *v = arg;
  bool up = state == STORE_UP;
  pipeline_begin(v->engine);
  if (up != v->is_up) {
    v->is_up = up;
    v->changed_ms = v->engine->wall_ms;
    v->outage_due_ms = v->engine->wall_ms;
  }
  if (up)
    log_info("redis_up", KV("prefix", v->engine->config->redis.prefix));
  else
    log_warning(state == STORE_FENCED ? "redis_fenced" : "redis_down", KV("reason", reason));
}

static void on_need_all(void *arg) {
  struct view *v = arg;
  centre_mark_all_dirty(v->engine->fold.centre);
  v->streamed_lsn = 0;
  v->published_lsn = 0;
  v->stream_is_foreign = true;
  v->anew_ms = v->engine->wall_ms;
  v->meta_due = true;
  v->drained = false;
  log_info("redis_republish", KV("prefix", v->engine->config->redis.prefix));
}

static void on_batch_done(uint64_t lsn, void *arg) {
  struct view *v = arg;
  if (lsn > v->published_lsn) v->published_lsn = lsn;
}

static void on_ready(void *arg) {
  struct view *v = arg;
  if (!v->engine->stalled && !v->engine->in_tick) view_publish(v);
}

static void on_server(bool running, const char *reason, void *arg) {
  (void)arg;
  if (running)
    log_info("redis_server_started", KV("mode", "embedded"));
  else
    log_warning("redis_server_ended", KV("reason", reason));
}

static enum status start_server(struct view *v, struct error *error) {
  char dir[4096];
  snprintf(dir, sizeof dir, "%s/redis", v->engine->config->state_dir);
  struct redis_server_options options = {.dir = dir};
  static const struct redis_server_events events = {on_server};
  v->server = redis_server_new(v->engine->base, &options, &events, v, error);
  return v->server ? STATUS_OK : error->status;
}

enum status view_new(struct engine *e, struct view **out, struct error *error) {
  struct view *v = mem_zalloc(sizeof *v);
  const struct config *config = e->config;
  *v = (struct view){.engine = e,
                     .changed_ms = e->started_ms,
                     .outage_due_ms = e->started_ms,
                     .stream_is_foreign = true};
  struct store_options options = {.url = config->redis.url,
                                  .username = config->redis.username,
                                  .password = config->redis.password,
                                  .tls_ca_file = config->redis.ca_file,
                                  .prefix = config->redis.prefix,
                                  .retain_ms = config->redis.retain_ms,
                                  .epoch = (uint64_t)clock_wall_us()};
  if (options.url.kind == REDIS_EMBEDDED) {
    if (start_server(v, error) != STATUS_OK) {
      view_free(v);
      return error->status;
    }
    options.url.kind = REDIS_UNIX;
    snprintf(options.url.path, sizeof options.url.path, "%s", redis_server_socket(v->server));
  }
  static const struct store_events events = {on_state, on_need_all, on_batch_done, on_ready};
  v->store = store_new(e->base, &options, &events, v, error);
  if (!v->store) {
    view_free(v);
    return error->status;
  }
  *out = v;
  return STATUS_OK;
}

void view_free(struct view *v) {
  if (!v) return;
  store_free(v->store);
  redis_server_free(v->server);
  writer_free(&v->key);
  writer_free(&v->value);
  free(v);
}

void view_upkeep(struct view *v) {
  v->meta_due = true;
  if (v->engine->wall_ms >= v->outage_due_ms)
    v->outage_due_ms = judge_outage(v->engine, ALERT_REDIS_DOWN, SLICE("redis"),
                                    v->is_up ? MSEC_NONE : v->changed_ms);
}

uint64_t view_published_lsn(const struct view *v) {
  return v->published_lsn;
}

bool view_is_up(const struct view *v) {
  return v->is_up;
}

bool view_is_current(const struct view *v) {
  return v->is_up && v->drained && !store_in_flight(v->store) &&
         !centre_is_dirty(v->engine->fold.centre);
}

void view_put_status(const struct view *v, struct writer *w) {
  static const char *const states[] = {"down", "up", "fenced"};
  json_open(w, '{');
  json_put_text(w, "state", states[store_state(v->store)]);
  json_put_text(w, "mode", v->server ? "embedded" : "external");
  if (v->server) json_put_text(w, "socket", redis_server_socket(v->server));
  json_put_text(w, "prefix", v->engine->config->redis.prefix);
  json_put_int(w, "since_ms", v->changed_ms);
  if (store_reason(v->store)[0]) json_put_text(w, "reason", store_reason(v->store));
  json_close(w, '}');
}

bool view_reaped(struct view *v, pid_t pid, int status) {
  return v && v->server && redis_server_reaped(v->server, pid, status);
}
