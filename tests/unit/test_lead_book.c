/* The leads of one agent in one week, against POLICY section 5. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "callpace/core/lead_book.h"
#include "callpace/core/number.h"

static const struct number_rules prefixes = {{{"0086", 4}, {"+86", 3}, {"9", 1}, {"0", 1}}, 4};
static const struct lead_rules usual = {.reached_contacts = 2};

static uint64_t key_of(const char *number) {
  return number_key(&prefixes, slice_of(number));
}

static bool give(struct lead_book *book, const char *id, const char *number, msec_t ts_ms) {
  return lead_book_give(book, &usual, slice_of(id), slice_of(number), key_of(number), false, ts_ms);
}

static void dial(struct lead_book *book, const char *number, msec_t at_ms, bool answered) {
  lead_book_dial(book, &usual, key_of(number), at_ms, answered, true);
}

static void expect(const struct lead_book *book, const char *id, const char *state, int dials,
                   int contacts) {
  const struct lead *lead = lead_book_find(book, slice_of(id));
  cr_assert(lead && lead->held, "%s", id);
  cr_assert_str_eq(lead_state_name(lead->state), state, "%s is %s", id,
                   lead_state_name(lead->state));
  cr_assert_eq(lead->dials, dials, "%s has %d dials", id, lead->dials);
  cr_assert_eq(lead->contacts, contacts, "%s has %d contacts", id, lead->contacts);
}

static void expect_counts(const struct lead_book *book, unsigned issued, unsigned received,
                          unsigned dialled, unsigned contacted, unsigned reached) {
  const struct lead_counts *c = &book->counts;
  cr_assert(c->issued == issued && c->received == received && c->dialled == dialled &&
                c->contacted == contacted && c->reached == reached,
            "%u %u %u %u %u", c->issued, c->received, c->dialled, c->contacted, c->reached);
}

Test(lead_book, policy_5_two_contacts_make_a_lead_reached) {
  struct lead_book book = {0};
  cr_assert(give(&book, "L1", "13800138000", 1));
  cr_assert(give(&book, "L2", "13800138001", 1));
  expect(&book, "L1", "issued", 0, 0);
  dial(&book, "013800138000", 1000, false);
  expect(&book, "L1", "dialled", 1, 0);
  dial(&book, "+8613800138000", 2000, true);
  expect(&book, "L1", "contacted", 2, 1);
  dial(&book, "913800138000", 3000, true);
  expect(&book, "L1", "reached", 3, 2);
  expect(&book, "L2", "issued", 0, 0);
  expect_counts(&book, 2, 0, 1, 1, 1);
  lead_book_free(&book);
}

Test(lead_book, policy_5_calls_may_come_before_their_lead) {
  struct lead_book book = {0};
  dial(&book, "13800138000", 1000, true);
  dial(&book, "13800138000", 2000, true);
  give(&book, "L1", "+86 138 0013 8000", 5000);
  expect(&book, "L1", "reached", 2, 2);
  lead_book_free(&book);
}

/* So many that a book without leads stops to note them only. */
Test(lead_book, policy_5_any_number_of_calls_may_come_before_their_lead) {
  struct lead_book book = {0}, back = {0};
  struct writer w = {0};
  for (unsigned i = 0; i < 10000; i++) {
    if (i == 100 || i == 5000) {
      dial(&book, "13800138001", 100, false);
      lead_book_dial(&book, &usual, key_of("13800138000"), (i - 20) * 10, i % 2, false);
    }
    dial(&book, "13800138000", i * 10, i % 2);
  }
  lead_book_save(&book, &w);
  struct reader r = reader_of(writer_slice(&w));
  lead_book_load(&back, &usual, &r);
  cr_assert(!r.failed && r.at == r.end);
  struct lead_book *books[] = {&book, &back};
  for (unsigned i = 0; i < 2; i++) {
    give(books[i], "L1", "13800138000", 1);
    give(books[i], "L2", "13800138001", 1);
    expect(books[i], "L1", "reached", 9998, 5000);
    expect(books[i], "L2", "dialled", 2, 0);
    lead_book_free(books[i]);
  }
  writer_free(&w);
}

Test(lead_book, calls_before_their_lead_are_saved_and_taken_back) {
  struct lead_book book = {0}, back = {0};
  struct writer w = {0};
  dial(&book, "13800138000", 1000, true);
  dial(&book, "13800138001", 2000, true);
  dial(&book, "13800138000", 3000, false);
  lead_book_dial(&book, &usual, key_of("13800138000"), 1000, false, false);
  lead_book_dial(&book, &usual, key_of("13800138001"), 2000, true, false);
  lead_book_save(&book, &w);
  struct reader r = reader_of(writer_slice(&w));
  lead_book_load(&back, &usual, &r);
  cr_assert(!r.failed && r.at == r.end);
  lead_book_dial(&back, &usual, key_of("13800138000"), 3000, false, false);
  give(&back, "L1", "13800138000", 1);
  give(&back, "L2", "13800138001", 1);
  expect(&back, "L1", "contacted", 1, 1);
  expect(&back, "L2", "issued", 0, 0);
  lead_book_free(&book);
  lead_book_free(&back);
  writer_free(&w);
}

Test(lead_book, contract_2_an_explicit_lead_wins_over_the_number) {
  struct lead_book book = {0};
  give(&book, "L1", "13800138000", 1);
  give(&book, "L2", "13800138001", 1);
  lead_book_dial(&book, &usual, number_lead_key(SLICE("L2")), 1000, true, true);
  expect(&book, "L1", "issued", 0, 0);
  expect(&book, "L2", "contacted", 1, 1);
  dial(&book, "13800138001", 2000, true);
  expect(&book, "L2", "reached", 2, 2);
  lead_book_dial(&book, &usual, number_lead_key(SLICE("L9")), 1000, true, true);
  give(&book, "L9", "10086", 1);
  expect(&book, "L9", "contacted", 1, 1);
  lead_book_free(&book);
}

Test(lead_book, two_leads_with_one_number_are_both_called) {
  struct lead_book book = {0};
  give(&book, "L1", "13800138000", 1);
  give(&book, "L2", "+8613800138000", 1);
  dial(&book, "13800138000", 1000, true);
  expect(&book, "L1", "contacted", 1, 1);
  expect(&book, "L2", "contacted", 1, 1);
  lead_book_free(&book);
}

Test(lead_book, policy_5_attempts_may_be_contacts) {
  struct lead_book book = {0};
  struct lead_rules rules = {.reached_contacts = 1, .attempted = true};
  give(&book, "L1", "13800138000", 1);
  dial(&book, "13800138000", 1000, false);
  expect(&book, "L1", "dialled", 1, 0);
  lead_book_recount(&book, &rules);
  expect(&book, "L1", "reached", 1, 1);
  lead_book_free(&book);
}

Test(lead_book, policy_5_contacts_keep_a_gap) {
  struct lead_book book = {0};
  struct lead_rules rules = {.reached_contacts = 2, .min_gap_ms = 1000};
  give(&book, "L1", "13800138000", 1);
  static const msec_t at[] = {5000, 5400, 5999, 6000, 6500, 7000};
  for (size_t i = 0; i < 6; i++)
    dial(&book, "13800138000", at[i], true);
  dial(&book, "13800138000", 9000, false);
  lead_book_recount(&book, &rules);
  expect(&book, "L1", "reached", 7, 3);
  lead_book_dial(&book, &rules, key_of("13800138000"), 6000, true, false);
  expect(&book, "L1", "reached", 6, 2);
  lead_book_dial(&book, &rules, number_lead_key(SLICE("L1")), 8000, true, true);
  expect(&book, "L1", "reached", 7, 3);
  lead_book_free(&book);
}

Test(lead_book, what_a_call_gave_is_taken_back) {
  struct lead_book book = {0};
  give(&book, "L1", "13800138000", 1);
  dial(&book, "13800138000", 1000, true);
  dial(&book, "13800138000", 1000, true);
  cr_assert(lead_book_dial(&book, &usual, key_of("13800138000"), 1000, true, false));
  expect(&book, "L1", "contacted", 1, 1);
  cr_assert_not(lead_book_dial(&book, &usual, key_of("13800138000"), 1000, false, false));
  cr_assert_not(lead_book_dial(&book, &usual, key_of("10000000000"), 1000, true, false));
  lead_book_dial(&book, &usual, key_of("13800138000"), 1000, true, false);
  expect(&book, "L1", "issued", 0, 0);
  expect_counts(&book, 1, 0, 0, 0, 0);
  lead_book_free(&book);
}

Test(lead_book, policy_5_a_withdrawn_lead_leaves_the_issued) {
  struct lead_book book = {0};
  give(&book, "L1", "13800138000", 10);
  dial(&book, "13800138000", 1000, true);
  cr_assert_not(lead_book_take(&book, SLICE("L1"), 9), "older than the issue");
  cr_assert(lead_book_take(&book, SLICE("L1"), 10));
  cr_assert_not(lead_book_take(&book, SLICE("L1"), 11), "not held");
  expect_counts(&book, 0, 0, 0, 0, 0);
  cr_assert_not(give(&book, "L1", "13800138000", 10), "the issue again");
  cr_assert(give(&book, "L1", "13800138000", 11));
  expect(&book, "L1", "contacted", 1, 1);
  lead_book_free(&book);
}

Test(lead_book, policy_5_a_received_lead_stays_out_of_the_rate) {
  struct lead_book book = {0};
  lead_book_give(&book, &usual, SLICE("L1"), SLICE("13800138000"), key_of("13800138000"), true, 5);
  dial(&book, "13800138000", 1000, true);
  expect(&book, "L1", "contacted", 1, 1);
  expect_counts(&book, 0, 1, 0, 0, 0);
  give(&book, "L1", "13800138000", 3);
  expect_counts(&book, 1, 0, 1, 1, 0);
  lead_book_give(&book, &usual, SLICE("L1"), SLICE("13800138000"), key_of("13800138000"), true, 9);
  expect_counts(&book, 1, 0, 1, 1, 0);
  lead_book_free(&book);
}

Test(lead_book, another_number_counts_its_own_calls) {
  struct lead_book book = {0};
  give(&book, "L1", "13800138000", 10);
  give(&book, "L2", "13800138000", 10);
  dial(&book, "13800138000", 1000, true);
  dial(&book, "13900139000", 2000, false);
  cr_assert(give(&book, "L1", "13900139000", 11));
  expect(&book, "L1", "dialled", 1, 0);
  expect(&book, "L2", "contacted", 1, 1);
  cr_assert_not(give(&book, "L1", "13800138000", 9), "an old one");
  cr_assert(give(&book, "L1", "13800138000", 11), "at the same time the lesser");
  cr_assert_not(give(&book, "L1", "13900139000", 11));
  struct slice number = lead_number(&book, lead_book_find(&book, SLICE("L1")));
  cr_assert(slice_equal(number, SLICE("13800138000")));
  for (int i = 0; i < 3000; i++) /* old numbers do not pile up */
    give(&book, "L1", i % 2 ? "13800138000" : "13900139000", 20 + i);
  cr_assert_lt(book.text_len, 10000);
  cr_assert(slice_equal(lead_id(&book, lead_book_find(&book, SLICE("L2"))), SLICE("L2")));
  lead_book_free(&book);
}

static int drain(struct lead_book *book) {
  int count = 0;
  while (lead_book_next_dirty(book))
    count++;
  cr_assert_not(lead_book_is_dirty(book));
  return count;
}

Test(lead_book, what_changed_is_told_once) {
  struct lead_book book = {0};
  give(&book, "L1", "13800138000", 1);
  give(&book, "L2", "13800138001", 1);
  dial(&book, "13800138000", 1000, true);
  cr_assert(lead_book_is_dirty(&book));
  cr_assert_eq(drain(&book), 2);
  dial(&book, "13800138001", 1000, true);
  dial(&book, "13800138001", 2000, true);
  dial(&book, "10086", 2000, true);
  cr_assert_eq(drain(&book), 1);
  cr_assert_not(give(&book, "L1", "13800138000", 2));
  cr_assert_eq(drain(&book), 0);
  dial(&book, "13800138000", 3000, true);
  lead_book_mark_all(&book);
  cr_assert_eq(drain(&book), 2);
  lead_book_free(&book);
}

static void expect_same(const struct lead_book *a, const struct lead_book *b) {
  cr_assert_eq(a->lead_count, b->lead_count);
  cr_assert_eq(memcmp(&a->counts, &b->counts, sizeof a->counts), 0);
  for (uint32_t i = 0; i < a->lead_count; i++) {
    const struct lead *x = &a->leads[i], *y = lead_book_find(b, lead_id(a, x));
    cr_assert_not_null(y);
    cr_assert(slice_equal(lead_number(a, x), lead_number(b, y)));
    cr_assert(x->dials == y->dials && x->contacts == y->contacts && x->state == y->state &&
              x->held == y->held && x->received == y->received && x->moved_ms == y->moved_ms);
  }
}

static void some_leads(struct lead_book *book) {
  for (int i = 0; i < 500; i++) {
    char id[16], number[16];
    snprintf(id, sizeof id, "L%d", i);
    snprintf(number, sizeof number, "138%08d", i / 2);
    give(book, id, number, i);
    for (int n = 0; n < i % 5; n++)
      dial(book, number, 100000 - n * 7 + i, n % 2);
    if (i % 7 == 0) lead_book_take(book, slice_of(id), i + 1);
  }
  for (int i = 0; i < 50; i++) {
    char id[16];
    snprintf(id, sizeof id, "L%d", i * 12);
    lead_book_dial(book, &usual, number_lead_key(slice_of(id)), i, true, true);
  }
}

Test(lead_book, a_snapshot_goes_on_as_the_saved_one) {
  for (int frozen = 0; frozen < 2; frozen++) {
    struct lead_book book = {0}, back = {0};
    struct writer w = {0};
    some_leads(&book);
    if (frozen) lead_book_freeze(&book);
    lead_book_save(&book, &w);
    struct reader r = reader_of(writer_slice(&w));
    lead_book_load(&back, &usual, &r);
    cr_assert(!r.failed && r.at == r.end);
    expect_same(&book, &back);
    cr_assert_eq(drain(&back), 500);
    dial(&book, "13800000200", 1, true);
    dial(&back, "13800000200", 1, true);
    lead_book_dial(&book, &usual, key_of("13800000002"), 99993 + 4, true, false);
    lead_book_dial(&back, &usual, key_of("13800000002"), 99993 + 4, true, false);
    expect_same(&book, &back);
    for (size_t len = 0; len < w.len; len += 97) {
      struct lead_book cut = {0};
      r = reader_of((struct slice){w.data, len});
      lead_book_load(&cut, &usual, &r);
      cr_assert(r.failed, "cut at %zu", len);
      lead_book_free(&cut);
    }
    lead_book_free(&book);
    lead_book_free(&back);
    writer_free(&w);
  }
}

Test(lead_book, a_frozen_week_stands) {
  struct lead_book book = {0};
  give(&book, "L1", "13800138000", 1);
  dial(&book, "13800138000", 1000, true);
  lead_book_freeze(&book);
  dial(&book, "13800138000", 2000, true);
  expect(&book, "L1", "contacted", 1, 1);
  give(&book, "L2", "13800138000", 1);
  expect(&book, "L2", "issued", 0, 0);
  give(&book, "L1", "13900139000", 2);
  expect(&book, "L1", "contacted", 1, 1);
  lead_book_take(&book, SLICE("L1"), 3);
  expect_counts(&book, 1, 0, 0, 0, 0);
  lead_book_free(&book);
}
