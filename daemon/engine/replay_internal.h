/* What the files of the replay share; nobody else includes it. */
#ifndef CALLPACE_ENGINE_REPLAY_INTERNAL_H
#define CALLPACE_ENGINE_REPLAY_INTERNAL_H

#include "callpace/base/writer.h"
#include "callpace/engine/history.h"
#include "callpace/engine/replay.h"

/* What one reading came to: rows sorted by agent and period, and alerts raised by
 * type. As bytes, so that a child can hand it over. */
struct side {
  struct writer rows;
  uint64_t alerts[ALERT_TYPES];
};
void side_free(struct side *side);

/* Reads the past: as it was, or with the other rules. */
enum status side_read(const struct replay_options *options, bool others, struct side *out,
                      struct error *error);

/* One row: an agent's figures of one period. */
enum { SIDE_FIELDS_MAX = 32 };
struct side_row {
  struct slice agent;
  struct period period;
  struct replay_value values[SIDE_FIELDS_MAX];
};
/* The figures that are compared in a kind of period, and how many. */
unsigned side_fields(enum period_kind kind, const char *names[SIDE_FIELDS_MAX]);
/* The next row; false at the end. */
bool side_next(struct reader *rows, struct side_row *out);
/* Order of rows. */
int side_compare(const struct side_row *a, const struct side_row *b);

/* The whole of it as bytes and back; false: the bytes are not whole. `rows` of what
 * was loaded borrows from them. */
void side_save(const struct side *side, struct writer *out);
bool side_load(struct slice bytes, struct slice *rows, uint64_t alerts[ALERT_TYPES]);

#endif
