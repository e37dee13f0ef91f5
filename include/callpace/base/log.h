/* Log lines as key=value on stderr, or in a file. Under systemd (JOURNAL_STREAM
 * names our stderr) a line starts with the priority "<N>", else with time and level.
 * Hostile bytes are escaped; a line repeated quickly is counted, not printed. */
#ifndef CALLPACE_BASE_LOG_H
#define CALLPACE_BASE_LOG_H

#include <stdint.h>

#include "callpace/base/slice.h"

enum log_level {
  LOG_LEVEL_ERROR = 3,
  LOG_LEVEL_WARNING = 4,
  LOG_LEVEL_INFO = 6,
  LOG_LEVEL_DEBUG = 7
};

/* One key=value. Build with the helpers below. */
struct log_field {
  const char *key;
  enum { LOG_TEXT, LOG_NUMBER } kind;
  struct slice text;
  int64_t number;
};
#define KV(k, v)       ((struct log_field){.key = (k), .kind = LOG_TEXT, .text = slice_of(v)})
#define KV_SLICE(k, v) ((struct log_field){.key = (k), .kind = LOG_TEXT, .text = (v)})
#define KV_INT(k, v)   ((struct log_field){.key = (k), .kind = LOG_NUMBER, .number = (int64_t)(v)})

/* event: a short fixed name in snake case, e.g. "source_down". At most 5 lines
 * of one (level, event) in 10 s (errors 50); the number left out is told with
 * the next one printed, as repeated=N. */
void log_write(enum log_level level, const char *event, const struct log_field *fields,
               unsigned count);
#define log_error(event, ...)   LOG_AT(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define log_warning(event, ...) LOG_AT(LOG_LEVEL_WARNING, event, __VA_ARGS__)
#define log_info(event, ...)    LOG_AT(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_debug(event, ...)   LOG_AT(LOG_LEVEL_DEBUG, event, __VA_ARGS__)
#define LOG_AT(level, event, ...)                                                                  \
  log_write((level), (event), (const struct log_field[]){__VA_ARGS__},                             \
            sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

/* Lines below `level` are dropped (default info). */
void log_set_level(enum log_level level);
/* Writes to a file from now on (NULL = stderr), and log_reopen opens it anew
 * after rotation. Returns 0 or an errno. */
int log_set_file(const char *path);
int log_reopen(void);

#endif
