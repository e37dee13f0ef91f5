#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callpace/base/json_strings.h"
#include "callpace/base/log.h"
#include "callpace/base/mem.h"
#include "callpace/base/text.h"
#include "outbox_internal.h"

enum { LOG_PIECE_BYTES = 3000 };

/* The members of an alert's JSON that a hook is told apart from the JSON. */
enum { FIELDS = 7 };
static const struct {
  const char *member, *placeholder, *variable;
} fields[FIELDS] = {
    {"id", "{id}", "CALLPACE_ALERT_ID"},
    {"type", "{type}", "CALLPACE_ALERT_TYPE"},
    {"agent", "{agent}", "CALLPACE_ALERT_AGENT"},
    {"team", "{team}", "CALLPACE_ALERT_TEAM"},
    {"severity", "{severity}", "CALLPACE_ALERT_SEVERITY"},
    {"name", "{name}", NULL},
    {"state", "{state}", NULL},
};

struct facts {
  struct writer values[FIELDS];
};

/* Arguments and variables are single lines of text: what else a value holds
 * (a NUL would even end it) becomes a blank. */
static void put_plain(struct writer *out, struct slice value) {
  for (size_t at = 0; at < value.len;) {
    size_t start = at;
    if (text_is_hostile(text_next(value, &at)))
      put_char(out, ' ');
    else
      put_bytes(out, value.data + start, at - start);
  }
}

static void note_fact(void *context, struct slice key, struct slice value) {
  struct facts *facts = context;
  for (size_t i = 0; i < FIELDS; i++) {
    if (!slice_equal(key, slice_of(fields[i].member))) continue;
    writer_reset(&facts->values[i]);
    put_plain(&facts->values[i], value);
  }
}

static void facts_free(struct facts *facts) {
  for (size_t i = 0; i < FIELDS; i++)
    writer_free(&facts->values[i]);
}

/* A placeholder at `at`: its value is appended and its length returned; else 0. */
static size_t fill(struct writer *out, const char *at, const struct facts *facts) {
  for (size_t i = 0; i < FIELDS; i++) {
    size_t len = strlen(fields[i].placeholder);
    if (strncmp(at, fields[i].placeholder, len) != 0) continue;
    put_slice(out, writer_slice(&facts->values[i]));
    return len;
  }
  return 0;
}

/* One argument; what is filled in is not looked at again. */
static char *argument_of(const char *pattern, const struct facts *facts) {
  struct writer out = {0};
  for (const char *at = pattern; *at;) {
    size_t taken = fill(&out, at, facts);
    if (taken == 0) put_char(&out, *at++);
    at += taken;
  }
  writer_text(&out);
  return out.data;
}

static char **arguments_of(const struct config_hook *hook, const struct facts *facts) {
  size_t count = 0;
  while (hook->exec[count])
    count++;
  char **argv = mem_zalloc((count + 1) * sizeof *argv);
  argv[0] = mem_strdup(hook->exec[0]);
  for (size_t i = 1; i < count; i++)
    argv[i] = argument_of(hook->exec[i], facts);
  return argv;
}

static char **variables_of(const struct facts *facts) {
  char **env = mem_zalloc((FIELDS + 1) * sizeof *env);
  for (size_t i = 0, count = 0; i < FIELDS; i++) {
    if (!fields[i].variable) continue;
    struct writer out = {0};
    put_format(&out, "%s=", fields[i].variable);
    put_slice(&out, writer_slice(&facts->values[i]));
    writer_text(&out);
    env[count++] = out.data;
  }
  return env;
}

static void texts_free(char **texts) {
  for (char **at = texts; *at; at++)
    free(*at);
  free(texts);
}

enum status outbox_job_run(struct hook_runner *runner, const struct config_hook *hook,
                           struct slice json, hook_done_fn done, void *context,
                           struct error *error) {
  struct facts facts = {0};
  json_each_string(json, note_fact, &facts);
  char **argv = arguments_of(hook, &facts), **env = variables_of(&facts);
  struct hook_job job = {.argv = (const char *const *)argv,
                         .env = (const char *const *)env,
                         .input = json,
                         .timeout_ms = hook->timeout_ms};
  enum status status = hook_run(runner, &job, done, context, error);
  texts_free(argv);
  texts_free(env);
  facts_free(&facts);
  return status;
}

void outbox_job_put_outcome(struct writer *out, const struct hook_result *result) {
  switch (result->how) {
  case HOOK_EXITED: put_format(out, "exit status %d", result->code); break;
  case HOOK_SIGNALLED:
    put_format(out, "signal %d (%s)", result->code, strsignal(result->code));
    break;
  case HOOK_TIMED_OUT:
    put_format(out, "timed out, ended after %lld ms", (long long)result->took_ms);
    break;
  }
}

void outbox_job_log_output(const char *hook, struct slice alert_id,
                           const struct hook_result *result) {
  bool well = result->how == HOOK_EXITED && result->code == 0;
  enum log_level level = well ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR;
  for (size_t at = 0; at < result->output.len; at += LOG_PIECE_BYTES) {
    size_t left = result->output.len - at;
    struct slice piece = {result->output.data + at,
                          left < LOG_PIECE_BYTES ? left : LOG_PIECE_BYTES};
    LOG_AT(level, "hook_output", KV("hook", hook), KV_SLICE("alert", alert_id),
           KV_SLICE("output", piece));
  }
  if (result->output_cut)
    LOG_AT(level, "hook_output_cut", KV("hook", hook), KV_SLICE("alert", alert_id),
           KV_INT("kept_bytes", result->output.len));
}
