/* Server-sent events: the whole once, then what changed, and a sign of life in
 * between. A reader too slow for that is let go; it comes back with the mark of
 * what it saw last and gets what changed since. HTML standard, "Server-sent
 * events"; doc/openapi.json. */
#include <event2/event.h>

#include "callpace/base/log.h"
#include "callpace/io/session.h"
#include "web_internal.h"

enum {
  FLUSH_MS = 100,         /* at most so often */
  BEAT_MS = 500,          /* at least so often: a page calls itself stale soon after */
  BEHIND_MAX = 256 << 10, /* unsent bytes of a stream */
};

static void put_event(struct writer *w, const char *name, struct board_mark mark,
                      struct slice data) {
  put_format(w, "event: %s\nid: ", name);
  board_mark_put(w, mark);
  put_text(w, "\ndata: ");
  put_slice(w, data);
  put_text(w, "\n\n");
}

static void put_beat(struct writer *w, const struct engine *e) {
  struct writer data = {0};
  json_open(&data, '{');
  json_put_int(&data, "clock_ms", e->now_ms);
  json_put_text(&data, "state",
                e->stopping  ? "stopping"
                : e->stalled ? "journal.stalled"
                             : "running");
  json_close(&data, '}');
  put_text(w, "event: beat\ndata: ");
  put_slice(w, writer_slice(&data));
  put_text(w, "\n\n");
  writer_free(&data);
}

/* `room`: how much more than usual may wait, until all of it is sent. */
static void tell(struct visit *v, struct slice text, size_t room) {
  if (session_unsent(v->session) == 0) v->room = BEHIND_MAX;
  v->room += room;
  session_set_unsent_max(v->session, v->room);
  if (session_send(v->session, text)) return;
  v->web->dropped++;
  session_close(v->session, "too slow a reader");
  stream_end(v);
}

static void tell_all(struct visit *v) {
  struct web *web = v->web;
  struct writer data = {0}, text = {0};
  board_put_all(web->board, &v->stream->viewer, &data);
  v->seen = board_mark_now(web->board);
  put_event(&text, "snapshot", v->seen, writer_slice(&data));
  tell(v, writer_slice(&text), text.len);
  writer_free(&data);
  writer_free(&text);
}

/* What one stream missed, which may be more than the others get now. */
static void tell_missed(struct visit *v) {
  struct web *web = v->web;
  struct writer data = {0}, text = {0};
  struct board_mark now = board_mark_now(web->board);
  bool any = board_put_changes(web->board, &v->stream->viewer, v->seen, &data);
  v->seen = now;
  if (any)
    put_event(&text, "change", now, writer_slice(&data));
  else
    put_beat(&text, web->engine);
  tell(v, writer_slice(&text), text.len);
  writer_free(&data);
  writer_free(&text);
}

/* ---- to all ---- */

static bool same_mark(struct board_mark a, struct board_mark b) {
  return a.epoch == b.epoch && a.version == b.version && a.alerts_lsn == b.alerts_lsn;
}

/* One text a badge: all its streams stand at the same mark. */
static void make_news(struct web *web, struct board_mark before, struct board_mark now) {
  struct writer data = {0};
  for (size_t i = 0; i < web->badge_count; i++) {
    struct badge *badge = &web->badges[i];
    writer_reset(&badge->news);
    writer_reset(&data);
    if (board_put_changes(web->board, &badge->viewer, before, &data))
      put_event(&badge->news, "change", now, writer_slice(&data));
  }
  writer_free(&data);
}

static void tell_changes(struct web *web, struct board_mark before) {
  struct board_mark now = board_mark_now(web->board);
  if (now.epoch == before.epoch) make_news(web, before, now);
  for (struct visit *v = web->streams, *next; v; v = next) {
    next = v->stream_next;
    if (now.epoch != before.epoch) {
      tell_all(v);
      continue;
    }
    v->seen = now;
    if (v->stream->news.len > 0) tell(v, writer_slice(&v->stream->news), 0);
  }
}

static void tell_beat(struct web *web) {
  struct writer beat = {0};
  put_beat(&beat, web->engine);
  for (struct visit *v = web->streams, *next; v; v = next) {
    next = v->stream_next;
    tell(v, writer_slice(&beat), 0);
  }
  web->beat_us = clock_monotonic_us();
  writer_free(&beat);
}

static void flush_now(struct web *web) {
  board_refresh(web->board);
  if (!web->streams) return;
  struct board_mark before = web->streams->seen;
  if (!same_mark(before, board_mark_now(web->board))) tell_changes(web, before);
}

void streams_flush(struct web *web) {
  if (!web->streams) return;
  usec_t now = clock_monotonic_us();
  if (!web->engine->stalled && now - web->flushed_us >= FLUSH_MS * 1000) {
    web->flushed_us = now;
    flush_now(web);
  }
  if (now - web->beat_us >= BEAT_MS * 1000) tell_beat(web);
}

/* ---- one ---- */

void stream_begin(struct exchange *x) {
  struct web *web = x->web;
  struct visit *v = x->visit;
  x->type = "text/event-stream";
  if (slice_equal(x->request.method, SLICE("HEAD"))) return;
  flush_now(web); /* so that all stand at the same mark */
  writer_reset(&web->head);
  put_text(&web->head, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                       "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n"
                       "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
                       "retry: 1000\n\n");
  session_set_unsent_max(v->session, BEHIND_MAX);
  session_send(v->session, writer_slice(&web->head));
  writer_reset(&v->in);
  v->stream = x->badge;
  v->stream_next = web->streams;
  v->stream_link = &web->streams;
  if (v->stream_next) v->stream_next->stream_link = &v->stream_next;
  web->streams = v;
  if (web->stream_count++ == 0)
    event_add(web->flush_timer, &(struct timeval){.tv_usec = FLUSH_MS * 1000});
  if (board_mark_parse(x->request.headers[HTTP_LAST_EVENT_ID], &v->seen) &&
      board_knows(web->board, v->seen))
    tell_missed(v);
  else
    tell_all(v);
}

void stream_end(struct visit *v) {
  if (!v->stream) return;
  if (v->stream_next) v->stream_next->stream_link = v->stream_link;
  *v->stream_link = v->stream_next;
  v->stream = NULL;
  if (--v->web->stream_count == 0) event_del(v->web->flush_timer);
}
