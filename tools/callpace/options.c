/* The words of the command line. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callpace/base/text.h"
#include "callpace/client.h"

enum { ROWS_MAX = 32 };

int client_fail(const struct error *error) {
  fprintf(stderr, "callpace: %s\n", error->text);
  return error->status;
}

int client_usage_error(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("callpace: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  return STATUS_USAGE;
}

static bool read_duration(const char *text, msec_t *out) {
  if (text_parse_duration(slice_of(text), out)) return true;
  char *end;
  double seconds = strtod(text, &end);
  if (end == text || *end || !(seconds >= 0) || seconds > 1e9) return false;
  *out = (msec_t)(seconds * MSEC_PER_SEC);
  return true;
}

static bool read_value(const struct option_row *row, const char *text) {
  char *end;
  switch (row->kind) {
  case OPTION_FLAG: return false;
  case OPTION_TEXT: *(const char **)row->value = text; return true;
  case OPTION_DURATION: return read_duration(text, row->value);
  case OPTION_COUNT: {
    long long count = strtoll(text, &end, 10);
    if (end == text || *end || count < 0) return false;
    *(int64_t *)row->value = count;
    return true;
  }
  case OPTION_REAL: {
    double real = strtod(text, &end);
    if (end == text || *end || !(real > 0) || real > 1e12) return false;
    *(double *)row->value = real;
    return true;
  }
  }
  return false;
}

/* Shared options and a command's own in one table. */
struct option_set {
  struct option_row rows[ROWS_MAX];
  size_t count;
};

static struct option_set option_set_of(struct client_options *options,
                                       const struct option_row *own) {
  struct option_set set = {.rows = {{"--json", OPTION_FLAG, &options->json},
                                    {"--socket", OPTION_TEXT, &options->socket},
                                    {"-c", OPTION_TEXT, &options->config},
                                    {"--config", OPTION_TEXT, &options->config}},
                           .count = 4};
  for (; own && own->name && set.count < ROWS_MAX; own++)
    set.rows[set.count++] = *own;
  return set;
}

static const struct option_row *find_row(const struct option_set *set, const char *word,
                                         size_t len) {
  for (size_t i = 0; i < set->count; i++)
    if (strlen(set->rows[i].name) == len && memcmp(set->rows[i].name, word, len) == 0)
      return &set->rows[i];
  return NULL;
}

static enum status unknown_option(const struct option_set *set, const char *word) {
  const char *names[ROWS_MAX + 1] = {NULL};
  for (size_t i = 0; i < set->count; i++)
    names[i] = set->rows[i].name;
  const char *near = nearest_word(word, names);
  if (near)
    return (enum status)client_usage_error("unknown option %s: did you mean %s?", word, near);
  return (enum status)client_usage_error("unknown option %s: see callpace help", word);
}

/* The option at argv[*at], which moves to its last word. */
static enum status read_option(const struct option_set *set, int argc, char **argv, int *at) {
  char *word = argv[*at], *equals = word[1] == '-' ? strchr(word, '=') : NULL;
  const struct option_row *row =
      find_row(set, word, equals ? (size_t)(equals - word) : strlen(word));
  if (!row) return unknown_option(set, word);
  if (row->kind == OPTION_FLAG) {
    if (equals) return (enum status)client_usage_error("%s takes no value", row->name);
    *(bool *)row->value = true;
    return STATUS_OK;
  }
  if (!equals && *at + 1 == argc) return (enum status)client_usage_error("%s needs a value", word);
  const char *value = equals ? equals + 1 : argv[++*at];
  if (read_value(row, value)) return STATUS_OK;
  return (enum status)client_usage_error("%s: %s is not a value for it", row->name, value);
}

/* "-2" is a number, and "-" a file. */
static bool looks_like_option(const char *word) {
  return word[0] == '-' && word[1] && (word[1] < '0' || word[1] > '9');
}

enum status options_read(struct client_options *options, const struct option_row *rows, int argc,
                         char **argv, const char **words, size_t least, size_t most) {
  struct option_set set = option_set_of(options, rows);
  size_t count = 0;
  bool ended = false;
  for (int i = 0; i < argc; i++) {
    if (!ended && strcmp(argv[i], "--") == 0) {
      ended = true;
    } else if (!ended && looks_like_option(argv[i])) {
      enum status status = read_option(&set, argc, argv, &i);
      if (status) return status;
    } else {
      if (count == most) return (enum status)client_usage_error("one word too many: %s", argv[i]);
      words[count++] = argv[i];
    }
  }
  if (count < least)
    return (enum status)client_usage_error("something is missing: see callpace help COMMAND");
  return STATUS_OK;
}

enum status options_read_leading(struct client_options *options, int argc, char **argv, int *used) {
  struct option_set set = option_set_of(options, NULL);
  int at = 0;
  for (; at < argc && argv[at][0] == '-'; at++) {
    enum status status = read_option(&set, argc, argv, &at);
    if (status) return status;
  }
  *used = at;
  return STATUS_OK;
}
