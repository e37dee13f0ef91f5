#include "callpace/core/period.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b < 0);
}

/* Both conversions count years from March, so that the leap day comes last
 * (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
day_t day_from_civil(struct civil civil) {
  int64_t y = civil.year - (civil.month <= 2);
  int64_t era = floor_div(y, 400), year_of_era = y - era * 400;
  int64_t month = (civil.month + 9) % 12;
  int64_t day_of_year = (153 * month + 2) / 5 + civil.day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return (day_t)(era * 146097 + day_of_era - 719468);
}

struct civil civil_from_day(day_t day) {
  int64_t z = (int64_t)day + 719468;
  int64_t era = floor_div(z, 146097), doe = z - era * 146097;
  int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int64_t mp = (5 * doy + 2) / 153;
  int64_t month = mp < 10 ? mp + 3 : mp - 9;
  return (struct civil){.year = (int)(yoe + era * 400 + (month <= 2)),
                        .month = (int)month,
                        .day = (int)(doy - (153 * mp + 2) / 5 + 1)};
}

int weekday_of(day_t day) {
  int64_t since_monday = (int64_t)day + 3; /* 1970-01-01 was a Thursday */
  return (int)(since_monday - floor_div(since_monday, 7) * 7);
}

static bool two_digits(const char *at, int *out) {
  if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9') return false;
  *out = (at[0] - '0') * 10 + (at[1] - '0');
  return true;
}

bool day_parse(struct slice text, day_t *out) {
  int century, year, month, day;
  if (text.len != 10 || text.data[4] != '-' || text.data[7] != '-') return false;
  if (!two_digits(text.data, &century) || !two_digits(text.data + 2, &year) ||
      !two_digits(text.data + 5, &month) || !two_digits(text.data + 8, &day))
    return false;
  if (month < 1 || month > 12) return false;
  struct civil civil = {.year = century * 100 + year, .month = month, .day = day};
  day_t result = day_from_civil(civil);
  struct civil back = civil_from_day(result); /* a date that does not exist comes back another */
  if (back.month != month || back.day != day) return false;
  *out = result;
  return true;
}

int day_format(day_t day, char out[DAY_TEXT_SIZE]) {
  struct civil c = civil_from_day(day);
  return snprintf(out, DAY_TEXT_SIZE, "%04d-%02d-%02d", c.year, c.month, c.day);
}

month_t month_of(day_t day) {
  struct civil c = civil_from_day(day);
  return c.year * 12 + c.month - 1;
}

static struct civil month_civil(month_t month) {
  int year = (int)floor_div(month, 12);
  return (struct civil){.year = year, .month = month - year * 12 + 1, .day = 1};
}

day_t month_first_day(month_t month) {
  return day_from_civil(month_civil(month));
}

int month_format(month_t month, char out[DAY_TEXT_SIZE]) {
  struct civil c = month_civil(month);
  return snprintf(out, DAY_TEXT_SIZE, "%04d-%02d", c.year, c.month);
}

day_t week_monday(day_t day) {
  return day - weekday_of(day);
}

int week_format(day_t day, char out[DAY_TEXT_SIZE]) {
  day_t thursday = week_monday(day) + 3; /* the week bears the year of its Thursday */
  int year = civil_from_day(thursday).year;
  int week = (thursday - day_from_civil((struct civil){year, 1, 1})) / 7 + 1;
  return snprintf(out, DAY_TEXT_SIZE, "%04d-W%02d", year, week);
}

bool month_parse(struct slice text, month_t *out) {
  char first[DAY_TEXT_SIZE];
  day_t day;
  if (text.len != 7) return false;
  memcpy(first, text.data, 7);
  memcpy(first + 7, "-01", 3);
  if (!day_parse((struct slice){first, 10}, &day)) return false;
  *out = month_of(day);
  return true;
}

bool week_parse(struct slice text, day_t *monday) {
  int century, year, week;
  char back[DAY_TEXT_SIZE];
  if (text.len != 8 || text.data[4] != '-' || text.data[5] != 'W') return false;
  if (!two_digits(text.data, &century) || !two_digits(text.data + 2, &year) ||
      !two_digits(text.data + 6, &week))
    return false;
  /* The fourth of January is always in the first week. */
  day_t day = week_monday(day_from_civil((struct civil){century * 100 + year, 1, 4}));
  day += 7 * (week - 1);
  week_format(day, back); /* a week 00 or 53 that is not there comes back another */
  if (memcmp(back, text.data, 8) != 0) return false;
  *monday = day;
  return true;
}

const char *period_kind_name(enum period_kind kind) {
  static const char *const names[PERIOD_KINDS] = {"day", "week", "month"};
  return (unsigned)kind < PERIOD_KINDS ? names[kind] : NULL;
}

struct period period_of(enum period_kind kind, day_t day) {
  struct period period = {.kind = kind, .first = day, .last = day};
  if (kind == PERIOD_WEEK) {
    period.first = week_monday(day);
    period.last = period.first + 6;
    week_format(day, period.text);
  } else if (kind == PERIOD_MONTH) {
    period.first = month_first_day(month_of(day));
    period.last = month_first_day(month_of(day) + 1) - 1;
    month_format(month_of(day), period.text);
  } else {
    day_format(day, period.text);
  }
  return period;
}

bool period_parse(enum period_kind kind, struct slice text, struct period *out) {
  day_t day = DAY_NONE;
  month_t month;
  bool good = false;
  if (kind == PERIOD_DAY) good = day_parse(text, &day);
  if (kind == PERIOD_WEEK) good = week_parse(text, &day);
  if (kind == PERIOD_MONTH && (good = month_parse(text, &month))) day = month_first_day(month);
  if (good) *out = period_of(kind, day);
  return good;
}

/* --- spans --- */

static void spans_add(struct spans *spans, msec_t from_ms, msec_t to_ms) {
  if (from_ms < to_ms && spans->count < SPANS_MAX)
    spans->at[spans->count++] = (struct span){from_ms, to_ms};
}

void spans_cut(struct spans *spans, msec_t from_ms, msec_t to_ms) {
  if (from_ms >= to_ms) return;
  struct spans left = {.count = 0};
  for (unsigned i = 0; i < spans->count; i++) {
    struct span s = spans->at[i];
    if (s.to_ms <= from_ms || s.from_ms >= to_ms) {
      spans_add(&left, s.from_ms, s.to_ms);
    } else {
      spans_add(&left, s.from_ms, from_ms);
      spans_add(&left, to_ms, s.to_ms);
    }
  }
  *spans = left;
}

msec_t spans_total(const struct spans *spans) {
  msec_t total = 0;
  for (unsigned i = 0; i < spans->count; i++)
    total += spans->at[i].to_ms - spans->at[i].from_ms;
  return total;
}

msec_t spans_elapsed(const struct spans *spans, msec_t at) {
  msec_t total = 0;
  for (unsigned i = 0; i < spans->count && spans->at[i].from_ms < at; i++)
    total += (spans->at[i].to_ms < at ? spans->at[i].to_ms : at) - spans->at[i].from_ms;
  return total;
}

msec_t spans_point(const struct spans *spans, msec_t length) {
  for (unsigned i = 0; i < spans->count; i++) {
    msec_t here = spans->at[i].to_ms - spans->at[i].from_ms;
    if (length <= here) return spans->at[i].from_ms + length;
    length -= here;
  }
  return MSEC_MAX;
}

msec_t spans_within(const struct spans *spans, msec_t from_ms, msec_t to_ms) {
  return to_ms > from_ms ? spans_elapsed(spans, to_ms) - spans_elapsed(spans, from_ms) : 0;
}

/* --- calendar --- */

void calendar_free(struct calendar *calendar) {
  zone_free(calendar->zone);
  free(calendar->holidays);
  free(calendar->workdays);
  *calendar = (struct calendar){.zone = NULL};
}

msec_t calendar_day_begin(const struct calendar *calendar, day_t day) {
  return zone_to_utc(calendar->zone, day * MSEC_PER_DAY + calendar->day_starts_ms);
}

msec_t calendar_day_end(const struct calendar *calendar, day_t day) {
  return calendar_day_begin(calendar, day + 1);
}

day_t calendar_day_of_cached(const struct calendar *calendar, struct day_cache *cache, msec_t at) {
  if (at >= cache->begin_ms && at < cache->end_ms) return cache->day;
  msec_t local_ms = at + zone_offset_ms(calendar->zone, at);
  day_t day = (day_t)floor_div(local_ms - calendar->day_starts_ms, MSEC_PER_DAY);
  /* Around a change of the clock the wall time alone may name a neighbour. */
  while (at < calendar_day_begin(calendar, day))
    day--;
  while (at >= calendar_day_end(calendar, day))
    day++;
  *cache = (struct day_cache){.begin_ms = calendar_day_begin(calendar, day),
                              .end_ms = calendar_day_end(calendar, day),
                              .day = day};
  return day;
}

day_t calendar_day_of(const struct calendar *calendar, msec_t at) {
  struct day_cache cache = {.begin_ms = 0};
  return calendar_day_of_cached(calendar, &cache, at);
}

static int compare_days(const void *a, const void *b) {
  day_t x = *(const day_t *)a, y = *(const day_t *)b;
  return (x > y) - (x < y);
}

static bool holds(const day_t *days, size_t count, day_t day) {
  return count > 0 && bsearch(&day, days, count, sizeof *days, compare_days);
}

bool calendar_is_working(const struct calendar *calendar, day_t day) {
  if (holds(calendar->workdays, calendar->workday_count, day)) return true;
  return calendar->working[weekday_of(day)] &&
         !holds(calendar->holidays, calendar->holiday_count, day);
}

msec_t calendar_in_day(const struct calendar *calendar, msec_t time_of_day, bool is_end) {
  bool next_date =
      is_end ? time_of_day <= calendar->day_starts_ms : time_of_day < calendar->day_starts_ms;
  return next_date ? time_of_day + MSEC_PER_DAY : time_of_day;
}

static struct span in_utc(const struct calendar *calendar, day_t day,
                          struct time_of_day_span times) {
  msec_t midnight = day * MSEC_PER_DAY;
  msec_t from = midnight + calendar_in_day(calendar, times.from_ms, false);
  msec_t to = midnight + calendar_in_day(calendar, times.to_ms, true);
  return (struct span){zone_to_utc(calendar->zone, from), zone_to_utc(calendar->zone, to)};
}

void calendar_productive(const struct calendar *calendar, day_t day, struct spans *out,
                         msec_t *shift_end_ms) {
  *out = (struct spans){.count = 0};
  if (shift_end_ms) *shift_end_ms = MSEC_NONE;
  if (!calendar_is_working(calendar, day)) return;
  struct span shift = in_utc(calendar, day, calendar->shift);
  if (shift_end_ms) *shift_end_ms = shift.to_ms;
  spans_add(out, shift.from_ms, shift.to_ms);
  for (unsigned i = 0; i < calendar->break_count; i++) {
    struct span pause = in_utc(calendar, day, calendar->breaks[i]);
    spans_cut(out, pause.from_ms, pause.to_ms);
  }
}
