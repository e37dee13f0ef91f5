#include "callpace/engine/outbox.h"

#include <stdlib.h>

#include "callpace/base/mem.h"
#include "callpace/base/text.h"
#include "outbox_internal.h"

void outbox_configure(struct outbox *outbox, const struct config *config) {
  for (struct hook *hook = outbox->hooks; hook; hook = hook->next)
    hook->config = NULL;
  for (size_t i = 0; i < config->hook_count; i++) {
    const struct config_hook *given = &config->hooks[i];
    struct hook *hook = outbox_find_hook(outbox, slice_of(given->name));
    if (!hook) hook = outbox_add_hook(outbox, given->name);
    hook->config = given;
  }
  for (struct hook *hook = outbox->hooks; hook; hook = hook->next)
    if (!hook->config) outbox_give_up_all(hook);
  outbox_forget_hooks(outbox);
}

static bool is_for_team(const struct config_hook *hook, struct slice team) {
  for (const char **id = hook->teams; id && *id; id++)
    if (slice_equal(slice_of(*id), team)) return true;
  return !hook->teams;
}

static bool is_for_type(const struct config_hook *hook, struct slice type) {
  for (const char **pattern = hook->on; pattern && *pattern; pattern++)
    if (text_match(*pattern, type)) return true;
  return false;
}

static bool is_for(const struct config_hook *hook, const struct alert *alert) {
  return alert_severity_of(alert->type) >= hook->severity && is_for_team(hook, alert->team) &&
         is_for_type(hook, slice_of(alert_type_name(alert->type)));
}

/* Whether it comes in a digest: beyond the lead's budget, or after what does. */
static bool is_for_digest(const struct hook *hook, const struct alert *alert, struct slice id) {
  const struct fold *fold = &hook->outbox->engine->fold;
  struct slice name = slice_of(hook->name);
  if (hook->config->budget.count == 0 || alert->team_lead.len == 0) return false;
  return alert_log_digests(&fold->alerts, id, name) ||
         !alert_budget_allows(&fold->budget, name, alert->team_lead, hook->config->budget,
                              fold->now_ms);
}

/* Who was told of it because others had not acknowledged hears of its end too. */
static bool was_escalated(const struct hook *hook, const struct alert *alert, struct slice id) {
  const struct alert_case *c = alert_book_find(&hook->outbox->engine->fold.book, id);
  const struct alert_told *told = c ? alert_case_told(c, slice_of(hook->name)) : NULL;
  return alert->state == ALERT_RESOLVED && told && told->escalated;
}

void outbox_put_hooks(const struct outbox *outbox, const struct alert *alert, struct slice id,
                      struct writer *out) {
  for (const struct hook *hook = outbox->hooks; hook; hook = hook->next) {
    if (!hook->config) continue;
    bool is_told = is_for(hook->config, alert);
    if (!is_told && !was_escalated(hook, alert, id)) continue;
    if (is_told && is_for_digest(hook, alert, id)) put_char(out, '~');
    put_text(out, hook->name);
    put_char(out, ',');
  }
}

/* ---- new alerts ---- */

/* Makes the deliveries of one alert. */
static void take_entry(struct outbox *outbox, const struct alert_entry *entry) {
  char *names = mem_strdup(entry->hooks); /* giving up changes the entry's own */
  for (char *name = names, *comma; (comma = strchr(name, ',')); name = comma + 1) {
    struct slice text = {name, (size_t)(comma - name)};
    bool marked = *name == '^' || *name == '~';
    struct hook *hook =
        outbox_find_hook(outbox, (struct slice){text.data + marked, text.len - marked});
    if (hook && hook->config && *name != '~') /* what waits for a digest comes in it */
      delivery_add(hook, entry, *name == '^');
    else if (!hook || !hook->config)
      outbox_record_done(outbox, text, slice_of(entry->id), entry->raised, 0,
                         outbox_no_longer_configured);
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
    if (hook->config) outbox_start(hook);
}

bool outbox_is_idle(const struct outbox *outbox) {
  return hook_running(outbox->runner) == 0 && webhook_running(outbox->client) == 0;
}

bool outbox_reaped(struct outbox *outbox, pid_t pid, int status) {
  return hook_reaped(outbox->runner, pid, status);
}

static int64_t held(const struct hook *hook) {
  int64_t count = 0;
  for (const struct delivery *d = hook->held.first; d; d = d->next)
    count++;
  return count;
}

void outbox_put_status(const struct outbox *outbox, struct writer *w) {
  json_open(w, '[');
  for (const struct hook *hook = outbox->hooks; hook; hook = hook->next) {
    if (!hook->config) continue;
    json_open(w, '{');
    json_put_text(w, "name", hook->name);
    json_put_int(w, "waiting", hook->waiting);
    json_put_int(w, "held", held(hook));
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
  outbox->client = webhook_client_new(engine->base);
  outbox->hooks_end = &outbox->hooks;
  return outbox;
}

void outbox_free(struct outbox *outbox) {
  if (!outbox) return;
  hook_runner_free(outbox->runner);
  webhook_client_free(outbox->client);
  outbox_free_runs(outbox);
  while (outbox->hooks) {
    struct hook *hook = outbox->hooks;
    outbox->hooks = hook->next;
    outbox_free_hook(hook);
  }
  free(outbox);
}
