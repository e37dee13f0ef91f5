/* Alerts as the messages of those who are told by HTTP: a CRM (json), or a chat
 * system in its own present format, with its signing, its limits and its way to say
 * no. Pure; io/webhook carries it. CONTRACT section 5, "webhook"; the schemes are
 * told in callpace-webhook(7). */
#ifndef CALLPACE_CORE_CHAT_H
#define CALLPACE_CORE_CHAT_H

#include <stdbool.h>
#include <stddef.h>

#include "callpace/base/clock.h"
#include "callpace/base/slice.h"
#include "callpace/base/writer.h"
#include "callpace/core/rate_limit.h"

enum chat_format {
  CHAT_JSON,     /* the alert itself, signed in a header */
  CHAT_SLACK,    /* incoming webhook, Block Kit */
  CHAT_TEAMS,    /* Workflows ("when a Teams webhook request is received"), Adaptive Card */
  CHAT_DINGTALK, /* robot of a group, text */
  CHAT_WECOM,    /* robot of a group, text */
  CHAT_FEISHU,   /* robot of a group, post */
  CHAT_FORMATS
};
const char *chat_format_name(enum chat_format format); /* "slack" */
bool chat_format_parse(struct slice name, enum chat_format *out);

/* What the vendor takes. */
enum { CHAT_RATES = 2, CHAT_BATCH_MAX = 20 };
struct chat_limits {
  unsigned batch_max;  /* alerts in one message */
  size_t text_max;     /* bytes of their texts together: of the content itself (wecom), */
  bool counts_content; /* else as they stand in the JSON */
  size_t item_max;     /* bytes of one alert's text; what is more is cut off */
  struct rate_rule rates[CHAT_RATES];
  msec_t pause_ms; /* after "too many" without a Retry-After */
};
const struct chat_limits *chat_limits(enum chat_format format);

/* One alert: its JSON (CONTRACT section 5), and where it can be acknowledged (empty:
 * nowhere). */
struct chat_item {
  struct slice json, ack_url;
};

/* What a message is made with. */
struct chat_options {
  enum chat_format format;
  bool chinese;        /* else English; json has both */
  struct slice secret; /* of json, dingtalk and feishu; empty: not signed */
  msec_t now_ms;       /* wall clock, for the signature */
};

/* Appends the body of a message with as many of the items as fit in, from the first
 * on; returns how many, at least 1. `count` at least 1. Texts that could be taken for
 * markup, a mention or a link are made harmless. */
size_t chat_put_body(const struct chat_options *options, const struct chat_item *items,
                     size_t count, struct writer *body);

/* Appends the URL to be called: dingtalk's is signed. */
void chat_put_url(const struct chat_options *options, struct slice url, struct writer *out);

/* Appends the value of the header X-Callpace-Signature, "t=SECONDS,v1=HEX", where HEX
 * is HMAC-SHA256 of "SECONDS.BODY"; nothing for other formats or without a secret. */
void chat_put_signature(const struct chat_options *options, struct slice body, struct writer *out);

/* What became of it. */
enum chat_verdict {
  CHAT_TAKEN,
  CHAT_AGAIN,    /* it may go well later */
  CHAT_TOO_FAST, /* the same, and nothing else should be sent before */
  CHAT_REFUSED,  /* it will never be taken */
};
/* Reads a reply; appends to `reason` what is wrong with it. Errors hidden in a good
 * status are found, of vendors that hide them. `wait_ms` gets how long to wait at
 * the least, 0 when nothing is said; `retry_after_ms` is the reply's own, or 0. */
enum chat_verdict chat_judge(enum chat_format format, int http_status, struct slice body,
                             msec_t retry_after_ms, struct writer *reason, msec_t *wait_ms);

#endif
