#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "callpace/base/log.h"
#include "callpace/base/mem.h"
#include "callpace/engine/judge.h"
#include "callpace/engine/pipeline.h"
#include "intake_internal.h"

/* Of a client source, in seconds: how often it is pinged (before it is up once, so
 * that the answer comes before patience ends), how long it may take to log in after
 * connecting, and how long a peer that is pinged may say nothing. */
enum { PING_EVERY_S = 10, PING_LOGIN_S = 7, LOGIN_MAX_S = 10, SILENT_MAX_S = 30 };

/* ---- health ---- */

static void record_change(struct source *s, enum source_change change, const char *reason) {
  struct engine *e = s->intake->engine;
  struct record record = {.type = RECORD_SOURCE,
                          .source = {.change = change,
                                     .at_ms = e->now_ms,
                                     .source = slice_of(s->name),
                                     .reason = slice_of(reason)}};
  pipeline_record(e, &record);
  centre_judge_all(e->fold.centre);
}

/* With clock: events the sources are always healthy (POLICY section 3): what is
 * replayed was seen when it happened. */
void source_up(struct source *s, const char *note) {
  struct engine *e = s->intake->engine;
  pipeline_begin(e);
  s->reason[0] = '\0';
  if (s->is_up) return;
  s->is_up = true;
  s->changed_ms = e->wall_ms;
  s->outage_due_ms = e->wall_ms;
  log_info("source_up", KV("source", s->name), KV("note", note));
  if (!e->fold.clock_events) record_change(s, SOURCE_UP, note);
}

void source_down(struct source *s, const char *reason) {
  struct engine *e = s->intake->engine;
  pipeline_begin(e);
  snprintf(s->reason, sizeof s->reason, "%s", reason);
  if (!s->is_up) return;
  s->is_up = false;
  s->outages++;
  s->changed_ms = e->wall_ms;
  s->outage_due_ms = e->wall_ms;
  log_warning("source_down", KV("source", s->name), KV("reason", reason));
  if (!e->fold.clock_events) record_change(s, SOURCE_DOWN, reason);
}

/* Where a source stands when it is opened: a client is down until it is logged in;
 * a native one is healthy as long as no producer ever introduced itself, else down
 * until one does again. */
static void begin_health(struct source *s) {
  struct engine *e = s->intake->engine;
  pipeline_begin(e);
  s->changed_ms = e->wall_ms;
  s->outage_due_ms = MSEC_MAX;
  bool unproven = !table_get(&e->fold.proved, slice_of(s->name));
  s->is_up = s->dialect->is_client || !unproven; /* either way the change is recorded */
  if (!s->is_up)
    source_up(s, "listening");
  else
    source_down(s, s->dialect->is_client ? "not logged in yet" : "no producer connected yet");
}

/* Whom its outages concern; recorded when it is another than before. */
static void note_serves(struct source *s) {
  struct engine *e = s->intake->engine;
  struct slice name = slice_of(s->name);
  struct writer serves = {0};
  coverage_put_serves(&serves, s->config->teams, s->config->agents);
  if (!slice_equal(writer_slice(&serves), coverage_serves(&e->fold.coverage, name))) {
    struct record record = {.type = RECORD_SOURCE_SERVES,
                            .source_serves = {.source = name, .serves = writer_slice(&serves)}};
    pipeline_record(e, &record);
    centre_judge_all(e->fold.centre);
  }
  writer_free(&serves);
}

/* ---- opening and closing ---- */

static enum status open_socket(struct source *s, struct error *error) {
  const struct config_source *config = s->config;
  struct tls_options tls = {config->tls_cert, config->tls_key, config->tls_ca};
  struct hub *hub = s->intake->engine->hub;
  if (s->dialect->is_client) {
    struct connect_options options = {.address = config->address,
                                      .tls = config->tls ? &tls : NULL,
                                      .unread_max = s->dialect->unread_max,
                                      .keep_max = (size_t)config->stall_buffer};
    return connector_open(hub, &options, &intake_sessions, s, &s->connector, error);
  }
  struct listen_options options = {.address = config->address,
                                   .tls = config->tls ? &tls : NULL,
                                   .allow = config->allow,
                                   .allow_count = config->allow_count,
                                   .socket_mode = (unsigned)config->socket_mode,
                                   .max_connections = (size_t)config->max_connections,
                                   .idle_timeout_ms = config->idle_timeout_ms,
                                   .unread_max = s->dialect->unread_max};
  return listener_open(hub, &options, &intake_sessions, s, &s->listener, error);
}

static void source_free(struct source *s) {
  if (!s) return;
  listener_close(s->listener);
  connector_close(s->connector);
  assert(!s->connections);
  if (s->client_state) s->dialect->close(s->client_state);
  free(s->username);
  free(s->secret);
  free(s->name);
  free(s);
}

static void use_config(struct source *s, const struct config_source *config) {
  s->config = config;
  s->setup.start_means_answer = config->start_means_answer;
  s->setup.layout = config->layout;
  if (!s->listener) return;
  struct listen_options options = {.address = config->address,
                                   .allow = config->allow,
                                   .allow_count = config->allow_count,
                                   .socket_mode = (unsigned)config->socket_mode,
                                   .max_connections = (size_t)config->max_connections,
                                   .idle_timeout_ms = config->idle_timeout_ms,
                                   .unread_max = s->dialect->unread_max};
  listener_limit(s->listener, &options);
}

/* What a client source logs in with. */
static const char *secret_of(const struct config_source *config) {
  return config->password ? config->password : config->secret;
}

static struct source *source_open(struct intake *intake, const struct config_source *config,
                                  struct error *error) {
  struct source *s = mem_zalloc(sizeof *s);
  struct engine *e = intake->engine;
  *s = (struct source){.intake = intake,
                       .config = config,
                       .name = mem_strdup(config->name),
                       .dialect = dialect_find(config->type, config->connects),
                       .username = config->username ? mem_strdup(config->username) : NULL,
                       .secret = secret_of(config) ? mem_strdup(secret_of(config)) : NULL,
                       .last_event_ms = MSEC_NONE,
                       .last_arrival_ms = MSEC_NONE};
  s->setup = (struct dialect_setup){.source = s->name,
                                    .username = s->username,
                                    .secret = s->secret,
                                    .start_means_answer = config->start_means_answer,
                                    .json_events = config->json_events,
                                    .events_clock = e->fold.clock_events,
                                    .roster = &e->roster,
                                    .zone = &e->zone,
                                    .layout = config->layout};
  if (!s->dialect) {
    error_set(error, STATUS_CONFIG, "source %s: type %s is not supported by this version",
              config->name, config->type);
    source_free(s);
    return NULL;
  }
  if (s->dialect->is_client) s->client_state = s->dialect->open(&s->setup);
  if (open_socket(s, error) != STATUS_OK) {
    source_free(s);
    return NULL;
  }
  return s;
}

static bool same_text(const char *a, const char *b) {
  return a == b || (a && b && strcmp(a, b) == 0);
}

/* Whether a running source can go on under a new configuration. */
static bool can_stay(const struct source *s, const struct config_source *config) {
  const struct config_source *old = s->config;
  return strcmp(old->name, config->name) == 0 && strcmp(old->type, config->type) == 0 &&
         old->address.is_unix == config->address.is_unix &&
         old->address.port == config->address.port &&
         strcmp(old->address.host, config->address.host) == 0 && old->tls == config->tls &&
         same_text(old->tls_cert, config->tls_cert) && same_text(old->tls_key, config->tls_key) &&
         same_text(old->tls_ca, config->tls_ca) && same_text(old->username, config->username) &&
         same_text(secret_of(old), secret_of(config)) && old->json_events == config->json_events;
}

static struct source *find_source(struct source *list, const struct config_source *config) {
  for (struct source *s = list; s; s = s->next)
    if (can_stay(s, config)) return s;
  return NULL;
}

static bool is_configured(const struct intake *intake, const char *name) {
  for (const struct source *s = intake->sources; s; s = s->next)
    if (strcmp(s->name, name) == 0) return true;
  return false;
}

/* A source that is configured no more, now or since the daemon ran last, is not
 * down: nothing is missed of it. */
static void forget_others(struct intake *intake) {
  struct engine *e = intake->engine;
  const struct coverage *coverage = &e->fold.coverage;
  for (size_t i = 0; i < coverage->count && !e->fold.clock_events; i++) {
    const struct coverage_source *gone = &coverage->sources[i];
    if (gone->down_since_ms == MSEC_NONE || is_configured(intake, gone->name)) continue;
    struct record record = {.type = RECORD_SOURCE,
                            .source = {.change = SOURCE_UP,
                                       .at_ms = e->now_ms,
                                       .source = slice_of(gone->name),
                                       .reason = SLICE("no longer configured")}};
    pipeline_record(e, &record);
    judge_outage(e, ALERT_SOURCE_DOWN, slice_of(gone->name), MSEC_NONE);
    centre_judge_all(e->fold.centre);
  }
}

/* Opens what is new first; only when all of that stands does anything change. */
enum status intake_configure(struct intake *intake, const struct config *config,
                             struct error *error) {
  struct source *opened = NULL;
  for (size_t i = 0; i < config->source_count; i++) {
    if (find_source(intake->sources, &config->sources[i])) continue;
    struct source *s = source_open(intake, &config->sources[i], error);
    if (!s) {
      while ((s = opened)) {
        opened = s->next;
        source_free(s);
      }
      return error->status;
    }
    s->next = opened;
    opened = s;
  }
  for (size_t i = 0; i < config->source_count; i++) {
    struct source *s = find_source(intake->sources, &config->sources[i]);
    if (!s) continue;
    use_config(s, &config->sources[i]);
    s->kept = true;
  }
  pipeline_begin(intake->engine);
  for (struct source **at = &intake->sources; *at;) {
    struct source *s = *at;
    if (s->kept) {
      s->kept = false;
      at = &s->next;
      continue;
    }
    *at = s->next;
    log_info("source_closed", KV("source", s->name));
    source_free(s);
  }
  for (struct source *s = opened, *next; s; s = next) {
    next = s->next;
    s->next = intake->sources;
    intake->sources = s;
    begin_health(s);
  }
  for (struct source *s = intake->sources; s; s = s->next)
    note_serves(s);
  forget_others(intake);
  return STATUS_OK;
}

struct intake *intake_new(struct engine *engine) {
  struct intake *intake = mem_zalloc(sizeof *intake);
  intake->engine = engine;
  return intake;
}

void intake_free(struct intake *intake) {
  if (!intake) return;
  while (intake->sources) {
    struct source *s = intake->sources;
    intake->sources = s->next;
    source_free(s);
  }
  table_free(&intake->by_producer);
  writer_free(&intake->out);
  free(intake);
}

uint32_t source_origin(struct source *s) {
  struct engine *e = s->intake->engine;
  if (!s->has_plain_origin) {
    s->plain_origin = journal_origin(e->journal, slice_of(s->name), (struct slice){0},
                                     (struct slice){0}, e->now_ms);
    fold_name_origin(&e->fold, s->plain_origin, slice_of(s->name), (struct slice){0},
                     (struct slice){0});
    s->has_plain_origin = true;
  }
  return s->plain_origin;
}

/* ---- once a second, and looking ---- */

static void give_up(struct source *s, const char *reason) {
  struct connection *c = s->connections;
  log_warning("source_closing", KV("source", s->name), KV("reason", reason));
  source_down(s, reason);
  c->told = true;
  session_close(c->session, reason);
}

/* How long the peer may say nothing; 0: for ever. */
static unsigned patience_s(const struct source *s) {
  if (s->dialect->patience_s) return s->dialect->patience_s(s->client_state);
  return s->dialect->ping ? SILENT_MAX_S : 0;
}

/* Counts seconds in which the loop ran, not the clock's: a daemon that was stopped
 * for a while, or does not read because the journal stalls, blames nobody. */
static void watch_peer(struct source *s) {
  struct connection *c = s->connections;
  if (!s->dialect->is_client || !c || c->told || s->intake->engine->stalled) return;
  c->age_s++;
  c->silent_s++;
  if (!s->is_up && c->age_s >= LOGIN_MAX_S) {
    give_up(s, "not logged in within 10 s");
    return;
  }
  unsigned patience = patience_s(s);
  if (patience && c->silent_s >= patience) {
    give_up(s, s->dialect->ping ? "nothing heard for 30 s in spite of pings"
                                : "the switch's heartbeat has stopped");
    return;
  }
  if (!s->dialect->ping || (s->is_up ? c->age_s % PING_EVERY_S : c->age_s != PING_LOGIN_S)) return;
  struct writer *out = &s->intake->out;
  writer_reset(out);
  s->dialect->ping(s->client_state, s->intake->engine->wall_ms, out);
  if (out->len) session_send(c->session, writer_slice(out));
}

/* The window of the rate: what had been taken a minute ago falls out of it. */
static void note_second(struct source *s) {
  size_t i = s->seconds++ % RATE_WINDOW_S;
  s->events_per_minute = s->events - s->events_at[i];
  s->events_at[i] = s->events;
}

void intake_upkeep(struct intake *intake) {
  struct engine *e = intake->engine;
  for (struct source *s = intake->sources; s; s = s->next) {
    if (e->wall_ms >= s->outage_due_ms)
      s->outage_due_ms = judge_outage(e, ALERT_SOURCE_DOWN, slice_of(s->name),
                                      s->is_up ? MSEC_NONE : s->changed_ms);
    watch_peer(s);
    note_second(s);
  }
  if (!e->stalled) intake_acknowledge(intake);
}
