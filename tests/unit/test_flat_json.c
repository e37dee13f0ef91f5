#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "callpace/base/flat_json.h"

static struct flat_object object;

static enum flat_result scan(const char *text) {
  /* An exact copy, so that the sanitizer sees a read behind the line. */
  size_t len = strlen(text);
  static char *copy;
  free(copy);
  copy = malloc(len ? len : 1);
  memcpy(copy, text, len);
  return flat_json_scan((struct slice){copy, len}, &object);
}

static void is_bad(const char *text, size_t at) {
  cr_assert_eq(scan(text), FLAT_BAD_JSON, "%s", text);
  cr_assert_not_null(object.error);
  cr_assert_eq(object.error_at, at, "%s: %s at %zu", text, object.error, object.error_at);
}

static void value_is(const char *json, const char *value) {
  cr_assert_eq(scan(json), FLAT_OK, "%s: %s", json, object.error);
  cr_assert_eq(object.members[0].kind, FLAT_STRING);
  cr_assert(slice_equal(object.members[0].value, slice_of(value)), "%s", json);
}

Test(flat_json, members) {
  cr_assert_eq(
      scan("\t{ \"s\" : \"x\" ,\"n\":-1.5e+3,\"t\":true,\"f\":false, \"z\":null,\"\":\"\"} \r"),
      FLAT_OK);
  cr_assert_null(object.error);
  static const struct {
    const char *key, *value;
    enum flat_kind kind;
  } expected[] = {{"s", "x", FLAT_STRING},  {"n", "-1.5e+3", FLAT_NUMBER},
                  {"t", "true", FLAT_TRUE}, {"f", "false", FLAT_FALSE},
                  {"z", "null", FLAT_NULL}, {"", "", FLAT_STRING}};
  cr_assert_eq(object.count, 6);
  for (unsigned i = 0; i < 6; i++) {
    cr_assert(slice_equal(object.members[i].key, slice_of(expected[i].key)));
    cr_assert(slice_equal(object.members[i].value, slice_of(expected[i].value)));
    cr_assert_eq(object.members[i].kind, expected[i].kind);
  }
  cr_assert_eq(scan("{}"), FLAT_OK);
  cr_assert_eq(object.count, 0);
}

Test(flat_json, escapes) {
  value_is("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "\"\\/\b\f\n\r\t");
  value_is("{\"a\":\"x\\u0041\\u00e9\\u674e\\uD83D\\uDE00y\"}", "xA\xc3\xa9李\xf0\x9f\x98\x80y");
  cr_assert_eq(scan("{\"\\u006bey\":\"\\u0000\"}"), FLAT_OK);
  cr_assert(slice_equal(object.members[0].key, SLICE("key")));
  cr_assert(slice_equal(object.members[0].value, (struct slice){"", 1}));
  is_bad("{\"a\":\"\\ud83d\"}", 6);
  is_bad("{\"a\":\"\\ude00\"}", 6);
  is_bad("{\"a\":\"\\ud83d\\u0041\"}", 6);
  is_bad("{\"a\":\"\\ud83d\\ud83d\"}", 6);
  is_bad("{\"a\":\"\\u12g4\"}", 6);
  is_bad("{\"a\":\"\\x\"}", 6);
  is_bad("{\"a\":\"\\", 6);
  is_bad("{\"a\":\"\\u1", 6);
}

Test(flat_json, numbers_follow_the_grammar) {
  static const char *const good[] = {"0", "-0", "10", "1.0", "0.10", "1e5", "1E-5", "-1.25e+10"};
  static const char *const bad[] = {"01",  "-",   "+1",  ".5",  "1.",   "1e",      "1e+",
                                    "0x1", "1_0", "NaN", "-01", "1.e1", "Infinity"};
  char json[64];
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    snprintf(json, sizeof json, "{\"a\":%s}", good[i]);
    cr_assert_eq(scan(json), FLAT_OK, "%s", json);
    cr_assert(slice_equal(object.members[0].value, slice_of(good[i])));
  }
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    snprintf(json, sizeof json, "{\"a\":%s}", bad[i]);
    cr_assert_eq(scan(json), FLAT_BAD_JSON, "%s", json);
  }
}

Test(flat_json, syntax) {
  is_bad("", 0);
  is_bad("[]", 0);
  is_bad("\xef\xbb\xbf{}", 0);
  is_bad("{", 1);
  is_bad("{,}", 1);
  is_bad("{\"a\"}", 4);
  is_bad("{\"a\":}", 5);
  is_bad("{\"a\":1", 6);
  is_bad("{\"a\":1,}", 7);
  is_bad("{\"a\":1 \"b\":2}", 7);
  is_bad("{'a':1}", 1);
  is_bad("{\"a\":1}x", 7);
  is_bad("{\"a\":tru}", 5);
  is_bad("{\"a\":True}", 5);
  is_bad("{\"a\":{}}", 5);
  is_bad("{\"a\":[]}", 5);
  is_bad("{\"a\":\"x\ty\"}", 7);
  is_bad("{\"a\":\"open}", 5);
  is_bad("{\"a\":1}\v", 7);
  cr_assert_eq(flat_json_scan((struct slice){"{\0}", 3}, &object), FLAT_BAD_JSON);
  cr_assert_eq(flat_json_scan((struct slice){NULL, 0}, &object), FLAT_BAD_JSON);
}

Test(flat_json, duplicate_keys) {
  is_bad("{\"a\":1,\"b\":2,\"a\":3}", 13);
  is_bad("{\"k\":1,\"\\u006b\":2}", 7);
  cr_assert_eq(scan("{\"ab\":1,\"ba\":2,\"aab\":3,\"abb\":4,\"A\":5,\"a\":6}"), FLAT_OK);
}

Test(flat_json, broken_utf8_comes_first) {
  cr_assert_eq(scan("{\"a\":\"\xff\"}"), FLAT_BAD_UTF8);
  cr_assert_eq(object.error_at, 6);
  cr_assert_eq(scan("not json at all \xc3"), FLAT_BAD_UTF8);
  cr_assert_eq(object.error_at, 16);
  value_is("{\"a\":\"王伟\"}", "王伟");
}

Test(flat_json, members_are_bounded) {
  for (int count = FLAT_MEMBERS_MAX; count <= FLAT_MEMBERS_MAX + 1; count++) {
    char json[FLAT_LINE_MAX + 1];
    size_t len = 0;
    for (int i = 0; i < count; i++)
      len += (size_t)snprintf(json + len, sizeof json - len, "%c\"k%d\":%d", i ? ',' : '{', i, i);
    snprintf(json + len, sizeof json - len, "}");
    cr_assert_eq(scan(json), count > FLAT_MEMBERS_MAX ? FLAT_BAD_JSON : FLAT_OK, "%d", count);
  }
}

/* The end of the string wanders over every block's edge. */
Test(flat_json, strings_of_every_length) {
  char json[FLAT_LINE_MAX + 2];
  for (size_t len = 0; len <= FLAT_LINE_MAX - 8 + 1; len++) {
    memcpy(json, "{\"a\":\"", 6);
    memset(json + 6, 'x', len);
    memcpy(json + 6 + len, "\"}", 3);
    bool fits = len + 8 <= FLAT_LINE_MAX;
    cr_assert_eq(scan(json), fits ? FLAT_OK : FLAT_BAD_JSON, "%zu", len);
    if (fits) cr_assert_eq(object.members[0].value.len, len);
    json[6 + len] = ' ';
    cr_assert_eq(scan(json), FLAT_BAD_JSON, "%zu without end", len);
  }
}

Test(flat_json, every_cut_is_refused) {
  const char whole[] = "{\"type\":\"call\\u0041\",\"ts\":-12.5e3,\"x\":true,\"y\":null}";
  for (size_t len = 0; len < sizeof whole - 1; len++) {
    char cut[sizeof whole];
    memcpy(cut, whole, len);
    cut[len] = '\0';
    cr_assert_eq(scan(cut), FLAT_BAD_JSON, "%s", cut);
  }
}

static bool int_of(const char *number, int64_t *out) {
  return flat_int(&(struct flat_member){.value = slice_of(number), .kind = FLAT_NUMBER}, out);
}

Test(flat_json, flat_int) {
  int64_t value = 77;
  cr_assert(int_of("9223372036854775807", &value) && value == INT64_MAX);
  cr_assert(int_of("-9223372036854775808", &value) && value == INT64_MIN);
  cr_assert(int_of("-0", &value) && value == 0);
  value = 77;
  cr_assert_not(int_of("9223372036854775808", &value));
  cr_assert_not(int_of("-9223372036854775809", &value));
  cr_assert_not(int_of("1.0", &value));
  cr_assert_not(int_of("1e3", &value));
  cr_assert_not(flat_int(&(struct flat_member){.value = SLICE("5"), .kind = FLAT_STRING}, &value));
  cr_assert_eq(value, 77);
}
