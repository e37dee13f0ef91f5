#include "callpace/io/redis_server.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "callpace/base/clock.h"
#include "callpace/base/mem.h"
#include "callpace/base/writer.h"

enum {
  BACKOFF_FIRST_MS = 100,
  BACKOFF_MAX_MS = 5000,
  LOCK_POLL_MS = 50,
  ORPHAN_PATIENCE_MS = 2000,
  STOP_PATIENCE_MS = 2000,
  LONG_RUN_MS = 10000, /* a run this long starts the backoff anew */
  LOG_MAX = 1024 * 1024,
  REASON_SIZE = 256,
};

struct redis_server {
  struct redis_server_events events;
  void *arg;
  char *dir, *socket, *program;
  int dir_fd, lock_fd;
  bool locked, stopped;
  pid_t pid; /* 0: none */
  struct event *timer;
  msec_t backoff_ms;
  usec_t started_us, waiting_since_us;
  char reason[REASON_SIZE];
};

static char *joined(const char *left, struct slice right) {
  struct writer w = {0};
  put_text(&w, left);
  put_slice(&w, right);
  char *text = mem_strdup(writer_text(&w));
  writer_free(&w);
  return text;
}

static bool is_program(const char *path) {
  struct stat st;
  return access(path, X_OK) == 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* The first redis-server along PATH, or NULL. */
static char *find_program(void) {
  const char *path = getenv("PATH");
  for (const char *at = path ? path : "/usr/local/bin:/usr/bin:/bin"; *at;) {
    size_t len = strcspn(at, ":");
    char *dir = mem_slice_dup((struct slice){at, len});
    char *program = joined(dir, SLICE("/redis-server"));
    free(dir);
    char *absolute = len && is_program(program) ? realpath(program, NULL) : NULL;
    free(program);
    if (absolute) return absolute;
    at += len + (at[len] == ':');
  }
  return NULL;
}

static void in_ms(struct redis_server *server, msec_t ms) {
  struct timeval after = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
  event_add(server->timer, &after);
}

static void tell_down(struct redis_server *server, const char *reason) {
  if (strcmp(reason, server->reason) == 0) return;
  snprintf(server->reason, sizeof server->reason, "%s", reason);
  server->events.on_state(false, server->reason, server->arg);
}

static void try_later(struct redis_server *server) {
  in_ms(server, server->backoff_ms);
  server->backoff_ms *= 2;
  if (server->backoff_ms > BACKOFF_MAX_MS) server->backoff_ms = BACKOFF_MAX_MS;
}

/* In the child: only calls that are safe after a fork. The lock goes with it, so
 * that it is held for as long as the server lives, whatever becomes of us. Relative
 * names keep the socket's path short. */
static void become_server(const struct redis_server *server, pid_t parent, int log_fd) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGPIPE, SIG_DFL);
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(0);
  int null = open("/dev/null", O_RDONLY);
  if (fchdir(server->dir_fd) != 0 || dup2(null, STDIN_FILENO) < 0) _exit(126);
  dup2(log_fd, STDOUT_FILENO);
  dup2(log_fd, STDERR_FILENO);
  fcntl(server->lock_fd, F_SETFD, 0);
  execl(server->program, "redis-server", "--port", "0", "--unixsocket", "redis.sock",
        "--unixsocketperm", "770", "--save", "", "--appendonly", "no", "--daemonize", "no",
        "--maxmemory", "0", "--logfile", "redis.log", "--loglevel", "warning", (char *)NULL);
  _exit(127);
}

static int open_log(struct redis_server *server) {
  int fd = openat(server->dir_fd, "redis.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  struct stat st;
  if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > LOG_MAX && ftruncate(fd, 0) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

/* The lock's file names the server, for whoever finds it orphaned. Always as long,
 * so that nothing is left of the one before. False: an orphan will only be waited for. */
static bool note_pid(struct redis_server *server) {
  char text[32];
  int len = snprintf(text, sizeof text, "%-20ld\n", (long)server->pid);
  return pwrite(server->lock_fd, text, (size_t)len, 0) == (ssize_t)len;
}

static void start(struct redis_server *server) {
  char reason[REASON_SIZE];
  pid_t parent = getpid();
  int log_fd = open_log(server);
  pid_t pid = log_fd < 0 ? -1 : fork();
  if (pid == 0) become_server(server, parent, log_fd);
  int failed = errno;
  if (log_fd >= 0) close(log_fd);
  if (pid < 0) {
    snprintf(reason, sizeof reason, "redis-server cannot be started: %s", strerror(failed));
    tell_down(server, reason);
    try_later(server);
    return;
  }
  server->pid = pid;
  server->started_us = clock_monotonic_us();
  server->reason[0] = '\0';
  bool noted = note_pid(server);
  server->events.on_state(true, noted ? "" : "its pid cannot be noted", server->arg);
}

/* The pid in the lock's file, if it is a process that works in our directory. */
static pid_t orphan(const struct redis_server *server) {
  char text[32] = "", name[64];
  struct stat ours, its;
  if (pread(server->lock_fd, text, sizeof text - 1, 0) <= 0) return 0;
  long pid = strtol(text, NULL, 10);
  if (pid <= 1) return 0;
  snprintf(name, sizeof name, "/proc/%ld/cwd", pid);
  bool same = fstat(server->dir_fd, &ours) == 0 && stat(name, &its) == 0 &&
              ours.st_dev == its.st_dev && ours.st_ino == its.st_ino;
  return same ? (pid_t)pid : 0;
}

static void wait_for_lock(struct redis_server *server) {
  usec_t now = clock_monotonic_us();
  if (!server->waiting_since_us) server->waiting_since_us = now;
  if (now - server->waiting_since_us > (usec_t)ORPHAN_PATIENCE_MS * 1000) {
    pid_t pid = orphan(server);
    if (pid) kill(pid, SIGKILL);
    tell_down(server, "another redis-server still runs in this directory");
  }
  in_ms(server, LOCK_POLL_MS);
}

static void on_timer(evutil_socket_t fd, short what, void *arg) {
  struct redis_server *server = arg;
  (void)fd;
  (void)what;
  if (!server->locked) server->locked = flock(server->lock_fd, LOCK_EX | LOCK_NB) == 0;
  if (server->locked)
    start(server);
  else
    wait_for_lock(server);
}

static enum status open_dir(struct redis_server *server, struct error *error) {
  if (mkdir(server->dir, 0750) != 0 && errno != EEXIST)
    return error_set_errno(error, STATUS_IO, "%s cannot be made", server->dir);
  server->dir_fd = open(server->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (server->dir_fd < 0)
    return error_set_errno(error, STATUS_IO, "%s cannot be opened", server->dir);
  server->lock_fd = openat(server->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (server->lock_fd < 0)
    return error_set_errno(error, STATUS_IO, "%s/lock cannot be opened", server->dir);
  /* Nobody must write to an orphan that is about to end. */
  unlinkat(server->dir_fd, "redis.sock", 0);
  return STATUS_OK;
}

struct redis_server *redis_server_new(struct event_base *base,
                                      const struct redis_server_options *options,
                                      const struct redis_server_events *events, void *arg,
                                      struct error *error) {
  struct redis_server *server = mem_zalloc(sizeof *server);
  *server = (struct redis_server){
      .events = *events, .arg = arg, .dir_fd = -1, .lock_fd = -1, .backoff_ms = BACKOFF_FIRST_MS};
  server->dir = mem_strdup(options->dir);
  server->socket = joined(options->dir, SLICE("/redis.sock"));
  server->program = options->program ? realpath(options->program, NULL) : find_program();
  enum status status = STATUS_OK;
  if (!server->program || !is_program(server->program))
    status = error_set(error, STATUS_UNAVAILABLE, "%s cannot be run: is redis-server installed?",
                       options->program ? options->program : "redis-server (from PATH)");
  if (status || open_dir(server, error)) {
    redis_server_free(server);
    return NULL;
  }
  server->timer = evtimer_new(base, on_timer, server);
  in_ms(server, 0);
  return server;
}

const char *redis_server_socket(const struct redis_server *server) {
  return server->socket;
}

pid_t redis_server_pid(const struct redis_server *server) {
  return server->pid;
}

bool redis_server_reaped(struct redis_server *server, pid_t pid, int status) {
  if (!server->pid || pid != server->pid) return false;
  server->pid = 0;
  char reason[REASON_SIZE];
  if (WIFSIGNALED(status))
    snprintf(reason, sizeof reason, "redis-server was ended by signal %d", WTERMSIG(status));
  else
    snprintf(reason, sizeof reason, "redis-server ended with %d, see %s/redis.log",
             WEXITSTATUS(status), server->dir);
  if (server->stopped) return true;
  if (clock_monotonic_us() - server->started_us > (usec_t)LONG_RUN_MS * 1000)
    server->backoff_ms = BACKOFF_FIRST_MS;
  try_later(server);
  tell_down(server, reason);
  return true;
}

void redis_server_stop(struct redis_server *server) {
  server->stopped = true;
  event_del(server->timer);
  if (server->pid) kill(server->pid, SIGTERM);
}

/* A stopped process (SIGSTOP) takes only SIGKILL. */
static void end_and_reap(pid_t pid) {
  int fd = pidfd_open(pid, 0);
  kill(pid, SIGTERM);
  struct pollfd ended = {.fd = fd, .events = POLLIN};
  usec_t until = clock_monotonic_us() + (usec_t)STOP_PATIENCE_MS * 1000, now;
  while (fd >= 0 && (now = clock_monotonic_us()) < until &&
         poll(&ended, 1, (int)((until - now) / 1000) + 1) < 0 && errno == EINTR)
    ;
  if (!(ended.revents & POLLIN)) kill(pid, SIGKILL);
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
    ;
  if (fd >= 0) close(fd);
}

void redis_server_free(struct redis_server *server) {
  if (!server) return;
  if (server->timer) event_free(server->timer);
  if (server->pid) end_and_reap(server->pid);
  if (server->lock_fd >= 0) close(server->lock_fd);
  if (server->dir_fd >= 0) close(server->dir_fd);
  free(server->dir);
  free(server->socket);
  free(server->program);
  free(server);
}
