/* Looking at a journal from outside, and mending it by hand. */
#include "callpace/io/journal_tools.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal_internal.h"

enum { PRINT_BYTES = 64 << 10, COPY_BYTES = 256 << 10 };

static void put_time(struct writer *out, msec_t at) {
  char text[CLOCK_TEXT_SIZE];
  clock_format_rfc3339(at, text);
  put_text(out, text);
}

static void put_segment(struct writer *out, const struct scan *scan, uint64_t first_lsn) {
  put_format(out, "%s: %" PRIu64 " records", scan->path, scan->records);
  if (scan->records) {
    put_format(out, ", LSN %" PRIu64 " to %" PRIu64 ", until ", first_lsn, scan->next_lsn - 1);
    put_time(out, scan->clock_ms);
  }
  put_char(out, '\n');
}

static enum scan_end verify_segment(struct scan *scan, const uint64_t *lsns, size_t i, size_t count,
                                    struct journal_verdict *verdict, struct writer *out,
                                    struct error *error) {
  uint64_t limit = i + 1 < count ? lsns[i + 1] : UINT64_MAX;
  enum scan_end end = segment_scan(scan, lsns[i], limit, error);
  verdict->records += scan->records;
  verdict->bytes += scan->file_bytes;
  if (end == SCAN_DAMAGED || end == SCAN_FAILED) return end;
  verdict->segments++;
  if (verdict->records) {
    verdict->first_lsn = lsns[0];
    verdict->last_lsn = scan->next_lsn - 1;
  }
  put_segment(out, scan, lsns[i]);
  uint64_t behind = scan->file_bytes - scan->offset;
  if (end == SCAN_TORN && !verdict->in_use) {
    verdict->torn_bytes = behind;
    put_format(out, "%s: torn at offset %" PRIu64 ", %" PRIu64 " bytes; the next start cuts them\n",
               scan->path, scan->offset, behind);
  } else if (end == SCAN_WHOLE && limit != UINT64_MAX && behind > 0) {
    put_format(out, "%s: %" PRIu64 " bytes at offset %" PRIu64 " overruled by the next segment\n",
               scan->path, behind, scan->offset);
  }
  return end;
}

static enum status verify_snapshots(const char *state_dir, const struct journal_verdict *verdict,
                                    struct writer *out, struct error *error) {
  struct snapshot snapshot;
  enum status status = snapshot_load(state_dir, &snapshot, out, error);
  if (status != STATUS_OK) return status;
  if (snapshot.data)
    put_format(out, "snapshot of LSN %" PRIu64 ": %zu bytes\n", snapshot.lsn, snapshot.len);
  snapshot_free(&snapshot);
  uint64_t newest = snapshot_newest_lsn(state_dir);
  if (newest <= verdict->last_lsn || verdict->in_use) return STATUS_OK;
  return error_set(error, STATUS_CONFIG,
                   "%s/journal: the records end with LSN %" PRIu64 ", a snapshot knows %" PRIu64,
                   state_dir, verdict->last_lsn, newest);
}

enum status journal_verify(const char *state_dir, struct journal_verdict *verdict,
                           struct writer *out, struct error *error) {
  uint64_t *lsns;
  size_t count;
  *verdict = (struct journal_verdict){.in_use = journal_lock_holder(state_dir) != 0};
  enum status status = journal_list(state_dir, ".seg", &lsns, &count, error);
  if (status != STATUS_OK) return status;
  struct scan scan = {.state_dir = state_dir};
  for (size_t i = 0; status == STATUS_OK && i < count; i++) {
    enum scan_end end = verify_segment(&scan, lsns, i, count, verdict, out, error);
    if (end == SCAN_DAMAGED) status = STATUS_CONFIG;
    if (end == SCAN_FAILED) status = STATUS_IO;
  }
  free(lsns);
  return status == STATUS_OK ? verify_snapshots(state_dir, verdict, out, error) : status;
}

struct dump {
  bool all;
  uint64_t first_lsn, last_lsn;
  FILE *file;
  struct writer out;
  bool failed;
};

static void dump_flush(struct dump *dump) {
  if (dump->out.len && fwrite(dump->out.data, 1, dump->out.len, dump->file) != dump->out.len)
    dump->failed = true;
  writer_reset(&dump->out);
}

static bool dump_record(void *context, uint64_t lsn, const struct record *record) {
  struct dump *dump = context;
  if (lsn > dump->last_lsn) return false;
  if (lsn == 0 || lsn < dump->first_lsn) return true;
  record_to_lines(record, dump->all, &dump->out);
  if (dump->out.len >= PRINT_BYTES) dump_flush(dump);
  return !dump->failed;
}

enum status journal_dump(const char *state_dir, bool all, uint64_t first_lsn, uint64_t last_lsn,
                         FILE *out, struct error *error) {
  struct dump dump = {.all = all,
                      .first_lsn = first_lsn,
                      .last_lsn = last_lsn ? last_lsn : UINT64_MAX,
                      .file = out};
  enum status status = journal_replay(state_dir, first_lsn, dump_record, &dump, error);
  dump_flush(&dump);
  writer_free(&dump.out);
  if (fflush(out) != 0 || dump.failed) return error_set_errno(error, STATUS_IO, "writing the dump");
  return status;
}

/* Where a journal stops being readable. */
struct break_point {
  size_t index; /* of the segment; count: nowhere */
  uint64_t offset, next_lsn;
  msec_t clock_ms;
  char path[PATH_SIZE];
  char why[ERROR_TEXT_SIZE];
};

static enum status find_break(const char *state_dir, const uint64_t *lsns, size_t count,
                              struct break_point *at, struct error *error) {
  struct scan scan = {.state_dir = state_dir};
  *at = (struct break_point){.index = count, .next_lsn = count ? lsns[0] : 1};
  for (size_t i = 0; i < count; i++) {
    struct error found = {0};
    uint64_t limit = i + 1 < count ? lsns[i + 1] : UINT64_MAX;
    enum scan_end end = segment_scan(&scan, lsns[i], limit, &found);
    at->next_lsn = scan.next_lsn;
    at->clock_ms = scan.clock_ms;
    if (end == SCAN_FAILED) {
      if (error) *error = found;
      return found.status;
    }
    if (end != SCAN_DAMAGED) continue;
    at->index = i;
    at->offset = scan.offset;
    memcpy(at->path, scan.path, sizeof at->path);
    memcpy(at->why, found.text, sizeof at->why);
    break;
  }
  return STATUS_OK;
}

static enum status copy_file(const char *from, const char *to, struct error *error) {
  int in = open(from, O_RDONLY | O_CLOEXEC);
  int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  char *buffer = mem_alloc(COPY_BYTES);
  off_t at = 0;
  ssize_t n = in < 0 || out < 0 ? -1 : 0;
  while (n >= 0 && (n = pread(in, buffer, COPY_BYTES, at)) > 0) {
    errno = journal_write_all(&journal_os_real, out, buffer, (size_t)n, at);
    if (errno) n = -1;
    at += n;
  }
  if (n == 0 && fdatasync(out) != 0) n = -1;
  if (n < 0) error_set_errno(error, STATUS_IO, "copying %s to %s", from, to);
  if (in >= 0) close(in);
  if (out >= 0) close(out);
  free(buffer);
  return n < 0 ? STATUS_IO : STATUS_OK;
}

/* The same name below the directory for what is set aside. */
static bool aside_path(char path[PATH_SIZE], const char *dir, const char *from) {
  int len = snprintf(path, PATH_SIZE, "%s/%s", dir, strrchr(from, '/') + 1);
  return len > 0 && len < PATH_SIZE;
}

static enum status move_aside(const char *state_dir, const char *dir, uint64_t lsn,
                              const char *suffix, struct writer *out, struct error *error) {
  char from[PATH_SIZE], to[PATH_SIZE];
  if (!journal_file(from, state_dir, lsn, suffix) || !aside_path(to, dir, from))
    return error_set(error, STATUS_IO, "path too long");
  if (rename(from, to) != 0) return error_set_errno(error, STATUS_IO, "moving %s to %s", from, to);
  put_format(out, "moved %s to %s\n", from, to);
  return STATUS_OK;
}

static enum status cut_segment(const struct break_point *at, const char *dir, struct writer *out,
                               struct error *error) {
  char to[PATH_SIZE];
  if (!aside_path(to, dir, at->path)) return error_set(error, STATUS_IO, "path too long");
  enum status status = copy_file(at->path, to, error);
  if (status != STATUS_OK) return status;
  int fd = open(at->path, O_WRONLY | O_CLOEXEC);
  bool done = fd >= 0 && ftruncate(fd, (off_t)at->offset) == 0 && fdatasync(fd) == 0;
  if (!done) status = error_set_errno(error, STATUS_IO, "%s", at->path);
  if (fd >= 0) close(fd);
  if (done)
    put_format(out, "cut %s at offset %" PRIu64 "; as it was: %s\n", at->path, at->offset, to);
  return status;
}

/* The last LSN and time that can still be made out behind the break: by the
 * segments after it, or by whole frames after it in the same one. */
static void put_lost(struct writer *out, const char *state_dir, const struct break_point *at,
                     const uint64_t *lsns, size_t count) {
  struct scan scan = {.state_dir = state_dir};
  uint64_t last_lsn = 0;
  msec_t last_ms = MSEC_NONE;
  for (size_t i = at->index + 1; i < count; i++) {
    uint64_t limit = i + 1 < count ? lsns[i + 1] : UINT64_MAX;
    segment_scan(&scan, lsns[i], limit, NULL);
    if (scan.next_lsn - 1 > last_lsn) last_lsn = scan.next_lsn - 1;
    if (scan.records) last_ms = scan.clock_ms;
  }
  put_format(out, "lost: the records from LSN %" PRIu64, at->next_lsn);
  if (last_lsn >= at->next_lsn) put_format(out, " to %" PRIu64, last_lsn);
  put_text(out, ", from ");
  put_time(out, at->clock_ms);
  put_text(out, last_ms == MSEC_NONE ? " on" : " to ");
  if (last_ms != MSEC_NONE) put_time(out, last_ms);
  put_char(out, '\n');
}

static enum status repair_segments(const char *state_dir, const char *dir,
                                   const struct break_point *at, const uint64_t *lsns, size_t count,
                                   struct writer *out, struct error *error) {
  enum status status = STATUS_OK;
  if (at->index < count) {
    put_format(out, "%s\n", at->why);
    put_lost(out, state_dir, at, lsns, count);
    /* From the newest back, so that a repair that is broken off can go on. */
    for (size_t i = count; status == STATUS_OK && i > at->index + 1; i--)
      status = move_aside(state_dir, dir, lsns[i - 1], ".seg", out, error);
    if (status == STATUS_OK && at->offset == 0)
      status = move_aside(state_dir, dir, lsns[at->index], ".seg", out, error);
    else if (status == STATUS_OK)
      status = cut_segment(at, dir, out, error);
  }
  return status;
}

static enum status repair_snapshots(const char *state_dir, const char *dir, uint64_t next_lsn,
                                    struct writer *out, struct error *error) {
  uint64_t *lsns;
  size_t count;
  enum status status = journal_list(state_dir, ".snap", &lsns, &count, error);
  if (status != STATUS_OK) return status;
  for (size_t i = 0; status == STATUS_OK && i < count; i++)
    if (lsns[i] >= next_lsn) status = move_aside(state_dir, dir, lsns[i], ".snap", out, error);
  free(lsns);
  return status;
}

static enum status repair_at(const char *state_dir, const struct break_point *at,
                             const uint64_t *lsns, size_t count, struct writer *out,
                             struct error *error) {
  char dir[PATH_SIZE];
  if (at->index == count && snapshot_newest_lsn(state_dir) < at->next_lsn) {
    put_text(out, "nothing to repair\n");
    return STATUS_OK;
  }
  /* A second repair at the same place gets a directory of its own. */
  for (unsigned n = 0;; n++) {
    char name[64];
    snprintf(name, sizeof name, n ? "damaged-%" PRIu64 "-%u" : "damaged-%" PRIu64, at->next_lsn, n);
    if (!journal_path(dir, state_dir, name)) return error_set(error, STATUS_IO, "path too long");
    if (mkdir(dir, 0750) == 0) break;
    if (errno != EEXIST) return error_set_errno(error, STATUS_IO, "%s", dir);
  }
  enum status status = repair_segments(state_dir, dir, at, lsns, count, out, error);
  if (status == STATUS_OK) status = repair_snapshots(state_dir, dir, at->next_lsn, out, error);
  int failure = journal_sync_dir(&journal_os_real, state_dir);
  if (status == STATUS_OK && failure) {
    errno = failure;
    status = error_set_errno(error, STATUS_IO, "%s", dir);
  }
  return status;
}

enum status journal_repair(const char *state_dir, struct writer *out, struct error *error) {
  struct journal *lock = journal_lock(state_dir, error);
  if (!lock) return error ? error->status : STATUS_IO;
  uint64_t *lsns = NULL;
  size_t count = 0;
  struct break_point at;
  enum status status = journal_list(state_dir, ".seg", &lsns, &count, error);
  if (status == STATUS_OK) status = find_break(state_dir, lsns, count, &at, error);
  if (status == STATUS_OK) status = repair_at(state_dir, &at, lsns, count, out, error);
  free(lsns);
  journal_close(lock);
  return status;
}
