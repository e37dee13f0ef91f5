#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callpace/io/key_file.h"

Test(key_file, is_made_once_and_kept) {
  char dir[] = "/tmp/callpace-key-XXXXXX", path[64];
  uint8_t first[32] = {0}, second[32] = {0}, other[32] = {0};
  struct error error = {0};
  cr_assert_not_null(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/a.key", dir);
  cr_assert_eq(key_file_read(dir, "a.key", first, 32, &error), STATUS_OK, "%s", error.text);
  cr_assert_eq(key_file_read(dir, "a.key", second, 32, &error), STATUS_OK, "%s", error.text);
  cr_assert_eq(memcmp(first, second, 32), 0);
  struct stat st;
  cr_assert_eq(stat(path, &st), 0);
  cr_assert_eq(st.st_mode & 0777, 0600);
  cr_assert_eq(key_file_read(dir, "b.key", other, 32, &error), STATUS_OK);
  cr_assert_neq(memcmp(first, other, 32), 0);
  cr_assert_eq(key_file_read(dir, "a.key", second, 31, &error), STATUS_CONFIG);
  cr_assert_eq(truncate(path, 5), 0);
  cr_assert_eq(key_file_read(dir, "a.key", second, 32, &error), STATUS_CONFIG);
  cr_assert_not_null(strstr(error.text, "a.key"));
  cr_assert_eq(key_file_read("/nonexistent", "a.key", second, 32, &error), STATUS_IO);
  char command[64];
  snprintf(command, sizeof command, "rm -r %s", dir);
  cr_assert_eq(system(command), 0);
}
