/* What the files of the intake share. */
#ifndef CALLPACE_ENGINE_INTAKE_INTERNAL_H
#define CALLPACE_ENGINE_INTAKE_INTERNAL_H

#include "callpace/dialect/dialect.h"
#include "callpace/engine/intake.h"
#include "callpace/io/session.h"

enum { RATE_WINDOW_S = 60 };

/* How a source came to miss something while it was up. */
enum gap_kind {
  GAP_SEQUENCE,  /* a jump in seq */
  GAP_RECONNECT, /* read and not taken when the connection broke */
  GAP_DECLARED,  /* source.gap: the sender says so */
  GAP_KINDS
};

struct source {
  struct intake *intake;
  struct source *next;
  const struct config_source *config;
  char *name; /* outlives the config it came from */
  const struct dialect *dialect;
  struct dialect_setup setup;
  char *username, *secret; /* setup borrows these */
  struct listener *listener;
  struct connector *connector;
  struct connection *connections;
  void *client_state; /* a client dialect's state, kept over reconnects */
  uint32_t plain_origin;
  bool has_plain_origin;
  bool kept;         /* while configuring: stays in use */
  bool is_up;        /* as coverage sees it */
  msec_t changed_ms; /* since when it is up or down */
  msec_t outage_due_ms;
  msec_t last_event_ms;   /* ts of the newest event; MSEC_NONE */
  msec_t last_arrival_ms; /* wall clock */
  size_t introduced;      /* connections that said hello */
  uint64_t events, refused, duplicates, outages, gaps[GAP_KINDS];
  uint64_t events_at[RATE_WINDOW_S], events_per_minute;
  size_t seconds;   /* counted by the upkeep */
  char reason[160]; /* why it is down */
};

struct connection {
  struct source *source;
  struct session *session;
  struct connection *next, **link;         /* of the source */
  struct connection *due_next, **due_link; /* of those to be answered; due_link NULL: not due */
  void *state;                             /* a server dialect's */
  struct producer_epoch *epoch;            /* NULL before hello */
  uint32_t origin;
  uint64_t excused; /* refused lines whose seq could not be read */
  uint64_t welcome_seq;
  bool welcome_due, ack_due;
  unsigned age_s, silent_s; /* of a client: since it opened, since it was last heard */
  bool told;                /* closed by us, and the source's reason says why */
};

struct intake {
  struct engine *engine;
  struct source *sources;
  struct connection *due;
  struct table by_producer; /* name -> struct connection */
  struct writer out;        /* for replies */
};

extern const struct session_handler intake_sessions;

/* The source's health changed: record, coverage, status. */
void source_up(struct source *source, const char *note);
void source_down(struct source *source, const char *reason);
/* Number for events of this source without hello. */
uint32_t source_origin(struct source *source);
void connection_free(struct connection *connection);

#endif
