/* Messages in every vendor's format, read back with another JSON library. The
 * signatures were made with Python's hmac. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>

#include "callpace/base/text.h"
#include "callpace/core/chat.h"

static const char met[] = "{\"id\":\"1001/day.met/2026-11-23\"}";

/* What people could put into a name to be more than a name. */
#define HOSTILE                                                                                    \
  "@all <!channel> <at user_id=\\\"all\\\"> **x** [a](http://evil) \\u202e &\\n@\\u6240"

static struct slice alert_json(const char *state, const char *name, size_t padding) {
  static struct writer w;
  writer_reset(&w);
  put_format(&w,
             "{\"id\":\"1001/day.behind/2026-11-23\",\"type\":\"day.behind\","
             "\"severity\":\"warning\",\"state\":\"%s\",\"name\":\"%s\",\"numbers\":{\"text\":1},"
             "\"text\":{\"en\":\"%s is behind",
             state, name, name);
  for (size_t i = 0; i < padding; i++)
    put_text(&w, i % 30 == 29 ? "\\u738b" : "\xe7\x8e\x8b");
  put_format(&w, "\",\"zh\":\"%s落后\"},\"action\":\"Talk.\",\"action_zh\":\"谈谈。\"}", name);
  return writer_slice(&w);
}

static json_t *parsed(struct slice text) {
  json_error_t error;
  json_t *tree = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);
  cr_assert_not_null(tree, "%s: %.*s", error.text, (int)text.len, text.data);
  return tree;
}

static json_t *body_of(enum chat_format format, bool chinese, struct slice json, const char *url) {
  struct chat_options options = {.format = format, .chinese = chinese, .now_ms = 1764000000123};
  struct chat_item item = {json, slice_of(url)};
  struct writer body = {0};
  cr_assert_eq(chat_put_body(&options, &item, 1, &body), 1);
  json_t *tree = parsed(writer_slice(&body));
  writer_free(&body);
  return tree;
}

static const char *text_at(const json_t *tree, const char *path) {
  char step[32];
  while (tree && *path) {
    size_t len = strcspn(path, "/");
    snprintf(step, sizeof step, "%.*s", (int)len, path);
    tree = json_is_array(tree) ? json_array_get(tree, strtoul(step, NULL, 10))
                               : json_object_get(tree, step);
    path += len + (path[len] == '/');
  }
  const char *text = json_string_value(tree);
  return text ? text : "(nothing there)";
}

Test(chat, names_its_formats) {
  enum chat_format format;
  for (unsigned i = 0; i < CHAT_FORMATS; i++) {
    cr_assert(chat_format_parse(slice_of(chat_format_name((enum chat_format)i)), &format));
    cr_assert_eq(format, i);
  }
  cr_assert_not(chat_format_parse(SLICE("irc"), &format));
}

Test(chat, json_is_the_alert_and_signed) {
  struct chat_options options = {
      .format = CHAT_JSON, .secret = SLICE("topsecret"), .now_ms = 1764000000123};
  struct chat_item items[2] = {{slice_of(met), {0}}, {slice_of(met), {0}}};
  struct writer w = {0};
  cr_assert_eq(chat_put_body(&options, items, 2, &w), 1);
  cr_assert_str_eq(writer_text(&w), met);
  writer_reset(&w);
  chat_put_signature(&options, slice_of(met), &w);
  cr_assert_str_eq(
      writer_text(&w),
      "t=1764000000,v1=da962d1faf8b152f8c6d2e9d0f62f2415f006a01c55a1b11cc14e17fe546412a");
  writer_reset(&w);
  options.secret.len = 0;
  chat_put_signature(&options, slice_of(met), &w);
  cr_assert_eq(w.len, 0);
  writer_free(&w);
}

Test(chat, json_tells_where_to_acknowledge) {
  json_t *body = body_of(CHAT_JSON, false, slice_of(met), "https://w/ack?id=<>");
  cr_assert_str_eq(text_at(body, "id"), "1001/day.met/2026-11-23");
  cr_assert_str_eq(text_at(body, "ack_url"), "https://w/ack?id=<>");
  json_decref(body);
}

Test(chat, dingtalk_signs_in_the_url) {
  struct chat_options options = {
      .format = CHAT_DINGTALK, .secret = SLICE("SEC123"), .now_ms = 1764000000123};
  struct writer w = {0};
  chat_put_url(&options, SLICE("https://h/robot/send?access_token=t"), &w);
  cr_assert_str_eq(writer_text(&w),
                   "https://h/robot/send?access_token=t&timestamp=1764000000123&sign="
                   "sfEAKHQ0qfblXYonL25kUu%2Fao2l5ZbijD53Spt2AOm0%3D");
  writer_reset(&w);
  options.secret.len = 0;
  chat_put_url(&options, SLICE("https://h/x"), &w);
  cr_assert_str_eq(writer_text(&w), "https://h/x");
  writer_free(&w);
}

Test(chat, feishu_signs_in_the_body) {
  struct chat_options options = {
      .format = CHAT_FEISHU, .chinese = true, .secret = SLICE("SEC123"), .now_ms = 1764000000123};
  struct chat_item item = {alert_json("raised", "李伟", 0), SLICE("https://wall/ack?t=1")};
  struct writer w = {0};
  chat_put_body(&options, &item, 1, &w);
  json_t *body = parsed(writer_slice(&w));
  cr_assert_str_eq(text_at(body, "timestamp"), "1764000000");
  cr_assert_str_eq(text_at(body, "sign"), "Gi+OL8sdQ1qx3KQLmtSwWrBzaWZPE6wSHn+G04/xyfg=");
  cr_assert_str_eq(text_at(body, "msg_type"), "post");
  cr_assert_str_eq(text_at(body, "content/post/zh_cn/content/0/0/text"), "【警告】李伟落后");
  cr_assert_str_eq(text_at(body, "content/post/zh_cn/content/1/0/text"), "→ 谈谈。");
  cr_assert_str_eq(text_at(body, "content/post/zh_cn/content/2/0/href"), "https://wall/ack?t=1");
  json_decref(body);
  writer_free(&w);
}

Test(chat, says_the_same_everywhere) {
  json_t *body = body_of(CHAT_SLACK, false, alert_json("raised", "Li Wei", 0), "https://w/a?t=1");
  cr_expect_str_eq(text_at(body, "text"), "[Warning] Li Wei is behind\n→ Talk.");
  cr_expect_str_eq(text_at(body, "blocks/0/text/type"), "plain_text");
  cr_expect_str_eq(text_at(body, "blocks/0/text/text"), "[Warning] Li Wei is behind\n→ Talk.");
  cr_expect_str_eq(text_at(body, "blocks/1/elements/0/text"), "<https://w/a?t=1|Acknowledge>");
  json_decref(body);
  body = body_of(CHAT_TEAMS, false, alert_json("resolved", "Li Wei", 0), "https://w/a?t=1");
  cr_expect_str_eq(text_at(body, "type"), "message");
  cr_expect_str_eq(text_at(body, "attachments/0/contentType"),
                   "application/vnd.microsoft.card.adaptive");
  cr_expect_str_eq(text_at(body, "attachments/0/content/type"), "AdaptiveCard");
  cr_expect_str_eq(text_at(body, "attachments/0/content/body/0/style"), "good");
  cr_expect_str_eq(text_at(body, "attachments/0/content/body/0/items/1/inlines/0/text"),
                   "Li Wei is behind");
  cr_expect_str_eq(text_at(body, "attachments/0/content/body/0/items/2/actions/0/url"),
                   "https://w/a?t=1");
  json_decref(body);
  body = body_of(CHAT_WECOM, true, alert_json("raised", "李伟", 0), "");
  cr_expect_str_eq(text_at(body, "msgtype"), "text");
  cr_expect_str_eq(text_at(body, "text/content"), "callpace\n【警告】李伟落后\n→ 谈谈。");
  json_decref(body);
  body = body_of(CHAT_DINGTALK, true, alert_json("raised", "李伟", 0), "https://w/a");
  cr_expect_str_eq(text_at(body, "text/content"),
                   "callpace\n【警告】李伟落后\n→ 谈谈。\n确认收到: https://w/a");
  cr_expect(json_is_false(json_object_get(json_object_get(body, "at"), "isAtAll")));
  json_decref(body);
}

static const char *shown_text(enum chat_format format, const json_t *body) {
  static const char *const paths[CHAT_FORMATS] = {
      [CHAT_SLACK] = "blocks/0/text/text",
      [CHAT_TEAMS] = "attachments/0/content/body/0/items/1/inlines/0/text",
      [CHAT_DINGTALK] = "text/content",
      [CHAT_WECOM] = "text/content",
      [CHAT_FEISHU] = "content/post/en_us/content/0/0/text"};
  return text_at(body, paths[format]);
}

Test(chat, disarms_hostile_names) {
  for (unsigned f = CHAT_SLACK; f < CHAT_FORMATS; f++) {
    enum chat_format format = (enum chat_format)f;
    json_t *body = body_of(format, false, alert_json("raised", HOSTILE, 0), "");
    const char *text = shown_text(format, body);
    cr_expect_null(strchr(text, '<'), "%s", text);
    cr_expect_null(strchr(text, '>'), "%s", text);
    cr_expect_null(strstr(text, "://"), "%s", text);
    cr_expect_null(strstr(text, "\xe2\x80\xae"), "%s", text);
    cr_expect(format == CHAT_SLACK || !strchr(text, '@'), "%s", text);
    if (format == CHAT_SLACK) cr_expect_not_null(strstr(text, "&lt;!channel&gt;"), "%s", text);
    cr_expect_not_null(strstr(text, "is behind"), "the name ends no line: %s", text);
    json_decref(body);
  }
}

/* However long and however many: what is sent is within the vendor's limit, whole
 * UTF-8, and nothing is left out but by the count. */
Test(chat, keeps_to_the_sizes) {
  static const size_t wire_max[CHAT_FORMATS] = {[CHAT_SLACK] = 100000,
                                                [CHAT_TEAMS] = 28000,
                                                [CHAT_DINGTALK] = 20000,
                                                [CHAT_WECOM] = 20000,
                                                [CHAT_FEISHU] = 20000};
  static const size_t paddings[] = {0, 100, 500, 2000, 20000};
  for (unsigned f = CHAT_SLACK; f < CHAT_FORMATS; f++) {
    for (size_t p = 0; p < sizeof paddings / sizeof *paddings; p++) {
      enum chat_format format = (enum chat_format)f;
      struct chat_options options = {.format = format, .secret = SLICE("s"), .now_ms = 1};
      struct chat_item items[50];
      struct slice json = alert_json("raised", HOSTILE, paddings[p]);
      for (size_t i = 0; i < 50; i++)
        items[i] = (struct chat_item){json, SLICE("https://wall.example/ack?token=0123456789")};
      struct writer w = {0};
      size_t taken = chat_put_body(&options, items, 50, &w);
      cr_expect(taken >= 1 && taken <= CHAT_BATCH_MAX);
      cr_expect_leq(w.len, wire_max[format], "%s %zu", chat_format_name(format), w.len);
      cr_expect(text_is_utf8(writer_slice(&w)));
      json_t *body = parsed(writer_slice(&w));
      if (format == CHAT_WECOM) cr_expect_leq(strlen(text_at(body, "text/content")), 2048);
      if (format == CHAT_SLACK) {
        cr_expect_leq(json_array_size(json_object_get(body, "blocks")), 50);
        cr_expect_leq(strlen(shown_text(format, body)), 3000);
      }
      json_decref(body);
      writer_free(&w);
    }
  }
}

static void expect_verdict(enum chat_format format, int status, const char *reply,
                           enum chat_verdict wanted, msec_t wanted_wait, const char *words) {
  struct writer reason = {0};
  msec_t wait = -1;
  cr_expect_eq(chat_judge(format, status, slice_of(reply), 0, &reason, &wait), wanted, "%d %s",
               status, reply);
  cr_expect_eq(wait, wanted_wait, "%s waits %lld", reply, (long long)wait);
  cr_expect_str_eq(writer_text(&reason), words);
  writer_free(&reason);
}

Test(chat, finds_errors_in_good_replies) {
  expect_verdict(CHAT_JSON, 200, "whatever", CHAT_TAKEN, 0, "");
  expect_verdict(CHAT_JSON, 204, "", CHAT_TAKEN, 0, "");
  expect_verdict(CHAT_SLACK, 200, "ok", CHAT_TAKEN, 0, "");
  expect_verdict(CHAT_SLACK, 200, "no_text", CHAT_AGAIN, 0, "answered: no_text");
  expect_verdict(CHAT_TEAMS, 202, "", CHAT_TAKEN, 0, "");
  expect_verdict(CHAT_TEAMS, 200, "1", CHAT_TAKEN, 0, "");
  expect_verdict(CHAT_TEAMS, 200,
                 "Webhook message delivery failed with error: Microsoft Teams endpoint returned "
                 "HTTP error 429 with ContextId x",
                 CHAT_TOO_FAST, 5000,
                 "answered: Webhook message delivery failed with error: Microsoft Teams endpoint "
                 "returned HTTP error 429 with ContextId x");
  expect_verdict(CHAT_DINGTALK, 200, "{\"errcode\":0,\"errmsg\":\"ok\"}", CHAT_TAKEN, 0, "");
  expect_verdict(CHAT_DINGTALK, 200, "{\"errcode\":130101,\"errmsg\":\"send too fast\"}",
                 CHAT_TOO_FAST, 60000, "errcode 130101: send too fast");
  expect_verdict(CHAT_DINGTALK, 200, "{\"errcode\":310000,\"errmsg\":\"sign not match\"}",
                 CHAT_REFUSED, 0, "errcode 310000: sign not match");
  expect_verdict(CHAT_DINGTALK, 200, "{\"errcode\":-1,\"errmsg\":\"busy\"}", CHAT_AGAIN, 0,
                 "errcode -1: busy");
  expect_verdict(CHAT_WECOM, 200, "{\"errcode\":45009,\"errmsg\":\"freq\"}", CHAT_TOO_FAST, 60000,
                 "errcode 45009: freq");
  expect_verdict(CHAT_WECOM, 200, "{\"errcode\":93000,\"errmsg\":\"url\"}", CHAT_REFUSED, 0,
                 "errcode 93000: url");
  expect_verdict(CHAT_WECOM, 200, "<html>", CHAT_AGAIN, 0, "unexpected answer: <html>");
  expect_verdict(CHAT_FEISHU, 200, "{\"StatusCode\":0,\"StatusMessage\":\"success\"}", CHAT_TAKEN,
                 0, "");
  expect_verdict(CHAT_FEISHU, 200, "{\"code\":19021,\"msg\":\"sign match fail\",\"data\":{}}",
                 CHAT_REFUSED, 0, "code 19021: sign match fail");
  expect_verdict(CHAT_FEISHU, 400, "{\"code\":11232,\"msg\":\"limited\"}", CHAT_TOO_FAST, 2000,
                 "HTTP status 400: {\"code\":11232,\"msg\":\"limited\"}");
}

Test(chat, tells_what_may_pass_from_what_will_not) {
  expect_verdict(CHAT_JSON, 302, "", CHAT_REFUSED, 0,
                 "HTTP status 302 (redirects are not followed)");
  expect_verdict(CHAT_JSON, 404, "gone", CHAT_REFUSED, 0, "HTTP status 404: gone");
  expect_verdict(CHAT_SLACK, 403, "invalid_token", CHAT_REFUSED, 0,
                 "HTTP status 403: invalid_token");
  expect_verdict(CHAT_JSON, 408, "", CHAT_AGAIN, 0, "HTTP status 408");
  expect_verdict(CHAT_JSON, 503, "", CHAT_AGAIN, 0, "HTTP status 503");
  expect_verdict(CHAT_JSON, 429, "", CHAT_TOO_FAST, 5000, "HTTP status 429");
  struct writer reason = {0};
  msec_t wait;
  cr_expect_eq(chat_judge(CHAT_SLACK, 429, SLICE("\x1b[2J"), 30000, &reason, &wait), CHAT_TOO_FAST);
  cr_expect_eq(wait, 30000);
  cr_expect_str_eq(writer_text(&reason), "HTTP status 429: ?[2J");
  writer_free(&reason);
}
