/* The fields of the line protocol (CONTRACT section 2, doc/protocol.md): from one
 * scanned object to one event or one refusal. Pure. */
#ifndef CALLPACE_DIALECT_NATIVE_FIELDS_H
#define CALLPACE_DIALECT_NATIVE_FIELDS_H

#include <stdbool.h>

#include "callpace/base/flat_json.h"
#include "callpace/dialect/dialect.h"

/* Longest values in bytes. */
enum {
  NATIVE_CALL_MAX = 256,
  NATIVE_AGENT_MAX = 128,
  NATIVE_TEXT_MAX = 512, /* all other strings */
  NATIVE_PRODUCER_MAX = 64,
};
#define NATIVE_AHEAD_MAX_MS ((msec_t)5 * MSEC_PER_MIN)        /* beyond: future_ts */
#define NATIVE_TALK_MAX_MS  ((msec_t)30 * 24 * MSEC_PER_HOUR) /* longest talk_ms believed */
#define NATIVE_POINTS_MAX   1000000                           /* largest review.points either way */

/* What the meaning of a line depends on besides the line. */
struct native_context {
  msec_t now_ms;
  bool events_clock;
  bool start_means_answer;
  bool needs_seq;   /* hello was said: `seq` is required, else ignored */
  bool has_escapes; /* a backslash stands in the line */
};

/* Sets item->code and item->message ("FIELD: REASON" where a field is at fault)
 * and returns false, for `return native_refuse(...)`. `code` is static. */
bool native_refuse(struct item *item, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The member of that name, or NULL; null values count as not given. */
const struct flat_member *native_member(const struct flat_object *object, struct slice key);

/* A string value, or an integer as its text (senders write ids as numbers).
 * False when it is neither. */
bool native_text(const struct flat_member *member, struct slice *out);

/* Fills item->event, and has_seq and seq after hello. False when the object is no
 * event: item->code and message say why; has_seq and seq are set all the same
 * where a seq could be read. The slices borrow from the object and its line. */
bool native_event(const struct flat_object *object, const struct native_context *context,
                  struct item *item);

#endif
