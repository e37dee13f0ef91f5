#include <criterion/criterion.h>
#include <stdlib.h>

#include "callpace/base/json_strings.h"
#include "callpace/base/writer.h"

static void list(void *context, struct slice key, struct slice value) {
  struct writer *w = context;
  put_slice(w, key);
  put_char(w, '=');
  put_slice(w, value);
  put_char(w, ';');
}

static void expect(const char *json, const char *wanted) {
  struct writer w = {0};
  cr_expect(json_each_string(slice_of(json), list, &w), "%s", json);
  cr_expect_str_eq(writer_text(&w), wanted, "%s", json);
  writer_free(&w);
}

Test(json_strings, come_from_the_top_only) {
  expect("{}", "");
  expect(" { \"id\" : \"a\" , \"n\":-1.5e+3,\"t\":true, \"z\":null,\"f\":false}\n", "id=a;");
  expect("{\"text\":{\"id\":\"inner\",\"l\":[1,[],{\"id\":\"x\"}]},\"id\":\"outer\"}", "id=outer;");
}

Test(json_strings, are_without_escapes) {
  expect("{\"a\\n\":\"\\\"\\\\\\/\\b\\f\\r\\t\"}", "a\n=\"\\/\b\f\r\t;");
  expect("{\"a\":\"\\u00e9\\u738B\\ud83d\\ude00\xe7\x8e\x8b\"}",
         "a=\xc3\xa9\xe7\x8e\x8b\xf0\x9f\x98\x80\xe7\x8e\x8b;");
}

static void ignore(void *context, struct slice key, struct slice value) {
  (void)context;
  (void)key;
  (void)value;
}

Test(json_strings, of_what_is_no_object_are_refused) {
  static const char *const bad[] = {
      "",
      "[]",
      "{",
      "{\"a\"}",
      "{\"a\":}",
      "{\"a\":1,}",
      "{\"a\":\"b}",
      "{\"a\":01}",
      "{\"a\":1.}",
      "{\"a\":-}",
      "{\"a\":[}",
      "{\"a\":{1}}",
      "{\"a\":tru}",
      "{\"a\":\"\\x\"}",
      "{\"a\":\"\\ud800\"}",
      "{} x",
      "{\"a\":\"\n\"}",
      "{\"a\":\"\xff\"}",
      "{\"a\":\"\\udc00\"}",
      "{a:1}",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cr_expect_not(json_each_string(slice_of(bad[i]), ignore, NULL), "%s", bad[i]);
  struct writer deep = {0};
  put_text(&deep, "{\"a\":");
  for (int i = 0; i < 100000; i++)
    put_char(&deep, '[');
  cr_expect_not(json_each_string(writer_slice(&deep), ignore, NULL));
  writer_free(&deep);
}

static void list_member(void *context, struct slice key, bool is_string, struct slice text) {
  struct writer *w = context;
  put_slice(w, key);
  put_text(w, is_string ? "=" : ":");
  put_slice(w, text);
  put_char(w, ';');
}

Test(json_strings, members_come_as_they_stand) {
  struct writer w = {0};
  cr_assert(
      json_each_member(SLICE("{\"errcode\": -1 ,\"text\":{ \"en\":\"a\\n\" },\"s\":\"\\u0041\","
                             "\"l\":[1, 2],\"z\":null}"),
                       list_member, &w));
  cr_assert_str_eq(writer_text(&w), "errcode:-1;text:{ \"en\":\"a\\n\" };s=A;l:[1, 2];z:null;");
  writer_free(&w);
}
