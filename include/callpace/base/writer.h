/* Builder of bytes with a sticky error: write everything, ask once at the end.
 * Grows on the heap; past `limit` (0 = none) it stops growing and `failed`
 * stays set. Also writes JSON with escaping that is safe in logs and HTML. */
#ifndef CALLPACE_BASE_WRITER_H
#define CALLPACE_BASE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callpace/base/slice.h"

/* Zero-initialise (or set `limit`), free with writer_free. */
struct writer {
  char *data;
  size_t len;
  size_t capacity;
  size_t limit;
  bool failed;
  bool comma; /* JSON: a comma is due before the next item */
};

void writer_reset(struct writer *w); /* forgets content and error, keeps memory */
void writer_free(struct writer *w);
/* Ensures `room` free bytes; returns where to write, or NULL when failed. The
 * caller then adds to w->len what it used. */
char *writer_reserve(struct writer *w, size_t room);

void put_bytes(struct writer *w, const void *data, size_t len);
void put_slice(struct writer *w, struct slice text);
void put_text(struct writer *w, const char *text);
void put_char(struct writer *w, char c);
void put_int(struct writer *w, int64_t value);
void put_uint(struct writer *w, uint64_t value);
void put_format(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct slice writer_slice(const struct writer *w);
/* NUL-terminates (not counted in len) and returns data. */
const char *writer_text(struct writer *w);

/* JSON. Commas are placed by the writer; a line feed written between documents
 * ends the first. Strings: invalid UTF-8 becomes U+FFFD, controls, '<', '>',
 * '&', U+2028/9 and DEL are escaped. (json_string and json_null are names of
 * jansson, which is linked beside this.) */
void json_open(struct writer *w, char bracket);  /* '{' or '[' */
void json_close(struct writer *w, char bracket); /* '}' or ']' */
void json_key(struct writer *w, const char *key);
void json_slice(struct writer *w, struct slice value);
void json_int(struct writer *w, int64_t value);
void json_uint(struct writer *w, uint64_t value);
void json_bool(struct writer *w, bool value);
void json_nil(struct writer *w);
void json_raw(struct writer *w, struct slice json); /* a value already in JSON */
/* key and value in one */
void json_put_string(struct writer *w, const char *key, struct slice value);
void json_put_text(struct writer *w, const char *key, const char *value); /* NULL -> null */
void json_put_int(struct writer *w, const char *key, int64_t value);
void json_put_uint(struct writer *w, const char *key, uint64_t value);
void json_put_bool(struct writer *w, const char *key, bool value);

/* Little-endian binary, for the journal and snapshots. */
void put_u8(struct writer *w, uint8_t value);
void put_u32(struct writer *w, uint32_t value);
void put_u64(struct writer *w, uint64_t value);
void put_varint(struct writer *w, uint64_t value);       /* LEB128 */
void put_varint_signed(struct writer *w, int64_t value); /* zigzag LEB128 */
void put_blob(struct writer *w, struct slice bytes);     /* varint length + bytes */

/* The reading side: sticky too. Every getter returns zero / empty once `failed`. */
struct reader {
  const char *at;
  const char *end;
  bool failed;
};
struct reader reader_of(struct slice bytes);
uint8_t get_u8(struct reader *r);
uint32_t get_u32(struct reader *r);
uint64_t get_u64(struct reader *r);
uint64_t get_varint(struct reader *r);
int64_t get_varint_signed(struct reader *r);
struct slice get_blob(struct reader *r); /* borrowed from the reader's bytes */

#endif
