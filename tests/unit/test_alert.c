/* CONTRACT section 5 and the latch. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "callpace/core/alert.h"

enum { MIN = MSEC_PER_MIN, HOUR = MSEC_PER_HOUR };
#define DAY 20780 /* 2026-11-23 */

static struct policy policy = {
    .from = 16801, /* 2016-01-01 */
    .pace = {.warmup_ms = 60 * MIN, .behind_below_bp = 8000, .hold_down_ms = 15 * MIN},
    .count = {.max_call_ms = 4 * HOUR},
    .coverage_floor_bp = 9500};
static struct team red = {"red", "红队", "李伟"};
static struct agent wang = {.id = "1001", .name = "王芳", .team = &red};
static struct day_plan plan;
static struct pace_memory memory;
static struct pace_facts facts;
static struct alert_latch latch;
static bool unseen;
static char told[4096]; /* ids and states of what was told, one a line */
static char json[4096]; /* the last one whole */

static void take(void *context, const struct alert *alert) {
  (void)context;
  struct writer w = {0};
  alert_put_id(&w, alert);
  put_format(&w, " %s%s\n", alert_state_name(alert->state), alert->silent ? " silently" : "");
  strncat(told, writer_text(&w), sizeof(told) - strlen(told) - 1);
  writer_reset(&w);
  alert_put_json(&w, alert);
  cr_assert(!w.failed && w.len < sizeof(json));
  strcpy(json, writer_text(&w));
  writer_free(&w);
}
static const struct alert_sink sink = {take, NULL};

static void setup(void) {
  plan = (struct day_plan){.policy = &policy,
                           .calls_target = 60,
                           .talk_target_ms = 150 * MIN,
                           .productive = {2, {{9 * HOUR, 12 * HOUR}, {13 * HOUR, 18 * HOUR}}},
                           .shift_end_ms = 18 * HOUR};
  memory = (struct pace_memory){0};
  facts = (struct pace_facts){.plan = &plan, .talking_since_ms = MSEC_NONE, .coverage_bp = 10000};
  latch = (struct alert_latch){0};
  told[0] = json[0] = 0;
  unseen = false;
}
static void teardown(void) {
  alert_latch_free(&latch);
}
TestSuite(alert, .init = setup, .fini = teardown);

static msec_t judge(msec_t now) {
  struct verdict verdict;
  facts.now_ms = now;
  pace_note(&memory, &facts);
  pace_judge(&memory, &facts, &verdict);
  struct alert_day day = {&wang, DAY, &memory, &facts, &verdict, unseen};
  return alert_judge_day(&latch, &day, sink);
}

static void change(msec_t now, int64_t calls, msec_t talk_ms) {
  facts.now_ms = now;
  pace_note(&memory, &facts);
  facts.calls = calls;
  facts.talk_ms = talk_ms;
  pace_note(&memory, &facts);
}

/* What was told since the last look. */
static void expect_told(const char *text) {
  cr_expect_str_eq(told, text);
  told[0] = 0;
}

static enum alert_state state_of(enum alert_type type) {
  return alert_latch_state(&latch, SLICE("1001"), type, DAY);
}

Test(alert, behind_is_raised_once_and_resolves_above_a_margin) {
  change(9 * HOUR, 20, 150 * MIN);
  judge(12 * HOUR);
  expect_told("");
  judge(14 * HOUR);
  expect_told("1001/day.behind/2026-11-23 raised\n");
  judge(14 * HOUR + 1);
  expect_told("");
  change(14 * HOUR + 2, 25, 150 * MIN); /* 83 % of 30: on pace, and not enough */
  judge(14 * HOUR + 2);
  expect_told("");
  cr_expect_eq(alert_latch_open_count(&latch), 1);
  change(14 * HOUR + 3, 26, 150 * MIN); /* 86 % */
  judge(14 * HOUR + 3);
  expect_told("1001/day.behind/2026-11-23 resolved\n");
  cr_expect_eq(alert_latch_open_count(&latch), 0);
  judge(15 * HOUR); /* 26 of 37.5: and once more, after the hold-down */
  expect_told("1001/day.behind/2026-11-23 raised\n");
}

Test(alert, talk_so_far_says_when_to_look_again) {
  change(9 * HOUR, 60, 50 * MIN);
  judge(14 * HOUR);
  expect_told("1001/day.behind/2026-11-23 raised\n");
  facts.now_ms = 14 * HOUR;
  facts.talking_since_ms = 14 * HOUR;
  pace_note(&memory, &facts);
  cr_expect_eq(judge(14 * HOUR), MSEC_MAX); /* the verdict changes first */
  msec_t due = judge(14 * HOUR + 14 * MIN); /* on pace, not yet 85 % */
  cr_assert_lt(due, 15 * HOUR);
  judge(due - 1);
  expect_told("");
  judge(due);
  expect_told("1001/day.behind/2026-11-23 resolved\n");
}

Test(alert, unreachable_comes_beside_behind_and_met_ends_both) {
  change(9 * HOUR, 20, 150 * MIN);
  judge(14 * HOUR);
  facts.call_cycle_ms = 10 * MIN;
  judge(14 * HOUR + 1);
  expect_told("1001/day.behind/2026-11-23 raised\n1001/day.unreachable/2026-11-23 raised\n");
  change(17 * HOUR, 60, 150 * MIN);
  judge(17 * HOUR);
  expect_told("1001/day.behind/2026-11-23 resolved\n1001/day.unreachable/2026-11-23 resolved\n"
              "1001/day.met/2026-11-23 raised\n");
  judge(17 * HOUR + 1);
  judge(19 * HOUR);
  expect_told("");
}

Test(alert, unreachable_is_raised_again_only_after_the_hold_down) {
  change(9 * HOUR, 50, 150 * MIN);
  facts.call_cycle_ms = 20 * MIN;
  judge(16 * HOUR);
  facts.call_cycle_ms = 1;
  judge(16 * HOUR + 1);
  expect_told("1001/day.unreachable/2026-11-23 raised\n1001/day.unreachable/2026-11-23 resolved\n");
  facts.call_cycle_ms = 20 * MIN;
  msec_t due = judge(16 * HOUR + 2);
  expect_told("");
  cr_expect_eq(due, 16 * HOUR + 1 + 15 * MIN);
  judge(due - 1);
  expect_told("");
  judge(due);
  expect_told("1001/day.unreachable/2026-11-23 raised\n");
}

Test(alert, unreachable_resolves_by_a_margin) {
  change(9 * HOUR, 50, 150 * MIN);
  facts.call_cycle_ms = 13 * MIN; /* 10 calls take 130 of 120 min */
  judge(16 * HOUR);
  expect_told("1001/day.unreachable/2026-11-23 raised\n");
  facts.call_cycle_ms = 11 * MIN; /* 110 min: 10 to spare, 12 are asked for */
  judge(16 * HOUR + 1);
  expect_told("");
  facts.call_cycle_ms = 10 * MIN + 48 * 1000;
  judge(16 * HOUR + 2);
  expect_told("1001/day.unreachable/2026-11-23 resolved\n");
}

Test(alert, nothing_is_said_to_be_behind_while_a_source_is_down) {
  change(9 * HOUR, 20, 20 * MIN);
  unseen = true;
  judge(16 * HOUR + 30 * MIN);
  expect_told("");
  unseen = false;
  judge(16 * HOUR + 31 * MIN);
  expect_told("1001/day.unreachable/2026-11-23 raised\n");
  unseen = true;
  change(17 * HOUR, 60, 150 * MIN);
  judge(17 * HOUR);
  expect_told("1001/day.unreachable/2026-11-23 resolved\n1001/day.met/2026-11-23 raised\n");
}

Test(alert, missed_closes_silently_and_is_withdrawn_by_met) {
  change(9 * HOUR, 59, 20 * MIN);
  judge(17 * HOUR);
  expect_told("1001/day.unreachable/2026-11-23 raised\n");
  judge(18 * HOUR);
  expect_told("1001/day.unreachable/2026-11-23 resolved silently\n"
              "1001/day.missed/2026-11-23 raised\n");
  change(20 * HOUR, 60, 150 * MIN);
  judge(20 * HOUR);
  expect_told("1001/day.missed/2026-11-23 resolved\n1001/day.met/2026-11-23 raised\n");
}

Test(alert, no_offence_below_the_coverage_floor) {
  change(9 * HOUR, 20, 0);
  judge(17 * HOUR);
  facts.coverage_bp = 9000;
  judge(18 * HOUR);
  expect_told("1001/day.unreachable/2026-11-23 raised\n"
              "1001/day.unreachable/2026-11-23 resolved silently\n");
}

Test(alert, exempt_is_told_of_nothing) {
  plan.exempt = true;
  judge(17 * HOUR);
  judge(19 * HOUR);
  expect_told("");
}

Test(alert, the_end_of_the_day_closes_what_is_open) {
  change(9 * HOUR, 20, 150 * MIN);
  judge(14 * HOUR);
  expect_told("1001/day.behind/2026-11-23 raised\n");
  alert_close_day(&latch, DAY, 24 * HOUR, sink);
  expect_told("1001/day.behind/2026-11-23 resolved silently\n");
  alert_close_day(&latch, DAY, 24 * HOUR, sink);
  expect_told("");
}

Test(alert, json_is_that_of_the_contract) {
  change(9 * HOUR, 12, 20 * MIN);
  judge(14 * HOUR);
  json_t *root = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
  cr_assert_not_null(root, "%s", json);
  static const char *const strings[][2] = {
      {"id", "1001/day.behind/2026-11-23"},
      {"type", "day.behind"},
      {"severity", "warning"},
      {"state", "raised"},
      {"agent", "1001"},
      {"name", "王芳"},
      {"team", "red"},
      {"team_lead", "李伟"},
      {"period", "2026-11-23"},
      {"policy_from", "2016-01-01"},
      {"action", "Talk to the agent and see what holds up the calls."}};
  for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
    cr_expect_str_eq(json_string_value(json_object_get(root, strings[i][0])), strings[i][1]);
  cr_expect_eq(json_integer_value(json_object_get(root, "at_ms")), 14 * HOUR);
  json_t *numbers = json_object_get(root, "numbers"), *text = json_object_get(root, "text");
  cr_expect_eq(json_integer_value(json_object_get(numbers, "calls")), 12);
  cr_expect_eq(json_integer_value(json_object_get(numbers, "calls_expected")), 30);
  cr_expect_eq(json_integer_value(json_object_get(numbers, "productive_left_ms")), 4 * HOUR);
  cr_expect_str_eq(json_string_value(json_object_get(text, "en")),
                   "王芳 (红队) is behind today: 12 calls done, 30 expected by now (target 60); "
                   "20 min of talk, 1 h 15 min expected by now (target 2 h 30 min).");
  cr_expect_str_eq(json_string_value(json_object_get(text, "zh")),
                   "王芳（红队）今天落后于进度：已完成 12 通，按进度应为 30 通（目标 60 通）；"
                   "通话时长 20 分钟，按进度应为 1 小时 15 分钟（目标 2 小时 30 分钟）。");
  json_decref(root);
}

Test(alert, hostile_names_stay_inside_their_string) {
  struct agent evil = {.id = "PJSIP/7\"\n", .name = "%N%s\"},{\x01<script>\xff", .team = NULL};
  struct alert_lost_call call = {.agent_id = slice_of(evil.id),
                                 .agent = &evil,
                                 .call = SLICE("c\"\n<script>"),
                                 .day = DAY,
                                 .now_ms = 5 * HOUR,
                                 .started_ms = HOUR,
                                 .policy = &policy};
  alert_lost_track(&latch, &call, sink);
  json_t *root = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
  cr_assert_not_null(root, "%s", json);
  cr_expect_str_eq(json_string_value(json_object_get(root, "id")),
                   "PJSIP/7\"\n/call.lost_track/2026-11-23");
  cr_expect_str_eq(json_string_value(json_object_get(root, "call")), "c\"\n<script>");
  cr_expect_str_eq(json_string_value(json_object_get(root, "reason")), "unknown_to_switch");
  cr_expect_null(strpbrk(json, "<\n\x01"));
  cr_expect_null(json_object_get(root, "team"));
  json_decref(root);
}

Test(alert, a_lost_call_is_told_once_an_agent_and_day) {
  struct alert_lost_call call = {.agent_id = SLICE("4711"),
                                 .call = SLICE("c1"),
                                 .timed_out = true,
                                 .day = DAY,
                                 .now_ms = 5 * HOUR,
                                 .started_ms = HOUR};
  alert_lost_track(&latch, &call, sink);
  alert_lost_track(&latch, &call, sink);
  expect_told("4711/call.lost_track/2026-11-23 raised\n");
  cr_expect_not_null(strstr(json, "The end of call c1 of 4711 was never seen: nothing was heard of "
                                  "it for max_call. It was closed after 4 h"));
  call.day++;
  alert_lost_track(&latch, &call, sink);
  expect_told("4711/call.lost_track/2026-11-24 raised\n");
}

static msec_t outage(msec_t since, msec_t now) {
  return alert_outage(&latch, ALERT_SOURCE_DOWN, SLICE("pbx1"), since,
                      DAY + (day_t)(now / 24 / HOUR), now, sink);
}

Test(alert, a_source_is_down_after_the_hold_and_its_id_is_that_of_the_first_day) {
  cr_expect_eq(outage(MSEC_NONE, 1), MSEC_MAX);
  cr_expect_eq(outage(1000, 1000), 6000);
  cr_expect_eq(outage(MSEC_NONE, 5999), MSEC_MAX); /* back in time */
  cr_expect_eq(outage(7000, 11999), 12000);
  expect_told("");
  cr_expect_eq(outage(7000, 12000), MSEC_MAX);
  outage(7000, 90000);
  expect_told("pbx1/source.down/2026-11-23 raised\n");
  outage(MSEC_NONE, 25 * HOUR);
  expect_told("pbx1/source.down/2026-11-23 resolved\npbx1/source.up/2026-11-24 raised\n");
  outage(MSEC_NONE, 26 * HOUR);
  outage(26 * HOUR, 27 * HOUR);
  outage(MSEC_NONE, 28 * HOUR);
  expect_told("pbx1/source.down/2026-11-24 raised\npbx1/source.down/2026-11-24 resolved\n"
              "pbx1/source.up/2026-11-24 raised\n");
}

Test(alert, redis_and_journal_have_fixed_subjects) {
  alert_outage(&latch, ALERT_REDIS_DOWN, SLICE(""), 0, DAY, 200 * MSEC_PER_SEC, sink);
  cr_expect_not_null(strstr(json, "3 分 20 秒"), "%s", json);
  alert_outage(&latch, ALERT_JOURNAL_STALLED, SLICE(""), 0, DAY, 5000, sink);
  alert_outage(&latch, ALERT_REDIS_DOWN, SLICE(""), MSEC_NONE, DAY, 300 * MSEC_PER_SEC, sink);
  alert_outage(&latch, ALERT_JOURNAL_STALLED, SLICE(""), MSEC_NONE, DAY, 6000, sink);
  expect_told("redis/redis.down/2026-11-23 raised\njournal/journal.stalled/2026-11-23 raised\n"
              "redis/redis.down/2026-11-23 resolved\nredis/redis.up/2026-11-23 raised\n"
              "journal/journal.stalled/2026-11-23 resolved\n");
}

Test(alert, a_replayed_decision_keeps_the_latch_shut) {
  change(9 * HOUR, 20, 150 * MIN);
  cr_expect(alert_latch_apply(&latch, SLICE("1001/day.behind/2026-11-23"), ALERT_RAISED, 5));
  cr_expect(alert_latch_apply(&latch, SLICE("1001/day.behind/2026-11-23"), ALERT_RAISED, 9));
  cr_expect_eq(alert_latch_since(&latch, SLICE("1001"), ALERT_DAY_BEHIND, DAY), 5);
  judge(14 * HOUR);
  expect_told("");
  cr_expect(alert_latch_apply(&latch, SLICE("PJSIP/7/day.met/2026-11-23"), ALERT_RAISED, 5));
  cr_expect_eq(alert_latch_state(&latch, SLICE("PJSIP/7"), ALERT_DAY_MET, DAY), ALERT_RAISED);
  static const char *const bad[] = {"",
                                    "/",
                                    "1001",
                                    "day.met/2026-11-23",
                                    "1001/day.me/2026-11-23",
                                    "1001/day.met/2026-13-23",
                                    "1001/day.met/"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    cr_expect_not(alert_latch_apply(&latch, slice_of(bad[i]), ALERT_RAISED, 5), "%s", bad[i]);
  cr_expect_not(alert_latch_apply(&latch, SLICE("1/day.met/2026-11-23"), ALERT_CLEAR, 5));
}

Test(alert, forgets_closed_days_and_keeps_open_conditions) {
  alert_latch_apply(&latch, SLICE("1001/day.met/2026-11-20"), ALERT_RAISED, 1);
  alert_latch_apply(&latch, SLICE("1002/day.behind/2026-11-20"), ALERT_RESOLVED, 1);
  alert_latch_apply(&latch, SLICE("pbx1/source.down/2026-11-20"), ALERT_RAISED, 1);
  alert_latch_apply(&latch, SLICE("1001/day.met/2026-11-23"), ALERT_RAISED, 1);
  alert_latch_forget(&latch, DAY);
  cr_expect_eq(alert_latch_state(&latch, SLICE("1001"), ALERT_DAY_MET, DAY - 3), ALERT_CLEAR);
  cr_expect_eq(state_of(ALERT_DAY_MET), ALERT_RAISED);
  cr_expect_eq(alert_latch_open_day(&latch, SLICE("pbx1"), ALERT_SOURCE_DOWN), DAY - 3);
  alert_latch_apply(&latch, SLICE("pbx1/source.down/2026-11-20"), ALERT_RESOLVED, 1);
  alert_latch_forget(&latch, DAY + 1);
  cr_expect_null(latch.days);
}

Test(alert, latch_survives_a_snapshot_and_refuses_a_cut_one) {
  alert_latch_apply(&latch, SLICE("1001/day.met/2026-11-20"), ALERT_RAISED, 77);
  alert_latch_apply(&latch, SLICE("1001/day.behind/2026-11-20"), ALERT_RESOLVED, 78);
  alert_latch_apply(&latch, SLICE("a/b/source.down/2026-11-23"), ALERT_RAISED, 79);
  struct writer w = {0}, again = {0};
  alert_latch_save(&latch, &w);
  for (size_t len = 0; len <= w.len; len++) {
    struct alert_latch loaded = {0};
    struct reader r = reader_of((struct slice){w.data, len});
    alert_latch_load(&loaded, &r);
    cr_expect_eq(r.failed, len < w.len, "%zu of %zu", len, w.len);
    if (!r.failed) alert_latch_save(&loaded, &again);
    alert_latch_free(&loaded);
  }
  cr_expect(slice_equal(writer_slice(&w), writer_slice(&again)));
  writer_free(&w);
  writer_free(&again);
}

Test(alert, every_type_has_a_name_and_words_in_both_states) {
  for (int type = 1; type < ALERT_TYPES; type++)
    for (int state = ALERT_RAISED; state <= ALERT_RESOLVED; state++) {
      struct alert alert = {.type = (enum alert_type)type,
                            .state = (enum alert_state)state,
                            .subject = SLICE("1001"),
                            .period = DAY,
                            .policy_from = DAY_NONE};
      cr_expect_eq(alert_type_parse(slice_of(alert_type_name(alert.type))), alert.type);
      take(NULL, &alert);
      for (const char *at = json; (at = strchr(at, '%')); at++)
        cr_expect(at > json && at[-1] == ' ' && !isalnum((unsigned char)at[1]), "%s", json);
      json_t *root = json_loads(json, 0, NULL);
      cr_assert_not_null(root, "%s", json);
      json_t *text = json_object_get(root, "text");
      cr_expect_gt(strlen(json_string_value(json_object_get(text, "zh"))), 10);
      cr_expect_gt(strlen(json_string_value(json_object_get(text, "en"))), 10);
      json_decref(root);
    }
}

Test(alert, contract_5_an_id_bears_the_period_of_its_type) {
  static const struct {
    enum alert_type type;
    const char *day, *id;
  } ids[] = {{ALERT_DAY_MET, "2026-11-23", "1001/day.met/2026-11-23"},
             {ALERT_CONTACT_AT_RISK, "2026-11-23", "1001/contact.at_risk/2026-W48"},
             {ALERT_LEAD_HOLD, "2026-12-28", "1001/lead.hold/2026-W53"},
             {ALERT_MONTH_OUTCOME, "2026-11-01", "1001/month.outcome/2026-11"}};
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
    struct alert alert = {.type = ids[i].type, .subject = SLICE("1001")};
    struct writer w = {0};
    struct alert_latch fresh = {0};
    cr_assert(day_parse(slice_of(ids[i].day), &alert.period));
    alert_put_id(&w, &alert);
    cr_expect_str_eq(writer_text(&w), ids[i].id);
    cr_expect(alert_latch_apply(&fresh, writer_slice(&w), ALERT_RAISED, 1));
    cr_expect_eq(alert_latch_state(&fresh, alert.subject, alert.type, alert.period), ALERT_RAISED);
    alert_latch_free(&fresh);
    writer_free(&w);
  }
}

Test(alert, contract_5_lead_reassigned_lists_lead_from_and_to) {
  struct alert_move moves[] = {{SLICE("L1"), SLICE("1001"), SLICE("1002")},
                               {SLICE("L<2>"), SLICE("1001"), SLICE("")}};
  struct alert alert = {.type = ALERT_LEAD_REASSIGNED,
                        .state = ALERT_RAISED,
                        .subject = SLICE("1001"),
                        .period = DAY,
                        .policy_from = DAY_NONE,
                        .moves = moves,
                        .move_count = 2};
  take(NULL, &alert);
  cr_expect_not_null(strstr(json, "\"leads\":[{\"lead\":\"L1\",\"from\":\"1001\",\"to\":\"1002\"},"
                                  "{\"lead\":\"L\\u003c2\\u003e\",\"from\":\"1001\",\"to\":null}]"),
                     "%s", json);
  cr_expect_not_null(strstr(json, "2 undialled lead(s) of 2026-W48"), "%s", json);
}
