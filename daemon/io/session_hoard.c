/* What came while nobody could take it: the journal stalls, or the loop hangs in a
 * sync. A switch cuts off who does not read (Asterisk after some 10 s), so that the
 * bytes of outgoing connections are kept, with the time at which each came. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "callpace/base/mem.h"
#include "session_internal.h"

/* Received at one time; ends at this offset. */
struct piece {
  size_t end;
  msec_t at_ms;
};

struct hoard {
  size_t max;
  char *data;
  size_t len, capacity;
  struct piece *pieces;
  size_t count, first, piece_capacity;
  bool ended;
  msec_t ended_ms;
  char reason[96];
};

struct hoard *hoard_new(size_t max) {
  struct hoard *hoard = mem_zalloc(sizeof *hoard);
  *hoard = (struct hoard){.max = max, .ended_ms = MSEC_NONE};
  return hoard;
}

void hoard_free(struct hoard *hoard) {
  if (!hoard) return;
  free(hoard->data);
  free(hoard->pieces);
  free(hoard);
}

bool hoard_is_empty(const struct hoard *hoard) {
  return hoard->first == hoard->count && !hoard->ended;
}

bool hoard_has_ended(const struct hoard *hoard) {
  return hoard->ended;
}

msec_t hoard_ended_ms(const struct hoard *hoard) {
  return hoard->ended_ms;
}

const char *hoard_reason(const struct hoard *hoard) {
  return hoard->reason;
}

static void put(struct hoard *hoard, size_t got) {
  msec_t now_ms = clock_wall_ms();
  struct piece *last = hoard->count > hoard->first ? &hoard->pieces[hoard->count - 1] : NULL;
  size_t last_from = hoard->count > 1 ? hoard->pieces[hoard->count - 2].end : 0;
  hoard->len += got;
  if (last && last->at_ms == now_ms && hoard->len - last_from <= READ_SIZE) {
    last->end = hoard->len;
    return;
  }
  hoard->pieces =
      mem_grow(hoard->pieces, &hoard->piece_capacity, hoard->count + 1, sizeof *hoard->pieces);
  hoard->pieces[hoard->count++] = (struct piece){hoard->len, now_ms};
}

static void end(struct hoard *hoard, const char *reason) {
  hoard->ended = true;
  hoard->ended_ms = clock_wall_ms();
  snprintf(hoard->reason, sizeof hoard->reason, "%s", reason);
}

/* The peer is told at once: what it sends from here on is lost. */
static void overflow(struct session *s) {
  end(s->hoard, "more came than is kept while the journal stalls");
  shutdown(s->fd, SHUT_RDWR);
}

void hoard_fill(struct session *s) {
  struct hoard *hoard = s->hoard;
  while (!hoard->ended) {
    size_t room = hoard->max - hoard->len;
    if (room == 0) {
      overflow(s);
      return;
    }
    if (room > READ_SIZE) room = READ_SIZE;
    hoard->data = mem_grow(hoard->data, &hoard->capacity, hoard->len + room, 1);
    ssize_t got = session_read(s, hoard->data + hoard->len, room);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0)
      end(hoard, got == 0 ? "closed by peer" : strerror(errno));
    else
      put(hoard, (size_t)got);
  }
}

struct slice hoard_take(struct hoard *hoard, msec_t *at_ms) {
  if (hoard->first == hoard->count) return (struct slice){0};
  size_t from = hoard->first ? hoard->pieces[hoard->first - 1].end : 0;
  const struct piece *piece = &hoard->pieces[hoard->first++];
  *at_ms = piece->at_ms;
  return (struct slice){hoard->data + from, piece->end - from};
}

void hoard_reset(struct hoard *hoard) {
  free(hoard->data);
  free(hoard->pieces);
  *hoard = (struct hoard){.max = hoard->max, .ended_ms = MSEC_NONE};
}

/* ---- in place of a loop that hangs ---- */

/* Holds the hub while its thread is away for so long. */
enum { AWAY_S = 1 };

struct stand_in {
  pthread_t thread;
  pthread_mutex_t hub; /* held by the loop unless it is away */
  pthread_mutex_t lock;
  pthread_cond_t ended;
  usec_t away_since_us; /* monotonic, under `hub`; 0: not away */
  bool ending;
};

static bool wait_a_second(struct stand_in *in) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += AWAY_S;
  pthread_mutex_lock(&in->lock);
  int failed = 0;
  while (!in->ending && failed != ETIMEDOUT)
    failed = pthread_cond_timedwait(&in->ended, &in->lock, &until);
  bool ending = in->ending;
  pthread_mutex_unlock(&in->lock);
  return !ending;
}

static void *stand_in_run(void *arg) {
  struct hub *hub = arg;
  struct stand_in *in = hub->stand_in;
  while (wait_a_second(in)) {
    if (pthread_mutex_trylock(&in->hub) != 0) continue; /* the loop is at work */
    bool away = clock_monotonic_us() - in->away_since_us >= (usec_t)AWAY_S * 1000000;
    for (struct session *s = hub->sessions; s && away; s = s->next)
      if (s->hoard && !s->handshaking && !s->closing) hoard_fill(s);
    pthread_mutex_unlock(&in->hub);
  }
  return NULL;
}

void stand_in_start(struct hub *hub) {
  if (hub->stand_in) return;
  struct stand_in *in = mem_zalloc(sizeof *in);
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&in->ended, &monotonic);
  pthread_condattr_destroy(&monotonic);
  pthread_mutex_init(&in->lock, NULL);
  pthread_mutex_init(&in->hub, NULL);
  pthread_mutex_lock(&in->hub);
  hub->stand_in = in;
  /* Signals are the loop's. Without a thread there is no stand-in, and no harm. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool failed = pthread_create(&in->thread, NULL, stand_in_run, hub) != 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!failed) return;
  hub->stand_in = NULL;
  free(in);
}

void stand_in_end(struct hub *hub) {
  struct stand_in *in = hub->stand_in;
  if (!in) return;
  pthread_mutex_lock(&in->lock);
  in->ending = true;
  pthread_cond_signal(&in->ended);
  pthread_mutex_unlock(&in->lock);
  pthread_join(in->thread, NULL);
  pthread_mutex_unlock(&in->hub);
  pthread_mutex_destroy(&in->hub);
  pthread_mutex_destroy(&in->lock);
  pthread_cond_destroy(&in->ended);
  free(in);
  hub->stand_in = NULL;
}

void hub_leave(struct hub *hub) {
  if (!hub->stand_in) return;
  hub->stand_in->away_since_us = clock_monotonic_us();
  pthread_mutex_unlock(&hub->stand_in->hub);
}

void hub_return(struct hub *hub) {
  if (!hub->stand_in) return;
  pthread_mutex_lock(&hub->stand_in->hub);
  if (clock_monotonic_us() - hub->stand_in->away_since_us < (usec_t)AWAY_S * 1000000) return;
  for (struct session *s = hub->sessions; s; s = s->next)
    if (s->hoard && !hoard_is_empty(s->hoard)) event_active(s->readable, EV_READ, 1);
}
