/* An ESL dialect on a bench: feeds it frames, keeps what it said and sent. */
#ifndef CALLPACE_TESTS_ESL_FIXTURE_H
#define CALLPACE_TESTS_ESL_FIXTURE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "callpace/dialect/dialect.h"

#define NOW_MS ((msec_t)1795458200000)

struct rig {
  void *esl;
  struct writer out, log;
  struct item item; /* the last that was no event */
  enum item_kind kind;
  msec_t now_ms;
  struct agent agents[3];
  struct roster roster;
  const struct roster *roster_now;
  struct dialect_setup setup;
};

static inline void rig_open(struct rig *rig) {
  *rig = (struct rig){.now_ms = NOW_MS, .roster_now = &rig->roster};
  rig->agents[0].id = "1001";
  rig->agents[1].id = "1002";
  rig->agents[2].id = "wang";
  table_put(&rig->roster.by_id, SLICE("1001"), &rig->agents[0]);
  table_put(&rig->roster.by_id, SLICE("1002"), &rig->agents[1]);
  table_put(&rig->roster.by_extension, SLICE("1003"), &rig->agents[2]);
  rig->setup = (struct dialect_setup){.source = "fs", .secret = "top", .roster = &rig->roster_now};
  rig->esl = dialect_esl.open(&rig->setup);
  dialect_esl.greet(rig->esl, rig->now_ms, &rig->out);
}

static inline void rig_close(struct rig *rig) {
  dialect_esl.close(rig->esl);
  writer_free(&rig->out);
  writer_free(&rig->log);
  table_free(&rig->roster.by_id);
  table_free(&rig->roster.by_extension);
}

/* "start a 1001 out 0600 | answer a | end a answered 3000". */
static inline void log_event(struct rig *rig, const struct call_event *event) {
  struct writer *log = &rig->log;
  if (log->len) put_text(log, " | ");
  if (event->type == EVENT_AGENT_STATE) {
    put_format(log, "%.*s is %s", (int)event->agent.len, event->agent.data,
               agent_state_name(event->state));
    return;
  }
  put_text(log, call_event_type_name(event->type) + 5);
  cr_assert(event->call.len > 3 && memcmp(event->call.data, "fs:", 3) == 0);
  put_char(log, ' ');
  put_bytes(log, event->call.data + 3, event->call.len - 3);
  if (event->type == EVENT_CALL_START) {
    put_format(log, " %.*s %s ", (int)event->agent.len, event->agent.data,
               call_dir_name(event->dir));
    put_slice(log, event->number);
  }
  if (event->type != EVENT_CALL_END) return;
  put_format(log, " %s", call_outcome_name(event->outcome));
  if (event->talk_ms != MSEC_NONE) put_format(log, " %lld", (long long)event->talk_ms);
}

/* Feeds bytes; the last item that was no event (ITEM_MORE: none). */
static inline enum item_kind feed_bytes(struct rig *rig, struct slice bytes) {
  rig->kind = ITEM_MORE;
  struct item item;
  enum item_kind kind;
  while ((kind = dialect_esl.next(rig->esl, &bytes, false, rig->now_ms, &item, &rig->out)) !=
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

static inline enum item_kind feed_text(struct rig *rig, const char *text) {
  return feed_bytes(rig, slice_of(text));
}

static inline enum item_kind feed_frame(struct rig *rig, const char *type, const char *body) {
  struct writer frame = {0};
  put_format(&frame, "Content-Length: %zu\nContent-Type: %s\n\n%s", strlen(body), type, body);
  enum item_kind kind = feed_bytes(rig, writer_slice(&frame));
  writer_free(&frame);
  return kind;
}

/* One plain event `ms` after NOW_MS; fields separated by ';'. */
static inline enum item_kind feed_event(struct rig *rig, msec_t ms, const char *name,
                                        const char *fields) {
  struct writer body = {0};
  put_format(&body, "Event-Name: %s\nEvent-Date-Timestamp: %lld000\n", name,
             (long long)(NOW_MS + ms));
  for (const char *at = fields; *at; at++)
    put_char(&body, *at == ';' ? '\n' : *at);
  put_text(&body, "\n\n");
  enum item_kind kind = feed_frame(rig, "text/event-plain", writer_text(&body));
  writer_free(&body);
  return kind;
}

static inline void feed_login(struct rig *rig) {
  cr_assert_eq(feed_text(rig, "Content-Type: auth/request\n\n"), ITEM_MORE);
  cr_assert_eq(feed_text(rig, "Content-Type: command/reply\nReply-Text: +OK accepted\n\n"),
               ITEM_MORE);
  cr_assert_eq(
      feed_text(rig, "Content-Type: command/reply\nReply-Text: +OK event listener enabled\n\n"),
      ITEM_UP);
}

/* The connection breaks off and comes back two seconds later. */
static inline void feed_reconnect(struct rig *rig) {
  dialect_esl.lost(rig->esl, rig->now_ms);
  rig->now_ms += 2000;
  writer_reset(&rig->out);
  dialect_esl.greet(rig->esl, rig->now_ms, &rig->out);
  feed_login(rig);
}

#define EXPECT_LOG(rig, text)                                                                      \
  do {                                                                                             \
    cr_expect_str_eq(writer_text(&(rig)->log), text);                                              \
    writer_reset(&(rig)->log);                                                                     \
  } while (0)

#endif
