/* A picture for a terminal as data: runs of text with a place and a style, that know
 * nothing of how they get onto the screen. Whatever is put into it is made harmless
 * and cut to its room; Chinese counts double. */
#ifndef CALLPACE_FRAME_H
#define CALLPACE_FRAME_H

#include <stdbool.h>

#include "callpace/base/writer.h"
#include "callpace/grid.h"

/* A colour of enum grid_colour, and these added to it. */
enum frame_style { FRAME_COLOUR = 7, FRAME_BOLD = 8, FRAME_DIM = 16, FRAME_REVERSE = 32 };

struct frame {
  unsigned columns, rows;
  unsigned row, column; /* where the next text goes */
  unsigned always;      /* style added to everything that is put */
  struct writer text;
  struct frame_run {
    unsigned row, column;
    size_t at, len;
    unsigned style;
  } * runs;
  size_t run_count, run_capacity;
};

/* Empties it and gives it a size. Zero-initialise before the first time. */
void frame_begin(struct frame *frame, unsigned columns, unsigned rows);
void frame_free(struct frame *frame);

/* Where the next text goes; rows beyond the last are dropped. */
void frame_move(struct frame *frame, unsigned row, unsigned column);
/* Text from here on, cut at the right edge; moves behind it. */
void frame_put(struct frame *frame, unsigned style, struct slice text);
void frame_format(struct frame *frame, unsigned style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same in a cell of `width` columns, filled with blanks on the other side. Text
 * that is too long is cut: its end, or for `right` (figures) its place is marked. */
void frame_cell(struct frame *frame, unsigned style, struct slice text, unsigned width, bool right);
/* Blanks up to the right edge in a style. */
void frame_fill(struct frame *frame, unsigned style);

/* As lines, blanks at their ends cut; `coloured` with the terminal's own colours.
 * Rows behind the last run are left out. Runs stand in the order of their place. */
void frame_print(const struct frame *frame, bool coloured, struct writer *out);

#endif
