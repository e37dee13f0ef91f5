#include "callpace/io/rejects.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callpace/base/log.h"
#include "callpace/base/mem.h"
#include "callpace/base/writer.h"

enum { LINE_MAX_BYTES = 4096, BUFFER_MAX = 1 << 20 };

struct rejects {
  char *dir;
  int fd;
  char day[11]; /* of the open file, UTC */
  uint64_t written, left_out;
  struct writer buffer;
};

enum status rejects_open(const char *state_dir, struct rejects **out, struct error *error) {
  struct writer path = {0};
  put_format(&path, "%s/rejects", state_dir);
  const char *dir = writer_text(&path);
  if (mkdir(dir, 0750) != 0 && errno != EEXIST) {
    enum status status = error_set_errno(error, STATUS_IO, "cannot make %s", dir);
    writer_free(&path);
    return status;
  }
  struct rejects *r = mem_zalloc(sizeof *r);
  r->dir = path.data; /* the writer's memory becomes ours */
  r->fd = -1;
  *out = r;
  return STATUS_OK;
}

static int by_name(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_day_file(const struct dirent *entry) {
  return strlen(entry->d_name) == 16 && strcmp(entry->d_name + 10, ".jsonl") == 0;
}

static void remove_old(const struct rejects *r) {
  struct dirent **files = NULL;
  int count = scandir(r->dir, &files, is_day_file, by_name);
  for (int i = 0; i < count; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", r->dir, files[i]->d_name);
    if (i < count - REJECTS_DAYS) unlink(path);
    free(files[i]);
  }
  free(files);
}

/* A new file each day. */
static void turn_page(struct rejects *r, const char *day) {
  if (r->fd >= 0 && strcmp(r->day, day) == 0) return;
  rejects_flush(r);
  if (r->left_out) log_warning("rejects_left_out", KV("day", r->day), KV_INT("lines", r->left_out));
  if (r->fd >= 0) close(r->fd);
  char path[4096];
  snprintf(r->day, sizeof r->day, "%s", day);
  snprintf(path, sizeof path, "%s/%s.jsonl", r->dir, r->day);
  r->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  struct stat st;
  r->written = r->fd >= 0 && fstat(r->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
  r->left_out = 0;
  remove_old(r);
}

void rejects_add(struct rejects *r, msec_t now_ms, const char *source, const char *code,
                 struct slice line) {
  char time[CLOCK_TEXT_SIZE], day[11];
  clock_format_rfc3339(now_ms, time);
  snprintf(day, sizeof day, "%.10s", time);
  turn_page(r, day);
  if (r->written + r->buffer.len > REJECTS_DAY_MAX) {
    r->left_out++;
    return;
  }
  if (line.len > LINE_MAX_BYTES) line.len = LINE_MAX_BYTES;
  json_open(&r->buffer, '{');
  json_put_text(&r->buffer, "time", time);
  json_put_text(&r->buffer, "source", source);
  json_put_text(&r->buffer, "code", code);
  json_put_string(&r->buffer, "line", line);
  json_close(&r->buffer, '}');
  put_char(&r->buffer, '\n');
  r->buffer.comma = false;
  if (r->buffer.len > BUFFER_MAX) rejects_flush(r);
}

void rejects_flush(struct rejects *r) {
  size_t done = 0;
  while (r->fd >= 0 && done < r->buffer.len) {
    ssize_t wrote = write(r->fd, r->buffer.data + done, r->buffer.len - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) {
      log_error("rejects_not_written", KV("reason", strerror(errno)));
      break;
    }
    done += (size_t)wrote;
  }
  r->written += done;
  writer_reset(&r->buffer);
}

void rejects_close(struct rejects *r) {
  if (!r) return;
  rejects_flush(r);
  if (r->fd >= 0) close(r->fd);
  writer_free(&r->buffer);
  free(r->dir);
  free(r);
}
