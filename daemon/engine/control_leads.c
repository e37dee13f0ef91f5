/* The commands leads (agent, week), lead-weeks (week) and lead-pool, lead-proposals,
 * and lead-approve and lead-reject (id, by). */
#include "callpace/engine/reassign.h"
#include "control_internal.h"

/* The Monday of the week asked for, else of this one; false after a refusal. */
static bool week_asked(struct request *r, day_t *monday) {
  struct slice text = control_argument(r, "week");
  day_t today = centre_today(r->control->engine->fold.centre);
  *monday = today == DAY_NONE ? DAY_NONE : week_monday(today);
  if (text.len == 0 ? *monday != DAY_NONE : week_parse(text, monday)) return true;
  control_refuse(r, STATUS_USAGE, "week: expected as 2026-W48 (and none has begun yet)");
  return false;
}

static void put_lead(struct writer *w, const struct lead_book *book, const struct lead *lead) {
  json_open(w, '{');
  json_put_string(w, "lead", lead_id(book, lead));
  json_put_string(w, "number", lead_number(book, lead));
  json_put_int(w, "dials", lead->dials);
  json_put_int(w, "contacts", lead->contacts);
  json_put_text(w, "state", lead_state_name((enum lead_state)lead->state));
  json_put_bool(w, "received", lead->received);
  json_close(w, '}');
}

/* What one agent holds in the week, in the order of its coming. */
void control_leads(struct request *r) {
  struct centre *centre = r->control->engine->fold.centre;
  day_t monday;
  if (!week_asked(r, &monday)) return;
  const struct centre_agent *agent =
      centre_find_agent(centre, centre_resolve_agent(centre, control_argument(r, "agent")));
  if (!agent) {
    control_refuse(r, STATUS_USAGE, "no such agent");
    return;
  }
  const struct lead_week *week = centre_find_week(agent, monday);
  struct writer *w = control_reply(r);
  json_open(w, '[');
  for (uint32_t i = 0; week && i < week->book.lead_count; i++)
    if (week->book.leads[i].held) put_lead(w, &week->book, &week->book.leads[i]);
  json_close(w, ']');
  json_close(w, '}');
}

/* Everybody on the roster, with how many leads they hold. */
void control_lead_weeks(struct request *r) {
  struct centre *centre = r->control->engine->fold.centre;
  day_t monday;
  if (!week_asked(r, &monday)) return;
  char text[DAY_TEXT_SIZE];
  week_format(monday, text);
  struct writer *w = control_reply(r);
  json_open(w, '[');
  for (size_t i = 0; i < centre_agent_count(centre); i++) {
    const struct centre_agent *agent = centre_agent_at(centre, i);
    const struct lead_week *week = centre_find_week(agent, monday);
    if (!agent->rostered && !week) continue;
    json_open(w, '{');
    json_put_text(w, "agent", agent->id);
    if (agent->rostered) json_put_text(w, "name", agent->rostered->name);
    json_put_text(w, "week", text);
    json_put_bool(w, "on_hold", week && week->on_hold);
    json_put_int(w, "leads_issued", week ? week->book.counts.issued : 0);
    json_put_int(w, "leads_received", week ? week->book.counts.received : 0);
    json_put_int(w, "leads_dialled", week ? week->book.counts.dialled : 0);
    json_put_int(w, "leads_reached", week ? week->book.counts.reached : 0);
    json_close(w, '}');
  }
  json_close(w, ']');
  json_close(w, '}');
}

/* Leads that nobody holds, of all weeks. */
void control_lead_pool(struct request *r) {
  const struct lead_pool *pool = centre_pool(r->control->engine->fold.centre);
  struct writer *w = control_reply(r);
  json_open(w, '[');
  for (const struct pool_lead *lead = pool->first; lead; lead = lead->next) {
    char week[DAY_TEXT_SIZE];
    week_format(lead->week, week);
    json_open(w, '{');
    json_put_string(w, "lead", lead->lead);
    json_put_string(w, "number", lead->number);
    json_put_text(w, "week", week);
    json_put_string(w, "from", lead->from);
    json_put_string(w, "reason", lead->reason);
    json_put_int(w, "at_ms", lead->at_ms);
    json_close(w, '}');
  }
  json_close(w, ']');
  json_close(w, '}');
}

void control_lead_proposals(struct request *r) {
  reassign_put(r->control->engine, control_reply(r));
  json_close(&r->control->out, '}');
}

static void decide(struct request *r, bool approve) {
  struct error why = {0};
  enum status status = reassign_decide(r->control->engine, control_argument(r, "id"), approve,
                                       control_argument(r, "by"), control_reply(r), &why);
  if (status != STATUS_OK)
    control_refuse(r, status, why.text);
  else
    json_close(&r->control->out, '}');
}

void control_lead_approve(struct request *r) {
  decide(r, true);
}

void control_lead_reject(struct request *r) {
  decide(r, false);
}
