/* Programs that are run with something on their standard input: one child each, in
 * its own process group, without a shell, with nothing inherited. The limits are
 * those of CONTRACT section 5, "exec hook". */
#ifndef CALLPACE_IO_HOOK_H
#define CALLPACE_IO_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "callpace/base/clock.h"
#include "callpace/base/slice.h"
#include "callpace/base/status.h"

struct event_base;

enum {
  HOOK_OUTPUT_MAX = 64 << 10, /* kept of what it prints; more is read and thrown away */
  HOOK_KILL_MS = 2000,        /* from SIGTERM to SIGKILL */
  HOOK_LINGER_MS = 1000,      /* for others that hold its output after it has ended */
};

/* What to run; all borrowed for the call of hook_run only. */
struct hook_job {
  const char *const *argv; /* ends with NULL; a name without '/' is searched in HOOK_PATH */
  const char *const *env;  /* "NAME=value", ends with NULL; PATH and LANG are added */
  struct slice input;      /* for its standard input; copied */
  msec_t timeout_ms;
};
#define HOOK_PATH "/usr/local/bin:/usr/bin:/bin"

/* How it went. */
struct hook_result {
  enum { HOOK_EXITED, HOOK_SIGNALLED, HOOK_TIMED_OUT } how;
  int code;            /* exit status, or the signal's number */
  bool output_cut;     /* it printed more than HOOK_OUTPUT_MAX */
  struct slice output; /* standard output and error; borrowed until the call returns */
  msec_t took_ms;
};
/* Called once for every hook that was started, when it has ended and its output is
 * closed. May start others. */
typedef void (*hook_done_fn)(void *context, const struct hook_result *result);

/* Those that run. The process must ignore SIGPIPE. */
struct hook_runner;
struct hook_runner *hook_runner_new(struct event_base *base);
/* Ends what runs, SIGTERM first, and waits for it (up to a second before SIGKILL);
 * `done` is not called. NULL is fine. */
void hook_runner_free(struct hook_runner *runner);
size_t hook_running(const struct hook_runner *runner);

/* Starts a child. Not STATUS_OK: it could not be started (no such program, no
 * permission, no more processes), and `done` will not be called. */
enum status hook_run(struct hook_runner *runner, const struct hook_job *job, hook_done_fn done,
                     void *context, struct error *error);

/* A child was reaped (wait(2) status); true when it was one of these. */
bool hook_reaped(struct hook_runner *runner, pid_t pid, int status);

#endif
