/* The body of a message in each vendor's format. Texts are set where no markup is
 * read; only our own links and titles are more than plain text. */
#include "callpace/base/hmac.h"
#include "chat_internal.h"

/* Calls `put` for every line of a text. */
static void each_line(struct slice text, void (*put)(struct writer *, struct slice),
                      struct writer *w) {
  for (size_t at = 0; at <= text.len;) {
    const char *end = at < text.len ? memchr(text.data + at, '\n', text.len - at) : NULL;
    size_t len = end ? (size_t)(end - text.data) - at : text.len - at;
    if (len > 0) put(w, (struct slice){text.data + at, len});
    at += len + 1;
  }
}

/* ---- dingtalk, wecom: one plain text ---- */

static void put_plain(const struct chat_options *options, const struct chat_bubble *bubbles,
                      size_t count, struct writer *w) {
  put_text(w, "callpace"); /* a keyword that robots can be told to ask for */
  for (size_t i = 0; i < count; i++) {
    put_format(w, options->chinese ? "\n【%s】" : "\n[%s] ", bubbles[i].mark);
    put_slice(w, writer_slice(&bubbles[i].text));
    if (bubbles[i].ack_url.len == 0) continue;
    put_format(w, "\n%s: ", chat_ack_word(options->chinese));
    put_slice(w, bubbles[i].ack_url);
  }
}

static void put_content(const struct chat_options *options, const struct chat_bubble *bubbles,
                        size_t count, struct writer *body) {
  struct writer text = {0};
  put_plain(options, bubbles, count, &text);
  json_put_text(body, "msgtype", "text");
  json_key(body, "text");
  json_open(body, '{');
  json_put_string(body, "content", writer_slice(&text));
  json_close(body, '}');
  writer_free(&text);
}

static void put_dingtalk(const struct chat_options *options, const struct chat_bubble *bubbles,
                         size_t count, struct writer *body) {
  put_content(options, bubbles, count, body);
  json_key(body, "at");
  json_raw(body, SLICE("{\"isAtAll\":false}"));
}

/* ---- feishu: a post of lines ---- */

static void put_feishu_text(struct writer *body, struct slice line) {
  json_open(body, '[');
  json_open(body, '{');
  json_put_text(body, "tag", "text");
  json_put_string(body, "text", line);
  json_close(body, '}');
  json_close(body, ']');
}

static void put_feishu_link(struct writer *body, const char *word, struct slice url) {
  json_open(body, '[');
  json_open(body, '{');
  json_put_text(body, "tag", "a");
  json_put_text(body, "text", word);
  json_put_string(body, "href", url);
  json_close(body, '}');
  json_close(body, ']');
}

/* The key is the text that others sign, and what is signed is nothing. */
static void put_feishu_signature(const struct chat_options *options, struct writer *body) {
  if (options->secret.len == 0) return;
  struct writer key = {0}, sign = {0};
  uint8_t mac[HMAC_BYTES];
  put_format(&key, "%lld", (long long)(options->now_ms / MSEC_PER_SEC));
  json_put_string(body, "timestamp", writer_slice(&key));
  put_char(&key, '\n');
  put_slice(&key, options->secret);
  hmac_sha256(writer_slice(&key), SLICE(""), mac);
  put_base64(&sign, mac, sizeof mac);
  json_put_string(body, "sign", writer_slice(&sign));
  writer_free(&key);
  writer_free(&sign);
}

static void put_feishu(const struct chat_options *options, const struct chat_bubble *bubbles,
                       size_t count, struct writer *body) {
  put_feishu_signature(options, body);
  json_put_text(body, "msg_type", "post");
  json_key(body, "content");
  json_open(body, '{');
  json_key(body, "post");
  json_open(body, '{');
  json_key(body, options->chinese ? "zh_cn" : "en_us");
  json_open(body, '{');
  json_put_text(body, "title", "callpace");
  json_key(body, "content");
  json_open(body, '[');
  for (size_t i = 0; i < count; i++) {
    struct writer text = {0};
    put_format(&text, options->chinese ? "【%s】" : "[%s] ", bubbles[i].mark);
    put_slice(&text, writer_slice(&bubbles[i].text));
    each_line(writer_slice(&text), put_feishu_text, body);
    writer_free(&text);
    if (bubbles[i].ack_url.len > 0)
      put_feishu_link(body, chat_ack_word(options->chinese), bubbles[i].ack_url);
  }
  json_close(body, ']');
  for (int i = 0; i < 3; i++)
    json_close(body, '}');
}

/* ---- slack: sections of plain text ---- */

static void put_slack_text(struct writer *body, const char *kind, struct slice text) {
  json_open(body, '{');
  json_put_text(body, "type", kind);
  json_put_string(body, "text", text);
  if (strcmp(kind, "plain_text") == 0) json_put_bool(body, "emoji", false);
  json_close(body, '}');
}

static void put_slack_bubble(const struct chat_options *options, const struct chat_bubble *bubble,
                             struct writer *body) {
  struct writer text = {0};
  put_format(&text, options->chinese ? "【%s】" : "[%s] ", bubble->mark);
  put_slice(&text, writer_slice(&bubble->text));
  json_open(body, '{');
  json_put_text(body, "type", "section");
  json_key(body, "text");
  put_slack_text(body, "plain_text", writer_slice(&text));
  json_close(body, '}');
  if (bubble->ack_url.len > 0) {
    writer_reset(&text);
    put_char(&text, '<');
    put_slice(&text, bubble->ack_url);
    put_format(&text, "|%s>", chat_ack_word(options->chinese));
    json_open(body, '{');
    json_put_text(body, "type", "context");
    json_key(body, "elements");
    json_open(body, '[');
    put_slack_text(body, "mrkdwn", writer_slice(&text));
    json_close(body, ']');
    json_close(body, '}');
  }
  writer_free(&text);
}

/* `text` is what a notification on a phone shows. */
static void put_slack(const struct chat_options *options, const struct chat_bubble *bubbles,
                      size_t count, struct writer *body) {
  struct writer text = {0};
  put_format(&text, options->chinese ? "【%s】" : "[%s] ", bubbles[0].mark);
  put_slice(&text, writer_slice(&bubbles[0].text));
  if (count > 1) put_format(&text, " (+%zu)", count - 1);
  json_put_string(body, "text", writer_slice(&text));
  writer_free(&text);
  json_put_bool(body, "mrkdwn", false);
  json_put_bool(body, "unfurl_links", false);
  json_key(body, "blocks");
  json_open(body, '[');
  for (size_t i = 0; i < count; i++)
    put_slack_bubble(options, &bubbles[i], body);
  json_close(body, ']');
}

/* ---- teams: an Adaptive Card, whose text runs read no markdown ---- */

static void put_run(struct writer *body, struct slice text, bool bold) {
  json_open(body, '{');
  json_put_text(body, "type", "TextRun");
  json_put_string(body, "text", text);
  if (bold) json_put_text(body, "weight", "Bolder");
  json_close(body, '}');
}

static void put_teams_line(struct writer *body, struct slice line) {
  json_open(body, '{');
  json_put_text(body, "type", "RichTextBlock");
  json_key(body, "inlines");
  json_open(body, '[');
  put_run(body, line, false);
  json_close(body, ']');
  json_close(body, '}');
}

static void put_teams_ack(const struct chat_options *options, const struct chat_bubble *bubble,
                          struct writer *body) {
  json_open(body, '{');
  json_put_text(body, "type", "ActionSet");
  json_key(body, "actions");
  json_open(body, '[');
  json_open(body, '{');
  json_put_text(body, "type", "Action.OpenUrl");
  json_put_text(body, "title", chat_ack_word(options->chinese));
  json_put_string(body, "url", bubble->ack_url);
  json_close(body, '}');
  json_close(body, ']');
  json_close(body, '}');
}

static void put_teams_bubble(const struct chat_options *options, const struct chat_bubble *bubble,
                             struct writer *body) {
  json_open(body, '{');
  json_put_text(body, "type", "Container");
  json_put_text(body, "style", bubble->style);
  json_put_bool(body, "separator", true);
  json_key(body, "items");
  json_open(body, '[');
  json_open(body, '{');
  json_put_text(body, "type", "RichTextBlock");
  json_key(body, "inlines");
  json_open(body, '[');
  put_run(body, slice_of(bubble->mark), true);
  json_close(body, ']');
  json_close(body, '}');
  each_line(writer_slice(&bubble->text), put_teams_line, body);
  if (bubble->ack_url.len > 0) put_teams_ack(options, bubble, body);
  json_close(body, ']');
  json_close(body, '}');
}

static void put_teams(const struct chat_options *options, const struct chat_bubble *bubbles,
                      size_t count, struct writer *body) {
  json_put_text(body, "type", "message");
  json_key(body, "attachments");
  json_open(body, '[');
  json_open(body, '{');
  json_put_text(body, "contentType", "application/vnd.microsoft.card.adaptive");
  json_key(body, "contentUrl");
  json_nil(body);
  json_key(body, "content");
  json_open(body, '{');
  json_put_text(body, "$schema", "http://adaptivecards.io/schemas/adaptive-card.json");
  json_put_text(body, "type", "AdaptiveCard");
  json_put_text(body, "version", "1.4");
  json_key(body, "msteams");
  json_raw(body, SLICE("{\"width\":\"Full\"}"));
  json_key(body, "body");
  json_open(body, '[');
  for (size_t i = 0; i < count; i++)
    put_teams_bubble(options, &bubbles[i], body);
  json_close(body, ']');
  json_close(body, '}');
  json_close(body, '}');
  json_close(body, ']');
}

void chat_put_vendor_body(const struct chat_options *options, const struct chat_bubble *bubbles,
                          size_t count, struct writer *body) {
  json_open(body, '{');
  switch (options->format) {
  case CHAT_SLACK: put_slack(options, bubbles, count, body); break;
  case CHAT_TEAMS: put_teams(options, bubbles, count, body); break;
  case CHAT_DINGTALK: put_dingtalk(options, bubbles, count, body); break;
  case CHAT_WECOM: put_content(options, bubbles, count, body); break;
  case CHAT_FEISHU: put_feishu(options, bubbles, count, body); break;
  default: break;
  }
  json_close(body, '}');
}
