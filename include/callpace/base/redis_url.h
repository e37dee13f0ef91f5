/* Where a Redis is, as configuration writes it (CONTRACT section 3, `redis.url`). */
#ifndef CALLPACE_BASE_REDIS_URL_H
#define CALLPACE_BASE_REDIS_URL_H

#include <stdint.h>

#include "callpace/base/slice.h"
#include "callpace/base/status.h"

enum redis_url_kind { REDIS_EMBEDDED, REDIS_TCP, REDIS_TLS, REDIS_UNIX };
enum { REDIS_HOST_SIZE = 256, REDIS_PATH_SIZE = 4096, REDIS_PORT = 6379 };

struct redis_url {
  enum redis_url_kind kind;
  char host[REDIS_HOST_SIZE]; /* TCP, TLS: a name or an address without brackets */
  uint16_t port;              /* TCP, TLS */
  unsigned db;                /* all but embedded */
  char path[REDIS_PATH_SIZE]; /* unix: the socket, absolute */
};

/* Reads "embedded", "redis://HOST[:PORT][/DB]", "rediss://…" or
 * "unix:///PATH[?db=N]"; an IPv6 address stands in brackets. User name and
 * password are refused in a URL: they have keys of their own, secrets only by
 * file. STATUS_CONFIG and a text without place when it is not one; `url` stays
 * untouched then. */
enum status redis_url_parse(struct slice text, struct redis_url *out, struct error *error);

#endif
