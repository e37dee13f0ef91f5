/* The evapi dialect on hostile bytes, cut into reads anywhere, with connections
 * that break off. The first byte seeds the cuts; the rest is the stream. */
#include <stdio.h>
#include <stdlib.h>

#include "callpace/dialect/dialect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                         \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                      \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

static struct agent crew[] = {{.id = "1001"}, {.id = "1002"}, {.id = "1021"}};

static const struct roster *roster_of_crew(void) {
  static struct roster roster;
  for (size_t i = 0; roster.agent_count < sizeof crew / sizeof crew[0]; i++) {
    table_put(&roster.by_id, slice_of(crew[i].id), &crew[i]);
    roster.agent_count++;
  }
  return &roster;
}

static uint32_t dice(uint32_t *state, uint32_t sides) {
  *state = *state * 1664525u + 1013904223u;
  return (*state >> 8) % sides;
}

static void check_event(const struct call_event *event) {
  REQUIRE(event->ts_ms >= 0);
  if (event->type == EVENT_SOURCE_GAP) {
    REQUIRE(event->from_ms <= event->to_ms);
    return;
  }
  REQUIRE(event->type >= EVENT_CALL_START && event->type <= EVENT_CALL_LOST);
  REQUIRE(event->call.len > 3 && memcmp(event->call.data, "pbx:", 4) == 0);
  if (event->type == EVENT_CALL_START) REQUIRE(event->agent.len && event->dir);
  if (event->type == EVENT_CALL_END) REQUIRE(event->outcome != OUTCOME_UNKNOWN);
  REQUIRE(event->talk_ms == MSEC_NONE || event->talk_ms >= 0);
}

/* Takes all items out of a read; returns how many bytes it left. */
static size_t drain(void *evapi, struct slice unread, bool end, msec_t now_ms, struct writer *out) {
  size_t items = 0, given = unread.len;
  struct item item;
  enum item_kind kind;
  while ((kind = dialect_evapi.next(evapi, &unread, end, now_ms, &item, out)) != ITEM_MORE) {
    if (kind == ITEM_EVENT) check_event(&item.event);
    if (kind == ITEM_CLOSE) return 0;
    if (kind != ITEM_EVENT) REQUIRE(memchr(item.message, '\0', sizeof item.message));
    REQUIRE(++items < 1000 + given * 8);
  }
  REQUIRE(unread.len <= given && unread.len <= dialect_evapi.unread_max);
  return unread.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  const struct roster *roster = roster_of_crew();
  struct dialect_setup setup = {.source = "pbx", .roster = &roster};
  uint32_t seed = data[0];
  struct slice stream = {(const char *)data + 1, size - 1};
  struct writer out = {0};
  void *evapi = dialect_evapi.open(&setup);
  msec_t now_ms = 1795459767000;
  dialect_evapi.greet(evapi, now_ms, &out);
  size_t from = 0, to = 0;
  uint32_t longest = 1 + dice(&seed, 600);
  while (to < stream.len) {
    size_t step = 1 + dice(&seed, longest);
    to = to + step < stream.len ? to + step : stream.len;
    now_ms += dice(&seed, 200);
    from = to - drain(evapi, (struct slice){stream.data + from, to - from}, false, now_ms, &out);
    if (dice(&seed, 16) == 0) dialect_evapi.patience_s(evapi);
    if (dice(&seed, 64) != 0) continue;
    drain(evapi, (struct slice){stream.data + from, to - from}, true, now_ms, &out);
    dialect_evapi.lost(evapi, now_ms);
    dialect_evapi.greet(evapi, now_ms + dice(&seed, 10000), &out);
    from = to;
  }
  REQUIRE(out.len == 0);
  dialect_evapi.close(evapi);
  writer_free(&out);
  return 0;
}
