/* Refused input, kept for the person who must find out why: STATE_DIR/rejects/
 * DATE.jsonl, one JSON object a line (CONTRACT section 2, "Bad input"). */
#ifndef CALLPACE_IO_REJECTS_H
#define CALLPACE_IO_REJECTS_H

#include "callpace/base/clock.h"
#include "callpace/base/slice.h"
#include "callpace/base/status.h"

struct rejects;

/* A day's file grows to this and no further: a sender gone mad must not fill the
 * disk that the journal needs. The number left out is logged. */
enum { REJECTS_DAY_MAX = 64 << 20, REJECTS_DAYS = 14 };

/* Makes the directory when it is missing. */
enum status rejects_open(const char *state_dir, struct rejects **out, struct error *error);
void rejects_close(struct rejects *rejects); /* writes what is buffered; NULL is fine */

/* `line` is cut to 4,096 bytes; what is no UTF-8 in it is shown as U+FFFD. */
void rejects_add(struct rejects *rejects, msec_t now_ms, const char *source, const char *code,
                 struct slice line);
/* Writes what is buffered; once a tick. A failure is logged, never fatal. */
void rejects_flush(struct rejects *rejects);

#endif
