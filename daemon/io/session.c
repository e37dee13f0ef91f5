#include <assert.h>
#include <errno.h>
#include <event2/dns.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "callpace/base/mem.h"
#include "session_internal.h"

enum { HANDSHAKE_S = 10, CLOSING_S = 2 };

/* ---- bytes in and out, plain or TLS ---- */

ssize_t session_read(struct session *s, char *into, size_t room) {
  if (!s->ssl) return recv(s->fd, into, room, 0);
  size_t total = 0;
  while (total < room) {
    size_t chunk = room - total;
    ERR_clear_error();
    int got = SSL_read(s->ssl, into + total, chunk > INT32_MAX ? INT32_MAX : (int)chunk);
    if (got > 0) {
      total += (size_t)got;
      continue;
    }
    int why = SSL_get_error(s->ssl, got);
    if (total > 0) return (ssize_t)total;
    if (why == SSL_ERROR_ZERO_RETURN) return 0;
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
      errno = EAGAIN;
      return -1;
    }
    if (why == SSL_ERROR_SYSCALL && errno == 0) return 0;
    if (why != SSL_ERROR_SYSCALL) errno = EPROTO;
    return -1;
  }
  return (ssize_t)total;
}

static ssize_t stream_write(struct session *s, const char *from, size_t len) {
  if (!s->ssl) return send(s->fd, from, len, MSG_NOSIGNAL | MSG_DONTWAIT);
  ERR_clear_error();
  int sent = SSL_write(s->ssl, from, len > INT32_MAX ? INT32_MAX : (int)len);
  if (sent > 0) return sent;
  int why = SSL_get_error(s->ssl, sent);
  errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EPIPE;
  return -1;
}

/* Sends what is queued. False when the connection is broken. */
static bool flush(struct session *s) {
  while (s->unsent_from < s->unsent.len) {
    ssize_t sent = stream_write(s, s->unsent.data + s->unsent_from, s->unsent.len - s->unsent_from);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) {
      event_add(s->writable, NULL);
      return true;
    }
    if (sent < 0) return false;
    s->unsent_from += (size_t)sent;
  }
  s->unsent_from = 0;
  writer_reset(&s->unsent);
  if (s->unsent.capacity > 4096) writer_free(&s->unsent);
  return true;
}

/* ---- one session ---- */

static void keep_rest(struct session *s, const char *data, size_t len) {
  if (len > s->rest_capacity || (len == 0 && s->rest_capacity > 512)) {
    free(s->rest);
    s->rest_capacity = len ? (len + 255) / 256 * 256 : 0;
    s->rest = len ? mem_alloc(s->rest_capacity) : NULL;
  }
  if (len) memcpy(s->rest, data, len);
  s->rest_len = len;
}

/* Hands bytes to the owner; false when the session went away. */
static bool deliver(struct session *s, size_t len, bool end) {
  char *scratch = s->hub->scratch;
  s->in_callback = true;
  size_t used = s->handler->bytes(s, scratch, len, end, s->user);
  s->in_callback = false;
  assert(used <= len);
  if (s->closing) {
    if (s->unsent.len == 0 || s->half_closed) session_free(s, s->closing);
    return false;
  }
  if (len - used >= s->unread_max) {
    session_free(s, "unread input past its limit");
    return false;
  }
  keep_rest(s, scratch + used, len - used);
  return true;
}

static void arm_reading(struct session *s) {
  bool timed = s->idle.tv_sec || s->idle.tv_usec;
  event_del(s->readable); /* else a timeout set before would stay */
  event_add(s->readable, timed ? &s->idle : NULL);
}

/* Reads on, but not for longer than this: the event's own timeout begins again
 * with every byte, the deadline does not. */
static void set_deadline(struct session *s, int seconds) {
  s->deadline_us = clock_monotonic_us() + (usec_t)seconds * 1000000;
  event_del(s->readable);
  event_add(s->readable, &(struct timeval){.tv_sec = seconds});
}

static bool is_late(const struct session *s, short what) {
  return (what & EV_TIMEOUT) || clock_monotonic_us() >= s->deadline_us;
}

static bool handshake(struct session *s) {
  ERR_clear_error();
  int done = SSL_do_handshake(s->ssl);
  if (done == 1) {
    s->handshaking = false;
    if (s->hub->paused && !s->hoard)
      event_del(s->readable);
    else
      arm_reading(s);
    s->in_callback = true;
    s->handler->opened(s, s->user);
    s->in_callback = false;
    return true;
  }
  int why = SSL_get_error(s->ssl, done);
  if (why == SSL_ERROR_WANT_READ) return false;
  if (why == SSL_ERROR_WANT_WRITE) {
    event_add(s->writable, NULL);
    return false;
  }
  const char *text = ERR_reason_error_string(ERR_peek_last_error());
  session_free(s, text ? text : "TLS handshake failed");
  return false;
}

/* What was kept comes before what comes now; false when the session went away. */
static bool deliver_hoard(struct session *s) {
  for (struct slice piece; (piece = hoard_take(s->hoard, &s->arrival_ms)).len;) {
    if (s->rest_len) memcpy(s->hub->scratch, s->rest, s->rest_len);
    memcpy(s->hub->scratch + s->rest_len, piece.data, piece.len);
    if (!deliver(s, s->rest_len + piece.len, false)) return false;
  }
  s->arrival_ms = hoard_ended_ms(s->hoard);
  if (hoard_has_ended(s->hoard)) {
    if (s->rest_len) memcpy(s->hub->scratch, s->rest, s->rest_len);
    s->half_closed = true;
    if (deliver(s, s->rest_len, true)) session_free(s, hoard_reason(s->hoard));
    return false;
  }
  hoard_reset(s->hoard);
  return true;
}

static void keep_for_later(struct session *s) {
  hoard_fill(s);
  if (hoard_has_ended(s->hoard)) event_del(s->readable); /* the end would be told for ever */
}

static void on_readable(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  struct session *s = arg;
  if (s->closing) { /* what still comes is not wanted; the peer's end is */
    if (is_late(s, what) || recv(s->fd, s->hub->scratch, READ_SIZE, 0) == 0)
      session_free(s, s->closing);
    return;
  }
  if (s->handshaking && is_late(s, what)) {
    session_free(s, "TLS handshake timed out");
    return;
  }
  if (what & EV_TIMEOUT) {
    session_free(s, "idle");
    return;
  }
  if (s->handshaking && !handshake(s)) return;
  if (s->closing) return;
  if (s->hub->paused) {
    if (s->hoard) keep_for_later(s);
    return;
  }
  if (s->hoard && !hoard_is_empty(s->hoard) && !deliver_hoard(s)) return;
  if (s->rest_len) memcpy(s->hub->scratch, s->rest, s->rest_len);
  ssize_t got = session_read(s, s->hub->scratch + s->rest_len, READ_SIZE);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got > 0) {
    if (deliver(s, s->rest_len + (size_t)got, false) && s->ssl && SSL_pending(s->ssl) > 0)
      event_active(s->readable, EV_READ, 1);
    return;
  }
  char reason[96] = "closed by peer";
  if (got < 0) snprintf(reason, sizeof reason, "%s", strerror(errno));
  s->half_closed = true;
  if (deliver(s, s->rest_len, true)) session_free(s, reason);
}

static void on_writable(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  struct session *s = arg;
  if (s->handshaking && !handshake(s)) return;
  if (!flush(s))
    session_free(s, "peer gone while writing");
  else if (s->closing && s->unsent.len == 0)
    session_free(s, s->closing);
}

struct session *session_start(struct hub *hub, int fd, SSL *ssl, bool is_server,
                              const struct session_handler *handler, void *user, size_t unread_max,
                              msec_t idle_ms, const char *peer, struct listener *listener,
                              struct connector *connector) {
  assert(unread_max <= UNREAD_MAX);
  struct session *s = mem_zalloc(sizeof *s);
  *s = (struct session){.hub = hub,
                        .handler = handler,
                        .user = user,
                        .fd = fd,
                        .ssl = ssl,
                        .listener = listener,
                        .connector = connector,
                        .arrival_ms = MSEC_NONE,
                        .unread_max = unread_max};
  s->unsent.limit = UNSENT_MAX;
  if (connector && connector->options.keep_max) s->hoard = hoard_new(connector->options.keep_max);
  snprintf(s->peer, sizeof s->peer, "%s", peer);
  s->idle.tv_sec = idle_ms / 1000;
  s->idle.tv_usec = (idle_ms % 1000) * 1000;
  s->readable = event_new(hub->base, fd, EV_READ | EV_PERSIST, on_readable, s);
  s->writable = event_new(hub->base, fd, EV_WRITE, on_writable, s);
  s->link = &hub->sessions;
  s->next = hub->sessions;
  if (s->next) s->next->link = &s->next;
  hub->sessions = s;
  hub->count++;
  if (listener) listener->open_count++;
  if (!ssl) {
    if (!hub->paused || s->hoard) arm_reading(s);
    s->in_callback = true;
    handler->opened(s, user);
    s->in_callback = false;
    return s;
  }
  SSL_set_fd(ssl, fd);
  s->handshaking = true;
  set_deadline(s, HANDSHAKE_S); /* also while the hub is paused: nothing is delivered yet */
  if (is_server) {
    SSL_set_accept_state(ssl);
  } else {
    SSL_set_connect_state(ssl);
    event_active(s->writable, EV_WRITE, 1); /* the client speaks first */
  }
  return s;
}

void session_free(struct session *s, const char *reason) {
  struct listener *listener = s->listener;
  struct connector *connector = s->connector;
  char why[128];
  snprintf(why, sizeof why, "%s", reason);
  if (s->next) s->next->link = s->link;
  *s->link = s->next;
  s->hub->count--;
  if (listener) listener->open_count--;
  s->closing = "gone";
  s->handler->closed(s, why, s->user);
  event_free(s->readable);
  event_free(s->writable);
  SSL_free(s->ssl);
  close(s->fd);
  free(s->rest);
  hoard_free(s->hoard);
  writer_free(&s->unsent);
  free(s);
  if (connector) connector_lost(connector);
}

bool session_send(struct session *s, struct slice bytes) {
  if (s->closing || s->handshaking) return false;
  if (s->unsent.len - s->unsent_from + bytes.len > s->unsent.limit) return false;
  if (s->unsent_from > 0) { /* make room at the front before the limit counts it */
    memmove(s->unsent.data, s->unsent.data + s->unsent_from, s->unsent.len - s->unsent_from);
    s->unsent.len -= s->unsent_from;
    s->unsent_from = 0;
  }
  bool was_empty = s->unsent.len == 0;
  put_slice(&s->unsent, bytes);
  /* A broken connection shows on the read side; here it only stops the sending. */
  if (was_empty && !flush(s)) {
    writer_reset(&s->unsent);
    s->unsent_from = 0;
  }
  return true;
}

void session_set_unsent_max(struct session *s, size_t bytes) {
  s->unsent.limit = bytes;
}

size_t session_unsent(const struct session *s) {
  return s->unsent.len - s->unsent_from;
}

void session_close(struct session *s, const char *reason) {
  if (s->closing) return;
  s->closing = reason;
  set_deadline(s, CLOSING_S);
  if (!s->in_callback && s->unsent.len == 0) event_active(s->readable, EV_TIMEOUT, 1);
}

msec_t session_arrival_ms(const struct session *s) {
  return s->arrival_ms;
}

bool session_is_closing(const struct session *s) {
  return s->closing != NULL;
}

void session_set_data(struct session *s, void *data) {
  s->data = data;
}

void *session_data(const struct session *s) {
  return s->data;
}

const char *session_peer(const struct session *s) {
  return s->peer;
}

/* ---- the hub ---- */

struct hub *hub_new(struct event_base *base) {
  struct hub *hub = mem_zalloc(sizeof *hub);
  hub->base = base;
  /* The largest rest and one read fit behind one another. */
  hub->scratch = mem_alloc(READ_SIZE + UNREAD_MAX);
  return hub;
}

void hub_free(struct hub *hub) {
  if (!hub) return;
  while (hub->connectors)
    connector_close(hub->connectors);
  while (hub->listeners)
    listener_close(hub->listeners);
  assert(!hub->sessions);
  stand_in_end(hub);
  if (hub->dns) evdns_base_free(hub->dns, 0);
  free(hub->scratch);
  free(hub);
}

void hub_pause(struct hub *hub, bool paused) {
  if (hub->paused == paused) return;
  hub->paused = paused;
  for (struct session *s = hub->sessions; s; s = s->next) {
    if (s->closing || s->handshaking) continue;
    if (paused) {
      if (!s->hoard) event_del(s->readable);
      continue;
    }
    arm_reading(s);
    if (s->hoard && !hoard_is_empty(s->hoard)) event_active(s->readable, EV_READ, 1);
    /* What TLS has decrypted already makes no descriptor readable. */
    if (s->ssl && SSL_pending(s->ssl) > 0) event_active(s->readable, EV_READ, 1);
  }
}

size_t hub_count(const struct hub *hub) {
  return hub->count;
}
