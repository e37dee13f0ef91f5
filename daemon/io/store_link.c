#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/dns.h>
#include <event2/util.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "callpace/base/mem.h"
#include "store_internal.h"

/* More than any reply to what is asked; a peer that sends more is no Redis. */
enum { UNREAD_MAX = 4 * 1024 * 1024 };

/* A look-up cannot be taken back for good: its answer may come after the link
 * has gone on, and then finds no owner. */
struct lookup {
  struct link *owner;
};

static void try_next_address(struct link *link, const char *last_reason);

static void arm_deadline(struct link *link, msec_t ms) {
  struct timeval after = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
  event_add(link->deadline, &after);
}

void link_close(struct link *link) {
  link->due = 0;
  event_del(link->deadline);
  if (link->lookup) link->lookup->owner = NULL;
  link->lookup = NULL;
  if (link->found) evutil_freeaddrinfo(link->found);
  link->found = link->next = NULL;
  if (link->writable) event_free(link->writable);
  link->writable = NULL;
  if (link->fd >= 0) close(link->fd);
  link->fd = -1;
  if (link->bev) bufferevent_free(link->bev);
  link->bev = NULL;
  redisReaderFree(link->reader);
  link->reader = NULL;
}

static void lose(struct link *link, const char *reason) {
  link_close(link);
  link_lost(link, reason);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg) {
  struct link *link = arg;
  (void)fd;
  (void)what;
  if (link->bev && link->due)
    lose(link, "Redis does not answer in time");
  else
    lose(link, link->lookup ? "the host name is not resolved in time" : "no connection in time");
}

/* Passes on every whole reply. The receiver may close the link meanwhile. */
static void on_readable(struct bufferevent *bev, void *arg) {
  struct link *link = arg;
  struct evbuffer *input = bufferevent_get_input(bev);
  size_t len = evbuffer_get_length(input);
  if (len > UNREAD_MAX || link->reader->len - link->reader->pos > UNREAD_MAX) {
    lose(link, "the peer sends too much to be Redis");
    return;
  }
  redisReaderFeed(link->reader, (const char *)evbuffer_pullup(input, -1), len);
  evbuffer_drain(input, len);
  void *reply = NULL;
  while (link->bev == bev) {
    if (redisReaderGetReply(link->reader, &reply) != REDIS_OK || (reply && !link->due)) {
      if (reply) freeReplyObject(reply);
      lose(link, "the peer does not speak Redis's protocol");
      return;
    }
    if (!reply) return;
    link->due--;
    if (link->due)
      arm_deadline(link, link->reply_ms);
    else
      event_del(link->deadline);
    link_replied(link, reply);
    freeReplyObject(reply);
  }
}

static const char *tls_reason(struct bufferevent *bev) {
  SSL *ssl = bufferevent_openssl_get_ssl(bev);
  long verified = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
  if (verified != X509_V_OK) return X509_verify_cert_error_string(verified);
  unsigned long code = bufferevent_get_openssl_error(bev);
  return code ? ERR_reason_error_string(code) : NULL;
}

static void on_event(struct bufferevent *bev, short what, void *arg) {
  struct link *link = arg;
  if (what & BEV_EVENT_CONNECTED) {
    event_del(link->deadline);
    link_connected(link);
    return;
  }
  char reason[REASON_SIZE];
  int failed = EVUTIL_SOCKET_ERROR();
  const char *tls = link->tls ? tls_reason(bev) : NULL;
  if (tls)
    snprintf(reason, sizeof reason, "TLS: %s", tls);
  else if (what & BEV_EVENT_EOF || !failed)
    snprintf(reason, sizeof reason, "Redis closed the connection");
  else
    snprintf(reason, sizeof reason, "%s", strerror(failed));
  lose(link, reason);
}

static SSL *client_ssl(struct link *link) {
  SSL *ssl = SSL_new(link->tls);
  unsigned char ignored[sizeof(struct in6_addr)];
  const char *host = link->url->host;
  if (inet_pton(AF_INET, host, ignored) == 1 || inet_pton(AF_INET6, host, ignored) == 1) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
  } else {
    SSL_set_tlsext_host_name(ssl, host);
    SSL_set1_host(ssl, host);
  }
  return ssl;
}

/* The descriptor is connected: wraps it. With TLS the deadline runs on. */
static void start_talking(struct link *link) {
  int fd = link->fd, on = 1;
  link->fd = -1;
  link->reader = redisReaderCreate();
  if (link->tls) {
    ERR_clear_error();
    link->bev = bufferevent_openssl_socket_new(link->base, fd, client_ssl(link),
                                               BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_openssl_set_allow_dirty_shutdown(link->bev, 1);
  } else {
    link->bev = bufferevent_socket_new(link->base, fd, BEV_OPT_CLOSE_ON_FREE);
  }
  if (link->url->kind != REDIS_UNIX) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  bufferevent_setcb(link->bev, on_readable, NULL, on_event, link);
  bufferevent_enable(link->bev, EV_READ | EV_WRITE);
  if (link->tls) return;
  event_del(link->deadline);
  link_connected(link);
}

static void on_writable(evutil_socket_t fd, short what, void *arg) {
  struct link *link = arg;
  int failed = 0;
  socklen_t len = sizeof failed;
  (void)what;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len);
  event_free(link->writable);
  link->writable = NULL;
  if (!failed) {
    start_talking(link);
    return;
  }
  close(link->fd);
  link->fd = -1;
  try_next_address(link, strerror(failed));
}

/* False with errno set when it failed at once. */
static bool connect_to(struct link *link, const struct sockaddr *to, socklen_t len) {
  link->fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (link->fd < 0) return false;
  if (connect(link->fd, to, len) == 0) {
    start_talking(link);
    return true;
  }
  if (errno == EINPROGRESS) {
    link->writable = event_new(link->base, link->fd, EV_WRITE, on_writable, link);
    event_add(link->writable, NULL);
    return true;
  }
  int failed = errno;
  close(link->fd);
  link->fd = -1;
  errno = failed;
  return false;
}

static void try_next_address(struct link *link, const char *last_reason) {
  while (link->next) {
    struct evutil_addrinfo *to = link->next;
    link->next = to->ai_next;
    if (connect_to(link, to->ai_addr, (socklen_t)to->ai_addrlen)) return;
    last_reason = strerror(errno);
  }
  lose(link, last_reason);
}

/* Writes the path, or for one too long a way to it through its open directory,
 * which the caller closes (-1: none). False with errno set. */
static bool unix_address(const char *path, struct sockaddr_un *to, int *dir) {
  to->sun_family = AF_UNIX;
  *dir = -1;
  if (strlen(path) < sizeof to->sun_path) {
    memcpy(to->sun_path, path, strlen(path) + 1);
    return true;
  }
  const char *name = strrchr(path, '/');
  char *parent = mem_slice_dup((struct slice){path, (size_t)(name - path) + 1});
  *dir = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
  free(parent);
  if (*dir < 0) return false;
  int len = snprintf(to->sun_path, sizeof to->sun_path, "/proc/self/fd/%d%s", *dir, name);
  errno = ENAMETOOLONG;
  return (size_t)len < sizeof to->sun_path;
}

static void connect_unix(struct link *link) {
  struct sockaddr_un to = {0};
  int dir;
  bool under_way = unix_address(link->url->path, &to, &dir) &&
                   connect_to(link, (struct sockaddr *)&to, sizeof to);
  int failed = errno;
  if (dir >= 0) close(dir);
  if (!under_way) lose(link, strerror(failed));
}

static void on_looked_up(int result, struct evutil_addrinfo *found, void *arg) {
  struct lookup *lookup = arg;
  struct link *link = lookup->owner;
  free(lookup);
  if (!link) {
    if (found) evutil_freeaddrinfo(found);
    return;
  }
  link->lookup = NULL;
  if (result) {
    link->dns_failed = true;
    lose(link, evutil_gai_strerror(result));
    return;
  }
  link->found = link->next = found;
  try_next_address(link, "the host has no address");
}

/* Names are resolved without blocking; the system's list of name servers is read
 * again after a failure. */
static void look_up(struct link *link) {
  if (link->dns && link->dns_failed) {
    evdns_base_free(link->dns, 1);
    link->dns = NULL;
  }
  link->dns_failed = false;
  if (!link->dns)
    link->dns = evdns_base_new(link->base, EVDNS_BASE_INITIALIZE_NAMESERVERS |
                                               EVDNS_BASE_DISABLE_WHEN_INACTIVE);
  if (!link->dns) link->dns = evdns_base_new(link->base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
  char port[8];
  snprintf(port, sizeof port, "%u", link->url->port);
  struct evutil_addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
  link->lookup = mem_zalloc(sizeof *link->lookup);
  link->lookup->owner = link;
  evdns_getaddrinfo(link->dns, link->url->host, port, &hints, on_looked_up, link->lookup);
}

void link_open(struct link *link) {
  arm_deadline(link, link->connect_ms);
  if (link->url->kind == REDIS_UNIX)
    connect_unix(link);
  else
    look_up(link);
}

void link_send(struct link *link, struct slice bytes, size_t commands) {
  bufferevent_write(link->bev, bytes.data, bytes.len);
  link->due += commands;
  arm_deadline(link, link->reply_ms);
}

static enum status tls_init(struct link *link, const char *ca_file, struct error *error) {
  link->tls = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(link->tls, TLS1_2_VERSION);
  SSL_CTX_set_verify(link->tls, SSL_VERIFY_PEER, NULL);
  int ok = ca_file ? SSL_CTX_load_verify_locations(link->tls, ca_file, NULL)
                   : SSL_CTX_set_default_verify_paths(link->tls);
  ERR_clear_error();
  if (ok == 1) return STATUS_OK;
  return error_set(error, STATUS_CONFIG, "tls: no certificates in %s",
                   ca_file ? ca_file : "the system's store");
}

enum status link_init(struct link *link, struct event_base *base, const struct redis_url *url,
                      const char *tls_ca_file, struct error *error) {
  link->base = base;
  link->url = url;
  link->fd = -1;
  link->deadline = evtimer_new(base, on_deadline, link);
  return url->kind == REDIS_TLS ? tls_init(link, tls_ca_file, error) : STATUS_OK;
}

void link_free(struct link *link) {
  if (!link->deadline) return;
  link_close(link);
  event_free(link->deadline);
  if (link->dns) evdns_base_free(link->dns, 1);
  SSL_CTX_free(link->tls);
  *link = (struct link){.fd = -1};
}
