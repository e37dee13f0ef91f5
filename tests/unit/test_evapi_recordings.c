/* Every recording of a real Kamailio (tests/data/kamailio), cut into reads in three
 * ways: what the dialect says must be what SIPp saw. */
#include "told_fixture.h"

struct player {
  void *evapi;
  struct told *told;
  struct slice raw;
  size_t used, given; /* offsets in raw */
  struct writer sent;
};

static void take_all(struct player *player, msec_t now_ms) {
  struct slice unread = {player->raw.data + player->used, player->given - player->used};
  struct item item;
  enum item_kind kind;
  while ((kind = dialect_evapi.next(player->evapi, &unread, false, now_ms, &item, &player->sent)) !=
         ITEM_MORE) {
    cr_assert(kind == ITEM_EVENT || kind == ITEM_UP, "item %d: %s", kind, item.message);
    if (kind == ITEM_UP) player->told->up = true;
    if (kind == ITEM_EVENT) told_event(player->told, &item.event);
  }
  player->used = (size_t)(unread.data - player->raw.data);
  cr_assert_eq(player->used + unread.len, player->given);
  cr_assert_leq(unread.len, dialect_evapi.unread_max);
}

static void give(struct player *player, size_t upto, enum cut cut, msec_t now_ms) {
  size_t step = cut == CUT_BYTES ? 1 : upto - player->given;
  while (player->given < upto) {
    player->given += step;
    take_all(player, now_ms);
  }
}

static void give_reads(struct player *player, char *chunks, enum cut cut) {
  msec_t now_ms = 0;
  for (char *line; (line = strsep(&chunks, "\n"));) {
    double at;
    size_t offset, len;
    if (sscanf(line, "%lf\t%zu\t%zu", &at, &offset, &len) != 3) continue;
    now_ms = (msec_t)(at * 1000.0);
    if (cut != CUT_WHOLE) give(player, offset + len, cut, now_ms);
  }
  give(player, player->raw.len, cut, now_ms);
}

static void play(const char *scenario, enum cut cut, struct told *told) {
  const struct roster roster = {0}, *now = &roster;
  struct dialect_setup setup = {.source = "kam1", .roster = &now};
  struct player player = {.evapi = dialect_evapi.open(&setup), .told = told};
  size_t len;
  char *raw = load("kamailio", scenario, "evapi.stream.gz", &player.raw.len);
  char *chunks = load("kamailio", scenario, "evapi.chunks.tsv.gz", &len);
  player.raw.data = raw;
  memset(told, 0, sizeof *told);
  dialect_evapi.greet(player.evapi, 1795458800000, &player.sent);
  give_reads(&player, chunks, cut);
  cr_expect_eq(player.sent.len, 0, "nothing may be sent");
  cr_expect_eq(player.used, player.raw.len);
  dialect_evapi.close(player.evapi);
  free(chunks);
  free(raw);
}

static enum call_outcome true_outcome(const json_t *call) {
  json_int_t code = json_integer_value(json_object_get(call, "sip_code"));
  switch (code) {
  case 200: return OUTCOME_ANSWERED;
  case 486: return OUTCOME_BUSY;
  case 487: return OUTCOME_CANCELLED;
  default: return code == 408 ? OUTCOME_NO_ANSWER : OUTCOME_FAILED;
  }
}

static void compare(const json_t *truth, struct told *told, const char *where) {
  enum { ON_THE_WAY_MS = 20 }; /* from the telephone to the proxy */
  char id[64];
  snprintf(id, sizeof id, "kam1:%s", text_of(truth, "call_id"));
  const struct told_call *call = told_find(told, slice_of(id));
  cr_assert(call, "%s: %s was not told", where, id);
  cr_expect_str_eq(call->agent, text_of(truth, "agent"), "%s: %s", where, id);
  cr_expect_str_eq(call->number, text_of(truth, "number"), "%s: %s", where, id);
  cr_expect_eq(call->dir, DIR_OUT);
  cr_expect(call->ended, "%s: %s has no end", where, id);
  cr_expect_leq(llabs(call->start_ms - ms_of(truth, "start")), ON_THE_WAY_MS);
  bool vanished = strcmp(text_of(truth, "outcome"), "vanished") == 0;
  cr_expect_eq(call->lost, vanished, "%s: %s", where, id);
  cr_expect_eq(call->answered, true_outcome(truth) == OUTCOME_ANSWERED);
  if (vanished) return;
  cr_expect_eq(call->outcome, true_outcome(truth), "%s: %s became %s", where, id,
               call_outcome_name(call->outcome));
  cr_expect_leq(llabs(call->talk_ms - ms_of(truth, "talk_seconds")), ON_THE_WAY_MS,
                "%s: %s talked %lld ms, not %lld", where, id, (long long)call->talk_ms,
                (long long)ms_of(truth, "talk_seconds"));
}

static void check(const char *scenario) {
  size_t len, i;
  char *text = load("kamailio", scenario, "truth.json.gz", &len);
  json_t *truth = json_loadb(text, len, 0, NULL), *call;
  cr_assert(truth);
  const json_t *calls = json_object_get(truth, "calls");
  cr_assert_gt(json_array_size(calls), 0);
  struct told *told = mem_alloc(sizeof *told);
  for (enum cut cut = 0; cut < CUTS; cut++) {
    char where[128];
    snprintf(where, sizeof where, "%s, %s", scenario, cut_names[cut]);
    play(scenario, cut, told);
    cr_expect(told->up && told->gaps == 0, "%s", where);
    json_array_foreach(calls, i, call) compare(call, told, where);
    cr_expect_eq(told->count, json_array_size(calls), "%s: %zu calls", where, told->count);
  }
  free(told);
  json_decref(truth);
  free(text);
}

#define RECORDING(scenario, name)                                                                  \
  Test(evapi_recordings, name) {                                                                   \
    check(scenario);                                                                               \
  }

RECORDING("answered-durations", answered_durations)
RECORDING("answered-durations-newline", answered_durations_newline)
RECORDING("busy", busy)
RECORDING("cancel", cancel)
RECORDING("hold-reinvite", hold_reinvite)
RECORDING("lost-bye-timeout", lost_bye_timeout)
RECORDING("mixed-100-at-5cps", mixed)
RECORDING("no-answer", no_answer)
