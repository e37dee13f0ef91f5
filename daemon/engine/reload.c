#include "callpace/engine/reload.h"

#include "callpace/base/log.h"
#include "callpace/engine/intake.h"
#include "callpace/engine/outbox.h"
#include "callpace/engine/pipeline.h"
#include "callpace/engine/recovery.h"
#include "callpace/engine/reports.h"
#include "callpace/engine/web.h"

static enum status load(const struct engine *e, struct config **config, struct settings **settings,
                        struct error *error) {
  enum status status = config_load(e->config_path, config, error);
  if (status != STATUS_OK) return status;
  status = config_settings(*config, e->config_path, settings, error);
  if (status != STATUS_OK) return status;
  const char *fixed = config_fixed_change(e->config, *config);
  if (!fixed) return STATUS_OK;
  return error_set(error, STATUS_CONFIG, "%s: a change of %s needs a restart", e->config_path,
                   fixed);
}

static enum log_level level_of(const char *name) {
  if (strcmp(name, "error") == 0) return LOG_LEVEL_ERROR;
  if (strcmp(name, "warning") == 0) return LOG_LEVEL_WARNING;
  return strcmp(name, "debug") == 0 ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
}

void reload_log(const struct config *config) {
  log_set_level(level_of(config->log.level));
  int failed = log_set_file(config->log.file);
  if (failed) log_error("log_file", KV("file", config->log.file), KV("reason", strerror(failed)));
  for (size_t i = 0; i < config->warning_count; i++)
    log_warning("configuration", KV("warning", config->warnings[i]));
}

enum status reload_run(struct engine *e, struct error *error) {
  if (e->stopping) return error_set(error, STATUS_UNAVAILABLE, "the daemon is stopping");
  struct config *config = NULL;
  struct settings *settings = NULL;
  enum status status = load(e, &config, &settings, error);
  pipeline_begin(e);
  if (status == STATUS_OK) status = intake_configure(e->intake, config, error);
  if (status != STATUS_OK) {
    log_error("reload_refused", KV("reason", error->text));
    config_free(config);
    settings_free(settings);
    return status;
  }
  reload_log(config);
  outbox_configure(e->outbox, config);
  fold_use_settings(&e->fold, settings);
  struct config *old_config = e->config;
  struct settings *old_settings = e->settings;
  e->config = config;
  e->settings = settings;
  e->roster = settings->roster;
  e->zone = settings->policy->calendar.zone;
  recovery_note_settings(e);
  reports_reconfigure(e);
  web_configure(e->web);
  settings_free(old_settings);
  config_free(old_config);
  log_info("reloaded", KV("file", e->config_path), KV_INT("agents", settings->roster->agent_count),
           KV_INT("sources", config->source_count), KV_INT("hooks", config->hook_count));
  return STATUS_OK;
}
