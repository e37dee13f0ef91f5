#include "callpace/engine/outbox.h"

#include <event2/event.h>
#include <stdlib.h>

#include "callpace/base/log.h"
#include "callpace/base/mem.h"
#include "callpace/base/table.h"
#include "callpace/base/text.h"
#include "callpace/engine/pipeline.h"
#include "outbox_internal.h"

enum { BACKOFF_FIRST_MS = 1000, BACKOFF_MAX_MS = 5 * MSEC_PER_MIN };

static const char no_longer_configured[] = "hook no longer configured";

/* One alert on its way to one hook. */
struct delivery {
  struct delivery *next;  /* in its hook's queue */
  struct delivery *later; /* the next of the same alert, which waits for this one */
  struct delivery *last;  /* of those that wait; only for the first */
  struct hook *hook;
  char *id, *json;
  bool raised;
  int64_t attempts;
  struct event *retry; /* NULL before the first failure */
};

/* A configured hook, or one that was and still runs. */
struct hook {
  struct hook *next;
  struct outbox *outbox;
  char *name;
  const struct config_hook *config; /* NULL: no longer configured */
  struct delivery *ready, **ready_end;
  struct table alerts; /* id -> the first delivery of it that is not done */
  int64_t waiting;     /* deliveries that are not done, those that run included */
  int64_t running;
  uint64_t delivered, failures, given_up; /* failures: runs that went wrong */
};

struct outbox {
  struct engine *engine;
  struct hook_runner *runner;
  struct hook *hooks, **hooks_end;
  uint64_t seen_lsn; /* alerts up to here have their deliveries */
};

/* ---- deliveries ---- */

static void enqueue(struct delivery *d) {
  d->next = NULL;
  *d->hook->ready_end = d;
  d->hook->ready_end = &d->next;
}

static struct delivery *dequeue(struct hook *hook) {
  struct delivery *d = hook->ready;
  hook->ready = d->next;
  if (!hook->ready) hook->ready_end = &hook->ready;
  return d;
}

/* An alert's raising and resolving reach the hook in this order, one at a time,
 * whatever has to be tried again. */
static void delivery_add(struct hook *hook, const struct alert_entry *entry) {
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
    enqueue(d);
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
    enqueue(following);
  }
  hook->waiting--;
  delivery_free(d);
}

static void record_done(struct outbox *outbox, struct slice hook, struct slice id, bool raised,
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

static void delivery_done(struct delivery *d, const char *failure) {
  *(failure ? &d->hook->given_up : &d->hook->delivered) += 1;
  record_done(d->hook->outbox, slice_of(d->hook->name), slice_of(d->id), d->raised, d->attempts,
              failure);
  delivery_leave(d);
}

/* ---- hooks ---- */

static struct hook *find_hook(const struct outbox *outbox, struct slice name) {
  struct hook *hook = outbox->hooks;
  while (hook && !slice_equal(slice_of(hook->name), name))
    hook = hook->next;
  return hook;
}

static struct hook *hook_add(struct outbox *outbox, const char *name) {
  struct hook *hook = mem_zalloc(sizeof *hook);
  hook->outbox = outbox;
  hook->name = mem_strdup(name);
  hook->ready_end = &hook->ready;
  *outbox->hooks_end = hook;
  outbox->hooks_end = &hook->next;
  return hook;
}

static void hook_free(struct hook *hook) {
  size_t position = 0;
  for (struct delivery *d; (d = table_next(&hook->alerts, &position));)
    while (d) {
      struct delivery *later = d->later;
      delivery_free(d);
      d = later;
    }
  table_free(&hook->alerts);
  free(hook->name);
  free(hook);
}

/* Gives up all that does not run now. */
static void give_up_all(struct hook *hook) {
  size_t position = 0;
  for (struct delivery *d; (d = table_next(&hook->alerts, &position));)
    if (d->retry && event_pending(d->retry, EV_TIMEOUT, NULL)) {
      event_del(d->retry);
      enqueue(d);
    }
  while (hook->ready)
    delivery_done(dequeue(hook), no_longer_configured);
}

/* Those that are neither configured nor run any more. */
static void forget_hooks(struct outbox *outbox) {
  struct hook **at = &outbox->hooks;
  while (*at) {
    struct hook *hook = *at;
    if (hook->config || hook->running) {
      at = &hook->next;
      continue;
    }
    *at = hook->next;
    hook_free(hook);
  }
  outbox->hooks_end = at;
}

void outbox_configure(struct outbox *outbox, const struct config *config) {
  for (struct hook *hook = outbox->hooks; hook; hook = hook->next)
    hook->config = NULL;
  for (size_t i = 0; i < config->hook_count; i++) {
    const struct config_hook *given = &config->hooks[i];
    struct hook *hook = find_hook(outbox, slice_of(given->name));
    if (!hook) hook = hook_add(outbox, given->name);
    hook->config = given;
  }
  for (struct hook *hook = outbox->hooks; hook; hook = hook->next)
    if (!hook->config) give_up_all(hook);
  forget_hooks(outbox);
}

static bool is_for(const struct config_hook *hook, struct slice alert_type) {
  for (const char **pattern = hook->on; pattern && *pattern; pattern++)
    if (text_match(*pattern, alert_type)) return true;
  return false;
}

void outbox_put_hooks(const struct outbox *outbox, struct slice alert_type, struct writer *out) {
  for (const struct hook *hook = outbox->hooks; hook; hook = hook->next) {
    if (!hook->config || !is_for(hook->config, alert_type)) continue;
    put_text(out, hook->name);
    put_char(out, ',');
  }
}

/* ---- running ---- */

static void on_retry(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  enqueue(arg); /* outbox_deliver, at the end of the tick, starts it */
}

static msec_t backoff_ms(int64_t attempts) {
  msec_t wait = BACKOFF_FIRST_MS;
  for (int64_t i = 1; i < attempts && wait < BACKOFF_MAX_MS; i++)
    wait *= 2;
  return wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS;
}

static void try_later(struct delivery *d, const char *reason) {
  msec_t wait = backoff_ms(d->attempts);
  if (!d->retry) d->retry = event_new(d->hook->outbox->engine->base, -1, 0, on_retry, d);
  event_add(d->retry, &(struct timeval){.tv_sec = wait / 1000, .tv_usec = wait % 1000 * 1000});
  log_warning("hook_failed", KV("hook", d->hook->name), KV("alert", d->id),
              KV_INT("attempt", d->attempts), KV("reason", reason), KV_INT("retry_in_ms", wait));
}

static void attempt_failed(struct delivery *d, const char *reason) {
  d->hook->failures++;
  if (!d->hook->config)
    delivery_done(d, no_longer_configured);
  else if (d->attempts > d->hook->config->retries)
    delivery_done(d, reason);
  else
    try_later(d, reason);
}

static void on_done(void *context, const struct hook_result *result) {
  struct delivery *d = context;
  struct hook *hook = d->hook;
  hook->running--;
  outbox_job_log_output(hook->name, slice_of(d->id), result);
  if (result->how == HOOK_EXITED && result->code == 0) {
    log_debug("hook_done", KV("hook", hook->name), KV("alert", d->id),
              KV_INT("took_ms", result->took_ms));
    delivery_done(d, NULL);
  } else {
    struct writer reason = {0};
    outbox_job_put_outcome(&reason, result);
    attempt_failed(d, writer_text(&reason));
    writer_free(&reason);
  }
  if (hook->config) return;
  give_up_all(hook);
  forget_hooks(hook->outbox);
}

static void start(struct delivery *d) {
  struct error error = {0};
  d->attempts++;
  if (outbox_job_run(d->hook->outbox->runner, d->hook->config, slice_of(d->json), on_done, d,
                     &error) == STATUS_OK)
    d->hook->running++;
  else
    attempt_failed(d, error.text);
}

/* Makes the deliveries of one alert. */
static void take_entry(struct outbox *outbox, const struct alert_entry *entry) {
  char *names = mem_strdup(entry->hooks); /* giving up changes the entry's own */
  for (char *name = names, *comma; (comma = strchr(name, ',')); name = comma + 1) {
    struct slice text = {name, (size_t)(comma - name)};
    struct hook *hook = find_hook(outbox, text);
    if (hook && hook->config)
      delivery_add(hook, entry);
    else
      record_done(outbox, text, slice_of(entry->id), entry->raised, 0, no_longer_configured);
  }
  free(names);
}

static void take_new(struct outbox *outbox) {
  const struct engine *e = outbox->engine;
  uint64_t durable_lsn = journal_durable_lsn(e->journal);
  const struct alert_entry *entry = alert_log_after(&e->fold.alerts, outbox->seen_lsn);
  for (; entry && entry->lsn <= durable_lsn; entry = entry->newer) {
    outbox->seen_lsn = entry->lsn;
    if (entry->hooks[0]) take_entry(outbox, entry);
  }
}

void outbox_deliver(struct outbox *outbox) {
  take_new(outbox);
  if (outbox->engine->stopping) return; /* what waits is delivered after the next start */
  for (struct hook *hook = outbox->hooks; hook; hook = hook->next)
    while (hook->ready && hook->config && hook->running < hook->config->concurrency)
      start(dequeue(hook));
}

bool outbox_is_idle(const struct outbox *outbox) {
  return hook_running(outbox->runner) == 0;
}

bool outbox_reaped(struct outbox *outbox, pid_t pid, int status) {
  return hook_reaped(outbox->runner, pid, status);
}

void outbox_put_status(const struct outbox *outbox, struct writer *w) {
  json_open(w, '[');
  for (const struct hook *hook = outbox->hooks; hook; hook = hook->next) {
    if (!hook->config) continue;
    json_open(w, '{');
    json_put_text(w, "name", hook->name);
    json_put_int(w, "waiting", hook->waiting);
    json_put_int(w, "running", hook->running);
    json_put_uint(w, "delivered", hook->delivered);
    json_put_uint(w, "failures", hook->failures);
    json_put_uint(w, "given_up", hook->given_up);
    json_close(w, '}');
  }
  json_close(w, ']');
}

struct outbox *outbox_new(struct engine *engine) {
  struct outbox *outbox = mem_zalloc(sizeof *outbox);
  outbox->engine = engine;
  outbox->runner = hook_runner_new(engine->base);
  outbox->hooks_end = &outbox->hooks;
  return outbox;
}

void outbox_free(struct outbox *outbox) {
  if (!outbox) return;
  hook_runner_free(outbox->runner);
  while (outbox->hooks) {
    struct hook *hook = outbox->hooks;
    outbox->hooks = hook->next;
    hook_free(hook);
  }
  free(outbox);
}
