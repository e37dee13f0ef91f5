#include "callpace/base/text.h"
#include "callpace/base/writer.h"

/* A line feed ends a document: what follows it starts anew. */
static void before_item(struct writer *w) {
  if (w->comma && w->len && w->data[w->len - 1] != '\n') put_char(w, ',');
  w->comma = true;
}

void json_open(struct writer *w, char bracket) {
  before_item(w);
  put_char(w, bracket);
  w->comma = false;
}

void json_close(struct writer *w, char bracket) {
  put_char(w, bracket);
  w->comma = true;
}

static void put_unicode_escape(struct writer *w, int32_t point) {
  static const char hex[] = "0123456789abcdef";
  char escape[6] = {
      '\\',           'u', hex[point >> 12 & 15], hex[point >> 8 & 15], hex[point >> 4 & 15],
      hex[point & 15]};
  put_bytes(w, escape, sizeof escape);
}

static void put_escape(struct writer *w, int32_t point) {
  switch (point) {
  case TEXT_BROKEN: put_text(w, "\xef\xbf\xbd"); break;
  case '"': put_text(w, "\\\""); break;
  case '\\': put_text(w, "\\\\"); break;
  case '\n': put_text(w, "\\n"); break;
  case '\r': put_text(w, "\\r"); break;
  case '\t': put_text(w, "\\t"); break;
  default: put_unicode_escape(w, point); break;
  }
}

/* C1 controls too: a terminal or log viewer may obey them. */
static bool needs_escape(int32_t point) {
  return point < 0x20 || point == '"' || point == '\\' || point == '<' || point == '>' ||
         point == '&' || (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029;
}

static void put_quoted(struct writer *w, struct slice value) {
  put_char(w, '"');
  size_t done = 0, at = 0;
  while (at < value.len) {
    size_t start = at;
    int32_t point = text_next(value, &at);
    if (!needs_escape(point)) continue;
    if (start > done) put_bytes(w, value.data + done, start - done);
    put_escape(w, point);
    done = at;
  }
  if (at > done) put_bytes(w, value.data + done, at - done);
  put_char(w, '"');
}

void json_key(struct writer *w, const char *key) {
  before_item(w);
  put_quoted(w, slice_of(key));
  put_char(w, ':');
  w->comma = false;
}

void json_slice(struct writer *w, struct slice value) {
  before_item(w);
  put_quoted(w, value);
}

void json_int(struct writer *w, int64_t value) {
  before_item(w);
  put_int(w, value);
}

void json_uint(struct writer *w, uint64_t value) {
  before_item(w);
  put_uint(w, value);
}

void json_bool(struct writer *w, bool value) {
  json_raw(w, value ? SLICE("true") : SLICE("false"));
}

void json_nil(struct writer *w) {
  json_raw(w, SLICE("null"));
}

void json_raw(struct writer *w, struct slice json) {
  before_item(w);
  put_slice(w, json);
}

void json_put_string(struct writer *w, const char *key, struct slice value) {
  json_key(w, key);
  json_slice(w, value);
}

void json_put_text(struct writer *w, const char *key, const char *value) {
  json_key(w, key);
  if (value)
    json_slice(w, slice_of(value));
  else
    json_nil(w);
}

void json_put_int(struct writer *w, const char *key, int64_t value) {
  json_key(w, key);
  json_int(w, value);
}

void json_put_uint(struct writer *w, const char *key, uint64_t value) {
  json_key(w, key);
  json_uint(w, value);
}

void json_put_bool(struct writer *w, const char *key, bool value) {
  json_key(w, key);
  json_bool(w, value);
}
