#include "callpace/engine/reassign.h"

#include <stdlib.h>

#include "callpace/base/mem.h"
#include "callpace/base/text.h"
#include "callpace/engine/judge.h"
#include "callpace/engine/pipeline.h"

enum { DAYS = 7, BY_MAX = 500 };

/* --- moving --- */

static void record_change(struct engine *e, struct slice agent, day_t week,
                          enum proposal_state state, struct slice by, struct slice moves) {
  struct record record = {
      .type = RECORD_PROPOSAL,
      .proposal = {.week = week, .state = state, .agent = agent, .by = by, .moves = moves}};
  pipeline_record(e, &record);
}

static void make_moves(struct engine *e, const struct proposal *p, unsigned rung) {
  struct writer reason = {0};
  put_format(&reason, "rung %u of %s", rung, period_of(PERIOD_WEEK, p->week).text);
  while (p->done < p->move_count) {
    const struct proposal_move *move = &p->moves[p->done];
    size_t done = p->done;
    struct record record = {.type = RECORD_LEAD_MOVE,
                            .lead_move = {.week = p->week + DAYS,
                                          .lead = move->lead,
                                          .number = move->number,
                                          .from = slice_of(p->agent),
                                          .to = move->to,
                                          .reason = writer_slice(&reason)}};
    pipeline_record(e, &record);
    if (p->done == done) break; /* cannot be; and would never end */
  }
  writer_free(&reason);
}

typedef void alert_teller(struct alert_latch *latch, const struct alert_offence *offence,
                          struct alert_sink sink);

static void tell(struct engine *e, const struct proposal *p, const struct centre_agent *giver,
                 const struct week_closed *closed, alert_teller *teller) {
  struct alert_move *moves = mem_alloc((p->move_count + 1) * sizeof *moves);
  for (size_t i = 0; i < p->move_count; i++)
    moves[i] = (struct alert_move){p->moves[i].lead, slice_of(p->agent), p->moves[i].to};
  struct alert_offence told = {.agent = giver->rostered,
                               .monday = p->week,
                               .now_ms = e->fold.now_ms,
                               .closed = closed,
                               .moves = moves,
                               .move_count = p->move_count};
  teller(&e->fold.latch, &told, judge_sink(e));
  free(moves);
}

static void go_on(struct engine *e, const struct proposal *p) {
  const struct centre_agent *giver = centre_find_agent(e->fold.centre, slice_of(p->agent));
  const struct lead_week *week = giver ? centre_find_week(giver, p->week) : NULL;
  if (!week || !week->closed || p->state == PROPOSAL_REJECTED) return;
  if (p->state == PROPOSAL_APPROVED) make_moves(e, p, week->closed->verdict.rung);
  if (!giver->rostered) return; /* nobody to tell of */
  if (p->state == PROPOSAL_APPROVED && !week->told)
    tell(e, p, giver, week->closed, alert_tell_offence);
  if (p->state == PROPOSAL_WAITING && !p->told)
    tell(e, p, giver, week->closed, alert_tell_proposed);
}

void reassign_week(struct engine *e, struct receivers *receivers, const struct centre_agent *giver,
                   day_t monday) {
  const struct policy *policy = policy_on(e->settings->policy, monday + DAYS - 1);
  struct slice id = slice_of(giver->id);
  if (!proposal_find(&e->fold.proposals, id, monday)) {
    struct writer moves = {0};
    if (!receivers->filled) reassign_rank(&e->fold, monday, receivers);
    reassign_plan(&e->fold, receivers, giver, monday, &moves);
    record_change(e, id, monday,
                  policy->contact.reassign_applies ? PROPOSAL_APPROVED : PROPOSAL_WAITING,
                  (struct slice){0}, writer_slice(&moves));
    writer_free(&moves);
  }
  const struct proposal *p = proposal_find(&e->fold.proposals, id, monday);
  if (p) go_on(e, p);
}

void reassign_resume(struct engine *e) {
  for (const struct proposal *p = e->fold.proposals.first; p; p = p->next)
    go_on(e, p);
}

/* --- showing --- */

static void put_week(const struct centre_agent *agent, day_t monday, int64_t gets,
                     struct writer *w) {
  const struct lead_week *week = agent ? centre_find_week(agent, monday) : NULL;
  struct lead_counts counts = week ? week->book.counts : (struct lead_counts){0};
  json_open(w, '{');
  json_put_text(w, "week", period_of(PERIOD_WEEK, monday).text);
  json_put_int(w, "leads_issued", counts.issued);
  json_put_int(w, "leads_received", counts.received);
  if (gets >= 0) json_put_int(w, "leads_received_after", counts.received + gets);
  json_put_int(w, "leads_reached", counts.reached);
  if (counts.issued > 0)
    json_put_int(w, "contact_rate_bp", ladder_rate_bp(counts.reached, counts.issued));
  json_close(w, '}');
}

static void put_side(const struct engine *e, const struct proposal *p, struct slice id,
                     int64_t gets, struct writer *w) {
  const struct centre_agent *agent = centre_find_agent(e->fold.centre, id);
  json_open(w, '{');
  json_put_string(w, "agent", id);
  json_put_int(w, gets < 0 ? "gives" : "gets", gets < 0 ? -gets : gets);
  json_key(w, "judged");
  put_week(agent, p->week, -1, w);
  json_key(w, "begins");
  put_week(agent, p->week + DAYS, p->state == PROPOSAL_WAITING ? (gets > 0 ? gets : 0) : -1, w);
  json_close(w, '}');
}

/* Each receiver once, in the order of its first turn. */
static void put_receivers(const struct engine *e, const struct proposal *p, struct writer *w) {
  for (size_t i = 0; i < p->move_count; i++) {
    struct slice to = p->moves[i].to;
    int64_t gets = 0;
    bool before = to.len == 0;
    for (size_t n = 0; n < i && !before; n++)
      before = slice_equal(p->moves[n].to, to);
    for (size_t n = i; n < p->move_count && !before; n++)
      gets += slice_equal(p->moves[n].to, to);
    if (!before) put_side(e, p, to, gets, w);
  }
}

static void put_moves(const struct proposal *p, struct writer *w) {
  for (size_t i = 0; i < p->move_count; i++) {
    json_open(w, '{');
    json_put_string(w, "lead", p->moves[i].lead);
    json_put_string(w, "number", p->moves[i].number);
    json_key(w, "to");
    if (p->moves[i].to.len)
      json_slice(w, p->moves[i].to);
    else
      json_nil(w);
    json_close(w, '}');
  }
}

static void put_proposal(const struct engine *e, const struct proposal *p, struct writer *w) {
  struct writer id = {0};
  put_format(&id, "%s/%s", p->agent, period_of(PERIOD_WEEK, p->week).text);
  json_open(w, '{');
  json_put_string(w, "id", writer_slice(&id));
  json_put_text(w, "agent", p->agent);
  json_put_text(w, "week", period_of(PERIOD_WEEK, p->week).text);
  json_put_text(w, "state", proposal_state_name(p->state));
  json_put_int(w, "at_ms", p->at_ms);
  if (p->by[0]) json_put_text(w, "by", p->by);
  json_key(w, "leads");
  json_open(w, '[');
  put_moves(p, w);
  json_close(w, ']');
  json_key(w, "giver");
  put_side(e, p, slice_of(p->agent), -(int64_t)p->move_count, w);
  json_key(w, "receivers");
  json_open(w, '[');
  put_receivers(e, p, w);
  json_close(w, ']');
  json_close(w, '}');
  writer_free(&id);
}

void reassign_put(const struct engine *e, struct writer *w) {
  json_open(w, '[');
  for (const struct proposal *p = e->fold.proposals.first; p; p = p->next)
    put_proposal(e, p, w);
  json_close(w, ']');
}

/* --- deciding --- */

/* The newest that waits of an agent. */
static const struct proposal *waiting_of(const struct engine *e, struct slice agent) {
  const struct proposal *found = NULL;
  for (const struct proposal *p = e->fold.proposals.first; p; p = p->next)
    if (p->state == PROPOSAL_WAITING && slice_equal(slice_of(p->agent), agent)) found = p;
  return found;
}

/* By AGENT/WEEK, by the id of its alert, or by the agent alone. */
static const struct proposal *named(const struct engine *e, struct slice id) {
  size_t at = id.len;
  struct slice agent;
  enum alert_type type;
  struct period period;
  day_t week;
  while (at > 0 && id.data[at - 1] != '/')
    at--;
  if (alert_id_parse(id, &agent, &type, &period))
    return proposal_find(&e->fold.proposals, agent, period.first);
  if (at == 0 || !week_parse((struct slice){id.data + at, id.len - at}, &week))
    return waiting_of(e, centre_resolve_agent(e->fold.centre, id));
  return proposal_find(&e->fold.proposals, (struct slice){id.data, at - 1}, week);
}

enum status reassign_decide(struct engine *e, struct slice id, bool approve, struct slice by,
                            struct writer *w, struct error *error) {
  const struct proposal *p = named(e, id);
  if (!p) return error_set(error, STATUS_USAGE, "no such proposal; see callpace leads proposals");
  if (p->state != PROPOSAL_WAITING)
    return error_set(error, STATUS_USAGE, "it is %s already", proposal_state_name(p->state));
  if (by.len > BY_MAX) by.len = text_utf8_prefix((struct slice){by.data, BY_MAX});
  struct writer moves = {0};
  if (approve) reassign_refresh(&e->fold, p, &moves);
  record_change(e, slice_of(p->agent), p->week, approve ? PROPOSAL_APPROVED : PROPOSAL_REJECTED, by,
                approve ? writer_slice(&moves) : (struct slice){p->bytes, p->bytes_len});
  writer_free(&moves);
  go_on(e, p);
  put_proposal(e, p, w);
  return STATUS_OK;
}
