/* Kamailio's evapi as a client: it sends what its configuration makes of each
 * dialog (conf/switches/kamailio), as flat JSON. No login, no questions: being
 * connected is being up, and only the heartbeat tells that it still lives. */
#include <stdio.h>
#include <stdlib.h>

#include "callpace/base/crc32c.h"
#include "evapi_internal.h"

enum { AGENT_MAX = 128, NUMBER_MAX = 512 }; /* bytes, as in the line protocol */

struct evapi {
  struct evapi_calls calls;
  bool events_clock;
  bool up_told;
  struct evapi_framer framer;
  struct flat_object object;
  char short_id[EVAPI_ID_MAX + 1];
  msec_t last_ms; /* of the last good message, arrival; MSEC_NONE */
  bool gap_told;
  msec_t heartbeat_ms, interval_ms;
};

static void *evapi_open(const struct dialect_setup *setup) {
  struct evapi *evapi = mem_zalloc(sizeof *evapi);
  evapi_calls_init(&evapi->calls);
  evapi->calls.source = slice_of(setup->source);
  evapi->calls.roster = setup->roster;
  evapi->events_clock = setup->events_clock;
  return evapi;
}

static void evapi_close(void *self) {
  struct evapi *evapi = self;
  if (!evapi) return;
  evapi_calls_free(&evapi->calls);
  free(evapi);
}

static void evapi_greet(void *self, msec_t now_ms, struct writer *out) {
  struct evapi *evapi = self;
  (void)out; /* whatever is sent would be an event to the switch */
  evapi->up_told = evapi->gap_told = false;
  evapi->framer = (struct evapi_framer){0};
  evapi->last_ms = evapi->calls.begun_ms = now_ms;
  evapi->heartbeat_ms = MSEC_NONE;
  evapi->interval_ms = 0;
  evapi->calls.connection++;
}

static void evapi_lost(void *self, msec_t now_ms) {
  struct evapi *evapi = self;
  evapi->calls.lost_ms = now_ms;
}

/* Three heartbeats may be missed, as far as it has any. */
static unsigned evapi_patience_s(const void *self) {
  enum { BEATS = 3, SLACK_S = 5, LONGEST_S = 3600 };
  const struct evapi *evapi = self;
  msec_t interval_s = (evapi->interval_ms + MSEC_PER_SEC - 1) / MSEC_PER_SEC;
  if (interval_s <= 0 || interval_s > LONGEST_S) return 0;
  return (unsigned)interval_s * BEATS + SLACK_S;
}

/* --- what the pipeline is told besides events --- */

static enum item_kind tell(struct item *item, enum item_kind kind, const char *code,
                           const char *message) {
  *item = (struct item){.code = code};
  snprintf(item->message, sizeof item->message, "%s", message);
  return kind;
}

static enum item_kind refuse(const struct evapi *evapi, struct item *item, const char *code,
                             const char *message, struct slice line) {
  tell(item, ITEM_REFUSED, code, message);
  item->line_number = evapi->framer.line_number;
  item->line = (struct slice){line.data, line.len < FLAT_LINE_MAX ? line.len : FLAT_LINE_MAX};
  return ITEM_REFUSED;
}

/* The stream is out of step: a slow reader is sent half a message. Nobody knows
 * what came before is whole; it was at the last good message. */
static enum item_kind broken(struct evapi *evapi, struct slice unread, msec_t now_ms,
                             struct item *item) {
  if (!evapi->gap_told) {
    evapi->gap_told = true;
    struct call_event gap = call_event_of(EVENT_SOURCE_GAP, now_ms);
    gap.from_ms = evapi->last_ms < now_ms ? evapi->last_ms : now_ms;
    gap.to_ms = now_ms;
    *item = (struct item){.event = gap};
    return ITEM_EVENT;
  }
  tell(item, ITEM_CLOSE, "bad_frame", "neither a netstring nor a line of JSON: ");
  size_t at = strlen(item->message);
  for (size_t i = 0; i < unread.len && i < 40; i++) {
    char c = unread.data[i];
    item->message[at++] = c >= ' ' && c <= '~' ? c : '?';
  }
  return ITEM_CLOSE;
}

/* --- fields --- */

/* "1795458992.843950" -> ms; also without a fraction. MSEC_NONE: no such time. */
static msec_t epoch_ms(struct slice text) {
  enum { SECONDS_MAX = 11 };
  msec_t seconds = 0, ms = 0;
  size_t at = 0;
  for (; at < text.len && text.data[at] != '.'; at++) {
    if (at == SECONDS_MAX || text.data[at] < '0' || text.data[at] > '9') return MSEC_NONE;
    seconds = seconds * 10 + (text.data[at] - '0');
  }
  if (at == 0) return MSEC_NONE;
  for (size_t digit = 0, unit = 100; at + 1 + digit < text.len; digit++, unit /= 10) {
    char c = text.data[at + 1 + digit];
    if (c < '0' || c > '9') return MSEC_NONE;
    ms += (c - '0') * (msec_t)unit;
  }
  return seconds * MSEC_PER_SEC + ms;
}

static void keep(struct evapi_event *event, const struct flat_member *member) {
  static const struct {
    struct slice key;
    size_t offset;
  } texts[] = {
      {{"ev", 2}, offsetof(struct evapi_event, name)},
      {{"call_id", 7}, offsetof(struct evapi_event, call_id)},
      {{"agent", 5}, offsetof(struct evapi_event, agent)},
      {{"number", 6}, offsetof(struct evapi_event, number)},
      {{"dir", 3}, offsetof(struct evapi_event, dir)},
      {{"code", 4}, offsetof(struct evapi_event, code)},
      {{"by", 2}, offsetof(struct evapi_event, by)},
      {{"queue", 5}, offsetof(struct evapi_event, queue)},
  };
  if (member->kind != FLAT_STRING && member->kind != FLAT_NUMBER) return;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    if (!slice_equal(member->key, texts[i].key)) continue;
    *(struct slice *)(void *)((char *)event + texts[i].offset) = member->value;
    return;
  }
  if (slice_equal(member->key, SLICE("ts"))) event->ts_ms = epoch_ms(member->value);
  if (slice_equal(member->key, SLICE("t0"))) event->start_ms = epoch_ms(member->value);
  if (slice_equal(member->key, SLICE("t1"))) event->answer_ms = epoch_ms(member->value);
  if (slice_equal(member->key, SLICE("active"))) flat_int(member, &event->active);
}

/* A long Call-ID keeps its beginning and what makes it different. */
static void shorten(struct evapi *evapi, struct slice *id) {
  enum { SUM_LEN = 9 };
  if (id->len <= EVAPI_ID_MAX) return;
  uint32_t sum = crc32c(0, id->data, id->len);
  memcpy(evapi->short_id, id->data, EVAPI_ID_MAX - SUM_LEN);
  snprintf(evapi->short_id + EVAPI_ID_MAX - SUM_LEN, SUM_LEN + 1, "~%08x", sum);
  *id = (struct slice){evapi->short_id, EVAPI_ID_MAX};
}

static const char *too_long_field(const struct evapi_event *event) {
  if (event->agent.len > AGENT_MAX) return "agent is longer than 128 bytes";
  if (event->number.len > NUMBER_MAX) return "number is longer than 512 bytes";
  if (event->queue.len > NUMBER_MAX) return "queue is longer than 512 bytes";
  return event->code.len > NUMBER_MAX ? "code is longer than 512 bytes" : NULL;
}

/* A time far ahead is not believed. */
static void limit_times(const struct evapi *evapi, struct evapi_event *event, msec_t now_ms) {
  enum { AHEAD_MAX_MS = 5 * 60 * 1000 };
  msec_t latest_ms = evapi->events_clock ? MSEC_MAX : now_ms + AHEAD_MAX_MS;
  if (event->ts_ms == MSEC_NONE || event->ts_ms > latest_ms) event->ts_ms = now_ms;
  if (event->start_ms > event->ts_ms) event->start_ms = MSEC_NONE;
  if (event->answer_ms > event->ts_ms) event->answer_ms = MSEC_NONE;
}

static void heartbeat(struct evapi *evapi, int64_t active, msec_t now_ms) {
  if (evapi->heartbeat_ms != MSEC_NONE) evapi->interval_ms = now_ms - evapi->heartbeat_ms;
  evapi->heartbeat_ms = now_ms;
  evapi_calls_heartbeat(&evapi->calls, active, now_ms);
}

static enum item_kind take_message(struct evapi *evapi, struct slice text, msec_t now_ms,
                                   struct item *item) {
  struct evapi_event event = {
      .ts_ms = MSEC_NONE, .start_ms = MSEC_NONE, .answer_ms = MSEC_NONE, .active = -1};
  enum flat_result scanned = flat_json_scan(text, &evapi->object);
  if (scanned != FLAT_OK) {
    const char *code = scanned == FLAT_BAD_UTF8 ? "bad_utf8" : "bad_json";
    return refuse(evapi, item, code, evapi->object.error, text);
  }
  evapi->last_ms = now_ms;
  for (unsigned i = 0; i < evapi->object.count; i++)
    keep(&event, &evapi->object.members[i]);
  if (slice_equal(event.name, SLICE("heartbeat"))) {
    heartbeat(evapi, event.active, now_ms);
    return ITEM_MORE;
  }
  limit_times(evapi, &event, now_ms);
  shorten(evapi, &event.call_id);
  const char *code = "bad_field", *problem = too_long_field(&event);
  if (!problem && evapi_calls_take(&evapi->calls, &event, &code, &problem)) return ITEM_MORE;
  return refuse(evapi, item, code, problem, text);
}

static enum item_kind evapi_next(void *self, struct slice *unread, bool end, msec_t now_ms,
                                 struct item *item, struct writer *out) {
  struct evapi *evapi = self;
  (void)out;
  if (!evapi->up_told) {
    evapi->up_told = true;
    return tell(item, ITEM_UP, NULL, "Kamailio evapi");
  }
  for (;;) {
    struct call_event event;
    if (event_queue_take(&evapi->calls.queue, &event)) {
      *item = (struct item){.event = event};
      return ITEM_EVENT;
    }
    struct slice text;
    enum item_kind kind = ITEM_MORE;
    switch (evapi_frame_next(&evapi->framer, unread, &text)) {
    case EVAPI_MORE: return ITEM_MORE;
    case EVAPI_BROKEN: return end ? ITEM_MORE : broken(evapi, *unread, now_ms, item);
    case EVAPI_TOO_LONG:
      return refuse(evapi, item, "too_long", "a message is longer than 4,096 bytes", text);
    case EVAPI_WHOLE: kind = take_message(evapi, text, now_ms, item); break;
    }
    if (kind != ITEM_MORE) return kind;
  }
}

const struct dialect dialect_evapi = {
    .name = "evapi",
    .is_client = true,
    .unread_max = FLAT_LINE_MAX + 16,
    .open = evapi_open,
    .close = evapi_close,
    .greet = evapi_greet,
    .next = evapi_next,
    .lost = evapi_lost,
    .patience_s = evapi_patience_s,
};
