/* Records as JSON lines, for people and for feeding to another daemon. */
#include <string.h>

#include "callpace/base/hmac.h"
#include "callpace/core/record.h"

static const char *const source_changes[SOURCE_CHANGES] = {"down", "up", "producer_up",
                                                           "producer_down"};

const char *source_change_name(enum source_change change) {
  return (unsigned)change < SOURCE_CHANGES ? source_changes[change] : NULL;
}

static void open_line(struct writer *out, const char *type) {
  json_open(out, '{');
  json_put_text(out, "type", type);
}

static void close_line(struct writer *out) {
  json_close(out, '}');
  put_char(out, '\n');
  out->comma = false;
}

static void put_given(struct writer *out, const char *key, struct slice text) {
  if (text.len) json_put_string(out, key, text);
}

static void put_name(struct writer *out, const char *key, const char *name) {
  if (name) json_put_text(out, key, name);
}

static void put_texts(struct writer *out, const struct call_event *event) {
  put_given(out, "call", event->call);
  put_given(out, "agent", event->agent);
  put_given(out, "number", event->number);
  put_given(out, "lead", event->lead);
  put_given(out, "queue", event->queue);
  put_given(out, "trunk", event->trunk);
  put_given(out, "cause", event->cause);
  put_given(out, "week", event->week);
  put_given(out, "member", event->member);
  put_given(out, "by", event->by);
  put_given(out, "id", event->id);
  put_given(out, "reason", event->reason);
}

static void event_line(const struct call_event *event, struct writer *out) {
  open_line(out, call_event_type_name(event->type));
  json_put_int(out, "ts", event->ts_ms);
  put_texts(out, event);
  put_name(out, "dir", call_dir_name(event->dir));
  put_name(out, "outcome", call_outcome_name(event->outcome));
  put_name(out, "state", agent_state_name(event->state));
  if (event->talk_ms != MSEC_NONE) json_put_int(out, "talk_ms", event->talk_ms);
  if (event->type == EVENT_REVIEW_POINTS) json_put_int(out, "points", event->points);
  if (event->type == EVENT_SOURCE_GAP) {
    json_put_int(out, "from", event->from_ms);
    json_put_int(out, "to", event->to_ms);
  }
  close_line(out);
  if (event->type == EVENT_CALL_START && event->start_is_answer) {
    open_line(out, "call.answer");
    json_put_int(out, "ts", event->ts_ms);
    put_given(out, "call", event->call);
    close_line(out);
  }
}

static void gap_line(const struct record *record, struct writer *out) {
  open_line(out, "source.gap");
  json_put_int(out, "ts", record->now_ms);
  json_put_int(out, "from", record->gap.from_ms);
  json_put_int(out, "to", record->gap.to_ms);
  put_given(out, "source", record->gap.source);
  put_given(out, "reason", record->gap.reason);
  close_line(out);
}

static void put_start(struct writer *out, const struct record *record) {
  json_put_string(out, "node", record->start.node);
  json_put_string(out, "version", record->start.version);
  json_put_text(out, "clock", record->start.clock_events ? "events" : "wall");
  json_put_bool(out, "after_clean_stop", record->start.after_clean_stop);
}

static void put_source(struct writer *out, const struct record *record) {
  json_put_string(out, "source", record->source.source);
  json_put_text(out, "change", source_change_name(record->source.change));
  json_put_int(out, "at_ms", record->source.at_ms);
  put_given(out, "producer", record->source.producer);
  put_given(out, "reason", record->source.reason);
}

static void put_ids(struct writer *out, const char *key, struct reader *r) {
  json_key(out, key);
  json_open(out, '[');
  for (uint64_t left = get_varint(r); left > 0 && !r->failed; left--) {
    struct slice id = get_blob(r);
    if (!r->failed) json_slice(out, id);
  }
  json_close(out, ']');
}

static void put_source_serves(struct writer *out, const struct record *record) {
  struct reader r = reader_of(record->source_serves.serves);
  json_put_string(out, "source", record->source_serves.source);
  if (r.at == r.end) return;
  put_ids(out, "teams", &r);
  put_ids(out, "agents", &r);
}

static void put_origin(struct writer *out, const struct record *record) {
  json_put_uint(out, "origin", record->origin);
  json_put_string(out, "source", record->name.source);
  put_given(out, "producer", record->name.producer);
  put_given(out, "epoch", record->name.epoch);
}

static void put_alert(struct writer *out, const struct record *record) {
  json_put_string(out, "id", record->alert.id);
  json_put_text(out, "state", record->alert.raised ? "raised" : "resolved");
  json_put_int(out, "at_ms", record->alert.at_ms);
  json_key(out, "alert");
  json_raw(out, record->alert.json.len ? record->alert.json : SLICE("null"));
}

static void put_delivered(struct writer *out, const struct record *record) {
  json_put_string(out, "id", record->delivered.id);
  json_put_text(out, "state", record->delivered.raised ? "raised" : "resolved");
  json_put_string(out, "hook", record->delivered.hook);
  json_put_bool(out, "success", record->delivered.success);
  json_put_int(out, "attempts", record->delivered.attempts);
  json_put_int(out, "at_ms", record->delivered.at_ms);
  put_given(out, "reason", record->delivered.reason);
}

static void put_week(struct writer *out, day_t week) {
  char text[DAY_TEXT_SIZE];
  week_format(week, text);
  json_put_text(out, "week", text);
}

static void put_lead_move(struct writer *out, const struct record *record) {
  put_week(out, record->lead_move.week);
  json_put_string(out, "lead", record->lead_move.lead);
  json_put_string(out, "number", record->lead_move.number);
  put_given(out, "from", record->lead_move.from);
  put_given(out, "to", record->lead_move.to);
  put_given(out, "reason", record->lead_move.reason);
}

static void put_week_closed(struct writer *out, const struct record *record) {
  const struct week_closed *fact = &record->week_closed.fact;
  char text[DAY_TEXT_SIZE];
  put_week(out, record->week_closed.week);
  if (!record->week_closed.agent.len) return;
  json_put_string(out, "agent", record->week_closed.agent);
  json_put_text(out, "state", week_state_name(fact->verdict.state));
  json_put_bool(out, "offence", fact->verdict.offence);
  json_put_bool(out, "shadow", fact->shadow);
  json_put_int(out, "rung", fact->verdict.rung);
  if (fact->verdict.offence) json_put_text(out, "action", ladder_action_name(fact->action));
  json_put_int(out, "points", fact->points);
  json_put_int(out, "rate_bp", fact->verdict.rate_bp);
  json_put_int(out, "threshold_bp", fact->verdict.threshold_bp);
  json_put_int(out, "issued", fact->issued);
  json_put_int(out, "reached", fact->reached);
  json_put_int(out, "coverage_bp", fact->coverage_bp);
  json_put_int(out, "missed_days", fact->missed_days);
  day_format(fact->policy_from, text);
  json_put_text(out, "policy_from", text);
}

static void put_month_closed(struct writer *out, const struct record *record) {
  const struct month_verdict *verdict = &record->month_closed.fact.verdict;
  char text[DAY_TEXT_SIZE];
  month_format(record->month_closed.month, text);
  json_put_text(out, "month", text);
  if (!record->month_closed.agent.len) return;
  json_put_string(out, "agent", record->month_closed.agent);
  json_put_int(out, "calls", record->month_closed.fact.facts.calls);
  json_put_int(out, "talk_ms", record->month_closed.fact.facts.talk_ms);
  json_put_int(out, "members", record->month_closed.fact.facts.members);
  put_name(out, "basic", month_basic_name(verdict->basic));
  put_name(out, "incentive", month_incentive_name(verdict->incentive));
  put_name(out, "outcome", month_outcome_name(verdict->outcome));
  json_put_int(out, "attainment_bp", verdict->attainment_bp);
  json_put_int(out, "points", record->month_closed.fact.points);
  json_put_int(out, "offences", record->month_closed.fact.offences);
  day_format(verdict->policy_from, text);
  json_put_text(out, "policy_from", text);
}

static void put_hash(struct writer *out, const char *key, struct slice hash) {
  struct writer text = {0};
  put_hex(&text, (const uint8_t *)hash.data, hash.len);
  json_put_string(out, key, writer_slice(&text));
  writer_free(&text);
}

static void put_points(struct writer *out, const struct record *record) {
  const struct points_fact *fact = &record->points.fact;
  char month[DAY_TEXT_SIZE];
  month_format(fact->month, month);
  json_put_uint(out, "number", fact->number);
  json_put_text(out, "kind", points_kind_name(fact->kind));
  json_put_string(out, "agent", fact->agent);
  json_put_text(out, "month", month);
  json_put_int(out, "at_ms", fact->at_ms);
  json_put_int(out, "final_ms", fact->final_ms);
  json_put_int(out, "points", fact->points);
  if (fact->reverses) json_put_uint(out, "reverses", fact->reverses);
  if (fact->kind == POINTS_LADDER) {
    put_week(out, fact->week);
    json_put_int(out, "rate_bp", fact->rate_bp);
    json_put_int(out, "threshold_bp", fact->threshold_bp);
    json_put_int(out, "rung", fact->rung);
  }
  put_given(out, "reason", fact->reason);
  put_given(out, "by", fact->by);
  put_given(out, "id", fact->id);
  put_hash(out, "hash", record->points.hash);
}

static void put_proposal(struct writer *out, const struct record *record) {
  struct reader r = reader_of(record->proposal.moves);
  put_week(out, record->proposal.week);
  json_put_string(out, "agent", record->proposal.agent);
  put_name(out, "state", proposal_state_name(record->proposal.state));
  put_given(out, "by", record->proposal.by);
  json_key(out, "leads");
  json_open(out, '[');
  while (r.at < r.end && !r.failed) {
    struct slice lead = get_blob(&r), number = get_blob(&r), to = get_blob(&r);
    if (r.failed) break;
    json_open(out, '{');
    json_put_string(out, "lead", lead);
    json_put_string(out, "number", number);
    put_given(out, "to", to);
    json_close(out, '}');
  }
  json_close(out, ']');
}

static void put_other(struct writer *out, const struct record *record) {
  switch (record->type) {
  case RECORD_SEQ:
    json_put_uint(out, "origin", record->origin);
    json_put_uint(out, "seq", record->seq);
    break;
  case RECORD_ORIGIN: put_origin(out, record); break;
  case RECORD_START: put_start(out, record); break;
  case RECORD_SOURCE: put_source(out, record); break;
  case RECORD_SOURCE_SERVES: put_source_serves(out, record); break;
  case RECORD_SETTINGS:
    json_put_string(out, "policy", record->settings.policy);
    json_put_string(out, "roster", record->settings.roster);
    break;
  case RECORD_ALERT: put_alert(out, record); break;
  case RECORD_DELIVERED: put_delivered(out, record); break;
  case RECORD_LEAD_MOVE: put_lead_move(out, record); break;
  case RECORD_LEAD_HOLD:
    put_week(out, record->lead_hold.week);
    json_put_string(out, "agent", record->lead_hold.agent);
    put_given(out, "reason", record->lead_hold.reason);
    break;
  case RECORD_WEEK_CLOSED: put_week_closed(out, record); break;
  case RECORD_MONTH_CLOSED: put_month_closed(out, record); break;
  case RECORD_PROPOSAL: put_proposal(out, record); break;
  case RECORD_POINTS: put_points(out, record); break;
  case RECORD_ALERT_ACK:
    json_put_string(out, "id", record->ack.id);
    json_put_int(out, "at_ms", record->ack.at_ms);
    json_put_string(out, "by", record->ack.by);
    json_put_string(out, "note", record->ack.note);
    break;
  default: break;
  }
}

void record_to_lines(const struct record *record, bool all, struct writer *out) {
  static const char *const names[RECORD_TYPES] = {[RECORD_SEQ] = "x.seq",
                                                  [RECORD_ORIGIN] = "x.origin",
                                                  [RECORD_CLOCK] = "x.clock",
                                                  [RECORD_START] = "x.start",
                                                  [RECORD_STOP] = "x.stop",
                                                  [RECORD_SOURCE] = "x.source",
                                                  [RECORD_SOURCE_SERVES] = "x.source_serves",
                                                  [RECORD_SETTINGS] = "x.settings",
                                                  [RECORD_ALERT] = "x.alert",
                                                  [RECORD_DELIVERED] = "x.delivered",
                                                  [RECORD_LEAD_MOVE] = "x.lead_move",
                                                  [RECORD_LEAD_HOLD] = "x.lead_hold",
                                                  [RECORD_WEEK_CLOSED] = "x.week_closed",
                                                  [RECORD_MONTH_CLOSED] = "x.month_closed",
                                                  [RECORD_POINTS] = "x.points",
                                                  [RECORD_ALERT_ACK] = "x.alert_ack",
                                                  [RECORD_PROPOSAL] = "x.proposal"};
  if (record->type == RECORD_EVENT) {
    event_line(&record->event, out);
  } else if (record->type == RECORD_GAP) {
    gap_line(record, out);
  } else if (all) {
    open_line(out, names[record->type]);
    json_put_int(out, "now_ms", record->now_ms);
    put_other(out, record);
    close_line(out);
  }
}
