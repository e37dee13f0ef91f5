/* What the readers of the two switches' records share; nobody else includes it. */
#ifndef CALLPACE_CORE_CDR_INTERNAL_H
#define CALLPACE_CORE_CDR_INTERNAL_H

#include "callpace/base/csv.h"
#include "callpace/base/table.h"
#include "callpace/core/cdr.h"

struct cdr_reading {
  struct csv csv;
  const struct roster *roster;
  const struct zone *zone;
  msec_t from_ms, to_ms;
  struct cdr_list *list;
  struct error *error;
};

/* "2026-11-23 09:00:00" of the zone; MSEC_NONE for anything else. */
msec_t cdr_local_time(const struct cdr_reading *r, struct slice text);
/* Digits, at most 18 of them; -1 for anything else. */
int64_t cdr_number(struct slice text);
/* Adds a call, or joins it to the one that has the same id. */
void cdr_add(struct cdr_reading *r, const struct cdr_call *call);
bool cdr_is_asked(const struct cdr_reading *r, msec_t start_ms);

/* Read all rows. */
enum status cdr_read_asterisk(struct cdr_reading *r);
enum status cdr_read_freeswitch(struct cdr_reading *r);

#endif
