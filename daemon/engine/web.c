#include "callpace/engine/web.h"

#include <event2/event.h>
#include <stdlib.h>

#include "callpace/base/log.h"
#include "callpace/base/mem.h"
#include "callpace/engine/pipeline.h"
#include "callpace/engine/view.h"
#include "web_internal.h"

enum {
  IN_MAX = HTTP_HEAD_MAX + HTTP_BODY_MAX + 4096, /* one request and the start of the next */
  REQUEST_MAX_S = 10,                            /* from its first byte to its last */
  IDLE_MAX_S = 60,                               /* between requests */
  STUCK_MAX_S = 15,                              /* a reader that takes nothing */
  BEHIND_MAX_S = 20,                             /* one that never has all that it was sent */
  UNSENT_ALL_MAX = 64 << 20,                     /* of all connections together */
  SEND_BUFFER = 64 << 10                         /* in the kernel, of each */
};

/* ---- answers ---- */

static void put_head(struct exchange *x, size_t length, bool keep_alive) {
  struct writer *w = &x->web->head;
  writer_reset(w);
  put_format(w, "HTTP/1.1 %d %s\r\n", x->status, http_reason(x->status));
  if (x->type) put_format(w, "Content-Type: %s\r\n", x->type);
  if (x->status != 304 && x->status != 204) put_format(w, "Content-Length: %zu\r\n", length);
  put_text(w, keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n");
  put_text(w, "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
              "Cross-Origin-Resource-Policy: same-origin\r\n");
  put_slice(w, writer_slice(x->extra));
  put_text(w, "\r\n");
}

static void send_answer(struct exchange *x, bool keep_alive) {
  struct session *session = x->visit->session;
  bool has_body = x->status != 304 && !slice_equal(x->request.method, SLICE("HEAD"));
  size_t body = has_body ? x->body->len : 0;
  put_head(x, x->body->len, keep_alive);
  session_set_unsent_max(session, session_unsent(session) + x->web->head.len + body);
  session_send(session, writer_slice(&x->web->head));
  if (body) session_send(session, writer_slice(x->body));
  x->visit->ends = !keep_alive;
}

void exchange_fail(struct exchange *x, int status, const char *code, const char *message) {
  x->status = status;
  x->type = "application/json";
  writer_reset(x->body);
  json_open(x->body, '{');
  json_put_text(x->body, "code", code);
  json_put_text(x->body, "message", message);
  json_close(x->body, '}');
  put_char(x->body, '\n');
}

/* ---- what needs no figures ---- */

static void serve_health(struct exchange *x) {
  x->type = "text/plain; charset=utf-8";
  put_text(x->body, "ok\n");
}

static void serve_readiness(struct exchange *x) {
  const struct engine *e = x->web->engine;
  const char *why = e->stopping            ? "stopping\n"
                    : e->stalled           ? "the journal cannot be written\n"
                    : !view_is_up(e->view) ? "Redis does not answer\n"
                                           : NULL;
  x->status = why ? 503 : 200;
  x->type = "text/plain; charset=utf-8";
  put_text(x->body, why ? why : "ready\n");
}

/* ---- routes ---- */

static bool is_method(const struct exchange *x, const char *method) {
  return slice_equal(x->request.method, slice_of(method));
}

static void refuse_stranger(struct exchange *x) {
  put_text(x->extra, "WWW-Authenticate: Bearer realm=\"callpace\"\r\n");
  exchange_fail(x, 401, "not_authorized", "a token is needed");
}

static void refuse_method(struct exchange *x, const char *allowed) {
  put_format(x->extra, "Allow: %s\r\n", allowed);
  exchange_fail(x, 405, "method", "this cannot be done here");
}

static void serve_figures(struct exchange *x, struct slice path) {
  static const struct slice api = {"/api/v1/", 8};
  if (!x->badge)
    refuse_stranger(x);
  else if (x->web->engine->stalled)
    exchange_fail(x, 503, "journal_stalled", "the journal cannot be written: no figure is certain");
  else if (slice_equal(path, SLICE("/metrics")))
    metrics_serve(x);
  else
    api_serve(x, (struct slice){path.data + api.len, path.len - api.len});
}

static bool is_agent_page(struct slice path) {
  static const struct slice begin = {"/agent/", 7};
  return path.len > begin.len && memcmp(path.data, begin.data, begin.len) == 0;
}

static void route(struct exchange *x) {
  struct slice path = slice_of(x->path);
  bool is_api = path.len >= 8 && memcmp(path.data, "/api/v1/", 8) == 0;
  put_text(x->extra, "Cache-Control: private, no-cache\r\n");
  if (!access_host_is_ours(x->web, x->request.headers[HTTP_HOST]))
    exchange_fail(x, 421, "host", "not a name of this server (see http.hosts)");
  else if (slice_equal(path, SLICE("/login")) && is_method(x, "POST"))
    access_login(x);
  else if (slice_equal(path, SLICE("/ack")))
    ack_link_serve(x);
  else if (slice_equal(path, SLICE("/api/v1/alerts/ack")) && is_method(x, "POST"))
    ack_serve(x);
  else if (!is_method(x, "GET") && !is_method(x, "HEAD"))
    refuse_method(x, "GET, HEAD");
  else if (slice_equal(path, SLICE("/healthz")))
    serve_health(x);
  else if (slice_equal(path, SLICE("/readyz")))
    serve_readiness(x);
  else if (is_api || slice_equal(path, SLICE("/metrics")))
    serve_figures(x, path);
  else if (slice_equal(path, SLICE("/")) || is_agent_page(path))
    page_serve(x);
  else
    exchange_fail(x, 404, "not_found", "there is nothing here");
}

/* ---- one connection ---- */

static size_t unsent_of_all(const struct web *web) {
  size_t sum = 0;
  for (const struct visit *v = web->visits; v; v = v->next)
    sum += session_unsent(v->session);
  return sum;
}

static void serve(struct visit *v, struct exchange *x) {
  struct web *web = v->web;
  writer_reset(&web->body);
  writer_reset(&web->extra);
  x->body = &web->body;
  x->extra = &web->extra;
  web->requests++;
  if (x->status >= 400)
    exchange_fail(x, x->status, "bad_request", http_reason(x->status));
  else if (http_decode(x->request.path, x->path, sizeof x->path) < 0)
    exchange_fail(x, 400, "bad_request", "the path is not well formed");
  else if (unsent_of_all(web) > UNSENT_ALL_MAX)
    exchange_fail(x, 503, "busy", "too much waits for slow readers");
  else {
    x->badge = access_badge(web, &x->request);
    route(x);
  }
  if (x->waits) {
    event_active(web->flush_timer, EV_TIMEOUT, 1);
    return;
  }
  if (x->status >= 400) web->refused++;
  if (!v->stream) send_answer(x, x->request.keep_alive && !web->engine->stopping);
}

/* Requests come one after the other; the next waits until the answer before it has
 * been taken, so that nobody can pile up answers. False: look again later. */
static bool answer_all(struct visit *v) {
  while (!v->stream && !session_is_closing(v->session)) {
    struct exchange x = {.web = v->web, .visit = v, .status = 200};
    size_t used = 0;
    if (session_unsent(v->session) > 0) return false;
    if (v->ends) session_close(v->session, "answered");
    if (v->ends) break;
    enum http_result result = http_read(writer_slice(&v->in), &x.request, &used, &x.status);
    if (result == HTTP_MORE) break;
    if (result == HTTP_REFUSED) x.request.keep_alive = false;
    serve(v, &x);
    if (x.waits) return false;
    v->decided = false;
    if (v->stream) break;
    if (result == HTTP_REFUSED) used = v->in.len;
    memmove(v->in.data, v->in.data + used, v->in.len - used);
    v->in.len -= used;
    v->waits_us = clock_monotonic_us();
  }
  if (v->in.len == 0) writer_free(&v->in);
  return true;
}

static void make_due(struct visit *v) {
  if (v->is_due) return;
  v->is_due = true;
  v->due_next = v->web->due;
  v->web->due = v;
}

static void on_opened(struct session *session, void *user) {
  struct web *web = user;
  struct visit *v = mem_zalloc(sizeof *v);
  *v = (struct visit){.web = web,
                      .session = session,
                      .waits_us = clock_monotonic_us(),
                      .unsent_us = clock_monotonic_us(),
                      .behind_us = clock_monotonic_us(),
                      .next = web->visits,
                      .link = &web->visits};
  if (v->next) v->next->link = &v->next;
  web->visits = v;
  web->visit_count++;
  session_set_data(session, v);
}

static size_t on_bytes(struct session *session, const char *data, size_t len, bool end,
                       void *user) {
  struct web *web = user;
  struct visit *v = session_data(session);
  (void)end;
  if (v->stream || len == 0) return len; /* a stream's client has nothing more to say */
  if (v->in.len + len > IN_MAX) {
    session_close(session, "more than one request at once");
    return len;
  }
  if (v->in.len == 0) v->waits_us = clock_monotonic_us();
  put_bytes(&v->in, data, len);
  pipeline_begin(web->engine);
  make_due(v);
  return len;
}

static void on_closed(struct session *session, const char *reason, void *user) {
  (void)reason;
  struct web *web = user;
  struct visit *v = session_data(session);
  stream_end(v);
  for (struct visit **at = &web->due; v->is_due && *at; at = &(*at)->due_next)
    if (*at == v) {
      *at = v->due_next;
      break;
    }
  if (v->next) v->next->link = v->link;
  *v->link = v->next;
  web->visit_count--;
  writer_free(&v->in);
  free(v);
}

static const struct session_handler web_sessions = {on_opened, on_bytes, on_closed, NULL};

/* ---- in time ---- */

void web_publish(struct web *web) {
  if (!web) return;
  struct visit *due = web->due, *again = NULL;
  web->due = NULL;
  for (struct visit *next; due; due = next) {
    next = due->due_next;
    due->is_due = false;
    if (answer_all(due)) continue;
    due->is_due = true;
    due->due_next = again;
    again = due;
  }
  web->due = again;
  streams_flush(web);
}

static const char *overdue(struct visit *v, usec_t now) {
  size_t unsent = session_unsent(v->session);
  if (unsent == 0 || unsent < v->unsent) v->unsent_us = now;
  if (unsent == 0) v->behind_us = now;
  v->unsent = unsent;
  if (now - v->unsent_us > STUCK_MAX_S * (usec_t)1000000) return "reads nothing";
  if (now - v->behind_us > BEHIND_MAX_S * (usec_t)1000000) return "reads too slowly";
  if (v->stream || unsent > 0) return NULL;
  int patience = v->in.len > 0 ? REQUEST_MAX_S : IDLE_MAX_S;
  return now - v->waits_us > patience * (usec_t)1000000 ? "idle" : NULL;
}

void web_upkeep(struct web *web) {
  if (!web) return;
  usec_t now = clock_monotonic_us();
  for (struct visit *v = web->visits, *next; v; v = next) {
    next = v->next;
    const char *reason = session_is_closing(v->session) ? NULL : overdue(v, now);
    if (!reason) continue;
    web->dropped++;
    session_close(v->session, reason);
  }
}

static void on_flush(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  struct web *web = arg;
  pipeline_begin(web->engine); /* a tick: the barrier, and web_publish behind it */
}

/* ---- life ---- */

static struct listen_options options_of(const struct config *config, struct tls_options *tls) {
  *tls = (struct tls_options){.cert_file = config->http.tls_cert, .key_file = config->http.tls_key};
  return (struct listen_options){.address = config->http.address,
                                 .tls = config->http.tls_cert ? tls : NULL,
                                 .allow = config->http.allow,
                                 .allow_count = config->http.allow_count,
                                 .max_connections = (size_t)config->http.max_connections,
                                 .unread_max = IN_MAX,
                                 .socket_mode = 0660,
                                 .send_buffer = SEND_BUFFER};
}

enum status web_open(struct engine *e, struct web **out, struct error *error) {
  if (!e->config->http.enabled) return STATUS_OK;
  struct tls_options tls;
  struct listen_options options = options_of(e->config, &tls);
  struct web *web = mem_zalloc(sizeof *web);
  web->engine = e;
  enum status status =
      listener_open(e->control_hub, &options, &web_sessions, web, &web->listener, error);
  if (status != STATUS_OK) {
    free(web);
    return status;
  }
  badges_make(web);
  web->board = board_new(e);
  web->flush_timer = event_new(e->base, -1, EV_PERSIST, on_flush, web);
  char text[ADDRESS_TEXT_SIZE];
  address_format(listener_address(web->listener), text);
  log_info("http", KV("listen", text));
  *out = web;
  return STATUS_OK;
}

void web_configure(struct web *web) {
  if (!web) return;
  struct tls_options tls;
  struct listen_options options = options_of(web->engine->config, &tls);
  listener_limit(web->listener, &options);
  while (web->streams) {
    session_close(web->streams->session, "the configuration changed");
    stream_end(web->streams);
  }
  badges_free(web);
  badges_make(web);
  board_reset(web->board);
}

void web_close(struct web *web) {
  if (!web) return;
  listener_close(web->listener);
  event_free(web->flush_timer);
  badges_free(web);
  board_free(web->board);
  writer_free(&web->head);
  writer_free(&web->body);
  writer_free(&web->extra);
  free(web);
}

void web_put_status(const struct web *web, struct writer *w) {
  if (!web) {
    json_nil(w);
    return;
  }
  char text[ADDRESS_TEXT_SIZE];
  address_format(listener_address(web->listener), text);
  json_open(w, '{');
  json_put_text(w, "listen", text);
  json_put_uint(w, "connections", web->visit_count);
  json_put_uint(w, "streams", web->stream_count);
  json_put_uint(w, "requests", web->requests);
  json_put_uint(w, "refused", web->refused);
  json_put_uint(w, "dropped", web->dropped);
  json_close(w, '}');
}
