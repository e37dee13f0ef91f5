/* What the three files of the session room share. */
#ifndef CALLPACE_IO_SESSION_INTERNAL_H
#define CALLPACE_IO_SESSION_INTERNAL_H

#include <event2/event.h>
#include <openssl/ssl.h>

#include "callpace/base/writer.h"
#include "callpace/io/session.h"

enum {
  READ_SIZE = 512 * 1024,
  UNREAD_MAX = 128 * 1024, /* the most that unread_max may be */
  UNSENT_MAX = 64 * 1024,
  PEER_SIZE = 64
};

struct hub {
  struct event_base *base;
  struct evdns_base *dns; /* made when the first name is looked up */
  char *scratch;          /* every read lands here, behind what was left unread */
  bool paused;
  size_t count;
  struct session *sessions;
  struct listener *listeners;
  struct connector *connectors;
  struct stand_in *stand_in; /* NULL: no outgoing connections */
};

struct hoard;
struct stand_in;

struct session {
  struct hub *hub;
  struct session *next, **link;
  const struct session_handler *handler;
  void *user, *data;
  struct listener *listener; /* one of these two */
  struct connector *connector;
  int fd;
  SSL *ssl; /* NULL: plain */
  bool handshaking;
  bool in_callback;
  bool half_closed;    /* the peer sends no more */
  const char *closing; /* reason once session_close was called */
  struct event *readable, *writable;
  struct timeval idle; /* zero: none */
  usec_t deadline_us;  /* monotonic; when a handshake or a closing has taken too long */
  size_t unread_max;
  char *rest; /* received and not used yet */
  size_t rest_len, rest_capacity;
  struct hoard *hoard; /* NULL: reading waits while the hub is paused */
  msec_t arrival_ms;   /* of what is delivered now; MSEC_NONE: now */
  struct writer unsent;
  size_t unsent_from;
  char peer[PEER_SIZE];
};

struct listener {
  struct hub *hub;
  struct listener *next, **link;
  const struct session_handler *handler;
  void *user;
  struct listen_options options;
  struct cidr *allow;
  struct address bound;
  int fd, spare_fd; /* the spare is given up to refuse a caller when descriptors run out */
  struct event *acceptable, *resume;
  SSL_CTX *tls;
  size_t open_count;
};

struct connector {
  struct hub *hub;
  struct connector *next, **link;
  const struct session_handler *handler;
  void *user;
  struct connect_options options;
  SSL_CTX *tls;
  struct session *session;
  struct evdns_getaddrinfo_request *lookup;
  struct event *timer, *connected;
  int connecting_fd; /* -1: none */
  msec_t wait_ms;
  unsigned attempts; /* each takes the next of the name's addresses */
  bool slowly, closed;
};

/* Takes over a connected descriptor. Returns NULL, with the descriptor closed,
 * when it cannot. TLS sessions report `opened` after the handshake. */
struct session *session_start(struct hub *hub, int fd, SSL *ssl, bool is_server,
                              const struct session_handler *handler, void *user, size_t unread_max,
                              msec_t idle_ms, const char *peer, struct listener *listener,
                              struct connector *connector);
void session_free(struct session *session, const char *reason);
/* Like read(2), also through TLS: > 0 bytes, 0 end, -1 with errno. */
ssize_t session_read(struct session *session, char *into, size_t room);

/* --- session_hoard.c --- */

struct hoard *hoard_new(size_t max);
void hoard_free(struct hoard *hoard); /* NULL is fine */
/* Nothing came, not even the end. */
bool hoard_is_empty(const struct hoard *hoard);
bool hoard_has_ended(const struct hoard *hoard);
msec_t hoard_ended_ms(const struct hoard *hoard); /* MSEC_NONE while it has not */
const char *hoard_reason(const struct hoard *hoard);
/* Reads what there is now; ends with the peer, or cuts it off where there is no more
 * room. Touches nothing of the loop's. */
void hoard_fill(struct session *session);
/* The next bytes, at most READ_SIZE, and when they came; empty: no more. */
struct slice hoard_take(struct hoard *hoard, msec_t *at_ms);
void hoard_reset(struct hoard *hoard); /* empty again, memory given back */

/* The thread that fills hoards while the loop is away (hub_leave) for long. */
void stand_in_start(struct hub *hub);
void stand_in_end(struct hub *hub);
/* TLS contexts; NULL with the error set when a file is unfit. */
SSL_CTX *tls_server_context(const struct tls_options *options, struct error *error);
SSL_CTX *tls_client_context(const struct tls_options *options, struct error *error);
/* Called when a connector's session has gone. */
void connector_lost(struct connector *connector);
void sockaddr_text(const struct sockaddr *from, char *out, size_t size);

#endif
