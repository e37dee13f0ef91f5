#include "callpace/io/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status failed(const char *path, struct error *error) {
  bool denied = errno == EACCES || errno == EPERM || errno == EROFS;
  return error_set_errno(error, denied ? STATUS_PERMISSION : STATUS_IO, "%s", path);
}

static bool path_of(char path[PATH_MAX], const char *dir, const char *before, const char *name,
                    const char *behind) {
  int len = snprintf(path, PATH_MAX, "%s/%s%s%s", dir, before, name, behind);
  if (len > 0 && len < PATH_MAX) return true;
  errno = ENAMETOOLONG;
  return false;
}

bool folder_has(const char *dir, const char *name) {
  char path[PATH_MAX];
  struct stat st;
  return path_of(path, dir, "", name, "") && lstat(path, &st) == 0;
}

static bool write_all(int fd, struct slice text) {
  for (size_t at = 0; at < text.len;) {
    ssize_t n = write(fd, text.data + at, text.len - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += (size_t)n;
  }
  return fsync(fd) == 0;
}

/* One name for what is written aside, so that a broken off one is overwritten. */
static bool write_aside(const char *aside, struct slice text) {
  int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0) return false;
  bool done = write_all(fd, text);
  int why = errno;
  close(fd);
  if (!done) unlink(aside);
  errno = why;
  return done;
}

static bool sync_dir(const char *dir) {
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool done = fd >= 0 && fsync(fd) == 0;
  int why = errno;
  if (fd >= 0) close(fd);
  errno = why;
  return done;
}

enum status folder_write(const char *dir, const char *name, struct slice text, bool *written,
                         struct error *error) {
  char path[PATH_MAX], aside[PATH_MAX];
  if (written) *written = false;
  if (!path_of(path, dir, "", name, "") || !path_of(aside, dir, ".", name, ".tmp"))
    return failed(dir, error);
  if (folder_has(dir, name)) return STATUS_OK;
  if (mkdir(dir, 0750) != 0 && errno != EEXIST) return failed(dir, error);
  if (!write_aside(aside, text)) return failed(aside, error);
  if (rename(aside, path) != 0) return failed(path, error);
  if (!sync_dir(dir)) return failed(dir, error);
  if (written) *written = true;
  return STATUS_OK;
}
