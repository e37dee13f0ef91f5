/* The commands score (id, month), score-add (id, points, month, reason, by) and
 * score-reverse (number, reason, by). */
#include "callpace/base/text.h"
#include "callpace/engine/score.h"
#include "control_internal.h"

/* A whole number; false when it is none. */
static bool number_asked(const struct request *r, const char *key, int64_t *out) {
  struct slice text = control_argument(r, key);
  bool minus = text.len > 0 && text.data[0] == '-';
  int64_t value = 0;
  if (minus) text = (struct slice){text.data + 1, text.len - 1};
  if (text.len == 0 || text.len > 15) return false;
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') return false;
    value = value * 10 + (text.data[i] - '0');
  }
  *out = minus ? -value : value;
  return true;
}

void control_score(struct request *r) {
  struct engine *e = r->control->engine;
  struct slice id = control_argument(r, "id"), month = control_argument(r, "month");
  month_t which = 0;
  if (id.len) id = centre_resolve_agent(e->fold.centre, id);
  bool begun = centre_today(e->fold.centre) != DAY_NONE;
  if (begun) which = month_of(centre_today(e->fold.centre));
  if (month.len ? !month_parse(month, &which) : !begun) {
    control_refuse(r, STATUS_USAGE, "month: expected YYYY-MM (and none has begun yet)");
    return;
  }
  if (id.len && !centre_find_agent(e->fold.centre, id)) {
    control_refuse(r, STATUS_USAGE,
                   "no such agent on the roster, and none of that name has called");
    return;
  }
  score_put(e, id, which, control_reply(r));
  json_close(&r->control->out, '}');
}

static void answer(struct request *r, enum status status, const struct error *why) {
  if (status != STATUS_OK)
    control_refuse(r, status, why->text);
  else
    json_close(&r->control->out, '}');
}

void control_score_add(struct request *r) {
  struct error why = {0};
  int64_t points = 0;
  number_asked(r, "points", &points);
  enum status status =
      score_add(r->control->engine, control_argument(r, "id"), points, control_argument(r, "month"),
                control_argument(r, "reason"), control_argument(r, "by"), control_reply(r), &why);
  answer(r, status, &why);
}

void control_score_reverse(struct request *r) {
  struct error why = {0};
  int64_t number = 0;
  number_asked(r, "number", &number);
  enum status status = score_reverse(r->control->engine, number > 0 ? (uint64_t)number : 0,
                                     control_argument(r, "reason"), control_argument(r, "by"),
                                     control_reply(r), &why);
  answer(r, status, &why);
}
