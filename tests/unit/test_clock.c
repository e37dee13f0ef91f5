#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

#include "callpace/base/clock.h"

static msec_t parse(const char *text) {
  msec_t at = MSEC_NONE;
  clock_parse_rfc3339(slice_of(text), &at);
  return at;
}

Test(clock, reads_rfc3339) {
  cr_assert_eq(parse("1970-01-01T00:00:00Z"), 0);
  cr_assert_eq(parse("2026-11-23T09:00:00.250+08:00"), 1795395600250);
  cr_assert_eq(parse("2026-11-23t01:00:00.2509999z"), 1795395600250);
  cr_assert_eq(parse("2026-11-22T20:30:00.25-04:30"), 1795395600250);
  cr_assert_eq(parse("1969-12-31T23:59:59.999Z"), -1);
  cr_assert_eq(parse("2000-02-29T00:00:00-00:00"), 951782400000);
  cr_assert_eq(parse("9999-12-31T23:59:59Z"), 253402300799000);
}

Test(clock, leap_second_ends_a_month) {
  cr_assert_eq(parse("2016-12-31T23:59:60Z"), parse("2016-12-31T23:59:59.999Z"));
  cr_assert_eq(parse("2017-01-01T07:59:60+08:00"), parse("2016-12-31T23:59:59.999Z"));
  cr_assert_eq(parse("2016-12-30T23:59:60Z"), MSEC_NONE);
  cr_assert_eq(parse("2016-12-31T12:00:60Z"), MSEC_NONE);
}

Test(clock, refuses_what_is_not_rfc3339) {
  static const char *const bad[] = {"",
                                    "2026-11-23",
                                    "2026-11-23 09:00:00Z",
                                    "2026-11-23T09:00:00",
                                    "2026-11-23T09:00:00+0800",
                                    "2026-11-23T09:00:00.Z",
                                    "2026-11-23T09:00Z",
                                    "2026-13-01T00:00:00Z",
                                    "2026-00-01T00:00:00Z",
                                    "2026-02-29T00:00:00Z",
                                    "1900-02-29T00:00:00Z",
                                    "2026-04-31T00:00:00Z",
                                    "2026-11-23T24:00:00Z",
                                    "2026-11-23T09:60:00Z",
                                    "2026-11-23T09:00:61Z",
                                    "2026-11-23T09:00:00+24:00",
                                    "2026-11-23T09:00:00Zx",
                                    " 2026-11-23T09:00:00Z",
                                    "+026-11-23T09:00:00Z",
                                    "2026\r11\r23T09:00:00Z"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    cr_assert_eq(parse(bad[i]), MSEC_NONE, "%s", bad[i]);
  cr_assert_not(clock_parse_rfc3339((struct slice){NULL, 0}, &(msec_t){0}));
}

Test(clock, every_prefix_is_refused) {
  const char whole[] = "2026-11-23T09:00:00.250+08:00";
  for (size_t len = 0; len < sizeof whole - 1; len++) {
    char *exact = malloc(len + 1);
    memcpy(exact, whole, len);
    msec_t at;
    cr_assert_not(clock_parse_rfc3339((struct slice){exact, len}, &at), "%zu", len);
    free(exact);
  }
}

Test(clock, writes_what_it_reads) {
  char text[CLOCK_TEXT_SIZE];
  for (msec_t at = -62167219200000; at < 253402300800000; at += 86400000LL * 13 + 12345677) {
    int len = clock_format_rfc3339(at, text);
    msec_t back;
    cr_assert_eq(len, 24);
    cr_assert(clock_parse_rfc3339(slice_of(text), &back));
    cr_assert_eq(back, at, "%s", text);
    time_t seconds = (time_t)((at - (at % 1000 + 1000) % 1000) / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    char other[80];
    strftime(other, sizeof other, "-%m-%dT%H:%M:%S", &parts);
    cr_assert_eq(memcmp(text + 4, other, 15), 0, "%s %s", text, other);
  }
  cr_assert_eq(clock_format_rfc3339(INT64_MIN, text), 30);
  cr_assert_eq(clock_format_rfc3339(INT64_MAX, text), 29);
}

Test(clock, clocks_run) {
  cr_assert_gt(clock_wall_ms(), 1700000000000);
  usec_t before = clock_monotonic_us();
  cr_assert_geq(clock_monotonic_us(), before);
  cr_assert_leq(llabs(clock_wall_us() / 1000 - clock_wall_ms()), 1000);
}
