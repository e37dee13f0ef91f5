#include <criterion/criterion.h>

#include "callpace/core/call_event.h"

Test(call_event, every_type_name_parses_back) {
  cr_assert_null(call_event_type_name(EVENT_NONE));
  cr_assert_null(call_event_type_name(EVENT_TYPES));
  for (int type = EVENT_NONE + 1; type < EVENT_TYPES; type++) {
    const char *name = call_event_type_name((enum call_event_type)type);
    cr_assert_not_null(name, "type %d has no name", type);
    cr_assert_eq((int)call_event_type_parse(slice_of(name)), type, "%s", name);
  }
}

Test(call_event, near_names_are_none) {
  static const char *const bad[] = {"",          "call", "call.", "call.starT",  "call.start ",
                                    "call.star", "Tick", "ticks", "lead.issued", "agent.stat",
                                    "call.endx"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cr_assert_eq(call_event_type_parse(slice_of(bad[i])), EVENT_NONE, "'%s'", bad[i]);
  cr_assert_eq(call_event_type_parse((struct slice){NULL, 0}), EVENT_NONE);
}

Test(call_event, small_tables_parse_back) {
  for (int i = DIR_OUT; i <= DIR_INTERNAL; i++)
    cr_assert_eq((int)call_dir_parse(slice_of(call_dir_name((enum call_dir)i))), i);
  for (int i = OUTCOME_ANSWERED; i <= OUTCOME_CANCELLED; i++)
    cr_assert_eq((int)call_outcome_parse(slice_of(call_outcome_name((enum call_outcome)i))), i);
  for (int i = AGENT_LOGGED_ON; i <= AGENT_ACW; i++)
    cr_assert_eq((int)agent_state_parse(slice_of(agent_state_name((enum agent_state)i))), i);
  cr_assert_eq(call_dir_parse(SLICE("inn")), DIR_UNKNOWN);
  cr_assert_eq(call_outcome_parse(SLICE("ANSWERED")), OUTCOME_UNKNOWN);
  cr_assert_eq(agent_state_parse(SLICE("paused")), AGENT_STATE_UNKNOWN);
  cr_assert_null(call_dir_name(DIR_UNKNOWN));
  cr_assert_null(call_outcome_name((enum call_outcome)9));
  cr_assert_null(agent_state_name(AGENT_STATE_UNKNOWN));
}
