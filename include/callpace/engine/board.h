/* What the live faces show of today, and what of it changed since when: every
 * viewer gets the whole once and changes after that. */
#ifndef CALLPACE_ENGINE_BOARD_H
#define CALLPACE_ENGINE_BOARD_H

#include "callpace/engine/viewer.h"

struct board;
struct board *board_new(struct engine *engine);
void board_free(struct board *board); /* NULL is fine */

/* Other settings: whoever looks gets the whole again. */
void board_reset(struct board *board);

/* Looks at all figures of today. Only durable ones may stand in the fold now. */
void board_refresh(struct board *board);

/* How far a viewer has seen; all zero: nothing. */
struct board_mark {
  uint64_t epoch, version, alerts_lsn;
};
/* Everything up to the last refresh. */
struct board_mark board_mark_now(const struct board *board);
/* Text of a mark, for `id:` and Last-Event-ID; false for what is none. */
void board_mark_put(struct writer *w, struct board_mark mark);
bool board_mark_parse(struct slice text, struct board_mark *out);
/* The mark is of this board: changes after it are known. */
bool board_knows(const struct board *board, struct board_mark mark);

/* Append one JSON object: the whole, or what changed after a mark (one that the
 * board knows). False: nothing that this viewer sees; nothing was appended. */
void board_put_all(const struct board *board, const struct viewer *viewer, struct writer *w);
bool board_put_changes(const struct board *board, const struct viewer *viewer,
                       struct board_mark since, struct writer *w);

/* The fields of a team, and of how the daemon itself is doing: members of an
 * object that is open. */
void board_put_team(struct writer *w, const struct engine *engine, const struct centre_team *team,
                    day_t day, bool names);
void board_put_system(struct writer *w, const struct engine *engine);

#endif
