/* What the files of the evapi dialect share. */
#ifndef CALLPACE_DIALECT_EVAPI_INTERNAL_H
#define CALLPACE_DIALECT_EVAPI_INTERNAL_H

#include "callpace/base/flat_json.h"
#include "callpace/base/mem.h"
#include "callpace/base/table.h"
#include "callpace/dialect/dialect.h"
#include "callpace/dialect/event_queue.h"

/* --- frames (evapi_frame.c) --- */

enum { EVAPI_SKIP_MAX = 1024 * 1024 }; /* a longer one is none */

struct evapi_framer {
  size_t scanned;       /* bytes of the unread ones that hold no end of a line */
  size_t skip_left;     /* bytes of a netstring that is too long */
  bool skipping_line;   /* to its end */
  uint64_t line_number; /* messages of this connection */
};

enum evapi_frame {
  EVAPI_MORE,
  EVAPI_WHOLE,
  EVAPI_TOO_LONG, /* told once, with the message's beginning; the rest is skipped */
  EVAPI_BROKEN    /* neither a netstring nor a line of JSON: the stream is lost */
};

/* Takes the next message, "LEN:JSON," or "JSON\n", out of `*unread`. */
enum evapi_frame evapi_frame_next(struct evapi_framer *framer, struct slice *unread,
                                  struct slice *message);

/* --- calls (evapi_calls.c) --- */

enum {
  EVAPI_ID_MAX = 180, /* with the source's name it fits the line protocol's 256 */
  EVAPI_CALLS_MAX = 100000,
  EVAPI_ENDED_MAX = 10000
};

/* A call that is up, or one that ended lately. */
struct evapi_call {
  struct evapi_call *next, *prev; /* of those up, or of those that ended, oldest first */
  bool ended, answered;
  unsigned number; /* dialogs that had this Call-ID so far */
  unsigned seen;   /* the connection that last spoke of it */
  uint8_t id_len;
  char id[EVAPI_ID_MAX];
};

struct evapi_list {
  struct evapi_call *first, *last;
  size_t count;
};

struct evapi_calls {
  struct slice source;
  const struct roster *const *roster;
  struct table by_id;
  struct pool pool;
  struct evapi_list up, ended;
  struct event_queue queue;
  struct writer id; /* of the call being told */
  unsigned connection;
  msec_t lost_ms;  /* when the connection before was lost, or MSEC_NONE */
  msec_t begun_ms; /* when this one began */
};

/* One message's fields, empty where not given. */
struct evapi_event {
  struct slice name, call_id, agent, number, dir, code, by, queue;
  msec_t ts_ms, start_ms, answer_ms; /* MSEC_NONE: not given */
  int64_t active;                    /* heartbeat: calls that are up; -1 = not told */
};

void evapi_calls_init(struct evapi_calls *calls);
void evapi_calls_free(struct evapi_calls *calls);
/* Takes what a message says of a call. False when it cannot be used: `code` and
 * `problem` then say why. */
bool evapi_calls_take(struct evapi_calls *calls, const struct evapi_event *event, const char **code,
                      const char **problem);
/* Calls that were up before a gap and cannot be any more are lost. */
void evapi_calls_heartbeat(struct evapi_calls *calls, int64_t active, msec_t now_ms);

#endif
