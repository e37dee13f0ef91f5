/* One agent: figures, forecast, the curve of the day, its timeline, open alerts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callpace/base/text.h"
#include "callpace/control.h"
#include "callpace/show.h"
#include "callpace/top.h"

enum {
  LABEL_WIDTH = 10,
  CURVE_LEAST = 4,
  CURVE_MAX = 16,
  CALLS_MAX = 4096,
  ALERTS_MAX = 16,
  PERCENT = 100
};

/* The working day as columns of a picture. */
struct axis {
  const json_t *timeline;
  const json_t *day;
  unsigned left, width; /* columns */
  msec_t from_ms, to_ms, now_ms;
};

static msec_t axis_time(const struct axis *axis, unsigned column) {
  return axis->from_ms + (axis->to_ms - axis->from_ms) * column / axis->width;
}

static bool axis_of(const struct top_model *model, unsigned columns, struct axis *out) {
  const json_t *productive = json_object_get(model->timeline, "productive");
  size_t count = json_array_size(productive);
  if (count == 0 || columns < LABEL_WIDTH + 10) return false;
  const json_t *first = json_array_get(productive, 0);
  const json_t *last = json_array_get(productive, count - 1);
  *out = (struct axis){.timeline = model->timeline,
                       .day = json_object_get(model->agent, "day"),
                       .left = LABEL_WIDTH,
                       .width = columns - LABEL_WIDTH - 1,
                       .from_ms = json_number(first, "from_ms", 0),
                       .to_ms = json_number(last, "to_ms", 0),
                       .now_ms = json_number(model->timeline, "now_ms", 0)};
  return out->to_ms > out->from_ms;
}

/* Productive time before a moment. */
static msec_t elapsed_at(const struct axis *axis, msec_t at) {
  const json_t *span;
  size_t i;
  msec_t elapsed = 0;
  json_array_foreach(json_object_get(axis->timeline, "productive"), i, span) {
    msec_t from = json_number(span, "from_ms", 0), to = json_number(span, "to_ms", 0);
    if (at > from) elapsed += (at < to ? at : to) - from;
  }
  return elapsed;
}

/* --- timeline: what each stretch of the day was spent with --- */

static bool overlaps(msec_t from, msec_t to, msec_t begin, msec_t end) {
  return from < end && to > begin;
}

enum stretch { STRETCH_NONE, STRETCH_DIAL, STRETCH_TALK };

static enum stretch stretch_of(const struct axis *axis, msec_t begin, msec_t end) {
  const json_t *call;
  size_t i;
  enum stretch found = STRETCH_NONE;
  json_array_foreach(json_object_get(axis->timeline, "calls"), i, call) {
    msec_t at = json_number(call, "at_ms", 0);
    msec_t from = json_number(call, "talk_from_ms", MSEC_MAX);
    msec_t to = json_number(call, "talk_to_ms", axis->now_ms);
    if (overlaps(from, to, begin, end)) return STRETCH_TALK;
    if (at >= begin && at < end) found = STRETCH_DIAL;
  }
  return found;
}

static void put_label(struct frame *frame, unsigned row, const char *english, const char *chinese) {
  frame_move(frame, row, 0);
  frame_cell(frame, FRAME_DIM, slice_of(in_words(english, chinese)), LABEL_WIDTH, false);
}

static void put_timeline(struct frame *frame, const struct axis *axis, unsigned row) {
  put_label(frame, row, "timeline", "时间线");
  for (unsigned column = 0; column < axis->width; column++) {
    msec_t begin = axis_time(axis, column), end = axis_time(axis, column + 1);
    bool works = elapsed_at(axis, end) > elapsed_at(axis, begin);
    enum stretch stretch = stretch_of(axis, begin, end);
    if (stretch == STRETCH_TALK)
      frame_put(frame, GRID_GREEN, SLICE("█"));
    else if (stretch == STRETCH_DIAL)
      frame_put(frame, GRID_CYAN, SLICE("▂"));
    else
      frame_put(frame, FRAME_DIM, begin > axis->now_ms || !works ? SLICE(" ") : SLICE("·"));
  }
}

/* Full hours below it. */
static void put_hours(struct frame *frame, const struct axis *axis, unsigned row) {
  unsigned free_from = 0;
  char room[32], before[32] = "";
  for (unsigned column = 0; column < axis->width; column++) {
    struct slice text = top_clock(axis_time(axis, column), room);
    bool turns = strncmp(room, before, 2) != 0;
    memcpy(before, room, sizeof before);
    if (!turns || column < free_from || column + text.len > axis->width) continue;
    frame_move(frame, row, axis->left + column);
    frame_put(frame, FRAME_DIM, (struct slice){room, 2});
    free_from = column + 4;
  }
}

/* --- the curve: percent of the target over the day --- */

struct curve {
  int64_t *calls, *talk, *expected; /* percent at the end of every column; -1: not yet */
};

static int compare_numbers(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? -1 : x > y;
}

/* Moments at which a counted call ended, in order. */
static size_t read_ends(const struct axis *axis, int64_t ends[CALLS_MAX]) {
  const json_t *call;
  size_t i, count = 0;
  json_array_foreach(json_object_get(axis->timeline, "calls"), i, call) {
    msec_t end = json_number(call, "talk_to_ms", json_number(call, "at_ms", 0));
    if (count < CALLS_MAX && json_is_true(json_object_get(call, "counts"))) ends[count++] = end;
  }
  qsort(ends, count, sizeof *ends, compare_numbers);
  return count;
}

/* Talk of counted calls until a moment; calls that overlap are few, and count twice
 * here. */
static msec_t talked_until(const struct axis *axis, msec_t until) {
  const json_t *call;
  size_t i;
  msec_t talked = 0;
  json_array_foreach(json_object_get(axis->timeline, "calls"), i, call) {
    msec_t from = json_number(call, "talk_from_ms", MSEC_MAX);
    msec_t to = json_number(call, "talk_to_ms", axis->now_ms);
    if (json_is_true(json_object_get(call, "talks")) && from < until)
      talked += (to < until ? to : until) - from;
  }
  return talked;
}

static void read_curve(const struct axis *axis, struct curve *curve) {
  static int64_t ends[CALLS_MAX];
  size_t count = read_ends(axis, ends), done = 0;
  int64_t calls_target = json_number(axis->day, "calls_target", 0);
  msec_t talk_target = json_number(axis->day, "talk_target_ms", 0);
  msec_t total = elapsed_at(axis, axis->to_ms);
  for (unsigned column = 0; column < axis->width; column++) {
    msec_t end = axis_time(axis, column + 1);
    bool future = axis_time(axis, column) > axis->now_ms;
    while (done < count && ends[done] <= end)
      done++;
    curve->expected[column] = total > 0 ? elapsed_at(axis, end) * PERCENT / total : 0;
    curve->calls[column] =
        future || calls_target <= 0 ? -1 : (int64_t)done * PERCENT / calls_target;
    curve->talk[column] =
        future || talk_target <= 0 ? -1 : talked_until(axis, end) * PERCENT / talk_target;
  }
}

static bool in_row(int64_t percent, unsigned row, unsigned rows) {
  if (percent < 0) return false;
  int64_t at = percent * rows / PERCENT;
  if (at >= rows) at = rows - 1;
  return (unsigned)at == rows - 1 - row;
}

static void put_curve(struct frame *frame, const struct axis *axis, unsigned top, unsigned rows) {
  struct curve curve = {calloc(axis->width, sizeof(int64_t)), calloc(axis->width, sizeof(int64_t)),
                        calloc(axis->width, sizeof(int64_t))};
  if (!curve.calls || !curve.talk || !curve.expected) abort();
  read_curve(axis, &curve);
  for (unsigned row = 0; row < rows; row++) {
    if (row == 0) put_label(frame, top, "pace 100%", "进度 100%");
    for (unsigned column = 0; column < axis->width; column++) {
      frame_move(frame, top + row, axis->left + column);
      if (in_row(curve.calls[column], row, rows))
        frame_put(frame, GRID_CYAN | FRAME_BOLD, SLICE("c"));
      else if (in_row(curve.talk[column], row, rows))
        frame_put(frame, GRID_GREEN | FRAME_BOLD, SLICE("t"));
      else if (in_row(curve.expected[column], row, rows))
        frame_put(frame, FRAME_DIM, SLICE("·"));
    }
  }
  free(curve.calls);
  free(curve.talk);
  free(curve.expected);
}

/* --- figures --- */

static void put_person(struct frame *frame, const json_t *day, unsigned row) {
  char room[32];
  enum top_state state = top_state_of(json_text(day, "state", room));
  frame_move(frame, row, 0);
  frame_put(frame, FRAME_BOLD, json_text(day, "agent", room));
  frame_put(frame, GRID_PLAIN, SLICE("  "));
  frame_put(frame, FRAME_BOLD, json_text(day, "name", room));
  frame_put(frame, GRID_PLAIN, SLICE("  "));
  frame_put(frame, GRID_PLAIN, json_text(day, "team", room));
  frame_put(frame, GRID_PLAIN, SLICE("  "));
  frame_put(frame, FRAME_DIM, json_text(day, "class", room));
  frame_format(frame, top_state_style(state), "  %c ", top_state_letter(state));
  frame_put(frame, top_state_style(state), state_in_words(slice_of(top_state_name(state))));
}

static void put_value(struct frame *frame, const json_t *object, const char *key) {
  struct writer text = {0};
  char room[32];
  put_field(&text, key, json_text(object, key, room));
  frame_put(frame, GRID_PLAIN, writer_slice(&text));
  writer_free(&text);
}

/* Of talk whole minutes. */
static void put_amount(struct frame *frame, const json_t *object, const char *key) {
  char room[32];
  bool talk = strncmp(key, "talk", 4) == 0;
  if (talk)
    frame_put(frame, GRID_PLAIN, top_minutes(json_number(object, key, 0), room));
  else
    put_value(frame, object, key);
}

/* "calls  12/60 ████··· expected 20, at end 52 (45-59)". */
static void put_quota(struct frame *frame, const json_t *agent, const char *keys[7], unsigned row) {
  const json_t *day = json_object_get(agent, "day"), *forecast = json_object_get(agent, "forecast");
  char room[32];
  enum top_state state = top_state_of(json_text(day, keys[3], room));
  int64_t target = json_number(day, keys[1], 0);
  put_amount(frame, day, keys[0]);
  if (target <= 0) return;
  frame_put(frame, GRID_PLAIN, SLICE(" / "));
  put_amount(frame, day, keys[1]);
  frame_move(frame, row, LABEL_WIDTH + 14);
  top_put_bar(frame, top_state_style(state) & FRAME_COLOUR, json_number(day, keys[0], 0), target,
              16);
  frame_put(frame, FRAME_DIM, slice_of(in_words(" expected ", " 应达 ")));
  put_amount(frame, day, keys[2]);
  if (!forecast) return;
  frame_put(frame, FRAME_DIM, slice_of(in_words(", at end ", "，预计 ")));
  put_amount(frame, forecast, keys[4]);
  frame_put(frame, GRID_PLAIN, SLICE(" ("));
  put_amount(frame, forecast, keys[5]);
  frame_put(frame, GRID_PLAIN, SLICE("-"));
  put_amount(frame, forecast, keys[6]);
  frame_put(frame, GRID_PLAIN, SLICE(")"));
}

static void put_quotas(struct frame *frame, const json_t *agent, unsigned row) {
  static const char *calls[] = {
      "calls",          "calls_target",       "calls_expected",     "calls_state",
      "calls_forecast", "calls_forecast_low", "calls_forecast_high"};
  static const char *talk[] = {
      "talk_ms",          "talk_target_ms",       "talk_expected_ms",     "talk_state",
      "talk_forecast_ms", "talk_forecast_low_ms", "talk_forecast_high_ms"};
  put_label(frame, row, "calls", "通话");
  put_quota(frame, agent, calls, row);
  put_label(frame, row + 1, "talk", "时长");
  put_quota(frame, agent, talk, row + 1);
}

/* What is left of the day, and until when it is worth helping. */
static void put_help_line(struct frame *frame, const json_t *agent, unsigned row) {
  const json_t *forecast = json_object_get(agent, "forecast");
  char room[32];
  msec_t until = json_number(forecast, "last_useful_ms", MSEC_NONE);
  bool calls = slice_equal(json_text(forecast, "binds", room), SLICE("calls"));
  put_label(frame, row, "left", "剩余");
  if (!forecast) return;
  put_value(frame, forecast, "productive_left_ms");
  if (json_object_get(forecast, "binds"))
    frame_format(frame, GRID_PLAIN, in_words(", %s binds", "，%s更紧"),
                 calls ? in_words("calls", "通话数") : in_words("talk", "时长"));
  if (until == MSEC_NONE) return;
  frame_format(frame, GRID_YELLOW, in_words(", last useful minute %s", "，最晚补救时间 %s"),
               top_clock(until, room).data);
}

/* "12 more leads avoid rung 2". */
static void put_ladder(struct frame *frame, const json_t *forecast) {
  long long needed = json_number(forecast, "leads_needed", 0);
  if (needed <= 0) return;
  frame_format(frame, GRID_YELLOW,
               in_words(", %lld more reached avoid rung %lld", "，再联系 %lld 条可避免第 %lld 级"),
               needed, (long long)json_number(forecast, "next_rung", 0));
}

/* Week and month in a line each. */
static void put_longer(struct frame *frame, const json_t *agent, unsigned row) {
  static const char *const rows[][4] = {{"week", "本周", "leads_reached", "leads_issued"},
                                        {"month", "本月", "calls", "calls_target"}};
  for (unsigned i = 0; i < 2; i++) {
    const json_t *object = json_object_get(agent, rows[i][0]);
    put_label(frame, row + i, rows[i][0], rows[i][1]);
    if (!json_is_object(object)) continue;
    put_value(frame, object, rows[i][2]);
    frame_put(frame, GRID_PLAIN, SLICE(" / "));
    put_value(frame, object, rows[i][3]);
    frame_put(frame, FRAME_DIM,
              slice_of(i ? in_words(" calls", " 通话") : in_words(" leads reached", " 线索接触")));
    if (i == 0 && json_object_get(object, "contact_rate_bp")) {
      frame_put(frame, GRID_PLAIN, SLICE(", "));
      put_value(frame, object, "contact_rate_bp");
      put_ladder(frame, json_object_get(agent, "week_forecast"));
    }
    if (json_object_get(object, "points")) {
      frame_put(frame, FRAME_DIM, slice_of(in_words(", points ", "，积分 ")));
      put_value(frame, object, "points");
    }
  }
}

/* As much of a text as fits, cut behind a blank where there is one. */
static size_t fitting(struct slice text, unsigned columns) {
  size_t at = 0, width = 0, blank = 0;
  while (at < text.len) {
    size_t next = at;
    width += text_point_width(text_next(text, &next));
    if (width > columns) return blank ? blank : at;
    at = next;
    if (text.data[at - 1] == ' ') blank = at;
  }
  return at;
}

/* Goes on in the rows below; returns the first that is free. */
static unsigned put_wrapped(struct frame *frame, unsigned style, struct slice text, unsigned row,
                            unsigned bottom) {
  unsigned left = frame->column;
  while (text.len > 0 && row < bottom && left < frame->columns) {
    size_t len = fitting(text, frame->columns - left);
    if (len == 0) break;
    frame_move(frame, row++, left);
    frame_put(frame, style, (struct slice){text.data, len});
    text = (struct slice){text.data + len, text.len - len};
  }
  return row;
}

/* Those that ask for something, and still do. */
static bool shows(const struct top_model *model, const json_t *alert, const char *id) {
  const char *agent = json_string_value(json_object_get(alert, "agent"));
  char room[32];
  return agent && strcmp(agent, id) == 0 && !top_alert_is_past(model, alert) &&
         !slice_equal(json_text(alert, "severity", room), SLICE("info"));
}

/* In the order of their coming; of too many the newest. */
static size_t find_alerts(const struct top_model *model, const char *id,
                          const json_t *found[ALERTS_MAX]) {
  const char *key;
  json_t *alert;
  size_t count = 0;
  json_object_foreach(model->open_alerts, key, alert) {
    if (!shows(model, alert, id)) continue;
    if (count == ALERTS_MAX) memmove(found, found + 1, --count * sizeof *found);
    found[count++] = alert;
  }
  return count;
}

static void put_alerts(struct frame *frame, const struct top_model *model, const char *id,
                       unsigned row, unsigned bottom) {
  const json_t *found[ALERTS_MAX];
  char room[32];
  size_t count = find_alerts(model, id, found);
  put_label(frame, row, "alerts", "提醒");
  if (count == 0) frame_put(frame, FRAME_DIM, slice_of(in_words("none open", "无")));
  while (count-- > 0 && row < bottom) {
    const json_t *alert = found[count];
    unsigned style = colour_of_state(json_text(alert, "severity", room));
    frame_move(frame, row, LABEL_WIDTH);
    frame_put(frame, FRAME_DIM, top_clock(json_number(alert, "at_ms", MSEC_NONE), room));
    frame_put(frame, GRID_PLAIN, SLICE(" "));
    row = put_wrapped(frame, style,
                      json_text(json_object_get(alert, "text"), in_words("en", "zh"), room), row,
                      bottom);
  }
}

void top_draw_agent(struct frame *frame, const struct top_model *model, const struct top_view *view,
                    unsigned top, unsigned bottom) {
  struct axis axis;
  const json_t *day = json_object_get(model->agent, "day");
  if (!json_is_object(day)) {
    frame_move(frame, top, 2);
    frame_put(frame, FRAME_DIM, slice_of(in_words("asking …", "正在查询…")));
    return;
  }
  put_person(frame, day, top);
  put_quotas(frame, model->agent, top + 1);
  put_help_line(frame, model->agent, top + 3);
  put_longer(frame, model->agent, top + 4);
  if (!axis_of(model, frame->columns, &axis)) {
    put_alerts(frame, model, view->opened, top + 7, bottom);
    return;
  }
  unsigned taken = 10; /* rows of all but the curve, with two of alerts */
  unsigned rows = bottom > top + taken + CURVE_LEAST ? bottom - top - taken : CURVE_LEAST;
  if (rows > CURVE_MAX) rows = CURVE_MAX;
  put_curve(frame, &axis, top + 6, rows);
  put_timeline(frame, &axis, top + 6 + rows);
  put_hours(frame, &axis, top + 7 + rows);
  put_alerts(frame, model, view->opened, top + 8 + rows, bottom);
}
