/* Alerts as text, and how many of them make one message. */
#include "callpace/core/chat.h"

#include <assert.h>

#include "callpace/base/hmac.h"
#include "callpace/base/json_strings.h"
#include "callpace/base/text.h"
#include "chat_internal.h"

/* Limits as the vendors publish them, with room for what is around the texts.
 * slack: one message a second, 3,000 characters a section, 50 blocks.
 * teams: 28 KB a message, 4 requests a second.
 * dingtalk: 20,000 bytes, 20 messages a minute, else nothing for ten minutes.
 * wecom: 2,048 bytes of text, 20 messages a minute.
 * feishu: 20 KB, 100 messages a minute and 5 a second.
 * A minute of theirs begins when they see the first request, not when we send it. */
enum { MINUTE_MS = 61 * MSEC_PER_SEC, SECOND_MS = 1100 };
static const struct {
  const char *name;
  struct chat_limits limits;
} formats[CHAT_FORMATS] = {
    [CHAT_JSON] = {"json", {1, 0, false, 0, {{0, 0}, {0, 0}}, 5000}},
    [CHAT_SLACK] = {"slack", {20, 24000, false, 2900, {{1, SECOND_MS}, {0, 0}}, 5000}},
    [CHAT_TEAMS] = {"teams", {20, 18000, false, 9000, {{4, SECOND_MS}, {0, 0}}, 5000}},
    [CHAT_DINGTALK] = {"dingtalk", {20, 15000, false, 9000, {{20, MINUTE_MS}, {0, 0}}, 60000}},
    [CHAT_WECOM] = {"wecom", {20, 1950, true, 1500, {{20, MINUTE_MS}, {0, 0}}, 60000}},
    [CHAT_FEISHU] = {"feishu", {20, 15000, false, 9000, {{5, SECOND_MS}, {100, MINUTE_MS}}, 2000}},
};

const char *chat_format_name(enum chat_format format) {
  return formats[format].name;
}

bool chat_format_parse(struct slice name, enum chat_format *out) {
  for (unsigned i = 0; i < CHAT_FORMATS; i++)
    if (slice_equal(name, slice_of(formats[i].name))) {
      *out = (enum chat_format)i;
      return true;
    }
  return false;
}

const struct chat_limits *chat_limits(enum chat_format format) {
  return &formats[format].limits;
}

/* ---- what an alert says ---- */

/* Members of the JSON that a message shows. */
struct facts {
  bool chinese;
  struct writer severity, state, type, text, action;
  int64_t unacknowledged_ms; /* of an escalation */
};

static void copy(struct writer *to, struct slice text) {
  writer_reset(to);
  put_slice(to, text);
}

static void note_text(void *context, struct slice key, struct slice value) {
  struct facts *facts = context;
  if (slice_equal(key, facts->chinese ? SLICE("zh") : SLICE("en"))) copy(&facts->text, value);
}

static int64_t number_of(struct slice text) {
  int64_t value = 0;
  for (size_t i = 0; i < text.len && text.data[i] >= '0' && text.data[i] <= '9' && i < 18; i++)
    value = value * 10 + (text.data[i] - '0');
  return value;
}

static void note_member(void *context, struct slice key, bool is_string, struct slice value) {
  struct facts *facts = context;
  if (slice_equal(key, SLICE("text")) && !is_string) json_each_string(value, note_text, facts);
  if (slice_equal(key, SLICE("unacknowledged_ms"))) facts->unacknowledged_ms = number_of(value);
  if (!is_string) return;
  if (slice_equal(key, SLICE("severity"))) copy(&facts->severity, value);
  if (slice_equal(key, SLICE("state"))) copy(&facts->state, value);
  if (slice_equal(key, SLICE("type"))) copy(&facts->type, value);
  if (slice_equal(key, facts->chinese ? SLICE("action_zh") : SLICE("action")))
    copy(&facts->action, value);
}

static void facts_free(struct facts *facts) {
  writer_free(&facts->severity);
  writer_free(&facts->state);
  writer_free(&facts->type);
  writer_free(&facts->text);
  writer_free(&facts->action);
}

/* ---- harmless text ---- */

/* What would be markup or a mention in this format, in a form that only looks like
 * it; NULL when the character is nothing special. */
static const char *disarmed(enum chat_format format, int32_t point) {
  if (format == CHAT_SLACK) { /* its control characters; names of people need them too */
    if (point == '&') return "&amp;";
    if (point == '<') return "&lt;";
    if (point == '>') return "&gt;";
    return NULL;
  }
  switch (point) {
  case '@': return "\uff20";
  case '<': return "\uff1c";
  case '>': return "\uff1e";
  default: return NULL;
  }
}

/* One line of text from outside. "://" is parted, since every chat makes links of it. */
static void put_harmless(struct writer *w, enum chat_format format, struct slice text,
                         bool keep_lines) {
  for (size_t at = 0; at < text.len;) {
    size_t start = at;
    int32_t point = text_next(text, &at);
    const char *instead = disarmed(format, point);
    bool links = point == ':' && text.len - at >= 2 && memcmp(text.data + at, "//", 2) == 0;
    if (point == '\n' && keep_lines)
      put_char(w, '\n');
    else if (text_is_hostile(point))
      put_char(w, ' ');
    else if (instead)
      put_text(w, instead);
    else
      put_bytes(w, text.data + start, at - start);
    if (links) put_char(w, ' ');
  }
}

/* Cuts to `max` bytes, at the end of a line where one is near, else of a character. */
static void cut(struct writer *w, size_t max) {
  static const char dots[] = "\u2026";
  if (w->len <= max) return;
  size_t len = max - (sizeof dots - 1);
  for (size_t back = len; back > len * 3 / 4; back--)
    if (w->data[back - 1] == '\n') {
      len = back;
      break;
    }
  while (len > 0 && ((unsigned char)w->data[len] & 0xC0) == 0x80)
    len--;
  for (size_t back = len; back > 0 && back + 6 > len; back--) /* no half of an "&amp;" */
    if (w->data[back - 1] == '&') {
      len = back - 1;
      break;
    }
  w->len = len;
  put_text(w, dots);
}

/* ---- bubbles ---- */

static const char *mark_of(const struct facts *f, const char **style) {
  bool resolved = slice_equal(writer_slice(&f->state), SLICE("resolved"));
  struct slice severity = writer_slice(&f->severity);
  *style = "good";
  if (resolved) return f->chinese ? "已恢复" : "Resolved";
  *style = "attention";
  if (slice_equal(severity, SLICE("critical"))) return f->chinese ? "严重" : "Critical";
  *style = "warning";
  if (slice_equal(severity, SLICE("warning"))) return f->chinese ? "警告" : "Warning";
  *style = "default";
  return f->chinese ? "提示" : "Info";
}

static void bubble_make(struct chat_bubble *bubble, const struct chat_options *options,
                        const struct chat_item *item) {
  struct facts facts = {.chinese = options->chinese};
  json_each_member(item->json, note_member, &facts);
  *bubble = (struct chat_bubble){.ack_url = item->ack_url};
  bubble->mark = mark_of(&facts, &bubble->style);
  bool lines = slice_equal(writer_slice(&facts.type), SLICE("digest"));
  put_harmless(&bubble->text, options->format, writer_slice(&facts.text), lines);
  if (facts.unacknowledged_ms > 0)
    put_format(&bubble->text,
               options->chinese ? "\n已 %lld 分钟无人确认。" : "\nNot acknowledged for %lld min.",
               (long long)(facts.unacknowledged_ms / MSEC_PER_MIN));
  if (facts.action.len > 0 && !slice_equal(writer_slice(&facts.state), SLICE("resolved"))) {
    put_text(&bubble->text, "\n\u2192 ");
    put_harmless(&bubble->text, options->format, writer_slice(&facts.action), false);
  }
  cut(&bubble->text, formats[options->format].limits.item_max);
  facts_free(&facts);
}

static size_t bubble_cost(const struct chat_bubble *bubble, bool counts_content) {
  enum { AROUND_CONTENT = 40, AROUND_JSON = 250 };
  if (counts_content) return bubble->text.len + bubble->ack_url.len + AROUND_CONTENT;
  struct writer encoded = {0};
  json_slice(&encoded, writer_slice(&bubble->text));
  size_t len = encoded.len;
  writer_free(&encoded);
  return len + 2 * bubble->ack_url.len + AROUND_JSON;
}

/* The alert, and where it can be acknowledged. */
static void put_json(struct writer *body, const struct chat_item *item) {
  if (item->ack_url.len == 0) {
    put_slice(body, item->json);
    return;
  }
  json_raw(body, (struct slice){item->json.data, item->json.len - 1}); /* open again */
  json_put_string(body, "ack_url", item->ack_url);
  json_close(body, '}');
}

size_t chat_put_body(const struct chat_options *options, const struct chat_item *items,
                     size_t count, struct writer *body) {
  assert(count > 0);
  if (options->format == CHAT_JSON) {
    put_json(body, &items[0]);
    return 1;
  }
  const struct chat_limits *limits = &formats[options->format].limits;
  struct chat_bubble bubbles[CHAT_BATCH_MAX];
  size_t made = 0, used = 0;
  while (made < count && made < limits->batch_max) {
    bubble_make(&bubbles[made], options, &items[made]);
    used += bubble_cost(&bubbles[made], limits->counts_content);
    if (made > 0 && used > limits->text_max) {
      writer_free(&bubbles[made].text);
      break;
    }
    made++;
  }
  chat_put_vendor_body(options, bubbles, made, body);
  for (size_t i = 0; i < made; i++)
    writer_free(&bubbles[i].text);
  return made;
}

const char *chat_ack_word(bool chinese) {
  return chinese ? "确认收到" : "Acknowledge";
}

/* ---- signatures ---- */

void chat_put_url(const struct chat_options *options, struct slice url, struct writer *out) {
  put_slice(out, url);
  if (options->format != CHAT_DINGTALK || options->secret.len == 0) return;
  struct writer text = {0}, sign = {0};
  uint8_t mac[HMAC_BYTES];
  put_format(&text, "%lld\n", (long long)options->now_ms);
  put_slice(&text, options->secret);
  hmac_sha256(options->secret, writer_slice(&text), mac);
  put_base64(&sign, mac, sizeof mac);
  put_char(out, url.len && memchr(url.data, '?', url.len) ? '&' : '?');
  put_format(out, "timestamp=%lld&sign=", (long long)options->now_ms);
  put_percent(out, writer_slice(&sign));
  writer_free(&text);
  writer_free(&sign);
}

void chat_put_signature(const struct chat_options *options, struct slice body, struct writer *out) {
  if (options->format != CHAT_JSON || options->secret.len == 0) return;
  long long seconds = options->now_ms / MSEC_PER_SEC;
  struct writer text = {0};
  uint8_t mac[HMAC_BYTES];
  put_format(&text, "%lld.", seconds);
  put_slice(&text, body);
  hmac_sha256(options->secret, writer_slice(&text), mac);
  put_format(out, "t=%lld,v1=", seconds);
  put_hex(out, mac, sizeof mac);
  writer_free(&text);
}
