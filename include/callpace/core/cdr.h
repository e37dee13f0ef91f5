/* The switch's own call detail records, as calls of agents: what there is to compare
 * the counters with. Pure. Asterisk: Master.csv of cdr_csv. FreeSWITCH: mod_cdr_csv,
 * with a line of column names, or by the templates "example" and "asterisk".
 *
 * They are no truth to count from (SWITCHES, "Do not count from CDRs"): one call makes
 * several, transfers and forks look like calls of their own, and talk runs up to the
 * hangup. What differs is shown with the calls behind it, for people to judge. */
#ifndef CALLPACE_CORE_CDR_H
#define CALLPACE_CORE_CDR_H

#include "callpace/base/mem.h"
#include "callpace/core/roster.h"

enum cdr_format { CDR_NO_FORMAT, CDR_ASTERISK, CDR_FREESWITCH };
enum cdr_format cdr_format_parse(struct slice name); /* "asterisk", "freeswitch" */

/* A call of an agent with a customer. Texts are the list's. */
struct cdr_call {
  const char *id;      /* of the agent's own leg; "" where the record does not tell */
  const char *agent;   /* roster id */
  struct slice number; /* the customer; empty: not told */
  msec_t start_ms;
  bool inbound, answered;
  msec_t talk_ms;
};

struct cdr_list {
  struct arena arena;
  struct cdr_call *calls;
  size_t count, capacity;
  unsigned long rows, foreign; /* rows read; of which nobody's on the roster */
  bool local_times;            /* wall clock times, read as those of the zone: may be another's */
};
void cdr_list_free(struct cdr_list *list);

/* Reads records that start in [from_ms, to_ms). STATUS_CONFIG: this is no such file. */
enum status cdr_read(struct slice text, enum cdr_format format, const struct roster *roster,
                     const struct zone *zone, msec_t from_ms, msec_t to_ms, struct cdr_list *out,
                     struct error *error);

#endif
