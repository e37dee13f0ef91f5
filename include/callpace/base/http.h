/* HTTP/1.1 as bytes: reads one request, writes the head of an answer. No socket,
 * no allocation. Strict where senders and proxies could disagree about where a
 * request ends. RFC 9110, RFC 9112. */
#ifndef CALLPACE_BASE_HTTP_H
#define CALLPACE_BASE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callpace/base/slice.h"
#include "callpace/base/writer.h"

enum {
  HTTP_HEAD_MAX = 16 << 10, /* request line and headers */
  HTTP_BODY_MAX = 16 << 10,
  HTTP_TARGET_MAX = 2048,
  HTTP_HEADERS_MAX = 64
};

/* Headers that somebody looks at; the rest is checked and passed over. */
enum http_header {
  HTTP_HOST,
  HTTP_AUTHORIZATION,
  HTTP_COOKIE,
  HTTP_ORIGIN,
  HTTP_ACCEPT,
  HTTP_ACCEPT_LANGUAGE,
  HTTP_CONTENT_TYPE,
  HTTP_IF_NONE_MATCH,
  HTTP_LAST_EVENT_ID,
  HTTP_SEC_FETCH_SITE,
  HTTP_HEADERS
};

/* Slices are borrowed from the bytes; a header that is absent is all zero. */
struct http_request {
  struct slice method;
  struct slice path;  /* begins with '/', as sent (percent-encoded) */
  struct slice query; /* behind the '?', without it */
  struct slice headers[HTTP_HEADERS];
  struct slice body;
  bool keep_alive; /* the sender wants the connection to stay */
};

enum http_result {
  HTTP_MORE, /* so far so good: more bytes are needed */
  HTTP_DONE,
  HTTP_REFUSED, /* answer `status` and close: where the next request begins is not known */
};

/* Reads the request at the beginning of `bytes`. HTTP_DONE: `out` is filled and
 * `used` says how many bytes it took. HTTP_REFUSED: `status` is a code of 4xx or
 * 5xx. */
enum http_result http_read(struct slice bytes, struct http_request *out, size_t *used, int *status);

/* The value of a query's field ("a=1&b=2"), percent-decoded with '+' as a blank.
 * Returns its length, HTTP_ABSENT where there is none, HTTP_BROKEN for a bad escape,
 * a NUL, or more than `size` - 1 bytes; `out` is NUL-terminated. */
enum { HTTP_ABSENT = -1, HTTP_BROKEN = -2 };
int http_field(struct slice query, const char *name, char *out, size_t size);
/* Percent-decodes part of a path ('+' stays); results as of http_field. */
int http_decode(struct slice text, char *out, size_t size);

/* True when a list of entity tags (If-None-Match) holds this one or is "*". */
bool http_tag_matches(struct slice list, struct slice tag);
/* The value of a cookie; empty where there is none. */
struct slice http_cookie(struct slice cookies, const char *name);

const char *http_reason(int status); /* "Not Found" */

#endif
