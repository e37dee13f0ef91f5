#include <arpa/inet.h>
#include <errno.h>
#include <event2/dns.h>
#include <event2/util.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "callpace/base/mem.h"
#include "session_internal.h"

enum { CONNECT_TIMEOUT_S = 5, WAIT_MAX_MS = 30000, WAIT_SLOWLY_MS = 60000 };

static void attempt(struct connector *c);

SSL_CTX *tls_client_context(const struct tls_options *options, struct error *error) {
  SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
  SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
  bool ok = options->ca_file ? SSL_CTX_load_verify_locations(tls, options->ca_file, NULL) == 1
                             : SSL_CTX_set_default_verify_paths(tls) == 1;
  if (ok) return tls;
  error_set(error, STATUS_CONFIG, "tls: no certificates in %s",
            options->ca_file ? options->ca_file : "the system's store");
  SSL_CTX_free(tls);
  return NULL;
}

static void wait_and_retry(struct connector *c) {
  if (c->closed) return;
  msec_t wait = c->slowly ? WAIT_SLOWLY_MS : c->wait_ms;
  c->slowly = false;
  c->wait_ms = c->wait_ms * 2 > WAIT_MAX_MS ? WAIT_MAX_MS : c->wait_ms * 2;
  struct timeval after = {.tv_sec = wait / 1000, .tv_usec = (wait % 1000) * 1000};
  event_add(c->timer, &after);
}

static void attempt_failed(struct connector *c, const char *reason) {
  if (c->connecting_fd >= 0) {
    event_del(c->connected);
    close(c->connecting_fd);
    c->connecting_fd = -1;
  }
  if (c->handler->failed) c->handler->failed(c, reason, c->user);
  wait_and_retry(c);
}

static SSL *client_ssl(struct connector *c) {
  SSL *ssl = SSL_new(c->tls);
  const char *host = c->options.address.host;
  struct in6_addr ignored;
  if (inet_pton(AF_INET, host, &ignored) == 1 || inet_pton(AF_INET6, host, &ignored) == 1) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
  } else {
    SSL_set_tlsext_host_name(ssl, host);
    SSL_set1_host(ssl, host);
  }
  return ssl;
}

static void on_connected(evutil_socket_t fd, short what, void *arg) {
  struct connector *c = arg;
  int failed = 0;
  socklen_t len = sizeof failed;
  if (what & EV_TIMEOUT)
    failed = ETIMEDOUT;
  else
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len);
  if (failed) {
    attempt_failed(c, strerror(failed));
    return;
  }
  event_free(c->connected);
  c->connected = NULL;
  c->connecting_fd = -1;
  char peer[ADDRESS_TEXT_SIZE];
  address_format(&c->options.address, peer);
  struct session *s = session_start(c->hub, fd, c->tls ? client_ssl(c) : NULL, false, c->handler,
                                    c->user, c->options.unread_max, 0, peer, NULL, c);
  c->session = s;
}

static void connect_to(struct connector *c, const struct sockaddr *to, socklen_t len) {
  int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  c->connecting_fd = fd;
  if (c->connected) event_free(c->connected);
  c->connected = NULL;
  if (fd < 0) {
    attempt_failed(c, strerror(errno));
    return;
  }
  c->connected = event_new(c->hub->base, fd, EV_WRITE, on_connected, c);
  int on = 1;
  if (to->sa_family != AF_UNIX) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  }
  if (connect(fd, to, len) != 0 && errno != EINPROGRESS) {
    attempt_failed(c, strerror(errno));
    return;
  }
  struct timeval deadline = {.tv_sec = CONNECT_TIMEOUT_S};
  event_add(c->connected, &deadline);
}

/* "localhost" is ::1 and 127.0.0.1, and the peer may listen on one of them only:
 * each attempt takes the next. */
static const struct evutil_addrinfo *next_address(struct connector *c,
                                                  const struct evutil_addrinfo *found) {
  unsigned count = 1;
  for (const struct evutil_addrinfo *at = found->ai_next; at; at = at->ai_next)
    count++;
  for (unsigned skip = c->attempts++ % count; skip > 0; skip--)
    found = found->ai_next;
  return found;
}

static void on_looked_up(int result, struct evutil_addrinfo *found, void *arg) {
  struct connector *c = arg;
  c->lookup = NULL;
  if (c->closed) { /* cancelled: the connector waits only for this */
    if (found) evutil_freeaddrinfo(found);
    free(c);
    return;
  }
  if (result) {
    attempt_failed(c, evutil_gai_strerror(result));
    return;
  }
  const struct evutil_addrinfo *taken = next_address(c, found);
  connect_to(c, taken->ai_addr, (socklen_t)taken->ai_addrlen);
  evutil_freeaddrinfo(found);
}

static void attempt(struct connector *c) {
  const struct address *address = &c->options.address;
  if (address->is_unix) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%.*s", (int)sizeof to.sun_path - 1, address->host);
    connect_to(c, (struct sockaddr *)&to, sizeof to);
    return;
  }
  if (!c->hub->dns)
    c->hub->dns = evdns_base_new(c->hub->base, EVDNS_BASE_INITIALIZE_NAMESERVERS |
                                                   EVDNS_BASE_DISABLE_WHEN_INACTIVE);
  char port[8];
  snprintf(port, sizeof port, "%u", address->port);
  struct evutil_addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
  /* The answer may come before this returns; only then is there no request. */
  struct evdns_getaddrinfo_request *request =
      evdns_getaddrinfo(c->hub->dns, address->host, port, &hints, on_looked_up, c);
  if (request) c->lookup = request;
}

static void on_timer(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  attempt(arg);
}

enum status connector_open(struct hub *hub, const struct connect_options *options,
                           const struct session_handler *handler, void *user,
                           struct connector **out, struct error *error) {
  SSL_CTX *tls = NULL;
  if (options->tls && !(tls = tls_client_context(options->tls, error))) return STATUS_CONFIG;
  struct connector *c = mem_zalloc(sizeof *c);
  *c = (struct connector){.hub = hub,
                          .handler = handler,
                          .user = user,
                          .options = *options,
                          .tls = tls,
                          .connecting_fd = -1};
  c->options.tls = NULL;
  if (!c->options.retry_first_ms) c->options.retry_first_ms = 1000;
  c->wait_ms = c->options.retry_first_ms;
  c->timer = event_new(hub->base, -1, 0, on_timer, c);
  c->link = &hub->connectors;
  c->next = hub->connectors;
  if (c->next) c->next->link = &c->next;
  hub->connectors = c;
  if (options->keep_max) stand_in_start(hub);
  event_active(c->timer, EV_TIMEOUT, 1);
  *out = c;
  return STATUS_OK;
}

void connector_retry_slowly(struct connector *c) {
  c->slowly = true;
}

void connector_proved(struct connector *c) {
  c->wait_ms = c->options.retry_first_ms;
}

void connector_lost(struct connector *c) {
  c->session = NULL;
  wait_and_retry(c);
}

void connector_close(struct connector *c) {
  if (!c || c->closed) return;
  c->closed = true;
  if (c->session) session_free(c->session, "source closed");
  if (c->next) c->next->link = c->link;
  *c->link = c->next;
  event_free(c->timer);
  if (c->connected) event_free(c->connected);
  if (c->connecting_fd >= 0) close(c->connecting_fd);
  SSL_CTX_free(c->tls);
  if (c->lookup)
    evdns_getaddrinfo_cancel(c->lookup); /* its callback frees the connector */
  else
    free(c);
}
