/* What went wrong, where, in words for the person who can mend it. */
#ifndef CALLPACE_BASE_STATUS_H
#define CALLPACE_BASE_STATUS_H

#include <stddef.h>

/* Outcome of a call that can fail. The values that a program ends with are the
 * exit codes of sysexits.h, as users of the daemon and the client see them. */
enum status {
  STATUS_OK = 0,
  STATUS_USAGE = 64,       /* wrong command line */
  STATUS_UNAVAILABLE = 69, /* something needed does not answer */
  STATUS_BUG = 70,         /* our own fault */
  STATUS_IO = 74,          /* the system refused a read or a write */
  STATUS_PERMISSION = 77,  /* not allowed to */
  STATUS_CONFIG = 78,      /* bad configuration or a damaged journal */
};

enum { ERROR_TEXT_SIZE = 512 };

/* An error with its place. `text` is one line without a final full stop and
 * already starts with the place ("FILE:LINE:COLUMN: message") where there is
 * one. Zero-initialise; it stays all zero on success. */
struct error {
  enum status status;
  char text[ERROR_TEXT_SIZE];
};

/* Fills `error` (may be NULL) from a printf format, cut to fit, and returns
 * `status`, so that a failing function can `return error_set(...)`. */
enum status error_set(struct error *error, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with ": strerror(errno)" behind it; errno is read on entry. */
enum status error_set_errno(struct error *error, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The candidate nearest to `word` by edit distance, for "did you mean"; NULL
 * when none is near. `candidates` ends with NULL; the result is one of them. */
const char *nearest_word(const char *word, const char *const *candidates);

#endif
