/* Segments: their names, headers and frames, and how they are read. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callpace/base/crc32c.h"
#include "journal_internal.h"

static const char magic[MAGIC_SIZE] = "callpace journal";
enum { HEADER_FIXED = MAGIC_SIZE + 4 + 4 + 8 + 8, HEADER_MAX = 256 << 20, CHUNK = 256 << 10 };

bool journal_path(char path[PATH_SIZE], const char *state_dir, const char *name) {
  int len = snprintf(path, PATH_SIZE, "%s/journal%s%s", state_dir, *name ? "/" : "", name);
  return len > 0 && len < PATH_SIZE;
}

bool journal_file(char path[PATH_SIZE], const char *state_dir, uint64_t lsn, const char *suffix) {
  int len = snprintf(path, PATH_SIZE, "%s/journal/%016" PRIu64 "%s", state_dir, lsn, suffix);
  return len > 0 && len < PATH_SIZE;
}

static bool name_lsn(const char *name, const char *suffix, uint64_t *lsn) {
  uint64_t value = 0;
  for (unsigned i = 0; i < 16; i++) {
    if (name[i] < '0' || name[i] > '9') return false;
    value = value * 10 + (uint64_t)(name[i] - '0');
  }
  if (strcmp(name + 16, suffix) != 0) return false;
  *lsn = value;
  return true;
}

static int compare_lsn(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

enum status journal_list(const char *state_dir, const char *suffix, uint64_t **lsns, size_t *count,
                         struct error *error) {
  char path[PATH_SIZE];
  DIR *dir = journal_path(path, state_dir, "") ? opendir(path) : NULL;
  if (!dir) return error_set_errno(error, errno == ENOENT ? STATUS_CONFIG : STATUS_IO, "%s", path);
  uint64_t *found = NULL, lsn;
  size_t n = 0, capacity = 0;
  for (struct dirent *entry; (entry = readdir(dir));) {
    if (!name_lsn(entry->d_name, suffix, &lsn)) continue;
    found = mem_grow(found, &capacity, n + 1, sizeof *found);
    found[n++] = lsn;
  }
  closedir(dir);
  if (n) qsort(found, n, sizeof *found, compare_lsn);
  *lsns = found;
  *count = n;
  return STATUS_OK;
}

enum status journal_remove_unfinished(const char *state_dir, struct error *error) {
  char path[PATH_SIZE];
  DIR *dir = journal_path(path, state_dir, "") ? opendir(path) : NULL;
  if (!dir) return error_set_errno(error, STATUS_IO, "%s", path);
  for (struct dirent *entry; (entry = readdir(dir));) {
    size_t len = strlen(entry->d_name);
    if (len > 4 && strcmp(entry->d_name + len - 4, ".tmp") == 0)
      unlinkat(dirfd(dir), entry->d_name, 0);
  }
  closedir(dir);
  return STATUS_OK;
}

int journal_write_all(const struct journal_os *os, int fd, const char *data, size_t len, off_t at) {
  while (len > 0) {
    ssize_t n = os->pwrite(fd, data, len, at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) return EIO;
    data += n;
    len -= (size_t)n;
    at += n;
  }
  return 0;
}

int journal_sync_dir(const struct journal_os *os, const char *state_dir) {
  char path[PATH_SIZE];
  if (!journal_path(path, state_dir, "")) return ENAMETOOLONG;
  int fd = os->open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0) return errno;
  int failure = os->fsync(fd) == 0 ? 0 : errno;
  close(fd);
  return failure;
}

uint32_t frame_crc(const char *frame, uint32_t len, uint64_t lsn) {
  return crc32c((uint32_t)(lsn >> 32), frame + 4, FRAME_HEAD - 4 + (size_t)len);
}

void segment_header_put(struct writer *out, uint64_t first_lsn, msec_t clock_ms, const char *node,
                        uint64_t origin_count, struct slice origins) {
  size_t begin = out->len;
  put_bytes(out, magic, MAGIC_SIZE);
  put_u32(out, JOURNAL_VERSION);
  put_u32(out, 0);
  put_u64(out, first_lsn);
  put_u64(out, (uint64_t)clock_ms);
  put_blob(out, slice_of(node));
  put_varint(out, origin_count);
  put_slice(out, origins);
  uint32_t len = (uint32_t)(out->len - begin + 4);
  store_u32(out->data + begin + MAGIC_SIZE + 4, len);
  put_u32(out, crc32c(0, out->data + begin, len - 4));
}

static ssize_t read_all(int fd, char *to, size_t len, off_t at) {
  size_t have = 0;
  while (have < len) {
    ssize_t n = pread(fd, to + have, len - have, at + (off_t)have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    have += (size_t)n;
  }
  return (ssize_t)have;
}

/* Takes the header apart once it is whole in memory. */
static bool header_parse(struct segment *segment, size_t len) {
  const char *header = segment->header;
  if (load_u32(header + len - 4) != crc32c(0, header, len - 4)) return false;
  struct reader r = reader_of((struct slice){header + MAGIC_SIZE, len - MAGIC_SIZE - 4});
  uint32_t version = get_u32(&r);
  get_u32(&r);
  uint64_t first_lsn = get_u64(&r);
  msec_t clock_ms = (msec_t)get_u64(&r);
  get_blob(&r);
  if (r.failed || version != JOURNAL_VERSION || first_lsn != segment->first_lsn) return false;
  segment->clock_ms = clock_ms;
  segment->origins = (struct slice){r.at, (size_t)(r.end - r.at)};
  segment->offset = len;
  return true;
}

static enum frame_result header_read(struct segment *segment) {
  char fixed[HEADER_FIXED];
  ssize_t got = read_all(segment->fd, fixed, sizeof fixed, 0);
  if (got < 0) return FRAME_ERROR;
  if ((size_t)got < sizeof fixed || memcmp(fixed, magic, MAGIC_SIZE) != 0) return FRAME_BAD;
  uint32_t len = load_u32(fixed + MAGIC_SIZE + 4);
  if (len < HEADER_FIXED + 4 || len > HEADER_MAX || len > segment_file_bytes(segment))
    return FRAME_BAD;
  segment->header = mem_alloc(len);
  got = read_all(segment->fd, segment->header, len, 0);
  if (got < 0) return FRAME_ERROR;
  return (size_t)got == len && header_parse(segment, len) ? FRAME_OK : FRAME_BAD;
}

enum frame_result segment_open(struct segment *segment, const char *state_dir, uint64_t first_lsn) {
  memset(segment, 0, sizeof *segment);
  segment->fd = -1;
  segment->first_lsn = segment->next_lsn = first_lsn;
  if (!journal_file(segment->path, state_dir, first_lsn, ".seg")) {
    errno = ENAMETOOLONG;
    return FRAME_ERROR;
  }
  segment->fd = open(segment->path, O_RDONLY | O_CLOEXEC);
  if (segment->fd < 0) return FRAME_ERROR;
  posix_fadvise(segment->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  return header_read(segment);
}

void segment_close(struct segment *segment) {
  int kept = errno;
  if (segment->fd >= 0) close(segment->fd);
  free(segment->header);
  free(segment->buffer);
  segment->header = segment->buffer = NULL;
  segment->fd = -1;
  errno = kept;
}

uint64_t segment_file_bytes(const struct segment *segment) {
  struct stat st;
  return fstat(segment->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* Has `need` bytes from `offset` on in the buffer, or as many as there are. */
static bool segment_fill(struct segment *segment, size_t need) {
  size_t have = segment->end - segment->begin;
  if (have >= need) return true;
  if (have) memmove(segment->buffer, segment->buffer + segment->begin, have);
  segment->begin = 0;
  segment->end = have;
  size_t wanted = need > CHUNK ? need : CHUNK;
  if (wanted > segment->capacity)
    segment->buffer = mem_grow(segment->buffer, &segment->capacity, wanted, 1);
  ssize_t got = read_all(segment->fd, segment->buffer + have, segment->capacity - have,
                         (off_t)(segment->offset + have));
  if (got < 0) return false;
  segment->end += (size_t)got;
  return true;
}

static bool length_fits(uint32_t len) {
  return len > 0 && len <= RECORD_BYTES_MAX;
}

bool segment_holds_next(const struct segment *segment) {
  size_t have = segment->end - segment->begin;
  return have >= FRAME_HEAD && have - FRAME_HEAD >= load_u32(segment->buffer + segment->begin + 4);
}

enum frame_result segment_next(struct segment *segment, struct slice *payload) {
  if (!segment_fill(segment, FRAME_HEAD)) return FRAME_ERROR;
  size_t have = segment->end - segment->begin;
  if (have == 0) return FRAME_END;
  if (have < FRAME_HEAD) return FRAME_BAD;
  uint32_t len = load_u32(segment->buffer + segment->begin + 4);
  if (!length_fits(len)) return FRAME_BAD;
  if (have < FRAME_HEAD + (size_t)len) {
    /* A length out of a broken frame must not make us allocate it. */
    if (segment->offset + FRAME_HEAD + len > segment_file_bytes(segment)) return FRAME_BAD;
    if (!segment_fill(segment, FRAME_HEAD + (size_t)len)) return FRAME_ERROR;
    if (segment->end - segment->begin < FRAME_HEAD + (size_t)len) return FRAME_BAD;
  }
  const char *frame = segment->buffer + segment->begin;
  if (load_u32(frame + 8) != (uint32_t)segment->next_lsn ||
      load_u32(frame) != frame_crc(frame, len, segment->next_lsn))
    return FRAME_BAD;
  *payload = (struct slice){frame + FRAME_HEAD, len};
  segment->begin += FRAME_HEAD + (size_t)len;
  segment->offset += FRAME_HEAD + (uint64_t)len;
  segment->next_lsn++;
  return FRAME_OK;
}

/* Is there a frame of an LSN in [lowest, lowest + room) at the start of `bytes`?
 * The cheap tests come first: this is asked at every byte. */
static bool frame_at(const char *bytes, size_t room, uint64_t lowest) {
  if (room <= FRAME_HEAD) return false;
  uint32_t len = load_u32(bytes + 4);
  if (len == 0 || len > room - FRAME_HEAD) return false;
  uint32_t ahead = load_u32(bytes + 8) - (uint32_t)lowest;
  if (ahead > room) return false;
  /* Only settings are long; spares the CRC of long runs of nothing. */
  if (len > 1 << 20 && (bytes[FRAME_HEAD] & 0x3f) != RECORD_SETTINGS) return false;
  return load_u32(bytes) == frame_crc(bytes, len, lowest + ahead);
}

enum frame_result segment_search_valid(struct segment *segment, uint64_t *at) {
  uint64_t file_bytes = segment_file_bytes(segment);
  if (file_bytes <= segment->offset) return FRAME_END;
  size_t len = (size_t)(file_bytes - segment->offset);
  char *tail = mem_alloc(len);
  ssize_t got = read_all(segment->fd, tail, len, (off_t)segment->offset);
  enum frame_result result = got < 0 ? FRAME_ERROR : FRAME_END;
  for (size_t i = 0; result == FRAME_END && i < (size_t)got; i++) {
    if (!frame_at(tail + i, (size_t)got - i, segment->next_lsn)) continue;
    *at = segment->offset + i;
    result = FRAME_OK;
  }
  free(tail);
  segment->begin = segment->end = 0;
  return result;
}
