/* What the tests of hooks share: a directory, a loop, and children in it. */
#ifndef CALLPACE_TESTS_HOOK_FIXTURE_H
#define CALLPACE_TESTS_HOOK_FIXTURE_H

#include <criterion/criterion.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "callpace/base/mem.h"
#include "callpace/base/writer.h"
#include "callpace/io/hook.h"

static char dir[64];
static struct event_base *base;
static struct event *child_ended;
static struct hook_runner *runner;

/* How a hook went, with a copy of its output. */
static struct outcome {
  int calls, how, code;
  bool cut;
  char *output;
  size_t len;
  msec_t took_ms;
} last;

static inline void on_child(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg;
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
    cr_assert(hook_reaped(runner, pid, status));
}

static inline void open_world(void) {
  snprintf(dir, sizeof dir, "/tmp/callpace-hook-XXXXXX");
  cr_assert_not_null(mkdtemp(dir));
  signal(SIGPIPE, SIG_IGN);
  base = event_base_new();
  runner = hook_runner_new(base);
  child_ended = evsignal_new(base, SIGCHLD, on_child, NULL);
  event_add(child_ended, NULL);
  last = (struct outcome){0};
}

static inline void close_world(void) {
  event_free(child_ended);
  hook_runner_free(runner);
  event_base_free(base);
  free(last.output);
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", dir);
  cr_assert_eq(system(command), 0);
}

static inline const char *path_of(const char *name) {
  static char path[128];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  return path;
}

/* A script of this text in the test's directory; its path, good until free(). */
static inline char *script(const char *text) {
  char *path = mem_strdup(path_of("hook.sh"));
  FILE *file = fopen(path, "w");
  cr_assert_not_null(file);
  fprintf(file, "#!/bin/sh\n%s\n", text);
  cr_assert_eq(fclose(file), 0);
  cr_assert_eq(chmod(path, 0755), 0);
  return path;
}

static inline void note(void *context, const struct hook_result *result) {
  (void)context;
  free(last.output);
  last = (struct outcome){.calls = last.calls + 1,
                          .how = (int)result->how,
                          .code = result->code,
                          .cut = result->output_cut,
                          .output = mem_slice_dup(result->output),
                          .len = result->output.len,
                          .took_ms = result->took_ms};
}

static inline void wait_done(void) {
  usec_t until = clock_monotonic_us() + 20 * 1000000;
  for (int calls = last.calls; last.calls == calls;) {
    cr_assert(clock_monotonic_us() < until, "the hook is not done");
    event_base_loop(base, EVLOOP_ONCE);
  }
}

static inline void start(const char *const *argv, struct slice input, msec_t timeout_ms) {
  static const char *const env[] = {"CALLPACE_ALERT_ID=1001/day.behind/2026-11-23", NULL};
  struct hook_job job = {.argv = argv, .env = env, .input = input, .timeout_ms = timeout_ms};
  struct error error = {0};
  cr_assert_eq(hook_run(runner, &job, note, NULL, &error), STATUS_OK, "%s", error.text);
}

static inline void run(const char *text, struct slice input, msec_t timeout_ms) {
  char *path = script(text);
  start((const char *const[]){path, "one", NULL}, input, timeout_ms);
  free(path);
  wait_done();
}

#endif
