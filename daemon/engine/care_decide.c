/* What is to be told again, and what together. Everything here looks at the fold and
 * the configuration only, so a decision lost in a crash is made again. */
#include <stdlib.h>

#include "callpace/base/json_strings.h"
#include "callpace/base/mem.h"
#include "callpace/core/alert_digest.h"
#include "callpace/engine/care.h"
#include "callpace/engine/pipeline.h"

/* What has not been escalated by then was let lie, as when a daemon was down. */
#define ESCALATE_WITHIN_MS MSEC_PER_DAY
/* Cases older than this are not looked at. */
#define LOOK_BACK_MS (3 * MSEC_PER_DAY)

static void record_notice(struct engine *e, struct slice id, struct slice json,
                          struct slice hooks) {
  struct record record = {
      .type = RECORD_ALERT,
      .alert = {.raised = true, .at_ms = e->now_ms, .id = id, .json = json, .hooks = hooks}};
  pipeline_record(e, &record);
}

/* ---- escalation ---- */

static bool is_due(const struct engine *e, const struct alert_case *c,
                   const struct config_hook *hook) {
  if (c->acked_ms != MSEC_NONE || c->resolved_ms != MSEC_NONE) return false;
  if (alert_severity_of(c->type) < ALERT_WARNING) return false;
  const struct alert_told *told = alert_case_told(c, slice_of(hook->name));
  if (!told || told->told_ms == MSEC_NONE) return false;
  const struct alert_told *boss = alert_case_told(c, slice_of(hook->escalate_to));
  if (boss && boss->escalated) return false;
  msec_t waited = e->now_ms - told->told_ms - hook->escalate_after_ms;
  return waited >= 0 && waited < ESCALATE_WITHIN_MS;
}

/* The alert as it was, with who left it and for how long. */
static void escalate(struct engine *e, const struct alert_case *c, const struct config_hook *hook) {
  const struct alert_entry *entry = alert_log_raised(&e->fold.alerts, slice_of(c->id));
  if (!entry) return;
  const struct alert_told *told = alert_case_told(c, slice_of(hook->name));
  struct writer json = {0}, hooks = {0};
  struct slice open = slice_of(entry->json);
  json_raw(&json, (struct slice){open.data, open.len - 1});
  json_put_text(&json, "escalated_from", hook->name);
  json_put_int(&json, "unacknowledged_ms", e->now_ms - told->told_ms);
  json_close(&json, '}');
  put_format(&hooks, "^%s,", hook->escalate_to);
  record_notice(e, slice_of(entry->id), writer_slice(&json), writer_slice(&hooks));
  writer_free(&json);
  writer_free(&hooks);
}

static void escalate_all(struct engine *e, const struct config_hook *hook) {
  const struct alert_case *c = e->fold.book.newest;
  while (c && c->older && c->raised_ms >= e->now_ms - LOOK_BACK_MS)
    c = c->older;
  for (; c; c = c->newer)
    if (is_due(e, c, hook)) escalate(e, c, hook);
}

/* ---- digests ---- */

struct gathering {
  struct engine *e;
  const struct config_hook *hook;
  struct digest digest;
  size_t capacity;
};

static bool waits_for(const struct alert_entry *entry, const char *hook) {
  if (!strchr(entry->hooks, '~')) return false;
  struct writer mark = {0};
  put_format(&mark, "~%s", hook);
  bool waits = alert_entry_waits(entry, writer_slice(&mark));
  writer_free(&mark);
  return waits;
}

static void note_agent(void *context, struct slice key, struct slice value) {
  if (slice_equal(key, SLICE("agent"))) put_slice(context, value);
}

/* How the day of the alert's agent stands now; false when nothing is known of it. */
static bool agent_stands(struct engine *e, const struct alert_entry *entry, struct verdict *verdict,
                         msec_t *slack_ms) {
  struct writer id = {0};
  json_each_string(slice_of(entry->json), note_agent, &id);
  const struct centre_agent *agent =
      id.len ? centre_find_agent(e->fold.centre, writer_slice(&id)) : NULL;
  struct day_tally *tally = agent ? centre_find_day(agent, centre_today(e->fold.centre)) : NULL;
  struct pace_facts facts;
  bool known = tally && fold_verdict(&e->fold, tally, &facts, verdict);
  if (known) *slack_ms = pace_slack_ms(&tally->pace, &facts);
  writer_free(&id);
  return known;
}

static void weigh(struct engine *e, struct digest_item *item) {
  enum alert_type type = alert_id_type(slice_of(item->entry->id));
  struct verdict verdict = {.state = PACE_NONE};
  item->chance = DIGEST_INFO;
  item->slack_ms = MSEC_MAX;
  if (!item->entry->raised || type == ALERT_NONE) return;
  if (alert_severity_of(type) == ALERT_INFO) return;
  if (type == ALERT_CONTACT_AT_RISK) item->chance = DIGEST_RECOVERABLE;
  if (type == ALERT_DAY_MISSED) item->chance = DIGEST_LOST;
  if (type != ALERT_DAY_BEHIND && type != ALERT_DAY_UNREACHABLE) return;
  item->chance = DIGEST_RECOVERABLE;
  if (!agent_stands(e, item->entry, &verdict, &item->slack_ms)) return;
  if (verdict.state == PACE_MISSED || item->slack_ms < 0) item->chance = DIGEST_LOST;
  if (verdict.state == PACE_MET) item->chance = DIGEST_INFO;
}

/* The newest of an alert stands for it; of one that is over nothing has to be said
 * but that. */
static void gather(struct gathering *g, const struct alert_entry *entry) {
  struct digest *digest = &g->digest;
  for (size_t i = 0; i < digest->count; i++)
    if (strcmp(digest->items[i].entry->id, entry->id) == 0) {
      digest->items[i].entry = entry;
      return;
    }
  digest->items = mem_grow(digest->items, &g->capacity, digest->count + 1, sizeof *digest->items);
  digest->items[digest->count++].entry = entry;
}

static void record_digest(struct gathering *g) {
  struct engine *e = g->e;
  struct digest *digest = &g->digest;
  struct writer id = {0}, json = {0}, hooks = {0};
  for (size_t i = 0; i < digest->count; i++)
    weigh(e, &digest->items[i]);
  digest_rank(digest);
  digest_put_id(&id, digest);
  digest_put_json(&json, digest);
  put_format(&hooks, "%s,", g->hook->name);
  record_notice(e, writer_slice(&id), writer_slice(&json), writer_slice(&hooks));
  writer_free(&id);
  writer_free(&json);
  writer_free(&hooks);
}

/* The digest that begins with this entry, the oldest that waits for it. */
static void digest_from(struct engine *e, const struct config_hook *hook,
                        const struct alert_entry *first) {
  struct writer lead = {0}; /* the entry may go when the digest is folded in */
  put_text(&lead, first->lead);
  struct gathering g = {.e = e,
                        .hook = hook,
                        .digest = {.hook = slice_of(hook->name),
                                   .lead = writer_slice(&lead),
                                   .at_ms = e->now_ms,
                                   .period = centre_today(e->fold.centre)}};
  for (const struct alert_entry *entry = first; entry; entry = entry->newer)
    if (strcmp(entry->lead, first->lead) == 0 && waits_for(entry, hook->name)) gather(&g, entry);
  record_digest(&g);
  free(g.digest.items);
  writer_free(&lead);
}

/* The oldest alert whose digest by this hook is due. */
static const struct alert_entry *find_due(const struct engine *e, const struct config_hook *hook) {
  const struct alert_entry *entry = e->fold.alerts.oldest;
  for (; entry; entry = entry->newer)
    if (e->now_ms >= entry->at_ms + hook->budget.per_ms && waits_for(entry, hook->name))
      return entry;
  return NULL;
}

static void digest_all(struct engine *e, const struct config_hook *hook) {
  const struct alert_entry *due;
  while (e->fold.alerts.for_digests > 0 && (due = find_due(e, hook)))
    digest_from(e, hook, due);
}

void care_run(struct engine *e) {
  if (e->now_ms <= 0 || e->now_ms / MSEC_PER_SEC == e->cared_ms / MSEC_PER_SEC) return;
  e->cared_ms = e->now_ms;
  for (size_t i = 0; i < e->config->hook_count; i++) {
    const struct config_hook *hook = &e->config->hooks[i];
    if (hook->escalate_to) escalate_all(e, hook);
    digest_all(e, hook);
  }
}
