/* What the files of the ESL dialect share. Words as in FreeSWITCH: a channel is
 * one leg, Unique-ID names it; the leg that dialled another is its originator. */
#ifndef CALLPACE_DIALECT_ESL_INTERNAL_H
#define CALLPACE_DIALECT_ESL_INTERNAL_H

#include "callpace/base/mem.h"
#include "callpace/base/table.h"
#include "callpace/dialect/dialect.h"
#include "callpace/dialect/event_queue.h"

enum {
  ESL_HEADERS_MAX = 8 * 1024,
  ESL_BODY_MAX = 96 * 1024, /* a hangup's event has about 13 KiB */
  ESL_ROW_MAX = 64 * 1024,  /* of a listing */
  ESL_LEGS_MAX = 100000,
  ESL_ID_SIZE = 96,   /* a UUID has 36 */
  ESL_NAME_SIZE = 128 /* agents */
};

/* --- frames (esl_frame.c) --- */

enum esl_content {
  CONTENT_OTHER = 0,
  CONTENT_AUTH_REQUEST,
  CONTENT_COMMAND_REPLY,
  CONTENT_API_RESPONSE,
  CONTENT_EVENT_PLAIN,
  CONTENT_EVENT_JSON,
  CONTENT_DISCONNECT,
  CONTENT_REJECTION /* the access list refuses us */
};

struct esl_frame {
  enum esl_content content;
  struct slice reply; /* Reply-Text */
  struct slice body;
};

struct esl_framer {
  size_t scanned;    /* bytes of the unread ones that hold no end of headers */
  size_t needed;     /* bytes that the frame has, once its headers are known */
  uint64_t body_len; /* of an api/response: still to come */
  bool skipping;     /* the rest of the body is of no use */
  uint64_t frame;    /* seen on this connection */
};

enum esl_frame_kind {
  FRAME_MORE,
  FRAME_WHOLE,
  FRAME_ANSWER,   /* api/response: its body follows, framer.body_len bytes of it */
  FRAME_TOO_LONG, /* told once, with the headers; the body is skipped */
  FRAME_BROKEN    /* headers that are none: the stream is lost */
};

/* Takes the next frame out of `*unread`. */
enum esl_frame_kind esl_frame_next(struct esl_framer *framer, struct slice *unread,
                                   struct esl_frame *frame);

/* --- events (esl_event.c) --- */

enum esl_event_kind {
  ESL_OTHER = 0,
  ESL_CREATE,
  ESL_BRIDGE,
  ESL_UNBRIDGE,
  ESL_HOLD,
  ESL_UNHOLD,
  ESL_HANGUP_COMPLETE,
  ESL_HEARTBEAT,
  ESL_CALLCENTER /* CUSTOM callcenter::info */
};

enum esl_key {
  KEY_NONE = 0,
  KEY_EVENT_NAME,
  KEY_EVENT_SUBCLASS,
  KEY_EVENT_TIME,
  KEY_CORE,
  KEY_ID,
  KEY_CHANNEL_NAME,
  KEY_DIRECTION,
  KEY_DESTINATION,
  KEY_CALLER_NUMBER,
  KEY_CREATED,
  KEY_ANSWERED,
  KEY_BRIDGED,
  KEY_HANGUP,
  KEY_HOLD_ACCUM,
  KEY_OTHER_TYPE,
  KEY_OTHER_ID,
  KEY_OTHER_USERNAME,
  KEY_SESSIONS,
  KEY_BRIDGE_A,
  KEY_BRIDGE_B,
  KEY_HANGUP_CAUSE,
  KEY_DISPOSITION,
  KEY_USER_NAME,
  KEY_DIALED_USER,
  KEY_ORIGINATOR,
  KEY_GATEWAY,
  KEY_CC_SIDE,
  KEY_CC_AGENT,
  KEY_CC_QUEUE,
  KEY_CC_MEMBER,
  KEY_ACTION, /* of callcenter::info, with its agent and status */
  KEY_ACTION_AGENT,
  KEY_ACTION_STATUS,
  /* of a row of `show channels as json` */
  KEY_ROW_ID,
  KEY_ROW_DIRECTION,
  KEY_ROW_CREATED,
  KEY_ROW_NAME,
  KEY_ROW_CALLER,
  KEY_ROW_DESTINATION,
  KEY_ROW_CALLSTATE,
  KEY_ROW_CALL,
  KEY_ROW_PRESENCE,
  KEY_COUNT
};

/* The fields that callpace needs, decoded; the first of a repeated one. They
 * borrow from the body or from `decoded`. */
struct esl_event {
  enum esl_event_kind kind;
  struct slice field[KEY_COUNT];
};

/* Reads the body of text/event-plain. */
void esl_event_read_plain(struct slice body, struct writer *decoded, struct esl_event *event);
/* Reads one JSON object; false when it is none. Values that are no text are
 * passed over, whatever they hold. */
bool esl_event_read_json(struct slice body, struct writer *decoded, struct esl_event *event);
/* Where the JSON object that begins at `text` ends, or NULL when not within it. */
const char *esl_json_object_end(struct slice text);
/* A whole number of at most 18 digits, else `otherwise`. */
int64_t esl_number(struct slice text, int64_t otherwise);
/* Microseconds since the epoch as the switch tells them -> ms; MSEC_NONE for 0
 * and what is no such time. */
msec_t esl_time(struct slice text);

/* --- legs (esl_legs.c) --- */

/* A short text kept by value; longer ones are cut. */
struct esl_text {
  uint8_t len;
  char data[ESL_NAME_SIZE];
};
void esl_text_set(struct esl_text *text, struct slice from);
struct slice esl_text_slice(const struct esl_text *text);

enum esl_leg_kind {
  LEG_CUSTOMER,
  LEG_AGENT,
  LEG_LOOPBACK /* the switch talks to itself */
};

struct esl_leg {
  struct esl_leg *next, *prev;
  enum esl_leg_kind kind;
  bool inbound;       /* the telephone called the switch */
  bool guessed;       /* only a listing told who it is */
  bool up;            /* as a listing tells it */
  bool dialled;       /* LEG_AGENT: by another leg or a queue, not by a click */
  bool open;          /* a call was begun and not ended */
  bool answered;      /* it held a customer */
  bool inexact;       /* only a listing told the answer */
  bool bridged;       /* with whomever */
  bool talking, held; /* now */
  bool hold_told;
  enum call_dir dir; /* DIR_UNKNOWN: not decided yet */
  unsigned number;   /* calls that this leg has been so far */
  unsigned seen;     /* the round in which it was last spoken of */
  msec_t created_ms, talk_since_ms, talk_ms;
  msec_t paused_ms;      /* since when the talk rests, or MSEC_NONE */
  struct esl_text agent; /* LEG_AGENT: roster id, or what the switch calls it */
  struct esl_text other; /* the number at its other end */
  struct esl_text queue, trunk;
  uint8_t id_len, peer_len, originator_len, call_len;
  char id[ESL_ID_SIZE];
  char peer[ESL_ID_SIZE];       /* whom it is bridged with */
  char originator[ESL_ID_SIZE]; /* who dialled it */
  char call[ESL_ID_SIZE];       /* of a listing: the leg that leads its call */
};

struct esl_legs {
  struct table by_id;
  struct pool pool;
  struct esl_leg *first;
  size_t count;
};

void esl_legs_init(struct esl_legs *legs);
void esl_legs_free(struct esl_legs *legs);
struct esl_leg *esl_leg_find(const struct esl_legs *legs, struct slice id);
/* A new leg; NULL when the id is empty or too long, or there are ESL_LEGS_MAX. */
struct esl_leg *esl_leg_add(struct esl_legs *legs, struct slice id);
void esl_leg_remove(struct esl_legs *legs, struct esl_leg *leg);

/* --- calls (esl_calls.c, esl_legs.c, esl_listing.c) --- */

enum esl_sweep {
  SWEEP_NONE,
  SWEEP_JOIN, /* who is with whom, then: */
  SWEEP_GONE,
  SWEEP_UNLISTED /* the switch gives no listing */
};

struct esl_calls {
  struct slice source;
  const struct roster *const *roster;
  struct esl_legs legs;
  struct event_queue queue;
  struct writer id; /* of the call being told */
  unsigned round;   /* from one listing that is asked for to the next */
  msec_t lost_ms;   /* what the listing no longer shows ended then, or MSEC_NONE */
  msec_t latest_ms; /* times beyond it are not believed */
  enum esl_sweep sweep;
  struct esl_leg *sweep_at;
  bool full; /* there was no room for a leg, or its id did not fit */
};

/* Takes one event. False when a field it needs is missing or too long; `problem`
 * then names it. */
bool esl_calls_take(struct esl_calls *calls, const struct esl_event *event, msec_t ts_ms,
                    const char **problem);

/* The leg that an event is about, bound to who it is when it is new; NULL: no
 * room for it. */
struct esl_leg *esl_leg_seen(struct esl_calls *calls, const struct esl_event *event, msec_t ts_ms);
/* Binds it anew, where only a listing told who it is. */
void esl_leg_identify(const struct esl_calls *calls, const struct esl_event *event,
                      struct esl_leg *leg, msec_t ts_ms);
/* The same from a listing, which names no users: only agents of the roster are
 * found, by the name of their channel. */
void esl_leg_guess(const struct esl_calls *calls, const struct esl_event *row, struct esl_leg *leg);
/* "1001@pbx1" -> who that is on the roster, else "1001"; empty: no name. */
struct slice esl_agent_of(const struct esl_calls *calls, struct slice user);

/* An agent's leg becomes a call of this direction; one of another direction that
 * it was before ends. `customer` may be NULL. */
void esl_call_begin(struct esl_calls *calls, struct esl_leg *leg, enum call_dir dir,
                    const struct esl_leg *customer, msec_t ts_ms);
/* An event that says no more than which call and when. */
void esl_call_tell(struct esl_calls *calls, const struct esl_leg *leg, enum call_event_type type,
                   msec_t ts_ms);
/* `leg` dialled, or a queue called for, the agent or customer `dialled`. */
void esl_call_dialled(struct esl_calls *calls, struct esl_leg *leg, struct esl_leg *dialled,
                      msec_t ts_ms);
/* The agent's leg is bridged with `peer` (NULL: nobody we know). */
void esl_call_bridged(struct esl_calls *calls, struct esl_leg *leg, const struct esl_leg *peer,
                      msec_t ts_ms);

/* --- listings (esl_listing.c) --- */

/* A body of api/response, as it comes in. */
struct esl_listing {
  bool begun, is_list, broken;
  bool in_text, escaped;
  unsigned depth;
  uint64_t rows;
};

enum esl_listing_kind {
  LISTING_MORE,
  LISTING_ROW,
  LISTING_DONE,
  LISTING_BROKEN, /* it ended, and was no whole list */
  LISTING_OTHER   /* it ended, and was another answer; `row` holds its beginning */
};

/* Takes bytes of the body out of `*body`, of which the last is the last of all
 * when `whole`. ROW gives one channel's JSON object. */
enum esl_listing_kind esl_listing_next(struct esl_listing *listing, struct slice *body, bool whole,
                                       struct slice *row);
void esl_listed(struct esl_calls *calls, const struct esl_event *row, msec_t now_ms);
/* Begins a sweep over all legs; while one runs no message is taken. */
void esl_sweep_begin(struct esl_calls *calls, enum esl_sweep sweep);
void esl_sweep_step(struct esl_calls *calls, msec_t now_ms);

#endif
