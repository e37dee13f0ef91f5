#include "callpace/base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

static usec_t read_clock_us(clockid_t id) {
  struct timespec now;
  int failed = clock_gettime(id, &now);
  assert(!failed);
  (void)failed;
  return (usec_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

usec_t clock_wall_us(void) {
  return read_clock_us(CLOCK_REALTIME);
}

msec_t clock_wall_ms(void) {
  return clock_wall_us() / 1000;
}

usec_t clock_monotonic_us(void) {
  return read_clock_us(CLOCK_MONOTONIC);
}

struct civil {
  int64_t year;
  int month, day;
};

/* Days since 1970-01-01 in the proleptic Gregorian calendar. Years start in
 * March, so that the leap day is the last of a year; an era is 400 years. */
static int64_t days_of(struct civil date) {
  int64_t year = date.month <= 2 ? date.year - 1 : date.year;
  int64_t era = (year >= 0 ? year : year - 399) / 400;
  int64_t year_of_era = year - era * 400;
  int64_t day_of_year = (153 * (date.month > 2 ? date.month - 3 : date.month + 9) + 2) / 5;
  day_of_year += date.day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

static struct civil date_of(int64_t days) {
  days += 719468;
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t day_of_era = days - era * 146097;
  int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t shifted_month = (5 * day_of_year + 2) / 153;
  int month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  return (struct civil){.year = year_of_era + era * 400 + (month <= 2),
                        .month = month,
                        .day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1)};
}

static int days_in_month(int64_t year, int month) {
  if (month == 2) return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

struct cursor {
  const char *at, *end;
};

/* Exactly `digits` digits, value in [low, high]. */
static bool take_number(struct cursor *c, int digits, int low, int high, int *out) {
  int value = 0;
  if (c->end - c->at < digits) return false;
  for (; digits > 0; digits--, c->at++) {
    if (*c->at < '0' || *c->at > '9') return false;
    value = value * 10 + (*c->at - '0');
  }
  *out = value;
  return value >= low && value <= high;
}

static bool take_char(struct cursor *c, char wanted) {
  if (c->at == c->end || *c->at != wanted) return false;
  c->at++;
  return true;
}

static bool take_date(struct cursor *c, struct civil *date) {
  int year;
  if (!take_number(c, 4, 0, 9999, &year) || !take_char(c, '-') ||
      !take_number(c, 2, 1, 12, &date->month) || !take_char(c, '-') ||
      !take_number(c, 2, 1, 31, &date->day))
    return false;
  date->year = year;
  return date->day <= days_in_month(year, date->month);
}

/* Milliseconds of an optional ".digits"; false on a dot without digits. */
static bool take_fraction(struct cursor *c, int *milliseconds) {
  *milliseconds = 0;
  if (c->at == c->end || *c->at != '.') return true;
  const char *start = ++c->at;
  for (int weight = 100; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++, weight /= 10)
    *milliseconds += (*c->at - '0') * weight;
  return c->at > start;
}

static bool take_zone(struct cursor *c, int *offset_minutes) {
  *offset_minutes = 0;
  if (take_char(c, 'Z') || take_char(c, 'z')) return true;
  int hours, minutes;
  int sign = take_char(c, '+') ? 1 : -1;
  if ((sign < 0 && !take_char(c, '-')) || !take_number(c, 2, 0, 23, &hours) || !take_char(c, ':') ||
      !take_number(c, 2, 0, 59, &minutes))
    return false;
  *offset_minutes = sign * (hours * 60 + minutes);
  return true;
}

/* A leap second is the last second of a month in UTC. */
static bool may_be_leap(msec_t minute_start) {
  msec_t following = minute_start + MSEC_PER_MIN;
  return following % MSEC_PER_DAY == 0 && date_of(following / MSEC_PER_DAY).day == 1;
}

bool clock_parse_rfc3339(struct slice text, msec_t *out) {
  struct cursor c = {text.data, text.data + text.len};
  struct civil date;
  int hour, minute, second, milliseconds, offset_minutes;
  if (text.len == 0 || !take_date(&c, &date) || !(take_char(&c, 'T') || take_char(&c, 't')) ||
      !take_number(&c, 2, 0, 23, &hour) || !take_char(&c, ':') ||
      !take_number(&c, 2, 0, 59, &minute) || !take_char(&c, ':') ||
      !take_number(&c, 2, 0, 60, &second) || !take_fraction(&c, &milliseconds) ||
      !take_zone(&c, &offset_minutes) || c.at != c.end)
    return false;
  msec_t at = days_of(date) * MSEC_PER_DAY + hour * (msec_t)MSEC_PER_HOUR +
              (minute - offset_minutes) * (msec_t)MSEC_PER_MIN;
  if (second == 60) {
    if (!may_be_leap(at)) return false;
    second = 59;
    milliseconds = 999;
  }
  *out = at + second * MSEC_PER_SEC + milliseconds;
  return true;
}

int clock_format_rfc3339(msec_t at, char out[CLOCK_TEXT_SIZE]) {
  int64_t days = at / MSEC_PER_DAY;
  int of_day = (int)(at % MSEC_PER_DAY);
  if (of_day < 0) {
    of_day += (int)MSEC_PER_DAY;
    days--;
  }
  struct civil date = date_of(days);
  int len = snprintf(out, CLOCK_TEXT_SIZE, "%04lld-%02d-%02dT%02d:%02d:%02d.%03dZ",
                     (long long)date.year, date.month, date.day, of_day / MSEC_PER_HOUR,
                     of_day / MSEC_PER_MIN % 60, of_day / MSEC_PER_SEC % 60, of_day % MSEC_PER_SEC);
  assert(len > 0 && len < CLOCK_TEXT_SIZE);
  return len;
}
