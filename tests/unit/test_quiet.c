#include "centre_fixture.h"

#include <criterion/criterion.h>

#include "callpace/core/quiet.h"

static bool at(const struct quiet *quiet, const char *local) {
  struct policy_book *book = fixture_book();
  char text[64];
  snprintf(text, sizeof text, "%s+08:00", local);
  bool is_quiet = quiet_at(quiet, &book->calendar, utc(text));
  policy_book_free(book);
  return is_quiet;
}

Test(quiet, hours_may_pass_midnight) {
  struct quiet quiet = {.count = 2, .hours = {{20 * HOUR, 8 * HOUR}, {12 * HOUR, 13 * HOUR}}};
  cr_expect(quiet_is_given(&quiet));
  cr_expect(at(&quiet, "2026-11-23T20:00:00"));
  cr_expect(at(&quiet, "2026-11-23T03:00:00"));
  cr_expect(at(&quiet, "2026-11-23T07:59:59"));
  cr_expect_not(at(&quiet, "2026-11-23T08:00:00"));
  cr_expect_not(at(&quiet, "2026-11-23T19:59:59"));
  cr_expect(at(&quiet, "2026-11-23T12:30:00"));
  cr_expect_not(at(&quiet, "2026-11-23T13:00:00"));
}

Test(quiet, follows_the_shift) {
  struct quiet quiet = {.outside_shift = true};
  cr_expect(at(&quiet, "2026-11-23T08:59:59"));
  cr_expect_not(at(&quiet, "2026-11-23T09:00:00"));
  cr_expect_not(at(&quiet, "2026-11-23T12:30:00"), "the break is part of it");
  cr_expect_not(at(&quiet, "2026-11-23T17:59:59"));
  cr_expect(at(&quiet, "2026-11-23T18:00:00"));
  cr_expect(at(&quiet, "2026-11-22T10:00:00"), "a Sunday");
}

Test(quiet, is_never_without_hours) {
  struct quiet quiet = {0};
  cr_expect_not(quiet_is_given(&quiet));
  cr_expect_not(at(&quiet, "2026-11-22T03:00:00"));
}
