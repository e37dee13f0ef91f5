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
  uint64_t touched_lsn; /* of what befell it later, 0: nothing; not kept in snapshots */
  msec_t at_ms;
  bool raised; /* else resolved */
  bool notice; /* for the hooks alone: an escalation or a digest, no alert of its own */
  char *id;
  char *json;  /* CONTRACT section 5 */
  char *lead;  /* of the team; "" where none */
  char *hooks; /* names that wait for it, as in the record, each followed by ',' */
};

/* Zero-initialise. */
struct alert_log {
  struct alert_entry *oldest, *newest;
  uint64_t touched_lsn; /* the newest of its entries */
  size_t count;
  size_t settled;     /* entries that wait for nobody */
  size_t for_digests; /* names with a '~' among those that wait */
  struct table by_id; /* id -> its oldest entry */
};
void alert_log_free(struct alert_log *log); /* its content */

/* Adds; texts are copied. */
struct alert_said {
  uint64_t lsn;
  bool raised, notice;
  msec_t at_ms;
  struct slice id, json, lead, hooks;
};
struct alert_entry *alert_log_add(struct alert_log *log, const struct alert_said *said);
/* One hook is done with the oldest entry of this id and state that waits for it. */
void alert_log_delivered(struct alert_log *log, struct slice id, bool raised, struct slice hook);
/* A digest for this hook ("chat") and team lead was made: what waited for it (as
 * "~chat") up to this LSN is in it. Calls `each` for every such entry. */
void alert_log_digested(struct alert_log *log, struct slice hook, struct slice lead, uint64_t lsn,
                        void (*each)(void *context, const struct alert_entry *entry),
                        void *context);
/* Whether an entry of this id waits for a digest of this hook. */
bool alert_log_digests(const struct alert_log *log, struct slice id, struct slice hook);
/* The newest raising of an alert, or NULL when it is not kept. */
const struct alert_entry *alert_log_raised(const struct alert_log *log, struct slice id);
/* Something befell the newest raising of this alert (it was acknowledged): whoever shows
 * alerts has to show it again. */
void alert_log_touch(struct alert_log *log, struct slice id, uint64_t lsn);
/* The oldest entry above this LSN, or NULL; in the time that it takes to pass those. */
struct alert_entry *alert_log_after(const struct alert_log *log, uint64_t lsn);
/* Whether an entry waits for the hook. */
bool alert_entry_waits(const struct alert_entry *entry, struct slice hook);

/* For snapshots. Loading into an empty one; nonsense sets the reader's `failed`. */
void alert_log_save(const struct alert_log *log, struct writer *w);
void alert_log_load(struct alert_log *log, struct reader *r);

#endif
