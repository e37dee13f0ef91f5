#include <criterion/criterion.h>

#include <event2/event.h>
#include <sys/stat.h>

#include "callpace/base/clock.h"
#include "callpace/io/redis_server.h"
#include "redis_fixture.h"

enum { WAIT_MS = 20000 };

struct world {
  char dir[FIXTURE_PATH];
  struct event_base *base;
  struct event *tick;
  struct redis_server *server;
  int starts, ends;
  char reason[512];
};

/* The owner of SIGCHLD, as a timer. */
static void on_tick(evutil_socket_t fd, short what, void *arg) {
  struct world *w = arg;
  (void)fd, (void)what;
  pid_t pid = w->server ? redis_server_pid(w->server) : 0;
  int status;
  if (pid && waitpid(pid, &status, WNOHANG) == pid)
    cr_assert(redis_server_reaped(w->server, pid, status));
}

static void on_state(bool running, const char *reason, void *arg) {
  struct world *w = arg;
  *(running ? &w->starts : &w->ends) += 1;
  snprintf(w->reason, sizeof w->reason, "%s", reason);
}

static void open_server(struct world *w) {
  struct error error = {0};
  char dir[FIXTURE_PATH + 16];
  snprintf(dir, sizeof dir, "%s/redis", w->dir);
  struct redis_server_options options = {.dir = dir};
  static const struct redis_server_events events = {on_state};
  w->server = redis_server_new(w->base, &options, &events, w, &error);
  cr_assert(w->server, "%s", error.text);
}

static void start(struct world *w) {
  *w = (struct world){.dir = "/tmp/callpace-server-XXXXXX", .base = event_base_new()};
  cr_assert(mkdtemp(w->dir));
  w->tick = event_new(w->base, -1, EV_PERSIST, on_tick, w);
  event_add(w->tick, &(struct timeval){.tv_usec = 5000});
  open_server(w);
}

static void finish(struct world *w) {
  char command[FIXTURE_PATH + 16];
  redis_server_free(w->server);
  event_free(w->tick);
  event_base_free(w->base);
  snprintf(command, sizeof command, "rm -rf '%s'", w->dir);
  cr_assert_eq(system(command), 0);
}

#define RUN_UNTIL(w, condition)                                                                    \
  do {                                                                                             \
    usec_t until_ = clock_monotonic_us() + (usec_t)WAIT_MS * 1000;                                 \
    while (!(condition)) {                                                                         \
      cr_assert_lt(clock_monotonic_us(), until_, "never: %s; %s", #condition, (w)->reason);        \
      event_base_loop((w)->base, EVLOOP_ONCE);                                                     \
    }                                                                                              \
  } while (0)

static bool answers(struct world *w) {
  redisContext *c = redisConnectUnix(redis_server_socket(w->server));
  redisReply *r = c && !c->err ? redisCommand(c, "PING") : NULL;
  bool pong = r && r->type == REDIS_REPLY_STATUS;
  if (r) freeReplyObject(r);
  if (c) redisFree(c);
  return pong;
}

static bool gone(pid_t pid) {
  return kill(pid, 0) != 0;
}

static void config_is(redisContext *c, const char *name, const char *expected) {
  redisReply *r = redisCommand(c, "CONFIG GET %s", name);
  cr_assert(r && r->elements == 2, "%s", name);
  cr_assert_str_eq(r->element[1]->str, expected, "%s", name);
  freeReplyObject(r);
}

Test(redis_server, runs_privately, .timeout = 60) {
  struct world w;
  start(&w);
  RUN_UNTIL(&w, answers(&w));
  cr_assert_eq(w.starts, 1);
  redisContext *c = redisConnectUnix(redis_server_socket(w.server));
  config_is(c, "port", "0");
  config_is(c, "save", "");
  config_is(c, "appendonly", "no");
  config_is(c, "maxmemory", "0");
  redisFree(c);
  struct stat st;
  cr_assert_eq(stat(redis_server_socket(w.server), &st), 0);
  cr_assert_eq(st.st_mode & 0777, 0770);
  pid_t pid = redis_server_pid(w.server);
  cr_assert_eq(getpgid(pid), pid);
  redis_server_free(w.server);
  w.server = NULL;
  cr_assert(gone(pid));
  finish(&w);
}

Test(redis_server, is_started_again_when_killed_and_not_when_stopped, .timeout = 60) {
  struct world w;
  start(&w);
  RUN_UNTIL(&w, answers(&w));
  pid_t first = redis_server_pid(w.server);
  cr_assert_not(redis_server_reaped(w.server, first + 1, 0));
  kill(first, SIGKILL);
  RUN_UNTIL(&w, w.ends == 1);
  cr_assert(strstr(w.reason, "signal 9"), "%s", w.reason);
  RUN_UNTIL(&w, answers(&w));
  cr_assert_neq(redis_server_pid(w.server), first);
  redis_server_stop(w.server);
  RUN_UNTIL(&w, redis_server_pid(w.server) == 0);
  usec_t from = clock_monotonic_us();
  RUN_UNTIL(&w, clock_monotonic_us() - from > 700 * 1000);
  cr_assert_eq(w.starts, 2);
  finish(&w);
}

Test(redis_server, that_hangs_is_ended_all_the_same, .timeout = 60) {
  struct world w;
  start(&w);
  RUN_UNTIL(&w, answers(&w));
  pid_t pid = redis_server_pid(w.server);
  kill(pid, SIGSTOP);
  redis_server_free(w.server);
  w.server = NULL;
  cr_assert(gone(pid));
  finish(&w);
}

/* A daemon of its own, killed without warning; tells its server's pid first. */
static pid_t killed_daemon(struct world *w, bool hanging) {
  int tube[2];
  pid_t server = 0;
  cr_assert_eq(pipe(tube), 0);
  pid_t daemon = fork();
  if (daemon == 0) {
    event_reinit(w->base);
    open_server(w);
    RUN_UNTIL(w, answers(w));
    server = redis_server_pid(w->server);
    if (hanging) kill(server, SIGSTOP);
    if (write(tube[1], &server, sizeof server) < 0) _exit(1);
    for (;;)
      pause();
  }
  cr_assert_eq(read(tube[0], &server, sizeof server), (ssize_t)sizeof server);
  kill(daemon, SIGKILL);
  waitpid(daemon, NULL, 0);
  close(tube[0]);
  close(tube[1]);
  return server;
}

static void outlives_a_killed_daemon(bool hanging) {
  struct world w;
  start(&w);
  redis_server_free(w.server);
  w.server = NULL;
  pid_t orphan = killed_daemon(&w, hanging);
  open_server(&w);
  RUN_UNTIL(&w, answers(&w));
  cr_assert_neq(redis_server_pid(w.server), orphan);
  usec_t from = clock_monotonic_us(); /* the orphan does not take the socket away */
  RUN_UNTIL(&w, clock_monotonic_us() - from > 300 * 1000);
  cr_assert(answers(&w));
  RUN_UNTIL(&w, gone(orphan));
  finish(&w);
}

Test(redis_server, orphan_of_a_killed_daemon_goes_first, .timeout = 60) {
  outlives_a_killed_daemon(false);
}

Test(redis_server, orphan_that_hangs_is_killed, .timeout = 60) {
  outlives_a_killed_daemon(true);
}

Test(redis_server, long_directory_and_what_cannot_be, .timeout = 60) {
  struct world w;
  start(&w);
  redis_server_free(w.server);
  size_t len = strlen(w.dir);
  char deep[FIXTURE_PATH];
  snprintf(deep, sizeof deep, "%s/", w.dir);
  memset(deep + len + 1, 'd', 200);
  deep[len + 201] = '\0';
  cr_assert_eq(mkdir(deep, 0700), 0);
  struct redis_server_options options = {.dir = deep};
  static const struct redis_server_events events = {on_state};
  struct error error = {0};
  w.server = redis_server_new(w.base, &options, &events, &w, &error);
  char other[FIXTURE_PATH];
  snprintf(other, sizeof other, "%s/s", w.dir);
  cr_assert_eq(symlink(redis_server_socket(w.server), other), 0);
  struct stat st;
  RUN_UNTIL(&w, stat(other, &st) == 0 && S_ISSOCK(st.st_mode));
  redis_server_free(w.server);
  w.server = NULL;
  options.program = "/nonexistent/redis-server";
  cr_assert_null(redis_server_new(w.base, &options, &events, &w, &error));
  cr_assert_eq(error.status, STATUS_UNAVAILABLE);
  options = (struct redis_server_options){.dir = "/nonexistent/state/redis"};
  cr_assert_null(redis_server_new(w.base, &options, &events, &w, &error));
  cr_assert_eq(error.status, STATUS_IO);
  finish(&w);
}
