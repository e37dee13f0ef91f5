#include "callpace/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callpace/base/clock.h"
#include "callpace/base/mem.h"
#include "callpace/base/text.h"

enum {
  LINE_SIZE = 4096,
  LINES_PER_WINDOW = 5,
  ERRORS_PER_WINDOW = 50,
  WINDOW_US = 10 * 1000 * 1000,
  EVENTS_REMEMBERED = 64
};

static struct {
  enum log_level level;
  char *path; /* NULL: stderr */
  int fd;
} sink = {.level = LOG_LEVEL_INFO, .fd = STDERR_FILENO};

/* How often one (level, event) came in its window. */
struct recent {
  const char *event; /* NULL: free */
  usec_t window_start_us;
  uint64_t left_out;
  enum log_level level;
  unsigned printed;
};

static struct recent recents[EVENTS_REMEMBERED];

/* Room stays for the mark of a cut line and its end. */
struct line {
  char data[LINE_SIZE];
  size_t len;
  bool cut;
};

static const char cut_mark[] = " ...";

static void add_bytes(struct line *line, const char *data, size_t len) {
  if (line->cut || len > sizeof line->data - sizeof cut_mark - line->len) {
    line->cut = true;
    return;
  }
  memcpy(line->data + line->len, data, len);
  line->len += len;
}

static void add_text(struct line *line, const char *text) {
  add_bytes(line, text, strlen(text));
}

static void add_number(struct line *line, int64_t number) {
  char digits[24];
  add_bytes(line, digits, (size_t)snprintf(digits, sizeof digits, "%lld", (long long)number));
}

static bool is_plain(struct slice text) {
  for (size_t at = 0; at < text.len;) {
    int32_t point = text_next(text, &at);
    if (text_is_hostile(point) || point == ' ' || point == '"' || point == '\\' || point == '=')
      return false;
  }
  return text.len > 0;
}

static void add_escaped(struct line *line, int32_t point, const char *data, size_t len) {
  if (point == '\n')
    add_text(line, "\\n");
  else if (point == '\r')
    add_text(line, "\\r");
  else if (point == '\t')
    add_text(line, "\\t");
  else
    for (size_t i = 0; i < len; i++) {
      char escape[5];
      snprintf(escape, sizeof escape, "\\x%02x", (unsigned char)data[i]);
      add_bytes(line, escape, 4);
    }
}

static void add_value(struct line *line, struct slice text) {
  if (is_plain(text)) {
    add_bytes(line, text.data, text.len);
    return;
  }
  add_text(line, "\"");
  for (size_t at = 0; at < text.len && !line->cut;) {
    size_t start = at;
    int32_t point = text_next(text, &at);
    if (text_is_hostile(point)) {
      add_escaped(line, point, text.data + start, at - start);
      continue;
    }
    if (point == '"' || point == '\\') add_text(line, "\\");
    add_bytes(line, text.data + start, at - start);
  }
  add_text(line, "\"");
}

/* JOURNAL_STREAM holds "device:inode" of the journal's pipe. It is inherited, so
 * it only counts when our stderr is that pipe (systemd.exec(5)). */
static bool stderr_is_journal(void) {
  const char *stream = getenv("JOURNAL_STREAM");
  unsigned long long device, inode;
  struct stat status;
  return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
         fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

static const char *level_name(enum log_level level) {
  switch (level) {
  case LOG_LEVEL_ERROR: return "error";
  case LOG_LEVEL_WARNING: return "warning";
  case LOG_LEVEL_INFO: return "info";
  case LOG_LEVEL_DEBUG: return "debug";
  }
  return "error";
}

static void add_start(struct line *line, enum log_level level) {
  if (!sink.path && stderr_is_journal()) {
    const char priority[3] = {'<', (char)('0' + level), '>'};
    add_bytes(line, priority, sizeof priority);
    return;
  }
  char now[CLOCK_TEXT_SIZE];
  add_bytes(line, now, (size_t)clock_format_rfc3339(clock_wall_ms(), now));
  add_text(line, " ");
  add_text(line, level_name(level));
  add_text(line, " ");
}

/* The entry of (level, event); a new one takes a free place or that of the
 * oldest window. */
static struct recent *find_recent(enum log_level level, const char *event, usec_t now_us) {
  struct recent *oldest = &recents[0];
  for (struct recent *r = recents; r < recents + EVENTS_REMEMBERED; r++) {
    if (r->event && r->level == level && strcmp(r->event, event) == 0) return r;
    if (oldest->event && (!r->event || r->window_start_us < oldest->window_start_us)) oldest = r;
  }
  *oldest = (struct recent){.event = event, .level = level, .window_start_us = now_us};
  return oldest;
}

/* Whether the line may be printed; *left_out is what was dropped before it. */
static bool admit(enum log_level level, const char *event, uint64_t *left_out) {
  usec_t now_us = clock_monotonic_us();
  struct recent *recent = find_recent(level, event, now_us);
  if (now_us - recent->window_start_us >= WINDOW_US) {
    recent->window_start_us = now_us;
    recent->printed = 0;
  }
  if (recent->printed >= (level == LOG_LEVEL_ERROR ? ERRORS_PER_WINDOW : LINES_PER_WINDOW)) {
    recent->left_out++;
    return false;
  }
  recent->printed++;
  *left_out = recent->left_out;
  recent->left_out = 0;
  return true;
}

/* One write a line, so that lines of several processes do not mix. There is
 * nobody to tell when it fails. */
static void write_line(struct line *line) {
  if (line->cut) {
    memcpy(line->data + line->len, cut_mark, sizeof cut_mark - 1);
    line->len += sizeof cut_mark - 1;
  }
  line->data[line->len++] = '\n';
  ssize_t written;
  do
    written = write(sink.fd, line->data, line->len);
  while (written < 0 && errno == EINTR);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields,
               unsigned count) {
  uint64_t left_out;
  int saved = errno;
  if (level > sink.level || !admit(level, event, &left_out)) return;
  struct line line;
  line.len = 0;
  line.cut = false;
  add_start(&line, level);
  add_text(&line, event);
  if (left_out) {
    add_text(&line, " repeated=");
    add_number(&line, (int64_t)left_out);
  }
  for (unsigned i = 0; i < count; i++) {
    add_text(&line, " ");
    add_text(&line, fields[i].key);
    add_text(&line, "=");
    if (fields[i].kind == LOG_NUMBER)
      add_number(&line, fields[i].number);
    else
      add_value(&line, fields[i].text);
  }
  write_line(&line);
  errno = saved;
}

void log_set_level(enum log_level level) {
  sink.level = level;
}

/* Switches to `fd` for `path`; the old descriptor is closed unless stderr. */
static void use_sink(int fd, char *path) {
  if (sink.fd != STDERR_FILENO) close(sink.fd);
  sink.fd = fd;
  if (sink.path != path) free(sink.path);
  sink.path = path;
}

static int open_append(const char *path) {
  return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

int log_set_file(const char *path) {
  if (!path) {
    use_sink(STDERR_FILENO, NULL);
    return 0;
  }
  int fd = open_append(path);
  if (fd < 0) return errno;
  use_sink(fd, mem_strdup(path));
  return 0;
}

int log_reopen(void) {
  if (!sink.path) return 0;
  int fd = open_append(sink.path);
  if (fd < 0) return errno;
  use_sink(fd, sink.path);
  return 0;
}
