/* Events that one message of a switch gave, until next() hands them out one by
 * one. First in, first out; keeps its memory. */
#ifndef CALLPACE_DIALECT_EVENT_QUEUE_H
#define CALLPACE_DIALECT_EVENT_QUEUE_H

#include "callpace/base/writer.h"
#include "callpace/core/call_event.h"

/* Zero-initialise. */
struct event_queue {
  struct queued_event *events;
  size_t count, taken, capacity;
  struct writer texts;
};

/* Copies the event; of its texts call, agent, number, queue, trunk, cause and
 * reason. */
void event_queue_put(struct event_queue *queue, const struct call_event *event);
/* False when it is empty. The event's texts live until the next put or take. */
bool event_queue_take(struct event_queue *queue, struct call_event *event);
void event_queue_free(struct event_queue *queue);

#endif
