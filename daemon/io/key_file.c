#include "callpace/io/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

enum { PATH_MAX_BYTES = 4096 };

static enum status sync_directory(const char *dir, struct error *error) {
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return error_set_errno(error, STATUS_IO, "%s", dir);
  enum status status = fsync(fd) == 0 ? STATUS_OK : error_set_errno(error, STATUS_IO, "%s", dir);
  close(fd);
  return status;
}

/* Written aside and moved, so that half a key is never read. */
static enum status make_key(const char *dir, const char *path, uint8_t *key, size_t len,
                            struct error *error) {
  char aside[PATH_MAX_BYTES + 8];
  snprintf(aside, sizeof aside, "%s.new", path);
  if (getrandom(key, len, 0) != (ssize_t)len)
    return error_set_errno(error, STATUS_IO, "no random numbers");
  int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return error_set_errno(error, STATUS_IO, "%s", aside);
  bool good = write(fd, key, len) == (ssize_t)len && fsync(fd) == 0;
  if (!good) error_set_errno(error, STATUS_IO, "%s", aside);
  close(fd);
  if (!good) return STATUS_IO;
  if (rename(aside, path) != 0) return error_set_errno(error, STATUS_IO, "%s", path);
  return sync_directory(dir, error);
}

enum status key_file_read(const char *state_dir, const char *name, uint8_t *key, size_t len,
                          struct error *error) {
  char path[PATH_MAX_BYTES];
  if ((size_t)snprintf(path, sizeof path, "%s/%s", state_dir, name) >= sizeof path)
    return error_set(error, STATUS_CONFIG, "%s: the path is too long", state_dir);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return make_key(state_dir, path, key, len, error);
  if (fd < 0) return error_set_errno(error, STATUS_IO, "%s", path);
  uint8_t more;
  bool good = read(fd, key, len) == (ssize_t)len && read(fd, &more, 1) == 0;
  close(fd);
  if (good) return STATUS_OK;
  return error_set(error, STATUS_CONFIG, "%s: not a key of %zu bytes; remove it for a new one",
                   path, len);
}
