/* Framing of the event socket: headers, an empty line, and as many bytes as
 * Content-Length says. That number is the peer's word: digits only, bounded. */
#include "esl_internal.h"

/* No answer is that long; a peer that says so is none. */
#define LENGTH_MAX ((int64_t)1 << 32)

/* Bytes up to and with the empty line; 0 when it is not there yet. */
static size_t headers_len(struct slice unread, size_t from) {
  const char *at = unread.data + from, *end = unread.data + unread.len;
  while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
    at++;
    if (at < end && *at == '\n') return (size_t)(at + 1 - unread.data);
    if (end - at > 1 && at[0] == '\r' && at[1] == '\n') return (size_t)(at + 2 - unread.data);
  }
  return 0;
}

static void consume(struct esl_framer *framer, struct slice *unread, size_t len) {
  unread->data += len;
  unread->len -= len;
  framer->scanned = framer->needed = 0;
}

static void skip_empty_lines(struct slice *unread) {
  while (unread->len && (unread->data[0] == '\n' || unread->data[0] == '\r')) {
    unread->data++;
    unread->len--;
  }
}

static enum esl_content content_of(struct slice type) {
  static const struct {
    struct slice type;
    enum esl_content content;
  } known[] = {
      {{"auth/request", 12}, CONTENT_AUTH_REQUEST},
      {{"command/reply", 13}, CONTENT_COMMAND_REPLY},
      {{"api/response", 12}, CONTENT_API_RESPONSE},
      {{"text/event-plain", 16}, CONTENT_EVENT_PLAIN},
      {{"text/event-json", 15}, CONTENT_EVENT_JSON},
      {{"text/disconnect-notice", 22}, CONTENT_DISCONNECT},
      {{"text/rude-rejection", 19}, CONTENT_REJECTION},
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (slice_equal(known[i].type, type)) return known[i].content;
  }
  return CONTENT_OTHER;
}

/* The value of a header line, when it has this name. */
static bool value_of(struct slice line, struct slice name, struct slice *value) {
  if (value->data || line.len <= name.len || line.data[name.len] != ':') return false;
  if (memcmp(line.data, name.data, name.len) != 0) return false;
  const char *at = line.data + name.len + 1, *end = line.data + line.len;
  while (at < end && *at == ' ')
    at++;
  *value = (struct slice){at, (size_t)(end - at)};
  return true;
}

/* False when the headers are none, or their length is no length. */
static bool read_headers(struct slice headers, struct esl_frame *frame, uint64_t *body_len) {
  struct slice type = {0}, length = {0};
  *frame = (struct esl_frame){0};
  const char *at = headers.data, *end = headers.data + headers.len;
  while (at < end) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    if (!stop) stop = end;
    struct slice line = {at, (size_t)(stop - at)};
    if (line.len && line.data[line.len - 1] == '\r') line.len--;
    at = stop + 1;
    if (line.len == 0) continue;
    if (!memchr(line.data, ':', line.len)) return false;
    if (value_of(line, SLICE("Content-Type"), &type)) continue;
    if (value_of(line, SLICE("Content-Length"), &length)) continue;
    value_of(line, SLICE("Reply-Text"), &frame->reply);
  }
  int64_t len = length.data ? esl_number(length, -1) : 0;
  if (len < 0 || len > LENGTH_MAX) return false;
  *body_len = (uint64_t)len;
  frame->content = content_of(type);
  return true;
}

/* The rest of a body that nobody wants. */
static bool skip_body(struct esl_framer *framer, struct slice *unread) {
  size_t len = framer->body_len < unread->len ? (size_t)framer->body_len : unread->len;
  consume(framer, unread, len);
  framer->body_len -= len;
  if (framer->body_len > 0) return false;
  framer->skipping = false;
  return true;
}

enum esl_frame_kind esl_frame_next(struct esl_framer *framer, struct slice *unread,
                                   struct esl_frame *frame) {
  if (framer->skipping && !skip_body(framer, unread)) return FRAME_MORE;
  if (framer->scanned == 0 && framer->needed == 0) skip_empty_lines(unread);
  if (unread->len == 0 || unread->len < framer->needed) return FRAME_MORE;
  size_t len = headers_len(*unread, framer->needed ? 0 : framer->scanned);
  if (len > ESL_HEADERS_MAX || (len == 0 && unread->len > ESL_HEADERS_MAX)) return FRAME_BROKEN;
  if (len == 0) {
    /* The last bytes may be the first ones of the empty line. */
    framer->scanned = unread->len < 3 ? 0 : unread->len - 3;
    return FRAME_MORE;
  }
  uint64_t body_len = 0;
  if (!read_headers((struct slice){unread->data, len}, frame, &body_len)) return FRAME_BROKEN;
  bool streams = frame->content == CONTENT_API_RESPONSE;
  bool too_long = !streams && body_len > ESL_BODY_MAX;
  if (!streams && !too_long && unread->len - len < body_len) {
    framer->needed = len + (size_t)body_len;
    return FRAME_MORE;
  }
  framer->frame++;
  frame->body = (struct slice){unread->data + len, (size_t)body_len};
  if (streams || too_long) {
    if (too_long) frame->body = (struct slice){unread->data, len};
    consume(framer, unread, len);
    framer->body_len = body_len;
    framer->skipping = too_long;
    return too_long ? FRAME_TOO_LONG : FRAME_ANSWER;
  }
  consume(framer, unread, len + (size_t)body_len);
  return FRAME_WHOLE;
}
