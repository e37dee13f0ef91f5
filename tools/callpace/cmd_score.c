#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "callpace/base/text.h"
#include "callpace/control.h"
#include "callpace/core/record.h"
#include "callpace/grid.h"
#include "callpace/io/journal.h"
#include "callpace/past.h"
#include "callpace/show.h"

struct score_options {
  const char *month, *reason, *by, *state_dir;
};

/* ---- the ledger, for people ---- */

static void put_clean(struct grid *grid, const json_t *object, const char *key,
                      enum grid_colour colour) {
  struct writer text = {0};
  char room[32];
  text_put_terminal(&text, json_text(object, key, room), 0, false);
  grid_put(grid, writer_slice(&text), colour);
  writer_free(&text);
}

static const char *standing_of(const json_t *entry) {
  if (json_is_true(json_object_get(entry, "reversed"))) return in_words("undone", "已撤销");
  if (json_is_true(json_object_get(entry, "provisional"))) return in_words("provisional", "申诉期");
  return in_words("final", "已生效");
}

static void put_evidence(struct grid *grid, const json_t *entry) {
  struct writer text = {0};
  char room[32];
  text_put_terminal(&text, json_text(entry, "reason", room), 0, false);
  if (json_object_get(entry, "rung")) {
    put_text(&text, " (");
    text_put_terminal(&text, json_text(entry, "period", room), 0, false);
    put_format(&text, ", %.2f %%, %s %lld)", (double)json_number(entry, "rate_bp", 0) / 100,
               in_words("rung", "级别"), (long long)json_number(entry, "rung", 0));
  }
  int64_t reverses = json_number(entry, "reverses", 0);
  if (reverses) put_format(&text, in_words(" (undoes %lld)", "（撤销 %lld）"), (long long)reverses);
  grid_put(grid, writer_slice(&text), GRID_PLAIN);
  writer_free(&text);
}

static void put_entry(struct grid *grid, const json_t *agent, const json_t *entry) {
  struct writer when = {0};
  char room[32];
  int64_t points = json_number(entry, "points", 0);
  put_clean(grid, agent, "agent", GRID_BOLD);
  grid_put(grid, json_text(entry, "number", room), GRID_DIM);
  put_local_time(&when, json_number(entry, "at_ms", 0), true);
  grid_put(grid, writer_slice(&when), GRID_PLAIN);
  grid_put_number(grid, points, points < 0 ? GRID_RED : GRID_GREEN);
  grid_put(grid, slice_of(standing_of(entry)), GRID_DIM);
  put_clean(grid, entry, "kind", GRID_PLAIN);
  put_evidence(grid, entry);
  put_clean(grid, entry, "by", GRID_PLAIN);
  writer_free(&when);
}

static void print_grid(struct grid *grid) {
  struct writer out = {0};
  grid_print(grid, output_is_terminal(), &out);
  fwrite(out.data, 1, out.len, stdout);
  writer_free(&out);
  grid_free(grid);
}

static void show_entries(const json_t *agents) {
  struct grid grid;
  size_t i, n;
  json_t *agent, *entry;
  grid_begin(&grid, in_words("agent|>no|when|>points|standing|kind|reason|by",
                             "坐席|>编号|时间|>分数|状态|类型|原因|登记人"));
  json_array_foreach(agents, i, agent) {
    json_array_foreach(json_object_get(agent, "entries"), n, entry) put_entry(&grid, agent, entry);
  }
  print_grid(&grid);
}

static void show_sums(const json_t *agents) {
  struct grid grid;
  size_t i;
  json_t *agent;
  grid_begin(&grid, in_words("agent|name|month|>points|>entries", "坐席|姓名|月份|>积分|>记录数"));
  json_array_foreach(agents, i, agent) {
    put_clean(&grid, agent, "agent", GRID_BOLD);
    put_clean(&grid, agent, "name", GRID_PLAIN);
    put_clean(&grid, agent, "month", GRID_PLAIN);
    grid_put_number(&grid, json_number(agent, "points", 0), GRID_PLAIN);
    grid_put_number(&grid, (int64_t)json_array_size(json_object_get(agent, "entries")), GRID_PLAIN);
  }
  print_grid(&grid);
}

static int show(const struct client_options *options, const char *id,
                const struct score_options *own) {
  struct error error = {0};
  json_t *request =
      json_pack("{s:s, s:s*, s:s*}", "command", "score", "id", id, "month", own->month);
  if (!request) return client_usage_error("the id has to be UTF-8");
  json_t *data = client_ask_once(options, request, &error);
  if (!data) return client_fail(&error);
  if (options->json) {
    json_print(data);
  } else {
    show_sums(data);
    if (id) show_entries(data);
  }
  json_decref(data);
  return STATUS_OK;
}

/* ---- entries ---- */

static const char *name_of(const struct score_options *own) {
  const struct passwd *user = getpwuid(getuid());
  if (own->by) return own->by;
  return user ? user->pw_name : "?";
}

static int enter(const struct client_options *options, json_t *request) {
  struct error error = {0};
  if (!request) return client_usage_error("id, reason and name have to be UTF-8");
  json_t *entry = client_ask_once(options, request, &error);
  if (!entry) return client_fail(&error);
  if (options->json)
    json_print(entry);
  else
    printf("%lld\n", (long long)json_number(entry, "number", 0));
  json_decref(entry);
  return STATUS_OK;
}

static int add(const struct client_options *options, const char *const *words,
               const struct score_options *own) {
  if (!words[1] || !words[2] || !own->reason)
    return client_usage_error("score add ID POINTS --reason TEXT: something is missing");
  return enter(options, json_pack("{s:s, s:s, s:s, s:s*, s:s, s:s}", "command", "score-add", "id",
                                  words[1], "points", words[2], "month", own->month, "reason",
                                  own->reason, "by", name_of(own)));
}

static int reverse(const struct client_options *options, const char *const *words,
                   const struct score_options *own) {
  if (!words[1] || words[2] || !own->reason)
    return client_usage_error("score reverse NUMBER --reason TEXT: something is missing");
  return enter(options, json_pack("{s:s, s:s, s:s, s:s}", "command", "score-reverse", "number",
                                  words[1], "reason", own->reason, "by", name_of(own)));
}

/* ---- verify ---- */

struct chain {
  struct points points;
  uint64_t bad_lsn; /* an entry out of its place; 0: none */
};

static bool on_record(void *context, uint64_t lsn, const struct record *record) {
  struct chain *chain = context;
  if (record->type != RECORD_POINTS) return true;
  const struct points_entry *entry =
      points_add(&chain->points, &record->points.fact, (const uint8_t *)record->points.before.data,
                 (const uint8_t *)record->points.hash.data);
  if (!entry) chain->bad_lsn = lsn;
  return entry != NULL;
}

static enum status judge_chain(const struct chain *chain, struct error *error) {
  const struct points_entry *bad = points_verify(&chain->points);
  if (bad)
    return error_set(error, STATUS_CONFIG, "entry %llu of %.*s was changed, or the one before it",
                     (unsigned long long)bad->fact.number, (int)bad->fact.agent.len,
                     bad->fact.agent.data);
  if (!chain->bad_lsn) return STATUS_OK;
  return error_set(error, STATUS_CONFIG, "an entry is missing before LSN %llu",
                   (unsigned long long)chain->bad_lsn);
}

static int verify(const struct client_options *options, const struct score_options *own) {
  struct error error = {0};
  struct chain chain = {.bad_lsn = 0};
  char *dir = past_state_dir(options, own->state_dir, &error);
  if (!dir) return client_fail(&error);
  enum status status = journal_replay(dir, 0, on_record, &chain, &error);
  if (status == STATUS_OK) status = judge_chain(&chain, &error);
  if (options->json) {
    json_t *report = json_pack("{s:b, s:I, s:s?}", "ok", !status, "entries",
                               (json_int_t)chain.points.count, "error", status ? error.text : NULL);
    json_print(report);
    json_decref(report);
  } else if (status == STATUS_OK) {
    printf(in_words("%zu entries, every one as it was written\n", "共 %zu 条记录，均未被改动\n"),
           chain.points.count);
  }
  points_free(&chain.points);
  free(dir);
  return status ? client_fail(&error) : STATUS_OK;
}

static int run(struct client_options *options, int argc, char **argv) {
  const char *words[3] = {NULL, NULL, NULL};
  struct score_options own = {.month = NULL};
  const struct option_row rows[] = {{"--month", OPTION_TEXT, &own.month},
                                    {"--reason", OPTION_TEXT, &own.reason},
                                    {"--by", OPTION_TEXT, &own.by},
                                    {"--state-dir", OPTION_TEXT, &own.state_dir},
                                    {0}};
  enum status status = options_read(options, rows, argc, argv, words, 0, 3);
  if (status) return status;
  const char *what = words[0] ? words[0] : "";
  if (strcmp(what, "add") == 0) return add(options, words, &own);
  if (strcmp(what, "reverse") == 0) return reverse(options, words, &own);
  if (words[1]) return client_usage_error("one word too many: %s", words[1]);
  if (own.reason || own.by) return client_usage_error("--reason and --by go with add and reverse");
  if (strcmp(what, "verify") == 0) return verify(options, &own);
  return show(options, words[0], &own);
}

const struct command command_score = {
    .name = "score",
    .arguments = "[ID] [--month M] | add ID POINTS --reason TEXT | reverse NUMBER --reason TEXT "
                 "| verify",
    .summary = "Points of the month, and the ledger behind them",
    .manual = "  ID        one agent with all entries; without it everybody's points\n"
              "  add       adds POINTS (as 5 or -2) to the month, with a reason\n"
              "  reverse   undoes an entry by another one; nothing is ever edited\n"
              "  verify    checks in the journal that every entry is as it was written\n\n"
              "  --month M         2026-11; default: the running month\n"
              "  --by NAME         who enters it; default: you\n"
              "  --state-dir DIR   verify: default: state_dir of the configuration\n\n"
              "An entry is provisional until the policy's appeal window ends.\n",
    .run = run,
};
