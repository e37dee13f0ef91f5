/* Reading on while nobody can take it: while the hub is paused, and while the loop
 * hangs. The test is the switch: a plain listening socket. */
#include <criterion/criterion.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "callpace/base/log.h"
#include "callpace/io/session.h"

enum { KEEP_MAX = 1 << 20 };

struct seen {
  int opened, closed;
  size_t bytes, wrong; /* wrong: not the next of the row 0, 1, … 255, 0, … */
  msec_t first_ms, last_ms, closed_ms;
  bool ended;
  char reason[128];
};

static struct event_base *base;
static struct hub *hub;
static struct connector *connector;
static int listening, peer;
static size_t sent;
static struct seen seen;

static void on_opened(struct session *session, void *user) {
  (void)session;
  ((struct seen *)user)->opened++;
}

static size_t on_bytes(struct session *session, const char *data, size_t len, bool end,
                       void *user) {
  struct seen *s = user;
  if (len && s->first_ms == 0) s->first_ms = session_arrival_ms(session);
  if (len) s->last_ms = session_arrival_ms(session);
  for (size_t i = 0; i < len; i++)
    s->wrong += (unsigned char)data[i] != (unsigned char)(s->bytes + i);
  s->bytes += len;
  s->ended = end;
  return len;
}

static void on_closed(struct session *session, const char *reason, void *user) {
  struct seen *s = user;
  s->closed++;
  s->closed_ms = session_arrival_ms(session);
  snprintf(s->reason, sizeof s->reason, "%s", reason);
}

static void on_failed(struct connector *c, const char *reason, void *user) {
  (void)c, (void)reason, (void)user;
}

static const struct session_handler handler = {on_opened, on_bytes, on_closed, on_failed};

#define UNTIL(condition)                                                                           \
  for (usec_t end_us = clock_monotonic_us() + 20000000; !(condition);) {                           \
    cr_assert_lt(clock_monotonic_us(), end_us, "never: %s", #condition);                           \
    event_base_loopexit(base, &(struct timeval){.tv_usec = 5000});                                 \
    event_base_loop(base, EVLOOP_ONCE);                                                            \
  }

static void begin(void) {
  log_set_level(LOG_LEVEL_ERROR);
  base = event_base_new();
  hub = hub_new(base);
  seen = (struct seen){0};
  sent = 0;
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof at;
  listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  cr_assert_eq(bind(listening, (struct sockaddr *)&at, len), 0);
  cr_assert_eq(listen(listening, 4), 0);
  cr_assert_eq(getsockname(listening, (struct sockaddr *)&at, &len), 0);
  char text[32];
  snprintf(text, sizeof text, "127.0.0.1:%u", ntohs(at.sin_port));
  struct connect_options options = {.unread_max = 1000, .keep_max = KEEP_MAX};
  cr_assert(address_parse(text, &options.address));
  struct error error = {0};
  cr_assert_eq(connector_open(hub, &options, &handler, &seen, &connector, &error), STATUS_OK);
  UNTIL(seen.opened == 1);
  peer = accept(listening, NULL, NULL);
}

static void finish(void) {
  close(peer);
  close(listening);
  hub_free(hub);
  event_base_free(base);
}

TestSuite(session_hoard, .init = begin, .fini = finish, .timeout = 120);

/* Sends so many bytes of the row; fewer when the other side takes no more. */
static size_t feed(size_t count) {
  size_t had = sent;
  while (sent - had < count) {
    char bytes[4096];
    size_t len = count - (sent - had) < sizeof bytes ? count - (sent - had) : sizeof bytes;
    for (size_t i = 0; i < len; i++)
      bytes[i] = (char)(sent + i);
    ssize_t done = send(peer, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (done <= 0) break;
    sent += (size_t)done;
  }
  return sent - had;
}

static void turn(int ms) {
  for (usec_t until = clock_monotonic_us() + (usec_t)ms * 1000; clock_monotonic_us() < until;) {
    event_base_loopexit(base, &(struct timeval){.tv_usec = 2000});
    event_base_loop(base, EVLOOP_ONCE);
  }
}

Test(session_hoard, what_comes_in_a_pause_is_delivered_after_it_with_its_time) {
  feed(100);
  UNTIL(seen.bytes == 100);
  cr_expect_eq(seen.last_ms, MSEC_NONE);
  hub_pause(hub, true);
  seen.first_ms = 0;
  msec_t before_ms = clock_wall_ms();
  feed(5000);
  turn(300);
  feed(5000);
  turn(300);
  cr_expect_eq(seen.bytes, 100, "nothing is delivered in a pause");
  hub_pause(hub, false);
  UNTIL(seen.bytes == 10100);
  cr_expect(seen.first_ms >= before_ms && seen.last_ms - seen.first_ms >= 250);
  cr_expect_leq(seen.last_ms, clock_wall_ms() - 250);
  feed(10);
  UNTIL(seen.bytes == 10110);
  cr_expect_eq(seen.last_ms, MSEC_NONE, "it comes now again");
  cr_expect_eq(seen.wrong, 0);
  cr_expect_eq(seen.closed, 0);
}

Test(session_hoard, more_than_is_kept_cuts_the_peer_off) {
  hub_pause(hub, true);
  size_t taken = 0;
  char byte;
  msec_t before_ms = clock_wall_ms();
  UNTIL((taken += feed(65536), recv(peer, &byte, 1, MSG_DONTWAIT) >= 0));
  cr_expect_geq(taken, KEEP_MAX);
  msec_t cut_ms = clock_wall_ms();
  turn(200);
  cr_expect_eq(seen.closed, 0);
  hub_pause(hub, false);
  UNTIL(seen.closed == 1);
  cr_expect_eq(seen.bytes, KEEP_MAX, "all that is kept counts");
  cr_expect(seen.ended && seen.wrong == 0);
  cr_expect_str_eq(seen.reason, "more came than is kept while the journal stalls");
  cr_expect(seen.closed_ms >= before_ms && seen.closed_ms <= cut_ms);
  UNTIL(seen.opened == 2);
}

Test(session_hoard, a_peer_that_leaves_in_a_pause_left_then) {
  hub_pause(hub, true);
  feed(300);
  close(peer);
  peer = -1;
  turn(300);
  msec_t then_ms = clock_wall_ms();
  turn(300);
  hub_pause(hub, false);
  UNTIL(seen.closed == 1);
  cr_expect_eq(seen.bytes, 300);
  cr_expect_leq(seen.closed_ms, then_ms);
}

Test(session_hoard, somebody_reads_while_the_loop_hangs) {
  hub_leave(hub);
  msec_t before_ms = clock_wall_ms();
  usec_t give_up_us = clock_monotonic_us() + 30000000;
  /* More than the kernel alone would take: somebody must read. */
  while (sent < KEEP_MAX - 1000 && clock_monotonic_us() < give_up_us) {
    feed(KEEP_MAX - 1000 - sent);
    usleep(10000);
  }
  usleep(4000000);
  cr_expect_eq(seen.bytes, 0);
  msec_t return_ms = clock_wall_ms();
  hub_return(hub);
  UNTIL(seen.bytes == KEEP_MAX - 1000);
  cr_expect_eq(seen.wrong, 0);
  cr_expect(seen.first_ms >= before_ms && seen.first_ms <= return_ms - 400);
  feed(10);
  UNTIL(seen.bytes == KEEP_MAX - 990);
  cr_expect_eq(seen.closed, 0);
}

Test(session_hoard, a_short_absence_changes_nothing) {
  for (int i = 0; i < 1000; i++) {
    hub_leave(hub);
    feed(1);
    hub_return(hub);
  }
  UNTIL(seen.bytes == 1000);
  cr_expect_eq(seen.wrong, 0);
}
