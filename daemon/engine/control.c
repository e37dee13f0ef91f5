#include "callpace/engine/control.h"

#include <grp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callpace/base/log.h"
#include "callpace/base/mem.h"
#include "callpace/core/metric.h"
#include "callpace/core/report.h"
#include "callpace/engine/care.h"
#include "callpace/engine/pipeline.h"
#include "callpace/engine/reload.h"
#include "callpace/engine/stats.h"
#include "callpace/engine/web.h"
#include "control_internal.h"

enum { CLIENTS_MAX = 64, REPLY_MAX = 64 << 20 };

struct follower {
  struct follower *next, **link;
  struct session *session;
  uint64_t told_lsn;
};

struct slice control_argument(const struct request *r, const char *key) {
  for (unsigned i = 0; i < r->object.count; i++)
    if (slice_equal(r->object.members[i].key, slice_of(key))) return r->object.members[i].value;
  return (struct slice){0};
}

/* ---- replies ---- */

void control_refuse(struct request *r, enum status status, const char *text) {
  struct writer *w = &r->control->out;
  writer_reset(w);
  json_open(w, '{');
  json_put_bool(w, "ok", false);
  json_put_int(w, "status", status);
  json_put_text(w, "error", text);
  json_close(w, '}');
}

/* Whoever shows a time to people shows it in the centre's zone. */
static void put_zone(const struct engine *e, struct writer *w) {
  json_put_text(w, "timezone", zone_name(e->settings->policy->calendar.zone));
}

struct writer *control_reply(struct request *r) {
  struct writer *w = &r->control->out;
  writer_reset(w);
  json_open(w, '{');
  json_put_bool(w, "ok", true);
  put_zone(r->control->engine, w);
  json_key(w, "data");
  return w;
}

static void put_value(struct writer *w, const struct metric *metric,
                      const struct metric_value *value) {
  if (value->is_text)
    json_put_string(w, metric->name, value->text);
  else
    json_put_int(w, metric->name, value->number);
}

static void put_day_fields(struct writer *w, const struct engine *e, const struct day_tally *t) {
  for (unsigned i = 0; i < day_metric_count; i++) {
    struct metric_value value;
    if (day_metric_value(t, e->config->node, i, &value)) put_value(w, &day_metrics[i], &value);
  }
}

/* Absent where the day is judged by nothing. */
static void put_forecast(struct writer *w, struct engine *e, struct day_tally *t) {
  struct forecast forecast;
  if (!fold_forecast(&e->fold, t, &forecast)) return;
  json_key(w, "forecast");
  json_open(w, '{');
  for (unsigned i = 0; i < forecast_metric_count; i++) {
    struct metric_value value;
    if (forecast_metric_value(&forecast, i, &value)) put_value(w, &forecast_metrics[i], &value);
  }
  json_close(w, '}');
}

static void put_month(struct writer *w, const struct engine *e, const struct month_tally *t) {
  struct month_state state;
  fold_month(&e->fold, t, &state);
  json_open(w, '{');
  for (unsigned i = 0; i < month_metric_count; i++) {
    struct metric_value value;
    if (month_metric_value(&state, i, &value)) put_value(w, &month_metrics[i], &value);
  }
  json_close(w, '}');
}

static void put_week(struct writer *w, const struct lead_week *week) {
  json_open(w, '{');
  for (unsigned i = 0; i < week_metric_count; i++) {
    struct metric_value value;
    if (week_metric_value(week, i, &value)) put_value(w, &week_metrics[i], &value);
  }
  json_close(w, '}');
}

/* Absent where nothing can follow from the week any more. */
static void put_week_forecast(struct writer *w, struct engine *e, struct lead_week *week) {
  struct week_forecast forecast;
  if (!week || !fold_week_forecast(&e->fold, week, &forecast)) return;
  json_key(w, "week_forecast");
  json_open(w, '{');
  for (unsigned i = 0; i < week_forecast_metric_count; i++) {
    struct metric_value value;
    if (week_forecast_metric_value(&forecast, i, &value))
      put_value(w, &week_forecast_metrics[i], &value);
  }
  json_close(w, '}');
}

/* ---- commands ---- */

static void do_status(struct request *r) {
  stats_put_status(r->control->engine, control_reply(r));
  json_close(&r->control->out, '}');
}

/* The day asked for, else today. DAY_NONE when the argument is no date. */
static day_t day_asked(const struct request *r) {
  struct slice text = control_argument(r, "day");
  day_t day = centre_today(r->control->engine->fold.centre);
  if (text.len && !day_parse(text, &day)) return DAY_NONE;
  return day;
}

/* The day as Redis holds it, and beside it where it will end. */
static void put_agent_day(struct writer *w, struct engine *e, struct day_tally *t) {
  json_key(w, "day");
  if (!t) {
    json_nil(w);
    return;
  }
  json_open(w, '{');
  put_day_fields(w, e, t);
  json_close(w, '}');
  put_forecast(w, e, t);
}

static void do_agent(struct request *r) {
  struct engine *e = r->control->engine;
  struct slice id = centre_resolve_agent(e->fold.centre, control_argument(r, "id"));
  struct centre_agent *agent = centre_find_agent(e->fold.centre, id);
  day_t day = day_asked(r);
  if (!agent) {
    control_refuse(r, STATUS_USAGE,
                   "no such agent on the roster, and none of that name has called");
    return;
  }
  if (day == DAY_NONE) {
    control_refuse(r, STATUS_USAGE, "day: expected YYYY-MM-DD (and none has begun yet)");
    return;
  }
  struct writer *w = control_reply(r);
  struct day_tally *t = centre_find_day(agent, day);
  struct lead_week *week = centre_find_week(agent, week_monday(day));
  const struct month_tally *m = centre_find_month(agent, month_of(day));
  json_open(w, '{');
  put_agent_day(w, e, t);
  json_key(w, "week");
  if (week)
    put_week(w, week);
  else
    json_nil(w);
  put_week_forecast(w, e, week);
  json_key(w, "month");
  if (m)
    put_month(w, e, m);
  else
    json_nil(w);
  json_close(w, '}');
  json_close(w, '}');
}

static void put_team(struct writer *w, const struct centre_team *team, day_t day) {
  const struct team_day *t = team->days;
  while (t && t->day != day)
    t = t->older;
  if (!t) return;
  json_open(w, '{');
  json_put_text(w, "team", team->id);
  for (unsigned i = 0; i < team_metric_count; i++) {
    struct metric_value value;
    if (team_metric_value(t, i, &value)) put_value(w, &team_metrics[i], &value);
  }
  json_close(w, '}');
}

static void do_board(struct request *r) {
  struct engine *e = r->control->engine;
  struct centre *centre = e->fold.centre;
  day_t day = day_asked(r);
  char text[DAY_TEXT_SIZE] = "";
  if (day != DAY_NONE) day_format(day, text);
  struct writer *w = control_reply(r);
  json_open(w, '{');
  json_put_text(w, "day", text[0] ? text : NULL);
  json_put_int(w, "clock_ms", e->now_ms);
  json_key(w, "http");
  web_put_status(e->web, w);
  json_key(w, "agents");
  json_open(w, '[');
  for (size_t i = 0; i < centre_agent_count(centre); i++) {
    struct day_tally *t = centre_find_day(centre_agent_at(centre, i), day);
    if (!t) continue;
    json_open(w, '{');
    put_day_fields(w, e, t);
    put_forecast(w, e, t);
    json_close(w, '}');
  }
  json_close(w, ']');
  json_key(w, "teams");
  json_open(w, '[');
  for (size_t i = 0; i < centre_team_count(centre); i++)
    put_team(w, centre_team_at(centre, i), day);
  json_close(w, ']');
  json_close(w, '}');
  json_close(w, '}');
}

/* The day, week or month asked for, else the running one. */
static bool period_asked(const struct request *r, struct period *out) {
  struct slice kind = control_argument(r, "kind"), text = control_argument(r, "period");
  day_t today = centre_today(r->control->engine->fold.centre);
  for (unsigned i = 0; i < PERIOD_KINDS; i++) {
    if (!slice_equal(kind, slice_of(period_kind_name((enum period_kind)i)))) continue;
    if (text.len) return period_parse((enum period_kind)i, text, out);
    *out = period_of((enum period_kind)i, today);
    return today != DAY_NONE;
  }
  return false;
}

static void do_report(struct request *r) {
  struct engine *e = r->control->engine;
  enum report_format format = report_format_parse(control_argument(r, "format"));
  struct report_options options = {.fold = &e->fold,
                                   .node = e->config->node,
                                   .team = control_argument(r, "team"),
                                   .chinese =
                                       slice_equal(control_argument(r, "language"), SLICE("zh"))};
  if (!period_asked(r, &options.period)) {
    control_refuse(r, STATUS_USAGE, "kind: expected day, week or month, and a period of that kind");
    return;
  }
  if (options.period.first < centre_kept_since(e->fold.centre)) {
    control_refuse(r, STATUS_UNAVAILABLE, "older than what the daemon has at hand");
    return;
  }
  if (!report_team_exists(&options)) {
    control_refuse(r, STATUS_USAGE, "no such team on the roster");
    return;
  }
  struct writer text = {0}, *w = control_reply(r);
  report_write(&options, format, &text);
  if (format == REPORT_CSV || format == REPORT_HTML)
    json_slice(w, writer_slice(&text));
  else
    json_raw(w, writer_slice(&text));
  json_close(w, '}');
  writer_free(&text);
}

static void tell_alert(struct control *control, struct session *session,
                       const struct alert_entry *entry) {
  writer_reset(&control->out);
  json_open(&control->out, '{');
  put_zone(control->engine, &control->out);
  json_key(&control->out, "data");
  care_put_alert(control->engine, entry, &control->out);
  json_close(&control->out, '}');
  put_char(&control->out, '\n');
  session_send(session, writer_slice(&control->out));
}

static void tell_new_alerts(struct control *control, struct follower *f) {
  uint64_t durable = journal_durable_lsn(control->engine->journal);
  const struct alert_entry *entry = alert_log_after(&control->engine->fold.alerts, f->told_lsn);
  for (; entry && entry->lsn <= durable; entry = entry->newer) {
    f->told_lsn = entry->lsn;
    if (!entry->notice) tell_alert(control, f->session, entry);
  }
}

static void do_alerts(struct request *r) {
  struct control *control = r->control;
  const struct alert_log *log = &control->engine->fold.alerts;
  struct slice follow = control_argument(r, "follow");
  if (slice_equal(follow, SLICE("true"))) {
    writer_reset(&control->out);
    if (session_data(r->session)) return; /* follows already */
    struct follower *f = mem_zalloc(sizeof *f);
    *f = (struct follower){
        .session = r->session, .next = control->followers, .link = &control->followers};
    if (f->next) f->next->link = &f->next;
    control->followers = f;
    session_set_data(r->session, f);
    tell_new_alerts(control, f);
    writer_reset(&control->out);
    return;
  }
  struct writer *w = control_reply(r);
  json_open(w, '[');
  for (const struct alert_entry *entry = log->oldest; entry; entry = entry->newer)
    if (!entry->notice) care_put_alert(control->engine, entry, w);
  json_close(w, ']');
  json_close(w, '}');
}

static void do_ack(struct request *r) {
  struct error why = {0};
  struct slice id = control_argument(r, "id");
  enum status status = care_acknowledge(r->control->engine, id, control_argument(r, "by"),
                                        control_argument(r, "note"), &why);
  if (status != STATUS_OK) {
    control_refuse(r, status, why.text);
    return;
  }
  struct writer *w = control_reply(r);
  json_open(w, '{');
  json_put_string(w, "id", id);
  json_close(w, '}');
  json_close(w, '}');
}

static void do_alert_stats(struct request *r) {
  care_put_stats(r->control->engine, control_reply(r));
  json_close(&r->control->out, '}');
}

static void do_reload(struct request *r) {
  struct error why = {0};
  enum status status = reload_run(r->control->engine, &why);
  if (status != STATUS_OK) {
    control_refuse(r, status, why.text);
    return;
  }
  struct writer *w = control_reply(r);
  json_open(w, '{');
  json_put_text(w, "file", r->control->engine->config_path);
  json_put_uint(w, "agents", r->control->engine->settings->roster->agent_count);
  json_close(w, '}');
  json_close(w, '}');
}

static void serve(struct request *r, struct slice line) {
  static const struct {
    const char *name;
    void (*run)(struct request *r);
  } commands[] = {{"status", do_status},
                  {"agent", do_agent},
                  {"alerts", do_alerts},
                  {"board", do_board},
                  {"report", do_report},
                  {"reload", do_reload},
                  {"ack", do_ack},
                  {"alert-stats", do_alert_stats},
                  {"score", control_score},
                  {"score-add", control_score_add},
                  {"score-reverse", control_score_reverse},
                  {"leads", control_leads},
                  {"lead-weeks", control_lead_weeks},
                  {"lead-pool", control_lead_pool},
                  {"lead-proposals", control_lead_proposals},
                  {"lead-approve", control_lead_approve},
                  {"lead-reject", control_lead_reject},
                  {"timeline", control_timeline}};
  struct writer *w = &r->control->out;
  struct slice name = {0};
  if (flat_json_scan(line, &r->object) == FLAT_OK) name = control_argument(r, "command");
  control_refuse(r, STATUS_USAGE,
                 "expected one of the commands status, agent, alerts, board, report, reload, ack, "
                 "alert-stats, score, score-add, score-reverse, leads, lead-weeks, lead-pool, "
                 "lead-proposals, lead-approve, lead-reject, "
                 "timeline");
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (slice_equal(name, slice_of(commands[i].name))) commands[i].run(r);
  if (w->len == 0) return;
  put_char(w, '\n');
  session_send(r->session, writer_slice(w));
  if (w->capacity > (1 << 20)) writer_free(w);
}

/* ---- sessions ---- */

static size_t on_bytes(struct session *session, const char *data, size_t len, bool end,
                       void *user) {
  (void)end;
  struct control *control = user;
  struct request request = {.control = control, .session = session};
  pipeline_begin(control->engine);
  const char *at = data, *newline;
  while ((newline = memchr(at, '\n', len - (size_t)(at - data)))) {
    serve(&request, (struct slice){at, (size_t)(newline - at)});
    at = newline + 1;
  }
  return (size_t)(at - data);
}

static void on_opened(struct session *session, void *user) {
  (void)user;
  session_set_unsent_max(session, REPLY_MAX);
}

static void on_closed(struct session *session, const char *reason, void *user) {
  (void)reason;
  (void)user;
  struct follower *f = session_data(session);
  if (!f) return;
  if (f->next) f->next->link = f->link;
  *f->link = f->next;
  free(f);
}

static const struct session_handler control_sessions = {on_opened, on_bytes, on_closed, NULL};

/* Authorised by who may open the socket. */
static enum status give_to_group(const struct config *config, struct error *error) {
  if (!config->control.group) return STATUS_OK;
  const struct group *group = getgrnam(config->control.group);
  if (!group)
    return error_set(error, STATUS_CONFIG, "control.group: no group %s", config->control.group);
  if (chown(config->control.socket, (uid_t)-1, group->gr_gid) == 0) return STATUS_OK;
  return error_set_errno(error, STATUS_PERMISSION, "cannot give %s to group %s",
                         config->control.socket, config->control.group);
}

enum status control_open(struct engine *e, struct control **out, struct error *error) {
  struct listen_options options = {.address = {.is_unix = true},
                                   .max_connections = CLIENTS_MAX,
                                   .unread_max = FLAT_LINE_MAX,
                                   .socket_mode = (unsigned)e->config->control.mode};
  const char *path = e->config->control.socket;
  if (strlen(path) >= sizeof options.address.host)
    return error_set(error, STATUS_CONFIG, "control.socket is too long: %s", path);
  memcpy(options.address.host, path, strlen(path));
  struct control *control = mem_zalloc(sizeof *control);
  control->engine = e;
  enum status status = listener_open(e->control_hub, &options, &control_sessions, control,
                                     &control->listener, error);
  if (status == STATUS_OK) status = give_to_group(e->config, error);
  if (status != STATUS_OK) {
    control_close(control);
    return status;
  }
  *out = control;
  return STATUS_OK;
}

void control_publish(struct control *control) {
  for (struct follower *f = control->followers; f; f = f->next)
    tell_new_alerts(control, f);
}

void control_close(struct control *control) {
  if (!control) return;
  listener_close(control->listener);
  writer_free(&control->out);
  free(control);
}
