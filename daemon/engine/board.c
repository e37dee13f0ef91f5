#include "callpace/engine/board.h"

#include <stdlib.h>

#include "callpace/base/mem.h"
#include "callpace/engine/figures.h"
#include "callpace/engine/intake.h"
#include "callpace/engine/view.h"

enum { ALERTS_SHOWN = 200 };
#define ABSENT (INT64_MIN + 1)

/* One agent as shown last. A text's value is its address: the board is reset when
 * texts change. */
struct row {
  const struct day_tally *tally;
  uint64_t lsn;
  msec_t state_ms;
  struct verdict verdict;
  uint64_t version; /* of the last change */
  uint64_t fields;  /* what changed then, as bits */
  int64_t values[FIGURES_MAX];
};

struct team_row {
  uint64_t version;
  struct writer json;
};

struct board {
  struct engine *engine;
  uint64_t epoch, version;
  day_t day;
  struct row *rows;
  size_t row_capacity, row_count;
  struct team_row *teams;
  size_t team_count;
  struct team_row system;
};

struct board *board_new(struct engine *engine) {
  struct board *b = mem_zalloc(sizeof *b);
  *b = (struct board){.engine = engine, .epoch = (uint64_t)engine->started_ms, .day = DAY_NONE};
  return b;
}

static void forget_rows(struct board *b) {
  for (size_t i = 0; i < b->team_count; i++)
    writer_free(&b->teams[i].json);
  free(b->teams);
  b->teams = NULL;
  b->team_count = b->row_count = 0;
}

void board_reset(struct board *b) {
  forget_rows(b);
  b->epoch++;
}

void board_free(struct board *b) {
  if (!b) return;
  forget_rows(b);
  free(b->rows);
  writer_free(&b->system.json);
  free(b);
}

/* ---- looking ---- */

static bool looks_the_same(const struct row *row, const struct day_tally *t) {
  const struct verdict *a = &row->verdict, *b = &t->verdict;
  return row->tally == t && row->lsn == t->lsn && row->state_ms == t->agent->state_ms &&
         a->state == b->state && a->calls_state == b->calls_state &&
         a->talk_state == b->talk_state && a->calls_expected == b->calls_expected &&
         a->talk_expected_ms == b->talk_expected_ms && a->coverage_bp == b->coverage_bp;
}

static int64_t value_of(const struct figures *figures, unsigned i) {
  struct metric_value value;
  if (!figure_value(figures, i, &value)) return ABSENT;
  return value.is_text ? (int64_t)(intptr_t)value.text.data : value.number;
}

static bool refresh_row(struct board *b, struct row *row, struct day_tally *t) {
  if (looks_the_same(row, t)) return false;
  bool is_new = row->tally != t;
  struct figures figures = figures_of(b->engine, t);
  uint64_t changed = 0;
  for (unsigned i = 0; i < figure_count(); i++) {
    int64_t value = value_of(&figures, i);
    if (is_new || value != row->values[i]) changed |= UINT64_C(1) << i;
    row->values[i] = value;
  }
  row->tally = t;
  row->lsn = t->lsn;
  row->state_ms = t->agent->state_ms;
  row->verdict = t->verdict;
  if (!changed) return false;
  row->fields = changed;
  row->version = b->version + 1;
  return true;
}

/* Takes the text that was just made as the row's; true when it is another. */
static bool renew_text(struct team_row *row, struct writer *made, uint64_t version) {
  bool same = slice_equal(writer_slice(&row->json), writer_slice(made));
  struct writer old = row->json;
  row->json = *made;
  *made = old;
  writer_reset(made);
  if (!same) row->version = version;
  return !same;
}

static bool refresh_agents(struct board *b) {
  struct centre *centre = b->engine->fold.centre;
  size_t count = centre_agent_count(centre);
  bool changed = false;
  b->rows = mem_grow(b->rows, &b->row_capacity, count + 1, sizeof *b->rows);
  for (; b->row_count < count; b->row_count++)
    b->rows[b->row_count] = (struct row){.tally = NULL};
  for (size_t i = 0; i < count; i++) {
    struct day_tally *t = centre_find_day(centre_agent_at(centre, i), b->day);
    if (t && refresh_row(b, &b->rows[i], t)) changed = true;
  }
  return changed;
}

static bool refresh_teams(struct board *b, struct writer *made) {
  struct centre *centre = b->engine->fold.centre;
  size_t count = centre_team_count(centre);
  bool changed = false;
  if (!b->teams) b->teams = mem_zalloc((count + 1) * sizeof *b->teams);
  b->team_count = count;
  for (size_t i = 0; i < count; i++) {
    board_put_team(made, b->engine, centre_team_at(centre, i), b->day, true);
    if (renew_text(&b->teams[i], made, b->version + 1)) changed = true;
  }
  return changed;
}

void board_refresh(struct board *b) {
  struct writer made = {0};
  day_t today = centre_today(b->engine->fold.centre);
  if (today != b->day || centre_agent_count(b->engine->fold.centre) < b->row_count ||
      (b->teams && centre_team_count(b->engine->fold.centre) != b->team_count))
    board_reset(b);
  b->day = today;
  bool changed = refresh_agents(b);
  changed |= refresh_teams(b, &made);
  json_open(&made, '{');
  board_put_system(&made, b->engine);
  json_close(&made, '}');
  changed |= renew_text(&b->system, &made, b->version + 1);
  if (changed) b->version++;
  writer_free(&made);
}

/* ---- marks ---- */

static uint64_t alerts_lsn(const struct alert_log *log) {
  uint64_t newest = log->newest ? log->newest->lsn : 0;
  return log->touched_lsn > newest ? log->touched_lsn : newest;
}

struct board_mark board_mark_now(const struct board *b) {
  return (struct board_mark){b->epoch, b->version, alerts_lsn(&b->engine->fold.alerts)};
}

void board_mark_put(struct writer *w, struct board_mark mark) {
  put_format(w, "%llx-%llx-%llx", (unsigned long long)mark.epoch, (unsigned long long)mark.version,
             (unsigned long long)mark.alerts_lsn);
}

static bool take_hex(struct slice *text, uint64_t *out) {
  static const char digits[] = "0123456789abcdef";
  size_t len = 0;
  uint64_t value = 0;
  for (const char *digit;
       len < text->len && len < 16 && text->data[len] && (digit = strchr(digits, text->data[len]));
       len++)
    value = value << 4 | (uint64_t)(digit - digits);
  *text = (struct slice){text->data + len, text->len - len};
  *out = value;
  return len > 0;
}

static bool take_dash(struct slice *text) {
  if (text->len == 0 || text->data[0] != '-') return false;
  *text = (struct slice){text->data + 1, text->len - 1};
  return true;
}

bool board_mark_parse(struct slice text, struct board_mark *out) {
  struct board_mark mark;
  if (!take_hex(&text, &mark.epoch) || !take_dash(&text) || !take_hex(&text, &mark.version) ||
      !take_dash(&text) || !take_hex(&text, &mark.alerts_lsn) || text.len > 0)
    return false;
  *out = mark;
  return true;
}

bool board_knows(const struct board *b, struct board_mark mark) {
  return mark.epoch == b->epoch && mark.version <= b->version;
}

/* ---- telling ---- */

static void put_value(struct writer *w, const struct row *row, unsigned i) {
  if (row->values[i] == ABSENT)
    json_nil(w);
  else if (figure_metric(i)->unit == UNIT_TEXT)
    json_slice(w, slice_of((const char *)(intptr_t)row->values[i]));
  else
    json_int(w, row->values[i]);
}

static bool shows(const struct viewer *viewer, const struct row *row) {
  return row->tally && viewer_sees_agent(viewer, row->tally->agent);
}

static void put_clock(const struct board *b, struct writer *w) {
  json_put_int(w, "clock_ms", b->engine->now_ms);
}

/* Agents as rows of values in the order of "fields": names once, not a thousand
 * times. */
static void put_all_agents(const struct board *b, uint64_t choice, const struct viewer *viewer,
                           struct writer *w) {
  json_key(w, "fields");
  json_open(w, '[');
  for (unsigned i = 0; i < figure_count(); i++)
    if (choice >> i & 1) json_slice(w, slice_of(figure_metric(i)->name));
  json_close(w, ']');
  json_key(w, "agents");
  json_open(w, '[');
  for (size_t r = 0; r < b->row_count; r++) {
    if (!shows(viewer, &b->rows[r])) continue;
    json_open(w, '[');
    for (unsigned i = 0; i < figure_count(); i++)
      if (choice >> i & 1) put_value(w, &b->rows[r], i);
    json_close(w, ']');
  }
  json_close(w, ']');
}

static bool put_changed_agents(const struct board *b, uint64_t choice, const struct viewer *viewer,
                               uint64_t since, struct writer *w) {
  unsigned identity = (unsigned)figure_named(SLICE("agent"));
  bool any = false;
  for (size_t r = 0; r < b->row_count; r++) {
    const struct row *row = &b->rows[r];
    if (row->version <= since || !shows(viewer, row)) continue;
    uint64_t fields = since + 1 == row->version ? row->fields : UINT64_MAX;
    fields = (fields | UINT64_C(1) << identity) & choice;
    if (!any) {
      json_key(w, "agents");
      json_open(w, '[');
    }
    any = true;
    json_open(w, '{');
    for (unsigned i = 0; i < figure_count(); i++) {
      if (!(fields >> i & 1)) continue;
      json_key(w, figure_metric(i)->name);
      put_value(w, row, i);
    }
    json_close(w, '}');
  }
  if (any) json_close(w, ']');
  return any;
}

static bool put_teams(const struct board *b, const struct viewer *viewer, uint64_t since,
                      bool even_none, struct writer *w) {
  const struct centre *centre = b->engine->fold.centre;
  bool any = even_none;
  if (any) {
    json_key(w, "teams");
    json_open(w, '[');
  }
  for (size_t i = 0; i < b->team_count; i++) {
    const struct centre_team *team = centre_team_at(centre, i);
    const struct writer *json = &b->teams[i].json;
    if (b->teams[i].version <= since || json->len == 0) continue;
    if (!viewer_sees_team(viewer, team->id)) continue;
    if (!any) {
      json_key(w, "teams");
      json_open(w, '[');
    }
    any = true;
    if (viewer->names)
      json_raw(w, writer_slice(json));
    else
      board_put_team(w, b->engine, team, b->day, false);
  }
  if (any) json_close(w, ']');
  return any;
}

static bool put_alerts(const struct board *b, const struct viewer *viewer, uint64_t since,
                       bool even_none, struct writer *w) {
  const struct alert_log *log = &b->engine->fold.alerts;
  bool any = even_none;
  if (!any && alerts_lsn(log) <= since) return false;
  json_key(w, "alerts");
  json_open(w, '[');
  size_t skip = log->count > ALERTS_SHOWN ? log->count - ALERTS_SHOWN : 0;
  for (const struct alert_entry *entry = log->oldest; entry; entry = entry->newer) {
    if (skip > 0 && skip--) continue;
    if (entry->lsn <= since && entry->touched_lsn <= since) continue;
    if (viewer_put_alert(viewer, b->engine, entry, w)) any = true;
  }
  json_close(w, ']');
  return any;
}

void board_put_all(const struct board *b, const struct viewer *viewer, struct writer *w) {
  char day[DAY_TEXT_SIZE] = "";
  if (b->day != DAY_NONE) day_format(b->day, day);
  json_open(w, '{');
  json_put_text(w, "day", day[0] ? day : NULL);
  put_clock(b, w);
  json_put_text(w, "timezone", zone_name(b->engine->settings->policy->calendar.zone));
  put_all_agents(b, viewer_figures(viewer), viewer, w);
  put_teams(b, viewer, 0, true, w);
  put_alerts(b, viewer, 0, true, w);
  json_key(w, "system");
  json_raw(w, writer_slice(&b->system.json));
  json_close(w, '}');
}

bool board_put_changes(const struct board *b, const struct viewer *viewer, struct board_mark since,
                       struct writer *w) {
  size_t begin = w->len;
  json_open(w, '{');
  put_clock(b, w);
  bool any = put_changed_agents(b, viewer_figures(viewer), viewer, since.version, w);
  any |= put_teams(b, viewer, since.version, false, w);
  any |= put_alerts(b, viewer, since.alerts_lsn, false, w);
  if (b->system.version > since.version) {
    json_key(w, "system");
    json_raw(w, writer_slice(&b->system.json));
    any = true;
  }
  json_close(w, '}');
  if (!any) w->len = begin;
  return any;
}

/* ---- shared with the API ---- */

static const struct team_day *team_day_of(const struct centre_team *team, day_t day) {
  const struct team_day *t = team->days;
  while (t && t->day != day)
    t = t->older;
  return t;
}

static const struct team *rostered_team(const struct engine *e, const char *id) {
  const struct roster *roster = e->settings->roster;
  for (size_t i = 0; i < roster->team_count; i++)
    if (strcmp(roster->teams[i].id, id) == 0) return &roster->teams[i];
  return NULL;
}

void board_put_team(struct writer *w, const struct engine *e, const struct centre_team *team,
                    day_t day, bool names) {
  const struct team_day *t = team_day_of(team, day);
  const struct team *rostered = rostered_team(e, team->id);
  json_open(w, '{');
  json_put_text(w, "team", team->id);
  if (rostered) json_put_text(w, "name", rostered->name);
  if (rostered && names && rostered->lead[0]) json_put_text(w, "lead", rostered->lead);
  for (unsigned i = 0; t && i < team_metric_count; i++) {
    struct metric_value value;
    if (team_metric_value(t, i, &value)) metric_put_json(w, &team_metrics[i], &value);
  }
  json_close(w, '}');
}

static void put_source(void *context, const struct intake_report *report) {
  struct writer *w = context;
  json_open(w, '{');
  json_put_text(w, "name", report->name);
  json_put_text(w, "type", report->type);
  json_put_text(w, "state", report->is_up ? "up" : "down");
  json_put_int(w, "since_ms", report->since_ms);
  json_close(w, '}');
}

void board_put_system(struct writer *w, const struct engine *e) {
  json_put_text(w, "node", e->config->node);
  json_put_text(w, "state", e->stopping ? "stopping" : e->stalled ? "journal.stalled" : "running");
  json_put_bool(w, "redis", view_is_up(e->view));
  json_key(w, "sources");
  json_open(w, '[');
  intake_each(e->intake, put_source, w);
  json_close(w, ']');
}
