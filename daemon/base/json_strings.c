#include "callpace/base/json_strings.h"

#include <stdint.h>

#include "callpace/base/text.h"
#include "callpace/base/writer.h"

struct scan {
  const char *at, *end;
};

static void skip_space(struct scan *s) {
  while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
    s->at++;
}

/* Takes one character after white space. */
static bool take(struct scan *s, char c) {
  skip_space(s);
  if (s->at == s->end || *s->at != c) return false;
  s->at++;
  return true;
}

static bool take_word(struct scan *s, struct slice word) {
  if ((size_t)(s->end - s->at) < word.len || memcmp(s->at, word.data, word.len) != 0) return false;
  s->at += word.len;
  return true;
}

static bool take_digits(struct scan *s) {
  const char *start = s->at;
  while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
    s->at++;
  return s->at > start;
}

static bool take_number(struct scan *s) {
  take_word(s, SLICE("-"));
  if (!take_word(s, SLICE("0")) && !take_digits(s)) return false;
  if (take_word(s, SLICE(".")) && !take_digits(s)) return false;
  if (!take_word(s, SLICE("e")) && !take_word(s, SLICE("E"))) return true;
  if (!take_word(s, SLICE("+"))) take_word(s, SLICE("-"));
  return take_digits(s);
}

static bool take_hex(struct scan *s, uint32_t *out) {
  uint32_t value = 0;
  for (int i = 0; i < 4; i++, s->at++) {
    if (s->at == s->end) return false;
    char c = *s->at;
    uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                     : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                     : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                            : 16;
    if (digit > 15) return false;
    value = value << 4 | digit;
  }
  *out = value;
  return true;
}

static void put_point(struct writer *out, uint32_t point) {
  if (point < 0x80) {
    put_u8(out, (uint8_t)point);
    return;
  }
  if (point < 0x800) {
    put_u8(out, (uint8_t)(0xC0 | point >> 6));
  } else {
    if (point < 0x10000) {
      put_u8(out, (uint8_t)(0xE0 | point >> 12));
    } else {
      put_u8(out, (uint8_t)(0xF0 | point >> 18));
      put_u8(out, (uint8_t)(0x80 | (point >> 12 & 0x3F)));
    }
    put_u8(out, (uint8_t)(0x80 | (point >> 6 & 0x3F)));
  }
  put_u8(out, (uint8_t)(0x80 | (point & 0x3F)));
}

/* Behind "\u". */
static bool take_unicode(struct scan *s, struct writer *out) {
  uint32_t point, low;
  if (!take_hex(s, &point) || (point >= 0xDC00 && point <= 0xDFFF)) return false;
  if (point >= 0xD800 && point <= 0xDBFF) {
    if (!take_word(s, SLICE("\\u")) || !take_hex(s, &low) || low < 0xDC00 || low > 0xDFFF)
      return false;
    point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
  }
  put_point(out, point);
  return true;
}

static bool take_escape(struct scan *s, struct writer *out) {
  static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  if (s->at == s->end) return false;
  char c = *s->at++;
  if (c == 'u') return take_unicode(s, out);
  const char *name = c ? strchr(names, c) : NULL;
  if (!name) return false;
  put_char(out, meanings[name - names]);
  return true;
}

static bool take_string(struct scan *s, struct writer *out) {
  writer_reset(out);
  if (!take(s, '"')) return false;
  while (s->at < s->end) {
    char c = *s->at++;
    if (c == '"') return true;
    if ((unsigned char)c < 0x20) return false;
    if (c != '\\')
      put_char(out, c);
    else if (!take_escape(s, out))
      return false;
  }
  return false;
}

static bool take_value(struct scan *s, struct writer *text, int depth);

/* An object or an array, passed over. */
static bool take_nested(struct scan *s, struct writer *text, char close, int depth) {
  if (depth > JSON_DEPTH_MAX) return false;
  if (take(s, close)) return true;
  do {
    if (close == '}' && !(take_string(s, text) && take(s, ':'))) return false;
    if (!take_value(s, text, depth)) return false;
  } while (take(s, ','));
  return take(s, close);
}

static bool take_value(struct scan *s, struct writer *text, int depth) {
  if (take(s, '{')) return take_nested(s, text, '}', depth + 1);
  if (take(s, '[')) return take_nested(s, text, ']', depth + 1);
  if (s->at < s->end && *s->at == '"') return take_string(s, text);
  return take_word(s, SLICE("true")) || take_word(s, SLICE("false")) ||
         take_word(s, SLICE("null")) || take_number(s);
}

static bool take_member(struct scan *s, struct writer *key, struct writer *value,
                        json_member_fn each, void *context) {
  if (!take_string(s, key) || !take(s, ':')) return false;
  skip_space(s);
  const char *begin = s->at;
  bool is_string = begin < s->end && *begin == '"';
  if (!take_value(s, value, 1)) return false;
  struct slice text =
      is_string ? writer_slice(value) : (struct slice){begin, (size_t)(s->at - begin)};
  each(context, writer_slice(key), is_string, text);
  return true;
}

bool json_each_member(struct slice json, json_member_fn each, void *context) {
  struct scan s = {json.data, json.data + json.len};
  struct writer key = {0}, value = {0};
  if (!text_is_utf8(json) || !take(&s, '{')) return false;
  bool whole = take(&s, '}');
  if (!whole) {
    do
      whole = take_member(&s, &key, &value, each, context);
    while (whole && take(&s, ','));
    whole = whole && take(&s, '}');
  }
  skip_space(&s);
  writer_free(&key);
  writer_free(&value);
  return whole && s.at == s.end;
}

struct strings {
  json_string_fn each;
  void *context;
};

static void pass_string(void *context, struct slice key, bool is_string, struct slice text) {
  const struct strings *strings = context;
  if (is_string) strings->each(strings->context, key, text);
}

bool json_each_string(struct slice json, json_string_fn each, void *context) {
  return json_each_member(json, pass_string, &(struct strings){each, context});
}
