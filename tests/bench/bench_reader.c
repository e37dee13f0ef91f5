/* What the daemon is measured against: reads one TCP connection and scans every
 * line, nothing else (the reference loop R), or only counts lines (--plain).
 *   bench_reader [--plain]
 * Prints its port at once, and the lines and processor seconds at the end. */
#include <time.h>
#include <unistd.h>

#include "bench_lines.h"
#include "callpace/base/flat_json.h"

enum { BUFFER_BYTES = 256 << 10 };

static int listen_any(void) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof at;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 || listen(fd, 1) != 0 ||
      getsockname(fd, (struct sockaddr *)&at, &len) != 0)
    exit((perror("listen"), 1));
  printf("%u\n", ntohs(at.sin_port));
  fflush(stdout);
  return fd;
}

/* Returns the bytes used: whole lines. */
static size_t take(const char *data, size_t len, bool plain, uint64_t *lines, uint64_t *bad) {
  static struct flat_object object;
  const char *at = data, *end;
  while ((end = memchr(at, '\n', len - (size_t)(at - data)))) {
    struct slice line = {at, (size_t)(end - at)};
    ++*lines;
    if (!plain && flat_json_scan(line, &object) != FLAT_OK) ++*bad;
    at = end + 1;
  }
  return (size_t)(at - data);
}

int main(int argc, char **argv) {
  static char buffer[BUFFER_BYTES];
  bool plain = argc > 1 && strcmp(argv[1], "--plain") == 0;
  size_t len = 0;
  uint64_t lines = 0, bad = 0;
  int listener = listen_any();
  int fd = accept(listener, NULL, NULL);
  for (ssize_t n; (n = read(fd, buffer + len, sizeof buffer - len)) > 0;) {
    len += (size_t)n;
    size_t used = take(buffer, len, plain, &lines, &bad);
    len -= used;
    memmove(buffer, buffer + used, len);
  }
  close(fd);
  printf("{\"lines\": %" PRIu64 ", \"bad\": %" PRIu64 ", \"cpu_seconds\": %.6f}\n", lines, bad,
         (double)clock() / CLOCKS_PER_SEC);
  return 0;
}
