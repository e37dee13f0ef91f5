/* Framing of evapi: netstrings, or lines where the switch is configured so
 * (netstring_format=0). Each message shows by its first byte which it is. */
#include "evapi_internal.h"

static void consume(struct evapi_framer *framer, struct slice *unread, size_t len) {
  unread->data += len;
  unread->len -= len;
  framer->scanned = 0;
}

/* True when all that was to be skipped is. */
static bool skip(struct evapi_framer *framer, struct slice *unread) {
  if (framer->skip_left > 0) {
    size_t len = framer->skip_left < unread->len ? framer->skip_left : unread->len;
    consume(framer, unread, len);
    framer->skip_left -= len;
    return framer->skip_left == 0;
  }
  if (!framer->skipping_line) return true;
  const char *end = unread->len ? memchr(unread->data, '\n', unread->len) : NULL;
  consume(framer, unread, end ? (size_t)(end + 1 - unread->data) : unread->len);
  framer->skipping_line = !end;
  return end != NULL;
}

static enum evapi_frame line_next(struct evapi_framer *framer, struct slice *unread,
                                  struct slice *message) {
  const char *from = unread->data + framer->scanned;
  const char *end = memchr(from, '\n', unread->len - framer->scanned);
  size_t len = end ? (size_t)(end - unread->data) : unread->len;
  if (!end && len <= FLAT_LINE_MAX) {
    framer->scanned = len;
    return EVAPI_MORE;
  }
  framer->line_number++;
  *message = (struct slice){unread->data, len};
  if (end && len > 0 && unread->data[len - 1] == '\r') message->len--;
  framer->skipping_line = !end;
  consume(framer, unread, end ? len + 1 : len);
  return message->len > FLAT_LINE_MAX ? EVAPI_TOO_LONG : EVAPI_WHOLE;
}

/* "221:{…}," */
static enum evapi_frame netstring_next(struct evapi_framer *framer, struct slice *unread,
                                       struct slice *message) {
  enum { DIGITS_MAX = 7 };
  size_t at = 0, len = 0;
  while (at < unread->len && unread->data[at] >= '0' && unread->data[at] <= '9') {
    if (at == DIGITS_MAX || (at > 0 && unread->data[0] == '0')) return EVAPI_BROKEN;
    len = len * 10 + (size_t)(unread->data[at++] - '0');
  }
  if (at == unread->len) return EVAPI_MORE;
  if (unread->data[at++] != ':' || len > EVAPI_SKIP_MAX) return EVAPI_BROKEN;
  size_t have = unread->len - at;
  if (len > FLAT_LINE_MAX) {
    if (have < FLAT_LINE_MAX) return EVAPI_MORE;
    framer->line_number++;
    *message = (struct slice){unread->data + at, FLAT_LINE_MAX};
    framer->skip_left = at + len + 1;
    skip(framer, unread);
    return EVAPI_TOO_LONG;
  }
  if (have < len + 1) return EVAPI_MORE;
  if (unread->data[at + len] != ',') return EVAPI_BROKEN;
  framer->line_number++;
  *message = (struct slice){unread->data + at, len};
  consume(framer, unread, at + len + 1);
  return EVAPI_WHOLE;
}

enum evapi_frame evapi_frame_next(struct evapi_framer *framer, struct slice *unread,
                                  struct slice *message) {
  if (!skip(framer, unread)) return EVAPI_MORE;
  while (unread->len > 0 && (unread->data[0] == '\n' || unread->data[0] == '\r'))
    consume(framer, unread, 1);
  if (unread->len == 0) return EVAPI_MORE;
  char first = unread->data[0];
  if (first == '{') return line_next(framer, unread, message);
  if (first >= '0' && first <= '9') return netstring_next(framer, unread, message);
  return EVAPI_BROKEN;
}
