/* Hours in which a hook is not told: its alerts wait until they are over. CONTRACT
 * section 5, `quiet`. */
#ifndef CALLPACE_CORE_QUIET_H
#define CALLPACE_CORE_QUIET_H

#include <stdbool.h>

#include "callpace/core/period.h"

enum { QUIET_HOURS_MAX = 8 };
struct quiet {
  bool outside_shift; /* whenever the shift is not on; breaks belong to it */
  unsigned count;
  struct time_of_day_span hours[QUIET_HOURS_MAX]; /* local; from after to: over midnight */
};

bool quiet_is_given(const struct quiet *quiet);
/* Whether `at` lies in quiet hours. */
bool quiet_at(const struct quiet *quiet, const struct calendar *calendar, msec_t at);

#endif
