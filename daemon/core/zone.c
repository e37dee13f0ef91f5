#include "callpace/core/zone.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "callpace/base/mem.h"
#include "callpace/base/writer.h"

enum { HEADER_SIZE = 44, TRANSITIONS_MAX = 100000, OFFSET_MAX_SEC = 26 * 3600 };

/* When daylight time starts or ends in a year, by a POSIX TZ string (RFC 8536,
 * section 3.3.1). */
struct change_rule {
  enum { RULE_MONTH_WEEK, RULE_JULIAN, RULE_DAY_OF_YEAR } kind;
  int month, week, day; /* day: of the week (0 = Sunday), or of the year */
  int64_t time_sec;
};

struct tz_rule {
  bool given, has_dst;
  int64_t std_sec, dst_sec; /* offsets, east positive */
  struct change_rule start, end;
};

struct transition {
  int64_t at_sec;
  int64_t offset_sec; /* from then on */
};

struct zone {
  char *name;
  struct transition *transitions;
  size_t count;
  int64_t first_offset_sec; /* before all transitions */
  struct tz_rule rule;      /* after all of them */
};

static int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b < 0);
}

/* Days from 1970-01-01 to 1 January of a year, and leap years (Gregorian). */
static int64_t year_first_day(int64_t year) {
  int64_t y = year - 1;
  return y * 365 + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400) - 719162;
}

static bool is_leap(int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t year_of(int64_t day) {
  int64_t year = 1970 + floor_div(day * 400, 146097);
  while (year_first_day(year) > day)
    year--;
  while (year_first_day(year + 1) <= day)
    year++;
  return year;
}

/* Local seconds since the epoch at which the rule strikes in `year`. */
static int64_t rule_local_sec(const struct change_rule *rule, int64_t year) {
  static const int before[2][13] = {{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365},
                                    {0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366}};
  bool leap = is_leap(year);
  int64_t day = year_first_day(year);
  if (rule->kind == RULE_JULIAN) {
    day += rule->day - 1 + (leap && rule->day >= 60);
  } else if (rule->kind == RULE_DAY_OF_YEAR) {
    day += rule->day;
  } else {
    int64_t first = day + before[leap][rule->month - 1];
    int64_t next_month = day + before[leap][rule->month];
    int64_t weekday = (first + 4) - floor_div(first + 4, 7) * 7; /* 1970-01-01 was a Thursday */
    day = first + (rule->day - weekday + 7) % 7 + (rule->week - 1) * 7;
    while (day >= next_month)
      day -= 7;
  }
  return day * 86400 + rule->time_sec;
}

static int64_t rule_offset(const struct tz_rule *rule, int64_t at_sec) {
  if (!rule->has_dst) return rule->std_sec;
  int64_t year = year_of(floor_div(at_sec + rule->std_sec, 86400));
  int64_t start = rule_local_sec(&rule->start, year) - rule->std_sec;
  int64_t end = rule_local_sec(&rule->end, year) - rule->dst_sec;
  bool dst = start < end ? at_sec >= start && at_sec < end : at_sec >= start || at_sec < end;
  return dst ? rule->dst_sec : rule->std_sec;
}

/* --- the TZ string of the footer --- */

static bool take_number(struct reader *r, int64_t max, int64_t *out) {
  const char *from = r->at;
  int64_t value = 0;
  while (r->at < r->end && *r->at >= '0' && *r->at <= '9' && value <= max)
    value = value * 10 + (*r->at++ - '0');
  if (r->at == from || value > max) return false;
  *out = value;
  return true;
}

static bool take_char(struct reader *r, char c) {
  if (r->at == r->end || *r->at != c) return false;
  r->at++;
  return true;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct reader *r, int64_t *out) {
  bool negative = take_char(r, '-');
  if (!negative) take_char(r, '+');
  int64_t hours = 0, minutes = 0, seconds = 0;
  if (!take_number(r, 167, &hours)) return false;
  if (take_char(r, ':')) {
    if (!take_number(r, 59, &minutes)) return false;
    if (take_char(r, ':') && !take_number(r, 59, &seconds)) return false;
  }
  int64_t total = hours * 3600 + minutes * 60 + seconds;
  *out = negative ? -total : total;
  return true;
}

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool take_name(struct reader *r) {
  const char *from = r->at;
  if (take_char(r, '<')) {
    while (r->at < r->end && *r->at != '>')
      r->at++;
    return take_char(r, '>');
  }
  while (r->at < r->end && is_letter(*r->at))
    r->at++;
  return r->at - from >= 3;
}

static bool take_change(struct reader *r, struct change_rule *out) {
  struct change_rule rule = {.kind = RULE_DAY_OF_YEAR, .time_sec = 2 * 3600};
  int64_t month = 0, week = 0, day = 0;
  if (!take_char(r, ',')) return false;
  if (take_char(r, 'M')) {
    rule.kind = RULE_MONTH_WEEK;
    if (!take_number(r, 12, &month) || month < 1 || !take_char(r, '.')) return false;
    if (!take_number(r, 5, &week) || week < 1 || !take_char(r, '.')) return false;
    if (!take_number(r, 6, &day)) return false;
  } else {
    if (take_char(r, 'J')) rule.kind = RULE_JULIAN;
    if (!take_number(r, 365, &day) || (rule.kind == RULE_JULIAN && day < 1)) return false;
  }
  rule.month = (int)month, rule.week = (int)week, rule.day = (int)day;
  if (take_char(r, '/') && !take_time(r, &rule.time_sec)) return false;
  *out = rule;
  return true;
}

static bool parse_rule(struct slice text, struct tz_rule *out) {
  struct reader r = reader_of(text);
  struct tz_rule rule = {.given = true};
  int64_t west = 0;
  if (!take_name(&r) || !take_time(&r, &west) || west > OFFSET_MAX_SEC || west < -OFFSET_MAX_SEC)
    return false;
  rule.std_sec = -west;
  if (r.at < r.end) {
    rule.has_dst = true;
    west -= 3600;
    if (!take_name(&r)) return false;
    if (r.at < r.end && *r.at != ',' && !take_time(&r, &west)) return false;
    if (west > OFFSET_MAX_SEC || west < -OFFSET_MAX_SEC) return false;
    rule.dst_sec = -west;
    if (!take_change(&r, &rule.start) || !take_change(&r, &rule.end)) return false;
  }
  if (r.at != r.end) return false;
  *out = rule;
  return true;
}

/* --- the TZif file --- */

static uint32_t big_u32(const char *at) {
  const unsigned char *b = (const unsigned char *)at;
  return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int64_t big_i64(const char *at) {
  return (int64_t)((uint64_t)big_u32(at) << 32 | big_u32(at + 4));
}

struct tzif_header {
  char version;
  size_t isut, isstd, leap, time, type, chars;
};

static bool take_header(struct reader *r, struct tzif_header *out) {
  if (r->end - r->at < HEADER_SIZE || memcmp(r->at, "TZif", 4) != 0) return false;
  const char *counts = r->at + 20;
  *out = (struct tzif_header){.version = r->at[4],
                              .isut = big_u32(counts),
                              .isstd = big_u32(counts + 4),
                              .leap = big_u32(counts + 8),
                              .time = big_u32(counts + 12),
                              .type = big_u32(counts + 16),
                              .chars = big_u32(counts + 20)};
  r->at += HEADER_SIZE;
  return out->time <= TRANSITIONS_MAX && out->type <= 256 && out->type >= 1;
}

/* Size of a header's data block with times of `width` bytes. */
static size_t block_size(const struct tzif_header *h, size_t width) {
  return h->time * width + h->time + h->type * 6 + h->chars + h->leap * (width + 4) + h->isstd +
         h->isut;
}

static bool type_offset(const struct tzif_header *h, const char *types, unsigned char type,
                        int64_t *out) {
  if (type >= h->type) return false;
  int64_t offset = (int32_t)big_u32(types + (size_t)type * 6);
  if (offset > OFFSET_MAX_SEC || offset < -OFFSET_MAX_SEC) return false;
  *out = offset;
  return true;
}

static bool take_transitions(struct zone *zone, const struct tzif_header *h, const char *at) {
  const char *indices = at + h->time * 8, *types = indices + h->time;
  if (!type_offset(h, types, 0, &zone->first_offset_sec)) return false;
  zone->transitions = mem_alloc((h->time + 1) * sizeof *zone->transitions);
  for (size_t i = 0; i < h->time; i++) {
    struct transition *t = &zone->transitions[i];
    t->at_sec = big_i64(at + i * 8);
    if (i > 0 && t->at_sec <= t[-1].at_sec) return false;
    if (!type_offset(h, types, (unsigned char)indices[i], &t->offset_sec)) return false;
    zone->count++;
  }
  return true;
}

/* NULL, or what is wrong with the bytes. */
static const char *fill(struct zone *zone, struct slice tzif) {
  struct reader r = reader_of(tzif);
  struct tzif_header h;
  if (!take_header(&r, &h)) return "no time zone file (TZif)";
  if (h.version < '2') return "a time zone file of version 1, which is too old";
  if (block_size(&h, 4) > (size_t)(r.end - r.at)) return "a time zone file cut short";
  r.at += block_size(&h, 4);
  if (!take_header(&r, &h)) return "a damaged time zone file";
  if (block_size(&h, 8) > (size_t)(r.end - r.at)) return "a time zone file cut short";
  if (!take_transitions(zone, &h, r.at)) return "a damaged time zone file";
  r.at += block_size(&h, 8);
  if (!take_char(&r, '\n')) return "a time zone file cut short";
  const char *line_end = memchr(r.at, '\n', (size_t)(r.end - r.at));
  if (!line_end) return "a time zone file cut short";
  struct slice footer = {r.at, (size_t)(line_end - r.at)};
  if (footer.len > 0 && !parse_rule(footer, &zone->rule)) return "a time zone file with a bad rule";
  return NULL;
}

struct zone *zone_parse(struct slice tzif, const char *name, struct error *error) {
  struct zone *zone = mem_zalloc(sizeof *zone);
  zone->name = mem_strdup(name);
  const char *fault = fill(zone, tzif);
  if (!fault) return zone;
  zone_free(zone);
  error_set(error, STATUS_CONFIG, "%s: %s", name, fault);
  return NULL;
}

void zone_free(struct zone *zone) {
  if (!zone) return;
  free(zone->transitions);
  free(zone->name);
  free(zone);
}

const char *zone_name(const struct zone *zone) {
  return zone->name;
}

msec_t zone_offset_ms(const struct zone *zone, msec_t at) {
  int64_t sec = floor_div(at, MSEC_PER_SEC);
  size_t low = 0, high = zone->count; /* the first transition after `sec` */
  if (high > 0 && sec >= zone->transitions[high - 1].at_sec) low = high;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (zone->transitions[middle].at_sec <= sec)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == zone->count && zone->rule.given) return rule_offset(&zone->rule, sec) * MSEC_PER_SEC;
  if (low == 0) return zone->first_offset_sec * MSEC_PER_SEC;
  return zone->transitions[low - 1].offset_sec * MSEC_PER_SEC;
}

msec_t zone_to_utc(const struct zone *zone, msec_t local_ms) {
  /* No zone is a day or more off UTC, and none changes twice in two days. */
  msec_t before = zone_offset_ms(zone, local_ms - MSEC_PER_DAY);
  msec_t after = zone_offset_ms(zone, local_ms + MSEC_PER_DAY);
  msec_t first = local_ms - before, second = local_ms - after;
  if (before == after) return first;
  bool first_exists = zone_offset_ms(zone, first) == before;
  bool second_exists = zone_offset_ms(zone, second) == after;
  if (first_exists && second_exists) return first < second ? first : second;
  return second_exists ? second : first;
}
