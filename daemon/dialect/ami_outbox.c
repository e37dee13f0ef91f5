/* Events that one message of the switch gave, until they are taken. */
#include <stdlib.h>

#include "ami_internal.h"

struct ami_pending {
  struct call_event event; /* its texts' `data` are unset: they lie in the outbox */
  size_t text_at;          /* the texts one behind the other, in the order of texts_of() */
};

enum { TEXTS = 7 };

static void texts_of(struct call_event *event, struct slice *texts[TEXTS]) {
  struct slice *all[TEXTS] = {&event->call,  &event->agent, &event->number, &event->queue,
                              &event->trunk, &event->cause, &event->reason};
  memcpy(texts, all, sizeof all);
}

void ami_outbox_put(struct ami_outbox *outbox, const struct call_event *event) {
  if (outbox->taken == outbox->count) {
    outbox->taken = outbox->count = 0;
    writer_reset(&outbox->texts);
  }
  outbox->events =
      mem_grow(outbox->events, &outbox->capacity, outbox->count + 1, sizeof outbox->events[0]);
  struct ami_pending *pending = &outbox->events[outbox->count++];
  *pending = (struct ami_pending){*event, outbox->texts.len};
  struct slice *texts[TEXTS];
  texts_of(&pending->event, texts);
  for (size_t i = 0; i < TEXTS; i++)
    put_slice(&outbox->texts, *texts[i]);
}

bool ami_outbox_take(struct ami_outbox *outbox, struct call_event *event) {
  if (outbox->taken == outbox->count) return false;
  const struct ami_pending *pending = &outbox->events[outbox->taken++];
  *event = pending->event;
  struct slice *texts[TEXTS];
  texts_of(event, texts);
  const char *at = outbox->texts.data + pending->text_at;
  for (size_t i = 0; i < TEXTS; i++) {
    texts[i]->data = at;
    at += texts[i]->len;
  }
  return true;
}

void ami_outbox_free(struct ami_outbox *outbox) {
  free(outbox->events);
  writer_free(&outbox->texts);
}
