/* The lists: agents, or teams. */
#include <stdio.h>
#include <string.h>

#include "callpace/base/text.h"
#include "callpace/control.h"
#include "callpace/show.h"
#include "callpace/top.h"

enum {
  ID_MAX = 12,
  NAME_LEAST = 7,
  NAME_MAX = 20,
  TEAM_MAX = 12,
  BAR_LEAST = 5,
  BAR_MAX = 20,
  ALERT_LEAST = 8,
  ALERT_MAX = 30
};
enum {
  CALL_WIDTH = 6,
  CALLS_WIDTH = 7,
  TALK_WIDTH = 8,
  PACE_WIDTH = 4,
  FORECAST_WIDTH = 8,
  UNTIL_WIDTH = 6,
  CALLS_RANGE_WIDTH = 13,
  TALK_RANGE_WIDTH = 17
};

/* Widths of what gives way; 0: left out. */
struct layout {
  unsigned id, name, team, bar, alert;
  bool ranges;
  bool teams;
};

static unsigned widest(const struct top_rows *rows, size_t field, unsigned least, unsigned most) {
  size_t width = least;
  for (size_t i = 0; i < rows->count; i++) {
    const char *text;
    memcpy(&text, (const char *)&rows->rows[i] + field, sizeof text);
    size_t wants = text_width(slice_of(text));
    if (wants > width) width = wants;
  }
  return width < most ? (unsigned)width : most;
}

/* Gives `part` up to `wants` of what is left. */
static void grow(unsigned *part, unsigned wants, unsigned *spare) {
  unsigned more = wants > *part ? wants - *part : 0;
  if (more > *spare) more = *spare;
  *part += more;
  *spare -= more;
}

static void grow_bars(struct layout *layout, unsigned *spare) {
  while (*spare >= 2 && layout->bar < BAR_MAX) {
    layout->bar++;
    *spare -= 2;
  }
}

static struct layout layout_of(const struct top_rows *rows, unsigned columns, bool teams) {
  struct layout l = {.id = widest(rows, offsetof(struct top_row, id), 4, ID_MAX),
                     .name = NAME_LEAST,
                     .bar = BAR_LEAST,
                     .alert = ALERT_LEAST,
                     .teams = teams};
  unsigned needs = 1 + l.id + l.name + CALL_WIDTH + CALLS_WIDTH + l.bar + TALK_WIDTH + l.bar +
                   PACE_WIDTH + FORECAST_WIDTH + UNTIL_WIDTH + l.alert + 11;
  unsigned spare = columns > needs ? columns - needs : 0;
  unsigned team = widest(rows, offsetof(struct top_row, team), 4, TEAM_MAX) + 1;
  if (spare >= team && !teams) {
    l.team = team - 1;
    spare -= team;
  }
  grow(&l.name, widest(rows, offsetof(struct top_row, name), 4, NAME_MAX), &spare);
  unsigned ranges = CALLS_RANGE_WIDTH + TALK_RANGE_WIDTH + 1 - FORECAST_WIDTH;
  if (spare >= ranges + 8 && !teams) {
    l.ranges = true;
    spare -= ranges;
  }
  grow(&l.alert, 14, &spare);
  grow_bars(&l, &spare);
  grow(&l.alert, ALERT_MAX, &spare);
  return l;
}

static void cell(struct frame *frame, unsigned style, struct slice text, unsigned width,
                 bool right) {
  if (width == 0) return;
  frame_cell(frame, style, text, width, right);
  frame_put(frame, GRID_PLAIN, SLICE(" "));
}

static void head_cell(struct frame *frame, const char *english, const char *chinese, unsigned width,
                      bool right) {
  cell(frame, FRAME_BOLD, slice_of(in_words(english, chinese)), width, right);
}

static void put_column_heads(struct frame *frame, const struct layout *l) {
  frame_put(frame, GRID_PLAIN, SLICE("  "));
  head_cell(frame, l->teams ? "team" : "id", l->teams ? "团队" : "工号", l->id, false);
  head_cell(frame, l->teams ? "agents" : "name", l->teams ? "人数" : "姓名", l->name, false);
  head_cell(frame, "team", "团队", l->team, false);
  head_cell(frame, l->teams ? "dials" : "call", l->teams ? "外呼" : "通话中", CALL_WIDTH, true);
  head_cell(frame, "calls", "通数", CALLS_WIDTH, true);
  head_cell(frame, "", "", l->bar, false);
  head_cell(frame, "talk", "时长", TALK_WIDTH, true);
  head_cell(frame, "", "", l->bar, false);
  head_cell(frame, "pace", "进度", PACE_WIDTH, true);
  if (l->ranges) {
    head_cell(frame, "calls at end", "全天通数", CALLS_RANGE_WIDTH, true);
    head_cell(frame, "talk at end", "全天时长", TALK_RANGE_WIDTH, true);
  } else {
    head_cell(frame, "at end", "预计", FORECAST_WIDTH, true);
  }
  if (l->teams) {
    head_cell(frame, "agents by state", "各状态人数", 30, false);
    return;
  }
  head_cell(frame, "until", "最晚", UNTIL_WIDTH, true);
  head_cell(frame, "alert", "提醒", l->alert, false);
}

/* --- one row --- */

/* Teams have hours of talk, agents minutes. */
static long long talk_units(const struct layout *l, msec_t talk_ms) {
  return (long long)(talk_ms / (l->teams ? MSEC_PER_HOUR : MSEC_PER_MIN));
}

static void put_quota(struct frame *frame, enum top_state state, int64_t done, int64_t target,
                      const char *text, unsigned width, unsigned bar) {
  cell(frame, GRID_PLAIN, slice_of(text), width, true);
  top_put_bar(frame, top_state_style(state) & FRAME_COLOUR, done, target, bar);
  frame_put(frame, GRID_PLAIN, SLICE(" "));
}

static void put_of_target(struct frame *frame, const struct top_row *row, const struct layout *l) {
  char text[64];
  snprintf(text, sizeof text, row->calls_target > 0 ? "%lld/%lld" : "%lld", (long long)row->calls,
           (long long)row->calls_target);
  put_quota(frame, row->calls_state, row->calls, row->calls_target, text, CALLS_WIDTH, l->bar);
  snprintf(text, sizeof text, row->talk_target_ms > 0 ? "%lld/%lld%s" : "%lld",
           talk_units(l, row->talk_ms), talk_units(l, row->talk_target_ms), l->teams ? "h" : "m");
  put_quota(frame, row->talk_state, row->talk_ms, row->talk_target_ms, text, TALK_WIDTH, l->bar);
}

static void put_pace(struct frame *frame, const struct top_row *row) {
  char text[32] = "";
  if (row->pace_bp >= 0) snprintf(text, sizeof text, "%lld%%", (long long)(row->pace_bp / 100));
  cell(frame, top_state_style(row->state) & FRAME_COLOUR, slice_of(text), PACE_WIDTH, true);
}

static void put_ranges(struct frame *frame, const struct top_row *row, unsigned calls_style,
                       unsigned talk_style) {
  char text[96] = "";
  if (row->calls_forecast >= 0)
    snprintf(text, sizeof text, "%lld (%lld-%lld)", (long long)row->calls_forecast,
             (long long)row->calls_low, (long long)row->calls_high);
  cell(frame, calls_style, slice_of(text), CALLS_RANGE_WIDTH, true);
  if (row->calls_forecast >= 0)
    snprintf(text, sizeof text, "%lldm (%lld-%lld)",
             (long long)(row->talk_forecast_ms / MSEC_PER_MIN),
             (long long)(row->talk_low_ms / MSEC_PER_MIN),
             (long long)(row->talk_high_ms / MSEC_PER_MIN));
  cell(frame, talk_style, slice_of(text), TALK_RANGE_WIDTH, true);
}

static void put_forecast(struct frame *frame, const struct top_row *row, const struct layout *l) {
  char text[64] = "";
  bool calls = row->calls_forecast >= row->calls_target;
  bool talk = row->talk_forecast_ms >= row->talk_target_ms;
  if (l->ranges) {
    put_ranges(frame, row, calls ? GRID_GREEN : GRID_YELLOW, talk ? GRID_GREEN : GRID_YELLOW);
    return;
  }
  if (row->calls_forecast >= 0)
    snprintf(text, sizeof text, "%lld/%lld%s", (long long)row->calls_forecast,
             talk_units(l, row->talk_forecast_ms), l->teams ? "h" : "m");
  cell(frame, calls && talk ? GRID_GREEN : GRID_YELLOW, slice_of(text), FORECAST_WIDTH, true);
}

/* ">" before the timer of a call that is up; else how long nothing happened. */
static void put_activity(struct frame *frame, const struct top_row *row) {
  char text[40] = "", room[32];
  if (row->on_call_ms >= 0)
    snprintf(text, sizeof text, ">%s", top_timer(row->on_call_ms, room).data);
  else if (row->idle_ms >= 0)
    snprintf(text, sizeof text, "%s", top_timer(row->idle_ms, room).data);
  cell(frame, row->on_call_ms >= 0 ? GRID_CYAN : FRAME_DIM, slice_of(text), CALL_WIDTH, true);
}

static void put_until(struct frame *frame, const struct top_row *row) {
  char text[40] = "", room[32];
  if (row->last_useful_ms != MSEC_NONE)
    snprintf(text, sizeof text, "%s%c", top_clock(row->last_useful_ms, room).data, row->binds[0]);
  cell(frame, row->state == TOP_BEHIND ? GRID_YELLOW : GRID_PLAIN, slice_of(text), UNTIL_WIDTH,
       true);
}

static void put_alert(struct frame *frame, const struct top_row *row, unsigned width) {
  char room[32] = "";
  struct writer text = {0};
  if (row->alert) {
    if (width >= 14) {
      put_slice(&text, top_clock(json_number(row->alert, "at_ms", MSEC_NONE), room));
      put_char(&text, ' ');
    }
    put_text(&text, top_alert_word(row->alert));
  }
  struct slice severity = json_text(row->alert, "severity", room);
  frame_cell(frame, colour_of_state(severity), writer_slice(&text), width, false);
  writer_free(&text);
}

static void put_by_state(struct frame *frame, const struct top_row *row) {
  for (unsigned i = 0; i < TOP_STATES; i++)
    if (row->by_state[i])
      frame_format(frame, top_state_style((enum top_state)i), "%c%u ",
                   top_state_letter((enum top_state)i), row->by_state[i]);
}

static void put_row(struct frame *frame, const struct top_row *row, const struct layout *l,
                    bool chosen) {
  char text[32];
  frame_format(frame, top_state_style(row->state), "%c ", top_state_letter(row->state));
  if (chosen) frame->always |= FRAME_REVERSE;
  cell(frame, FRAME_BOLD, slice_of(row->id), l->id, false);
  snprintf(text, sizeof text, "%u", row->agents);
  cell(frame, GRID_PLAIN, l->teams ? slice_of(text) : slice_of(row->name), l->name, false);
  cell(frame, GRID_PLAIN, slice_of(row->team), l->team, false);
  snprintf(text, sizeof text, "%lld", (long long)row->dials);
  if (l->teams)
    cell(frame, GRID_PLAIN, slice_of(text), CALL_WIDTH, true);
  else
    put_activity(frame, row);
  put_of_target(frame, row, l);
  put_pace(frame, row);
  put_forecast(frame, row, l);
  if (l->teams) {
    put_by_state(frame, row);
  } else {
    put_until(frame, row);
    put_alert(frame, row, l->alert);
  }
  if (chosen) frame_fill(frame, GRID_PLAIN);
  frame->always &= ~(unsigned)FRAME_REVERSE;
}

/* --- the list --- */

static void scroll_to(struct top_view *view, size_t chosen, size_t count, unsigned room) {
  view->page_rows = room;
  if (chosen < view->first) view->first = chosen;
  if (room > 0 && chosen >= view->first + room) view->first = chosen - room + 1;
  if (view->first + room > count) view->first = count > room ? count - room : 0;
}

void top_draw_list(struct frame *frame, struct top_view *view, const struct top_rows *rows,
                   unsigned top, unsigned bottom, bool everything) {
  struct layout layout = layout_of(rows, frame->columns, view->page == TOP_TEAMS);
  size_t chosen = top_rows_chosen(rows, view);
  unsigned room = bottom > top + 1 ? bottom - top - 1 : 0;
  frame_move(frame, top, 0);
  put_column_heads(frame, &layout);
  scroll_to(view, chosen, rows->count, room);
  for (unsigned i = 0; i < room && view->first + i < rows->count; i++) {
    size_t place = view->first + i;
    frame_move(frame, top + 1 + i, 0);
    put_row(frame, &rows->rows[place], &layout, !everything && place == chosen);
  }
  if (rows->count > 0) return;
  frame_move(frame, top + 1, 2);
  frame_put(frame, FRAME_DIM,
            slice_of(rows->all ? in_words("nobody here: c clears the filter", "无：按 c 清除筛选")
                               : in_words("no agent yet", "尚无坐席")));
}
