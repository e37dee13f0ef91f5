/* What waits for a hook, in order. */
#include <event2/event.h>
#include <stdlib.h>

#include "callpace/base/log.h"
#include "callpace/base/mem.h"
#include "callpace/engine/pipeline.h"
#include "outbox_internal.h"

/* A link that is longer would leave no room for the alert. */
enum { ACK_URL_MAX = 400 };
#define ACK_LINK_LIFE_MS (2 * MSEC_PER_DAY)

const char outbox_no_longer_configured[] = "hook no longer configured";

/* ---- queues ---- */

static void append(struct queue *queue, struct delivery *d) {
  d->next = NULL;
  *queue->end = d;
  queue->end = &d->next;
}

static struct delivery *take_first(struct queue *queue) {
  struct delivery *d = queue->first;
  queue->first = d->next;
  if (!queue->first) queue->end = &queue->first;
  return d;
}

/* Of an alert about the daemon's own surroundings, `at_ms` is always the wall clock. */
static msec_t clock_of(const struct engine *e, enum alert_type type) {
  bool outage =
      type == ALERT_SOURCE_DOWN || type == ALERT_REDIS_DOWN || type == ALERT_JOURNAL_STALLED;
  return outage ? e->wall_ms : e->now_ms;
}

static bool must_wait(const struct delivery *d) {
  const struct config_hook *config = d->hook->config;
  const struct engine *e = d->hook->outbox->engine;
  if (!config) return false;
  if (d->hold_until_ms > clock_of(e, d->type)) return true;
  if (!quiet_is_given(&config->quiet) || e->now_ms <= 0) return false;
  if (d->type != ALERT_NONE && (int64_t)alert_severity_of(d->type) >= config->quiet_passes)
    return false;
  return quiet_at(&config->quiet, &e->settings->policy->calendar, e->now_ms);
}

void delivery_enqueue(struct delivery *d) {
  append(must_wait(d) ? &d->hook->held : &d->hook->ready, d);
}

struct delivery *delivery_dequeue(struct hook *hook) {
  return take_first(&hook->ready);
}

void outbox_sift(struct hook *hook) {
  const struct engine *e = hook->outbox->engine;
  int64_t second = e->now_ms / MSEC_PER_SEC + e->wall_ms / MSEC_PER_SEC;
  if (second == hook->sifted_s) return;
  hook->sifted_s = second;
  struct queue all = hook->held;
  if (!all.first) all.end = &all.first;
  *all.end = hook->ready.first;
  hook->held = (struct queue){NULL, &hook->held.first};
  hook->ready = (struct queue){NULL, &hook->ready.first};
  for (struct delivery *next, *d = all.first; d; d = next) {
    next = d->next;
    delivery_enqueue(d);
  }
}

/* ---- deliveries ---- */

static msec_t hold_of(const struct hook *hook, const struct delivery *d, msec_t at_ms) {
  if (!hook->config || !d->raised || d->type == ALERT_NONE || !alert_type_lasts(d->type))
    return MSEC_NONE;
  return at_ms + hook->config->hold_down_ms;
}

/* A link for what somebody has to see to; NULL: none. */
static char *ack_url_of(const struct delivery *d) {
  const struct engine *e = d->hook->outbox->engine;
  if (!d->raised || d->type == ALERT_NONE || alert_severity_of(d->type) < ALERT_WARNING)
    return NULL;
  if (!e->config->public_url || !d->hook->config || !d->hook->config->webhook) return NULL;
  struct ack_link link = {.id = slice_of(d->id),
                          .by = slice_of(d->hook->name),
                          .until_s = (e->wall_ms + ACK_LINK_LIFE_MS) / MSEC_PER_SEC};
  struct writer url = {0};
  ack_link_put(&url, slice_of(e->config->public_url),
               (struct slice){(const char *)e->ack_key, sizeof e->ack_key}, &link);
  char *text = url.len <= ACK_URL_MAX ? mem_slice_dup(writer_slice(&url)) : NULL;
  writer_free(&url);
  return text;
}

/* Out of a queue, if it is there. */
static void unlink_from(struct queue *queue, const struct delivery *d) {
  struct delivery **at = &queue->first;
  while (*at && *at != d)
    at = &(*at)->next;
  if (!*at) return;
  *at = d->next;
  if (!*at) queue->end = at;
}

/* A condition that resolved before it was told to have begun. */
static bool passed_unseen(struct hook *hook, struct delivery *first,
                          const struct alert_entry *resolved) {
  if (resolved->raised || first->last != first || !first->raised || first->attempts > 0)
    return false;
  if (first->hold_until_ms <= resolved->at_ms || first->escalated) return false;
  unlink_from(&hook->held, first);
  unlink_from(&hook->ready, first);
  outbox_record_done(hook->outbox, slice_of(hook->name), slice_of(resolved->id), false, 0, NULL);
  delivery_done(first, NULL);
  return true;
}

/* An alert's raising and resolving reach the hook in this order, one at a time,
 * whatever has to be tried again. */
void delivery_add(struct hook *hook, const struct alert_entry *entry, bool escalated) {
  struct delivery *first = table_get(&hook->alerts, slice_of(entry->id));
  if (first && passed_unseen(hook, first, entry)) return;
  struct delivery *d = mem_zalloc(sizeof *d);
  *d = (struct delivery){.hook = hook,
                         .id = mem_strdup(entry->id),
                         .json = mem_strdup(entry->json),
                         .raised = entry->raised,
                         .escalated = escalated,
                         .type = alert_id_type(slice_of(entry->id)),
                         .last = d};
  d->hold_until_ms = hold_of(hook, d, entry->at_ms);
  d->ack_url = ack_url_of(d);
  hook->waiting++;
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
  free(d->ack_url);
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
  struct writer name = {0};
  if (d->escalated) put_char(&name, '^');
  put_text(&name, d->hook->name);
  outbox_record_done(d->hook->outbox, writer_slice(&name), slice_of(d->id), d->raised, d->attempts,
                     failure);
  writer_free(&name);
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
  hook->ready.end = &hook->ready.first;
  hook->held.end = &hook->held.first;
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
  while (hook->held.first)
    append(&hook->ready, take_first(&hook->held));
  while (hook->ready.first)
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
