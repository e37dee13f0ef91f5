/* Counters kept the common way: three pipelined HINCRBY an event on a Redis.
 *   bench_hincrby SOCKET EVENTS
 * Prints events a second as JSON. The keys it made are deleted again. */
#include <hiredis.h>

#include "bench_lines.h"

enum { BATCH_EVENTS = 500, COMMANDS = 3 };

static void take_replies(redisContext *redis, unsigned count) {
  for (void *reply; count-- > 0; freeReplyObject(reply))
    if (redisGetReply(redis, &reply) != REDIS_OK) exit((fprintf(stderr, "%s\n", redis->errstr), 1));
}

int main(int argc, char **argv) {
  if (argc < 3) return fprintf(stderr, "bench_hincrby SOCKET EVENTS\n"), 64;
  redisContext *redis = redisConnectUnix(argv[1]);
  if (!redis || redis->err) return fprintf(stderr, "cannot connect to %s\n", argv[1]), 1;
  uint64_t events = strtoull(argv[2], NULL, 10);
  usec_t begin = clock_monotonic_us();
  for (uint64_t i = 0; i < events; i++) {
    unsigned agent = LINES_FIRST_AGENT + (unsigned)(i % LINES_AGENTS);
    redisAppendCommand(redis, "HINCRBY bench:agent:%u dials 1", agent);
    redisAppendCommand(redis, "HINCRBY bench:agent:%u calls 1", agent);
    redisAppendCommand(redis, "HINCRBY bench:agent:%u talk_ms 61234", agent);
    if (i % BATCH_EVENTS == BATCH_EVENTS - 1) take_replies(redis, BATCH_EVENTS * COMMANDS);
  }
  take_replies(redis, (unsigned)(events % BATCH_EVENTS) * COMMANDS);
  double seconds = (double)(clock_monotonic_us() - begin) / 1e6;
  for (unsigned i = 0; i < LINES_AGENTS; i++)
    freeReplyObject(redisCommand(redis, "DEL bench:agent:%u", LINES_FIRST_AGENT + i));
  redisFree(redis);
  printf("{\"events\": %" PRIu64 ", \"seconds\": %.6f}\n", events, seconds);
  return 0;
}
