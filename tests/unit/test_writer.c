#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>

#include "callpace/base/writer.h"

static void expect(struct writer *w, const char *text) {
  cr_assert_str_eq(writer_text(w), text);
  cr_assert_eq(w->len, strlen(text));
  cr_assert_not(w->failed);
  writer_reset(w);
}

Test(writer, puts) {
  struct writer w = {0};
  cr_assert_str_eq(writer_text(&w), "");
  put_text(&w, "a");
  put_char(&w, 'b');
  put_slice(&w, SLICE("cd"));
  put_slice(&w, (struct slice){NULL, 0});
  put_text(&w, NULL);
  put_format(&w, "-%d-%s", 5, "x");
  expect(&w, "abcd-5-x");
  writer_free(&w);
  writer_free(NULL);
}

Test(writer, integers_as_printf_has_them) {
  struct writer w = {0};
  static const int64_t values[] = {0, 9, 10, 99, 100, 101, 999, 1000, 1763888400123, INT64_MAX};
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
    char text[64];
    snprintf(text, sizeof text, "%" PRId64 " %" PRId64 " %" PRIu64, values[i], -values[i],
             (uint64_t)values[i] * 2 + 1);
    put_int(&w, values[i]);
    put_char(&w, ' ');
    put_int(&w, -values[i]);
    put_char(&w, ' ');
    put_uint(&w, (uint64_t)values[i] * 2 + 1);
    expect(&w, text);
  }
  put_int(&w, INT64_MIN);
  expect(&w, "-9223372036854775808");
  writer_free(&w);
}

Test(writer, limit_is_sticky) {
  struct writer w = {.limit = 5};
  put_text(&w, "1234");
  put_text(&w, "56");
  cr_assert(w.failed);
  put_char(&w, '5');
  cr_assert_eq(w.len, 4);
  cr_assert_null(writer_reserve(&w, 1));
  cr_assert_str_eq(writer_text(&w), "1234");
  writer_reset(&w);
  put_text(&w, "12345");
  expect(&w, "12345");
  cr_assert_null(writer_reserve(&w, SIZE_MAX));
  writer_free(&w);
  cr_assert_eq(w.limit, 5);
}

Test(writer, json_places_commas) {
  struct writer w = {0};
  json_open(&w, '{');
  json_put_int(&w, "a", -1);
  json_put_uint(&w, "b", UINT64_MAX);
  json_put_bool(&w, "c", true);
  json_put_text(&w, "d", NULL);
  json_put_text(&w, "e", "x");
  json_key(&w, "f");
  json_open(&w, '[');
  json_open(&w, '[');
  json_close(&w, ']');
  json_int(&w, 1);
  json_nil(&w);
  json_raw(&w, SLICE("{}"));
  json_open(&w, '{');
  json_close(&w, '}');
  json_close(&w, ']');
  json_put_string(&w, "g", SLICE(""));
  json_close(&w, '}');
  put_char(&w, '\n');
  json_open(&w, '[');
  json_close(&w, ']');
  expect(&w, "{\"a\":-1,\"b\":18446744073709551615,\"c\":true,\"d\":null,\"e\":\"x\","
             "\"f\":[[],1,null,{},{}],\"g\":\"\"}\n[]");
  writer_free(&w);
}

Test(writer, json_strings_are_harmless) {
  struct writer w = {0};
  json_slice(&w, (struct slice){"\0\x1f\"\\\n\r\t<>&\x7f", 11});
  expect(&w, "\"\\u0000\\u001f\\\"\\\\\\n\\r\\t\\u003c\\u003e\\u0026\\u007f\"");
  json_slice(&w, SLICE("李\xe2\x80\xa8\xe2\x80\xa9\xc2\x85\xf0\x9f\x98\x80"));
  expect(&w, "\"李\\u2028\\u2029\\u0085\xf0\x9f\x98\x80\"");
  json_slice(&w, SLICE("a\xff"
                       "b\xed\xa0\x80\xe6\x9d"));
  expect(&w, "\"a\xef\xbf\xbd"
             "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
  writer_free(&w);
}

static const uint64_t edges[] = {
    0, 1, 127, 128, 16383, 16384, UINT32_MAX, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX};
enum { EDGES = sizeof edges / sizeof edges[0] };

Test(writer, binary_comes_back) {
  struct writer w = {0};
  for (size_t i = 0; i < EDGES; i++) {
    put_u8(&w, (uint8_t)edges[i]);
    put_u32(&w, (uint32_t)edges[i]);
    put_u64(&w, edges[i]);
    put_varint(&w, edges[i]);
    put_varint_signed(&w, (int64_t)edges[i]);
    put_blob(&w, SLICE("blob"));
  }
  struct reader r = reader_of(writer_slice(&w));
  for (size_t i = 0; i < EDGES; i++) {
    cr_assert_eq(get_u8(&r), (uint8_t)edges[i]);
    cr_assert_eq(get_u32(&r), (uint32_t)edges[i]);
    cr_assert_eq(get_u64(&r), edges[i]);
    cr_assert_eq(get_varint(&r), edges[i]);
    cr_assert_eq(get_varint_signed(&r), (int64_t)edges[i]);
    cr_assert(slice_equal(get_blob(&r), SLICE("blob")));
  }
  cr_assert_not(r.failed);
  cr_assert_eq(r.at, r.end);
  writer_free(&w);
}

Test(writer, little_endian_and_leb128_on_the_wire) {
  struct writer w = {0};
  put_u32(&w, 0x01020304);
  put_varint(&w, 300);
  put_varint_signed(&w, -1);
  put_varint_signed(&w, 1);
  cr_assert(slice_equal(writer_slice(&w), SLICE("\x04\x03\x02\x01\xac\x02\x01\x02")));
  writer_free(&w);
}

Test(writer, reader_fails_and_stays_failed) {
  struct reader r = reader_of(SLICE("\x01\x02"));
  cr_assert_eq(get_u32(&r), 0);
  cr_assert(r.failed);
  cr_assert_eq(get_u8(&r), 0);
  r = reader_of(SLICE("\x05"
                      "abc"));
  cr_assert_eq(get_blob(&r).len, 0);
  cr_assert(r.failed);
  r = reader_of(SLICE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));
  cr_assert_eq(get_varint(&r), 0);
  cr_assert(r.failed, "more than 64 bits");
  r = reader_of(SLICE("\x80"));
  cr_assert_eq(get_varint_signed(&r), 0);
  cr_assert(r.failed);
  r = reader_of((struct slice){NULL, 0});
  cr_assert_eq(get_varint(&r), 0);
  cr_assert(r.failed);
}
