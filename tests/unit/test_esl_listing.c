/* The ESL dialect after a connect: the list of live channels, gaps, heartbeats. */
#include "esl_fixture.h"

static struct rig rig;

static void set_up(void) {
  rig_open(&rig);
  feed_login(&rig);
}

static void tear_down(void) {
  rig_close(&rig);
}

TestSuite(esl_listing, .init = set_up, .fini = tear_down);

#define ROW(id, dir, name, call, state)                                                            \
  "{\"uuid\":\"" id "\",\"direction\":\"" dir                                                      \
  "\",\"created_epoch\":\"1795458190\",\"name\":\"" name "\",\"cid_num\":\"555\",\"dest\":\"0600"  \
  "\",\"application_data\":\"x}]\\\"{\",\"presence_id\":\"\",\"call_uuid\":\"" call                \
  "\",\"callstate\":\"" state "\"}"
#define ROWS(rows) "{\"row_count\":9,\"rows\":[" rows "]}"

#define AGENT_ROW    ROW("a", "inbound", "sofia/internal/1001@pbx", "a", "ACTIVE")
#define CUSTOMER_ROW ROW("c", "outbound", "sofia/external/0600@1.2.3.4", "a", "ACTIVE")

static void outbound_call(void) {
  feed_event(&rig, 0, "CHANNEL_CREATE",
             "Core-UUID: one;Unique-ID: a;Call-Direction: inbound;variable_user_name: 1001;"
             "Caller-Destination-Number: 0600");
  feed_event(&rig, 0, "CHANNEL_CREATE",
             "Core-UUID: one;Unique-ID: c;Call-Direction: outbound;Other-Type: originator;"
             "Other-Leg-Unique-ID: a;Channel-Name: sofia/external/0600%401.2.3.4");
  EXPECT_LOG(&rig, "start a 1001 out 0600");
}

static void bridge(msec_t ms) {
  feed_event(&rig, ms, "CHANNEL_BRIDGE",
             "Unique-ID: a;Bridge-A-Unique-ID: a;Bridge-B-Unique-ID: c");
  EXPECT_LOG(&rig, "answer a");
}

static void hangup(const char *more) {
  char fields[400];
  snprintf(fields, sizeof fields,
           "Unique-ID: a;Call-Direction: inbound;variable_user_name: 1001;"
           "Caller-Destination-Number: 0600;Caller-Channel-Created-Time: 1795458190500000;"
           "Caller-Channel-Hangup-Time: 1795458210000000;Hangup-Cause: NORMAL_CLEARING;%s",
           more);
  feed_event(&rig, 10000, "CHANNEL_HANGUP_COMPLETE", fields);
}

Test(esl_listing, a_live_call_is_adopted) {
  cr_expect_eq(feed_frame(&rig, "api/response", ROWS(AGENT_ROW "," CUSTOMER_ROW)), ITEM_MORE);
  EXPECT_LOG(&rig, "start a 1001 out 0600 | answer a");
  hangup("Caller-Channel-Bridged-Time: 1795458195000000");
  EXPECT_LOG(&rig, "start a 1001 out 0600 | answer a | end a answered 15000");
}

Test(esl_listing, a_call_that_rings_and_one_from_a_queue) {
  feed_frame(
      &rig, "api/response",
      ROWS(AGENT_ROW
           "," ROW("c", "outbound", "sofia/external/0600@1.2.3.4", "a", "RINGING") "," ROW(
               "m", "inbound", "sofia/external/555@1.2.3.4", "m",
               "ACTIVE") "," ROW("b", "outbound", "sofia/internal/1003@9.9.9.9", "m", "ACTIVE")));
  EXPECT_LOG(&rig, "start b wang in 555 | answer b | start a 1001 out 0600");
}

Test(esl_listing, colleagues_are_internal) {
  feed_frame(
      &rig, "api/response",
      ROWS(AGENT_ROW "," ROW("b", "outbound", "sofia/internal/1002@9.9.9.9", "a", "ACTIVE")));
  EXPECT_LOG(&rig, "start a 1001 internal 0600 | start b 1002 internal 555");
}

/* Its channel is named otherwise than the agent: the end tells. */
Test(esl_listing, an_agent_that_no_list_shows) {
  feed_frame(
      &rig, "api/response",
      ROWS(ROW("a", "inbound", "sofia/internal/softphone@pbx", "a", "ACTIVE") "," CUSTOMER_ROW));
  EXPECT_LOG(&rig, "");
  hangup("Caller-Channel-Bridged-Time: 1795458195000000");
  EXPECT_LOG(&rig, "start a 1001 out 0600 | answer a | end a answered 15000");
}

Test(esl_listing, byte_by_byte) {
  static const char text[] = ROWS(AGENT_ROW "," CUSTOMER_ROW);
  struct writer frame = {0};
  put_format(&frame, "Content-Type: api/response\nContent-Length: %zu\n\n%s", sizeof text - 1,
             text);
  struct slice unread = {frame.data, 0};
  for (size_t given = 1; given <= frame.len; given++) {
    struct item item;
    unread.len = (size_t)(frame.data + given - unread.data);
    while (dialect_esl.next(rig.esl, &unread, false, rig.now_ms, &item, &rig.out) == ITEM_EVENT)
      log_event(&rig, &item.event);
  }
  cr_expect_eq(unread.len, 0);
  EXPECT_LOG(&rig, "start a 1001 out 0600 | answer a");
  writer_free(&frame);
}

Test(esl_listing, longer_than_any_buffer) {
  struct writer body = {0};
  put_text(&body, "{\"row_count\":3002,\"rows\":[");
  for (int i = 0; i < 3000; i++)
    put_format(&body,
               "{\"uuid\":\"x%d\",\"direction\":\"inbound\",\"name\":\"sofia/external/5@h\","
               "\"call_uuid\":\"x%d\",\"callstate\":\"ACTIVE\",\"application_data\":\"%0200d\"},",
               i, i, 0);
  put_text(&body, AGENT_ROW "," CUSTOMER_ROW "]}");
  cr_assert_gt(body.len, 4 * dialect_esl.unread_max);
  feed_frame(&rig, "api/response", writer_text(&body));
  EXPECT_LOG(&rig, "start a 1001 out 0600 | answer a");
  writer_free(&body);
}

Test(esl_listing, what_the_switch_forgot_is_lost) {
  outbound_call();
  bridge(1000);
  feed_reconnect(&rig);
  EXPECT_LOG(&rig, "");
  cr_expect_eq(feed_frame(&rig, "api/response", "{\"row_count\":0}"), ITEM_MORE);
  EXPECT_LOG(&rig, "lost a");
  /* An end that was on its way all the same counts. */
  hangup("Caller-Channel-Bridged-Time: 1795458195000000");
  EXPECT_LOG(&rig, "start a 1001 out 0600 | answer a | end a answered 15000");
}

Test(esl_listing, what_lives_on_goes_on) {
  outbound_call();
  bridge(1000);
  feed_reconnect(&rig);
  feed_frame(&rig, "api/response", ROWS(AGENT_ROW "," CUSTOMER_ROW));
  EXPECT_LOG(&rig, "");
  hangup("Caller-Channel-Bridged-Time: 1795458201000000");
  EXPECT_LOG(&rig, "end a answered 9000");
}

Test(esl_listing, an_answer_in_the_gap) {
  outbound_call();
  feed_reconnect(&rig);
  feed_frame(&rig, "api/response", ROWS(AGENT_ROW "," CUSTOMER_ROW));
  EXPECT_LOG(&rig, "answer a");
  hangup("Caller-Channel-Bridged-Time: 1795458201000000");
  EXPECT_LOG(&rig, "answer a | end a answered 9000");
}

Test(esl_listing, new_events_come_before_the_list) {
  feed_reconnect(&rig);
  outbound_call();
  feed_frame(&rig, "api/response", "{\"row_count\":0}");
  EXPECT_LOG(&rig, "");
  hangup("");
  EXPECT_LOG(&rig, "end a cancelled");
}

Test(esl_listing, none_is_given) {
  outbound_call();
  feed_reconnect(&rig);
  cr_expect_eq(feed_frame(&rig, "api/response", "-ERR permission denied\n"), ITEM_WARNING);
  cr_expect_str_eq(rig.item.code, "no_listing");
  EXPECT_LOG(&rig, "lost a");
  feed_reconnect(&rig);
  feed_frame(&rig, "api/response", "-ERR permission denied\n");
  EXPECT_LOG(&rig, "");
  hangup("");
  EXPECT_LOG(&rig, "start a 1001 out 0600 | end a cancelled");
}

Test(esl_listing, a_broken_one_ends_nothing_for_good) {
  outbound_call();
  feed_reconnect(&rig);
  cr_expect_eq(feed_frame(&rig, "api/response", "{\"row_count\":1,\"rows\":[{\"uuid\":"),
               ITEM_WARNING);
  EXPECT_LOG(&rig, "lost a");
  hangup("Caller-Channel-Bridged-Time: 1795458201000000");
  EXPECT_LOG(&rig, "answer a | end a answered 9000");
}

Test(esl_listing, another_life_of_the_switch) {
  outbound_call();
  feed_reconnect(&rig);
  feed_event(&rig, 0, "HEARTBEAT", "Core-UUID: two;Session-Count: 0");
  EXPECT_LOG(&rig, "lost a");
}

/* --- heartbeats --- */

static enum item_kind beat(int sessions) {
  char fields[64];
  snprintf(fields, sizeof fields, "Core-UUID: one;Session-Count: %d", sessions);
  rig.now_ms += 20000;
  return feed_event(&rig, rig.now_ms - NOW_MS, "HEARTBEAT", fields);
}

Test(esl_listing, lost_ends_are_asked_for) {
  outbound_call();
  beat(2);
  writer_reset(&rig.out);
  beat(0);
  cr_expect_eq(rig.out.len, 0, "one may be a matter of order");
  beat(0);
  cr_expect_str_eq(writer_text(&rig.out), "api show channels as json\n\n");
  feed_frame(&rig, "api/response", "{\"row_count\":0}");
  EXPECT_LOG(&rig, "lost a");
  writer_reset(&rig.out);
  beat(0);
  cr_expect_eq(rig.out.len, 0);
}

Test(esl_listing, a_heart_that_stands_still) {
  beat(0);
  beat(0);
  writer_reset(&rig.out);
  dialect_esl.ping(rig.esl, rig.now_ms, &rig.out);
  cr_expect_str_eq(writer_text(&rig.out), "api uptime s\n\n");
  rig.now_ms += 60000;
  cr_expect_eq(feed_frame(&rig, "api/response", "12345\n"), ITEM_MORE);
  rig.now_ms += 20000;
  cr_expect_eq(feed_frame(&rig, "api/response", "12345\n"), ITEM_CLOSE);
  cr_expect_str_eq(rig.item.code, "no_heartbeat");
}
