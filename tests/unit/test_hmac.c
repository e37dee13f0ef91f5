/* Against the test cases of RFC 4231 and the vectors of RFC 4648. */
#include <criterion/criterion.h>

#include "callpace/base/hmac.h"

static void expect_hmac(struct slice key, struct slice message, const char *wanted) {
  uint8_t mac[HMAC_BYTES];
  struct writer w = {0};
  hmac_sha256(key, message, mac);
  put_hex(&w, mac, sizeof mac);
  cr_expect_str_eq(writer_text(&w), wanted);
  writer_free(&w);
}

Test(hmac, agrees_with_rfc_4231) {
  expect_hmac(SLICE("Jefe"), SLICE("what do ya want for nothing?"),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  char key[131];
  memset(key, 0xaa, sizeof key);
  expect_hmac((struct slice){key, sizeof key},
              SLICE("Test Using Larger Than Block-Size Key - Hash Key First"),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  expect_hmac(SLICE(""), SLICE(""),
              "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

Test(hmac, encodes) {
  static const char *const rows[][2] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct writer w = {0};
    put_base64(&w, (const uint8_t *)rows[i][0], strlen(rows[i][0]));
    cr_expect_str_eq(writer_text(&w), rows[i][1]);
    writer_free(&w);
  }
  struct writer w = {0};
  put_percent(&w, SLICE("a-Z_0.~ +/=\xe7\x8e\x8b&"));
  cr_expect_str_eq(writer_text(&w), "a-Z_0.~%20%2B%2F%3D%E7%8E%8B%26");
  writer_free(&w);
}

Test(hmac, compares) {
  cr_expect(hmac_equal(SLICE("abc"), SLICE("abc")));
  cr_expect(hmac_equal(SLICE(""), SLICE("")));
  cr_expect_not(hmac_equal(SLICE("abc"), SLICE("abd")));
  cr_expect_not(hmac_equal(SLICE("abc"), SLICE("abcd")));
}
