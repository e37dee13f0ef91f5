/* What the files of the control socket share; nobody else includes it. */
#ifndef CALLPACE_ENGINE_CONTROL_INTERNAL_H
#define CALLPACE_ENGINE_CONTROL_INTERNAL_H

#include "callpace/base/flat_json.h"
#include "callpace/engine/control.h"

struct control {
  struct engine *engine;
  struct listener *listener;
  struct follower *followers;
  struct writer out;
};

struct request {
  struct control *control;
  struct session *session;
  struct flat_object object;
};

/* A member of the request as text; empty when it is not there. */
struct slice control_argument(const struct request *request, const char *key);
/* A refusal, in place of what was written so far. */
void control_refuse(struct request *request, enum status status, const char *text);
/* Begins a reply: the caller writes the data and closes one '{' more. */
struct writer *control_reply(struct request *request);

/* control_score.c */
void control_score(struct request *request);
void control_score_add(struct request *request);
void control_score_reverse(struct request *request);

/* control_timeline.c */
void control_timeline(struct request *request);

/* control_leads.c */
void control_leads(struct request *request);
void control_lead_weeks(struct request *request);
void control_lead_pool(struct request *request);
void control_lead_proposals(struct request *request);
void control_lead_approve(struct request *request);
void control_lead_reject(struct request *request);

#endif
