#include <criterion/criterion.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "callpace/io/rejects.h"

static char dir[] = "/tmp/callpace-rejects-XXXXXX";

static json_t *line_of(const char *day, int wanted) {
  char path[128], line[16384];
  snprintf(path, sizeof path, "%s/rejects/%s.jsonl", dir, day);
  FILE *file = fopen(path, "r");
  cr_assert(file, "%s", path);
  json_t *found = NULL;
  for (int n = 0; fgets(line, sizeof line, file); n++)
    if (n == wanted) found = json_loads(line, 0, NULL);
  fclose(file);
  return found;
}

static void make_dir(void) {
  cr_assert(mkdtemp(dir));
}

static void remove_dir(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", dir);
  cr_assert_eq(system(command), 0);
}

Test(rejects, one_json_a_line_with_hostile_bytes, .init = make_dir, .fini = remove_dir) {
  struct rejects *rejects = NULL;
  cr_assert_eq(rejects_open(dir, &rejects, NULL), STATUS_OK);
  rejects_add(rejects, 1795459127571, "pbx", "bad_json", SLICE("{\"a\n\xff<script>"));
  char big[5000];
  memset(big, 'x', sizeof big);
  rejects_add(rejects, 1795459127571, "pbx", "too_long", (struct slice){big, sizeof big});
  rejects_close(rejects);

  json_t *first = line_of("2026-11-23", 0), *second = line_of("2026-11-23", 1);
  cr_assert(first && second);
  cr_assert_str_eq(json_string_value(json_object_get(first, "code")), "bad_json");
  cr_assert_str_eq(json_string_value(json_object_get(first, "source")), "pbx");
  cr_assert_str_eq(json_string_value(json_object_get(first, "line")), "{\"a\n\xef\xbf\xbd<script>");
  cr_assert_eq(json_string_length(json_object_get(second, "line")), 4096);
  json_decref(first);
  json_decref(second);
}
