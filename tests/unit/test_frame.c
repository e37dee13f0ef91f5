#include <criterion/criterion.h>
#include <string.h>

#include "callpace/frame.h"

static struct frame frame;
static struct writer out;

static void teardown(void) {
  frame_free(&frame);
  writer_free(&out);
}
TestSuite(frame, .fini = teardown);

static const char *printed(bool coloured) {
  writer_reset(&out);
  frame_print(&frame, coloured, &out);
  return writer_text(&out);
}

Test(frame, cells_are_filled_and_cut_to_their_width) {
  frame_begin(&frame, 40, 2);
  frame_cell(&frame, 0, SLICE("ab"), 4, false);
  frame_cell(&frame, 0, SLICE("cd"), 4, true);
  frame_cell(&frame, 0, SLICE("longer"), 4, false);
  frame_put(&frame, 0, SLICE("|"));
  cr_expect_str_eq(printed(false), "ab    cdlong|\n");
}

Test(frame, a_figure_that_does_not_fit_is_no_other_figure) {
  frame_begin(&frame, 40, 1);
  frame_cell(&frame, 0, SLICE("12345"), 4, true);
  cr_expect_str_eq(printed(false), "   +\n");
}

Test(frame, wide_characters_count_double_and_are_not_halved) {
  frame_begin(&frame, 40, 1);
  frame_cell(&frame, 0, SLICE("王小明"), 5, false);
  frame_put(&frame, 0, SLICE("|"));
  cr_expect_eq(frame.column, 6);
  cr_expect_str_eq(printed(false), "王小 |\n");
}

Test(frame, nothing_goes_beyond_the_edges) {
  frame_begin(&frame, 5, 2);
  frame_put(&frame, 0, SLICE("abcdefgh"));
  frame_put(&frame, 0, SLICE("x"));
  frame_move(&frame, 1, 4);
  frame_put(&frame, 0, SLICE("王"));
  frame_move(&frame, 2, 0);
  frame_put(&frame, 0, SLICE("below"));
  frame_move(&frame, 1, 9);
  frame_cell(&frame, 0, SLICE("right"), 3, true);
  cr_expect_str_eq(printed(false), "abcde\n");
}

Test(frame, hostile_text_is_harmless) {
  frame_begin(&frame, 60, 1);
  frame_put(&frame, 0, SLICE("a\033[31mb\007\xe2\x80\xae\xff\n"));
  cr_expect_str_eq(printed(false), "a?[31mb????\n");
}

Test(frame, styles_are_the_terminals_and_end) {
  frame_begin(&frame, 60, 2);
  frame_put(&frame, GRID_RED | FRAME_BOLD, SLICE("x"));
  frame_put(&frame, GRID_PLAIN, SLICE("y"));
  frame_move(&frame, 1, 2);
  frame.always = FRAME_DIM;
  frame_put(&frame, GRID_PLAIN, SLICE("z"));
  cr_expect_str_eq(printed(true), "\033[0;31;1mx\033[0my\n  \033[0;2mz\033[0m\n");
}

Test(frame, it_begins_anew) {
  frame_begin(&frame, 10, 2);
  frame.always = FRAME_REVERSE;
  frame_put(&frame, 0, SLICE("old"));
  frame_begin(&frame, 10, 2);
  cr_expect_str_eq(printed(true), "");
}
