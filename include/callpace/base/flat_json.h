/* Strict scanner for one flat JSON object (RFC 8259, without nesting): strings,
 * numbers, true, false, null as values. No allocation; the members borrow from
 * the line, strings with escapes from `scratch`. */
#ifndef CALLPACE_BASE_FLAT_JSON_H
#define CALLPACE_BASE_FLAT_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/base/slice.h"

enum flat_kind { FLAT_STRING, FLAT_NUMBER, FLAT_TRUE, FLAT_FALSE, FLAT_NULL };

struct flat_member {
  struct slice key;   /* unescaped */
  struct slice value; /* string: unescaped content; others: as written */
  enum flat_kind kind;
};

enum flat_result {
  FLAT_OK,
  FLAT_BAD_JSON, /* not one flat object: syntax, nesting, duplicate key, lone surrogate escape, >
                    FLAT_MEMBERS_MAX */
  FLAT_BAD_UTF8, /* bytes that are no UTF-8, checked first over the whole line */
};

enum { FLAT_LINE_MAX = 4096, FLAT_MEMBERS_MAX = 256 };

struct flat_object {
  struct flat_member members[FLAT_MEMBERS_MAX];
  unsigned count;
  const char *error; /* static text: what was wrong; NULL when FLAT_OK */
  size_t error_at;   /* byte offset in the line */
  char scratch[FLAT_LINE_MAX];
};

/* Scans `line` (at most FLAT_LINE_MAX bytes, else FLAT_BAD_JSON; no line
 * ending). JSON white space around is allowed. Escapes, \u0000 included, are
 * resolved. `object` needs no initialisation. */
enum flat_result flat_json_scan(struct slice line, struct flat_object *object);

/* An integer in the range of int64: digits with an optional minus, no fraction
 * or exponent. False otherwise. */
bool flat_int(const struct flat_member *member, int64_t *out);

#endif
