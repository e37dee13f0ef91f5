/* The ESL dialect: login, framing, hostile input, calls of all kinds. */
#include "esl_fixture.h"

static struct rig rig;

static void set_up(void) {
  rig_open(&rig);
}

static void set_up_logged_in(void) {
  rig_open(&rig);
  feed_login(&rig);
}

static void tear_down(void) {
  rig_close(&rig);
}

TestSuite(esl, .init = set_up_logged_in, .fini = tear_down);
TestSuite(esl_login, .init = set_up, .fini = tear_down);

/* --- login --- */

Test(esl_login, speaks_when_spoken_to) {
  cr_expect_eq(rig.out.len, 0);
  feed_text(&rig, "Content-Type: auth/request\n\n");
  cr_expect_str_eq(writer_text(&rig.out), "auth top\n\n");
  writer_reset(&rig.out);
  feed_text(&rig, "Content-Type: command/reply\nReply-Text: +OK accepted\n\n");
  cr_expect(strncmp(writer_text(&rig.out), "event plain CHANNEL_CREATE ", 27) == 0);
  cr_expect(strstr(writer_text(&rig.out), " HEARTBEAT CUSTOM callcenter::info\n\n"));
  writer_reset(&rig.out);
  cr_expect_eq(feed_text(&rig, "Content-Type: command/reply\nReply-Text: +OK\n\n"), ITEM_UP);
  cr_expect_str_eq(writer_text(&rig.out), "api show channels as json\n\n");
}

Test(esl_login, a_user_and_json) {
  dialect_esl.close(rig.esl);
  rig.setup.username = "callpace@pbx1";
  rig.setup.secret = "to\np";
  rig.setup.json_events = true;
  rig.esl = dialect_esl.open(&rig.setup);
  dialect_esl.greet(rig.esl, rig.now_ms, &rig.out);
  feed_text(&rig, "Content-Type: auth/request\n\n");
  feed_text(&rig, "Content-Type: command/reply\nReply-Text: +OK accepted\n\n");
  cr_expect(strncmp(writer_text(&rig.out), "userauth callpace@pbx1:to\n\nevent json ", 38) == 0);
}

Test(esl_login, the_access_list_refuses) {
  cr_expect_eq(feed_frame(&rig, "text/rude-rejection", "Access Denied, go away.\n"), ITEM_CLOSE);
  cr_expect_str_eq(rig.item.code, "address_refused");
  cr_expect(rig.item.retry_slowly);
  cr_expect(strstr(rig.item.message, "apply-inbound-acl"));
  cr_expect(strstr(rig.item.message, "Access Denied, go away."));
}

Test(esl_login, another_service) {
  cr_expect_eq(feed_text(&rig, "SSH-2.0-OpenSSH_9.2\r\n\n"), ITEM_CLOSE);
  cr_expect_str_eq(rig.item.code, "not_esl");
  cr_expect(!rig.item.retry_slowly);
}

Test(esl_login, events_may_be_refused) {
  feed_text(&rig, "Content-Type: auth/request\n\n");
  feed_text(&rig, "Content-Type: command/reply\nReply-Text: +OK accepted\n\n");
  cr_expect_eq(
      feed_text(&rig, "Content-Type: command/reply\nReply-Text: -ERR permission denied\n\n"),
      ITEM_CLOSE);
  cr_expect_str_eq(rig.item.code, "events_refused");
}

/* A list may be told before the subscription is answered. */
Test(esl_login, the_order_of_answers_does_not_matter) {
  feed_text(&rig, "Content-Type: auth/request\n\n");
  feed_text(&rig, "Content-Type: command/reply\nReply-Text: +OK accepted\n\n");
  cr_expect_eq(feed_frame(&rig, "api/response", "{\"row_count\":0}"), ITEM_MORE);
  feed_event(&rig, 0, "CHANNEL_CREATE",
             "Unique-ID: a;Call-Direction: inbound;variable_user_name: 1001");
  cr_expect_eq(feed_text(&rig, "Content-Type: command/reply\nReply-Text: +OK\n\n"), ITEM_UP);
}

/* --- framing --- */

Test(esl, lengths_are_not_believed) {
  static const char *const hostile[] = {"-1", "99999999999", "0x10",       "1 2",
                                        "",   "+5",          "5000000000", "1e3"};
  for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
    char text[128];
    snprintf(text, sizeof text, "Content-Length: %s\nContent-Type: text/event-plain\n\n",
             hostile[i]);
    dialect_esl.lost(rig.esl, rig.now_ms);
    dialect_esl.greet(rig.esl, rig.now_ms, &rig.out);
    feed_login(&rig);
    cr_expect_eq(feed_text(&rig, text), ITEM_CLOSE, "%s", hostile[i]);
    cr_expect_str_eq(rig.item.code, "bad_frame");
  }
}

Test(esl, a_long_event_is_skipped_and_told) {
  struct writer body = {0};
  put_text(&body, "Event-Name: CHANNEL_CREATE\nvariable_x: ");
  for (int i = 0; i < 200000; i++)
    put_char(&body, 'x');
  put_text(&body, "\n\n");
  cr_expect_eq(feed_frame(&rig, "text/event-plain", writer_text(&body)), ITEM_REFUSED);
  cr_expect_str_eq(rig.item.code, "too_long");
  writer_free(&body);
  feed_event(&rig, 0, "CHANNEL_CREATE",
             "Unique-ID: a;Call-Direction: inbound;variable_user_name: 1001;"
             "Caller-Destination-Number: 0600");
  feed_event(&rig, 9000, "CHANNEL_HANGUP_COMPLETE", "Unique-ID: a;Hangup-Cause: USER_BUSY");
  EXPECT_LOG(&rig, "start a 1001 out 0600 | end a busy");
}

Test(esl, endless_headers) {
  struct writer text = {0};
  for (int i = 0; i < 9000; i++)
    put_char(&text, 'x');
  cr_expect_eq(feed_bytes(&rig, writer_slice(&text)), ITEM_CLOSE);
  writer_free(&text);
}

Test(esl, what_is_no_json) {
  cr_expect_eq(feed_frame(&rig, "text/event-json", "{\"Event-Name\":\"CHANNEL_CREATE\""),
               ITEM_REFUSED);
  cr_expect_str_eq(rig.item.code, "bad_json");
  cr_expect_eq(feed_frame(&rig, "text/event-json",
                          "{\"Event-Name\":\"CHANNEL_CREATE\",\"Event-Date-Timestamp\":"
                          "\"1795458200000000\",\"a\":[\"]\\\"\",{\"b\":[]}],\"n\":-1.5e3,"
                          "\"Unique-ID\":\"j\",\"Call-Direction\":\"inbound\","
                          "\"variable_user_name\":\"1\\u003001\",\"Unique-ID\":\"k\"}"),
               ITEM_MORE);
  feed_event(&rig, 10, "CHANNEL_HANGUP_COMPLETE", "Unique-ID: j;Hangup-Cause: USER_BUSY");
  EXPECT_LOG(&rig, "start j 1001 out  | end j busy");
}

Test(esl, an_event_without_its_leg) {
  cr_expect_eq(feed_event(&rig, 0, "CHANNEL_BRIDGE", "Channel-Name: x"), ITEM_REFUSED);
  cr_expect_str_eq(rig.item.code, "bad_field");
  char id[200];
  memset(id, 'a', sizeof id);
  memcpy(id, "Unique-ID: ", 11);
  id[sizeof id - 1] = '\0';
  cr_expect_eq(feed_event(&rig, 0, "CHANNEL_CREATE", id), ITEM_REFUSED);
}

Test(esl, names_are_decoded_and_hostile_ones_are_none) {
  feed_event(&rig, 0, "CHANNEL_CREATE",
             "Unique-ID: a;Call-Direction: inbound;variable_user_name: 10%303;"
             "Caller-Destination-Number: 100%25%zz%4");
  feed_event(&rig, 10, "CHANNEL_HANGUP_COMPLETE", "Unique-ID: a;Hangup-Cause: UNALLOCATED_NUMBER");
  EXPECT_LOG(&rig, "start a wang out 100%%zz%4 | end a failed");
  feed_event(&rig, 0, "CHANNEL_CREATE",
             "Unique-ID: b;Call-Direction: inbound;variable_user_name: 10%00%0a03");
  feed_event(&rig, 10, "CHANNEL_HANGUP_COMPLETE", "Unique-ID: b;Hangup-Cause: USER_BUSY");
  EXPECT_LOG(&rig, "");
}

/* --- calls --- */

static void agent_calls(const char *id, const char *user, const char *number, msec_t ms) {
  char fields[256];
  snprintf(fields, sizeof fields,
           "Unique-ID: %s;Call-Direction: inbound;Channel-Name: sofia/internal/%s%%40pbx;"
           "variable_user_name: %s;Caller-Destination-Number: %s;"
           "Caller-Channel-Created-Time: %lld000",
           id, user, user, number, (long long)(NOW_MS + ms));
  feed_event(&rig, ms, "CHANNEL_CREATE", fields);
}

static void dials(const char *id, const char *by, const char *fields, msec_t ms) {
  char all[320];
  snprintf(all, sizeof all,
           "Unique-ID: %s;Call-Direction: outbound;Other-Type: originator;"
           "Other-Leg-Unique-ID: %s;%s",
           id, by, fields);
  feed_event(&rig, ms, "CHANNEL_CREATE", all);
}

static void joins(const char *event, const char *a, const char *b, msec_t ms) {
  char fields[128];
  snprintf(fields, sizeof fields, "Unique-ID: %s;Bridge-A-Unique-ID: %s;Bridge-B-Unique-ID: %s", a,
           a, b);
  feed_event(&rig, ms, event, fields);
}

static void ends(const char *id, const char *more, msec_t ms) {
  char fields[600];
  snprintf(fields, sizeof fields, "Unique-ID: %s;Caller-Channel-Hangup-Time: %lld000;%s", id,
           (long long)(NOW_MS + ms), more);
  feed_event(&rig, ms, "CHANNEL_HANGUP_COMPLETE", fields);
}

#define CUSTOMER "Channel-Name: sofia/external/0600%401.2.3.4;Caller-Destination-Number: 0600"

Test(esl, an_outbound_call_is_told_when_the_customer_is_dialled) {
  agent_calls("a", "1001", "0600", 0);
  EXPECT_LOG(&rig, "");
  dials("c", "a", CUSTOMER, 20);
  EXPECT_LOG(&rig, "start a 1001 out 0600");
  joins("CHANNEL_BRIDGE", "a", "c", 3000);
  EXPECT_LOG(&rig, "answer a");
  joins("CHANNEL_UNBRIDGE", "a", "c", 8000);
  ends("c", "Hangup-Cause: NORMAL_CLEARING", 8000);
  ends("a", "Hangup-Cause: NORMAL_CLEARING", 8020);
  EXPECT_LOG(&rig, "end a answered 5020");
}

Test(esl, a_colleague_is_no_dial) {
  agent_calls("a", "1001", "1002", 0);
  dials("b", "a", "variable_dialed_user: 1002", 20);
  joins("CHANNEL_BRIDGE", "a", "b", 3000);
  ends("b", "Hangup-Cause: NORMAL_CLEARING", 8000);
  ends("a", "Hangup-Cause: NORMAL_CLEARING", 8000);
  EXPECT_LOG(&rig, "start a 1001 internal 1002 | start b 1002 internal  | end b cancelled | "
                   "end a cancelled");
  /* one who is not registered has no leg */
  agent_calls("x", "1001", "1003", 9000);
  ends("x", "Hangup-Cause: USER_NOT_REGISTERED", 9010);
  EXPECT_LOG(&rig, "start x 1001 internal 1003 | end x failed");
}

Test(esl, a_mailbox_is_no_dial) {
  agent_calls("a", "1001", "*98", 0);
  ends("a", "Hangup-Cause: NORMAL_CLEARING;Caller-Channel-Answered-Time: 1795458200100000", 8000);
  EXPECT_LOG(&rig, "");
  agent_calls("b", "1001", "6000000", 0);
  ends("b", "Hangup-Cause: UNALLOCATED_NUMBER;Caller-Channel-Answered-Time: 0", 40);
  EXPECT_LOG(&rig, "start b 1001 out 6000000 | end b failed");
}

Test(esl, dispositions) {
  static const struct {
    const char *fields, *outcome;
  } cases[] = {
      {"variable_originate_disposition: NO_ANSWER;Hangup-Cause: NORMAL_CLEARING", "no_answer"},
      {"variable_originate_disposition: failure;Hangup-Cause: USER_BUSY", "busy"},
      {"variable_originate_disposition: SUCCESS;Hangup-Cause: CALL_REJECTED", "no_answer"},
      {"Hangup-Cause: ORIGINATOR_CANCEL", "cancelled"},
      {"Hangup-Cause: NORMAL_CLEARING", "cancelled"},
      {"variable_originate_disposition: GATEWAY_DOWN;Hangup-Cause: NORMAL_CLEARING", "failed"},
      {"Hangup-Cause: SYSTEM_SHUTDOWN", "failed"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char expected[96];
    agent_calls("a", "1001", "0600", 0);
    dials("c", "a", CUSTOMER, 20);
    ends("c", "Hangup-Cause: NORMAL_CLEARING", 30);
    ends("a", cases[i].fields, 30);
    snprintf(expected, sizeof expected, "start a 1001 out 0600 | end a %s", cases[i].outcome);
    EXPECT_LOG(&rig, expected);
  }
}

Test(esl, click_to_dial) {
  static const char click[] = "Unique-ID: a;Call-Direction: outbound;variable_dialed_user: 1001;"
                              "Caller-Caller-ID-Number: 0700;"
                              "Caller-Channel-Created-Time: 1795458200000000";
  feed_event(&rig, 0, "CHANNEL_CREATE", click);
  ends("a", "Call-Direction: outbound;Hangup-Cause: NO_ANSWER", 20000);
  EXPECT_LOG(&rig, "");
  feed_event(&rig, 0, "CHANNEL_CREATE", click);
  dials("c", "a", CUSTOMER, 3000);
  EXPECT_LOG(&rig, "start a 1001 out 0700");
  joins("CHANNEL_BRIDGE", "a", "c", 5000);
  ends("a", "Hangup-Cause: NORMAL_CLEARING", 7000);
  EXPECT_LOG(&rig, "answer a | end a answered 2000");
  /* where the caller id is the switch's own default, the dialled leg has the number */
  feed_event(&rig, 0, "CHANNEL_CREATE",
             "Unique-ID: b;Call-Direction: outbound;variable_dialed_user: 1002;"
             "Caller-Caller-ID-Number: 0000000000");
  dials("d", "b", CUSTOMER, 3000);
  EXPECT_LOG(&rig, "start b 1002 out 0600");
}

Test(esl, a_direct_call_and_a_ring_group) {
  feed_event(&rig, 0, "CHANNEL_CREATE",
             "Unique-ID: c;Call-Direction: inbound;Channel-Name: sofia/external/555%401.2.3.4;"
             "Caller-Username: 1003;Caller-Caller-ID-Number: 555");
  dials("a", "c", "variable_dialed_user: 1001;Caller-Caller-ID-Number: 555", 10);
  dials("b", "c", "variable_dialed_user: 1002;Caller-Caller-ID-Number: 555", 10);
  joins("CHANNEL_BRIDGE", "c", "b", 4000);
  ends("a", "Hangup-Cause: LOSE_RACE", 4000);
  ends("b", "Hangup-Cause: NORMAL_CLEARING", 9000);
  EXPECT_LOG(&rig, "start a 1001 in 555 | start b 1002 in 555 | answer b | end a cancelled | "
                   "end b answered 5000");
}

/* The variable of the user that was dialled is copied to the leg that dials it. */
Test(esl, a_leaked_user_makes_no_agent) {
  feed_event(&rig, 0, "CHANNEL_BRIDGE",
             "Unique-ID: c;Call-Direction: outbound;variable_dialed_user: 1002;"
             "Channel-Name: sofia/external/0600%401.2.3.4;Other-Type: originatee;"
             "Other-Leg-Unique-ID: b;variable_originator: gone");
  ends("c", "Hangup-Cause: NORMAL_CLEARING", 4000);
  EXPECT_LOG(&rig, "");
}

Test(esl, an_attended_transfer) {
  agent_calls("a", "1001", "0600", 0);
  dials("c", "a", CUSTOMER, 20);
  joins("CHANNEL_BRIDGE", "a", "c", 1000);
  feed_event(&rig, 2000, "CHANNEL_HOLD", "Unique-ID: a");
  agent_calls("q", "1001", "1002", 2500);
  dials("b", "q", "variable_dialed_user: 1002", 2600);
  joins("CHANNEL_BRIDGE", "q", "b", 3000);
  EXPECT_LOG(&rig, "start a 1001 out 0600 | answer a | hold a | start q 1001 internal 1002 | "
                   "start b 1002 internal ");
  joins("CHANNEL_BRIDGE", "c", "b", 5000); /* before the ends of both others */
  joins("CHANNEL_UNBRIDGE", "q", "b", 5010);
  joins("CHANNEL_UNBRIDGE", "a", "c", 5010);
  ends("q", "Hangup-Cause: NORMAL_CLEARING", 5010);
  ends("a", "Hangup-Cause: ATTENDED_TRANSFER", 5010);
  ends("b", "Hangup-Cause: NORMAL_CLEARING", 9000);
  EXPECT_LOG(&rig, "end b cancelled | start b/2 1002 in 0600 | answer b/2 | end q cancelled | "
                   "end a answered 4010 | end b/2 answered 4000");
}

Test(esl, a_pickup_is_inbound) {
  feed_event(&rig, 0, "CHANNEL_CREATE",
             "Unique-ID: c;Call-Direction: inbound;Caller-Caller-ID-Number: 555");
  agent_calls("a", "1001", "*8", 1000);
  joins("CHANNEL_BRIDGE", "a", "c", 1100);
  EXPECT_LOG(&rig, "start a 1001 in 555 | answer a");
}

Test(esl, talk_ends_where_the_customer_leaves) {
  agent_calls("a", "1001", "0600", 0);
  dials("c", "a", CUSTOMER, 20);
  joins("CHANNEL_BRIDGE", "a", "c", 1000);
  joins("CHANNEL_UNBRIDGE", "a", "c", 4000);
  joins("CHANNEL_BRIDGE", "a", "d", 10000); /* and another comes */
  joins("CHANNEL_UNBRIDGE", "a", "d", 12000);
  ends("a", "Hangup-Cause: NORMAL_CLEARING", 30000);
  EXPECT_LOG(&rig, "start a 1001 out 0600 | answer a | end a answered 5000");
}

Test(esl, a_loopback_is_nobody) {
  agent_calls("a", "1001", "1002", 0);
  dials("l", "a", "Channel-Name: loopback/1002-a", 10);
  joins("CHANNEL_BRIDGE", "a", "l", 20);
  ends("a", "Hangup-Cause: NORMAL_CLEARING", 1000);
  EXPECT_LOG(&rig, "start a 1001 internal 1002 | end a cancelled");
}

Test(esl, the_end_alone_tells_the_call) {
  ends("a",
       "Call-Direction: inbound;variable_user_name: 1001;Caller-Destination-Number: 0600;"
       "Caller-Channel-Created-Time: 1795458190000000;Caller-Channel-Answered-Time: "
       "1795458195000000;"
       "Caller-Channel-Bridged-Time: 1795458195000000;Caller-Channel-Hold-Accum: 1500000;"
       "Hangup-Cause: NORMAL_CLEARING",
       0);
  EXPECT_LOG(&rig, "start a 1001 out 0600 | answer a | hold a | retrieve a | end a answered 5000");
  ends("b",
       "Call-Direction: outbound;variable_cc_side: agent;variable_cc_agent: 1002%40pbx;"
       "variable_cc_queue: sales%40pbx;Caller-Caller-ID-Number: 555;"
       "Caller-Channel-Bridged-Time: 0;Hangup-Cause: NO_ANSWER",
       0);
  EXPECT_LOG(&rig, "start b 1002 in 555 | end b no_answer");
}

Test(esl, a_clock_far_ahead_is_not_believed) {
  agent_calls("a", "1001", "0600", 600000);
  dials("c", "a", CUSTOMER, 600000);
  joins("CHANNEL_BRIDGE", "a", "c", 600000);
  rig.now_ms += 3000;
  ends("a", "Hangup-Cause: NORMAL_CLEARING", 700000);
  EXPECT_LOG(&rig, "start a 1001 out 0600 | answer a | end a answered 3000");
}

Test(esl, queue_agents_say_what_they_do) {
  feed_event(&rig, 0, "CUSTOM",
             "Event-Subclass: callcenter%3A%3Ainfo;CC-Action: agent-status-change;"
             "CC-Agent: 1003%40pbx;CC-Agent-Status: On%20Break");
  feed_event(&rig, 0, "CUSTOM",
             "Event-Subclass: callcenter%3A%3Ainfo;CC-Action: agent-status-change;"
             "CC-Agent: 1003%40pbx;CC-Agent-Status: Somewhere");
  feed_event(&rig, 0, "CUSTOM",
             "Event-Subclass: sofia%3A%3Aregister;CC-Action: agent-status-change;"
             "CC-Agent: 1003%40pbx;CC-Agent-Status: Available");
  EXPECT_LOG(&rig, "wang is not_ready");
}

Test(esl, repeats_change_nothing) {
  agent_calls("a", "1001", "0600", 0);
  agent_calls("a", "1002", "0700", 5);
  dials("c", "a", CUSTOMER, 20);
  dials("c", "a", CUSTOMER, 20);
  joins("CHANNEL_BRIDGE", "a", "c", 1000);
  joins("CHANNEL_BRIDGE", "a", "c", 2000);
  ends("a", "Hangup-Cause: NORMAL_CLEARING", 3000);
  EXPECT_LOG(&rig, "start a 1001 out 0600 | answer a | end a answered 2000");
}
