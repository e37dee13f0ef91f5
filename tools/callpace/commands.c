#include <string.h>

#include "callpace/client.h"

static const struct command *const commands[] = {

    &command_status, &command_agent,   &command_explain,
    &command_alerts, &command_top,     &command_board,
    &command_report, &command_leads,   &command_score,
    &command_reload, &command_replay,  &command_check,
    &command_doctor, &command_feed,    &command_simulate,
    &command_audit,  &command_journal, NULL,
};

const struct command *command_at(size_t index) {
  return commands[index];
}

const struct command *command_find(const char *name) {
  for (size_t i = 0; commands[i]; i++)
    if (strcmp(commands[i]->name, name) == 0) return commands[i];
  return NULL;
}
