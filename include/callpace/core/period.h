/* Dates, business days, working days and productive time. POLICY sections 1
 * and 3. */
#ifndef CALLPACE_CORE_PERIOD_H
#define CALLPACE_CORE_PERIOD_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/base/clock.h"
#include "callpace/base/slice.h"
#include "callpace/core/zone.h"

/* A civil date as days since 1970-01-01. A business day bears the date on which
 * it begins. */
typedef int32_t day_t;
#define DAY_NONE INT32_MIN

struct civil {
  int year, month, day; /* month and day from 1 */
};
day_t day_from_civil(struct civil civil);
struct civil civil_from_day(day_t day);
int weekday_of(day_t day); /* 0 = Monday … 6 = Sunday */
/* "2026-11-23" strictly, with a date that exists. */
bool day_parse(struct slice text, day_t *out);
enum { DAY_TEXT_SIZE = 16 };
int day_format(day_t day, char out[DAY_TEXT_SIZE]);
/* "2026-11": months are counted year * 12 + month - 1. */
typedef int32_t month_t;
month_t month_of(day_t day);
day_t month_first_day(month_t month);
int month_format(month_t month, char out[DAY_TEXT_SIZE]);
bool month_parse(struct slice text, month_t *out); /* strictly "2026-11" */
/* ISO 8601 week, "2026-W48"; a week is named by its Monday. */
day_t week_monday(day_t day);
int week_format(day_t day, char out[DAY_TEXT_SIZE]);
bool week_parse(struct slice text, day_t *monday); /* strictly, a week that the year has */

/* A day, an ISO week or a month, and the business days that it holds. */
enum period_kind { PERIOD_DAY, PERIOD_WEEK, PERIOD_MONTH, PERIOD_KINDS };
const char *period_kind_name(enum period_kind kind); /* "week"; NULL for none */
struct period {
  enum period_kind kind;
  day_t first, last;
  char text[DAY_TEXT_SIZE]; /* "2026-W48" */
};
struct period period_of(enum period_kind kind, day_t day); /* the one that holds a day */
bool period_parse(enum period_kind kind, struct slice text, struct period *out);

/* Half-open runs of time [from_ms, to_ms), sorted and disjoint. */
struct span {
  msec_t from_ms, to_ms;
};
enum { SPANS_MAX = 24 };
struct spans {
  unsigned count;
  struct span at[SPANS_MAX];
};
/* Removes [from_ms, to_ms) from the spans. When that would leave more than
 * SPANS_MAX, the last one is lost too. */
void spans_cut(struct spans *spans, msec_t from_ms, msec_t to_ms);
msec_t spans_total(const struct spans *spans);
/* Length of the spans before `at`; the inverse gives the first point in time at
 * which `length` has passed (MSEC_MAX when it never does). */
msec_t spans_elapsed(const struct spans *spans, msec_t at);
msec_t spans_point(const struct spans *spans, msec_t length);
/* Length of the spans within [from_ms, to_ms). */
msec_t spans_within(const struct spans *spans, msec_t from_ms, msec_t to_ms);

/* The centre's calendar: `calendar`, `shift`, `timezone`, `business_day_starts`
 * of the policy file. */
struct time_of_day_span {
  msec_t from_ms, to_ms; /* since local midnight */
};
enum { BREAKS_MAX = 8 };
struct calendar {
  struct zone *zone;    /* owned */
  msec_t day_starts_ms; /* since local midnight, 0 <= … < 24 h */
  bool working[7];      /* Monday first */
  day_t *holidays;      /* sorted, owned */
  size_t holiday_count;
  day_t *workdays; /* make-up working days, sorted, owned */
  size_t workday_count;
  struct time_of_day_span shift;
  struct time_of_day_span breaks[BREAKS_MAX];
  unsigned break_count;
};
void calendar_free(struct calendar *calendar); /* its content, not itself */

/* The business day that holds a point in time, and its first and one-past-last
 * moments. Where the cut-over hour makes days of 23 or 25 hours, so be it. */
day_t calendar_day_of(const struct calendar *calendar, msec_t at);
msec_t calendar_day_begin(const struct calendar *calendar, day_t day);
msec_t calendar_day_end(const struct calendar *calendar, day_t day);

/* The same as calendar_day_of for a caller who asks about the same day again and
 * again: remembers that day's bounds. Zero-initialise, and again whenever the
 * calendar changes. */
struct day_cache {
  msec_t begin_ms, end_ms;
  day_t day;
};
day_t calendar_day_of_cached(const struct calendar *calendar, struct day_cache *cache, msec_t at);

bool calendar_is_working(const struct calendar *calendar, day_t day);
/* A time of day as ms since the local midnight with which the date of the
 * business day begins: times before the cut-over hour lie on the following date.
 * A time that ends something (`is_end`) may also be the cut-over itself, the end
 * of the business day. */
msec_t calendar_in_day(const struct calendar *calendar, msec_t time_of_day, bool is_end);
/* Shift less breaks on a working day in UTC; empty on others. shift_end_ms (may
 * be NULL) gets the end of the shift, MSEC_NONE on a day that is not working. */
void calendar_productive(const struct calendar *calendar, day_t day, struct spans *out,
                         msec_t *shift_end_ms);

#endif
