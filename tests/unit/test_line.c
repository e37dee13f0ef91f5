/* The line without the world around it: bytes of a sender through intake and
 * pipeline, judged and committed, with every allocation of the process counted. */
#include <criterion/criterion.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "callpace/base/log.h"
#include "callpace/base/writer.h"
#include "callpace/engine/intake.h"
#include "callpace/engine/judge.h"
#include "callpace/engine/outbox.h"
#include "callpace/engine/pipeline.h"
#include "callpace/engine/recovery.h"

/* ---- counting ---- */

static unsigned long allocations;

#if defined(__SANITIZE_ADDRESS__)
/* GCC has the function and not its header. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));

static void on_malloc(const volatile void *piece, size_t size) {
  (void)piece;
  (void)size;
  allocations++;
}

static void on_free(const volatile void *piece) {
  (void)piece;
}

static void count_allocations(void) {
  cr_assert(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free));
}
#else
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size) {
  allocations++;
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  allocations++;
  return __libc_calloc(count, size);
}
void *realloc(void *old, size_t size) {
  allocations++;
  return __libc_realloc(old, size);
}

static void count_allocations(void) {}
#endif

/* ---- the line ---- */

enum { CALLS = 200, AGENTS = 3, DAY_MS = 86400000 };
static const long long NINE_MS = 1795395600000; /* Monday 2026-11-23 09:00 in Shanghai */

static char dir[] = "/tmp/callpace-line-XXXXXX";
static struct engine e;
static struct writer lines;
static int sender;
static unsigned long long seq;

static void fail_with(const struct error *error) {
  cr_assert_eq(error->status, STATUS_OK, "%s", error->text);
}

static void boot(void) {
  static char config[1024];
  struct error error = {0};
  struct journal_found found = {0};
  log_set_level(LOG_LEVEL_ERROR);
  count_allocations();
  cr_assert(mkdtemp(dir));
  int len = snprintf(config, sizeof config,
                     "state_dir: %s\nclock: events\npolicy: %s/conf/policy.yaml\n"
                     "roster: %s/conf/roster.yaml\ncontrol: {socket: %s/c}\n"
                     "sources: [{name: switch, type: native, listen: \"unix:%s/s\"}]\n",
                     dir, PROJECT_ROOT, PROJECT_ROOT, dir, dir);
  e.base = event_base_new();
  e.judged_day = DAY_NONE;
  config_from_text((struct slice){config, (size_t)len}, "/test.yaml", &e.config, &error);
  fail_with(&error);
  settings_load(e.config->policy_path, e.config->roster_path, &e.settings, &error);
  fail_with(&error);
  e.roster = e.settings->roster;
  e.journal = journal_open(dir, &(struct journal_options){.no_sync = true}, &found, &error);
  fail_with(&error);
  recovery_run(&e, &found, &error);
  fail_with(&error);
  e.hub = hub_new(e.base);
  e.outbox = outbox_new(&e);
  e.intake = intake_new(&e);
  outbox_configure(e.outbox, e.config);
  intake_configure(e.intake, e.config, &error);
  fail_with(&error);
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  snprintf(at.sun_path, sizeof at.sun_path, "%s/s", dir);
  sender = socket(AF_UNIX, SOCK_STREAM, 0);
  cr_assert_eq(connect(sender, (struct sockaddr *)&at, sizeof at), 0);
}

static void end(void) {
  char command[64];
  close(sender);
  intake_free(e.intake);
  hub_free(e.hub);
  outbox_free(e.outbox);
  journal_close(e.journal);
  fold_free(&e.fold);
  settings_free(e.settings);
  config_free(e.config);
  event_base_free(e.base);
  writer_free(&lines);
  snprintf(command, sizeof command, "rm -rf %s", dir);
  cr_assert_eq(system(command), 0);
}

TestSuite(line, .init = boot, .fini = end, .timeout = 120);

/* As pipeline_commit, less Redis and the clients, which this engine has not. */
static void commit(void) {
  struct error error = {0};
  judge_run(&e);
  cr_assert_eq(journal_commit(e.journal, &error), STATUS_OK, "%s", error.text);
  intake_acknowledge(e.intake);
  e.in_tick = false;
}

/* Sends what stands in `lines` and turns the loop until all of it was taken. */
static void play(void) {
  const char *from = lines.data, *until = lines.data + lines.len;
  while (producers_seq(&e.fold.producers, SLICE("pbx1"), SLICE("e")) < seq) {
    if (from < until) {
      ssize_t sent = send(sender, from, (size_t)(until - from), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent > 0) from += sent;
    }
    event_base_loop(e.base, EVLOOP_ONCE);
    commit();
    char replies[4096];
    while (recv(sender, replies, sizeof replies, MSG_DONTWAIT) > 0) {
    }
  }
}

static void add(const char *type, const char *more, unsigned call, long long ts_ms) {
  put_format(&lines,
             "{\"type\":\"%s\",\"call\":\"pbx1-1795395600.%u\",\"agent\":\"PJSIP/%u\",\"ts\":%lld,"
             "\"seq\":%llu%s}\n",
             type, call, 1001 + call % AGENTS, ts_ms, ++seq, more);
}

static void say_hello(void) {
  put_format(&lines, "{\"type\":\"hello\",\"v\":1,\"producer\":\"pbx1\",\"epoch\":\"e\"}\n");
  add("agent.state", ",\"state\":\"ready\"", 0, NINE_MS);
  play();
}

/* One of each that a switch says again and again of calls and agents it named. */
static void write_repeats(void) {
  writer_reset(&lines);
  for (unsigned n = 0; n < CALLS; n++) {
    long long ts_ms = NINE_MS + n;
    add("call.start", ",\"number\":\"13800138000\",\"dir\":\"out\"", n, ts_ms);
    add("call.answer", "", n, ts_ms + 5000);
    add("agent.state", ",\"state\":\"not_ready\",\"reason\":\"writing\"", n, ts_ms + 6000);
    add("tick", "", n, ts_ms + 6000);
  }
}

Test(line, an_event_of_a_known_call_allocates_nothing) {
  say_hello();
  for (int round = 0; round < 3; round++) { /* buffers find their size */
    write_repeats();
    play();
  }
  for (int round = 0; round < 10; round++) {
    write_repeats();
    unsigned long before = allocations;
    play();
    cr_expect_eq(allocations - before, 0, "%lu allocations in round %d", allocations - before,
                 round);
  }
  cr_expect_gt(allocations, 0, "allocations are not counted");
}

static void write_calls(unsigned round) {
  writer_reset(&lines);
  for (unsigned n = 0; n < CALLS; n++) {
    unsigned call = 1000 + round * CALLS + n;
    long long ts_ms = NINE_MS + 1000LL * (round * CALLS + n);
    add("call.start", ",\"number\":\"13800138000\",\"dir\":\"out\"", call, ts_ms);
    add("call.answer", "", call, ts_ms + 300);
    add("call.end", ",\"outcome\":\"answered\"", call, ts_ms + 900);
  }
}

/* Calls are remembered, so memory grows; but in blocks, not piece by piece. */
Test(line, a_new_call_takes_its_place_in_a_block) {
  enum { WARM = 5, ROUNDS = 25 };
  say_hello();
  unsigned long before = 0;
  for (unsigned round = 0; round < WARM + ROUNDS; round++) {
    write_calls(round);
    if (round == WARM) before = allocations;
    play();
  }
  unsigned long used = allocations - before;
  cr_expect_lt(used, 3 * CALLS * ROUNDS / 100, "%lu allocations", used);
}
