#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "callpace/base/text.h"
#include "callpace/control.h"
#include "callpace/grid.h"
#include "callpace/leads.h"
#include "callpace/show.h"

static void print_grid(struct grid *grid) {
  struct writer out = {0};
  grid_print(grid, output_is_terminal(), &out);
  fwrite(out.data, 1, out.len, stdout);
  writer_free(&out);
  grid_free(grid);
}

/* ---- reassignments that wait for approval ---- */

static void put_clean(struct grid *grid, const json_t *object, const char *key,
                      enum grid_colour colour) {
  struct writer text = {0};
  char room[32];
  text_put_terminal(&text, json_text(object, key, room), 0, false);
  grid_put(grid, writer_slice(&text), colour);
  writer_free(&text);
}

static void put_rate(struct grid *grid, const json_t *week) {
  struct writer text = {0};
  int64_t rate_bp = json_number(week, "contact_rate_bp", -1);
  if (rate_bp >= 0) put_format(&text, "%.2f %%", (double)rate_bp / 100);
  grid_put(grid, writer_slice(&text), GRID_PLAIN);
  writer_free(&text);
}

/* One row of a side: what it gives or gets, and how it stands in both weeks. */
static void put_side(struct grid *grid, const json_t *proposal, const json_t *side) {
  const json_t *judged = json_object_get(side, "judged"), *begins = json_object_get(side, "begins");
  int64_t gives = json_number(side, "gives", 0),
          received = json_number(begins, "leads_received", 0);
  put_clean(grid, proposal, "id", GRID_BOLD);
  put_clean(grid, proposal, "state", GRID_PLAIN);
  put_clean(grid, side, "agent", GRID_PLAIN);
  grid_put_number(grid, json_number(side, "gets", -gives), gives ? GRID_RED : GRID_GREEN);
  put_rate(grid, judged);
  grid_put_number(grid, json_number(begins, "leads_issued", 0), GRID_PLAIN);
  grid_put_number(grid, json_number(begins, "leads_received_after", received), GRID_PLAIN);
}

static void show_proposals(const json_t *proposals) {
  struct grid grid;
  size_t i, n;
  json_t *proposal, *side;
  grid_begin(&grid, in_words("id|state|agent|>leads|>rate|>issued next|>received next",
                             "编号|状态|坐席|>线索|>联系率|>下周发放|>下周转入"));
  json_array_foreach(proposals, i, proposal) {
    put_side(&grid, proposal, json_object_get(proposal, "giver"));
    json_array_foreach(json_object_get(proposal, "receivers"), n, side)
        put_side(&grid, proposal, side);
  }
  print_grid(&grid);
}

static int proposals(const struct client_options *options) {
  struct error error = {0};
  json_t *data = client_ask_once(options, json_pack("{s:s}", "command", "lead-proposals"), &error);
  if (!data) return client_fail(&error);
  if (options->json)
    json_print(data);
  else
    show_proposals(data);
  json_decref(data);
  return STATUS_OK;
}

static int decide(const struct client_options *options, const char *command, const char *id) {
  struct error error = {0};
  const struct passwd *user = getpwuid(getuid());
  if (!id) return client_usage_error("which one? see callpace leads proposals");
  json_t *request =
      json_pack("{s:s, s:s, s:s}", "command", command, "id", id, "by", user ? user->pw_name : "?");
  if (!request) return client_usage_error("the id has to be UTF-8");
  json_t *data = client_ask_once(options, request, &error);
  if (!data) return client_fail(&error);
  if (options->json) json_print(data);
  json_decref(data);
  return STATUS_OK;
}

/* ---- looking ---- */

static json_t *ask(const struct client_options *options, const char *command, const char *agent,
                   const char *week, struct error *error) {
  json_t *request =
      json_pack("{s:s, s:s*, s:s*}", "command", command, "agent", agent, "week", week);
  if (!request) return error_set(error, STATUS_USAGE, "names have to be UTF-8"), NULL;
  return client_ask_once(options, request, error);
}

static void show_rows(const json_t *rows, const char *titles, const char *const keys[]) {
  struct grid grid;
  size_t i;
  json_t *row;
  grid_begin(&grid, titles);
  json_array_foreach(rows, i, row) {
    for (size_t k = 0; keys[k]; k++)
      put_clean(&grid, row, keys[k], k ? GRID_PLAIN : GRID_BOLD);
  }
  print_grid(&grid);
}

static int show(const struct client_options *options, const char *agent, const char *week) {
  static const char *const of_agent[] = {"lead", "number", "dials", "contacts", "state", NULL};
  static const char *const of_all[] = {
      "agent", "name", "leads_issued", "leads_dialled", "leads_reached", "leads_received", NULL};
  struct error error = {0};
  json_t *data = ask(options, agent ? "leads" : "lead-weeks", agent, week, &error);
  if (!data) return client_fail(&error);
  if (options->json)
    json_print(data);
  else if (agent)
    show_rows(data, in_words("lead|number|>dials|>contacts|state", "线索|号码|>拨打|>联系|状态"),
              of_agent);
  else
    show_rows(data,
              in_words("agent|name|>issued|>dialled|>reached|>received",
                       "坐席|姓名|>发放|>已拨打|>已联系|>转入"),
              of_all);
  json_decref(data);
  return STATUS_OK;
}

static int unassigned(const struct client_options *options) {
  static const char *const keys[] = {"lead", "number", "week", "from", "reason", NULL};
  struct error error = {0};
  json_t *data = ask(options, "lead-pool", NULL, NULL, &error);
  if (!data) return client_fail(&error);
  if (options->json)
    json_print(data);
  else
    show_rows(data, in_words("lead|number|week|from|reason", "线索|号码|周|原坐席|原因"), keys);
  json_decref(data);
  return STATUS_OK;
}

static int export(const struct client_options *options, const char *week) {
  struct error error = {0};
  json_t *agents = ask(options, "lead-weeks", NULL, week, &error), *agent, *lead;
  size_t i, n;
  if (!agents) return client_fail(&error);
  fputs("agent,lead,number,week,dials,contacts,state,received\r\n", stdout);
  json_array_foreach(agents, i, agent) {
    const char *id = json_string_value(json_object_get(agent, "agent"));
    if (json_number(agent, "leads_issued", 0) + json_number(agent, "leads_received", 0) == 0)
      continue;
    json_t *leads = ask(options, "leads", id, week, &error);
    if (!leads) break;
    json_array_foreach(leads, n, lead) leads_put_row(agent, lead);
    json_decref(leads);
  }
  json_decref(agents);
  return error.status ? client_fail(&error) : STATUS_OK;
}

static int run(struct client_options *options, int argc, char **argv) {
  static const char *const actions[] = {"import",    "show",    "export", "unassigned",
                                        "proposals", "approve", "reject", NULL};
  const char *words[2] = {NULL, NULL}, *week = NULL, *to = NULL, *token_file = NULL;
  bool dry_run = false;
  const struct option_row rows[] = {{"--week", OPTION_TEXT, &week},
                                    {"--to", OPTION_TEXT, &to},
                                    {"--token-file", OPTION_TEXT, &token_file},
                                    {"--dry-run", OPTION_FLAG, &dry_run},
                                    {0}};
  enum status status = options_read(options, rows, argc, argv, words, 1, 2);
  if (status) return status;
  if (strcmp(words[0], "approve") == 0) return decide(options, "lead-approve", words[1]);
  if (strcmp(words[0], "show") == 0) return show(options, words[1], week);
  if (strcmp(words[0], "import") == 0) {
    const struct leads_import import = {words[1], week, to, token_file, dry_run};
    return words[1] ? leads_import(options, &import)
                    : client_usage_error("leads import: which file?");
  }
  if (strcmp(words[0], "reject") == 0) return decide(options, "lead-reject", words[1]);
  if (words[1]) return client_usage_error("one word too many: %s", words[1]);
  if (strcmp(words[0], "export") == 0) return export(options, week);
  if (strcmp(words[0], "unassigned") == 0) return unassigned(options);
  if (strcmp(words[0], "proposals") == 0) return proposals(options);
  const char *near = nearest_word(words[0], actions);
  return client_usage_error("leads %s: did you mean %s?", words[0], near ? near : "proposals");
}

const struct command command_leads = {
    .name = "leads",
    .arguments = "import FILE.csv | show [AGENT] | export | unassigned | proposals | …",
    .summary = "Leads: import, look at, move",
    .manual =
        "  import FILE.csv   issues leads from columns agent, lead, number and perhaps week;\n"
        "                    --dry-run only tells what is wrong, --to ADDRESS names the\n"
        "                    native source (else the first), --token-file its token\n"
        "  show [AGENT]      who holds how many, or the agent's leads; --week 2026-W48\n"
        "  export            all leads of a week as CSV\n"
        "  unassigned        leads that nobody holds\n"
        "  proposals  reassignments of undialled leads, with both sides before and after\n"
        "  approve    moves the leads of one that waits (mode: propose)\n"
        "  reject     leaves them where they are\n",
    .run = run,
};
