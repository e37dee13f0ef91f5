#include <criterion/criterion.h>
#include <stdlib.h>

#include "callpace/dialect/dialect.h"
#include "callpace/simulate.h"

static struct simulate_options options_of(unsigned agents, unsigned days) {
  struct simulate_options options = {.agents = agents,
                                     .days = days,
                                     .seed = 1,
                                     .utc_offset_ms = 8 * MSEC_PER_HOUR,
                                     .gap_from_ms = MSEC_NONE,
                                     .gap_to_ms = MSEC_NONE};
  day_parse(SLICE("2026-11-23"), &options.start);
  return options;
}

static struct writer lines_of(const struct simulate_options *options) {
  struct simulation *simulation = simulation_new(options);
  struct writer out = {0};
  while (simulation_write(simulation, 1000, &out))
    ;
  simulation_free(simulation);
  return out;
}

/* What one agent has done, by the events alone. */
struct sums {
  unsigned dials, answered, members;
  msec_t talk_ms, answered_at;
  bool outbound, on_call;
};

struct reading {
  struct sums agents[64];
  unsigned events[EVENT_TYPES];
  msec_t first_ms, last_ms, gap_ms;
};

static unsigned agent_number(struct slice text) {
  return (unsigned)strtoul(text.data, NULL, 10) - 1001;
}

static void read_event(struct reading *r, const struct call_event *e, unsigned *agent_of_call) {
  if (e->call.len) { /* SEED-DAY-AGENT-N */
    const char *dash = memchr(e->call.data, '-', e->call.len);
    dash = strchr(dash + 1, '-');
    *agent_of_call = agent_number((struct slice){dash + 1, 4});
  }
  unsigned number = e->call.len ? *agent_of_call : e->agent.len ? agent_number(e->agent) : 0;
  struct sums *s = &r->agents[number];
  cr_assert_geq(e->ts_ms, r->last_ms, "lines are sorted by time");
  if (!r->first_ms) r->first_ms = e->ts_ms;
  r->last_ms = e->ts_ms;
  r->events[e->type]++;
  if (e->type == EVENT_CALL_START) {
    cr_assert_not(s->on_call, "one call at a time");
    s->on_call = true;
    s->outbound = e->dir == DIR_OUT;
    s->answered_at = 0;
    s->dials += s->outbound;
  } else if (e->type == EVENT_CALL_ANSWER) {
    s->answered_at = e->ts_ms;
  } else if (e->type == EVENT_CALL_END) {
    s->on_call = false;
    cr_assert_eq(e->outcome == OUTCOME_ANSWERED, s->answered_at != 0);
    if (s->outbound && s->answered_at) {
      s->answered++;
      s->talk_ms += e->ts_ms - s->answered_at;
    }
  } else if (e->type == EVENT_MEMBER_DEVELOPED) {
    s->members++;
  } else if (e->type == EVENT_SOURCE_GAP) {
    r->gap_ms += e->to_ms - e->from_ms;
  }
}

/* Reads the lines as the daemon would; every one must be taken. */
static struct reading read_lines(const struct writer *out) {
  static struct reading reading;
  struct dialect_setup setup = {.events_clock = true};
  void *self = dialect_native.open(&setup);
  struct slice unread = {out->data, out->len};
  struct item item;
  enum item_kind kind;
  unsigned agent = 0;
  memset(&reading, 0, sizeof reading);
  while ((kind = dialect_native.next(self, &unread, true, 0, &item, NULL)) != ITEM_MORE) {
    cr_assert_eq(kind, ITEM_EVENT, "%s", item.message);
    read_event(&reading, &item.event, &agent);
  }
  dialect_native.close(self);
  return reading;
}

Test(simulate, is_a_day_that_makes_sense) {
  struct simulate_options options = options_of(40, 1);
  struct writer out = lines_of(&options);
  struct reading r = read_lines(&out);
  unsigned met = 0, far = 0;
  for (unsigned i = 0; i < 40; i++) {
    const struct sums *s = &r.agents[i];
    bool veteran = person_of(&options, i).veteran;
    cr_assert_not(s->on_call);
    cr_assert(s->dials > 20 && s->dials < 200, "%u dials", s->dials);
    met += s->answered >= (veteran ? 60u : 50u) &&
           s->talk_ms >= (veteran ? 150 : 120) * (msec_t)MSEC_PER_MIN;
    far += s->answered < 40;
  }
  cr_assert(met >= 8 && met <= 30, "%u of 40 met", met);
  cr_assert(far >= 2 && far <= 16, "%u of 40 far behind", far);
  cr_assert_gt(r.events[EVENT_CALL_HOLD], 10);
  cr_assert_eq(r.events[EVENT_CALL_HOLD], r.events[EVENT_CALL_RETRIEVE]);
  cr_assert_gt(r.events[EVENT_MEMBER_DEVELOPED], 400);
  cr_assert_eq(r.events[EVENT_CALL_START], r.events[EVENT_CALL_END]);
  writer_free(&out);
}

Test(simulate, ticks_every_minute_to_the_end_of_the_last_day) {
  struct simulate_options options = options_of(2, 7);
  struct writer out = lines_of(&options);
  struct reading r = read_lines(&out);
  msec_t midnight = options.start * MSEC_PER_DAY - options.utc_offset_ms;
  cr_assert_eq(r.first_ms, midnight);
  cr_assert_eq(r.last_ms, midnight + 7 * MSEC_PER_DAY);
  cr_assert_eq(r.events[EVENT_TICK], 7 * 24 * 60 + 1);
  writer_free(&out);
}

Test(simulate, gives_the_same_for_the_same_seed_only) {
  struct simulate_options options = options_of(5, 1);
  struct writer first = lines_of(&options), second = lines_of(&options);
  cr_assert(slice_equal(writer_slice(&first), writer_slice(&second)));
  options.seed = 2;
  struct writer other = lines_of(&options);
  cr_assert_not(slice_equal(writer_slice(&first), writer_slice(&other)));
  writer_free(&first);
  writer_free(&second);
  writer_free(&other);
}

Test(simulate, more_agents_change_nothing_about_the_first) {
  struct simulate_options few = options_of(20, 1), many = options_of(40, 1);
  struct writer first = lines_of(&few), second = lines_of(&many);
  struct reading a = read_lines(&first);
  struct reading b = read_lines(&second);
  for (unsigned i = 0; i < 20; i++) {
    cr_assert_eq(a.agents[i].dials, b.agents[i].dials);
    cr_assert_eq(a.agents[i].talk_ms, b.agents[i].talk_ms);
  }
  writer_free(&first);
  writer_free(&second);
}

Test(simulate, a_gap_is_told_and_empty) {
  struct simulate_options options = options_of(20, 1);
  options.gap_from_ms = 10 * MSEC_PER_HOUR;
  options.gap_to_ms = options.gap_from_ms + 30 * MSEC_PER_MIN;
  struct simulation *simulation = simulation_new(&options);
  struct writer out = {0};
  while (simulation_write(simulation, 1000, &out))
    ;
  struct dialect_setup setup = {.events_clock = true};
  void *self = dialect_native.open(&setup);
  struct slice unread = writer_slice(&out);
  struct item item;
  msec_t from = options.start * MSEC_PER_DAY - options.utc_offset_ms + options.gap_from_ms;
  unsigned gaps = 0;
  while (dialect_native.next(self, &unread, true, 0, &item, NULL) == ITEM_EVENT) {
    if (item.event.ts_ms >= from && item.event.ts_ms < from + 30 * MSEC_PER_MIN)
      cr_assert_eq(item.event.type, EVENT_TICK);
    if (item.event.type != EVENT_SOURCE_GAP) continue;
    gaps++;
    cr_assert_eq(item.event.from_ms, from);
    cr_assert_eq(item.event.to_ms, from + 30 * MSEC_PER_MIN);
  }
  cr_assert_eq(gaps, 1);
  dialect_native.close(self);
  simulation_free(simulation);
  writer_free(&out);
}
