#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "callpace/feed.h"

static void assert_put(const char *line, uint64_t seq, const char *wanted) {
  struct writer out = {0};
  feed_put_line(slice_of(line), seq, &out);
  cr_assert_str_eq(writer_text(&out), wanted);
  writer_free(&out);
}

Test(feed, adds_the_seq_as_the_last_member) {
  assert_put("{\"type\":\"tick\",\"ts\":1}", 17, "{\"type\":\"tick\",\"ts\":1,\"seq\":17}\n");
  assert_put("{ \"a\":1 } \r", 2, "{ \"a\":1,\"seq\":2}\n");
  assert_put("{}", 3, "{\"seq\":3}\n");
  assert_put("{\"a\":1}", 0, "{\"a\":1}\n");
}

Test(feed, replaces_a_seq_that_was_there) {
  assert_put("{\"a\":1,\"seq\":99}", 4, "{\"a\":1,\"seq\":4}\n");
  assert_put("{\"seq\" : 99, \"a\":1}", 4, "{ \"a\":1,\"seq\":4}\n");
  assert_put("{\"a\":1 , \"seq\":99,\"b\":2}", 4, "{\"a\":1 ,\"b\":2,\"seq\":4}\n");
  assert_put("{\"seq\":99}", 4, "{\"seq\":4}\n");
  assert_put("{\"reason\":\"seq\"}", 4, "{\"reason\":\"seq\",\"seq\":4}\n");
}

Test(feed, leaves_what_is_no_object) {
  assert_put("rubbish", 5, "rubbish\n");
  assert_put("", 5, "\n");
  assert_put("}", 5, "}\n");
}

Test(feed, reads_the_time_of_a_line) {
  msec_t ts = 0;
  cr_assert(feed_line_ts(SLICE("{\"type\":\"tick\",\"ts\": 1795395600000}"), &ts));
  cr_assert_eq(ts, 1795395600000);
  cr_assert(feed_line_ts(SLICE("{\"ts\":\"2026-11-23T01:00:01Z\"}"), &ts));
  cr_assert_eq(ts, 1795395601000);
  cr_assert_not(feed_line_ts(SLICE("{\"type\":\"tick\"}"), &ts));
  cr_assert_not(feed_line_ts(SLICE("{\"ts\":\"noon\"}"), &ts));
}

Test(feed, window_forgets_what_is_acknowledged_and_sends_the_rest_again) {
  struct feed_window w;
  feed_window_init(&w);
  for (int i = 0; i < 3; i++)
    feed_window_add(&w, SLICE("{}"), true);
  cr_assert_eq(feed_window_unsent(&w).len, 3 * 10);
  w.sent += 15; /* one line and a half */
  cr_assert_eq(feed_window_sent_seq(&w), 1);
  feed_window_ack(&w, 1);
  feed_window_ack(&w, 1);
  feed_window_ack(&w, 9); /* never sent: ignored */
  cr_assert_eq(w.acked, 1);
  cr_assert_eq(feed_window_rewind(&w), 2);
  cr_assert(slice_equal(feed_window_unsent(&w), SLICE("{\"seq\":2}\n{\"seq\":3}\n")));
  feed_window_ack(&w, 3);
  cr_assert_eq(feed_window_unsent(&w).len, 0);
  feed_window_free(&w);
}

Test(feed, window_stays_bounded) {
  struct feed_window w;
  char line[64], wanted[96];
  feed_window_init(&w);
  for (uint64_t seq = 1; seq <= 300000; seq++) {
    if (!feed_window_has_room(&w)) feed_window_ack(&w, w.newest - 1000);
    snprintf(line, sizeof line, "{\"number\":\"%llu\"}", (unsigned long long)seq);
    feed_window_add(&w, slice_of(line), true);
  }
  cr_assert_leq(w.newest - w.acked, FEED_WINDOW);
  cr_assert_lt(w.bytes.capacity, 8 * 1024 * 1024);
  feed_window_ack(&w, 299999);
  feed_window_rewind(&w);
  snprintf(wanted, sizeof wanted, "{\"number\":\"300000\",\"seq\":300000}\n");
  cr_assert(slice_equal(feed_window_unsent(&w), slice_of(wanted)));
  feed_window_free(&w);
}

Test(feed, input_gives_whole_lines_and_passes_blank_ones) {
  int ends[2];
  struct slice line;
  cr_assert_eq(pipe(ends), 0);
  struct feed_input input = {.fd = ends[0]};
  cr_assert_not(feed_input_line(&input, &line));
  cr_assert_eq(write(ends[1], "\n \r\none\ntw", 10), 10);
  cr_assert(feed_input_read(&input));
  cr_assert(feed_input_line(&input, &line));
  cr_assert(slice_equal(line, SLICE("one")));
  feed_input_take(&input, line);
  cr_assert_not(feed_input_line(&input, &line));
  cr_assert_eq(write(ends[1], "o", 1), 1);
  close(ends[1]);
  while (!input.ended)
    cr_assert(feed_input_read(&input));
  cr_assert(feed_input_line(&input, &line));
  cr_assert(slice_equal(line, SLICE("two")));
  feed_input_take(&input, line);
  cr_assert_not(feed_input_line(&input, &line));
  feed_input_free(&input);
}

Test(feed, paces_by_rate_and_by_time_stamps) {
  struct slice first = SLICE("{\"ts\":100000}"), tick = SLICE("{\"type\":\"tick\",\"ts\":150000}"),
               later = SLICE("{\"ts\":160000}"), much_later = SLICE("{\"ts\":9160000}");
  struct feed_pace rate = {.rate = 1000};
  cr_assert_eq(feed_pace_due(&rate, first, 5000000), 5000000);
  cr_assert_eq(feed_pace_due(&rate, first, 7000000), 5001000);
  struct feed_pace speed = {.speed = 60, .max_wait_ms = 2000};
  cr_assert_eq(feed_pace_due(&speed, first, 5000000), 5000000);
  cr_assert_eq(feed_pace_due(&speed, tick, 5000000), 5000000);
  cr_assert_eq(feed_pace_due(&speed, later, 5000000), 6000000);
  cr_assert_eq(feed_pace_due(&speed, first, 5000000), 6000000);
  cr_assert_eq(feed_pace_due(&speed, much_later, 5000000), 8000000);
}
