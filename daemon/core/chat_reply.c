/* What the replies of the vendors mean. */
#include "callpace/base/json_strings.h"
#include "callpace/base/text.h"
#include "callpace/core/chat.h"

enum { REASON_BODY_MAX = 200, NO_CODE = -1000000 };

/* A code of a vendor's own and what follows from it. Those that stand in no list may
 * pass. */
struct meaning {
  int64_t code;
  enum chat_verdict verdict;
};

static const struct meaning dingtalk_codes[] = {
    {130101, CHAT_TOO_FAST}, /* send too fast, exceed 20 times per minute */
    {410100, CHAT_TOO_FAST}, {90018, CHAT_TOO_FAST}, {90030, CHAT_TOO_FAST},
    {310000, CHAT_REFUSED}, /* keyword, signature, time stamp or address not right */
    {300001, CHAT_REFUSED}, /* token does not exist */
    {300005, CHAT_REFUSED},  {400013, CHAT_REFUSED}, /* the group was dissolved */
    {400101, CHAT_REFUSED},                          /* token does not exist */
    {400102, CHAT_REFUSED},                          /* the robot was stopped */
    {400105, CHAT_REFUSED},                          /* no such kind of message */
    {400106, CHAT_REFUSED},  {40035, CHAT_REFUSED},  {43004, CHAT_REFUSED},
    {460101, CHAT_REFUSED}, /* too long */
    {430101, CHAT_REFUSED}, /* content */
    {430102, CHAT_REFUSED},  {430103, CHAT_REFUSED}, {430104, CHAT_REFUSED},
    {0, CHAT_TAKEN}};

static const struct meaning wecom_codes[] = {
    {45009, CHAT_TOO_FAST},                        /* api freq out of limit */
    {45033, CHAT_TOO_FAST}, {93000, CHAT_REFUSED}, /* invalid webhook url */
    {93008, CHAT_REFUSED},  {93017, CHAT_REFUSED}, {40008, CHAT_REFUSED}, /* kind of message */
    {40058, CHAT_REFUSED},                                                /* parameter */
    {41001, CHAT_REFUSED},  {44004, CHAT_REFUSED},                        /* empty */
    {45002, CHAT_REFUSED},                                                /* too long */
    {0, CHAT_TAKEN}};

static const struct meaning feishu_codes[] = {
    {11232, CHAT_TOO_FAST}, /* frequency limited */
    {11247, CHAT_TOO_FAST},    {230020, CHAT_TOO_FAST},
    {99991400, CHAT_TOO_FAST}, {9499, CHAT_REFUSED}, /* bad request */
    {19001, CHAT_REFUSED},                           /* token invalid */
    {19021, CHAT_REFUSED},                           /* signature or time stamp */
    {19022, CHAT_REFUSED},                           /* address */
    {19024, CHAT_REFUSED},                           /* keyword */
    {19036, CHAT_REFUSED},     {0, CHAT_TAKEN}};

/* Where each vendor puts its code and its words. */
static const struct {
  const char *code, *code_before, *words;
  const struct meaning *meanings;
} vendors[CHAT_FORMATS] = {
    [CHAT_DINGTALK] = {"errcode", NULL, "errmsg", dingtalk_codes},
    [CHAT_WECOM] = {"errcode", NULL, "errmsg", wecom_codes},
    [CHAT_FEISHU] = {"code", "StatusCode", "msg", feishu_codes},
};

struct said {
  enum chat_format format;
  int64_t code;
  struct writer words;
};

static int64_t number_of(struct slice text) {
  int64_t value = 0, sign = 1;
  size_t i = 0;
  if (text.len > 0 && text.data[0] == '-') sign = -1, i = 1;
  if (i == text.len || text.len > 15) return NO_CODE;
  for (; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') return NO_CODE;
    value = value * 10 + (text.data[i] - '0');
  }
  return sign * value;
}

static void note_said(void *context, struct slice key, bool is_string, struct slice value) {
  struct said *said = context;
  (void)is_string;
  if (slice_equal(key, slice_of(vendors[said->format].code))) said->code = number_of(value);
  if (said->code == NO_CODE && vendors[said->format].code_before &&
      slice_equal(key, slice_of(vendors[said->format].code_before)))
    said->code = number_of(value);
  if (slice_equal(key, slice_of(vendors[said->format].words))) put_slice(&said->words, value);
}

/* The start of what came, as one line. */
static void put_excerpt(struct writer *reason, struct slice body) {
  size_t len = body.len < REASON_BODY_MAX ? body.len : REASON_BODY_MAX;
  text_put_terminal(reason, (struct slice){body.data, len}, 0, false);
}

/* A vendor that answers in JSON with a code of its own, whatever the status. */
static enum chat_verdict judge_code(enum chat_format format, struct slice body,
                                    struct writer *reason) {
  struct said said = {.format = format, .code = NO_CODE};
  json_each_member(body, note_said, &said);
  enum chat_verdict verdict = CHAT_AGAIN;
  for (const struct meaning *m = vendors[format].meanings;; m++) {
    if (m->code == said.code) verdict = m->verdict;
    if (m->code == 0) break;
  }
  if (said.code == NO_CODE) {
    put_text(reason, "unexpected answer: ");
    put_excerpt(reason, body);
  } else if (verdict != CHAT_TAKEN) {
    put_format(reason, "%s %lld: ", vendors[format].code, (long long)said.code);
    put_excerpt(reason, writer_slice(&said.words));
  }
  writer_free(&said.words);
  return said.code == NO_CODE ? CHAT_AGAIN : verdict;
}

static bool holds(struct slice body, const char *text) {
  return body.len > 0 && memmem(body.data, body.len, text, strlen(text)) != NULL;
}

/* A good status. Slack says "ok"; old Teams connectors tell of failures in words. */
static enum chat_verdict judge_good(enum chat_format format, struct slice body,
                                    struct writer *reason) {
  if (vendors[format].code) return judge_code(format, body, reason);
  if (format == CHAT_SLACK && slice_equal(body, SLICE("ok"))) return CHAT_TAKEN;
  bool failed = holds(body, "failed with error") || holds(body, "HTTP error");
  if (format == CHAT_SLACK || (format == CHAT_TEAMS && failed)) {
    put_text(reason, "answered: ");
    put_excerpt(reason, body);
    return holds(body, "429") || holds(body, "rate_limited") ? CHAT_TOO_FAST : CHAT_AGAIN;
  }
  return CHAT_TAKEN;
}

static enum chat_verdict judge_bad(enum chat_format format, int status, struct slice body,
                                   struct writer *reason) {
  struct writer words = {0};
  enum chat_verdict own = CHAT_AGAIN;
  if (vendors[format].code) own = judge_code(format, body, &words);
  writer_free(&words);
  put_format(reason, "HTTP status %d", status);
  if (status >= 300 && status < 400) put_text(reason, " (redirects are not followed)");
  if (body.len > 0) {
    put_text(reason, ": ");
    put_excerpt(reason, body);
  }
  if (status == 429 || own == CHAT_TOO_FAST) return CHAT_TOO_FAST;
  return status >= 500 || status == 408 || status == 425 ? CHAT_AGAIN : CHAT_REFUSED;
}

enum chat_verdict chat_judge(enum chat_format format, int http_status, struct slice body,
                             msec_t retry_after_ms, struct writer *reason, msec_t *wait_ms) {
  bool good = http_status >= 200 && http_status < 300;
  enum chat_verdict verdict =
      good ? judge_good(format, body, reason) : judge_bad(format, http_status, body, reason);
  *wait_ms = retry_after_ms;
  if (verdict == CHAT_TOO_FAST && retry_after_ms <= 0) *wait_ms = chat_limits(format)->pause_ms;
  return verdict;
}
