#include <criterion/criterion.h>

#include "callpace/core/alert_log.h"

static void add(struct alert_log *log, uint64_t lsn, const char *id, const char *hooks) {
  alert_log_add(log, lsn, true, 1000, slice_of(id), SLICE("{}"), slice_of(hooks));
}

Test(alert_log, a_hook_is_served_once) {
  struct alert_log log = {0};
  add(&log, 1, "1/day.met/2026-11-23", "mail,chat,");
  cr_assert(alert_entry_waits(log.oldest, SLICE("mail")));
  cr_assert_not(alert_entry_waits(log.oldest, SLICE("mai")));
  alert_log_delivered(&log, SLICE("1/day.met/2026-11-23"), false, SLICE("mail"));
  cr_assert(alert_entry_waits(log.oldest, SLICE("mail")), "the other state of the alert");
  alert_log_delivered(&log, SLICE("1/day.met/2026-11-23"), true, SLICE("mail"));
  cr_assert_not(alert_entry_waits(log.oldest, SLICE("mail")));
  cr_assert(alert_entry_waits(log.oldest, SLICE("chat")));
  cr_assert_str_eq(log.oldest->hooks, "chat,");
  alert_log_free(&log);
}

Test(alert_log, is_bounded_but_never_drops_what_waits) {
  struct alert_log log = {0};
  add(&log, 1, "waits", "mail,");
  for (uint64_t i = 2; i <= ALERT_LOG_MAX + 50; i++)
    add(&log, i, "told", "");
  cr_assert_eq(log.count, ALERT_LOG_MAX);
  cr_assert_str_eq(log.oldest->id, "waits");
  cr_assert_eq(log.newest->lsn, ALERT_LOG_MAX + 50);
  alert_log_free(&log);
}

Test(alert_log, survives_a_snapshot) {
  struct alert_log log = {0}, loaded = {0};
  add(&log, 5, "a", "mail,");
  add(&log, 6, "b", "");
  struct writer w = {0};
  alert_log_save(&log, &w);
  struct reader r = reader_of(writer_slice(&w));
  alert_log_load(&loaded, &r);
  cr_assert_not(r.failed);
  cr_assert_eq(loaded.count, 2);
  cr_assert_str_eq(loaded.oldest->hooks, "mail,");
  cr_assert_eq(loaded.newest->lsn, 6);
  writer_free(&w);
  alert_log_free(&log);
  alert_log_free(&loaded);
}
