/* One message for what was too much for a team lead's budget, ranked by what can
 * still be recovered. Pure. CONTRACT section 5, `budget`. */
#ifndef CALLPACE_CORE_ALERT_DIGEST_H
#define CALLPACE_CORE_ALERT_DIGEST_H

#include <stddef.h>

#include "callpace/base/writer.h"
#include "callpace/core/alert_log.h"
#include "callpace/core/period.h"

/* In the order in which they are told. */
enum digest_chance {
  DIGEST_RECOVERABLE, /* somebody can still do something about it today */
  DIGEST_LOST,        /* open, and too late for today */
  DIGEST_INFO,        /* a fact, or over already */
  DIGEST_CHANCES
};

struct digest_item {
  const struct alert_entry *entry; /* the newest of its id */
  enum digest_chance chance;
  msec_t slack_ms; /* productive time to spare: the least first; MSEC_MAX: not known */
};

struct digest {
  struct slice hook, lead;
  msec_t at_ms;
  day_t period;
  struct digest_item *items; /* digest_rank puts them in order */
  size_t count;
};

/* By chance, then by slack, then in the order of coming. */
void digest_rank(struct digest *digest);

/* Appends "HOOK:LEAD/digest/TIME". */
void digest_put_id(struct writer *w, const struct digest *digest);
/* Appends the JSON of CONTRACT section 5, of type "digest", with `alerts`: id, type,
 * severity, state, agent and name of each, with chance and slack_ms. */
void digest_put_json(struct writer *w, const struct digest *digest);

#endif
