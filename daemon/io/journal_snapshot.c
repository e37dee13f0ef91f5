/* Snapshots beside the segments: LSN.snap, whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callpace/base/crc32c.h"
#include "journal_internal.h"

static const char magic[MAGIC_SIZE] = "callpace snapsht";
enum { HEAD_SIZE = MAGIC_SIZE + 4 + 4 + 8 + 8, CRC_AT = MAGIC_SIZE + 4, KEPT = 2 };

/* Magic, version, CRC of all that follows it, LSN, length, body. */
static void head_put(struct writer *out, uint64_t lsn, struct slice body) {
  put_bytes(out, magic, MAGIC_SIZE);
  put_u32(out, JOURNAL_VERSION);
  put_u32(out, 0);
  put_u64(out, lsn);
  put_u64(out, body.len);
  uint32_t crc = crc32c(0, out->data + CRC_AT + 4, HEAD_SIZE - CRC_AT - 4);
  store_u32(out->data + CRC_AT, crc32c(crc, body.data, body.len));
}

static int write_aside(const struct journal_os *os, const char *path, uint64_t lsn,
                       struct slice body) {
  int fd = os->open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (fd < 0) return errno;
  struct writer head = {0};
  head_put(&head, lsn, body);
  int failure = journal_write_all(os, fd, head.data, head.len, 0);
  if (!failure) failure = journal_write_all(os, fd, body.data, body.len, (off_t)head.len);
  if (!failure && os->fdatasync(fd) != 0) failure = errno;
  writer_free(&head);
  close(fd);
  return failure;
}

static void remove_old(const char *state_dir, const struct journal_os *os) {
  uint64_t *lsns;
  size_t count;
  char path[PATH_SIZE];
  if (journal_list(state_dir, ".snap", &lsns, &count, NULL) != STATUS_OK) return;
  for (size_t i = 0; i + KEPT < count; i++)
    if (journal_file(path, state_dir, lsns[i], ".snap")) os->unlink(path);
  free(lsns);
}

enum status snapshot_write(const char *state_dir, uint64_t lsn, struct slice body,
                           const struct journal_os *os, struct error *error) {
  char path[PATH_SIZE], aside[PATH_SIZE], suffix[48];
  if (!os) os = &journal_os_real;
  /* The pid: a child of a daemon that was killed may still be writing. */
  snprintf(suffix, sizeof suffix, ".snap.%ld.tmp", (long)getpid());
  if (!journal_file(path, state_dir, lsn, ".snap") || !journal_file(aside, state_dir, lsn, suffix))
    return error_set(error, STATUS_IO, "path too long");
  int failure = write_aside(os, aside, lsn, body);
  if (!failure && os->rename(aside, path) != 0) failure = errno;
  if (!failure) failure = journal_sync_dir(os, state_dir);
  if (failure) {
    os->unlink(aside);
    errno = failure;
    return error_set_errno(error, STATUS_IO, "%s", path);
  }
  remove_old(state_dir, os);
  return STATUS_OK;
}

uint64_t snapshot_newest_lsn(const char *state_dir) {
  uint64_t *lsns, newest = 0;
  size_t count;
  if (journal_list(state_dir, ".snap", &lsns, &count, NULL) != STATUS_OK) return 0;
  if (count) newest = lsns[count - 1];
  free(lsns);
  return newest;
}

static bool read_exactly(int fd, char *to, size_t len, off_t at) {
  while (len > 0) {
    ssize_t n = pread(fd, to, len, at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    at += n;
    len -= (size_t)n;
  }
  return true;
}

/* What is wrong with it, or NULL. */
static const char *load_fd(int fd, uint64_t lsn, struct snapshot *out) {
  char head[HEAD_SIZE];
  struct stat st;
  if (fstat(fd, &st) != 0 || !read_exactly(fd, head, sizeof head, 0)) return "too short";
  struct reader r = reader_of((struct slice){head + MAGIC_SIZE, sizeof head - MAGIC_SIZE});
  uint32_t version = get_u32(&r), crc = get_u32(&r);
  uint64_t own_lsn = get_u64(&r), len = get_u64(&r);
  if (memcmp(head, magic, MAGIC_SIZE) != 0) return "no snapshot";
  if (version != JOURNAL_VERSION) return "of another format version";
  if (own_lsn != lsn || len != (uint64_t)st.st_size - HEAD_SIZE) return "broken header";
  char *body = mem_alloc(len ? len : 1);
  uint32_t sum = crc32c(0, head + CRC_AT + 4, HEAD_SIZE - CRC_AT - 4);
  if (!read_exactly(fd, body, len, HEAD_SIZE) || crc32c(sum, body, len) != crc) {
    free(body);
    return "wrong checksum";
  }
  *out = (struct snapshot){.lsn = lsn, .data = body, .len = len};
  return NULL;
}

static bool load_one(const char *state_dir, uint64_t lsn, struct snapshot *out,
                     struct writer *skipped) {
  char path[PATH_SIZE];
  if (!journal_file(path, state_dir, lsn, ".snap")) return false;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  const char *fault = fd < 0 ? "cannot be opened" : load_fd(fd, lsn, out);
  if (fd >= 0) close(fd);
  if (fault && skipped) put_format(skipped, "%s: %s\n", path, fault);
  return !fault;
}

enum status snapshot_load(const char *state_dir, struct snapshot *out, struct writer *skipped,
                          struct error *error) {
  uint64_t *lsns;
  size_t count;
  enum status status = journal_list(state_dir, ".snap", &lsns, &count, error);
  if (status != STATUS_OK) return status;
  struct snapshot none = {0};
  *out = none;
  while (count > 0 && !load_one(state_dir, lsns[count - 1], out, skipped))
    count--;
  free(lsns);
  return STATUS_OK;
}

void snapshot_free(struct snapshot *snapshot) {
  free(snapshot->data);
  *snapshot = (struct snapshot){0};
}
