#include "callpace/base/crc32c.h"

#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

static const uint32_t polynomial_reflected = 0x82f63b78u;

static uint32_t byte_table[256];

static void fill_table(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++)
      crc = (crc >> 1) ^ (crc & 1 ? polynomial_reflected : 0);
    byte_table[byte] = crc;
  }
}

uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len) {
  const unsigned char *at = data;
  crc = ~crc;
  for (size_t i = 0; i < len; i++)
    crc = byte_table[(crc ^ at[i]) & 0xff] ^ (crc >> 8);
  return ~crc;
}

static uint32_t (*chosen)(uint32_t, const void *, size_t) = crc32c_portable;

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const void *data,
                                                               size_t len) {
  const unsigned char *at = data;
  uint64_t state = ~crc;
  for (; len >= 8; at += 8, len -= 8) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    state = _mm_crc32_u64(state, word);
  }
  crc = (uint32_t)state;
  for (; len > 0; at++, len--)
    crc = _mm_crc32_u8(crc, *at);
  return ~crc;
}
#endif

__attribute__((constructor)) static void choose(void) {
  fill_table();
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("sse4.2")) chosen = crc32c_sse42;
#endif
}

uint32_t crc32c(uint32_t crc, const void *data, size_t len) {
  return chosen(crc, data, len);
}
