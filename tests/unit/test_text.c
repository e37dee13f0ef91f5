#include <criterion/criterion.h>

#include "callpace/base/text.h"

Test(text, utf8_is_strict) {
  static const char *const good[] = {"",
                                     "a",
                                     "\xc2\x80",
                                     "\xdf\xbf",
                                     "\xe0\xa0\x80",
                                     "\xed\x9f\xbf",
                                     "\xee\x80\x80",
                                     "\xf0\x90\x80\x80",
                                     "\xf4\x8f\xbf\xbf",
                                     "王伟"};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    cr_assert(text_is_utf8(slice_of(good[i])), "%zu", i);
  static const char *const bad[] = {
      "\x80",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\xbf",     "\xed\xa0\x80",
      "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
      "\xc2",         "\xe6\x9d",         "\xf0\x9f\x98",     "\xc2\x41",         "\xe6\x9d\x41"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    cr_assert_not(text_is_utf8(slice_of(bad[i])), "%zu", i);
  cr_assert_eq(text_utf8_prefix(SLICE("twelve bytes\xff tail")), 12);
}

/* Each code point there is, written out, is read back. */
Test(text, next_reads_every_point) {
  for (int32_t point = 0x80; point < 0x110000; point++) {
    if (point >= 0xd800 && point < 0xe000) continue;
    char bytes[4];
    size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4, at = 0;
    static const int lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1, rest = (size_t)point; i > 0; i--, rest >>= 6)
      bytes[i] = (char)(0x80 | (rest & 0x3f));
    bytes[0] = (char)(lead[len] | point >> (6 * (len - 1)));
    cr_assert_eq(text_next((struct slice){bytes, len}, &at), point);
    cr_assert_eq(at, len);
  }
}

Test(text, width) {
  cr_assert_eq(text_width(SLICE("agent 7")), 7);
  cr_assert_eq(text_width(SLICE("王伟")), 4);
  cr_assert_eq(text_width(SLICE("ＡＢ，。")), 8, "full-width forms");
  cr_assert_eq(text_width(SLICE("ｱｲ")), 2, "half-width katakana");
  cr_assert_eq(text_width(SLICE("한글")), 4);
  cr_assert_eq(text_width(SLICE("Jose\xcc\x81")), 4, "combining acute");
  cr_assert_eq(text_width(SLICE("\xf0\x9f\x98\x80")), 2, "emoji");
  cr_assert_eq(text_width(SLICE("\xf0\xa0\x80\x80")), 2, "CJK extension B");
  cr_assert_eq(text_width(SLICE("\x1b\x7f\xff")), 3);
  cr_assert_eq(text_width(SLICE("\xe2\x80\xae")), 1, "bidi override shows as '?'");
}

static void shows(const char *text, size_t columns, bool pad, const char *expected) {
  struct writer w = {0};
  text_put_terminal(&w, slice_of(text), columns, pad);
  cr_assert_str_eq(writer_text(&w), expected);
  writer_free(&w);
}

Test(text, terminal) {
  shows("ab", 4, true, "ab  ");
  shows("ab", 4, false, "ab");
  shows("abcdef", 4, true, "abcd");
  shows("abcdef", 0, true, "abcdef");
  shows("王伟", 3, true, "王 ");
  shows("王伟", 1, true, " ");
  shows("\x1b[2J\xc2\x9b\xe2\x80\xae\xff\r\n", 0, false, "?[2J?????");
  shows("e\xcc\x81z", 1, true, "e\xcc\x81");
}

static int64_t size_of(const char *text) {
  int64_t bytes = -1;
  text_parse_size(slice_of(text), &bytes);
  return bytes;
}

static int64_t duration_of(const char *text) {
  int64_t milliseconds = -1;
  text_parse_duration(slice_of(text), &milliseconds);
  return milliseconds;
}

Test(text, sizes) {
  cr_assert_eq(size_of("100B"), 100);
  cr_assert_eq(size_of("512KiB"), 524288);
  cr_assert_eq(size_of("64MiB"), 67108864);
  cr_assert_eq(size_of("3GiB"), 3221225472);
  static const char *const bad[] = {"",
                                    "64",
                                    "MiB",
                                    "64MB",
                                    "64 MiB",
                                    "-1B",
                                    "+1B",
                                    "1.5MiB",
                                    "64mib",
                                    "9223372036854775808B",
                                    "9007199254740992KiB",
                                    "1Bx"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    cr_assert_eq(size_of(bad[i]), -1, "%s", bad[i]);
}

Test(text, durations) {
  cr_assert_eq(duration_of("250ms"), 250);
  cr_assert_eq(duration_of("10s"), 10000);
  cr_assert_eq(duration_of("15m"), 900000);
  cr_assert_eq(duration_of("20h"), 72000000);
  cr_assert_eq(duration_of("400d"), 34560000000);
  cr_assert_eq(duration_of("0s"), 0);
  static const char *const bad[] = {"",
                                    "15",
                                    "m",
                                    "15M",
                                    "1h30m",
                                    "-1s",
                                    " 1s",
                                    "1s ",
                                    "1w",
                                    "9223372036854775807s",
                                    "99999999999999999999ms"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    cr_assert_eq(duration_of(bad[i]), -1, "%s", bad[i]);
}

Test(text, match) {
  cr_assert(text_match("day.*", SLICE("day.missed")));
  cr_assert(text_match("day.*", SLICE("day.")));
  cr_assert_not(text_match("day.*", SLICE("day")));
  cr_assert_not(text_match("day.*", SLICE("xday.missed")));
  cr_assert(text_match("*", SLICE("")));
  cr_assert(text_match("", SLICE("")));
  cr_assert_not(text_match("", SLICE("a")));
  cr_assert(text_match("*.missed", SLICE("week.missed")));
  cr_assert(text_match("a*b*c", SLICE("aXbXbXc")));
  cr_assert_not(text_match("a*b*c", SLICE("aXbXbXcX")));
  cr_assert_not(text_match("day", (struct slice){"day\0x", 5}));
}

static void csv_is(const char *field, const char *written) {
  struct writer w = {0};
  text_put_csv(&w, slice_of(field));
  cr_assert_str_eq(writer_text(&w), written);
  writer_free(&w);
}

Test(text, csv_fields_are_quoted_and_no_formulas) {
  csv_is("plain", "plain");
  csv_is("", "");
  csv_is("a,b", "\"a,b\"");
  csv_is("a;b", "\"a;b\"");
  csv_is("say \"no\"", "\"say \"\"no\"\"\"");
  csv_is("two\r\nlines", "\"two  lines\"");
  csv_is("=1+1", "\"'=1+1\"");
  csv_is("+86", "\"'+86\"");
  csv_is("-2", "\"'-2\"");
  csv_is("@SUM(A1)", "\"'@SUM(A1)\"");
  csv_is("\t=1", "\"'?=1\"");
  csv_is("  =1", "\"'  =1\"");
  csv_is("\xEF\xBC\x9D"
         "1",
         "\"'\xEF\xBC\x9D"
         "1\"");
  csv_is("a=1", "a=1");
  csv_is("\x1b[2J\xff", "\"?[2J?\"");
}

Test(text, html_is_escaped) {
  struct writer w = {0};
  text_put_html(&w, SLICE("<a href=\"x\" b='y'>&\x07\xff\xe7\x8e\x8b"));
  cr_assert_str_eq(writer_text(&w),
                   "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;??\xe7\x8e\x8b");
  writer_free(&w);
}
