/* What the files of the AMI dialect share. Words as in Asterisk: a channel is
 * one leg, Uniqueid names it, Linkedid names the call it belongs to now; a
 * Local channel is a pair of halves ";1" and ";2". */
#ifndef CALLPACE_DIALECT_AMI_INTERNAL_H
#define CALLPACE_DIALECT_AMI_INTERNAL_H

#include "callpace/base/mem.h"
#include "callpace/base/table.h"
#include "callpace/dialect/dialect.h"
#include "callpace/dialect/event_queue.h"

enum {
  AMI_MESSAGE_MAX = 64 * 1024,
  AMI_LINE_MAX = 8 * 1024,
  AMI_BANNER_MAX = 256,
  AMI_CHANNELS_MAX = 100000,
  AMI_ID_SIZE = 160,  /* Asterisk: AST_MAX_UNIQUEID is 150 */
  AMI_NAME_SIZE = 96, /* Asterisk: AST_CHANNEL_NAME is 80 */
  AMI_TEXT_SIZE = 64
};

/* A short text kept by value; longer ones are cut. */
struct ami_text {
  uint8_t len;
  char data[AMI_TEXT_SIZE];
};
void ami_text_set(struct ami_text *text, struct slice from);
struct slice ami_text_slice(const struct ami_text *text);

/* --- messages (ami_message.c) --- */

enum ami_event {
  AMI_OTHER = 0, /* nothing that callpace needs */
  AMI_RESPONSE,
  AMI_NEWCHANNEL,
  AMI_RENAME,
  AMI_DIAL_BEGIN,
  AMI_DIAL_END,
  AMI_BRIDGE_ENTER,
  AMI_BRIDGE_LEAVE,
  AMI_HANGUP,
  AMI_HOLD,
  AMI_UNHOLD,
  AMI_QUEUE_JOIN,
  AMI_QUEUE_LEAVE,
  AMI_FULLY_BOOTED,
  AMI_LISTED,       /* CoreShowChannel, Status */
  AMI_LIST_COMPLETE /* of one of these */
};

enum ami_key {
  KEY_NONE = 0,
  KEY_ACTION_ID,
  KEY_BRIDGE,
  KEY_BRIDGE_TECHNOLOGY,
  KEY_CALLER_NUMBER,
  KEY_CAUSE,
  KEY_CHANNEL,
  KEY_CHANNEL_STATE,
  KEY_DEST_CHANNEL,
  KEY_DEST_LINKEDID,
  KEY_DEST_UNIQUEID,
  KEY_DIAL_STATUS,
  KEY_DIAL_STRING,
  KEY_EXTEN,
  KEY_LINKEDID,
  KEY_MESSAGE,
  KEY_NEWNAME,
  KEY_QUEUE,
  KEY_RESPONSE,
  KEY_SECONDS,
  KEY_TIMESTAMP,
  KEY_UNIQUEID,
  KEY_UPTIME,
  KEY_VARIABLE,
  KEY_CDR_START,  /* of Variable: CDR(start)= */
  KEY_CDR_ANSWER, /* of Variable: CDR(answer)= */
  KEY_COUNT
};

/* The fields of one message, borrowed from it; the first of a repeated one. */
struct ami_message {
  enum ami_event event;
  struct slice field[KEY_COUNT];
};

struct ami_framer {
  bool lone_lf;     /* the peer ends its lines with LF alone */
  bool skipping;    /* inside a message that is too long */
  size_t scanned;   /* bytes of the unread ones that hold no end of a message */
  uint64_t message; /* messages seen on this connection */
};

enum ami_frame { FRAME_MORE, FRAME_WHOLE, FRAME_TOO_LONG };

/* Takes the next message (without its blank line) out of `*unread`. TOO_LONG is
 * told once, with the message's first bytes; the rest of it is skipped. */
enum ami_frame ami_frame_next(struct ami_framer *framer, struct slice *unread,
                              struct slice *message);

/* Which message it is, from its first line alone. */
enum ami_event ami_event_of(struct slice message);
/* Reads the fields; false when a line is longer than AMI_LINE_MAX. */
bool ami_message_read(const struct ami_framer *framer, struct slice text, enum ami_event event,
                      struct ami_message *out);
/* True when a line begins with `name` and a colon. */
bool ami_message_has_line(struct slice text, struct slice name);

/* A whole number of at most 18 digits, else `otherwise`. */
int64_t ami_number(struct slice text, int64_t otherwise);
/* "1795459136.446088" -> ms; MSEC_NONE when it is no such time. */
msec_t ami_timestamp(struct slice text);
/* CDR(answer) - CDR(start) in ms, both whole seconds of the same unnamed zone;
 * MSEC_NONE when one is not given. */
msec_t ami_cdr_wait(const struct ami_message *message);

/* --- channels (ami_channels.c) --- */

enum ami_kind { KIND_PSEUDO, KIND_AGENT, KIND_LOCAL, KIND_CUSTOMER };

struct ami_channel;

/* A reference that knows when its channel is gone (pieces are used again). */
struct ami_ref {
  struct ami_channel *channel;
  uint64_t life;
};

/* Channels of one Linkedid. */
struct ami_group {
  struct ami_channel *first;
  struct ami_text queue; /* where a caller of this call waits */
  uint8_t id_len;
  char id[AMI_ID_SIZE];
};

struct ami_bridge {
  struct ami_channel *first;
  uint64_t walked; /* stamp of the last walk that came here */
  bool holding;    /* parking and the like: nobody hears another */
  uint8_t id_len;
  char id[AMI_ID_SIZE];
};

/* The call that an agent's channel is to callpace. */
struct ami_leg {
  enum call_dir dir;
  enum call_outcome outcome;
  bool open, answered, held, talking;
  bool since_listing; /* the talk's beginning was only found in a listing */
  unsigned number;    /* calls that this channel has been so far */
  int cause;          /* Q.850; 0 = not told */
  msec_t talk_since_ms, talk_ms;
};

struct ami_channel {
  struct ami_channel *next, *prev; /* all, or the spare ones */
  uint64_t life;                   /* 0 when gone */
  enum ami_kind kind;
  struct slice agent; /* KIND_AGENT: roster id, lives as long as the dialect's state */
  struct ami_group *group;
  struct ami_channel *group_next, *group_prev;
  struct ami_bridge *bridge; /* or NULL */
  struct ami_channel *bridge_next, *bridge_prev;
  struct ami_channel *pair;  /* KIND_LOCAL: the other half, or NULL */
  struct ami_ref dialled_by; /* who dialled this channel */
  struct ami_ref owner;      /* the agent's channel whose attempt this is */
  unsigned seen;             /* number of the connection that last spoke of it */
  bool ringing;              /* dialled and not answered yet */
  bool offered, attempted;   /* KIND_AGENT */
  bool adopted;              /* first seen in a listing, not judged yet */
  bool adopted_once;         /* first seen in a listing */
  uint64_t age;              /* orders channels by birth: seconds and serial of the Uniqueid */
  msec_t answered_ms;        /* by the switch's clock, as a listing tells it, else MSEC_NONE */
  struct ami_leg leg;
  struct ami_text number; /* KIND_CUSTOMER */
  uint8_t id_len, name_len;
  char id[AMI_ID_SIZE];
  char name[AMI_NAME_SIZE];
};

struct ami_channels {
  struct table by_id, by_local_name, groups, bridges, agent_ids;
  struct pool channel_pool, group_pool, bridge_pool;
  struct arena names;
  struct ami_channel *first;
  struct ami_channel *spare; /* gone ones; a reference may still look at them */
  size_t count;
  uint64_t lives;
};

void ami_channels_init(struct ami_channels *channels);
void ami_channels_free(struct ami_channels *channels);

struct ami_channel *ami_channel_find(const struct ami_channels *channels, struct slice id);
/* Makes a channel; NULL when the id does not fit or there are AMI_CHANNELS_MAX. */
struct ami_channel *ami_channel_add(struct ami_channels *channels, const struct roster *roster,
                                    struct slice id, struct slice name, struct slice linkedid);
void ami_channel_remove(struct ami_channels *channels, struct ami_channel *channel);
/* Who a channel of this name is; `agent` is set for KIND_AGENT. */
enum ami_kind ami_kind_of(struct ami_channels *channels, const struct roster *roster,
                          struct slice name, struct slice *agent);
void ami_channel_link(struct ami_channels *channels, struct ami_channel *channel,
                      struct slice linkedid);
/* Into a bridge (out of the one before), or out with an empty id. */
void ami_channel_bridge(struct ami_channels *channels, struct ami_channel *channel,
                        struct slice bridge_id);
struct slice ami_channel_name(const struct ami_channel *channel);
/* The name without its serial: "PJSIP/trunk". */
struct slice ami_name_prefix(struct slice name);
/* The same of a customer's: "DAHDI/i1" of "DAHDI/i1/0600000001-3" too. */
struct slice ami_trunk_name(const struct ami_channel *channel);
struct ami_ref ami_ref_of(struct ami_channel *channel);
struct ami_channel *ami_ref_get(struct ami_ref ref); /* NULL when it is gone */

/* --- calls (ami_calls.c) --- */

enum ami_sweep { SWEEP_NONE, SWEEP_RESTART, SWEEP_GONE, SWEEP_ADOPT, SWEEP_SETTLE, SWEEP_UNLISTED };

/* On which clock the times of events lie, and how far the two are apart. */
struct ami_clock {
  bool events;      /* clock: events: ours is the switch's, whatever it says */
  bool by_switch;   /* the switch stamps its events: theirs is the time, else arrival */
  bool stamped;     /* a stamp was seen on this connection */
  msec_t ahead_ms;  /* of the switch's clock, as far as it is known */
  msec_t listed_ms; /* the same by this connection's listing, or MSEC_NONE */
};

struct ami_calls {
  struct slice source;
  const struct roster *const *roster;
  struct ami_channels channels;
  struct event_queue events; /* made and not taken yet */
  struct writer id;          /* of the call being told */
  struct ami_bridge **walk;
  size_t walk_capacity;
  uint64_t walks;
  unsigned connection; /* numbered from 1 */
  struct ami_clock clock;
  msec_t lost_ms; /* by our clock: when the connection before was lost, or MSEC_NONE */
  enum ami_sweep sweep;
  struct ami_channel *sweep_at;
  uint64_t sweep_walks; /* calls->walks when the sweep began */
  bool full;            /* there was no room for a channel, or its id did not fit */
};

/* Takes one event of the switch. False when a field it needs is missing or too
 * long; `problem` then names it. */
bool ami_calls_take(struct ami_calls *calls, const struct ami_message *message, msec_t ts_ms,
                    const char **problem);

void ami_leg_begin(struct ami_calls *calls, struct ami_channel *channel, enum call_dir dir,
                   const struct ami_channel *customer, msec_t ts_ms);
void ami_leg_end(struct ami_calls *calls, struct ami_channel *channel, msec_t ts_ms);
/* An event that says no more than which call and when. */
void ami_leg_tell(struct ami_calls *calls, struct ami_channel *channel, enum call_event_type type,
                  msec_t ts_ms);
void ami_bridge_left(struct ami_calls *calls, struct ami_channel *channel, msec_t ts_ms);
void ami_leg_lost(struct ami_calls *calls, struct ami_channel *channel, msec_t ts_ms);
/* Who talks with whom now, in this bridge and all that Local pairs join to it.
 * `listed`: found by a listing, so that the answer may lie before `ts_ms`. */
void ami_settle(struct ami_calls *calls, struct ami_bridge *bridge, msec_t ts_ms, bool listed);
void ami_talk_set(struct ami_calls *calls, struct ami_channel *channel, bool talking, msec_t ts_ms);
/* A customer's channel of this call that is not just being rung, or NULL. */
struct ami_channel *ami_customer_of(const struct ami_group *group, bool ringing_too);
/* The channel of these names, made where it is not known; NULL: no room. */
struct ami_channel *ami_channel_seen(struct ami_calls *calls, struct slice id, struct slice name,
                                     struct slice linkedid, bool *made);

/* --- clocks (ami_clock.c) --- */

void ami_clock_connected(struct ami_clock *clock);
/* The time of an event that bears this stamp and arrived now. */
msec_t ami_clock_stamp(struct ami_calls *calls, msec_t stamp_ms, msec_t now_ms);
/* A moment of our clock, of the switch's clock, as the time of an event. */
msec_t ami_clock_from_ours(const struct ami_clock *clock, msec_t ours_ms);
msec_t ami_clock_from_switch(const struct ami_clock *clock, msec_t switch_ms);
/* A listing shows that the switch's clock is now at `switch_ms` or up to 2 s past it. */
void ami_clock_listed(struct ami_clock *clock, msec_t switch_ms, msec_t now_ms);
void ami_clock_list_complete(struct ami_clock *clock);

/* --- listings (ami_listing.c) --- */

void ami_listed(struct ami_calls *calls, const struct ami_message *message, msec_t now_ms);
/* The time of what happened somewhere in the gap; `at_ms`, now, if there was none. */
msec_t ami_gap_ms(const struct ami_calls *calls, msec_t at_ms);
/* Begins a sweep over all channels; while one runs no message is taken. */
void ami_sweep_begin(struct ami_calls *calls, enum ami_sweep sweep);
/* `now_ms` by our clock. */
void ami_sweep_step(struct ami_calls *calls, msec_t now_ms);

#endif
