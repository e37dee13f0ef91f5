#include "callpace/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int left_ms(const struct wire *wire) {
  usec_t left = (wire->until_us - clock_monotonic_us()) / 1000;
  return left > 0 ? (int)left : 0;
}

/* Blocking calls end with the deadline. */
static bool arm(struct wire *wire) {
  int left = left_ms(wire);
  struct timeval time = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
  if (left == 0) return false;
  setsockopt(wire->fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  setsockopt(wire->fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
  return true;
}

static bool try_connect(struct wire *wire, const struct sockaddr *to, socklen_t len) {
  wire->fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (wire->fd < 0) return false;
  int error = 0;
  socklen_t size = sizeof error;
  if (connect(wire->fd, to, len) != 0) {
    error = errno;
    struct pollfd ready = {.fd = wire->fd, .events = POLLOUT};
    if (error == EINPROGRESS && poll(&ready, 1, left_ms(wire)) <= 0)
      error = ETIMEDOUT;
    else if (error == EINPROGRESS)
      getsockopt(wire->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  }
  if (error == 0) {
    fcntl(wire->fd, F_SETFL, 0);
    return true;
  }
  close(wire->fd);
  wire->fd = -1;
  errno = error;
  return false;
}

static bool connect_unix(struct wire *wire, const char *path, struct error *error) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  size_t len = strlen(path);
  if (len < sizeof to.sun_path) {
    memcpy(to.sun_path, path, len + 1);
    if (try_connect(wire, (const struct sockaddr *)&to, sizeof to)) return true;
  } else {
    errno = ENAMETOOLONG;
  }
  error_set_errno(error, STATUS_UNAVAILABLE, "%s", path);
  return false;
}

static bool connect_tcp(struct wire *wire, const struct address *to, struct error *error) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
  char port[8], place[ADDRESS_TEXT_SIZE];
  snprintf(port, sizeof port, "%u", to->port);
  address_format(to, place);
  int code = getaddrinfo(to->host, port, &hints, &list);
  if (code != 0) {
    error_set(error, STATUS_UNAVAILABLE, "%s: %s", place, gai_strerror(code));
    return false;
  }
  bool connected = false;
  for (const struct addrinfo *at = list; at && !connected; at = at->ai_next)
    connected = try_connect(wire, at->ai_addr, at->ai_addrlen);
  if (!connected) error_set_errno(error, STATUS_UNAVAILABLE, "%s", place);
  freeaddrinfo(list);
  return connected;
}

static bool prove_name(SSL *tls, const char *host) {
  struct in6_addr address;
  bool numeric =
      inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
  if (numeric) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host) == 1;
  return SSL_set_tlsext_host_name(tls, host) == 1 && SSL_set1_host(tls, host) == 1;
}

static bool start_tls(struct wire *wire, const struct address *to, const char *ca,
                      struct error *error) {
  SSL_CTX *context = wire->context = SSL_CTX_new(TLS_client_method());
  if (!context) return false;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  bool trusts = ca ? SSL_CTX_load_verify_locations(context, ca, NULL) == 1
                   : SSL_CTX_set_default_verify_paths(context) == 1;
  SSL *tls = wire->tls = SSL_new(context);
  if (trusts && tls && prove_name(tls, to->host) && SSL_set_fd(tls, wire->fd) == 1 && arm(wire) &&
      SSL_connect(tls) == 1)
    return true;
  char place[ADDRESS_TEXT_SIZE];
  address_format(to, place);
  long verified = tls ? SSL_get_verify_result(tls) : X509_V_OK;
  const char *reason = verified != X509_V_OK ? X509_verify_cert_error_string(verified)
                                             : ERR_reason_error_string(ERR_peek_last_error());
  error_set(error, STATUS_UNAVAILABLE, "%s: TLS: %s", place, reason ? reason : "no answer");
  return false;
}

bool wire_open(struct wire *wire, const struct address *to, bool tls, const char *ca,
               msec_t patience_ms, struct error *error) {
  *wire = (struct wire){.fd = -1, .until_us = clock_monotonic_us() + patience_ms * 1000};
  bool connected = to->is_unix ? connect_unix(wire, to->host, error) : connect_tcp(wire, to, error);
  if (connected && (!tls || start_tls(wire, to, ca, error))) return true;
  wire_close(wire);
  return false;
}

bool wire_send(struct wire *wire, struct slice bytes) {
  while (bytes.len > 0) {
    if (!arm(wire)) return false;
    ssize_t sent = wire->tls ? SSL_write(wire->tls, bytes.data, (int)bytes.len)
                             : send(wire->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.data += sent;
    bytes.len -= (size_t)sent;
  }
  return true;
}

bool wire_read(struct wire *wire) {
  enum { STEP = 4096 };
  if (wire->ended || wire->in.len > WIRE_IN_MAX - STEP || !arm(wire)) return false;
  char *room = writer_reserve(&wire->in, STEP);
  if (!room) return false;
  ssize_t got = wire->tls ? SSL_read(wire->tls, room, STEP) : recv(wire->fd, room, STEP, 0);
  wire->ended = got <= 0 && left_ms(wire) > 0;
  if (got <= 0) return false;
  wire->in.len += (size_t)got;
  return true;
}

bool wire_read_until(struct wire *wire, const char *what) {
  while (wire->in.len == 0 || !memmem(wire->in.data, wire->in.len, what, strlen(what)))
    if (!wire_read(wire)) return false;
  return true;
}

void wire_close(struct wire *wire) {
  SSL_free(wire->tls);
  SSL_CTX_free(wire->context);
  if (wire->fd >= 0) close(wire->fd);
  writer_free(&wire->in);
  *wire = (struct wire){.fd = -1};
}
