#include <criterion/criterion.h>
#include <stdio.h>

#include "callpace/core/alert_book.h"

#define BEHIND SLICE("a/b/day.behind/2026-11-23")

static struct alert_book book;

static void free_book(void) {
  alert_book_free(&book);
}

TestSuite(alert_book, .fini = free_book);

static const char *shown(struct slice id, bool raised, msec_t at_ms) {
  static char text[256];
  struct writer w = {0};
  alert_book_put_json(&book, id, raised, at_ms, SLICE("{\"id\":1}"), &w);
  snprintf(text, sizeof text, "%s", writer_text(&w));
  writer_free(&w);
  return text;
}

Test(alert_book, shows_who_acknowledged_what) {
  alert_book_raise(&book, BEHIND, 1000, SLICE("lead,"));
  cr_assert_str_eq(shown(BEHIND, true, 1000), "{\"id\":1}");
  alert_book_ack(&book, BEHIND, 2000, SLICE("li<wei>"), SLICE("talked"));
  cr_assert_str_eq(shown(BEHIND, true, 1000),
                   "{\"id\":1,\"acked\":{\"at_ms\":2000,\"by\":\"li\\u003cwei\\u003e\","
                   "\"note\":\"talked\"}}");
  cr_assert_str_eq(shown(BEHIND, false, 3000), "{\"id\":1}");
  alert_book_ack(&book, SLICE("nobody"), 1, SLICE("x"), SLICE(""));
  alert_book_resolve(&book, BEHIND, 3000, true);
  alert_book_raise(&book, BEHIND, 4000, SLICE(""));
  cr_assert_str_eq(shown(BEHIND, true, 4000), "{\"id\":1}", "raised again: not acknowledged");
  cr_assert_str_eq(shown(BEHIND, true, 1000), "{\"id\":1}");
}

Test(alert_book, an_escalation_joins_the_case) {
  alert_book_raise(&book, BEHIND, 1000, SLICE("lead,~crm,"));
  alert_book_told(&book, BEHIND, SLICE("lead"), 1100);
  alert_book_told(&book, BEHIND, SLICE("lead"), 9999);
  alert_book_raise(&book, BEHIND, 5000, SLICE("^boss,^lead,"));
  cr_assert_eq(book.count, 1);
  const struct alert_case *c = alert_book_find(&book, BEHIND);
  cr_assert_eq(c->raised_ms, 1000);
  const struct alert_told *told = c->told;
  cr_assert(strcmp(told->name, "lead") == 0 && told->told_ms == 1100 && told->escalated);
  told = told->next;
  cr_assert(strcmp(told->name, "crm") == 0 && told->told_ms == MSEC_NONE && !told->escalated);
  told = told->next;
  cr_assert(strcmp(told->name, "boss") == 0 && told->escalated && !told->next);
  alert_book_raise(&book, SLICE("lead/digest/2026"), 1, SLICE("x,"));
  alert_book_raise(&book, SLICE("no type"), 1, SLICE("x,"));
  cr_assert_eq(book.count, 1);
}

Test(alert_book, counts_how_alerts_fared) {
  static const msec_t took[] = {60, 10, 30, 20};
  char id[64];
  for (int i = 0; i < 8; i++) {
    snprintf(id, sizeof id, "%d/day.behind/2026-11-23", i);
    alert_book_raise(&book, slice_of(id), 1000, SLICE(""));
    if (i < 4) alert_book_resolve(&book, slice_of(id), 1000 + took[i], true);
    if (i == 4) alert_book_resolve(&book, slice_of(id), 99999, false);
    if (i < 2) alert_book_ack(&book, slice_of(id), 1005 + i, SLICE("x"), SLICE(""));
  }
  alert_book_raise(&book, SLICE("1/day.met/2026-11-23"), 1, SLICE(""));
  struct alert_stats stats;
  alert_book_stats(&book, ALERT_DAY_BEHIND, &stats);
  cr_assert(stats.raised == 8 && stats.recovered == 4 && stats.ran_out == 1 && stats.open == 3);
  cr_assert_eq(stats.median_recovered_ms, 20);
  cr_assert_eq(stats.acked, 2);
  cr_assert_eq(stats.median_acked_ms, 5);
  alert_book_stats(&book, ALERT_DAY_MET, &stats);
  cr_assert(stats.raised == 1 && stats.open == 0 && stats.median_recovered_ms == MSEC_NONE);
}

Test(alert_book, is_bounded) {
  char id[64];
  for (int i = 0; i < ALERT_BOOK_MAX + 100; i++) {
    snprintf(id, sizeof id, "%d/day.met/2026-11-23", i % 7000);
    alert_book_raise(&book, slice_of(id), i, SLICE("lead,"));
    alert_book_resolve(&book, slice_of(id), i, true);
  }
  cr_assert_eq(book.count, ALERT_BOOK_MAX);
  cr_assert_eq(book.oldest->raised_ms, 100);
  cr_assert_eq(alert_book_find(&book, SLICE("99/day.met/2026-11-23"))->raised_ms, 7099);
  cr_assert_eq(alert_book_find(&book, SLICE("3200/day.met/2026-11-23"))->raised_ms, 3200);
}

static struct slice saved(const struct alert_book *from, struct writer *w) {
  alert_book_save(from, w);
  return writer_slice(w);
}

Test(alert_book, survives_a_snapshot) {
  struct alert_book loaded = {0};
  struct writer first = {0}, second = {0};
  alert_book_raise(&book, BEHIND, 1000, SLICE("lead,crm,"));
  alert_book_told(&book, BEHIND, SLICE("crm"), 1100);
  alert_book_raise(&book, BEHIND, 1000, SLICE("^boss,"));
  alert_book_ack(&book, BEHIND, 1200, SLICE("x"), SLICE("note"));
  alert_book_raise(&book, SLICE("s/source.down/2026-11-23"), 1300, SLICE(""));
  alert_book_resolve(&book, SLICE("s/source.down/2026-11-23"), 1400, false);
  struct slice bytes = saved(&book, &first);
  struct reader r = reader_of(bytes);
  alert_book_load(&loaded, &r);
  cr_assert(!r.failed && r.at == r.end);
  cr_assert(slice_equal(saved(&loaded, &second), bytes));
  alert_book_free(&loaded);
  for (size_t len = 0; len < bytes.len; len++) {
    r = reader_of((struct slice){bytes.data, len});
    alert_book_load(&loaded, &r);
    cr_assert(r.failed && loaded.count == 0, "cut to %zu bytes", len);
  }
  writer_free(&first);
  writer_free(&second);
}
