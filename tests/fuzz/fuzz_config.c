/* Any bytes as configuration, policy and roster: an error with its place or a
 * whole result, whose dump reads back. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "callpace/io/config.h"

static void try_config(struct slice text) {
  struct config *config = NULL, *again = NULL;
  struct error error = {.status = STATUS_OK};
  enum status status = config_from_text(text, "/nonexistent/fuzz.yaml", &config, &error);
  if (status != STATUS_OK) {
    assert(error.status == status);
    assert(strncmp(error.text, "/nonexistent/fuzz.yaml:", 23) == 0);
    return;
  }
  struct writer dump = {.limit = 0};
  config_dump(config, &dump);
  assert(config_from_text(writer_slice(&dump), "/nonexistent/fuzz.yaml", &again, &error) ==
         STATUS_OK);
  assert(!config_fixed_change(config, again));
  writer_free(&dump);
  config_free(again);
  config_free(config);
}

static void try_settings(struct slice policy, struct slice roster) {
  struct settings *settings = NULL;
  struct error error = {.status = STATUS_OK};
  enum status status = settings_from_text(policy, "policy", roster, "roster", &settings, &error);
  if (status != STATUS_OK) {
    assert(strncmp(error.text, "policy:", 7) == 0 || strncmp(error.text, "roster:", 7) == 0);
    return;
  }
  const struct roster *read = settings->roster;
  for (size_t i = 0; i < read->agent_count; i++) {
    struct day_plan plan;
    assert(roster_find(read, slice_of(read->agents[i].id)) == &read->agents[i]);
    day_plan_make(settings->policy, &read->agents[i], 20780, &plan);
    assert(plan.exempt || spans_total(&plan.productive) > 0);
  }
  settings_free(settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size > 64 * 1024) return 0;
  struct slice text = {(const char *)data, size};
  try_config(text);
  try_settings(text, SLICE(""));
  try_settings(SLICE(""), text);
  return 0;
}
