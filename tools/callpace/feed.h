/* Feeding protocol lines with acknowledgement: the lines on their way
 * (feed_lines.c), the conversation (feed_link.c), the loop (cmd_feed.c). */
#ifndef CALLPACE_FEED_H
#define CALLPACE_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/base/address.h"
#include "callpace/base/clock.h"
#include "callpace/base/slice.h"
#include "callpace/base/status.h"
#include "callpace/base/writer.h"

/* Appends the line (without its ending) and '\n' with `"seq":SEQ` as its last
 * member; a seq that it had is taken out. A line that is no object goes as it is:
 * the daemon will say so. SEQ 0 adds none. */
void feed_put_line(struct slice line, uint64_t seq, struct writer *out);
/* The `ts` of a line; false when it has none that can be read. */
bool feed_line_ts(struct slice line, msec_t *ts);
/* A tick, which needs no waiting: the events around it set the pace. */
bool feed_line_is_tick(struct slice line);

/* Lines from first_seq on that are not acknowledged yet, sent or not. */
enum { FEED_WINDOW = 65536 };
struct feed_window {
  struct writer bytes;    /* encoded lines; [0, done) is acknowledged already */
  size_t done, sent;      /* offsets in bytes */
  uint64_t dropped;       /* bytes dropped in front of `bytes` since the start */
  uint64_t acked, newest; /* sequence numbers; acked <= newest */
  uint64_t *ends;         /* end of line SEQ, counted from the start: ends[SEQ % FEED_WINDOW] */
};
void feed_window_init(struct feed_window *window);
void feed_window_free(struct feed_window *window);
bool feed_window_has_room(const struct feed_window *window);
/* Takes the next line; its seq is window->newest afterwards. */
void feed_window_add(struct feed_window *window, struct slice line, bool with_seq);
/* Everything up to seq is safe. */
void feed_window_ack(struct feed_window *window, uint64_t seq);
/* Not sent yet. */
struct slice feed_window_unsent(const struct feed_window *window);
/* After a reconnect: everything above acked is to be sent again. Returns its
 * first seq. */
uint64_t feed_window_rewind(struct feed_window *window);
/* The newest seq of which all bytes were sent. */
uint64_t feed_window_sent_seq(const struct feed_window *window);

enum { FEED_CODES_MAX = 16, FEED_TOLD_MAX = 10 };
struct feed_refusals {
  uint64_t count;
  struct {
    char code[32];
    uint64_t count;
  } codes[FEED_CODES_MAX];
  unsigned code_count;
};
/* Counts a refusal and tells the first FEED_TOLD_MAX on stderr. */
void feed_refused(struct feed_refusals *refusals, uint64_t event, struct slice code,
                  struct slice message);

/* One connection to a native source. */
struct feed_link {
  int fd; /* -1: none */
  bool welcomed;
  bool closed_by_peer;
  uint64_t first_seq; /* of the first line sent over it */
  unsigned opening;   /* lines before that: 1 with hello */
  char in[65536];
  size_t in_len;
};
/* Connects, not blocking. On failure fd stays -1 and `error` tells. */
bool feed_connect(struct feed_link *link, const struct address *to, struct error *error);
void feed_close(struct feed_link *link);

struct feed_hello {
  const char *producer, *epoch, *token; /* token: NULL for none */
};
void feed_put_hello(const struct feed_hello *hello, struct writer *out);

/* What the daemon said, taken out of the bytes it sent. */
enum feed_reply { FEED_REPLY_NONE, FEED_WELCOME, FEED_ACK, FEED_ERROR };
struct feed_answer {
  uint64_t seq;               /* WELCOME, ACK */
  uint64_t line;              /* ERROR: of the connection */
  struct slice code, message; /* ERROR: borrowed until the next call */
};
/* Reads what has come; false when the connection is gone. */
bool feed_read(struct feed_link *link);
enum feed_reply feed_next_reply(struct feed_link *link, struct feed_answer *answer);

/* Lines of a file, a pipe or a terminal. Zero-initialise but for fd. */
struct feed_input {
  int fd;
  char *data;
  size_t start, end, capacity;
  size_t searched; /* bytes behind start that hold no '\n' */
  bool ended;
};
/* The next line that is not blank, without its ending; false while more must be
 * read, or when input->ended, at the end. It stays until feed_input_take. */
bool feed_input_line(struct feed_input *input, struct slice *line);
void feed_input_take(struct feed_input *input, struct slice line);
/* Reads once more; false with errno on failure. */
bool feed_input_read(struct feed_input *input);
void feed_input_free(struct feed_input *input);

/* When a line is due. */
struct feed_pace {
  double rate;        /* lines a second; 0: none */
  double speed;       /* times as fast as `ts` tells; 0: none */
  msec_t max_wait_ms; /* longest silence kept; 0: any */
  usec_t due_us;      /* of the last line asked for; 0 before the first */
  double fraction_us; /* below a microsecond, carried */
  msec_t last_ts;
};
/* Point in monotonic time at which the next line may go; call once a line. */
usec_t feed_pace_due(struct feed_pace *pace, struct slice line, usec_t now_us);

#endif
