#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "callpace/base/mem.h"
#include "callpace/feed.h"

enum { READ_SIZE = 256 * 1024, LINE_MAX_BYTES = 16 * 1024 * 1024 };

static bool is_blank_line(struct slice line) {
  for (size_t i = 0; i < line.len; i++)
    if (line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '\r') return false;
  return true;
}

bool feed_input_line(struct feed_input *input, struct slice *line) {
  for (;;) {
    const char *start = input->data + input->start;
    size_t held = input->end - input->start;
    const char *ending = held > input->searched
                             ? memchr(start + input->searched, '\n', held - input->searched)
                             : NULL;
    if (!ending && (!input->ended || held == 0)) {
      input->searched = held;
      return false;
    }
    *line = (struct slice){start, ending ? (size_t)(ending - start) : held};
    input->searched = line->len;
    if (!is_blank_line(*line)) return true;
    feed_input_take(input, *line);
  }
}

void feed_input_take(struct feed_input *input, struct slice line) {
  input->start += line.len;
  if (input->start < input->end) input->start++; /* its '\n' */
  input->searched = 0;
}

bool feed_input_read(struct feed_input *input) {
  size_t held = input->end - input->start;
  if (input->start && input->capacity - input->end < READ_SIZE) {
    memmove(input->data, input->data + input->start, held);
    input->start = 0;
    input->end = held;
  }
  if (held > LINE_MAX_BYTES) {
    errno = EMSGSIZE;
    return false;
  }
  input->data = mem_grow(input->data, &input->capacity, input->end + READ_SIZE, 1);
  ssize_t got = read(input->fd, input->data + input->end, READ_SIZE);
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  if (got == 0) input->ended = true;
  input->end += (size_t)got;
  return true;
}

void feed_input_free(struct feed_input *input) {
  free(input->data);
  if (input->fd > STDIN_FILENO) close(input->fd);
}

static double step_us(struct feed_pace *pace, struct slice line) {
  msec_t ts;
  if (pace->rate > 0) return 1e6 / pace->rate;
  if (feed_line_is_tick(line) || !feed_line_ts(line, &ts)) return 0;
  msec_t step_ms = pace->last_ts && ts > pace->last_ts ? ts - pace->last_ts : 0;
  double real_ms = (double)step_ms / pace->speed;
  if (pace->max_wait_ms && real_ms > (double)pace->max_wait_ms) real_ms = (double)pace->max_wait_ms;
  if (ts > pace->last_ts) pace->last_ts = ts;
  return real_ms * 1000;
}

usec_t feed_pace_due(struct feed_pace *pace, struct slice line, usec_t now_us) {
  if (pace->rate <= 0 && pace->speed <= 0) return 0;
  if (!pace->due_us) {
    pace->due_us = now_us;
    if (pace->rate > 0) return now_us;
  }
  pace->fraction_us += step_us(pace, line);
  usec_t whole = (usec_t)pace->fraction_us;
  pace->fraction_us -= (double)whole;
  pace->due_us += whole;
  return pace->due_us;
}
