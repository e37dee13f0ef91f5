/* The switch's legs, and who they are. An agent is bound to a leg once, when it
 * appears, by what the switch knows of the telephone: never by a caller id, which
 * shows the customer's number in a click-to-dial and is copied across legs. */
#include <assert.h>

#include "esl_internal.h"

void esl_text_set(struct esl_text *text, struct slice from) {
  text->len = (uint8_t)(from.len < ESL_NAME_SIZE ? from.len : ESL_NAME_SIZE);
  if (text->len) memcpy(text->data, from.data, text->len);
}

struct slice esl_text_slice(const struct esl_text *text) {
  return (struct slice){text->data, text->len};
}

void esl_legs_init(struct esl_legs *legs) {
  *legs = (struct esl_legs){0};
  pool_init(&legs->pool, sizeof(struct esl_leg));
}

void esl_legs_free(struct esl_legs *legs) {
  table_free(&legs->by_id);
  pool_free(&legs->pool);
}

struct esl_leg *esl_leg_find(const struct esl_legs *legs, struct slice id) {
  return id.len ? table_get(&legs->by_id, id) : NULL;
}

struct esl_leg *esl_leg_add(struct esl_legs *legs, struct slice id) {
  if (id.len == 0 || id.len > ESL_ID_SIZE || legs->count >= ESL_LEGS_MAX) return NULL;
  assert(!esl_leg_find(legs, id));
  struct esl_leg *leg = pool_take(&legs->pool);
  *leg = (struct esl_leg){.next = legs->first,
                          .created_ms = MSEC_NONE,
                          .paused_ms = MSEC_NONE,
                          .id_len = (uint8_t)id.len};
  memcpy(leg->id, id.data, id.len);
  if (leg->next) leg->next->prev = leg;
  legs->first = leg;
  legs->count++;
  table_put(&legs->by_id, (struct slice){leg->id, leg->id_len}, leg);
  return leg;
}

void esl_leg_remove(struct esl_legs *legs, struct esl_leg *leg) {
  table_remove(&legs->by_id, (struct slice){leg->id, leg->id_len});
  if (leg->prev) {
    leg->prev->next = leg->next;
  } else {
    legs->first = leg->next;
  }
  if (leg->next) leg->next->prev = leg->prev;
  legs->count--;
  pool_give(&legs->pool, leg);
}

/* --- who it is --- */

static struct slice before(struct slice text, char c) {
  const char *at = text.len ? memchr(text.data, c, text.len) : NULL;
  return at ? (struct slice){text.data, (size_t)(at - text.data)} : text;
}

static bool is_name(struct slice text) {
  if (text.len == 0 || text.len > ESL_NAME_SIZE) return false;
  for (size_t i = 0; i < text.len; i++) {
    if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7F) return false;
  }
  return true;
}

struct slice esl_agent_of(const struct esl_calls *calls, struct slice user) {
  const struct roster *roster = *calls->roster;
  struct slice bare = before(user, '@');
  if (!is_name(bare)) return (struct slice){0};
  const struct agent *agent = roster ? roster_find(roster, bare) : NULL;
  if (roster && !agent) agent = roster_find(roster, user);
  return agent ? slice_of(agent->id) : bare;
}

/* "sofia/internal/1001@pbx1" -> "1001". */
static struct slice name_user(struct slice name) {
  const char *slash = name.len ? memrchr(name.data, '/', name.len) : NULL;
  if (slash) name = (struct slice){slash + 1, (size_t)(name.data + name.len - slash - 1)};
  return before(name, '@');
}

/* "sofia/external/0600@10.0.0.1" -> "sofia/external". */
static struct slice name_profile(struct slice name) {
  const char *slash = name.len ? memrchr(name.data, '/', name.len) : NULL;
  return slash ? (struct slice){name.data, (size_t)(slash - name.data)} : name;
}

static bool is_loopback(struct slice name) {
  return name.len >= 9 && memcmp(name.data, "loopback/", 9) == 0;
}

/* The user that this leg rings. The variable is copied to the leg that dials it:
 * that one then is the originating side of a bridge. */
static bool rings_user(const struct esl_event *event) {
  const struct slice *field = event->field;
  if (!is_name(before(field[KEY_DIALED_USER], '@'))) return false;
  if (field[KEY_ORIGINATOR].len == 0) return true;
  if (!slice_equal(field[KEY_OTHER_TYPE], SLICE("originatee"))) return true;
  return slice_equal(name_user(field[KEY_CHANNEL_NAME]), before(field[KEY_DIALED_USER], '@'));
}

static void set_agent(const struct esl_calls *calls, struct esl_leg *leg, struct slice user) {
  leg->kind = LEG_AGENT;
  esl_text_set(&leg->agent, esl_agent_of(calls, user));
}

static void set_originator(struct esl_leg *leg, struct slice id) {
  if (id.len == 0 || id.len > ESL_ID_SIZE) return;
  leg->originator_len = (uint8_t)id.len;
  memcpy(leg->originator, id.data, id.len);
}

/* Each way in which a leg comes to be names its agent elsewhere; the first that
 * applies. */
static void identify(const struct esl_calls *calls, const struct esl_event *event,
                     struct esl_leg *leg) {
  const struct slice *field = event->field;
  bool agent_side = slice_equal(field[KEY_CC_SIDE], SLICE("agent"));
  leg->kind = LEG_CUSTOMER;
  if (slice_equal(field[KEY_OTHER_TYPE], SLICE("originator"))) {
    set_originator(leg, field[KEY_OTHER_ID]);
  } else {
    set_originator(leg, field[KEY_ORIGINATOR]);
  }
  esl_text_set(&leg->other, field[leg->inbound ? KEY_DESTINATION : KEY_CALLER_NUMBER]);
  if (is_loopback(field[KEY_CHANNEL_NAME])) {
    leg->kind = LEG_LOOPBACK;
  } else if (agent_side && is_name(before(field[KEY_CC_AGENT], '@'))) {
    set_agent(calls, leg, field[KEY_CC_AGENT]);
    esl_text_set(&leg->queue, before(field[KEY_CC_QUEUE], '@'));
    set_originator(leg, field[KEY_CC_MEMBER]);
    leg->dialled = true;
  } else if (leg->inbound && is_name(field[KEY_USER_NAME])) {
    set_agent(calls, leg, field[KEY_USER_NAME]);
  } else if (!leg->inbound && rings_user(event)) {
    set_agent(calls, leg, field[KEY_DIALED_USER]);
    leg->dialled = leg->originator_len > 0;
  } else {
    esl_text_set(&leg->other, field[leg->inbound ? KEY_CALLER_NUMBER : KEY_DESTINATION]);
    struct slice gateway = field[KEY_GATEWAY];
    esl_text_set(&leg->trunk, gateway.len ? gateway : name_profile(field[KEY_CHANNEL_NAME]));
  }
}

void esl_leg_identify(const struct esl_calls *calls, const struct esl_event *event,
                      struct esl_leg *leg, msec_t ts_ms) {
  const struct slice *field = event->field;
  msec_t created = esl_time(field[KEY_CREATED]);
  leg->guessed = false;
  leg->created_ms = created == MSEC_NONE || created > calls->latest_ms ? ts_ms : created;
  leg->inbound = slice_equal(field[KEY_DIRECTION], SLICE("inbound"));
  identify(calls, event, leg);
}

struct esl_leg *esl_leg_seen(struct esl_calls *calls, const struct esl_event *event, msec_t ts_ms) {
  struct slice id = event->field[KEY_ID];
  struct esl_leg *leg = esl_leg_find(&calls->legs, id);
  if (!leg) {
    leg = esl_leg_add(&calls->legs, id);
    if (!leg) return calls->full = true, NULL;
    esl_leg_identify(calls, event, leg, ts_ms);
  }
  leg->seen = calls->round;
  return leg;
}

/* --- of a listing --- */

void esl_leg_guess(const struct esl_calls *calls, const struct esl_event *row,
                   struct esl_leg *leg) {
  const struct slice *field = row->field;
  const struct roster *roster = *calls->roster;
  struct slice name = field[KEY_ROW_NAME], users[] = {field[KEY_ROW_PRESENCE], name_user(name)};
  leg->guessed = true;
  leg->inbound = slice_equal(field[KEY_ROW_DIRECTION], SLICE("inbound"));
  leg->kind = is_loopback(name) ? LEG_LOOPBACK : LEG_CUSTOMER;
  for (size_t i = 0; i < 2 && leg->kind == LEG_CUSTOMER && roster; i++) {
    struct slice bare = before(users[i], '@');
    if (roster_find(roster, bare) || roster_find(roster, users[i])) set_agent(calls, leg, users[i]);
  }
  bool dials = leg->kind == LEG_AGENT ? leg->inbound : !leg->inbound;
  esl_text_set(&leg->other, field[dials ? KEY_ROW_DESTINATION : KEY_ROW_CALLER]);
  if (leg->kind == LEG_CUSTOMER) esl_text_set(&leg->trunk, name_profile(name));
}
