/* Blasts prepared lines at a daemon, or at bench_reader (--raw: nothing answers).
 *   bench_sender PORT CONNECTIONS EVENTS TAG [--raw]
 * Prints as JSON how many events went, and the seconds to the last acknowledgement
 * (raw: until the reader closed). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "bench_lines.h"

enum { CONNECTIONS_MAX = 64, WRITE_BYTES = 256 << 10, ANSWER_BYTES = 4096 };
enum { WINDOW_EVENTS = 400000 }; /* at most so many unacknowledged, of all connections */

struct link {
  int fd;
  struct lines lines;
  size_t sent; /* bytes */
  uint64_t window, acked;
  char answer[ANSWER_BYTES + 1];
  size_t answer_len;
};

static bool raw;

/* Bytes that may have been sent by now. */
static size_t allowed(const struct link *l) {
  uint64_t to = l->acked + l->window;
  return raw || to > l->lines.count ? l->lines.text.len : l->lines.ends[to - 1];
}

static bool done(const struct link *l) {
  return l->fd < 0 || (!raw && l->acked >= l->lines.count);
}

static void push(struct link *l) {
  size_t most = allowed(l) - l->sent;
  if (most > WRITE_BYTES) most = WRITE_BYTES;
  ssize_t n = write(l->fd, l->lines.text.data + l->sent, most);
  if (n < 0 && errno != EAGAIN) exit((perror("write"), 1));
  if (n > 0) l->sent += (size_t)n;
  if (raw && l->sent == l->lines.text.len) shutdown(l->fd, SHUT_WR);
}

static void pull(struct link *l) {
  ssize_t n = read(l->fd, l->answer + l->answer_len, ANSWER_BYTES - l->answer_len);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) {
    if (!raw) exit((fprintf(stderr, "the daemon closed a connection\n"), 1));
    close(l->fd);
    l->fd = -1;
    return;
  }
  l->answer_len += (size_t)n;
  l->answer[l->answer_len] = '\0';
  if (strstr(l->answer, "\"error\"")) exit((fprintf(stderr, "refused: %s", l->answer), 1));
  char *end = memrchr(l->answer, '\n', l->answer_len);
  if (!end) return;
  size_t used = (size_t)(end - l->answer) + 1;
  uint64_t seq = last_seq(l->answer, used);
  if (seq > l->acked) l->acked = seq;
  l->answer_len -= used;
  memmove(l->answer, end + 1, l->answer_len);
}

static void run(struct link *links, unsigned count) {
  for (;;) {
    struct pollfd polls[CONNECTIONS_MAX];
    unsigned open = 0;
    for (unsigned i = 0; i < count; i++) {
      bool more = links[i].fd >= 0 && links[i].sent < allowed(&links[i]);
      polls[i] = (struct pollfd){links[i].fd, (short)(more ? POLLIN | POLLOUT : POLLIN), 0};
      if (!done(&links[i])) open++;
    }
    if (open == 0) return;
    poll(polls, count, -1);
    for (unsigned i = 0; i < count; i++) {
      if (polls[i].revents & POLLOUT) push(&links[i]);
      if (polls[i].revents & (POLLIN | POLLHUP | POLLERR)) pull(&links[i]);
    }
  }
}

int main(int argc, char **argv) {
  static struct link links[CONNECTIONS_MAX];
  if (argc < 5) return fprintf(stderr, "bench_sender PORT CONNECTIONS EVENTS TAG [--raw]\n"), 64;
  unsigned count = (unsigned)atoi(argv[2]);
  uint64_t events = strtoull(argv[3], NULL, 10), bytes = 0;
  raw = argc > 5;
  if (count == 0 || count > CONNECTIONS_MAX) return 64;
  for (unsigned i = 0; i < count; i++) {
    links[i].window = WINDOW_EVENTS / count;
    lines_prepare(&links[i].lines, argv[4], i, count, events / count);
    bytes += links[i].lines.text.len;
  }
  for (unsigned i = 0; i < count; i++) {
    links[i].fd = bench_connect(argv[1]);
    fcntl(links[i].fd, F_SETFL, O_NONBLOCK);
  }
  usec_t begin = clock_monotonic_us();
  run(links, count);
  double seconds = (double)(clock_monotonic_us() - begin) / 1e6;
  printf("{\"events\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"seconds\": %.6f}\n",
         events / count * count, bytes, seconds);
  for (unsigned i = 0; i < count; i++)
    lines_free(&links[i].lines);
  return 0;
}
