#include <stdlib.h>
#include <string.h>

#include "callpace/base/mem.h"
#include "callpace/feed.h"

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

static struct slice trimmed(struct slice line) {
  while (line.len && is_blank(line.data[line.len - 1]))
    line.len--;
  return line;
}

/* Where `"KEY"` stands as a key; value_at gets the start of its value. A quote
 * within a string is escaped, so the bytes can not stand inside one. */
static const char *find_key(struct slice line, struct slice quoted_key, const char **value_at) {
  const char *end = line.data + line.len, *from = line.data;
  for (;;) {
    const char *at = memmem(from, (size_t)(end - from), quoted_key.data, quoted_key.len);
    if (!at) return NULL;
    const char *behind = at + quoted_key.len;
    while (behind < end && is_blank(*behind))
      behind++;
    if (behind < end && *behind == ':') {
      for (behind++; behind < end && is_blank(*behind);)
        behind++;
      *value_at = behind;
      return at;
    }
    from = at + quoted_key.len;
  }
}

/* Appends the line without the `"seq":NUMBER` at `key` and one comma beside it. */
static void put_without_seq(struct slice line, const char *key, const char *value,
                            struct writer *out) {
  const char *end = line.data + line.len, *before = key;
  while (value < end && *value != ',' && *value != '}')
    value++;
  while (before > line.data && is_blank(before[-1]))
    before--;
  if (before > line.data && before[-1] == ',')
    before--;
  else if (value < end && *value == ',')
    value++;
  put_bytes(out, line.data, (size_t)(before - line.data));
  put_bytes(out, value, (size_t)(end - value));
}

static void put_with_seq(struct slice line, uint64_t seq, struct writer *out) {
  size_t body = line.len - 1;
  while (body && is_blank(line.data[body - 1]))
    body--;
  char *room = writer_reserve(out, line.len + 40);
  if (!room) return;
  memcpy(room, line.data, body);
  out->len += body;
  put_text(out, body == 1 ? "\"seq\":" : ",\"seq\":");
  put_uint(out, seq);
  put_text(out, "}\n");
}

void feed_put_line(struct slice line, uint64_t seq, struct writer *out) {
  const char *value, *key;
  line = trimmed(line);
  if (!seq || line.len < 2 || line.data[line.len - 1] != '}') {
    put_slice(out, line);
    put_char(out, '\n');
    return;
  }
  if (!(key = find_key(line, SLICE("\"seq\""), &value))) {
    put_with_seq(line, seq, out);
    return;
  }
  struct writer bare = {0};
  put_without_seq(line, key, value, &bare);
  put_with_seq(writer_slice(&bare), seq, out);
  writer_free(&bare);
}

bool feed_line_ts(struct slice line, msec_t *ts) {
  const char *value, *end = line.data + line.len;
  if (!find_key(line, SLICE("\"ts\""), &value) || value == end) return false;
  if (*value == '"') {
    const char *close = memchr(value + 1, '"', (size_t)(end - value - 1));
    return close && clock_parse_rfc3339((struct slice){value + 1, (size_t)(close - value - 1)}, ts);
  }
  msec_t read = 0;
  int digits = 0;
  for (; value < end && *value >= '0' && *value <= '9' && digits < 16; value++, digits++)
    read = read * 10 + (*value - '0');
  if (digits) *ts = read;
  return digits > 0;
}

bool feed_line_is_tick(struct slice line) {
  return memmem(line.data, line.len, "\"tick\"", 6) != NULL;
}

void feed_window_init(struct feed_window *window) {
  *window = (struct feed_window){.ends = mem_alloc(FEED_WINDOW * sizeof *window->ends)};
}

void feed_window_free(struct feed_window *window) {
  writer_free(&window->bytes);
  free(window->ends);
  window->ends = NULL;
}

bool feed_window_has_room(const struct feed_window *window) {
  return window->newest - window->acked < FEED_WINDOW - 1;
}

static size_t end_of(const struct feed_window *window, uint64_t seq) {
  return (size_t)(window->ends[seq % FEED_WINDOW] - window->dropped);
}

/* Acknowledged bytes go when they are most of the buffer: each byte moves about
 * once at most. */
static void drop_done(struct feed_window *window) {
  size_t left = window->bytes.len - window->done;
  if (window->done < 1 << 16 || window->done < left) return;
  memmove(window->bytes.data, window->bytes.data + window->done, left);
  window->dropped += window->done;
  window->sent -= window->done;
  window->bytes.len = left;
  window->done = 0;
}

void feed_window_add(struct feed_window *window, struct slice line, bool with_seq) {
  window->newest++;
  feed_put_line(line, with_seq ? window->newest : 0, &window->bytes);
  window->ends[window->newest % FEED_WINDOW] = window->dropped + window->bytes.len;
}

void feed_window_ack(struct feed_window *window, uint64_t seq) {
  if (seq <= window->acked || seq > window->newest) return;
  window->done = end_of(window, seq);
  window->acked = seq;
  if (window->sent < window->done) window->sent = window->done;
  drop_done(window);
}

struct slice feed_window_unsent(const struct feed_window *window) {
  if (window->sent == window->bytes.len) return (struct slice){NULL, 0};
  return (struct slice){window->bytes.data + window->sent, window->bytes.len - window->sent};
}

uint64_t feed_window_rewind(struct feed_window *window) {
  window->sent = window->done;
  return window->acked + 1;
}

uint64_t feed_window_sent_seq(const struct feed_window *window) {
  uint64_t low = window->acked, high = window->newest;
  while (low < high) {
    uint64_t middle = low + (high - low + 1) / 2;
    if (end_of(window, middle) <= window->sent)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}
