/* IANA time zones: the transitions of a TZif file (RFC 8536), version 2 or
 * later, with its footer rule for the time after the table. Pure: somebody else
 * read the bytes. */
#ifndef CALLPACE_CORE_ZONE_H
#define CALLPACE_CORE_ZONE_H

#include "callpace/base/clock.h"
#include "callpace/base/slice.h"
#include "callpace/base/status.h"

struct zone;

/* Parses a whole TZif file; copies what it keeps. NULL with STATUS_CONFIG in
 * `error` when it is none, is cut short or holds what cannot be. */
struct zone *zone_parse(struct slice tzif, const char *name, struct error *error);
void zone_free(struct zone *zone); /* NULL is fine */
const char *zone_name(const struct zone *zone);

/* Offset from UTC in ms at a point in time; east is positive. */
msec_t zone_offset_ms(const struct zone *zone, msec_t at);

/* A local wall time (ms since 1970-01-01 local) in UTC. A time that does not
 * exist (spring forward) moves forward by the gap; one that exists twice is the
 * first. */
msec_t zone_to_utc(const struct zone *zone, msec_t local_ms);

#endif
