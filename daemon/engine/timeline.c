#include "callpace/engine/timeline.h"

#include "callpace/core/explain.h"

static void put_productive(struct writer *w, const struct day_plan *plan) {
  json_key(w, "productive");
  json_open(w, '[');
  for (unsigned i = 0; plan && i < plan->productive.count; i++) {
    json_open(w, '{');
    json_put_int(w, "from_ms", plan->productive.at[i].from_ms);
    json_put_int(w, "to_ms", plan->productive.at[i].to_ms);
    json_close(w, '}');
  }
  json_close(w, ']');
}

static void put_open(struct writer *w, const struct call *call, const struct policy *policy) {
  json_open(w, '{');
  json_put_int(w, "at_ms", call_begin(call));
  if (call->answer_ms != MSEC_NONE) json_put_int(w, "talk_from_ms", call->answer_ms);
  json_put_bool(w, "counts", false);
  json_put_bool(w, "talks", policy && call_joins(call, policy));
  json_put_text(w, "reason", explain_reason_name(REASON_OPEN));
  json_close(w, '}');
}

/* As `callpace explain` has it. */
static void put_reason(struct writer *w, const struct call_count *count) {
  if (count->flags & COUNT_CALL) return;
  enum explain_reason reason = explain_not_counted(count);
  json_put_text(w, "reason", explain_reason_name(reason));
  const char *outcome = call_outcome_name((enum call_outcome)count->outcome);
  if (reason == REASON_NOT_ANSWERED && outcome) json_put_text(w, "outcome", outcome);
}

/* A talk that has ended has both its ends. */
static void put_done(struct writer *w, const struct call *call, msec_t begin_ms) {
  const struct call_count *count = &call->count;
  json_open(w, '{');
  json_put_int(w, "at_ms", begin_ms + count->start);
  if (count->talk_to > count->talk_from) {
    json_put_int(w, "talk_from_ms", begin_ms + count->talk_from);
    json_put_int(w, "talk_to_ms", begin_ms + count->talk_to);
  }
  json_put_bool(w, "counts", (count->flags & COUNT_CALL) != 0);
  json_put_bool(w, "talks", (count->flags & COUNT_TALK) != 0);
  put_reason(w, count);
  json_close(w, '}');
}

static void put_calls(struct writer *w, const struct day_tally *tally,
                      const struct day_plan *plan) {
  json_key(w, "calls");
  json_open(w, '[');
  for (const struct call *call = tally->done.first; call; call = call->next_of_day)
    put_done(w, call, tally->begin_ms);
  for (const struct call *call = tally->open.first; call; call = call->next_of_day)
    put_open(w, call, plan ? plan->policy : NULL);
  json_close(w, ']');
}

void timeline_put(struct writer *w, const struct engine *e, struct day_tally *tally) {
  const struct day_plan *plan = centre_plan(e->fold.centre, tally);
  json_open(w, '{');
  json_put_text(w, "agent", tally->agent->id);
  json_put_int(w, "now_ms", e->now_ms);
  put_productive(w, plan);
  put_calls(w, tally, plan);
  json_close(w, '}');
}
