#include <criterion/criterion.h>
#include <stdio.h>

#include "callpace/core/alert_log.h"

static void add(struct alert_log *log, uint64_t lsn, const char *id, const char *hooks) {
  alert_log_add(log, &(struct alert_said){.lsn = lsn,
                                          .raised = true,
                                          .at_ms = 1000,
                                          .id = slice_of(id),
                                          .json = SLICE("{}"),
                                          .hooks = slice_of(hooks)});
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

/* The same lists by walking, whatever was forgotten and delivered in between. */
Test(alert_log, finds_by_id_and_place_what_a_walk_finds) {
  struct alert_log log = {0};
  for (uint64_t i = 1; i <= 3 * (uint64_t)ALERT_LOG_MAX; i++) {
    char id[16];
    snprintf(id, sizeof id, "%d", (int)(i * 7919 % 3000));
    add(&log, i, id, i % 3 ? "mail," : "");
    snprintf(id, sizeof id, "%d", (int)(i * 104729 % 3000));
    if (i % 4) alert_log_delivered(&log, slice_of(id), true, SLICE("mail"));
  }
  size_t settled = 0, count = 0;
  for (const struct alert_entry *e = log.oldest; e; e = e->newer, count++) {
    settled += e->hooks[0] == 0;
    cr_assert_eq(e->newer ? e->newer->older : log.newest, e);
    cr_assert(!e->newer_same ||
              (e->newer_same->lsn > e->lsn && strcmp(e->newer_same->id, e->id) == 0));
    const struct alert_entry *first = table_get(&log.by_id, slice_of(e->id));
    cr_assert(e->older_same ? e->older_same->newer_same == e : first == e);
    cr_assert_eq(alert_log_after(&log, e->lsn - 1), e);
    cr_assert_eq(alert_log_after(&log, e->lsn), e->newer);
  }
  cr_assert_eq(settled, log.settled);
  cr_assert_eq(count, log.count);
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
