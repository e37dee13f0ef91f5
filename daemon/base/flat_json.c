#include "callpace/base/flat_json.h"

#include "callpace/base/text.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Two steps. First the line is classified block by block into a bitmap of the
 * bytes at which a run of plain string bytes stops ('"', '\\' and controls), and
 * it is seen whether all is ASCII. Then the grammar is walked once; the end of a
 * string is the next bit. */
enum { WORD_BITS = 64, WORDS = FLAT_LINE_MAX / WORD_BITS + 2, BUCKETS = 32, BLOCK = 16 };

struct scan {
  const char *line;
  size_t len;
  struct flat_object *object;
  char *scratch;
  uint64_t stops[WORDS];            /* bit i: line[i] stops a string run */
  uint16_t buckets[BUCKETS];        /* members by key hash: index + 1, 0 = none */
  uint16_t chain[FLAT_MEMBERS_MAX]; /* the next one in the bucket, same coding */
};

/* Where the walk stands. Its functions are inlined and hand it on by value where
 * they are not, so that it lives in registers: through memory a scan takes half
 * as long again. */
struct cursor {
  size_t at;
  size_t word;   /* of `stops` */
  uint64_t bits; /* of that word, those not yet passed */
};
#define HOT  static inline __attribute__((always_inline))
#define COLD static __attribute__((noinline))

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

static void mark(struct scan *s, size_t at, uint64_t stops) {
  s->stops[at / WORD_BITS] |= stops << (at % WORD_BITS);
  if (at % WORD_BITS > WORD_BITS - BLOCK)
    s->stops[at / WORD_BITS + 1] |= stops >> (WORD_BITS - at % WORD_BITS);
}

/* Fills `stops`; true when all bytes are ASCII. */
static bool classify(struct scan *s) {
  int high = 0;
  size_t at = 0;
  for (; at + WORD_BITS <= s->len; at += WORD_BITS) {
    const char *block = s->line + at;
    s->stops[at / WORD_BITS] = stops_of_16(block, &high) |
                               stops_of_16(block + BLOCK, &high) << BLOCK |
                               stops_of_16(block + 2 * BLOCK, &high) << 2 * BLOCK |
                               stops_of_16(block + 3 * BLOCK, &high) << 3 * BLOCK;
  }
  s->stops[at / WORD_BITS] = 0;
  s->stops[at / WORD_BITS + 1] = 0;
  for (; at + BLOCK <= s->len; at += BLOCK)
    mark(s, at, stops_of_16(s->line + at, &high));
  if (at == s->len) return !high;
  if (s->len >= BLOCK) { /* the last block overlaps the one before it */
    mark(s, s->len - BLOCK, stops_of_16(s->line + s->len - BLOCK, &high));
  } else {
    char block[BLOCK];
    memset(block, ' ', sizeof block);
    memcpy(block, s->line, s->len);
    mark(s, 0, stops_of_16(block, &high));
  }
  return !high;
}

/* Where the first stop at or behind `from` is; the line's length if none. */
HOT size_t next_stop(const struct scan *s, struct cursor *c, size_t from) {
  size_t stop;
  do {
    while (!c->bits) {
      if (c->word == s->len / WORD_BITS) return s->len;
      /* All words up to the line's length have been marked. */
      c->bits = s->stops[++c->word]; /* NOLINT(clang-analyzer-core.uninitialized.Assign) */
    }
    stop = c->word * WORD_BITS + (size_t)__builtin_ctzll(c->bits);
    c->bits &= c->bits - 1;
  } while (stop < from);
  return stop;
}

COLD bool fail(struct scan *s, size_t at, const char *error) {
  s->object->error = error;
  s->object->error_at = at;
  return false;
}

/* The byte at `at`, or NUL at the end (NUL is nowhere allowed as it is). */
HOT char peek(const struct scan *s, size_t at) {
  return at < s->len ? s->line[at] : '\0';
}

HOT size_t skip_blanks(const struct scan *s, size_t at) {
  if (__builtin_expect(at < s->len && s->line[at] > ' ', 1)) return at;
  while (at < s->len) {
    char c = s->line[at];
    if (c > ' ' || (c != ' ' && c != '\t' && c != '\n' && c != '\r')) break;
    at++;
  }
  return at;
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

/* *at stands behind "\u". */
static bool unescape_unicode(struct scan *s, size_t *at) {
  size_t start = *at - 2;
  int32_t point = hex4(s, *at);
  if (point < 0) return fail(s, start, "\\u without four hex digits");
  *at += 4;
  if (point >= 0xd800 && point <= 0xdfff) {
    bool pair =
        point < 0xdc00 && s->len - *at >= 6 && s->line[*at] == '\\' && s->line[*at + 1] == 'u';
    int32_t low = pair ? hex4(s, *at + 2) : -1;
    if (low < 0xdc00 || low > 0xdfff) return fail(s, start, "lone surrogate");
    point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    *at += 6;
  }
  emit_utf8(s, point);
  return true;
}

/* *at stands at a backslash. */
static bool unescape(struct scan *s, size_t *at) {
  size_t start = *at;
  char c = peek(s, start + 1);
  *at += 2;
  switch (c) {
  case '"':
  case '\\':
  case '/': break;
  case 'b': c = '\b'; break;
  case 'f': c = '\f'; break;
  case 'n': c = '\n'; break;
  case 'r': c = '\r'; break;
  case 't': c = '\t'; break;
  case 'u': return unescape_unicode(s, at);
  default: return fail(s, start, "unknown escape");
  }
  *s->scratch++ = c;
  return true;
}

/* The rest of a string whose first stop `stop` is no quote; returns the cursor
 * behind it, or with `at` 0 on failure. The result can not be longer than its
 * source, so the scratch always holds it. */
COLD struct cursor scan_escaped_string(struct scan *s, struct cursor c, size_t stop,
                                       struct slice *out) {
  const struct cursor failed = {0};
  size_t start = c.at;
  const char *content = s->scratch;
  for (;; stop = next_stop(s, &c, c.at)) {
    memcpy(s->scratch, s->line + c.at, stop - c.at);
    s->scratch += stop - c.at;
    c.at = stop;
    if (stop == s->len) return fail(s, start - 1, "string without end"), failed;
    if (s->line[stop] == '"') break;
    if (s->line[stop] != '\\') return fail(s, stop, "control character in a string"), failed;
    if (!unescape(s, &c.at)) return failed;
  }
  c.at++;
  *out = (struct slice){content, (size_t)(s->scratch - content)};
  return c;
}

/* The cursor stands at the opening quote. */
HOT bool scan_string(struct scan *s, struct cursor *c, struct slice *out) {
  size_t start = ++c->at, stop = next_stop(s, c, start);
  if (stop == s->len || s->line[stop] != '"') {
    *c = scan_escaped_string(s, *c, stop, out);
    return c->at > 0;
  }
  *out = (struct slice){s->line + start, stop - start};
  c->at = stop + 1;
  return true;
}

HOT size_t skip_digits(const struct scan *s, size_t at) {
  while (at < s->len && (unsigned char)(s->line[at] - '0') <= 9)
    at++;
  return at;
}

/* The end of the fraction and exponent that start at `at`, or 0. */
COLD size_t scan_fraction(const struct scan *s, size_t at) {
  size_t start;
  if (peek(s, at) == '.') {
    start = at + 1;
    at = skip_digits(s, start);
    if (at == start) return 0;
  }
  if (peek(s, at) == 'e' || peek(s, at) == 'E') {
    start = at + 1 + (peek(s, at + 1) == '+' || peek(s, at + 1) == '-');
    at = skip_digits(s, start);
    if (at == start) return 0;
  }
  return at;
}

/* RFC 8259, section 6. */
HOT bool scan_number(struct scan *s, struct cursor *c, struct slice *out) {
  size_t start = c->at, digits = start + (peek(s, start) == '-');
  size_t end = peek(s, digits) == '0' ? digits + 1 : skip_digits(s, digits);
  if (end == digits) return fail(s, start, "not a value");
  char next = peek(s, end);
  if (next == '.' || next == 'e' || next == 'E') {
    end = scan_fraction(s, end);
    if (!end) return fail(s, start, "malformed number");
  }
  *out = (struct slice){s->line + start, end - start};
  c->at = end;
  return true;
}

HOT bool scan_word(struct scan *s, struct cursor *c, const char *word, size_t len,
                   struct slice *out) {
  if (s->len - c->at < len || memcmp(s->line + c->at, word, len) != 0)
    return fail(s, c->at, "not a value");
  *out = (struct slice){s->line + c->at, len};
  c->at += len;
  return true;
}

HOT bool scan_value(struct scan *s, struct cursor *c, struct flat_member *member) {
  switch (peek(s, c->at)) {
  case '"': member->kind = FLAT_STRING; return scan_string(s, c, &member->value);
  case 't': member->kind = FLAT_TRUE; return scan_word(s, c, "true", 4, &member->value);
  case 'f': member->kind = FLAT_FALSE; return scan_word(s, c, "false", 5, &member->value);
  case 'n': member->kind = FLAT_NULL; return scan_word(s, c, "null", 4, &member->value);
  case '{':
  case '[': return fail(s, c->at, "nested object or array");
  default: member->kind = FLAT_NUMBER; return scan_number(s, c, &member->value);
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

HOT bool scan_member(struct scan *s, struct cursor *c) {
  size_t start = c->at;
  if (s->object->count == FLAT_MEMBERS_MAX) return fail(s, start, "too many members");
  struct flat_member *member = &s->object->members[s->object->count];
  if (peek(s, start) != '"') return fail(s, start, "no key in quotes");
  if (!scan_string(s, c, &member->key)) return false;
  if (!remember_key(s, member->key)) return fail(s, start, "duplicate key");
  c->at = skip_blanks(s, c->at);
  if (peek(s, c->at) != ':') return fail(s, c->at, "no ':' behind a key");
  c->at = skip_blanks(s, c->at + 1);
  if (!scan_value(s, c, member)) return false;
  s->object->count++;
  c->at = skip_blanks(s, c->at);
  return true;
}

static bool scan_object(struct scan *s) {
  struct cursor c = {.at = skip_blanks(s, 0), .bits = s->stops[0]};
  if (peek(s, c.at) != '{') return fail(s, c.at, "not an object");
  c.at = skip_blanks(s, c.at + 1);
  for (bool first = true; !(first && peek(s, c.at) == '}'); first = false) {
    if (!scan_member(s, &c)) return false;
    if (peek(s, c.at) != ',') break;
    c.at = skip_blanks(s, c.at + 1);
  }
  if (peek(s, c.at) != '}') return fail(s, c.at, "neither ',' nor '}' behind a value");
  c.at = skip_blanks(s, c.at + 1);
  return c.at == s->len || fail(s, c.at, "text behind the object");
}

enum flat_result flat_json_scan(struct slice line, struct flat_object *object) {
  struct scan s;
  s.line = line.data;
  s.len = line.len;
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
