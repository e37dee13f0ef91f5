/* Time as data. Nothing below io reads a clock by itself: callers hand `now` in. */
#ifndef CALLPACE_BASE_CLOCK_H
#define CALLPACE_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/base/slice.h"

typedef int64_t msec_t; /* milliseconds; as a point in time since 1970-01-01 UTC */
typedef int64_t usec_t; /* microseconds, same use */

/* "Not known" for a point in time. Smaller than any real one. */
#define MSEC_NONE INT64_MIN
#define MSEC_MAX  INT64_MAX

enum { MSEC_PER_SEC = 1000, MSEC_PER_MIN = 60 * 1000, MSEC_PER_HOUR = 3600 * 1000 };
#define MSEC_PER_DAY ((msec_t)86400 * 1000)

/* Wall clock and monotonic clock of the machine, read now. */
msec_t clock_wall_ms(void);
usec_t clock_wall_us(void);
usec_t clock_monotonic_us(void);

/* Parses RFC 3339 ("2026-11-23T09:00:00.250+08:00", "Z", lower case t and z
 * allowed; leap second 60 reads as 59.999) into UTC milliseconds, fractions
 * beyond milliseconds cut. False when it is not one; `out` stays untouched.
 * RFC 3339, section 5.6. */
bool clock_parse_rfc3339(struct slice text, msec_t *out);

/* Writes "2026-11-23T01:00:00.250Z" and NUL into `out`; returns its length. */
enum { CLOCK_TEXT_SIZE = 32 };
int clock_format_rfc3339(msec_t at, char out[CLOCK_TEXT_SIZE]);

#endif
