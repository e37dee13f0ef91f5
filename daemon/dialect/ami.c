/* The Asterisk manager interface as a client: banner, login, events, heartbeat,
 * and the reconciliation after a reconnect. Asterisk 12 and later (AMI 2 on). */
#include <stdio.h>
#include <stdlib.h>

#include "ami_internal.h"

enum ami_state {
  STATE_BANNER, /* the peer has not said what it is */
  STATE_LOGIN,  /* the login is on its way */
  STATE_BOOT,   /* logged in; FullyBooted follows, maybe much later */
  STATE_UP
};

struct ami {
  struct ami_calls calls;
  const char *username, *secret;
  enum ami_state state;
  struct ami_framer framer;
  msec_t booted_ms; /* when the switch came up, as it told last; MSEC_NONE */
  bool full_told;
  char banner[80];
};

static const struct slice action_commands = {"callpace-commands", 17};
static const struct slice action_status = {"callpace-status", 15};
static const struct slice action_ping = {"callpace-ping", 13};

static void *ami_open(const struct dialect_setup *setup) {
  struct ami *ami = mem_zalloc(sizeof *ami);
  ami->calls.source = slice_of(setup->source);
  ami->calls.roster = setup->roster;
  ami->calls.lost_ms = MSEC_NONE;
  ami_channels_init(&ami->calls.channels);
  ami->username = setup->username ? setup->username : "";
  ami->secret = setup->secret ? setup->secret : "";
  ami->calls.clock.events = setup->events_clock;
  ami->booted_ms = MSEC_NONE;
  return ami;
}

static void ami_close(void *self) {
  struct ami *ami = self;
  if (!ami) return;
  ami_channels_free(&ami->calls.channels);
  event_queue_free(&ami->calls.events);
  writer_free(&ami->calls.id);
  free(ami->calls.walk);
  free(ami);
}

/* A sweep belongs to the connection that asked for it. */
static void finish_sweep(struct ami *ami, msec_t now_ms) {
  while (ami->calls.sweep != SWEEP_NONE)
    ami_sweep_step(&ami->calls, now_ms);
}

static void ami_greet(void *self, msec_t now_ms, struct writer *out) {
  struct ami *ami = self;
  (void)out; /* Asterisk speaks first */
  finish_sweep(ami, now_ms);
  ami->state = STATE_BANNER;
  ami->framer = (struct ami_framer){0};
  ami->full_told = ami->calls.full = false;
  ami->calls.connection++;
  ami_clock_connected(&ami->calls.clock);
}

static void ami_lost(void *self, msec_t now_ms) {
  struct ami *ami = self;
  finish_sweep(ami, now_ms);
  /* A failed attempt to come back does not move the loss. */
  if (ami->state == STATE_UP) ami->calls.lost_ms = now_ms;
  ami->state = STATE_BANNER;
}

static void put_action(struct writer *out, const char *action, struct slice id) {
  put_format(out, "Action: %s\r\nActionID: ", action);
  put_slice(out, id);
  put_text(out, "\r\n");
}

static void ami_ping(void *self, msec_t now_ms, struct writer *out) {
  struct ami *ami = self;
  (void)now_ms;
  if (ami->state < STATE_BOOT) return;
  put_action(out, "Ping", action_ping);
  put_text(out, "\r\n");
}

/* --- what the pipeline is told besides events --- */

/* Words of the switch in a log line: printable ones only. */
static void add_words(char *message, size_t size, struct slice words) {
  size_t at = strlen(message);
  for (size_t i = 0; i < words.len && i < 80 && at + 1 < size; i++) {
    char c = words.data[i];
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

static enum item_kind refuse(const struct ami *ami, struct item *item, const char *code,
                             const char *message, struct slice line) {
  enum { SHOWN_MAX = 4096 };
  tell(item, ITEM_REFUSED, code, message, (struct slice){0});
  item->line_number = ami->framer.message;
  item->line = (struct slice){line.data, line.len < SHOWN_MAX ? line.len : SHOWN_MAX};
  return ITEM_REFUSED;
}

/* --- login --- */

/* A value must not end its line. */
static void put_value(struct writer *out, const char *key, const char *value) {
  put_format(out, "%s: ", key);
  put_bytes(out, value, strcspn(value, "\r\n"));
  put_text(out, "\r\n");
}

static enum item_kind take_banner(struct ami *ami, struct slice *unread, bool end,
                                  struct item *item, struct writer *out) {
  static const char expected[] = "Asterisk Call Manager/";
  const char *line_end = unread->len ? memchr(unread->data, '\n', unread->len) : NULL;
  struct slice line = {unread->data, line_end ? (size_t)(line_end - unread->data) : unread->len};
  size_t known = line.len < sizeof expected - 1 ? line.len : sizeof expected - 1;
  if (line.len && (memcmp(line.data, expected, known) != 0 || line.len > AMI_BANNER_MAX)) {
    return tell(item, ITEM_CLOSE, "not_ami", "no Asterisk manager answers there, but: ", line);
  }
  if (!line_end || end) return ITEM_MORE;
  unread->data += line.len + 1;
  unread->len -= line.len + 1;
  ami->framer.lone_lf = line.len == 0 || line.data[line.len - 1] != '\r';
  if (!ami->framer.lone_lf) line.len--;
  ami->banner[0] = '\0';
  add_words(ami->banner, sizeof ami->banner, line);
  ami->state = STATE_LOGIN;
  put_action(out, "Login", SLICE("callpace-login"));
  put_value(out, "Username", ami->username);
  put_value(out, "Secret", ami->secret);
  put_text(out, "Events: call,agent,system\r\n\r\n");
  return ITEM_MORE;
}

static enum item_kind login_answered(struct ami *ami, const struct ami_message *message,
                                     struct item *item) {
  if (slice_equal(message->field[KEY_RESPONSE], SLICE("Success"))) {
    ami->state = STATE_BOOT;
    return ITEM_MORE;
  }
  tell(item, ITEM_CLOSE, "login_refused", "the switch refused the login as ",
       slice_of(ami->username));
  add_words(item->message, sizeof item->message, SLICE(": "));
  add_words(item->message, sizeof item->message, message->field[KEY_MESSAGE]);
  item->retry_slowly = true;
  return ITEM_CLOSE;
}

/* Whether the switch that tells this uptime (whole seconds) is another process
 * than the one before the gap. */
static bool has_restarted(struct ami *ami, struct slice uptime, msec_t now_ms) {
  enum { SLACK_MS = 30 * 1000, DAYS_MAX = 36500 }; /* late reads, steps of the clock */
  int64_t seconds = ami_number(uptime, -1);
  if (seconds < 0 || seconds > (int64_t)DAYS_MAX * 86400) return false;
  msec_t before = ami->booted_ms, booted = now_ms - seconds * MSEC_PER_SEC;
  ami->booted_ms = booted;
  if (ami->calls.lost_ms == MSEC_NONE) return false;
  if (before != MSEC_NONE && booted - before > SLACK_MS) return true;
  return booted - MSEC_PER_SEC >= ami->calls.lost_ms;
}

static enum item_kind come_up(struct ami *ami, struct item *item, struct writer *out) {
  ami->state = STATE_UP;
  put_action(out, "ListCommands", action_commands);
  put_text(out, "\r\n");
  put_action(out, "Status", action_status);
  put_text(out, "Variables: CDR(start),CDR(answer)\r\n\r\n");
  return tell(item, ITEM_UP, NULL, ami->banner, (struct slice){0});
}

static enum item_kind fully_booted(struct ami *ami, const struct ami_message *message,
                                   msec_t now_ms, struct item *item, struct writer *out) {
  if (ami->state != STATE_BOOT) return ITEM_MORE;
  if (has_restarted(ami, message->field[KEY_UPTIME], now_ms)) {
    ami_sweep_begin(&ami->calls, SWEEP_RESTART);
  }
  return come_up(ami, item, out);
}

/* --- answers --- */

/* Only what the account may run is listed. */
static enum item_kind check_privilege(struct slice text, struct item *item) {
  static const char *const harmful[] = {"Originate", "Command", "UpdateConfig", "Redirect",
                                        "Setvar",    "DBPut",   "ModuleLoad",   "QueueAdd",
                                        "UserEvent", "Hangup"};
  char found[100] = "";
  for (size_t i = 0; i < sizeof harmful / sizeof harmful[0]; i++) {
    if (!ami_message_has_line(text, slice_of(harmful[i]))) continue;
    size_t at = strlen(found);
    snprintf(found + at, sizeof found - at, "%s%s", at ? ", " : "", harmful[i]);
  }
  if (!found[0]) return ITEM_MORE;
  return tell(item, ITEM_WARNING, "too_much_privilege",
              "the manager account needs no more than write = reporting, but it may run ",
              slice_of(found));
}

static enum item_kind take_response(struct ami *ami, struct slice text,
                                    const struct ami_message *message, struct item *item,
                                    struct writer *out) {
  struct slice id = message->field[KEY_ACTION_ID];
  bool success = slice_equal(message->field[KEY_RESPONSE], SLICE("Success"));
  if (ami->state == STATE_LOGIN) return login_answered(ami, message, item);
  /* An account without read = system is never told FullyBooted. */
  if (ami->state == STATE_BOOT && slice_equal(id, action_ping)) return come_up(ami, item, out);
  if (slice_equal(id, action_commands) && success) return check_privilege(text, item);
  if (!slice_equal(id, action_status) || success) return ITEM_MORE;
  ami_sweep_begin(&ami->calls, SWEEP_UNLISTED);
  return tell(item, ITEM_WARNING, "no_listing",
              "live calls cannot be compared after a gap without write = reporting: ",
              message->field[KEY_MESSAGE]);
}

/* --- messages --- */

static msec_t time_of(struct ami *ami, const struct ami_message *message, msec_t now_ms) {
  msec_t ts = ami_timestamp(message->field[KEY_TIMESTAMP]);
  if (ts == MSEC_NONE) return ami_clock_from_ours(&ami->calls.clock, now_ms);
  return ami_clock_stamp(&ami->calls, ts, now_ms);
}

static enum item_kind take_event(struct ami *ami, struct slice text,
                                 const struct ami_message *message, msec_t now_ms,
                                 struct item *item) {
  const char *field = NULL;
  if (!ami_calls_take(&ami->calls, message, time_of(ami, message, now_ms), &field)) {
    char words[64];
    snprintf(words, sizeof words, "%s is missing or too long", field);
    return refuse(ami, item, "bad_field", words, text);
  }
  if (!ami->calls.full || ami->full_told) return ITEM_MORE;
  ami->full_told = true;
  return tell(item, ITEM_WARNING, "too_many_channels",
              "more live channels than can be followed; some calls are not counted",
              (struct slice){0});
}

static enum item_kind take_message(struct ami *ami, struct slice text, msec_t now_ms,
                                   struct item *item, struct writer *out) {
  enum ami_event event = ami_event_of(text);
  if (event == AMI_OTHER) return ITEM_MORE;
  struct ami_message message;
  if (!ami_message_read(&ami->framer, text, event, &message)) {
    return refuse(ami, item, "too_long", "a line is longer than 8 KiB", text);
  }
  switch (event) {
  case AMI_RESPONSE: return take_response(ami, text, &message, item, out);
  case AMI_FULLY_BOOTED: return fully_booted(ami, &message, now_ms, item, out);
  case AMI_LISTED: ami_listed(&ami->calls, &message, now_ms); return ITEM_MORE;
  case AMI_LIST_COMPLETE:
    ami_clock_list_complete(&ami->calls.clock);
    ami_sweep_begin(&ami->calls, SWEEP_GONE);
    return ITEM_MORE;
  default: return take_event(ami, text, &message, now_ms, item);
  }
}

static bool take_pending(struct ami *ami, msec_t now_ms, struct call_event *event) {
  while (!event_queue_take(&ami->calls.events, event)) {
    if (ami->calls.sweep == SWEEP_NONE) return false;
    ami_sweep_step(&ami->calls, now_ms);
  }
  return true;
}

static enum item_kind ami_next(void *self, struct slice *unread, bool end, msec_t now_ms,
                               struct item *item, struct writer *out) {
  struct ami *ami = self;
  for (;;) {
    struct call_event event;
    if (take_pending(ami, now_ms, &event)) {
      *item = (struct item){.event = event};
      return ITEM_EVENT;
    }
    if (ami->state == STATE_BANNER) {
      enum item_kind kind = take_banner(ami, unread, end, item, out);
      if (kind != ITEM_MORE || ami->state == STATE_BANNER) return kind;
    }
    struct slice text;
    enum ami_frame frame = ami_frame_next(&ami->framer, unread, &text);
    if (frame == FRAME_MORE) return ITEM_MORE;
    if (frame == FRAME_TOO_LONG) {
      return refuse(ami, item, "too_long", "a message is longer than 64 KiB", text);
    }
    enum item_kind kind = take_message(ami, text, now_ms, item, out);
    if (kind != ITEM_MORE) return kind;
  }
}

const struct dialect dialect_ami = {
    .name = "ami",
    .is_client = true,
    .unread_max = AMI_MESSAGE_MAX + 4,
    .open = ami_open,
    .close = ami_close,
    .greet = ami_greet,
    .next = ami_next,
    .lost = ami_lost,
    .ping = ami_ping,
};
