/* The parts of a running daemon in one place, for those that order and time them.
 * Only the engine floor and main know this struct. */
#ifndef CALLPACE_ENGINE_ENGINE_H
#define CALLPACE_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "callpace/core/ack_link.h"
#include "callpace/core/fold.h"
#include "callpace/core/settings.h"
#include "callpace/io/config.h"
#include "callpace/io/journal.h"
#include "callpace/io/session.h"

struct event_base;
struct intake;
struct control;
struct outbox;
struct rejects;
struct view;
struct web;

struct engine {
  struct event_base *base;
  const char *config_path;
  struct config *config;       /* owned; reload swaps it */
  struct settings *settings;   /* owned; the fold borrows it */
  const struct roster *roster; /* of the settings, where dialects look it up */
  const struct zone *zone;     /* likewise */
  struct fold fold;
  struct journal *journal;
  struct hub *hub;
  struct intake *intake; /* sources and their connections */
  struct view *view;     /* Redis */
  struct outbox *outbox; /* alerts on their way to hooks */
  struct rejects *rejects;

  /* Not NULL: a run over the past (engine/history.h). There is nothing outside: no
   * journal, and alerts go here. */
  const struct alert_sink *dry;

  bool in_tick;   /* now_ms is this tick's */
  msec_t now_ms;  /* the fold's now: wall clock, or the highest ts (clock: events) */
  msec_t wall_ms; /* the wall clock at the beginning of the tick */
  msec_t started_ms;
  bool stalled; /* the journal cannot be synced; nothing leaves, nothing is read */
  msec_t stalled_since_ms;
  msec_t refreshed_ms;            /* the fold's now when everybody was judged last */
  bool refresh_due;               /* a tick asks for it */
  uint8_t ack_key[ACK_KEY_BYTES]; /* signs links that acknowledge */
  msec_t cared_ms;                /* the fold's now when alerts were last looked after */
  bool closings_settled;          /* what follows from closed weeks and months is decided */
  day_t judged_day;               /* the business day that was judged last; DAY_NONE: none */
  struct hub *control_hub;        /* apart from the sources: it answers while they are paused */
  struct control *control;
  struct web *web;                         /* NULL: no http */
  pid_t snapshot_pid;                      /* a child that writes one; 0: none */
  uint64_t snapshot_lsn, snapshot_due_lsn; /* of the newest durable one; of the child's */
  msec_t snapshot_begun_ms;                /* wall clock */
  struct {
    pid_t pid;       /* a child that writes reports; 0: none */
    day_t day;       /* what closed before it was looked at; DAY_NONE: look again */
    msec_t retry_ms; /* not before, by the wall clock */
  } reports;
  bool stopping;
};

#endif
