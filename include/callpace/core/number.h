/* Telephone numbers as they are compared: without what the switch or the list puts
 * in front of them. POLICY section 5; the prefixes are the policy file's `numbers`. */
#ifndef CALLPACE_CORE_NUMBER_H
#define CALLPACE_CORE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/base/slice.h"
#include "callpace/core/policy.h"

/* The shortest number that is left when prefixes are taken off: 95588 keeps its 9. */
enum { NUMBER_DIGITS_MIN = 7 };

/* A key that two texts have in common when they are the same number: spaces, dashes,
 * dots, brackets and slashes do not count, and prefixes are taken off as long as one
 * fits and NUMBER_DIGITS_MIN digits remain. Up to 15 digits (E.164) are held in it
 * exactly; anything else, as a name, by a hash. The same in every process; 0 for an
 * empty text only. */
uint64_t number_key(const struct number_rules *rules, struct slice number);

/* A key of a lead's id, never that of a number. */
uint64_t number_lead_key(struct slice lead);

/* True when it looks like one that can be dialled: an optional +, and 3 to 20
 * digits. */
bool number_is_good(struct slice number);

#endif
