/* What the files that decide on alerts share. */
#ifndef CALLPACE_CORE_ALERT_INNER_H
#define CALLPACE_CORE_ALERT_INNER_H

#include "callpace/core/alert.h"

void alert_add_number(struct alert *alert, const char *key, int64_t value);
/* Whom it is about; `agent` NULL for one who is not on the roster. */
void alert_add_person(struct alert *alert, struct slice id, const struct agent *agent);
/* Decided: the latch has it, and the sink gets it. */
void alert_tell(struct alert_latch *latch, const struct alert *alert, struct alert_sink sink);

#endif
