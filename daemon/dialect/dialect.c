#include "callpace/dialect/dialect.h"

#include <stddef.h>

static const struct dialect *const dialects[] = {&dialect_native, &dialect_ami, &dialect_esl,
                                                 &dialect_evapi};

const struct dialect *dialect_find(const char *type) {
  for (size_t i = 0; i < sizeof dialects / sizeof dialects[0]; i++)
    if (strcmp(dialects[i]->name, type) == 0) return dialects[i];
  return NULL;
}
