#include "callpace/base/text.h"

#include "callpace/base/clock.h"

static bool is_continuation(unsigned char byte) {
  return (byte & 0xc0) == 0x80;
}

/* Length of the well-formed sequence at `at` with `left` > 0 bytes, or 0. The
 * narrower ranges of the second byte keep out overlong forms, surrogates and
 * what lies above U+10FFFF (RFC 3629, section 4). */
static size_t sequence_len(const unsigned char *at, size_t left) {
  unsigned char first = at[0];
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  size_t len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (left < len) return 0;
  unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (at[1] < low || at[1] > high) return 0;
  for (size_t i = 2; i < len; i++)
    if (!is_continuation(at[i])) return 0;
  return len;
}

int32_t text_next(struct slice text, size_t *at) {
  const unsigned char *from = (const unsigned char *)text.data + *at;
  size_t len = sequence_len(from, text.len - *at);
  *at += len ? len : 1;
  switch (len) {
  case 0: return TEXT_BROKEN;
  case 1: return from[0];
  case 2: return (from[0] & 0x1f) << 6 | (from[1] & 0x3f);
  case 3: return (from[0] & 0x0f) << 12 | (from[1] & 0x3f) << 6 | (from[2] & 0x3f);
  default:
    return (from[0] & 0x07) << 18 | (from[1] & 0x3f) << 12 | (from[2] & 0x3f) << 6 |
           (from[3] & 0x3f);
  }
}

size_t text_utf8_prefix(struct slice text) {
  const unsigned char *data = (const unsigned char *)text.data;
  size_t at = 0;
  while (at < text.len) {
    uint64_t word;
    if (text.len - at >= sizeof word) {
      memcpy(&word, data + at, sizeof word);
      if (!(word & 0x8080808080808080u)) {
        at += sizeof word;
        continue;
      }
    }
    size_t len = sequence_len(data + at, text.len - at);
    if (!len) break;
    at += len;
  }
  return at;
}

bool text_is_utf8(struct slice text) {
  return text_utf8_prefix(text) == text.len;
}

bool text_is_hostile(int32_t point) {
  return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x061c ||
         (point >= 0x200e && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
         (point >= 0x2066 && point <= 0x2069);
}

size_t text_width(struct slice text) {
  size_t columns = 0;
  for (size_t at = 0; at < text.len;)
    columns += text_point_width(text_next(text, &at));
  return columns;
}

void text_put_terminal(struct writer *w, struct slice text, size_t columns, bool pad) {
  size_t used = 0;
  for (size_t at = 0; at < text.len;) {
    size_t start = at;
    int32_t point = text_next(text, &at);
    size_t width = text_point_width(point);
    if (columns && used + width > columns) break;
    used += width;
    if (text_is_hostile(point))
      put_char(w, '?');
    else
      put_bytes(w, text.data + start, at - start);
  }
  for (; pad && used < columns; used++)
    put_char(w, ' ');
}

/* Also the full-width forms, which some spreadsheets take for the same. */
static bool is_formula(int32_t point) {
  return point == '=' || point == '+' || point == '-' || point == '@' || point == 0xff1d ||
         point == 0xff0b || point == 0xff0d || point == 0xff20;
}

/* Cells begin to be a formula behind blanks and what is shown as nothing. */
static bool begins_formula(struct slice field) {
  for (size_t at = 0; at < field.len;) {
    int32_t point = text_next(field, &at);
    if (is_formula(point)) return true;
    if (point != ' ' && point != 0xfeff && point != 0xa0 && point != 0x3000 &&
        !text_is_hostile(point))
      return false;
  }
  return false;
}

void text_put_csv(struct writer *w, struct slice field) {
  bool formula = begins_formula(field), quoted = formula;
  for (size_t i = 0; i < field.len && !quoted; i++)
    quoted = field.data[i] == ',' || field.data[i] == '"' || field.data[i] == ' ' ||
             field.data[i] == ';' || (unsigned char)field.data[i] < 0x20;
  if (quoted) put_char(w, '"');
  if (formula) put_char(w, '\'');
  for (size_t at = 0; at < field.len;) {
    size_t start = at;
    int32_t point = text_next(field, &at);
    if (point == '"')
      put_text(w, "\"\"");
    else if (point == '\n' || point == '\r')
      put_char(w, ' ');
    else if (text_is_hostile(point))
      put_char(w, '?');
    else
      put_bytes(w, field.data + start, at - start);
  }
  if (quoted) put_char(w, '"');
}

void text_put_html(struct writer *w, struct slice text) {
  for (size_t at = 0; at < text.len;) {
    size_t start = at;
    int32_t point = text_next(text, &at);
    switch (point) {
    case '&': put_text(w, "&amp;"); break;
    case '<': put_text(w, "&lt;"); break;
    case '>': put_text(w, "&gt;"); break;
    case '"': put_text(w, "&quot;"); break;
    case '\'': put_text(w, "&#39;"); break;
    default:
      if (text_is_hostile(point))
        put_char(w, '?');
      else
        put_bytes(w, text.data + start, at - start);
    }
  }
}

struct unit {
  struct slice name;
  int64_t factor;
};

/* Digits, then exactly one of the units. */
static bool parse_with_unit(struct slice text, const struct unit *units, size_t count,
                            int64_t *out) {
  int64_t value = 0;
  size_t at = 0;
  for (; at < text.len && text.data[at] >= '0' && text.data[at] <= '9'; at++)
    if (__builtin_mul_overflow(value, 10, &value) ||
        __builtin_add_overflow(value, text.data[at] - '0', &value))
      return false;
  if (at == 0) return false;
  struct slice name = {text.data + at, text.len - at};
  for (size_t i = 0; i < count; i++)
    if (slice_equal(name, units[i].name) &&
        !__builtin_mul_overflow(value, units[i].factor, &value)) {
      *out = value;
      return true;
    }
  return false;
}

bool text_parse_size(struct slice text, int64_t *bytes) {
  static const struct unit units[] = {{{"B", 1}, 1},
                                      {{"KiB", 3}, (int64_t)1 << 10},
                                      {{"MiB", 3}, (int64_t)1 << 20},
                                      {{"GiB", 3}, (int64_t)1 << 30}};
  return parse_with_unit(text, units, sizeof units / sizeof units[0], bytes);
}

bool text_parse_duration(struct slice text, int64_t *milliseconds) {
  static const struct unit units[] = {{{"ms", 2}, 1},
                                      {{"s", 1}, MSEC_PER_SEC},
                                      {{"m", 1}, MSEC_PER_MIN},
                                      {{"h", 1}, MSEC_PER_HOUR},
                                      {{"d", 1}, MSEC_PER_DAY}};
  return parse_with_unit(text, units, sizeof units / sizeof units[0], milliseconds);
}

/* On a mismatch only the last '*' need take one byte more: an earlier one that
 * took more could not help. */
bool text_match(const char *pattern, struct slice text) {
  const char *star = NULL;
  size_t at = 0, star_at = 0;
  while (at < text.len) {
    if (*pattern == '*') {
      star = pattern++;
      star_at = at;
    } else if (*pattern && *pattern == text.data[at]) {
      pattern++;
      at++;
    } else if (star) {
      pattern = star + 1;
      at = ++star_at;
    } else {
      return false;
    }
  }
  while (*pattern == '*')
    pattern++;
  return *pattern == '\0';
}
