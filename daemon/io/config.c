#include "callpace/io/config.h"

#include <stdlib.h>
#include <unistd.h>

#include "callpace/base/mem.h"
#include "config_internal.h"

struct config_text {
  struct arena arena;
  struct node *root;
};

static const char *dir_of(const char *path, struct arena *arena) {
  const char *slash = strrchr(path, '/');
  if (!slash) return "";
  size_t len = slash == path ? 1 : (size_t)(slash - path);
  return arena_dup(arena, (struct slice){path, len});
}

/* `redis: URL` is short for `redis: {url: URL}`. */
static void unfold_redis(struct reading *r, struct node *root) {
  struct node *redis = root->kind == NODE_MAP ? node_child(root, "redis") : NULL;
  if (!redis || node_is_empty(redis) || redis->kind != NODE_SCALAR) return;
  struct node *url = arena_alloc(r->arena, sizeof *url);
  *url = *redis;
  url->key = "url";
  url->next = NULL;
  redis->kind = NODE_MAP;
  redis->child = redis->last = url;
  redis->count = 1;
}

static const char *host_name(struct arena *arena) {
  char name[65] = "";
  if (gethostname(name, sizeof name - 1) != 0 || !value_is_name(slice_of(name))) return "callpace";
  return arena_dup(arena, slice_of(name));
}

static enum status fill(struct config *config, struct reading *r, struct slice text) {
  struct node *root = yaml_read(r, text);
  if (!root) return STATUS_CONFIG;
  config->text->root = root;
  unfold_redis(r, root);
  enum status status = section_read(r, root, main_options, config);
  if (status != STATUS_OK) return status;
  if (!config->node) {
    config->node = host_name(r->arena);
    node_give(r, root, "node", slice_of(config->node));
  }
  status = http_check(r, node_child(root, "http"), config);
  if (status != STATUS_OK) return status;
  if (config->source_count == 0) warn_at(r, root, "no sources: no event can come in");
  return STATUS_OK;
}

enum status config_from_text(struct slice text, const char *path, struct config **out,
                             struct error *error) {
  struct config *config = mem_zalloc(sizeof *config);
  config->text = mem_zalloc(sizeof *config->text);
  struct arena *arena = &config->text->arena;
  struct reading r = {.label = arena_dup(arena, slice_of(path)),
                      .dir = dir_of(path, arena),
                      .arena = arena,
                      .error = error,
                      .config = config};
  enum status status = fill(config, &r, text);
  if (status == STATUS_OK)
    *out = config;
  else
    config_free(config);
  return status;
}

enum status config_load(const char *path, struct config **out, struct error *error) {
  char *text = NULL;
  size_t len = 0;
  enum status status = file_read(path, CONFIG_BYTES_MAX, &text, &len, error);
  if (status != STATUS_OK) return status;
  status = config_from_text((struct slice){text, len}, path, out, error);
  free(text);
  return status;
}

static void wipe(const char *secret) {
  /* The strings are the arena's own, whatever the user may do to them. */
  if (secret) explicit_bzero((char *)(uintptr_t)secret, strlen(secret));
}

void config_free(struct config *config) {
  if (!config) return;
  wipe(config->redis.password);
  for (size_t i = 0; i < config->source_count; i++) {
    wipe(config->sources[i].secret);
    wipe(config->sources[i].password);
    wipe(config->sources[i].token);
    smdr_layout_clear(config->sources[i].layout);
  }
  for (size_t i = 0; i < config->hook_count; i++) {
    wipe(config->hooks[i].secret);
    wipe(config->hooks[i].webhook);
  }
  wipe(config->http.token);
  for (size_t i = 0; i < config->http.token_count; i++)
    wipe(config->http.tokens[i].token);
  arena_free(&config->text->arena);
  free(config->text);
  free(config);
}

void config_dump(const struct config *config, struct writer *out) {
  section_dump(config->text->root, main_options, 0, out);
}

const char *config_fixed_change(const struct config *running, const struct config *loaded) {
  const struct node *was = running->text->root, *becomes = loaded->text->root;
  const char *changed = section_fixed_change(was, becomes, main_options);
  if (changed) return changed;
  changed =
      section_fixed_change(node_child(was, "http"), node_child(becomes, "http"), http_options);
  return changed ? "http.listen or http.tls" : NULL;
}

/* --- policy and roster --- */

enum status settings_from_text(struct slice policy_text, const char *policy_label,
                               struct slice roster_text, const char *roster_label,
                               struct settings **out, struct error *error) {
  struct error why = {.status = STATUS_OK};
  if (!error) error = &why;
  struct settings *settings = mem_zalloc(sizeof *settings);
  settings->policy = policy_from_text(policy_text, policy_label, error);
  if (settings->policy)
    settings->roster =
        roster_from_text(roster_text, roster_label, &settings->policy->calendar, error);
  if (!settings->roster) {
    settings_free(settings);
    return error->status;
  }
  settings->policy_text = mem_slice_dup(policy_text);
  settings->roster_text = mem_slice_dup(roster_text);
  *out = settings;
  return STATUS_OK;
}

enum status settings_load(const char *policy_path, const char *roster_path, struct settings **out,
                          struct error *error) {
  char *policy = NULL, *roster = NULL;
  size_t policy_len = 0, roster_len = 0;
  enum status status = file_read(policy_path, CONFIG_BYTES_MAX, &policy, &policy_len, error);
  if (status == STATUS_OK)
    status = file_read(roster_path, ROSTER_BYTES_MAX, &roster, &roster_len, error);
  if (status == STATUS_OK)
    status = settings_from_text((struct slice){policy, policy_len}, policy_path,
                                (struct slice){roster, roster_len}, roster_path, out, error);
  free(policy);
  free(roster);
  return status;
}

static bool has_team(const struct roster *roster, const char *id) {
  for (size_t i = 0; i < roster->team_count; i++)
    if (strcmp(roster->teams[i].id, id) == 0) return true;
  return false;
}

/* Somebody who is misspelt would be served by nobody, and never have a gap. */
static enum status check_served(const struct config *config, const char *path,
                                const struct roster *roster, struct error *error) {
  for (size_t i = 0; i < config->source_count; i++) {
    const struct config_source *source = &config->sources[i];
    for (size_t k = 0; source->teams && source->teams[k]; k++)
      if (!has_team(roster, source->teams[k]))
        return error_set(error, STATUS_CONFIG,
                         "%s:%u: source %s serves team \"%s\", which the roster does not have",
                         path, source->teams_line, source->name, source->teams[k]);
    for (size_t k = 0; source->agents && source->agents[k]; k++)
      if (!table_get(&roster->by_id, slice_of(source->agents[k])))
        return error_set(error, STATUS_CONFIG,
                         "%s:%u: source %s serves agent \"%s\", whom the roster does not have",
                         path, source->agents_line, source->name, source->agents[k]);
  }
  return STATUS_OK;
}

enum status config_settings(const struct config *config, const char *path, struct settings **out,
                            struct error *error) {
  enum status status = settings_load(config->policy_path, config->roster_path, out, error);
  if (status != STATUS_OK) return status;
  status = check_served(config, path, (*out)->roster, error);
  if (status == STATUS_OK) return status;
  settings_free(*out);
  *out = NULL;
  return status;
}

enum status config_check(const char *path, struct writer *out, struct error *error) {
  struct config *config = NULL;
  struct settings *settings = NULL;
  enum status status = config_load(path, &config, error);
  if (status != STATUS_OK) return status;
  for (size_t i = 0; i < config->warning_count; i++)
    put_format(out, "warning: %s\n", config->warnings[i]);
  put_format(out, "%s: %zu sources, %zu hooks\n", path, config->source_count, config->hook_count);
  status = config_settings(config, path, &settings, error);
  if (settings) {
    const struct policy_book *book = settings->policy;
    put_format(out, "%s: %zu dated policies, time zone %s\n", config->policy_path, book->count,
               zone_name(book->calendar.zone));
    put_format(out, "%s: %zu agents in %zu teams\n", config->roster_path,
               settings->roster->agent_count, settings->roster->team_count);
  }
  settings_free(settings);
  config_free(config);
  return status;
}
