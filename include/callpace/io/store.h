/* The view's writer: one connection to Redis, one batch of absolute values in
 * flight, nothing queued behind it (DESIGN: "the journal is the truth, Redis is
 * a view"). What is written is the caller's; the store knows only
 * PREFIX:meta, where it keeps `epoch` and `lsn` to notice a Redis that came back
 * empty, older, failed over or flushed, and another writer of the same prefix.
 *
 * Everything has a deadline. Whatever goes wrong ends the same way: hang up, wait
 * (100 ms doubling to 2 s, with jitter), connect, compare, publish all again if
 * need be. So the view is whole within 5 s of Redis coming back (CONTRACT section 4).
 * SIGPIPE must be ignored by the process. */
#ifndef CALLPACE_IO_STORE_H
#define CALLPACE_IO_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callpace/base/clock.h"
#include "callpace/base/redis_url.h"
#include "callpace/base/slice.h"
#include "callpace/base/status.h"

struct event_base;
struct store;

/* A batch should be ended when it has grown to this; the rest stays dirty and
 * goes with the next. */
enum { STORE_BATCH_BYTES = 1024 * 1024 };

enum store_state {
  STORE_DOWN,   /* not connected, or Redis refuses what is written */
  STORE_UP,     /* connected and compared */
  STORE_FENCED, /* a writer with a higher epoch owns the prefix: nothing is written
                   until PREFIX:meta is gone */
};

/* Strings are copied. */
struct store_options {
  struct redis_url url;    /* not embedded: make it REDIS_UNIX with redis_server_socket */
  const char *username;    /* NULL = the default user */
  const char *password;    /* NULL = no AUTH */
  const char *tls_ca_file; /* PEM; NULL = the system's. The peer is always verified */
  const char *prefix;      /* before ":meta" */
  msec_t retain_ms;        /* TTL of a key from its last refresh; CONTRACT `retain` */
  uint64_t epoch;          /* higher with every start of a daemon on this prefix, > 0 */
  msec_t connect_ms;       /* 0 = 3 s: name, connection and TLS */
  msec_t reply_ms;         /* 0 = 5 s: from one reply to the next while some are due */
  msec_t check_ms;         /* 0 = 1 s: how often run_id and PREFIX:meta are compared */
};

/* Called from the event loop, never from within a store_ function. The callbacks
 * may build and send a batch but must not free the store. */
struct store_events {
  /* The state changed, or its reason did. `reason` is one line: why it is not up
   * (with the key and Redis's words when a write was refused), empty when up. */
  void (*on_state)(enum store_state state, const char *reason, void *arg);
  /* What stands in Redis cannot be trusted: mark everything dirty. An unanswered
   * batch counts as lost: its on_batch_done never comes, this comes instead. */
  void (*on_need_all)(void *arg);
  /* All commands of the batch ended with store_end(…, lsn) were taken. */
  void (*on_batch_done)(uint64_t lsn, void *arg);
  /* store_can_begin has become true. */
  void (*on_ready)(void *arg);
};

/* Starts connecting. NULL and `error` when TLS cannot be set up (STATUS_CONFIG).
 * A Redis that is away is not an error. */
struct store *store_new(struct event_base *base, const struct store_options *options,
                        const struct store_events *events, void *arg, struct error *error);
/* Drops the connection, a batch in flight with it; NULL is fine. */
void store_free(struct store *store);

enum store_state store_state(const struct store *store);
const char *store_reason(const struct store *store); /* until the next change; "" when up */
/* A batch was sent and not all of it is answered. */
bool store_in_flight(const struct store *store);

/* Connected, compared, nothing in flight, and as long a pause since the last
 * batch as it took (at most 250 ms): the busier Redis is, the more coalesces. */
bool store_can_begin(const struct store *store);

/* A batch: store_begin (only when store_can_begin), any number of the commands
 * below in the order in which Redis is to see them, store_end. Slices are copied
 * at once. No other store_ function but store_batch_bytes in between. */
void store_begin(struct store *store);
size_t store_batch_bytes(const struct store *store);
/* Sends. lsn: everything up to it stands in Redis once this batch is taken. Also
 * writes `epoch` and `lsn` to PREFIX:meta. */
void store_end(struct store *store, uint64_t lsn);

/* Absolute fields of one hash. An absent field is deleted (CONTRACT: "fields that
 * do not apply are absent"). renew: give the key its full TTL again; do so for a
 * new key, then now and then. */
void store_hash_begin(struct store *store, struct slice key);
void store_field_int(struct store *store, struct slice name, int64_t value);
void store_field_slice(struct store *store, struct slice name, struct slice value);
void store_field_absent(struct store *store, struct slice name);
void store_hash_end(struct store *store, bool renew);

/* Members of one sorted set. */
void store_zset_begin(struct store *store, struct slice key);
void store_zset_member(struct store *store, struct slice member, int64_t score);
void store_zset_end(struct store *store, bool renew);

void store_publish(struct store *store, struct slice channel, struct slice payload);
/* Appends one entry with one field, cutting the stream to about max_len entries. */
void store_xadd(struct store *store, struct slice key, unsigned max_len, struct slice field,
                struct slice value, bool renew);
void store_del(struct store *store, struct slice key);

#endif
