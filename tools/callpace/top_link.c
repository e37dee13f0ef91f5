/* A control connection that never waits. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "callpace/control.h"
#include "callpace/top.h"

enum { READ_SIZE = 64 << 10, ANSWER_MAX = 64 << 20 };

bool top_link_open(struct top_link *link, const struct client_options *options,
                   struct error *error) {
  link->file = client_connect(options, error);
  if (!link->file) return false;
  int fd = fileno(link->file), flags = fcntl(fd, F_GETFL);
  if (flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0) return true;
  error_set_errno(error, STATUS_UNAVAILABLE, "the control connection");
  top_link_close(link);
  return false;
}

void top_link_close(struct top_link *link) {
  if (link->file) fclose(link->file);
  writer_free(&link->out);
  writer_free(&link->in);
  *link = (struct top_link){0};
}

void top_link_ask(struct top_link *link, json_t *request) {
  char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
  if (text) {
    put_text(&link->out, text);
    put_char(&link->out, '\n');
  }
  free(text);
  json_decref(request);
}

static bool send_some(struct top_link *link) {
  while (link->sent < link->out.len) {
    ssize_t sent =
        write(fileno(link->file), link->out.data + link->sent, link->out.len - link->sent);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN;
    link->sent += (size_t)sent;
  }
  writer_reset(&link->out);
  link->sent = 0;
  return true;
}

static void drop_taken(struct top_link *link) {
  if (link->taken == 0) return;
  memmove(link->in.data, link->in.data + link->taken, link->in.len - link->taken);
  link->in.len -= link->taken;
  link->searched -= link->taken;
  link->taken = 0;
}

bool top_link_pump(struct top_link *link) {
  if (!send_some(link)) return false;
  drop_taken(link);
  while (link->in.len < ANSWER_MAX) {
    char *room = writer_reserve(&link->in, READ_SIZE);
    if (!room) return false;
    ssize_t got = read(fileno(link->file), room, READ_SIZE);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
    link->in.len += (size_t)got;
  }
  return false; /* an answer as long as that is none */
}

bool top_link_line(struct top_link *link, struct slice *line) {
  if (!link->in.len) return false;
  const char *from = link->in.data + link->searched, *end = link->in.data + link->in.len;
  const char *newline = memchr(from, '\n', (size_t)(end - from));
  if (!newline) {
    link->searched = link->in.len;
    return false;
  }
  const char *begin = link->in.data + link->taken;
  *line = (struct slice){begin, (size_t)(newline - begin)};
  link->taken = link->searched = (size_t)(newline + 1 - link->in.data);
  return true;
}
