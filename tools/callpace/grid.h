/* Tables for people: aligned columns on a terminal, Chinese names counted double,
 * values between tabs in a pipe. */
#ifndef CALLPACE_GRID_H
#define CALLPACE_GRID_H

#include <stdbool.h>

#include "callpace/base/writer.h"

enum { GRID_COLUMNS = 16 };
enum grid_colour { GRID_PLAIN, GRID_DIM, GRID_BOLD, GRID_RED, GRID_GREEN, GRID_YELLOW, GRID_CYAN };

struct grid {
  struct writer text; /* all cells, one behind the other */
  struct grid_cell {
    size_t at, len;
    enum grid_colour colour;
  } * cells;
  size_t cell_count, cell_capacity;
  unsigned columns;
  bool right[GRID_COLUMNS];
};

/* Starts a table: column names split by '|', '>' in front of those that stand
 * right. The names become its first row. */
void grid_begin(struct grid *grid, const char *columns);
/* The next cell in reading order; the text is copied. */
void grid_put(struct grid *grid, struct slice text, enum grid_colour colour);
void grid_put_number(struct grid *grid, int64_t value, enum grid_colour colour);
/* Appends the rows; `terminal` aligns and colours. */
void grid_print(const struct grid *grid, bool terminal, struct writer *out);
void grid_free(struct grid *grid);

/* Appends `text` in a colour when `coloured`. */
void put_coloured(struct writer *out, struct slice text, enum grid_colour colour, bool coloured);
/* The colour of an agent's state. */
enum grid_colour colour_of_state(struct slice state);
/* True when stdout is a terminal that may be coloured (NO_COLOR is not set). */
bool output_is_terminal(void);

#endif
