#include <criterion/criterion.h>

#include "callpace/core/roster.h"

Test(roster, class_follows_the_explicit_one_then_the_confirmation) {
  struct agent agent = {.hired = 100, .confirmed_on = DAY_NONE};
  cr_assert_eq(agent_class_on(&agent, 5000), CLASS_NEW);
  agent.confirmed_on = 200;
  cr_assert_eq(agent_class_on(&agent, 199), CLASS_NEW);
  cr_assert_eq(agent_class_on(&agent, 200), CLASS_VETERAN);
  agent.class_given = true;
  agent.given_class = CLASS_NEW;
  cr_assert_eq(agent_class_on(&agent, 300), CLASS_NEW);
  agent.given_class = CLASS_VETERAN;
  cr_assert_eq(agent_class_on(&agent, 1), CLASS_VETERAN);
  cr_assert_str_eq(agent_class_name(CLASS_NEW), "new");
  cr_assert_str_eq(agent_class_name(CLASS_VETERAN), "veteran");
}

Test(roster, an_id_goes_before_an_extension) {
  struct roster *roster = mem_zalloc(sizeof *roster);
  roster->agents = arena_alloc(&roster->arena, 2 * sizeof *roster->agents);
  roster->agents[0].id = arena_dup(&roster->arena, SLICE("1001"));
  roster->agents[1].id = arena_dup(&roster->arena, SLICE("1002"));
  roster->agent_count = 2;
  for (int i = 0; i < 2; i++)
    table_put(&roster->by_id, slice_of(roster->agents[i].id), &roster->agents[i]);
  table_put(&roster->by_extension, SLICE("1002"), &roster->agents[0]);
  table_put(&roster->by_extension, SLICE("PJSIP/1001"), &roster->agents[0]);
  cr_assert_eq(roster_find(roster, SLICE("1002")), &roster->agents[1]);
  cr_assert_eq(roster_find(roster, SLICE("PJSIP/1001")), &roster->agents[0]);
  cr_assert_null(roster_find(roster, SLICE("1003")));
  roster_free(roster);
  roster_free(NULL);
}
