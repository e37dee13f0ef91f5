/* What the parts of the outbox share: what waits (outbox_queue), when it is tried
 * (outbox_run), what is run or posted (outbox_job, outbox_post). */
#ifndef CALLPACE_ENGINE_OUTBOX_INTERNAL_H
#define CALLPACE_ENGINE_OUTBOX_INTERNAL_H

#include "callpace/base/table.h"
#include "callpace/core/chat.h"
#include "callpace/core/rate_limit.h"
#include "callpace/engine/outbox.h"
#include "callpace/io/config.h"
#include "callpace/io/hook.h"
#include "callpace/io/webhook.h"

struct event;

/* One alert on its way to one hook. */
struct delivery {
  struct delivery *next;  /* in a queue of its hook */
  struct delivery *later; /* the next of the same alert, which waits for this one */
  struct delivery *last;  /* of those that wait; only for the first */
  struct hook *hook;
  char *id, *json;
  char *ack_url; /* NULL: none */
  bool raised, escalated;
  enum alert_type type;
  msec_t hold_until_ms; /* by the clock of the alert */
  bool alone;           /* a message with others was refused: it goes by itself */
  int64_t attempts;
  struct event *retry; /* NULL before the first failure */
};

struct queue {
  struct delivery *first, **end;
};

/* A configured hook, or one that was and still runs. */
struct hook {
  struct hook *next;
  struct outbox *outbox;
  char *name;
  const struct config_hook *config; /* NULL: no longer configured */
  struct queue ready;
  struct queue held;      /* quiet hours, hold-down: looked at again every second */
  int64_t sifted_s;       /* when that was done last: moves with either clock */
  struct table alerts;    /* id -> the first delivery of it that is not done */
  int64_t waiting;        /* deliveries that are not done, those that run included */
  int64_t running;        /* runs, or posts on their way */
  struct rate_limit rate; /* posts, by the monotonic clock */
  msec_t paused_until_ms; /* by the monotonic clock: the receiver asked for it */
  struct event *wake;     /* when it may go on */
  uint64_t delivered, failures, given_up; /* failures: runs that went wrong */
};

struct outbox {
  struct engine *engine;
  struct hook_runner *runner;
  struct webhook_client *client;
  struct hook *hooks, **hooks_end;
  struct run *runs;  /* that have not ended */
  uint64_t seen_lsn; /* alerts up to here have their deliveries */
};

/* ---- outbox_queue ---- */

extern const char outbox_no_longer_configured[];

struct hook *outbox_find_hook(const struct outbox *outbox, struct slice name);
struct hook *outbox_add_hook(struct outbox *outbox, const char *name);
void outbox_free_hook(struct hook *hook);

/* `escalated`: told to it because others had not acknowledged. */
void delivery_add(struct hook *hook, const struct alert_entry *entry, bool escalated);
void delivery_enqueue(struct delivery *d);
struct delivery *delivery_dequeue(struct hook *hook);
/* Looks again which of those that wait may go, once a second. */
void outbox_sift(struct hook *hook);
/* On the record: done, or given up for a reason. */
void delivery_done(struct delivery *d, const char *failure);
/* The same for one that has no delivery. */
void outbox_record_done(struct outbox *outbox, struct slice hook, struct slice id, bool raised,
                        int64_t attempts, const char *failure);
/* Gives up all that does not run now. */
void outbox_give_up_all(struct hook *hook);
/* Drops hooks that are neither configured nor run any more. */
void outbox_forget_hooks(struct outbox *outbox);

/* ---- outbox_run ---- */

/* Starts what is ready of a configured hook and may run now. */
void outbox_start(struct hook *hook);
/* Forgets what was broken off. */
void outbox_free_runs(struct outbox *outbox);

/* ---- outbox_job, outbox_post ---- */

/* Runs the hook's program for an alert: argv with its placeholders filled, the
 * alert's own variables, the JSON on standard input. As hook_run. */
enum status outbox_job_run(struct hook_runner *runner, const struct config_hook *hook,
                           struct slice json, hook_done_fn done, void *context,
                           struct error *error);

/* "exit status 3", "signal 9 (Killed)", "timed out after 10000 ms". */
void outbox_job_put_outcome(struct writer *out, const struct hook_result *result);

/* What the hook printed into the log, in pieces that a log line can hold. */
void outbox_job_log_output(const char *hook, struct slice alert_id,
                           const struct hook_result *result);

/* Posts the first of these alerts, as many as make one message, and tells how many.
 * `now_ms`: the wall clock. As webhook_post. */
enum status outbox_post_run(struct webhook_client *client, const struct config_hook *hook,
                            const struct chat_item *items, size_t count, size_t *taken,
                            msec_t now_ms, webhook_done_fn done, void *context,
                            struct error *error);

#endif
