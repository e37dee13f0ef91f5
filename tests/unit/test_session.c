/* Sessions over real sockets: the hub of the test on one side, plain blocking
 * sockets on the other, in one process and one loop. */
#include <criterion/criterion.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "callpace/base/log.h"
#include "callpace/io/session.h"

struct seen {
  int opened, closed, failed;
  size_t bytes, keep; /* keep: leave all unread */
  bool ended, close_at_once;
  char reason[128];
  struct session *last;
};

static struct event_base *base;
static struct hub *hub;
static struct listener *listener;
static struct seen seen;

static void on_opened(struct session *session, void *user) {
  struct seen *s = user;
  s->opened++;
  s->last = session;
}

static size_t on_bytes(struct session *session, const char *data, size_t len, bool end,
                       void *user) {
  (void)data;
  struct seen *s = user;
  s->ended = end;
  if (s->keep) return 0;
  s->bytes += len;
  if (s->close_at_once) session_close(session, "had enough");
  return len;
}

static void on_closed(struct session *session, const char *reason, void *user) {
  (void)session;
  struct seen *s = user;
  s->closed++;
  snprintf(s->reason, sizeof s->reason, "%s", reason);
}

static void on_failed(struct connector *connector, const char *reason, void *user) {
  (void)connector;
  (void)reason;
  ((struct seen *)user)->failed++;
}

static const struct session_handler handler = {on_opened, on_bytes, on_closed, on_failed};

/* Turns the loop until the condition holds; false after 10 s. */
#define UNTIL(condition)                                                                           \
  for (usec_t end_us = clock_monotonic_us() + 10000000; !(condition);) {                           \
    cr_assert_lt(clock_monotonic_us(), end_us, "never: %s", #condition);                           \
    event_base_loopexit(base, &(struct timeval){.tv_usec = 5000});                                 \
    event_base_loop(base, EVLOOP_ONCE);                                                            \
  }

static void begin(void) {
  log_set_level(LOG_LEVEL_ERROR);
  base = event_base_new();
  hub = hub_new(base);
  seen = (struct seen){0};
}

static void finish(void) {
  hub_free(hub);
  event_base_free(base);
}

static struct listen_options tcp(void) {
  struct listen_options options = {.max_connections = 8, .unread_max = 1000};
  cr_assert(address_parse("127.0.0.1:0", &options.address));
  return options;
}

static void listen_with(const struct listen_options *options) {
  struct error error = {0};
  cr_assert_eq(listener_open(hub, options, &handler, &seen, &listener, &error), STATUS_OK, "%s",
               error.text);
}

static int dial(void) {
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons(listener_address(listener)->port),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
  return fd;
}

TestSuite(session, .init = begin, .fini = finish, .timeout = 60);

Test(session, single_bytes_arrive_and_the_end_is_told) {
  struct listen_options options = tcp();
  listen_with(&options);
  int fd = dial();
  for (size_t i = 1; i <= 50; i++) {
    cr_assert_eq(write(fd, "x", 1), 1);
    UNTIL(seen.bytes == i);
  }
  close(fd);
  UNTIL(seen.closed == 1);
  cr_expect(seen.ended);
  cr_expect_eq(hub_count(hub), 0);
}

Test(session, unread_input_has_a_limit) {
  struct listen_options options = tcp();
  listen_with(&options);
  seen.keep = 1;
  int fd = dial();
  char bytes[1200] = {0};
  cr_assert_eq(write(fd, bytes, 999), 999);
  UNTIL(seen.opened == 1);
  cr_assert_eq(write(fd, bytes, 1), 1);
  UNTIL(seen.closed == 1);
  cr_expect_str_eq(seen.reason, "unread input past its limit");
  close(fd);
}

Test(session, a_peer_that_never_reads_costs_its_limit_only) {
  struct listen_options options = tcp();
  listen_with(&options);
  int fd = dial();
  UNTIL(seen.opened == 1);
  static char bytes[16384];
  int refused = 0;
  for (int i = 0; i < 4000; i++) {
    refused += !session_send(seen.last, (struct slice){bytes, sizeof bytes});
    cr_assert_leq(session_unsent(seen.last), 64 * 1024);
  }
  cr_expect_gt(refused, 1000);
  close(fd);
  UNTIL(seen.closed == 1);
}

/* It would hold the session for ever if its input put the end off. */
Test(session, closing_ends_though_the_peer_sends_on_and_never_reads) {
  struct listen_options options = tcp();
  listen_with(&options);
  int fd = dial();
  UNTIL(seen.opened == 1);
  static char bytes[16384];
  while (session_send(seen.last, (struct slice){bytes, sizeof bytes})) {
  }
  session_close(seen.last, "done");
  cr_expect(session_is_closing(seen.last));
  usec_t began = clock_monotonic_us();
  UNTIL((send(fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL), seen.closed == 1));
  cr_expect_gt(clock_monotonic_us() - began, 1500000);
  cr_expect_lt(clock_monotonic_us() - began, 6000000);
  cr_expect_eq(seen.bytes, 0);
  close(fd);
}

Test(session, closing_within_its_own_callback) {
  struct listen_options options = tcp();
  listen_with(&options);
  seen.close_at_once = true;
  int fd = dial();
  cr_assert_eq(write(fd, "x", 1), 1);
  UNTIL(seen.closed == 1);
  cr_expect_str_eq(seen.reason, "had enough");
  close(fd);
}

Test(session, a_paused_hub_reads_nothing_from_old_and_new) {
  struct listen_options options = tcp();
  listen_with(&options);
  int before = dial();
  UNTIL(seen.opened == 1);
  hub_pause(hub, true);
  int after = dial();
  UNTIL(seen.opened == 2);
  cr_assert_eq(write(before, "ab", 2), 2);
  cr_assert_eq(write(after, "cd", 2), 2);
  for (int i = 0; i < 20; i++)
    event_base_loop(base, EVLOOP_NONBLOCK);
  cr_expect_eq(seen.bytes, 0);
  hub_pause(hub, false);
  UNTIL(seen.bytes == 4);
  close(before);
  close(after);
}

Test(session, who_is_idle_or_too_many_or_not_allowed_has_to_go) {
  struct listen_options options = tcp();
  options.idle_timeout_ms = 200;
  options.max_connections = 1;
  listen_with(&options);
  int first = dial();
  UNTIL(seen.opened == 1);
  int second = dial();
  char byte;
  struct timeval brief = {.tv_usec = 20000};
  setsockopt(second, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof brief);
  UNTIL(recv(second, &byte, 1, 0) == 0);
  cr_expect_eq(seen.opened, 1);
  UNTIL(seen.closed == 1);
  cr_expect_str_eq(seen.reason, "idle");
  struct cidr elsewhere;
  cr_assert(cidr_parse("10.0.0.0/8", &elsewhere));
  options.allow = &elsewhere;
  options.allow_count = 1;
  listener_limit(listener, &options);
  int third = dial();
  setsockopt(third, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof brief);
  UNTIL(recv(third, &byte, 1, 0) == 0);
  cr_expect_eq(seen.opened, 1);
  close(first);
  close(second);
  close(third);
}

Test(session, out_of_descriptors_it_waits_and_goes_on) {
  struct listen_options options = tcp();
  listen_with(&options);
  log_set_file("/dev/null");
  int fd = dial();
  struct rlimit was, none;
  getrlimit(RLIMIT_NOFILE, &was);
  none = was;
  none.rlim_cur = (rlim_t)fd + 1;
  setrlimit(RLIMIT_NOFILE, &none);
  for (int i = 0; i < 50; i++)
    event_base_loop(base, EVLOOP_NONBLOCK);
  setrlimit(RLIMIT_NOFILE, &was);
  int later = dial();
  UNTIL(seen.opened >= 1);
  close(fd);
  close(later);
}

Test(session, a_unix_socket_that_a_killed_daemon_left_is_taken_over) {
  char dir[] = "/tmp/callpace-session-XXXXXX";
  cr_assert(mkdtemp(dir));
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  snprintf(at.sun_path, sizeof at.sun_path, "%s/s", dir);
  int left = socket(AF_UNIX, SOCK_STREAM, 0);
  cr_assert_eq(bind(left, (struct sockaddr *)&at, sizeof at), 0);
  close(left);
  struct listen_options options = {
      .address = {.is_unix = true}, .max_connections = 2, .unread_max = 100};
  memcpy(options.address.host, at.sun_path, strlen(at.sun_path) + 1);
  listen_with(&options);
  struct listener *second = NULL;
  struct error error = {0};
  cr_expect_eq(listener_open(hub, &options, &handler, &seen, &second, &error), STATUS_UNAVAILABLE);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
  cr_assert_eq(write(fd, "hi", 2), 2);
  UNTIL(seen.bytes == 2);
  close(fd);
  listener_close(listener);
  cr_expect_neq(access(at.sun_path, F_OK), 0);
  rmdir(dir);
}

Test(session, a_connector_tries_again_and_finds_the_right_address_of_a_name) {
  struct listen_options options = tcp();
  listen_with(&options);
  struct seen out = {0};
  struct connect_options to = {.unread_max = 100, .retry_first_ms = 20};
  char text[64];
  snprintf(text, sizeof text, "localhost:%u", listener_address(listener)->port);
  cr_assert(address_parse(text, &to.address));
  struct connector *connector = NULL;
  struct error error = {0};
  cr_assert_eq(connector_open(hub, &to, &handler, &out, &connector, &error), STATUS_OK);
  UNTIL(out.opened == 1 && seen.opened == 1);
  session_close(seen.last, "go away");
  UNTIL(out.closed == 1 && out.opened == 2);
  listener_close(listener);
  UNTIL(out.failed >= 3);
  connector_close(connector);
}
