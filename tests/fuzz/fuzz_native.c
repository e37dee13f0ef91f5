/* The line protocol read whole and read in random pieces must give the same
 * items, whatever the bytes are. The first two bytes choose setup and pieces. */
#include <stdio.h>
#include <stdlib.h>

#include "callpace/base/mem.h"
#include "callpace/dialect/dialect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW ((msec_t)1795395600000)

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "fuzz_native: %s does not hold\n", #condition);                              \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

static void put_item(struct writer *w, enum item_kind kind, const struct item *item) {
  put_format(w, "%d %llu %d %llu ", (int)kind, (unsigned long long)item->line_number, item->has_seq,
             (unsigned long long)item->seq);
  if (kind == ITEM_REFUSED) {
    put_format(w, "%s %s ", item->code, item->message);
    put_blob(w, item->line);
  } else if (kind == ITEM_HELLO) {
    put_blob(w, item->producer);
    put_blob(w, item->epoch);
    put_blob(w, item->token);
  } else {
    const struct call_event *e = &item->event;
    const struct slice *texts[] = {&e->call,  &e->agent,  &e->number, &e->lead,
                                   &e->queue, &e->trunk,  &e->cause,  &e->reason,
                                   &e->week,  &e->member, &e->by,     &e->id};
    CHECK(e->type > EVENT_NONE && e->type < EVENT_TYPES);
    put_format(w, "%d %d %d %d %d %lld %lld %lld %lld %lld ", e->type, e->dir, e->outcome, e->state,
               e->start_is_answer, (long long)e->ts_ms, (long long)e->talk_ms,
               (long long)e->from_ms, (long long)e->to_ms, (long long)e->points);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
      put_blob(w, *texts[i]);
  }
}

/* Pieces of `step` bytes (0 = all at once), from memory of exactly their size,
 * as a session's buffer would grow and be drained. */
static void read_in_pieces(const struct dialect_setup *setup, struct slice bytes, size_t step,
                           struct writer *w) {
  void *self = dialect_native.open(setup);
  dialect_native.greet(self, NOW, NULL);
  size_t start = 0, arrived = 0;
  do {
    size_t left = bytes.len - arrived;
    arrived += step && step < left ? step : left;
    bool end = arrived == bytes.len;
    char *copy = mem_alloc(arrived - start + 1);
    memcpy(copy, bytes.data + start, arrived - start);
    struct slice unread = {copy, arrived - start};
    struct item item;
    enum item_kind kind;
    while ((kind = dialect_native.next(self, &unread, end, NOW, &item, NULL)) != ITEM_MORE)
      put_item(w, kind, &item);
    CHECK(unread.len <= dialect_native.unread_max);
    CHECK(!end || unread.len == 0);
    start = arrived - unread.len;
    free(copy);
  } while (arrived < bytes.len);
  dialect_native.close(self);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  struct dialect_setup setup = {.start_means_answer = data[0] & 1, .events_clock = data[0] & 2};
  struct slice bytes = {(const char *)data + 2, size - 2};
  size_t step = data[1] % 64 ? data[1] % 64 : 4097;
  struct writer whole = {0}, pieces = {0};
  read_in_pieces(&setup, bytes, 0, &whole);
  read_in_pieces(&setup, bytes, step, &pieces);
  CHECK(slice_equal(writer_slice(&whole), writer_slice(&pieces)));
  writer_free(&whole);
  writer_free(&pieces);
  return 0;
}
