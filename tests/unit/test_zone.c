#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "callpace/core/period.h"

static char bytes[65536];

static struct slice read_zone(const char *name) {
  char path[256];
  snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
  FILE *file = fopen(path, "rb");
  cr_assert_not_null(file, "%s", path);
  size_t len = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  return (struct slice){bytes, len};
}

static struct zone *open_zone(const char *name) {
  struct error error = {0};
  struct zone *zone = zone_parse(read_zone(name), name, &error);
  cr_assert_not_null(zone, "%s", error.text);
  return zone;
}

static msec_t utc(const char *text) {
  msec_t at = 0;
  cr_assert(clock_parse_rfc3339(slice_of(text), &at), "%s", text);
  return at;
}

static msec_t local(const char *date, int hour, int minute) {
  day_t day = 0;
  cr_assert(day_parse(slice_of(date), &day));
  return day * MSEC_PER_DAY + hour * (msec_t)MSEC_PER_HOUR + minute * (msec_t)MSEC_PER_MIN;
}

static uint64_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state >> 11;
}

static const char *const zones[] = {"Europe/Berlin",       "America/New_York", "Asia/Shanghai",
                                    "Australia/Lord_Howe", "Europe/Dublin",    "UTC",
                                    "America/Sao_Paulo",   "Asia/Kathmandu",   "Pacific/Apia",
                                    "America/Havana",      "Antarctica/Troll", "Africa/Casablanca",
                                    "America/St_Johns",    "Asia/Tehran",      "America/Nuuk",
                                    "Pacific/Chatham",     "Asia/Gaza",        "Africa/Cairo",
                                    "America/Santiago",    "Asia/Kolkata"};

/* glibc is the oracle: random instants from 1900 to 2200, and those close to
 * each other around changes of the clock. */
Test(zone, offsets_agree_with_glibc) {
  uint64_t seed = 20261123;
  for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
    struct zone *zone = open_zone(zones[i]);
    setenv("TZ", zones[i], 1);
    tzset();
    for (int n = 0; n < 20000; n++) {
      int64_t sec = (int64_t)(next_random(&seed) % 9467000000u) - 2208988800;
      time_t t = sec;
      struct tm tm;
      localtime_r(&t, &tm);
      cr_assert_eq(zone_offset_ms(zone, sec * 1000), tm.tm_gmtoff * 1000,
                   "%s at %lld: %lld, glibc %ld", zones[i], (long long)sec,
                   (long long)zone_offset_ms(zone, sec * 1000) / 1000, tm.tm_gmtoff);
    }
    zone_free(zone);
  }
}

/* What zone_to_utc promises, against a search through every minute around. */
Test(zone, local_time_is_the_first_or_moves_forward) {
  uint64_t seed = 7;
  for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
    struct zone *zone = open_zone(zones[i]);
    /* from 1980 on, at every change of the clock that a daily step meets */
    for (msec_t at = 3652 * MSEC_PER_DAY; at < 25000 * MSEC_PER_DAY; at += MSEC_PER_DAY) {
      if (zone_offset_ms(zone, at) == zone_offset_ms(zone, at + MSEC_PER_DAY)) continue;
      msec_t wall = at + zone_offset_ms(zone, at) +
                    (msec_t)(next_random(&seed) % (3 * 1440)) * MSEC_PER_MIN - MSEC_PER_DAY;
      wall -= wall % MSEC_PER_MIN;
      msec_t found = MSEC_NONE;
      for (msec_t u = wall - 15 * (msec_t)MSEC_PER_HOUR; u <= wall + 15 * (msec_t)MSEC_PER_HOUR;
           u += MSEC_PER_MIN)
        if (u + zone_offset_ms(zone, u) == wall) {
          found = u;
          break;
        }
      msec_t got = zone_to_utc(zone, wall);
      if (found != MSEC_NONE)
        cr_assert_eq(got, found, "%s wall %lld", zones[i], (long long)wall);
      else
        cr_assert_gt(got + zone_offset_ms(zone, got), wall, "%s gap", zones[i]);
    }
    zone_free(zone);
  }
}

Test(zone, known_changes) {
  struct zone *berlin = open_zone("Europe/Berlin");
  cr_assert_str_eq(zone_name(berlin), "Europe/Berlin");
  cr_assert_eq(zone_to_utc(berlin, local("2026-03-29", 2, 30)), utc("2026-03-29T01:30:00Z"));
  cr_assert_eq(zone_to_utc(berlin, local("2026-10-25", 2, 30)), utc("2026-10-25T00:30:00Z"));
  cr_assert_eq(zone_to_utc(berlin, local("2126-07-01", 0, 0)), utc("2126-06-30T22:00:00Z"));
  zone_free(berlin);
  struct zone *york = open_zone("America/New_York");
  cr_assert_eq(zone_to_utc(york, local("2026-03-08", 2, 0)), utc("2026-03-08T07:00:00Z"));
  cr_assert_eq(zone_to_utc(york, local("2026-11-01", 1, 59)), utc("2026-11-01T05:59:00Z"));
  zone_free(york);
  struct zone *howe = open_zone("Australia/Lord_Howe"); /* half an hour of daylight time */
  cr_assert_eq(zone_to_utc(howe, local("2026-10-04", 2, 15)), utc("2026-10-03T15:45:00Z"));
  cr_assert_eq(zone_to_utc(howe, local("2026-04-05", 1, 45)), utc("2026-04-04T14:45:00Z"));
  zone_free(howe);
}

Test(zone, damaged_files_are_refused) {
  static char copy[65536];
  struct slice good = read_zone("Europe/Berlin");
  struct error error = {0};
  for (size_t len = 0; len < good.len; len++) {
    struct zone *zone = zone_parse((struct slice){good.data, len}, "cut", &error);
    cr_assert_null(zone, "cut to %zu of %zu", len, good.len);
    cr_assert_eq(error.status, STATUS_CONFIG);
  }
  uint64_t seed = 3;
  for (int n = 0; n < 5000; n++) {
    memcpy(copy, good.data, good.len);
    copy[next_random(&seed) % good.len] = (char)next_random(&seed);
    zone_free(zone_parse((struct slice){copy, good.len}, "noise", &error)); /* no crash */
  }
}
