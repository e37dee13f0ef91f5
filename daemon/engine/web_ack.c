/* Acknowledging alerts from a browser. What is decided goes to the journal first; the
 * answer waits for the barrier. */
#include <stdio.h>
#include <stdlib.h>

#include "callpace/base/text.h"
#include "callpace/engine/care.h"
#include "web_internal.h"

enum { FIELD_MAX = 1024 };

/* Decides once; false until it is durable, or when it was refused. */
static bool is_done(struct exchange *x, enum status status, const struct error *error) {
  if (status != STATUS_OK) {
    exchange_fail(x, status == STATUS_PERMISSION ? 403 : 404, "not_acknowledged", error->text);
    return false;
  }
  if (x->visit->decided) return true;
  x->visit->decided = true;
  x->waits = true;
  return false;
}

/* ---- from the wall ---- */

static const char *role_text(const struct viewer *v, char *out, size_t size) {
  snprintf(out, size, "%s%s", v->role == HTTP_TEAM ? "team:" : "supervisor",
           v->role == HTTP_TEAM ? v->subject : "");
  return out;
}

static bool sees_alert(const struct exchange *x, const char *id) {
  bool seen = false;
  struct writer scratch = {0};
  const struct alert_entry *entry = x->web->engine->fold.alerts.oldest;
  for (; entry && !seen; entry = entry->newer)
    seen = strcmp(entry->id, id) == 0 &&
           viewer_put_alert(&x->badge->viewer, x->web->engine, entry, &scratch);
  writer_free(&scratch);
  return seen;
}

void ack_serve(struct exchange *x) {
  char id[FIELD_MAX], note[FIELD_MAX] = "", by[FIELD_MAX];
  struct error error = {0};
  if (!x->badge)
    exchange_fail(x, 401, "not_authorized", "a token is needed");
  else if (!viewer_may_act(&x->badge->viewer) || !access_same_origin(&x->request))
    exchange_fail(x, 403, "not_allowed", "this token only looks, or the form is not of this site");
  else if (http_field(x->request.body, "id", id, sizeof id) <= 0 ||
           http_field(x->request.body, "note", note, sizeof note) == HTTP_BROKEN)
    exchange_fail(x, 400, "bad_field", "id, and note if there is one, as a form");
  else if (!sees_alert(x, id))
    exchange_fail(x, 404, "not_acknowledged", "no alert of this id");
  else if (is_done(x,
                   x->visit->decided
                       ? STATUS_OK
                       : care_acknowledge(x->web->engine, slice_of(id),
                                          slice_of(role_text(&x->badge->viewer, by, sizeof by)),
                                          slice_of(note), &error),
                   &error))
    x->status = 204;
}

/* ---- from a message ---- */

static void put_page(struct exchange *x, const char *title, const char *button, const char *id) {
  struct writer *w = x->body;
  x->type = "text/html; charset=utf-8";
  put_text(x->extra, "Content-Security-Policy: default-src 'none'; form-action 'self'; "
                     "base-uri 'none'; frame-ancestors 'none'\r\n");
  put_text(w, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
              "content=\"width=device-width\"><title>callpace</title><h1>");
  put_text(w, title);
  put_text(w, "</h1><p>");
  text_put_html(w, slice_of(id));
  put_text(w, "</p>");
  if (button) {
    put_text(w, "<form method=\"post\"><button>");
    put_text(w, button);
    put_text(w, "</button></form>");
  }
  put_text(w, "\n");
}

static void follow(struct exchange *x, const struct ack_link *link, const char *sign) {
  struct error error = {0};
  enum status status = x->visit->decided
                           ? STATUS_OK
                           : care_follow_link(x->web->engine, link, slice_of(sign), &error);
  if (is_done(x, status, &error)) put_page(x, "Acknowledged · 已确认", NULL, link->id.data);
}

void ack_link_serve(struct exchange *x) {
  char id[FIELD_MAX], by[FIELD_MAX], until[24], sign[2 * ACK_SIGN_BYTES + 1];
  struct slice query = x->request.query;
  if (http_field(query, "id", id, sizeof id) <= 0 || http_field(query, "by", by, sizeof by) <= 0 ||
      http_field(query, "until", until, sizeof until) <= 0 ||
      http_field(query, "sign", sign, sizeof sign) <= 0) {
    exchange_fail(x, 400, "bad_link", "the link is not whole");
    return;
  }
  struct ack_link link = {slice_of(id), slice_of(by), strtoll(until, NULL, 10)};
  if (slice_equal(x->request.method, SLICE("POST")))
    follow(x, &link, sign);
  else
    put_page(x, "Acknowledge this alert? · 确认收到此提醒？", "I see to it · 我来处理", id);
}
