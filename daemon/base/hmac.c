#include "callpace/base/hmac.h"

#include <assert.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

void hmac_sha256(struct slice key, struct slice message, uint8_t out[HMAC_BYTES]) {
  assert(key.len <= INT_MAX);
  unsigned len = HMAC_BYTES;
  const unsigned char *text = (const unsigned char *)(message.len ? message.data : "");
  const void *made =
      HMAC(EVP_sha256(), key.len ? key.data : "", (int)key.len, text, message.len, out, &len);
  assert(made && len == HMAC_BYTES);
  (void)made;
}

bool hmac_equal(struct slice a, struct slice b) {
  return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.data, b.data, a.len) == 0);
}

static const char digits[] = "0123456789abcdef";

void put_hex(struct writer *w, const uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) {
    put_char(w, digits[bytes[i] >> 4]);
    put_char(w, digits[bytes[i] & 15]);
  }
}

void put_base64(struct writer *w, const uint8_t *bytes, size_t len) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < len; i += 3) {
    uint32_t group = (uint32_t)bytes[i] << 16;
    if (i + 1 < len) group |= (uint32_t)bytes[i + 1] << 8;
    if (i + 2 < len) group |= bytes[i + 2];
    put_char(w, letters[group >> 18]);
    put_char(w, letters[group >> 12 & 63]);
    put_char(w, i + 1 < len ? letters[group >> 6 & 63] : '=');
    put_char(w, i + 2 < len ? letters[group & 63] : '=');
  }
}

static bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c && strchr("-._~", c));
}

void put_percent(struct writer *w, struct slice text) {
  for (size_t i = 0; i < text.len; i++) {
    if (is_unreserved(text.data[i]))
      put_char(w, text.data[i]);
    else
      put_format(w, "%%%02X", (unsigned char)text.data[i]);
  }
}
