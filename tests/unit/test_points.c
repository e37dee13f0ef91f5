/* The ledger of points. POLICY section 6. */
#include <criterion/criterion.h>

#include "callpace/core/points.h"

static const month_t november = 2026 * 12 + 10;

/* Adds an entry with the hashes that it should have. */
static const struct points_entry *add(struct points *points, const char *agent, int64_t value,
                                      struct points_fact fact) {
  uint8_t before[POINTS_HASH_SIZE], hash[POINTS_HASH_SIZE];
  fact.number = points_next(points);
  if (fact.kind == POINTS_NONE) fact.kind = POINTS_MANUAL;
  if (fact.month == 0) fact.month = november;
  fact.agent = slice_of(agent);
  fact.points = value;
  points_head(points, fact.agent, before);
  points_hash(before, &fact, hash);
  return points_add(points, &fact, before, hash);
}

static struct points copy_of(const struct points *points) {
  struct points copy = {0};
  struct writer w = {0};
  points_save(points, &w);
  put_text(&w, "behind");
  struct reader r = reader_of(writer_slice(&w));
  points_load(&copy, &r);
  cr_assert_not(r.failed);
  cr_assert_eq(r.end - r.at, 6);
  writer_free(&w);
  return copy;
}

Test(points, section_6_entries_sum_by_month) {
  struct points points = {0};
  add(&points, "1001", -1, (struct points_fact){0});
  add(&points, "1001", 5, (struct points_fact){.reason = SLICE("test"), .by = SLICE("Li")});
  add(&points, "1002", -2, (struct points_fact){0});
  add(&points, "1001", -3, (struct points_fact){.month = november + 1});
  cr_assert_eq(points_sum(&points, SLICE("1001"), november), 4);
  cr_assert_eq(points_sum(&points, SLICE("1001"), november + 1), -3);
  cr_assert_eq(points_sum(&points, SLICE("1002"), november), -2);
  cr_assert_eq(points_sum(&points, SLICE("nobody"), november), 0);
  cr_assert_eq(points_newest(&points, SLICE("1001"))->fact.number, 4);
  cr_assert_null(points_verify(&points));
  points_free(&points);
}

Test(points, section_6_an_entry_is_undone_by_a_reversal) {
  struct points points = {0};
  const struct points_entry *entry = add(&points, "1001", -3, (struct points_fact){0});
  cr_assert_not(entry->reversed);
  add(&points, "1001", 3, (struct points_fact){.kind = POINTS_REVERSAL, .reverses = 1});
  cr_assert(entry->reversed);
  cr_assert_eq(entry->fact.points, -3, "never edited");
  cr_assert_eq(points_sum(&points, SLICE("1001"), november), 0);
  points_free(&points);
}

Test(points, section_6_a_changed_past_shows) {
  struct points points = {0};
  for (int i = 0; i < 6; i++)
    add(&points, i % 2 ? "1001" : "1002", -i, (struct points_fact){.reason = SLICE("why")});
  cr_assert_null(points_verify(&points));
  points.entries[2]->fact.points = 50;
  cr_assert_eq(points_verify(&points), points.entries[2]);
  points.entries[2]->fact.points = -2;
  cr_assert_null(points_verify(&points));
  /* whoever makes the hash fit breaks the link of the next */
  points.entries[2]->fact.points = 50;
  points_hash(points.entries[2]->before, &points.entries[2]->fact, points.entries[2]->hash);
  cr_assert_eq(points_verify(&points), points.entries[4]);
  points_free(&points);
}

Test(points, section_6_every_part_of_the_evidence_is_hashed) {
  struct points_fact base = {.number = 1, .kind = POINTS_LADDER, .agent = SLICE("1001")};
  struct points_fact facts[15];
  for (size_t i = 0; i < 15; i++)
    facts[i] = base;
  facts[0].number = 2, facts[1].kind = POINTS_MANUAL, facts[2].month = 1, facts[3].at_ms = 1;
  facts[4].final_ms = 1, facts[5].points = 1, facts[6].reverses = 1, facts[7].week = 1;
  facts[8].policy_from = 1, facts[9].rate_bp = 1, facts[10].threshold_bp = 1, facts[11].rung = 1;
  facts[12].agent = SLICE("1002"), facts[13].reason = SLICE("x"), facts[14].by = SLICE("x");
  uint8_t zero[POINTS_HASH_SIZE] = {0}, one[POINTS_HASH_SIZE], two[POINTS_HASH_SIZE];
  points_hash(zero, &base, one);
  for (size_t i = 0; i < 15; i++) {
    points_hash(zero, &facts[i], two);
    cr_assert_neq(memcmp(one, two, sizeof one), 0, "field %zu", i);
  }
  points_hash(one, &base, two);
  cr_assert_neq(memcmp(one, two, sizeof one), 0, "the one before");
}

Test(points, contract_2_review_points_count_once_per_id) {
  struct points points = {0};
  cr_assert(
      points_take_review(&points, SLICE("1001"), 5, SLICE("test"), SLICE("Li"), SLICE("r1"), 1000));
  cr_assert_not(
      points_take_review(&points, SLICE("1001"), 5, SLICE("test"), SLICE("Li"), SLICE("r1"), 2000));
  cr_assert(points_take_review(&points, SLICE("1001"), 1, SLICE("a"), SLICE("Li"), SLICE(""), 1));
  cr_assert(points_take_review(&points, SLICE("1001"), 1, SLICE("a"), SLICE("Li"), SLICE(""), 1));
  cr_assert_str_eq(points.pending->id, "r1");
  add(&points, "1001", 5, (struct points_fact){.kind = POINTS_REVIEW, .id = SLICE("r1")});
  cr_assert_not(
      points_take_review(&points, SLICE("1002"), 9, SLICE("test"), SLICE("Li"), SLICE("r1"), 3000),
      "booked by now");
  struct points copy = copy_of(&points);
  cr_assert_not(
      points_take_review(&copy, SLICE("1001"), 5, SLICE("test"), SLICE("Li"), SLICE("r1"), 3000));
  cr_assert_str_eq(copy.pending->reason, "a");
  cr_assert_not_null(copy.pending->next);
  cr_assert_null(copy.pending->next->next);
  points_free(&copy);
  points_free(&points);
}

Test(points, dropped_entries_leave_the_chain) {
  struct points points = {0};
  add(&points, "1001", -1, (struct points_fact){.id = SLICE("old"), .kind = POINTS_REVIEW});
  add(&points, "1002", -1, (struct points_fact){0});
  add(&points, "1001", -1, (struct points_fact){.month = november + 1});
  points_drop(&points, november + 1);
  cr_assert_null(points_find(&points, 1));
  cr_assert_null(points_find(&points, 2));
  cr_assert_eq(points_find(&points, 3)->fact.month, november + 1);
  cr_assert_null(points_find(&points, 3)->older);
  cr_assert_null(points_find(&points, 4));
  cr_assert_null(points_newest(&points, SLICE("1002")));
  struct points copy = copy_of(&points);
  uint8_t a[POINTS_HASH_SIZE], b[POINTS_HASH_SIZE], zero[POINTS_HASH_SIZE] = {0};
  points_head(&points, SLICE("1002"), a);
  points_head(&copy, SLICE("1002"), b);
  cr_assert_eq(memcmp(a, b, sizeof a), 0);
  cr_assert_neq(memcmp(a, zero, sizeof a), 0);
  cr_assert_eq(points_next(&copy), 4);
  add(&copy, "1002", 1, (struct points_fact){0});
  cr_assert_null(points_verify(&copy));
  points_free(&copy);
  points_free(&points);
}

Test(points, entries_out_of_order_or_of_no_sense_are_refused) {
  struct points points = {0};
  uint8_t zero[POINTS_HASH_SIZE] = {0};
  struct points_fact fact = {.number = 0, .kind = POINTS_MANUAL, .agent = SLICE("1001")};
  cr_assert_null(points_add(&points, &fact, zero, zero));
  fact.number = 7, fact.points = (int64_t)POINTS_MAX + 1;
  cr_assert_null(points_add(&points, &fact, zero, zero));
  fact.points = 0, fact.kind = POINTS_KINDS;
  cr_assert_null(points_add(&points, &fact, zero, zero));
  fact.kind = POINTS_MANUAL, fact.reverses = 99;
  cr_assert_not_null(points_add(&points, &fact, zero, zero), "an empty ledger begins anywhere");
  cr_assert_null(points_add(&points, &fact, zero, zero), "the same number again");
  fact.number = 9;
  cr_assert_null(points_add(&points, &fact, zero, zero), "a hole");
  cr_assert_not_null(points_verify(&points));
  points_free(&points);
}

Test(points, a_damaged_snapshot_leaves_it_empty) {
  struct points points = {0};
  struct writer w = {0};
  add(&points, "1001", -1, (struct points_fact){.reason = SLICE("why"), .by = SLICE("who")});
  points_take_review(&points, SLICE("1001"), 5, SLICE("test"), SLICE("Li"), SLICE("r1"), 1000);
  points_save(&points, &w);
  for (size_t len = 0; len < w.len; len++) {
    struct points copy = {0};
    struct reader r = reader_of((struct slice){w.data, len});
    points_load(&copy, &r);
    cr_assert(r.failed);
    cr_assert_eq(copy.count, 0);
    points_free(&copy);
  }
  writer_free(&w);
  points_free(&points);
}

Test(points, the_id_of_a_review_outlives_its_event) {
  struct points points = {0};
  struct points_fact fact = {.kind = POINTS_REVIEW, .id = SLICE("r1"), .week = DAY_NONE};
  cr_assert(points_take_review(&points, SLICE("1001"), -5, SLICE("script"), SLICE("Li"),
                               SLICE("r1"), 1000));
  cr_assert_not_null(add(&points, "1001", -5, fact));
  cr_assert_null(points.pending);
  cr_assert_not(points_take_review(&points, SLICE("1001"), -5, SLICE("script"), SLICE("Li"),
                                   SLICE("r1"), 1000));
  points_free(&points);
}

Test(points, the_ladder_entry_of_a_week_is_found) {
  struct points points = {0};
  struct points_fact fact = {.kind = POINTS_LADDER, .week = 20758, .rung = 1};
  add(&points, "1001", -1, fact);
  cr_assert(points_has_week(&points, SLICE("1001"), 20758));
  cr_assert_not(points_has_week(&points, SLICE("1001"), 20765));
  cr_assert_not(points_has_week(&points, SLICE("1002"), 20758));
  points_free(&points);
}
