/* The terminal, by ncurses: it sends what changed and nothing else. The only file that
 * knows it. */
#include <langinfo.h>
#include <locale.h>
#include <ncursesw/curses.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "callpace/top.h"

static const short colours[] = {[GRID_RED] = COLOR_RED,
                                [GRID_GREEN] = COLOR_GREEN,
                                [GRID_YELLOW] = COLOR_YELLOW,
                                [GRID_CYAN] = COLOR_CYAN};

static void begin_colours(void) {
  const char *none = getenv("NO_COLOR");
  if ((none && *none) || !has_colors()) return;
  start_color();
  use_default_colors();
  for (int i = GRID_RED; i <= GRID_CYAN; i++)
    init_pair((short)i, colours[i], -1);
}

/* Names are UTF-8, whatever the locale is called. */
static void use_utf8(void) {
  setlocale(LC_CTYPE, "");
  if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0) setlocale(LC_CTYPE, "C.UTF-8");
}

bool top_screen_open(void) {
  if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) return false;
  use_utf8();
  if (!newterm(NULL, stdout, stdin)) return false;
  begin_colours();
  cbreak();
  noecho();
  nonl();
  curs_set(0);
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  set_escdelay(50);
  return true;
}

void top_screen_close(void) {
  endwin();
}

void top_screen_size(unsigned *columns, unsigned *rows) {
  *columns = COLS > 0 ? (unsigned)COLS : 1;
  *rows = LINES > 0 ? (unsigned)LINES : 1;
}

static attr_t attributes_of(unsigned style) {
  unsigned colour = style & FRAME_COLOUR;
  attr_t attributes = A_NORMAL;
  if (style & FRAME_BOLD || colour == GRID_BOLD) attributes |= A_BOLD;
  if (style & FRAME_DIM || colour == GRID_DIM) attributes |= A_DIM;
  if (style & FRAME_REVERSE) attributes |= A_REVERSE;
  return attributes;
}

static short pair_of(unsigned style) {
  unsigned colour = style & FRAME_COLOUR;
  return colour >= GRID_RED && colour <= GRID_CYAN ? (short)colour : 0;
}

void top_screen_draw(const struct frame *frame) {
  erase();
  for (size_t i = 0; i < frame->run_count; i++) {
    const struct frame_run *run = &frame->runs[i];
    attr_set(attributes_of(run->style), pair_of(run->style), NULL);
    mvaddnstr((int)run->row, (int)run->column, frame->text.data + run->at, (int)run->len);
  }
  attr_set(A_NORMAL, 0, NULL);
  refresh();
}

static int32_t translate(wint_t key) {
  switch (key) {
  case KEY_UP: return KEY_IS_UP;
  case KEY_DOWN: return KEY_IS_DOWN;
  case KEY_PPAGE: return KEY_IS_PAGE_UP;
  case KEY_NPAGE: return KEY_IS_PAGE_DOWN;
  case KEY_HOME: return KEY_IS_HOME;
  case KEY_END: return KEY_IS_END;
  case KEY_ENTER:
  case KEY_RIGHT: return KEY_IS_ENTER;
  case KEY_LEFT: return KEY_IS_BACK;
  case KEY_BACKSPACE: return KEY_IS_ERASE;
  default: return KEY_IS_NOTHING;
  }
}

bool top_screen_key(int32_t *key) {
  wint_t got;
  int kind = get_wch(&got);
  if (kind == ERR) return false;
  if (kind == KEY_CODE_YES)
    *key = translate(got);
  else if (got == '\r' || got == '\n')
    *key = KEY_IS_ENTER;
  else if (got == 27)
    *key = KEY_IS_BACK;
  else if (got == 127 || got == '\b')
    *key = KEY_IS_ERASE;
  else
    *key = (int32_t)got;
  return true;
}
