/* What waits for a hook, in order. */
#include <event2/event.h>
#include <stdlib.h>

#include "callpace/base/log.h"
#include "callpace/base/mem.h"
#include "callpace/engine/pipeline.h"
#include "outbox_internal.h"

const char outbox_no_longer_configured[] = "hook no longer configured";

void delivery_enqueue(struct delivery *d) {
  d->next = NULL;
  *d->hook->ready_end = d;
  d->hook->ready_end = &d->next;
}

struct delivery *delivery_dequeue(struct hook *hook) {
  struct delivery *d = hook->ready;
  hook->ready = d->next;
  if (!hook->ready) hook->ready_end = &hook->ready;
  return d;
}

/* An alert's raising and resolving reach the hook in this order, one at a time,
 * whatever has to be tried again. */
void delivery_add(struct hook *hook, const struct alert_entry *entry) {
  struct delivery *d = mem_zalloc(sizeof *d);
  d->hook = hook;
  d->id = mem_strdup(entry->id);
  d->json = mem_strdup(entry->json);
  d->raised = entry->raised;
  d->last = d;
  hook->waiting++;
  struct delivery *first = table_get(&hook->alerts, slice_of(d->id));
  if (first) {
    first->last->later = d;
    first->last = d;
  } else {
    table_put(&hook->alerts, slice_of(d->id), d);
    delivery_enqueue(d);
  }
}

static void delivery_free(struct delivery *d) {
  if (d->retry) event_free(d->retry);
  free(d->id);
  free(d->json);
  free(d);
}

/* Out of the memory; the next of the same alert takes its place. */
static void delivery_leave(struct delivery *d) {
  struct hook *hook = d->hook;
  struct delivery *following = d->later;
  table_remove(&hook->alerts, slice_of(d->id));
  if (following) {
    following->last = d->last;
    table_put(&hook->alerts, slice_of(following->id), following);
    delivery_enqueue(following);
  }
  hook->waiting--;
  delivery_free(d);
}

void outbox_record_done(struct outbox *outbox, struct slice hook, struct slice id, bool raised,
                        int64_t attempts, const char *failure) {
  struct engine *e = outbox->engine;
  pipeline_begin(e);
  struct record record = {.type = RECORD_DELIVERED,
                          .delivered = {.raised = raised,
                                        .success = !failure,
                                        .attempts = attempts,
                                        .at_ms = e->wall_ms,
                                        .id = id,
                                        .hook = hook,
                                        .reason = slice_of(failure)}};
  pipeline_record(e, &record);
  if (failure)
    log_error("hook_gave_up", KV_SLICE("hook", hook), KV_SLICE("alert", id),
              KV("state", raised ? "raised" : "resolved"), KV_INT("attempts", attempts),
              KV("reason", failure));
}

void delivery_done(struct delivery *d, const char *failure) {
  *(failure ? &d->hook->given_up : &d->hook->delivered) += 1;
  outbox_record_done(d->hook->outbox, slice_of(d->hook->name), slice_of(d->id), d->raised,
                     d->attempts, failure);
  delivery_leave(d);
}

/* ---- hooks ---- */

struct hook *outbox_find_hook(const struct outbox *outbox, struct slice name) {
  struct hook *hook = outbox->hooks;
  while (hook && !slice_equal(slice_of(hook->name), name))
    hook = hook->next;
  return hook;
}

static void on_wake(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg; /* outbox_deliver, at the end of the tick, goes on */
}

struct hook *outbox_add_hook(struct outbox *outbox, const char *name) {
  struct hook *hook = mem_zalloc(sizeof *hook);
  hook->outbox = outbox;
  hook->name = mem_strdup(name);
  hook->ready_end = &hook->ready;
  hook->wake = event_new(outbox->engine->base, -1, 0, on_wake, hook);
  *outbox->hooks_end = hook;
  outbox->hooks_end = &hook->next;
  return hook;
}

void outbox_free_hook(struct hook *hook) {
  size_t position = 0;
  for (struct delivery *d; (d = table_next(&hook->alerts, &position));)
    while (d) {
      struct delivery *later = d->later;
      delivery_free(d);
      d = later;
    }
  table_free(&hook->alerts);
  event_free(hook->wake);
  free(hook->name);
  free(hook);
}

void outbox_give_up_all(struct hook *hook) {
  size_t position = 0;
  for (struct delivery *d; (d = table_next(&hook->alerts, &position));)
    if (d->retry && event_pending(d->retry, EV_TIMEOUT, NULL)) {
      event_del(d->retry);
      delivery_enqueue(d);
    }
  while (hook->ready)
    delivery_done(delivery_dequeue(hook), outbox_no_longer_configured);
}

void outbox_forget_hooks(struct outbox *outbox) {
  struct hook **at = &outbox->hooks;
  while (*at) {
    struct hook *hook = *at;
    if (hook->config || hook->running) {
      at = &hook->next;
      continue;
    }
    *at = hook->next;
    outbox_free_hook(hook);
  }
  outbox->hooks_end = at;
}
