/* Who is on the roster and was not seen, and who was seen and is not on it: by the
 * boards of the last days, which the running daemon has at hand. */
#include <stdio.h>
#include <string.h>

#include "callpace/control.h"
#include "callpace/core/roster.h"
#include "callpace/doctor.h"

enum { LOOK_BACK_DAYS = 7, NAMED_MAX = 10 };

static json_int_t calls_of(const json_t *agent) {
  return json_number(agent, "dials", 0) + json_number(agent, "inbound", 0) +
         json_number(agent, "open_calls", 0);
}

/* Adds a day's calls by agent. */
static void add_board(const json_t *board, json_t *rostered, json_t *strangers) {
  size_t i;
  const json_t *agent;
  char room[32], state[32];
  json_array_foreach(json_object_get(board, "agents"), i, agent) {
    struct slice id = json_text(agent, "agent", room);
    bool stranger = slice_equal(json_text(agent, "state", state), SLICE("unrostered"));
    json_t *sums = stranger ? strangers : rostered;
    char key[256];
    snprintf(key, sizeof key, "%.*s", (int)id.len, id.data);
    json_int_t sum = json_number(sums, key, 0) + calls_of(agent);
    if (sum > 0) json_object_set_new(sums, key, json_integer(sum));
  }
}

static bool add_days(const struct client_options *options, json_t *rostered, json_t *strangers) {
  struct error error = {0};
  json_t *board = client_ask_once(options, json_pack("{s:s}", "command", "board"), &error);
  day_t today;
  bool known =
      board && day_parse(slice_of(json_string_value(json_object_get(board, "day"))), &today);
  for (int i = 1; board; i++) {
    add_board(board, rostered, strangers);
    json_decref(board);
    if (!known || i == LOOK_BACK_DAYS) return true;
    char day[DAY_TEXT_SIZE];
    day_format(today - i, day);
    board =
        client_ask_once(options, json_pack("{s:s, s:s}", "command", "board", "day", day), &error);
  }
  return false;
}

static void tell_strangers(struct doctor *d, json_t *strangers) {
  struct writer names = {0};
  const char *id;
  json_t *calls;
  unsigned named = 0;
  json_object_foreach(strangers, id, calls) {
    if (named++ == NAMED_MAX) break;
    put_format(&names, "%s%s (%lld)", named > 1 ? ", " : "", id,
               (long long)json_integer_value(calls));
  }
  if (named > NAMED_MAX) put_text(&names, ", …");
  if (named)
    doctor_tell(d, DOCTOR_WARNING, "roster",
                WORDS(d, "add them to an agent's extensions in the roster, then callpace reload",
                      "请把它们加入名册中坐席的 extensions，然后 callpace reload"),
                WORDS(d, "%zu unknown extensions with calls in 7 days: %s",
                      "7 天内有 %zu 个未登记的分机有通话：%s"),
                json_object_size(strangers), writer_text(&names));
  writer_free(&names);
}

static size_t tell_unseen(struct doctor *d, const json_t *seen) {
  const struct roster *roster = d->settings->roster;
  struct writer names = {0};
  size_t unseen = 0;
  for (size_t i = 0; i < roster->agent_count; i++) {
    const char *id = roster->agents[i].id;
    if (json_object_get(seen, id)) continue;
    if (unseen++ < NAMED_MAX) put_format(&names, "%s%s", names.len ? ", " : "", id);
  }
  if (unseen > NAMED_MAX) put_text(&names, ", …");
  if (unseen)
    doctor_tell(d, DOCTOR_WARNING, "roster",
                WORDS(d,
                      "compare their extensions with what the switch calls them (channel name "
                      "up to its last -)",
                      "请核对其 extensions 与交换机中的名称（通道名最后一个 - 之前）"),
                WORDS(d, "%zu of %zu agents without a call in 7 days: %s",
                      "%zu 名（共 %zu 名）坐席 7 天内没有通话：%s"),
                unseen, roster->agent_count, writer_text(&names));
  writer_free(&names);
  return unseen;
}

void doctor_roster(struct doctor *d, const struct client_options *options) {
  json_t *rostered = json_object(), *strangers = json_object();
  if (add_days(options, rostered, strangers)) {
    tell_strangers(d, strangers);
    size_t unseen = tell_unseen(d, rostered);
    if (!unseen && json_object_size(strangers) == 0)
      doctor_tell(d, DOCTOR_OK, "roster", "",
                  WORDS(d, "every agent was seen in 7 days, and nobody else",
                        "7 天内所有坐席都有通话，且没有未登记的分机"));
  }
  json_decref(rostered);
  json_decref(strangers);
}
