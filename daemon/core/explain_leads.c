/* Leads and points explained: from the ledgers as they stand at the end, and the calls
 * that were made. */
#include <stdlib.h>

#include "callpace/core/number.h"
#include "explain_inner.h"

enum { DAYS = 7 };

static const struct policy_book *book_of(const struct explain *x) {
  return centre_settings(x->fold->centre)->policy;
}

static void put_day(struct writer *out, const char *key, day_t day) {
  if (day != DAY_NONE) json_put_text(out, key, period_of(PERIOD_DAY, day).text);
}

static void put_rule(const struct lead_week *week, const struct explain *x, struct writer *out) {
  json_put_text(out, "rule", "POLICY 5");
  put_day(out, "policy_from", policy_on(book_of(x), week->monday + DAYS - 1)->from);
}

/* --- calls to leads --- */

static uint64_t key_of(const struct explain *x, const struct lead_book *book,
                       const struct lead *lead) {
  return number_key(&book_of(x)->numbers, lead_number(book, lead));
}

static bool is_to(const struct explain_dial *dial, day_t monday, uint64_t id_key, uint64_t key) {
  return dial->monday == monday && (dial->key == id_key || (key && dial->key == key));
}

static void put_dial(const struct explain *x, const struct lead_week *week,
                     const struct explain_dial *dial, struct slice lead, const char *reason,
                     struct writer *out) {
  explain_open_entry(x, "contacts", "call", dial->at_ms, period_of(PERIOD_WEEK, week->monday).text,
                     out);
  json_put_int(out, "credited", reason ? 0 : 1);
  if (reason) json_put_text(out, "reason", reason);
  if (lead.len) json_put_string(out, "lead", lead);
  json_put_text(out, "call", dial->call);
  if (dial->number) json_put_text(out, "number", dial->number);
  if (dial->holder) json_put_text(out, "holder", dial->holder);
  json_put_text(out, "outcome", dial->answered ? "answered" : "no_answer");
  put_rule(week, x, out);
  if (dial->lsn) json_put_uint(out, "lsn", dial->lsn);
  json_close(out, '}');
}

/* Contacts are counted from the latest back, as the ledger does: a gap apart. */
static void put_dials(const struct explain *x, const struct lead_week *week,
                      const struct lead *lead, uint64_t key, struct writer *out) {
  msec_t before = MSEC_MAX;
  for (size_t i = x->dial_count; i > 0; i--) {
    const struct explain_dial *dial = &x->dials[i - 1];
    const char *reason = NULL;
    if (!is_to(dial, week->monday, lead->key, key)) continue;
    if (!lead->held)
      reason = "not_held";
    else if (!dial->answered && !week->rules.attempted)
      reason = "not_answered";
    else if (before != MSEC_MAX && before - dial->at_ms < week->rules.min_gap_ms)
      reason = "min_gap";
    else
      before = dial->at_ms;
    put_dial(x, week, dial, lead_id(&week->book, lead), reason, out);
  }
}

/* --- leads --- */

static const char *lead_reason(const struct lead *lead) {
  if (!lead->held) return "not_held";
  if (lead->received) return "received";
  return lead->state == LEAD_REACHED ? NULL : "not_reached";
}

static void put_lead(const struct explain *x, const struct lead_week *week, const struct lead *lead,
                     struct writer *out) {
  const char *reason = lead_reason(lead);
  explain_open_entry(x, "leads", "lead", lead->moved_ms, period_of(PERIOD_WEEK, week->monday).text,
                     out);
  json_put_int(out, "credited", reason ? 0 : 1);
  if (reason) json_put_text(out, "reason", reason);
  json_put_string(out, "lead", lead_id(&week->book, lead));
  json_put_string(out, "number", lead_number(&week->book, lead));
  json_put_int(out, "dials", lead->dials);
  json_put_int(out, "contacts", lead->contacts);
  json_put_text(out, "state", lead_state_name((enum lead_state)lead->state));
  put_rule(week, x, out);
  json_close(out, '}');
}

/* --- calls to nobody's lead, or to another's --- */

static bool is_unclaimed(const struct explain *x, const struct lead_week *week,
                         const struct explain_dial *dial) {
  if (dial->monday != week->monday) return false;
  for (uint32_t i = 0; i < week->book.lead_count; i++) {
    const struct lead *lead = &week->book.leads[i];
    if (is_to(dial, week->monday, lead->key, key_of(x, &week->book, lead))) return false;
  }
  return true;
}

static void find_holders(struct explain *x, const struct lead_week *week,
                         struct explain_dial *const *dials, size_t count) {
  for (size_t a = 0; count > 0 && a < centre_agent_count(x->fold->centre); a++) {
    const struct centre_agent *agent = centre_agent_at(x->fold->centre, a);
    const struct lead_week *other = centre_find_week(agent, week->monday);
    for (uint32_t i = 0; other && other != week && i < other->book.lead_count; i++) {
      const struct lead *lead = &other->book.leads[i];
      uint64_t key = key_of(x, &other->book, lead);
      for (size_t d = 0; lead->held && d < count; d++)
        if (is_to(dials[d], week->monday, lead->key, key)) dials[d]->holder = agent->id;
    }
  }
}

static void put_unclaimed(struct explain *x, const struct lead_week *week, struct writer *out) {
  struct explain_dial **dials = mem_alloc((x->dial_count + 1) * sizeof(struct explain_dial *));
  size_t count = 0;
  for (size_t i = 0; i < x->dial_count; i++)
    if (is_unclaimed(x, week, &x->dials[i])) dials[count++] = &x->dials[i];
  find_holders(x, week, dials, count);
  for (size_t i = 0; i < count; i++)
    put_dial(x, week, dials[i], (struct slice){0}, dials[i]->holder ? "not_the_holder" : "no_lead",
             out);
  free(dials);
}

/* --- the week --- */

static const char *week_reason(const struct lead_week *week) {
  const struct week_verdict *verdict = week->closed ? &week->closed->verdict : &week->verdict;
  if (!week->closed) return "running";
  if (week->closed->shadow && verdict->offence) return "shadow";
  switch (verdict->state) {
  case WEEK_NONE: return "no_leads";
  case WEEK_UNKNOWN: return "coverage";
  case WEEK_SHORT:
    if (verdict->offence) return "below_threshold";
    return verdict->rung ? "base_met" : "no_rung";
  default: return "reached";
  }
}

static void put_verdict(const struct week_verdict *verdict, struct writer *out) {
  json_put_text(out, "state", week_state_name(verdict->state));
  if (verdict->offence) json_put_int(out, "rung", verdict->rung);
  if (verdict->rate_bp >= 0) json_put_int(out, "rate_bp", verdict->rate_bp);
  if (verdict->rung) json_put_int(out, "threshold_bp", verdict->threshold_bp);
}

/* A closed week stands with the figures of then. */
static void put_week(const struct explain *x, const struct lead_week *week, struct writer *out) {
  const struct week_closed *closed = week->closed;
  const struct week_verdict *verdict = closed ? &closed->verdict : &week->verdict;
  explain_open_entry(x, "leads", closed && verdict->offence ? "rung" : "week",
                     closed ? closed->at_ms : x->fold->now_ms,
                     period_of(PERIOD_WEEK, week->monday).text, out);
  json_put_int(out, "credited", 0);
  json_put_text(out, "reason", week_reason(week));
  put_verdict(verdict, out);
  json_put_int(out, "leads_issued", closed ? closed->issued : week->book.counts.issued);
  json_put_int(out, "leads_reached", closed ? closed->reached : week->book.counts.reached);
  if (closed) {
    json_put_int(out, "coverage_bp", closed->coverage_bp);
    json_put_int(out, "missed_days", closed->missed_days);
  }
  if (closed && verdict->offence) {
    json_put_int(out, "points", closed->shadow ? 0 : closed->points);
    json_put_text(out, "action", ladder_action_name(closed->action));
  }
  if (week->on_hold) json_put_bool(out, "on_hold", true);
  json_put_text(out, "rule", "POLICY 5");
  put_day(out, "policy_from",
          closed ? closed->policy_from : policy_on(book_of(x), week->monday + DAYS - 1)->from);
  json_close(out, '}');
}

static int by_time(const void *a, const void *b) {
  const struct explain_dial *x = a, *y = b;
  if (x->at_ms != y->at_ms) return x->at_ms < y->at_ms ? -1 : 1;
  return strcmp(x->call, y->call);
}

void explain_put_leads(struct explain *x, struct writer *out) {
  const struct centre_agent *agent = centre_find_agent(x->fold->centre, slice_of(x->agent));
  if (x->dial_count) qsort(x->dials, x->dial_count, sizeof *x->dials, by_time);
  for (day_t monday = x->first_week; agent && monday <= x->last_week; monday += DAYS) {
    const struct lead_week *week = centre_find_week(agent, monday);
    if (!week) continue;
    for (uint32_t i = 0; i < week->book.lead_count; i++) {
      const struct lead *lead = &week->book.leads[i];
      put_lead(x, week, lead, out);
      put_dials(x, week, lead, key_of(x, &week->book, lead), out);
    }
    put_unclaimed(x, week, out);
    put_week(x, week, out);
  }
}

/* --- points --- */

static bool is_month(const struct explain *x) {
  struct period month = period_of(PERIOD_MONTH, x->first);
  return month.first == x->first && month.last == x->last;
}

/* By the month into which it books, else by the week it is for, or the day it was made. */
static bool is_asked(const struct explain *x, const struct points_fact *fact) {
  if (is_month(x)) return fact->month == month_of(x->first);
  if (fact->kind == POINTS_LADDER)
    return fact->week >= x->first && fact->week + DAYS - 1 <= x->last;
  day_t day = calendar_day_of(&book_of(x)->calendar, fact->at_ms);
  return day >= x->first && day <= x->last;
}

static void put_entry(const struct explain *x, const struct points_entry *entry,
                      struct writer *out) {
  const struct points_fact *fact = &entry->fact;
  bool rung = fact->kind == POINTS_LADDER;
  explain_open_entry(x, "points", rung ? "rung" : points_kind_name(fact->kind), fact->at_ms,
                     rung ? period_of(PERIOD_WEEK, fact->week).text
                          : period_of(PERIOD_MONTH, month_first_day(fact->month)).text,
                     out);
  json_put_int(out, "credited", fact->points);
  json_put_int(out, "points", fact->points);
  if (rung) {
    json_put_int(out, "rung", fact->rung);
    json_put_int(out, "rate_bp", fact->rate_bp);
    json_put_int(out, "threshold_bp", fact->threshold_bp);
  }
  put_day(out, "policy_from", fact->policy_from);
  if (fact->reason.len) json_put_string(out, "reason", fact->reason);
  if (fact->by.len) json_put_string(out, "by", fact->by);
  json_put_uint(out, "number", fact->number);
  if (fact->reverses) json_put_uint(out, "reverses", fact->reverses);
  if (entry->reversed) json_put_bool(out, "reversed", true);
  if (!entry->reversed && x->fold->now_ms < fact->final_ms) json_put_bool(out, "provisional", true);
  json_put_text(out, "rule", rung ? "POLICY 5" : "POLICY 6");
  json_close(out, '}');
}

static void put_start(const struct explain *x, const struct centre_agent *agent,
                      struct writer *out) {
  const struct month_tally *tally = agent ? centre_find_month(agent, month_of(x->first)) : NULL;
  struct month_state state;
  if (tally) fold_month(x->fold, tally, &state);
  if (!tally || !state.has_points) return;
  explain_open_entry(x, "points", "start", calendar_day_begin(&book_of(x)->calendar, x->first),
                     period_of(PERIOD_MONTH, x->first).text, out);
  json_put_int(out, "credited",
               state.points - points_sum(&x->fold->points, slice_of(x->agent), month_of(x->first)));
  json_put_text(out, "rule", "POLICY 6");
  put_day(out, "policy_from", policy_on(book_of(x), x->last)->from);
  json_close(out, '}');
}

void explain_put_points(const struct explain *x, struct writer *out) {
  const struct centre_agent *agent = centre_find_agent(x->fold->centre, slice_of(x->agent));
  if (is_month(x)) put_start(x, agent, out);
  const struct points_entry *entry = points_newest(&x->fold->points, slice_of(x->agent));
  while (entry && entry->older)
    entry = entry->older;
  for (; entry; entry = entry->newer)
    if (is_asked(x, &entry->fact)) put_entry(x, entry, out);
}
