/* Manager events a second through the AMI dialect, beside a plain splitter that
 * only counts the ends of messages:
 *   zcat tests/data/asterisk/e_mix/ami-min.raw.gz | bench_ami */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "callpace/dialect/dialect.h"

enum { ROUNDS = 100, READ = 16384, AGENTS = 20 };

static struct agent agents[AGENTS];
static struct roster roster;

static void fill_roster(void) {
  for (int i = 0; i < AGENTS; i++) {
    char id[16];
    snprintf(id, sizeof id, "agent%02d", i + 1);
    agents[i].id = arena_dup(&roster.arena, slice_of(id));
    table_put(&roster.by_id, slice_of(agents[i].id), &agents[i]);
  }
}

static uint64_t split(struct slice stream) {
  uint64_t messages = 0;
  const char *at = stream.data, *end = stream.data + stream.len;
  while ((at = memmem(at, (size_t)(end - at), "\r\n\r\n", 4))) {
    messages++;
    at += 4;
  }
  return messages;
}

static uint64_t run_dialect(void *ami, struct slice stream, struct writer *out) {
  uint64_t events = 0;
  msec_t now_ms = 1795459617000;
  size_t given = 0;
  struct slice unread = {stream.data, 0};
  dialect_ami.greet(ami, now_ms, out);
  while (given < stream.len) {
    size_t step = stream.len - given < READ ? stream.len - given : READ;
    given += step;
    unread.len += step;
    now_ms += 5;
    struct item item;
    enum item_kind kind;
    while ((kind = dialect_ami.next(ami, &unread, false, now_ms, &item, out)) != ITEM_MORE)
      events += kind == ITEM_EVENT;
  }
  dialect_ami.lost(ami, now_ms);
  writer_reset(out);
  return events;
}

static double rate(uint64_t messages, usec_t taken) {
  return (double)messages / (double)(taken > 0 ? taken : 1);
}

int main(void) {
  struct writer bytes = {0}, out = {0};
  size_t got;
  while ((got = fread(writer_reserve(&bytes, 1 << 20), 1, 1 << 20, stdin)) > 0)
    bytes.len += got;
  struct slice stream = writer_slice(&bytes);
  fill_roster();
  const struct roster *now = &roster;
  struct dialect_setup setup = {.source = "pbx", .roster = &now};
  void *ami = dialect_ami.open(&setup);
  uint64_t events = run_dialect(ami, stream, &out), messages = 0;
  usec_t begin = clock_monotonic_us();
  for (int i = 0; i < ROUNDS; i++)
    messages += split(stream);
  usec_t plain = clock_monotonic_us() - begin;
  begin = clock_monotonic_us();
  for (int i = 0; i < ROUNDS; i++)
    events = run_dialect(ami, stream, &out);
  usec_t taken = clock_monotonic_us() - begin;
  printf("%" PRIu64 " messages of %.0f bytes give %" PRIu64 " events\n", messages / ROUNDS,
         (double)stream.len * ROUNDS / (double)(messages ? messages : 1), events);
  printf("splitter %.2f million a second, dialect %.2f, ratio %.2f\n", rate(messages, plain),
         rate(messages, taken), (double)taken / (double)(plain > 0 ? plain : 1));
  dialect_ami.close(ami);
  writer_free(&bytes);
  writer_free(&out);
  table_free(&roster.by_id);
  arena_free(&roster.arena);
  return 0;
}
