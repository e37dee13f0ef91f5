#include <criterion/criterion.h>

#include "callpace/base/crc32c.h"

/* RFC 3720, appendix B.4. */
Test(crc32c, known_values) {
  unsigned char bytes[32] = {0};
  cr_assert_eq(crc32c(0, "123456789", 9), 0xe3069283u);
  cr_assert_eq(crc32c(0, bytes, sizeof bytes), 0x8a9136aau);
  memset(bytes, 0xff, sizeof bytes);
  cr_assert_eq(crc32c(0, bytes, sizeof bytes), 0x62a8ab43u);
  for (unsigned char i = 0; i < 32; i++)
    bytes[i] = i;
  cr_assert_eq(crc32c(0, bytes, sizeof bytes), 0x46dd794eu);
  cr_assert_eq(crc32c(0, NULL, 0), 0);
}

Test(crc32c, both_forms_agree_and_continue) {
  unsigned char bytes[300];
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (unsigned char)(i * 131 + 7);
  for (size_t from = 0; from < 9; from++)
    for (size_t len = 0; len < 280; len++) {
      uint32_t whole = crc32c_portable(0, bytes + from, len);
      cr_assert_eq(crc32c(0, bytes + from, len), whole);
      uint32_t half = crc32c(0, bytes + from, len / 3);
      cr_assert_eq(crc32c(half, bytes + from + len / 3, len - len / 3), whole);
    }
}
