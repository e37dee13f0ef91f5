#include "callpace/dialect/event_queue.h"

#include <stdlib.h>

#include "callpace/base/mem.h"

struct queued_event {
  struct call_event event; /* its texts' `data` are unset: they lie in the queue */
  size_t text_at;          /* the texts one behind the other, in the order of texts_of() */
};

enum { TEXTS = 7 };

static void texts_of(struct call_event *event, struct slice *texts[TEXTS]) {
  struct slice *all[TEXTS] = {&event->call,  &event->agent, &event->number, &event->queue,
                              &event->trunk, &event->cause, &event->reason};
  memcpy(texts, all, sizeof all);
}

void event_queue_put(struct event_queue *queue, const struct call_event *event) {
  if (queue->taken == queue->count) {
    queue->taken = queue->count = 0;
    writer_reset(&queue->texts);
  }
  queue->events =
      mem_grow(queue->events, &queue->capacity, queue->count + 1, sizeof queue->events[0]);
  struct queued_event *queued = &queue->events[queue->count++];
  *queued = (struct queued_event){*event, queue->texts.len};
  struct slice *texts[TEXTS];
  texts_of(&queued->event, texts);
  for (size_t i = 0; i < TEXTS; i++)
    put_slice(&queue->texts, *texts[i]);
}

bool event_queue_take(struct event_queue *queue, struct call_event *event) {
  if (queue->taken == queue->count) return false;
  const struct queued_event *queued = &queue->events[queue->taken++];
  *event = queued->event;
  struct slice *texts[TEXTS];
  texts_of(event, texts);
  const char *at = queue->texts.data + queued->text_at;
  for (size_t i = 0; i < TEXTS; i++) {
    texts[i]->data = at;
    at += texts[i]->len;
  }
  return true;
}

void event_queue_free(struct event_queue *queue) {
  free(queue->events);
  writer_free(&queue->texts);
}
