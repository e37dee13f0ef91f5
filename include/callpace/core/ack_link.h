/* A link by which whoever reads a message acknowledges its alert, without another
 * secret: it is signed, names one alert and the hook it was sent to, and ends. Pure. */
#ifndef CALLPACE_CORE_ACK_LINK_H
#define CALLPACE_CORE_ACK_LINK_H

#include <stdbool.h>

#include "callpace/base/clock.h"
#include "callpace/base/slice.h"
#include "callpace/base/writer.h"

enum { ACK_KEY_BYTES = 32, ACK_SIGN_BYTES = 16 };

struct ack_link {
  struct slice id; /* of the alert */
  struct slice by; /* the hook that it was sent to */
  int64_t until_s; /* seconds since 1970 */
};

/* Appends "BASE/ack?id=…&by=…&until=…&sign=HEX". */
void ack_link_put(struct writer *w, struct slice base, struct slice key,
                  const struct ack_link *link);
/* Whether `sign` (hex) is that of the link, and it has not ended. */
bool ack_link_is_good(const struct ack_link *link, struct slice sign, struct slice key,
                      msec_t now_ms);

#endif
