/* Roster and policy together, with the texts they were read from: what the fold
 * needs besides the events. A change of them is itself a journal record, so that
 * a replay judges every day by the rules that were in force. */
#ifndef CALLPACE_CORE_SETTINGS_H
#define CALLPACE_CORE_SETTINGS_H

#include "callpace/core/policy.h"
#include "callpace/core/roster.h"

struct settings {
  struct policy_book *policy;
  struct roster *roster;
  char *policy_text; /* the YAML they came from, NUL-terminated */
  char *roster_text;
};
void settings_free(struct settings *settings); /* content and struct; NULL is fine */

#endif
