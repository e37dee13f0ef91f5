#include <criterion/criterion.h>

#include "callpace/core/deadlines.h"
#include "callpace/core/member_set.h"
#include "centre_fixture.h"

Test(talk_union, overlaps_count_once) {
  struct talk_union u = {0};
  talk_union_add(&u, 0, 100);
  talk_union_add(&u, 200, 300);
  talk_union_add(&u, 50, 120);
  cr_assert_eq(u.total_ms, 220);
  talk_union_add(&u, 120, 200); /* closes the gap exactly */
  cr_assert_eq(u.total_ms, 300);
  cr_assert_eq(u.count, 1);
  talk_union_add(&u, -50, -10);
  talk_union_add(&u, 10, 20);
  talk_union_add(&u, 7, 7);
  cr_assert_eq(u.total_ms, 340);
  cr_assert_eq(u.count, 2);
  talk_union_free(&u);
}

Test(talk_union, what_is_settled_stays_in_the_total) {
  struct talk_union u = {0};
  talk_union_add(&u, 0, 100);
  talk_union_settle(&u);
  talk_union_add(&u, 500, 600);
  cr_assert_eq(u.total_ms, 200);
  talk_union_clear(&u);
  cr_assert_eq(u.total_ms, 100);
  talk_union_free(&u);
}

/* Against marks on a line, in random order. */
Test(talk_union, agrees_with_marks) {
  unsigned state = 7;
  for (int round = 0; round < 200; round++) {
    struct talk_union u = {0};
    bool marks[400] = {false};
    for (int i = 0; i < 30; i++) {
      state = state * 1103515245u + 12345u;
      int from = (int)(state >> 16) % 380, to = from + (int)(state >> 8) % 20;
      talk_union_add(&u, from, to);
      memset(marks + from, 1, (size_t)(to - from));
    }
    int total = 0;
    for (int i = 0; i < 400; i++)
      total += marks[i];
    cr_assert_eq(u.total_ms, total);
    for (uint32_t i = 1; i < u.count; i++)
      cr_assert_lt(u.spans[i - 1].to, u.spans[i].from);
    talk_union_free(&u);
  }
}

static struct call done(const char *id, int32_t start, int32_t from, int32_t to) {
  struct call call;
  call_init(&call, slice_of(id));
  call.count = (struct call_count){
      .start = start,
      .talk_from = from,
      .talk_to = to,
      .talk_ms = (uint32_t)(to - from),
      .ring_ms = (uint32_t)(from - start),
      .flags = COUNT_DIALLED | COUNT_ANSWERED | COUNT_CALL | COUNT_TALK,
  };
  return call;
}

Test(tally, taking_back_leaves_what_the_others_made) {
  struct day_tally tally;
  day_tally_init(&tally, NULL, 0, 1000000);
  struct call a = done("a", 0, 10, 100), b = done("b", 5, 50, 300), c = done("c", 400, 410, 420);
  day_tally_add(&tally, &a);
  day_tally_add(&tally, &b);
  day_tally_add(&tally, &c);
  cr_assert_eq(tally.talk.total_ms, 300);
  cr_assert_eq(tally.longest_ms, 250);
  day_tally_take(&tally, &b);
  cr_assert_eq(tally.dials, 2);
  cr_assert_eq(tally.talk.total_ms, 100);
  cr_assert_eq(tally.longest_ms, 90);
  cr_assert_eq(tally.ring_ms, 20);
  day_tally_take(&tally, &a);
  cr_assert_eq(tally.first_dial_ms, 1000400);
  day_tally_take(&tally, &c);
  cr_assert_eq(tally.first_dial_ms, MSEC_NONE);
  cr_assert_eq(tally.last_dial_ms, MSEC_NONE);
  cr_assert_eq(tally.calls + tally.dials + tally.answered, 0);
  day_tally_clear(&tally);
}

Test(tally, what_is_forgotten_still_counts) {
  struct day_tally tally;
  day_tally_init(&tally, NULL, 0, 0);
  struct call a = done("a", 0, 10, 100), b = done("b", 5, 50, 80);
  day_tally_add(&tally, &a);
  day_tally_add(&tally, &b);
  day_tally_forget(&tally, &a);
  day_tally_take(&tally, &b);
  cr_assert_eq(tally.talk.total_ms, 90, "the run of the forgotten call is not cut");
  cr_assert_eq(tally.first_dial_ms, 0);
  cr_assert_eq(tally.last_dial_ms, 0);
  cr_assert_eq(tally.longest_ms, 90);
  day_tally_settle(&tally);
  cr_assert_eq(tally.talk.total_ms, 90);
  day_tally_clear(&tally);
}

Test(deadlines, come_out_in_order_however_they_move) {
  enum { THINGS = 200 };
  struct deadlines d = {0};
  uint32_t places[THINGS];
  unsigned state = 3;
  for (int i = 0; i < THINGS; i++)
    places[i] = DEADLINE_NONE;
  for (int i = 0; i < 5000; i++) {
    state = state * 1103515245u + 12345u;
    uint32_t *place = &places[(state >> 16) % THINGS];
    if (state >> 30)
      deadlines_set(&d, place, (state >> 8) % 1000);
    else
      deadlines_drop(&d, place);
  }
  cr_assert_gt(d.count, 50);
  for (msec_t before = 0, due; (due = deadlines_first(&d)) != MSEC_MAX; before = due) {
    cr_assert_leq(before, due);
    deadlines_drop(&d, d.items[0].place);
  }
  deadlines_free(&d);
}

Test(member_set, the_same_in_every_process) {
  struct member_set set = {0}, loaded = {0};
  for (int i = 0; i < 1000; i++) {
    char text[16];
    snprintf(text, sizeof text, "m%d", i);
    struct member_entry *entry = member_set_entry(&set, SLICE("1001"), slice_of(text));
    cr_assert_eq(entry->ts_ms, MSEC_NONE);
    entry->ts_ms = i;
  }
  struct member_entry *first = member_set_find(&set, SLICE("1001"), SLICE("m0"));
  cr_assert_eq(first->hash[0], 0x80f065c4104ff78cu, "%llx", (unsigned long long)first->hash[0]);
  struct writer w = {0};
  member_set_save(&set, &w);
  struct reader r = reader_of(writer_slice(&w));
  member_set_load(&loaded, &r);
  cr_assert_not(r.failed);
  cr_assert_eq(loaded.count, 1000);
  cr_assert_eq(member_set_find(&loaded, SLICE("1001"), SLICE("m999"))->ts_ms, 999);
  cr_assert_null(member_set_find(&loaded, SLICE("100"), SLICE("1m999")));
  writer_free(&w);
  member_set_free(&set);
  member_set_free(&loaded);
}
