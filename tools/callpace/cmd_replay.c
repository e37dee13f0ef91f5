#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "callpace/base/mem.h"
#include "callpace/base/text.h"
#include "callpace/engine/replay.h"
#include "callpace/grid.h"
#include "callpace/past.h"
#include "callpace/show.h"

enum { POLICY_BYTES_MAX = 1 << 20, AGENTS_MAX = 10000, BAR_COLUMNS = 40 };

struct asked {
  const struct client_options *options;
  bool terminal, shows_progress;
  int percent; /* last shown */
};

/* --- changes --- */

static void put_json_value(struct writer *out, const char *key, const struct replay_value *v) {
  if (!v->present) {
    json_key(out, key);
    json_nil(out);
  } else if (v->value.is_text) {
    json_put_string(out, key, v->value.text);
  } else {
    json_put_int(out, key, v->value.number);
  }
}

static void put_json_change(struct writer *out, const struct replay_change *change) {
  json_open(out, '{');
  json_put_string(out, "agent", change->agent);
  json_put_text(out, "period", change->period.text);
  json_put_text(out, "field", change->field);
  put_json_value(out, "was", &change->was);
  put_json_value(out, "becomes", &change->becomes);
  json_close(out, '}');
}

static void put_plain_value(struct writer *out, const struct asked *asked, const char *field,
                            const struct replay_value *v) {
  struct writer text = {0};
  if (v->present && v->value.is_text) put_slice(&text, v->value.text);
  if (v->present && !v->value.is_text) put_int(&text, v->value.number);
  struct slice plain = v->present ? writer_slice(&text) : SLICE("-");
  if (!asked->terminal)
    text_put_terminal(out, plain, 0, false);
  else if (v->present && v->value.is_text)
    put_coloured(out, state_in_words(plain), colour_of_state(plain), true);
  else
    put_field(out, field, plain);
  writer_free(&text);
}

static void put_plain_change(struct writer *out, const struct asked *asked,
                             const struct replay_change *change) {
  const char *gap = asked->terminal ? "  " : "\t";
  text_put_terminal(out, change->agent, asked->terminal ? 12 : 0, asked->terminal);
  put_format(out, "%s%-10s%s%-15s%s", gap, change->period.text, gap, change->field, gap);
  put_plain_value(out, asked, change->field, &change->was);
  put_text(out, asked->terminal ? " → " : "\t");
  put_plain_value(out, asked, change->field, &change->becomes);
}

static void on_change(void *context, const struct replay_change *change) {
  const struct asked *asked = context;
  struct writer out = {0};
  if (asked->options->json)
    put_json_change(&out, change);
  else
    put_plain_change(&out, asked, change);
  put_char(&out, '\n');
  fputs(writer_text(&out), stdout);
  writer_free(&out);
}

/* --- progress and totals --- */

static void show_progress(void *context, uint64_t done, uint64_t total) {
  struct asked *asked = context;
  int percent = total ? (int)(done * 100 / total) : 100;
  if (percent == asked->percent) return;
  asked->percent = percent;
  struct writer out = {0};
  put_text(&out, "\r");
  put_bar(&out, percent, 100, BAR_COLUMNS);
  put_format(&out, " %3d %%", percent);
  fputs(writer_text(&out), stderr);
  writer_free(&out);
}

static void end_progress(const struct asked *asked) {
  if (asked->shows_progress) fputs("\r\033[K", stderr);
}

/* What stands between the same before and after is told, too: it shows how much is
 * left as it was. */
static void show_totals(const struct asked *asked, const struct replay_totals *totals) {
  struct grid grid;
  struct writer out = {0};
  grid_begin(&grid, in_words("what|is|>was|>becomes", "项目|结果|>原|>新"));
  for (size_t i = 0; i < totals->count; i++) {
    const struct replay_total *t = &totals->at[i];
    struct slice name = slice_of(t->name);
    enum grid_colour colour = t->was == t->becomes ? GRID_DIM : GRID_BOLD;
    grid_put(&grid, slice_of(t->what), GRID_PLAIN);
    grid_put(&grid, asked->terminal ? state_in_words(name) : name, GRID_PLAIN);
    grid_put_number(&grid, t->was, colour);
    grid_put_number(&grid, t->becomes, colour);
  }
  put_format(&out, in_words("\n%llu changes\n", "\n共 %llu 处变化\n"),
             (unsigned long long)totals->changes);
  grid_print(&grid, asked->terminal, &out);
  fputs(writer_text(&out), asked->options->json ? stderr : stdout);
  grid_free(&grid);
  writer_free(&out);
}

/* --- the command --- */

static char *read_policy(const char *path, size_t *len, struct error *error) {
  FILE *file = fopen(path, "re");
  if (!file) {
    error_set_errno(error, STATUS_CONFIG, "%s", path);
    return NULL;
  }
  char *text = mem_alloc(POLICY_BYTES_MAX);
  *len = fread(text, 1, POLICY_BYTES_MAX, file);
  if (ferror(file)) error_set_errno(error, STATUS_IO, "%s", path);
  if (*len == POLICY_BYTES_MAX) error_set(error, STATUS_CONFIG, "%s: too long", path);
  if (*len == 0 && !error->status) error_set(error, STATUS_CONFIG, "%s: empty", path);
  fclose(file);
  return text;
}

static enum status read_day(const char *option, const char *text, day_t *day) {
  *day = DAY_NONE;
  if (!text || day_parse(slice_of(text), day)) return STATUS_OK;
  return (enum status)client_usage_error("%s %s: expected a day such as 2026-11-23", option, text);
}

/* "1001,1002" in place; the list ends with NULL. */
static const char **split_agents(char *text) {
  const char **list = mem_alloc((AGENTS_MAX + 1) * sizeof *list);
  size_t count = 0;
  for (char *word = strtok(text, ", "); word && count < AGENTS_MAX; word = strtok(NULL, ", "))
    list[count++] = word;
  list[count] = NULL;
  return list;
}

static enum status replay(struct replay_options *options, struct asked *asked,
                          const char *policy_path, struct error *error) {
  struct replay_totals totals;
  char *text = read_policy(policy_path, &options->policy_text.len, error);
  enum status status = error->status;
  if (status == STATUS_OK) {
    options->policy_text.data = text;
    options->policy_label = policy_path;
    status = replay_run(options, on_change, &totals, error);
    end_progress(asked);
    if (status == STATUS_OK) show_totals(asked, &totals);
  }
  free(text);
  return status;
}

static int run(struct client_options *options, int argc, char **argv) {
  const char *policy = NULL, *from = NULL, *to = NULL, *agents = NULL, *dir = NULL;
  struct error error = {0};
  struct asked asked = {.options = options,
                        .terminal = output_is_terminal() && !options->json,
                        .shows_progress = isatty(STDERR_FILENO),
                        .percent = -1};
  struct replay_options wish = {.progress = asked.shows_progress ? show_progress : NULL,
                                .context = &asked};
  const struct option_row rows[] = {
      {"--policy", OPTION_TEXT, &policy}, {"--from", OPTION_TEXT, &from},
      {"--to", OPTION_TEXT, &to},         {"--agents", OPTION_TEXT, &agents},
      {"--state-dir", OPTION_TEXT, &dir}, {0}};
  enum status status = options_read(options, rows, argc, argv, NULL, 0, 0);
  if (status == STATUS_OK && !policy)
    status = (enum status)client_usage_error("replay: --policy FILE is needed");
  if (status == STATUS_OK) status = read_day("--from", from, &wish.from);
  if (status == STATUS_OK) status = read_day("--to", to, &wish.to);
  if (status) return status;
  char *list = agents ? mem_strdup(agents) : NULL;
  const char **ids = list ? split_agents(list) : NULL;
  char *state_dir = past_state_dir(options, dir, &error);
  wish.agents = ids;
  wish.state_dir = state_dir;
  if (state_dir) replay(&wish, &asked, policy, &error);
  free(state_dir);
  free(ids);
  free(list);
  return error.status ? client_fail(&error) : STATUS_OK;
}

const struct command command_replay = {
    .name = "replay",
    .arguments = "--policy FILE [--from DAY] [--to DAY] [--agents ID,ID…]",
    .summary = "What would have been under other rules",
    .manual = "Reads the retained history twice, by the rules that were in force and by those\n"
              "of FILE, and prints every figure that differs, then how often each result was\n"
              "and becomes. Nothing is touched; the daemon may run.\n\n"
              "  --from, --to DAY   default: all that is retained\n"
              "  --agents ID,ID…    only these\n"
              "  --state-dir DIR    default: state_dir of the configuration (-c FILE)\n"
              "  --json             one change a line; the totals go to stderr\n",
    .run = run,
};
