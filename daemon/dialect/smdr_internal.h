/* What the files of the SMDR dialect share. */
#ifndef CALLPACE_DIALECT_SMDR_INTERNAL_H
#define CALLPACE_DIALECT_SMDR_INTERNAL_H

#include "callpace/dialect/dialect.h"
#include "callpace/dialect/smdr_layout.h"

enum { SMDR_LINE_MAX = 4096, SMDR_MESSAGE_SIZE = 160 };

/* One line, taken apart and understood. */
struct smdr_record {
  struct slice field[SMDR_FIELDS];
  struct slice agent, number; /* empty agent: nobody's call */
  enum call_dir dir;
  enum call_outcome outcome;
  msec_t start_ms, answer_ms, end_ms, talk_ms; /* answer: MSEC_NONE when it was not */
  char unquoted[SMDR_LINE_MAX];
};

enum smdr_reading {
  SMDR_READ,
  SMDR_SKIPPED, /* no call of an agent: a heading, a voicemail */
  SMDR_REFUSED  /* `code` and `message` say why */
};

/* Reads a line by its layout. Times of the switch are local to `zone`; a date
 * without a year is the one nearest before `now`. `message` has SMDR_MESSAGE_SIZE. */
enum smdr_reading smdr_line_read(const struct smdr_layout *layout, const struct zone *zone,
                                 struct slice line, msec_t now_ms, struct smdr_record *record,
                                 const char **code, char *message);

/* "00:01'05", "5'15", "125" -> ms; a single number counts in units. False when it
 * is no such time. */
bool smdr_duration(struct slice text, int64_t unit_ms, msec_t *out);

#endif
