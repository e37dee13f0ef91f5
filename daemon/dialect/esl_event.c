/* The fields of one event, from either of its forms: lines whose values are
 * URL-encoded, or a JSON object. Only those that callpace needs are looked at. */
#include "esl_internal.h"

#define IS(literal, value)                                                                         \
  if (memcmp(name, literal, sizeof(literal) - 1) == 0) return value

static enum esl_key caller_key(const char *name, size_t len) {
  switch (len) {
  case 23: IS("Caller-Caller-ID-Number", KEY_CALLER_NUMBER); break;
  case 25:
    IS("Caller-Destination-Number", KEY_DESTINATION);
    IS("Caller-Channel-Hold-Accum", KEY_HOLD_ACCUM);
    break;
  case 26: IS("Caller-Channel-Hangup-Time", KEY_HANGUP); break;
  case 27:
    IS("Caller-Channel-Created-Time", KEY_CREATED);
    IS("Caller-Channel-Bridged-Time", KEY_BRIDGED);
    break;
  case 28: IS("Caller-Channel-Answered-Time", KEY_ANSWERED); break;
  default: break;
  }
  return KEY_NONE;
}

static enum esl_key variable_key(const char *name, size_t len) {
  switch (len) {
  case 16: IS("variable_cc_side", KEY_CC_SIDE); break;
  case 17:
    IS("variable_cc_agent", KEY_CC_AGENT);
    IS("variable_cc_queue", KEY_CC_QUEUE);
    break;
  case 18: IS("variable_user_name", KEY_USER_NAME); break;
  case 19: IS("variable_originator", KEY_ORIGINATOR); break;
  case 20: IS("variable_dialed_user", KEY_DIALED_USER); break;
  case 25: IS("variable_sip_gateway_name", KEY_GATEWAY); break;
  case 30: IS("variable_originate_disposition", KEY_DISPOSITION); break;
  case 31: IS("variable_cc_member_session_uuid", KEY_CC_MEMBER); break;
  default: break;
  }
  return KEY_NONE;
}

static enum esl_key short_key(const char *name, size_t len) {
  switch (len) {
  case 8: IS("CC-Agent", KEY_ACTION_AGENT); break;
  case 9:
    IS("Unique-ID", KEY_ID);
    IS("Core-UUID", KEY_CORE);
    IS("CC-Action", KEY_ACTION);
    break;
  case 10:
    IS("Event-Name", KEY_EVENT_NAME);
    IS("Other-Type", KEY_OTHER_TYPE);
    break;
  case 12:
    IS("Channel-Name", KEY_CHANNEL_NAME);
    IS("Hangup-Cause", KEY_HANGUP_CAUSE);
    break;
  case 13: IS("Session-Count", KEY_SESSIONS); break;
  case 14:
    IS("Call-Direction", KEY_DIRECTION);
    IS("Event-Subclass", KEY_EVENT_SUBCLASS);
    break;
  case 15: IS("CC-Agent-Status", KEY_ACTION_STATUS); break;
  case 18:
    IS("Bridge-A-Unique-ID", KEY_BRIDGE_A);
    IS("Bridge-B-Unique-ID", KEY_BRIDGE_B);
    IS("Other-Leg-Username", KEY_OTHER_USERNAME);
    break;
  case 19: IS("Other-Leg-Unique-ID", KEY_OTHER_ID); break;
  case 20: IS("Event-Date-Timestamp", KEY_EVENT_TIME); break;
  default: break;
  }
  return KEY_NONE;
}

static enum esl_key row_key(const char *name, size_t len) {
  switch (len) {
  case 4:
    IS("uuid", KEY_ROW_ID);
    IS("name", KEY_ROW_NAME);
    IS("dest", KEY_ROW_DESTINATION);
    break;
  case 7: IS("cid_num", KEY_ROW_CALLER); break;
  case 9:
    IS("direction", KEY_ROW_DIRECTION);
    IS("callstate", KEY_ROW_CALLSTATE);
    IS("call_uuid", KEY_ROW_CALL);
    break;
  case 11: IS("presence_id", KEY_ROW_PRESENCE); break;
  case 13: IS("created_epoch", KEY_ROW_CREATED); break;
  default: break;
  }
  return KEY_NONE;
}

static enum esl_event_kind kind_of(const struct esl_event *event) {
  const char *name = event->field[KEY_EVENT_NAME].data;
  switch (event->field[KEY_EVENT_NAME].len) {
  case 6:
    IS("CUSTOM", slice_equal(event->field[KEY_EVENT_SUBCLASS], SLICE("callcenter::info"))
                     ? ESL_CALLCENTER
                     : ESL_OTHER);
    break;
  case 9: IS("HEARTBEAT", ESL_HEARTBEAT); break;
  case 12: IS("CHANNEL_HOLD", ESL_HOLD); break;
  case 14:
    IS("CHANNEL_CREATE", ESL_CREATE);
    IS("CHANNEL_BRIDGE", ESL_BRIDGE);
    IS("CHANNEL_UNHOLD", ESL_UNHOLD);
    break;
  case 16: IS("CHANNEL_UNBRIDGE", ESL_UNBRIDGE); break;
  case 23: IS("CHANNEL_HANGUP_COMPLETE", ESL_HANGUP_COMPLETE); break;
  default: break;
  }
  return ESL_OTHER;
}
#undef IS

static enum esl_key key_of(const char *name, size_t len) {
  switch (name[0]) {
  case 'v': return len > 15 ? variable_key(name, len) : KEY_NONE;
  case 'B':
  case 'E':
  case 'H':
  case 'O':
  case 'S':
  case 'U': return short_key(name, len);
  case 'C': return len >= 23 ? caller_key(name, len) : short_key(name, len);
  default: return KEY_NONE;
  }
}

/* --- lines --- */

static int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "1001%40pbx1"; a '%' that begins nothing stands for itself. `out` has room. */
static struct slice url_decode(struct slice text, struct writer *out) {
  if (text.len == 0 || !memchr(text.data, '%', text.len)) return text;
  size_t begin = out->len;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.data[i];
    int high = c == '%' && i + 2 < text.len ? hex(text.data[i + 1]) : -1;
    int low = high >= 0 ? hex(text.data[i + 2]) : -1;
    if (low >= 0) {
      c = (char)(high << 4 | low);
      i += 2;
    }
    out->data[out->len++] = c;
  }
  return (struct slice){out->data + begin, out->len - begin};
}

static void keep_line(const char *line, size_t len, struct writer *decoded,
                      struct esl_event *event) {
  enum { LONGEST_KEY = 31 };
  const char *colon = memchr(line, ':', len < LONGEST_KEY + 1 ? len : LONGEST_KEY + 1);
  if (!colon || colon == line) return;
  enum esl_key key = key_of(line, (size_t)(colon - line));
  if (key == KEY_NONE || event->field[key].data) return;
  const char *value = colon + 1, *end = line + len;
  if (value < end && *value == ' ') value++;
  event->field[key] = url_decode((struct slice){value, (size_t)(end - value)}, decoded);
}

void esl_event_read_plain(struct slice body, struct writer *decoded, struct esl_event *event) {
  *event = (struct esl_event){.kind = ESL_OTHER};
  writer_reset(decoded);
  writer_reserve(decoded, body.len + 1);
  const char *at = body.data, *end = body.data + body.len;
  while (at < end) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    if (!stop) stop = end;
    const char *line_end = stop > at && stop[-1] == '\r' ? stop - 1 : stop;
    if (line_end == at) break; /* the event's own body is of no use */
    keep_line(at, (size_t)(line_end - at), decoded, event);
    at = stop + 1;
  }
  event->kind = kind_of(event);
}

/* --- JSON --- */

struct scan {
  const char *at, *end;
};

static void skip_space(struct scan *s) {
  while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
    s->at++;
}

static bool take(struct scan *s, char c) {
  skip_space(s);
  if (s->at == s->end || *s->at != c) return false;
  s->at++;
  return true;
}

/* A text, its escapes as they are; s->at stands at its quote. */
static bool take_text(struct scan *s, struct slice *text, bool *escaped) {
  if (s->at == s->end || *s->at != '"') return false;
  const char *begin = ++s->at;
  *escaped = false;
  for (;;) {
    const char *quote = memchr(s->at, '"', (size_t)(s->end - s->at));
    if (!quote) return false;
    const char *slash = memchr(s->at, '\\', (size_t)(quote - s->at));
    if (!slash) {
      *text = (struct slice){begin, (size_t)(quote - begin)};
      s->at = quote + 1;
      return true;
    }
    *escaped = true;
    if (s->end - slash < 2) return false;
    s->at = slash + 2;
  }
}

const char *esl_json_object_end(struct slice text) {
  struct scan s = {text.data, text.data + text.len};
  unsigned depth = 0;
  while (s.at < s.end) {
    char c = *s.at;
    if (c == '"') {
      struct slice skipped;
      bool escaped;
      if (!take_text(&s, &skipped, &escaped)) return NULL;
      continue;
    }
    s.at++;
    if (c == '{' || c == '[') depth++;
    if ((c == '}' || c == ']') && --depth == 0) return s.at;
  }
  return NULL;
}

/* A value of any kind; `text` stays empty when it is no text or number. */
static bool take_value(struct scan *s, struct slice *text, bool *escaped) {
  skip_space(s);
  *text = (struct slice){0};
  if (s->at == s->end) return false;
  if (*s->at == '"') return take_text(s, text, escaped);
  if (*s->at == '{' || *s->at == '[') {
    s->at = esl_json_object_end((struct slice){s->at, (size_t)(s->end - s->at)});
    return s->at != NULL;
  }
  const char *begin = s->at;
  while (s->at < s->end && ((*s->at >= '0' && *s->at <= '9') || (*s->at >= 'a' && *s->at <= 'z') ||
                            *s->at == '-' || *s->at == '+' || *s->at == '.' || *s->at == 'E'))
    s->at++;
  *escaped = false;
  *text = (struct slice){begin, (size_t)(s->at - begin)};
  return s->at > begin;
}

static uint32_t code_unit(const char *at, const char *end) {
  uint32_t value = 0;
  if (end - at < 4) return 0xFFFD;
  for (int i = 0; i < 4; i++) {
    int digit = hex(at[i]);
    if (digit < 0) return 0xFFFD;
    value = value << 4 | (uint32_t)digit;
  }
  return value;
}

/* The fields that callpace reads are ids, names and numbers: of \u escapes only
 * the plane where these are is known, the rest becomes '?'. */
static struct slice json_decode(struct slice text, struct writer *out) {
  static const char names[] = "nrtbf", meanings[] = "\n\r\t\b\f";
  size_t begin = out->len;
  const char *end = text.data + text.len;
  for (const char *at = text.data; at < end; at++) {
    char c = *at;
    if (c == '\\' && ++at < end) {
      c = *at;
      const char *name = memchr(names, c, sizeof names - 1);
      if (name) c = meanings[name - names];
      if (*at == 'u') {
        uint32_t unit = code_unit(at + 1, end);
        c = unit < 0x80 ? (char)unit : '?';
        at += end - at > 4 ? 4 : end - at - 1;
      }
    }
    out->data[out->len++] = c;
  }
  return (struct slice){out->data + begin, out->len - begin};
}

static bool take_member(struct scan *s, struct writer *decoded, struct esl_event *event) {
  struct slice name, value;
  bool escaped;
  skip_space(s);
  if (!take_text(s, &name, &escaped) || !take(s, ':')) return false;
  if (!take_value(s, &value, &escaped)) return false;
  enum esl_key key = name.len ? key_of(name.data, name.len) : KEY_NONE;
  if (key == KEY_NONE && name.len) key = row_key(name.data, name.len);
  if (key == KEY_NONE || event->field[key].data || !value.data) return true;
  event->field[key] = escaped ? json_decode(value, decoded) : value;
  return true;
}

bool esl_event_read_json(struct slice body, struct writer *decoded, struct esl_event *event) {
  *event = (struct esl_event){.kind = ESL_OTHER};
  writer_reset(decoded);
  writer_reserve(decoded, body.len + 1);
  struct scan s = {body.data, body.data + body.len};
  if (!take(&s, '{')) return false;
  bool whole = take(&s, '}');
  if (!whole) {
    do
      whole = take_member(&s, decoded, event);
    while (whole && take(&s, ','));
    whole = whole && take(&s, '}');
  }
  event->kind = kind_of(event);
  return whole;
}

/* --- numbers --- */

int64_t esl_number(struct slice text, int64_t otherwise) {
  if (text.len == 0 || text.len > 18) return otherwise;
  int64_t value = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') return otherwise;
    value = value * 10 + (text.data[i] - '0');
  }
  return value;
}

msec_t esl_time(struct slice text) {
  int64_t micros = esl_number(text, 0);
  return micros > 0 ? micros / 1000 : MSEC_NONE;
}
