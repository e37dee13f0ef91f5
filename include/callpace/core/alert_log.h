/* The alerts told last, and which hooks still have to be served: what the Redis
 * stream and the outbox are rebuilt from. Part of the fold. CONTRACT section 5. */
#ifndef CALLPACE_CORE_ALERT_LOG_H
#define CALLPACE_CORE_ALERT_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/base/clock.h"
#include "callpace/base/slice.h"
#include "callpace/base/table.h"
#include "callpace/base/writer.h"

/* Kept at the least; entries that wait for a hook are kept beyond it. */
enum { ALERT_LOG_MAX = 10000 };

struct alert_entry {
  struct alert_entry *newer, *older;
  struct alert_entry *newer_same, *older_same; /* of the same id */
  uint64_t lsn;
  msec_t at_ms;
  bool raised; /* else resolved */
  char *id;
  char *json;  /* CONTRACT section 5 */
  char *hooks; /* names that wait for it, each followed by ',' */
};

/* Zero-initialise. */
struct alert_log {
  struct alert_entry *oldest, *newest;
  size_t count;
  size_t settled;     /* entries that wait for nobody */
  struct table by_id; /* id -> its oldest entry */
};
void alert_log_free(struct alert_log *log); /* its content */

/* Adds; texts are copied. `hooks`: names to serve, each followed by ','. */
struct alert_entry *alert_log_add(struct alert_log *log, uint64_t lsn, bool raised, msec_t at_ms,
                                  struct slice id, struct slice json, struct slice hooks);
/* One hook is done with the oldest entry of this id and state that waits for it. */
void alert_log_delivered(struct alert_log *log, struct slice id, bool raised, struct slice hook);
/* The oldest entry above this LSN, or NULL; in the time that it takes to pass those. */
struct alert_entry *alert_log_after(const struct alert_log *log, uint64_t lsn);
/* Whether an entry waits for the hook. */
bool alert_entry_waits(const struct alert_entry *entry, struct slice hook);

/* For snapshots. Loading into an empty one; nonsense sets the reader's `failed`. */
void alert_log_save(const struct alert_log *log, struct writer *w);
void alert_log_load(struct alert_log *log, struct reader *r);

#endif
