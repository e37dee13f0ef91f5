#include "callpace/dialect/dialect.h"

#include <stddef.h>

static const struct dialect *const dialects[] = {&dialect_native, &dialect_ami,
                                                 &dialect_esl,    &dialect_evapi,
                                                 &dialect_smdr,   &dialect_smdr_client};

const struct dialect *dialect_find(const char *type, bool connects) {
  for (size_t i = 0; i < sizeof dialects / sizeof dialects[0]; i++)
    if (strcmp(dialects[i]->name, type) == 0 && dialects[i]->is_client == connects)
      return dialects[i];
  return NULL;
}
