/* When what waits is tried, what comes of it, and when it is tried again. */
#include <event2/event.h>
#include <stdlib.h>

#include "callpace/base/log.h"
#include "callpace/base/mem.h"
#include "outbox_internal.h"

enum { BACKOFF_FIRST_MS = 1000, BACKOFF_MAX_MS = 5 * MSEC_PER_MIN };

/* One try: a program that runs, or a post that is on its way with some alerts. */
struct run {
  struct run *next, **link; /* among those that have not ended */
  struct hook *hook;
  size_t count;
  struct delivery *batch[CHAT_BATCH_MAX];
};

static msec_t steady_ms(void) {
  return clock_monotonic_us() / 1000;
}

/* ---- again ---- */

static void on_retry(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  delivery_enqueue(arg); /* outbox_deliver, at the end of the tick, starts it */
}

static msec_t backoff_ms(int64_t attempts) {
  msec_t wait = BACKOFF_FIRST_MS;
  for (int64_t i = 1; i < attempts && wait < BACKOFF_MAX_MS; i++)
    wait *= 2;
  return wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS;
}

static void try_later(struct delivery *d, const char *reason, msec_t least_wait_ms) {
  msec_t wait = backoff_ms(d->attempts);
  if (wait < least_wait_ms) wait = least_wait_ms;
  if (!d->retry) d->retry = event_new(d->hook->outbox->engine->base, -1, 0, on_retry, d);
  event_add(d->retry, &(struct timeval){.tv_sec = wait / 1000, .tv_usec = wait % 1000 * 1000});
  log_warning("hook_failed", KV("hook", d->hook->name), KV("alert", d->id),
              KV_INT("attempt", d->attempts), KV("reason", reason), KV_INT("retry_in_ms", wait));
}

static void attempt_failed(struct delivery *d, const char *reason, msec_t least_wait_ms) {
  d->hook->failures++;
  if (!d->hook->config)
    delivery_done(d, outbox_no_longer_configured);
  else if (d->attempts > d->hook->config->retries)
    delivery_done(d, reason);
  else
    try_later(d, reason, least_wait_ms);
}

/* ---- how it ended ---- */

static void end_told(struct run *run, msec_t took_ms) {
  for (size_t i = 0; i < run->count; i++) {
    log_debug("hook_done", KV("hook", run->hook->name), KV("alert", run->batch[i]->id),
              KV_INT("took_ms", took_ms));
    delivery_done(run->batch[i], NULL);
  }
}

static void end_failed(struct run *run, const char *reason, msec_t least_wait_ms) {
  for (size_t i = 0; i < run->count; i++)
    attempt_failed(run->batch[i], reason, least_wait_ms);
}

/* One of several may be what was refused: each is tried by itself. */
static void end_refused(struct run *run, const char *reason) {
  for (size_t i = 0; i < run->count; i++) {
    struct delivery *d = run->batch[i];
    if (run->count == 1 || !run->hook->config) {
      run->hook->failures++;
      delivery_done(d, run->hook->config ? reason : outbox_no_longer_configured);
      continue;
    }
    d->alone = true;
    d->attempts--;
    delivery_enqueue(d);
  }
}

static struct run *run_new(struct hook *hook) {
  struct outbox *outbox = hook->outbox;
  struct run *run = mem_zalloc(sizeof *run);
  *run = (struct run){.next = outbox->runs, .link = &outbox->runs, .hook = hook};
  if (run->next) run->next->link = &run->next;
  return outbox->runs = run;
}

static void run_free(struct run *run) {
  if (run->next) run->next->link = run->link;
  *run->link = run->next;
  free(run);
}

void outbox_free_runs(struct outbox *outbox) {
  while (outbox->runs)
    run_free(outbox->runs);
}

static void run_over(struct run *run) {
  struct hook *hook = run->hook;
  run_free(run);
  if (hook->config) return;
  outbox_give_up_all(hook);
  outbox_forget_hooks(hook->outbox);
}

static void on_job_done(void *context, const struct hook_result *result) {
  struct run *run = context;
  run->hook->running--;
  outbox_job_log_output(run->hook->name, slice_of(run->batch[0]->id), result);
  if (result->how == HOOK_EXITED && result->code == 0) {
    end_told(run, result->took_ms);
  } else {
    struct writer reason = {0};
    outbox_job_put_outcome(&reason, result);
    end_failed(run, writer_text(&reason), 0);
    writer_free(&reason);
  }
  run_over(run);
}

static enum chat_verdict judge_post(const struct config_hook *hook,
                                    const struct webhook_result *result, struct writer *reason,
                                    msec_t *wait_ms) {
  *wait_ms = 0;
  if (result->http_status != 0)
    return chat_judge(hook ? hook->format : CHAT_JSON, result->http_status, result->body,
                      result->retry_after_ms, reason, wait_ms);
  put_text(reason, result->failure);
  return CHAT_AGAIN;
}

static void on_post_done(void *context, const struct webhook_result *result) {
  struct run *run = context;
  struct hook *hook = run->hook;
  struct writer reason = {0};
  msec_t wait_ms;
  hook->running--;
  switch (judge_post(hook->config, result, &reason, &wait_ms)) {
  case CHAT_TAKEN: end_told(run, result->took_ms); break;
  case CHAT_REFUSED: end_refused(run, writer_text(&reason)); break;
  case CHAT_TOO_FAST:
    hook->paused_until_ms = steady_ms() + wait_ms;
    end_failed(run, writer_text(&reason), wait_ms);
    break;
  case CHAT_AGAIN: end_failed(run, writer_text(&reason), wait_ms); break;
  }
  writer_free(&reason);
  run_over(run);
}

/* ---- starting ---- */

static bool is_chat(const struct config_hook *config) {
  return config->webhook && config->format != CHAT_JSON;
}

static void take(struct run *run) {
  struct delivery *d = delivery_dequeue(run->hook);
  d->attempts++;
  run->batch[run->count++] = d;
}

static void start_job(struct hook *hook) {
  struct run *run = run_new(hook);
  struct error error = {0};
  take(run);
  if (outbox_job_run(hook->outbox->runner, hook->config, slice_of(run->batch[0]->json), on_job_done,
                     run, &error) == STATUS_OK) {
    hook->running++;
    return;
  }
  end_failed(run, error.text, 0);
  run_free(run);
}

/* The alerts at the head of the queue that may share a message. */
static size_t offer(const struct hook *hook, struct chat_item items[CHAT_BATCH_MAX]) {
  size_t count = 0, most = is_chat(hook->config) ? CHAT_BATCH_MAX : 1;
  for (const struct delivery *d = hook->ready.first; d && count < most; d = d->next) {
    if (d->alone && count > 0) break;
    items[count++] = (struct chat_item){slice_of(d->json), slice_of(d->ack_url)};
    if (d->alone) break;
  }
  return count;
}

static void start_post(struct hook *hook) {
  struct chat_item items[CHAT_BATCH_MAX];
  struct run *run = run_new(hook);
  struct error error = {0};
  size_t taken = 1;
  enum status status =
      outbox_post_run(hook->outbox->client, hook->config, items, offer(hook, items), &taken,
                      clock_wall_ms(), on_post_done, run, &error);
  while (run->count < taken)
    take(run);
  rate_limit_note(&hook->rate, steady_ms());
  if (status == STATUS_OK) {
    hook->running++;
    return;
  }
  end_failed(run, error.text, 0);
  run_free(run);
}

/* Whether the receiver takes a post now; if not, the hook wakes when it does. */
static bool may_post(struct hook *hook) {
  const struct chat_limits *limits = chat_limits(hook->config->format);
  msec_t now = steady_ms(), wait = rate_limit_wait(&hook->rate, limits->rates, CHAT_RATES, now);
  if (hook->paused_until_ms - now > wait) wait = hook->paused_until_ms - now;
  if (wait <= 0) return true;
  if (!event_pending(hook->wake, EV_TIMEOUT, NULL))
    event_add(hook->wake, &(struct timeval){.tv_sec = wait / 1000, .tv_usec = wait % 1000 * 1000});
  return false;
}

void outbox_start(struct hook *hook) {
  const struct config_hook *config = hook->config;
  int64_t most = is_chat(config) ? 1 : config->concurrency;
  outbox_sift(hook);
  while (hook->ready.first && hook->running < most) {
    if (!config->webhook)
      start_job(hook);
    else if (may_post(hook))
      start_post(hook);
    else
      break;
  }
}
