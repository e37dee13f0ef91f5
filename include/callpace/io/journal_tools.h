/* What `callpace journal verify|repair|dump` does (CONTRACT section 7). */
#ifndef CALLPACE_IO_JOURNAL_TOOLS_H
#define CALLPACE_IO_JOURNAL_TOOLS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "callpace/base/status.h"
#include "callpace/base/writer.h"

struct journal_verdict {
  uint64_t segments, records, bytes;
  uint64_t first_lsn, last_lsn; /* 0 when empty */
  uint64_t torn_bytes;          /* a tail that the next start will cut */
  bool in_use;                  /* a daemon is writing it */
};

/* Reads everything and changes nothing; may run beside a daemon. `out` gets a
 * line a segment and snapshot for people. STATUS_CONFIG at the first damage. */
enum status journal_verify(const char *state_dir, struct journal_verdict *verdict,
                           struct writer *out, struct error *error);

/* Makes a damaged journal usable again: cuts at the first damage and moves what
 * follows, unreadable or not, into STATE_DIR/journal/damaged-LSN/, with snapshots
 * beyond it. `out` tells what was lost: LSNs and times. Nothing is deleted. Takes
 * the lock: STATUS_UNAVAILABLE while a daemon runs. */
enum status journal_repair(const char *state_dir, struct writer *out, struct error *error);

/* Prints the records with first_lsn <= LSN <= last_lsn (0 = open end) as lines
 * (record_to_lines). */
enum status journal_dump(const char *state_dir, bool all, uint64_t first_lsn, uint64_t last_lsn,
                         FILE *out, struct error *error);

#endif
