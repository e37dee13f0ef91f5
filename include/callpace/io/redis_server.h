/* A private redis-server as child of the daemon (`redis: embedded`, CONTRACT
 * section 3): no TCP port, no persistence, a unix socket in its own directory.
 * Started again with backoff (100 ms doubling to 5 s) when it ends; gone with the
 * daemon, also when that is killed. */
#ifndef CALLPACE_IO_REDIS_SERVER_H
#define CALLPACE_IO_REDIS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "callpace/base/status.h"

struct event_base;
struct redis_server;

struct redis_server_options {
  const char *dir;     /* STATE_DIR/redis: made when missing (mode 750); its parent exists */
  const char *program; /* NULL = redis-server from PATH */
};

struct redis_server_events {
  /* It was started (reason empty unless its pid cannot be noted in DIR/lock, a
   * full disk) or is not running (reason: one line). */
  void (*on_state)(bool running, const char *reason, void *arg);
};

/* Takes the directory's lock and starts the server; when an orphan of a killed
 * daemon still has the lock, it is waited for, and after 2 s killed, in the
 * background. NULL and `error`: no redis-server (STATUS_UNAVAILABLE) or no usable
 * directory (STATUS_IO). Strings are copied. */
struct redis_server *redis_server_new(struct event_base *base,
                                      const struct redis_server_options *options,
                                      const struct redis_server_events *events, void *arg,
                                      struct error *error);

/* DIR/redis.sock, where it listens once started; lives as long as the server. May
 * be longer than a sockaddr_un takes: the store reaches it all the same. */
const char *redis_server_socket(const struct redis_server *server);
/* 0 while none runs. */
pid_t redis_server_pid(const struct redis_server *server);

/* For the owner of SIGCHLD: a child was reaped by waitpid. True when it was this
 * one; it is then started again unless stopped. `status` as from waitpid. */
bool redis_server_reaped(struct redis_server *server, pid_t pid, int status);

/* Asks it to end (SIGTERM) and starts it no more; the owner of SIGCHLD reaps. */
void redis_server_stop(struct redis_server *server);
/* Ends it when it still runs: SIGTERM, after 2 s SIGKILL, waiting and reaping
 * here. NULL is fine. */
void redis_server_free(struct redis_server *server);

#endif
