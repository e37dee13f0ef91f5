/* The evapi dialect: framing, hostile input, gaps, heartbeats. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "callpace/dialect/dialect.h"

#define NOW_MS ((msec_t)1795458800000)

static struct {
  void *evapi;
  struct writer log;
  struct item item; /* the last that was no event */
  msec_t now_ms;
  struct agent agent;
  struct roster roster;
  const struct roster *roster_now;
} rig;

static enum item_kind feed(struct slice *bytes) {
  struct item item;
  enum item_kind kind, last = ITEM_MORE;
  struct writer out = {0};
  while ((kind = dialect_evapi.next(rig.evapi, bytes, false, rig.now_ms, &item, &out)) !=
         ITEM_MORE) {
    if (kind != ITEM_EVENT) {
      rig.item = item;
      last = kind;
      if (kind == ITEM_CLOSE) break;
      continue;
    }
    if (rig.log.len) put_text(&rig.log, " | ");
    put_text(&rig.log, call_event_type_name(item.event.type));
    if (item.event.type == EVENT_SOURCE_GAP)
      put_format(&rig.log, " %lld", (long long)(item.event.to_ms - item.event.from_ms));
    if (item.event.call.len > 4)
      put_format(&rig.log, " %.*s", (int)item.event.call.len - 4, item.event.call.data + 4);
    if (item.event.type == EVENT_CALL_START)
      put_format(&rig.log, " %.*s %s", (int)item.event.agent.len, item.event.agent.data,
                 call_dir_name(item.event.dir));
    if (item.event.type != EVENT_CALL_END) continue;
    put_format(&rig.log, " %s", call_outcome_name(item.event.outcome));
    if (item.event.talk_ms != MSEC_NONE)
      put_format(&rig.log, " %lld", (long long)item.event.talk_ms);
  }
  cr_assert_eq(out.len, 0);
  return last;
}

static enum item_kind feed_text(const char *text) {
  struct slice bytes = slice_of(text);
  enum item_kind kind = feed(&bytes);
  if (kind != ITEM_CLOSE) cr_expect_eq(bytes.len, 0, "%s", text);
  return kind;
}

/* A netstring, `seconds` after NOW_MS. */
static enum item_kind say(const char *ev, double seconds, const char *more) {
  char json[600], text[640];
  int len = snprintf(json, sizeof json, "{\"ev\":\"%s\",\"ts\":\"%.6f\"%s}", ev,
                     (double)NOW_MS / 1000.0 + seconds, more);
  snprintf(text, sizeof text, "%d:%s,", len, json);
  return feed_text(text);
}

static void reconnect(void) {
  struct slice nothing = {0};
  dialect_evapi.lost(rig.evapi, rig.now_ms);
  rig.now_ms += 5000;
  dialect_evapi.greet(rig.evapi, rig.now_ms, NULL);
  cr_expect_eq(feed(&nothing), ITEM_UP);
}

static void set_up(void) {
  rig.agent.id = "1002";
  table_put(&rig.roster.by_id, SLICE("1002"), &rig.agent);
  rig.roster_now = &rig.roster;
  rig.now_ms = NOW_MS;
  const struct dialect_setup setup = {.source = "kam", .roster = &rig.roster_now};
  rig.evapi = dialect_evapi.open(&setup);
  dialect_evapi.greet(rig.evapi, rig.now_ms, NULL);
  struct slice nothing = {0};
  cr_assert_eq(feed(&nothing), ITEM_UP);
  cr_assert_eq(feed(&nothing), ITEM_MORE);
}

static void tear_down(void) {
  dialect_evapi.close(rig.evapi);
  writer_free(&rig.log);
  table_free(&rig.roster.by_id);
}

TestSuite(evapi, .init = set_up, .fini = tear_down);

#define EXPECT_LOG(text)                                                                           \
  do {                                                                                             \
    cr_expect_str_eq(writer_text(&rig.log), text);                                                 \
    writer_reset(&rig.log);                                                                        \
  } while (0)

#define CALL  ",\"call_id\":\"a\""
#define WHO   ",\"call_id\":\"a\",\"agent\":\"1001\",\"number\":\"0600\""
#define TIMES ",\"t0\":\"1795458800.000000\",\"t1\":\"1795458803.000000\""

Test(evapi, a_call) {
  say("start", 0, WHO);
  say("ringing", 0.1, WHO ",\"code\":180");
  say("answer", 3, WHO ",\"t1\":\"1795458803.000000\"");
  say("reinvite", 4, WHO);
  say("end", 8.5, WHO ",\"t1\":\"1795458803.000000\",\"by\":\"caller\"");
  EXPECT_LOG("call.start a 1001 out | call.answer a | call.end a answered 5500");
}

Test(evapi, codes) {
  static const char *const cases[][2] = {{"486", "busy"},      {"487", "cancelled"},
                                         {"408", "no_answer"}, {"480", "failed"},
                                         {"500", "failed"},    {"\\\"486\\\"", "failed"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char more[128], expected[128];
    snprintf(more, sizeof more, ",\"call_id\":\"c%zu\",\"agent\":\"1001\"", i);
    say("start", 0, more);
    snprintf(more, sizeof more, ",\"call_id\":\"c%zu\",\"code\":\"%s\"", i, cases[i][0]);
    say("failed", 1, more);
    snprintf(expected, sizeof expected, "call.start c%zu 1001 out | call.end c%zu %s", i, i,
             cases[i][1]);
    EXPECT_LOG(expected);
  }
}

Test(evapi, direction) {
  say("start", 0, ",\"call_id\":\"x\",\"agent\":\"1001\",\"number\":\"1002\"");
  say("start", 0, ",\"call_id\":\"y\",\"agent\":\"1001\",\"number\":\"1002\",\"dir\":\"in\"");
  say("start", 0, ",\"call_id\":\"z\",\"agent\":\"1001\",\"number\":\"1002\",\"dir\":\"sideways\"");
  EXPECT_LOG("call.start x 1001 internal | call.start y 1001 in | call.start z 1001 internal");
}

Test(evapi, a_lost_bye_is_no_talk) {
  say("start", 0, WHO);
  say("answer", 3, WHO);
  say("end", 7200, WHO TIMES ",\"by\":\"timeout\"");
  EXPECT_LOG("call.start a 1001 out | call.answer a | call.lost a");
  say("orphan_bye", 90, CALL);
  EXPECT_LOG("call.end a answered");
}

Test(evapi, the_end_alone_tells_the_call) {
  say("end", 8, WHO TIMES);
  EXPECT_LOG("call.start a 1001 out | call.answer a | call.end a answered 5000");
  say("failed", 8, ",\"call_id\":\"b\",\"agent\":\"1001\",\"code\":486");
  EXPECT_LOG("call.end b busy");
  say("orphan_bye", 9, ",\"call_id\":\"never seen\"");
  EXPECT_LOG("");
}

/* A telephone that is sent elsewhere may use its Call-ID again. */
Test(evapi, a_second_dialog_is_a_second_call) {
  say("start", 0, WHO);
  say("failed", 1, WHO ",\"code\":302");
  say("start", 1, WHO);
  say("answer", 2, WHO);
  say("end", 4, WHO ",\"t1\":\"1795458802.000000\"");
  EXPECT_LOG("call.start a 1001 out | call.end a failed | call.start a/2 1001 out | "
             "call.answer a/2 | call.end a/2 answered 2000");
}

Test(evapi, lines_and_netstrings) {
  feed_text(
      "{\"ev\":\"start\",\"ts\":\"1795458800.1\",\"call_id\":\"a\",\"agent\":\"1001\"}\r\n\n");
  feed_text("58:{\"ev\":\"answer\",\"ts\":\"1795458801.123456\",\"call_id\":\"a\"    },\n");
  EXPECT_LOG("call.start a 1001 out | call.answer a");
}

Test(evapi, what_is_out_of_step_is_a_gap) {
  static const char *const broken[] = {"12:{\"ev\":\"start\"}", "012:x",    "99999999:", "12{", "x",
                                       "5:{\"a\":1}",           "1048577:{"};
  for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
    say("heartbeat", 0, ",\"active\":0");
    rig.now_ms += 700;
    cr_expect_eq(feed_text(broken[i]), ITEM_CLOSE, "%s", broken[i]);
    cr_expect_str_eq(rig.item.code, "bad_frame");
    EXPECT_LOG("source.gap 700");
    reconnect();
  }
}

Test(evapi, long_messages_are_skipped_and_told) {
  struct writer text = {0};
  put_text(&text, "100000:");
  for (int i = 0; i < 100000; i++)
    put_char(&text, 'x');
  put_text(&text, ",");
  struct slice unread = {text.data, 0};
  int refused = 0;
  for (size_t given = 1000; given <= text.len + 999; given += 1000) {
    size_t upto = given < text.len ? given : text.len;
    unread.len = (size_t)(text.data + upto - unread.data);
    if (feed(&unread) == ITEM_REFUSED) refused++;
    cr_assert_leq(unread.len, dialect_evapi.unread_max);
  }
  cr_expect_eq(refused, 1);
  cr_expect_str_eq(rig.item.code, "too_long");
  cr_expect_eq(unread.len, 0);
  writer_reset(&text);
  put_char(&text, '{');
  for (int i = 0; i < 9000; i++)
    put_char(&text, 'x');
  put_char(&text, '\n');
  cr_expect_eq(feed_text(writer_text(&text)), ITEM_REFUSED);
  say("start", 0, WHO);
  EXPECT_LOG("call.start a 1001 out");
  writer_free(&text);
}

Test(evapi, what_cannot_be_used_is_told) {
  static const char *const cases[][3] = {
      {"{\"ev\":\"start\",\"call_id\":\"a\"}", "missing_field", "agent is missing"},
      {"{\"ev\":\"end\"}", "missing_field", "call_id is missing"},
      {"{\"ev\":\"party\",\"call_id\":\"a\"}", "unknown_type", "ev is not known"},
      {"{\"ev\":{}}", "bad_json", NULL},
      {"{\"ev\":\"\xff\"}", "bad_utf8", NULL},
      {"{}", "unknown_type", NULL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[128];
    snprintf(text, sizeof text, "%s\n", cases[i][0]);
    cr_expect_eq(feed_text(text), ITEM_REFUSED, "%s", text);
    cr_expect_str_eq(rig.item.code, cases[i][1]);
    if (cases[i][2]) cr_expect_str_eq(rig.item.message, cases[i][2]);
  }
  struct writer more = {0};
  put_text(&more, ",\"call_id\":\"a\",\"agent\":\"");
  for (int i = 0; i < 129; i++)
    put_char(&more, 'x');
  put_char(&more, '"');
  cr_expect_eq(say("start", 0, writer_text(&more)), ITEM_REFUSED);
  cr_expect_str_eq(rig.item.code, "bad_field");
  writer_free(&more);
}

Test(evapi, long_call_ids_stay_apart) {
  char more[400], id[301];
  memset(id, 'x', 300);
  id[300] = '\0';
  for (int i = 0; i < 2; i++) {
    id[299] = (char)('a' + i);
    snprintf(more, sizeof more, ",\"call_id\":\"%s\",\"agent\":\"1001\"", id);
    say("start", 0, more);
  }
  const char *first = strstr(writer_text(&rig.log), " x"), *second = strstr(first + 1, " x");
  cr_assert(first && second);
  cr_expect_eq(strcspn(first + 1, " "), 180);
  cr_expect_neq(strncmp(first, second, 181), 0);
}

Test(evapi, times_far_ahead_are_not_believed) {
  say("start", 0, WHO);
  rig.now_ms += 1000;
  say("answer", 100000, WHO);
  rig.now_ms += 4000;
  say("end", 5, WHO ",\"t1\":\"9999999999.0\"");
  EXPECT_LOG("call.start a 1001 out | call.answer a | call.end a answered");
}

/* --- gaps --- */

Test(evapi, calls_that_are_no_more_after_a_gap) {
  say("start", 0, WHO);
  say("answer", 3, WHO);
  say("start", 3, ",\"call_id\":\"b\",\"agent\":\"1002\"");
  say("heartbeat", 5, ",\"active\":0");
  reconnect();
  EXPECT_LOG("call.start a 1001 out | call.answer a | call.start b 1002 out");
  say("heartbeat", 5, ",\"active\":1");
  EXPECT_LOG("");
  say("heartbeat", 10, ",\"active\":0");
  EXPECT_LOG("call.lost a");
  rig.now_ms += 181000;
  say("heartbeat", 200, ",\"active\":0");
  EXPECT_LOG("call.lost b");
  say("end", 201, WHO TIMES);
  EXPECT_LOG("call.end a answered 198000");
}

Test(evapi, what_goes_on_after_a_gap) {
  say("start", 0, WHO);
  say("answer", 3, WHO);
  reconnect();
  say("end", 9, WHO ",\"t1\":\"1795458803.000000\"");
  say("heartbeat", 10, ",\"active\":0");
  EXPECT_LOG("call.start a 1001 out | call.answer a | call.end a answered 6000");
}

Test(evapi, silence_is_measured_by_the_heartbeat) {
  cr_expect_eq(dialect_evapi.patience_s(rig.evapi), 0);
  say("heartbeat", 0, "");
  cr_expect_eq(dialect_evapi.patience_s(rig.evapi), 0, "one tells no interval");
  rig.now_ms += 5000;
  say("heartbeat", 5, "");
  cr_expect_eq(dialect_evapi.patience_s(rig.evapi), 20);
  reconnect();
  cr_expect_eq(dialect_evapi.patience_s(rig.evapi), 0);
}
