/* The switch's clock and ours differ: talk is the same, whatever the switch stamps. */
#include "ami_fixture.h"

static void event_at(struct rig *rig, msec_t stamp_ms, const char *fields) {
  char text[512];
  int len = snprintf(text, sizeof text, "%s", fields);
  if (stamp_ms != MSEC_NONE)
    snprintf(text + len, sizeof text - (size_t)len, ";Timestamp: %lld.%06lld",
             (long long)(stamp_ms / 1000), (long long)(stamp_ms % 1000 * 1000));
  feed(rig, text);
}

/* A switch whose clock is ahead of ours by so much, and which stamps or does not. */
struct pbx {
  struct rig rig;
  msec_t ahead_ms;
  bool stamps;
  bool events_clock; /* ours follows the stamps */
};

static void say(struct pbx *pbx, const char *fields) {
  event_at(&pbx->rig, pbx->stamps ? pbx->rig.now_ms + pbx->ahead_ms : MSEC_NONE, fields);
  if (!pbx->events_clock || !pbx->stamps) return;
  pbx->rig.now_ms += pbx->ahead_ms;
  pbx->ahead_ms = 0;
}

static void reconnect(struct pbx *pbx, msec_t away_ms) {
  dialect_ami.lost(pbx->rig.ami, pbx->rig.now_ms);
  pbx->rig.now_ms += away_ms;
  dialect_ami.greet(pbx->rig.ami, pbx->rig.now_ms, &pbx->rig.out);
  login(&pbx->rig, 500);
}

/* Up for `up_s`, answered after `wait_s` of them. */
static void list(struct pbx *pbx, const char *channel, int serial, int up_s, int wait_s) {
  char text[512];
  long long born_s = (pbx->rig.now_ms + pbx->ahead_ms) / 1000 - up_s;
  snprintf(text, sizeof text,
           "Event: Status;Channel: %s-%d;Uniqueid: %lld.%d;Linkedid: %lld.0;BridgeID: b1;"
           "Variable: CDR(start)=2026-11-23 18:00:00;Variable: CDR(answer)=2026-11-23 18:00:%02d;"
           "Seconds: %d",
           channel, serial, born_s, serial, born_s, wait_s, up_s);
  feed(&pbx->rig, text);
}

static void open_pbx(struct pbx *pbx, msec_t ahead_ms, bool stamps, bool events_clock) {
  *pbx = (struct pbx){rig_make(), ahead_ms, stamps, events_clock};
  static struct dialect_setup setup = {.source = "pbx", .roster = &roster_now};
  setup.events_clock = events_clock;
  dialect_ami.close(pbx->rig.ami);
  pbx->rig.ami = dialect_ami.open(&setup);
  dialect_ami.greet(pbx->rig.ami, pbx->rig.now_ms, &pbx->rig.out);
  login(&pbx->rig, 500);
}

static void end_call(struct pbx *pbx, int up_s) {
  char text[128];
  long long born_s = (pbx->rig.now_ms + pbx->ahead_ms) / 1000 - up_s;
  snprintf(text, sizeof text, "Event: Hangup;Uniqueid: %lld.0;Cause: 16", born_s);
  say(pbx, text);
}

static msec_t logged_talk(struct rig *rig) {
  const char *end = strstr(writer_text(&rig->log), " answered ");
  cr_assert(end, "%s", writer_text(&rig->log));
  return strtoll(end + 10, NULL, 10);
}

static const msec_t differences[] = {0, 2500, -2500, 200000, -200000, 16724997, -16724997};
enum { DIFFERENCES = sizeof differences / sizeof differences[0] };

Test(ami_clock, an_adopted_call_is_credited_what_it_talked) {
  for (int i = 0; i < 4 * DIFFERENCES; i++) {
    bool stamped_before = i / DIFFERENCES / 2;
    struct pbx pbx;
    open_pbx(&pbx, differences[i % DIFFERENCES], i / DIFFERENCES % 2, false);
    if (stamped_before) say(&pbx, "Event: Newchannel;Channel: PJSIP/trunk-9;Uniqueid: 1.9");
    reconnect(&pbx, 10000);
    list(&pbx, "PJSIP/1001", 0, 8, 3);
    list(&pbx, "PJSIP/trunk", 1, 8, 3);
    feed(&pbx.rig, "Event: StatusComplete;EventList: Complete");
    pbx.rig.now_ms += 4000;
    end_call(&pbx, 12);
    msec_t talk_ms = logged_talk(&pbx.rig), wanted_ms = 9000;
    msec_t most_ms = pbx.ahead_ms == 2500 || pbx.ahead_ms == -2500 ? 3000 : 2000;
    cr_expect(talk_ms >= wanted_ms - most_ms && talk_ms <= wanted_ms + most_ms,
              "ahead %lld ms, stamps %d, before %d: talk %lld ms", (long long)pbx.ahead_ms,
              pbx.stamps, stamped_before, (long long)talk_ms);
    rig_free(&pbx.rig);
  }
}

/* Stamps begin and end where manager.conf is changed and read again. */
Test(ami_clock, stamps_that_begin_or_end_within_a_call) {
  for (int i = 0; i < 4 * DIFFERENCES; i++) {
    struct pbx pbx;
    open_pbx(&pbx, differences[i % DIFFERENCES], i / DIFFERENCES % 2, i / DIFFERENCES / 2);
    say(&pbx, "Event: Newchannel;Channel: PJSIP/1001-0;Uniqueid: 1.0;Linkedid: 1.0");
    say(&pbx, "Event: Newchannel;Channel: PJSIP/trunk-1;Uniqueid: 1.1;Linkedid: 1.0");
    say(&pbx, "Event: DialBegin;Uniqueid: 1.0;DestUniqueid: 1.1;DialString: 06@trunk");
    say(&pbx, "Event: BridgeEnter;BridgeUniqueid: b1;Uniqueid: 1.1");
    say(&pbx, "Event: BridgeEnter;BridgeUniqueid: b1;Uniqueid: 1.0");
    pbx.rig.now_ms += 5000;
    pbx.stamps = !pbx.stamps;
    say(&pbx, "Event: Hangup;Uniqueid: 1.0;Cause: 16");
    cr_expect_eq(logged_talk(&pbx.rig), 5000, "ahead %lld ms", (long long)pbx.ahead_ms);
    rig_free(&pbx.rig);
  }
}

Test(ami_clock, a_call_over_the_gap_of_a_stamping_switch) {
  for (int i = 0; i < DIFFERENCES; i++) {
    struct pbx pbx;
    open_pbx(&pbx, differences[i], true, false);
    say(&pbx, "Event: Newchannel;Channel: PJSIP/1001-0;Uniqueid: 1.0;Linkedid: 1.0");
    say(&pbx, "Event: Newchannel;Channel: PJSIP/trunk-1;Uniqueid: 1.1;Linkedid: 1.0");
    say(&pbx, "Event: DialBegin;Uniqueid: 1.0;DestUniqueid: 1.1;DialString: 06@trunk");
    say(&pbx, "Event: BridgeEnter;BridgeUniqueid: b1;Uniqueid: 1.1");
    say(&pbx, "Event: BridgeEnter;BridgeUniqueid: b1;Uniqueid: 1.0");
    pbx.rig.now_ms += 5000;
    reconnect(&pbx, 10000);
    feed(&pbx.rig, "Event: Status;Channel: PJSIP/1001-0;Uniqueid: 1.0;BridgeID: b0");
    feed(&pbx.rig, "Event: StatusComplete;EventList: Complete");
    /* It stands alone now: the talk ended somewhere in the gap. */
    pbx.rig.now_ms += 5000;
    say(&pbx, "Event: Hangup;Uniqueid: 1.0;Cause: 16");
    cr_expect_eq(logged_talk(&pbx.rig), 5000, "ahead %lld ms", (long long)pbx.ahead_ms);
    rig_free(&pbx.rig);
  }
}
