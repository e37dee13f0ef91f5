#include <criterion/criterion.h>

#include <hiredis/hiredis.h>
#include <stdlib.h>

#include "callpace/base/resp.h"

/* hiredis is the oracle: the same command must give the same bytes. */
static void same_as_hiredis(struct writer *w, int argc, const char **argv, const size_t *lens) {
  char *expected;
  int len = redisFormatCommandArgv(&expected, argc, argv, lens);
  cr_assert_eq((size_t)len, w->len, "%zu bytes, not %d", w->len, len);
  cr_assert_eq(memcmp(expected, w->data, w->len), 0);
  free(expected);
}

Test(resp, any_number_of_arguments_as_hiredis_writes_them) {
  for (int argc = 1; argc < 1300; argc += argc < 120 ? 1 : 97) {
    struct writer w = {0};
    const char **argv = calloc((size_t)argc, sizeof *argv);
    size_t *lens = calloc((size_t)argc, sizeof *lens);
    static char text[400];
    memset(text, 'x', sizeof text);
    argv[0] = "NAME", lens[0] = 4;
    struct resp command = resp_begin(&w, SLICE("NAME"));
    for (int i = 1; i < argc; i++) {
      argv[i] = text, lens[i] = (size_t)(i * 7 % 301);
      resp_slice(&command, (struct slice){text, lens[i]});
    }
    resp_end(&command);
    same_as_hiredis(&w, argc, argv, lens);
    writer_free(&w);
    free(argv);
    free(lens);
  }
}

Test(resp, integers_to_their_ends) {
  static const int64_t numbers[] = {0, 7, -7, 10, 1763860000123, INT64_MAX, INT64_MIN};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)numbers[i]);
    struct writer w = {0};
    struct resp command = resp_begin(&w, SLICE("N"));
    resp_int(&command, numbers[i]);
    resp_end(&command);
    same_as_hiredis(&w, 2, (const char *[]){"N", text}, (size_t[]){1, strlen(text)});
    writer_free(&w);
  }
}

Test(resp, commands_follow_one_another_and_take_raw_arguments) {
  struct writer w = {0}, held = {0};
  put_text(&w, "before");
  resp_put_slice(&held, SLICE("a"));
  resp_put_int(&held, 12);
  struct resp command = resp_begin(&w, SLICE("HDEL"));
  resp_slice(&command, SLICE("key"));
  resp_raw(&command, writer_slice(&held), 2);
  resp_end(&command);
  const char *text = "before*4\r\n$4\r\nHDEL\r\n$3\r\nkey\r\n$1\r\na\r\n$2\r\n12\r\n";
  cr_assert_str_eq(writer_text(&w), text);
  struct slice bytes = {w.data + 6, w.len - 6};
  cr_assert(slice_equal(resp_argument(bytes, 0), SLICE("HDEL")));
  cr_assert(slice_equal(resp_argument(bytes, 1), SLICE("key")));
  cr_assert(slice_equal(resp_argument(bytes, 3), SLICE("12")));
  cr_assert_eq(resp_argument(bytes, 4).len, 0);
  for (size_t cut = 0; cut < bytes.len; cut++)
    cr_assert_eq(resp_argument((struct slice){bytes.data, cut}, 3).len, 0);
  writer_free(&w);
  writer_free(&held);
}
