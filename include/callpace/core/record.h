/* One record of the journal, as a value and as bytes. Pure: framing, checksums
 * and files are io/journal's. The format is told in doc/journal-format.md. */
#ifndef CALLPACE_CORE_RECORD_H
#define CALLPACE_CORE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/base/clock.h"
#include "callpace/base/slice.h"
#include "callpace/base/writer.h"
#include "callpace/core/call_event.h"
#include "callpace/core/closed.h"
#include "callpace/core/period.h"
#include "callpace/core/points.h"
#include "callpace/core/proposal.h"

/* Values stand in the journal: never renumber. */
enum record_type {
  RECORD_NONE = 0,
  RECORD_EVENT = 1,         /* .origin .seq .event */
  RECORD_SEQ = 2,           /* .origin .seq: a line that was taken and made no event (refused) */
  RECORD_ORIGIN = 3,        /* .origin .name: from here on this number means this sender */
  RECORD_CLOCK = 4,         /* nothing happened but time: .now_ms */
  RECORD_START = 5,         /* .start */
  RECORD_STOP = 6,          /* the daemon left in order */
  RECORD_SOURCE = 7,        /* .source */
  RECORD_GAP = 8,           /* .gap */
  RECORD_SETTINGS = 9,      /* .settings: policy and roster in force from here on */
  RECORD_ALERT = 10,        /* .alert: decided, to be delivered */
  RECORD_DELIVERED = 11,    /* .delivered: done with one hook for one alert */
  RECORD_LEAD_MOVE = 12,    /* .lead_move: a lead changes hands, or goes to the pool */
  RECORD_LEAD_HOLD = 13,    /* .lead_hold: no leads for this agent in this week */
  RECORD_WEEK_CLOSED = 14,  /* .week_closed: how an agent's week was judged */
  RECORD_POINTS = 15,       /* .points: an entry of the ledger of points */
  RECORD_MONTH_CLOSED = 16, /* .month_closed: how an agent's month was judged */
  RECORD_ALERT_ACK = 18,    /* .ack: somebody sees to an alert */
  RECORD_PROPOSAL = 20, /* .proposal: leads that are to change hands, or what was decided of it */
  RECORD_SOURCE_SERVES = 21, /* .source_serves: whom a source serves from here on */
  RECORD_TYPES
};

/* Values stand in the journal: never renumber. */
enum source_change {
  SOURCE_DOWN = 0,
  SOURCE_UP = 1,
  SOURCE_PRODUCER_UP = 2, /* a sender said hello */
  SOURCE_PRODUCER_DOWN = 3,
  SOURCE_CHANGES
};
const char *source_change_name(enum source_change change); /* "down", "producer_up" */

/* A record. Slices are borrowed: from the caller when encoding, from the payload
 * after decoding. */
struct record {
  enum record_type type;
  uint32_t origin; /* number of a sender: source, producer and epoch */
  uint64_t seq;    /* the sender's sequence number; 0 = it gives none */
  msec_t now_ms;   /* the fold's `now` for this record; may go back with the wall clock */
  union {
    struct call_event event;
    struct {
      struct slice source, producer, epoch; /* producer and epoch empty without hello */
    } name;
    struct {
      struct slice node, version;
      bool clock_events;     /* clock: events (else wall) */
      bool after_clean_stop; /* the journal ended with RECORD_STOP, or was empty */
    } start;
    struct {
      enum source_change change;
      msec_t at_ms;
      struct slice source, producer, reason;
    } source;
    struct {
      struct slice source;
      struct slice serves; /* coverage_put_serves; empty: everybody */
    } source_serves;
    struct {
      msec_t from_ms, to_ms;
      struct slice source, reason;
    } gap;
    struct {
      struct slice policy, roster; /* YAML texts */
    } settings;
    struct {
      bool raised; /* else resolved */
      msec_t at_ms;
      struct slice id, json; /* CONTRACT section 5; json empty: told to nobody */
      /* Names of those to be served, each followed by ','; before a name '^': told
       * because others had not acknowledged, '~': to be told in a digest. */
      struct slice hooks;
    } alert;
    struct {
      bool raised;  /* which state of the alert was handed over */
      bool success; /* else given up */
      int64_t attempts;
      msec_t at_ms;
      struct slice id, hook, reason;
    } delivered;
    struct {
      day_t week; /* Monday of the week in which `to` holds it */
      struct slice lead, number;
      struct slice from, to, reason; /* agents; `to` empty: the unassigned pool */
    } lead_move;
    struct {
      day_t week; /* Monday */
      struct slice agent, reason;
    } lead_hold;
    struct {
      day_t week;         /* Monday */
      struct slice agent; /* empty: that week is closed for everybody; `fact` without meaning */
      struct week_closed fact;
    } week_closed;
    struct {
      month_t month;
      struct slice agent; /* empty: that month is closed for everybody */
      struct month_closed fact;
    } month_closed;
    struct {
      day_t week; /* Monday of the week that was judged */
      enum proposal_state state;
      struct slice agent, by, moves; /* moves: proposal_put_move */
    } proposal;
    struct {
      struct points_fact fact;
      struct slice before, hash; /* POINTS_HASH_SIZE bytes each */
    } points;
    struct {
      msec_t at_ms;
      struct slice id, by, note;
    } ack;
  };
};

/* Largest payload that a frame may carry: a roster of 32 MiB and its policy. */
enum { RECORD_BYTES_MAX = 80 << 20 };

/* Appends the payload of a record. `clock_ms` is the running clock that both
 * sides keep: `now` of the record before (a segment's header gives the first);
 * it is moved to the record's. Only a writer's own limit can make this fail
 * (sticky in the writer). */
void record_encode(const struct record *record, msec_t *clock_ms, struct writer *out);
/* The same for the hot path: RECORD_EVENT without a struct record in between. */
void record_encode_event(const struct call_event *event, uint32_t origin, uint64_t seq,
                         msec_t now_ms, msec_t *clock_ms, struct writer *out);

/* Reads a payload; moves `clock_ms`. False when it is no whole record of this
 * version (then clock and *record are without meaning). Does not allocate. */
bool record_decode(struct slice payload, msec_t *clock_ms, struct record *record);

/* Reads only its type and its `now`. False for a type that does not exist. */
bool record_peek(struct slice payload, msec_t *clock_ms, enum record_type *type);

/* Appends the record as JSON lines, each ended by '\n' (CONTRACT sections 2 and
 * 7). Events and gaps are protocol lines: a start that means answer gives two. A
 * lost call is "call.lost" with `call` and `ts`. With `all` every other record
 * comes as "x.alert", "x.source", …; without it they add nothing. */
void record_to_lines(const struct record *record, bool all, struct writer *out);

#endif
