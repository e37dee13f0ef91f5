/* What an agent's leg is to callpace. Its direction shows when the leg at its
 * other end does: a customer it dialled, a colleague, a caller from a queue. Until
 * then nothing is told, so that calls to a colleague, a mailbox or a menu are no
 * dials. Talk is the time in which the leg is bridged with a customer; it ends
 * with the leg, not with the bridge's own event some milliseconds earlier. */
#include "esl_internal.h"

static struct call_event event_of(struct esl_calls *calls, const struct esl_leg *leg,
                                  enum call_event_type type, msec_t ts_ms) {
  struct call_event event = call_event_of(type, ts_ms);
  writer_reset(&calls->id);
  put_slice(&calls->id, calls->source);
  put_char(&calls->id, ':');
  put_bytes(&calls->id, leg->id, leg->id_len);
  if (leg->number > 1) {
    put_char(&calls->id, '/');
    put_uint(&calls->id, leg->number);
  }
  event.call = writer_slice(&calls->id);
  return event;
}

void esl_call_tell(struct esl_calls *calls, const struct esl_leg *leg, enum call_event_type type,
                   msec_t ts_ms) {
  struct call_event event = event_of(calls, leg, type, ts_ms);
  event_queue_put(&calls->queue, &event);
}

/* --- talk --- */

static void add_talk(struct esl_leg *leg, msec_t until_ms) {
  if (until_ms > leg->talk_since_ms) leg->talk_ms += until_ms - leg->talk_since_ms;
}

static void stop_talk(struct esl_leg *leg, msec_t ts_ms) {
  enum { ENDING_MS = 1000 }; /* bridge and leg end together, told one after the other */
  if (leg->talking) {
    add_talk(leg, ts_ms);
  } else if (leg->paused_ms != MSEC_NONE) {
    add_talk(leg, ts_ms - leg->paused_ms <= ENDING_MS ? ts_ms : leg->paused_ms);
  }
  leg->talking = false;
  leg->paused_ms = MSEC_NONE;
}

static void start_talk(struct esl_leg *leg, msec_t ts_ms) {
  if (leg->talking) return;
  if (leg->paused_ms != MSEC_NONE) add_talk(leg, leg->paused_ms);
  leg->paused_ms = MSEC_NONE;
  leg->talking = true;
  leg->talk_since_ms = ts_ms;
}

/* --- beginning and end --- */

static void end_call(struct esl_calls *calls, struct esl_leg *leg, enum call_outcome outcome,
                     struct slice cause, msec_t ts_ms) {
  stop_talk(leg, ts_ms);
  leg->open = false;
  struct call_event event = event_of(calls, leg, EVENT_CALL_END, ts_ms);
  event.outcome = leg->answered ? OUTCOME_ANSWERED : outcome;
  if (leg->answered) event.talk_ms = leg->talk_ms;
  event.cause = cause;
  event_queue_put(&calls->queue, &event);
}

/* The switch's own default where a click-to-dial names no number. */
static bool is_number(const struct esl_text *text) {
  for (uint8_t i = 0; i < text->len; i++) {
    if (text->data[i] != '0') return true;
  }
  return false;
}

static void tell_start(struct esl_calls *calls, const struct esl_leg *leg,
                       const struct esl_leg *customer, msec_t ts_ms) {
  struct call_event event = event_of(calls, leg, EVENT_CALL_START, ts_ms);
  bool picked_up = leg->dir == DIR_IN && leg->inbound;
  bool of_customer = customer && (leg->number > 1 || picked_up || !is_number(&leg->other));
  event.dir = leg->dir;
  event.agent = esl_text_slice(&leg->agent);
  event.number = esl_text_slice(of_customer ? &customer->other : &leg->other);
  event.queue = esl_text_slice(&leg->queue);
  if (customer) event.trunk = esl_text_slice(&customer->trunk);
  event_queue_put(&calls->queue, &event);
}

void esl_call_begin(struct esl_calls *calls, struct esl_leg *leg, enum call_dir dir,
                    const struct esl_leg *customer, msec_t ts_ms) {
  if (leg->open && leg->dir == dir) return;
  if (leg->open) {
    end_call(calls, leg, OUTCOME_CANCELLED, (struct slice){0}, ts_ms);
  }
  leg->open = true;
  leg->dir = dir;
  leg->answered = leg->inexact = leg->held = leg->hold_told = false;
  leg->talk_ms = 0;
  leg->number++;
  tell_start(calls, leg, customer, leg->number == 1 ? leg->created_ms : ts_ms);
}

/* --- who with whom --- */

void esl_call_dialled(struct esl_calls *calls, struct esl_leg *leg, struct esl_leg *dialled,
                      msec_t ts_ms) {
  bool waits = leg->kind == LEG_AGENT && (!leg->open || leg->dir == DIR_INTERNAL) && !leg->bridged;
  if (dialled->kind == LEG_LOOPBACK) return; /* the bridge will show who it leads to */
  if (dialled->kind == LEG_CUSTOMER) {
    if (waits) esl_call_begin(calls, leg, DIR_OUT, dialled, ts_ms);
    return;
  }
  if (leg->kind != LEG_AGENT) {
    if (!dialled->open) esl_call_begin(calls, dialled, DIR_IN, leg, ts_ms);
    return;
  }
  if (waits) esl_call_begin(calls, leg, DIR_INTERNAL, NULL, ts_ms);
  if (!dialled->open) esl_call_begin(calls, dialled, DIR_INTERNAL, NULL, ts_ms);
}

static bool is_id(const char *id, uint8_t len, const struct esl_leg *leg) {
  return slice_equal((struct slice){id, len}, (struct slice){leg->id, leg->id_len});
}

/* A customer that came by itself, or whom a colleague dialled, was picked up. */
static enum call_dir dir_with(const struct esl_leg *leg, const struct esl_leg *customer) {
  if (leg->dir == DIR_INTERNAL || leg->dialled) return DIR_IN;
  if (!customer) return DIR_OUT;
  bool others =
      customer->originator_len && !is_id(customer->originator, customer->originator_len, leg);
  return customer->inbound || (others && leg->inbound) ? DIR_IN : DIR_OUT;
}

static bool leads_to_agent(const struct esl_calls *calls, const struct esl_leg *leg) {
  const struct roster *roster = *calls->roster;
  return roster && roster_find(roster, esl_text_slice(&leg->other));
}

void esl_call_bridged(struct esl_calls *calls, struct esl_leg *leg, const struct esl_leg *peer,
                      msec_t ts_ms) {
  leg->bridged = true;
  bool colleague = peer && (peer->kind == LEG_AGENT ||
                            (peer->kind == LEG_LOOPBACK && leads_to_agent(calls, leg)));
  if (colleague) {
    stop_talk(leg, ts_ms);
    if (!leg->open) esl_call_begin(calls, leg, DIR_INTERNAL, NULL, ts_ms);
    return;
  }
  if (!leg->open || leg->dir == DIR_INTERNAL) {
    esl_call_begin(calls, leg, dir_with(leg, peer), peer, ts_ms);
  }
  start_talk(leg, ts_ms);
  if (leg->answered) return;
  leg->answered = true;
  esl_call_tell(calls, leg, EVENT_CALL_ANSWER, ts_ms);
}

static void set_peer(struct esl_leg *leg, struct slice id) {
  leg->peer_len = (uint8_t)(id.len <= ESL_ID_SIZE ? id.len : 0);
  if (leg->peer_len) memcpy(leg->peer, id.data, leg->peer_len);
}

static void bridge_ends(const struct esl_event *event, struct slice ids[2]) {
  const struct slice *field = event->field;
  ids[0] = field[KEY_BRIDGE_A].len ? field[KEY_BRIDGE_A] : field[KEY_ID];
  ids[1] = field[KEY_BRIDGE_B].len ? field[KEY_BRIDGE_B] : field[KEY_OTHER_ID];
}

static void bridge(struct esl_calls *calls, const struct esl_event *event, msec_t ts_ms) {
  struct slice ids[2];
  bridge_ends(event, ids);
  esl_leg_seen(calls, event, ts_ms);
  for (int i = 0; i < 2; i++) {
    struct esl_leg *leg = esl_leg_find(&calls->legs, ids[i]);
    if (!leg) continue;
    leg->seen = calls->round;
    set_peer(leg, ids[!i]);
    if (leg->kind != LEG_AGENT) continue;
    esl_call_bridged(calls, leg, esl_leg_find(&calls->legs, ids[!i]), ts_ms);
  }
}

static void unbridge(struct esl_calls *calls, const struct esl_event *event, msec_t ts_ms) {
  struct slice ids[2];
  bridge_ends(event, ids);
  for (int i = 0; i < 2; i++) {
    struct esl_leg *leg = esl_leg_find(&calls->legs, ids[i]);
    if (!leg) continue;
    leg->seen = calls->round;
    /* The next bridge may be told before the end of the last one. */
    if (!slice_equal((struct slice){leg->peer, leg->peer_len}, ids[!i])) continue;
    leg->peer_len = 0;
    if (!leg->talking) continue;
    leg->talking = false;
    leg->paused_ms = ts_ms;
  }
}

static void create(struct esl_calls *calls, const struct esl_event *event, msec_t ts_ms) {
  bool known = esl_leg_find(&calls->legs, event->field[KEY_ID]) != NULL;
  struct esl_leg *leg = esl_leg_seen(calls, event, ts_ms);
  if (!leg || known || leg->originator_len == 0) return;
  struct slice id = {leg->originator, leg->originator_len};
  struct esl_leg *originator = esl_leg_find(&calls->legs, id);
  if (originator && originator->kind != LEG_LOOPBACK) {
    esl_call_dialled(calls, originator, leg, ts_ms);
  } else if (leg->kind == LEG_AGENT) {
    const struct slice user = event->field[KEY_OTHER_USERNAME];
    bool colleague = *calls->roster && roster_find(*calls->roster, user);
    esl_call_begin(calls, leg, colleague ? DIR_INTERNAL : DIR_IN, NULL, ts_ms);
  }
}

static void hold(struct esl_calls *calls, const struct esl_event *event, bool held, msec_t ts_ms) {
  struct esl_leg *leg = esl_leg_find(&calls->legs, event->field[KEY_ID]);
  if (!leg) return;
  leg->seen = calls->round;
  if (!leg->open || leg->held == held) return;
  leg->held = held;
  leg->hold_told = true;
  esl_call_tell(calls, leg, held ? EVENT_CALL_HOLD : EVENT_CALL_RETRIEVE, ts_ms);
}

/* --- the end of a leg --- */

static enum call_outcome outcome_of(struct slice cause) {
  static const struct {
    const char *cause;
    enum call_outcome outcome;
  } known[] = {
      {"USER_BUSY", OUTCOME_BUSY},
      {"ORIGINATOR_CANCEL", OUTCOME_CANCELLED},
      {"NORMAL_CLEARING", OUTCOME_CANCELLED},
      {"LOSE_RACE", OUTCOME_CANCELLED},
      {"PICKED_OFF", OUTCOME_CANCELLED},
      {"NO_ANSWER", OUTCOME_NO_ANSWER},
      {"NO_USER_RESPONSE", OUTCOME_NO_ANSWER},
      {"CALL_REJECTED", OUTCOME_NO_ANSWER},
      {"ALLOTTED_TIMEOUT", OUTCOME_NO_ANSWER},
      {"PROGRESS_TIMEOUT", OUTCOME_NO_ANSWER},
      {"MEDIA_TIMEOUT", OUTCOME_NO_ANSWER},
      {"SUBSCRIBER_ABSENT", OUTCOME_NO_ANSWER},
      {"RECOVERY_ON_TIMER_EXPIRE", OUTCOME_NO_ANSWER},
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (slice_equal(slice_of(known[i].cause), cause)) return known[i].outcome;
  }
  return OUTCOME_FAILED;
}

/* What became of the leg that this one dialled, where it tells; "failure" is the
 * switch's word for not yet. */
static struct slice disposition_of(const struct esl_event *event) {
  struct slice disposition = event->field[KEY_DISPOSITION];
  bool tells =
      !slice_equal(disposition, SLICE("failure")) && !slice_equal(disposition, SLICE("SUCCESS"));
  return tells ? disposition : (struct slice){0};
}

/* A leg of which nothing was told so far: what was it, by its end alone?
 * DIR_UNKNOWN: nothing that counts. */
static enum call_dir dir_at_end(const struct esl_calls *calls, const struct esl_event *event,
                                const struct esl_leg *leg) {
  const struct slice *field = event->field;
  struct slice id = {leg->originator, leg->originator_len};
  const struct esl_leg *originator = esl_leg_find(&calls->legs, id);
  const struct esl_leg *other = esl_leg_find(&calls->legs, field[KEY_OTHER_ID]);
  bool up = esl_time(field[KEY_ANSWERED]) != MSEC_NONE;
  if (leg->dialled) return originator && originator->kind == LEG_AGENT ? DIR_INTERNAL : DIR_IN;
  if (other && other->kind == LEG_AGENT) return DIR_INTERNAL;
  if (esl_time(field[KEY_BRIDGED]) != MSEC_NONE) return dir_with(leg, other);
  if (leads_to_agent(calls, leg)) return DIR_INTERNAL;
  /* Of a click-to-dial whose agent never answered no customer was called. */
  if (!leg->inbound && !up) return DIR_UNKNOWN;
  if (!up || disposition_of(event).len) return DIR_OUT;
  /* The switch itself answered: a mailbox, a menu, a queue. */
  return slice_equal(field[KEY_HANGUP_CAUSE], SLICE("NORMAL_CLEARING")) ? DIR_UNKNOWN : DIR_OUT;
}

/* The end tells what was missed while the leg lived. */
static void complete(struct esl_calls *calls, const struct esl_event *event, struct esl_leg *leg,
                     msec_t end_ms) {
  msec_t bridged = esl_time(event->field[KEY_BRIDGED]);
  if (leg->dir == DIR_INTERNAL || bridged == MSEC_NONE || bridged > end_ms) return;
  if (leg->bridged && !leg->inexact) return;
  esl_call_tell(calls, leg, EVENT_CALL_ANSWER, bridged);
  stop_talk(leg, end_ms);
  leg->talk_ms = end_ms - bridged;
  leg->answered = true;
}

static void complete_hold(struct esl_calls *calls, const struct esl_event *event,
                          const struct esl_leg *leg, msec_t end_ms) {
  int64_t held_ms = esl_number(event->field[KEY_HOLD_ACCUM], 0) / 1000;
  if (leg->hold_told || held_ms == 0 || held_ms > leg->talk_ms) return;
  esl_call_tell(calls, leg, EVENT_CALL_HOLD, end_ms - held_ms);
  esl_call_tell(calls, leg, EVENT_CALL_RETRIEVE, end_ms);
}

static void end_leg(struct esl_calls *calls, const struct esl_event *event, struct esl_leg *leg,
                    msec_t end_ms) {
  const struct slice *field = event->field;
  if (leg->guessed) {
    /* Now it is known who it was, and when it began. */
    bool open = leg->open;
    esl_leg_identify(calls, event, leg, end_ms);
    if (open && leg->kind != LEG_AGENT) esl_call_tell(calls, leg, EVENT_CALL_LOST, end_ms);
    if (open && leg->kind == LEG_AGENT) tell_start(calls, leg, NULL, leg->created_ms);
  }
  if (leg->kind != LEG_AGENT) return;
  if (!leg->open) {
    enum call_dir dir = dir_at_end(calls, event, leg);
    if (dir == DIR_UNKNOWN) return;
    const struct esl_leg *other = esl_leg_find(&calls->legs, field[KEY_OTHER_ID]);
    esl_call_begin(calls, leg, dir, other, end_ms);
  }
  complete(calls, event, leg, end_ms);
  complete_hold(calls, event, leg, end_ms);
  struct slice cause = disposition_of(event);
  if (cause.len == 0) cause = field[KEY_HANGUP_CAUSE];
  end_call(calls, leg, outcome_of(cause), cause, end_ms);
}

static void hangup_complete(struct esl_calls *calls, const struct esl_event *event, msec_t ts_ms) {
  struct esl_leg *leg = esl_leg_seen(calls, event, ts_ms);
  if (!leg) return;
  msec_t end_ms = esl_time(event->field[KEY_HANGUP]);
  if (end_ms == MSEC_NONE || end_ms > calls->latest_ms) end_ms = ts_ms;
  end_leg(calls, event, leg, end_ms);
  esl_leg_remove(&calls->legs, leg);
}

/* --- the queue's agents --- */

static void callcenter(struct esl_calls *calls, const struct esl_event *event, msec_t ts_ms) {
  static const struct {
    const char *status;
    enum agent_state state;
  } known[] = {{"Available", AGENT_READY},
               {"Available (On Demand)", AGENT_READY},
               {"On Break", AGENT_NOT_READY},
               {"Logged Out", AGENT_LOGGED_OFF}};
  const struct slice *field = event->field;
  if (!slice_equal(field[KEY_ACTION], SLICE("agent-status-change"))) return;
  struct call_event told = call_event_of(EVENT_AGENT_STATE, ts_ms);
  told.agent = esl_agent_of(calls, field[KEY_ACTION_AGENT]);
  told.reason = field[KEY_ACTION_STATUS];
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (slice_equal(slice_of(known[i].status), told.reason)) told.state = known[i].state;
  }
  if (told.agent.len && told.state != AGENT_STATE_UNKNOWN) event_queue_put(&calls->queue, &told);
}

bool esl_calls_take(struct esl_calls *calls, const struct esl_event *event, msec_t ts_ms,
                    const char **problem) {
  size_t len = event->field[KEY_ID].len;
  bool of_leg = event->kind >= ESL_CREATE && event->kind <= ESL_HANGUP_COMPLETE;
  if (of_leg && (len == 0 || len > ESL_ID_SIZE)) return *problem = "Unique-ID", false;
  switch (event->kind) {
  case ESL_CREATE: create(calls, event, ts_ms); break;
  case ESL_BRIDGE: bridge(calls, event, ts_ms); break;
  case ESL_UNBRIDGE: unbridge(calls, event, ts_ms); break;
  case ESL_HOLD: hold(calls, event, true, ts_ms); break;
  case ESL_UNHOLD: hold(calls, event, false, ts_ms); break;
  case ESL_HANGUP_COMPLETE: hangup_complete(calls, event, ts_ms); break;
  case ESL_CALLCENTER: callcenter(calls, event, ts_ms); break;
  default: break;
  }
  return true;
}
