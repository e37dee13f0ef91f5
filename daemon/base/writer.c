#include "callpace/base/writer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "callpace/base/mem.h"

void writer_reset(struct writer *w) {
  w->len = 0;
  w->failed = false;
  w->comma = false;
}

void writer_free(struct writer *w) {
  if (!w) return;
  free(w->data);
  *w = (struct writer){.limit = w->limit};
}

/* One byte more than asked for is kept free, so that writer_text always can. */
static char *reserve_slowly(struct writer *w, size_t room) {
  size_t most = w->limit && w->limit < SIZE_MAX / 4 ? w->limit : SIZE_MAX / 4;
  if (w->failed || w->len > most || room > most - w->len) {
    w->failed = true;
    return NULL;
  }
  if (w->len + room + 1 > w->capacity) {
    size_t wanted = w->len + room + 1 < 128 ? 128 : w->len + room + 1;
    w->data = mem_grow(w->data, &w->capacity, wanted, 1);
  }
  return w->data + w->len;
}

char *writer_reserve(struct writer *w, size_t room) {
  if (!w->failed && !w->limit && room < w->capacity - w->len) return w->data + w->len;
  return reserve_slowly(w, room);
}

void put_bytes(struct writer *w, const void *data, size_t len) {
  char *to = writer_reserve(w, len);
  if (!to || len == 0) return;
  memcpy(to, data, len);
  w->len += len;
}

void put_slice(struct writer *w, struct slice text) {
  put_bytes(w, text.data, text.len);
}

void put_text(struct writer *w, const char *text) {
  put_slice(w, slice_of(text));
}

void put_char(struct writer *w, char c) {
  char *to = writer_reserve(w, 1);
  if (!to) return;
  *to = c;
  w->len++;
}

enum { DIGITS_MAX = 20 };

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                  "25262728293031323334353637383940414243444546474849"
                                  "50515253545556575859606162636465666768697071727374"
                                  "75767778798081828384858687888990919293949596979899";

/* Writes the digits backwards from `end`; returns where they start. */
static char *digits_before(char *end, uint64_t value) {
  for (; value >= 100; value /= 100)
    memcpy(end -= 2, &digit_pairs[value % 100 * 2], 2);
  if (value < 10)
    *--end = (char)('0' + value);
  else
    memcpy(end -= 2, &digit_pairs[value * 2], 2);
  return end;
}

void put_uint(struct writer *w, uint64_t value) {
  char digits[DIGITS_MAX], *end = digits + sizeof digits;
  const char *start = digits_before(end, value);
  put_bytes(w, start, (size_t)(end - start));
}

void put_int(struct writer *w, int64_t value) {
  char digits[DIGITS_MAX + 1], *end = digits + sizeof digits;
  char *start = digits_before(end, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
  if (value < 0) *--start = '-';
  put_bytes(w, start, (size_t)(end - start));
}

void put_format(struct writer *w, const char *format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  int len = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  char *to = len < 0 ? NULL : writer_reserve(w, (size_t)len);
  if (to) {
    vsnprintf(to, (size_t)len + 1, format, again);
    w->len += (size_t)len;
  } else {
    w->failed = true;
  }
  va_end(again);
}

struct slice writer_slice(const struct writer *w) {
  return (struct slice){w->data, w->len};
}

const char *writer_text(struct writer *w) {
  if (!w->data && !reserve_slowly(w, 0)) return "";
  w->data[w->len] = '\0';
  return w->data;
}

void put_u8(struct writer *w, uint8_t value) {
  put_char(w, (char)value);
}

static void put_little_endian(struct writer *w, uint64_t value, size_t size) {
  char *to = writer_reserve(w, size);
  if (!to) return;
  for (size_t i = 0; i < size; i++)
    to[i] = (char)(value >> (8 * i));
  w->len += size;
}

void put_u32(struct writer *w, uint32_t value) {
  put_little_endian(w, value, 4);
}

void put_u64(struct writer *w, uint64_t value) {
  put_little_endian(w, value, 8);
}

enum { VARINT_MAX = 10 };

void put_varint(struct writer *w, uint64_t value) {
  char *to = writer_reserve(w, VARINT_MAX);
  if (!to) return;
  size_t len = 0;
  for (; value >= 0x80; value >>= 7)
    to[len++] = (char)(value | 0x80);
  to[len++] = (char)value;
  w->len += len;
}

void put_varint_signed(struct writer *w, int64_t value) {
  put_varint(w, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

void put_blob(struct writer *w, struct slice bytes) {
  put_varint(w, bytes.len);
  put_slice(w, bytes);
}

struct reader reader_of(struct slice bytes) {
  return (struct reader){.at = bytes.data, .end = bytes.len ? bytes.data + bytes.len : bytes.data};
}

/* The next `len` bytes, or NULL and failed. */
static const char *take(struct reader *r, size_t len) {
  if (r->failed || (size_t)(r->end - r->at) < len) {
    r->failed = true;
    return NULL;
  }
  const char *from = r->at;
  r->at += len;
  return from;
}

static uint64_t get_little_endian(struct reader *r, size_t size) {
  const char *from = take(r, size);
  uint64_t value = 0;
  for (size_t i = 0; from && i < size; i++)
    value |= (uint64_t)(unsigned char)from[i] << (8 * i);
  return value;
}

uint8_t get_u8(struct reader *r) {
  return (uint8_t)get_little_endian(r, 1);
}

uint32_t get_u32(struct reader *r) {
  return (uint32_t)get_little_endian(r, 4);
}

uint64_t get_u64(struct reader *r) {
  return get_little_endian(r, 8);
}

uint64_t get_varint(struct reader *r) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 7 * VARINT_MAX; shift += 7) {
    uint64_t byte = get_u8(r);
    if (r->failed || (shift == 63 && byte > 1)) break;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  r->failed = true;
  return 0;
}

int64_t get_varint_signed(struct reader *r) {
  uint64_t value = get_varint(r);
  return (int64_t)((value >> 1) ^ (0 - (value & 1)));
}

struct slice get_blob(struct reader *r) {
  uint64_t len = get_varint(r);
  const char *from = r->failed ? NULL : take(r, len);
  return from ? (struct slice){from, len} : (struct slice){NULL, 0};
}
