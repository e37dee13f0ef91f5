/* Hooks as real children: what they get, what they do not, and how they end. */
#include "hook_fixture.h"

TestSuite(hook, .init = open_world, .fini = close_world);

Test(hook, reads_its_input_whole) {
  run("cat; echo ' and that is all' >&2", SLICE("{\"id\":\"1001/day.behind\"}"), 10000);
  cr_assert(last.how == HOOK_EXITED && last.code == 0 && !last.cut);
  cr_assert_str_eq(last.output, "{\"id\":\"1001/day.behind\"} and that is all\n");
  cr_assert_eq(hook_running(runner), 0);
}

Test(hook, tells_the_exit_status) {
  run("exit 37", SLICE(""), 10000);
  cr_assert(last.how == HOOK_EXITED && last.code == 37);
  run("kill -9 $$", SLICE(""), 10000);
  cr_assert(last.how == HOOK_SIGNALLED && last.code == SIGKILL);
}

Test(hook, inherits_no_environment) {
  setenv("CALLPACE_SECRET", "hunter2", 1);
  start((const char *const[]){"env", NULL}, SLICE(""), 10000);
  wait_done();
  cr_assert_str_eq(last.output, "PATH=" HOOK_PATH "\nLANG=C.UTF-8\n"
                                "CALLPACE_ALERT_ID=1001/day.behind/2026-11-23\n");
}

Test(hook, inherits_no_descriptor_signal_or_group) {
  int leak = open("/dev/null", O_RDONLY); /* not close-on-exec */
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigprocmask(SIG_BLOCK, &blocked, NULL);
  /* `ls` itself has one descriptor open on the directory; signals from 29 on are
   * libc's and the machine's own. */
  run("ls /proc/self/fd | tr '\\n' ' '; sed -En 's/^(Sig(Blk|Ign)).*(.{7})$/\\1 \\3/p' "
      "/proc/self/status | tr '\\n' ' ';"
      "[ $(cut -d' ' -f5 /proc/$$/stat) = $$ ] && echo ' own group'",
      SLICE(""), 10000);
  cr_assert_str_eq(last.output, "0 1 2 3 SigBlk 0000000 SigIgn 0000000  own group\n");
  close(leak);
}

Test(hook, goes_through_no_shell) {
  start((const char *const[]){"printf", "%s|", "$(touch /tmp/x)", "; rm -rf .", "a b", "*", "`id`",
                              NULL},
        SLICE(""), 10000);
  wait_done();
  cr_assert_str_eq(last.output, "$(touch /tmp/x)|; rm -rf .|a b|*|`id`|");
}

Test(hook, says_what_cannot_be_started) {
  static const char *const env[] = {NULL};
  struct hook_job job = {.env = env, .timeout_ms = 1000};
  struct error error = {0};
  job.argv = (const char *const[]){"no-such-program-here", NULL};
  cr_assert_eq(hook_run(runner, &job, note, NULL, &error), STATUS_CONFIG);
  cr_assert_str_eq(error.text, "no-such-program-here: no such program in " HOOK_PATH);
  job.argv = (const char *const[]){"/nowhere/hook", NULL};
  cr_assert_eq(hook_run(runner, &job, note, NULL, &error), STATUS_IO);
  cr_assert_not_null(strstr(error.text, "No such file"), "%s", error.text);
  char *path = script("true");
  chmod(path, 0644);
  job.argv = (const char *const[]){path, NULL};
  cr_assert_eq(hook_run(runner, &job, note, NULL, &error), STATUS_IO);
  cr_assert_not_null(strstr(error.text, "Permission denied"), "%s", error.text);
  free(path);
  cr_assert(last.calls == 0 && hook_running(runner) == 0);
}

/* The pid that a script wrote to a file of the test's directory. */
static pid_t pid_in(const char *name) {
  FILE *file = fopen(path_of(name), "r");
  cr_assert_not_null(file, "%s", name);
  int pid = 0;
  cr_assert_eq(fscanf(file, "%d", &pid), 1);
  fclose(file);
  return pid;
}

/* Gone, or a zombie that only its new parent has yet to collect. */
static bool is_gone(pid_t pid) {
  char path[64], state = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  FILE *file = fopen(path, "r");
  if (!file) return true;
  if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = 'Z';
  fclose(file);
  return state == 'Z';
}

static void wait_gone(pid_t pid) {
  usec_t until = clock_monotonic_us() + 5 * 1000000;
  while (!is_gone(pid)) {
    cr_assert(clock_monotonic_us() < until, "%d still runs", (int)pid);
    event_base_loop(base, EVLOOP_NONBLOCK);
  }
}

Test(hook, is_terminated_when_its_time_is_up) {
  char text[256];
  snprintf(text, sizeof text, "trap 'echo bye; exit 0' TERM; echo hi; sleep 60 & echo $! >%s; wait",
           path_of("pid"));
  run(text, SLICE(""), 300);
  cr_assert_eq(last.how, HOOK_TIMED_OUT);
  cr_assert_str_eq(last.output, "hi\nbye\n");
  cr_assert(last.took_ms >= 250 && last.took_ms < 1900, "%d", (int)last.took_ms);
  wait_gone(pid_in("pid"));
}

Test(hook, is_killed_with_its_group_when_it_heeds_nothing) {
  char text[512];
  snprintf(text, sizeof text,
           "trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo $! >%s; echo $$ >%s.sh\n"
           "while :; do sleep 1; done",
           path_of("pid"), path_of("pid"));
  run(text, SLICE(""), 200);
  cr_assert_eq(last.how, HOOK_TIMED_OUT);
  cr_assert(last.took_ms >= 150 + HOOK_KILL_MS && last.took_ms < 200 + HOOK_KILL_MS + 2000);
  wait_gone(pid_in("pid"));
  wait_gone(pid_in("pid.sh"));
}

Test(hook, does_not_wait_for_others_that_hold_its_output) {
  char text[256];
  snprintf(text, sizeof text, "sleep 60 & echo $! >%s; echo done", path_of("pid"));
  run(text, SLICE(""), 30000);
  cr_assert(last.how == HOOK_EXITED && last.code == 0);
  cr_assert_str_eq(last.output, "done\n");
  cr_assert(last.took_ms >= HOOK_LINGER_MS - 50 && last.took_ms < 5000);
  wait_gone(pid_in("pid"));
}

Test(hook, keeps_only_so_much_output) {
  run("head -c 1000000 /dev/zero | tr '\\0' x; echo end", SLICE(""), 20000);
  cr_assert(last.how == HOOK_EXITED && last.code == 0);
  cr_assert(last.cut && last.len == HOOK_OUTPUT_MAX);
}

Test(hook, that_prints_for_ever_costs_next_to_nothing) {
  clock_t before = clock();
  start((const char *const[]){"yes", NULL}, SLICE(""), 500);
  wait_done();
  cr_assert(last.how == HOOK_TIMED_OUT && last.cut && last.len == HOOK_OUTPUT_MAX);
  cr_assert_lt(clock() - before, CLOCKS_PER_SEC / 4);
}

Test(hook, that_never_reads_blocks_nobody) {
  size_t len = 1 << 20;
  char *input = mem_zalloc(len);
  memset(input, 'x', len);
  char *path = script("sleep 1; exit 3");
  start((const char *const[]){path, NULL}, (struct slice){input, len}, 10000);
  usec_t began = clock_monotonic_us();
  event_base_loop(base, EVLOOP_NONBLOCK);
  cr_assert_lt(clock_monotonic_us() - began, 300000);
  wait_done();
  cr_assert(last.how == HOOK_EXITED && last.code == 3);
  start((const char *const[]){"wc", "-c", NULL}, (struct slice){input, len}, 10000);
  wait_done();
  cr_assert_str_eq(last.output, "1048576\n");
  free(path);
  free(input);
}

Test(hook, ends_with_its_runner) {
  char *path = script("echo $$ >\"$1\"; exec sleep 60");
  char *pid_path = mem_strdup(path_of("pid"));
  start((const char *const[]){path, pid_path, NULL}, SLICE(""), 60000);
  struct stat st;
  usec_t until = clock_monotonic_us() + 5 * 1000000;
  while ((stat(pid_path, &st) < 0 || st.st_size == 0) && clock_monotonic_us() < until)
    event_base_loop(base, EVLOOP_NONBLOCK);
  pid_t pid = pid_in("pid");
  hook_runner_free(runner);
  cr_assert(is_gone(pid));
  cr_assert_eq(last.calls, 0);
  runner = hook_runner_new(base);
  free(path);
  free(pid_path);
}
