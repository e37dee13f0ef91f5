/* Each event of the switch that callpace follows, and what it changes. */
#include "ami_internal.h"

struct ami_channel *ami_channel_seen(struct ami_calls *calls, struct slice id, struct slice name,
                                     struct slice linkedid, bool *made) {
  struct ami_channel *channel = ami_channel_find(&calls->channels, id);
  *made = !channel;
  if (channel) {
    ami_channel_link(&calls->channels, channel, linkedid);
  } else {
    channel = ami_channel_add(&calls->channels, *calls->roster, id, name, linkedid);
    if (!channel) calls->full = true;
  }
  if (channel) channel->seen = calls->connection;
  return channel;
}

/* The message's own channel, if it is known. */
static struct ami_channel *channel_of(struct ami_calls *calls, const struct ami_message *message) {
  struct ami_channel *channel = ami_channel_find(&calls->channels, message->field[KEY_UNIQUEID]);
  if (!channel) return NULL;
  ami_channel_link(&calls->channels, channel, message->field[KEY_LINKEDID]);
  channel->seen = calls->connection;
  return channel;
}

static struct ami_channel *channel_made(struct ami_calls *calls,
                                        const struct ami_message *message) {
  const struct slice *field = message->field;
  bool made;
  struct ami_channel *channel =
      ami_channel_seen(calls, field[KEY_UNIQUEID], field[KEY_CHANNEL], field[KEY_LINKEDID], &made);
  if (channel && channel->kind == KIND_CUSTOMER && channel->number.len == 0) {
    ami_text_set(&channel->number, field[KEY_CALLER_NUMBER]);
  }
  return channel;
}

/* --- dialling --- */

static struct slice cut_before(struct slice text, char stop) {
  const char *found = text.len ? memchr(text.data, stop, text.len) : NULL;
  return found ? (struct slice){text.data, (size_t)(found - text.data)} : text;
}

/* "0600@trunk//host", "trunk/0600", "trunk/sip:0600@host", "user:secret@peer/0600@context",
 * "g1/0600/B": what the channel drivers call a dial string. */
static struct slice dialled_number(const struct ami_message *message) {
  static const char *const schemes[] = {"sip:", "sips:", "tel:"};
  struct slice text = message->field[KEY_DIAL_STRING];
  const char *host = text.len ? memmem(text.data, text.len, "//", 2) : NULL;
  if (host) text.len = (size_t)(host - text.data);
  struct slice where = cut_before(text, '/');
  if (where.len < text.len) {
    text = (struct slice){where.data + where.len + 1, text.len - where.len - 1};
    text = cut_before(text, '/');
  } else if (cut_before(text, '@').len == text.len) {
    return message->field[KEY_EXTEN];
  }
  for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
    size_t len = strlen(schemes[i]);
    if (text.len <= len || memcmp(text.data, schemes[i], len) != 0) continue;
    text = (struct slice){text.data + len, text.len - len};
  }
  /* chan_sip's "user:secret@host" holds no number, and the secret is nobody's. */
  text = cut_before(cut_before(cut_before(text, '@'), ';'), ':');
  return text.len ? text : message->field[KEY_EXTEN];
}

/* Whose attempt a dial by this channel is. */
static struct ami_channel *owner_of(struct ami_channel *dialler) {
  if (dialler->kind == KIND_AGENT) return dialler;
  if (dialler->kind != KIND_LOCAL) return NULL;
  struct ami_channel *by = dialler->pair ? ami_ref_get(dialler->pair->dialled_by) : NULL;
  if (by && by->kind == KIND_AGENT && !by->offered) return by;
  struct ami_channel *found = NULL;
  for (struct ami_channel *at = dialler->group->first; at; at = at->group_next) {
    if (at->kind != KIND_AGENT || at->offered) continue;
    if (!found || found->attempted) found = at;
  }
  return found;
}

static void attempt(struct ami_calls *calls, struct ami_channel *dialler,
                    struct ami_channel *customer, msec_t ts_ms) {
  struct ami_channel *owner = owner_of(dialler);
  if (!owner) return;
  customer->owner = ami_ref_of(owner);
  if (owner->attempted) return;
  owner->attempted = true;
  ami_leg_begin(calls, owner, DIR_OUT, customer, ts_ms);
}

/* A dial to an agent: by a customer's call, or by a colleague. */
static void offer(struct ami_calls *calls, struct ami_channel *dialler, struct ami_channel *agent,
                  msec_t ts_ms) {
  struct ami_channel *customer = ami_customer_of(agent->group, false);
  if (customer) {
    agent->offered = true;
    ami_leg_begin(calls, agent, DIR_IN, customer, ts_ms);
    return;
  }
  struct ami_channel *caller = dialler;
  if (dialler->kind == KIND_LOCAL) {
    caller = dialler->pair ? ami_ref_get(dialler->pair->dialled_by) : NULL;
  }
  if (!caller || caller->kind != KIND_AGENT || caller == agent) return;
  if (!caller->leg.open) ami_leg_begin(calls, caller, DIR_INTERNAL, NULL, ts_ms);
  if (!agent->leg.open) ami_leg_begin(calls, agent, DIR_INTERNAL, NULL, ts_ms);
}

static void dial_begin(struct ami_calls *calls, const struct ami_message *message, msec_t ts_ms) {
  const struct slice *field = message->field;
  bool made;
  struct ami_channel *dest = ami_channel_seen(
      calls, field[KEY_DEST_UNIQUEID], field[KEY_DEST_CHANNEL], field[KEY_DEST_LINKEDID], &made);
  if (!dest) return;
  dest->ringing = true;
  /* Without a dialling channel it is the first leg of a click-to-dial. */
  if (field[KEY_UNIQUEID].len == 0) return;
  struct ami_channel *dialler = channel_made(calls, message);
  if (!dialler) return;
  dest->dialled_by = ami_ref_of(dialler);
  if (dest->kind == KIND_AGENT) offer(calls, dialler, dest, ts_ms);
  if (dest->kind != KIND_CUSTOMER) return;
  ami_text_set(&dest->number, dialled_number(message));
  attempt(calls, dialler, dest, ts_ms);
}

static enum call_outcome outcome_of_status(struct slice status) {
  static const struct {
    struct slice status;
    enum call_outcome outcome;
  } known[] = {
      {{"BUSY", 4}, OUTCOME_BUSY},           {{"NOANSWER", 8}, OUTCOME_NO_ANSWER},
      {{"CANCEL", 6}, OUTCOME_CANCELLED},    {{"CONGESTION", 10}, OUTCOME_FAILED},
      {{"CHANUNAVAIL", 11}, OUTCOME_FAILED}, {{"INVALIDARGS", 11}, OUTCOME_FAILED},
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (slice_equal(known[i].status, status)) return known[i].outcome;
  }
  return OUTCOME_UNKNOWN;
}

/* The leg that a dialled channel speaks for: its own, or the attempt's. */
static struct ami_leg *leg_behind(struct ami_channel *channel) {
  if (channel->kind == KIND_AGENT) return &channel->leg;
  struct ami_channel *owner = ami_ref_get(channel->owner);
  return owner && owner->leg.open ? &owner->leg : NULL;
}

static void dial_end(struct ami_calls *calls, const struct ami_message *message) {
  struct ami_channel *dest = ami_channel_find(&calls->channels, message->field[KEY_DEST_UNIQUEID]);
  if (!dest) return;
  dest->seen = calls->connection;
  if (slice_equal(message->field[KEY_DIAL_STATUS], SLICE("ANSWER"))) dest->ringing = false;
  struct ami_leg *leg = leg_behind(dest);
  if (leg) leg->outcome = outcome_of_status(message->field[KEY_DIAL_STATUS]);
}

/* --- bridges and ends --- */

static void bridge_enter(struct ami_calls *calls, const struct ami_message *message, msec_t ts_ms) {
  struct ami_channel *channel = channel_made(calls, message);
  if (!channel) return;
  channel->ringing = false;
  struct ami_bridge *before = channel->bridge;
  struct slice id = message->field[KEY_BRIDGE];
  if (before && !slice_equal(id, (struct slice){before->id, before->id_len})) {
    ami_bridge_left(calls, channel, ts_ms);
  }
  ami_channel_bridge(&calls->channels, channel, id);
  if (!channel->bridge) return;
  channel->bridge->holding =
      slice_equal(message->field[KEY_BRIDGE_TECHNOLOGY], SLICE("holding_bridge"));
  ami_settle(calls, channel->bridge, ts_ms, false);
}

void ami_bridge_left(struct ami_calls *calls, struct ami_channel *channel, msec_t ts_ms) {
  struct ami_bridge *bridge = channel->bridge;
  if (!bridge) return;
  bool others = bridge->first != channel || channel->bridge_next;
  ami_channel_bridge(&calls->channels, channel, (struct slice){0});
  if (channel->kind == KIND_AGENT) ami_talk_set(calls, channel, false, ts_ms);
  if (others) ami_settle(calls, bridge, ts_ms, false);
  if (channel->pair) ami_settle(calls, channel->pair->bridge, ts_ms, false);
}

static void bridge_leave(struct ami_calls *calls, const struct ami_message *message, msec_t ts_ms) {
  struct ami_channel *channel = channel_of(calls, message);
  if (!channel || !channel->bridge) return;
  struct slice bridge = {channel->bridge->id, channel->bridge->id_len};
  if (slice_equal(message->field[KEY_BRIDGE], bridge)) ami_bridge_left(calls, channel, ts_ms);
}

/* Q.850 causes by which the network, not the called one, ended an attempt.
 * DialStatus NOANSWER alone says too little: chan_pjsip gives it for SIP 404 (cause
 * 1), 500 (38), 480 (19), 603 (21) and a dial timeout (0). The first two failed;
 * the others rang, or could have, and were not answered. 503 is CONGESTION. */
static bool cause_is_failure(int64_t cause) {
  enum { TIMER_EXPIRED = 102, INTERWORKING = 127 };
  return (cause >= 1 && cause <= 3) || cause == 22 || cause == 27 || cause == 28 ||
         (cause >= 34 && cause < INTERWORKING && cause != TIMER_EXPIRED);
}

static void hangup(struct ami_calls *calls, const struct ami_message *message, msec_t ts_ms) {
  struct ami_channel *channel = channel_of(calls, message);
  if (!channel) return;
  int64_t cause = ami_number(message->field[KEY_CAUSE], 0);
  struct ami_leg *leg = leg_behind(channel);
  if (leg && (channel->kind != KIND_AGENT || leg->cause == 0)) {
    leg->cause = cause < 1000 ? (int)cause : 0;
    /* The agent's channel has the cause too, and may be the first to go. */
    if (leg->outcome == OUTCOME_NO_ANSWER && cause_is_failure(cause)) {
      leg->outcome = OUTCOME_FAILED;
    }
  }
  ami_bridge_left(calls, channel, ts_ms);
  if (channel->kind == KIND_AGENT) ami_leg_end(calls, channel, ts_ms);
  ami_channel_remove(&calls->channels, channel);
}

static void hold(struct ami_calls *calls, const struct ami_message *message, bool held,
                 msec_t ts_ms) {
  struct ami_channel *channel = channel_of(calls, message);
  if (!channel || !channel->leg.open || channel->leg.held == held) return;
  channel->leg.held = held;
  ami_leg_tell(calls, channel, held ? EVENT_CALL_HOLD : EVENT_CALL_RETRIEVE, ts_ms);
}

/* --- the rest --- */

static void queue(struct ami_calls *calls, const struct ami_message *message) {
  struct ami_channel *channel = channel_made(calls, message);
  if (!channel) return;
  bool joins = message->event == AMI_QUEUE_JOIN;
  ami_text_set(&channel->group->queue, joins ? message->field[KEY_QUEUE] : (struct slice){0});
}

/* A masquerade: the leg goes on with another telephone (pickup, forwarding). */
static void rename_channel(struct ami_calls *calls, const struct ami_message *message,
                           msec_t ts_ms) {
  struct ami_channel *channel = channel_of(calls, message);
  struct slice name = message->field[KEY_NEWNAME];
  if (!channel || channel->kind == KIND_LOCAL) return;
  if (name.len == 0 || name.len > AMI_NAME_SIZE || memchr(name.data, '<', name.len)) return;
  struct slice agent = {0};
  enum ami_kind kind = ami_kind_of(&calls->channels, *calls->roster, name, &agent);
  if (kind == KIND_LOCAL) return;
  memcpy(channel->name, name.data, name.len);
  channel->name_len = (uint8_t)name.len;
  if (kind == channel->kind && slice_equal(agent, channel->agent)) return;
  enum call_dir dir = channel->leg.open ? channel->leg.dir : DIR_UNKNOWN;
  ami_leg_end(calls, channel, ts_ms);
  channel->kind = kind;
  channel->agent = agent;
  if (kind == KIND_AGENT && dir != DIR_UNKNOWN) {
    ami_leg_begin(calls, channel, dir, ami_customer_of(channel->group, false), ts_ms);
  }
  ami_settle(calls, channel->bridge, ts_ms, false);
}

static const char *missing_field(const struct ami_message *message) {
  const struct slice *field = message->field;
  if (message->event == AMI_DIAL_BEGIN || message->event == AMI_DIAL_END) {
    if (field[KEY_DEST_UNIQUEID].len == 0) return "DestUniqueid";
    return field[KEY_DEST_UNIQUEID].len > AMI_ID_SIZE ? "DestUniqueid" : NULL;
  }
  if (field[KEY_UNIQUEID].len == 0 || field[KEY_UNIQUEID].len > AMI_ID_SIZE) return "Uniqueid";
  bool bridge = message->event == AMI_BRIDGE_ENTER || message->event == AMI_BRIDGE_LEAVE;
  if (!bridge) return NULL;
  size_t len = field[KEY_BRIDGE].len;
  return len == 0 || len > AMI_ID_SIZE ? "BridgeUniqueid" : NULL;
}

bool ami_calls_take(struct ami_calls *calls, const struct ami_message *message, msec_t ts_ms,
                    const char **problem) {
  const char *missing = missing_field(message);
  if (missing) return *problem = missing, false;
  switch (message->event) {
  case AMI_NEWCHANNEL: channel_made(calls, message); break;
  case AMI_RENAME: rename_channel(calls, message, ts_ms); break;
  case AMI_DIAL_BEGIN: dial_begin(calls, message, ts_ms); break;
  case AMI_DIAL_END: dial_end(calls, message); break;
  case AMI_BRIDGE_ENTER: bridge_enter(calls, message, ts_ms); break;
  case AMI_BRIDGE_LEAVE: bridge_leave(calls, message, ts_ms); break;
  case AMI_HANGUP: hangup(calls, message, ts_ms); break;
  case AMI_HOLD: hold(calls, message, true, ts_ms); break;
  case AMI_UNHOLD: hold(calls, message, false, ts_ms); break;
  case AMI_QUEUE_JOIN:
  case AMI_QUEUE_LEAVE: queue(calls, message); break;
  default: break;
  }
  return true;
}
