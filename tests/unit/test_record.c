/* The record codec: every kind there and back, and nothing hostile accepted. */
#include <criterion/criterion.h>

#include "callpace/core/record.h"

static const msec_t now = 1795482000250;

/* Encodes, decodes into *back, and gives the bytes. */
static struct writer round_trip(const struct record *record, msec_t clock, struct record *back) {
  struct writer out = {0};
  msec_t writing = clock, reading = clock;
  record_encode(record, &writing, &out);
  cr_assert(record_decode(writer_slice(&out), &reading, back));
  cr_assert_eq(writing, reading);
  cr_assert_eq(writing, record->now_ms);
  cr_assert_eq(back->type, record->type);
  cr_assert_eq(back->now_ms, record->now_ms);
  return out;
}

static struct call_event full_event(void) {
  struct call_event event = call_event_of(EVENT_CALL_END, now - 40);
  event.dir = DIR_OUT;
  event.outcome = OUTCOME_CANCELLED;
  event.state = AGENT_ACW;
  event.start_is_answer = true;
  event.talk_ms = 0;
  event.from_ms = now - 100000;
  event.to_ms = now - 1;
  event.points = -7;
  event.call = SLICE("c1");
  event.agent = SLICE("1001");
  event.number = SLICE("+861012345678");
  event.lead = SLICE("L");
  event.queue = SLICE("q");
  event.trunk = SLICE("t");
  event.cause = SLICE("16");
  event.reason = SLICE("late\n\xe6\x99\x9a");
  event.week = SLICE("2026-W48");
  event.member = SLICE("m");
  event.by = SLICE("boss");
  event.id = SLICE("p1");
  return event;
}

static void same_text(struct slice a, struct slice b) {
  cr_assert(slice_equal(a, b), "%.*s is not %.*s", (int)a.len, a.data, (int)b.len, b.data);
}

static void same_event(const struct call_event *a, const struct call_event *b) {
  cr_assert_eq(a->type, b->type);
  cr_assert_eq(a->dir, b->dir);
  cr_assert_eq(a->outcome, b->outcome);
  cr_assert_eq(a->state, b->state);
  cr_assert_eq(a->start_is_answer, b->start_is_answer);
  cr_assert_eq(a->ts_ms, b->ts_ms);
  cr_assert_eq(a->talk_ms, b->talk_ms);
  cr_assert_eq(a->from_ms, b->from_ms);
  cr_assert_eq(a->to_ms, b->to_ms);
  cr_assert_eq(a->points, b->points);
  same_text(a->call, b->call);
  same_text(a->agent, b->agent);
  same_text(a->number, b->number);
  same_text(a->lead, b->lead);
  same_text(a->queue, b->queue);
  same_text(a->trunk, b->trunk);
  same_text(a->cause, b->cause);
  same_text(a->reason, b->reason);
  same_text(a->week, b->week);
  same_text(a->member, b->member);
  same_text(a->by, b->by);
  same_text(a->id, b->id);
}

Test(record, event_with_everything) {
  struct record record = {.type = RECORD_EVENT, .origin = 70000, .seq = UINT64_MAX, .now_ms = now};
  struct record back;
  record.event = full_event();
  struct writer out = round_trip(&record, 0, &back);
  same_event(&record.event, &back.event);
  cr_assert_eq(back.origin, 70000);
  cr_assert_eq(back.seq, UINT64_MAX);
  writer_free(&out);
}

Test(record, each_type_of_event_with_nothing_more) {
  for (int type = 1; type < EVENT_TYPES; type++) {
    struct record record = {.type = RECORD_EVENT, .now_ms = now}, back;
    record.event = call_event_of((enum call_event_type)type, now);
    struct writer out = round_trip(&record, now, &back);
    same_event(&record.event, &back.event);
    cr_assert_eq(out.len, 7);
    writer_free(&out);
  }
}

Test(record, an_ordinary_event_is_small) {
  struct record record = {.type = RECORD_EVENT, .origin = 3, .seq = 123456, .now_ms = now}, back;
  record.event = call_event_of(EVENT_CALL_START, now - 3);
  record.event.dir = DIR_OUT;
  record.event.call = SLICE("1795482000.1234");
  record.event.agent = SLICE("1001");
  struct writer out = round_trip(&record, now - 1, &back);
  cr_assert_leq(out.len, 32, "%zu bytes", out.len);
  writer_free(&out);
}

Test(record, times_at_the_ends_of_the_range) {
  const msec_t times[] = {MSEC_NONE, MSEC_NONE + 1, -1, 0, 1, MSEC_MAX};
  for (unsigned i = 0; i < 36; i++) {
    struct record record = {.type = RECORD_EVENT, .now_ms = times[i % 6]}, back;
    record.event = call_event_of(EVENT_TICK, times[i / 6]);
    record.event.from_ms = times[i / 6];
    record.event.to_ms = 5;
    struct writer out = round_trip(&record, now, &back);
    same_event(&record.event, &back.event);
    writer_free(&out);
  }
}

Test(record, the_other_kinds) {
  struct record back, record = {.type = RECORD_SEQ, .origin = 9, .seq = 77, .now_ms = now};
  struct writer out = round_trip(&record, now, &back);
  cr_assert(back.origin == 9 && back.seq == 77);
  writer_free(&out);

  record = (struct record){.type = RECORD_ORIGIN, .origin = UINT32_MAX, .now_ms = now};
  record.name.source = SLICE("switch");
  record.name.epoch = SLICE("e");
  out = round_trip(&record, now, &back);
  same_text(back.name.source, SLICE("switch"));
  same_text(back.name.producer, SLICE(""));
  same_text(back.name.epoch, SLICE("e"));
  writer_free(&out);

  record = (struct record){.type = RECORD_START, .now_ms = now};
  record.start.node = SLICE("pbx1");
  record.start.after_clean_stop = true;
  out = round_trip(&record, now, &back);
  cr_assert(back.start.after_clean_stop && !back.start.clock_events);
  same_text(back.start.node, SLICE("pbx1"));
  writer_free(&out);

  record = (struct record){.type = RECORD_SOURCE, .now_ms = now};
  record.source.change = SOURCE_PRODUCER_DOWN;
  record.source.at_ms = now - 5000;
  record.source.reason = SLICE("closed");
  out = round_trip(&record, now, &back);
  cr_assert(back.source.change == SOURCE_PRODUCER_DOWN && back.source.at_ms == now - 5000);
  same_text(back.source.reason, SLICE("closed"));
  writer_free(&out);

  record = (struct record){.type = RECORD_GAP, .now_ms = now};
  record.gap.from_ms = now - 9;
  record.gap.to_ms = now;
  record.gap.source = SLICE("s");
  out = round_trip(&record, now, &back);
  cr_assert(back.gap.from_ms == now - 9 && back.gap.to_ms == now);
  writer_free(&out);

  record = (struct record){.type = RECORD_DELIVERED, .now_ms = now};
  record.delivered.success = true;
  record.delivered.attempts = 10;
  record.delivered.at_ms = now - 1;
  record.delivered.hook = SLICE("team-lead");
  out = round_trip(&record, now, &back);
  cr_assert(back.delivered.success && !back.delivered.raised && back.delivered.attempts == 10);
  same_text(back.delivered.hook, SLICE("team-lead"));
  writer_free(&out);
}

Test(record, leads_that_move_and_holds) {
  struct record back, record = {.type = RECORD_LEAD_MOVE, .now_ms = now};
  record.lead_move.week = 20780; /* Monday, 2026-11-23 */
  record.lead_move.lead = SLICE("L1");
  record.lead_move.number = SLICE("+8613800138000");
  record.lead_move.from = SLICE("1001");
  record.lead_move.reason = SLICE("undialled");
  struct writer out = round_trip(&record, now, &back);
  cr_assert_eq(back.lead_move.week, 20780);
  same_text(back.lead_move.lead, SLICE("L1"));
  same_text(back.lead_move.from, SLICE("1001"));
  same_text(back.lead_move.to, SLICE(""));
  struct writer line = {0};
  record_to_lines(&record, false, &line);
  cr_assert_eq(line.len, 0);
  record_to_lines(&record, true, &line);
  cr_assert_not_null(strstr(writer_text(&line), "\"type\":\"x.lead_move\""));
  cr_assert_not_null(strstr(writer_text(&line), "\"week\":\"2026-W48\""));
  writer_free(&out);

  record = (struct record){.type = RECORD_LEAD_HOLD, .now_ms = now};
  record.lead_hold.week = 20780;
  record.lead_hold.agent = SLICE("1002");
  out = round_trip(&record, now, &back);
  cr_assert_eq(back.lead_hold.week, 20780);
  same_text(back.lead_hold.agent, SLICE("1002"));
  writer_reset(&line);
  record_to_lines(&record, true, &line);
  cr_assert_not_null(strstr(writer_text(&line), "\"type\":\"x.lead_hold\""));
  writer_free(&line);

  writer_reset(&out);
  record.lead_hold.week++; /* no Monday */
  msec_t clock = now;
  record_encode(&record, &clock, &out);
  clock = now;
  cr_assert_not(record_decode(writer_slice(&out), &clock, &back));
  writer_free(&out);
}

Test(record, acknowledgements_and_numbers_not_given_out) {
  msec_t clock = now;
  struct record back, record = {.type = RECORD_ALERT_ACK, .now_ms = now};
  record.ack.at_ms = now - 5;
  record.ack.id = SLICE("1001/day.behind/2026-11-23");
  record.ack.by = SLICE("li");
  record.ack.note = SLICE("打电话了");
  struct writer out = round_trip(&record, now, &back), line = {0};
  cr_assert_eq(back.ack.at_ms, now - 5);
  same_text(back.ack.id, record.ack.id);
  same_text(back.ack.by, record.ack.by);
  same_text(back.ack.note, record.ack.note);
  record_to_lines(&record, true, &line);
  cr_assert_not_null(strstr(writer_text(&line), "\"type\":\"x.alert_ack\""));
  writer_free(&out);
  writer_free(&line);
  const char hole[] = {RECORD_ALERT_ACK - 1};
  cr_assert_not(record_decode((struct slice){hole, 1}, &clock, &back));
}

Test(record, whom_a_source_serves) {
  struct record back, record = {.type = RECORD_SOURCE_SERVES, .now_ms = now};
  record.source_serves.source = SLICE("pbx1");
  record.source_serves.serves = SLICE("\1\3RED\1\0041001");
  struct writer out = round_trip(&record, now, &back), line = {0};
  same_text(back.source_serves.source, record.source_serves.source);
  same_text(back.source_serves.serves, record.source_serves.serves);
  record_to_lines(&record, true, &line);
  cr_assert_not_null(strstr(writer_text(&line), "\"teams\":[\"RED\"],\"agents\":[\"1001\"]"));
  writer_free(&out);
  writer_free(&line);
}

Test(record, settings_of_32_mebibytes) {
  size_t len = (size_t)32 << 20;
  char *text = calloc(1, len);
  struct record back, record = {.type = RECORD_SETTINGS, .now_ms = now};
  record.settings.policy = SLICE("- from: 2026-01-01\n");
  record.settings.roster = (struct slice){text, len};
  struct writer out = round_trip(&record, now, &back);
  same_text(back.settings.roster, record.settings.roster);
  writer_free(&out);
  free(text);
}

Test(record, every_cut_is_refused) {
  struct record record = {.type = RECORD_EVENT, .origin = 1, .seq = 5, .now_ms = now}, back;
  struct writer out = {0};
  msec_t clock = 0;
  record.event = full_event();
  record_encode(&record, &clock, &out);
  for (size_t len = 0; len < out.len; len++) {
    char *exact = malloc(len ? len : 1); /* so that ASan sees a byte too many */
    memcpy(exact, out.data, len);
    clock = 0;
    cr_assert_not(record_decode((struct slice){exact, len}, &clock, &back), "at %zu", len);
    free(exact);
  }
  put_char(&out, 0);
  clock = 0;
  cr_assert_not(record_decode(writer_slice(&out), &clock, &back), "one byte too many");
  writer_free(&out);
}

static void lines(const struct record *record, bool all, const char *expected) {
  struct writer out = {0};
  record_to_lines(record, all, &out);
  cr_assert_str_eq(writer_text(&out), expected);
  writer_free(&out);
}

Test(record, lines_of_events) {
  struct record record = {.type = RECORD_EVENT, .now_ms = 2000};
  record.event = call_event_of(EVENT_CALL_START, 1000);
  record.event.call = SLICE("c1");
  record.event.agent = SLICE("1001");
  record.event.dir = DIR_OUT;
  record.event.start_is_answer = true;
  lines(&record, false,
        "{\"type\":\"call.start\",\"ts\":1000,\"call\":\"c1\",\"agent\":\"1001\",\"dir\":\"out\"}\n"
        "{\"type\":\"call.answer\",\"ts\":1000,\"call\":\"c1\"}\n");
  record.event = call_event_of(EVENT_CALL_LOST, 1500);
  record.event.call = SLICE("c1");
  lines(&record, false, "{\"type\":\"call.lost\",\"ts\":1500,\"call\":\"c1\"}\n");
  record.event = call_event_of(EVENT_CALL_END, 1500);
  record.event.call = SLICE("c\"1");
  record.event.talk_ms = 0;
  record.event.outcome = OUTCOME_NO_ANSWER;
  lines(&record, false,
        "{\"type\":\"call.end\",\"ts\":1500,\"call\":\"c\\\"1\",\"outcome\":\"no_answer\","
        "\"talk_ms\":0}\n");
}

Test(record, decisions_only_with_all) {
  struct record record = {.type = RECORD_ALERT, .now_ms = 2000};
  record.alert.raised = true;
  record.alert.at_ms = 1990;
  record.alert.id = SLICE("1001/day.met/2026-11-23");
  record.alert.json = SLICE("{\"a\":1}");
  lines(&record, false, "");
  lines(&record, true,
        "{\"type\":\"x.alert\",\"now_ms\":2000,\"id\":\"1001/day.met/2026-11-23\","
        "\"state\":\"raised\",\"at_ms\":1990,\"alert\":{\"a\":1}}\n");
  record = (struct record){.type = RECORD_GAP, .now_ms = 2000};
  record.gap.from_ms = 1;
  record.gap.to_ms = 2;
  record.gap.source = SLICE("pbx1");
  lines(&record, false,
        "{\"type\":\"source.gap\",\"ts\":2000,\"from\":1,\"to\":2,\"source\":\"pbx1\"}\n");
}
