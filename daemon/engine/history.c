#include "callpace/engine/history.h"

#include "callpace/engine/judge.h"
#include "callpace/io/journal.h"
#include "history_internal.h"

/* Reading begins some days before the first one: by then the calls that were up are
 * known, and repeats of older ones are told from new ones. Late events and calls over
 * midnight come behind the last. LIVE_MS: a journal whose last record is younger
 * belongs to a running daemon, which lets time pass. */
#define LEAD_MS  (4 * MSEC_PER_DAY)
#define TRAIL_MS (3 * MSEC_PER_DAY)
enum { KEEP_DAYS = 4000, KEEP_MONTHS = 140, LIVE_MS = 60 * MSEC_PER_SEC, PROGRESS_EVERY = 1 << 16 };

struct reading {
  const struct history_options *options;
  const struct history_visitor *visitor;
  struct history *history;
  struct fold *fold;
  struct history_extent extent; /* for the progress */
  bool decides;                 /* other rules: the engine decides anew */
  bool judges;                  /* somebody looks at every moment at which something is due */
  uint64_t begin_lsn;           /* from here on every record counts */
  msec_t before_ms;             /* clock of the record before it */
  msec_t trail_ms;              /* behind this moment only what may still concern the days */
  msec_t last_ms;               /* clock of the last record */
  struct error *error;          /* set when `failed` */
  bool failed;
};

/* --- time --- */

static void judge(void *context) {
  struct reading *r = context;
  if (r->decides) {
    struct engine *e = &r->history->engine;
    e->now_ms = e->wall_ms = e->fold.now_ms;
    judge_run(e);
  }
  if (r->visitor->judge) r->visitor->judge(r->visitor->context);
}

/* As the daemon: event by event with clock: events, else what came in one second
 * together. */
static void pass_time(struct reading *r, msec_t to_ms) {
  if (to_ms <= r->fold->now_ms) return;
  if (!r->judges) {
    fold_advance(r->fold, to_ms);
    return;
  }
  if (r->fold->clock_events || to_ms / MSEC_PER_SEC != r->fold->now_ms / MSEC_PER_SEC) judge(r);
  fold_pass(r->fold, to_ms, judge, r);
}

static void use_settings(struct reading *r, const struct record *record) {
  struct history *h = r->history;
  if (r->fold->settings_mark ==
      fold_settings_mark(record->settings.policy, record->settings.roster))
    return;
  struct settings *settings = history_settings(r->options, record, r->error);
  if (!settings) {
    r->failed = true;
    return;
  }
  fold_use_settings(r->fold, settings);
  settings_free(h->settings);
  h->settings = h->engine.settings = settings;
}

/* --- records --- */

/* May this event still change something of the days? */
static bool is_late_news(const struct reading *r, const struct call_event *event) {
  if (event->ts_ms < r->trail_ms) return true;
  if (event->call.len) return centre_find_call(r->fold->centre, event->call) != NULL;
  return event->type != EVENT_AGENT_STATE && event->type != EVENT_TICK &&
         event->type != EVENT_MEMBER_DEVELOPED;
}

/* Before the days: once per agent and member, and the leads of later weeks. */
static bool is_early_news(const struct call_event *event) {
  return event->type == EVENT_MEMBER_DEVELOPED || event->type == EVENT_LEAD_ISSUE ||
         event->type == EVENT_LEAD_WITHDRAW;
}

/* Decisions follow from what was seen and the rules, and other rules make others. */
static bool is_decision(enum record_type type) {
  return type > RECORD_SETTINGS;
}

/* What was decided of weeks before the first day is the past of other rules, too. */
static bool is_given(const struct reading *r, const struct record *record) {
  const struct calendar *calendar = &r->history->settings->policy->calendar;
  if (record->now_ms > calendar_day_begin(calendar, r->options->first)) return false;
  return record->type == RECORD_WEEK_CLOSED || record->type == RECORD_LEAD_HOLD ||
         record->type == RECORD_LEAD_MOVE || record->type == RECORD_PROPOSAL;
}

/* Decisions that are made anew lie between the records, and are not in the journal. */
static uint64_t own_lsn(const struct reading *r, uint64_t lsn) {
  return r->decides && lsn ? r->fold->lsn + 1 : lsn;
}

static void take_event(struct reading *r, uint64_t lsn, const struct record *record) {
  const struct call_event *event = &record->event;
  if (lsn < r->begin_lsn && !is_early_news(event)) return;
  if (record->now_ms >= r->trail_ms && !is_late_news(r, event)) return;
  pass_time(r, record->now_ms);
  enum centre_result result =
      fold_event(r->fold, own_lsn(r, lsn), record->origin, record->seq, event, record->now_ms);
  if (r->visitor->event) r->visitor->event(r->visitor->context, lsn, event, result);
}

/* Of records before the days: who sends, and to whom leads went, or could not go. */
static bool is_early_record(enum record_type type) {
  return type == RECORD_ORIGIN || type == RECORD_LEAD_HOLD || type == RECORD_LEAD_MOVE;
}

static bool changes_coverage(const struct record *record) {
  if (record->type == RECORD_SOURCE)
    return record->source.change == SOURCE_UP || record->source.change == SOURCE_DOWN;
  return record->type == RECORD_GAP || record->type == RECORD_START;
}

static void take_other(struct reading *r, uint64_t lsn, const struct record *record) {
  if (record->type == RECORD_SETTINGS) {
    pass_time(r, record->now_ms);
    use_settings(r, record);
  } else if (lsn < r->begin_lsn && !is_early_record(record->type)) {
    return;
  }
  if (r->decides && is_decision(record->type) && !is_given(r, record)) return;
  if (record->type == RECORD_CLOCK && record->now_ms >= r->trail_ms) {
    r->fold->alive_ms = record->now_ms;
    return;
  }
  if (record->type == RECORD_ALERT && r->visitor->alert)
    r->visitor->alert(r->visitor->context, record->alert.id, record->alert.raised);
  /* The time of an absence is passed behind the gap that it is. */
  if (record->type != RECORD_START && lsn) pass_time(r, record->now_ms);
  fold_record(r->fold, own_lsn(r, lsn), record);
  if (changes_coverage(record)) centre_judge_all(r->fold->centre);
  if (lsn) pass_time(r, record->now_ms);
}

static void note_node(struct history *h, struct slice node) {
  size_t len = node.len < sizeof h->node ? node.len : sizeof h->node - 1;
  memcpy(h->node, node.data, len);
  h->node[len] = '\0';
}

/* A daemon's absence is a gap from the last sign of life on: what was passed over
 * must not look like one. */
static void begin_days(struct reading *r) {
  if (r->begin_lsn <= 1) return;
  r->fold->started = true;
  if (r->before_ms > r->fold->alive_ms) r->fold->alive_ms = r->before_ms;
}

static bool on_record(void *context, uint64_t lsn, const struct record *record) {
  struct reading *r = context;
  if (lsn == r->begin_lsn) begin_days(r);
  if (lsn) r->last_ms = record->now_ms;
  if (record->type == RECORD_START) note_node(r->history, record->start.node);
  if (record->type == RECORD_EVENT)
    take_event(r, lsn, record);
  else
    take_other(r, lsn, record);
  if (r->visitor->progress && lsn % PROGRESS_EVERY == 0 && lsn)
    r->visitor->progress(r->visitor->context, lsn - r->extent.first_lsn,
                         r->extent.last_lsn - r->extent.first_lsn + 1);
  return !r->failed;
}

static void on_ahead(void *context, const struct record *records, size_t count) {
  const struct reading *r = context;
  fold_expect(r->fold, records, count);
}

/* --- all of it --- */

static void on_alert(void *context, const struct alert *alert) {
  const struct history_visitor *visitor = context;
  if (!visitor->alert) return;
  struct writer id = {0};
  alert_put_id(&id, alert);
  visitor->alert(visitor->context, writer_slice(&id), alert->state == ALERT_RAISED);
  writer_free(&id);
}

static void open_fold(struct reading *r) {
  struct history *h = r->history;
  h->sink = (struct alert_sink){on_alert, (void *)(uintptr_t)r->visitor};
  h->engine.dry = &h->sink;
  h->engine.judged_day = DAY_NONE;
  h->engine.settings = h->settings;
  fold_init(r->fold, h->settings, false);
  if (r->decides) r->fold->closes_from = r->options->first;
  centre_limits(r->fold->centre)->keep_days = KEEP_DAYS;
  centre_limits(r->fold->centre)->keep_months = KEEP_MONTHS;
  if (!r->visitor->judge) centre_judge_when_due(r->fold->centre);
  if (r->visitor->begin) r->visitor->begin(r->visitor->context, r->fold);
}

/* The time since the last record: what is due by then has not been written down. */
static void catch_up(struct reading *r) {
  msec_t wall = clock_wall_ms();
  pass_time(r, r->last_ms);
  if (!r->fold->clock_events && wall - r->last_ms < LIVE_MS) pass_time(r, wall);
  judge(r);
}

static enum status prepare(struct reading *r) {
  const char *dir = r->options->state_dir;
  msec_t from_ms = r->options->first * MSEC_PER_DAY - LEAD_MS;
  enum status status = STATUS_OK;
  if (r->visitor->progress) status = history_extent(dir, &r->extent, r->error);
  if (status == STATUS_OK)
    status = journal_find(dir, from_ms, &r->begin_lsn, &r->before_ms, r->error);
  if (status == STATUS_OK && r->begin_lsn == 0)
    status = error_set(r->error, STATUS_CONFIG, "%s/journal: empty", dir);
  if (status != STATUS_OK) return status;
  r->history->settings = history_first_settings(r->options, r->begin_lsn, r->error);
  return r->history->settings ? STATUS_OK : r->error->status;
}

enum status history_read(const struct history_options *options,
                         const struct history_visitor *visitor, struct history *out,
                         struct error *error) {
  struct error why = {0};
  struct reading r = {.options = options,
                      .visitor = visitor,
                      .history = out,
                      .fold = &out->engine.fold,
                      .decides = options->policy_text.len > 0,
                      .judges = visitor->judge || options->policy_text.len > 0,
                      .trail_ms = (options->last + 1) * MSEC_PER_DAY + TRAIL_MS,
                      .error = error ? error : &why};
  *out = (struct history){.settings = NULL};
  enum status status = prepare(&r);
  if (status != STATUS_OK) return status;
  open_fold(&r);
  status = journal_replay_ahead(options->state_dir, options->whole_journal ? 0 : r.begin_lsn,
                                on_record, on_ahead, &r, r.error);
  if (r.failed) status = r.error->status;
  if (status == STATUS_OK) catch_up(&r);
  return status;
}

void history_free(struct history *history) {
  fold_free(&history->engine.fold);
  settings_free(history->settings);
  *history = (struct history){.settings = NULL};
}
