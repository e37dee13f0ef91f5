#include "callpace/grid.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "callpace/base/mem.h"
#include "callpace/base/text.h"

void grid_begin(struct grid *grid, const char *columns) {
  *grid = (struct grid){0};
  for (const char *at = columns; *at && grid->columns < GRID_COLUMNS;) {
    bool right = *at == '>';
    at += right;
    size_t len = strcspn(at, "|");
    grid->right[grid->columns++] = right;
    grid_put(grid, (struct slice){at, len}, GRID_BOLD);
    at += len + (at[len] == '|');
  }
}

void grid_put(struct grid *grid, struct slice text, enum grid_colour colour) {
  grid->cells =
      mem_grow(grid->cells, &grid->cell_capacity, grid->cell_count + 1, sizeof *grid->cells);
  struct grid_cell *cell = &grid->cells[grid->cell_count++];
  cell->at = grid->text.len;
  cell->colour = colour;
  text_put_terminal(&grid->text, text, 0, false);
  cell->len = grid->text.len - cell->at;
}

void grid_put_number(struct grid *grid, int64_t value, enum grid_colour colour) {
  struct writer digits = {0};
  put_int(&digits, value);
  grid_put(grid, writer_slice(&digits), colour);
  writer_free(&digits);
}

static struct slice text_of(const struct grid *grid, const struct grid_cell *cell) {
  return (struct slice){grid->text.data + cell->at, cell->len};
}

void put_coloured(struct writer *out, struct slice text, enum grid_colour colour, bool coloured) {
  static const char *const codes[] = {"", "2", "1", "31", "32", "33", "36"};
  bool wraps = coloured && colour != GRID_PLAIN && text.len > 0;
  if (wraps) put_format(out, "\033[%sm", codes[colour]);
  put_slice(out, text);
  if (wraps) put_text(out, "\033[0m");
}

static void put_blanks(struct writer *out, size_t count) {
  for (; count > 0; count--)
    put_char(out, ' ');
}

void grid_print(const struct grid *grid, bool terminal, struct writer *out) {
  size_t widths[GRID_COLUMNS] = {0};
  for (size_t i = 0; i < grid->cell_count; i++) {
    size_t width = text_width(text_of(grid, &grid->cells[i])), column = i % grid->columns;
    if (width > widths[column]) widths[column] = width;
  }
  for (size_t i = 0; i < grid->cell_count; i++) {
    const struct grid_cell *cell = &grid->cells[i];
    size_t column = i % grid->columns, pad = widths[column] - text_width(text_of(grid, cell));
    bool last = column + 1 == grid->columns;
    if (terminal && grid->right[column]) put_blanks(out, pad);
    put_coloured(out, text_of(grid, cell), cell->colour, terminal);
    if (terminal && !grid->right[column] && !last) put_blanks(out, pad);
    put_text(out, last ? "\n" : terminal ? "  " : "\t");
  }
}

void grid_free(struct grid *grid) {
  writer_free(&grid->text);
  free(grid->cells);
  *grid = (struct grid){0};
}

enum grid_colour colour_of_state(struct slice state) {
  static const struct {
    const char *state;
    enum grid_colour colour;
  } rows[] = {{"met", GRID_GREEN},     {"on_pace", GRID_CYAN},    {"warming", GRID_DIM},
              {"behind", GRID_YELLOW}, {"unreachable", GRID_RED}, {"missed", GRID_RED},
              {"exempt", GRID_DIM},    {"unknown", GRID_DIM},     {"unrostered", GRID_DIM},
              {"critical", GRID_RED},  {"warning", GRID_YELLOW},  {"info", GRID_GREEN},
              {"up", GRID_GREEN},      {"down", GRID_RED}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (slice_equal(state, slice_of(rows[i].state))) return rows[i].colour;
  return GRID_PLAIN;
}

bool output_is_terminal(void) {
  const char *no_colour = getenv("NO_COLOR"), *kind = getenv("TERM");
  return isatty(STDOUT_FILENO) && !(no_colour && *no_colour) && !(kind && !strcmp(kind, "dumb"));
}
