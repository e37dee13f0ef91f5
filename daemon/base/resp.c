#include "callpace/base/resp.h"

#include <stdbool.h>
#include <string.h>

/* "*NN\r\n": most commands have 10 to 99 arguments or few enough to be moved
 * cheaply. Redis refuses leading zeros, so another width moves the body. */
enum { HEADER_SIZE = 5, NUMBER_MAX = 21, BULK_HEADER_MAX = NUMBER_MAX + 3 };

/* Writes the digits at `to`; returns the end. */
static char *put_digits(char *to, uint64_t value) {
  char digits[NUMBER_MAX], *at = digits + sizeof digits;
  do
    *--at = (char)('0' + value % 10);
  while (value /= 10);
  size_t len = (size_t)(digits + sizeof digits - at);
  memcpy(to, at, len);
  return to + len;
}

static char *put_line_end(char *to) {
  *to++ = '\r';
  *to++ = '\n';
  return to;
}

static char *put_bulk(char *to, const char *data, size_t len) {
  *to++ = '$';
  if (len < 10)
    *to++ = (char)('0' + len);
  else
    to = put_digits(to, len);
  to = put_line_end(to);
  if (len) memcpy(to, data, len);
  return put_line_end(to + len);
}

void resp_put_slice(struct writer *w, struct slice argument) {
  char *to = writer_reserve(w, argument.len + BULK_HEADER_MAX + 2);
  if (to) w->len += (size_t)(put_bulk(to, argument.data, argument.len) - to);
}

void resp_put_int(struct writer *w, int64_t argument) {
  char text[NUMBER_MAX + 1], *end = text;
  uint64_t size = (uint64_t)argument;
  if (argument < 0) {
    *end++ = '-';
    size = 0 - size;
  }
  end = put_digits(end, size);
  resp_put_slice(w, (struct slice){text, (size_t)(end - text)});
}

struct resp resp_begin(struct writer *w, struct slice name) {
  struct resp command = {.w = w, .start = w->len, .arguments = 1};
  if (writer_reserve(w, HEADER_SIZE)) w->len += HEADER_SIZE;
  resp_put_slice(w, name);
  return command;
}

void resp_slice(struct resp *command, struct slice argument) {
  command->arguments++;
  resp_put_slice(command->w, argument);
}

void resp_int(struct resp *command, int64_t argument) {
  command->arguments++;
  resp_put_int(command->w, argument);
}

void resp_raw(struct resp *command, struct slice encoded, uint32_t arguments) {
  command->arguments += arguments;
  put_slice(command->w, encoded);
}

void resp_end(struct resp *command) {
  struct writer *w = command->w;
  char header[BULK_HEADER_MAX] = "*";
  size_t len = (size_t)(put_line_end(put_digits(header + 1, command->arguments)) - header);
  if (len > HEADER_SIZE) writer_reserve(w, len - HEADER_SIZE);
  if (w->failed) return;
  char *at = w->data + command->start;
  if (len != HEADER_SIZE) {
    memmove(at + len, at + HEADER_SIZE, w->len - command->start - HEADER_SIZE);
    w->len = w->len + len - HEADER_SIZE;
  }
  memcpy(at, header, len);
}

/* Reads "<mark>DIGITS\r\n" and moves behind it. */
static bool take_header(struct slice *bytes, char mark, size_t *value) {
  size_t at = 1, number = 0;
  if (bytes->len < 4 || bytes->data[0] != mark) return false;
  for (; at < bytes->len && bytes->data[at] >= '0' && bytes->data[at] <= '9' && at < 10; at++)
    number = number * 10 + (size_t)(bytes->data[at] - '0');
  if (at + 2 > bytes->len || memcmp(bytes->data + at, "\r\n", 2) != 0) return false;
  *bytes = (struct slice){bytes->data + at + 2, bytes->len - at - 2};
  *value = number;
  return true;
}

struct slice resp_argument(struct slice bytes, unsigned index) {
  size_t arguments, len;
  struct slice none = {NULL, 0};
  if (!take_header(&bytes, '*', &arguments) || index >= arguments) return none;
  for (unsigned i = 0;; i++) {
    if (!take_header(&bytes, '$', &len) || len + 2 > bytes.len) return none;
    if (i == index) return (struct slice){bytes.data, len};
    bytes = (struct slice){bytes.data + len + 2, bytes.len - len - 2};
  }
}
