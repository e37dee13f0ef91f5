/* Every recording of a real FreeSWITCH (tests/data/freeswitch), in both forms of
 * events, cut into reads in three ways: what the dialect says must be what the
 * telephones saw. */
#include "told_fixture.h"

/* --- playing --- */

struct player {
  void *esl;
  struct told *told;
  struct slice raw;
  size_t used, given; /* offsets in raw */
  struct writer sent;
};

static void take_all(struct player *player, bool end, msec_t now_ms) {
  struct slice unread = {player->raw.data + player->used, player->given - player->used};
  struct item item;
  enum item_kind kind;
  while ((kind = dialect_esl.next(player->esl, &unread, end, now_ms, &item, &player->sent)) !=
         ITEM_MORE) {
    if (kind == ITEM_UP) player->told->up = true;
    if (kind == ITEM_EVENT) told_event(player->told, &item.event);
    if (kind == ITEM_CLOSE) {
      snprintf(player->told->closed, sizeof player->told->closed, "%s", item.code);
      memcpy(player->told->why, item.message, sizeof item.message);
      player->told->slowly = item.retry_slowly;
      player->given = player->used = player->raw.len;
      return;
    }
    cr_assert(kind == ITEM_EVENT || kind == ITEM_UP, "item %d: %s", kind, item.message);
  }
  player->used = (size_t)(unread.data - player->raw.data);
  cr_assert_eq(player->used + unread.len, player->given);
  cr_assert_leq(unread.len, dialect_esl.unread_max);
}

static void give(struct player *player, size_t upto, enum cut cut, msec_t now_ms) {
  size_t step = cut == CUT_BYTES ? 1 : upto - player->given;
  while (player->given < upto) {
    player->given += step;
    take_all(player, false, now_ms);
  }
}

/* One line a read: epoch [monotonic] S offset length. */
static void give_reads(struct player *player, char *chunks, enum cut cut) {
  msec_t last_ms = 0;
  for (char *line; (line = strsep(&chunks, "\n"));) {
    double at, monotonic;
    char dir;
    size_t offset, len;
    if (sscanf(line, "%lf\t%c\t%zu\t%zu", &at, &dir, &offset, &len) != 4 &&
        sscanf(line, "%lf\t%lf\t%c\t%zu\t%zu", &at, &monotonic, &dir, &offset, &len) != 5)
      continue;
    if (dir != 'S') continue;
    last_ms = (msec_t)(at * 1000.0);
    if (cut != CUT_WHOLE) give(player, offset + len, cut, last_ms);
  }
  give(player, player->raw.len, cut, last_ms);
}

static const char *const colleagues[] = {"1001", "1002", "1003", "1004", "1005", "1006", "1007",
                                         "1008", "1009", "1010", "1021", "1022", NULL};

static void play(const char *scenario, const char *form, enum cut cut, struct told *told) {
  char name[64];
  static struct agent agents[16];
  struct roster roster = {0};
  for (size_t i = 0; colleagues[i]; i++) {
    agents[i].id = colleagues[i];
    table_put(&roster.by_id, slice_of(colleagues[i]), &agents[i]);
  }
  const struct roster *now = &roster;
  struct dialect_setup setup = {.source = "fs1", .secret = "ClueCon", .roster = &now};
  struct player player = {.esl = dialect_esl.open(&setup), .told = told};
  snprintf(name, sizeof name, "esl%s.stream.gz", form);
  char *raw = load("freeswitch", scenario, name, &player.raw.len);
  player.raw.data = raw;
  snprintf(name, sizeof name, "esl%s.chunks.tsv.gz", form);
  size_t len;
  char *chunks = load("freeswitch", scenario, name, &len);
  memset(told, 0, sizeof *told);
  dialect_esl.greet(player.esl, 1795458100000, &player.sent);
  cr_assert_eq(player.sent.len, 0, "the switch speaks first");
  give_reads(&player, chunks, cut);
  cr_assert(strncmp(writer_text(&player.sent), "auth ClueCon\n\n", 14) == 0);
  dialect_esl.close(player.esl);
  writer_free(&player.sent);
  table_free(&roster.by_id);
  free(chunks);
  free(raw);
}

/* --- against the truth --- */

static enum call_outcome true_outcome(const json_t *call) {
  if (json_is_true(json_object_get(call, "answered"))) return OUTCOME_ANSWERED;
  const char *disposition = text_of(call, "originate_disposition");
  if (strcmp(disposition, "USER_BUSY") == 0) return OUTCOME_BUSY;
  if (strcmp(disposition, "NO_ANSWER") == 0) return OUTCOME_NO_ANSWER;
  return strcmp(disposition, "ORIGINATOR_CANCEL") == 0 ? OUTCOME_CANCELLED : OUTCOME_FAILED;
}

static void compare(const json_t *truth, struct told *told, const char *where) {
  enum { GRAIN_MS = 45 }; /* the switch's, at both ends */
  char id[64];
  snprintf(id, sizeof id, "fs1:%s", text_of(truth, "uuid"));
  const struct told_call *call = told_find(told, slice_of(id));
  cr_assert(call, "%s: %s was not told", where, id);
  const char *kind = text_of(truth, "kind");
  bool inbound = strcmp(kind, "queue") == 0 || strcmp(kind, "inbound") == 0;
  cr_expect_eq(call->dir, inbound ? DIR_IN : DIR_OUT, "%s: %s is no %s call", where, id, kind);
  cr_expect_str_eq(call->agent, text_of(truth, "agent"), "%s: %s", where, id);
  cr_expect(call->ended && !call->lost, "%s: %s has no end", where, id);
  cr_expect_eq(call->outcome, true_outcome(truth), "%s: %s became %s", where, id,
               call_outcome_name(call->outcome));
  cr_expect_leq(llabs(call->start_ms - ms_of(truth, "start")), 1, "%s: %s began at %lld", where, id,
                (long long)call->start_ms);
  cr_expect_leq(llabs(call->end_ms - ms_of(truth, "end")), 1, "%s: %s ended at %lld", where, id,
                (long long)call->end_ms);
  cr_expect_leq(llabs(call->talk_ms - ms_of(truth, "talk_seconds")), GRAIN_MS,
                "%s: %s talked %lld ms, not %lld", where, id, (long long)call->talk_ms,
                (long long)ms_of(truth, "talk_seconds"));
  cr_expect_geq(call->answered ? call->answer_ms : MSEC_MAX, call->start_ms);
  if (strcmp(kind, "queue") == 0) cr_expect_str_eq(call->queue, "sales");
  if (!inbound) cr_expect_eq(strlen(call->number), 7, "%s: %s dialled %s", where, id, call->number);
  if (inbound) cr_expect(strncmp(call->number, "5550", 4) == 0 || call->number[0] == '3');
}

static void each_cut(const char *scenario,
                     void (*check)(const json_t *truth, struct told *told, const char *where)) {
  static const char *const forms[] = {".plain", ".json"};
  size_t len;
  char *text = load("freeswitch", scenario, "truth.json.gz", &len);
  json_t *truth = json_loadb(text, len, 0, NULL);
  cr_assert(truth);
  struct told *told = mem_alloc(sizeof *told);
  for (size_t form = 0; form < 2; form++) {
    for (enum cut cut = 0; cut < CUTS; cut++) {
      char where[128];
      snprintf(where, sizeof where, "%s%s, %s", scenario, forms[form], cut_names[cut]);
      play(scenario, forms[form], cut, told);
      cr_expect(told->up, "%s", where);
      cr_expect_str_empty(told->closed, "%s", where);
      check(truth, told, where);
    }
  }
  free(told);
  json_decref(truth);
  free(text);
}

static void check_calls(const json_t *truth, struct told *told, const char *where) {
  const json_t *calls = json_object_get(truth, "calls");
  size_t i;
  json_t *call;
  cr_expect_gt(json_array_size(calls), 0);
  json_array_foreach(calls, i, call) compare(call, told, where);
  cr_expect_eq(told->count, json_array_size(calls), "%s: %zu calls, not %zu", where, told->count,
               json_array_size(calls));
}

static void check_hold(const json_t *truth, struct told *told, const char *where) {
  check_calls(truth, told, where);
  for (size_t i = 0; i < told->count; i++)
    cr_expect_leq(llabs(told->calls[i].hold_ms - 2280), 20, "%s: held %lld", where,
                  (long long)told->calls[i].hold_ms);
}

#define RECORDING(scenario, name)                                                                  \
  Test(esl_recordings, name) {                                                                     \
    each_cut(scenario, check_calls);                                                               \
  }

RECORDING("answered-outbound", answered_outbound)
RECORDING("busy", busy)
RECORDING("callcenter-queue", callcenter_queue)
RECORDING("cancel", cancel)
RECORDING("click-to-dial", click_to_dial)
RECORDING("connect-mid-call", connect_mid_call)
RECORDING("mix-20-agents-200-calls", mix)
RECORDING("no-answer", no_answer)
RECORDING("transfer-refer", transfer_refer)

Test(esl_recordings, hold) {
  each_cut("hold", check_hold);
}

Test(esl_recordings, wrong_password) {
  struct told told;
  for (enum cut cut = 0; cut < CUTS; cut++) {
    play("esl-auth-failure", "", cut, &told);
    cr_expect_str_eq(told.closed, "login_refused");
    cr_expect_str_eq(told.why, "the switch refused the password: -ERR invalid");
    cr_expect(told.slowly, "it is not tried again at once");
    cr_expect(!told.up);
  }
}

Test(esl_recordings, command_before_the_password) {
  struct told told;
  for (enum cut cut = 0; cut < CUTS; cut++) {
    play("esl-command-before-auth", "", cut, &told);
    cr_expect_str_eq(told.closed, "login_refused");
    cr_expect(!told.up);
  }
}

/* The switch ends the call, says so, and then that it goes. */
Test(esl_recordings, shutdown) {
  struct told told;
  for (enum cut cut = 0; cut < CUTS; cut++) {
    play("switch-shutdown-mid-call", "", cut, &told);
    cr_expect_str_eq(told.closed, "disconnected");
    cr_expect_str_eq(told.why, "the switch disconnects: The system is being shut down.");
    cr_expect(told.up && !told.slowly);
    cr_expect_eq(told.count, 1);
    cr_expect(told.calls[0].ended && told.calls[0].answered);
    cr_expect_eq(told.calls[0].dir, DIR_OUT);
    cr_expect_str_eq(told.calls[0].agent, "1001");
    cr_expect_leq(llabs(told.calls[0].talk_ms - 1600), 45, "%lld",
                  (long long)told.calls[0].talk_ms);
  }
}
