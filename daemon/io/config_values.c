/* Scalars of the files, and the files themselves. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callpace/base/text.h"
#include "config_internal.h"

bool value_int(struct slice text, int64_t *out) {
  bool negative = text.len > 1 && text.data[0] == '-';
  size_t i = negative || (text.len > 1 && text.data[0] == '+');
  if (i == text.len || text.len - i > 18) return false;
  int64_t value = 0;
  for (; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') return false;
    value = value * 10 + (text.data[i] - '0');
  }
  *out = negative ? -value : value;
  return true;
}

bool value_rate(struct slice text, int64_t *basis_points) {
  int64_t value = 0, unit = 10000;
  size_t i = 0;
  for (; i < text.len && text.data[i] >= '0' && text.data[i] <= '9' && i < 6; i++)
    value = value * 10 + (text.data[i] - '0') * unit;
  if (i == 0) return false;
  if (i < text.len && text.data[i] == '.') {
    size_t first = ++i;
    for (; i < text.len && text.data[i] >= '0' && text.data[i] <= '9' && unit > 1; i++) {
      unit /= 10;
      value += (text.data[i] - '0') * unit;
    }
    while (i < text.len && text.data[i] == '0')
      i++;
    if (i == first) return false;
  }
  if (i != text.len) return false;
  *basis_points = value;
  return true;
}

static bool two_digits(const char *at, int64_t max, int64_t *out) {
  if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9') return false;
  *out = (at[0] - '0') * 10 + (at[1] - '0');
  return *out <= max;
}

bool value_time(struct slice text, int64_t *ms) {
  int64_t hours, minutes;
  if (text.len != 5 || text.data[2] != ':') return false;
  if (!two_digits(text.data, 24, &hours) || !two_digits(text.data + 3, 59, &minutes)) return false;
  if (hours == 24 && minutes > 0) return false;
  *ms = hours * MSEC_PER_HOUR + minutes * MSEC_PER_MIN;
  return true;
}

bool value_weekday(struct slice text, int *weekday) {
  static const char names[7][4] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  for (int i = 0; i < 7; i++) {
    if (text.len != 3 || memcmp(text.data, names[i], 3) != 0) continue;
    *weekday = i;
    return true;
  }
  return false;
}

bool value_is_name(struct slice text) {
  for (size_t i = 0; i < text.len; i++) {
    char c = text.data[i];
    bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                c == '_' || c == '.' || c == '-';
    if (!good) return false;
  }
  return text.len >= 1 && text.len <= 64;
}

const char *path_resolve(struct reading *r, struct slice path) {
  if (path.data[0] == '/' || r->dir[0] == 0) return arena_dup(r->arena, path);
  size_t dir_len = strlen(r->dir);
  char *joined = arena_alloc(r->arena, dir_len + 1 + path.len + 1);
  memcpy(joined, r->dir, dir_len);
  joined[dir_len] = '/';
  memcpy(joined + dir_len + 1, path.data, path.len);
  return joined;
}

static enum status open_failed(const char *path, struct error *error) {
  enum status status = errno == EACCES || errno == EPERM ? STATUS_PERMISSION
                       : errno == EIO                    ? STATUS_IO
                                                         : STATUS_CONFIG;
  return error_set_errno(error, status, "%s", path);
}

static enum status read_all(int fd, const char *path, size_t max, char **text, size_t *len,
                            struct error *error) {
  struct stat st;
  if (fstat(fd, &st) != 0) return error_set_errno(error, STATUS_IO, "%s", path);
  if (!S_ISREG(st.st_mode)) return error_set(error, STATUS_CONFIG, "%s: not a regular file", path);
  char *bytes = NULL;
  size_t used = 0, capacity = 0;
  for (;;) {
    bytes = mem_grow(bytes, &capacity, used + 4096, 1);
    ssize_t n = read(fd, bytes + used, capacity - used - 1);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      free(bytes);
      return error_set_errno(error, STATUS_IO, "%s", path);
    }
    used += (size_t)n;
    if (n == 0 || used > max) break;
  }
  if (used > max) {
    free(bytes);
    return error_set(error, STATUS_CONFIG, "%s: larger than %zu KiB", path, max / 1024);
  }
  bytes[used] = 0;
  *text = bytes;
  *len = used;
  return STATUS_OK;
}

enum status file_read(const char *path, size_t max, char **text, size_t *len, struct error *error) {
  /* Non-blocking, so that a FIFO put in the place of a file cannot hold us. */
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return open_failed(path, error);
  enum status status = read_all(fd, path, max, text, len, error);
  close(fd);
  return status;
}
