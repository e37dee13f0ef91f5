#include "callpace/simulate.h"

#include <stdlib.h>

#include "callpace/base/mem.h"
#include "callpace/core/call_event.h"

/* One thing that a telephone says; an agent has the next few of them ready. */
enum step_kind {
  STEP_LOGGED_ON,
  STEP_LUNCH,
  STEP_READY,
  STEP_START,
  STEP_ANSWER,
  STEP_HOLD,
  STEP_RETRIEVE,
  STEP_END,
  STEP_MEMBER,
  STEP_LOGGED_OFF
};
struct step {
  msec_t at;
  enum step_kind kind;
};
enum { STEPS_MAX = 8 };

struct seat {
  struct person person;
  struct dice dice;
  struct step steps[STEPS_MAX];
  unsigned step_count, step_at;
  msec_t lunch_at, leave_at; /* of the day at hand; lunch MSEC_MAX once taken */
  day_t day;
  unsigned calls_today, call_number; /* call_number: rises over all days */
  /* the call at hand */
  enum call_dir dir;
  enum call_outcome outcome;
  uint64_t customer;
};

struct simulation {
  struct simulate_options options;
  struct seat *seats;
  unsigned *heap; /* seats by time of their next step */
  unsigned heap_count;
  day_t end_day; /* first day no more simulated */
  msec_t tick_at;
  msec_t gap_end; /* of the gap at hand, MSEC_NONE outside */
  uint64_t lines;
};

static msec_t at_clock(const struct simulation *s, day_t day, int hour, int minute) {
  return day * MSEC_PER_DAY + hour * (msec_t)MSEC_PER_HOUR + minute * (msec_t)MSEC_PER_MIN -
         s->options.utc_offset_ms;
}

static void add_step(struct seat *seat, msec_t at, enum step_kind kind) {
  if (seat->step_count < STEPS_MAX) seat->steps[seat->step_count++] = (struct step){at, kind};
}

static bool seat_done(const struct seat *seat) {
  return seat->step_at == seat->step_count;
}

/* Seats where something still comes, else MSEC_MAX. */
static msec_t seat_time(const struct seat *seat) {
  return seat_done(seat) ? MSEC_MAX : seat->steps[seat->step_at].at;
}

/* Nobody works at the weekend, nor before the hire date. */
static bool works_on(const struct seat *seat, day_t day) {
  return weekday_of(day) < 5 && day >= seat->person.hired;
}

/* The next working day's morning, from seat->day on. */
static void plan_morning(struct simulation *s, struct seat *seat) {
  while (seat->day < s->end_day && !works_on(seat, seat->day))
    seat->day++;
  if (seat->day >= s->end_day) return;
  struct dice *dice = &seat->dice;
  msec_t come = at_clock(s, seat->day, 8, 52) + dice_below(dice, 9 * MSEC_PER_MIN);
  if (seat->person.late) come += 40 * MSEC_PER_MIN + dice_below(dice, 80 * MSEC_PER_MIN);
  seat->lunch_at = at_clock(s, seat->day, 11, 52) + dice_below(dice, 10 * MSEC_PER_MIN);
  seat->leave_at = at_clock(s, seat->day, 17, 57) + dice_below(dice, 8 * MSEC_PER_MIN);
  if (seat->person.on_leave && seat->day == s->options.start) {
    seat->leave_at = seat->lunch_at;
    seat->lunch_at = MSEC_MAX;
  }
  seat->calls_today = 0;
  add_step(seat, come, STEP_LOGGED_ON);
}

static msec_t ms_between(double value, double least, double most) {
  return (msec_t)(value < least ? least : value > most ? most : value);
}

/* A call that begins at `at`: who, how long it rings, what comes of it. */
static void plan_call(struct seat *seat, msec_t at) {
  const struct person *p = &seat->person;
  struct dice *dice = &seat->dice;
  unsigned way = dice_below(dice, 1000);
  seat->dir = way < 25 ? DIR_IN : way < 37 ? DIR_INTERNAL : DIR_OUT;
  seat->customer = 13000000000u + dice_next(dice) % 5999999999u;
  seat->calls_today++;
  seat->call_number++;
  add_step(seat, at, STEP_START);
  double answer_rate = seat->dir == DIR_OUT ? p->answer_rate : 0.92;
  if (dice_real(dice) >= answer_rate) {
    unsigned fate = dice_below(dice, 100);
    double ring_ms = fate < 68 ? 22000 + 23000 * dice_real(dice) : 1500 + 9000 * dice_real(dice);
    seat->outcome = fate < 68   ? OUTCOME_NO_ANSWER
                    : fate < 85 ? OUTCOME_BUSY
                    : fate < 95 ? OUTCOME_CANCELLED
                                : OUTCOME_FAILED;
    add_step(seat, at + (msec_t)ring_ms, STEP_END);
    return;
  }
  seat->outcome = OUTCOME_ANSWERED;
  at += ms_between(dice_log_normal(dice, 9000, 0.5), 1200, 44000);
  add_step(seat, at, STEP_ANSWER);
  double talk_ms = dice_log_normal(dice, p->talk_median_ms, p->talk_sigma);
  if (seat->dir == DIR_INTERNAL) talk_ms /= 4;
  msec_t talk = ms_between(talk_ms, 2500, 45.0 * MSEC_PER_MIN);
  if (talk > MSEC_PER_MIN && dice_below(dice, 100) < 6) {
    add_step(seat, at + talk / 3, STEP_HOLD);
    add_step(seat, at + talk / 3 + 8000 + dice_below(dice, 12000), STEP_RETRIEVE);
  }
  add_step(seat, at + talk, STEP_END);
  if (seat->dir == DIR_OUT && dice_below(dice, 100) < 48)
    add_step(seat, at + talk + 1000 + dice_below(dice, 8000), STEP_MEMBER);
}

/* What the agent does after `at`, when all that was planned is done. */
static void plan_next(struct simulation *s, struct seat *seat, struct step last) {
  struct dice *dice = &seat->dice;
  seat->step_count = seat->step_at = 0;
  if (last.kind == STEP_LOGGED_OFF) {
    seat->day++;
    plan_morning(s, seat);
    return;
  }
  double pause = dice_log_normal(dice, seat->person.pause_median_ms, 0.55);
  msec_t at = last.at + ms_between(pause, 4000, 15.0 * MSEC_PER_MIN);
  if (at >= seat->leave_at) {
    add_step(seat, last.at > seat->leave_at ? last.at + 2000 : seat->leave_at, STEP_LOGGED_OFF);
  } else if (at >= seat->lunch_at) {
    msec_t from = last.at > seat->lunch_at ? last.at + 3000 : seat->lunch_at;
    seat->lunch_at = MSEC_MAX;
    add_step(seat, from, STEP_LUNCH);
    add_step(seat, from + 55 * MSEC_PER_MIN + dice_below(dice, 8 * MSEC_PER_MIN), STEP_READY);
  } else {
    plan_call(seat, at);
  }
}

/* Ties go to the smaller number, so that the order is always the same. */
static bool sooner(const struct simulation *s, unsigned a, unsigned b) {
  msec_t at_a = seat_time(&s->seats[a]), at_b = seat_time(&s->seats[b]);
  return at_a != at_b ? at_a < at_b : a < b;
}

static void sift_down(struct simulation *s, unsigned at) {
  unsigned moved = s->heap[at];
  for (;;) {
    unsigned child = 2 * at + 1;
    if (child >= s->heap_count) break;
    if (child + 1 < s->heap_count && sooner(s, s->heap[child + 1], s->heap[child])) child++;
    if (!sooner(s, s->heap[child], moved)) break;
    s->heap[at] = s->heap[child];
    at = child;
  }
  s->heap[at] = moved;
}

struct simulation *simulation_new(const struct simulate_options *options) {
  struct simulation *s = mem_zalloc(sizeof *s);
  s->options = *options;
  s->seats = mem_zalloc(options->agents * sizeof *s->seats);
  s->heap = mem_alloc(options->agents * sizeof *s->heap);
  s->heap_count = options->agents;
  s->end_day = options->start + (day_t)options->days;
  s->tick_at = at_clock(s, options->start, 0, 0);
  s->gap_end = MSEC_NONE;
  for (unsigned i = 0; i < options->agents; i++) {
    struct seat *seat = &s->seats[i];
    seat->person = person_of(options, i);
    seat->dice = dice_of(options->seed, 4, i);
    seat->day = options->start;
    plan_morning(s, seat);
    s->heap[i] = i;
  }
  for (unsigned i = options->agents / 2; i-- > 0;)
    sift_down(s, i);
  return s;
}

void simulation_free(struct simulation *simulation) {
  if (!simulation) return;
  free(simulation->seats);
  free(simulation->heap);
  free(simulation);
}

uint64_t simulation_lines(const struct simulation *simulation) {
  return simulation->lines;
}

static void begin_line(const char *type, msec_t at, struct writer *out) {
  put_text(out, "{\"type\":\"");
  put_text(out, type);
  put_text(out, "\",\"ts\":");
  put_int(out, at);
}

static void put_call_id(const struct simulation *s, const struct seat *seat, struct writer *out) {
  put_text(out, ",\"call\":\"");
  put_uint(out, s->options.seed);
  put_char(out, '-');
  put_int(out, s->options.start);
  put_char(out, '-');
  put_uint(out, 1001 + seat->person.number);
  put_char(out, '-');
  put_uint(out, seat->call_number);
  put_char(out, '"');
}

static void put_agent(const struct seat *seat, struct writer *out) {
  put_text(out, ",\"agent\":\"");
  put_uint(out, 1001 + seat->person.number);
  put_char(out, '"');
}

static void put_agent_state(const struct seat *seat, msec_t at, const char *rest,
                            struct writer *out) {
  begin_line("agent.state", at, out);
  put_agent(seat, out);
  put_text(out, rest);
}

static void put_start(const struct simulation *s, const struct seat *seat, msec_t at,
                      struct writer *out) {
  begin_line("call.start", at, out);
  put_call_id(s, seat, out);
  put_agent(seat, out);
  put_text(out, ",\"dir\":\"");
  put_text(out, call_dir_name(seat->dir));
  put_text(out, "\",\"number\":\"");
  put_uint(out,
           seat->dir == DIR_INTERNAL ? 1001 + seat->customer % s->options.agents : seat->customer);
  put_char(out, '"');
}

static void put_end(const struct simulation *s, const struct seat *seat, msec_t at,
                    struct writer *out) {
  begin_line("call.end", at, out);
  put_call_id(s, seat, out);
  put_text(out, ",\"outcome\":\"");
  put_text(out, call_outcome_name(seat->outcome));
  put_char(out, '"');
}

static void put_call_step(const struct simulation *s, const struct seat *seat, const char *type,
                          msec_t at, struct writer *out) {
  begin_line(type, at, out);
  put_call_id(s, seat, out);
}

static void put_step(const struct simulation *s, const struct seat *seat, struct step step,
                     struct writer *out) {
  switch (step.kind) {
  case STEP_LOGGED_ON: put_agent_state(seat, step.at, ",\"state\":\"logged_on\"", out); break;
  case STEP_LUNCH:
    put_agent_state(seat, step.at, ",\"state\":\"not_ready\",\"reason\":\"lunch\"", out);
    break;
  case STEP_READY: put_agent_state(seat, step.at, ",\"state\":\"ready\"", out); break;
  case STEP_LOGGED_OFF: put_agent_state(seat, step.at, ",\"state\":\"logged_off\"", out); break;
  case STEP_START: put_start(s, seat, step.at, out); break;
  case STEP_ANSWER: put_call_step(s, seat, "call.answer", step.at, out); break;
  case STEP_HOLD: put_call_step(s, seat, "call.hold", step.at, out); break;
  case STEP_RETRIEVE: put_call_step(s, seat, "call.retrieve", step.at, out); break;
  case STEP_END: put_end(s, seat, step.at, out); break;
  case STEP_MEMBER:
    begin_line("member.developed", step.at, out);
    put_agent(seat, out);
    put_text(out, ",\"member\":\"");
    put_uint(out, seat->customer);
    put_char(out, '"');
    break;
  }
  put_text(out, "}\n");
}

/* Within the gap of a day nothing is seen but the time. */
static bool in_gap(const struct simulation *s, msec_t at) {
  if (s->options.gap_from_ms == MSEC_NONE) return false;
  msec_t of_day = (at + s->options.utc_offset_ms) % MSEC_PER_DAY;
  return of_day >= s->options.gap_from_ms && of_day < s->options.gap_to_ms;
}

static void put_tick(struct simulation *s, struct writer *out) {
  msec_t midnight = s->tick_at - (s->tick_at + s->options.utc_offset_ms) % MSEC_PER_DAY;
  if (in_gap(s, s->tick_at)) {
    s->gap_end = midnight + s->options.gap_to_ms;
  } else if (s->gap_end != MSEC_NONE) {
    begin_line("source.gap", s->tick_at, out);
    put_text(out, ",\"from\":");
    put_int(out, s->gap_end - (s->options.gap_to_ms - s->options.gap_from_ms));
    put_text(out, ",\"to\":");
    put_int(out, s->gap_end);
    put_text(out, "}\n");
    s->gap_end = MSEC_NONE;
    s->lines++;
  }
  begin_line("tick", s->tick_at, out);
  put_text(out, "}\n");
  s->lines++;
  s->tick_at += MSEC_PER_MIN;
}

static void take_step(struct simulation *s, struct writer *out) {
  struct seat *seat = &s->seats[s->heap[0]];
  struct step step = seat->steps[seat->step_at++];
  if (!in_gap(s, step.at)) {
    put_step(s, seat, step, out);
    s->lines++;
  }
  if (seat_done(seat)) plan_next(s, seat, step);
  sift_down(s, 0);
}

bool simulation_write(struct simulation *simulation, size_t room, struct writer *out) {
  struct simulation *s = simulation;
  msec_t last_tick = at_clock(s, s->end_day, 0, 0);
  size_t wanted = out->len + room;
  while (out->len < wanted) {
    msec_t at = seat_time(&s->seats[s->heap[0]]);
    if (at == MSEC_MAX && s->tick_at > last_tick) return false;
    if (s->tick_at <= at && s->tick_at <= last_tick)
      put_tick(s, out);
    else
      take_step(s, out);
  }
  return true;
}
