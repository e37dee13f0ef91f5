#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "callpace/base/log.h"
#include "callpace/base/mem.h"
#include "session_internal.h"

enum { ACCEPT_BURST = 64, BACKLOG = 1024 };

SSL_CTX *tls_server_context(const struct tls_options *options, struct error *error) {
  SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
  SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (SSL_CTX_use_certificate_chain_file(tls, options->cert_file) == 1 &&
      SSL_CTX_use_PrivateKey_file(tls, options->key_file, SSL_FILETYPE_PEM) == 1 &&
      SSL_CTX_check_private_key(tls) == 1)
    return tls;
  error_set(error, STATUS_CONFIG, "tls: %s and %s do not make a certificate with its key: %s",
            options->cert_file, options->key_file, ERR_reason_error_string(ERR_peek_last_error()));
  SSL_CTX_free(tls);
  return NULL;
}

void sockaddr_text(const struct sockaddr *from, char *out, size_t size) {
  char host[INET6_ADDRSTRLEN] = "unix";
  if (from->sa_family == AF_INET) {
    const struct sockaddr_in *v4 = (const void *)from;
    inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
    snprintf(out, size, "%s:%u", host, ntohs(v4->sin_port));
  } else if (from->sa_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const void *)from;
    inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
    snprintf(out, size, "[%s]:%u", host, ntohs(v6->sin6_port));
  } else {
    snprintf(out, size, "unix");
  }
}

static bool is_allowed(const struct listener *l, const struct sockaddr *from) {
  if (l->options.address.is_unix || l->options.allow_count == 0) return true;
  uint8_t bytes[16] = {[10] = 0xff, [11] = 0xff};
  if (from->sa_family == AF_INET)
    memcpy(bytes + 12, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
  else
    memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
  for (size_t i = 0; i < l->options.allow_count; i++)
    if (cidr_holds(&l->allow[i], bytes)) return true;
  return false;
}

static void rest_from_accepting(struct listener *l) {
  struct timeval second = {.tv_sec = 1};
  event_del(l->acceptable);
  event_add(l->resume, &second);
}

static void on_resume(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  struct listener *l = arg;
  event_add(l->acceptable, NULL);
}

/* Out of descriptors: accept would fail for ever at full speed. Give up the
 * spare one to accept and close one caller, then rest. */
static void refuse_for_want_of_descriptors(struct listener *l) {
  close(l->spare_fd);
  int fd = accept(l->fd, NULL, NULL);
  if (fd >= 0) close(fd);
  l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  log_error("out_of_descriptors", KV("hint", "raise LimitNOFILE"));
  rest_from_accepting(l);
}

static void take(struct listener *l, int fd, const struct sockaddr *from) {
  char peer[PEER_SIZE];
  sockaddr_text(from, peer, sizeof peer);
  const char *refused = !is_allowed(l, from)                          ? "not in the allow list"
                        : l->open_count >= l->options.max_connections ? "max_connections reached"
                                                                      : NULL;
  if (refused) {
    log_warning("connection_refused", KV("peer", peer), KV("reason", refused));
    close(fd);
    return;
  }
  if (!l->options.address.is_unix) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  }
  if (l->options.send_buffer > 0)
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &l->options.send_buffer, sizeof l->options.send_buffer);
  SSL *ssl = l->tls ? SSL_new(l->tls) : NULL;
  session_start(l->hub, fd, ssl, true, l->handler, l->user, l->options.unread_max,
                l->options.idle_timeout_ms, peer, l, NULL);
}

static void on_acceptable(evutil_socket_t listening, short what, void *arg) {
  (void)what;
  struct listener *l = arg;
  for (int i = 0; i < ACCEPT_BURST; i++) {
    struct sockaddr_storage from = {0};
    socklen_t len = sizeof from;
    int fd = accept4(listening, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      take(l, fd, (struct sockaddr *)&from);
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EMFILE || errno == ENFILE)
      refuse_for_want_of_descriptors(l);
    else if (errno == ENOBUFS || errno == ENOMEM)
      rest_from_accepting(l);
    return;
  }
}

/* A socket file that nobody listens on is left over from a killed daemon. */
static void remove_stale_socket(const struct sockaddr_un *at) {
  struct stat st;
  if (lstat(at->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode)) return;
  /* Non-blocking: one that listens but is too busy to accept is alive too. */
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  if (connect(fd, (const struct sockaddr *)at, sizeof *at) != 0 && errno == ECONNREFUSED)
    unlink(at->sun_path);
  close(fd);
}

static int listen_unix(const struct listen_options *options, struct error *error) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  const char *path = options->address.host;
  if (strlen(path) >= sizeof at.sun_path) {
    error_set(error, STATUS_CONFIG, "socket path %s is longer than %zu bytes", path,
              sizeof at.sun_path - 1);
    return -1;
  }
  memcpy(at.sun_path, path, strlen(path));
  remove_stale_socket(&at);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  mode_t mode = options->socket_mode ? options->socket_mode : 0660;
  mode_t old = umask(0777 & ~mode);
  bool bound = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
  int why = errno;
  umask(old);
  errno = why;
  if (bound && listen(fd, BACKLOG) == 0) return fd;
  error_set_errno(error, errno == EACCES ? STATUS_PERMISSION : STATUS_UNAVAILABLE,
                  "cannot listen on unix:%s", path);
  if (fd >= 0) close(fd);
  return -1;
}

static int listen_tcp(const struct listen_options *options, struct error *error) {
  char port[8], text[ADDRESS_TEXT_SIZE];
  address_format(&options->address, text);
  snprintf(port, sizeof port, "%u", options->address.port);
  struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *found = NULL;
  const char *host = strcmp(options->address.host, "*") == 0 ? NULL : options->address.host;
  int failed = getaddrinfo(host, port, &hints, &found);
  if (failed) {
    error_set(error, STATUS_UNAVAILABLE, "cannot listen on %s: %s", text, gai_strerror(failed));
    return -1;
  }
  int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  bool ok = fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
  if (!ok) {
    error_set_errno(error, errno == EACCES ? STATUS_PERMISSION : STATUS_UNAVAILABLE,
                    "cannot listen on %s", text);
    if (fd >= 0) close(fd);
    fd = -1;
  }
  freeaddrinfo(found);
  return fd;
}

static void learn_port(struct listener *l) {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } at = {.v6 = {0}};
  socklen_t len = sizeof at;
  l->bound = l->options.address;
  if (l->bound.is_unix || getsockname(l->fd, &at.any, &len) != 0) return;
  l->bound.port = ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
}

enum status listener_open(struct hub *hub, const struct listen_options *options,
                          const struct session_handler *handler, void *user, struct listener **out,
                          struct error *error) {
  SSL_CTX *tls = NULL;
  if (options->tls && !(tls = tls_server_context(options->tls, error))) return STATUS_CONFIG;
  struct error why = {0};
  int fd = options->address.is_unix ? listen_unix(options, &why) : listen_tcp(options, &why);
  if (fd < 0) {
    SSL_CTX_free(tls);
    return error_set(error, why.status, "%s", why.text);
  }
  struct listener *l = mem_zalloc(sizeof *l);
  *l = (struct listener){.hub = hub, .handler = handler, .user = user, .fd = fd, .tls = tls};
  l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  listener_limit(l, options);
  learn_port(l);
  l->acceptable = event_new(hub->base, fd, EV_READ | EV_PERSIST, on_acceptable, l);
  l->resume = event_new(hub->base, -1, 0, on_resume, l);
  event_add(l->acceptable, NULL);
  l->link = &hub->listeners;
  l->next = hub->listeners;
  if (l->next) l->next->link = &l->next;
  hub->listeners = l;
  *out = l;
  return STATUS_OK;
}

const struct address *listener_address(const struct listener *l) {
  return &l->bound;
}

void listener_limit(struct listener *l, const struct listen_options *options) {
  free(l->allow);
  l->allow = NULL;
  l->options = *options;
  if (options->allow_count) {
    l->allow = mem_alloc(options->allow_count * sizeof *l->allow);
    memcpy(l->allow, options->allow, options->allow_count * sizeof *l->allow);
  }
  l->options.allow = l->allow;
  l->options.tls = NULL; /* read once, at the opening */
}

void listener_close(struct listener *l) {
  if (!l) return;
  for (struct session *s = l->hub->sessions, *next; s; s = next) {
    next = s->next;
    if (s->listener == l) session_free(s, "source closed");
  }
  if (l->next) l->next->link = l->link;
  *l->link = l->next;
  event_free(l->acceptable);
  event_free(l->resume);
  close(l->fd);
  close(l->spare_fd);
  if (l->options.address.is_unix) unlink(l->options.address.host);
  SSL_CTX_free(l->tls);
  free(l->allow);
  free(l);
}
