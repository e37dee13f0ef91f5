/* AMI framing and fields. Lines end with CRLF, an empty one ends the message. A
 * peer whose banner ends with a lone LF is read with lone LFs; from all others
 * a lone LF is part of a value, so that no value can end a message. */
#include <time.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "ami_internal.h"

/* The next LF that a CR follows, which every end of a message holds and nothing
 * else in ordinary streams; at `end` or beyond when there is none. memmem would
 * take most of the time that a message costs. */
static const char *find_lf_cr(const char *at, const char *end) {
#ifdef __SSE2__
  const __m128i lf = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r');
  for (; end - at > 16; at += 16) {
    __m128i here = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i after = _mm_loadu_si128((const __m128i *)(const void *)(at + 1));
    int found =
        _mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(here, lf), _mm_cmpeq_epi8(after, cr)));
    if (found) return at + __builtin_ctz((unsigned)found);
  }
#endif
  while (end - at > 1 && !(at[0] == '\n' && at[1] == '\r'))
    at++;
  return end - at > 1 ? at : end;
}

/* CR LF CR LF, or NULL. */
static const char *find_crlf_crlf(const char *begin, const char *from, const char *end) {
  for (const char *at = from; (at = find_lf_cr(at, end)) < end; at++) {
    if (at > begin && at[-1] == '\r' && end - at > 2 && at[2] == '\n') return at - 1;
  }
  return NULL;
}

static const char *find_end(const struct ami_framer *framer, struct slice text, size_t from,
                            size_t *end_len) {
  const char *at = text.data + from, *end = text.data + text.len;
  if (!framer->lone_lf) {
    *end_len = 4;
    return find_crlf_crlf(text.data, at, end);
  }
  while ((at = memchr(at, '\n', (size_t)(end - at)))) {
    size_t left = (size_t)(end - at);
    if (left >= 2 && at[1] == '\n') return *end_len = 2, at;
    if (left >= 3 && at[1] == '\r' && at[2] == '\n') return *end_len = 3, at;
    at++;
  }
  return NULL;
}

static void skip_empty_lines(struct slice *unread) {
  for (;;) {
    size_t len = unread->len;
    size_t drop = len >= 2 && memcmp(unread->data, "\r\n", 2) == 0 ? 2
                  : len >= 1 && unread->data[0] == '\n'            ? 1
                                                                   : 0;
    if (drop == 0) return;
    unread->data += drop;
    unread->len -= drop;
  }
}

static void consume(struct ami_framer *framer, struct slice *unread, size_t len) {
  unread->data += len;
  unread->len -= len;
  framer->scanned = 0;
}

/* The last bytes may be the first ones of the end: they stay unscanned. */
static enum ami_frame wait_for_more(struct ami_framer *framer, struct slice *unread,
                                    struct slice *message) {
  size_t kept = unread->len < 3 ? unread->len : 3;
  if (framer->skipping) {
    consume(framer, unread, unread->len - kept);
    return FRAME_MORE;
  }
  framer->scanned = unread->len - kept;
  if (unread->len <= AMI_MESSAGE_MAX) return FRAME_MORE;
  *message = *unread;
  framer->message++;
  framer->skipping = true;
  consume(framer, unread, unread->len - kept);
  return FRAME_TOO_LONG;
}

enum ami_frame ami_frame_next(struct ami_framer *framer, struct slice *unread,
                              struct slice *message) {
  for (;;) {
    if (framer->scanned == 0 && !framer->skipping) skip_empty_lines(unread);
    size_t end_len = 0;
    const char *end = unread->len ? find_end(framer, *unread, framer->scanned, &end_len) : NULL;
    if (!end) return wait_for_more(framer, unread, message);
    struct slice whole = {unread->data, (size_t)(end - unread->data)};
    consume(framer, unread, whole.len + end_len);
    if (framer->skipping) {
      framer->skipping = false;
      continue;
    }
    framer->message++;
    *message = whole;
    return whole.len > AMI_MESSAGE_MAX ? FRAME_TOO_LONG : FRAME_WHOLE;
  }
}

#define IS(literal, value)                                                                         \
  if (memcmp(name, literal, sizeof(literal) - 1) == 0) return value

/* Events by the length of their name. */
static enum ami_event event_by_name(const char *name, size_t len) {
  switch (len) {
  case 4: IS("Hold", AMI_HOLD); break;
  case 6:
    IS("Hangup", AMI_HANGUP);
    IS("Unhold", AMI_UNHOLD);
    IS("Status", AMI_LISTED);
    IS("Rename", AMI_RENAME);
    break;
  case 7: IS("DialEnd", AMI_DIAL_END); break;
  case 9: IS("DialBegin", AMI_DIAL_BEGIN); break;
  case 10: IS("Newchannel", AMI_NEWCHANNEL); break;
  case 11:
    IS("BridgeEnter", AMI_BRIDGE_ENTER);
    IS("BridgeLeave", AMI_BRIDGE_LEAVE);
    IS("FullyBooted", AMI_FULLY_BOOTED);
    break;
  case 14: IS("StatusComplete", AMI_LIST_COMPLETE); break;
  case 15:
    IS("QueueCallerJoin", AMI_QUEUE_JOIN);
    IS("CoreShowChannel", AMI_LISTED);
    break;
  case 16: IS("QueueCallerLeave", AMI_QUEUE_LEAVE); break;
  case 24: IS("CoreShowChannelsComplete", AMI_LIST_COMPLETE); break;
  default: break;
  }
  return AMI_OTHER;
}

enum ami_event ami_event_of(struct slice message) {
  enum { LONGEST = 32, PREFIX = 7 };
  if (message.len > 10 && memcmp(message.data, "Response: ", 10) == 0) return AMI_RESPONSE;
  if (message.len <= PREFIX || memcmp(message.data, "Event: ", PREFIX) != 0) return AMI_OTHER;
  const char *name = message.data + PREFIX;
  size_t most = message.len - PREFIX, len = 0;
  if (most > LONGEST) most = LONGEST;
  while (len < most && name[len] != '\r' && name[len] != '\n')
    len++;
  return event_by_name(name, len);
}

static enum ami_key key_by_name(const char *name, size_t len) {
  switch (len) {
  case 5:
    IS("Exten", KEY_EXTEN);
    IS("Cause", KEY_CAUSE);
    IS("Queue", KEY_QUEUE);
    break;
  case 6: IS("Uptime", KEY_UPTIME); break;
  case 7:
    IS("Channel", KEY_CHANNEL);
    IS("Newname", KEY_NEWNAME);
    IS("Message", KEY_MESSAGE);
    IS("Seconds", KEY_SECONDS);
    break;
  case 8:
    IS("Uniqueid", KEY_UNIQUEID);
    IS("Linkedid", KEY_LINKEDID);
    IS("Variable", KEY_VARIABLE);
    IS("BridgeID", KEY_BRIDGE);
    IS("BridgeId", KEY_BRIDGE);
    IS("ActionID", KEY_ACTION_ID);
    IS("Response", KEY_RESPONSE);
    break;
  case 9: IS("Timestamp", KEY_TIMESTAMP); break;
  case 10:
    IS("DialString", KEY_DIAL_STRING);
    IS("DialStatus", KEY_DIAL_STATUS);
    break;
  case 11:
    IS("DestChannel", KEY_DEST_CHANNEL);
    IS("CallerIDNum", KEY_CALLER_NUMBER);
    break;
  case 12:
    IS("DestUniqueid", KEY_DEST_UNIQUEID);
    IS("DestLinkedid", KEY_DEST_LINKEDID);
    IS("ChannelState", KEY_CHANNEL_STATE);
    break;
  case 14: IS("BridgeUniqueid", KEY_BRIDGE); break;
  case 16: IS("BridgeTechnology", KEY_BRIDGE_TECHNOLOGY); break;
  default: break;
  }
  return KEY_NONE;
}
#undef IS

static void keep_variable(struct ami_message *out, struct slice value) {
  static const struct {
    struct slice name;
    enum ami_key key;
  } known[] = {{{"CDR(start)=", 11}, KEY_CDR_START}, {{"CDR(answer)=", 12}, KEY_CDR_ANSWER}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    size_t len = known[i].name.len;
    if (value.len < len || memcmp(value.data, known[i].name.data, len) != 0) continue;
    out->field[known[i].key] = (struct slice){value.data + len, value.len - len};
  }
}

static void keep_line(struct ami_message *out, const char *line, size_t len) {
  enum { LONGEST_KEY = 16 };
  size_t most = len < LONGEST_KEY + 1 ? len : LONGEST_KEY + 1;
  const char *colon = memchr(line, ':', most);
  if (!colon) return;
  enum ami_key key = key_by_name(line, (size_t)(colon - line));
  if (key == KEY_NONE) return;
  const char *value = colon + 1, *end = line + len;
  if (value < end && *value == ' ') value++;
  struct slice text = {value, (size_t)(end - value)};
  if (key == KEY_VARIABLE) keep_variable(out, text);
  if (!out->field[key].data) out->field[key] = text;
}

bool ami_message_read(const struct ami_framer *framer, struct slice text, enum ami_event event,
                      struct ami_message *out) {
  *out = (struct ami_message){.event = event};
  const char *at = text.data, *end = text.data + text.len;
  while (at < end) {
    const char *stop = at;
    do
      stop = memchr(stop, '\n', (size_t)(end - stop));
    while (stop && !framer->lone_lf && stop[-1] != '\r' && ++stop < end);
    const char *next = stop && stop < end ? stop + 1 : end;
    const char *line_end = stop && stop < end ? stop : end;
    if (line_end > at && line_end[-1] == '\r') line_end--;
    if (line_end - at > AMI_LINE_MAX) return false;
    keep_line(out, at, (size_t)(line_end - at));
    at = next;
  }
  return true;
}

bool ami_message_has_line(struct slice text, struct slice name) {
  const char *at = text.data, *end = text.data + text.len;
  while (at && (size_t)(end - at) > name.len) {
    if (memcmp(at, name.data, name.len) == 0 && at[name.len] == ':') return true;
    at = memchr(at, '\n', (size_t)(end - at));
    if (at) at++;
  }
  return false;
}

int64_t ami_number(struct slice text, int64_t otherwise) {
  if (text.len == 0 || text.len > 18) return otherwise;
  int64_t value = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') return otherwise;
    value = value * 10 + (text.data[i] - '0');
  }
  return value;
}

msec_t ami_timestamp(struct slice text) {
  const char *point = text.len ? memchr(text.data, '.', text.len) : NULL;
  if (!point) return MSEC_NONE;
  struct slice seconds = {text.data, (size_t)(point - text.data)};
  struct slice micros = {point + 1, text.len - seconds.len - 1};
  if (seconds.len > 11 || micros.len != 6) return MSEC_NONE;
  int64_t whole = ami_number(seconds, -1), part = ami_number(micros, -1);
  return whole < 0 || part < 0 ? MSEC_NONE : whole * MSEC_PER_SEC + part / 1000;
}

static bool read_cdr_time(struct slice text, time_t *out) {
  char copy[32];
  if (text.len == 0 || text.len >= sizeof copy) return false;
  memcpy(copy, text.data, text.len);
  copy[text.len] = '\0';
  struct tm tm = {0};
  const char *end = strptime(copy, "%Y-%m-%d %H:%M:%S", &tm);
  if (!end || *end) return false;
  *out = timegm(&tm);
  return true;
}

msec_t ami_cdr_wait(const struct ami_message *message) {
  time_t start, answer;
  if (!read_cdr_time(message->field[KEY_CDR_START], &start)) return MSEC_NONE;
  if (!read_cdr_time(message->field[KEY_CDR_ANSWER], &answer) || answer < start) return MSEC_NONE;
  return ((msec_t)answer - (msec_t)start) * MSEC_PER_SEC;
}
