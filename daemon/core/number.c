#include "callpace/core/number.h"

#include <string.h>

enum { DIGITS_MAX = 40, DIGITS_EXACT = 15, GOOD_MIN = 3, GOOD_MAX = 20 };

/* In the upper four bits of a key: whose hash the rest is. Exact digits have none. */
#define TAG_TEXT (UINT64_C(1) << 60)
#define TAG_LEAD (UINT64_C(2) << 60)
#define BODY     (TAG_TEXT - 1)

/* FNV-1a, then murmur3's finish, since its low bits alone are poorly mixed. */
static uint64_t hash(struct slice text) {
  uint64_t h = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < text.len; i++)
    h = (h ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001b3);
  h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
  h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
  return h ^ h >> 33;
}

uint64_t number_lead_key(struct slice lead) {
  return TAG_LEAD | (hash(lead) & BODY);
}

/* Digits behind an optional +; false for what is no number. */
static bool collect(struct slice number, char digits[DIGITS_MAX], size_t *count) {
  size_t n = 0;
  for (size_t i = 0; i < number.len; i++) {
    char c = number.data[i];
    if (c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '/') continue;
    if (!(c >= '0' && c <= '9') && !(c == '+' && n == 0)) return false;
    if (n == DIGITS_MAX) return false;
    digits[n++] = c;
  }
  *count = n;
  return n > (n > 0 && digits[0] == '+' ? 1 : 0);
}

/* How much of the front is a prefix; 0: nothing. The longest come first. */
static size_t prefix_of(const struct number_rules *rules, const char *digits, size_t count) {
  for (unsigned i = 0; i < rules->count; i++) {
    const struct number_prefix *prefix = &rules->prefixes[i];
    if (count >= prefix->len + (size_t)NUMBER_DIGITS_MIN &&
        memcmp(digits, prefix->text, prefix->len) == 0)
      return prefix->len;
  }
  return 0;
}

uint64_t number_key(const struct number_rules *rules, struct slice number) {
  char digits[DIGITS_MAX];
  size_t count;
  if (number.len == 0) return 0;
  if (!collect(number, digits, &count)) return TAG_TEXT | (hash(number) & BODY);
  const char *at = digits;
  for (size_t cut; (cut = prefix_of(rules, at, count)) > 0; count -= cut)
    at += cut;
  if (*at == '+') {
    at++;
    count--;
  }
  if (count > DIGITS_EXACT) return TAG_TEXT | (hash((struct slice){at, count}) & BODY);
  uint64_t key = 0;
  for (size_t i = 0; i < count; i++)
    key = key << 4 | (uint64_t)(at[i] - '0' + 1);
  return key;
}

bool number_is_good(struct slice number) {
  char digits[DIGITS_MAX];
  size_t count;
  if (!collect(number, digits, &count)) return false;
  if (digits[0] == '+') count--;
  return count >= GOOD_MIN && count <= GOOD_MAX;
}
