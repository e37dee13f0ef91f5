/* The commands lead-proposals, and lead-approve and lead-reject (id, by). */
#include "callpace/engine/reassign.h"
#include "control_internal.h"

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
