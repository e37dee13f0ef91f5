/* Agents and teams: records that stay while the roster changes under them. */
#include <assert.h>
#include <stdlib.h>

#include "centre_inner.h"

struct centre_agent *centre_add_agent(struct centre *centre, struct slice id) {
  struct centre_agent *agent = mem_zalloc(sizeof *agent);
  agent->id = mem_slice_dup(id);
  agent->state_ms = MSEC_NONE;
  centre->agents = mem_grow(centre->agents, &centre->agent_capacity, centre->agent_count + 1,
                            sizeof(struct centre_agent *));
  centre->agents[centre->agent_count++] = agent;
  table_put(&centre->agents_by_id, (struct slice){agent->id, id.len}, agent);
  centre->unrostered++;
  return agent;
}

/* A roster agent's record: found by its place in the roster, without a hash. */
struct centre_agent *centre_agent_of(struct centre *centre, struct slice name, bool *made) {
  const struct roster *roster = centre->settings->roster;
  const struct agent *rostered = roster_find(roster, name);
  if (rostered) return centre->by_roster[rostered - roster->agents];
  struct centre_agent *agent = table_get(&centre->agents_by_id, name);
  if (agent) return agent;
  if (centre->unrostered >= centre->limits.unrostered_max) return NULL;
  *made = true;
  return centre_add_agent(centre, name);
}

void centre_free_agent(struct centre *centre, struct centre_agent *agent) {
  for (struct day_tally *tally = agent->days, *older; tally; tally = older) {
    older = tally->older;
    day_tally_clear(tally);
    centre_drop_plan(tally);
  }
  for (struct month_tally *month = agent->months; month; month = month->older)
    free(month->closed);
  for (struct lead_week *week = agent->weeks, *older; week; week = older) {
    older = week->older;
    centre_free_week(centre, week);
  }
  if (!agent->rostered) centre->unrostered--;
  free(agent->id);
  free(agent);
}

void centre_unmake_agent(struct centre *centre, struct centre_agent *agent) {
  assert(centre->agents[centre->agent_count - 1] == agent && !agent->days && !agent->calls);
  centre->agent_count--;
  table_remove(&centre->agents_by_id, slice_of(agent->id));
  centre_free_agent(centre, agent);
}

void centre_bind_roster(struct centre *centre) {
  const struct roster *roster = centre->settings->roster;
  for (size_t i = 0; i < centre->agent_count; i++)
    centre->agents[i]->rostered = NULL;
  centre->unrostered = centre->agent_count;
  free(centre->by_roster);
  centre->by_roster = mem_zalloc((roster->agent_count + 1) * sizeof(struct centre_agent *));
  for (size_t i = 0; i < roster->agent_count; i++) {
    const struct agent *rostered = &roster->agents[i];
    struct centre_agent *agent = table_get(&centre->agents_by_id, slice_of(rostered->id));
    if (!agent) agent = centre_add_agent(centre, slice_of(rostered->id));
    agent->rostered = rostered;
    centre->by_roster[i] = agent;
    centre->unrostered--;
  }
}

/* Names that are not on the roster are given up with the last trace of them, so
 * that they do not fill the table for ever. */
void centre_drop_idle_agents(struct centre *centre) {
  size_t kept = 0;
  for (size_t i = 0; i < centre->agent_count; i++) {
    struct centre_agent *agent = centre->agents[i];
    if (agent->rostered || agent->days || agent->months || agent->weeks || agent->calls) {
      centre->agents[kept++] = agent;
      continue;
    }
    table_remove(&centre->agents_by_id, slice_of(agent->id));
    centre_free_agent(centre, agent);
  }
  centre->agent_count = kept;
}

static struct centre_team *team_of(struct centre *centre, struct slice id) {
  struct centre_team *team = table_get(&centre->teams_by_id, id);
  if (team) return team;
  team = mem_zalloc(sizeof *team);
  team->id = mem_slice_dup(id);
  centre->teams = mem_grow(centre->teams, &centre->team_capacity, centre->team_count + 1,
                           sizeof(struct centre_team *));
  centre->teams[centre->team_count++] = team;
  table_put(&centre->teams_by_id, (struct slice){team->id, id.len}, team);
  return team;
}

struct team_day *centre_team_day(struct centre *centre, struct slice id, day_t day) {
  struct centre_team *team = team_of(centre, id);
  struct team_day **at = &team->days;
  while (*at && (*at)->day > day)
    at = &(*at)->older;
  if (*at && (*at)->day == day) return *at;
  struct team_day *team_day = mem_zalloc(sizeof *team_day);
  team_day->team = team;
  team_day->day = day;
  team_day->older = *at;
  *at = team_day;
  centre_mark_team(centre, team_day);
  return team_day;
}

void centre_sum_team(struct team_day *team_day, const struct day_tally *tally, int sign) {
  team_day->dials += sign * (int64_t)tally->dials;
  team_day->answered += sign * (int64_t)tally->answered;
  team_day->calls += sign * (int64_t)tally->calls;
  team_day->members += sign * (int64_t)tally->members;
  team_day->talk_ms += sign * tally->talk.total_ms;
  team_day->agents += (uint32_t)sign;
  team_day->states[tally->verdict.state] += (uint32_t)sign;
}

void centre_join_team(struct centre *centre, struct day_tally *tally) {
  assert(!tally->team_day);
  const struct agent *rostered = tally->agent->rostered;
  if (!rostered || !rostered->team) return;
  tally->team_day = centre_team_day(centre, slice_of(rostered->team->id), tally->day);
  centre_sum_team(tally->team_day, tally, 1);
  centre_mark_team(centre, tally->team_day);
}

void centre_leave_team(struct centre *centre, struct day_tally *tally) {
  if (!tally->team_day) return;
  centre_sum_team(tally->team_day, tally, -1);
  centre_mark_team(centre, tally->team_day);
  tally->team_day = NULL;
}
