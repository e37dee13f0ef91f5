/* The members at the top of a JSON object of our own writing, one after the other,
 * with values as they stand: for passing on some of them. Not for JSON from
 * outside: it is not checked, only never read past its end. */
#ifndef CALLPACE_BASE_JSON_MEMBERS_H
#define CALLPACE_BASE_JSON_MEMBERS_H

#include <stdbool.h>

#include "callpace/base/slice.h"

/* The next member from `*at` (0 at first), which moves on; false at the end. `key`
 * is without quotes, `value` as written, quotes included; both borrowed. */
bool json_next_member(struct slice json, size_t *at, struct slice *key, struct slice *value);
/* The value of a member, as written; empty where there is none. */
struct slice json_member(struct slice json, const char *key);

#endif
