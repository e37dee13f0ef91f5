/* The AMI dialect as a switch would see it: messages in, call events out as one
 * line of text. The roster has 1001 and 1002 (also DAHDI/i1/5). */
#ifndef CALLPACE_TESTS_AMI_FIXTURE_H
#define CALLPACE_TESTS_AMI_FIXTURE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "callpace/dialect/dialect.h"

enum { NOW = 1795459770 }; /* seconds */
static const msec_t now_ms = (msec_t)NOW * 1000;

static struct agent agents[] = {{.id = "1001"}, {.id = "1002"}};
static struct roster roster;
static const struct roster *roster_now = &roster;

struct rig {
  void *ami;
  struct writer out, log;
  struct slice unread;
  struct item item; /* the last that was no event */
  enum item_kind kind;
  msec_t now_ms;
};

static inline struct rig rig_make(void) {
  table_put(&roster.by_id, SLICE("1001"), &agents[0]);
  table_put(&roster.by_id, SLICE("1002"), &agents[1]);
  table_put(&roster.by_extension, SLICE("DAHDI/i1/5"), &agents[1]);
  static const struct dialect_setup setup = {
      .source = "pbx", .username = "callpace", .secret = "top", .roster = &roster_now};
  struct rig rig = {.ami = dialect_ami.open(&setup), .now_ms = now_ms};
  dialect_ami.greet(rig.ami, rig.now_ms, &rig.out);
  return rig;
}

static inline void rig_free(struct rig *rig) {
  dialect_ami.close(rig->ami);
  writer_free(&rig->out);
  writer_free(&rig->log);
  table_free(&roster.by_id);
  table_free(&roster.by_extension);
}

/* "start 1001 out 0600 | answer | end answered 3000", a call id where it is not
 * the plain one. */
static inline void log_event(struct rig *rig, const struct call_event *event) {
  struct writer *log = &rig->log;
  if (log->len) put_text(log, " | ");
  put_text(log, call_event_type_name(event->type) + 5);
  put_char(log, ' ');
  put_slice(log, event->call);
  if (event->type == EVENT_CALL_START) {
    put_format(log, " %.*s %s ", (int)event->agent.len, event->agent.data,
               call_dir_name(event->dir));
    put_slice(log, event->number);
  }
  if (event->type != EVENT_CALL_END) return;
  put_format(log, " %s", call_outcome_name(event->outcome));
  if (event->talk_ms != MSEC_NONE) put_format(log, " %lld", (long long)event->talk_ms);
}

/* Feeds bytes; the item that ended it (ITEM_MORE: all was taken). */
static inline enum item_kind feed_bytes(struct rig *rig, struct slice bytes) {
  rig->unread = bytes;
  rig->kind = ITEM_MORE;
  struct item item;
  enum item_kind kind;
  while ((kind = dialect_ami.next(rig->ami, &rig->unread, false, rig->now_ms, &item, &rig->out)) !=
         ITEM_MORE) {
    if (kind == ITEM_EVENT) {
      log_event(rig, &item.event);
      continue;
    }
    rig->item = item;
    rig->kind = kind;
    if (kind == ITEM_CLOSE) break;
  }
  return rig->kind;
}

/* One message: fields separated by ';'. */
static inline enum item_kind feed(struct rig *rig, const char *fields) {
  struct writer text = {0};
  for (const char *at = fields; *at; at++) {
    if (*at == ';' && at[1] != '1' && at[1] != '2') {
      put_text(&text, "\r\n");
    } else {
      put_char(&text, *at);
    }
  }
  put_text(&text, "\r\n\r\n");
  enum item_kind kind = feed_bytes(rig, writer_slice(&text));
  writer_free(&text);
  return kind;
}

static inline void login(struct rig *rig, int uptime) {
  char booted[64];
  cr_assert_eq(feed_bytes(rig, SLICE("Asterisk Call Manager/11.0.0\r\n")), ITEM_MORE);
  cr_assert_eq(feed(rig, "Response: Success;ActionID: x;Message: Authentication accepted"),
               ITEM_MORE);
  snprintf(booted, sizeof booted, "Event: FullyBooted;Uptime: %d", uptime);
  cr_assert_eq(feed(rig, booted), ITEM_UP);
}

static inline void newchannel(struct rig *rig, const char *name, const char *id,
                              const char *linkedid) {
  char text[256];
  snprintf(text, sizeof text, "Event: Newchannel;Channel: %s;Uniqueid: %s;Linkedid: %s", name, id,
           linkedid);
  feed(rig, text);
}

static inline void dial(struct rig *rig, const char *from, const char *to, const char *string) {
  char text[256];
  snprintf(text, sizeof text,
           "Event: DialBegin;Uniqueid: %s;Exten: 0600;DestUniqueid: %s;DialString: %s", from, to,
           string);
  feed(rig, text);
}

static inline void bridge(struct rig *rig, const char *event, const char *id) {
  char text[128];
  snprintf(text, sizeof text, "Event: %s;BridgeUniqueid: b1;Uniqueid: %s", event, id);
  feed(rig, text);
}

static inline void hangup(struct rig *rig, const char *id) {
  char text[128];
  snprintf(text, sizeof text, "Event: Hangup;Uniqueid: %s;Cause: 16", id);
  feed(rig, text);
}

/* 1001 dials 0600 and they talk. */
static inline void talk(struct rig *rig) {
  newchannel(rig, "PJSIP/1001-00000000", "1795459769.0", "1795459769.0");
  newchannel(rig, "PJSIP/trunk-00000001", "1795459769.1", "1795459769.0");
  dial(rig, "1795459769.0", "1795459769.1", "0600@trunk");
  bridge(rig, "BridgeEnter", "1795459769.1");
  bridge(rig, "BridgeEnter", "1795459769.0");
}

static inline void expect_log(struct rig *rig, const char *expected) {
  cr_expect_str_eq(writer_text(&rig->log), expected);
  writer_reset(&rig->log);
}

#endif
