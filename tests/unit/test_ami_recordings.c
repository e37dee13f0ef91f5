/* Every recording of a real Asterisk (tests/data/asterisk), whole and as seen by
 * an account of few rights, cut into reads in three ways: what the dialect says
 * must be what the telephones saw. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "callpace/dialect/dialect.h"

enum { AGENTS = 20, CALLS_MAX = 2000 };

enum cut { CUT_AS_READ, CUT_BYTES, CUT_WHOLE, CUTS };
static const char *const cut_names[CUTS] = {"as read", "byte by byte", "all at once"};

/* --- files --- */

static char *load(const char *scenario, const char *name, size_t *len) {
  char path[512];
  snprintf(path, sizeof path, "%s/asterisk/%s/%s", TEST_DATA, scenario, name);
  gzFile file = gzopen(path, "rb");
  cr_assert(file, "%s", path);
  struct writer bytes = {0};
  int got;
  while ((got = gzread(file, writer_reserve(&bytes, 65536), 65536)) > 0)
    bytes.len += (size_t)got;
  cr_assert_eq(got, 0, "%s", path);
  gzclose(file);
  *len = bytes.len;
  writer_text(&bytes);
  return bytes.data;
}

static json_t *load_lines(const char *scenario, const char *name) {
  size_t len;
  char *text = load(scenario, name, &len), *at = text;
  json_t *all = json_array();
  for (char *line; (line = strsep(&at, "\n"));) {
    if (*line) json_array_append_new(all, json_loads(line, 0, NULL));
  }
  free(text);
  return all;
}

static json_int_t int_of(const json_t *object, const char *key) {
  return json_integer_value(json_object_get(object, key));
}

static double number_of(const json_t *object, const char *key) {
  return json_number_value(json_object_get(object, key));
}

static msec_t time_of(const json_t *object) {
  return (msec_t)(number_of(object, "t") * 1000.0);
}

/* --- the telephones' agents --- */

struct crew {
  struct roster roster;
  const struct roster *now;
};

static void crew_make(struct crew *crew) {
  *crew = (struct crew){0};
  struct roster *roster = &crew->roster;
  roster->agents = mem_zalloc(AGENTS * sizeof roster->agents[0]);
  for (size_t i = 0; i < AGENTS; i++) {
    char id[16], extension[24];
    snprintf(id, sizeof id, "agent%02zu", i + 1);
    snprintf(extension, sizeof extension, "PJSIP/%s", id);
    struct agent *agent = &roster->agents[roster->agent_count++];
    agent->id = arena_dup(&roster->arena, slice_of(id));
    table_put(&roster->by_id, slice_of(agent->id), agent);
    char *kept = arena_dup(&roster->arena, slice_of(extension));
    table_put(&roster->by_extension, slice_of(kept), agent);
  }
  crew->now = roster;
}

static void crew_free(struct crew *crew) {
  table_free(&crew->roster.by_id);
  table_free(&crew->roster.by_extension);
  arena_free(&crew->roster.arena);
  free(crew->roster.agents);
}

/* --- what the dialect says --- */

struct told_call {
  char id[96], agent[16], number[24], queue[16];
  enum call_dir dir;
  bool answered, ended, lost;
  bool matched; /* to a call of the telephones */
  msec_t start_ms, answer_ms, talk_ms, held_ms, hold_ms;
};

struct told {
  struct told_call calls[CALLS_MAX];
  size_t count;
  bool up;
};

static struct told_call *told_find(struct told *told, struct slice id) {
  for (size_t i = told->count; i-- > 0;) {
    if (slice_equal(slice_of(told->calls[i].id), id)) return &told->calls[i];
  }
  return NULL;
}

static void keep(char *into, size_t size, struct slice text) {
  snprintf(into, size, "%.*s", (int)text.len, text.data);
}

static void told_start(struct told *told, const struct call_event *event) {
  cr_assert_null(told_find(told, event->call), "a second start of %.*s", (int)event->call.len,
                 event->call.data);
  cr_assert_lt(told->count, CALLS_MAX);
  struct told_call *call = &told->calls[told->count++];
  snprintf(call->id, sizeof call->id, "%.*s", (int)event->call.len, event->call.data);
  snprintf(call->agent, sizeof call->agent, "%.*s", (int)event->agent.len, event->agent.data);
  cr_assert(strncmp(call->id, "pbx1:", 5) == 0);
  keep(call->number, sizeof call->number, event->number);
  keep(call->queue, sizeof call->queue, event->queue);
  call->dir = event->dir;
  call->start_ms = event->ts_ms;
  if (event->dir == DIR_OUT) cr_assert(event->number.len >= 9 && event->number.data[0] == '0');
  if (event->dir == DIR_OUT) cr_assert(memcmp(event->trunk.data, "PJSIP/trunk", 11) == 0);
}

static void told_event(struct told *told, const struct call_event *event) {
  if (event->type == EVENT_CALL_START) {
    told_start(told, event);
    return;
  }
  struct told_call *call = told_find(told, event->call);
  cr_assert(call && !call->ended, "an event of no open call");
  if (event->type == EVENT_CALL_ANSWER) {
    call->answered = true;
    call->answer_ms = event->ts_ms;
  }
  if (event->type == EVENT_CALL_HOLD) call->held_ms = event->ts_ms;
  if (event->type == EVENT_CALL_RETRIEVE) call->hold_ms += event->ts_ms - call->held_ms;
  if (event->type == EVENT_CALL_LOST) call->lost = call->ended = true;
  if (event->type != EVENT_CALL_END) return;
  call->ended = true;
  cr_assert_eq(call->answered, event->outcome == OUTCOME_ANSWERED);
  cr_assert_neq(event->outcome, OUTCOME_UNKNOWN);
  if (!call->answered) return;
  call->talk_ms = event->talk_ms;
  cr_assert_geq(event->talk_ms, 0);
  cr_assert_leq(event->talk_ms, event->ts_ms - call->answer_ms + 2);
}

/* --- playing --- */

struct player {
  void *ami;
  struct told *told;
  struct slice raw;
  size_t used, given; /* offsets in raw */
  struct writer sent;
};

static void take_all(struct player *player, bool end, msec_t now_ms) {
  struct slice unread = {player->raw.data + player->used, player->given - player->used};
  struct item item;
  enum item_kind kind;
  while ((kind = dialect_ami.next(player->ami, &unread, end, now_ms, &item, &player->sent)) !=
         ITEM_MORE) {
    cr_assert(kind == ITEM_EVENT || kind == ITEM_UP, "item %d: %s", kind, item.message);
    if (kind == ITEM_UP) player->told->up = true;
    if (kind == ITEM_EVENT) told_event(player->told, &item.event);
  }
  player->used = (size_t)(unread.data - player->raw.data);
  cr_assert_eq(player->used + unread.len, player->given);
}

static void give(struct player *player, size_t upto, enum cut cut, msec_t now_ms) {
  size_t step = cut == CUT_BYTES ? 1 : upto - player->given;
  while (player->given < upto) {
    player->given += step;
    take_all(player, false, now_ms);
  }
}

/* Gives all reads that lie before `upto`; all at once: when the first one came. */
static void give_reads(struct player *player, const json_t *reads, size_t *at, size_t upto,
                       enum cut cut) {
  msec_t first_ms = time_of(json_array_get(reads, *at));
  for (; *at < json_array_size(reads); ++*at) {
    const json_t *read = json_array_get(reads, *at);
    size_t to = (size_t)(int_of(read, "off") + int_of(read, "len"));
    if (to > upto) break;
    if (cut != CUT_WHOLE) give(player, to, cut, time_of(read));
  }
  if (cut == CUT_WHOLE) give(player, upto, cut, first_ms);
}

static void play(const char *scenario, const char *user, enum cut cut, struct told *told) {
  char name[64];
  struct crew crew;
  crew_make(&crew);
  struct dialect_setup setup = {
      .source = "pbx1", .username = "callpace", .secret = "x", .roster = &crew.now};
  struct player player = {.ami = dialect_ami.open(&setup), .told = told};
  snprintf(name, sizeof name, "%s.raw.gz", user);
  char *raw = load(scenario, name, &player.raw.len);
  player.raw.data = raw;
  snprintf(name, sizeof name, "%s.timing.jsonl.gz", user);
  json_t *reads = load_lines(scenario, name);
  snprintf(name, sizeof name, "%s.sent.jsonl", user);
  json_t *acts = load_lines(scenario, name);
  size_t i, at = 0;
  json_t *act;
  json_array_foreach(acts, i, act) {
    size_t off = (size_t)int_of(act, "off");
    const char *connect = json_string_value(json_object_get(act, "connect"));
    bool disconnect = json_object_get(act, "disconnect") != NULL;
    if (!disconnect && !connect) continue;
    give_reads(&player, reads, &at, off, cut);
    if (connect && strcmp(connect, "ok") == 0) {
      dialect_ami.greet(player.ami, time_of(act), &player.sent);
      player.used = player.given = off;
      take_all(&player, false, time_of(act));
    } else if (disconnect) {
      take_all(&player, true, time_of(act));
      dialect_ami.lost(player.ami, time_of(act));
    }
  }
  cr_assert_eq(player.given, player.raw.len);
  dialect_ami.close(player.ami);
  writer_free(&player.sent);
  json_decref(reads);
  json_decref(acts);
  free(raw);
  crew_free(&crew);
}

/* --- against the truth --- */

struct sums {
  int dials, answered, offered, in_answered;
  double talk_s, in_talk_s;
};

static struct sums told_sums(const struct told *told, const char *agent) {
  struct sums sums = {0};
  for (size_t i = 0; i < told->count; i++) {
    const struct told_call *call = &told->calls[i];
    if (strcmp(call->agent, agent) != 0) continue;
    double talk_s = (double)call->talk_ms / 1000.0;
    if (call->dir == DIR_OUT) {
      sums.dials++;
      sums.answered += call->answered;
      sums.talk_s += talk_s;
    } else if (call->dir == DIR_IN) {
      sums.offered++;
      sums.in_answered += call->answered;
      sums.in_talk_s += talk_s;
    }
  }
  return sums;
}

/* A received transfer is an inbound call too: the truth lists who went on with
 * the customer. */
static int transfers_to(const json_t *truth, const char *agent) {
  int count = 0;
  size_t i;
  json_t *call;
  json_array_foreach(json_object_get(truth, "calls"), i, call) {
    const json_t *segments = json_object_get(call, "segments");
    for (size_t k = 1; k < json_array_size(segments); k++) {
      const json_t *who = json_object_get(json_array_get(segments, k), "agent");
      count += who && strcmp(json_string_value(who), agent) == 0;
    }
  }
  return count;
}

static struct sums true_sums(const json_t *truth, const char *agent) {
  const json_t *sums = json_object_get(json_object_get(truth, "per_agent"), agent);
  int transfers = transfers_to(truth, agent);
  return (struct sums){(int)int_of(sums, "out_attempts"),
                       (int)int_of(sums, "out_answered"),
                       (int)int_of(sums, "in_offered") + transfers,
                       (int)int_of(sums, "in_answered") + transfers,
                       number_of(sums, "out_talk_s"),
                       number_of(sums, "in_talk_s") + number_of(sums, "xfer_talk_s")};
}

struct recording {
  const char *scenario, *user;
  double more_s; /* tolerance beyond the usual one, in all */
  bool timestamps;
};

static void compare(const struct recording *recording, enum cut cut, const char *agent,
                    struct sums told, struct sums truth) {
  char where[128];
  snprintf(where, sizeof where, "%s %s, %s, %s", recording->scenario, recording->user,
           cut_names[cut], agent);
  cr_expect_eq(told.dials, truth.dials, "%s: %d dials, not %d", where, told.dials, truth.dials);
  cr_expect_eq(told.answered, truth.answered, "%s: %d answered, not %d", where, told.answered,
               truth.answered);
  cr_expect_eq(told.offered, truth.offered, "%s: %d offered, not %d", where, told.offered,
               truth.offered);
  cr_expect_eq(told.in_answered, truth.in_answered, "%s: %d inbound, not %d", where,
               told.in_answered, truth.in_answered);
  /* All at once, without time stamps, everything happens at one moment. */
  if (cut == CUT_WHOLE && !recording->timestamps) return;
  double out_max = 0.06 * (truth.answered + 1) + recording->more_s;
  double in_max = 0.06 * (truth.in_answered + 1) + recording->more_s;
  cr_expect_leq(fabs(told.talk_s - truth.talk_s), out_max, "%s: talk %.3f s, not %.3f s", where,
                told.talk_s, truth.talk_s);
  cr_expect_leq(fabs(told.in_talk_s - truth.in_talk_s), in_max,
                "%s: inbound talk %.3f s, not %.3f s", where, told.in_talk_s, truth.in_talk_s);
}

/* f_reconnect, where the client itself was away for six seconds: what lay wholly
 * in the gap is not seen, what ended in it is lost without talk, and the listing
 * tells times in whole seconds. */
static void expect_gap(const char *agent, struct sums *truth) {
  bool unseen = strcmp(agent, "agent10") == 0 || strcmp(agent, "agent12") == 0;
  if (unseen) *truth = (struct sums){0};
  if (strcmp(agent, "agent01") == 0) truth->talk_s = 0;
}

static const char *text_of(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  return text ? text : "";
}

static const char *queue_of(const char *did) {
  if (strcmp(did, "0800111222") == 0) return "sales";
  return strcmp(did, "0800111333") == 0 ? "support" : "";
}

/* A call as the telephones saw it stands once among those that were told: whose,
 * which way, the number, the queue, and whether it was answered. */
static struct told_call *match(struct told *told, const json_t *call) {
  bool out = strcmp(text_of(call, "kind"), "outbound") == 0;
  bool answered = json_is_true(json_object_get(call, "answered"));
  for (size_t i = 0; i < told->count; i++) {
    struct told_call *at = &told->calls[i];
    if (at->matched || at->dir != (out ? DIR_OUT : DIR_IN) || at->answered != answered) continue;
    if (strcmp(at->agent, text_of(call, "agent")) != 0 ||
        strcmp(at->number, text_of(call, "number")) != 0)
      continue;
    if (!out && strcmp(at->queue, queue_of(text_of(call, "via"))) != 0) continue;
    at->matched = true;
    return at;
  }
  return NULL;
}

static void match_calls(const struct recording *recording, enum cut cut, struct told *told,
                        const json_t *truth) {
  size_t i;
  json_t *call;
  json_array_foreach(json_object_get(truth, "calls"), i, call) {
    bool out = strcmp(text_of(call, "kind"), "outbound") == 0;
    bool in = strcmp(text_of(call, "kind"), "inbound") == 0 && *text_of(call, "agent");
    if (!in && !(out && json_is_true(json_object_get(call, "counts_as_attempt")))) continue;
    const struct told_call *found = match(told, call);
    cr_expect(found, "%s %s, %s: call of %s with %s: %s", recording->scenario, recording->user,
              cut_names[cut], text_of(call, "agent"), text_of(call, "number"),
              text_of(call, "label"));
    double hold_s = number_of(call, "hold_s");
    if (!found || hold_s <= 0 || cut == CUT_WHOLE) continue;
    cr_expect_leq(fabs((double)found->hold_ms / 1000.0 - hold_s), 0.1, "%s: hold",
                  text_of(call, "label"));
  }
}

static void check(const struct recording *recording) {
  size_t len;
  char *text = load(recording->scenario, "truth.json.gz", &len);
  json_t *truth = json_loadb(text, len, 0, NULL);
  cr_assert(truth);
  bool gap = strcmp(recording->scenario, "f_reconnect") == 0 && strcmp(recording->user, "ami") == 0;
  struct told *told = mem_alloc(sizeof *told);
  for (enum cut cut = 0; cut < CUTS; cut++) {
    memset(told, 0, sizeof *told);
    play(recording->scenario, recording->user, cut, told);
    cr_expect(told->up);
    if (!gap) match_calls(recording, cut, told, truth);
    for (size_t i = 0; i < told->count; i++)
      cr_expect(told->calls[i].ended, "%s: %s never ended", recording->scenario, told->calls[i].id);
    for (int i = 1; i <= AGENTS; i++) {
      char agent[16];
      snprintf(agent, sizeof agent, "agent%02d", i);
      struct sums expected = true_sums(truth, agent);
      if (gap) expect_gap(agent, &expected);
      /* It is offered one transfer more, which it refuses. */
      bool refuses = strcmp(recording->scenario, "d_transfers") == 0 && i == 3;
      expected.offered += refuses;
      compare(recording, cut, agent, told_sums(told, agent), expected);
    }
  }
  free(told);
  json_decref(truth);
  free(text);
}

#define RECORDING(scenario, user_name, test_name, more, timestamps)                                \
  Test(ami_recordings, test_name) {                                                                \
    check(&(struct recording){#scenario, user_name, more, timestamps});                            \
  }
#define BOTH_USERS(scenario, more, timestamps)                                                     \
  RECORDING(scenario, "ami", scenario##_all, more, timestamps)                                     \
  RECORDING(scenario, "ami-min", scenario##_min, more, timestamps)

BOTH_USERS(a_smoke, 0, false)
BOTH_USERS(a_smoke_ts, 0, true)
BOTH_USERS(b_dispositions, 0, false)
BOTH_USERS(c_queue, 0, false)
BOTH_USERS(d_transfers, 0.4, false)
BOTH_USERS(e_mix, 0, false)
RECORDING(f_reconnect, "ami", f_reconnect_all, 1.0, false)
RECORDING(f_reconnect, "ami-min", f_reconnect_min, 0, false)
BOTH_USERS(g_kill9, 0, false)
BOTH_USERS(h_sysname_reload, 0, true)
