#include "callpace/core/producer.h"

#include <stdlib.h>

#include "callpace/base/mem.h"

static void epoch_free(struct producer_epoch *epoch) {
  free(epoch->name);
  free(epoch);
}

static void producer_free(struct producer *producer) {
  while (producer->epochs) {
    struct producer_epoch *epoch = producer->epochs;
    producer->epochs = epoch->older;
    epoch_free(epoch);
  }
  free(producer->name);
  free(producer);
}

void producers_free(struct producers *producers) {
  size_t position = 0;
  for (struct producer *p; (p = table_next(&producers->by_name, &position));)
    producer_free(p);
  table_free(&producers->by_name);
}

static struct producer *producer_of(struct producers *producers, struct slice name) {
  struct producer *p = table_get(&producers->by_name, name);
  if (p) return p;
  p = mem_zalloc(sizeof *p);
  p->name = mem_slice_dup(name);
  table_put(&producers->by_name, slice_of(p->name), p);
  return p;
}

static const struct producer_epoch *drop_oldest(struct producer *p) {
  unsigned count = 0;
  for (struct producer_epoch **at = &p->epochs; *at; at = &(*at)->older) {
    if (++count <= PRODUCER_EPOCHS_MAX) continue;
    const struct producer_epoch *gone = *at;
    epoch_free(*at);
    *at = NULL;
    return gone;
  }
  return NULL;
}

struct producer_epoch *producers_epoch(struct producers *producers, struct slice producer,
                                       struct slice epoch, const struct producer_epoch **gone) {
  struct producer *p = producer_of(producers, producer);
  struct producer_epoch **at = &p->epochs;
  while (*at && !slice_equal(slice_of((*at)->name), epoch))
    at = &(*at)->older;
  struct producer_epoch *found = *at;
  if (found) {
    *at = found->older;
  } else {
    found = mem_zalloc(sizeof *found);
    *found =
        (struct producer_epoch){.producer = p, .name = mem_slice_dup(epoch), .last_ms = MSEC_NONE};
    if (p->epochs) found->last_ms = p->epochs->last_ms;
  }
  found->older = p->epochs;
  p->epochs = found;
  const struct producer_epoch *dropped = drop_oldest(p);
  if (gone) *gone = dropped;
  return found;
}

uint64_t producers_seq(const struct producers *producers, struct slice producer,
                       struct slice epoch) {
  const struct producer *p = table_get(&producers->by_name, producer);
  for (const struct producer_epoch *e = p ? p->epochs : NULL; e; e = e->older)
    if (slice_equal(slice_of(e->name), epoch)) return e->seq;
  return 0;
}

/* Oldest first, so that loading through producers_epoch gives the same order. */
static void save_epochs(const struct producer_epoch *epoch, struct writer *w) {
  if (!epoch) return;
  save_epochs(epoch->older, w);
  put_u8(w, 1);
  put_blob(w, slice_of(epoch->name));
  put_varint(w, epoch->seq);
  put_u64(w, (uint64_t)epoch->last_ms);
}

void producers_save(const struct producers *producers, struct writer *w) {
  put_varint(w, producers->by_name.count);
  size_t position = 0;
  for (const struct producer *p; (p = table_next(&producers->by_name, &position));) {
    put_blob(w, slice_of(p->name));
    save_epochs(p->epochs, w);
    put_u8(w, 0);
  }
}

void producers_load(struct producers *producers, struct reader *r) {
  uint64_t count = get_varint(r);
  for (; count > 0 && !r->failed; count--) {
    struct slice name = get_blob(r);
    while (get_u8(r) == 1 && !r->failed) {
      struct slice epoch_name = get_blob(r);
      struct producer_epoch *epoch = producers_epoch(producers, name, epoch_name, NULL);
      epoch->seq = get_varint(r);
      epoch->last_ms = (msec_t)get_u64(r);
    }
  }
}
