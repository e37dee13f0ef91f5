/* What is looked at: keys move the view. */
#include <string.h>

#include "callpace/base/text.h"
#include "callpace/control.h"
#include "callpace/top.h"

static const char *const sort_names[SORTS] = {[SORT_STATE] = "state", [SORT_ID] = "id",
                                              [SORT_NAME] = "name",   [SORT_TEAM] = "team",
                                              [SORT_CALLS] = "calls", [SORT_TALK] = "talk",
                                              [SORT_PACE] = "pace",   [SORT_FORECAST] = "forecast",
                                              [SORT_IDLE] = "idle",   [SORT_UNTIL] = "until"};

const char *top_sort_name(enum top_sort sort) {
  return sort_names[sort];
}

bool top_sort_find(const char *name, enum top_sort *out) {
  for (unsigned i = 0; i < SORTS; i++) {
    if (strcmp(sort_names[i], name) != 0) continue;
    *out = (enum top_sort)i;
    return true;
  }
  return false;
}

static void copy(char out[TOP_TEXT], const char *text) {
  size_t len = strnlen(text, TOP_TEXT - 1);
  memcpy(out, text, len);
  out[len] = '\0';
}

/* The team that follows in the alphabet (or goes before it): all of them is "". */
static void turn_team(struct top_view *view, const struct top_model *model, bool back) {
  const char *best = "";
  json_t *agent;
  size_t i;
  json_array_foreach(json_object_get(model->board, "agents"), i, agent) {
    const char *team = json_string_value(json_object_get(agent, "team"));
    if (!team || strlen(team) >= TOP_TEXT) continue;
    bool beyond =
        back ? !*view->team || strcmp(team, view->team) < 0 : strcmp(team, view->team) > 0;
    bool nearer = !*best || (back ? strcmp(team, best) > 0 : strcmp(team, best) < 0);
    if (beyond && nearer) best = team;
  }
  copy(view->team, best);
}

static void turn_state(struct top_view *view, int step) {
  view->state = (view->state + 1 + step + TOP_STATES + 1) % (TOP_STATES + 1) - 1;
}

static void choose(struct top_view *view, const struct top_rows *rows, size_t place) {
  if (rows->count == 0) return;
  copy(view->chosen, rows->rows[place < rows->count ? place : rows->count - 1].id);
}

static void step(struct top_view *view, const struct top_rows *rows, long by) {
  long place = (long)top_rows_chosen(rows, view) + by;
  choose(view, rows, place > 0 ? (size_t)place : 0);
}

static void open_chosen(struct top_view *view, const struct top_rows *rows) {
  if (rows->count == 0) return;
  const struct top_row *row = &rows->rows[top_rows_chosen(rows, view)];
  if (view->page == TOP_TEAMS) {
    copy(view->team, row->id);
    view->page = TOP_AGENTS;
    view->chosen[0] = '\0';
  } else {
    copy(view->opened, row->id);
    view->page = TOP_AGENT;
  }
}

/* Takes the last character away. */
static void erase(char text[TOP_TEXT]) {
  size_t len = strlen(text);
  while (len > 0 && ((unsigned char)text[len - 1] & 0xc0) == 0x80)
    len--;
  if (len > 0) len--;
  text[len] = '\0';
}

static void append(char text[TOP_TEXT], int32_t point) {
  char utf8[4];
  size_t len = strlen(text), more = 0;
  if (point < 0x80) {
    utf8[more++] = (char)point;
  } else {
    unsigned shift = point < 0x800 ? 6 : point < 0x10000 ? 12 : 18;
    utf8[more++] = (char)((shift == 6 ? 0xc0 : shift == 12 ? 0xe0 : 0xf0) | point >> shift);
    while (shift) {
      shift -= 6;
      utf8[more++] = (char)(0x80 | (point >> shift & 0x3f));
    }
  }
  if (len + more >= TOP_TEXT) return;
  memcpy(text + len, utf8, more);
  text[len + more] = '\0';
}

static void type_key(struct top_view *view, int32_t key) {
  if (key == KEY_IS_ENTER) view->typing = false;
  if (key == KEY_IS_BACK) {
    view->typing = false;
    view->search[0] = '\0';
  }
  if (key == KEY_IS_ERASE) erase(view->search);
  if (key >= ' ' && key < KEY_IS_UP && !text_is_hostile(key)) append(view->search, key);
}

/* On a list. */
static void move_key(struct top_view *view, const struct top_rows *rows, int32_t key) {
  long page = view->page_rows > 1 ? (long)view->page_rows - 1 : 1;
  switch (key) {
  case 'k':
  case KEY_IS_UP: step(view, rows, -1); break;
  case 'j':
  case KEY_IS_DOWN: step(view, rows, 1); break;
  case KEY_IS_PAGE_UP: step(view, rows, -page); break;
  case ' ':
  case KEY_IS_PAGE_DOWN: step(view, rows, page); break;
  case 'g':
  case KEY_IS_HOME: choose(view, rows, 0); break;
  case 'G':
  case KEY_IS_END: choose(view, rows, SIZE_MAX); break;
  case KEY_IS_ENTER: open_chosen(view, rows); break;
  default: break;
  }
}

static void list_key(struct top_view *view, const struct top_model *model,
                     const struct top_rows *rows, int32_t key) {
  switch (key) {
  case 's': view->sort = (view->sort + 1) % SORTS; break;
  case 'S': view->sort = (view->sort + SORTS - 1) % SORTS; break;
  case 'r': view->reversed = !view->reversed; break;
  case 't':
  case 'T': turn_team(view, model, key == 'T'); break;
  case 'f': turn_state(view, 1); break;
  case 'F': turn_state(view, -1); break;
  case '/':
    view->typing = true;
    view->search[0] = '\0';
    break;
  case KEY_IS_BACK:
  case 'c':
    view->team[0] = view->search[0] = '\0';
    view->state = -1;
    break;
  case 'v':
    view->page = view->page == TOP_AGENTS ? TOP_TEAMS : TOP_AGENTS;
    view->chosen[0] = '\0';
    break;
  default: move_key(view, rows, key); break;
  }
}

/* To the agent above or below without going back. */
static void agent_key(struct top_view *view, const struct top_rows *rows, int32_t key) {
  if (key == 'q' || key == KEY_IS_BACK || key == KEY_IS_ERASE) {
    view->page = TOP_AGENTS;
    return;
  }
  move_key(view, rows, key);
  if (rows->count) copy(view->opened, rows->rows[top_rows_chosen(rows, view)].id);
}

bool top_view_key(struct top_view *view, const struct top_model *model, const struct top_rows *rows,
                  int32_t key) {
  if (key == KEY_IS_NOTHING) return true;
  if (view->typing) {
    type_key(view, key);
  } else if (view->help) {
    view->help = false;
  } else if (key == 'h' || key == '?') {
    view->help = true;
  } else if (key == 'Q' || (key == 'q' && view->page != TOP_AGENT)) {
    return false;
  } else if (view->page == TOP_AGENT) {
    agent_key(view, rows, key);
  } else {
    list_key(view, model, rows, key);
  }
  return true;
}
