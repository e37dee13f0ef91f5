#include "callpace/base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void error_format(struct error *error, enum status status, const char *format,
                         va_list arguments) {
  error->status = status;
  vsnprintf(error->text, sizeof error->text, format, arguments);
}

enum status error_set(struct error *error, enum status status, const char *format, ...) {
  if (error) {
    va_list arguments;
    va_start(arguments, format);
    error_format(error, status, format, arguments);
    va_end(arguments);
  }
  return status;
}

enum status error_set_errno(struct error *error, enum status status, const char *format, ...) {
  int saved = errno;
  if (error) {
    va_list arguments;
    va_start(arguments, format);
    error_format(error, status, format, arguments);
    va_end(arguments);
    char reason[128];
    size_t len = strlen(error->text);
    snprintf(error->text + len, sizeof error->text - len, ": %s",
             strerror_r(saved, reason, sizeof reason));
  }
  return status;
}

enum { WORD_MAX = 63 };

static unsigned min3(unsigned a, unsigned b, unsigned c) {
  unsigned smaller = a < b ? a : b;
  return smaller < c ? smaller : c;
}

/* Optimal string alignment: edits are one letter more, less, other, or two
 * neighbours swapped, the slips of a typist. Both words at most WORD_MAX. */
static unsigned edit_distance(const char *a, size_t a_len, const char *b, size_t b_len) {
  unsigned rows[3][WORD_MAX + 1];
  unsigned *before = rows[0], *last = rows[1], *row = rows[2];
  for (unsigned j = 0; j <= b_len; j++)
    last[j] = j;
  for (unsigned i = 1; i <= a_len; i++) {
    row[0] = i;
    for (unsigned j = 1; j <= b_len; j++) {
      row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] < row[j])
        row[j] = before[j - 2] + 1;
    }
    unsigned *oldest = before;
    before = last;
    last = row;
    row = oldest;
  }
  return last[b_len];
}

const char *nearest_word(const char *word, const char *const *candidates) {
  size_t len = strlen(word);
  if (len > WORD_MAX) return NULL;
  const char *best = NULL;
  unsigned best_distance = len <= 3 ? 2 : (unsigned)len / 3 + 2;
  for (; *candidates; candidates++) {
    size_t candidate_len = strlen(*candidates);
    if (candidate_len > WORD_MAX) continue;
    unsigned distance = edit_distance(word, len, *candidates, candidate_len);
    if (distance < best_distance && distance < candidate_len) {
      best = *candidates;
      best_distance = distance;
    }
  }
  return best;
}
