#include <criterion/criterion.h>

#include "callpace/base/redis_url.h"

static struct redis_url good(const char *text) {
  struct redis_url url;
  struct error error = {0};
  cr_assert_eq(redis_url_parse(slice_of(text), &url, &error), STATUS_OK, "%s: %s", text,
               error.text);
  return url;
}

static void bad(const char *text, const char *word) {
  struct redis_url url = {.port = 42};
  struct error error = {0};
  cr_assert_eq(redis_url_parse(slice_of(text), &url, &error), STATUS_CONFIG, "%s", text);
  cr_assert(strstr(error.text, word), "%s: %s", text, error.text);
  cr_assert_eq(url.port, 42);
}

Test(redis_url, every_kind) {
  cr_assert_eq(good("embedded").kind, REDIS_EMBEDDED);
  struct redis_url url = good("redis://cache.example:6380/3");
  cr_assert_eq(url.kind, REDIS_TCP);
  cr_assert_str_eq(url.host, "cache.example");
  cr_assert_eq(url.port, 6380);
  cr_assert_eq(url.db, 3);
  url = good("rediss://[2001:db8::1]");
  cr_assert_eq(url.kind, REDIS_TLS);
  cr_assert_str_eq(url.host, "2001:db8::1");
  cr_assert_eq(url.port, 6379);
  url = good("unix:///run/redis/redis.sock?db=2");
  cr_assert_eq(url.kind, REDIS_UNIX);
  cr_assert_str_eq(url.path, "/run/redis/redis.sock");
  cr_assert_eq(url.db, 2);
  cr_assert_eq(good("redis://h/").db, 0);
  cr_assert_eq(good("redis://[::1]:7000/1").port, 7000);
}

Test(redis_url, refusals_say_what_is_wrong) {
  bad("", "none of");
  bad("redis:/x", "none of");
  bad("http://x", "none of");
  bad("redis://", "host");
  bad("redis://:6379", "host");
  bad("redis://h:0", "port");
  bad("redis://h:65536", "port");
  bad("redis://h:", "port");
  bad("redis://2001:db8::1", "brackets");
  bad("redis://[::1", "]");
  bad("redis://[::1]x", "]");
  bad("redis://h/x", "/DB");
  bad("redis://me:secret@h", "password_file");
  bad("unix://rel/x", "absolute");
  bad("unix:///x?database=1", "db=");
  char path[REDIS_PATH_SIZE + 32] = "unix:///";
  memset(path + 8, 'x', sizeof path - 9);
  bad(path, "too long");
}
