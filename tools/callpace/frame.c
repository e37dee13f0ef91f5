#include "callpace/frame.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "callpace/base/mem.h"
#include "callpace/base/text.h"

enum { FORMATTED_MAX = 256 };

void frame_begin(struct frame *frame, unsigned columns, unsigned rows) {
  writer_reset(&frame->text);
  frame->columns = columns;
  frame->rows = rows;
  frame->row = frame->column = 0;
  frame->always = 0;
  frame->run_count = 0;
}

void frame_free(struct frame *frame) {
  writer_free(&frame->text);
  free(frame->runs);
  *frame = (struct frame){0};
}

void frame_move(struct frame *frame, unsigned row, unsigned column) {
  frame->row = row;
  frame->column = column;
}

static unsigned room_left(const struct frame *frame) {
  if (frame->row >= frame->rows || frame->column >= frame->columns) return 0;
  return frame->columns - frame->column;
}

/* Text that is known to be harmless and to fit. */
static void put_run(struct frame *frame, unsigned style, size_t at, unsigned width) {
  if (frame->text.len == at) return;
  frame->runs =
      mem_grow(frame->runs, &frame->run_capacity, frame->run_count + 1, sizeof *frame->runs);
  frame->runs[frame->run_count++] = (struct frame_run){.row = frame->row,
                                                       .column = frame->column,
                                                       .at = at,
                                                       .len = frame->text.len - at,
                                                       .style = style | frame->always};
  frame->column += width;
}

void frame_put(struct frame *frame, unsigned style, struct slice text) {
  unsigned room = room_left(frame);
  size_t at = frame->text.len;
  if (room == 0 || text.len == 0) return;
  text_put_terminal(&frame->text, text, room, false);
  struct slice put = {frame->text.data + at, frame->text.len - at};
  put_run(frame, style, at, (unsigned)text_width(put));
}

void frame_format(struct frame *frame, unsigned style, const char *format, ...) {
  char text[FORMATTED_MAX];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  frame_put(frame, style, slice_of(text));
}

static void put_blanks(struct writer *out, size_t count) {
  for (; count > 0; count--)
    put_char(out, ' ');
}

void frame_cell(struct frame *frame, unsigned style, struct slice text, unsigned width,
                bool right) {
  unsigned room = room_left(frame);
  size_t at = frame->text.len;
  if (width > room) width = room;
  if (width == 0) return;
  size_t needs = text_width(text);
  if (right && needs > width) { /* a figure that is cut would be another figure */
    text = SLICE("+");
    needs = 1;
  }
  if (right) put_blanks(&frame->text, width - needs);
  text_put_terminal(&frame->text, text, right ? needs : width, !right);
  put_run(frame, style, at, width);
}

void frame_fill(struct frame *frame, unsigned style) {
  frame_cell(frame, style, SLICE(""), room_left(frame), false);
}

static void put_style(struct writer *out, unsigned style) {
  static const char *const colours[] = {"", ";2", ";1", ";31", ";32", ";33", ";36", ""};
  put_text(out, "\033[0");
  put_text(out, colours[style & FRAME_COLOUR]);
  if (style & FRAME_BOLD) put_text(out, ";1");
  if (style & FRAME_DIM) put_text(out, ";2");
  if (style & FRAME_REVERSE) put_text(out, ";7");
  put_char(out, 'm');
}

static size_t without_blanks(const struct writer *out, size_t from) {
  size_t len = out->len;
  while (len > from && out->data[len - 1] == ' ')
    len--;
  return len;
}

void frame_print(const struct frame *frame, bool coloured, struct writer *out) {
  size_t line = out->len;
  unsigned row = 0, column = 0;
  for (size_t i = 0; i < frame->run_count; i++) {
    const struct frame_run *run = &frame->runs[i];
    for (; row < run->row; row++, column = 0, line = out->len) {
      out->len = without_blanks(out, line);
      put_char(out, '\n');
    }
    struct slice text = {frame->text.data + run->at, run->len};
    if (run->column > column) put_blanks(out, run->column - column);
    column = run->column + (unsigned)text_width(text);
    if (coloured && run->style) put_style(out, run->style);
    put_slice(out, text);
    if (coloured && run->style) put_text(out, "\033[0m");
  }
  out->len = without_blanks(out, line);
  if (frame->run_count) put_char(out, '\n');
}
