/* The command timeline (id, day). */
#include "callpace/engine/timeline.h"
#include "control_internal.h"

void control_timeline(struct request *r) {
  struct engine *e = r->control->engine;
  struct centre *centre = e->fold.centre;
  struct slice text = control_argument(r, "day");
  day_t day = centre_today(centre);
  struct centre_agent *agent =
      centre_find_agent(centre, centre_resolve_agent(centre, control_argument(r, "id")));
  if (text.len && !day_parse(text, &day)) day = DAY_NONE;
  struct day_tally *tally = agent && day != DAY_NONE ? centre_find_day(agent, day) : NULL;
  if (!tally) {
    control_refuse(r, STATUS_USAGE, "nothing is known of that agent on that day");
    return;
  }
  struct writer *w = control_reply(r);
  timeline_put(w, e, tally);
  json_close(w, '}');
}
