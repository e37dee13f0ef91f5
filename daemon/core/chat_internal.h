/* What the files of core/chat share; nobody else includes it. */
#ifndef CALLPACE_CORE_CHAT_INTERNAL_H
#define CALLPACE_CORE_CHAT_INTERNAL_H

#include "callpace/core/chat.h"

/* One alert, ready to be set in any format. */
struct chat_bubble {
  const char *mark;   /* "Critical"; static */
  const char *style;  /* of an Adaptive Card's container; static */
  struct writer text; /* harmless in its format; lines end with '\n', the last without */
  struct slice ack_url;
};

/* What links to an acknowledgement are called. */
const char *chat_ack_word(bool chinese);

/* Appends the body of a vendor's message. */
void chat_put_vendor_body(const struct chat_options *options, const struct chat_bubble *bubbles,
                          size_t count, struct writer *body);

#endif
