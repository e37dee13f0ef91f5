/* One reading of the past, and the figures that it came to. */
#include <stdlib.h>

#include "callpace/base/mem.h"
#include "replay_internal.h"

/* Of a day; of weeks and months the whole registry but where it stands in the journal. */
static const char *const day_fields[] = {"calls", "talk_ms", "members", "state"};
enum { DAY_FIELDS = sizeof day_fields / sizeof *day_fields };

static bool is_figure(const char *name) {
  return strcmp(name, "lsn") != 0;
}

unsigned side_fields(enum period_kind kind, const char *names[SIDE_FIELDS_MAX]) {
  unsigned count = 0;
  if (kind == PERIOD_DAY)
    for (; count < DAY_FIELDS; count++)
      names[count] = day_fields[count];
  if (kind == PERIOD_WEEK)
    for (unsigned i = 0; i < week_metric_count && count < SIDE_FIELDS_MAX; i++)
      if (is_figure(week_metrics[i].name)) names[count++] = week_metrics[i].name;
  if (kind == PERIOD_MONTH)
    for (unsigned i = 0; i < month_metric_count && count < SIDE_FIELDS_MAX; i++)
      if (is_figure(month_metrics[i].name)) names[count++] = month_metrics[i].name;
  return count;
}

/* --- rows as bytes --- */

enum { VALUE_ABSENT, VALUE_TEXT, VALUE_NUMBER };

static void put_value(struct writer *w, bool present, const struct metric_value *value) {
  put_u8(w, !present ? VALUE_ABSENT : value->is_text ? VALUE_TEXT : VALUE_NUMBER);
  if (present && value->is_text) put_blob(w, value->text);
  if (present && !value->is_text) put_varint_signed(w, value->number);
}

static void get_value(struct reader *r, struct replay_value *out) {
  uint8_t kind = get_u8(r);
  *out = (struct replay_value){.present = kind != VALUE_ABSENT};
  out->value.is_text = kind == VALUE_TEXT;
  if (kind == VALUE_TEXT) out->value.text = get_blob(r);
  if (kind == VALUE_NUMBER) out->value.number = get_varint_signed(r);
}

static void open_row(struct side *side, const struct centre_agent *agent, enum period_kind kind,
                     day_t first) {
  put_blob(&side->rows, slice_of(agent->id));
  put_u8(&side->rows, (uint8_t)kind);
  put_varint_signed(&side->rows, first);
}

bool side_next(struct reader *rows, struct side_row *out) {
  const char *names[SIDE_FIELDS_MAX];
  if (rows->at == rows->end) return false;
  out->agent = get_blob(rows);
  enum period_kind kind = (enum period_kind)get_u8(rows);
  out->period = period_of(kind, (day_t)get_varint_signed(rows));
  for (unsigned i = 0, count = side_fields(kind, names); i < count; i++)
    get_value(rows, &out->values[i]);
  return !rows->failed;
}

static int compare_text(struct slice a, struct slice b) {
  size_t len = a.len < b.len ? a.len : b.len;
  int order = len ? memcmp(a.data, b.data, len) : 0;
  return order ? order : (a.len > b.len) - (a.len < b.len);
}

int side_compare(const struct side_row *a, const struct side_row *b) {
  int order = compare_text(a->agent, b->agent);
  if (order) return order;
  if (a->period.kind != b->period.kind) return a->period.kind < b->period.kind ? -1 : 1;
  return (a->period.first > b->period.first) - (a->period.first < b->period.first);
}

void side_free(struct side *side) {
  writer_free(&side->rows);
}

void side_save(const struct side *side, struct writer *out) {
  for (unsigned i = 0; i < ALERT_TYPES; i++)
    put_varint(out, side->alerts[i]);
  put_blob(out, writer_slice(&side->rows));
}

bool side_load(struct slice bytes, struct slice *rows, uint64_t alerts[ALERT_TYPES]) {
  struct reader r = reader_of(bytes);
  for (unsigned i = 0; i < ALERT_TYPES; i++)
    alerts[i] = get_varint(&r);
  *rows = get_blob(&r);
  return !r.failed && r.at == r.end;
}

/* --- what is asked for --- */

struct reading {
  const struct replay_options *options;
  struct side *side;
  day_t from, to;
  bool tells; /* shows the progress */
};

static bool wants_agent(const struct replay_options *options, struct slice id) {
  if (!options->agents) return true;
  for (size_t i = 0; options->agents[i]; i++)
    if (slice_equal(slice_of(options->agents[i]), id)) return true;
  return false;
}

static bool is_about_agents(enum alert_type type) {
  switch (type) {
  case ALERT_NONE:
  case ALERT_SOURCE_DOWN:
  case ALERT_SOURCE_UP:
  case ALERT_REDIS_DOWN:
  case ALERT_REDIS_UP:
  case ALERT_JOURNAL_STALLED: return false;
  default: return true;
  }
}

/* Its id is AGENT/TYPE/PERIOD, and an agent's may hold a '/'. */
static void on_alert(void *context, struct slice id, bool raised) {
  struct reading *r = context;
  size_t slash[2] = {0}, found = 0;
  for (size_t i = id.len; i > 0 && found < 2; i--)
    if (id.data[i - 1] == '/') slash[found++] = i - 1;
  if (!raised || found < 2) return;
  struct slice agent = {id.data, slash[1]};
  struct slice text = {id.data + slash[0] + 1, id.len - slash[0] - 1};
  enum alert_type type =
      alert_type_parse((struct slice){id.data + slash[1] + 1, slash[0] - slash[1] - 1});
  struct period period;
  if (!is_about_agents(type) || !wants_agent(r->options, agent)) return;
  if (!period_parse(alert_type_period(type), text, &period)) return;
  if (period.last >= r->from && period.last <= r->to) r->side->alerts[type]++;
}

static void on_progress(void *context, uint64_t done, uint64_t total) {
  const struct reading *r = context;
  if (r->tells) r->options->progress(r->options->context, done, total);
}

/* --- the figures --- */

static void judge_at_the_end(struct fold *fold, struct day_tally *tally) {
  struct pace_facts facts;
  struct verdict verdict;
  if (fold_verdict(fold, tally, &facts, &verdict))
    centre_set_verdict(fold->centre, tally, &verdict);
}

static void put_day(struct reading *r, struct fold *fold, struct day_tally *t) {
  struct metric_value value;
  judge_at_the_end(fold, t);
  open_row(r->side, t->agent, PERIOD_DAY, t->day);
  for (unsigned f = 0; f < DAY_FIELDS; f++)
    for (unsigned i = 0; i < day_metric_count; i++) {
      if (strcmp(day_metrics[i].name, day_fields[f]) != 0) continue;
      bool present = day_metric_value(t, "", i, &value);
      put_value(&r->side->rows, present, &value);
    }
}

static void put_week(struct reading *r, const struct lead_week *week) {
  struct metric_value value;
  open_row(r->side, week->agent, PERIOD_WEEK, week->monday);
  for (unsigned i = 0; i < week_metric_count; i++)
    if (is_figure(week_metrics[i].name))
      put_value(&r->side->rows, week_metric_value(week, i, &value), &value);
}

static void put_month(struct reading *r, struct fold *fold, const struct month_tally *m) {
  struct month_state state;
  struct metric_value value;
  fold_month(fold, m, &state);
  open_row(r->side, m->agent, PERIOD_MONTH, month_first_day(m->month));
  for (unsigned i = 0; i < month_metric_count; i++)
    if (is_figure(month_metrics[i].name))
      put_value(&r->side->rows, month_metric_value(&state, i, &value), &value);
}

/* Those that end in the days that are asked for. */
static bool is_asked_week(const struct reading *r, day_t monday) {
  return monday + 6 >= r->from && monday + 6 <= r->to;
}

/* Lists have the newest first; rows go by time. */
static void put_agent(struct reading *r, struct fold *fold, struct centre_agent *agent) {
  size_t count = 0, capacity = 0;
  void **list = NULL;
  for (struct day_tally *t = agent->days; t; t = t->older) {
    list = mem_grow(list, &capacity, count + 1, sizeof *list);
    if (t->day >= r->from && t->day <= r->to) list[count++] = t;
  }
  while (count > 0)
    put_day(r, fold, list[--count]);
  for (struct lead_week *w = agent->weeks; w; w = w->older) {
    list = mem_grow(list, &capacity, count + 1, sizeof *list);
    if (is_asked_week(r, w->monday)) list[count++] = w;
  }
  while (count > 0)
    put_week(r, list[--count]);
  for (struct month_tally *m = agent->months; m; m = m->older) {
    list = mem_grow(list, &capacity, count + 1, sizeof *list);
    if (m->month >= month_of(r->from) && m->month <= month_of(r->to)) list[count++] = m;
  }
  while (count > 0)
    put_month(r, fold, list[--count]);
  free(list);
}

static int by_id(const void *a, const void *b) {
  const struct centre_agent *const *x = a, *const *y = b;
  return compare_text(slice_of((*x)->id), slice_of((*y)->id));
}

static void put_rows(struct reading *r, struct fold *fold) {
  size_t count = centre_agent_count(fold->centre);
  struct centre_agent **agents = mem_alloc((count + 1) * sizeof(struct centre_agent *));
  for (size_t i = 0; i < count; i++)
    agents[i] = centre_agent_at(fold->centre, i);
  if (count) qsort(agents, count, sizeof(struct centre_agent *), by_id);
  for (size_t i = 0; i < count; i++)
    if (wants_agent(r->options, slice_of(agents[i]->id))) put_agent(r, fold, agents[i]);
  free(agents);
}

/* Whole months, and the weeks that end in them. */
enum status side_read(const struct replay_options *options, bool others, struct side *out,
                      struct error *error) {
  struct reading r = {.options = options,
                      .side = out,
                      .from = options->from,
                      .to = options->to,
                      .tells = others && options->progress};
  struct history_options range = {.state_dir = options->state_dir,
                                  .first = week_monday(month_first_day(month_of(options->from))),
                                  .last = month_first_day(month_of(options->to) + 1) - 1,
                                  .whole_journal = true};
  struct history_visitor visitor = {
      .alert = on_alert, .progress = r.tells ? on_progress : NULL, .context = &r};
  if (others) {
    range.policy_text = options->policy_text;
    range.policy_label = options->policy_label;
  }
  *out = (struct side){.rows = {0}};
  struct history history;
  enum status status = history_read(&range, &visitor, &history, error);
  if (status == STATUS_OK) put_rows(&r, &history.engine.fold);
  history_free(&history);
  return status;
}
