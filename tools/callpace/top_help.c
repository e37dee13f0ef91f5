#include "callpace/show.h"
#include "callpace/top.h"

void top_draw_help(struct frame *frame, unsigned top) {
  static const char *const lines[][3] = {
      {"Up Down j k", "choose; PgUp PgDn Space Home End g G by more", "选择；翻页、首尾亦可"},
      {"Enter", "open the agent (of a team: its agents)", "打开坐席（团队：其坐席）"},
      {"q Esc", "back; on the list q quits, Esc clears the filter",
       "返回；列表中 q 退出，Esc 清除筛选"},
      {"s S r", "next order, the one before, reversed", "下一种排序、上一种、倒序"},
      {"t T", "next team, the one before", "下一个团队、上一个"},
      {"f F", "next state, the one before", "下一种状态、上一种"},
      {"/", "search ids and names", "搜索工号和姓名"},
      {"c", "clear team, state and search", "清除团队、状态和搜索"},
      {"v", "teams or agents", "团队榜或坐席榜"},
      {"", "", ""},
      {"call", ">4:12 on a call so long; 4:12 nothing counted so long",
       ">4:12 通话时长；4:12 空闲时长"},
      {"pace", "the lower of calls and talk, of what is expected by now", "通数与时长中较低的进度"},
      {"at end", "forecast of calls and minutes at the day's end", "全天通数与分钟的预计"},
      {"until", "last useful minute; c calls or t talk is what runs out",
       "最晚补救时间；c 通数 t 时长"},
  };
  for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++) {
    frame_move(frame, top + i, 2);
    frame_cell(frame, FRAME_BOLD, slice_of(lines[i][0]), 13, false);
    frame_put(frame, GRID_PLAIN, slice_of(in_words(lines[i][1], lines[i][2])));
  }
  unsigned row = top + (unsigned)(sizeof lines / sizeof *lines);
  frame_move(frame, row, 2);
  for (unsigned i = 0; i < TOP_STATES; i++) {
    enum top_state state = (enum top_state)i;
    if (i == TOP_ON_PACE) frame_move(frame, row + 1, 2);
    frame_format(frame, top_state_style(state), "%c ", top_state_letter(state));
    frame_put(frame, GRID_PLAIN, state_in_words(slice_of(top_state_name(state))));
    frame_put(frame, GRID_PLAIN, SLICE("  "));
  }
}
