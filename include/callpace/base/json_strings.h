/* The members at the top of a JSON object, for one who wants a few names out of a
 * document and cares for nothing else in it. Strict (RFC 8259): anything that is no
 * whole object is refused, nested values are checked and passed over. */
#ifndef CALLPACE_BASE_JSON_STRINGS_H
#define CALLPACE_BASE_JSON_STRINGS_H

#include <stdbool.h>

#include "callpace/base/slice.h"

/* Gets key and value without escapes; both live until it returns. */
typedef void (*json_string_fn)(void *context, struct slice key, struct slice value);

/* Calls `each` for every member whose value is a string. False: not an object, bad
 * UTF-8, a lone surrogate, or nested deeper than JSON_DEPTH_MAX; `each` may have
 * been called for members before the place of the fault. */
enum { JSON_DEPTH_MAX = 16 };
bool json_each_string(struct slice json, json_string_fn each, void *context);

/* The same for all members. `text` is a string's content, else the value as it
 * stands: a number, a word, or an object or array to be read in its turn. */
typedef void (*json_member_fn)(void *context, struct slice key, bool is_string, struct slice text);
bool json_each_member(struct slice json, json_member_fn each, void *context);

#endif
