/* The answers under /api/v1/: figures of today or of a day that is asked for, as
 * JSON with the field names of CONTRACT section 4. doc/openapi.json. */
#include <stdio.h>
#include <stdlib.h>

#include "callpace/base/crc32c.h"
#include "callpace/engine/figures.h"
#include "callpace/engine/timeline.h"
#include "web_internal.h"

enum { NAME_MAX_LEN = 64, FIELDS_TEXT_MAX = 1024, PAGE_DEFAULT = 1000, PAGE_MAX = 10000 };

/* What is common to the questions about figures. */
struct question {
  struct exchange *x;
  struct engine *engine;
  const struct viewer *viewer;
  day_t day;
  uint64_t choice; /* figures, as bits */
  int64_t limit;
  char after[256]; /* the id that ended the page before; "" */
  char team[NAME_MAX_LEN + 1], state[NAME_MAX_LEN + 1];
};

/* ---- reading the question ---- */

static bool bad_field(struct question *q, const char *message) {
  exchange_fail(q->x, 400, "bad_query", message);
  return false;
}

/* False for a value that is not well formed; `out` stays "" when there is none. */
static bool take_text(struct question *q, const char *name, char *out, size_t size) {
  out[0] = 0;
  int len = http_field(q->x->request.query, name, out, size);
  return len != HTTP_BROKEN || bad_field(q, "a field of the query is not well formed");
}

static bool take_day(struct question *q) {
  char text[DAY_TEXT_SIZE];
  if (!take_text(q, "day", text, sizeof text)) return false;
  q->day = centre_today(q->engine->fold.centre);
  if (text[0] == 0 || day_parse(slice_of(text), &q->day)) return true;
  return bad_field(q, "day: a date as 2026-11-23 is expected");
}

static bool take_fields(struct question *q) {
  char text[FIELDS_TEXT_MAX];
  if (!take_text(q, "fields", text, sizeof text)) return false;
  q->choice = viewer_figures(q->viewer);
  if (text[0] == 0) return true;
  uint64_t wanted = 0;
  char *rest = text;
  for (char *name; (name = strsep(&rest, ","));) {
    int figure = figure_named(slice_of(name));
    if (figure < 0) return bad_field(q, "fields: there is no field of that name");
    wanted |= UINT64_C(1) << figure;
  }
  q->choice &= wanted;
  return true;
}

static bool take_limit(struct question *q) {
  char text[16];
  if (!take_text(q, "limit", text, sizeof text)) return false;
  q->limit = PAGE_DEFAULT;
  if (text[0] == 0) return true;
  char *end;
  q->limit = strtol(text, &end, 10);
  if (*end == 0 && text[0] != '-' && q->limit >= 1 && q->limit <= PAGE_MAX) return true;
  return bad_field(q, "limit: 1 to 10000 is expected");
}

/* ---- pieces ---- */

static struct figures figures_of_day(const struct question *q, const struct centre_agent *agent,
                                     bool *found) {
  struct day_tally *t = centre_find_day(agent, q->day);
  *found = t != NULL;
  return t ? figures_of(q->engine, t) : (struct figures){.engine = q->engine};
}

static bool is_wanted(const struct question *q, const struct figures *f) {
  struct metric_value value;
  const struct agent *rostered = f->tally->agent->rostered;
  if (q->team[0] && !(rostered && rostered->team && strcmp(rostered->team->id, q->team) == 0))
    return false;
  if (q->state[0] == 0) return true;
  int state = figure_named(SLICE("state"));
  return figure_value(f, (unsigned)state, &value) && slice_equal(value.text, slice_of(q->state));
}

static void open_answer(struct question *q) {
  char text[DAY_TEXT_SIZE] = "";
  if (q->day != DAY_NONE) day_format(q->day, text);
  q->x->type = "application/json";
  json_open(q->x->body, '{');
  json_put_text(q->x->body, "day", text[0] ? text : NULL);
  json_put_int(q->x->body, "clock_ms", q->engine->now_ms);
  q->x->tag_from = q->x->body->len; /* the clock alone makes no other answer */
  json_put_text(q->x->body, "timezone", zone_name(q->engine->settings->policy->calendar.zone));
}

static void close_answer(struct question *q) {
  json_close(q->x->body, '}');
  put_char(q->x->body, '\n');
}

/* ---- questions ---- */

/* Where the page begins: behind the agent of that id. */
static size_t page_begin(const struct question *q) {
  const struct centre *centre = q->engine->fold.centre;
  size_t count = centre_agent_count(centre), i = 0;
  if (q->after[0] == 0) return 0;
  while (i < count && strcmp(centre_agent_at(centre, i)->id, q->after) != 0)
    i++;
  return i < count ? i + 1 : count;
}

static void serve_agents(struct question *q) {
  const struct centre *centre = q->engine->fold.centre;
  struct writer *w = q->x->body;
  const char *last = NULL, *next = NULL;
  int64_t left = q->limit;
  open_answer(q);
  json_key(w, "agents");
  json_open(w, '[');
  for (size_t i = page_begin(q); i < centre_agent_count(centre) && !next; i++) {
    bool found;
    const struct centre_agent *agent = centre_agent_at(centre, i);
    struct figures figures = figures_of_day(q, agent, &found);
    if (!found || !viewer_sees_agent(q->viewer, agent) || !is_wanted(q, &figures)) continue;
    if (left-- == 0) {
      next = last;
      continue;
    }
    figures_put(&figures, q->choice, w);
    last = agent->id;
  }
  json_close(w, ']');
  json_put_text(w, "next", next);
  close_answer(q);
}

static void put_month(struct question *q, const struct centre_agent *agent) {
  struct writer *w = q->x->body;
  struct month_tally *t = q->day == DAY_NONE ? NULL : centre_find_month(agent, month_of(q->day));
  json_key(w, "month");
  if (!t) {
    json_nil(w);
    return;
  }
  struct month_state state;
  fold_month(&q->engine->fold, t, &state);
  json_open(w, '{');
  for (unsigned i = 0; i < month_metric_count; i++) {
    struct metric_value value;
    if (month_metric_value(&state, i, &value)) metric_put_json(w, &month_metrics[i], &value);
  }
  json_close(w, '}');
}

static void put_week(struct question *q, const struct centre_agent *agent) {
  struct writer *w = q->x->body;
  struct lead_week *week = q->day == DAY_NONE ? NULL : centre_find_week(agent, week_monday(q->day));
  struct week_forecast forecast;
  struct metric_value value;
  json_key(w, "week");
  if (!week) {
    json_nil(w);
    return;
  }
  json_open(w, '{');
  for (unsigned i = 0; i < week_metric_count; i++)
    if (week_metric_value(week, i, &value)) metric_put_json(w, &week_metrics[i], &value);
  json_close(w, '}');
  if (!fold_week_forecast(&q->engine->fold, week, &forecast)) return;
  json_key(w, "week_forecast");
  json_open(w, '{');
  for (unsigned i = 0; i < week_forecast_metric_count; i++)
    if (week_forecast_metric_value(&forecast, i, &value))
      metric_put_json(w, &week_forecast_metrics[i], &value);
  json_close(w, '}');
}

/* The id in "ID/timeline"; NULL data: it is no such path. */
static struct slice timeline_of(struct slice path) {
  static const char end[] = "/timeline";
  const size_t len = sizeof end - 1;
  if (path.len <= len || memcmp(path.data + path.len - len, end, len) != 0)
    return (struct slice){0};
  return (struct slice){path.data, path.len - len};
}

static void serve_timeline(struct question *q, struct slice id) {
  struct centre *centre = q->engine->fold.centre;
  const struct centre_agent *agent = centre_find_agent(centre, centre_resolve_agent(centre, id));
  struct day_tally *tally = agent && q->day != DAY_NONE ? centre_find_day(agent, q->day) : NULL;
  if (!tally || !viewer_sees_agent(q->viewer, agent)) {
    exchange_fail(q->x, 404, "unknown_agent", "nothing is known of that agent on that day");
    return;
  }
  q->x->type = "application/json";
  timeline_put(q->x->body, q->engine, tally);
  put_char(q->x->body, '\n');
}

static void serve_agent(struct question *q, struct slice id) {
  struct centre *centre = q->engine->fold.centre;
  const struct centre_agent *agent = centre_find_agent(centre, centre_resolve_agent(centre, id));
  if (!agent || !viewer_sees_agent(q->viewer, agent)) {
    exchange_fail(q->x, 404, "unknown_agent", "no such agent");
    return;
  }
  bool found;
  struct figures figures = figures_of_day(q, agent, &found);
  struct writer *w = q->x->body;
  q->x->type = "application/json";
  json_open(w, '{');
  json_key(w, "day");
  if (found)
    figures_put(&figures, q->choice, w);
  else
    json_nil(w);
  put_week(q, agent);
  put_month(q, agent);
  close_answer(q);
}

static void serve_below_agents(struct question *q, struct slice path) {
  struct slice id = timeline_of(path);
  if (id.data)
    serve_timeline(q, id);
  else
    serve_agent(q, path);
}

static void serve_teams(struct question *q) {
  const struct centre *centre = q->engine->fold.centre;
  struct writer *w = q->x->body;
  open_answer(q);
  json_key(w, "teams");
  json_open(w, '[');
  for (size_t i = 0; i < centre_team_count(centre); i++) {
    const struct centre_team *team = centre_team_at(centre, i);
    if (viewer_sees_team(q->viewer, team->id))
      board_put_team(w, q->engine, team, q->day, q->viewer->names);
  }
  json_close(w, ']');
  close_answer(q);
}

/* The newest last. `after`: the lsn that ended the page before. */
static void serve_alerts(struct question *q) {
  struct writer *w = q->x->body;
  uint64_t after = q->after[0] ? strtoull(q->after, NULL, 10) : 0, last = 0;
  int64_t left = q->limit;
  bool more = false;
  q->x->type = "application/json";
  json_open(w, '{');
  json_key(w, "alerts");
  json_open(w, '[');
  const struct alert_entry *entry = q->engine->fold.alerts.oldest;
  for (; entry && !more; entry = entry->newer) {
    if (entry->lsn <= after) continue;
    more = left == 0;
    if (more || !viewer_put_alert(q->viewer, q->engine, entry, w)) continue;
    left--;
    last = entry->lsn;
  }
  json_close(w, ']');
  char next[24];
  snprintf(next, sizeof next, "%llu", (unsigned long long)last);
  json_put_text(w, "next", more ? next : NULL);
  close_answer(q);
}

/* ---- the table ---- */

static void add_tag(struct exchange *x) {
  char tag[40];
  struct slice content = {x->body->data + x->tag_from, x->body->len - x->tag_from};
  snprintf(tag, sizeof tag, "W/\"%08x%08x%zx\"", crc32c(0, content.data, content.len),
           table_hash(content), content.len);
  put_format(x->extra, "ETag: %s\r\n", tag);
  struct slice given = x->request.headers[HTTP_IF_NONE_MATCH];
  if (given.data && http_tag_matches(given, slice_of(tag))) x->status = 304;
}

static bool take_question(struct question *q) {
  return take_day(q) && take_fields(q) && take_limit(q) &&
         take_text(q, "after", q->after, sizeof q->after) &&
         take_text(q, "team", q->team, sizeof q->team) &&
         take_text(q, "state", q->state, sizeof q->state);
}

void api_serve(struct exchange *x, struct slice path) {
  struct question q = {.x = x, .engine = x->web->engine, .viewer = &x->badge->viewer};
  if (slice_equal(path, SLICE("stream"))) {
    stream_begin(x);
    return;
  }
  if (!take_question(&q)) return;
  if (slice_equal(path, SLICE("agents")))
    serve_agents(&q);
  else if (path.len > 7 && memcmp(path.data, "agents/", 7) == 0)
    serve_below_agents(&q, (struct slice){path.data + 7, path.len - 7});
  else if (slice_equal(path, SLICE("overview")))
    overview_serve(x);
  else if (slice_equal(path, SLICE("teams")))
    serve_teams(&q);
  else if (slice_equal(path, SLICE("alerts")))
    serve_alerts(&q);
  else
    exchange_fail(x, 404, "not_found", "there is nothing here");
  if (x->status == 200) add_tag(x);
}
