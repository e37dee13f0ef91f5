/* The flat scanner against jansson: both take or refuse the same lines and read
 * the same members from them. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callpace/base/flat_json.h"
#include "callpace/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                         \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                      \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

static bool is_flat(json_t *root) {
  const char *key;
  json_t *value;
  if (!json_is_object(root) || json_object_size(root) > FLAT_MEMBERS_MAX) return false;
  json_object_foreach(root, key, value) {
    if (json_is_object(value) || json_is_array(value)) return false;
  }
  return true;
}

static enum flat_kind kind_of(const json_t *value) {
  switch (json_typeof(value)) {
  case JSON_STRING: return FLAT_STRING;
  case JSON_TRUE: return FLAT_TRUE;
  case JSON_FALSE: return FLAT_FALSE;
  case JSON_NULL: return FLAT_NULL;
  default: return FLAT_NUMBER;
  }
}

static void require_same_number(const json_t *value, const struct flat_member *member) {
  int64_t number;
  if (json_is_integer(value)) {
    REQUIRE(flat_int(member, &number));
    REQUIRE(number == json_integer_value(value));
    return;
  }
  char text[FLAT_LINE_MAX + 1];
  memcpy(text, member->value.data, member->value.len);
  text[member->value.len] = '\0';
  REQUIRE(!flat_int(member, &number));
  double real = strtod(text, NULL);
  REQUIRE(!(real < json_real_value(value)) && !(real > json_real_value(value)));
}

static void require_same(json_t *root, const struct flat_object *object) {
  REQUIRE(json_object_size(root) == object->count);
  for (unsigned i = 0; i < object->count; i++) {
    const struct flat_member *member = &object->members[i];
    json_t *value = json_object_getn(root, member->key.data, member->key.len);
    REQUIRE(value);
    REQUIRE(kind_of(value) == member->kind);
    if (member->kind == FLAT_STRING)
      REQUIRE(slice_equal(member->value,
                          (struct slice){json_string_value(value), json_string_length(value)}));
    if (member->kind == FLAT_NUMBER) require_same_number(value, member);
  }
}

/* What jansson refuses and we do not mean to: numbers out of its range, and
 * NUL in a key. */
static bool refused_for_itself(const json_error_t *error, const struct flat_object *object) {
  if (json_error_code(error) == json_error_numeric_overflow ||
      json_error_code(error) == json_error_null_byte_in_key)
    return true;
  for (unsigned i = 0; i < object->count; i++)
    if (memchr(object->members[i].key.data, '\0', object->members[i].key.len)) return true;
  return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct flat_object object;
  struct slice line = {(const char *)data, size};
  enum flat_result result = flat_json_scan(line, &object);
  REQUIRE((result == FLAT_OK) == (object.error == NULL));
  REQUIRE(object.error_at <= size);
  if (size > FLAT_LINE_MAX) {
    REQUIRE(result == FLAT_BAD_JSON);
    return 0;
  }
  REQUIRE((result == FLAT_BAD_UTF8) == !text_is_utf8(line));
  /* A NUL as it is stands nowhere in JSON; jansson passes over some. */
  if (size && memchr(data, '\0', size)) {
    REQUIRE(result != FLAT_OK);
    return 0;
  }
  json_error_t error;
  json_t *root =
      json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
  if (!root)
    REQUIRE(result != FLAT_OK || refused_for_itself(&error, &object));
  else if (is_flat(root)) {
    REQUIRE(result == FLAT_OK);
    require_same(root, &object);
  } else {
    REQUIRE(result == FLAT_BAD_JSON);
  }
  json_decref(root);
  return 0;
}
