/* One connection's items, from the dialect to the line and back to the sender. */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "callpace/base/log.h"
#include "callpace/base/mem.h"
#include "callpace/engine/pipeline.h"
#include "callpace/io/rejects.h"
#include "intake_internal.h"

/* Names of producers are remembered for ever: nobody may invent them without end. */
enum { PRODUCERS_MAX = 10000 };

/* Items read before the first of them is taken. */
enum { AHEAD_MAX = CENTRE_AHEAD_MAX };

/* ---- answering ---- */

static void answer_after_commit(struct connection *c) {
  struct intake *intake = c->source->intake;
  if (c->due_link) return;
  c->due_link = &intake->due;
  c->due_next = intake->due;
  if (c->due_next) c->due_next->due_link = &c->due_next;
  intake->due = c;
}

static void no_answer_due(struct connection *c) {
  if (!c->due_link) return;
  if (c->due_next) c->due_next->due_link = c->due_link;
  *c->due_link = c->due_next;
  c->due_link = NULL;
}

static bool send_reply(struct connection *c) {
  struct writer *out = &c->source->intake->out;
  put_char(out, '\n');
  return session_send(c->session, writer_slice(out));
}

static struct writer *reply_of(struct connection *c, const char *type) {
  struct writer *out = &c->source->intake->out;
  writer_reset(out);
  json_open(out, '{');
  json_put_text(out, "type", type);
  return out;
}

static bool welcome(struct connection *c) {
  struct writer *out = reply_of(c, "welcome");
  json_put_int(out, "v", 1);
  json_put_text(out, "producer", c->epoch->producer->name);
  json_put_uint(out, "seq", c->welcome_seq);
  json_close(out, '}');
  c->welcome_due = !send_reply(c);
  return !c->welcome_due;
}

/* False when the connection is full: tried again later. */
static bool answer(struct connection *c) {
  if (c->welcome_due && !welcome(c)) return false;
  if (!c->ack_due) return true;
  struct writer *out = reply_of(c, "ack");
  json_put_uint(out, "seq", c->epoch->seq);
  json_close(out, '}');
  c->ack_due = !send_reply(c);
  return !c->ack_due;
}

void intake_acknowledge(struct intake *intake) {
  for (struct connection *c = intake->due, *next; c; c = next) {
    next = c->due_next;
    if (answer(c)) no_answer_due(c);
  }
}

/* ---- bad input ---- */

static void refuse(struct connection *c, const struct item *item, const char *code,
                   const char *message, struct slice line) {
  struct source *s = c->source;
  s->refused++;
  rejects_add(s->intake->engine->rejects, s->intake->engine->wall_ms, s->name, code, line);
  if (s->dialect->is_client || s->dialect->is_mute) return;
  struct writer *out = reply_of(c, "error");
  json_put_uint(out, "line", item->line_number);
  json_put_text(out, "code", code);
  json_put_text(out, "message", message);
  json_close(out, '}');
  send_reply(c);
}

/* ---- sequence numbers ---- */

static void record_gap(struct source *s, enum gap_kind kind, const char *reason, msec_t from_ms,
                       msec_t to_ms) {
  s->gaps[kind]++;
  struct record record = {.type = RECORD_GAP,
                          .gap = {.from_ms = from_ms,
                                  .to_ms = to_ms,
                                  .source = slice_of(s->name),
                                  .reason = slice_of(reason)}};
  pipeline_record(s->intake->engine, &record);
  centre_judge_all(s->intake->engine->fold.centre);
  log_warning("source_gap", KV("source", s->name), KV("reason", reason), KV_INT("from_ms", from_ms),
              KV_INT("to_ms", to_ms));
}

/* False: a repetition, acknowledged and not counted again. */
static bool take_seq(struct connection *c, uint64_t seq, msec_t ts_ms) {
  struct producer_epoch *epoch = c->epoch;
  c->ack_due = true;
  answer_after_commit(c);
  if (seq <= epoch->seq) {
    c->source->duplicates++;
    return false;
  }
  uint64_t missing = seq - epoch->seq - 1;
  if (missing > c->excused && epoch->last_ms != MSEC_NONE && ts_ms != MSEC_NONE) {
    bool forward = epoch->last_ms <= ts_ms;
    record_gap(c->source, GAP_SEQUENCE, "jump in seq", forward ? epoch->last_ms : ts_ms,
               forward ? ts_ms : epoch->last_ms);
  }
  if (missing > 0) c->excused = 0;
  return true;
}

/* ---- items ---- */

/* What the line did not take, or not as it was meant. */
static void answer_result(struct connection *c, const struct item *item,
                          enum centre_result result) {
  static const struct {
    const char *code, *message;
  } refusals[] = {
      [CENTRE_MISSING_FIELD] = {"missing_field", "the event lacks a call, agent, lead or member"},
      [CENTRE_TOO_MANY_AGENTS] = {"bad_field", "agent: too many agents that are not on the roster"},
      [CENTRE_LEAD_HOLD] = {"lead_hold",
                            "the agent gets no leads in that week: it went to the pool"},
      [CENTRE_UNKNOWN_LEAD] = {"unknown_lead", "the agent does not hold that lead in that week"},
      [CENTRE_TOO_MANY_LEADS] = {"bad_field", "lead: too many leads are held"},
      [CENTRE_BAD_WEEK] = {"bad_field", "week: more than a year ahead"},
  };
  if (result >= sizeof refusals / sizeof *refusals || !refusals[result].code) return;
  refuse(c, item, refusals[result].code, refusals[result].message, item->line);
}

static void on_event(struct connection *c, struct item *item) {
  struct source *s = c->source;
  struct engine *e = s->intake->engine;
  if (c->epoch && !take_seq(c, item->seq, item->event.ts_ms)) return;
  s->events++;
  if (item->event.type == EVENT_SOURCE_GAP) s->gaps[GAP_DECLARED]++;
  if (item->event.ts_ms > s->last_event_ms) s->last_event_ms = item->event.ts_ms;
  msec_t arrival_ms = session_arrival_ms(c->session);
  s->last_arrival_ms = arrival_ms == MSEC_NONE ? e->wall_ms : arrival_ms;
  uint32_t origin = c->epoch ? c->origin : source_origin(s);
  answer_result(c, item, pipeline_event(e, origin, c->epoch ? item->seq : 0, &item->event));
}

static void on_refused(struct connection *c, struct item *item) {
  refuse(c, item, item->code, item->message, item->line);
  if (!c->epoch) return;
  if (!item->has_seq) {
    c->excused++;
    return;
  }
  if (!take_seq(c, item->seq, MSEC_NONE)) return;
  struct record record = {.type = RECORD_SEQ, .origin = c->origin, .seq = item->seq};
  pipeline_record(c->source->intake->engine, &record);
}

static bool token_fits(const struct source *s, struct slice token) {
  const char *wanted = s->config->token;
  if (!wanted) return true;
  return token.len == strlen(wanted) && CRYPTO_memcmp(token.data, wanted, token.len) == 0;
}

static void not_authorized(struct connection *c) {
  struct writer *out = reply_of(c, "error");
  json_put_text(out, "code", "not_authorized");
  json_put_text(out, "message", "the source needs a valid token in hello");
  json_close(out, '}');
  send_reply(c);
  c->source->refused++;
  session_close(c->session, "not authorized");
}

/* A producer has one connection: the newest. */
static void replace(struct connection *old, const struct source *by) {
  struct source *s = old->source;
  session_close(old->session, "the producer connected again");
  connection_free(old);
  if (s != by && s->introduced == 0) source_down(s, "its producer went to another source");
}

static void on_hello(struct connection *c, const struct item *item) {
  struct source *s = c->source;
  struct intake *intake = s->intake;
  struct engine *e = intake->engine;
  if (!token_fits(s, item->token)) {
    not_authorized(c);
    return;
  }
  const struct table *known = &e->fold.producers.by_name;
  if (known->count >= PRODUCERS_MAX && !table_get(known, item->producer)) {
    refuse(c, item, "bad_field", "producer: too many different producers", item->line);
    return;
  }
  struct connection *other = table_get(&intake->by_producer, item->producer);
  if (other) replace(other, s);

  bool all_durable = journal_durable_lsn(e->journal) == journal_appended_lsn(e->journal);
  c->origin = journal_origin(e->journal, slice_of(s->name), item->producer, item->epoch, e->now_ms);
  c->epoch = fold_name_origin(&e->fold, c->origin, slice_of(s->name), item->producer, item->epoch);
  table_put(&intake->by_producer, slice_of(c->epoch->producer->name), c);
  c->welcome_seq = c->epoch->seq;
  /* What the connection before has just sent is promised after the barrier only. */
  if (!(all_durable || c->welcome_seq == 0) || !welcome(c)) {
    c->welcome_due = true;
    answer_after_commit(c);
  }
  s->introduced++;
  struct record record = {.type = RECORD_SOURCE,
                          .source = {.change = SOURCE_PRODUCER_UP,
                                     .at_ms = e->now_ms,
                                     .source = slice_of(s->name),
                                     .producer = item->producer}};
  pipeline_record(e, &record);
  source_up(s, "producer connected");
}

/* Where a source has a token, nothing but hello opens it. */
static bool may_speak(struct connection *c, enum item_kind kind) {
  if (c->epoch || !c->source->config->token || c->source->dialect->is_client) return true;
  if (kind == ITEM_HELLO) return true;
  not_authorized(c);
  return false;
}

static void on_item(struct connection *c, enum item_kind kind, struct item *item) {
  struct source *s = c->source;
  if (!may_speak(c, kind)) return;
  switch (kind) {
  case ITEM_EVENT: on_event(c, item); break;
  case ITEM_HELLO: on_hello(c, item); break;
  case ITEM_REFUSED: on_refused(c, item); break;
  case ITEM_UP:
    connector_proved(s->connector);
    source_up(s, item->message);
    break;
  case ITEM_WARNING:
    log_warning("source_warning", KV("source", s->name), KV("code", item->code),
                KV("message", item->message));
    break;
  case ITEM_CLOSE:
    if (s->connector && item->retry_slowly) connector_retry_slowly(s->connector);
    log_warning("source_closing", KV("source", s->name), KV("code", item->code),
                KV("reason", item->message));
    source_down(s, item->message);
    c->told = true;
    session_close(c->session, item->code);
    break;
  case ITEM_MORE: break;
  }
}

/* When it came. The event clock, once it runs, is "now" for whoever sends no time
 * stamp. */
static msec_t dialect_now(const struct engine *e, const struct session *session) {
  if (e->fold.clock_events && e->now_ms > 0) return e->now_ms;
  msec_t arrival_ms = session_arrival_ms(session);
  return arrival_ms == MSEC_NONE ? e->wall_ms : arrival_ms;
}

/* Takes the next items out of the bytes; returns how many. More than one only where
 * they do not depend on what the one before changes. What they will touch is fetched
 * meanwhile: memory answers slower than the line works. */
static size_t next_items(struct connection *c, struct slice *unread, bool end,
                         struct item items[AHEAD_MAX], enum item_kind kinds[AHEAD_MAX],
                         struct centre_ahead *ahead, struct writer *answers) {
  struct source *s = c->source;
  struct engine *e = s->intake->engine;
  void *state = c->state ? c->state : s->client_state;
  size_t most = s->dialect->items_last && !e->fold.clock_events ? AHEAD_MAX : 1;
  for (size_t i = 0; i < most; i++) {
    items[i].line = SLICE("");
    items[i].line_number = 0;
    kinds[i] = s->dialect->next(state, unread, end, dialect_now(e, c->session), &items[i], answers);
    if (kinds[i] == ITEM_MORE) return i;
    if (most == 1 || kinds[i] != ITEM_EVENT || items[i].passing) return i + 1;
    centre_ahead_add(e->fold.centre, ahead, &items[i].event);
  }
  return most;
}

/* Takes all items out of the bytes; returns how many were used. */
static size_t take_items(struct connection *c, const char *data, size_t len, bool end) {
  struct session *session = c->session;
  struct slice unread = {data, len};
  struct writer answers = {0};
  struct item items[AHEAD_MAX];
  enum item_kind kinds[AHEAD_MAX];
  struct centre_ahead ahead = {.count = 0};
  for (size_t count; (count = next_items(c, &unread, end, items, kinds, &ahead, &answers)) > 0;) {
    centre_ahead_fetch(c->source->intake->engine->fold.centre, &ahead);
    for (size_t i = 0; i < count && !session_is_closing(session); i++)
      on_item(c, kinds[i], &items[i]);
    if (session_is_closing(session)) {
      unread.len = 0; /* what stands behind a refusal is not looked at */
      break;
    }
  }
  if (answers.len) session_send(session, writer_slice(&answers));
  writer_free(&answers);
  return len - unread.len;
}

static size_t on_bytes(struct session *session, const char *data, size_t len, bool end,
                       void *user) {
  struct source *s = user;
  struct connection *c = session_data(session);
  if (!c) return len; /* replaced by a newer connection of its producer */
  pipeline_begin(s->intake->engine);
  c->silent_s = 0;
  return take_items(c, data, len, end);
}

/* ---- connections ---- */

static void on_opened(struct session *session, void *user) {
  struct source *s = user;
  struct engine *e = s->intake->engine;
  pipeline_begin(e);
  struct connection *c = mem_zalloc(sizeof *c);
  *c = (struct connection){
      .source = s, .session = session, .link = &s->connections, .next = s->connections};
  if (c->next) c->next->link = &c->next;
  s->connections = c;
  session_set_data(session, c);
  if (!s->dialect->is_client) c->state = s->dialect->open(&s->setup);
  if (!s->dialect->greet) return;
  writer_reset(&s->intake->out);
  s->dialect->greet(c->state ? c->state : s->client_state, dialect_now(e, session),
                    &s->intake->out);
  if (s->intake->out.len) session_send(session, writer_slice(&s->intake->out));
  /* Where nobody greets, being connected is being up. */
  if (s->dialect->is_client) take_items(c, NULL, 0, false);
}

void connection_free(struct connection *c) {
  struct source *s = c->source;
  struct intake *intake = s->intake;
  no_answer_due(c);
  if (c->next) c->next->link = c->link;
  *c->link = c->next;
  session_set_data(c->session, NULL);
  if (c->state) s->dialect->close(c->state);
  if (c->epoch) {
    table_remove(&intake->by_producer, slice_of(c->epoch->producer->name));
    /* The next hello gets a new number, so that headers name the living only. */
    journal_forget_origin(intake->engine->journal, c->origin);
    struct record record = {.type = RECORD_SOURCE,
                            .source = {.change = SOURCE_PRODUCER_DOWN,
                                       .at_ms = intake->engine->now_ms,
                                       .source = slice_of(s->name),
                                       .producer = slice_of(c->epoch->producer->name)}};
    pipeline_record(intake->engine, &record);
    s->introduced--;
  }
  free(c);
}

static void on_failed(struct connector *connector, const char *reason, void *user) {
  (void)connector;
  struct source *s = user;
  source_down(s, reason);
  log_warning("connect_failed", KV("source", s->name), KV("reason", reason));
}

static void on_closed(struct session *session, const char *reason, void *user) {
  struct source *s = user;
  struct connection *c = session_data(session);
  pipeline_begin(s->intake->engine);
  if (!c) { /* never opened (TLS), or replaced */
    if (s->dialect->is_client) on_failed(s->connector, reason, s);
    return;
  }
  bool introduced = c->epoch != NULL, told = c->told;
  connection_free(c);
  struct engine *e = s->intake->engine;
  if (s->dialect->lost) s->dialect->lost(s->client_state, dialect_now(e, session));
  msec_t ended_ms = session_arrival_ms(session);
  if (ended_ms != MSEC_NONE && ended_ms < e->now_ms && !e->fold.clock_events)
    record_gap(s, GAP_RECONNECT, reason, ended_ms, e->now_ms);
  if (told) return;
  if (s->dialect->is_client || (introduced && s->introduced == 0)) source_down(s, reason);
}

const struct session_handler intake_sessions = {on_opened, on_bytes, on_closed, on_failed};
