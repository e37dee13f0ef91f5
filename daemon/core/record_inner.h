/* What the writing and the reading side of records share. */
#ifndef CALLPACE_CORE_RECORD_INNER_H
#define CALLPACE_CORE_RECORD_INNER_H

#include "callpace/core/record.h"

/* First byte: the type, and whether the clock's change follows. */
enum { TYPE_MASK = 0x3f, CLOCK_MOVED = 0x80 };

/* The 32 bits in front of an event: its small values, and what is present. */
enum {
  SHAPE_TYPE_BITS = 5,
  SHAPE_DIR_AT = 5,
  SHAPE_OUTCOME_AT = 7,
  SHAPE_STATE_AT = 10,
  SHAPE_START_IS_ANSWER = 1 << 13,
  SHAPE_TALK = 1 << 14,
  SHAPE_SEQ = 1 << 15,
  SHAPE_SPAN = 1 << 16,
  SHAPE_POINTS = 1 << 17,
  SHAPE_TEXTS_AT = 18,
  SHAPE_TEXTS = 12,
};
_Static_assert(EVENT_TYPES <= 1 << SHAPE_TYPE_BITS, "an event type fits its bits");

/* Where the texts of an event stand in it, in the order of their bits. */
extern const size_t record_event_texts[SHAPE_TEXTS];

/* The texts of a record other than an event, in the order of their bytes. Returns
 * how many. One list for both directions. */
enum { RECORD_TEXTS_MAX = 6 };
unsigned record_texts(struct record *record, struct slice *texts[RECORD_TEXTS_MAX]);

#endif
