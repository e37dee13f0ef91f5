/* Recordings of switches: files, and calls as a dialect tells them. */
#ifndef CALLPACE_TESTS_TOLD_FIXTURE_H
#define CALLPACE_TESTS_TOLD_FIXTURE_H

#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "callpace/dialect/dialect.h"

enum { CALLS_MAX = 1000 };

/* How a recording is cut into reads. */
enum cut { CUT_AS_READ, CUT_BYTES, CUT_WHOLE, CUTS };
static const char *const cut_names[CUTS] = {"as read", "byte by byte", "all at once"};

/* A gzipped file of tests/data, NUL behind it; free with free(). */
static inline char *load(const char *family, const char *scenario, const char *name, size_t *len) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s/%s/%s", TEST_DATA, family, scenario, name);
  gzFile file = gzopen(path, "rb");
  cr_assert(file, "%s", path);
  struct writer bytes = {0};
  int got;
  while ((got = gzread(file, writer_reserve(&bytes, 65536), 65536)) > 0)
    bytes.len += (size_t)got;
  cr_assert_eq(got, 0, "%s", path);
  gzclose(file);
  *len = bytes.len;
  writer_text(&bytes);
  return bytes.data;
}

/* --- what the dialect says --- */

struct told_call {
  char id[64], agent[16], number[32], queue[16];
  enum call_dir dir;
  enum call_outcome outcome;
  bool answered, ended, lost;
  msec_t start_ms, answer_ms, end_ms, talk_ms, held_since_ms, hold_ms;
};

struct told {
  struct told_call calls[CALLS_MAX];
  size_t count, gaps;
  bool up;
  char closed[32], why[160]; /* code and message of ITEM_CLOSE */
  bool slowly;
};

static inline struct told_call *told_find(struct told *told, struct slice id) {
  for (size_t i = told->count; i-- > 0;) {
    if (slice_equal(slice_of(told->calls[i].id), id)) return &told->calls[i];
  }
  return NULL;
}

#define TEXT(to, slice) snprintf(to, sizeof to, "%.*s", (int)(slice).len, (slice).data)

/* Of conflicting repeats the earliest wins, as in the core. */
static inline void told_start(struct told *told, const struct call_event *event) {
  struct told_call *call = told_find(told, event->call);
  if (!call) {
    cr_assert_lt(told->count, CALLS_MAX);
    call = &told->calls[told->count++];
    TEXT(call->id, event->call);
    call->start_ms = call->answer_ms = MSEC_MAX;
  }
  if (event->ts_ms >= call->start_ms) return;
  call->start_ms = event->ts_ms;
  call->dir = event->dir;
  TEXT(call->agent, event->agent);
  TEXT(call->number, event->number);
  TEXT(call->queue, event->queue);
}

static inline void told_event(struct told *told, const struct call_event *event) {
  if (event->type == EVENT_AGENT_STATE) return;
  if (event->type == EVENT_SOURCE_GAP) {
    told->gaps++;
    return;
  }
  if (event->type == EVENT_CALL_START) {
    told_start(told, event);
    return;
  }
  struct told_call *call = told_find(told, event->call);
  cr_assert(call && !call->ended, "an event of no open call");
  switch (event->type) {
  case EVENT_CALL_ANSWER:
    call->answered = true;
    if (event->ts_ms < call->answer_ms) call->answer_ms = event->ts_ms;
    break;
  case EVENT_CALL_HOLD: call->held_since_ms = event->ts_ms; break;
  case EVENT_CALL_RETRIEVE: call->hold_ms += event->ts_ms - call->held_since_ms; break;
  case EVENT_CALL_LOST: call->lost = call->ended = true; break;
  default:
    call->ended = true;
    call->end_ms = event->ts_ms;
    call->outcome = event->outcome;
    cr_assert_eq(call->answered, event->outcome == OUTCOME_ANSWERED);
    cr_assert_neq(event->outcome, OUTCOME_UNKNOWN);
    if (call->answered) call->talk_ms = event->talk_ms;
  }
}

static inline msec_t ms_of(const json_t *object, const char *key) {
  return (msec_t)llround(json_number_value(json_object_get(object, key)) * 1000.0);
}

static inline const char *text_of(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  return text ? text : "";
}

#endif
