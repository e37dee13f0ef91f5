#include "callpace/engine/score.h"

#include <assert.h>
#include <stdlib.h>

#include "callpace/base/hmac.h"
#include "callpace/base/mem.h"
#include "callpace/base/text.h"
#include "callpace/engine/pipeline.h"

static const struct policy *policy_of(const struct engine *e, day_t day) {
  return policy_on(e->settings->policy, day);
}

static day_t day_at(const struct engine *e, msec_t at_ms) {
  return calendar_day_of(&e->settings->policy->calendar, at_ms);
}

/* Numbers, dates, hashes and records an entry. */
static const struct points_entry *enter(struct engine *e, struct points_fact *fact) {
  uint8_t before[POINTS_HASH_SIZE], hash[POINTS_HASH_SIZE];
  fact->number = points_next(&e->fold.points);
  fact->final_ms = fact->at_ms + policy_of(e, day_at(e, fact->at_ms))->points_appeal_ms;
  points_head(&e->fold.points, fact->agent, before);
  points_hash(before, fact, hash);
  struct record record = {.type = RECORD_POINTS,
                          .points = {.fact = *fact,
                                     .before = {(const char *)before, sizeof before},
                                     .hash = {(const char *)hash, sizeof hash}}};
  pipeline_record(e, &record);
  return points_find(&e->fold.points, fact->number);
}

/* --- what is entered --- */

void score_take_reviews(struct engine *e) {
  for (const struct points_review *review; (review = e->fold.points.pending);) {
    struct points_fact fact = {.kind = POINTS_REVIEW,
                               .month = month_of(day_at(e, review->ts_ms)),
                               .at_ms = e->fold.now_ms,
                               .points = review->points,
                               .week = DAY_NONE,
                               .policy_from = DAY_NONE,
                               .agent = slice_of(review->agent),
                               .reason = slice_of(review->reason),
                               .by = slice_of(review->by),
                               .id = slice_of(review->id)};
    enter(e, &fact);
    assert(e->fold.points.pending != review);
  }
}

void score_rung(struct engine *e, struct slice agent, day_t monday,
                const struct week_closed *closed) {
  if (closed->points == 0 || points_has_week(&e->fold.points, agent, monday)) return;
  struct writer reason = {0};
  put_format(&reason, "contact rate below %lld.%02lld %%",
             (long long)closed->verdict.threshold_bp / 100,
             (long long)closed->verdict.threshold_bp % 100);
  struct points_fact fact = {.kind = POINTS_LADDER,
                             .month = ladder_month(monday),
                             .at_ms = closed->at_ms,
                             .points = closed->points,
                             .week = monday,
                             .policy_from = closed->policy_from,
                             .rate_bp = closed->verdict.rate_bp,
                             .threshold_bp = closed->verdict.threshold_bp,
                             .rung = closed->verdict.rung,
                             .agent = agent,
                             .reason = writer_slice(&reason)};
  enter(e, &fact);
  writer_free(&reason);
}

/* --- what is shown --- */

static void put_date(struct writer *w, const char *key, day_t day) {
  char text[DAY_TEXT_SIZE];
  if (day == DAY_NONE) return;
  day_format(day, text);
  json_put_text(w, key, text);
}

static void put_month(struct writer *w, const char *key, month_t month) {
  char text[DAY_TEXT_SIZE];
  month_format(month, text);
  json_put_text(w, key, text);
}

static void put_evidence(struct writer *w, const struct points_fact *fact) {
  if (fact->kind != POINTS_LADDER) return;
  json_put_text(w, "period", period_of(PERIOD_WEEK, fact->week).text);
  json_put_int(w, "rung", fact->rung);
  json_put_int(w, "rate_bp", fact->rate_bp);
  json_put_int(w, "threshold_bp", fact->threshold_bp);
  put_date(w, "policy_from", fact->policy_from);
}

static void put_hash(struct writer *w, const char *key, const uint8_t hash[POINTS_HASH_SIZE]) {
  struct writer text = {0};
  put_hex(&text, hash, POINTS_HASH_SIZE);
  json_put_string(w, key, writer_slice(&text));
  writer_free(&text);
}

static void put_entry(const struct engine *e, const struct points_entry *entry, struct writer *w) {
  const struct points_fact *fact = &entry->fact;
  json_open(w, '{');
  json_put_uint(w, "number", fact->number);
  json_put_text(w, "kind", points_kind_name(fact->kind));
  json_put_int(w, "points", fact->points);
  put_month(w, "month", fact->month);
  json_put_int(w, "at_ms", fact->at_ms);
  json_put_int(w, "final_ms", fact->final_ms);
  json_put_bool(w, "provisional", !entry->reversed && e->fold.now_ms < fact->final_ms);
  json_put_bool(w, "reversed", entry->reversed);
  if (fact->reverses) json_put_uint(w, "reverses", fact->reverses);
  put_evidence(w, fact);
  json_put_string(w, "reason", fact->reason);
  if (fact->by.len) json_put_string(w, "by", fact->by);
  if (fact->id.len) json_put_string(w, "id", fact->id);
  put_hash(w, "before", entry->before);
  put_hash(w, "hash", entry->hash);
  json_close(w, '}');
}

static void put_agent(const struct engine *e, struct slice id, const struct agent *rostered,
                      month_t month, struct writer *w) {
  int64_t start = policy_of(e, month_first_day(month + 1) - 1)->points_start;
  const struct points_entry *entry = points_newest(&e->fold.points, id);
  while (entry && entry->older)
    entry = entry->older;
  json_open(w, '{');
  json_put_string(w, "agent", id);
  if (rostered) json_put_text(w, "name", rostered->name);
  put_month(w, "month", month);
  json_put_int(w, "start", start);
  json_put_int(w, "points", start + points_sum(&e->fold.points, id, month));
  json_key(w, "entries");
  json_open(w, '[');
  for (; entry; entry = entry->newer)
    if (entry->fact.month == month) put_entry(e, entry, w);
  json_close(w, ']');
  json_close(w, '}');
}

void score_put(const struct engine *e, struct slice agent, month_t month, struct writer *w) {
  const struct roster *roster = e->settings->roster;
  json_open(w, '[');
  if (agent.len) put_agent(e, agent, roster_find(roster, agent), month, w);
  for (size_t i = 0; !agent.len && i < roster->agent_count; i++)
    put_agent(e, slice_of(roster->agents[i].id), &roster->agents[i], month, w);
  json_close(w, ']');
}

/* --- what people enter --- */

static struct slice cut(struct slice text) {
  if (text.len <= SCORE_TEXT_MAX) return text;
  return (struct slice){text.data, text_utf8_prefix((struct slice){text.data, SCORE_TEXT_MAX})};
}

static enum status refuse(struct error *error, const char *text) {
  return error_set(error, STATUS_USAGE, "%s", text);
}

enum status score_add(struct engine *e, struct slice agent, int64_t points, struct slice month,
                      struct slice reason, struct slice by, struct writer *w, struct error *error) {
  struct points_fact fact = {.kind = POINTS_MANUAL,
                             .at_ms = e->fold.now_ms,
                             .points = points,
                             .week = DAY_NONE,
                             .policy_from = DAY_NONE,
                             .agent = centre_resolve_agent(e->fold.centre, agent),
                             .reason = cut(reason),
                             .by = cut(by)};
  if (centre_today(e->fold.centre) == DAY_NONE) return refuse(error, "no day has begun yet");
  if (!centre_find_agent(e->fold.centre, fact.agent)) return refuse(error, "no such agent");
  if (reason.len == 0) return refuse(error, "a reason is needed");
  if (points == 0 || points < -POINTS_MAX || points > POINTS_MAX)
    return refuse(error, "points: expected a number other than 0, as -2");
  fact.month = month_of(centre_today(e->fold.centre));
  if (month.len && !month_parse(month, &fact.month))
    return refuse(error, "month: expected YYYY-MM");
  put_entry(e, enter(e, &fact), w);
  return STATUS_OK;
}

enum status score_reverse(struct engine *e, uint64_t number, struct slice reason, struct slice by,
                          struct writer *w, struct error *error) {
  const struct points_entry *undone = points_find(&e->fold.points, number);
  if (!undone) return refuse(error, "no entry of that number; see callpace score ID");
  if (undone->reversed) return refuse(error, "it is undone already");
  if (undone->fact.kind == POINTS_REVERSAL)
    return refuse(error, "it is a reversal itself; add points anew");
  if (reason.len == 0) return refuse(error, "a reason is needed");
  struct points_fact fact = {.kind = POINTS_REVERSAL,
                             .month = undone->fact.month,
                             .at_ms = e->fold.now_ms,
                             .points = -undone->fact.points,
                             .reverses = number,
                             .week = DAY_NONE,
                             .policy_from = DAY_NONE,
                             .agent = undone->fact.agent,
                             .reason = cut(reason),
                             .by = cut(by)};
  put_entry(e, enter(e, &fact), w);
  return STATUS_OK;
}
