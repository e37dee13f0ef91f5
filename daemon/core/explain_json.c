/* The explanation as JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "explain_inner.h"

/* "2026-11-23T09:00:00+08:00": in the zone whose days are explained. */
static void put_when(struct writer *out, const struct zone *zone, msec_t at) {
  msec_t offset = zone_offset_ms(zone, at), east = offset < 0 ? -offset : offset;
  char utc[CLOCK_TEXT_SIZE], text[CLOCK_TEXT_SIZE + 8];
  clock_format_rfc3339(at + offset, utc); /* the local time, written as if it were UTC */
  snprintf(text, sizeof text, "%.19s%c%02d:%02d", utc, offset < 0 ? '-' : '+',
           (int)(east / MSEC_PER_HOUR), (int)(east / MSEC_PER_MIN % 60));
  json_put_text(out, "when", text);
  json_put_int(out, "when_ms", at);
}

static const struct calendar *calendar_of(const struct explain *x) {
  return &centre_settings(x->fold->centre)->policy->calendar;
}

static void put_day(struct writer *out, const char *key, day_t day) {
  char text[DAY_TEXT_SIZE];
  day_format(day, text);
  json_put_text(out, key, text);
}

static void put_given(struct writer *out, const char *key, const char *text) {
  if (text) json_put_text(out, key, text);
}

void explain_open_entry(const struct explain *x, const char *figure, const char *what, msec_t at_ms,
                        const char *period, struct writer *out) {
  json_open(out, '{');
  json_put_text(out, "figure", figure);
  json_put_text(out, "what", what);
  put_when(out, calendar_of(x)->zone, at_ms);
  json_put_text(out, "period", period);
}

static void open_entry(const struct explain *x, const char *figure, const char *what, msec_t at_ms,
                       day_t day, struct writer *out) {
  explain_open_entry(x, figure, what, at_ms, period_of(PERIOD_DAY, day).text, out);
}

static void put_call(const struct explain *x, const struct explain_entry *entry, const char *figure,
                     int64_t credited, enum explain_reason reason, struct writer *out) {
  const char *what = entry->repeated ? call_event_type_name(entry->repeated) : "call";
  open_entry(x, figure, what, entry->at_ms, entry->day, out);
  json_put_int(out, "credited", credited);
  put_given(out, "reason", explain_reason_name(reason));
  json_put_text(out, "call", entry->call);
  put_given(out, "number", entry->number);
  put_given(out, "holder", entry->holder);
  put_given(out, "dir", call_dir_name(entry->dir));
  put_given(out, "outcome", entry->answered ? "answered" : call_outcome_name(entry->outcome));
  if (entry->end_ms != MSEC_NONE) json_put_int(out, "end_ms", entry->end_ms);
  json_put_int(out, "talk_ms", entry->talk_ms);
  json_put_text(out, "rule", "POLICY 2");
  put_day(out, "policy_from", entry->policy_from);
  if (entry->lsn) json_put_uint(out, "lsn", entry->lsn);
  json_close(out, '}');
}

void explain_put_calls(const struct explain *x, struct writer *out) {
  for (size_t i = 0; i < x->count; i++)
    put_call(x, &x->entries[i], "calls", x->entries[i].calls_credited, x->entries[i].calls_reason,
             out);
}

void explain_put_talk(const struct explain *x, struct writer *out) {
  for (size_t i = 0; i < x->count; i++)
    put_call(x, &x->entries[i], "talk", x->entries[i].talk_credited_ms, x->entries[i].talk_reason,
             out);
}

static void put_state(const struct explain *x, const struct explain_state *s, struct writer *out) {
  open_entry(x, "state", "state", s->at_ms, s->day, out);
  json_put_text(out, "state", pace_state_name(s->verdict.state));
  if (s->verdict.state != PACE_EXEMPT && s->verdict.state != PACE_UNROSTERED) {
    put_given(out, "calls_state", pace_state_name(s->verdict.calls_state));
    put_given(out, "talk_state", pace_state_name(s->verdict.talk_state));
    json_put_int(out, "calls", s->calls);
    json_put_int(out, "calls_expected", s->verdict.calls_expected);
    json_put_int(out, "calls_target", s->calls_target);
    json_put_int(out, "talk_ms", s->talk_ms);
    json_put_int(out, "talk_expected_ms", s->verdict.talk_expected_ms);
    json_put_int(out, "talk_target_ms", s->talk_target_ms);
    json_put_int(out, "coverage_bp", s->verdict.coverage_bp);
  }
  json_put_text(out, "rule", "POLICY 3");
  put_day(out, "policy_from", s->policy_from);
  json_close(out, '}');
}

/* What no source saw of the productive time. */
static void put_outages(const struct explain *x, day_t day, struct writer *out) {
  const struct coverage *coverage = &x->fold->coverage;
  const struct agent *agent =
      roster_find(centre_settings(x->fold->centre)->roster, slice_of(x->agent));
  struct spans productive;
  calendar_productive(calendar_of(x), day, &productive, NULL);
  for (unsigned i = 0; i < productive.count; i++) {
    struct span part = productive.at[i], gap = {.to_ms = part.from_ms};
    while (gap.to_ms < part.to_ms && coverage_next(coverage, agent, gap.to_ms, &gap) &&
           gap.from_ms < part.to_ms) {
      open_entry(x, "state", "gap", gap.from_ms, day, out);
      json_put_int(out, "from_ms", gap.from_ms);
      json_put_int(out, "to_ms", gap.to_ms < part.to_ms ? gap.to_ms : part.to_ms);
      json_put_text(out, "rule", "POLICY 3");
      json_close(out, '}');
    }
  }
}

void explain_put_states(const struct explain *x, struct writer *out) {
  for (day_t day = x->first; day <= x->last; day++) {
    for (size_t i = 0; i < x->state_count; i++)
      if (x->states[i].day == day) put_state(x, &x->states[i], out);
    put_outages(x, day, out);
  }
}
