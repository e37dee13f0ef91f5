/* What is known: the daemon's answers, and rows made of them. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "callpace/base/mem.h"
#include "callpace/control.h"
#include "callpace/top.h"

enum { BP_ONE = 10000 };

void top_model_init(struct top_model *model) {
  *model = (struct top_model){.last_alert = json_object(), .open_alerts = json_object()};
}

void top_model_forget_agent(struct top_model *model) {
  top_model_set(&model->agent, NULL);
  top_model_set(&model->timeline, NULL);
}

void top_model_forget_alerts(struct top_model *model) {
  json_object_clear(model->last_alert);
  json_object_clear(model->open_alerts);
}

void top_model_free(struct top_model *model) {
  top_model_forget_agent(model);
  top_model_set(&model->board, NULL);
  top_model_set(&model->status, NULL);
  json_decref(model->last_alert);
  json_decref(model->open_alerts);
}

void top_model_set(json_t **place, json_t *answer) {
  json_decref(*place);
  *place = answer;
}

void top_model_alert(struct top_model *model, json_t *alert) {
  const char *id = json_string_value(json_object_get(alert, "id"));
  const char *agent = json_string_value(json_object_get(alert, "agent"));
  const char *state = json_string_value(json_object_get(alert, "state"));
  if (id && state) {
    if (strcmp(state, "resolved") == 0)
      json_object_del(model->open_alerts, id);
    else
      json_object_set(model->open_alerts, id, alert);
    if (agent && *agent) json_object_set(model->last_alert, agent, alert);
  }
  json_decref(alert);
}

bool top_alert_is_past(const struct top_model *model, const json_t *alert) {
  char room[32], today[32];
  struct slice type = json_text(alert, "type", room);
  if (type.len < 4 || memcmp(type.data, "day.", 4) != 0) return false;
  return !slice_equal(json_text(alert, "period", room), json_text(model->board, "day", today));
}

/* --- states --- */

static const struct {
  const char *name;
  char letter;
  unsigned style;
} states[TOP_STATES] = {
    [TOP_BEHIND] = {"behind", 'B', GRID_YELLOW | FRAME_BOLD},
    [TOP_UNREACHABLE] = {"unreachable", 'U', GRID_RED | FRAME_BOLD},
    [TOP_MISSED] = {"missed", 'X', GRID_RED},
    [TOP_UNKNOWN] = {"unknown", '?', FRAME_DIM},
    [TOP_WARMING] = {"warming", 'W', GRID_PLAIN},
    [TOP_ON_PACE] = {"on_pace", 'P', GRID_CYAN},
    [TOP_MET] = {"met", 'M', GRID_GREEN},
    [TOP_EXEMPT] = {"exempt", 'E', FRAME_DIM},
    [TOP_UNROSTERED] = {"unrostered", 'N', FRAME_DIM},
};

const char *top_state_name(enum top_state state) {
  return states[state].name;
}

char top_state_letter(enum top_state state) {
  return states[state].letter;
}

unsigned top_state_style(enum top_state state) {
  return states[state].style;
}

enum top_state top_state_of(struct slice name) {
  for (unsigned i = 0; i < TOP_STATES; i++)
    if (slice_equal(name, slice_of(states[i].name))) return (enum top_state)i;
  return TOP_UNKNOWN;
}

static enum top_state state_at(const json_t *object, const char *key) {
  char room[32];
  return top_state_of(json_text(object, key, room));
}

/* --- rows --- */

static const char *text_at(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  return text ? text : "";
}

/* -1 where nothing is expected yet, or it is done. */
static int64_t pace_of(int64_t done, int64_t expected) {
  return expected > 0 ? done * BP_ONE / expected : -1;
}

static int64_t lower_pace(const struct top_row *row, msec_t talk_ms) {
  int64_t calls = pace_of(row->calls, row->calls_expected);
  int64_t talk = pace_of(talk_ms, row->talk_expected_ms);
  return calls < 0 || (talk >= 0 && talk < calls) ? talk : calls;
}

static void read_forecast(struct top_row *row, const json_t *forecast) {
  row->calls_forecast = json_number(forecast, "calls_forecast", -1);
  row->calls_low = json_number(forecast, "calls_forecast_low", -1);
  row->calls_high = json_number(forecast, "calls_forecast_high", -1);
  row->talk_forecast_ms = json_number(forecast, "talk_forecast_ms", -1);
  row->talk_low_ms = json_number(forecast, "talk_forecast_low_ms", -1);
  row->talk_high_ms = json_number(forecast, "talk_forecast_high_ms", -1);
  row->last_useful_ms = json_number(forecast, "last_useful_ms", MSEC_NONE);
  row->binds = text_at(forecast, "binds");
}

static void read_figures(struct top_row *row, const json_t *object) {
  row->calls = json_number(object, "calls", 0);
  row->calls_target = json_number(object, "calls_target", 0);
  row->calls_expected = json_number(object, "calls_expected", 0);
  row->talk_ms = json_number(object, "talk_ms", 0);
  row->talk_target_ms = json_number(object, "talk_target_ms", 0);
  row->talk_expected_ms = json_number(object, "talk_expected_ms", 0);
  row->dials = json_number(object, "dials", 0);
}

static void read_activity(struct top_row *row, const json_t *object, msec_t clock_ms) {
  msec_t since = json_number(object, "on_call_since_ms", 0);
  msec_t updated = json_number(object, "updated_ms", 0);
  bool counted = row->dials > 0 || json_number(object, "inbound", 0) > 0;
  row->on_call_ms = since > 0 && since <= clock_ms ? clock_ms - since : -1;
  row->idle_ms = counted && row->on_call_ms < 0 && updated <= clock_ms ? clock_ms - updated : -1;
}

static struct top_row agent_row(const struct top_model *model, const json_t *object,
                                msec_t clock_ms) {
  struct top_row row = {.object = object,
                        .id = text_at(object, "agent"),
                        .name = text_at(object, "name"),
                        .team = text_at(object, "team"),
                        .state = state_at(object, "state"),
                        .calls_state = state_at(object, "calls_state"),
                        .talk_state = state_at(object, "talk_state")};
  read_figures(&row, object);
  read_forecast(&row, json_object_get(object, "forecast"));
  read_activity(&row, object, clock_ms);
  msec_t so_far = row.talk_ms + (row.on_call_ms > 0 ? row.on_call_ms : 0);
  row.pace_bp = lower_pace(&row, so_far);
  row.alert = json_object_get(model->last_alert, row.id);
  if (row.alert && top_alert_is_past(model, row.alert)) row.alert = NULL;
  return row;
}

static void add_row(struct top_rows *rows, const struct top_row *row) {
  rows->rows = mem_grow(rows->rows, &rows->capacity, rows->count + 1, sizeof *rows->rows);
  rows->rows[rows->count++] = *row;
}

/* Sums an agent into the row of its team. */
static void add_to_team(struct top_rows *teams, const struct top_row *agent) {
  struct top_row *team = NULL;
  for (size_t i = 0; i < teams->count && !team; i++)
    if (strcmp(teams->rows[i].id, agent->team) == 0) team = &teams->rows[i];
  if (!team) {
    struct top_row made = {.id = agent->team,
                           .name = "",
                           .team = agent->team,
                           .binds = "",
                           .state = TOP_UNROSTERED,
                           .calls_forecast = -1,
                           .talk_forecast_ms = -1,
                           .last_useful_ms = MSEC_NONE,
                           .on_call_ms = -1,
                           .idle_ms = -1};
    add_row(teams, &made);
    team = &teams->rows[teams->count - 1];
  }
  team->agents++;
  team->by_state[agent->state]++;
  if (agent->state < team->state) team->state = agent->state;
  team->calls += agent->calls;
  team->calls_target += agent->calls_target;
  team->calls_expected += agent->calls_expected;
  team->talk_ms += agent->talk_ms;
  team->talk_target_ms += agent->talk_target_ms;
  team->talk_expected_ms += agent->talk_expected_ms;
  team->dials += agent->dials;
  if (agent->calls_forecast < 0) return;
  if (team->calls_forecast < 0) team->calls_forecast = team->talk_forecast_ms = 0;
  team->calls_forecast += agent->calls_forecast;
  team->talk_forecast_ms += agent->talk_forecast_ms;
}

/* --- filter and order --- */

static bool search_finds(const char *needle, const struct top_row *row) {
  return !*needle || strcasestr(row->id, needle) || strcasestr(row->name, needle);
}

static bool is_wanted(const struct top_view *view, const struct top_row *row) {
  if (*view->team && strcmp(view->team, row->team) != 0) return false;
  if (view->state >= 0 && (int)row->state != view->state) return false;
  return search_finds(view->search, row);
}

static int by_number(int64_t a, int64_t b) {
  return a < b ? -1 : a > b;
}

/* Figures: the most first; names: the alphabet; what is urgent: the soonest first. */
static int by_sort(const struct top_row *a, const struct top_row *b, enum top_sort sort) {
  msec_t until_a = a->last_useful_ms == MSEC_NONE ? MSEC_MAX : a->last_useful_ms;
  msec_t until_b = b->last_useful_ms == MSEC_NONE ? MSEC_MAX : b->last_useful_ms;
  switch (sort) {
  case SORT_STATE:
    if (a->state != b->state) return by_number(a->state, b->state);
    return by_number(until_a, until_b);
  case SORT_NAME: return strcmp(a->name, b->name);
  case SORT_TEAM: return strcmp(a->team, b->team);
  case SORT_CALLS: return by_number(b->calls, a->calls);
  case SORT_TALK: return by_number(b->talk_ms, a->talk_ms);
  case SORT_PACE: return by_number(a->pace_bp, b->pace_bp);
  case SORT_FORECAST: return by_number(b->calls_forecast, a->calls_forecast);
  case SORT_IDLE: return by_number(b->idle_ms, a->idle_ms);
  case SORT_UNTIL: return by_number(until_a, until_b);
  default: return 0;
  }
}

static int compare_rows(const void *first, const void *second, void *context) {
  const struct top_row *a = first, *b = second;
  const struct top_view *view = context;
  int order = by_sort(a, b, view->sort);
  if (order == 0) order = strcmp(a->id, b->id);
  return view->reversed ? -order : order;
}

void top_rows_make(struct top_rows *rows, const struct top_model *model,
                   const struct top_view *view) {
  const json_t *agents = json_object_get(model->board, "agents");
  msec_t clock_ms = json_number(model->board, "clock_ms", 0);
  json_t *object;
  size_t i;
  rows->count = 0;
  rows->all = json_array_size(agents);
  json_array_foreach(agents, i, object) {
    struct top_row row = agent_row(model, object, clock_ms);
    if (!is_wanted(view, &row)) continue;
    if (view->page == TOP_TEAMS)
      add_to_team(rows, &row);
    else
      add_row(rows, &row);
  }
  if (view->page == TOP_TEAMS)
    for (i = 0; i < rows->count; i++)
      rows->rows[i].pace_bp = lower_pace(&rows->rows[i], rows->rows[i].talk_ms);
  if (rows->count)
    qsort_r(rows->rows, rows->count, sizeof *rows->rows, compare_rows, (void *)(uintptr_t)view);
}

void top_rows_free(struct top_rows *rows) {
  free(rows->rows);
  *rows = (struct top_rows){0};
}

size_t top_rows_chosen(const struct top_rows *rows, const struct top_view *view) {
  for (size_t i = 0; i < rows->count; i++)
    if (strcmp(rows->rows[i].id, view->chosen) == 0) return i;
  return 0;
}
