#include "callpace/core/fold.h"

#include <stdlib.h>

#include "callpace/base/crc32c.h"
#include "callpace/base/json_strings.h"
#include "callpace/base/mem.h"

enum { FOLD_VERSION = 7, ORIGINS_MAX = 1 << 24, POINTS_KEPT_MONTHS = 14 };

void fold_init(struct fold *fold, const struct settings *settings, bool clock_events) {
  *fold = (struct fold){.centre = centre_new(settings),
                        .clock_events = clock_events,
                        .now_ms = MSEC_NONE,
                        .alive_ms = MSEC_NONE,
                        .weeks_closed = DAY_NONE,
                        .closes_from = DAY_NONE,
                        .week_due_ms = MSEC_NONE,
                        .month_due_ms = MSEC_NONE};
}

void fold_free(struct fold *fold) {
  centre_free(fold->centre);
  coverage_free(&fold->coverage);
  alert_latch_free(&fold->latch);
  alert_log_free(&fold->alerts);
  alert_book_free(&fold->book);
  alert_budget_free(&fold->budget);
  points_free(&fold->points);
  proposals_free(&fold->proposals);
  producers_free(&fold->producers);
  size_t position = 0;
  for (char *name; (name = table_next(&fold->proved, &position));)
    free(name);
  table_free(&fold->proved);
  for (size_t i = 0; i < fold->origin_capacity; i++)
    free(fold->origins[i].source);
  free(fold->origins);
  *fold = (struct fold){0};
}

uint64_t fold_settings_mark(struct slice policy, struct slice roster) {
  uint64_t mark =
      (uint64_t)crc32c(0, policy.data, policy.len) << 32 | crc32c(0, roster.data, roster.len);
  return mark ? mark : 1;
}

void fold_use_settings(struct fold *fold, const struct settings *settings) {
  centre_use_settings(fold->centre, settings, fold->now_ms);
  fold->week_due_ms = fold->month_due_ms = MSEC_NONE;
}

void fold_month(const struct fold *fold, const struct month_tally *tally, struct month_state *out) {
  *out = (struct month_state){.tally = tally};
  if (!tally->agent->rostered) return;
  struct month_plan plan;
  struct month_facts facts = {tally->calls, tally->members, tally->talk_ms};
  month_plan_make(centre_settings(fold->centre)->policy, tally->agent->rostered, tally->month,
                  &plan);
  outcome_judge(&plan, &facts, &out->verdict);
  struct slice agent = slice_of(tally->agent->id);
  out->has_points = true;
  out->points = plan.policy->points_start + points_sum(&fold->points, agent, tally->month);
  out->offences = fold_offences(tally->agent, tally->month, plan.policy);
  if (!tally->closed) return;
  out->verdict = tally->closed->verdict;
  out->offences = (unsigned)tally->closed->offences;
}

static struct fold_origin *origin_at(struct fold *fold, uint32_t origin) {
  size_t had = fold->origin_capacity;
  fold->origins =
      mem_grow(fold->origins, &fold->origin_capacity, (size_t)origin + 1, sizeof *fold->origins);
  for (size_t i = had; i < fold->origin_capacity; i++)
    fold->origins[i] = (struct fold_origin){0};
  return &fold->origins[origin];
}

struct producer_epoch *fold_name_origin(struct fold *fold, uint32_t origin, struct slice source,
                                        struct slice producer, struct slice epoch) {
  if (origin >= ORIGINS_MAX) return NULL;
  const struct producer_epoch *gone = NULL;
  struct producer_epoch *known =
      producer.len ? producers_epoch(&fold->producers, producer, epoch, &gone) : NULL;
  struct fold_origin *named = origin_at(fold, origin);
  free(named->source);
  *named = (struct fold_origin){.source = mem_slice_dup(source), .epoch = known};
  for (size_t i = 0; gone && i < fold->origin_capacity; i++)
    if (fold->origins[i].epoch == gone) fold->origins[i].epoch = NULL;
  return known;
}

/* What lies before the first day is not judged. */
static void begin_closing(struct fold *fold) {
  day_t today = centre_today(fold->centre);
  if (fold->weeks_closed != DAY_NONE || today == DAY_NONE) return;
  fold->weeks_closed = week_monday(today) - 7;
  fold->months_closed = month_of(today) - 1;
}

msec_t fold_next_due(struct fold *fold) {
  msec_t due = centre_next_due(fold->centre);
  msec_t week = fold_week_due(fold), month = fold_month_due(fold);
  if (week > fold->now_ms && week < due) due = week;
  return month > fold->now_ms && month < due ? month : due;
}

void fold_advance(struct fold *fold, msec_t now_ms) {
  if (now_ms <= fold->now_ms || now_ms <= 0) return; /* 0: event time has not begun */
  fold->now_ms = now_ms;
  fold->alive_ms = now_ms;
  centre_advance(fold->centre, now_ms, fold->lsn);
  begin_closing(fold);
}

static void fold_leap(struct fold *fold, msec_t now_ms) {
  if (now_ms <= fold->now_ms || now_ms <= 0) return;
  fold->now_ms = now_ms;
  fold->alive_ms = now_ms;
  centre_leap(fold->centre, now_ms, fold->lsn);
  begin_closing(fold);
}

void fold_pass(struct fold *fold, msec_t to_ms, void (*judge)(void *context), void *context) {
  if (fold->now_ms != MSEC_NONE && to_ms - fold->now_ms > CENTRE_STEPS_MAX_MS)
    fold_leap(fold, to_ms - CENTRE_STEPS_MAX_MS);
  for (msec_t due; (due = fold_next_due(fold)) <= to_ms && due > fold->now_ms;) {
    fold_advance(fold, due);
    judge(context);
  }
  fold_advance(fold, to_ms);
}

/* False when the day is judged by nothing. */
static bool facts_now(struct fold *fold, struct day_tally *tally, struct pace_facts *out) {
  const struct day_plan *plan = centre_plan(fold->centre, tally);
  if (!plan) return false;
  int64_t seen_bp =
      coverage_bp(&fold->coverage, tally->agent->rostered, &plan->productive, fold->now_ms);
  return centre_pace_facts(fold->centre, tally, fold->now_ms, seen_bp, out);
}

bool fold_verdict(struct fold *fold, struct day_tally *tally, struct pace_facts *facts,
                  struct verdict *verdict) {
  if (!facts_now(fold, tally, facts)) return false;
  pace_judge(&tally->pace, facts, verdict);
  return true;
}

bool fold_forecast(struct fold *fold, struct day_tally *tally, struct forecast *out) {
  struct pace_facts facts;
  return facts_now(fold, tally, &facts) && forecast_make(&tally->pace, &facts, out);
}

void fold_judge(struct fold *fold, const struct centre_agent *only) {
  struct pace_facts facts;
  struct verdict verdict;
  for (struct day_tally *tally; (tally = centre_next_to_judge(fold->centre));)
    if ((!only || tally->agent == only) && fold_verdict(fold, tally, &facts, &verdict))
      centre_set_verdict(fold->centre, tally, &verdict);
  struct week_facts week_facts;
  struct week_verdict week_verdict;
  msec_t due_ms;
  for (struct lead_week *week; (week = centre_next_week_to_judge(fold->centre));)
    if ((!only || week->agent == only) &&
        fold_week_verdict(fold, week, &week_facts, &week_verdict, &due_ms))
      centre_set_week_verdict(fold->centre, week, &week_verdict, due_ms);
}

static void take_seq(struct fold *fold, uint32_t origin, uint64_t seq, msec_t ts_ms) {
  if (seq == 0 || origin >= fold->origin_capacity) return;
  struct producer_epoch *epoch = fold->origins[origin].epoch;
  if (!epoch) return;
  if (seq > epoch->seq) epoch->seq = seq;
  if (ts_ms != MSEC_NONE) epoch->last_ms = ts_ms;
}

/* Nothing was seen in between: also days that were judged look different now. */
static void miss(struct fold *fold, struct slice source, msec_t from_ms, msec_t to_ms) {
  coverage_gap(&fold->coverage, source, from_ms, to_ms);
  centre_judge_span(fold->centre, from_ms, to_ms);
}

/* It waits for its entry in the ledger, which is decided and recorded. */
static enum centre_result review(struct fold *fold, const struct call_event *event) {
  if (event->agent.len == 0 || event->points < -POINTS_MAX || event->points > POINTS_MAX)
    return CENTRE_MISSING_FIELD;
  bool new = points_take_review(&fold->points, event->agent, event->points, event->reason,
                                event->by, event->id, event->ts_ms);
  return new ? CENTRE_APPLIED : CENTRE_UNCHANGED;
}

enum centre_result fold_event(struct fold *fold, uint64_t lsn, uint32_t origin, uint64_t seq,
                              const struct call_event *event, msec_t now_ms) {
  fold_advance(fold, now_ms);
  fold->lsn = lsn;
  take_seq(fold, origin, seq, event->ts_ms);
  if (event->type == EVENT_SOURCE_GAP && origin < fold->origin_capacity)
    miss(fold, slice_of(fold->origins[origin].source), event->from_ms, event->to_ms);
  enum centre_result result = centre_apply(fold->centre, event, fold->now_ms, lsn);
  if (event->type == EVENT_REVIEW_POINTS && result == CENTRE_APPLIED) result = review(fold, event);
  return result;
}

static void prove(struct fold *fold, struct slice source) {
  if (table_get(&fold->proved, source)) return;
  char *name = mem_slice_dup(source);
  table_put(&fold->proved, slice_of(name), name);
}

static void fold_source(struct fold *fold, const struct record *record) {
  struct slice name = record->source.source;
  switch (record->source.change) {
  case SOURCE_DOWN: coverage_down(&fold->coverage, name, record->source.at_ms); break;
  case SOURCE_UP: coverage_up(&fold->coverage, name, record->source.at_ms); break;
  case SOURCE_PRODUCER_UP: prove(fold, name); break;
  default: break;
  }
}

/* While no daemon ran, nothing was seen; before the very first, since ever. */
static void fold_start(struct fold *fold, const struct record *record) {
  fold->clock_events = record->start.clock_events;
  if (!fold->clock_events)
    coverage_gap(&fold->coverage, COVERAGE_DAEMON, fold->started ? fold->alive_ms : MSEC_NONE,
                 record->now_ms);
  fold->started = true;
}

/* ---- alerts ---- */

/* What the fold has to know of an alert's JSON. */
struct alert_facts {
  struct writer type, lead;
};

static void note_fact(void *context, struct slice key, struct slice value) {
  struct alert_facts *facts = context;
  if (slice_equal(key, SLICE("type"))) put_slice(&facts->type, value);
  if (slice_equal(key, SLICE("team_lead"))) put_slice(&facts->lead, value);
}

/* The next of the names, without its ','; empty behind the last. */
static struct slice next_name(struct slice *names) {
  const char *comma = names->len ? memchr(names->data, ',', names->len) : NULL;
  struct slice name = {names->data, comma ? (size_t)(comma - names->data) : 0};
  size_t used = comma ? name.len + 1 : names->len;
  *names = (struct slice){names->data + used, names->len - used};
  return name;
}

struct digested {
  struct fold *fold;
  struct slice hook;
};

static void note_digested(void *context, const struct alert_entry *entry) {
  const struct digested *digested = context;
  if (entry->raised)
    alert_book_told(&digested->fold->book, slice_of(entry->id), digested->hook,
                    digested->fold->now_ms);
}

/* What it holds has been told with it. */
static void fold_digest(struct fold *fold, uint64_t lsn, struct slice hooks, struct slice lead) {
  for (struct slice hook; (hook = next_name(&hooks)).len > 0;) {
    struct digested digested = {fold, hook};
    alert_log_digested(&fold->alerts, hook, lead, lsn - 1, note_digested, &digested);
  }
}

static void note_budgets(struct fold *fold, struct slice hooks, struct slice lead) {
  for (struct slice hook; (hook = next_name(&hooks)).len > 0;)
    if (lead.len > 0 && hook.data[0] != '~' && hook.data[0] != '^')
      alert_budget_note(&fold->budget, hook, lead, fold->now_ms);
}

/* What a closed week or month leads to is told once, for good. */
static void note_told(struct fold *fold, struct slice id) {
  enum alert_type type;
  struct slice subject;
  struct period period;
  if (!alert_id_parse(id, &subject, &type, &period)) return;
  if (type == ALERT_CONTACT_WARNING || type == ALERT_LEAD_HOLD || type == ALERT_LEAD_REASSIGNED)
    centre_tell_week(fold->centre, subject, period.first);
  if (type == ALERT_MONTH_OUTCOME) centre_tell_month(fold->centre, subject, month_of(period.first));
}

static void fold_alert(struct fold *fold, uint64_t lsn, const struct record *record) {
  struct alert_facts facts = {0};
  struct alert_said said = {.lsn = lsn,
                            .raised = record->alert.raised,
                            .at_ms = record->alert.at_ms,
                            .id = record->alert.id,
                            .json = record->alert.json,
                            .hooks = record->alert.hooks};
  json_each_string(said.json, note_fact, &facts);
  said.lead = writer_slice(&facts.lead);
  bool digest = slice_equal(writer_slice(&facts.type), SLICE("digest"));
  said.notice = digest || (said.hooks.len > 0 && said.hooks.data[0] == '^');
  note_told(fold, said.id);
  alert_latch_apply(&fold->latch, said.id, said.raised ? ALERT_RAISED : ALERT_RESOLVED, said.at_ms);
  if (digest)
    fold_digest(fold, lsn, said.hooks, said.lead);
  else if (said.raised)
    alert_book_raise(&fold->book, said.id, said.at_ms, said.hooks);
  else
    alert_book_resolve(&fold->book, said.id, said.at_ms, said.json.len > 0);
  if (!said.notice) note_budgets(fold, said.hooks, said.lead);
  if (said.json.len > 0) alert_log_add(&fold->alerts, &said);
  writer_free(&facts.type);
  writer_free(&facts.lead);
}

static void fold_delivered(struct fold *fold, const struct record *record) {
  struct slice hook = record->delivered.hook;
  alert_log_delivered(&fold->alerts, record->delivered.id, record->delivered.raised, hook);
  if (hook.len > 0 && (hook.data[0] == '^' || hook.data[0] == '~'))
    hook = (struct slice){hook.data + 1, hook.len - 1};
  if (record->delivered.raised)
    alert_book_told(&fold->book, record->delivered.id, hook, fold->now_ms);
}

static void fold_lead_move(struct fold *fold, uint64_t lsn, const struct record *record) {
  struct pool_lead lead = {.week = record->lead_move.week,
                           .at_ms = record->now_ms,
                           .lead = record->lead_move.lead,
                           .number = record->lead_move.number,
                           .from = record->lead_move.from,
                           .reason = record->lead_move.reason};
  centre_move_lead(fold->centre, &lead, record->lead_move.to, lsn);
  proposal_moved(&fold->proposals, lead.from, lead.week, lead.lead);
}

static void fold_points(struct fold *fold, uint64_t lsn, const struct record *record) {
  const struct points_fact *fact = &record->points.fact;
  const struct points_entry *entry =
      points_add(&fold->points, fact, (const uint8_t *)record->points.before.data,
                 (const uint8_t *)record->points.hash.data);
  if (entry) centre_touch_month(fold->centre, entry->fact.agent, entry->fact.month, lsn);
}

static void fold_week_closed(struct fold *fold, uint64_t lsn, const struct record *record) {
  struct slice agent = record->week_closed.agent;
  day_t week = record->week_closed.week;
  if (agent.len > 0) {
    centre_close_week(fold->centre, agent, week, &record->week_closed.fact, lsn);
    centre_touch_month(fold->centre, agent, ladder_month(week), lsn);
  } else if (week > fold->weeks_closed) {
    fold->weeks_closed = week;
    fold->week_due_ms = MSEC_NONE;
    proposals_drop(&fold->proposals, week_monday(centre_kept_since(fold->centre)));
  }
}

static void fold_month_closed(struct fold *fold, uint64_t lsn, const struct record *record) {
  struct slice agent = record->month_closed.agent;
  month_t month = record->month_closed.month;
  if (agent.len > 0) {
    centre_close_month(fold->centre, agent, month, &record->month_closed.fact, lsn);
  } else if (month > fold->months_closed) {
    fold->months_closed = month;
    fold->month_due_ms = MSEC_NONE;
    points_drop(&fold->points, month - POINTS_KEPT_MONTHS);
  }
}

void fold_expect(const struct fold *fold, const struct record *records, size_t count) {
  struct centre_ahead ahead = {.count = 0};
  for (size_t i = 0; i < count; i++)
    if (records[i].type == RECORD_EVENT) centre_ahead_add(fold->centre, &ahead, &records[i].event);
  centre_ahead_fetch(fold->centre, &ahead);
}

void fold_record(struct fold *fold, uint64_t lsn, const struct record *record) {
  if (record->type == RECORD_ORIGIN)
    fold_name_origin(fold, record->origin, record->name.source, record->name.producer,
                     record->name.epoch);
  if (lsn <= fold->lsn) return;
  if (record->type == RECORD_EVENT) {
    fold_event(fold, lsn, record->origin, record->seq, &record->event, record->now_ms);
    return;
  }
  fold->lsn = lsn;
  if (record->type == RECORD_START) fold_start(fold, record);
  /* The time of an absence is passed step by step, by whoever judges. */
  if (record->type != RECORD_START) fold_advance(fold, record->now_ms);
  switch (record->type) {
  case RECORD_SEQ: take_seq(fold, record->origin, record->seq, MSEC_NONE); break;
  case RECORD_SOURCE: fold_source(fold, record); break;
  case RECORD_SOURCE_SERVES:
    coverage_serve(&fold->coverage, record->source_serves.source, record->source_serves.serves);
    break;
  case RECORD_GAP: miss(fold, record->gap.source, record->gap.from_ms, record->gap.to_ms); break;
  case RECORD_ALERT: fold_alert(fold, lsn, record); break;
  case RECORD_SETTINGS:
    fold->settings_mark = fold_settings_mark(record->settings.policy, record->settings.roster);
    break;
  case RECORD_LEAD_MOVE: fold_lead_move(fold, lsn, record); break;
  case RECORD_LEAD_HOLD:
    centre_hold_leads(fold->centre, record->lead_hold.agent, record->lead_hold.week,
                      record->lead_hold.reason, record->now_ms, lsn);
    break;
  case RECORD_MONTH_CLOSED: fold_month_closed(fold, lsn, record); break;
  case RECORD_PROPOSAL:
    proposal_take(&fold->proposals, record->proposal.agent, record->proposal.week,
                  record->proposal.state, record->proposal.by, record->proposal.moves,
                  record->now_ms);
    break;
  case RECORD_POINTS: fold_points(fold, lsn, record); break;
  case RECORD_WEEK_CLOSED: fold_week_closed(fold, lsn, record); break;
  case RECORD_DELIVERED: fold_delivered(fold, record); break;
  case RECORD_ALERT_ACK:
    alert_book_ack(&fold->book, record->ack.id, record->ack.at_ms, record->ack.by,
                   record->ack.note);
    alert_log_touch(&fold->alerts, record->ack.id, lsn);
    break;
  default: break;
  }
}

void fold_save(const struct fold *fold, struct writer *w) {
  put_u32(w, FOLD_VERSION);
  put_u8(w, fold->clock_events);
  put_u8(w, fold->started);
  put_u64(w, (uint64_t)fold->now_ms);
  put_u64(w, (uint64_t)fold->alive_ms);
  put_u64(w, fold->lsn);
  put_u64(w, fold->settings_mark);
  put_u32(w, (uint32_t)fold->weeks_closed);
  put_u32(w, (uint32_t)fold->months_closed);
  put_varint(w, fold->proved.count);
  size_t position = 0;
  for (const char *name; (name = table_next(&fold->proved, &position));)
    put_blob(w, slice_of(name));
  points_save(&fold->points, w);
  proposals_save(&fold->proposals, w);
  producers_save(&fold->producers, w);
  coverage_save(&fold->coverage, w);
  alert_latch_save(&fold->latch, w);
  alert_log_save(&fold->alerts, w);
  alert_book_save(&fold->book, w);
  alert_budget_save(&fold->budget, w);
  centre_save(fold->centre, w);
}

static bool load_rest(struct fold *fold, struct reader *r, struct error *error) {
  uint64_t proved = get_varint(r);
  for (; proved > 0 && !r->failed; proved--) {
    struct slice name = get_blob(r);
    if (!r->failed) prove(fold, name);
  }
  points_load(&fold->points, r);
  proposals_load(&fold->proposals, r);
  producers_load(&fold->producers, r);
  coverage_load(&fold->coverage, r);
  alert_latch_load(&fold->latch, r);
  alert_log_load(&fold->alerts, r);
  alert_book_load(&fold->book, r);
  alert_budget_load(&fold->budget, r);
  struct centre *centre = r->failed ? NULL : centre_load(r, centre_settings(fold->centre), error);
  if (!centre) return false;
  centre_free(fold->centre);
  fold->centre = centre;
  return true;
}

bool fold_load(struct fold *fold, struct slice bytes, struct error *error) {
  const struct settings *settings = centre_settings(fold->centre);
  struct reader r = reader_of(bytes);
  bool clock_events = fold->clock_events;
  if (get_u32(&r) != FOLD_VERSION) {
    error_set(error, STATUS_CONFIG, "snapshot of another version");
    return false;
  }
  fold->clock_events = get_u8(&r) != 0;
  fold->started = get_u8(&r) != 0;
  fold->now_ms = (msec_t)get_u64(&r);
  fold->alive_ms = (msec_t)get_u64(&r);
  fold->lsn = get_u64(&r);
  fold->settings_mark = get_u64(&r);
  fold->weeks_closed = (day_t)get_u32(&r);
  fold->months_closed = (month_t)get_u32(&r);
  if (load_rest(fold, &r, error)) return true;
  if (error && !error->text[0]) error_set(error, STATUS_CONFIG, "snapshot is damaged");
  fold_free(fold);
  fold_init(fold, settings, clock_events);
  return false;
}
