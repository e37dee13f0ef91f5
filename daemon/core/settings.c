#include "callpace/core/settings.h"

#include <stdlib.h>

void settings_free(struct settings *settings) {
  if (!settings) return;
  policy_book_free(settings->policy);
  roster_free(settings->roster);
  free(settings->policy_text);
  free(settings->roster_text);
  free(settings);
}
