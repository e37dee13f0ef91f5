/* How a switch writes one line a finished call (SMDR, station message detail
 * recording): which part of the line means what. Read from YAML by io/config;
 * immutable after. doc/switches.md tells the file's format. */
#ifndef CALLPACE_DIALECT_SMDR_LAYOUT_H
#define CALLPACE_DIALECT_SMDR_LAYOUT_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "callpace/core/call_event.h"
#include "callpace/core/zone.h"

enum smdr_kind { SMDR_SEPARATED, SMDR_COLUMNS, SMDR_REGEX };

enum smdr_field {
  SMDR_CALL,   /* the switch's id of the call */
  SMDR_AGENT,  /* without it: the caller or the called, by the direction */
  SMDR_NUMBER, /* without it: the other one */
  SMDR_CALLER,
  SMDR_CALLED,
  SMDR_DIR,
  SMDR_INTERNAL, /* its words make a call internal, whatever its direction */
  SMDR_START,    /* with date and time of day */
  SMDR_END,
  SMDR_DATE, /* with SMDR_TIME in place of one of these */
  SMDR_TIME,
  SMDR_DURATION,
  SMDR_RING,
  SMDR_OUTCOME,
  SMDR_CAUSE,
  SMDR_QUEUE,
  SMDR_TRUNK,
  SMDR_FIELDS
};
const char *smdr_field_name(enum smdr_field field); /* "call", "agent" */

/* Where a field stands. Separated: `from`, the position from 1. Columns: `from` to
 * `to`, from 1. Regex: `from`, the number of its group. */
struct smdr_place {
  bool given;
  unsigned from, to;
  regex_t *match; /* what of it is the value: its last group that took part; or NULL: all */
};

/* A word of the switch and what it means, e.g. an enum call_dir. */
struct smdr_word {
  struct slice word;
  int meaning;
};
struct smdr_words {
  struct smdr_word *at;
  size_t count;
};

enum { SMDR_GROUPS_MAX = 32 }; /* of the regular expression, the whole match included */

struct smdr_layout {
  const char *path; /* of its file */
  enum smdr_kind kind;
  char separator, quote; /* quote: '\0' for none */
  regex_t *regex;
  struct smdr_place places[SMDR_FIELDS];
  const char *time_format;  /* as strptime(3), or "epoch", "epoch_ms", "rfc3339" */
  bool time_is_end;         /* what date and time tell */
  bool duration_is_total;   /* the duration includes the ringing */
  int64_t duration_unit_ms; /* of a duration that is one number */
  struct zone *zone;        /* NULL: the policy's */
  struct smdr_words dirs, internals, outcomes;
  enum call_dir dir_otherwise;
  regex_t **skip; /* lines that are passed over */
  size_t skip_count;
};

/* Frees what regcomp and zone_parse made; the rest is its maker's. NULL is fine. */
void smdr_layout_clear(struct smdr_layout *layout);

#endif
