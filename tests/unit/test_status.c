#include <criterion/criterion.h>
#include <errno.h>

#include "callpace/base/status.h"

Test(status, error_set_fills_and_returns) {
  struct error error = {0};
  cr_assert_eq(error_set(&error, STATUS_CONFIG, "%s:%d: bad", "f.yaml", 7), STATUS_CONFIG);
  cr_assert_eq(error.status, STATUS_CONFIG);
  cr_assert_str_eq(error.text, "f.yaml:7: bad");
  cr_assert_eq(error_set(NULL, STATUS_IO, "nobody asks"), STATUS_IO);
}

Test(status, errno_is_told_and_kept_readable) {
  struct error error = {0};
  errno = ENOENT;
  cr_assert_eq(error_set_errno(&error, STATUS_IO, "open %s", "x"), STATUS_IO);
  cr_assert_str_eq(error.text, "open x: No such file or directory");
}

Test(status, long_text_is_cut) {
  struct error error = {0};
  char longer[ERROR_TEXT_SIZE * 2];
  memset(longer, 'a', sizeof longer - 1);
  longer[sizeof longer - 1] = '\0';
  errno = EIO;
  error_set_errno(&error, STATUS_IO, "%s", longer);
  cr_assert_eq(strlen(error.text), ERROR_TEXT_SIZE - 1);
}

Test(status, nearest_word) {
  const char *const words[] = {"status", "reload", "report", "agent", NULL};
  cr_assert_str_eq(nearest_word("relaod", words), "reload");
  cr_assert_str_eq(nearest_word("statsu", words), "status");
  cr_assert_str_eq(nearest_word("agents", words), "agent");
  cr_assert_null(nearest_word("xyzzyplugh", words));
  cr_assert_null(nearest_word("", words));
}
