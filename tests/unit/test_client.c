#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include "callpace/client.h"
#include "callpace/grid.h"
#include "callpace/show.h"

struct read {
  struct client_options shared;
  bool flag;
  const char *text, *words[2];
  int64_t count;
  double real;
  msec_t duration;
  enum status status;
};

static struct read read_words(int argc, const char **argv) {
  struct read r = {0};
  const struct option_row rows[] = {
      {"--follow", OPTION_FLAG, &r.flag},        {"--to", OPTION_TEXT, &r.text},
      {"--agents", OPTION_COUNT, &r.count},      {"--speed", OPTION_REAL, &r.real},
      {"--watch", OPTION_DURATION, &r.duration}, {0}};
  r.status = options_read(&r.shared, rows, argc, (char **)argv, r.words, 1, 2);
  return r;
}
#define READ(...)                                                                                  \
  read_words(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *[]){__VA_ARGS__})

Test(client, reads_options_before_and_behind_words) {
  struct read r = READ("--json", "file", "--to=a:1", "--agents", "7", "--speed", "1.5", "--watch",
                       "500ms", "--socket", "s", "-c", "f", "--follow", "-");
  cr_assert_eq(r.status, STATUS_OK);
  cr_assert(r.shared.json && r.flag);
  cr_assert_str_eq(r.shared.socket, "s");
  cr_assert_str_eq(r.shared.config, "f");
  cr_assert_str_eq(r.text, "a:1");
  cr_assert_str_eq(r.words[0], "file");
  cr_assert_str_eq(r.words[1], "-");
  cr_assert_eq(r.count, 7);
  cr_assert_float_eq(r.real, 1.5, 1e-9);
  cr_assert_eq(r.duration, 500);
  cr_assert_eq(READ("x", "--watch", "2").duration, 2000);
  cr_assert_str_eq(READ("--", "--json").words[0], "--json");
}

Test(client, refuses_what_it_does_not_know, .init = cr_redirect_stderr) {
  cr_assert_eq(READ("x", "--folow").status, STATUS_USAGE);
  cr_assert_eq(READ("x", "--to").status, STATUS_USAGE);
  cr_assert_eq(READ("x", "--agents", "many").status, STATUS_USAGE);
  cr_assert_eq(READ("x", "--speed", "0").status, STATUS_USAGE);
  cr_assert_eq(READ("x", "--follow=1").status, STATUS_USAGE);
  cr_assert_eq(READ("a", "b", "c").status, STATUS_USAGE);
  cr_assert_eq(READ("--follow").status, STATUS_USAGE);
  fflush(stderr);
  FILE *told = cr_get_redirected_stderr();
  char line[128] = "";
  cr_assert_not_null(fgets(line, sizeof line, told));
  cr_assert_str_eq(line, "callpace: unknown option --folow: did you mean --follow?\n");
}

Test(client, finds_its_commands) {
  static const char *const names[] = {"status", "agent",   "alerts", "reload",  "check",
                                      "feed",   "journal", "board",  "simulate"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    cr_assert_not_null(command_find(names[i]), "%s", names[i]);
  cr_assert_null(command_find("statu"));
}

static struct writer two_rows(bool terminal) {
  struct grid grid;
  struct writer out = {0};
  grid_begin(&grid, "name|>calls|state");
  grid_put(&grid, SLICE("王芳"), GRID_PLAIN);
  grid_put_number(&grid, 7, GRID_PLAIN);
  grid_put(&grid, SLICE("met"), GRID_GREEN);
  grid_put(&grid, SLICE("Emma"), GRID_PLAIN);
  grid_put_number(&grid, 61, GRID_PLAIN);
  grid_put(&grid, SLICE("be\x1bhind"), GRID_PLAIN);
  grid_print(&grid, terminal, &out);
  grid_free(&grid);
  writer_text(&out);
  return out;
}

Test(client, aligns_by_display_width_on_a_terminal) {
  struct writer out = two_rows(true);
  cr_assert_str_eq(out.data, "\033[1mname\033[0m  \033[1mcalls\033[0m  \033[1mstate\033[0m\n"
                             "王芳      7  \033[32mmet\033[0m\n"
                             "Emma     61  be?hind\n");
  writer_free(&out);
}

Test(client, puts_tabs_in_a_pipe) {
  struct writer out = two_rows(false);
  cr_assert_str_eq(out.data, "name\tcalls\tstate\n王芳\t7\tmet\nEmma\t61\tbe?hind\n");
  writer_free(&out);
}

static void assert_field(const char *name, const char *value, const char *wanted) {
  struct writer out = {0};
  put_field(&out, name, slice_of(value));
  cr_assert_str_eq(writer_text(&out), wanted);
  writer_free(&out);
}

Test(client, shows_fields_for_people) {
  assert_field("talk_ms", "9005000", "2:30:05");
  assert_field("ring_ms", "249000", "4:09");
  assert_field("coverage_bp", "9950", "99.50 %");
  assert_field("calls", "61", "61");
  assert_field("state", "met", "met");
}

Test(client, draws_a_bar_of_eighths) {
  struct writer out = {0};
  put_bar(&out, 5, 16, 4);
  put_bar(&out, 99, 16, 2);
  cr_assert_str_eq(writer_text(&out), "█▎··██");
  writer_free(&out);
}
