#include <criterion/criterion.h>

#include <stdio.h>

#include "callpace/core/producer.h"

Test(producer, an_epoch_starts_at_0_and_is_found_again) {
  struct producers p = {0};
  struct producer_epoch *first = producers_epoch(&p, SLICE("pbx"), SLICE("a"), NULL);
  cr_assert_eq(first->seq, 0);
  first->seq = 7;
  struct producer_epoch *second = producers_epoch(&p, SLICE("pbx"), SLICE("b"), NULL);
  cr_assert_neq(first, second);
  cr_assert_eq(second->seq, 0);
  cr_assert_eq(producers_epoch(&p, SLICE("pbx"), SLICE("a"), NULL)->seq, 7);
  cr_assert_eq(producers_seq(&p, SLICE("pbx"), SLICE("a")), 7);
  cr_assert_eq(producers_seq(&p, SLICE("other"), SLICE("a")), 0);
  producers_free(&p);
}

Test(producer, the_oldest_epoch_goes_and_is_told) {
  struct producers p = {0};
  const struct producer_epoch *first = producers_epoch(&p, SLICE("pbx"), SLICE("0"), NULL);
  for (int i = 1; i <= PRODUCER_EPOCHS_MAX; i++) {
    char name[16];
    const struct producer_epoch *gone = NULL;
    snprintf(name, sizeof name, "%d", i);
    producers_epoch(&p, SLICE("pbx"), slice_of(name), &gone);
    cr_assert_eq(gone, i == PRODUCER_EPOCHS_MAX ? first : NULL);
  }
  producers_free(&p);
}

Test(producer, survives_a_snapshot) {
  struct producers p = {0}, loaded = {0};
  producers_epoch(&p, SLICE("pbx"), SLICE("a"), NULL)->seq = 3;
  producers_epoch(&p, SLICE("pbx"), SLICE("b"), NULL)->seq = 4;
  struct writer w = {0};
  producers_save(&p, &w);
  for (size_t cut = 0; cut < w.len; cut++) {
    struct producers half = {0};
    struct reader r = reader_of((struct slice){w.data, cut});
    producers_load(&half, &r);
    cr_expect(r.failed, "cut at %zu", cut);
    producers_free(&half);
  }
  struct reader r = reader_of(writer_slice(&w));
  producers_load(&loaded, &r);
  cr_assert_not(r.failed);
  cr_assert_eq(producers_seq(&loaded, SLICE("pbx"), SLICE("a")), 3);
  cr_assert_eq(producers_seq(&loaded, SLICE("pbx"), SLICE("b")), 4);
  writer_free(&w);
  producers_free(&p);
  producers_free(&loaded);
}
