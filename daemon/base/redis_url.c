#include "callpace/base/redis_url.h"

#include <stdbool.h>
#include <string.h>

static bool take_prefix(struct slice *text, struct slice prefix) {
  if (text->len < prefix.len || memcmp(text->data, prefix.data, prefix.len) != 0) return false;
  *text = (struct slice){text->data + prefix.len, text->len - prefix.len};
  return true;
}

/* Splits at the first `at`; the rest is behind it, empty when there is none. */
static bool split(struct slice text, char at, struct slice *head, struct slice *rest) {
  const char *found = text.len ? memchr(text.data, at, text.len) : NULL;
  size_t len = found ? (size_t)(found - text.data) : text.len;
  *head = (struct slice){text.data, len};
  *rest = found ? (struct slice){found + 1, text.len - len - 1} : (struct slice){"", 0};
  return found != NULL;
}

static bool parse_number(struct slice text, unsigned most, unsigned *out) {
  unsigned value = 0;
  if (text.len == 0 || text.len > 6) return false;
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') return false;
    value = value * 10 + (unsigned)(text.data[i] - '0');
  }
  if (value > most) return false;
  *out = value;
  return true;
}

/* Copies with a NUL; false when empty, too long, or a NUL is inside. */
static bool copy(struct slice text, char *out, size_t size) {
  if (text.len == 0 || text.len >= size || memchr(text.data, '\0', text.len)) return false;
  memcpy(out, text.data, text.len);
  out[text.len] = '\0';
  return true;
}

enum { DB_MOST = 65535 };

static const char *parse_unix(struct slice rest, struct redis_url *url) {
  struct slice path, query;
  bool has_query = split(rest, '?', &path, &query);
  if (path.len == 0 || path.data[0] != '/') return "unix:// needs an absolute path (unix:///PATH)";
  if (!copy(path, url->path, sizeof url->path)) return "the socket's path is too long";
  if (has_query && (!take_prefix(&query, SLICE("db=")) || !parse_number(query, DB_MOST, &url->db)))
    return "after ? only db=NUMBER can stand";
  return NULL;
}

static const char *parse_host(struct slice place, struct redis_url *url) {
  struct slice host, port;
  bool has_port;
  if (take_prefix(&place, SLICE("["))) {
    struct slice behind;
    if (!split(place, ']', &host, &behind)) return "the ] of an IPv6 address is missing";
    has_port = behind.len > 0;
    if (has_port && !take_prefix(&behind, SLICE(":"))) return "behind ] only :PORT can stand";
    port = behind;
  } else {
    has_port = split(place, ':', &host, &port);
  }
  unsigned number = REDIS_PORT;
  if (!copy(host, url->host, sizeof url->host)) return "the host is missing or too long";
  if (has_port && (!parse_number(port, 65535, &number) || number == 0))
    return "the port must be 1-65535 (an IPv6 address stands in brackets)";
  url->port = (uint16_t)number;
  return NULL;
}

static const char *parse_net(struct slice rest, struct redis_url *url) {
  struct slice place, db;
  if (rest.len && memchr(rest.data, '@', rest.len))
    return "user name and password do not belong in the URL: use username and password_file";
  if (split(rest, '/', &place, &db) && db.len && !parse_number(db, DB_MOST, &url->db))
    return "after the host only /DB with a number can stand";
  return parse_host(place, url);
}

enum status redis_url_parse(struct slice text, struct redis_url *out, struct error *error) {
  struct redis_url url = {.kind = REDIS_EMBEDDED};
  const char *fault = NULL;
  if (take_prefix(&text, SLICE("unix://"))) {
    url.kind = REDIS_UNIX;
    fault = parse_unix(text, &url);
  } else if (take_prefix(&text, SLICE("redis://"))) {
    url.kind = REDIS_TCP;
    fault = parse_net(text, &url);
  } else if (take_prefix(&text, SLICE("rediss://"))) {
    url.kind = REDIS_TLS;
    fault = parse_net(text, &url);
  } else if (!slice_equal(text, SLICE("embedded"))) {
    fault = "is none of embedded, redis://HOST:PORT/DB, rediss://HOST:PORT/DB, unix:///PATH";
  }
  if (fault) return error_set(error, STATUS_CONFIG, "%s", fault);
  *out = url;
  return STATUS_OK;
}
