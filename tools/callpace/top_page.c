/* The whole picture: head, what is looked at, keys. */
#include <stdio.h>
#include <string.h>

#include "callpace/base/text.h"
#include "callpace/control.h"
#include "callpace/show.h"
#include "callpace/top.h"

/* Whether what is shown can be believed; at the right edge, and of the rest of the
 * row nothing is shown beyond it. */
static void put_news(struct frame *frame, const struct top_news *news) {
  char text[64];
  long long seconds = (long long)(news->age_ms / MSEC_PER_SEC);
  snprintf(text, sizeof text, "%s", in_words(" live ", " 实时 "));
  unsigned style = GRID_GREEN;
  if (news->stale || !news->connected) {
    style = GRID_RED | FRAME_BOLD | FRAME_REVERSE;
    if (news->age_ms < 0)
      snprintf(text, sizeof text, "%s", in_words(" NO DATA ", " 无数据 "));
    else
      snprintf(text, sizeof text, in_words(" STALE %lld s%s ", " 数据已过期 %lld 秒%s "), seconds,
               news->connected ? "" : in_words(", reconnecting", "，正在重连"));
  }
  unsigned width = (unsigned)text_width(slice_of(text));
  unsigned columns = frame->columns, always = frame->always;
  frame->columns = columns > width ? columns - width : 0;
  frame_fill(frame, GRID_PLAIN);
  frame->columns = columns;
  frame->always = 0;
  frame_put(frame, style, slice_of(text));
  frame->always = always;
}

/* All of it or nothing: a figure that is cut would be another figure. */
static void put_figure(struct frame *frame, const char *english, const char *chinese,
                       int64_t value) {
  const char *form = in_words(english, chinese), *mark = strchr(form, '#');
  struct writer text = {0};
  put_bytes(&text, form, (size_t)(mark - form));
  put_int(&text, value);
  put_text(&text, mark + 1);
  if (frame->column + text_width(writer_slice(&text)) <= frame->columns)
    frame_put(frame, GRID_PLAIN, writer_slice(&text));
  writer_free(&text);
}

static void put_sums(struct frame *frame, const struct top_model *model, unsigned counts[]) {
  const json_t *agents = json_object_get(model->board, "agents");
  json_t *agent;
  size_t i;
  char room[32];
  int64_t calls = 0, talking = 0;
  msec_t talk_ms = 0;
  json_array_foreach(agents, i, agent) {
    calls += json_number(agent, "calls", 0);
    talk_ms += json_number(agent, "talk_ms", 0);
    talking += json_number(agent, "on_call_since_ms", 0) > 0;
    counts[top_state_of(json_text(agent, "state", room))]++;
  }
  put_figure(frame, "  # agents", "  # 人", (int64_t)i);
  put_figure(frame, ", # on a call", "，# 人通话中", talking);
  put_figure(frame, ", calls #", "，通话 #", calls);
  put_figure(frame, ", talk # h", "，时长 # 小时", talk_ms / MSEC_PER_HOUR);
}

enum { NEWS_ROOM = 28, LIVE_ROOM = 7, LIST_ROW = 3 };

static void put_head(struct frame *frame, const struct top_model *model,
                     const struct top_news *news, unsigned counts[]) {
  unsigned columns = frame->columns,
           room_for_news = news->stale || !news->connected ? NEWS_ROOM : LIVE_ROOM;
  if (columns > room_for_news) frame->columns -= room_for_news;
  struct writer clock = {0};
  char room[32];
  int64_t clock_ms = json_number(model->board, "clock_ms", 0);
  frame_put(frame, FRAME_BOLD, SLICE("callpace "));
  if (clock_ms > 0) {
    frame_put(frame, GRID_PLAIN, json_text(model->board, "day", room));
    put_local_time(&clock, clock_ms, false);
    frame_format(frame, FRAME_BOLD, " %s", writer_text(&clock));
    put_sums(frame, model, counts);
  }
  writer_free(&clock);
  frame->columns = columns;
  put_news(frame, news);
}

static void put_counts(struct frame *frame, const unsigned counts[]) {
  for (unsigned i = 0; i < TOP_STATES; i++) {
    enum top_state state = (enum top_state)i;
    if (!counts[i]) continue;
    frame_format(frame, top_state_style(state), "%c %u ", top_state_letter(state), counts[i]);
    frame_put(frame, top_state_style(state), state_in_words(slice_of(top_state_name(state))));
    frame_put(frame, GRID_PLAIN, SLICE("  "));
  }
}

/* What is wrong around the board: sources, Redis, the journal. */
static void put_trouble(struct frame *frame, const struct top_model *model,
                        const struct top_news *news) {
  json_t *source;
  size_t i;
  char room[32];
  if (news->trouble) frame_format(frame, GRID_RED, "%s  ", news->trouble);
  json_array_foreach(json_object_get(model->status, "sources"), i, source) {
    struct slice state = json_text(source, "state", room);
    if (!slice_equal(state, SLICE("down"))) continue;
    frame_put(frame, GRID_RED, slice_of(in_words("source down: ", "来源中断：")));
    frame_put(frame, GRID_RED | FRAME_BOLD, json_text(source, "name", room));
    frame_put(frame, GRID_PLAIN, SLICE("  "));
  }
  struct slice redis = json_text(json_object_get(model->status, "redis"), "state", room);
  if (slice_equal(redis, SLICE("down")))
    frame_put(frame, GRID_RED, slice_of(in_words("Redis is down  ", "Redis 中断  ")));
  struct slice journal = json_text(json_object_get(model->status, "journal"), "state", room);
  if (slice_equal(journal, SLICE("stalled")))
    frame_put(frame, GRID_RED | FRAME_BOLD,
              slice_of(in_words("the journal is stalled  ", "日志已停滞  ")));
}

static void put_filter(struct frame *frame, const struct top_view *view,
                       const struct top_rows *rows) {
  frame_format(frame, FRAME_DIM, in_words("sort %s%s", "排序 %s%s"), top_sort_name(view->sort),
               view->reversed ? in_words(" (reversed)", "（倒序）") : "");
  if (*view->team) {
    frame_put(frame, FRAME_DIM, slice_of(in_words("  team ", "  团队 ")));
    frame_put(frame, GRID_CYAN | FRAME_BOLD, slice_of(view->team));
  }
  if (view->state >= 0) {
    frame_put(frame, FRAME_DIM, slice_of(in_words("  state ", "  状态 ")));
    frame_put(frame, GRID_CYAN | FRAME_BOLD,
              state_in_words(slice_of(top_state_name((enum top_state)view->state))));
  }
  if (*view->search || view->typing) {
    frame_put(frame, FRAME_DIM, slice_of(in_words("  search ", "  搜索 ")));
    frame_put(frame, GRID_CYAN | FRAME_BOLD, slice_of(view->search));
    if (view->typing) frame_put(frame, FRAME_REVERSE, SLICE(" "));
  }
  frame_format(frame, FRAME_DIM, in_words("  %zu shown  ", "  显示 %zu  "), rows->count);
}

static void put_foot(struct frame *frame, const struct top_view *view) {
  const char *keys =
      in_words("q quit  Enter open  s sort  t team  f state  / search  v teams  c clear  h help",
               "q 退出  回车 打开  s 排序  t 团队  f 状态  / 搜索  v 团队榜  c 清除  h 帮助");
  if (view->page == TOP_AGENT)
    keys = in_words("q back  up/down next agent  h help", "q 返回  上/下 换坐席  h 帮助");
  if (view->typing)
    keys = in_words("type an id or a name; Enter keeps it, Esc forgets it",
                    "输入工号或姓名；回车保留，Esc 取消");
  frame_move(frame, frame->rows - 1, 0);
  frame_put(frame, FRAME_REVERSE, slice_of(keys));
  frame_fill(frame, FRAME_REVERSE);
}

void top_draw(struct frame *frame, const struct top_model *model, struct top_view *view,
              const struct top_rows *rows, const struct top_news *news, bool everything) {
  unsigned counts[TOP_STATES] = {0};
  unsigned bottom = everything || frame->rows == 0 ? frame->rows : frame->rows - 1;
  if (news->stale || !news->connected) frame->always = FRAME_DIM;
  put_head(frame, model, news, counts);
  frame_move(frame, 1, 0);
  put_counts(frame, counts);
  frame_move(frame, 2, 0);
  put_filter(frame, view, rows);
  put_trouble(frame, model, news);
  if (view->help)
    top_draw_help(frame, LIST_ROW);
  else if (view->page == TOP_AGENT)
    top_draw_agent(frame, model, view, LIST_ROW, bottom);
  else
    top_draw_list(frame, view, rows, LIST_ROW, bottom, everything);
  frame->always = 0;
  if (!everything && frame->rows > 0) put_foot(frame, view);
}
