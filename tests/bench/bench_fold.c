/* How long the fold takes for one event: 1,000 agents, calls of start, answer
 * and end, 50,000 of them remembered; and the memory of a large centre. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../unit/centre_fixture.h"

enum { AGENTS = 1000, CALLS = 600000, REMEMBERED = 50000 };

static struct slice call_name(char text[32], unsigned number) {
  int len = snprintf(text, 32, "pbx1/1795400000.%u", number);
  return (struct slice){text, (size_t)len};
}

/* One call after the other on every agent: `AGENTS` calls are up at a time. */
static double run(struct centre *centre, msec_t begin) {
  char(*names)[32] = mem_alloc((size_t)CALLS * 32);
  struct slice *ids = mem_alloc((size_t)CALLS * sizeof *ids);
  for (unsigned i = 0; i < CALLS; i++)
    ids[i] = call_name(names[i], i);
  uint64_t lsn = 0;
  clock_t from = clock();
  for (unsigned i = 0; i < CALLS + AGENTS; i++) {
    msec_t now = begin + i * 40;
    struct centre_agent *agent = centre_agent_at(centre, i % AGENTS);
    if (i >= AGENTS) {
      struct call_event end = call_event_of(EVENT_CALL_END, now);
      end.call = ids[i - AGENTS];
      end.outcome = OUTCOME_ANSWERED;
      centre_apply(centre, &end, now, ++lsn);
    }
    if (i >= AGENTS / 2 && i - AGENTS / 2 < CALLS) {
      struct call_event answer = call_event_of(EVENT_CALL_ANSWER, now);
      answer.call = ids[i - AGENTS / 2];
      centre_apply(centre, &answer, now, ++lsn);
    }
    if (i < CALLS) {
      struct call_event start = call_event_of(EVENT_CALL_START, now);
      start.call = ids[i];
      start.agent = (struct slice){agent->id, 4};
      centre_apply(centre, &start, now, ++lsn);
    }
    if (i % 100) continue;
    centre_advance(centre, now, lsn);
    while (centre_next_dirty_day(centre) || centre_next_to_judge(centre) ||
           centre_next_dirty_month(centre) || centre_next_dirty_team(centre))
      continue;
  }
  double taken = (double)(clock() - from) * 1e9 / CLOCKS_PER_SEC / (double)lsn;
  free(names);
  free(ids);
  return taken;
}

static void measure_speed(void) {
  struct settings *settings = fixture_settings(AGENTS);
  struct centre *centre = centre_new(settings);
  centre_limits(centre)->calls_max = REMEMBERED;
  msec_t begin = (msec_t)1795395600000;
  centre_advance(centre, begin, 0);
  double ns = run(centre, begin);
  printf(
      "fold: %.0f ns of processor an event (start, answer, end; %d agents, %zu calls remembered)\n",
      ns, AGENTS, centre_counts(centre).calls);
  centre_free(centre);
  settings_free(settings);
}

static size_t heap_in_use(void) {
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

static void measure_memory(void) {
  enum { MANY = 20000 };
  size_t before = heap_in_use();
  struct settings *settings = fixture_settings(MANY);
  size_t roster = heap_in_use();
  struct centre *centre = centre_new(settings);
  msec_t now = (msec_t)1795395600000;
  centre_advance(centre, now, 0);
  size_t agents = heap_in_use();
  for (unsigned i = 0; i < MANY; i++) {
    char text[32];
    struct call_event start = call_event_of(EVENT_CALL_START, now);
    start.call = call_name(text, i);
    start.agent = slice_of(centre_agent_at(centre, i)->id);
    centre_apply(centre, &start, now, i);
  }
  printf("memory: %zu bytes an agent (roster %zu more), %zu an open call\n",
         (agents - roster) / MANY, (roster - before) / MANY, (heap_in_use() - agents) / MANY);
  printf("sizes: call %zu, day_tally %zu, centre_agent %zu\n", sizeof(struct call),
         sizeof(struct day_tally), sizeof(struct centre_agent));
  centre_free(centre);
  settings_free(settings);
}

int main(void) {
  measure_speed();
  measure_memory();
  return 0;
}
