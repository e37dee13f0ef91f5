/* How long a sender at a steady rate waits: from send to acknowledgement, and
 * until a supervisor can read it in Redis.
 *   bench_latency PORT RATE SECONDS TAG REDIS_SOCKET PREFIX AGENT
 * Every 25 ms a whole call of AGENT, whom nobody else calls for, goes along; it is
 * readable when after a message on the channel the agent's hash shows it. The
 * policy's zone has to be Asia/Shanghai. Prints JSON, times in microseconds. */
#include <fcntl.h>
#include <hiredis.h>
#include <math.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "bench_lines.h"

enum { PROBE_EVERY = 25, SAMPLES_MAX = 1 << 20 }; /* ticks of 1 ms */

struct samples {
  uint32_t us[SAMPLES_MAX];
  size_t count;
};

struct sent {
  uint64_t last_seq;
  usec_t at;
};

static struct {
  int fd;
  struct lines lines;
  struct sent *ticks; /* one a batch */
  size_t tick_count, acked_ticks;
  uint64_t acked;
  redisContext *channel, *redis;
  const char *prefix, *agent;
  unsigned probes, seen; /* at most one is on its way */
  usec_t probe_at;
} b;
static struct samples acks, reads;

static void note(struct samples *s, usec_t us) {
  if (s->count < SAMPLES_MAX) s->us[s->count++] = (uint32_t)us;
}

static void take_acks(void) {
  char bytes[8192];
  ssize_t n = read(b.fd, bytes, sizeof bytes - 1);
  usec_t now = clock_monotonic_us();
  if (n <= 0) exit((fprintf(stderr, "the daemon closed the connection\n"), 1));
  bytes[n] = '\0';
  char *end = memrchr(bytes, '\n', (size_t)n);
  if (strstr(bytes, "\"error\"") || !end) exit((fprintf(stderr, "refused: %s", bytes), 1));
  uint64_t seq = last_seq(bytes, (size_t)(end - bytes) + 1);
  if (seq > b.acked) b.acked = seq;
  for (; b.acked_ticks < b.tick_count && b.ticks[b.acked_ticks].last_seq <= b.acked;
       b.acked_ticks++)
    note(&acks, now - b.ticks[b.acked_ticks].at);
}

/* Whether the hash shows the last probe. */
static bool readable(void) {
  char day[16];
  time_t at = clock_wall_ms() / 1000 + 8 * 3600;
  strftime(day, sizeof day, "%Y-%m-%d", gmtime(&at));
  redisReply *reply =
      redisCommand(b.redis, "HGET %s:agent:{%s}:day:%s dials", b.prefix, b.agent, day);
  bool shown = reply && reply->type == REDIS_REPLY_STRING && (unsigned)atoi(reply->str) >= b.probes;
  freeReplyObject(reply);
  return shown;
}

static void take_messages(void) {
  bool ours = false;
  redisBufferRead(b.channel);
  for (void *next; redisGetReplyFromReader(b.channel, &next) == REDIS_OK && next;) {
    redisReply *reply = next;
    if (reply->elements == 3 && reply->element[2]->str &&
        strcmp(reply->element[2]->str, b.agent) == 0)
      ours = true;
    freeReplyObject(reply);
  }
  if (!ours || b.seen == b.probes || !readable()) return;
  note(&reads, clock_monotonic_us() - b.probe_at);
  b.seen = b.probes;
}

static void put_probe(void) {
  lines_event(&b.lines, "end", clock_wall_ms(), UINT64_C(1000000000) + b.probes++);
  put_format(&b.lines.text, ",\"agent\":\"%s\",\"outcome\":\"answered\",\"talk_ms\":1000}\n",
             b.agent);
}

/* One tick's lines in one write. */
static void send_tick(uint64_t *step, uint64_t lines_due, unsigned tick) {
  bool probe = tick % PROBE_EVERY == 0 && b.seen == b.probes;
  writer_reset(&b.lines.text);
  while (b.lines.seq < lines_due)
    lines_step(&b.lines, clock_wall_ms(), (*step)++);
  if (probe) put_probe();
  if (b.lines.text.len == 0) return;
  usec_t now = clock_monotonic_us();
  if (probe) b.probe_at = now;
  b.ticks[b.tick_count++] = (struct sent){b.lines.seq, now};
  if (write(b.fd, b.lines.text.data, b.lines.text.len) != (ssize_t)b.lines.text.len)
    exit((fprintf(stderr, "the daemon does not keep up\n"), 1));
}

static void wait_until(usec_t until) {
  for (usec_t now; (now = clock_monotonic_us()) < until;) {
    struct pollfd polls[2] = {{b.fd, POLLIN, 0}, {b.channel->fd, POLLIN, 0}};
    struct timespec left = {0, (until - now) * 1000};
    if (ppoll(polls, 2, &left, NULL) <= 0) continue;
    if (polls[0].revents) take_acks();
    if (polls[1].revents) take_messages();
  }
}

static int by_size(const void *x, const void *y) {
  uint32_t a = *(const uint32_t *)x, c = *(const uint32_t *)y;
  return (a > c) - (a < c);
}

static unsigned percentile(struct samples *s, double part) {
  qsort(s->us, s->count, sizeof s->us[0], by_size);
  return s->count ? s->us[(size_t)((double)(s->count - 1) * part)] : 0;
}

static void connect_all(char **argv) {
  b.lines = (struct lines){.tag = argv[4], .of = 1};
  b.prefix = argv[6];
  b.agent = argv[7];
  b.redis = redisConnectUnix(argv[5]);
  b.channel = redisConnectUnix(argv[5]);
  if (!b.redis || b.redis->err || !b.channel || b.channel->err)
    exit((fprintf(stderr, "cannot connect to %s\n", argv[5]), 1));
  freeReplyObject(redisCommand(b.channel, "SUBSCRIBE %s:changed", b.prefix));
  fcntl(b.channel->fd, F_SETFL, O_NONBLOCK);
  b.fd = bench_connect(argv[1]);
  lines_hello(&b.lines.text, argv[4], 0);
  if (write(b.fd, b.lines.text.data, b.lines.text.len) < 0) exit((perror("write"), 1));
}

int main(int argc, char **argv) {
  if (argc < 8)
    return fprintf(stderr, "bench_latency PORT RATE SECONDS TAG SOCKET PREFIX AGENT\n"), 64;
  uint64_t rate = strtoull(argv[2], NULL, 10), step = 0;
  unsigned ticks = (unsigned)atoi(argv[3]) * 1000;
  connect_all(argv);
  b.ticks = mem_alloc((ticks + 1) * sizeof *b.ticks);
  usec_t begin = clock_monotonic_us();
  for (unsigned tick = 0; tick < ticks; tick++) {
    send_tick(&step, (tick + 1) * rate / 1000, tick);
    wait_until(begin + (usec_t)(tick + 1) * 1000);
  }
  wait_until(clock_monotonic_us() + 200000);
  printf("{\"events\": %" PRIu64 ", \"acked\": %" PRIu64 ", \"probes\": %u, \"seen\": %zu, "
         "\"ack_p50_us\": %u, \"ack_p99_us\": %u, \"redis_p50_us\": %u, \"redis_p99_us\": %u}\n",
         b.lines.seq, b.acked, b.probes, reads.count, percentile(&acks, 0.5),
         percentile(&acks, 0.99), percentile(&reads, 0.5), percentile(&reads, 0.99));
  lines_free(&b.lines);
  free(b.ticks);
  redisFree(b.channel);
  redisFree(b.redis);
  return 0;
}
