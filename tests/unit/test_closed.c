/* What was decided of weeks, months, points and reassignments: as records of the journal
 * and in snapshots. POLICY sections 4 to 6. */
#include <criterion/criterion.h>
#include <string.h>

#include "callpace/core/record.h"

enum { MONDAY = 20780 }; /* 2026-11-23 */
static const msec_t now = 1795449600000;

static struct record round_trip(const struct record *record, struct writer *bytes) {
  struct record back;
  msec_t clock = now;
  writer_reset(bytes);
  record_encode(record, &clock, bytes);
  clock = now;
  cr_assert(record_decode(writer_slice(bytes), &clock, &back));
  return back;
}

static bool is_refused(const struct record *record) {
  struct writer bytes = {0};
  struct record back;
  msec_t clock = now;
  record_encode(record, &clock, &bytes);
  clock = now;
  bool good = record_decode(writer_slice(&bytes), &clock, &back);
  writer_free(&bytes);
  return !good;
}

static void shows(const struct record *record, const char *const *parts) {
  struct writer line = {0};
  record_to_lines(record, false, &line);
  cr_assert_eq(line.len, 0, "a decision is no protocol line");
  record_to_lines(record, true, &line);
  for (; *parts; parts++)
    cr_assert_not_null(strstr(writer_text(&line), *parts), "%s in %s", *parts, writer_text(&line));
  writer_free(&line);
}

static struct record a_week(void) {
  return (struct record){
      .type = RECORD_WEEK_CLOSED,
      .now_ms = now,
      .week_closed = {.week = MONDAY,
                      .agent = SLICE("1001"),
                      .fact = {.verdict = {WEEK_SHORT, true, 3, 7000, 6800, true},
                               .at_ms = now - 5,
                               .policy_from = 16801,
                               .shadow = true,
                               .action = LADDER_REASSIGN_UNDIALLED,
                               .weeks = 1,
                               .points = -3,
                               .issued = 100,
                               .reached = 68,
                               .coverage_bp = 9900,
                               .missed_days = 2}}};
}

Test(closed, a_week_comes_back_as_it_was_decided) {
  struct record record = a_week(), back;
  struct writer bytes = {0};
  back = round_trip(&record, &bytes);
  cr_assert_eq(back.week_closed.week, MONDAY);
  cr_assert(slice_equal(back.week_closed.agent, SLICE("1001")));
  int64_t was[WEEK_CLOSED_NUMBERS], is[WEEK_CLOSED_NUMBERS];
  week_closed_pack(&record.week_closed.fact, was);
  week_closed_pack(&back.week_closed.fact, is);
  cr_assert_arr_eq(is, was, sizeof was);
  cr_assert(back.week_closed.fact.verdict.offence && back.week_closed.fact.verdict.base_unmet);
  cr_assert(back.week_closed.fact.shadow);
  shows(&record, (const char *[]){"\"type\":\"x.week_closed\"", "\"week\":\"2026-W48\"",
                                  "\"state\":\"short\"", "\"action\":\"reassign_undialled\"",
                                  "\"policy_from\":\"2016-01-01\"", NULL});
  writer_free(&bytes);
}

Test(closed, weeks_of_no_sense_are_refused) {
  struct record record = a_week();
  record.week_closed.week++;
  cr_assert(is_refused(&record), "no Monday");
  record = a_week();
  record.week_closed.fact.verdict.state = WEEK_STATES;
  cr_assert(is_refused(&record));
  record = a_week();
  record.week_closed.fact.verdict.rung = LADDER_MAX + 1;
  cr_assert(is_refused(&record));
  record = a_week();
  record.week_closed.fact.action = LADDER_REASSIGN_UNDIALLED + 1;
  cr_assert(is_refused(&record));
  record = a_week();
  record.week_closed.fact.verdict.rate_bp = 10001;
  cr_assert(is_refused(&record));
}

Test(closed, section_5_offences_of_a_shadow_count_in_shadow_only) {
  struct week_closed week = {.verdict = {.offence = true}, .shadow = true};
  struct policy policy = {.contact = {.ladder_shadow = false}};
  cr_assert_not(week_closed_counts(&week, &policy));
  policy.contact.ladder_shadow = true;
  cr_assert(week_closed_counts(&week, &policy));
  week.shadow = policy.contact.ladder_shadow = false;
  cr_assert(week_closed_counts(&week, &policy));
  week.verdict.offence = false;
  cr_assert_not(week_closed_counts(&week, &policy));
}

Test(closed, a_month_comes_back_as_it_was_decided) {
  struct record back, record = {.type = RECORD_MONTH_CLOSED, .now_ms = now};
  struct writer bytes = {0};
  record.month_closed.month = 2026 * 12 + 10;
  record.month_closed.agent = SLICE("1001");
  record.month_closed.fact = (struct month_closed){
      .facts = {.calls = 1200, .members = 650, .talk_ms = 3000 * 60000LL},
      .verdict = {true, true, BASIC_UNMET, INCENTIVE_UNMET, MONTH_BY_ATTAINMENT, 9090, 1320, 700,
                  3300 * 60000LL, 16801},
      .at_ms = now - 1,
      .points = 97,
      .offences = 2};
  back = round_trip(&record, &bytes);
  int64_t was[MONTH_CLOSED_NUMBERS], is[MONTH_CLOSED_NUMBERS];
  month_closed_pack(&record.month_closed.fact, was);
  month_closed_pack(&back.month_closed.fact, is);
  cr_assert_arr_eq(is, was, sizeof was);
  shows(&record, (const char *[]){"\"type\":\"x.month_closed\"", "\"month\":\"2026-11\"",
                                  "\"outcome\":\"by_attainment\"", "\"attainment_bp\":9090", NULL});
  record.month_closed.fact.verdict.outcome = MONTH_BY_ATTAINMENT + 1;
  cr_assert(is_refused(&record));
  writer_free(&bytes);
}

Test(closed, an_entry_of_points_comes_back_with_its_hashes) {
  uint8_t before[POINTS_HASH_SIZE] = {1}, hash[POINTS_HASH_SIZE];
  struct record back, record = {.type = RECORD_POINTS, .now_ms = now};
  struct writer bytes = {0};
  record.points.fact = (struct points_fact){.number = 7,
                                            .kind = POINTS_LADDER,
                                            .month = 2026 * 12 + 10,
                                            .at_ms = now,
                                            .final_ms = now + 9,
                                            .points = -2,
                                            .week = MONDAY,
                                            .policy_from = DAY_NONE,
                                            .rate_bp = 6200,
                                            .threshold_bp = 6500,
                                            .rung = 2,
                                            .agent = SLICE("1001"),
                                            .reason = SLICE("r"),
                                            .by = SLICE("b"),
                                            .id = SLICE("i")};
  points_hash(before, &record.points.fact, hash);
  record.points.before = (struct slice){(const char *)before, sizeof before};
  record.points.hash = (struct slice){(const char *)hash, sizeof hash};
  back = round_trip(&record, &bytes);
  uint8_t again[POINTS_HASH_SIZE];
  points_hash((const uint8_t *)back.points.before.data, &back.points.fact, again);
  cr_assert_arr_eq(again, hash, sizeof hash);
  shows(&record, (const char *[]){"\"type\":\"x.points\"", "\"number\":7", "\"kind\":\"ladder\"",
                                  "\"week\":\"2026-W48\"", NULL});
  record.points.hash.len--;
  cr_assert(is_refused(&record));
  record.points.hash.len++;
  record.points.fact.points = (int64_t)POINTS_MAX + 1;
  cr_assert(is_refused(&record));
  writer_free(&bytes);
}

static struct writer two_moves(void) {
  struct writer moves = {0};
  proposal_put_move(&moves, &(struct proposal_move){SLICE("L1"), SLICE("138"), SLICE("1002")});
  proposal_put_move(&moves, &(struct proposal_move){SLICE("L2"), SLICE("139"), SLICE("")});
  return moves;
}

Test(closed, section_5_a_proposal_waits_and_is_decided_once) {
  struct writer moves = two_moves(), bytes = {0};
  struct proposals proposals = {.first = NULL};
  struct record record = {.type = RECORD_PROPOSAL, .now_ms = now};
  record.proposal.week = MONDAY;
  record.proposal.agent = SLICE("1001");
  record.proposal.moves = writer_slice(&moves);
  struct record back = round_trip(&record, &bytes);
  cr_assert(proposal_take(&proposals, back.proposal.agent, back.proposal.week, back.proposal.state,
                          back.proposal.by, back.proposal.moves, now));
  struct proposal *p = proposal_find(&proposals, SLICE("1001"), MONDAY);
  cr_assert_eq(p->move_count, 2);
  proposal_moved(&proposals, SLICE("1001"), MONDAY + 7, SLICE("L1"));
  cr_assert_eq(p->done, 0, "it waits");
  proposal_take(&proposals, SLICE("1001"), MONDAY, PROPOSAL_APPROVED, SLICE("Li"),
                writer_slice(&moves), now);
  proposal_take(&proposals, SLICE("1001"), MONDAY, PROPOSAL_REJECTED, SLICE("Wu"),
                writer_slice(&moves), now);
  cr_assert_eq(p->state, PROPOSAL_APPROVED);
  cr_assert_str_eq(p->by, "Li");
  proposal_moved(&proposals, SLICE("1001"), MONDAY + 7, SLICE("L2"));
  cr_assert_eq(p->done, 0, "not its turn");
  proposal_moved(&proposals, SLICE("1001"), MONDAY + 7, SLICE("L1"));
  cr_assert_eq(p->done, 1);
  shows(&record, (const char *[]){"\"type\":\"x.proposal\"", "\"state\":\"waiting\"",
                                  "{\"lead\":\"L1\",\"number\":\"138\",\"to\":\"1002\"}", NULL});
  proposals_free(&proposals);
  writer_free(&moves);
  writer_free(&bytes);
}

Test(closed, proposals_survive_a_snapshot) {
  struct writer moves = two_moves(), bytes = {0};
  struct proposals proposals = {.first = NULL}, copy = {.first = NULL};
  proposal_take(&proposals, SLICE("1001"), MONDAY, PROPOSAL_APPROVED, SLICE("Li"),
                writer_slice(&moves), now);
  proposal_take(&proposals, SLICE("1002"), MONDAY + 7, PROPOSAL_WAITING, SLICE(""),
                writer_slice(&moves), now);
  proposal_moved(&proposals, SLICE("1001"), MONDAY + 7, SLICE("L1"));
  proposals_save(&proposals, &bytes);
  struct reader r = reader_of(writer_slice(&bytes));
  proposals_load(&copy, &r);
  cr_assert(!r.failed && r.at == r.end);
  cr_assert_eq(proposal_find(&copy, SLICE("1001"), MONDAY)->done, 1);
  proposals_drop(&copy, MONDAY + 7);
  cr_assert_null(proposal_find(&copy, SLICE("1001"), MONDAY));
  cr_assert_eq(proposal_find(&copy, SLICE("1002"), MONDAY + 7)->move_count, 2);
  proposals_free(&copy);
  for (size_t len = 0; len < bytes.len; len++) { /* cut short: nothing, and no leak */
    r = reader_of((struct slice){bytes.data, len});
    proposals_load(&copy, &r);
    cr_assert(r.failed && !copy.first, "%zu", len);
  }
  proposals_free(&proposals);
  writer_free(&moves);
  writer_free(&bytes);
}
