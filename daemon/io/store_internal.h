/* What the files of the store room share: store.c decides, store_link.c is the
 * connection, store_write.c puts commands into the batch. */
#ifndef CALLPACE_IO_STORE_INTERNAL_H
#define CALLPACE_IO_STORE_INTERNAL_H

#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <openssl/ssl.h>

#include "callpace/base/resp.h"
#include "callpace/base/writer.h"
#include "callpace/io/store.h"

enum { REASON_SIZE = 512, RUN_ID_SIZE = 64, WRONG_KEYS_MAX = 64 };

/* One connection at a time, with its deadlines. */
struct link {
  struct event_base *base;
  const struct redis_url *url;
  msec_t connect_ms, reply_ms;
  SSL_CTX *tls; /* NULL: plain */
  struct evdns_base *dns;
  bool dns_failed;
  struct lookup *lookup;
  struct evutil_addrinfo *found, *next; /* addresses, and the one to try next */
  int fd;                               /* while connecting, else -1 */
  struct event *writable, *deadline;
  struct bufferevent *bev;
  redisReader *reader;
  size_t due; /* replies awaited */
};

enum status link_init(struct link *link, struct event_base *base, const struct redis_url *url,
                      const char *tls_ca_file, struct error *error);
void link_open(struct link *link);
void link_send(struct link *link, struct slice bytes, size_t commands);
void link_close(struct link *link); /* no callback; may be opened again */
void link_free(struct link *link);  /* the content; zeroed is fine */

/* store.c, called by the link it holds. After link_lost it is closed. */
void link_connected(struct link *link);
void link_replied(struct link *link, const redisReply *reply);
void link_lost(struct link *link, const char *reason);

enum phase {
  PHASE_AWAY,       /* waiting to try again */
  PHASE_CONNECTING, /* name, connection, TLS */
  PHASE_CHECK,      /* log in, compare; while connected now and then */
  PHASE_IDLE,
  PHASE_BUILD, /* between store_begin and store_end */
  PHASE_BATCH,
};

/* What PREFIX:meta says of its writer. */
struct meta {
  bool present;
  uint64_t epoch, lsn;
};

struct store {
  struct link link;
  struct store_events events;
  void *arg;
  struct redis_url url;
  char *username, *password, *meta_key;
  msec_t retain_ms, check_ms;
  uint64_t epoch;

  enum phase phase;
  enum store_state state;
  char reason[REASON_SIZE];
  struct event *retry, *check, *pace;
  msec_t backoff_ms;
  bool check_due;

  bool need_all; /* to be told with the next comparison */
  bool refused;  /* not up again before a batch was taken whole */
  bool fenced;
  struct meta expected;
  char run_id[RUN_ID_SIZE];
  char *wrong_keys[WRONG_KEYS_MAX]; /* of a wrong type: to be deleted */
  size_t wrong_count;

  struct writer out; /* the commands on their way */
  uint32_t *starts;  /* where each begins in `out` */
  size_t count, starts_capacity;
  size_t answered;
  size_t meta_index;       /* which of them asks for PREFIX:meta; INFO stands before it */
  char fault[REASON_SIZE]; /* the first refusal among them */
  uint64_t batch_lsn;
  usec_t batch_began_us, pause_until_us, meta_renewed_us;

  struct resp command;  /* under way */
  struct writer key;    /* its key */
  struct writer absent; /* fields to delete after it */
  uint32_t absent_count;
};

/* store_write.c */
void batch_reset(struct store *store);
/* Begins a command and notes where. */
void batch_command(struct store *store, struct slice name);
void batch_argument(struct store *store, struct slice argument);
void batch_int(struct store *store, int64_t argument);
void batch_command_end(struct store *store);
void batch_expire(struct store *store, struct slice key);
/* The key of command `index`, as long as the batch stands. */
struct slice batch_key(const struct store *store, size_t index);

#endif
