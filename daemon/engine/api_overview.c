/* GET /api/v1/overview: calls of the day as a curve beside what was to be expected,
 * and how the week of leads stands. Of those whom the viewer may see. */
#include "callpace/engine/figures.h"
#include "web_internal.h"

enum { BIN_MIN = 5, BINS_MAX = 24 * 60 / BIN_MIN, AT_RISK_MAX = 5 };
#define BIN_MS ((msec_t)BIN_MIN * MSEC_PER_MIN)
enum { MANY = 8, SHARED_US = 1000000 };

/* Sums of all agents at the end of each bin of the day's productive time. */
struct curve {
  msec_t from_ms, to_ms; /* equal: nobody has productive time today */
  int64_t calls[BINS_MAX + 1], expected[BINS_MAX + 1];
};

typedef void each_fn(struct curve *curve, struct day_tally *tally, const struct day_plan *plan);

static void each_tally(struct exchange *x, struct curve *curve, each_fn *fn) {
  struct centre *centre = x->web->engine->fold.centre;
  for (size_t i = 0; i < centre_agent_count(centre); i++) {
    const struct centre_agent *agent = centre_agent_at(centre, i);
    struct day_tally *tally = centre_find_day(agent, centre_today(centre));
    const struct day_plan *plan = tally ? centre_plan(centre, tally) : NULL;
    if (plan && plan->productive.count && viewer_sees_agent(&x->badge->viewer, agent))
      fn(curve, tally, plan);
  }
}

static void widen(struct curve *curve, struct day_tally *tally, const struct day_plan *plan) {
  (void)tally;
  msec_t from = plan->productive.at[0].from_ms;
  msec_t to = plan->productive.at[plan->productive.count - 1].to_ms;
  if (curve->from_ms == curve->to_ms || from < curve->from_ms) curve->from_ms = from;
  if (to > curve->to_ms) curve->to_ms = to;
}

static size_t bins_of(const struct curve *curve) {
  msec_t bins = (curve->to_ms - curve->from_ms + BIN_MS - 1) / BIN_MS;
  return bins > BINS_MAX ? BINS_MAX : (size_t)bins;
}

/* What comes before or after working time stands at its edge. */
static size_t bin_of(const struct curve *curve, msec_t at) {
  size_t last = bins_of(curve);
  if (at <= curve->from_ms) return 0;
  msec_t bin = (at - curve->from_ms + BIN_MS - 1) / BIN_MS;
  return bin > (msec_t)last ? last : (size_t)bin;
}

static void add(struct curve *curve, struct day_tally *tally, const struct day_plan *plan) {
  for (const struct call *call = tally->done.first; call; call = call->next_of_day)
    if (call->count.flags & COUNT_CALL)
      curve->calls[bin_of(curve, tally->begin_ms + call->count.talk_to)]++;
  msec_t total = spans_total(&plan->productive);
  if (plan->exempt || total <= 0) return;
  for (size_t i = 0; i <= bins_of(curve); i++)
    curve->expected[i] += plan->calls_target *
                          spans_elapsed(&plan->productive, curve->from_ms + (msec_t)i * BIN_MS) /
                          total;
}

static void put_numbers(struct writer *w, const char *name, const int64_t *numbers, size_t count) {
  json_key(w, name);
  json_open(w, '[');
  for (size_t i = 0; i < count; i++)
    json_int(w, numbers[i]);
  json_close(w, ']');
}

static void put_curve(struct exchange *x, struct writer *w) {
  struct curve curve = {.from_ms = 0};
  json_key(w, "curve");
  each_tally(x, &curve, widen);
  if (curve.from_ms == curve.to_ms) {
    json_nil(w);
    return;
  }
  each_tally(x, &curve, add);
  size_t bins = bins_of(&curve), now = bin_of(&curve, x->web->engine->now_ms);
  for (size_t i = 1; i <= bins; i++)
    curve.calls[i] += curve.calls[i - 1];
  json_open(w, '{');
  json_put_int(w, "from_ms", curve.from_ms);
  json_put_int(w, "step_ms", BIN_MS);
  put_numbers(w, "calls", curve.calls, now + 1);
  put_numbers(w, "calls_expected", curve.expected, bins + 1);
  json_close(w, '}');
}

/* ---- the week of leads ---- */

/* Those at risk, the fewest leads to go first: there help does most. */
struct at_risk {
  size_t count;
  struct {
    const struct centre_agent *agent;
    struct week_forecast forecast;
  } at[AT_RISK_MAX];
};

static void rank_week(struct exchange *x, struct lead_week *week, struct at_risk *list) {
  struct week_forecast forecast;
  if (week->verdict.state != WEEK_AT_RISK) return;
  if (!fold_week_forecast(&x->web->engine->fold, week, &forecast) || forecast.needed <= 0) return;
  size_t i = list->count < AT_RISK_MAX ? list->count++ : AT_RISK_MAX;
  for (; i > 0 && forecast.needed < list->at[i - 1].forecast.needed; i--)
    if (i < AT_RISK_MAX) list->at[i] = list->at[i - 1];
  if (i == AT_RISK_MAX) return;
  list->at[i].agent = week->agent;
  list->at[i].forecast = forecast;
}

static void put_at_risk(struct exchange *x, struct writer *w, const struct at_risk *list) {
  json_key(w, "at_risk");
  json_open(w, '[');
  for (size_t i = 0; i < list->count; i++) {
    const struct centre_agent *agent = list->at[i].agent;
    json_open(w, '{');
    json_put_text(w, "agent", agent->id);
    if (x->badge->viewer.names && agent->rostered) json_put_text(w, "name", agent->rostered->name);
    json_put_int(w, "leads_needed", list->at[i].forecast.needed);
    json_put_int(w, "next_rung", list->at[i].forecast.rung);
    json_close(w, '}');
  }
  json_close(w, ']');
}

static void put_week(struct exchange *x, struct writer *w) {
  struct at_risk list = {.count = 0};
  struct centre *centre = x->web->engine->fold.centre;
  int64_t issued = 0, reached = 0, short_of_it = 0;
  day_t monday = week_monday(centre_today(centre));
  for (size_t i = 0; i < centre_agent_count(centre); i++) {
    const struct centre_agent *agent = centre_agent_at(centre, i);
    struct lead_week *week = centre_find_week(agent, monday);
    if (!week || !viewer_sees_agent(&x->badge->viewer, agent)) continue;
    issued += week->book.counts.issued;
    reached += week->book.counts.reached;
    short_of_it += week->verdict.state == WEEK_AT_RISK;
    rank_week(x, week, &list);
  }
  json_key(w, "week");
  json_open(w, '{');
  json_put_int(w, "leads_issued", issued);
  json_put_int(w, "leads_reached", reached);
  if (issued > 0) json_put_int(w, "contact_rate_bp", reached * 10000 / issued);
  json_put_int(w, "agents_at_risk", short_of_it);
  put_at_risk(x, w, &list);
  json_close(w, '}');
}

static void make_overview(struct exchange *x, struct writer *w) {
  json_open(w, '{');
  if (centre_today(x->web->engine->fold.centre) != DAY_NONE) {
    put_curve(x, w);
    put_week(x, w);
  }
  json_close(w, '}');
  put_char(w, '\n');
}

/* It goes through all calls of the day: where many look, one answer a second does for
 * all who may see the same. */
void overview_serve(struct exchange *x) {
  struct badge *badge = x->badge;
  usec_t now = clock_monotonic_us();
  bool is_fresh = badge->overview.len > 0 && now - badge->overview_us < SHARED_US;
  if (!is_fresh || x->web->stream_count < MANY) {
    writer_reset(&badge->overview);
    make_overview(x, &badge->overview);
    badge->overview_us = now;
  }
  x->type = "application/json";
  put_slice(x->body, writer_slice(&badge->overview));
}
