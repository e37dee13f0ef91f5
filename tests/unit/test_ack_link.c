#include <criterion/criterion.h>

#include "callpace/core/ack_link.h"

static const struct slice key = {"0123456789abcdef0123456789abcdef", 32};

static void sign_of(const struct ack_link *link, char out[2 * ACK_SIGN_BYTES + 1]) {
  struct writer w = {0};
  ack_link_put(&w, SLICE("https://wall.example/"), key, link);
  const char *sign = strstr(writer_text(&w), "&sign=");
  cr_assert_not_null(sign);
  cr_assert_eq(strlen(sign + 6), 2 * ACK_SIGN_BYTES);
  strcpy(out, sign + 6);
  writer_free(&w);
}

Test(ack_link, names_what_it_acknowledges) {
  struct ack_link link = {SLICE("王&x/day.behind/2026-11-23"), SLICE("red-chat"), 1764000000};
  struct writer w = {0};
  ack_link_put(&w, SLICE("https://wall.example/"), key, &link);
  const char wanted[] = "https://wall.example/ack?id=%E7%8E%8B%26x%2Fday.behind%2F2026-11-23"
                        "&by=red-chat&until=1764000000&sign=";
  cr_assert(strncmp(writer_text(&w), wanted, sizeof wanted - 1) == 0, "%s", w.data);
  writer_free(&w);
}

Test(ack_link, is_good_as_it_was_made_only) {
  struct ack_link link = {SLICE("a/day.behind/2026-11-23"), SLICE("chat"), 1764000000};
  char sign[2 * ACK_SIGN_BYTES + 1];
  sign_of(&link, sign);
  struct slice given = slice_of(sign);
  cr_assert(ack_link_is_good(&link, given, key, 1764000000000));
  cr_assert_not(ack_link_is_good(&link, given, key, 1764000001000), "too late");
  cr_assert_not(ack_link_is_good(&link, SLICE(""), key, 0));
  cr_assert_not(ack_link_is_good(&link, (struct slice){sign, given.len - 1}, key, 0));
  cr_assert_not(ack_link_is_good(&link, given, SLICE("another key"), 0));
  struct ack_link other = link;
  other.until_s++;
  cr_assert_not(ack_link_is_good(&other, given, key, 0));
  other = link;
  other.by = SLICE("chats");
  cr_assert_not(ack_link_is_good(&other, given, key, 0));
  other = link;
  other.id = SLICE("b/day.behind/2026-11-23");
  cr_assert_not(ack_link_is_good(&other, given, key, 0));
  other = (struct ack_link){SLICE("a/day.behind/2026-11-23c"), SLICE("hat"), link.until_s};
  cr_assert_not(ack_link_is_good(&other, given, key, 0), "parts cannot be moved");
}
