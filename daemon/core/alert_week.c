/* contact.at_risk: a week whose projected contact rate falls short; and what is told of
 * weeks that closed short, and of months. */
#include "alert_inner.h"

__extension__ typedef __int128 int128;

enum { BP_ONE = 10000, RESOLVE_MARGIN_BP = 500 };

static struct alert week_alert(const struct alert_week *week, enum alert_state state) {
  const struct week_facts *facts = week->facts;
  int64_t needed = ladder_needed(week->verdict->threshold_bp, facts->issued) - facts->reached;
  struct alert alert = {.type = ALERT_CONTACT_AT_RISK,
                        .state = state,
                        .at_ms = week->now_ms,
                        .period = week->monday,
                        .policy_from = facts->policy->from};
  alert_add_person(&alert, slice_of(week->agent->id), week->agent);
  alert_add_number(&alert, "issued", facts->issued);
  alert_add_number(&alert, "reached", facts->reached);
  alert_add_number(&alert, "needed", needed > 0 ? needed : 0);
  alert_add_number(&alert, "rate_bp", week->verdict->rate_bp);
  alert_add_number(&alert, "threshold_bp", week->verdict->threshold_bp);
  alert_add_number(&alert, "rung", week->verdict->rung);
  alert_add_number(&alert, "reached_contacts", facts->policy->contact.reached_contacts);
  alert_add_number(&alert, "productive_left_ms", facts->productive_ms - facts->elapsed_ms);
  return alert;
}

/* The projected rate is above what is asked for by a margin. */
static bool has_recovered(const struct alert_week *week) {
  const struct week_facts *facts = week->facts;
  int64_t rate_bp = week->verdict->threshold_bp + RESOLVE_MARGIN_BP;
  int128 projected = (int128)facts->reached * facts->productive_ms * BP_ONE;
  return projected >= (int128)facts->issued * facts->elapsed_ms * rate_bp;
}

static bool shall_resolve(const struct alert_week *week) {
  return week->verdict->state != WEEK_ON_TRACK || has_recovered(week);
}

static msec_t raise(struct alert_latch *latch, const struct alert_week *week, enum alert_state is,
                    struct alert_sink sink) {
  if (is == ALERT_RESOLVED) {
    msec_t since =
        alert_latch_since(latch, slice_of(week->agent->id), ALERT_CONTACT_AT_RISK, week->monday);
    msec_t again = since + week->facts->policy->pace.hold_down_ms;
    if (again > week->now_ms) return again;
  }
  struct alert alert = week_alert(week, ALERT_RAISED);
  alert_tell(latch, &alert, sink);
  return MSEC_MAX;
}

msec_t alert_judge_week(struct alert_latch *latch, const struct alert_week *week,
                        struct alert_sink sink) {
  enum week_state state = week->verdict->state;
  enum alert_state is =
      alert_latch_state(latch, slice_of(week->agent->id), ALERT_CONTACT_AT_RISK, week->monday);
  if (state == WEEK_AT_RISK) return is == ALERT_RAISED ? MSEC_MAX : raise(latch, week, is, sink);
  if (is != ALERT_RAISED || !shall_resolve(week)) return MSEC_MAX;
  struct alert alert = week_alert(week, ALERT_RESOLVED);
  alert.silent = state == WEEK_SHORT || state == WEEK_UNKNOWN;
  alert_tell(latch, &alert, sink);
  return MSEC_MAX;
}

static enum alert_type type_of(enum ladder_action action) {
  if (action == LADDER_WARN) return ALERT_CONTACT_WARNING;
  return action == LADDER_HOLD_LEADS ? ALERT_LEAD_HOLD : ALERT_LEAD_REASSIGNED;
}

static void tell(struct alert_latch *latch, enum alert_type type,
                 const struct alert_offence *offence, struct alert_sink sink) {
  const struct week_closed *closed = offence->closed;
  struct alert alert = {.type = type,
                        .state = ALERT_RAISED,
                        .at_ms = offence->now_ms,
                        .period = offence->monday,
                        .policy_from = closed->policy_from,
                        .moves = offence->moves,
                        .move_count = offence->move_count};
  alert_add_person(&alert, slice_of(offence->agent->id), offence->agent);
  alert_add_number(&alert, "issued", closed->issued);
  alert_add_number(&alert, "reached", closed->reached);
  alert_add_number(&alert, "rate_bp", closed->verdict.rate_bp);
  alert_add_number(&alert, "threshold_bp", closed->verdict.threshold_bp);
  alert_add_number(&alert, "rung", closed->verdict.rung);
  alert_add_number(&alert, "points", closed->points);
  if (closed->action == LADDER_HOLD_LEADS) alert_add_number(&alert, "weeks", closed->weeks);
  if (closed->action == LADDER_REASSIGN_UNDIALLED)
    alert_add_number(&alert, "missed_days", closed->missed_days);
  if (closed->shadow) alert_add_number(&alert, "shadow", 1);
  alert_tell(latch, &alert, sink);
}

void alert_tell_offence(struct alert_latch *latch, const struct alert_offence *offence,
                        struct alert_sink sink) {
  tell(latch, type_of(offence->closed->action), offence, sink);
}

void alert_tell_proposed(struct alert_latch *latch, const struct alert_offence *offence,
                         struct alert_sink sink) {
  tell(latch, ALERT_LEAD_PROPOSED, offence, sink);
}

void alert_tell_month(struct alert_latch *latch, const struct agent *agent, month_t month,
                      const struct month_closed *closed, msec_t now_ms, struct alert_sink sink) {
  const struct month_verdict *verdict = &closed->verdict;
  struct alert alert = {.type = ALERT_MONTH_OUTCOME,
                        .state = ALERT_RAISED,
                        .at_ms = now_ms,
                        .period = month_first_day(month),
                        .policy_from = verdict->policy_from,
                        .outcome = month_outcome_name(verdict->outcome)};
  alert_add_person(&alert, slice_of(agent->id), agent);
  alert_add_number(&alert, "calls", closed->facts.calls);
  alert_add_number(&alert, "calls_target", verdict->calls_target);
  alert_add_number(&alert, "talk_ms", closed->facts.talk_ms);
  alert_add_number(&alert, "talk_target_ms", verdict->talk_target_ms);
  alert_add_number(&alert, "members", closed->facts.members);
  alert_add_number(&alert, "members_target", verdict->members_target);
  alert_add_number(&alert, "attainment_bp", verdict->attainment_bp);
  alert_add_number(&alert, "points", closed->points);
  alert_add_number(&alert, "offences", closed->offences);
  alert_tell(latch, &alert, sink);
}
