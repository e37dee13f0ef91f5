#include "callpace/engine/viewer.h"

#include "callpace/base/json_members.h"
#include "callpace/engine/care.h"
#include "callpace/engine/figures.h"

static bool is_in_team(const struct centre_agent *agent, const char *team) {
  return agent->rostered && agent->rostered->team && strcmp(agent->rostered->team->id, team) == 0;
}

bool viewer_sees_agent(const struct viewer *v, const struct centre_agent *agent) {
  switch (v->role) {
  case HTTP_TEAM: return is_in_team(agent, v->subject);
  case HTTP_AGENT: return strcmp(agent->id, v->subject) == 0;
  default: return true;
  }
}

bool viewer_sees_team(const struct viewer *v, const char *team) {
  if (v->role == HTTP_TEAM) return strcmp(team, v->subject) == 0;
  return v->role != HTTP_AGENT;
}

bool viewer_may_act(const struct viewer *v) {
  return v->role == HTTP_SUPERVISOR || v->role == HTTP_TEAM;
}

uint64_t viewer_figures(const struct viewer *v) {
  return v->names ? UINT64_MAX : ~(UINT64_C(1) << figure_named(SLICE("name")));
}

/* Compared as written: the alert's writer and ours escape alike. */
static bool member_is(struct slice json, const char *key, const char *text) {
  struct writer w = {0};
  json_slice(&w, slice_of(text));
  bool same = slice_equal(json_member(json, key), writer_slice(&w));
  writer_free(&w);
  return same;
}

/* Alerts of sources and the like bear no agent and concern everybody who leads. */
static bool sees_alert(const struct viewer *v, struct slice json) {
  if (v->role == HTTP_AGENT) return member_is(json, "agent", v->subject);
  if (v->role != HTTP_TEAM || json_member(json, "agent").len == 0) return true;
  return member_is(json, "team", v->subject);
}

/* What tells of people by number only; `text` and whatever may join it do not. */
static bool is_nameless(struct slice key) {
  static const char *const keys[] = {"id",    "type",   "severity",    "state",   "agent", "team",
                                     "at_ms", "period", "policy_from", "numbers", "action"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (slice_equal(key, slice_of(keys[i]))) return true;
  return false;
}

static void put_nameless(struct slice json, struct writer *w) {
  struct slice key, value;
  char name[64];
  json_open(w, '{');
  for (size_t at = 0; json_next_member(json, &at, &key, &value);) {
    if (key.len >= sizeof name || !is_nameless(key)) continue;
    memcpy(name, key.data, key.len);
    name[key.len] = 0;
    json_key(w, name);
    json_raw(w, value);
  }
  json_close(w, '}');
}

bool viewer_put_alert(const struct viewer *v, const struct engine *engine,
                      const struct alert_entry *entry, struct writer *w) {
  struct slice json = slice_of(entry->json);
  if (entry->notice || json.len == 0 || !sees_alert(v, json)) return false;
  if (v->names)
    care_put_alert(engine, entry, w);
  else
    put_nameless(json, w);
  return true;
}
