/* The journal alone: codec, append and commit, replay.
 *   bench_journal [DIRECTORY [EVENTS]]   (default /tmp, 3,000,000) */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "callpace/io/journal.h"

static const msec_t begin_ms = 1795482000000;

static struct call_event event_of(uint64_t i, char call[32]) {
  static const enum call_event_type types[] = {EVENT_CALL_START, EVENT_CALL_ANSWER, EVENT_CALL_END};
  struct call_event event = call_event_of(types[i % 3], begin_ms + (msec_t)(i / 100));
  event.call = (struct slice){call, (size_t)sprintf(call, "1795482000.%" PRIu64, i / 3)};
  if (i % 3 == 0) {
    event.agent = SLICE("1001");
    event.number = SLICE("13812345678");
    event.dir = DIR_OUT;
  } else if (i % 3 == 2) {
    event.outcome = OUTCOME_ANSWERED;
    event.talk_ms = 61234;
  }
  return event;
}

static void report(const char *what, uint64_t count, usec_t begin) {
  double us = (double)(clock_monotonic_us() - begin);
  printf("%-28s %8.2f million/s  %6.1f ns each\n", what, (double)count / us,
         us * 1000 / (double)count);
}

static void bench_codec(void) {
  enum { COUNT = 30000, ROUNDS = 100 };
  static struct slice payloads[COUNT];
  static struct call_event events[COUNT];
  static char calls[COUNT][32];
  struct writer out = {0};
  for (uint64_t i = 0; i < COUNT; i++)
    events[i] = event_of(i, calls[i]);
  usec_t begin = clock_monotonic_us();
  for (unsigned round = 0; round < ROUNDS; round++) {
    msec_t clock = begin_ms;
    writer_reset(&out);
    for (size_t i = 0; i < COUNT; i++) {
      size_t at = out.len;
      record_encode_event(&events[i], 1, i + 1, events[i].ts_ms + 2, &clock, &out);
      payloads[i].len = out.len - at;
    }
  }
  report("encode", (uint64_t)COUNT * ROUNDS, begin);
  size_t at = 0;
  for (size_t i = 0; i < COUNT; i++) {
    payloads[i].data = out.data + at;
    at += payloads[i].len;
  }
  printf("%-28s %8.1f bytes\n", "payload", (double)out.len / COUNT);
  uint64_t sum = 0;
  struct record record;
  begin = clock_monotonic_us();
  for (unsigned round = 0; round < ROUNDS; round++) {
    msec_t clock = begin_ms;
    for (size_t i = 0; i < COUNT; i++)
      if (record_decode(payloads[i], &clock, &record)) sum += record.seq;
  }
  report("decode", (uint64_t)COUNT * ROUNDS, begin);
  if (sum == 0) abort();
  writer_free(&out);
}

static void bench_append(const char *dir, uint64_t count, uint64_t batch) {
  struct error error = {0};
  struct journal *journal = journal_open(dir, &(struct journal_options){0}, NULL, &error);
  if (!journal) exit((fprintf(stderr, "%s\n", error.text), 1));
  uint32_t origin = journal_origin(journal, SLICE("switch"), SLICE("pbx1"), SLICE("e"), begin_ms);
  char call[32], what[64];
  usec_t begin = clock_monotonic_us();
  for (uint64_t i = 0; i < count; i++) {
    struct call_event event = event_of(i, call);
    journal_append_event(journal, &event, origin, i + 1, event.ts_ms + 2);
    if (i % batch == batch - 1 && journal_commit(journal, &error) != STATUS_OK)
      exit((fprintf(stderr, "%s\n", error.text), 1));
  }
  snprintf(what, sizeof what, "append, commit per %" PRIu64, batch);
  report(what, count, begin);
  journal_close(journal);
}

static bool count_one(void *context, uint64_t lsn, const struct record *record) {
  uint64_t *count = context;
  *count += lsn != 0 && record->type != RECORD_NONE;
  return true;
}

int main(int argc, char **argv) {
  char dir[256], command[300];
  uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 3000000, seen = 0;
  snprintf(dir, sizeof dir, "%s/bench-journal-XXXXXX", argc > 1 ? argv[1] : "/tmp");
  if (!mkdtemp(dir)) return perror(dir), 1;
  bench_codec();
  bench_append(dir, 2000, 1);
  bench_append(dir, count / 10, 100);
  bench_append(dir, count, 2000);
  usec_t begin = clock_monotonic_us();
  journal_replay(dir, 0, count_one, &seen, NULL);
  report("replay", seen, begin);
  begin = clock_monotonic_us();
  journal_close(journal_open(dir, &(struct journal_options){0}, NULL, NULL));
  report("open, all checked", seen, begin);
  snprintf(command, sizeof command, "rm -rf %s", dir);
  return system(command) == 0 ? 0 : 1;
}
