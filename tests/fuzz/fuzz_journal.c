/* A record's payload and a whole segment out of anything: no crash; what decodes
 * encodes to the same value; what is opened and cut stays readable. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callpace/io/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "fuzz_journal: %s does not hold\n", #condition);                             \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

static void lines_of(const struct record *record, struct writer *out) {
  record_to_lines(record, true, out);
}

static void try_payload(struct slice bytes) {
  struct record record, again;
  struct writer payload = {0}, one = {0}, two = {0};
  msec_t clock = 1795482000000, writing = clock, reading = clock;
  if (record_decode(bytes, &clock, &record)) {
    record_encode(&record, &writing, &payload);
    CHECK(writing == clock);
    CHECK(record_decode(writer_slice(&payload), &reading, &again));
    CHECK(reading == clock && again.seq == record.seq && again.origin == record.origin);
    lines_of(&record, &one);
    lines_of(&again, &two);
    CHECK(slice_equal(writer_slice(&one), writer_slice(&two)));
  }
  writer_free(&payload);
  writer_free(&one);
  writer_free(&two);
}

static char state_dir[64], segment[128];

static void leave(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", state_dir);
  CHECK(system(command) == 0);
}

static void prepare(void) {
  char dir[80];
  snprintf(state_dir, sizeof state_dir, "/tmp/fuzz-journal-XXXXXX");
  CHECK(mkdtemp(state_dir));
  snprintf(dir, sizeof dir, "%s/journal", state_dir);
  CHECK(mkdir(dir, 0700) == 0);
  snprintf(segment, sizeof segment, "%s/0000000000000001.seg", dir);
  atexit(leave);
}

static bool count_one(void *context, uint64_t lsn, const struct record *record) {
  uint64_t *count = context;
  struct writer out = {0};
  record_to_lines(record, true, &out);
  CHECK(!out.failed && (out.len == 0 || out.data[out.len - 1] == '\n'));
  writer_free(&out);
  *count += lsn != 0;
  return true;
}

static void try_segment(const uint8_t *data, size_t size) {
  if (!state_dir[0]) prepare();
  int fd = open(segment, O_CREAT | O_TRUNC | O_WRONLY, 0600);
  CHECK(fd >= 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
  close(fd);
  struct journal_found found;
  struct error error = {0};
  uint64_t before = 0, after = 0;
  enum status status = journal_replay(state_dir, 0, count_one, &before, &error);
  struct journal *journal =
      journal_open(state_dir, &(struct journal_options){.no_sync = true}, &found, &error);
  CHECK(journal || (status != STATUS_OK && error.status == STATUS_CONFIG));
  /* Opening looks at the frames; what stands in a whole one is for the replay to refuse. */
  if (journal && status == STATUS_OK) {
    CHECK(found.last_lsn == before);
    CHECK(journal_replay(state_dir, 0, count_one, &after, &error) == STATUS_OK);
    CHECK(before == after);
  }
  journal_close(journal);
  unlink(segment);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  if (data[0] == 'c')
    try_segment(data, size);
  else
    try_payload((struct slice){(const char *)data, size});
  return 0;
}
