/* The store alone, into a redis-server of its own: building the 36 fields of an
 * agent's day, and agents a second until Redis has answered.
 *   bench_store [AGENTS]   (default 200,000, 20,000 different) */
#include <event2/event.h>
#include <inttypes.h>
#include <sys/resource.h>

#include "../unit/redis_fixture.h"
#include "callpace/io/store.h"

enum { DIFFERENT = 20000, NUMBERS = 28 };

static const char *const numbers[NUMBERS] = {"dials",
                                             "answered",
                                             "calls",
                                             "inbound",
                                             "inbound_talk_ms",
                                             "no_answer",
                                             "busy",
                                             "failed",
                                             "cancelled",
                                             "lost_track",
                                             "talk_ms",
                                             "ring_ms",
                                             "hold_ms",
                                             "longest_ms",
                                             "members",
                                             "open_calls",
                                             "on_call_since_ms",
                                             "first_dial_ms",
                                             "last_dial_ms",
                                             "calls_target",
                                             "talk_target_ms",
                                             "calls_expected",
                                             "talk_expected_ms",
                                             "coverage_bp",
                                             "updated_ms",
                                             "lsn",
                                             "leads",
                                             "points"};
static const char *const texts[][2] = {
    {"agent", "1001"},          {"name", "Wang Fang"},    {"team", "red"},     {"class", "veteran"},
    {"calls_state", "on_pace"}, {"talk_state", "behind"}, {"state", "behind"}, {"node", "pbx1"}};

struct bench {
  struct event_base *base;
  struct store *store;
  uint64_t wanted, sent, batches, bytes;
  usec_t building_us, began_us;
  struct slice names[NUMBERS];
};

static void put_agent(struct bench *b, uint64_t i) {
  char key[64], id[24];
  int id_len = snprintf(id, sizeof id, "%" PRIu64, 1000 + i % DIFFERENT);
  int len = snprintf(key, sizeof key, "callpace:agent:{%s}:day:2026-11-23", id);
  store_hash_begin(b->store, (struct slice){key, (size_t)len});
  for (size_t n = 0; n < NUMBERS; n++)
    store_field_int(b->store, b->names[n],
                    n >= 16 && n <= 18 ? 1763860000123 + (int64_t)i : (int64_t)(i * n % 7200000));
  for (size_t n = 0; n < sizeof texts / sizeof *texts; n++)
    store_field_slice(b->store, slice_of(texts[n][0]), slice_of(texts[n][1]));
  store_hash_end(b->store, false);
  store_publish(b->store, SLICE("callpace:changed"), (struct slice){id, (size_t)id_len});
}

static void on_state(enum store_state state, const char *reason, void *arg) {
  (void)arg;
  if (state != STORE_UP) fprintf(stderr, "%s\n", reason);
}

static void on_need_all(void *arg) {
  (void)arg;
}

static void on_batch_done(uint64_t lsn, void *arg) {
  struct bench *b = arg;
  if (lsn >= b->wanted) event_base_loopbreak(b->base);
}

static void on_ready(void *arg) {
  struct bench *b = arg;
  if (b->sent >= b->wanted) return;
  usec_t began = clock_monotonic_us();
  if (!b->began_us) b->began_us = began;
  store_begin(b->store);
  while (b->sent < b->wanted && store_batch_bytes(b->store) < STORE_BATCH_BYTES)
    put_agent(b, b->sent++);
  b->building_us += clock_monotonic_us() - began;
  b->bytes += store_batch_bytes(b->store);
  b->batches++;
  store_end(b->store, b->sent);
}

int main(int argc, char **argv) {
  struct bench b = {.wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000};
  struct redis_fixture redis = {0};
  struct store_options options = {
      .url.kind = REDIS_UNIX, .prefix = "callpace", .retain_ms = 62 * MSEC_PER_DAY, .epoch = 1};
  static const struct store_events events = {on_state, on_need_all, on_batch_done, on_ready};
  signal(SIGPIPE, SIG_IGN);
  for (size_t n = 0; n < NUMBERS; n++)
    b.names[n] = slice_of(numbers[n]);
  fixture_dir(&redis);
  fixture_start(&redis);
  snprintf(options.url.path, sizeof options.url.path, "%s", redis.socket);
  b.base = event_base_new();
  b.store = store_new(b.base, &options, &events, &b, NULL);
  event_base_dispatch(b.base);
  double us = (double)(clock_monotonic_us() - b.began_us), agents = (double)b.sent;
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  double cpu_us = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
                  (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
  printf("build a day hash, 36 fields  %8.0f ns each\n", (double)b.building_us * 1000 / agents);
  printf("into Redis, paced            %8.0f agents/s (%" PRIu64 " batches, %.0f bytes each)\n",
         agents / us * 1e6, b.batches, (double)b.bytes / agents);
  printf("our CPU                      %8.0f ns an agent\n", cpu_us * 1000 / agents);
  store_free(b.store);
  event_base_free(b.base);
  fixture_stop(&redis);
  return 0;
}
