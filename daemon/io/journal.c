/* Appending and committing; what goes away again. */
#include "callpace/io/journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "journal_internal.h"

enum { PENDING_KEPT_BYTES = 8 << 20 }; /* a larger buffer is given back when empty */

/* Opens a frame in the buffer and returns where it begins. */
static size_t frame_begin(struct journal *journal) {
  size_t begin = journal->pending.len;
  writer_reserve(&journal->pending, FRAME_HEAD);
  journal->pending.len += FRAME_HEAD;
  return begin;
}

static uint64_t frame_end(struct journal *journal, size_t begin) {
  char *frame = journal->pending.data + begin;
  uint32_t len = (uint32_t)(journal->pending.len - begin - FRAME_HEAD);
  uint64_t lsn = ++journal->appended_lsn;
  assert(!journal->pending.failed && len <= RECORD_BYTES_MAX);
  store_u32(frame + 4, len);
  store_u32(frame + 8, (uint32_t)lsn);
  store_u32(frame, frame_crc(frame, len, lsn));
  return lsn;
}

uint64_t journal_append(struct journal *journal, const struct record *record) {
  size_t begin = frame_begin(journal);
  record_encode(record, &journal->clock_ms, &journal->pending);
  return frame_end(journal, begin);
}

uint64_t journal_append_event(struct journal *journal, const struct call_event *event,
                              uint32_t origin, uint64_t seq, msec_t now_ms) {
  size_t begin = frame_begin(journal);
  record_encode_event(event, origin, seq, now_ms, &journal->clock_ms, &journal->pending);
  return frame_end(journal, begin);
}

uint32_t journal_origin(struct journal *journal, struct slice source, struct slice producer,
                        struct slice epoch, msec_t now_ms) {
  struct writer key = {0};
  put_blob(&key, source);
  put_blob(&key, producer);
  put_blob(&key, epoch);
  struct origin *origin = table_get(&journal->origin_table, writer_slice(&key));
  if (origin) {
    writer_free(&key);
    return origin->number;
  }
  origin = mem_zalloc(sizeof *origin);
  *origin = (struct origin){.key = key.data, .key_len = key.len, .number = journal->next_origin++};
  journal->origins = mem_grow(journal->origins, &journal->origin_capacity,
                              journal->origin_count + 1, sizeof *journal->origins);
  journal->origins[journal->origin_count++] = origin;
  table_put(&journal->origin_table, (struct slice){origin->key, origin->key_len}, origin);
  struct record record = {.type = RECORD_ORIGIN, .origin = origin->number, .now_ms = now_ms};
  record.name.source = source;
  record.name.producer = producer;
  record.name.epoch = epoch;
  journal_append(journal, &record);
  return origin->number;
}

void journal_forget_origin(struct journal *journal, uint32_t number) {
  for (size_t i = 0; i < journal->origin_count; i++) {
    struct origin *origin = journal->origins[i];
    if (origin->number != number || origin->forgotten) continue;
    table_remove(&journal->origin_table, (struct slice){origin->key, origin->key_len});
    origin->forgotten = true;
    journal->forgotten_count++;
    return;
  }
}

/* Once everything is durable, no later segment refers to a forgotten sender. */
static void drop_forgotten(struct journal *journal) {
  size_t kept = 0;
  for (size_t i = 0; i < journal->origin_count; i++) {
    struct origin *origin = journal->origins[i];
    if (!origin->forgotten) {
      journal->origins[kept++] = origin;
      continue;
    }
    free(origin->key);
    free(origin);
  }
  journal->origin_count = kept;
  journal->forgotten_count = 0;
}

static void header_put(const struct journal *journal, struct writer *out) {
  struct writer origins = {0};
  for (size_t i = 0; i < journal->origin_count; i++) {
    put_varint(&origins, journal->origins[i]->number);
    put_bytes(&origins, journal->origins[i]->key, journal->origins[i]->key_len);
  }
  segment_header_put(out, journal->durable_lsn + 1, journal->durable_clock_ms, journal->node,
                     journal->origin_count, writer_slice(&origins));
  writer_free(&origins);
}

static int sync_data(struct journal *journal, int fd) {
  if (journal->options.no_sync) return 0;
  usec_t begin = clock_monotonic_us();
  int failure = journal->os->fdatasync(fd) == 0 ? 0 : errno;
  journal->last_sync_us = clock_monotonic_us() - begin;
  if (journal->last_sync_us > journal->max_sync_us) journal->max_sync_us = journal->last_sync_us;
  return failure;
}

/* After a failed write or sync the pages of the segment are not to be believed,
 * whatever the next sync says. Its unconfirmed end goes, through a descriptor of
 * its own; where even that fails, the fresh segment's first LSN overrules it. */
static void cut_unconfirmed(struct journal *journal) {
  char path[PATH_SIZE];
  const struct segment_note *note = &journal->segments[journal->segment_count - 1];
  journal->cut_due = false;
  if (!journal_file(path, journal->state_dir, note->first_lsn, ".seg")) return;
  int fd = journal->os->open(path, O_WRONLY | O_CLOEXEC, 0);
  if (fd < 0) return;
  if (journal->os->ftruncate(fd, (off_t)journal->size) == 0) journal->os->fdatasync(fd);
  close(fd);
}

static void note_fresh(struct journal *journal, uint64_t bytes) {
  uint64_t first_lsn = journal->durable_lsn + 1;
  size_t count = journal->segment_count;
  /* One without a record, left by an earlier run, has been replaced. */
  if (count && journal->segments[count - 1].first_lsn == first_lsn) {
    journal->total_bytes -= journal->segments[count - 1].bytes;
    count--;
  }
  journal->segments =
      mem_grow(journal->segments, &journal->segment_capacity, count + 1, sizeof *journal->segments);
  journal->segments[count] = (struct segment_note){
      .first_lsn = first_lsn, .clock_ms = journal->durable_clock_ms, .bytes = bytes};
  journal->segment_count = count + 1;
}

/* Header and pending frames into `fd`, durable under its name. */
static int fresh_write(struct journal *journal, int fd, const char *aside, const char *path,
                       const struct writer *header) {
  /* Room reserved now is room that the next commits need not hope for; where the
   * file system cannot, writes themselves will tell. */
  journal->os->fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)journal->options.segment_bytes);
  const struct writer *pending = &journal->pending;
  int failure = journal_write_all(journal->os, fd, header->data, header->len, 0);
  if (!failure)
    failure = journal_write_all(journal->os, fd, pending->data, pending->len, (off_t)header->len);
  if (!failure) failure = sync_data(journal, fd);
  if (!failure && journal->os->rename(aside, path) != 0) failure = errno;
  if (!failure && !journal->options.no_sync)
    failure = journal_sync_dir(journal->os, journal->state_dir);
  return failure;
}

/* A fresh segment that begins with the first record that is not durable. It is
 * written aside and renamed, so that a segment is never seen without its header,
 * and one that failed before is replaced. */
static int commit_fresh(struct journal *journal) {
  char path[PATH_SIZE], aside[PATH_SIZE];
  uint64_t first_lsn = journal->durable_lsn + 1;
  if (!journal_file(path, journal->state_dir, first_lsn, ".seg") ||
      !journal_file(aside, journal->state_dir, first_lsn, ".seg.tmp"))
    return ENAMETOOLONG;
  int fd = journal->os->open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (fd < 0) return errno;
  struct writer header = {0};
  header_put(journal, &header);
  int failure = fresh_write(journal, fd, aside, path, &header);
  if (failure) {
    close(fd);
    journal->os->unlink(aside); /* gives the room back; gone already if renamed */
  } else {
    journal->fd = fd;
    journal->header_len = header.len;
    journal->size = header.len + journal->pending.len;
    note_fresh(journal, journal->size);
    journal->total_bytes += journal->size;
  }
  writer_free(&header);
  return failure;
}

static int commit_more(struct journal *journal) {
  const struct writer *pending = &journal->pending;
  int failure = journal_write_all(journal->os, journal->fd, pending->data, pending->len,
                                  (off_t)journal->size);
  if (!failure) failure = sync_data(journal, journal->fd);
  if (failure) {
    close(journal->fd);
    journal->fd = -1;
    journal->cut_due = true;
    return failure;
  }
  journal->size += pending->len;
  journal->total_bytes += pending->len;
  journal->segments[journal->segment_count - 1].bytes = journal->size;
  return 0;
}

static bool segment_full(const struct journal *journal) {
  return journal->size > journal->header_len &&
         journal->size + journal->pending.len > journal->options.segment_bytes;
}

static void leave_segment(struct journal *journal) {
  if (journal->os->ftruncate(journal->fd, (off_t)journal->size) != 0) {
    /* Only the reserved room behind the end stays taken. */
  }
  close(journal->fd);
  journal->fd = -1;
}

static void commit_done(struct journal *journal) {
  journal->durable_lsn = journal->appended_lsn;
  journal->durable_clock_ms = journal->clock_ms;
  journal->commits++;
  journal->stalled = false;
  if (journal->pending.capacity > PENDING_KEPT_BYTES) writer_free(&journal->pending);
  writer_reset(&journal->pending);
  if (journal->forgotten_count) drop_forgotten(journal);
}

enum status journal_commit(struct journal *journal, struct error *error) {
  if (journal->pending.len == 0) return STATUS_OK;
  if (journal->cut_due) cut_unconfirmed(journal);
  if (journal->fd >= 0 && segment_full(journal)) leave_segment(journal);
  int failure = journal->fd >= 0 ? commit_more(journal) : commit_fresh(journal);
  if (!failure) {
    commit_done(journal);
    return STATUS_OK;
  }
  journal->stalled = true;
  journal->failures++;
  errno = failure;
  return error_set_errno(error, STATUS_IO, "%s/journal: cannot make LSN %" PRIu64 " durable",
                         journal->state_dir, journal->appended_lsn);
}

uint64_t journal_appended_lsn(const struct journal *journal) {
  return journal->appended_lsn;
}

uint64_t journal_durable_lsn(const struct journal *journal) {
  return journal->durable_lsn;
}

size_t journal_backlog_bytes(const struct journal *journal) {
  return journal->pending.len;
}

bool journal_stalled(const struct journal *journal) {
  return journal->stalled;
}

uint64_t journal_segment_lsn(const struct journal *journal) {
  size_t count = journal->segment_count;
  return count ? journal->segments[count - 1].first_lsn : 0;
}

void journal_stats(const struct journal *journal, struct journal_stats *out) {
  *out = (struct journal_stats){
      .first_lsn = journal->segment_count ? journal->segments[0].first_lsn : 0,
      .appended_lsn = journal->appended_lsn,
      .durable_lsn = journal->durable_lsn,
      .segments = journal->segment_count,
      .bytes = journal->total_bytes,
      .backlog_bytes = journal->pending.len,
      .commits = journal->commits,
      .failures = journal->failures,
      .last_sync_us = journal->last_sync_us,
      .max_sync_us = journal->max_sync_us,
      .stalled = journal->stalled,
  };
}

unsigned journal_retain(struct journal *journal, msec_t before_ms, uint64_t covered_lsn) {
  char path[PATH_SIZE];
  unsigned gone = 0;
  while (gone + 1 < journal->segment_count) {
    const struct segment_note *next = &journal->segments[gone + 1];
    uint64_t first_lsn = journal->segments[gone].first_lsn;
    if (next->clock_ms >= before_ms || next->first_lsn - 1 > covered_lsn) break;
    if (!journal_file(path, journal->state_dir, first_lsn, ".seg")) break;
    if (journal->os->unlink(path) != 0 && errno != ENOENT) break;
    journal->total_bytes -= journal->segments[gone].bytes;
    gone++;
  }
  journal->segment_count -= gone;
  memmove(journal->segments, journal->segments + gone,
          journal->segment_count * sizeof *journal->segments);
  return gone;
}
