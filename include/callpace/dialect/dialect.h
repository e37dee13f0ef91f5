/* From a switch's bytes to call events: one behaviour table, one row and one
 * file a switch. Pure: no socket, no clock, no log. The session owns the bytes,
 * the pipeline asks for one item after the other. */
#ifndef CALLPACE_DIALECT_DIALECT_H
#define CALLPACE_DIALECT_DIALECT_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/base/slice.h"
#include "callpace/base/writer.h"
#include "callpace/core/call_event.h"
#include "callpace/core/roster.h"
#include "callpace/core/zone.h"
#include "callpace/dialect/smdr_layout.h"

enum item_kind {
  ITEM_MORE,    /* nothing whole left: read on */
  ITEM_EVENT,   /* .event (and .seq, 0 = none) */
  ITEM_HELLO,   /* native: a sender introduces itself (.producer .epoch .token) */
  ITEM_REFUSED, /* bad input, told with its place: .code .message .line_number .line, and .seq if it
                   was read */
  ITEM_UP, /* client dialects: logged in; events flow from now (.message: what the switch says it
              is) */
  ITEM_WARNING, /* worth a log line: .code .message; e.g. the account may do more than it needs */
  ITEM_CLOSE,   /* this connection is of no more use: .code .message; .retry_slowly for a refused
                   login */
};

/* Codes of CONTRACT section 2, "Bad input", as text: "bad_json", "bad_utf8",
 * "bad_field", "missing_field", "unknown_type", "too_long", "truncated",
 * "future_ts", "not_authorized". */
struct item {
  struct call_event event;
  uint64_t seq;
  bool has_seq;                        /* REFUSED: whether seq could be read */
  struct slice producer, epoch, token; /* HELLO */
  const char *code;
  char message[160];
  uint64_t line_number; /* from 1, this connection's lines */
  struct slice line;    /* the input, refused or not, at most 4,096 bytes; native alone */
  bool retry_slowly;
  bool passing; /* slices borrow from self, also where the dialect's items last */
};

/* What a dialect may know of the world; all borrowed and outliving it. */
struct dialect_setup {
  const char *source; /* name; client dialects put "NAME:" before the switch's call ids */
  const char *username;
  const char *secret;
  bool start_means_answer; /* source's start_means: answer */
  bool json_events;        /* esl: source's events: json (else plain) */
  bool events_clock; /* clock: events: `now` is the event clock, no time stamp is too far ahead */
  const struct roster *const *roster; /* looked at afresh each time: reload swaps it */
  const struct zone *const *zone;     /* the policy's; likewise */
  const struct smdr_layout *layout;   /* smdr: of its lines; likewise */
};

struct dialect {
  const char *name; /* the source `type` */
  bool is_client;
  bool is_mute;      /* its senders are not answered, whatever they send */
  size_t unread_max; /* most bytes that next() may leave unread before more come */
  bool items_last;   /* items borrow from the bytes alone, and outlive further calls of next() */

  /* A state for one connection (native) or for the source (clients: it lives
   * over reconnects, so that live calls can be reconciled). */
  void *(*open)(const struct dialect_setup *setup);
  void (*close)(void *self);

  /* A new connection begins: forget half-read input; append to `out` what must
   * be sent first (may be nothing). `now` in UTC ms. Client dialects are then asked
   * for items with nothing unread: where no login is, that is ITEM_UP. */
  void (*greet)(void *self, msec_t now_ms, struct writer *out);

  /* Takes the next item out of `*unread`, moving its start past what was used.
   * Slices in the item borrow from those bytes or from self until the next call.
   * `end`: the peer has closed, nothing follows. `out` gets bytes to send back
   * (client dialects). Never blocks, never fails: bad input is an item. */
  enum item_kind (*next)(void *self, struct slice *unread, bool end, msec_t now_ms,
                         struct item *item, struct writer *out);

  /* The connection was lost at `now` (client dialects; may be NULL). Events that
   * follow from it come from next() with empty unread after the reconnect. */
  void (*lost)(void *self, msec_t now_ms);

  /* Client dialects with a heartbeat: called every 10 s with what to send, so
   * that a dead peer shows (may be NULL). */
  void (*ping)(void *self, msec_t now_ms, struct writer *out);

  /* Client dialects without a ping whose switch sends a heartbeat: after how many
   * seconds of silence the peer is dead; 0: silence says nothing (may be NULL). */
  unsigned (*patience_s)(const void *self);
};

extern const struct dialect dialect_native;
extern const struct dialect dialect_ami;
extern const struct dialect dialect_esl;
extern const struct dialect dialect_evapi;
extern const struct dialect dialect_smdr, dialect_smdr_client;

/* The row for a source type that connects or listens, or NULL. */
const struct dialect *dialect_find(const char *type, bool connects);

#endif
