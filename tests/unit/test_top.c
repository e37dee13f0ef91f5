/* The live board without a terminal: what keys do, which rows show in which order. */
#include <criterion/criterion.h>
#include <string.h>

#include "callpace/top.h"

static struct top_model model;
static struct top_view view;
static struct top_rows rows;
static struct frame frame;

static json_t *agent(const char *id, const char *name, const char *team, const char *state,
                     int calls) {
  return json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:I, s:I}", "agent", id, "name", name,
                   "team", team, "state", state, "calls", calls, "dials", calls, "calls_target", 60,
                   "calls_expected", 30, "talk_ms", (json_int_t)calls * 60000, "talk_target_ms",
                   (json_int_t)9000000);
}

static void setup(void) {
  top_model_init(&model);
  view = (struct top_view){.state = -1, .page_rows = 3};
  model.board = json_pack(
      "{s:s, s:I, s:[o,o,o,o]}", "day", "2026-11-23", "clock_ms", (json_int_t)1795000000000,
      "agents", agent("1001", "Wang Fang", "red", "on_pace", 31),
      agent("1002", "李伟", "blue", "behind", 12), agent("1003", "Zhao Min", "red", "met", 60),
      agent("1004", "Ann", "blue", "unreachable", 3));
  top_rows_make(&rows, &model, &view);
}
static void teardown(void) {
  top_rows_free(&rows);
  top_model_free(&model);
  frame_free(&frame);
}
TestSuite(top, .init = setup, .fini = teardown);

static bool press(int32_t key) {
  bool stays = top_view_key(&view, &model, &rows, key);
  top_rows_make(&rows, &model, &view);
  return stays;
}

static void type(const char *keys) {
  for (; *keys; keys++)
    cr_assert(press(*keys));
}

static const char *order(void) {
  static char ids[256];
  ids[0] = '\0';
  for (size_t i = 0; i < rows.count; i++) {
    strcat(ids, i ? " " : "");
    strcat(ids, rows.rows[i].id);
  }
  return ids;
}

Test(top, who_needs_help_comes_first) {
  cr_expect_str_eq(order(), "1002 1004 1001 1003");
  press('r');
  cr_expect_str_eq(order(), "1003 1001 1004 1002");
}

Test(top, every_order_has_a_name_and_keys_go_round) {
  for (unsigned i = 0; i < SORTS; i++) {
    enum top_sort found;
    cr_expect(top_sort_find(top_sort_name((enum top_sort)i), &found) && found == i);
    cr_expect_eq(view.sort, i);
    press('s');
  }
  cr_expect_eq(view.sort, SORT_STATE);
  press('S');
  cr_expect_eq(view.sort, SORTS - 1);
  view.sort = SORT_CALLS;
  top_rows_make(&rows, &model, &view);
  cr_expect_str_eq(order(), "1003 1001 1002 1004");
}

Test(top, teams_turn_in_the_alphabet) {
  press('t');
  cr_expect_str_eq(order(), "1002 1004");
  press('t');
  cr_expect_str_eq(order(), "1001 1003");
  press('t');
  cr_expect_eq(rows.count, 4);
  press('T');
  cr_expect_str_eq(view.team, "red");
  press('c');
  cr_expect_eq(rows.count, 4);
}

Test(top, states_turn_and_filter) {
  press('f');
  cr_expect_str_eq(order(), "1002");
  press('f');
  cr_expect_str_eq(order(), "1004");
  press('F');
  press('F');
  cr_expect_eq(view.state, -1);
  press('F');
  cr_expect_eq(view.state, TOP_STATES - 1);
  cr_expect_eq(rows.count, 0);
}

Test(top, search_takes_keys_as_text) {
  type("/zq");
  cr_expect_eq(rows.count, 0);
  press(KEY_IS_ERASE);
  press('H');
  cr_expect_str_eq(order(), "1003"); /* Zhao */
  press(KEY_IS_ENTER);
  cr_expect_not(view.typing);
  type("/");
  press(0x674e); /* 李 */
  cr_expect_str_eq(order(), "1002");
  press(0x202e); /* would turn the line around */
  press(27);
  cr_expect_str_eq(view.search, "李");
  press(KEY_IS_ERASE);
  cr_expect_str_eq(view.search, "");
  type("1004");
  press(KEY_IS_BACK);
  cr_expect_eq(rows.count, 4);
  type("/");
  for (int i = 0; i < 500; i++)
    press(0x1f600);
  cr_expect_lt(strlen(view.search), sizeof view.search);
}

Test(top, the_mark_stays_with_the_agent) {
  press(KEY_IS_DOWN);
  press(KEY_IS_DOWN);
  cr_expect_str_eq(view.chosen, "1001");
  press('r');
  cr_expect_eq(top_rows_chosen(&rows, &view), 1);
  press(KEY_IS_END);
  cr_expect_str_eq(view.chosen, "1002");
  press(KEY_IS_DOWN);
  cr_expect_str_eq(view.chosen, "1002");
  press(KEY_IS_HOME);
  press(KEY_IS_UP);
  cr_expect_str_eq(view.chosen, "1003");
  press(KEY_IS_PAGE_DOWN);
  cr_expect_str_eq(view.chosen, "1004");
}

Test(top, an_agent_opens_and_closes) {
  press(KEY_IS_ENTER);
  cr_expect(view.page == TOP_AGENT && strcmp(view.opened, "1002") == 0);
  press(KEY_IS_DOWN);
  cr_expect_str_eq(view.opened, "1004");
  cr_expect(press('q'));
  cr_expect_eq(view.page, TOP_AGENTS);
  cr_expect_not(press('q'));
}

Test(top, teams_are_sums_and_open_to_their_agents) {
  press('v');
  cr_expect_str_eq(order(), "blue red");
  cr_expect_eq(rows.rows[0].agents, 2);
  cr_expect_eq(rows.rows[1].calls, 91);
  cr_expect_eq(rows.rows[1].by_state[TOP_MET], 1);
  press(KEY_IS_DOWN);
  press(KEY_IS_ENTER);
  cr_expect_str_eq(order(), "1001 1003");
}

Test(top, help_goes_with_any_key) {
  press('h');
  press(KEY_IS_NOTHING);
  cr_expect(view.help);
  press('q');
  cr_expect_not(view.help);
}

static void told(const char *id, const char *state) {
  top_model_alert(&model, json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", id, "agent", "1002", "state",
                                    state, "type", "day.behind", "period", "2026-11-23"));
}

Test(top, alerts_open_and_resolve) {
  told("a", "raised");
  told("b", "raised");
  told("a", "resolved");
  cr_expect_eq(json_object_size(model.open_alerts), 1);
  top_rows_make(&rows, &model, &view);
  cr_expect_str_eq(top_alert_word(rows.rows[0].alert), "better");
  cr_expect_null(rows.rows[1].alert);
  top_model_alert(&model,
                  json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", "c", "agent", "1002", "state",
                            "raised", "type", "day.missed", "period", "2026-11-20"));
  top_rows_make(&rows, &model, &view);
  cr_expect_null(rows.rows[0].alert); /* what was last week is no news */
  top_model_forget_alerts(&model);
  cr_expect_eq(json_object_size(model.open_alerts), 0);
}

/* Every page in every size: nothing outside the frame, nothing broken by narrowness. */
Test(top, fits_every_size) {
  struct top_news news = {.connected = true};
  static const enum top_page pages[] = {TOP_AGENTS, TOP_TEAMS, TOP_AGENT};
  model.timeline =
      json_pack("{s:[{s:i,s:i}], s:[{s:i,s:b}], s:i}", "productive", "from_ms", 0, "to_ms", 3600000,
                "calls", "at_ms", 60000, "counts", 1, "now_ms", 1800000);
  model.agent = json_pack("{s:o}", "day", agent("1001", "王芳", "red", "met", 3));
  for (unsigned columns = 1; columns < 220; columns += columns < 30 ? 1 : 13)
    for (unsigned lines = 1; lines < 70; lines += lines < 30 ? 1 : 13)
      for (unsigned i = 0; i < 6; i++) {
        view.page = pages[i % 3];
        view.help = i >= 3;
        top_rows_make(&rows, &model, &view);
        frame_begin(&frame, columns, lines);
        top_draw(&frame, &model, &view, &rows, &news, false);
        for (size_t n = 0; n < frame.run_count; n++)
          cr_assert(frame.runs[n].row < lines && frame.runs[n].column < columns);
      }
}
