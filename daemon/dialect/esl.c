/* The FreeSWITCH event socket as a client: password, subscription, listing of the
 * live channels, events, heartbeat. Answers are told apart by what they say and
 * not by their order alone, so that one too many or too few does no harm. */
#include <stdio.h>
#include <stdlib.h>

#include "esl_internal.h"

enum esl_state {
  STATE_GREETING, /* the switch has not asked for the password */
  STATE_AUTH,     /* the password is on its way */
  STATE_ACCEPTED, /* the subscription is on its way */
  STATE_UP
};

struct esl {
  struct esl_calls calls;
  const char *username, *password;
  bool json, events_clock;
  enum esl_state state;
  struct esl_framer framer;
  struct esl_listing listing;
  struct writer decoded;
  bool answering;    /* inside the body of an api/response */
  bool list_awaited; /* asked for and not come yet */
  bool full_told;
  char core[64]; /* Core-UUID: another one is another life of the switch */
  msec_t heartbeat_ms, interval_ms;
  unsigned fewer; /* heartbeats in a row that tell of fewer legs than are known */
};

static void *esl_open(const struct dialect_setup *setup) {
  struct esl *esl = mem_zalloc(sizeof *esl);
  esl->calls.source = slice_of(setup->source);
  esl->calls.roster = setup->roster;
  esl->calls.lost_ms = MSEC_NONE;
  esl_legs_init(&esl->calls.legs);
  esl->username = setup->username;
  esl->password = setup->secret ? setup->secret : "";
  esl->json = setup->json_events;
  esl->events_clock = setup->events_clock;
  esl->heartbeat_ms = MSEC_NONE;
  return esl;
}

static void esl_close(void *self) {
  struct esl *esl = self;
  if (!esl) return;
  esl_legs_free(&esl->calls.legs);
  event_queue_free(&esl->calls.queue);
  writer_free(&esl->calls.id);
  writer_free(&esl->decoded);
  free(esl);
}

static void finish_sweep(struct esl *esl, msec_t now_ms) {
  while (esl->calls.sweep != SWEEP_NONE)
    esl_sweep_step(&esl->calls, now_ms);
}

static void esl_greet(void *self, msec_t now_ms, struct writer *out) {
  struct esl *esl = self;
  (void)out; /* the switch speaks first */
  finish_sweep(esl, now_ms);
  esl->state = STATE_GREETING;
  esl->framer = (struct esl_framer){0};
  esl->answering = esl->list_awaited = false;
  esl->full_told = esl->calls.full = false;
  esl->heartbeat_ms = MSEC_NONE;
  esl->interval_ms = 0;
  esl->fewer = 0;
  esl->calls.round++;
}

static void esl_lost(void *self, msec_t now_ms) {
  struct esl *esl = self;
  finish_sweep(esl, now_ms);
  /* A failed attempt to come back does not move the loss. */
  if (esl->state == STATE_UP) esl->calls.lost_ms = now_ms;
  esl->state = STATE_GREETING;
}

static void esl_ping(void *self, msec_t now_ms, struct writer *out) {
  const struct esl *esl = self;
  (void)now_ms;
  if (esl->state == STATE_UP) put_text(out, "api uptime s\n\n");
}

static void ask_for_channels(struct esl *esl, struct writer *out) {
  esl->list_awaited = true;
  put_text(out, "api show channels as json\n\n");
}

/* --- what the pipeline is told besides events --- */

/* Words of the switch in a log line: printable ones of the first line. */
static void add_words(char *message, size_t size, struct slice words) {
  size_t at = strlen(message);
  for (size_t i = 0; i < words.len && i < 80 && at + 1 < size; i++) {
    char c = words.data[i];
    if (c == '\n') break;
    message[at++] = c >= ' ' && c <= '~' ? c : '?';
  }
  message[at] = '\0';
}

static enum item_kind tell(struct item *item, enum item_kind kind, const char *code,
                           const char *message, struct slice words) {
  *item = (struct item){.code = code};
  snprintf(item->message, sizeof item->message, "%s", message);
  add_words(item->message, sizeof item->message, words);
  return kind;
}

static enum item_kind refuse(const struct esl *esl, struct item *item, const char *code,
                             const char *message, struct slice line) {
  enum { SHOWN_MAX = 4096 };
  tell(item, ITEM_REFUSED, code, message, (struct slice){0});
  item->line_number = esl->framer.frame;
  item->line = (struct slice){line.data, line.len < SHOWN_MAX ? line.len : SHOWN_MAX};
  return ITEM_REFUSED;
}

static enum item_kind shut_out(struct item *item, const char *code, const char *message,
                               struct slice words) {
  tell(item, ITEM_CLOSE, code, message, words);
  item->retry_slowly = true;
  return ITEM_CLOSE;
}

/* --- login and subscription --- */

/* A value must not end its line. */
static void put_value(struct writer *out, const char *value) {
  put_bytes(out, value, strcspn(value, "\r\n"));
}

static enum item_kind authenticate(struct esl *esl, struct writer *out) {
  if (esl->state != STATE_GREETING) return ITEM_MORE;
  esl->state = STATE_AUTH;
  put_text(out, esl->username ? "userauth " : "auth ");
  if (esl->username) {
    put_value(out, esl->username);
    put_char(out, ':');
  }
  put_value(out, esl->password);
  put_text(out, "\n\n");
  return ITEM_MORE;
}

/* Names that the switch does not know are passed over by it; all behind CUSTOM are
 * subclasses. */
static void subscribe(struct esl *esl, struct writer *out) {
  esl->state = STATE_ACCEPTED;
  put_format(out,
             "event %s CHANNEL_CREATE CHANNEL_ANSWER CHANNEL_BRIDGE CHANNEL_UNBRIDGE "
             "CHANNEL_HOLD CHANNEL_UNHOLD CHANNEL_HANGUP_COMPLETE HEARTBEAT "
             "CUSTOM callcenter::info\n\n",
             esl->json ? "json" : "plain");
}

static enum item_kind come_up(struct esl *esl, struct item *item, struct writer *out) {
  esl->state = STATE_UP;
  ask_for_channels(esl, out);
  return tell(item, ITEM_UP, NULL, "FreeSWITCH event socket", (struct slice){0});
}

static enum item_kind take_reply(struct esl *esl, struct slice reply, struct item *item,
                                 struct writer *out) {
  bool ok = reply.len >= 3 && memcmp(reply.data, "+OK", 3) == 0;
  switch (esl->state) {
  case STATE_AUTH:
    if (!ok) {
      return shut_out(item, "login_refused", "the switch refused the password: ", reply);
    }
    subscribe(esl, out);
    return ITEM_MORE;
  case STATE_ACCEPTED:
    if (ok) return come_up(esl, item, out);
    return shut_out(item, "events_refused", "the switch refused to send events: ", reply);
  default: return ITEM_MORE;
  }
}

/* --- events --- */

static msec_t time_of(const struct esl *esl, const struct esl_event *event, msec_t now_ms) {
  msec_t ts = esl_time(event->field[KEY_EVENT_TIME]);
  return ts == MSEC_NONE || ts > esl->calls.latest_ms ? now_ms : ts;
}

/* A switch that started anew knows none of the calls before. */
static void look_at_core(struct esl *esl, struct slice core) {
  if (core.len == 0 || core.len >= sizeof esl->core) return;
  if (slice_equal(core, slice_of(esl->core))) return;
  if (esl->core[0]) esl_sweep_begin(&esl->calls, SWEEP_GONE);
  memcpy(esl->core, core.data, core.len);
  esl->core[core.len] = '\0';
}

/* The switch drops events when its queue is full, and tells nobody: twice fewer
 * legs than are known means that ends were missed. */
static void heartbeat(struct esl *esl, const struct esl_event *event, msec_t now_ms,
                      struct writer *out) {
  if (esl->heartbeat_ms != MSEC_NONE) esl->interval_ms = now_ms - esl->heartbeat_ms;
  int64_t sessions = esl_number(event->field[KEY_SESSIONS], INT32_MAX);
  int64_t known = (int64_t)esl->calls.legs.count;
  bool fewer = sessions == 0 ? known > 0 : known > sessions + sessions / 4 + 8;
  esl->fewer = fewer ? esl->fewer + 1 : 0;
  if (esl->fewer == 2 && esl->state == STATE_UP) {
    esl->calls.round++;
    esl->calls.lost_ms = esl->heartbeat_ms;
    ask_for_channels(esl, out);
  }
  esl->heartbeat_ms = now_ms;
}

static enum item_kind take_event(struct esl *esl, struct slice body, const struct esl_event *event,
                                 msec_t now_ms, struct item *item, struct writer *out) {
  if (event->kind == ESL_OTHER) return ITEM_MORE;
  look_at_core(esl, event->field[KEY_CORE]);
  if (event->kind == ESL_HEARTBEAT) {
    heartbeat(esl, event, now_ms, out);
    return ITEM_MORE;
  }
  finish_sweep(esl, now_ms);
  const char *field = NULL;
  if (!esl_calls_take(&esl->calls, event, time_of(esl, event, now_ms), &field)) {
    char words[64];
    snprintf(words, sizeof words, "%s is missing or too long", field);
    return refuse(esl, item, "bad_field", words, body);
  }
  if (!esl->calls.full || esl->full_told) return ITEM_MORE;
  esl->full_told = true;
  return tell(item, ITEM_WARNING, "too_many_channels",
              "more live channels than can be followed; some calls are not counted",
              (struct slice){0});
}

/* --- answers to api commands --- */

/* The switch may answer commands while its events have stopped. */
static bool heart_stands_still(const struct esl *esl, msec_t now_ms) {
  enum { BEATS_MISSED = 3, SLACK_MS = 10 * 1000 };
  if (esl->events_clock || esl->heartbeat_ms == MSEC_NONE || esl->interval_ms <= 0) return false;
  return now_ms - esl->heartbeat_ms > BEATS_MISSED * esl->interval_ms + SLACK_MS;
}

static enum item_kind other_answer(struct esl *esl, struct slice text, msec_t now_ms,
                                   struct item *item) {
  bool refused = text.len > 0 && text.data[0] == '-';
  if (refused && esl->list_awaited) {
    esl->list_awaited = false;
    esl_sweep_begin(&esl->calls, SWEEP_UNLISTED);
    return tell(item, ITEM_WARNING, "no_listing",
                "live calls cannot be compared after a gap without `show channels`: ", text);
  }
  if (!heart_stands_still(esl, now_ms)) return ITEM_MORE;
  return tell(item, ITEM_CLOSE, "no_heartbeat", "the switch answers, but its events have stopped",
              (struct slice){0});
}

/* Takes what has come of an answer's body. */
static enum item_kind take_answer(struct esl *esl, struct slice *unread, msec_t now_ms,
                                  struct item *item) {
  uint64_t left = esl->framer.body_len;
  bool whole = left <= unread->len;
  size_t given = whole ? (size_t)left : unread->len;
  struct slice body = {unread->data, given}, row = {0};
  enum esl_listing_kind kind = esl_listing_next(&esl->listing, &body, whole, &row);
  size_t used = given - body.len;
  unread->data += used;
  unread->len -= used;
  esl->framer.body_len -= used;
  struct esl_event event;
  switch (kind) {
  case LISTING_ROW:
    if (esl_event_read_json(row, &esl->decoded, &event)) {
      esl_listed(&esl->calls, &event, now_ms);
    } else {
      esl->listing.broken = true;
    }
    return ITEM_MORE;
  case LISTING_DONE: esl_sweep_begin(&esl->calls, SWEEP_JOIN); break;
  case LISTING_BROKEN:
    esl->answering = esl->list_awaited = false;
    esl_sweep_begin(&esl->calls, SWEEP_UNLISTED);
    return tell(item, ITEM_WARNING, "no_listing", "the switch's list of channels is broken",
                (struct slice){0});
  case LISTING_OTHER:
    esl->answering = false;
    esl->framer.skipping = !whole; /* the rest is of no use */
    return other_answer(esl, row, now_ms, item);
  default: return ITEM_MORE;
  }
  esl->answering = esl->list_awaited = false;
  return ITEM_MORE;
}

/* --- frames --- */

static enum item_kind take_frame(struct esl *esl, const struct esl_frame *frame, msec_t now_ms,
                                 struct item *item, struct writer *out) {
  struct esl_event event;
  switch (frame->content) {
  case CONTENT_AUTH_REQUEST: return authenticate(esl, out);
  case CONTENT_COMMAND_REPLY: return take_reply(esl, frame->reply, item, out);
  case CONTENT_EVENT_PLAIN:
    esl_event_read_plain(frame->body, &esl->decoded, &event);
    return take_event(esl, frame->body, &event, now_ms, item, out);
  case CONTENT_EVENT_JSON:
    if (!esl_event_read_json(frame->body, &esl->decoded, &event)) {
      return refuse(esl, item, "bad_json", "the event is no JSON object", frame->body);
    }
    return take_event(esl, frame->body, &event, now_ms, item, out);
  case CONTENT_DISCONNECT:
    return tell(item, ITEM_CLOSE, "disconnected", "the switch disconnects: ", frame->body);
  case CONTENT_REJECTION:
    return shut_out(
        item, "address_refused",
        "the switch's access list (apply-inbound-acl) refuses this host: ", frame->body);
  default: return ITEM_MORE;
  }
}

static bool take_pending(struct esl *esl, msec_t now_ms, struct call_event *event) {
  while (!event_queue_take(&esl->calls.queue, event)) {
    if (esl->calls.sweep == SWEEP_NONE) return false;
    esl_sweep_step(&esl->calls, now_ms);
  }
  return true;
}

static enum item_kind broken(const struct esl *esl, struct slice unread, struct item *item) {
  if (esl->state == STATE_GREETING) {
    return tell(item, ITEM_CLOSE, "not_esl",
                "no FreeSWITCH event socket answers there, but: ", unread);
  }
  return tell(item, ITEM_CLOSE, "bad_frame", "the switch sent what is no frame: ", unread);
}

static enum item_kind esl_next(void *self, struct slice *unread, bool end, msec_t now_ms,
                               struct item *item, struct writer *out) {
  enum { AHEAD_MAX_MS = 5 * 60 * 1000 };
  struct esl *esl = self;
  (void)end; /* half a frame is nothing */
  esl->calls.latest_ms = esl->events_clock ? MSEC_MAX : now_ms + AHEAD_MAX_MS;
  for (;;) {
    struct call_event event;
    if (take_pending(esl, now_ms, &event)) {
      *item = (struct item){.event = event};
      return ITEM_EVENT;
    }
    enum item_kind kind = ITEM_MORE;
    if (esl->answering) {
      size_t before = unread->len;
      kind = take_answer(esl, unread, now_ms, item);
      if (kind == ITEM_MORE && esl->answering && before == unread->len) return ITEM_MORE;
    } else {
      struct esl_frame frame;
      switch (esl_frame_next(&esl->framer, unread, &frame)) {
      case FRAME_MORE: return ITEM_MORE;
      case FRAME_BROKEN: return broken(esl, *unread, item);
      case FRAME_TOO_LONG:
        return refuse(esl, item, "too_long", "an event is longer than 96 KiB", frame.body);
      case FRAME_ANSWER:
        esl->answering = true;
        esl->listing = (struct esl_listing){0};
        break;
      case FRAME_WHOLE: kind = take_frame(esl, &frame, now_ms, item, out); break;
      }
    }
    if (kind != ITEM_MORE) return kind;
  }
}

const struct dialect dialect_esl = {
    .name = "esl",
    .is_client = true,
    .unread_max = ESL_HEADERS_MAX + ESL_BODY_MAX + 4,
    .open = esl_open,
    .close = esl_close,
    .greet = esl_greet,
    .next = esl_next,
    .lost = esl_lost,
    .ping = esl_ping,
};
