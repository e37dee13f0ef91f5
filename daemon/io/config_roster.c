/* The roster file (CONTRACT section 3). */
#include <stddef.h>
#include <stdlib.h>

#include "config_internal.h"

/* An agent as it stands in the file, before the others are known. */
struct draft {
  struct agent agent;
  const char *team;
  struct node *node;
};

struct reader_state {
  struct roster *roster;
  struct draft *drafts;
  size_t draft_count;
  struct table teams; /* id -> struct team */
};

enum { ID_BYTES_MAX = 64, NAME_BYTES_MAX = 256, LEAVES_A_DAY_MAX = 12 };

/* An id stands in braces in Redis keys, and in log lines. */
static enum status text_check(struct reading *r, const struct node *node, size_t max, bool is_id) {
  enum status status = expect_text(r, node);
  if (status != STATUS_OK) return status;
  if (node->text.len > max) return fail_at(r, node, "longer than %zu bytes", max);
  for (size_t i = 0; i < node->text.len; i++) {
    unsigned char c = (unsigned char)node->text.data[i];
    if (c < 0x20 || c == 0x7f) return fail_at(r, node, "a control character in a name or id");
    if (is_id && (c == '{' || c == '}')) return fail_at(r, node, "braces cannot be part of an id");
  }
  return STATUS_OK;
}

static enum status text_field(struct reading *r, struct node *node, const char **out, bool is_id) {
  enum status status = text_check(r, node, is_id ? ID_BYTES_MAX : NAME_BYTES_MAX, is_id);
  if (status == STATUS_OK) *out = node->text.data;
  return status;
}

static enum status team_id(struct reading *r, struct node *node, void *base) {
  return text_field(r, node, &((struct team *)base)->id, true);
}
static enum status team_name(struct reading *r, struct node *node, void *base) {
  return text_field(r, node, &((struct team *)base)->name, false);
}
static enum status team_lead(struct reading *r, struct node *node, void *base) {
  return text_field(r, node, &((struct team *)base)->lead, false);
}
static enum status agent_id(struct reading *r, struct node *node, void *base) {
  return text_field(r, node, &((struct draft *)base)->agent.id, true);
}
static enum status agent_name(struct reading *r, struct node *node, void *base) {
  return text_field(r, node, &((struct draft *)base)->agent.name, false);
}
static enum status agent_team(struct reading *r, struct node *node, void *base) {
  return text_field(r, node, &((struct draft *)base)->team, true);
}

static enum status agent_class(struct reading *r, struct node *node, void *base) {
  static const char *const classes[] = {"new", "veteran", NULL};
  static const struct option choice = {.type = OPTION_CHOICE, .choices = classes};
  struct agent *agent = &((struct draft *)base)->agent;
  bool veteran = false;
  enum status status = scalar_read(r, node, &choice, &veteran);
  if (status != STATUS_OK) return status;
  agent->class_given = true;
  agent->given_class = veteran ? CLASS_VETERAN : CLASS_NEW;
  return STATUS_OK;
}

static enum status agent_extensions(struct reading *r, struct node *node, void *base) {
  struct agent *agent = &((struct draft *)base)->agent;
  enum status status = texts_read(r, node, &agent->extensions, &agent->extension_count);
  for (const struct node *n = status == STATUS_OK ? node->child : NULL; n && status == STATUS_OK;
       n = n->next)
    status = text_check(r, n, NAME_BYTES_MAX, false);
  return status;
}

/* --- leave --- */

struct leave {
  msec_t from_ms, to_ms;
};

/* "2026-11-24 13:00" local, or "2026-11-24": from its beginning, to its end. */
static enum status leave_time(struct reading *r, struct node *node, bool is_end, msec_t *out) {
  enum status status = expect_text(r, node);
  if (status != STATUS_OK) return status;
  struct slice t = node->text;
  day_t day = 0;
  int64_t time = 0;
  bool date = t.len >= 10 && day_parse((struct slice){t.data, 10}, &day);
  if (date && t.len == 10) {
    *out = is_end ? calendar_day_end(r->calendar, day) : calendar_day_begin(r->calendar, day);
    return STATUS_OK;
  }
  if (!date || t.len != 16 || (t.data[10] != ' ' && t.data[10] != 'T') ||
      !value_time((struct slice){t.data + 11, 5}, &time))
    return fail_at(r, node, "\"%s\" is not a local time, as \"2026-11-24 13:00\", nor a date",
                   t.data);
  *out = zone_to_utc(r->calendar->zone, day * MSEC_PER_DAY + time);
  return STATUS_OK;
}

static enum status leave_from(struct reading *r, struct node *node, void *base) {
  return leave_time(r, node, false, &((struct leave *)base)->from_ms);
}
static enum status leave_to(struct reading *r, struct node *node, void *base) {
  return leave_time(r, node, true, &((struct leave *)base)->to_ms);
}

static const struct option leave_options[] = {
    {"from", OPTION_READ, .read = leave_from, .type_name = "local time", .flags = REQUIRED,
     .help = "When it begins: \"2026-11-24 13:00\", or a date for the whole business day."},
    {"to", OPTION_READ, .read = leave_to, .type_name = "local time", .flags = REQUIRED,
     .help = "When it ends; a date counts to its end."},
    {.name = NULL}};

static int compare_leave(const void *a, const void *b) {
  const struct span *x = a, *y = b;
  return (x->from_ms > y->from_ms) - (x->from_ms < y->from_ms);
}

/* Sorts, and joins what overlaps. */
static void leave_tidy(struct agent *agent) {
  qsort(agent->leave, agent->leave_count, sizeof *agent->leave, compare_leave);
  size_t kept = 0;
  for (size_t i = 0; i < agent->leave_count; i++) {
    struct span *last = kept ? &agent->leave[kept - 1] : NULL;
    if (!last || agent->leave[i].from_ms > last->to_ms)
      agent->leave[kept++] = agent->leave[i];
    else if (agent->leave[i].to_ms > last->to_ms)
      last->to_ms = agent->leave[i].to_ms;
  }
  agent->leave_count = kept;
}

static enum status agent_leave(struct reading *r, struct node *node, void *base) {
  struct agent *agent = &((struct draft *)base)->agent;
  enum status status = expect_list(r, node, "leaves, as [{from: …, to: …}]");
  if (status != STATUS_OK) return status;
  agent->leave = arena_alloc(r->arena, (node->count + 1) * sizeof *agent->leave);
  for (struct node *n = node->child; n; n = n->next) {
    struct leave leave = {0, 0};
    status = section_read(r, n, leave_options, &leave);
    if (status != STATUS_OK) return status;
    if (leave.from_ms >= leave.to_ms) return fail_at(r, n, "the leave ends before it begins");
    agent->leave[agent->leave_count++] = (struct span){leave.from_ms, leave.to_ms};
  }
  if (agent->leave_count > 0) leave_tidy(agent);
  for (size_t i = LEAVES_A_DAY_MAX; i < agent->leave_count; i++)
    if (agent->leave[i].from_ms - agent->leave[i - LEAVES_A_DAY_MAX].from_ms < 2 * MSEC_PER_DAY)
      return fail_at(r, node, "more than %d leaves within two days", LEAVES_A_DAY_MAX);
  return STATUS_OK;
}

/* --- teams and agents --- */

static const struct option team_options[] = {
    {"id", OPTION_READ, .read = team_id, .type_name = "text", .flags = REQUIRED,
     .help = "Id of the team, unique."},
    {"name", OPTION_READ, .read = team_name, .type_name = "text",
     .help = "Its name; default the id."},
    {"lead", OPTION_READ, .read = team_lead, .type_name = "text", .help = "Who leads it."},
    {.name = NULL}};

static const struct option agent_options[] = {
    {"id", OPTION_READ, .read = agent_id, .type_name = "text", .flags = REQUIRED,
     .help = "Id of the agent, unique."},
    {"name", OPTION_READ, .read = agent_name, .type_name = "text", .help = "Name; default the id."},
    {"team", OPTION_READ, .read = agent_team, .type_name = "text", .help = "Id of the team."},
    {"class", OPTION_READ, .read = agent_class, .type_name = "new | veteran",
     .help = "Class; default veteran from confirmed_on, else new."},
    {"hired", OPTION_DATE, offsetof(struct draft, agent.hired),
     .help = "First day; default long ago."},
    {"confirmed_on", OPTION_DATE, offsetof(struct draft, agent.confirmed_on),
     .help = "First day after probation."},
    {"extensions", OPTION_READ, .read = agent_extensions, .type_name = "list of texts",
     .help = "Extensions, or channel names up to the last '-', as PJSIP/1001."},
    {"leave", OPTION_READ, .table = leave_options, .entries = true, .read = agent_leave,
     .type_name = "list of leaves", .help = "When the agent is away."},
    {.name = NULL}};

static enum status teams_read(struct reading *r, struct node *node, void *base) {
  struct reader_state *state = base;
  enum status status = expect_list(r, node, "teams");
  if (status != STATUS_OK) return status;
  struct roster *roster = state->roster;
  roster->teams = arena_alloc(r->arena, (node->count + 1) * sizeof *roster->teams);
  for (struct node *n = node->child; n; n = n->next) {
    struct team *team = &roster->teams[roster->team_count++];
    *team = (struct team){.lead = ""};
    status = section_read(r, n, team_options, team);
    if (status != STATUS_OK) return status;
    if (!team->name) team->name = team->id;
    if (table_get(&state->teams, slice_of(team->id)))
      return fail_at(r, node_child(n, "id"), "team \"%s\" stands here twice", team->id);
    table_put(&state->teams, slice_of(team->id), team);
  }
  return STATUS_OK;
}

static enum status agents_read(struct reading *r, struct node *node, void *base) {
  struct reader_state *state = base;
  enum status status = expect_list(r, node, "agents");
  if (status != STATUS_OK) return status;
  state->drafts = arena_alloc(r->arena, (node->count + 1) * sizeof *state->drafts);
  for (struct node *n = node->child; n && status == STATUS_OK; n = n->next) {
    struct draft *draft = &state->drafts[state->draft_count++];
    *draft = (struct draft){.agent = {.hired = DAY_NONE, .confirmed_on = DAY_NONE}, .node = n};
    status = section_read(r, n, agent_options, draft);
    if (!draft->agent.name) draft->agent.name = draft->agent.id;
  }
  return status;
}

const struct option roster_options[] = {
    {"teams", OPTION_READ, .table = team_options, .entries = true, .read = teams_read,
     .type_name = "list of teams", .help = "The teams."},
    {"agents", OPTION_READ, .table = agent_options, .entries = true, .read = agents_read,
     .type_name = "list of agents", .help = "The agents."},
    {.name = NULL}};

/* --- putting them together --- */

static enum status unknown_team(struct reading *r, const struct roster *roster,
                                const struct draft *draft) {
  const char **ids = arena_alloc(r->arena, (roster->team_count + 1) * sizeof *ids);
  for (size_t i = 0; i < roster->team_count; i++)
    ids[i] = roster->teams[i].id;
  return fail_at(r, node_child(draft->node, "team"), "unknown team \"%s\"%s", draft->team,
                 did_you_mean(r, draft->team, ids));
}

static const struct draft *draft_of(const struct reader_state *state, const struct agent *agent) {
  return &state->drafts[agent - state->roster->agents];
}

/* The tree and what was read from it go; the roster keeps copies. */
static const char *keep(struct roster *roster, const char *text) {
  return arena_dup(&roster->arena, slice_of(text));
}

static void keep_teams(struct reader_state *state) {
  struct roster *roster = state->roster;
  const struct team *read = roster->teams;
  roster->teams = arena_alloc(&roster->arena, (roster->team_count + 1) * sizeof *roster->teams);
  for (size_t i = 0; i < roster->team_count; i++) {
    struct team *team = &roster->teams[i];
    *team = (struct team){keep(roster, read[i].id), keep(roster, read[i].name),
                          keep(roster, read[i].lead)};
    table_put(&state->teams, slice_of(read[i].id), team);
  }
}

static void keep_agent(struct roster *roster, struct agent *agent) {
  const char **extensions = agent->extensions;
  const struct span *leave = agent->leave;
  agent->id = keep(roster, agent->id);
  agent->name = keep(roster, agent->name);
  agent->extensions =
      arena_alloc(&roster->arena, (agent->extension_count + 1) * sizeof *agent->extensions);
  for (size_t i = 0; i < agent->extension_count; i++)
    agent->extensions[i] = keep(roster, extensions[i]);
  agent->leave = arena_alloc(&roster->arena, (agent->leave_count + 1) * sizeof *agent->leave);
  for (size_t i = 0; i < agent->leave_count; i++)
    agent->leave[i] = leave[i];
}

static enum status add_agent(struct reading *r, struct reader_state *state,
                             const struct draft *draft) {
  struct roster *roster = state->roster;
  struct agent *agent = &roster->agents[roster->agent_count++];
  *agent = draft->agent;
  keep_agent(roster, agent);
  if (draft->team) agent->team = table_get(&state->teams, slice_of(draft->team));
  if (draft->team && !agent->team) return unknown_team(r, roster, draft);
  const struct agent *same = table_get(&roster->by_id, slice_of(agent->id));
  if (same)
    return fail_at(r, node_child(draft->node, "id"),
                   "agent \"%s\" is on the roster already, on line %u", agent->id,
                   node_child(draft_of(state, same)->node, "id")->line);
  table_put(&roster->by_id, slice_of(agent->id), agent);
  return STATUS_OK;
}

/* An extension must lead to one agent: not be another's, nor another's id. */
static enum status add_extensions(struct reading *r, struct reader_state *state,
                                  struct agent *agent) {
  struct table *by_extension = &state->roster->by_extension;
  const struct node *list = node_child(draft_of(state, agent)->node, "extensions");
  const struct node *n = list ? list->child : NULL;
  for (size_t i = 0; n && i < agent->extension_count; i++, n = n->next) {
    struct slice key = slice_of(agent->extensions[i]);
    const struct agent *other = table_get(by_extension, key);
    const struct agent *owner = table_get(&state->roster->by_id, key);
    if (!other && owner && owner != agent) other = owner;
    if (other)
      return fail_at(r, n, "extension \"%s\" belongs to agent \"%s\" already, on line %u",
                     agent->extensions[i], other->id,
                     node_child(draft_of(state, other)->node, "id")->line);
    table_put(by_extension, key, agent);
  }
  return STATUS_OK;
}

static enum status assemble(struct reading *r, struct reader_state *state) {
  struct roster *roster = state->roster;
  keep_teams(state);
  roster->agents = arena_alloc(&roster->arena, (state->draft_count + 1) * sizeof *roster->agents);
  enum status status = STATUS_OK;
  for (size_t i = 0; i < state->draft_count && status == STATUS_OK; i++)
    status = add_agent(r, state, &state->drafts[i]);
  for (size_t i = 0; i < roster->agent_count && status == STATUS_OK; i++)
    status = add_extensions(r, state, &roster->agents[i]);
  return status;
}

struct roster *roster_from_text(struct slice text, const char *label,
                                const struct calendar *calendar, struct error *error) {
  struct roster *roster = mem_zalloc(sizeof *roster);
  struct arena arena = {.blocks = NULL};
  struct reading r = {
      .label = label, .dir = "", .arena = &arena, .error = error, .calendar = calendar};
  struct reader_state state = {.roster = roster};
  struct node *root = yaml_read(&r, text);
  enum status status = root ? section_read(&r, root, roster_options, &state) : STATUS_CONFIG;
  if (status == STATUS_OK) status = assemble(&r, &state);
  table_free(&state.teams);
  arena_free(&arena);
  if (status == STATUS_OK) return roster;
  roster_free(roster);
  return NULL;
}
