#include "callpace/base/json_members.h"

/* Behind the string that begins at `at` with its quote. */
static size_t pass_string(struct slice json, size_t at) {
  for (at++; at < json.len && json.data[at] != '"'; at++)
    if (json.data[at] == '\\') at++;
  return at < json.len ? at + 1 : json.len;
}

/* Behind the value: at the comma or bracket that follows it. */
static size_t pass_value(struct slice json, size_t at) {
  size_t depth = 0;
  while (at < json.len) {
    char c = json.data[at];
    if (c == '"') {
      at = pass_string(json, at);
      continue;
    }
    if (depth == 0 && (c == ',' || c == '}')) break;
    if (c == '{' || c == '[') depth++;
    if (c == '}' || c == ']') depth--;
    at++;
  }
  return at;
}

bool json_next_member(struct slice json, size_t *at, struct slice *key, struct slice *value) {
  size_t i = *at;
  if (i < json.len && (json.data[i] == '{' || json.data[i] == ',')) i++;
  if (i >= json.len || json.data[i] != '"') return false;
  size_t end = pass_string(json, i);
  *key = (struct slice){json.data + i + 1, end >= i + 2 ? end - i - 2 : 0};
  if (end >= json.len || json.data[end] != ':') return false;
  *at = pass_value(json, end + 1);
  *value = (struct slice){json.data + end + 1, *at - end - 1};
  return true;
}

struct slice json_member(struct slice json, const char *name) {
  struct slice key, value;
  for (size_t at = 0; json_next_member(json, &at, &key, &value);)
    if (slice_equal(key, slice_of(name))) return value;
  return (struct slice){0};
}
