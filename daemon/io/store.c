#include <assert.h>
#include <errno.h>
#include <event2/util.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "callpace/base/mem.h"
#include "store_internal.h"

enum {
  CONNECT_MS = 3000,
  REPLY_MS = 5000,
  CHECK_MS = 1000,
  BACKOFF_FIRST_MS = 100,
  BACKOFF_MAX_MS = 2000,
  PAUSE_MAX_US = 250 * 1000,
};
static const usec_t META_RENEW_US = (usec_t)MSEC_PER_HOUR * 1000;

static void in_ms(struct event *timer, msec_t ms) {
  struct timeval after = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
  event_add(timer, &after);
}

static void set_state(struct store *store, enum store_state state, const char *reason) {
  if (state == store->state && strcmp(reason, store->reason) == 0) return;
  store->state = state;
  snprintf(store->reason, sizeof store->reason, "%s", reason);
  store->events.on_state(state, store->reason, store->arg);
}

/* Half of the wait is random, so that daemons do not come back in step. */
static void try_later(struct store *store) {
  uint16_t random;
  evutil_secure_rng_get_bytes(&random, sizeof random);
  msec_t half = store->backoff_ms / 2;
  in_ms(store->retry, half + random % (half + 1));
  store->backoff_ms *= 2;
  if (store->backoff_ms > BACKOFF_MAX_MS) store->backoff_ms = BACKOFF_MAX_MS;
}

/* The link is closed. Whether a batch under way was taken is not known: it counts
 * as lost. */
static void go_away(struct store *store, const char *reason) {
  if (store->phase == PHASE_BATCH) store->need_all = true;
  store->phase = PHASE_AWAY;
  event_del(store->pace);
  store->pause_until_us = 0;
  try_later(store);
  set_state(store, STORE_DOWN, reason);
}

static void hang_up(struct store *store, const char *reason) {
  link_close(&store->link);
  go_away(store, reason);
}

/* The link is the first member of its store. */
static struct store *store_of(struct link *link) {
  return (struct store *)(void *)link;
}

void link_lost(struct link *link, const char *reason) {
  go_away(store_of(link), reason);
}

static void send_commands(struct store *store, enum phase phase) {
  store->phase = phase;
  link_send(&store->link, writer_slice(&store->out), store->count);
}

static void ask(struct store *store, struct slice command, const char *first, const char *second) {
  batch_command(store, command);
  if (first) batch_argument(store, slice_of(first));
  if (second) batch_argument(store, slice_of(second));
  batch_command_end(store);
}

static void ask_meta(struct store *store) {
  store->meta_index = store->count;
  batch_command(store, SLICE("HMGET"));
  batch_argument(store, slice_of(store->meta_key));
  batch_argument(store, SLICE("epoch"));
  batch_argument(store, SLICE("lsn"));
  batch_command_end(store);
}

static void ask_comparison(struct store *store) {
  ask(store, SLICE("INFO"), "server", NULL);
  ask_meta(store);
  store->check_due = false;
  send_commands(store, PHASE_CHECK);
}

void link_connected(struct link *link) {
  struct store *store = store_of(link);
  batch_reset(store);
  if (store->password && store->username)
    ask(store, SLICE("AUTH"), store->username, store->password);
  else if (store->password)
    ask(store, SLICE("AUTH"), store->password, NULL);
  ask(store, SLICE("CLIENT"), "SETNAME", "callpace");
  char db[16];
  snprintf(db, sizeof db, "%u", store->url.db);
  if (store->url.db) ask(store, SLICE("SELECT"), db, NULL);
  ask_comparison(store);
}

/* The name of the connection is a courtesy; without INFO (an ACL may forbid it)
 * PREFIX:meta alone has to do; a PREFIX:meta of a wrong type is as good as none. */
static bool may_be_refused(struct slice command, const char *text) {
  if (strncmp(text, "LOADING", 7) == 0 || strncmp(text, "NOAUTH", 6) == 0) return false;
  return slice_equal(command, SLICE("CLIENT")) || slice_equal(command, SLICE("INFO")) ||
         strncmp(text, "WRONGTYPE", 9) == 0;
}

static void note_refusal(struct store *store, size_t index, const char *text) {
  size_t start = store->starts[index];
  struct slice bytes = {store->out.data + start, store->out.len - start};
  struct slice command = resp_argument(bytes, 0), key = resp_argument(bytes, 1);
  if (strncmp(text, "WRONGTYPE", 9) == 0 && store->wrong_count < WRONG_KEYS_MAX)
    store->wrong_keys[store->wrong_count++] = mem_slice_dup(key);
  if (store->fault[0] || (store->phase == PHASE_CHECK && may_be_refused(command, text))) return;
  if (slice_equal(command, SLICE("AUTH"))) key.len = 0; /* it is a secret */
  snprintf(store->fault, sizeof store->fault, "%.*s %.*s: %s", (int)command.len, command.data,
           (int)key.len, key.data, text);
}

static bool parse_u64(const redisReply *reply, uint64_t *out) {
  if (reply->type != REDIS_REPLY_STRING || reply->len == 0) return false;
  char *end;
  errno = 0;
  unsigned long long value = strtoull(reply->str, &end, 10);
  if (*end || errno) return false;
  *out = value;
  return true;
}

static void compare_meta(struct store *store, const redisReply *reply) {
  struct meta seen = {0};
  if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2)
    seen.present =
        parse_u64(reply->element[0], &seen.epoch) && parse_u64(reply->element[1], &seen.lsn);
  if (seen.present && seen.epoch > store->epoch) store->fenced = true;
  if (!seen.present) store->fenced = false;
  const struct meta *expected = &store->expected;
  if (seen.present != expected->present || seen.epoch != expected->epoch ||
      seen.lsn != expected->lsn)
    store->need_all = true;
  store->expected = seen;
}

static void compare_run_id(struct store *store, const redisReply *reply) {
  const char *at = reply->type == REDIS_REPLY_STRING ? strstr(reply->str, "run_id:") : NULL;
  if (!at) return;
  at += strlen("run_id:");
  char run_id[RUN_ID_SIZE];
  snprintf(run_id, sizeof run_id, "%.*s", (int)strcspn(at, "\r\n"), at);
  if (strcmp(run_id, store->run_id) != 0) store->need_all = true;
  memcpy(store->run_id, run_id, sizeof run_id);
}

static void tell_fenced(struct store *store) {
  char reason[REASON_SIZE];
  if (store->expected.epoch > store->epoch)
    snprintf(reason, sizeof reason,
             "%s is written by a newer daemon (epoch %" PRIu64 " after %" PRIu64
             "); delete it to write again",
             store->meta_key, store->expected.epoch, store->epoch);
  else
    snprintf(reason, sizeof reason, "%s was written by a newer daemon; delete it to write again",
             store->meta_key);
  store->need_all = true;
  if (store->state != STORE_FENCED) set_state(store, STORE_FENCED, reason);
}

/* Nothing is in flight: what comes next? */
static void settle(struct store *store) {
  store->phase = PHASE_IDLE;
  batch_reset(store);
  if (store->fenced) {
    tell_fenced(store);
    return;
  }
  if (store->check_due) {
    ask_comparison(store);
    return;
  }
  if (!store->refused) {
    store->backoff_ms = BACKOFF_FIRST_MS;
    set_state(store, STORE_UP, "");
  }
  if (store->need_all) {
    store->need_all = false;
    store->events.on_need_all(store->arg);
  }
  if (store_can_begin(store)) store->events.on_ready(store->arg);
}

static void refuse(struct store *store) {
  char reason[REASON_SIZE];
  snprintf(reason, sizeof reason, "%s", store->fault);
  store->refused = true;
  store->need_all = true;
  hang_up(store, reason);
}

static void pause_after_batch(struct store *store) {
  usec_t now = clock_monotonic_us(), took = now - store->batch_began_us;
  if (took > PAUSE_MAX_US) took = PAUSE_MAX_US;
  store->pause_until_us = now + took;
  struct timeval after = {.tv_usec = took};
  event_add(store->pace, &after);
}

static void batch_answered(struct store *store) {
  if (store->fault[0]) {
    refuse(store);
    return;
  }
  store->refused = false;
  store->expected = (struct meta){true, store->epoch, store->batch_lsn};
  while (store->wrong_count)
    free(store->wrong_keys[--store->wrong_count]);
  pause_after_batch(store);
  store->phase = PHASE_IDLE;
  if (!store->fenced && !store->need_all) store->events.on_batch_done(store->batch_lsn, store->arg);
  if (store->phase == PHASE_IDLE) settle(store);
}

void link_replied(struct link *link, const redisReply *reply) {
  struct store *store = store_of(link);
  size_t index = store->answered++;
  bool checking = store->phase == PHASE_CHECK;
  if (reply->type == REDIS_REPLY_ERROR) note_refusal(store, index, reply->str);
  if (index == store->meta_index)
    compare_meta(store, reply);
  else if (checking && index + 1 == store->meta_index)
    compare_run_id(store, reply);
  if (store->answered < store->count) return;
  if (!checking)
    batch_answered(store);
  else if (store->fault[0])
    refuse(store);
  else
    settle(store);
}

static void on_retry(evutil_socket_t fd, short what, void *arg) {
  struct store *store = arg;
  (void)fd;
  (void)what;
  store->phase = PHASE_CONNECTING;
  link_open(&store->link);
}

static void on_check(evutil_socket_t fd, short what, void *arg) {
  struct store *store = arg;
  (void)fd;
  (void)what;
  store->check_due = true;
  if (store->phase == PHASE_IDLE) ask_comparison(store);
}

static void on_pace(evutil_socket_t fd, short what, void *arg) {
  struct store *store = arg;
  (void)fd;
  (void)what;
  store->pause_until_us = 0;
  if (store_can_begin(store)) store->events.on_ready(store->arg);
}

bool store_can_begin(const struct store *store) {
  return store->phase == PHASE_IDLE && !store->fenced && !store->need_all &&
         (!store->pause_until_us || clock_monotonic_us() >= store->pause_until_us);
}

void store_begin(struct store *store) {
  assert(store_can_begin(store));
  batch_reset(store);
  store->phase = PHASE_BUILD;
  for (size_t i = 0; i < store->wrong_count; i++)
    store_del(store, slice_of(store->wrong_keys[i]));
  ask_meta(store);
}

void store_end(struct store *store, uint64_t lsn) {
  assert(store->phase == PHASE_BUILD);
  store->batch_began_us = clock_monotonic_us();
  store->batch_lsn = lsn;
  bool renew = !store->expected.present || store->expected.epoch != store->epoch ||
               store->batch_began_us - store->meta_renewed_us > META_RENEW_US;
  struct slice meta = slice_of(store->meta_key);
  batch_command(store, SLICE("HSET"));
  batch_argument(store, meta);
  batch_argument(store, SLICE("epoch"));
  batch_int(store, (int64_t)store->epoch);
  batch_argument(store, SLICE("lsn"));
  batch_int(store, (int64_t)lsn);
  batch_command_end(store);
  if (renew) {
    batch_expire(store, meta);
    store->meta_renewed_us = store->batch_began_us;
  }
  send_commands(store, PHASE_BATCH);
}

enum store_state store_state(const struct store *store) {
  return store->state;
}

const char *store_reason(const struct store *store) {
  return store->reason;
}

bool store_in_flight(const struct store *store) {
  return store->phase == PHASE_BATCH;
}

static char *dup_or_null(const char *text) {
  return text ? mem_strdup(text) : NULL;
}

static void take_options(struct store *store, const struct store_options *options) {
  struct writer meta = {0};
  put_text(&meta, options->prefix);
  put_text(&meta, ":meta");
  store->meta_key = mem_strdup(writer_text(&meta));
  writer_free(&meta);
  store->url = options->url;
  store->username = dup_or_null(options->username);
  store->password = dup_or_null(options->password);
  store->retain_ms = options->retain_ms;
  store->check_ms = options->check_ms ? options->check_ms : CHECK_MS;
  store->link.connect_ms = options->connect_ms ? options->connect_ms : CONNECT_MS;
  store->link.reply_ms = options->reply_ms ? options->reply_ms : REPLY_MS;
  store->epoch = options->epoch;
}

struct store *store_new(struct event_base *base, const struct store_options *options,
                        const struct store_events *events, void *arg, struct error *error) {
  assert(options->url.kind != REDIS_EMBEDDED && options->epoch > 0 && options->retain_ms > 0);
  struct store *store = mem_zalloc(sizeof *store);
  store->events = *events;
  store->arg = arg;
  store->backoff_ms = BACKOFF_FIRST_MS;
  store->need_all = true;
  take_options(store, options);
  snprintf(store->reason, sizeof store->reason, "not connected yet");
  if (link_init(&store->link, base, &store->url, options->tls_ca_file, error)) {
    store_free(store);
    return NULL;
  }
  store->retry = evtimer_new(base, on_retry, store);
  store->pace = evtimer_new(base, on_pace, store);
  store->check = event_new(base, -1, EV_PERSIST, on_check, store);
  in_ms(store->retry, 0);
  in_ms(store->check, store->check_ms);
  return store;
}

static void wipe(char *secret) {
  if (secret) explicit_bzero(secret, strlen(secret));
  free(secret);
}

void store_free(struct store *store) {
  if (!store) return;
  link_free(&store->link);
  if (store->retry) event_free(store->retry);
  if (store->pace) event_free(store->pace);
  if (store->check) event_free(store->check);
  while (store->wrong_count)
    free(store->wrong_keys[--store->wrong_count]);
  wipe(store->password);
  free(store->username);
  free(store->meta_key);
  free(store->starts);
  writer_free(&store->out);
  writer_free(&store->key);
  writer_free(&store->absent);
  free(store);
}
