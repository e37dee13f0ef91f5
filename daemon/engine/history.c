#include "callpace/engine/history.h"

#include <stdlib.h>

#include "callpace/io/config.h"
#include "callpace/io/journal.h"

/* Reading begins some days before the first one: by then the calls that were up are
 * known, and repeats of older ones are told from new ones. Late events and calls over
 * midnight come behind the last. LIVE_MS: a journal whose last record is younger
 * belongs to a running daemon, which lets time pass. */
#define LEAD_MS  (4 * MSEC_PER_DAY)
#define TRAIL_MS (3 * MSEC_PER_DAY)
enum { KEEP_DAYS = 4000, KEEP_MONTHS = 140, LIVE_MS = 60 * MSEC_PER_SEC };

struct reading {
  const struct history_options *options;
  const struct history_visitor *visitor;
  struct history *history;
  uint64_t begin_lsn;  /* from here on every record counts */
  msec_t before_ms;    /* clock of the record before it */
  msec_t trail_ms;     /* behind this moment only what may still concern the days */
  msec_t last_ms;      /* clock of the last record */
  struct error *error; /* set when `failed` */
  bool failed;
};

/* --- the rules --- */

static struct settings *settings_of(const struct record *record, struct error *error) {
  struct settings *settings = NULL;
  settings_from_text(record->settings.policy, "policy in the journal", record->settings.roster,
                     "roster in the journal", &settings, error);
  return settings;
}

struct search {
  bool first_only;     /* else the last one, */
  uint64_t before_lsn; /* before this record; 0: the journal's end */
  struct settings *found;
  msec_t last_ms;
  struct error *error;
};

static bool on_search(void *context, uint64_t lsn, const struct record *record) {
  struct search *search = context;
  if (lsn == 0) return true;
  if (search->before_lsn && lsn >= search->before_lsn) return false;
  search->last_ms = record->now_ms;
  if (record->type != RECORD_SETTINGS) return true;
  settings_free(search->found);
  search->found = settings_of(record, search->error);
  return search->found && !search->first_only;
}

static enum status search_from(struct search *search, const char *state_dir, uint64_t from_lsn) {
  enum status status = journal_replay(state_dir, from_lsn, on_search, search, search->error);
  return search->error->status ? search->error->status : status;
}

/* The rules in force where reading begins. Every segment names them near its begin,
 * unless an older version wrote it. */
static enum status find_settings(struct reading *r) {
  const char *dir = r->options->state_dir;
  struct search search = {.first_only = true, .error = r->error};
  enum status status = search_from(&search, dir, r->begin_lsn);
  if (status == STATUS_OK && !search.found) {
    search = (struct search){.before_lsn = r->begin_lsn, .error = r->error};
    status = search_from(&search, dir, 0);
  }
  r->history->settings = search.found;
  if (status != STATUS_OK || search.found) return status;
  return error_set(r->error, STATUS_CONFIG, "%s/journal: holds no rules to judge by", dir);
}

enum status history_today(const char *state_dir, day_t *today, struct error *error) {
  struct error why = {0};
  struct search search = {.error = error ? error : &why};
  uint64_t lsn;
  msec_t clock_ms;
  enum status status = journal_find(state_dir, MSEC_MAX, &lsn, &clock_ms, search.error);
  if (status == STATUS_OK) status = search_from(&search, state_dir, lsn);
  if (status == STATUS_OK && !search.found) status = search_from(&search, state_dir, 0);
  if (status == STATUS_OK && !search.found)
    status = error_set(search.error, STATUS_CONFIG, "%s/journal: empty", state_dir);
  if (status == STATUS_OK)
    *today = calendar_day_of(&search.found->policy->calendar, search.last_ms);
  settings_free(search.found);
  return status;
}

static void use_settings(struct reading *r, const struct record *record) {
  struct history *h = r->history;
  if (h->fold.settings_mark == fold_settings_mark(record->settings.policy, record->settings.roster))
    return;
  struct settings *settings = settings_of(record, r->error);
  if (!settings) {
    r->failed = true;
    return;
  }
  fold_use_settings(&h->fold, settings);
  settings_free(h->settings);
  h->settings = settings;
}

/* --- records --- */

static void judge(void *context) {
  const struct history_visitor *visitor = context;
  if (visitor->judge) visitor->judge(visitor->context);
}

static void pass_time(struct reading *r, msec_t to_ms) {
  struct fold *fold = &r->history->fold;
  if (to_ms <= fold->now_ms) return;
  if (!r->visitor->judge) {
    fold_advance(fold, to_ms);
    return;
  }
  if (fold->clock_events || to_ms / MSEC_PER_SEC != fold->now_ms / MSEC_PER_SEC)
    r->visitor->judge(r->visitor->context);
  fold_pass(fold, to_ms, judge, (void *)(uintptr_t)r->visitor);
}

/* May this event still change something of the days? */
static bool is_late_news(const struct reading *r, const struct call_event *event) {
  if (event->ts_ms < r->trail_ms) return true;
  if (event->call.len) return centre_find_call(r->history->fold.centre, event->call) != NULL;
  return event->type != EVENT_AGENT_STATE && event->type != EVENT_TICK &&
         event->type != EVENT_MEMBER_DEVELOPED;
}

/* Before the days: once per agent and member, and the leads of later weeks. */
static bool is_early_news(const struct call_event *event) {
  return event->type == EVENT_MEMBER_DEVELOPED || event->type == EVENT_LEAD_ISSUE ||
         event->type == EVENT_LEAD_WITHDRAW;
}

static void take_event(struct reading *r, uint64_t lsn, const struct record *record) {
  const struct call_event *event = &record->event;
  if (lsn < r->begin_lsn && !is_early_news(event)) return;
  if (record->now_ms >= r->trail_ms && !is_late_news(r, event)) return;
  pass_time(r, record->now_ms);
  enum centre_result result =
      fold_event(&r->history->fold, lsn, record->origin, record->seq, event, record->now_ms);
  if (r->visitor->event) r->visitor->event(r->visitor->context, lsn, event, result);
}

/* A daemon's absence is a gap from the last sign of life on: what was passed over
 * must not look like one. */
static void begin_fold(struct reading *r) {
  struct fold *fold = &r->history->fold;
  if (r->begin_lsn <= 1) return;
  fold->started = true;
  if (r->before_ms > fold->alive_ms) fold->alive_ms = r->before_ms;
}

static void take_other(struct reading *r, uint64_t lsn, const struct record *record) {
  struct fold *fold = &r->history->fold;
  if (record->type == RECORD_ORIGIN) fold_record(fold, lsn, record);
  if (record->type == RECORD_SETTINGS) {
    pass_time(r, record->now_ms);
    use_settings(r, record);
    fold_record(fold, lsn, record);
  }
  if (lsn < r->begin_lsn || record->type == RECORD_ORIGIN || record->type == RECORD_SETTINGS)
    return;
  if (record->type == RECORD_CLOCK && record->now_ms >= r->trail_ms) {
    fold->alive_ms = record->now_ms;
    return;
  }
  if (record->type != RECORD_START) pass_time(r, record->now_ms);
  fold_record(fold, lsn, record);
  pass_time(r, record->now_ms);
}

static void note_node(struct history *h, struct slice node) {
  size_t len = node.len < sizeof h->node ? node.len : sizeof h->node - 1;
  memcpy(h->node, node.data, len);
  h->node[len] = '\0';
}

static bool on_record(void *context, uint64_t lsn, const struct record *record) {
  struct reading *r = context;
  if (lsn == r->begin_lsn) begin_fold(r);
  if (lsn) r->last_ms = record->now_ms;
  if (record->type == RECORD_START) note_node(r->history, record->start.node);
  if (record->type == RECORD_EVENT)
    take_event(r, lsn, record);
  else
    take_other(r, lsn, record);
  return !r->failed;
}

/* --- all of it --- */

static void open_fold(struct reading *r) {
  struct fold *fold = &r->history->fold;
  fold_init(fold, r->history->settings, false);
  centre_limits(fold->centre)->keep_days = KEEP_DAYS;
  centre_limits(fold->centre)->keep_months = KEEP_MONTHS;
  if (r->visitor->begin) r->visitor->begin(r->visitor->context, fold);
}

/* The time since the last record: what is due by then has not been written down. */
static void catch_up(struct reading *r) {
  struct fold *fold = &r->history->fold;
  msec_t wall = clock_wall_ms();
  pass_time(r, r->last_ms);
  if (!fold->clock_events && wall - r->last_ms < LIVE_MS) pass_time(r, wall);
  if (r->visitor->judge) r->visitor->judge(r->visitor->context);
}

enum status history_read(const struct history_options *options,
                         const struct history_visitor *visitor, struct history *out,
                         struct error *error) {
  struct error why = {0};
  struct reading r = {.options = options,
                      .visitor = visitor,
                      .history = out,
                      .trail_ms = (options->last + 1) * MSEC_PER_DAY + TRAIL_MS,
                      .error = error ? error : &why};
  *out = (struct history){0};
  enum status status = journal_find(options->state_dir, options->first * MSEC_PER_DAY - LEAD_MS,
                                    &r.begin_lsn, &r.before_ms, r.error);
  if (status == STATUS_OK && r.begin_lsn == 0)
    status = error_set(r.error, STATUS_CONFIG, "%s/journal: empty", options->state_dir);
  if (status == STATUS_OK) status = find_settings(&r);
  if (status != STATUS_OK) return status;
  open_fold(&r);
  uint64_t from_lsn = options->whole_journal ? 0 : r.begin_lsn;
  status = journal_replay(options->state_dir, from_lsn, on_record, &r, r.error);
  if (r.failed) status = r.error->status;
  if (status == STATUS_OK) catch_up(&r);
  return status;
}

void history_free(struct history *history) {
  fold_free(&history->fold);
  settings_free(history->settings);
  *history = (struct history){0};
}
