/* Byte streams to and from the world: listening sockets and outgoing connections
 * over TCP, unix sockets and TLS. Turns libevent into three domain verbs (opened,
 * bytes, closed) once. One hub holds all; its user reads bytes in place from one
 * shared buffer, so an idle connection costs only what it left half-sent. */
#ifndef CALLPACE_IO_SESSION_H
#define CALLPACE_IO_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callpace/base/address.h"
#include "callpace/base/clock.h"
#include "callpace/base/status.h"

struct event_base;
struct hub;
struct session;
struct listener;
struct connector;

/* What the owner of sessions is told. `user` is the pointer given at listen or
 * connect. All are called from the loop only. */
struct session_handler {
  void (*opened)(struct session *session, void *user);
  /* Bytes came, or (`end`) the peer closed; `data` also holds what was left
   * unread before. Returns how many were used; the rest is kept and comes again,
   * with more behind it. A session whose rest reaches `unread_max` is closed. */
  size_t (*bytes)(struct session *session, const char *data, size_t len, bool end, void *user);
  /* Gone; `reason` is for a log. The session is invalid after this returns. */
  void (*closed)(struct session *session, const char *reason, void *user);
  /* connector only: an attempt failed; the next follows by itself. */
  void (*failed)(struct connector *connector, const char *reason, void *user);
};

struct tls_options {
  const char *cert_file, *key_file,
      *ca_file; /* server: cert and key; client: ca (NULL: the system's) */
};

struct hub *hub_new(struct event_base *base);
void hub_free(struct hub *hub); /* closes everything; NULL is fine */
/* Stops or resumes reading on every session at once (a stalled journal). Outgoing
 * connections with `keep_max` are read on: what comes is delivered after the pause,
 * with session_arrival_ms; one that brings more is cut off. */
void hub_pause(struct hub *hub, bool paused);
/* Around what may hang (a sync): meanwhile no function of this hub is called. After
 * a second a thread keeps what comes on outgoing connections, as in a pause. */
void hub_leave(struct hub *hub);
void hub_return(struct hub *hub);
/* Sessions now open. */
size_t hub_count(const struct hub *hub);

struct listen_options {
  struct address address;
  const struct tls_options *tls; /* NULL: plain */
  const struct cidr *allow;      /* borrowed; empty: anyone (a unix socket: by its mode) */
  size_t allow_count;
  size_t max_connections;
  msec_t idle_timeout_ms; /* 0: none */
  size_t unread_max;      /* at most 128 KiB */
  unsigned socket_mode;   /* unix socket: its permissions, e.g. 0660 */
  int send_buffer;        /* bytes the kernel takes for a slow reader; 0: as it likes, MiBs */
};
/* STATUS_UNAVAILABLE or STATUS_PERMISSION with the address in the error. */
enum status listener_open(struct hub *hub, const struct listen_options *options,
                          const struct session_handler *handler, void *user, struct listener **out,
                          struct error *error);
/* The address really bound (port 0 resolved). */
const struct address *listener_address(const struct listener *listener);
/* Changes limits without touching open sessions (reload). */
void listener_limit(struct listener *listener, const struct listen_options *options);
/* Stops listening and closes its sessions. NULL is fine. */
void listener_close(struct listener *listener);

/* Connects and stays connected: on loss tries again after 1 s doubling to 30 s
 * (connector_retry_slowly: once after 60 s, for a refused login). */
struct connect_options {
  struct address address;
  const struct tls_options *tls;
  size_t unread_max;
  msec_t retry_first_ms; /* 0: 1,000 */
  size_t keep_max;       /* bytes kept while the hub is paused; 0: reading waits */
};
enum status connector_open(struct hub *hub, const struct connect_options *options,
                           const struct session_handler *handler, void *user,
                           struct connector **out, struct error *error);
void connector_retry_slowly(struct connector *connector);
/* The peer has proved healthy (login done): the next loss starts at 1 s again. */
void connector_proved(struct connector *connector);
void connector_close(struct connector *connector); /* NULL is fine */

/* Queues bytes to send. At most 64 KiB (session_set_unsent_max) wait for a peer
 * that does not read; past that nothing is queued and false returned. */
bool session_send(struct session *session, struct slice bytes);
void session_set_unsent_max(struct session *session, size_t bytes);
size_t session_unsent(const struct session *session);
/* Closes once what is queued has been sent (or in 2 s). `reason` is static text
 * for the log. No more bytes are delivered. */
void session_close(struct session *session, const char *reason);
/* session_close was called: what else its peer sent is void. */
bool session_is_closing(const struct session *session);
/* In `bytes` and `closed`: wall clock in ms at which this came, where it was kept for
 * later; MSEC_NONE: now. */
msec_t session_arrival_ms(const struct session *session);
/* A pointer that the owner keeps with the session; NULL at first. */
void session_set_data(struct session *session, void *data);
void *session_data(const struct session *session);
/* "127.0.0.1:40312", "unix", for logs. */
const char *session_peer(const struct session *session);

#endif
