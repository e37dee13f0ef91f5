/* What the files of the HTTP face share. */
#ifndef CALLPACE_ENGINE_WEB_INTERNAL_H
#define CALLPACE_ENGINE_WEB_INTERNAL_H

#include "callpace/base/http.h"
#include "callpace/engine/board.h"
#include "callpace/engine/web.h"

enum { DIGEST_SIZE = 32 };

/* Whom a request stands for, and how it proves that. */
struct badge {
  struct viewer viewer;
  bool by_token; /* else everybody's: no token is configured */
  uint8_t token[DIGEST_SIZE], cookie[DIGEST_SIZE];
  struct writer news;     /* to all streams of this badge, of one flush */
  struct writer overview; /* the answer made last */
  usec_t overview_us;
};

/* One connection. */
struct visit {
  struct web *web;
  struct session *session;
  struct visit *next, **link;
  struct visit *due_next; /* of those to be answered */
  bool is_due;
  bool ends;        /* closes once its answer is sent */
  struct writer in; /* bytes not yet answered */
  usec_t waits_us;  /* since when its request is awaited */
  size_t unsent;    /* at the last look, and when that became less */
  usec_t unsent_us;
  usec_t behind_us;     /* when it last had all */
  bool decided;         /* what its request asks for is in the journal, durable next time */
  struct badge *stream; /* NULL: asks and is answered */
  struct visit *stream_next, **stream_link;
  struct board_mark seen; /* the same for all streams between flushes */
  size_t room;            /* bytes that may wait to be sent */
};

struct web {
  struct engine *engine;
  struct listener *listener;
  struct visit *visits, *due, *streams;
  struct event *flush_timer;
  usec_t flushed_us, beat_us;
  struct badge *badges;
  size_t badge_count;
  struct board *board;
  struct writer head, body, extra; /* of the answer under way */
  size_t visit_count, stream_count;
  uint64_t requests, refused, dropped; /* since the start */
};

/* One request and its answer. */
struct exchange {
  struct web *web;
  struct visit *visit;
  struct http_request request;
  char path[HTTP_TARGET_MAX]; /* decoded */
  struct badge *badge;        /* NULL: may see nothing */
  int status;
  const char *type;     /* of the body; NULL: none */
  struct writer *body;  /* the web's */
  size_t tag_from;      /* where in it that begins which its entity tag is of */
  struct writer *extra; /* further header lines */
  bool waits;           /* for the barrier; asked again behind it */
};

/* ---- web_access.c ---- */
void badges_make(struct web *web);
void badges_free(struct web *web);
/* The Host header names this server (a name made to point here does not). */
bool access_host_is_ours(const struct web *web, struct slice host);
/* Whom the request stands for; NULL: nobody. */
struct badge *access_badge(struct web *web, const struct http_request *request);
/* A form of this very site sent it. */
bool access_same_origin(const struct http_request *request);
/* POST /login: a token in exchange for a cookie. */
void access_login(struct exchange *x);

/* ---- api.c ---- */
/* Answers a request under /api/v1/. */
void api_serve(struct exchange *x, struct slice path);
void exchange_fail(struct exchange *x, int status, const char *code, const char *message);

/* ---- api_overview.c ---- */
/* The centre's day as a curve, and its week of leads. */
void overview_serve(struct exchange *x);

/* ---- web_ack.c ---- */
/* POST /api/v1/alerts/ack: id and note as a form, by who may act. */
void ack_serve(struct exchange *x);
/* /ack: a link of a message (core/ack_link). GET asks, so that no program that looks
 * at links acknowledges anything; POST does it. */
void ack_link_serve(struct exchange *x);

/* ---- page.c ---- */
/* The wall at / and an agent's page at /agent/ID are one page. */
void page_serve(struct exchange *x);

/* ---- api_stream.c ---- */
void stream_begin(struct exchange *x);
void stream_end(struct visit *visit);
/* To all streams, if it is time: what changed, or a sign of life. */
void streams_flush(struct web *web);

/* ---- api_metrics.c ---- */
void metrics_serve(struct exchange *x);

#endif
