/* Reads comma-separated values (RFC 4180): quoted fields, "" for a quote, any line
 * end, a byte order mark before the first field. Whoever wrote the file may be
 * hostile: whatever stands there, reading goes on and ends. */
#ifndef CALLPACE_BASE_CSV_H
#define CALLPACE_BASE_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "callpace/base/slice.h"
#include "callpace/base/writer.h"

enum { CSV_FIELDS_MAX = 64 };

struct csv {
  struct slice rest;
  unsigned long line; /* of the row read last, from 1 on */
  unsigned long next_line;
  unsigned count;                      /* its fields; those beyond CSV_FIELDS_MAX are passed over */
  struct slice fields[CSV_FIELDS_MAX]; /* good until the next row */
  struct writer text;                  /* of quoted fields */
};
/* `text` is borrowed. Free with csv_free. */
struct csv csv_of(struct slice text);
void csv_free(struct csv *csv);

/* The next row that is not empty; false at the end. A quote that is never closed ends
 * with the text. */
bool csv_next(struct csv *csv);
/* A field of the row; empty where there are less. */
struct slice csv_field(const struct csv *csv, unsigned index);

#endif
