/* Taking possession of a state directory: lock, check, cut, stand ready. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal_internal.h"

enum { MIB = 1 << 20, DEFAULT_SEGMENT_MIB = 64, DEFAULT_CHECK_MIB = 256 };

static int os_open(const char *path, int flags, mode_t mode) {
  return open(path, flags, mode);
}

const struct journal_os journal_os_real = {
    .open = os_open,
    .pwrite = pwrite,
    .fdatasync = fdatasync,
    .fsync = fsync,
    .ftruncate = ftruncate,
    .fallocate = fallocate,
    .rename = rename,
    .unlink = unlink,
};

static bool lock_path(char path[PATH_SIZE], const char *state_dir) {
  int len = snprintf(path, PATH_SIZE, "%s/lock", state_dir);
  return len > 0 && len < PATH_SIZE;
}

/* A record lock of the process, not one of the descriptor: a forked child that
 * writes a snapshot must not hold on to it when the daemon was killed. */
static struct flock whole_file(void) {
  return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

pid_t journal_lock_holder(const char *state_dir) {
  char path[PATH_SIZE];
  if (!lock_path(path, state_dir)) return 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  struct flock lock = whole_file();
  bool held = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  close(fd);
  return held ? (lock.l_pid > 0 ? lock.l_pid : 1) : 0;
}

static enum status make_dir(const char *path, struct error *error) {
  if (mkdir(path, 0750) == 0 || errno == EEXIST) return STATUS_OK;
  return error_set_errno(error, errno == EACCES ? STATUS_PERMISSION : STATUS_IO, "%s", path);
}

static enum status take_lock(struct journal *journal, struct error *error) {
  char path[PATH_SIZE], pid[32];
  if (!lock_path(path, journal->state_dir)) return error_set(error, STATUS_IO, "path too long");
  journal->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (journal->lock_fd < 0)
    return error_set_errno(error, errno == EACCES ? STATUS_PERMISSION : STATUS_IO, "%s", path);
  struct flock lock = whole_file();
  if (fcntl(journal->lock_fd, F_SETLK, &lock) != 0) {
    struct flock holder = whole_file();
    fcntl(journal->lock_fd, F_GETLK, &holder);
    return error_set(error, STATUS_UNAVAILABLE, "state directory %s is in use by pid %ld",
                     journal->state_dir, (long)holder.l_pid);
  }
  /* Only for people who look; the lock itself knows the pid. */
  int len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
  if (ftruncate(journal->lock_fd, 0) == 0 && pwrite(journal->lock_fd, pid, (size_t)len, 0) != len)
    return error_set_errno(error, STATUS_IO, "%s", path);
  return STATUS_OK;
}

static enum status prepare_dir(struct journal *journal, struct error *error) {
  char path[PATH_SIZE];
  enum status status = make_dir(journal->state_dir, error);
  if (status == STATUS_OK) status = take_lock(journal, error);
  if (status != STATUS_OK) return status;
  if (!journal_path(path, journal->state_dir, ""))
    return error_set(error, STATUS_IO, "path too long");
  return make_dir(path, error);
}

static enum status note_segment(struct journal *journal, uint64_t first_lsn, struct error *error) {
  struct segment segment;
  enum frame_result result = segment_open(&segment, journal->state_dir, first_lsn);
  if (result == FRAME_ERROR) {
    error_set_errno(error, errno == EACCES ? STATUS_PERMISSION : STATUS_IO, "%s", segment.path);
    segment_close(&segment);
    return error ? error->status : STATUS_IO;
  }
  journal->segments = mem_grow(journal->segments, &journal->segment_capacity,
                               journal->segment_count + 1, sizeof *journal->segments);
  journal->segments[journal->segment_count++] = (struct segment_note){
      .first_lsn = first_lsn, .clock_ms = segment.clock_ms, .bytes = segment_file_bytes(&segment)};
  segment_close(&segment);
  return STATUS_OK;
}

static enum status note_segments(struct journal *journal, struct error *error) {
  uint64_t *lsns;
  size_t count;
  enum status status = journal_list(journal->state_dir, ".seg", &lsns, &count, error);
  for (size_t i = 0; status == STATUS_OK && i < count; i++)
    status = note_segment(journal, lsns[i], error);
  if (status == STATUS_OK) free(lsns);
  return status;
}

/* Cuts what a crash left behind the last record, and gives back the room that
 * was reserved there. */
static enum status cut_tail(struct journal *journal, const struct scan *scan, bool torn,
                            struct journal_found *found, struct error *error) {
  struct segment_note *note = &journal->segments[journal->segment_count - 1];
  if (torn) {
    found->tail_cut = true;
    snprintf(found->tail_file, sizeof found->tail_file, "%.255s", scan->path);
    found->tail_offset = scan->offset;
    found->tail_bytes = scan->file_bytes - scan->offset;
  }
  note->bytes = scan->offset;
  if (scan->offset == 0) {
    journal->segment_count--;
    if (journal->os->unlink(scan->path) == 0) return STATUS_OK;
    return error_set_errno(error, STATUS_IO, "%s", scan->path);
  }
  int fd = journal->os->open(scan->path, O_WRONLY | O_CLOEXEC, 0);
  bool done = fd >= 0 && journal->os->ftruncate(fd, (off_t)scan->offset) == 0 &&
              (!torn || journal->os->fdatasync(fd) == 0);
  if (!done) error_set_errno(error, STATUS_IO, "%s", scan->path);
  if (fd >= 0) close(fd);
  return done ? STATUS_OK : STATUS_IO;
}

/* The oldest segment of those that make up the newest `check_bytes`. */
static size_t first_to_check(const struct journal *journal) {
  uint64_t bytes = 0;
  size_t i = journal->segment_count;
  while (i > 0 && bytes < journal->options.check_bytes)
    bytes += journal->segments[--i].bytes;
  return i;
}

static void found_end(struct journal *journal, const struct scan *scan, enum record_type last_type,
                      struct journal_found *found) {
  journal->appended_lsn = journal->durable_lsn = scan->next_lsn - 1;
  journal->clock_ms = journal->durable_clock_ms = scan->clock_ms;
  if (scan->next_lsn <= journal->segments[0].first_lsn) return; /* not one record */
  found->first_lsn = journal->segments[0].first_lsn;
  found->last_lsn = scan->next_lsn - 1;
  found->last_now_ms = scan->clock_ms;
  found->clean_stop = last_type == RECORD_STOP;
}

/* A snapshot is written of durable records only: when it knows more than the
 * journal holds, then more than an unconfirmed tail is gone. */
static enum status check_snapshots(const struct journal *journal, const struct scan *scan,
                                   uint64_t last_lsn, struct error *error) {
  uint64_t newest = snapshot_newest_lsn(journal->state_dir);
  if (newest <= last_lsn) return STATUS_OK;
  return error_set(error, STATUS_CONFIG,
                   "%s: damaged at offset %" PRIu64 ": the records end with LSN %" PRIu64
                   ", a snapshot knows %" PRIu64
                   "; \"callpace journal repair\" sets such snapshots aside",
                   scan->path[0] ? scan->path : journal->state_dir, scan->offset, last_lsn, newest);
}

static enum status check_segments(struct journal *journal, struct journal_found *found,
                                  struct error *error) {
  struct scan scan = {.state_dir = journal->state_dir, .shallow = true};
  size_t count = journal->segment_count;
  enum record_type last_type = RECORD_NONE;
  enum scan_end end = SCAN_WHOLE;
  msec_t clock_before = 0;
  for (size_t i = first_to_check(journal); i < count; i++) {
    uint64_t limit = i + 1 < count ? journal->segments[i + 1].first_lsn : UINT64_MAX;
    clock_before = scan.clock_ms;
    end = segment_scan(&scan, journal->segments[i].first_lsn, limit, error);
    if (end == SCAN_DAMAGED || end == SCAN_FAILED) return error->status;
    if (scan.last_type != RECORD_NONE) last_type = scan.last_type;
  }
  if (count && scan.offset == 0) scan.clock_ms = clock_before;
  uint64_t last_lsn = count ? scan.next_lsn - 1 : 0;
  enum status status = check_snapshots(journal, &scan, last_lsn, error);
  if (status != STATUS_OK || !count) return status;
  found_end(journal, &scan, last_type, found);
  return cut_tail(journal, &scan, end == SCAN_TORN, found, error);
}

static void sum_bytes(struct journal *journal) {
  for (size_t i = 0; i < journal->segment_count; i++)
    journal->total_bytes += journal->segments[i].bytes;
}

static struct journal *journal_new(const char *state_dir, const struct journal_options *options) {
  struct journal *journal = mem_zalloc(sizeof *journal);
  journal->options = *options;
  if (!options->segment_bytes) journal->options.segment_bytes = (uint64_t)DEFAULT_SEGMENT_MIB * MIB;
  if (!options->check_bytes) journal->options.check_bytes = (uint64_t)DEFAULT_CHECK_MIB * MIB;
  journal->os = options->os ? options->os : &journal_os_real;
  journal->state_dir = mem_strdup(state_dir);
  journal->node = mem_strdup(options->node ? options->node : "");
  journal->lock_fd = journal->fd = -1;
  return journal;
}

struct journal *journal_lock(const char *state_dir, struct error *error) {
  struct journal *journal = journal_new(state_dir, &(struct journal_options){0});
  if (take_lock(journal, error) == STATUS_OK) return journal;
  journal_close(journal);
  return NULL;
}

struct journal *journal_open(const char *state_dir, const struct journal_options *options,
                             struct journal_found *found, struct error *error) {
  struct journal_found none;
  struct error ignored;
  if (!found) found = &none;
  if (!error) error = &ignored;
  *found = (struct journal_found){.last_now_ms = MSEC_NONE, .clean_stop = true};
  struct journal *journal = journal_new(state_dir, options);
  enum status status = prepare_dir(journal, error);
  if (status == STATUS_OK) status = journal_remove_unfinished(state_dir, error);
  if (status == STATUS_OK) status = note_segments(journal, error);
  if (status == STATUS_OK) status = check_segments(journal, found, error);
  if (status != STATUS_OK) {
    journal_close(journal);
    return NULL;
  }
  sum_bytes(journal);
  return journal;
}

void journal_close(struct journal *journal) {
  if (!journal) return;
  if (journal->fd >= 0) {
    /* Gives back the room reserved behind the end. */
    if (journal->os->ftruncate(journal->fd, (off_t)journal->size) != 0) journal->cut_due = true;
    close(journal->fd);
  }
  if (journal->lock_fd >= 0) close(journal->lock_fd);
  for (size_t i = 0; i < journal->origin_count; i++) {
    free(journal->origins[i]->key);
    free(journal->origins[i]);
  }
  free(journal->origins);
  table_free(&journal->origin_table);
  free(journal->segments);
  writer_free(&journal->pending);
  free(journal->state_dir);
  free(journal->node);
  free(journal);
}
