#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "callpace/base/log.h"

static char path[64], rotated[80], content[256 * 1024];

/* Stands before libc's, so that a test can let the monotonic clock jump. */
static time_t monotonic_ahead_s;
int clock_gettime(clockid_t id, struct timespec *now) {
  int result = (int)syscall(SYS_clock_gettime, id, now);
  if (id == CLOCK_MONOTONIC) now->tv_sec += monotonic_ahead_s;
  return result;
}

static void set_up(void) {
  strcpy(path, "/tmp/callpace-log-XXXXXX");
  int fd = mkstemp(path);
  cr_assert_geq(fd, 0);
  close(fd);
  snprintf(rotated, sizeof rotated, "%s.1", path);
}

static void tear_down(void) {
  log_set_file(NULL);
  unlink(path);
  unlink(rotated);
}

static const char *content_of(const char *file) {
  int fd = open(file, O_RDONLY);
  cr_assert_geq(fd, 0);
  ssize_t len = read(fd, content, sizeof content - 1);
  cr_assert_geq(len, 0);
  content[len] = '\0';
  close(fd);
  return content;
}

static int lines_in(const char *text) {
  int lines = 0;
  for (; (text = strchr(text, '\n')); text++)
    lines++;
  return lines;
}

TestSuite(log, .init = set_up, .fini = tear_down);

Test(log, line_has_time_level_and_fields) {
  cr_assert_eq(log_set_file(path), 0);
  log_warning("source_down", KV("source", "ami"), KV_INT("port", -5), KV("note", "two words"),
              KV("empty", ""), KV("eq", "a=b"), KV("name", "王伟"));
  int year;
  cr_assert_eq(sscanf(content_of(path), "%d-", &year), 1);
  cr_assert_str_eq(content + strlen("2026-11-23T01:00:00.250Z"),
                   " warning source_down source=ami port=-5 note=\"two words\" empty=\"\" "
                   "eq=\"a=b\" name=王伟\n");
}

Test(log, hostile_bytes_are_escaped) {
  cr_assert_eq(log_set_file(path), 0);
  log_error("bad",
            KV_SLICE("line", ((struct slice){"a\n\r\t\0\x1b\"\\\xff\xc2\x9b\xe2\x80\xae", 14})));
  cr_assert_not_null(
      strstr(content_of(path),
             "line=\"a\\n\\r\\t\\x00\\x1b\\\"\\\\\\xff\\xc2\\x9b\\xe2\\x80\\xae\"\n"),
      "%s", content);
}

Test(log, long_lines_are_cut_and_end) {
  cr_assert_eq(log_set_file(path), 0);
  char *big = malloc(100001);
  memset(big, 'a', 100000);
  big[99999] = '\n';
  big[100000] = '\0';
  log_info("big", KV("value", big), KV("after", "x"));
  free(big);
  size_t len = strlen(content_of(path));
  cr_assert_leq(len, 4096);
  cr_assert_str_eq(content + len - 5, " ...\n");
  cr_assert_eq(lines_in(content), 1);
}

Test(log, repeated_lines_are_counted) {
  cr_assert_eq(log_set_file(path), 0);
  log_set_level(LOG_LEVEL_DEBUG);
  for (int i = 0; i < 100; i++) {
    log_info("flood", KV_INT("i", i));
    log_error("flood", KV_INT("i", i));
    log_debug("other", KV_INT("i", i));
  }
  cr_assert_eq(lines_in(content_of(path)), 5 + 50 + 5);
  monotonic_ahead_s = 9;
  log_info("flood", KV("still", "quiet"));
  monotonic_ahead_s = 10;
  log_info("flood", KV("next", "window"));
  log_info("flood", KV("next", "one"));
  cr_assert_not_null(strstr(content_of(path), " flood repeated=96 next=window\n"));
  cr_assert_not_null(strstr(content, " flood next=one\n"));
  cr_assert_eq(lines_in(content), 62);
}

Test(log, level_drops) {
  cr_assert_eq(log_set_file(path), 0);
  log_debug("quiet", KV("a", "b"));
  log_set_level(LOG_LEVEL_ERROR);
  log_warning("quiet", KV("a", "b"));
  errno = EBADF;
  log_error("loud", KV("a", "b"));
  cr_assert_eq(errno, EBADF);
  cr_assert_eq(lines_in(content_of(path)), 1);
}

Test(log, reopens_after_rotation) {
  cr_assert_eq(log_set_file(path), 0);
  log_info("first", KV("a", "b"));
  cr_assert_eq(rename(path, rotated), 0);
  log_info("second", KV("a", "b"));
  cr_assert_eq(log_reopen(), 0);
  log_info("third", KV("a", "b"));
  cr_assert_eq(lines_in(content_of(rotated)), 2);
  cr_assert_eq(lines_in(content_of(path)), 1);
  cr_assert_eq(log_set_file("/nonexistent/callpace.log"), ENOENT);
  log_info("fourth", KV("a", "b"));
  cr_assert_eq(lines_in(content_of(path)), 2, "the old file stays in use");
}

/* With its own stderr in a file, as the journal's pipe would be. */
static void log_to_stderr_as(const char *stream) {
  int fd = open(path, O_WRONLY | O_TRUNC), saved = dup(STDERR_FILENO);
  cr_assert(fd >= 0 && saved >= 0);
  setenv("JOURNAL_STREAM", stream, 1);
  dup2(fd, STDERR_FILENO);
  log_info("started", KV_INT("pid", 1));
  dup2(saved, STDERR_FILENO);
  close(saved);
  close(fd);
}

Test(log, journal_lines_start_with_the_priority) {
  struct stat status;
  char stream[64];
  cr_assert_eq(stat(path, &status), 0);
  snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)status.st_dev,
           (unsigned long long)status.st_ino);
  log_to_stderr_as(stream);
  cr_assert_str_eq(content_of(path), "<6>started pid=1\n");
  log_to_stderr_as("1:1");
  cr_assert_not_null(strstr(content_of(path), "Z info started pid=1\n"), "%s", content);
}
