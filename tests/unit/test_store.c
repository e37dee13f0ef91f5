#include <criterion/criterion.h>

#include <event2/event.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "callpace/base/clock.h"
#include "callpace/io/store.h"
#include "redis_fixture.h"

enum { EPOCH = 1000, REASONS_SIZE = 4096, WAIT_MS = 20000 };

/* A small engine: agents 1..agents with one counter, published whole when asked. */
struct world {
  struct redis_fixture redis;
  struct event_base *base;
  struct event *tick;
  struct store *store;
  struct store_options options;
  int agents, next; /* next = the first not yet published; > agents: none */
  int64_t value;
  uint64_t lsn, published;
  int need_all, batches;
  char reasons[REASONS_SIZE];
  enum store_state state;
};

static void on_tick(evutil_socket_t fd, short what, void *arg) {
  (void)fd, (void)what, (void)arg;
}

static void on_state(enum store_state state, const char *reason, void *arg) {
  struct world *w = arg;
  size_t len = strlen(w->reasons);
  w->state = state;
  snprintf(w->reasons + len, sizeof w->reasons - len, "%s\n", reason);
}

static void on_need_all(void *arg) {
  struct world *w = arg;
  w->need_all++;
  w->next = 1;
}

static void on_batch_done(uint64_t lsn, void *arg) {
  struct world *w = arg;
  w->published = lsn;
  w->batches++;
}

static void agent_key(char *key, size_t size, int agent) {
  snprintf(key, size, "cp:agent:{%d}:day:2026-11-23", agent);
}

static void publish(struct world *w) {
  store_begin(w->store);
  for (; w->next <= w->agents && store_batch_bytes(w->store) < STORE_BATCH_BYTES; w->next++) {
    char key[64], id[16];
    agent_key(key, sizeof key, w->next);
    snprintf(id, sizeof id, "%d", w->next);
    store_hash_begin(w->store, slice_of(key));
    store_field_slice(w->store, SLICE("agent"), slice_of(id));
    store_field_int(w->store, SLICE("calls"), w->value);
    store_hash_end(w->store, true);
    store_publish(w->store, SLICE("cp:changed"), slice_of(id));
  }
  store_end(w->store, w->next > w->agents ? w->lsn : w->published);
}

static void on_ready(void *arg) {
  struct world *w = arg;
  if (w->next <= w->agents) publish(w);
}

static const struct store_events events = {on_state, on_need_all, on_batch_done, on_ready};

static void open_store(struct world *w) {
  struct error error = {0};
  w->store = store_new(w->base, &w->options, &events, w, &error);
  cr_assert(w->store, "%s", error.text);
}

/* Everything but the Redis and the store. */
static void set_up(struct world *w) {
  signal(SIGPIPE, SIG_IGN);
  *w = (struct world){.agents = 3, .next = 1000000, .value = 7, .lsn = 5};
  fixture_dir(&w->redis);
  w->base = event_base_new();
  w->tick = event_new(w->base, -1, EV_PERSIST, on_tick, NULL);
  event_add(w->tick, &(struct timeval){.tv_usec = 5000});
  w->options = (struct store_options){.prefix = "cp",
                                      .retain_ms = 3600 * 1000,
                                      .epoch = EPOCH,
                                      .check_ms = 200,
                                      .connect_ms = 500,
                                      .reply_ms = 500};
  w->options.url.kind = REDIS_UNIX;
  snprintf(w->options.url.path, sizeof w->options.url.path, "%s", w->redis.socket);
}

static void start(struct world *w) {
  set_up(w);
  fixture_start(&w->redis);
  open_store(w);
}

static void finish(struct world *w) {
  store_free(w->store);
  event_free(w->tick);
  event_base_free(w->base);
  fixture_stop(&w->redis);
}

/* Runs the loop until the condition holds; returns how long it took. */
#define RUN_UNTIL(w, condition)                                                                    \
  do {                                                                                             \
    usec_t until_ = clock_monotonic_us() + (usec_t)WAIT_MS * 1000;                                 \
    while (!(condition)) {                                                                         \
      cr_assert_lt(clock_monotonic_us(), until_, "never: %s; %s", #condition, (w)->reasons);       \
      event_base_loop((w)->base, EVLOOP_ONCE);                                                     \
    }                                                                                              \
  } while (0)

static bool whole(const struct world *w) {
  return store_state(w->store) == STORE_UP && w->next > w->agents && !store_in_flight(w->store) &&
         w->published == w->lsn;
}

static void ask(const struct world *w, char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* What Redis says to one command, as text: integers as digits, nil as "nil". */
static void ask(const struct world *w, char *out, size_t size, const char *format, ...) {
  char command[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(command, sizeof command, format, arguments);
  va_end(arguments);
  redisContext *c = fixture_connect(&w->redis);
  redisReply *r = redisCommand(c, command);
  cr_assert(r, "%s: %s", command, c->errstr);
  if (r->type == REDIS_REPLY_INTEGER)
    snprintf(out, size, "%lld", r->integer);
  else
    snprintf(out, size, "%s", r->str ? r->str : "nil");
  freeReplyObject(r);
  redisFree(c);
}

#define EXPECT(w, expected, ...)                                                                   \
  do {                                                                                             \
    char answer_[4096];                                                                            \
    ask((w), answer_, sizeof answer_, __VA_ARGS__);                                                \
    cr_assert_str_eq(answer_, expected, "%s: %s", #__VA_ARGS__, answer_);                          \
  } while (0)

static void tell(struct world *w, const char *command) {
  char answer[4096];
  ask(w, answer, sizeof answer, "%s", command);
}

static void expect_whole(struct world *w) {
  char value[32];
  snprintf(value, sizeof value, "%lld", (long long)w->value);
  for (int agent = 1; agent <= w->agents; agent += w->agents > 50 ? 37 : 1) {
    char key[64];
    agent_key(key, sizeof key, agent);
    EXPECT(w, value, "HGET %s calls", key);
  }
}

/* Changes the value; all of it is published now, or as soon as the store is ready. */
static void change(struct world *w) {
  w->value++;
  w->lsn++;
  w->next = 1;
  if (store_can_begin(w->store)) publish(w);
}

Test(store, writes_every_kind, .timeout = 60) {
  struct world w;
  start(&w);
  RUN_UNTIL(&w, whole(&w));
  cr_assert_eq(w.need_all, 1);
  RUN_UNTIL(&w, store_can_begin(w.store));
  store_begin(w.store);
  store_hash_begin(w.store, SLICE("cp:h"));
  store_field_int(w.store, SLICE("on_call_since_ms"), 1763860000123);
  store_field_int(w.store, SLICE("negative"), -5);
  store_field_slice(w.store, SLICE("name"), SLICE("Wang\r\n\0Fang"));
  store_field_slice(w.store, SLICE("empty"), SLICE(""));
  store_hash_end(w.store, true);
  store_hash_begin(w.store, SLICE("cp:all-absent"));
  store_field_absent(w.store, SLICE("x"));
  store_hash_end(w.store, true);
  store_zset_begin(w.store, SLICE("cp:z"));
  store_zset_member(w.store, SLICE("1001"), 40);
  store_zset_member(w.store, SLICE("1002"), -1);
  store_zset_end(w.store, true);
  store_zset_begin(w.store, SLICE("cp:empty-zset"));
  store_zset_end(w.store, true);
  store_end(w.store, ++w.lsn);
  cr_assert(store_in_flight(w.store));
  RUN_UNTIL(&w, whole(&w));
  EXPECT(&w, "1763860000123", "HGET cp:h on_call_since_ms");
  EXPECT(&w, "-5", "HGET cp:h negative");
  EXPECT(&w, "11", "HSTRLEN cp:h name");
  EXPECT(&w, "", "HGET cp:h empty");
  EXPECT(&w, "40", "ZSCORE cp:z 1001");
  EXPECT(&w, "-1", "ZSCORE cp:z 1002");
  EXPECT(&w, "0", "EXISTS cp:all-absent cp:empty-zset");
  EXPECT(&w, "1000", "HGET cp:meta epoch");
  EXPECT(&w, "6", "HGET cp:meta lsn");
  static const char *const keys[] = {"cp:h", "cp:z", "cp:meta"};
  for (int i = 0; i < 3; i++) {
    char ttl[32];
    ask(&w, ttl, sizeof ttl, "PTTL %s", keys[i]);
    cr_assert(atoi(ttl) > 3500 * 1000 && atoi(ttl) <= 3600 * 1000, "%s %s", keys[i], ttl);
  }
  finish(&w);
}

Test(store, absent_fields_and_deleted_keys_go, .timeout = 60) {
  struct world w;
  start(&w);
  RUN_UNTIL(&w, whole(&w));
  tell(&w, "HSET cp:h on_call_since_ms 1 other 2");
  tell(&w, "SET cp:gone 1");
  RUN_UNTIL(&w, store_can_begin(w.store));
  store_begin(w.store);
  store_hash_begin(w.store, SLICE("cp:h"));
  store_field_absent(w.store, SLICE("on_call_since_ms"));
  store_field_int(w.store, SLICE("calls"), 1);
  store_field_absent(w.store, SLICE("never"));
  store_hash_end(w.store, false);
  store_del(w.store, SLICE("cp:gone"));
  store_end(w.store, ++w.lsn);
  RUN_UNTIL(&w, whole(&w));
  EXPECT(&w, "nil", "HGET cp:h on_call_since_ms");
  EXPECT(&w, "2", "HLEN cp:h");
  EXPECT(&w, "-1", "PTTL cp:h");
  EXPECT(&w, "0", "EXISTS cp:gone");
  finish(&w);
}

Test(store, changed_is_told_after_the_hash_is_written, .timeout = 60) {
  struct world w;
  start(&w);
  RUN_UNTIL(&w, whole(&w));
  redisContext *monitor = fixture_connect(&w.redis);
  freeReplyObject(redisCommand(monitor, "MONITOR"));
  w.agents = 1;
  change(&w);
  RUN_UNTIL(&w, whole(&w));
  bool written = false, told = false;
  while (!told) {
    redisReply *line;
    cr_assert_eq(redisGetReply(monitor, (void **)&line), REDIS_OK);
    if (strstr(line->str, "\"HSET\" \"cp:agent:{1}")) written = true;
    told = strstr(line->str, "\"PUBLISH\" \"cp:changed\" \"1\"");
    freeReplyObject(line);
  }
  cr_assert(written);
  redisFree(monitor);
  finish(&w);
}

Test(store, stream_is_capped, .timeout = 60) {
  struct world w;
  start(&w);
  RUN_UNTIL(&w, whole(&w));
  for (int batch = 0; batch < 3; batch++) {
    RUN_UNTIL(&w, store_can_begin(w.store));
    store_begin(w.store);
    for (int i = 0; i < 5000; i++)
      store_xadd(w.store, SLICE("cp:alerts"), 10000, SLICE("json"), SLICE("{\"a\":1}"), i == 0);
    store_end(w.store, ++w.lsn);
    RUN_UNTIL(&w, whole(&w));
  }
  char len[32];
  ask(&w, len, sizeof len, "XLEN cp:alerts");
  cr_assert(atoi(len) >= 10000 && atoi(len) < 10200, "%s", len);
  finish(&w);
}

Test(store, a_thousand_agents_go_in_bounded_batches, .timeout = 60) {
  struct world w;
  start(&w);
  w.agents = 20000;
  RUN_UNTIL(&w, whole(&w));
  cr_assert_gt(w.batches, 1);
  cr_assert_eq(w.need_all, 1);
  expect_whole(&w);
  EXPECT(&w, "20001", "DBSIZE");
  finish(&w);
}

Test(store, killed_and_restarted_empty, .timeout = 60) {
  struct world w;
  start(&w);
  RUN_UNTIL(&w, whole(&w));
  fixture_kill(&w.redis);
  RUN_UNTIL(&w, w.state == STORE_DOWN);
  cr_assert(!store_can_begin(w.store));
  w.value++;
  fixture_start(&w.redis);
  usec_t from = clock_monotonic_us();
  RUN_UNTIL(&w, w.need_all == 2 && whole(&w));
  cr_assert_lt(clock_monotonic_us() - from, 5000 * 1000);
  expect_whole(&w);
  finish(&w);
}

Test(store, flushall_is_noticed, .timeout = 60) {
  struct world w;
  start(&w);
  RUN_UNTIL(&w, whole(&w));
  tell(&w, "FLUSHALL");
  usec_t from = clock_monotonic_us();
  RUN_UNTIL(&w, w.need_all == 2 && whole(&w));
  cr_assert_lt(clock_monotonic_us() - from, 2000 * 1000);
  expect_whole(&w);
  finish(&w);
}

Test(store, flushall_before_a_batch_is_noticed_by_it, .timeout = 60) {
  struct world w;
  set_up(&w);
  w.options.check_ms = 3600 * 1000;
  fixture_start(&w.redis);
  open_store(&w);
  RUN_UNTIL(&w, whole(&w));
  tell(&w, "FLUSHALL");
  w.agents = 1;
  change(&w);
  w.agents = 3;
  RUN_UNTIL(&w, w.need_all == 2 && whole(&w));
  expect_whole(&w);
  finish(&w);
}

Test(store, older_data_is_noticed, .timeout = 60) {
  struct world w;
  start(&w);
  RUN_UNTIL(&w, whole(&w));
  tell(&w, "HSET cp:agent:{2}:day:2026-11-23 calls 1");
  tell(&w, "HSET cp:meta lsn 2");
  RUN_UNTIL(&w, w.need_all == 2 && whole(&w));
  expect_whole(&w);
  finish(&w);
}

Test(store, same_redis_after_a_cut_needs_nothing_again, .timeout = 60) {
  struct world w;
  start(&w);
  RUN_UNTIL(&w, whole(&w));
  tell(&w, "CLIENT KILL TYPE normal");
  RUN_UNTIL(&w, w.state == STORE_DOWN);
  RUN_UNTIL(&w, whole(&w));
  cr_assert_eq(w.need_all, 1);
  finish(&w);
}

Test(store, stopped_redis_is_down_and_comes_back, .timeout = 60) {
  struct world w;
  start(&w);
  RUN_UNTIL(&w, whole(&w));
  uint64_t before = w.published;
  RUN_UNTIL(&w, store_can_begin(w.store));
  kill(w.redis.pid, SIGSTOP);
  change(&w);
  RUN_UNTIL(&w, w.state == STORE_DOWN);
  cr_assert(strstr(w.reasons, "in time"), "%s", w.reasons);
  cr_assert_eq(w.published, before);
  kill(w.redis.pid, SIGCONT);
  RUN_UNTIL(&w, w.need_all == 2 && whole(&w));
  expect_whole(&w);
  finish(&w);
}

Test(store, replica_refuses_and_is_published_to_once_it_is_master, .timeout = 60) {
  struct world w;
  start(&w);
  RUN_UNTIL(&w, whole(&w));
  tell(&w, "REPLICAOF 127.0.0.1 1");
  change(&w);
  RUN_UNTIL(&w, w.state == STORE_DOWN);
  cr_assert(strstr(w.reasons, "READONLY"), "%s", w.reasons);
  cr_assert(strstr(w.reasons, "cp:agent:{1}:day"), "%s", w.reasons);
  RUN_UNTIL(&w, w.need_all >= 3); /* it tries again and stays down */
  cr_assert_eq(w.state, STORE_DOWN);
  tell(&w, "REPLICAOF NO ONE");
  RUN_UNTIL(&w, whole(&w));
  expect_whole(&w);
  finish(&w);
}

Test(store, full_redis_is_told_and_recovers, .timeout = 60) {
  struct world w;
  start(&w);
  RUN_UNTIL(&w, whole(&w));
  w.value++;
  w.lsn++;
  w.next = 1;
  RUN_UNTIL(&w, store_can_begin(w.store));
  tell(&w, "CONFIG SET maxmemory 1"); /* after the wait: a check in between would find it */
  publish(&w);
  RUN_UNTIL(&w, w.state == STORE_DOWN);
  cr_assert(strstr(w.reasons, "OOM"), "%s", w.reasons);
  tell(&w, "CONFIG SET maxmemory 0");
  RUN_UNTIL(&w, whole(&w));
  expect_whole(&w);
  finish(&w);
}

Test(store, keys_of_a_wrong_type_are_replaced, .timeout = 60) {
  struct world w;
  start(&w);
  RUN_UNTIL(&w, whole(&w));
  tell(&w, "SET cp:agent:{2}:day:2026-11-23 x");
  change(&w);
  RUN_UNTIL(&w, strstr(w.reasons, "WRONGTYPE"));
  RUN_UNTIL(&w, whole(&w));
  expect_whole(&w);
  tell(&w, "SET cp:meta x");
  RUN_UNTIL(&w, w.need_all >= 3 && whole(&w));
  EXPECT(&w, "1000", "HGET cp:meta epoch");
  finish(&w);
}

Test(store, a_newer_writer_fences, .timeout = 60) {
  struct world w;
  start(&w);
  RUN_UNTIL(&w, whole(&w));
  tell(&w, "HSET cp:meta epoch 1001");
  RUN_UNTIL(&w, w.state == STORE_FENCED);
  cr_assert(strstr(w.reasons, "newer"), "%s", w.reasons);
  cr_assert(!store_can_begin(w.store));
  tell(&w, "HSET cp:meta epoch 999"); /* a lower one does not give it back */
  usec_t from = clock_monotonic_us();
  RUN_UNTIL(&w, clock_monotonic_us() - from > 500 * 1000);
  cr_assert_eq(w.state, STORE_FENCED);
  tell(&w, "DEL cp:meta");
  RUN_UNTIL(&w, w.need_all == 2 && whole(&w));
  finish(&w);
}

Test(store, of_two_writers_the_newer_wins, .timeout = 60) {
  struct world w, newer;
  start(&w);
  RUN_UNTIL(&w, whole(&w));
  newer = w;
  newer.need_all = 0;
  newer.value = 99;
  newer.reasons[0] = '\0';
  newer.options.epoch = EPOCH + 1;
  open_store(&newer);
  while (w.state != STORE_FENCED) { /* the older one goes on writing meanwhile */
    if (store_can_begin(w.store)) {
      w.next = 1;
      publish(&w);
    }
    event_base_loop(w.base, EVLOOP_ONCE);
  }
  usec_t from = clock_monotonic_us();
  RUN_UNTIL(&newer, clock_monotonic_us() - from > 500 * 1000);
  RUN_UNTIL(&newer, whole(&newer));
  expect_whole(&newer);
  cr_assert_eq(w.state, STORE_FENCED);
  store_free(newer.store);
  finish(&w);
}

static const char *port_argument(char *out, size_t size, struct world *w) {
  int port = fixture_free_port();
  w->options.url.port = (uint16_t)port;
  snprintf(out, size, "%d", port);
  return out;
}

Test(store, tcp_with_database_and_acl_user, .timeout = 60) {
  struct world w;
  char port[16];
  set_up(&w);
  const char *extra[] = {"--port",
                         port_argument(port, sizeof port, &w),
                         "--requirepass",
                         "rootpw",
                         "--user",
                         "view",
                         "on",
                         ">secret",
                         "~cp:*",
                         "&cp:*",
                         "+@all",
                         "-info",
                         "-client",
                         NULL};
  w.redis.extra = extra;
  w.redis.password = NULL;
  fixture_start(&w.redis);
  w.options.url.kind = REDIS_TCP;
  w.options.url.db = 3;
  snprintf(w.options.url.host, sizeof w.options.url.host, "localhost");
  w.options.username = "view";
  w.options.password = "wrong";
  open_store(&w);
  RUN_UNTIL(&w, strstr(w.reasons, "WRONGPASS"));
  cr_assert_not(strstr(w.reasons, "wrong\n"));
  store_free(w.store);
  w.options.password = "secret";
  open_store(&w);
  RUN_UNTIL(&w, whole(&w));
  redisContext *c = fixture_connect(&w.redis);
  freeReplyObject(redisCommand(c, "AUTH %s", "rootpw"));
  redisReply *r = redisCommand(c, "INFO keyspace");
  cr_assert(strstr(r->str, "db3:keys=4"), "%s", r->str);
  freeReplyObject(r);
  redisFree(c);
  store_free(w.store);
  w.options.username = NULL;
  w.options.password = NULL;
  open_store(&w);
  RUN_UNTIL(&w, strstr(w.reasons, "NOAUTH"));
  finish(&w);
}

static void make_certificates(const char *dir) {
  char command[1024];
  snprintf(
      command, sizeof command,
      "cd %s && for n in ca other; do openssl req -x509 -newkey ec -pkeyopt "
      "ec_paramgen_curve:P-256 -nodes -keyout $n.key -out $n.pem -subj /CN=$n -days 2; done && "
      "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout s.key -out s.csr "
      "-subj /CN=localhost && echo subjectAltName=DNS:localhost >ext && openssl x509 -req -in "
      "s.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile ext -out s.pem -days 2",
      dir);
  strcat(command, " >log 2>&1");
  cr_assert_eq(system(command), 0);
}

Test(store, tls_verifies_the_peer, .timeout = 60) {
  struct world w;
  char port[16], cert[128], key[128], ca[128], other[128];
  set_up(&w);
  make_certificates(w.redis.dir);
  snprintf(cert, sizeof cert, "%s/s.pem", w.redis.dir);
  snprintf(key, sizeof key, "%s/s.key", w.redis.dir);
  snprintf(ca, sizeof ca, "%s/ca.pem", w.redis.dir);
  snprintf(other, sizeof other, "%s/other.pem", w.redis.dir);
  const char *extra[] = {"--tls-port",
                         port_argument(port, sizeof port, &w),
                         "--tls-cert-file",
                         cert,
                         "--tls-key-file",
                         key,
                         "--tls-ca-cert-file",
                         ca,
                         "--tls-auth-clients",
                         "no",
                         NULL};
  w.redis.extra = extra;
  fixture_start(&w.redis);
  w.options.url.kind = REDIS_TLS;
  snprintf(w.options.url.host, sizeof w.options.url.host, "localhost");
  w.options.tls_ca_file = other;
  open_store(&w);
  RUN_UNTIL(&w, strstr(w.reasons, "TLS: "));
  cr_assert_eq(w.need_all, 0);
  store_free(w.store);
  w.options.tls_ca_file = ca;
  snprintf(w.options.url.host, sizeof w.options.url.host, "127.0.0.1"); /* not in the certificate */
  open_store(&w);
  RUN_UNTIL(&w, strstr(w.reasons, "mismatch"));
  store_free(w.store);
  snprintf(w.options.url.host, sizeof w.options.url.host, "localhost");
  w.agents = 5000;
  open_store(&w);
  RUN_UNTIL(&w, whole(&w));
  expect_whole(&w);
  store_free(w.store);
  w.options.tls_ca_file = "/nonexistent/ca.pem";
  struct error error = {0};
  cr_assert_null(store_new(w.base, &w.options, &events, &w, &error));
  cr_assert(strstr(error.text, "/nonexistent/ca.pem"));
  w.store = NULL;
  finish(&w);
}

Test(store, a_peer_that_never_answers_and_a_host_that_is_not, .timeout = 60) {
  struct world w;
  set_up(&w);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof at;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  cr_assert_eq(bind(fd, (struct sockaddr *)&at, len) | listen(fd, 8), 0);
  getsockname(fd, (struct sockaddr *)&at, &len);
  w.options.url.kind = REDIS_TCP;
  w.options.url.port = ntohs(at.sin_port);
  snprintf(w.options.url.host, sizeof w.options.url.host, "127.0.0.1");
  open_store(&w);
  RUN_UNTIL(&w, strstr(w.reasons, "does not answer in time"));
  int peer;
  while ((peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK)) >= 0)
    close(peer);
  RUN_UNTIL(&w, (peer = accept(fd, NULL, NULL)) >= 0); /* the next attempt */
  cr_assert_eq(write(peer, "HTTP/1.1 400\r\n", 14), 14);
  RUN_UNTIL(&w, strstr(w.reasons, "protocol"));
  close(peer);
  close(fd);
  RUN_UNTIL(&w, strstr(w.reasons, "refused"));
  store_free(w.store);
  snprintf(w.options.url.host, sizeof w.options.url.host, "no-such-host.invalid");
  w.reasons[0] = '\0';
  open_store(&w);
  RUN_UNTIL(&w, w.reasons[0]);
  store_free(w.store);
  w.store = NULL;
  event_base_loop(w.base, EVLOOP_NONBLOCK);
  finish(&w);
}

Test(store, socket_with_a_very_long_path, .timeout = 60) {
  struct world w;
  set_up(&w);
  char dir[300];
  int len = snprintf(dir, sizeof dir, "%s/", w.redis.dir);
  memset(dir + len, 'd', 200);
  dir[len + 200] = '\0';
  fixture_start(&w.redis);
  cr_assert_eq(mkdir(dir, 0700), 0);
  snprintf(w.options.url.path, sizeof w.options.url.path, "%s/r.sock", dir);
  open_store(&w);
  RUN_UNTIL(&w, strstr(w.reasons, "No such file"));
  cr_assert_eq(symlink(w.redis.socket, w.options.url.path), 0);
  RUN_UNTIL(&w, whole(&w));
  finish(&w);
}
