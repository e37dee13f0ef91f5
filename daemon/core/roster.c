#include "callpace/core/roster.h"

#include <stdlib.h>

const char *agent_class_name(enum agent_class agent_class) {
  return agent_class == CLASS_VETERAN ? "veteran" : "new";
}

void roster_free(struct roster *roster) {
  if (!roster) return;
  table_free(&roster->by_id);
  table_free(&roster->by_extension);
  arena_free(&roster->arena);
  free(roster);
}

const struct agent *roster_find(const struct roster *roster, struct slice id_or_extension) {
  uint32_t hash = table_hash(id_or_extension);
  const struct agent *agent = table_get_hashed(&roster->by_id, id_or_extension, hash);
  return agent ? agent : table_get_hashed(&roster->by_extension, id_or_extension, hash);
}

enum agent_class agent_class_on(const struct agent *agent, day_t day) {
  if (agent->class_given) return agent->given_class;
  return agent->confirmed_on != DAY_NONE && day >= agent->confirmed_on ? CLASS_VETERAN : CLASS_NEW;
}
