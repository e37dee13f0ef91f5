#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callpace/io/folder.h"

static char parent[] = "/tmp/callpace-folder-XXXXXX";
static char dir[64];

static void setup(void) {
  cr_assert_not_null(mkdtemp(parent));
  snprintf(dir, sizeof dir, "%s/reports", parent);
}

static void teardown(void) {
  char command[128];
  snprintf(command, sizeof command, "chmod -R u+w %s; rm -rf %s", parent, parent);
  cr_assert_eq(system(command), 0);
}

static void content_is(const char *name, const char *content) {
  char path[128], text[64] = "";
  snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE *file = fopen(path, "re");
  cr_assert_not_null(file);
  size_t len = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[len] = '\0';
  cr_assert_str_eq(text, content);
}

Test(folder, makes_itself_and_writes_a_file_once, .init = setup, .fini = teardown) {
  bool written = false;
  cr_assert_not(folder_has(dir, "a.csv"));
  cr_assert_eq(folder_write(dir, "a.csv", SLICE("first"), &written, NULL), STATUS_OK);
  cr_assert(written && folder_has(dir, "a.csv"));
  cr_assert_eq(folder_write(dir, "a.csv", SLICE("second"), &written, NULL), STATUS_OK);
  cr_assert_not(written);
  content_is("a.csv", "first");
  cr_assert_eq(folder_write(dir, "b.csv", SLICE(""), NULL, NULL), STATUS_OK);
  content_is("b.csv", "");
}

Test(folder, what_was_broken_off_is_overwritten, .init = setup, .fini = teardown) {
  char aside[128];
  cr_assert_eq(mkdir(dir, 0750), 0);
  snprintf(aside, sizeof aside, "%s/.a.csv.tmp", dir);
  FILE *file = fopen(aside, "we");
  fputs("half of it, and longer than the whole", file);
  fclose(file);
  cr_assert_not(folder_has(dir, "a.csv"));
  cr_assert_eq(folder_write(dir, "a.csv", SLICE("whole"), NULL, NULL), STATUS_OK);
  content_is("a.csv", "whole");
  cr_assert_neq(access(aside, F_OK), 0);
}

Test(folder, tells_why_it_cannot, .init = setup, .fini = teardown) {
  struct error error = {0};
  cr_assert_eq(folder_write("/proc/none/reports", "a", SLICE("x"), NULL, &error), STATUS_IO);
  cr_assert_not_null(strstr(error.text, "/proc/none/reports"));
  char name[5000];
  memset(name, 'x', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  cr_assert_eq(folder_write(dir, name, SLICE("x"), NULL, NULL), STATUS_IO);
}
