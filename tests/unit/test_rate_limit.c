#include <criterion/criterion.h>

#include "callpace/core/rate_limit.h"

Test(rate_limit, waits_until_the_oldest_is_out_of_the_run) {
  static const struct rate_rule twenty[] = {{20, 60000}, {0, 0}};
  struct rate_limit limit = {0};
  for (msec_t i = 0; i < 20; i++) {
    cr_assert_eq(rate_limit_wait(&limit, twenty, 2, 1000 + i), 0);
    rate_limit_note(&limit, 1000 + i);
  }
  cr_assert_eq(rate_limit_wait(&limit, twenty, 2, 1020), 59980);
  cr_assert_eq(rate_limit_wait(&limit, twenty, 2, 60999), 1);
  cr_assert_eq(rate_limit_wait(&limit, twenty, 2, 61000), 0);
  rate_limit_note(&limit, 61000);
  cr_assert_eq(rate_limit_wait(&limit, twenty, 2, 61000), 1);
}

/* Played greedily for an hour, no run of time holds more than its rule allows. */
Test(rate_limit, keeps_every_rule) {
  static const struct rate_rule rules[] = {{5, 1000}, {100, 60000}};
  struct rate_limit limit = {0};
  static msec_t done[10000];
  unsigned count = 0;
  for (msec_t now = 0; now < 3600 * 1000; now += 7) {
    if (rate_limit_wait(&limit, rules, 2, now) > 0) continue;
    rate_limit_note(&limit, now);
    done[count++] = now;
  }
  cr_assert(count > 5900 && count <= 6000, "%u", count);
  for (unsigned i = 0; i + 100 < count; i++)
    cr_assert_geq(done[i + 100] - done[i], 60000);
  for (unsigned i = 0; i + 5 < count; i++)
    cr_assert_geq(done[i + 5] - done[i], 1000);
}
