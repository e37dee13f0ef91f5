#include <stdio.h>
#include <string.h>

#include "callpace/control.h"
#include "callpace/io/config.h"
#include "callpace/io/journal_tools.h"

struct journal_options {
  const char *state_dir;
  bool all;
  int64_t first_lsn, last_lsn;
};

static int verify(const struct client_options *options, const struct journal_options *own) {
  struct journal_verdict verdict = {0};
  struct writer found = {0};
  struct error error = {0};
  enum status status = journal_verify(own->state_dir, &verdict, &found, &error);
  if (options->json) {
    json_t *report =
        json_pack("{s:b, s:s?, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "ok", !status, "error",
                  status ? error.text : NULL, "segments", (json_int_t)verdict.segments, "records",
                  (json_int_t)verdict.records, "bytes", (json_int_t)verdict.bytes, "first_lsn",
                  (json_int_t)verdict.first_lsn, "last_lsn", (json_int_t)verdict.last_lsn,
                  "torn_bytes", (json_int_t)verdict.torn_bytes, "in_use", verdict.in_use);
    json_print(report);
    json_decref(report);
  } else {
    fputs(writer_text(&found), stdout);
  }
  writer_free(&found);
  return status ? client_fail(&error) : STATUS_OK;
}

static int repair(const struct client_options *options, const struct journal_options *own) {
  struct writer found = {0};
  struct error error = {0};
  enum status status = journal_repair(own->state_dir, &found, &error);
  if (options->json) {
    json_t *report = json_pack("{s:b, s:s?, s:s}", "ok", !status, "error",
                               status ? error.text : NULL, "report", writer_text(&found));
    json_print(report);
    json_decref(report);
  } else {
    fputs(writer_text(&found), stdout);
  }
  writer_free(&found);
  return status ? client_fail(&error) : STATUS_OK;
}

static int dump(const struct journal_options *own) {
  struct error error = {0};
  enum status status = journal_dump(own->state_dir, own->all, (uint64_t)own->first_lsn,
                                    (uint64_t)own->last_lsn, stdout, &error);
  return status ? client_fail(&error) : STATUS_OK;
}

static int act(const struct client_options *options, const char *action,
               const struct journal_options *own) {
  if (strcmp(action, "verify") == 0) return verify(options, own);
  if (strcmp(action, "repair") == 0) return repair(options, own);
  return dump(own);
}

static bool is_action(const char *word) {
  static const char *const actions[] = {"verify", "repair", "dump", NULL};
  for (size_t i = 0; actions[i]; i++)
    if (strcmp(actions[i], word) == 0) return true;
  const char *near = nearest_word(word, actions);
  client_usage_error("journal %s: did you mean %s?", word, near ? near : "verify, repair or dump");
  return false;
}

static int run(struct client_options *options, int argc, char **argv) {
  const char *action = NULL;
  struct journal_options own = {0};
  struct error error = {0};
  struct config *config = NULL;
  const struct option_row rows[] = {{"--state-dir", OPTION_TEXT, &own.state_dir},
                                    {"--all", OPTION_FLAG, &own.all},
                                    {"--first", OPTION_COUNT, &own.first_lsn},
                                    {"--last", OPTION_COUNT, &own.last_lsn},
                                    {0}};
  enum status status = options_read(options, rows, argc, argv, &action, 1, 1);
  if (status) return status;
  if (!is_action(action)) return STATUS_USAGE;
  if (!own.state_dir) {
    const char *path = options->config ? options->config : "/etc/callpace/callpace.yaml";
    if (config_load(path, &config, &error)) return client_fail(&error);
    own.state_dir = config->state_dir;
  }
  int code = act(options, action, &own);
  config_free(config);
  return code;
}

const struct command command_journal = {
    .name = "journal",
    .arguments = "verify|repair|dump [--state-dir DIR] …",
    .summary = "Look at the journal on disk, without the daemon",
    .manual = "  verify   reads all of it; 78 at the first damage, with file and offset\n"
              "  repair   cuts it at the first damage and sets the rest aside; needs the\n"
              "           daemon stopped\n"
              "  dump     prints the events as protocol lines; feeding them to an empty\n"
              "           daemon gives the same counters\n\n"
              "  --state-dir DIR   default: state_dir of the configuration (-c FILE)\n"
              "  --all             dump: also decisions, as x.… lines\n"
              "  --first, --last N dump: only these LSNs\n",
    .run = run,
};
