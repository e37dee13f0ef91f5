/* What the commands that look back share: which journal, which days. */
#ifndef CALLPACE_PAST_H
#define CALLPACE_PAST_H

#include "callpace/client.h"
#include "callpace/core/settings.h"

/* The daemon's state directory: `given` (--state-dir), else that of the
 * configuration, else what the running daemon says. malloc'd; NULL and `error`. */
char *past_state_dir(const struct client_options *options, const char *given, struct error *error);

/* Times are shown in the zone of these rules from now on. */
void use_zone_of(const struct settings *settings);

/* STATUS_USAGE and what was expected on stderr. */
enum status past_period(enum period_kind kind, const char *text, struct period *out);

#endif
