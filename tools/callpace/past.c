#include "callpace/past.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "callpace/base/mem.h"
#include "callpace/control.h"
#include "callpace/io/config.h"

static char *ask_daemon(const struct client_options *options, struct error *error) {
  json_t *data = client_ask_once(options, json_pack("{s:s}", "command", "status"), error);
  const char *dir = json_string_value(json_object_get(data, "state_dir"));
  char *copy = dir ? mem_strdup(dir) : NULL;
  if (data && !dir) error_set(error, STATUS_UNAVAILABLE, "the daemon does not say where it writes");
  json_decref(data);
  return copy;
}

/* The configuration names secrets that not everybody may read, and who may read the
 * journal need not: the daemon is asked then. */
char *past_state_dir(const struct client_options *options, const char *given, struct error *error) {
  if (given) return mem_strdup(given);
  const char *path = options->config ? options->config : "/etc/callpace/callpace.yaml";
  struct config *config = NULL;
  enum status status = options->socket ? STATUS_UNAVAILABLE : config_load(path, &config, error);
  char *dir = status ? NULL : mem_strdup(config->state_dir);
  config_free(config);
  if (dir || (status == STATUS_CONFIG && options->config)) return dir;
  *error = (struct error){0};
  return ask_daemon(options, error);
}

void use_zone_of(const struct settings *settings) {
  setenv("TZ", zone_name(settings->policy->calendar.zone), 1);
  tzset();
}

enum status past_period(enum period_kind kind, const char *text, struct period *out) {
  static const char *const forms[PERIOD_KINDS] = {"2026-11-23", "2026-W48", "2026-11"};
  if (period_parse(kind, slice_of(text), out)) return STATUS_OK;
  return (enum status)client_usage_error("%s: expected a %s such as %s", text,
                                         period_kind_name(kind), forms[kind]);
}
