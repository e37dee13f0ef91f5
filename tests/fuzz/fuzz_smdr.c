/* The SMDR dialect on hostile lines, by a layout of each kind, cut into reads
 * anywhere. The first byte says which layout and seeds the cuts. */
#include <stdio.h>
#include <stdlib.h>

#include "callpace/dialect/dialect.h"
#include "callpace/io/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                         \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                      \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

enum { LAYOUTS = 3 };

static struct settings *settings;
static struct config *config;

static void load(void) {
  struct error error = {0};
  const char *policy = PROJECT_ROOT "/conf/policy.yaml", *roster = PROJECT_ROOT "/conf/roster.yaml";
  static const char text[] = "sources:\n"
                             "- {name: a, type: smdr, listen: \"127.0.0.1:0\", layout: "
                             "switches/smdr/avaya-ip-office.yaml}\n"
                             "- {name: b, type: smdr, listen: \"127.0.0.1:0\", layout: "
                             "switches/smdr/panasonic-kx.yaml}\n"
                             "- {name: c, type: smdr, listen: \"127.0.0.1:0\", layout: "
                             "switches/smdr/example.yaml}\n";
  REQUIRE(settings_load(policy, roster, &settings, &error) == STATUS_OK);
  REQUIRE(config_from_text(SLICE(text), PROJECT_ROOT "/conf/callpace.yaml", &config, &error) ==
          STATUS_OK);
}

static uint32_t dice(uint32_t *state, uint32_t sides) {
  *state = *state * 1664525u + 1013904223u;
  return (*state >> 8) % sides;
}

static void check_event(const struct call_event *event) {
  REQUIRE(event->type >= EVENT_CALL_START && event->type <= EVENT_CALL_END);
  REQUIRE(event->call.len > 2 && event->call.data[1] == ':' && event->ts_ms >= 0);
  if (event->type == EVENT_CALL_START) REQUIRE(event->agent.len && event->dir);
  if (event->type == EVENT_CALL_END) REQUIRE(event->outcome != OUTCOME_UNKNOWN);
  REQUIRE(event->talk_ms == MSEC_NONE || event->talk_ms >= 0);
}

static size_t drain(void *smdr, struct slice unread, bool end, struct writer *out) {
  size_t items = 0, given = unread.len;
  struct item item;
  enum item_kind kind;
  while ((kind = dialect_smdr.next(smdr, &unread, end, 1795485600000, &item, out)) != ITEM_MORE) {
    if (kind == ITEM_EVENT) check_event(&item.event);
    if (kind != ITEM_EVENT) REQUIRE(memchr(item.message, '\0', sizeof item.message));
    REQUIRE(++items < 1000 + given * 8);
  }
  REQUIRE(unread.len <= given && unread.len <= dialect_smdr.unread_max);
  return unread.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  if (!config) load();
  uint32_t seed = data[0];
  const struct zone *zone = settings->policy->calendar.zone;
  const struct config_source *source = &config->sources[data[0] % LAYOUTS];
  struct dialect_setup setup = {.source = source->name, .layout = source->layout, .zone = &zone};
  struct slice stream = {(const char *)data + 1, size - 1};
  struct writer out = {0};
  void *smdr = dialect_smdr.open(&setup);
  dialect_smdr.greet(smdr, 0, &out);
  size_t from = 0, to = 0;
  while (to < stream.len) {
    size_t step = 1 + dice(&seed, 300);
    to = to + step < stream.len ? to + step : stream.len;
    from = to - drain(smdr, (struct slice){stream.data + from, to - from}, to == stream.len, &out);
  }
  REQUIRE(out.len == 0);
  dialect_smdr.close(smdr);
  return 0;
}
