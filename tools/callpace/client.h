/* What every command of the client shares: its options, the words of the command
 * line, and how it fails. */
#ifndef CALLPACE_CLIENT_H
#define CALLPACE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callpace/base/clock.h"
#include "callpace/base/status.h"

/* Options that every command takes, before or after its name. */
struct client_options {
  bool json;
  const char *socket; /* --socket; NULL: from the configuration */
  const char *config; /* -c; NULL: /etc/callpace/callpace.yaml */
};

/* One command. `run` gets the words behind its name and returns the exit code. */
struct command {
  const char *name;
  const char *arguments; /* "ID [--day DAY]" for the usage line */
  const char *summary;   /* one line */
  const char *manual;    /* the rest of its help; lines end with \n; may be NULL */
  int (*run)(struct client_options *options, int argc, char **argv);
};
extern const struct command command_agent, command_alerts, command_board, command_check,
    command_audit, command_doctor, command_explain, command_feed, command_journal, command_leads,
    command_reload, command_replay, command_report, command_score, command_simulate, command_status,
    command_top;

/* The row of a command name, or NULL; and the way over all of them, from 0 on,
 * NULL behind the last. */
const struct command *command_find(const char *name);
const struct command *command_at(size_t index);

/* An option of one command: where its value goes. Values follow in the next word
 * or behind '='. */
struct option_row {
  const char *name; /* "--follow"; NULL ends the table */
  enum {
    OPTION_FLAG,     /* bool * */
    OPTION_TEXT,     /* const char **, borrowed from argv */
    OPTION_COUNT,    /* int64_t *, from 0 */
    OPTION_REAL,     /* double *, above 0 */
    OPTION_DURATION, /* msec_t *: "2s", "500ms"; a bare number counts seconds */
  } kind;
  void *value;
};

/* Reads the words of a command: shared options into `options`, its own by the
 * rows (may be NULL), other words in order into `words`. `--` ends the options.
 * Tells what is wrong on stderr, with the option that was probably meant, and
 * returns STATUS_USAGE; also when there are not `least` to `most` words. */
enum status options_read(struct client_options *options, const struct option_row *rows, int argc,
                         char **argv, const char **words, size_t least, size_t most);

/* Reads shared options at the start; returns how many of argv they take. */
enum status options_read_leading(struct client_options *options, int argc, char **argv, int *used);

/* "callpace: TEXT" on stderr; returns the status, for `return client_fail(&error)`. */
int client_fail(const struct error *error);
int client_usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
