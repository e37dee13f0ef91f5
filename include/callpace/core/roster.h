/* Who works here: teams and agents of the roster file (CONTRACT section 3). */
#ifndef CALLPACE_CORE_ROSTER_H
#define CALLPACE_CORE_ROSTER_H

#include <stdbool.h>
#include <stddef.h>

#include "callpace/base/mem.h"
#include "callpace/base/table.h"
#include "callpace/core/period.h"

struct team {
  const char *id;
  const char *name; /* the id where the file gives none */
  const char *lead; /* "" where none */
};

enum agent_class { CLASS_NEW = 0, CLASS_VETERAN = 1, CLASS_COUNT };
const char *agent_class_name(enum agent_class agent_class); /* "new", "veteran" */

struct agent {
  const char *id;
  const char *name;
  const struct team *team; /* NULL: none */
  bool class_given;
  enum agent_class given_class;
  day_t hired;        /* DAY_NONE: long ago */
  day_t confirmed_on; /* DAY_NONE: not confirmed */
  const char **extensions;
  size_t extension_count;
  struct span *leave; /* UTC, sorted */
  size_t leave_count;
};

/* Owns all its strings through the arena. Built by io/config, immutable after. */
struct roster {
  struct arena arena;
  struct team *teams;
  size_t team_count;
  struct agent *agents;
  size_t agent_count;
  struct table by_id;        /* id -> struct agent */
  struct table by_extension; /* extension or channel prefix -> struct agent */
};
void roster_free(struct roster *roster); /* content and struct; NULL is fine */

/* Finds an agent by roster id first, then by extension; NULL when unknown. */
const struct agent *roster_find(const struct roster *roster, struct slice id_or_extension);

/* Class on a day: explicit class, else veteran from confirmed_on (POLICY 1). */
enum agent_class agent_class_on(const struct agent *agent, day_t day);

#endif
