#include "callpace/core/call_event.h"

#include <string.h>

static const char *const type_names[EVENT_TYPES] = {
    [EVENT_CALL_START] = "call.start",
    [EVENT_CALL_ANSWER] = "call.answer",
    [EVENT_CALL_HOLD] = "call.hold",
    [EVENT_CALL_RETRIEVE] = "call.retrieve",
    [EVENT_CALL_END] = "call.end",
    [EVENT_CALL_LOST] = "call.lost",
    [EVENT_AGENT_STATE] = "agent.state",
    [EVENT_LEAD_ISSUE] = "lead.issue",
    [EVENT_LEAD_WITHDRAW] = "lead.withdraw",
    [EVENT_MEMBER_DEVELOPED] = "member.developed",
    [EVENT_REVIEW_POINTS] = "review.points",
    [EVENT_SOURCE_GAP] = "source.gap",
    [EVENT_TICK] = "tick",
};
static const char *const dir_names[] = {
    [DIR_OUT] = "out", [DIR_IN] = "in", [DIR_INTERNAL] = "internal"};
static const char *const outcome_names[] = {[OUTCOME_ANSWERED] = "answered",
                                            [OUTCOME_NO_ANSWER] = "no_answer",
                                            [OUTCOME_BUSY] = "busy",
                                            [OUTCOME_FAILED] = "failed",
                                            [OUTCOME_CANCELLED] = "cancelled"};
static const char *const state_names[] = {[AGENT_LOGGED_ON] = "logged_on",
                                          [AGENT_LOGGED_OFF] = "logged_off",
                                          [AGENT_READY] = "ready",
                                          [AGENT_NOT_READY] = "not_ready",
                                          [AGENT_ACW] = "acw"};

#define NAME_OF(names, value)                                                                      \
  ((size_t)(value) < sizeof(names) / sizeof *(names) ? (names)[value] : NULL)

const char *call_event_type_name(enum call_event_type type) {
  return NAME_OF(type_names, type);
}

const char *call_dir_name(enum call_dir dir) {
  return NAME_OF(dir_names, dir);
}

const char *call_outcome_name(enum call_outcome outcome) {
  return NAME_OF(outcome_names, outcome);
}

const char *agent_state_name(enum agent_state state) {
  return NAME_OF(state_names, state);
}

/* Compares with a literal of known length: the compiler makes a few word
 * comparisons of it. */
#define IS(name, literal)                                                                          \
  ((name).len == sizeof(literal) - 1 && memcmp((name).data, literal, sizeof(literal) - 1) == 0)

static enum call_event_type call_type_parse(struct slice name) {
  if (IS(name, "call.start")) return EVENT_CALL_START;
  if (IS(name, "call.end")) return EVENT_CALL_END;
  if (IS(name, "call.answer")) return EVENT_CALL_ANSWER;
  if (IS(name, "call.hold")) return EVENT_CALL_HOLD;
  if (IS(name, "call.retrieve")) return EVENT_CALL_RETRIEVE;
  if (IS(name, "call.lost")) return EVENT_CALL_LOST;
  return EVENT_NONE;
}

enum call_event_type call_event_type_parse(struct slice name) {
  switch (name.len ? name.data[0] : 0) {
  case 'c': return call_type_parse(name);
  case 'a': return IS(name, "agent.state") ? EVENT_AGENT_STATE : EVENT_NONE;
  case 'l':
    if (IS(name, "lead.issue")) return EVENT_LEAD_ISSUE;
    return IS(name, "lead.withdraw") ? EVENT_LEAD_WITHDRAW : EVENT_NONE;
  case 'm': return IS(name, "member.developed") ? EVENT_MEMBER_DEVELOPED : EVENT_NONE;
  case 'r': return IS(name, "review.points") ? EVENT_REVIEW_POINTS : EVENT_NONE;
  case 's': return IS(name, "source.gap") ? EVENT_SOURCE_GAP : EVENT_NONE;
  case 't': return IS(name, "tick") ? EVENT_TICK : EVENT_NONE;
  default: return EVENT_NONE;
  }
}

enum call_dir call_dir_parse(struct slice name) {
  if (IS(name, "out")) return DIR_OUT;
  if (IS(name, "in")) return DIR_IN;
  return IS(name, "internal") ? DIR_INTERNAL : DIR_UNKNOWN;
}

enum call_outcome call_outcome_parse(struct slice name) {
  if (IS(name, "answered")) return OUTCOME_ANSWERED;
  if (IS(name, "no_answer")) return OUTCOME_NO_ANSWER;
  if (IS(name, "busy")) return OUTCOME_BUSY;
  if (IS(name, "failed")) return OUTCOME_FAILED;
  return IS(name, "cancelled") ? OUTCOME_CANCELLED : OUTCOME_UNKNOWN;
}

enum agent_state agent_state_parse(struct slice name) {
  if (IS(name, "ready")) return AGENT_READY;
  if (IS(name, "not_ready")) return AGENT_NOT_READY;
  if (IS(name, "acw")) return AGENT_ACW;
  if (IS(name, "logged_on")) return AGENT_LOGGED_ON;
  return IS(name, "logged_off") ? AGENT_LOGGED_OFF : AGENT_STATE_UNKNOWN;
}
