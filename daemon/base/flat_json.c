#include "callpace/base/flat_json.h"

#include "callpace/base/text.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Two steps. First the line is classified block by block into a bitmap of the
 * bytes at which a run of plain string bytes stops ('"', '\' and controls), and
 * it is seen whether all is ASCII. Then the grammar is walked once; the end of a
 * string is the next bit. */
enum { WORD_BITS = 64, WORDS = FLAT_LINE_MAX / WORD_BITS + 1, BUCKETS = 32 };

struct scan {
  const char *line;
  size_t len;
  size_t at;
  struct flat_object *object;
  char *scratch;
  uint64_t stops[WORDS];            /* bit i: line[i] stops a string run */
  uint16_t buckets[BUCKETS];        /* members by key hash: index + 1, 0 = none */
  uint16_t chain[FLAT_MEMBERS_MAX]; /* the next one in the bucket, same coding */
};

#ifdef __SSE2__
static uint64_t stops_of_16(const char *block, int *high) {
  __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)block);
  __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
  *high |= _mm_movemask_epi8(bytes);
  return (uint64_t)(unsigned)_mm_movemask_epi8(
      _mm_or_si128(_mm_or_si128(quote, backslash), control));
}
#else
static uint64_t stops_of_16(const char *block, int *high) {
  uint64_t stops = 0;
  for (unsigned i = 0; i < 16; i++) {
    unsigned char byte = (unsigned char)block[i];
    *high |= byte & 0x80;
    stops |= (uint64_t)(byte == '"' || byte == '\\' || byte < 0x20) << i;
  }
  return stops;
}
#endif

/* Fills `stops`; true when all bytes are ASCII. */
static bool classify(struct scan *s) {
  int high = 0;
  size_t at = 0, whole = s->len & ~(size_t)15;
  s->stops[s->len / WORD_BITS] = 0;
  for (; at < whole; at += 16) {
    uint64_t stops = stops_of_16(s->line + at, &high);
    if (at % WORD_BITS == 0)
      s->stops[at / WORD_BITS] = stops;
    else
      s->stops[at / WORD_BITS] |= stops << (at % WORD_BITS);
  }
  if (at < s->len) {
    char block[16];
    memset(block, ' ', sizeof block);
    memcpy(block, s->line + at, s->len - at);
    uint64_t stops = stops_of_16(block, &high);
    if (at % WORD_BITS == 0) s->stops[at / WORD_BITS] = 0;
    s->stops[at / WORD_BITS] |= stops << (at % WORD_BITS);
  }
  return !high;
}

/* Where the first stop at or behind `from` is; the line's length if none. */
static size_t next_stop(const struct scan *s, size_t from) {
  size_t word = from / WORD_BITS, last = s->len / WORD_BITS;
  uint64_t bits = s->stops[word] & (UINT64_MAX << (from % WORD_BITS));
  while (!bits) {
    if (++word > last) return s->len;
    bits = s->stops[word];
  }
  return word * WORD_BITS + (size_t)__builtin_ctzll(bits);
}

static bool fail(struct scan *s, size_t at, const char *error) {
  s->object->error = error;
  s->object->error_at = at;
  return false;
}

/* The byte at hand, or NUL at the end (NUL is nowhere allowed as it is). */
static char peek(const struct scan *s) {
  return s->at < s->len ? s->line[s->at] : '\0';
}

static void skip_blanks(struct scan *s) {
  while (s->at < s->len) {
    char c = s->line[s->at];
    if (c > ' ' || (c != ' ' && c != '\t' && c != '\n' && c != '\r')) return;
    s->at++;
  }
}

/* Four hex digits at `at`, or -1. */
static int32_t hex4(const struct scan *s, size_t at) {
  int32_t value = 0;
  if (s->len - at < 4) return -1;
  for (size_t i = at; i < at + 4; i++) {
    char c = s->line[i], lower = (char)(c | 0x20);
    if (c >= '0' && c <= '9')
      value = value << 4 | (c - '0');
    else if (lower >= 'a' && lower <= 'f')
      value = value << 4 | (lower - 'a' + 10);
    else
      return -1;
  }
  return value;
}

static void emit_utf8(struct scan *s, int32_t point) {
  char *to = s->scratch;
  if (point < 0x80) {
    *to++ = (char)point;
  } else if (point < 0x800) {
    *to++ = (char)(0xc0 | point >> 6);
    *to++ = (char)(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    *to++ = (char)(0xe0 | point >> 12);
    *to++ = (char)(0x80 | (point >> 6 & 0x3f));
    *to++ = (char)(0x80 | (point & 0x3f));
  } else {
    *to++ = (char)(0xf0 | point >> 18);
    *to++ = (char)(0x80 | (point >> 12 & 0x3f));
    *to++ = (char)(0x80 | (point >> 6 & 0x3f));
    *to++ = (char)(0x80 | (point & 0x3f));
  }
  s->scratch = to;
}

/* s->at stands behind "\u". */
static bool unescape_unicode(struct scan *s) {
  size_t start = s->at - 2;
  int32_t point = hex4(s, s->at);
  if (point < 0) return fail(s, start, "\\u without four hex digits");
  s->at += 4;
  if (point >= 0xd800 && point <= 0xdfff) {
    bool pair = point < 0xdc00 && s->len - s->at >= 6 && s->line[s->at] == '\\' &&
                s->line[s->at + 1] == 'u';
    int32_t low = pair ? hex4(s, s->at + 2) : -1;
    if (low < 0xdc00 || low > 0xdfff) return fail(s, start, "lone surrogate");
    point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    s->at += 6;
  }
  emit_utf8(s, point);
  return true;
}

/* s->at stands at a backslash. */
static bool unescape(struct scan *s) {
  size_t start = s->at++;
  char c = peek(s);
  s->at++;
  switch (c) {
  case '"':
  case '\\':
  case '/': break;
  case 'b': c = '\b'; break;
  case 'f': c = '\f'; break;
  case 'n': c = '\n'; break;
  case 'r': c = '\r'; break;
  case 't': c = '\t'; break;
  case 'u': return unescape_unicode(s);
  default: return fail(s, start, "unknown escape");
  }
  *s->scratch++ = c;
  return true;
}

/* The rest of a string whose first stop `stop` is no quote. The result can not
 * be longer than its source, so the scratch always holds it. */
static bool scan_escaped_string(struct scan *s, size_t stop, struct slice *out) {
  size_t start = s->at;
  const char *content = s->scratch;
  for (;; stop = next_stop(s, s->at)) {
    memcpy(s->scratch, s->line + s->at, stop - s->at);
    s->scratch += stop - s->at;
    s->at = stop;
    if (stop == s->len) return fail(s, start - 1, "string without end");
    if (s->line[stop] == '"') break;
    if (s->line[stop] != '\\') return fail(s, stop, "control character in a string");
    if (!unescape(s)) return false;
  }
  s->at++;
  *out = (struct slice){content, (size_t)(s->scratch - content)};
  return true;
}

/* s->at stands at the opening quote. */
static bool scan_string(struct scan *s, struct slice *out) {
  size_t start = ++s->at, stop = next_stop(s, start);
  if (stop == s->len || s->line[stop] != '"') return scan_escaped_string(s, stop, out);
  *out = (struct slice){s->line + start, stop - start};
  s->at = stop + 1;
  return true;
}

static bool skip_digits(struct scan *s) {
  size_t start = s->at;
  while (s->at < s->len && s->line[s->at] >= '0' && s->line[s->at] <= '9')
    s->at++;
  return s->at > start;
}

/* RFC 8259, section 6. */
static bool scan_number(struct scan *s, struct slice *out) {
  size_t start = s->at;
  if (peek(s) == '-') s->at++;
  if (peek(s) == '0')
    s->at++;
  else if (!skip_digits(s))
    return fail(s, start, "not a value");
  if (peek(s) == '.') {
    s->at++;
    if (!skip_digits(s)) return fail(s, start, "malformed number");
  }
  if (peek(s) == 'e' || peek(s) == 'E') {
    s->at++;
    if (peek(s) == '+' || peek(s) == '-') s->at++;
    if (!skip_digits(s)) return fail(s, start, "malformed number");
  }
  *out = (struct slice){s->line + start, s->at - start};
  return true;
}

static bool scan_word(struct scan *s, const char *word, size_t len, struct slice *out) {
  if (s->len - s->at < len || memcmp(s->line + s->at, word, len) != 0)
    return fail(s, s->at, "not a value");
  *out = (struct slice){s->line + s->at, len};
  s->at += len;
  return true;
}

static bool scan_value(struct scan *s, struct flat_member *member) {
  switch (peek(s)) {
  case '"': member->kind = FLAT_STRING; return scan_string(s, &member->value);
  case 't': member->kind = FLAT_TRUE; return scan_word(s, "true", 4, &member->value);
  case 'f': member->kind = FLAT_FALSE; return scan_word(s, "false", 5, &member->value);
  case 'n': member->kind = FLAT_NULL; return scan_word(s, "null", 4, &member->value);
  case '{':
  case '[': return fail(s, s->at, "nested object or array");
  default: member->kind = FLAT_NUMBER; return scan_number(s, &member->value);
  }
}

/* Chains the newest member to its bucket; false if its key was there. A chosen
 * set of keys can share a bucket, yet the line's length bounds the work. */
static bool remember_key(struct scan *s, struct slice key) {
  unsigned hash = (unsigned)key.len;
  if (key.len)
    hash += (unsigned char)key.data[0] * 5u + (unsigned char)key.data[key.len / 2] * 3u +
            (unsigned char)key.data[key.len - 1];
  uint16_t *bucket = &s->buckets[hash % BUCKETS];
  for (unsigned other = *bucket; other; other = s->chain[other - 1])
    if (slice_equal(s->object->members[other - 1].key, key)) return false;
  s->chain[s->object->count] = *bucket;
  *bucket = (uint16_t)(s->object->count + 1);
  return true;
}

static bool scan_member(struct scan *s) {
  if (s->object->count == FLAT_MEMBERS_MAX) return fail(s, s->at, "too many members");
  struct flat_member *member = &s->object->members[s->object->count];
  size_t start = s->at;
  if (peek(s) != '"') return fail(s, start, "no key in quotes");
  if (!scan_string(s, &member->key)) return false;
  if (!remember_key(s, member->key)) return fail(s, start, "duplicate key");
  skip_blanks(s);
  if (peek(s) != ':') return fail(s, s->at, "no ':' behind a key");
  s->at++;
  skip_blanks(s);
  if (!scan_value(s, member)) return false;
  s->object->count++;
  skip_blanks(s);
  return true;
}

static bool scan_object(struct scan *s) {
  skip_blanks(s);
  if (peek(s) != '{') return fail(s, s->at, "not an object");
  s->at++;
  skip_blanks(s);
  for (bool first = true; !(first && peek(s) == '}'); first = false) {
    if (!scan_member(s)) return false;
    if (peek(s) != ',') break;
    s->at++;
    skip_blanks(s);
  }
  if (peek(s) != '}') return fail(s, s->at, "neither ',' nor '}' behind a value");
  s->at++;
  skip_blanks(s);
  return s->at == s->len || fail(s, s->at, "text behind the object");
}

enum flat_result flat_json_scan(struct slice line, struct flat_object *object) {
  struct scan s;
  s.line = line.data;
  s.len = line.len;
  s.at = 0;
  s.object = object;
  s.scratch = object->scratch;
  object->count = 0;
  object->error = NULL;
  object->error_at = 0;
  if (line.len > FLAT_LINE_MAX) {
    fail(&s, FLAT_LINE_MAX, "line too long");
    return FLAT_BAD_JSON;
  }
  if (!classify(&s)) {
    size_t prefix = text_utf8_prefix(line);
    if (prefix < line.len) {
      fail(&s, prefix, "not UTF-8");
      return FLAT_BAD_UTF8;
    }
  }
  memset(s.buckets, 0, sizeof s.buckets);
  return scan_object(&s) ? FLAT_OK : FLAT_BAD_JSON;
}

bool flat_int(const struct flat_member *member, int64_t *out) {
  if (member->kind != FLAT_NUMBER) return false;
  const char *at = member->value.data, *end = at + member->value.len;
  bool negative = at < end && *at == '-';
  int64_t value = 0;
  at += negative;
  if (at == end) return false;
  for (; at < end; at++) {
    int digit = *at - '0';
    if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
        __builtin_sub_overflow(value, digit, &value))
      return false;
  }
  if (!negative && __builtin_sub_overflow(0, value, &value)) return false;
  *out = value;
  return true;
}
