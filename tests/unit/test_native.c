#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "callpace/dialect/dialect.h"
#include "callpace/dialect/native_fields.h"

#define NOW ((msec_t)1795395600000) /* 2026-11-23T01:00:00Z */

/* One connection and its unread bytes. */
struct feed {
  struct dialect_setup setup;
  void *self;
  struct slice unread;
  struct item item;
};

static struct feed feed_of(const char *bytes) {
  struct feed f = {.unread = slice_of(bytes)};
  return f;
}

static enum item_kind next(struct feed *f) {
  if (!f->self) {
    f->self = dialect_native.open(&f->setup);
    dialect_native.greet(f->self, NOW, NULL);
  }
  return dialect_native.next(f->self, &f->unread, true, NOW, &f->item, NULL);
}

static void finish(struct feed *f) {
  cr_assert_eq(next(f), ITEM_MORE);
  cr_assert_eq(f->unread.len, 0);
  dialect_native.close(f->self);
  f->self = NULL;
}

static void assert_slice(struct slice got, const char *wanted) {
  cr_assert(slice_equal(got, slice_of(wanted)), "got '%.*s', wanted '%s'", (int)got.len, got.data,
            wanted);
}

/* One line alone is refused with this code and this start of its message. */
static void assert_refused(const char *line, const char *code, const char *message) {
  struct feed f = feed_of(line);
  cr_assert_eq(next(&f), ITEM_REFUSED, "taken: %s", line);
  cr_assert_str_eq(f.item.code, code, "%s: %s", line, f.item.message);
  cr_assert_eq(strncmp(f.item.message, message, strlen(message)), 0, "%s: %s", line,
               f.item.message);
  cr_assert_eq(f.item.line_number, 1);
  finish(&f);
}

static void assert_taken(const char *line) {
  struct feed f = feed_of(line);
  cr_assert_eq(next(&f), ITEM_EVENT, "%s: %s", line, f.item.message);
  finish(&f);
}

Test(native, is_found_by_its_name) {
  cr_assert_eq(dialect_find("native", false), &dialect_native);
  cr_assert_null(dialect_find("nativ", false));
}

Test(native, takes_every_field_of_a_start) {
  struct feed f = feed_of(
      "{\"type\":\"call.start\",\"ts\":1795395000123,\"call\":\"c1\",\"agent\":\"1001\","
      "\"dir\":\"in\",\"number\":\"138\",\"lead\":\"L\",\"queue\":\"q\",\"trunk\":\"t\"}\r\n");
  cr_assert_eq(next(&f), ITEM_EVENT);
  const struct call_event *e = &f.item.event;
  cr_assert_eq(e->type, EVENT_CALL_START);
  cr_assert_eq(e->ts_ms, 1795395000123);
  cr_assert_eq(e->dir, DIR_IN);
  cr_assert_eq(e->talk_ms, MSEC_NONE);
  cr_assert_not(e->start_is_answer);
  assert_slice(e->call, "c1");
  assert_slice(e->agent, "1001");
  assert_slice(e->number, "138");
  assert_slice(e->lead, "L");
  assert_slice(e->queue, "q");
  assert_slice(e->trunk, "t");
  finish(&f);
}

Test(native, takes_an_end_and_leaves_out_what_is_null) {
  struct feed f = feed_of("{\"type\":\"call.end\",\"call\":\"c1\",\"outcome\":\"busy\","
                          "\"talk_ms\":0,\"cause\":null,\"ts\":null,\"agent\":null}\n");
  cr_assert_eq(next(&f), ITEM_EVENT);
  cr_assert_eq(f.item.event.outcome, OUTCOME_BUSY);
  cr_assert_eq(f.item.event.talk_ms, 0);
  cr_assert_eq(f.item.event.ts_ms, NOW);
  cr_assert_eq(f.item.event.cause.len, 0);
  cr_assert_eq(f.item.event.agent.len, 0);
  finish(&f);
}

Test(native, takes_each_type) {
  assert_taken("{\"type\":\"call.answer\",\"call\":\"c\"}\n");
  assert_taken("{\"type\":\"call.hold\",\"call\":\"c\"}\n");
  assert_taken("{\"type\":\"call.retrieve\",\"call\":\"c\"}\n");
  assert_taken("{\"type\":\"call.lost\",\"call\":\"c\"}\n");
  assert_taken("{\"type\":\"agent.state\",\"agent\":\"a\",\"state\":\"acw\",\"reason\":\"x\"}\n");
  assert_taken("{\"type\":\"lead.issue\",\"agent\":\"a\",\"lead\":\"l\",\"number\":\"1\","
               "\"week\":\"2026-W48\"}\n");
  assert_taken("{\"type\":\"lead.withdraw\",\"agent\":\"a\",\"lead\":\"l\"}\n");
  assert_taken("{\"type\":\"member.developed\",\"agent\":\"a\",\"member\":\"m\"}\n");
  assert_taken("{\"type\":\"review.points\",\"agent\":\"a\",\"points\":-3,\"reason\":\"r\","
               "\"by\":\"b\",\"id\":7}\n");
  assert_taken("{\"type\":\"source.gap\",\"from\":5,\"to\":5}\n");
  assert_taken("{\"type\":\"tick\",\"ts\":\"2026-11-23T09:00:00+08:00\"}\n");
}

Test(native, reads_ids_given_as_integers) {
  struct feed f = feed_of("{\"type\":\"call.start\",\"call\":17,\"agent\":1001,"
                          "\"number\":13800138000}\n");
  cr_assert_eq(next(&f), ITEM_EVENT);
  assert_slice(f.item.event.call, "17");
  assert_slice(f.item.event.agent, "1001");
  assert_slice(f.item.event.number, "13800138000");
  finish(&f);
  assert_refused("{\"type\":\"call.answer\",\"call\":1.5}\n", "bad_field", "call:");
  assert_refused("{\"type\":\"call.answer\",\"call\":true}\n", "bad_field", "call:");
}

Test(native, reads_times_in_both_forms) {
  struct feed f = feed_of("{\"type\":\"tick\",\"ts\":\"2026-11-23T09:00:00.250+08:00\"}\n");
  cr_assert_eq(next(&f), ITEM_EVENT);
  cr_assert_eq(f.item.event.ts_ms, NOW + 250);
  finish(&f);
  assert_refused("{\"type\":\"tick\",\"ts\":1.5e12}\n", "bad_field", "ts:");
  assert_refused("{\"type\":\"tick\",\"ts\":1795395600000.0}\n", "bad_field", "ts:");
  assert_refused("{\"type\":\"tick\",\"ts\":\"2026-11-23T09:00:00\"}\n", "bad_field", "ts:");
  assert_refused("{\"type\":\"tick\",\"ts\":\"1795395600000\"}\n", "bad_field", "ts:");
  assert_refused("{\"type\":\"tick\",\"ts\":-1}\n", "bad_field", "ts:");
  assert_refused("{\"type\":\"tick\",\"ts\":9223372036854775807}\n", "bad_field", "ts:");
}

Test(native, names_the_missing_field) {
  assert_refused("{}\n", "missing_field", "type:");
  assert_refused("{\"type\":null}\n", "missing_field", "type:");
  assert_refused("{\"type\":\"call.start\",\"agent\":\"a\"}\n", "missing_field", "call:");
  assert_refused("{\"type\":\"call.start\",\"call\":\"c\"}\n", "missing_field", "agent:");
  assert_refused("{\"type\":\"call.end\",\"call\":null}\n", "missing_field", "call:");
  assert_refused("{\"type\":\"agent.state\",\"agent\":\"a\"}\n", "missing_field", "state:");
  assert_refused("{\"type\":\"tick\"}\n", "missing_field", "ts:");
  assert_refused("{\"type\":\"source.gap\",\"from\":1}\n", "missing_field", "to:");
  assert_refused("{\"type\":\"review.points\",\"agent\":\"a\",\"points\":1,\"reason\":\"r\"}\n",
                 "missing_field", "by:");
  assert_refused("{\"type\":\"lead.issue\",\"agent\":\"a\",\"lead\":\"l\"}\n", "missing_field",
                 "number:");
}

Test(native, names_the_bad_field) {
  assert_refused("{\"type\":7}\n", "bad_field", "type:");
  assert_refused("{\"type\":\"call.answer\",\"call\":\"\"}\n", "bad_field", "call:");
  assert_refused("{\"type\":\"call.answer\",\"call\":\"a\\u0000b\"}\n", "bad_field", "call:");
  assert_refused("{\"type\":\"call.start\",\"call\":\"c\",\"agent\":\"a\",\"dir\":\"up\"}\n",
                 "bad_field", "dir:");
  assert_refused("{\"type\":\"call.end\",\"call\":\"c\",\"outcome\":\"won\"}\n", "bad_field",
                 "outcome:");
  assert_refused("{\"type\":\"call.end\",\"call\":\"c\",\"talk_ms\":-1}\n", "bad_field",
                 "talk_ms:");
  assert_refused("{\"type\":\"call.end\",\"call\":\"c\",\"talk_ms\":\"5\"}\n", "bad_field",
                 "talk_ms:");
  assert_refused("{\"type\":\"call.end\",\"call\":\"c\",\"talk_ms\":9000000000000}\n", "bad_field",
                 "talk_ms:");
  assert_refused("{\"type\":\"agent.state\",\"agent\":\"a\",\"state\":\"asleep\"}\n", "bad_field",
                 "state:");
  assert_refused("{\"type\":\"source.gap\",\"from\":6,\"to\":5}\n", "bad_field", "to:");
  assert_refused("{\"type\":\"lead.withdraw\",\"agent\":\"a\",\"lead\":\"l\",\"week\":"
                 "\"2026-W54\"}\n",
                 "bad_field", "week:");
  assert_refused("{\"type\":\"review.points\",\"agent\":\"a\",\"points\":1.5,\"reason\":\"r\","
                 "\"by\":\"b\"}\n",
                 "bad_field", "points:");
}

Test(native, ignores_keys_that_the_type_does_not_have) {
  assert_taken("{\"type\":\"call.answer\",\"call\":\"c\",\"points\":\"many\",\"dir\":\"up\","
               "\"\":1,\"colour\":false,\"seq\":\"x\"}\n");
}

Test(native, holds_the_length_limits_of_fields) {
  static const struct {
    const char *field;
    size_t most;
  } limits[] = {{"call", 256}, {"agent", 128}, {"number", 512}, {"queue", 512}};
  for (size_t i = 0; i < 4; i++)
    for (size_t over = 0; over < 2; over++) {
      char value[600] = "", line[1024];
      memset(value, 'x', limits[i].most + over);
      snprintf(line, sizeof line, "{\"type\":\"call.start\",\"%s\":\"%s\"%s%s}\n", limits[i].field,
               value, i == 0 ? "" : ",\"call\":\"c\"", i == 1 ? "" : ",\"agent\":\"a\"");
      if (over)
        assert_refused(line, "bad_field", limits[i].field);
      else
        assert_taken(line);
    }
}

Test(native, refuses_what_is_no_line) {
  assert_refused("\n", "bad_json", "");
  assert_refused("hi\n", "bad_json", "");
  assert_refused("{\"type\":\"tick\",\"ts\":{\"a\":1}}\n", "bad_json", "nested");
  assert_refused("{\"type\":\"tick\",\"ts\":1,\"ts\":1}\n", "bad_json", "duplicate");
  assert_refused("{\"type\":\"tick\",\"ts\":1,\"x\":\"\xff\"}\n", "bad_utf8", "");
  assert_refused("{\"type\":\"call.begin\"}\n", "unknown_type", "unknown type \"call.begin\"");
  assert_refused("{\"type\":\"tick\",\"ts\":1}", "truncated", "");
}

Test(native, refuses_the_future_unless_events_drive_the_clock) {
  char line[128];
  for (int over = 0; over < 2; over++) {
    snprintf(line, sizeof line, "{\"type\":\"tick\",\"ts\":%lld}\n",
             (long long)(NOW + 5 * MSEC_PER_MIN + over));
    if (over)
      assert_refused(line, "future_ts", "ts:");
    else
      assert_taken(line);
  }
  snprintf(line, sizeof line, "{\"type\":\"source.gap\",\"from\":1,\"to\":%lld}\n",
           (long long)NOW + MSEC_PER_HOUR);
  assert_refused(line, "future_ts", "to:");
  struct feed f = feed_of(line);
  f.setup.events_clock = true;
  cr_assert_eq(next(&f), ITEM_EVENT);
  finish(&f);
}

Test(native, start_may_mean_answer) {
  struct feed f = feed_of("{\"type\":\"call.start\",\"call\":\"c\",\"agent\":\"a\"}\n"
                          "{\"type\":\"call.end\",\"call\":\"c\"}\n");
  f.setup.start_means_answer = true;
  cr_assert_eq(next(&f), ITEM_EVENT);
  cr_assert(f.item.event.start_is_answer);
  cr_assert_eq(next(&f), ITEM_EVENT);
  cr_assert_not(f.item.event.start_is_answer);
  finish(&f);
}

#define HELLO "{\"type\":\"hello\",\"v\":1,\"producer\":\"p\",\"epoch\":\"e\"}\n"

Test(native, hello_names_the_producer) {
  struct feed f = feed_of("{\"epoch\":\"e \\u4e2d\",\"type\":\"hello\",\"v\":1,"
                          "\"producer\":\"pbx1\",\"token\":\"s\"}\n");
  cr_assert_eq(next(&f), ITEM_HELLO);
  assert_slice(f.item.producer, "pbx1");
  assert_slice(f.item.epoch, "e \xe4\xb8\xad");
  assert_slice(f.item.token, "s");
  cr_assert_eq(f.item.line_number, 1);
  finish(&f);
}

Test(native, hello_has_its_rules) {
  assert_refused("{\"type\":\"hello\",\"producer\":\"p\",\"epoch\":\"e\"}\n", "missing_field",
                 "v:");
  assert_refused("{\"type\":\"hello\",\"v\":2,\"producer\":\"p\",\"epoch\":\"e\"}\n", "bad_field",
                 "v:");
  assert_refused("{\"type\":\"hello\",\"v\":1,\"epoch\":\"e\"}\n", "missing_field", "producer:");
  assert_refused("{\"type\":\"hello\",\"v\":1,\"producer\":\"p\"}\n", "missing_field", "epoch:");
  assert_refused("{\"type\":\"hello\",\"v\":1,\"producer\":\"\",\"epoch\":\"e\"}\n", "bad_field",
                 "producer:");
  assert_refused("{\"type\":\"hello\",\"v\":1,\"producer\":\"p\",\"epoch\":true}\n", "bad_field",
                 "epoch:");
}

Test(native, hello_comes_before_events_and_once) {
  struct feed f = feed_of("{\"type\":\"tick\",\"ts\":1}\n" HELLO);
  cr_assert_eq(next(&f), ITEM_EVENT);
  cr_assert_eq(next(&f), ITEM_REFUSED);
  cr_assert_str_eq(f.item.code, "bad_field");
  cr_assert_str_eq(f.item.message, "hello must be first");
  finish(&f);

  f = feed_of("rubbish\n" HELLO HELLO);
  cr_assert_eq(next(&f), ITEM_REFUSED);
  cr_assert_eq(next(&f), ITEM_HELLO);
  cr_assert_eq(next(&f), ITEM_REFUSED);
  cr_assert_str_eq(f.item.message, "hello must be first");
  cr_assert_eq(f.item.line_number, 3);
  finish(&f);
}

Test(native, after_hello_every_event_has_a_seq) {
  struct feed f = feed_of(HELLO "{\"type\":\"tick\",\"ts\":1,\"seq\":5}\n"
                                "{\"type\":\"tick\",\"ts\":1}\n"
                                "{\"type\":\"tick\",\"ts\":1,\"seq\":0}\n"
                                "{\"type\":\"tick\",\"ts\":\"x\",\"seq\":8}\n"
                                "{\"type\":\"what\",\"seq\":9}\n"
                                "not json \"seq\":10\n");
  cr_assert_eq(next(&f), ITEM_HELLO);
  cr_assert_eq(next(&f), ITEM_EVENT);
  cr_assert_eq(f.item.seq, 5);
  cr_assert(f.item.has_seq);
  cr_assert_eq(next(&f), ITEM_REFUSED);
  cr_assert_str_eq(f.item.code, "missing_field");
  cr_assert_str_eq(f.item.message, "seq: missing");
  cr_assert_not(f.item.has_seq);
  cr_assert_eq(next(&f), ITEM_REFUSED);
  cr_assert_str_eq(f.item.code, "bad_field");
  for (uint64_t seq = 8; seq <= 9; seq++) {
    cr_assert_eq(next(&f), ITEM_REFUSED);
    cr_assert(f.item.has_seq);
    cr_assert_eq(f.item.seq, seq);
  }
  cr_assert_eq(next(&f), ITEM_REFUSED);
  cr_assert_not(f.item.has_seq);
  cr_assert_eq(f.item.line_number, 7);
  finish(&f);
}

Test(native, without_hello_a_seq_means_nothing) {
  struct feed f = feed_of("{\"type\":\"tick\",\"ts\":1,\"seq\":5}\n");
  cr_assert_eq(next(&f), ITEM_EVENT);
  cr_assert_not(f.item.has_seq);
  cr_assert_eq(f.item.seq, 0);
  finish(&f);
}

/* A tick line of exactly `len` bytes without its ending. */
static char *padded(size_t len, const char *ending) {
  char *line = malloc(len + 64);
  int used = sprintf(line, "{\"type\":\"tick\",\"ts\":1,\"x\":\"");
  memset(line + used, 'x', len);
  strcpy(line + len - 2, "\"}");
  strcat(line, ending);
  return line;
}

Test(native, a_line_may_have_4096_bytes_and_its_ending) {
  static const char *const endings[] = {"\n", "\r\n"};
  for (int i = 0; i < 2; i++) {
    char *line = padded(4096, endings[i]);
    assert_taken(line);
    free(line);
    line = padded(4097, endings[i]);
    assert_refused(line, "too_long", "");
    free(line);
  }
}

Test(native, a_longer_line_is_one_error_and_harms_no_neighbour) {
  char *line = padded(100000, "\n{\"type\":\"tick\",\"ts\":1}\n");
  struct feed f = feed_of(line);
  cr_assert_eq(next(&f), ITEM_REFUSED);
  cr_assert_str_eq(f.item.code, "too_long");
  cr_assert_eq(f.item.line.len, 4096);
  cr_assert_eq(next(&f), ITEM_EVENT);
  cr_assert_eq(f.item.line_number, 2);
  finish(&f);
  free(line);
}

Test(native, a_new_connection_starts_anew) {
  struct feed f = feed_of(HELLO "{\"type\":\"tick\"");
  cr_assert_eq(next(&f), ITEM_HELLO);
  cr_assert_eq(next(&f), ITEM_REFUSED);
  dialect_native.greet(f.self, NOW, NULL);
  f.unread = slice_of("{\"type\":\"tick\",\"ts\":1}\n");
  cr_assert_eq(next(&f), ITEM_EVENT);
  cr_assert_eq(f.item.line_number, 1);
  finish(&f);
}

Test(native, bytes_may_come_one_by_one) {
  const char *bytes = HELLO "{\"type\":\"call.answer\",\"call\":\"\\u4e2d\",\"seq\":1}\r\nbad\n";
  struct dialect_setup setup = {0};
  void *self = dialect_native.open(&setup);
  enum item_kind kinds[8];
  unsigned count = 0;
  struct slice unread = {bytes, 0};
  for (size_t i = 0; i < strlen(bytes); i++) {
    struct item item;
    unread.len++;
    enum item_kind kind = dialect_native.next(self, &unread, false, NOW, &item, NULL);
    if (kind == ITEM_EVENT) assert_slice(item.event.call, "\xe4\xb8\xad");
    if (kind != ITEM_MORE) kinds[count++] = kind;
  }
  cr_assert_eq(count, 3);
  cr_assert_eq(kinds[0], ITEM_HELLO);
  cr_assert_eq(kinds[1], ITEM_EVENT);
  cr_assert_eq(kinds[2], ITEM_REFUSED);
  dialect_native.close(self);
}
