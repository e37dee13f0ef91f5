#include "callpace/io/hook.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "callpace/base/mem.h"
#include "callpace/base/writer.h"

/* One that prints without end is read at this pace, so that it costs nobody else. */
enum { FLOOD_PACE_MS = 10, CHUNK_BYTES = 16 << 10, FREE_WAIT_MS = 1000 };

enum stage { STAGE_RUNS, STAGE_TERMINATED, STAGE_KILLED, STAGE_LINGERS };

/* One child. Done when its output is closed and it has been reaped. */
struct hook_child {
  struct hook_child *next;
  struct hook_runner *runner;
  pid_t pid; /* of its process group too */
  hook_done_fn done;
  void *context;

  struct event *input_ready, *output_ready; /* NULL: closed */
  struct event *flood_pace, *deadline;
  char *input;
  size_t input_len, input_at;
  struct writer output;
  bool output_cut;

  enum stage stage;
  bool timed_out, reaped;
  int status; /* of wait(2), once reaped */
  usec_t started_us;
};

struct hook_runner {
  struct event_base *base;
  struct hook_child *children;
};

static struct timeval timeval_of(msec_t ms) {
  return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

/* ---- starting ---- */

/* A name without '/' becomes the first program of that name in HOOK_PATH. */
static enum status find_program(const char *name, char *out, size_t size, struct error *error) {
  if (strchr(name, '/')) {
    if ((size_t)snprintf(out, size, "%s", name) < size) return STATUS_OK;
    return error_set(error, STATUS_CONFIG, "%s: the path is too long", name);
  }
  for (const char *dir = HOOK_PATH; *dir;) {
    size_t len = strcspn(dir, ":");
    if ((size_t)snprintf(out, size, "%.*s/%s", (int)len, dir, name) < size &&
        access(out, X_OK) == 0)
      return STATUS_OK;
    dir += len + (dir[len] == ':');
  }
  return error_set(error, STATUS_CONFIG, "%s: no such program in " HOOK_PATH, name);
}

struct pipes {
  int child_in, input, output, child_out;
};

static void close_pipes(struct pipes *pipes) {
  int *const all[] = {&pipes->child_in, &pipes->input, &pipes->output, &pipes->child_out};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (*all[i] >= 0) close(*all[i]);
    *all[i] = -1;
  }
}

static bool open_pipes(struct pipes *pipes) {
  int in[2], out[2];
  *pipes = (struct pipes){-1, -1, -1, -1};
  if (pipe2(in, O_CLOEXEC) < 0) return false;
  pipes->child_in = in[0];
  pipes->input = in[1];
  if (pipe2(out, O_CLOEXEC) < 0) return false;
  pipes->output = out[0];
  pipes->child_out = out[1];
  return fcntl(pipes->input, F_SETFL, O_NONBLOCK) == 0 &&
         fcntl(pipes->output, F_SETFL, O_NONBLOCK) == 0;
}

/* PATH, LANG and the job's own; free() the array. */
static char **environment_of(const struct hook_job *job) {
  size_t count = 0;
  while (job->env[count])
    count++;
  char **env = mem_alloc((count + 3) * sizeof *env);
  env[0] = "PATH=" HOOK_PATH;
  env[1] = "LANG=C.UTF-8";
  memcpy(env + 2, job->env, (count + 1) * sizeof *env);
  return env;
}

/* Returns 0 or an errno. */
static int spawn(const char *program, const struct hook_job *job, const struct pipes *pipes,
                 pid_t *pid) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&files, pipes->child_in, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, pipes->child_out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, pipes->child_out, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  char **env = environment_of(job);
  int failed = posix_spawn(pid, program, &files, &attributes, (char *const *)job->argv, env);
  free(env);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return failed;
}

/* ---- a child's life ---- */

static void close_event(struct event **event) {
  if (!*event) return;
  int fd = event_get_fd(*event);
  event_free(*event);
  *event = NULL;
  close(fd);
}

static void child_free(struct hook_child *child) {
  close_event(&child->input_ready);
  close_event(&child->output_ready);
  event_free(child->flood_pace);
  event_free(child->deadline);
  free(child->input);
  writer_free(&child->output);
  free(child);
}

static void unlink_child(struct hook_child *child) {
  struct hook_child **at = &child->runner->children;
  while (*at != child)
    at = &(*at)->next;
  *at = child->next;
}

static void signal_group(const struct hook_child *child, int signal_number) {
  kill(-child->pid, signal_number);
}

static void finish(struct hook_child *child) {
  struct hook_result result = {.how = HOOK_EXITED,
                               .code = WIFEXITED(child->status) ? WEXITSTATUS(child->status)
                                                                : WTERMSIG(child->status),
                               .output_cut = child->output_cut,
                               .output = writer_slice(&child->output),
                               .took_ms = (clock_monotonic_us() - child->started_us) / 1000};
  if (!WIFEXITED(child->status)) result.how = HOOK_SIGNALLED;
  if (child->timed_out) {
    result.how = HOOK_TIMED_OUT;
    signal_group(child, SIGKILL); /* those that closed the output and heeded no SIGTERM */
  }
  unlink_child(child);
  child->done(child->context, &result);
  child_free(child);
}

static void finish_if_over(struct hook_child *child) {
  if (child->reaped && !child->output_ready) finish(child);
}

static void set_stage(struct hook_child *child, enum stage stage, msec_t wait_ms) {
  child->stage = stage;
  struct timeval wait = timeval_of(wait_ms);
  event_add(child->deadline, &wait);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  struct hook_child *child = arg;
  switch (child->stage) {
  case STAGE_RUNS:
    child->timed_out = true;
    signal_group(child, SIGTERM);
    set_stage(child, STAGE_TERMINATED, HOOK_KILL_MS);
    break;
  case STAGE_TERMINATED:
    signal_group(child, SIGKILL);
    child->stage = STAGE_KILLED;
    break;
  case STAGE_KILLED: break;
  case STAGE_LINGERS:
    signal_group(child, SIGKILL);
    close_event(&child->output_ready);
    finish_if_over(child);
    break;
  }
}

static void on_input_ready(evutil_socket_t fd, short what, void *arg) {
  (void)what;
  struct hook_child *child = arg;
  ssize_t written = write(fd, child->input + child->input_at, child->input_len - child->input_at);
  if (written < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (written > 0) child->input_at += (size_t)written;
  if (written < 0 || child->input_at == child->input_len) close_event(&child->input_ready);
}

static void keep_output(struct hook_child *child, const char *data, size_t len) {
  size_t room = HOOK_OUTPUT_MAX - child->output.len;
  if (len > room) child->output_cut = true;
  put_bytes(&child->output, data, len < room ? len : room);
}

/* Also called by the pace of a flood. */
static void on_output_ready(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  struct hook_child *child = arg;
  if (!child->output_ready) return;
  char chunk[CHUNK_BYTES];
  ssize_t got = read(event_get_fd(child->output_ready), chunk, sizeof chunk);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
    close_event(&child->output_ready);
    finish_if_over(child);
    return;
  }
  if (got > 0) keep_output(child, chunk, (size_t)got);
  if (!child->output_cut) return;
  struct timeval pace = timeval_of(FLOOD_PACE_MS);
  event_del(child->output_ready);
  event_add(child->flood_pace, &pace);
}

static struct hook_child *watch(struct hook_runner *runner, const struct hook_job *job,
                                const struct pipes *pipes, pid_t pid) {
  struct hook_child *child = mem_zalloc(sizeof *child);
  *child = (struct hook_child){.next = runner->children,
                               .runner = runner,
                               .pid = pid,
                               .input = mem_slice_dup(job->input),
                               .input_len = job->input.len,
                               .started_us = clock_monotonic_us()};
  runner->children = child;
  child->input_ready =
      event_new(runner->base, pipes->input, EV_WRITE | EV_PERSIST, on_input_ready, child);
  child->output_ready =
      event_new(runner->base, pipes->output, EV_READ | EV_PERSIST, on_output_ready, child);
  child->flood_pace = event_new(runner->base, -1, 0, on_output_ready, child);
  child->deadline = event_new(runner->base, -1, 0, on_deadline, child);
  event_add(child->input_ready, NULL);
  event_add(child->output_ready, NULL);
  set_stage(child, STAGE_RUNS, job->timeout_ms);
  return child;
}

enum status hook_run(struct hook_runner *runner, const struct hook_job *job, hook_done_fn done,
                     void *context, struct error *error) {
  char program[4096];
  enum status status = find_program(job->argv[0], program, sizeof program, error);
  if (status != STATUS_OK) return status;
  struct pipes pipes;
  if (!open_pipes(&pipes)) {
    status = error_set_errno(error, STATUS_IO, "%s: cannot make pipes", program);
    close_pipes(&pipes);
    return status;
  }
  pid_t pid = 0;
  errno = spawn(program, job, &pipes, &pid);
  if (errno) {
    status = error_set_errno(error, STATUS_IO, "%s: cannot be started", program);
    close_pipes(&pipes);
    return status;
  }
  struct hook_child *child = watch(runner, job, &pipes, pid);
  child->done = done;
  child->context = context;
  pipes.input = pipes.output = -1; /* the child's events own them */
  close_pipes(&pipes);
  return STATUS_OK;
}

bool hook_reaped(struct hook_runner *runner, pid_t pid, int status) {
  struct hook_child *child = runner->children;
  while (child && (child->pid != pid || child->reaped))
    child = child->next;
  if (!child) return false;
  child->reaped = true;
  child->status = status;
  close_event(&child->input_ready);
  set_stage(child, STAGE_LINGERS, HOOK_LINGER_MS);
  finish_if_over(child);
  return true;
}

/* ---- all of them ---- */

struct hook_runner *hook_runner_new(struct event_base *base) {
  struct hook_runner *runner = mem_zalloc(sizeof *runner);
  runner->base = base;
  return runner;
}

size_t hook_running(const struct hook_runner *runner) {
  size_t count = 0;
  for (const struct hook_child *child = runner->children; child; child = child->next)
    count++;
  return count;
}

static bool all_reaped(struct hook_runner *runner) {
  bool all = true;
  for (struct hook_child *child = runner->children; child; child = child->next) {
    if (!child->reaped) child->reaped = waitpid(child->pid, NULL, WNOHANG) != 0;
    all = all && child->reaped;
  }
  return all;
}

static void signal_all(const struct hook_runner *runner, int signal_number) {
  for (const struct hook_child *child = runner->children; child; child = child->next)
    signal_group(child, signal_number);
}

void hook_runner_free(struct hook_runner *runner) {
  if (!runner) return;
  signal_all(runner, SIGTERM);
  usec_t until = clock_monotonic_us() + (usec_t)FREE_WAIT_MS * 1000;
  while (!all_reaped(runner) && clock_monotonic_us() < until)
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  signal_all(runner, SIGKILL);
  while (runner->children) {
    struct hook_child *child = runner->children;
    if (!child->reaped) waitpid(child->pid, NULL, 0);
    runner->children = child->next;
    child_free(child);
  }
  free(runner);
}
