/* POLICY section 3, "Coverage". */
#include <criterion/criterion.h>

#include "callpace/core/coverage.h"

static struct coverage coverage;
/* Two hours, less the break between them. */
static const struct spans spans = {2, {{1000, 2000}, {3000, 4000}}};

static void setup(void) {
  coverage = (struct coverage){0};
}
static void teardown(void) {
  coverage_free(&coverage);
}
TestSuite(coverage, .init = setup, .fini = teardown);

#define PBX SLICE("pbx1")
#define KAM SLICE("kam1")

Test(coverage, whole_without_sources_and_before_the_day_begins) {
  cr_expect_eq(coverage_bp(&coverage, NULL, &spans, 4000), 10000);
  coverage_gap(&coverage, PBX, 0, 9000);
  cr_expect_eq(coverage_bp(&coverage, NULL, &spans, 1000), 10000);
  cr_expect_eq(coverage_bp(&coverage, NULL, &spans, 1001), 0);
  cr_expect_eq(coverage_bp(&coverage, NULL, &(struct spans){0}, 4000), 10000);
}

Test(coverage, is_the_share_of_productive_time_so_far) {
  coverage_gap(&coverage, PBX, 1500, 3500); /* with the break in it */
  cr_expect_eq(coverage_bp(&coverage, NULL, &spans, 1500), 10000);
  cr_expect_eq(coverage_bp(&coverage, NULL, &spans, 2000), 5000);
  cr_expect_eq(coverage_bp(&coverage, NULL, &spans, 2500), 5000);
  cr_expect_eq(coverage_bp(&coverage, NULL, &spans, 3500), 3333);
  cr_expect_eq(coverage_bp(&coverage, NULL, &spans, 4000), 5000);
  cr_expect_eq(coverage_missing_ms(&coverage, NULL, &spans, 4000), 1000);
}

Test(coverage, an_open_outage_counts_until_now) {
  coverage_down(&coverage, PBX, 1200);
  cr_expect_eq(coverage_down_since(&coverage, PBX), 1200);
  cr_expect_eq(coverage_missing_ms(&coverage, NULL, &spans, 1500), 300);
  coverage_down(&coverage, PBX, 1300); /* no news */
  cr_expect_eq(coverage_missing_ms(&coverage, NULL, &spans, 1500), 300);
  coverage_up(&coverage, PBX, 1400);
  cr_expect_eq(coverage_down_since(&coverage, PBX), MSEC_NONE);
  cr_expect_eq(coverage_missing_ms(&coverage, NULL, &spans, 4000), 200);
  coverage_up(&coverage, PBX, 1800); /* no news */
  cr_expect_eq(coverage_missing_ms(&coverage, NULL, &spans, 4000), 200);
}

Test(coverage, every_source_must_be_healthy_and_none_counts_twice) {
  coverage_gap(&coverage, PBX, 1100, 1300);
  coverage_gap(&coverage, KAM, 1200, 1400);
  coverage_gap(&coverage, COVERAGE_DAEMON, 1350, 1500);
  cr_expect_eq(coverage_missing_ms(&coverage, NULL, &spans, 4000), 400);
  struct span outage;
  cr_assert(coverage_next(&coverage, NULL, 1350, &outage));
  cr_expect(outage.from_ms == 1350 && outage.to_ms == 1400);
  cr_expect_not(coverage_next(&coverage, NULL, 1500, &outage));
}

Test(coverage, an_outage_of_one_source_does_not_end_that_of_another) {
  coverage_down(&coverage, PBX, 1100);
  coverage_down(&coverage, KAM, 1200);
  coverage_up(&coverage, PBX, 1300);
  cr_expect_eq(coverage_missing_ms(&coverage, NULL, &spans, 2000), 900);
  coverage_up(&coverage, KAM, 1400);
  cr_expect_eq(coverage_missing_ms(&coverage, NULL, &spans, 2000), 300);
}

Test(coverage, before_the_very_first_start_nothing_was_seen) {
  coverage_gap(&coverage, COVERAGE_DAEMON, MSEC_NONE, 1750);
  coverage_gap(&coverage, PBX, 1900, 2000);
  cr_expect_eq(coverage_bp(&coverage, NULL, &spans, 2000), 1500);
  coverage_prune(&coverage, 5000); /* old gaps go; "since ever" stays */
  cr_expect_eq(coverage_missing_ms(&coverage, NULL, &spans, 4000), 750);
}

Test(coverage, gaps_in_any_order_merge) {
  coverage_gap(&coverage, PBX, 1500, 1600);
  coverage_gap(&coverage, PBX, 1100, 1200);
  coverage_gap(&coverage, PBX, 1200, 1500); /* touches both */
  coverage_gap(&coverage, PBX, 1700, 1650); /* inverted: nothing */
  coverage_gap(&coverage, PBX, 1800, 1800); /* empty: nothing */
  cr_expect_eq(coverage.sources[0].past.count, 1);
  cr_expect_eq(coverage_missing_ms(&coverage, NULL, &spans, 4000), 500);
}

Test(coverage, too_many_gaps_join_where_it_costs_least) {
  for (msec_t i = 0; i < COVERAGE_OUTAGES_MAX; i++)
    coverage_gap(&coverage, PBX, 100000 + i * 100, 100000 + i * 100 + 10);
  coverage_gap(&coverage, PBX, 100015, 100020); /* 5 ms behind the first */
  cr_expect_eq(coverage.sources[0].past.count, COVERAGE_OUTAGES_MAX);
  struct spans first = {1, {{100000, 100100}}};
  cr_expect_eq(coverage_missing_ms(&coverage, NULL, &first, 200000), 20);
}

static void expect_same(const struct coverage *a, const struct coverage *b) {
  struct span x = {.to_ms = MSEC_NONE}, y = x;
  while (coverage_next(a, NULL, x.to_ms, &x)) {
    cr_assert(coverage_next(b, NULL, y.to_ms, &y));
    cr_expect(x.from_ms == y.from_ms && x.to_ms == y.to_ms);
  }
  cr_expect_not(coverage_next(b, NULL, y.to_ms, &y));
  cr_expect(slice_equal(coverage_serves(a, PBX), coverage_serves(b, PBX)));
}

Test(coverage, survives_a_snapshot_and_refuses_a_cut_one) {
  coverage_gap(&coverage, COVERAGE_DAEMON, MSEC_NONE, 1100);
  for (msec_t i = 0; i < 2 * COVERAGE_OUTAGES_MAX; i++)
    coverage_gap(&coverage, PBX, 2000 + i * i * 7, 2000 + i * i * 7 + 5);
  coverage_down(&coverage, KAM, 900000000);
  coverage_serve(&coverage, PBX, SLICE("\1\3RED\0"));
  struct writer w = {0};
  coverage_save(&coverage, &w);
  for (size_t len = 0; len <= w.len; len += len + 1 < w.len ? w.len / 7 : 1) {
    struct coverage loaded = {0};
    struct reader r = reader_of((struct slice){w.data, len});
    coverage_load(&loaded, &r);
    cr_expect_eq(r.failed, len < w.len, "%zu of %zu", len, w.len);
    if (!r.failed) expect_same(&coverage, &loaded);
    cr_expect(!r.failed || loaded.count == 0);
    coverage_free(&loaded);
  }
  writer_free(&w);
}

Test(coverage, equals_a_plain_bitmap) {
  enum { END = 600 };
  static bool down[END];
  uint64_t seed = 7;
  for (int round = 0; round < 200; round++) {
    struct coverage random = {0};
    memset(down, 0, sizeof(down));
    for (int i = 0; i < 12; i++) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      msec_t from = (msec_t)(seed >> 33) % END, to = from + (msec_t)(seed >> 50) % 60;
      coverage_gap(&random, i % 3 ? PBX : KAM, from, to);
      for (msec_t at = from; at < to && at < END; at++)
        down[at] = true;
    }
    struct spans day = {2, {{50, 200}, {260, 500}}};
    msec_t missing = 0;
    for (msec_t at = 0; at < END; at++) {
      cr_assert_eq(coverage_missing_ms(&random, NULL, &day, at), missing);
      if (down[at] && ((at >= 50 && at < 200) || (at >= 260 && at < 500))) missing++;
    }
    coverage_free(&random);
  }
}

/* "Coverage: every source that serves the agent" */
static const struct team red = {"RED", "Red", ""}, blue = {"BLUE", "Blue", ""};
static const struct agent in_red = {.id = "1001", .team = &red},
                          in_blue = {.id = "2001", .team = &blue}, alone = {.id = "3001"};

static void serve(struct slice source, const char *const *teams, const char *const *agents) {
  struct writer w = {0};
  coverage_put_serves(&w, teams, agents);
  coverage_serve(&coverage, source, writer_slice(&w));
  cr_expect(slice_equal(coverage_serves(&coverage, source), writer_slice(&w)));
  writer_free(&w);
}

static msec_t missing(const struct agent *agent) {
  return coverage_missing_ms(&coverage, agent, &spans, 4000);
}

Test(coverage, section_3_only_sources_that_serve_the_agent_matter) {
  serve(PBX, (const char *const[]){"RED", NULL}, (const char *const[]){"3001", NULL});
  coverage_gap(&coverage, PBX, 1000, 1300);
  coverage_gap(&coverage, KAM, 1200, 1400); /* serves everybody */
  coverage_down(&coverage, PBX, 3900);
  cr_expect_eq(missing(&in_red), 500);
  cr_expect_eq(missing(&alone), 500);
  cr_expect_eq(missing(&in_blue), 200);
  cr_expect_eq(missing(NULL), 500);
  cr_expect_eq(coverage_bp(&coverage, &in_blue, &spans, 4000), 9000);
  cr_expect(coverage_is_down(&coverage, &in_red));
  cr_expect_not(coverage_is_down(&coverage, &in_blue));
  serve(PBX, NULL, NULL); /* everybody again, also for what is past */
  cr_expect_eq(missing(&in_blue), 500);
  cr_expect(coverage_is_down(&coverage, &in_blue));
}

Test(coverage, whom_a_source_serves_must_make_sense) {
  coverage_serve(&coverage, PBX, SLICE("\5\3RED"));
  cr_expect_eq(coverage_serves(&coverage, PBX).len, 0);
  coverage_gap(&coverage, PBX, 1000, 1300);
  cr_expect_eq(missing(&in_blue), 300);
}
