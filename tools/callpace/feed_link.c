#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "callpace/base/flat_json.h"
#include "callpace/base/text.h"
#include "callpace/feed.h"

enum { CONNECT_TIMEOUT_MS = 5000 };

/* A connect that was begun: waits for how it ends. */
static bool await_connect(int fd) {
  struct pollfd wait = {.fd = fd, .events = POLLOUT};
  int failure = ETIMEDOUT;
  socklen_t size = sizeof failure;
  if (poll(&wait, 1, CONNECT_TIMEOUT_MS) == 1)
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size);
  errno = failure;
  return failure == 0;
}

static int connect_to(int family, const struct sockaddr *address, socklen_t size) {
  int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
  if (fd < 0) return -1;
  if (family != AF_UNIX) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd, address, size) == 0 || (errno == EINPROGRESS && await_connect(fd))) return fd;
  int failure = errno;
  close(fd);
  errno = failure;
  return -1;
}

static int connect_unix(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(address.sun_path, path, strlen(path) + 1);
  return connect_to(AF_UNIX, (const struct sockaddr *)&address, sizeof address);
}

static int connect_tcp(const struct address *to) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
  char port[8];
  int fd = -1;
  snprintf(port, sizeof port, "%u", to->port);
  if (getaddrinfo(to->host, port, &hints, &found) != 0) {
    errno = EHOSTUNREACH;
    return -1;
  }
  for (struct addrinfo *one = found; one && fd < 0; one = one->ai_next)
    fd = connect_to(one->ai_family, one->ai_addr, one->ai_addrlen);
  int failure = errno;
  freeaddrinfo(found);
  errno = failure;
  return fd;
}

bool feed_connect(struct feed_link *link, const struct address *to, struct error *error) {
  char name[ADDRESS_TEXT_SIZE];
  link->fd = to->is_unix ? connect_unix(to->host) : connect_tcp(to);
  link->in_len = 0;
  link->welcomed = link->closed_by_peer = false;
  if (link->fd >= 0) return true;
  address_format(to, name);
  error_set_errno(error, STATUS_UNAVAILABLE, "%s", name);
  return false;
}

void feed_close(struct feed_link *link) {
  if (link->fd >= 0) close(link->fd);
  link->fd = -1;
}

void feed_put_hello(const struct feed_hello *hello, struct writer *out) {
  json_open(out, '{');
  json_put_text(out, "type", "hello");
  json_put_int(out, "v", 1);
  json_put_text(out, "producer", hello->producer);
  json_put_text(out, "epoch", hello->epoch);
  if (hello->token) json_put_text(out, "token", hello->token);
  json_close(out, '}');
  put_char(out, '\n');
}

/* What next_reply has used is at the front of `in` no more, so all of the rest
 * is free; a line that fills it whole can be nothing of ours. */
bool feed_read(struct feed_link *link) {
  if (link->in_len == sizeof link->in) link->in_len = 0;
  ssize_t got = recv(link->fd, link->in + link->in_len, sizeof link->in - link->in_len, 0);
  if (got > 0) link->in_len += (size_t)got;
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  return got > 0;
}

static uint64_t number_of(const struct flat_object *object, struct slice key) {
  int64_t value;
  for (unsigned i = 0; i < object->count; i++)
    if (slice_equal(object->members[i].key, key) && flat_int(&object->members[i], &value) &&
        value >= 0)
      return (uint64_t)value;
  return 0;
}

static struct slice text_in(const struct flat_object *object, struct slice key) {
  for (unsigned i = 0; i < object->count; i++)
    if (slice_equal(object->members[i].key, key) && object->members[i].kind == FLAT_STRING)
      return object->members[i].value;
  return SLICE("");
}

static enum feed_reply judge_reply(const struct flat_object *object, struct feed_answer *answer) {
  struct slice type = text_in(object, SLICE("type"));
  answer->seq = number_of(object, SLICE("seq"));
  answer->line = number_of(object, SLICE("line"));
  answer->code = text_in(object, SLICE("code"));
  answer->message = text_in(object, SLICE("message"));
  if (slice_equal(type, SLICE("ack"))) return FEED_ACK;
  if (slice_equal(type, SLICE("welcome"))) return FEED_WELCOME;
  return slice_equal(type, SLICE("error")) ? FEED_ERROR : FEED_REPLY_NONE;
}

enum feed_reply feed_next_reply(struct feed_link *link, struct feed_answer *answer) {
  static struct flat_object object;
  static char line[FLAT_LINE_MAX];
  for (;;) {
    char *ending = memchr(link->in, '\n', link->in_len);
    if (!ending) return FEED_REPLY_NONE;
    size_t len = (size_t)(ending - link->in), kept = len < sizeof line ? len : sizeof line;
    memcpy(line, link->in, kept);
    link->in_len -= len + 1;
    memmove(link->in, ending + 1, link->in_len);
    if (flat_json_scan((struct slice){line, kept}, &object) != FLAT_OK) continue;
    enum feed_reply reply = judge_reply(&object, answer);
    if (reply != FEED_REPLY_NONE) return reply;
  }
}

void feed_refused(struct feed_refusals *refusals, uint64_t event, struct slice code,
                  struct slice message) {
  unsigned at = 0;
  while (at < refusals->code_count && !slice_equal(slice_of(refusals->codes[at].code), code))
    at++;
  if (at == refusals->code_count && at < FEED_CODES_MAX) {
    snprintf(refusals->codes[at].code, sizeof refusals->codes[at].code, "%.*s", (int)code.len,
             code.data);
    refusals->code_count++;
  }
  if (at < FEED_CODES_MAX) refusals->codes[at].count++;
  if (refusals->count++ >= FEED_TOLD_MAX) return;
  struct writer shown = {0};
  text_put_terminal(&shown, message, 0, false);
  fprintf(stderr, "callpace: event %llu refused: %.*s: %s\n", (unsigned long long)event,
          (int)code.len, code.data, writer_text(&shown));
  writer_free(&shown);
}
