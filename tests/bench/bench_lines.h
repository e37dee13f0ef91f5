/* Lines of a call centre as a switch would send them: starts, answers and ends of
 * distinct calls, every agent in one call at a time. For the bench's senders. */
#ifndef CALLPACE_BENCH_LINES_H
#define CALLPACE_BENCH_LINES_H

#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "callpace/base/clock.h"
#include "callpace/base/mem.h"
#include "callpace/base/writer.h"

enum { LINES_AGENTS = 1000, LINES_FIRST_AGENT = 1001 };

struct lines {
  struct writer text;
  uint64_t *ends; /* byte after each line's '\n' */
  uint64_t count;
  uint64_t seq;      /* of the line written last */
  const char *tag;   /* keeps calls of different runs apart */
  unsigned part, of; /* agents part, part + of, … */
};

static inline void lines_event(struct lines *l, const char *type, msec_t ts, uint64_t call) {
  put_format(&l->text,
             "{\"type\":\"call.%s\",\"ts\":%" PRId64 ",\"seq\":%" PRIu64
             ",\"call\":\"pbx1-%s.%u.%" PRIu64 "\"",
             type, ts, ++l->seq, l->tag, l->part, call);
}

static inline void lines_start(struct lines *l, msec_t ts, uint64_t call) {
  unsigned agent = LINES_FIRST_AGENT + l->part + l->of * (unsigned)(call % (LINES_AGENTS / l->of));
  lines_event(l, "start", ts, call);
  put_format(&l->text,
             ",\"agent\":\"%u\",\"dir\":\"out\",\"number\":\"138%08u\",\"trunk\":\"gw1\"}\n", agent,
             (unsigned)(call * 2654435761u % 100000000u));
}

static inline void lines_answer(struct lines *l, msec_t ts, uint64_t call) {
  lines_event(l, "answer", ts, call);
  put_text(&l->text, "}\n");
}

static inline void lines_end(struct lines *l, msec_t ts, uint64_t call) {
  lines_event(l, "end", ts, call);
  put_text(&l->text, ",\"outcome\":\"answered\",\"cause\":\"16\"}\n");
}

/* The next events of the centre at `ts`: what call number `step` brings. */
static inline void lines_step(struct lines *l, msec_t ts, uint64_t step) {
  uint64_t open = LINES_AGENTS / l->of;
  if (step >= open) lines_end(l, ts, step - open);
  if (step >= open / 2) lines_answer(l, ts, step - open / 2);
  lines_start(l, ts, step);
}

static inline void lines_hello(struct writer *out, const char *tag, unsigned part) {
  put_format(
      out, "{\"type\":\"hello\",\"v\":1,\"producer\":\"bench-%u\",\"epoch\":\"%s-%" PRId64 "\"}\n",
      part, tag, clock_wall_us());
}

/* A hello and `count` events in the past half hour. */
static inline void lines_prepare(struct lines *l, const char *tag, unsigned part, unsigned of,
                                 uint64_t count) {
  msec_t now = clock_wall_ms();
  *l = (struct lines){.tag = tag, .part = part, .of = of};
  lines_hello(&l->text, tag, part);
  l->count = count;
  l->ends = mem_alloc((count + 1) * sizeof *l->ends);
  uint64_t ended = 0;
  for (uint64_t step = 0; ended < count; step++) {
    size_t at = l->text.len;
    lines_step(l, now - 1800000 + (msec_t)(step * 5400000 / count), step);
    for (const char *p; ended < count && (p = memchr(l->text.data + at, '\n', l->text.len - at));
         at = l->ends[ended++])
      l->ends[ended] = (uint64_t)(p - l->text.data) + 1;
  }
  l->text.len = l->ends[count - 1];
}

static inline void lines_free(struct lines *l) {
  writer_free(&l->text);
  free(l->ends);
}

/* The number behind the last "seq": of the whole lines in [data, data+len); 0: none. */
static inline uint64_t last_seq(const char *data, size_t len) {
  static const char key[] = "\"seq\":";
  for (size_t i = len; i >= sizeof key; i--)
    if (memcmp(data + i - sizeof key, key, sizeof key - 1) == 0)
      return strtoull(data + i - 1, NULL, 10);
  return 0;
}

static inline int bench_connect(const char *port) {
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons((uint16_t)atoi(port)),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
    perror("connect");
    exit(1);
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

#endif
