#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "callpace/core/period.h"

static char bytes[65536];

static struct calendar make_calendar(const char *zone_name, int day_starts_hour) {
  char path[256];
  snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", zone_name);
  FILE *file = fopen(path, "rb");
  cr_assert_not_null(file);
  size_t len = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  struct calendar calendar = {
      .zone = zone_parse((struct slice){bytes, len}, zone_name, NULL),
      .day_starts_ms = day_starts_hour * (msec_t)MSEC_PER_HOUR,
      .working = {true, true, true, true, true, false, false},
      .shift = {9 * (msec_t)MSEC_PER_HOUR, 18 * (msec_t)MSEC_PER_HOUR},
      .breaks = {{12 * (msec_t)MSEC_PER_HOUR, 13 * (msec_t)MSEC_PER_HOUR}},
      .break_count = 1,
  };
  cr_assert_not_null(calendar.zone);
  return calendar;
}

static day_t day(const char *text) {
  day_t out = DAY_NONE;
  cr_assert(day_parse(slice_of(text), &out), "%s", text);
  return out;
}

static msec_t utc(const char *text) {
  msec_t at = 0;
  cr_assert(clock_parse_rfc3339(slice_of(text), &at), "%s", text);
  return at;
}

Test(period, dates_round_trip_and_follow_each_other) {
  char text[DAY_TEXT_SIZE];
  cr_assert_eq(day_from_civil((struct civil){1970, 1, 1}), 0);
  cr_assert_eq(weekday_of(0), 3);
  for (day_t d = -200000; d < 200000; d++) {
    struct civil c = civil_from_day(d);
    cr_assert_eq(day_from_civil(c), d);
    cr_assert_eq(weekday_of(d + 1), (weekday_of(d) + 1) % 7);
    if (c.year < 1600 || c.year > 2400) continue;
    day_format(d, text);
    cr_assert_eq(day(text), d, "%s", text);
  }
}

Test(period, dates_are_strict) {
  static const char *const bad[] = {"",           "2026-11-3",  "2026-13-01",  "2026-00-01",
                                    "2026-02-29", "2100-02-29", "2026-11-31",  "2026/11/01",
                                    "2026-11-00", "20261-1-01", "2026-11-011", " 026-11-01"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    day_t out = 42;
    cr_assert_not(day_parse(slice_of(bad[i]), &out), "'%s'", bad[i]);
    cr_assert_eq(out, 42);
  }
  cr_assert_eq(day("2000-02-29") + 1, day("2000-03-01"));
}

Test(period, weeks_and_months_have_names) {
  static const char *const weeks[][2] = {{"2026-11-23", "2026-W48"}, {"2026-11-29", "2026-W48"},
                                         {"2027-01-03", "2026-W53"}, {"2027-01-04", "2027-W01"},
                                         {"2024-12-30", "2025-W01"}, {"2021-01-01", "2020-W53"}};
  char text[DAY_TEXT_SIZE];
  for (size_t i = 0; i < sizeof weeks / sizeof *weeks; i++) {
    week_format(day(weeks[i][0]), text);
    cr_assert_str_eq(text, weeks[i][1]);
  }
  month_t month = month_of(day("2026-12-31"));
  month_format(month, text);
  cr_assert_str_eq(text, "2026-12");
  cr_assert_eq(month_first_day(month), day("2026-12-01"));
  cr_assert_eq(month_first_day(month + 1), day("2027-01-01"));
  cr_assert_eq(week_monday(day("2026-11-29")), day("2026-11-23"));
}

Test(period, names_of_weeks_and_months_are_strict) {
  static const char *const bad_weeks[] = {"",         "2026-W00", "2026-W54", "2025-W53",
                                          "2026-w48", "2026W48",  "2026-W4",  "2026-W480"};
  static const char *const bad_months[] = {"",       "2026-00", "2026-13",
                                           "2026-1", "2026/11", "2026-111"};
  day_t monday = 42;
  month_t month = 42;
  for (size_t i = 0; i < sizeof bad_weeks / sizeof *bad_weeks; i++)
    cr_assert_not(week_parse(slice_of(bad_weeks[i]), &monday), "'%s'", bad_weeks[i]);
  for (size_t i = 0; i < sizeof bad_months / sizeof *bad_months; i++)
    cr_assert_not(month_parse(slice_of(bad_months[i]), &month), "'%s'", bad_months[i]);
  cr_assert(monday == 42 && month == 42);
  char text[DAY_TEXT_SIZE];
  for (day_t d = day("1999-12-20"); d < day("2040-01-20"); d++) {
    week_format(d, text);
    cr_assert(week_parse(slice_of(text), &monday), "%s", text);
    cr_assert_eq(monday, week_monday(d));
    month_format(month_of(d), text);
    cr_assert(month_parse(slice_of(text), &month), "%s", text);
    cr_assert_eq(month, month_of(d));
  }
}

Test(period, periods_hold_their_days) {
  struct period p;
  cr_assert(period_parse(PERIOD_WEEK, SLICE("2026-W53"), &p));
  cr_assert_eq(p.first, day("2026-12-28"));
  cr_assert_eq(p.last, day("2027-01-03"));
  cr_assert(period_parse(PERIOD_MONTH, SLICE("2028-02"), &p));
  cr_assert_eq(p.last, day("2028-02-29"));
  cr_assert(period_parse(PERIOD_DAY, SLICE("2026-11-23"), &p));
  cr_assert(p.first == p.last && p.first == day("2026-11-23"));
  cr_assert_str_eq(period_of(PERIOD_WEEK, day("2027-01-01")).text, "2026-W53");
  cr_assert_str_eq(period_of(PERIOD_MONTH, day("2027-01-01")).text, "2027-01");
  cr_assert_not(period_parse(PERIOD_MONTH, SLICE("2026-W48"), &p));
}

Test(period, spans_are_cut_and_measured) {
  struct spans s = {.count = 1, .at = {{0, 100}}};
  spans_cut(&s, 40, 60);
  cr_assert_eq(s.count, 2);
  cr_assert_eq(spans_total(&s), 80);
  cr_assert_eq(spans_elapsed(&s, -5), 0);
  cr_assert_eq(spans_elapsed(&s, 50), 40);
  cr_assert_eq(spans_elapsed(&s, 70), 50);
  cr_assert_eq(spans_elapsed(&s, 1000), 80);
  cr_assert_eq(spans_point(&s, 0), 0);
  cr_assert_eq(spans_point(&s, 40), 40);
  cr_assert_eq(spans_point(&s, 41), 61);
  cr_assert_eq(spans_point(&s, 80), 100);
  cr_assert_eq(spans_point(&s, 81), MSEC_MAX);
  cr_assert_eq(spans_within(&s, 30, 70), 20);
  cr_assert_eq(spans_within(&s, 70, 30), 0);
  spans_cut(&s, 60, 60);
  spans_cut(&s, 200, 300);
  cr_assert_eq(spans_total(&s), 80);
  spans_cut(&s, 30, 90);
  cr_assert_eq(spans_total(&s), 40);
  spans_cut(&s, -10, 500);
  cr_assert_eq(s.count, 0);
  struct spans many = {.count = 1, .at = {{0, 1000}}};
  for (int i = 0; i < 40; i++)
    spans_cut(&many, i * 20 + 10, i * 20 + 11);
  cr_assert_eq(many.count, SPANS_MAX);
}

Test(period, business_days_tile_the_time) {
  static const char *const zones[] = {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                                      "America/Sao_Paulo", "Pacific/Apia"};
  for (size_t z = 0; z < sizeof zones / sizeof *zones; z++)
    for (int hour = 0; hour < 6; hour++) {
      struct calendar c = make_calendar(zones[z], hour);
      struct day_cache cache = {0};
      for (day_t d = day("2011-12-20"); d < day("2013-01-05"); d++) {
        msec_t begin = calendar_day_begin(&c, d), end = calendar_day_end(&c, d);
        if (begin == end) continue; /* Apia had no 30 December 2011 */
        cr_assert_lt(begin, end);
        cr_assert_eq(calendar_day_of(&c, begin), d, "%s %d", zones[z], d);
        cr_assert_eq(calendar_day_of(&c, end - 1), d);
        cr_assert_eq(calendar_day_of_cached(&c, &cache, end - 1), d);
        cr_assert_eq(calendar_day_of_cached(&c, &cache, begin), d);
      }
      calendar_free(&c);
    }
}

Test(period, days_have_23_24_or_25_hours) {
  struct calendar c = make_calendar("America/New_York", 0);
  msec_t spring =
      calendar_day_end(&c, day("2026-03-08")) - calendar_day_begin(&c, day("2026-03-08"));
  msec_t autumn =
      calendar_day_end(&c, day("2026-11-01")) - calendar_day_begin(&c, day("2026-11-01"));
  cr_assert_eq(spring, 23 * (msec_t)MSEC_PER_HOUR);
  cr_assert_eq(autumn, 25 * (msec_t)MSEC_PER_HOUR);
  calendar_free(&c);
  c = make_calendar("Asia/Shanghai", 4);
  cr_assert_eq(calendar_day_begin(&c, day("2026-11-23")), utc("2026-11-22T20:00:00Z"));
  cr_assert_eq(calendar_day_of(&c, utc("2026-11-23T19:59:59.999Z")), day("2026-11-23"));
  cr_assert_eq(calendar_day_of(&c, utc("2026-11-23T20:00:00Z")), day("2026-11-24"));
  calendar_free(&c);
}

Test(period, holidays_and_make_up_days) {
  struct calendar c = make_calendar("Asia/Shanghai", 0);
  c.holidays = malloc(2 * sizeof *c.holidays);
  c.holidays[0] = day("2026-10-01"), c.holidays[1] = day("2026-10-02");
  c.holiday_count = 2;
  c.workdays = malloc(sizeof *c.workdays);
  c.workdays[0] = day("2026-10-10"), c.workday_count = 1;
  cr_assert(calendar_is_working(&c, day("2026-09-30")));
  cr_assert_not(calendar_is_working(&c, day("2026-10-01")));
  cr_assert_not(calendar_is_working(&c, day("2026-10-02")));
  cr_assert_not(calendar_is_working(&c, day("2026-10-03")));
  cr_assert(calendar_is_working(&c, day("2026-10-10")));
  struct spans spans;
  msec_t end = 0;
  calendar_productive(&c, day("2026-10-01"), &spans, &end);
  cr_assert_eq(spans.count, 0);
  cr_assert_eq(end, MSEC_NONE);
  calendar_productive(&c, day("2026-10-10"), &spans, &end);
  cr_assert_eq(spans.count, 2);
  cr_assert_eq(spans.at[0].from_ms, utc("2026-10-10T01:00:00Z"));
  cr_assert_eq(spans.at[0].to_ms, utc("2026-10-10T04:00:00Z"));
  cr_assert_eq(spans.at[1].from_ms, utc("2026-10-10T05:00:00Z"));
  cr_assert_eq(end, utc("2026-10-10T10:00:00Z"));
  calendar_free(&c);
}

Test(period, a_night_shift_runs_into_the_next_date) {
  struct calendar c = make_calendar("Europe/Berlin", 8);
  c.shift = (struct time_of_day_span){22 * (msec_t)MSEC_PER_HOUR, 6 * (msec_t)MSEC_PER_HOUR};
  c.breaks[0] = (struct time_of_day_span){1 * (msec_t)MSEC_PER_HOUR, 4 * (msec_t)MSEC_PER_HOUR};
  struct spans spans;
  msec_t end = 0;
  calendar_productive(&c, day("2026-10-23"), &spans, &end);
  cr_assert_eq(spans_total(&spans), 5 * (msec_t)MSEC_PER_HOUR);
  cr_assert_eq(end, utc("2026-10-24T04:00:00Z"));
  c.workdays = malloc(sizeof *c.workdays); /* the night in which the clock goes back */
  c.workdays[0] = day("2026-10-24"), c.workday_count = 1;
  c.break_count = 0;
  calendar_productive(&c, day("2026-10-24"), &spans, &end);
  cr_assert_eq(spans_total(&spans), 9 * (msec_t)MSEC_PER_HOUR);
  cr_assert_eq(end, utc("2026-10-25T05:00:00Z"));
  c.day_starts_ms = 6 * (msec_t)MSEC_PER_HOUR; /* a shift may end with the business day */
  calendar_productive(&c, day("2026-10-26"), &spans, &end);
  cr_assert_eq(end, calendar_day_end(&c, day("2026-10-26")));
  calendar_free(&c);
}
