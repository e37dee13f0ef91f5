/* Who looks, and what that shows: the roles of `http` (CONTRACT section 6). */
#ifndef CALLPACE_ENGINE_VIEWER_H
#define CALLPACE_ENGINE_VIEWER_H

#include "callpace/core/alert_log.h"
#include "callpace/engine/engine.h"

struct viewer {
  enum http_role role;
  const char *subject; /* id of the team or agent; "" for the others */
  bool names;          /* sees the names of people */
};

bool viewer_sees_agent(const struct viewer *viewer, const struct centre_agent *agent);
/* The sums of a team, by its id. */
bool viewer_sees_team(const struct viewer *viewer, const char *team);
/* May do things, such as acknowledge an alert. */
bool viewer_may_act(const struct viewer *viewer);
/* Which figures (engine/figures) are shown, as bits. */
uint64_t viewer_figures(const struct viewer *viewer);

/* Appends the alert as far as it may be seen, with who acknowledged it; or nothing (notices
 * are for hooks). Says which. */
bool viewer_put_alert(const struct viewer *viewer, const struct engine *engine,
                      const struct alert_entry *entry, struct writer *w);

#endif
