/* A real redis-server of a test's own, in a directory of its own. */
#ifndef CALLPACE_TESTS_REDIS_FIXTURE_H
#define CALLPACE_TESTS_REDIS_FIXTURE_H

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIXTURE_PATH = 512 };

struct redis_fixture {
  char dir[64];
  char socket[FIXTURE_PATH];
  const char *const *extra; /* more arguments, NULL-terminated; may be NULL */
  const char *password;     /* for the test's own connections */
  pid_t pid;
};

static inline void fixture_need(bool ok, const char *what) {
  if (ok) return;
  perror(what);
  abort();
}

static inline void fixture_dir(struct redis_fixture *f) {
  snprintf(f->dir, sizeof f->dir, "/tmp/callpace-redis-XXXXXX");
  fixture_need(mkdtemp(f->dir), "mkdtemp");
  snprintf(f->socket, sizeof f->socket, "%s/r.sock", f->dir);
}

static inline redisContext *fixture_connect(const struct redis_fixture *f) {
  redisContext *c = redisConnectUnix(f->socket);
  fixture_need(c && !c->err, "connect to redis");
  if (f->password) freeReplyObject(redisCommand(c, "AUTH %s", f->password));
  return c;
}

/* Starts it and waits until it answers (at most 10 s). */
static inline void fixture_start(struct redis_fixture *f) {
  pid_t parent = getpid();
  f->pid = fork();
  if (f->pid == 0) {
    const char *argv[64] = {"redis-server", "--port",  "0",     "--save", "",
                            "--unixsocket", f->socket, "--dir", f->dir,   "--logfile",
                            "redis.log"};
    size_t n = 11;
    for (size_t i = 0; f->extra && f->extra[i]; i++)
      argv[n++] = f->extra[i];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent) execvp(argv[0], (char *const *)(void *)argv);
    _exit(127);
  }
  for (int i = 0; i < 1000; i++) {
    redisContext *c = redisConnectUnix(f->socket);
    bool up = c && !c->err;
    if (c) redisFree(c);
    if (up) return;
    fixture_need(waitpid(f->pid, NULL, WNOHANG) == 0, "redis-server ended");
    usleep(10000);
  }
  fixture_need(false, "redis-server does not come up");
}

static inline void fixture_kill(struct redis_fixture *f) {
  if (!f->pid) return;
  kill(f->pid, SIGKILL);
  waitpid(f->pid, NULL, 0);
  f->pid = 0;
}

static inline void fixture_stop(struct redis_fixture *f) {
  char command[128];
  fixture_kill(f);
  snprintf(command, sizeof command, "rm -rf '%s'", f->dir);
  fixture_need(system(command) == 0, "rm");
}

static inline int fixture_free_port(void) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof at;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  fixture_need(bind(fd, (struct sockaddr *)&at, len) == 0, "bind");
  getsockname(fd, (struct sockaddr *)&at, &len);
  close(fd);
  return ntohs(at.sin_port);
}

#endif
