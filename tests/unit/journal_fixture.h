/* What the tests of the journal share: a directory of its own for each, numbered
 * events, and reading them back. */
#ifndef CALLPACE_TESTS_JOURNAL_FIXTURE_H
#define CALLPACE_TESTS_JOURNAL_FIXTURE_H

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "callpace/io/journal.h"
#include "callpace/io/journal_tools.h"

static char state_dir[64];
static struct error error;

static inline void make_dir(void) {
  snprintf(state_dir, sizeof state_dir, "/tmp/callpace-journal-XXXXXX");
  cr_assert_not_null(mkdtemp(state_dir));
}

static inline void remove_dir(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", state_dir);
  cr_assert_eq(system(command), 0);
}

static inline const char *path_of(const char *name) {
  static char path[256];
  snprintf(path, sizeof path, "%s/journal/%s", state_dir, name);
  return path;
}

static inline struct journal *open_with(const struct journal_options *options,
                                        struct journal_found *found) {
  error = (struct error){0};
  struct journal *journal = journal_open(state_dir, options, found, &error);
  cr_assert_not_null(journal, "%s", error.text);
  return journal;
}

static inline struct journal *open_plain(struct journal_found *found) {
  return open_with(&(struct journal_options){.node = "test"}, found);
}

/* Record i has seq i + 1 and a text that depends on it. */
static inline uint64_t append_number(struct journal *journal, uint32_t origin, uint64_t number) {
  char call[32];
  msec_t at = 1795482000000 + (msec_t)number * 10;
  struct call_event event = call_event_of(EVENT_CALL_START, at - 3);
  event.call = (struct slice){call, (size_t)snprintf(call, sizeof call, "call-%" PRIu64, number)};
  event.agent = SLICE("1001");
  return journal_append_event(journal, &event, origin, number + 1, at);
}

static inline void must_commit(struct journal *journal) {
  error = (struct error){0};
  cr_assert_eq(journal_commit(journal, &error), STATUS_OK, "%s", error.text);
}

static inline void write_numbers(struct journal *journal, uint64_t from, uint64_t to,
                                 uint64_t batch) {
  uint32_t origin = journal_origin(journal, SLICE("switch"), SLICE("pbx1"), SLICE("e1"), 1);
  for (uint64_t i = from; i < to; i++) {
    append_number(journal, origin, i);
    if ((i + 1) % batch == 0) must_commit(journal);
  }
  must_commit(journal);
}

/* Reads back: the seqs must rise without hole from 1, the senders be named. */
struct reading {
  uint64_t next_seq, last_lsn, records, origins;
  bool named[64];
};

static inline bool read_one(void *context, uint64_t lsn, const struct record *record) {
  struct reading *reading = context;
  if (lsn) {
    cr_assert(reading->last_lsn == 0 || lsn == reading->last_lsn + 1);
    reading->last_lsn = lsn;
    reading->records++;
  }
  if (record->type == RECORD_ORIGIN) {
    cr_assert(slice_equal(record->name.epoch, SLICE("e1")));
    reading->named[record->origin % 64] = true;
    reading->origins++;
  }
  if (record->type != RECORD_EVENT) return true;
  cr_assert(reading->named[record->origin % 64]);
  if (reading->next_seq) cr_assert_eq(record->seq, reading->next_seq);
  reading->next_seq = record->seq + 1;
  char call[32];
  int len = snprintf(call, sizeof call, "call-%" PRIu64, record->seq - 1);
  cr_assert(slice_equal(record->event.call, (struct slice){call, (size_t)len}));
  cr_assert_eq(record->now_ms, 1795482000000 + (msec_t)(record->seq - 1) * 10);
  return true;
}

/* Replays all and returns the number of events, which must be those from 0 on. */
static inline uint64_t read_all(void) {
  struct reading reading = {.next_seq = 1};
  error = (struct error){0};
  cr_assert_eq(journal_replay(state_dir, 0, read_one, &reading, &error), STATUS_OK, "%s",
               error.text);
  return reading.next_seq - 1;
}

#endif
