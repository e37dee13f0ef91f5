/* The truth on disk: STATE_DIR/journal/ holds segments of checksummed records
 * (doc/journal-format.md). What journal_commit has confirmed is there after any
 * crash, once and in order. One writer, fenced by STATE_DIR/lock. Every record
 * has an LSN (log sequence number): 1, 2, 3 … over all segments. */
#ifndef CALLPACE_IO_JOURNAL_H
#define CALLPACE_IO_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "callpace/base/clock.h"
#include "callpace/base/slice.h"
#include "callpace/base/status.h"
#include "callpace/core/record.h"

struct journal;

/* The system calls that write, so that tests can make the Nth fail. Each as the
 * call of that name. */
struct journal_os {
  int (*open)(const char *path, int flags, mode_t mode);
  ssize_t (*pwrite)(int fd, const void *data, size_t len, off_t at);
  int (*fdatasync)(int fd);
  int (*fsync)(int fd);
  int (*ftruncate)(int fd, off_t len);
  int (*fallocate)(int fd, int mode, off_t at, off_t len);
  int (*rename)(const char *from, const char *to);
  int (*unlink)(const char *path);
};
extern const struct journal_os journal_os_real;

struct journal_options {
  const char *node;            /* stands in the segment headers; NULL = "" */
  uint64_t segment_bytes;      /* a new segment from this size on; 0 = 64 MiB */
  uint64_t check_bytes;        /* newest bytes to check whole at open; 0 = 256 MiB */
  bool no_sync;                /* never fdatasync: for measurements only */
  const struct journal_os *os; /* NULL = journal_os_real */
};

/* What journal_open found. */
struct journal_found {
  uint64_t first_lsn, last_lsn; /* 0 in an empty journal */
  msec_t last_now_ms;           /* clock of the last record; MSEC_NONE when empty */
  bool clean_stop;              /* empty, or the last record is RECORD_STOP */
  bool tail_cut;                /* a torn tail was cut: */
  char tail_file[256];          /* its path, */
  uint64_t tail_offset;         /* where it began, */
  uint64_t tail_bytes;          /* and how long it was */
};

/* Makes STATE_DIR/journal if need be, takes the lock, cuts a torn tail and
 * stands ready to append after the last record. Nothing is written before the
 * first commit. NULL and `error`: STATUS_UNAVAILABLE when another process holds
 * the lock (told with its pid), STATUS_CONFIG for damage (file and offset told),
 * STATUS_PERMISSION, STATUS_IO. `found` may be NULL. */
struct journal *journal_open(const char *state_dir, const struct journal_options *options,
                             struct journal_found *found, struct error *error);
/* Gives the lock back. Does not commit. NULL is fine. */
void journal_close(struct journal *journal);

/* A sender's number for records, made on first use by a RECORD_ORIGIN (which
 * takes an LSN). Good until journal_close. Producer and epoch empty without
 * hello. */
uint32_t journal_origin(struct journal *journal, struct slice source, struct slice producer,
                        struct slice epoch, msec_t now_ms);
/* The number is used no more (the producer came back with another epoch). */
void journal_forget_origin(struct journal *journal, uint32_t number);

/* Puts a record into the buffer, nothing else, and returns its LSN. Never fails:
 * whoever appends watches journal_backlog_bytes. */
uint64_t journal_append(struct journal *journal, const struct record *record);
uint64_t journal_append_event(struct journal *journal, const struct call_event *event,
                              uint32_t origin, uint64_t seq, msec_t now_ms);

/* Writes and syncs everything appended: once it returns STATUS_OK, all of it is
 * durable. Else (STATUS_IO, `error` says why) nothing new is promised, the buffer
 * stays, the journal is stalled; every further call tries again, in a fresh
 * segment through a new descriptor. Nothing appended and not stalled: STATUS_OK
 * at once. */
enum status journal_commit(struct journal *journal, struct error *error);

uint64_t journal_appended_lsn(const struct journal *journal); /* last one given out */
uint64_t journal_durable_lsn(const struct journal *journal);  /* last one confirmed */
size_t journal_backlog_bytes(const struct journal *journal);  /* appended, not durable */
bool journal_stalled(const struct journal *journal);

/* First LSN of the segment being written; 0 before the first. */
uint64_t journal_segment_lsn(const struct journal *journal);

/* For the status. */
struct journal_stats {
  uint64_t first_lsn, appended_lsn, durable_lsn;
  uint64_t segments, bytes, backlog_bytes;
  uint64_t commits, failures;
  usec_t last_sync_us, max_sync_us;
  bool stalled;
};
void journal_stats(const struct journal *journal, struct journal_stats *out);

/* Deletes the oldest segments whose newest record is older than `before_ms` and
 * has an LSN of at most `covered_lsn` (a durable snapshot's). Returns how many. */
unsigned journal_retain(struct journal *journal, msec_t before_ms, uint64_t covered_lsn);

/* Gets every record; slices live until it returns. False ends the replay. */
typedef bool (*journal_fn)(void *context, uint64_t lsn, const struct record *record);

/* Is told of records that are handed out next, so that it may fetch what they need; they
 * hold until it returns. */
enum { JOURNAL_AHEAD_MAX = 16 };
typedef void (*journal_ahead_fn)(void *context, const struct record *records, size_t count);

/* Reads the records from `from_lsn` (0: from the oldest there) to the end, checking
 * each. At the start and at every segment the senders named in its header come
 * first, as RECORD_ORIGIN with LSN 0, so that every .origin met has been named; a
 * number may be named anew. STATUS_CONFIG: damage, or records from `from_lsn` on
 * are not there any more. Works while a daemon writes: it ends at the last whole
 * record. */
enum status journal_replay(const char *state_dir, uint64_t from_lsn, journal_fn fn, void *context,
                           struct error *error);
/* The same, with somebody who looks ahead. */
enum status journal_replay_ahead(const char *state_dir, uint64_t from_lsn, journal_fn fn,
                                 journal_ahead_fn ahead, void *context, struct error *error);

/* Where to begin to read what happened from `at_ms` on: the first LSN of the newest
 * segment before which nothing of that time stands, and the clock of the record
 * before it. LSN 0: the journal is empty. */
enum status journal_find(const char *state_dir, msec_t at_ms, uint64_t *lsn, msec_t *clock_ms,
                         struct error *error);

/* Snapshots: what the fold came to at an LSN, STATE_DIR/journal/LSN.snap. */

/* Writes `body` aside, syncs, renames, syncs the directory, then removes all
 * snapshots but the newest two. `lsn` must be durable. May be called in a forked
 * child. `os` NULL = real. */
enum status snapshot_write(const char *state_dir, uint64_t lsn, struct slice body,
                           const struct journal_os *os, struct error *error);

struct snapshot {
  uint64_t lsn;
  char *data; /* malloc'd body */
  size_t len;
};
/* Loads the newest whole snapshot. STATUS_OK with lsn 0 and data NULL when there
 * is none. Damaged ones are passed over; `skipped` (may be NULL) gets a line for
 * each. */
enum status snapshot_load(const char *state_dir, struct snapshot *out, struct writer *skipped,
                          struct error *error);
void snapshot_free(struct snapshot *snapshot); /* content; not itself */

#endif
