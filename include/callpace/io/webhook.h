/* HTTP POSTs on the loop (libcurl): no redirects, TLS verified, a deadline for each.
 * What is posted and what the reply means is the caller's (core/chat). CONTRACT
 * section 5, "webhook". */
#ifndef CALLPACE_IO_WEBHOOK_H
#define CALLPACE_IO_WEBHOOK_H

#include <stddef.h>

#include "callpace/base/clock.h"
#include "callpace/base/slice.h"
#include "callpace/base/status.h"

struct event_base;

enum {
  WEBHOOK_REPLY_MAX = 64 << 10, /* kept of a reply; one of more than WEBHOOK_REPLY_LIMIT fails */
  WEBHOOK_REPLY_LIMIT = 1 << 20,
  WEBHOOK_CONNECT_MS = 10000, /* at most this of the deadline to connect */
};

/* What to post; all borrowed for the call of webhook_post only. */
struct webhook_request {
  const char *url;
  const char *const *headers; /* "Name: value", ends with NULL; Content-Type is JSON */
  struct slice body;          /* copied */
  msec_t timeout_ms;
  const char *ca_file; /* PEM; NULL: the system's authorities */
};

/* How it went. */
struct webhook_result {
  int http_status;       /* 0: no reply; `failure` says why */
  const char *failure;   /* NULL with a reply */
  struct slice body;     /* borrowed until the call returns */
  msec_t retry_after_ms; /* of the reply's Retry-After; 0: none */
  msec_t took_ms;
};
/* Called once for every post that was begun, from the loop. May begin others. */
typedef void (*webhook_done_fn)(void *context, const struct webhook_result *result);

/* Those on their way. The process must ignore SIGPIPE. */
struct webhook_client;
struct webhook_client *webhook_client_new(struct event_base *base);
/* Breaks off what is on its way; `done` is not called. NULL is fine. */
void webhook_client_free(struct webhook_client *client);
size_t webhook_running(const struct webhook_client *client);

/* Begins a post. Not STATUS_OK: it could not begin (the CA file, the URL), and `done`
 * will not be called. */
enum status webhook_post(struct webhook_client *client, const struct webhook_request *request,
                         webhook_done_fn done, void *context, struct error *error);

#endif
