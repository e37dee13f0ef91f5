/* The AMI dialect line by line: login, framing, odd input, restart, listings. */
#include "ami_fixture.h"

Test(ami, logs_in_and_asks_for_the_live_channels) {
  struct rig rig = rig_make();
  cr_assert_eq(rig.out.len, 0, "Asterisk speaks first");
  login(&rig, 5);
  cr_expect_str_eq(rig.item.message, "Asterisk Call Manager/11.0.0");
  const char *sent = writer_text(&rig.out);
  cr_expect(strstr(sent, "Action: Login\r\n") == sent);
  cr_expect(
      strstr(sent, "\r\nUsername: callpace\r\nSecret: top\r\nEvents: call,agent,system\r\n\r\n"));
  cr_expect(strstr(sent, "Variables: CDR(start),CDR(answer)\r\n\r\n"));
  rig_free(&rig);
}

Test(ami, comes_up_without_fullybooted_at_the_first_heartbeat) {
  struct rig rig = rig_make();
  feed_bytes(&rig, SLICE("Asterisk Call Manager/11.0.0\r\nResponse: Success\r\n\r\n"));
  dialect_ami.ping(rig.ami, now_ms, &rig.out);
  cr_expect(strstr(writer_text(&rig.out), "Action: Ping\r\n"));
  cr_expect_eq(feed(&rig, "Response: Success;ActionID: callpace-ping;Ping: Pong"), ITEM_UP);
  rig_free(&rig);
}

Test(ami, a_refused_login_is_tried_slowly) {
  struct rig rig = rig_make();
  feed_bytes(&rig, SLICE("Asterisk Call Manager/11.0.0\r\n"));
  cr_assert_eq(feed(&rig, "Response: Error;Message: Authentication\x01 failed"), ITEM_CLOSE);
  cr_expect(rig.item.retry_slowly);
  cr_expect_str_eq(rig.item.code, "login_refused");
  cr_expect(strstr(rig.item.message, "callpace: Authentication? failed"), "%s", rig.item.message);
  rig_free(&rig);
}

Test(ami, another_server_is_no_switch) {
  struct rig rig = rig_make();
  cr_expect_eq(feed_bytes(&rig, SLICE("SSH-2.0-OpenSSH")), ITEM_CLOSE);
  cr_expect_str_eq(rig.item.code, "not_ami");
  rig_free(&rig);
}

Test(ami, warns_of_rights_it_does_not_need) {
  struct rig rig = rig_make();
  login(&rig, 5);
  cr_expect_eq(feed(&rig, "Response: Success;ActionID: callpace-commands;Ping: Keepalive;"
                          "Originate: Originate a call.  (Priv: originate,all)"),
               ITEM_WARNING);
  cr_expect_str_eq(rig.item.code, "too_much_privilege");
  cr_expect(strstr(rig.item.message, "Originate"));
  cr_expect_eq(feed(&rig, "Response: Success;ActionID: callpace-commands;Ping: Keepalive"),
               ITEM_MORE);
  rig_free(&rig);
}

Test(ami, an_outbound_call) {
  struct rig rig = rig_make();
  login(&rig, 5);
  talk(&rig);
  rig.now_ms += 3000;
  hangup(&rig, "1795459769.1");
  rig.now_ms += 500;
  hangup(&rig, "1795459769.0");
  expect_log(&rig, "start pbx:1795459769.0 1001 out 0600 | answer pbx:1795459769.0 | "
                   "end pbx:1795459769.0 answered 3000");
  hangup(&rig, "1795459769.0");
  feed(&rig, "Event: NewConnectedLine;Uniqueid: 1795459769.0");
  expect_log(&rig, "");
  rig_free(&rig);
}

/* Two channels of one driver: who it is, and what was dialled over which trunk. */
static void expect_driver(const char *agent, const char *trunk, const char *string,
                          const char *expected) {
  struct rig rig = rig_make();
  login(&rig, 5);
  newchannel(&rig, agent, "1.0", "1.0");
  newchannel(&rig, trunk, "1.1", "1.0");
  dial(&rig, "1.0", "1.1", string);
  expect_log(&rig, expected);
  rig_free(&rig);
}

Test(ami, channel_drivers_name_and_dial_in_their_own_ways) {
  static const struct {
    const char *agent, *trunk, *string, *expected;
  } cases[] = {
      {"SIP/1001-0000000a", "SIP/carrier-one-0000000b", "carrier-one/0600111", "1001 out 0600111"},
      {"SIP/1001-0000000a", "SIP/carrier-0000000b", "0600111@carrier//10.0.0.1",
       "1001 out 0600111"},
      {"SIP/1001-0000000a", "SIP/carrier-0000000b", "carrier/0600111/10.0.0.1", "1001 out 0600111"},
      {"SIP/1001-0000000a", "SIP/10.0.0.9-0000000b", "me:hidden@10.0.0.9", "1001 out me"},
      {"SIP/1001-0000000a", "SIP/carrier-0000000b", "carrier", "1001 out 0600"},
      {"PJSIP/1001-0000000a", "PJSIP/carrier-0000000b", "carrier/sip:0600111@host:5060;2=3",
       "1001 out 0600111"},
      {"PJSIP/1001-0000000a", "PJSIP/carrier-0000000b", "carrier/sips:+86600111@host",
       "1001 out +86600111"},
      {"IAX2/1001-4711", "IAX2/carrier-4712", "me:hidden@carrier:4569/0600222@context",
       "1001 out 0600222"},
      {"IAX2/1001-4711", "IAX2/10.0.0.5:4569-4712", "carrier/0600222", "1001 out 0600222"},
      {"DAHDI/i1/5-1", "DAHDI/i2/0600333-2", "g1/0600333", "1002 out 0600333"},
      {"DAHDI/i1/5-1", "DAHDI/7-1", "7/0600333/B", "1002 out 0600333"},
      {"DAHDI/i1/5-1", "DAHDI/7-1", "7", "1002 out 0600"},
      {"SCCP/1001-00000001", "PJSIP/carrier-00000002", "0600111@carrier", "1001 out 0600111"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char expected[64];
    snprintf(expected, sizeof expected, "start pbx:1.0 %s", cases[i].expected);
    expect_driver(cases[i].agent, cases[i].trunk, cases[i].string, expected);
  }
  /* Nobody speaks there, so that it is no attempt. */
  expect_driver("SIP/1001-0000000a", "DAHDI/pseudo-1234", "pseudo", "");
  expect_driver("SIP/1009-0000000a", "SIP/carrier-0000000b", "carrier/0600111", "");
}

Test(ami, a_trunk_is_named_without_the_number_dialled) {
  static const char *const names[][2] = {{"DAHDI/i2/0600333-2", "DAHDI/i2"},
                                         {"DAHDI/7-1", "DAHDI/7"},
                                         {"SIP/carrier-one-0000000b", "SIP/carrier-one"},
                                         {"IAX2/carrier-4712", "IAX2/carrier"}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    struct rig rig = rig_make();
    login(&rig, 5);
    newchannel(&rig, "SIP/1001-1", "1.0", "1.0");
    newchannel(&rig, names[i][0], "1.1", "1.0");
    struct item item;
    rig.unread = SLICE("Event: DialBegin\r\nUniqueid: 1.0\r\nDestUniqueid: 1.1\r\n\r\n");
    cr_assert_eq(dialect_ami.next(rig.ami, &rig.unread, false, now_ms, &item, &rig.out),
                 ITEM_EVENT);
    cr_expect(slice_equal(item.event.trunk, slice_of(names[i][1])), "%s", names[i][0]);
    rig_free(&rig);
  }
}

Test(ami, a_colleague_is_no_customer_until_the_customer_comes) {
  struct rig rig = rig_make();
  login(&rig, 5);
  newchannel(&rig, "PJSIP/1001-1", "1.0", "1.0");
  newchannel(&rig, "PJSIP/1002-2", "1.1", "1.0");
  dial(&rig, "1.0", "1.1", "1002");
  bridge(&rig, "BridgeEnter", "1.0");
  bridge(&rig, "BridgeEnter", "1.1");
  expect_log(&rig, "start pbx:1.0 1001 internal  | start pbx:1.1 1002 internal ");
  bridge(&rig, "BridgeLeave", "1.0");
  hangup(&rig, "1.0");
  newchannel(&rig, "PJSIP/trunk-3", "1.2", "1.0");
  bridge(&rig, "BridgeEnter", "1.2");
  rig.now_ms += 2000;
  hangup(&rig, "1.1");
  expect_log(&rig, "end pbx:1.0 cancelled | end pbx:1.1 cancelled | start pbx:1.1/2 1002 in  | "
                   "answer pbx:1.1/2 | end pbx:1.1/2 answered 2000");
  rig_free(&rig);
}

Test(ami, a_restarted_switch_ended_its_calls_at_the_gap) {
  struct rig rig = rig_make();
  login(&rig, 500);
  talk(&rig);
  writer_reset(&rig.log);
  rig.now_ms += 4000;
  dialect_ami.lost(rig.ami, rig.now_ms);
  rig.now_ms += 5000;
  dialect_ami.greet(rig.ami, rig.now_ms, &rig.out);
  login(&rig, 1);
  expect_log(&rig, "end pbx:1795459769.0 answered 4000");
  rig_free(&rig);
}

Test(ami, after_a_gap_the_listing_decides) {
  struct rig rig = rig_make();
  login(&rig, 500);
  talk(&rig);
  newchannel(&rig, "PJSIP/1002-5", "1795459769.5", "1795459769.5");
  newchannel(&rig, "PJSIP/trunk-6", "1795459769.6", "1795459769.5");
  dial(&rig, "1795459769.5", "1795459769.6", "0700@trunk");
  writer_reset(&rig.log);
  rig.now_ms += 4000;
  dialect_ami.lost(rig.ami, rig.now_ms);
  rig.now_ms += 5000;
  dialect_ami.greet(rig.ami, rig.now_ms, &rig.out);
  login(&rig, 509);
  expect_log(&rig, "");
  feed(&rig, "Event: Status;Channel: PJSIP/1001-00000000;Uniqueid: 1795459769.0;BridgeID: b1");
  feed(&rig, "Event: Status;Channel: PJSIP/trunk-00000001;Uniqueid: 1795459769.1;BridgeID: b1;"
             "Linkedid: 1795459769.0");
  feed(&rig, "Event: Status;Channel: PJSIP/1002-00000007;Uniqueid: 1795459775.8;"
             "Linkedid: 1795459775.8;BridgeID: b2;"
             "Variable: CDR(start)=2026-11-23 18:49:35;Variable: CDR(answer)=2026-11-23 18:49:37");
  feed(&rig, "Event: Status;Channel: PJSIP/trunk-00000008;Uniqueid: 1795459775.9;BridgeID: b2;"
             "Linkedid: 1795459775.8;CallerIDNum: 0800");
  feed(&rig, "Event: StatusComplete;EventList: Complete");
  expect_log(&rig, "lost pbx:1795459769.5 | start pbx:1795459775.8 1002 out 0800 | "
                   "answer pbx:1795459775.8");
  hangup(&rig, "1795459775.8");
  hangup(&rig, "1795459769.0");
  expect_log(&rig, "end pbx:1795459775.8 answered 2000 | end pbx:1795459769.0 answered 9000");
  rig_free(&rig);
}

Test(ami, without_the_right_to_list_a_late_end_still_counts) {
  struct rig rig = rig_make();
  login(&rig, 500);
  talk(&rig);
  writer_reset(&rig.log);
  dialect_ami.lost(rig.ami, rig.now_ms + 4000);
  rig.now_ms += 5000;
  dialect_ami.greet(rig.ami, rig.now_ms, &rig.out);
  login(&rig, 505);
  cr_expect_eq(feed(&rig, "Response: Error;ActionID: callpace-status;Message: Permission denied"),
               ITEM_WARNING);
  cr_expect_str_eq(rig.item.code, "no_listing");
  rig.now_ms += 1000;
  hangup(&rig, "1795459769.0");
  expect_log(&rig, "lost pbx:1795459769.0 | end pbx:1795459769.0 answered 6000");
  rig_free(&rig);
}

Test(ami, a_lone_line_feed_ends_no_message_of_a_crlf_switch) {
  struct rig rig = rig_make();
  login(&rig, 5);
  newchannel(&rig, "PJSIP/1001-1", "1.0", "1.0");
  feed_bytes(&rig, SLICE("Event: Newchannel\r\nChannel: PJSIP/trunk-2\r\nCallerIDNum: x\n\nEvent: "
                         "Hangup\nUniqueid: 1.0\n\n\r\nUniqueid: 1.1\r\nLinkedid: 1.0\r\n\r\n"));
  dial(&rig, "1.0", "1.1", "0600@trunk");
  expect_log(&rig, "start pbx:1.0 1001 out 0600");
  rig_free(&rig);
}

Test(ami, lone_line_feeds_throughout_are_read) {
  struct rig rig = rig_make();
  cr_expect_eq(feed_bytes(&rig, SLICE("Asterisk Call Manager/11.0.0\nResponse: Success\n\n"
                                      "Event: FullyBooted\nUptime: 3\n\n")),
               ITEM_UP);
  rig_free(&rig);
}

Test(ami, too_long_a_message_is_skipped_to_its_end) {
  struct rig rig = rig_make();
  login(&rig, 5);
  struct writer text = {0};
  put_text(&text, "Event: Newchannel\r\nChannel: ");
  for (size_t i = 0; i < 100000; i++)
    put_char(&text, 'x');
  put_text(&text, "\r\n\r\nEvent: FullyBooted\r\n\r\n");
  size_t at = 0, refused = 0;
  struct slice unread = {text.data, 0};
  while (at < text.len) {
    unread.len += at + 1000 < text.len ? 1000 : text.len - at;
    at += 1000;
    struct item item;
    enum item_kind kind;
    while ((kind = dialect_ami.next(rig.ami, &unread, false, now_ms, &item, &rig.out)) !=
           ITEM_MORE) {
      cr_assert_eq(kind, ITEM_REFUSED);
      cr_expect_str_eq(item.code, "too_long");
      cr_expect_leq(item.line.len, 4096);
      refused++;
    }
    cr_assert_leq(unread.len, dialect_ami.unread_max);
  }
  cr_expect_eq(refused, 1);
  cr_expect_eq(unread.len, 0);
  writer_free(&text);
  rig_free(&rig);
}

Test(ami, odd_messages_are_told_or_passed_over) {
  struct rig rig = rig_make();
  login(&rig, 5);
  cr_expect_eq(feed(&rig, "Event: Newchannel;Channel: PJSIP/1001-1"), ITEM_REFUSED);
  cr_expect_str_eq(rig.item.code, "bad_field");
  cr_expect_eq(feed(&rig, "Event: DialBegin;Uniqueid: 9.9"), ITEM_REFUSED);
  cr_expect_eq(feed(&rig, "Event: BridgeLeave;Uniqueid: 9.9;BridgeUniqueid: nowhere"), ITEM_MORE);
  cr_expect_eq(feed(&rig, "Event: Hangup;Uniqueid: 9.9"), ITEM_MORE);
  cr_expect_eq(feed(&rig, "Event: SomethingNew;Uniqueid: 9.9"), ITEM_MORE);
  cr_expect_eq(feed(&rig, "no colon at all"), ITEM_MORE);
  cr_expect_eq(feed(&rig, "Event: Status"), ITEM_MORE);
  expect_log(&rig, "");
  rig_free(&rig);
}

Test(ami, the_number_of_channels_is_bounded) {
  struct rig rig = rig_make();
  login(&rig, 5);
  size_t warnings = 0;
  for (int i = 0; i < 100010; i++) {
    char id[24];
    snprintf(id, sizeof id, "1.%d", i);
    char text[128];
    snprintf(text, sizeof text, "Event: Newchannel\r\nChannel: PJSIP/t-%d\r\nUniqueid: %s\r\n\r\n",
             i, id);
    warnings += feed_bytes(&rig, slice_of(text)) == ITEM_WARNING;
  }
  cr_expect_eq(warnings, 1);
  rig_free(&rig);
}

/* The agent's channel may be gone before the customer's, and with it the cause. */
Test(ami, an_unallocated_number_is_a_failure_in_either_order) {
  static const char *const outcomes[][2] = {{"1", "failed"},     {"38", "failed"},
                                            {"19", "no_answer"}, {"21", "no_answer"},
                                            {"0", "no_answer"},  {"16", "no_answer"}};
  for (size_t i = 0; i < 2 * sizeof outcomes / sizeof outcomes[0]; i++) {
    struct rig rig = rig_make();
    login(&rig, 5);
    newchannel(&rig, "PJSIP/1001-1", "1.0", "1.0");
    newchannel(&rig, "PJSIP/trunk-2", "1.1", "1.0");
    dial(&rig, "1.0", "1.1", "0600@trunk");
    feed(&rig, "Event: DialEnd;Uniqueid: 1.0;DestUniqueid: 1.1;DialStatus: NOANSWER");
    char text[64], expected[96];
    for (size_t k = 0; k < 2; k++) {
      snprintf(text, sizeof text, "Event: Hangup;Uniqueid: 1.%zu;Cause: %s", (i + k) % 2,
               outcomes[i / 2][0]);
      feed(&rig, text);
    }
    snprintf(expected, sizeof expected, "start pbx:1.0 1001 out 0600 | end pbx:1.0 %s",
             outcomes[i / 2][1]);
    expect_log(&rig, expected);
    rig_free(&rig);
  }
}

Test(ami, where_events_are_the_clock_no_time_is_too_far_ahead) {
  for (int events_clock = 0; events_clock < 2; events_clock++) {
    struct rig rig = rig_make();
    dialect_ami.close(rig.ami);
    struct dialect_setup setup = {
        .source = "pbx", .roster = &roster_now, .events_clock = events_clock};
    rig.ami = dialect_ami.open(&setup);
    dialect_ami.greet(rig.ami, rig.now_ms, &rig.out);
    login(&rig, 5);
    newchannel(&rig, "PJSIP/1001-1", "1.0", "1.0");
    newchannel(&rig, "PJSIP/trunk-2", "1.1", "1.0");
    rig.unread = SLICE("Event: DialBegin\r\nTimestamp: 1795463370.500000\r\nUniqueid: 1.0\r\n"
                       "DestUniqueid: 1.1\r\nDialString: 06@trunk\r\n\r\n");
    struct item item;
    cr_assert_eq(dialect_ami.next(rig.ami, &rig.unread, false, now_ms, &item, &rig.out),
                 ITEM_EVENT);
    cr_expect_eq(item.event.ts_ms, events_clock ? 1795463370500 : now_ms);
    rig_free(&rig);
  }
}
