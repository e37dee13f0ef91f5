/* Two clocks: the switch's (Timestamp, Uniqueid, CDR) and ours (arrival). All times
 * of events lie on one of them, or talk would be the difference between the two. */
#include "ami_internal.h"

/* A listing tells whole seconds: a smaller difference says nothing. */
enum { COARSE_MS = 3000, AHEAD_MAX_MS = 5 * 60 * 1000 };

void ami_clock_connected(struct ami_clock *clock) {
  clock->stamped = false;
  clock->listed_ms = MSEC_NONE;
}

msec_t ami_clock_from_ours(const struct ami_clock *clock, msec_t ours_ms) {
  return clock->by_switch ? ours_ms + clock->ahead_ms : ours_ms;
}

msec_t ami_clock_from_switch(const struct ami_clock *clock, msec_t switch_ms) {
  return clock->by_switch ? switch_ms : switch_ms - clock->ahead_ms;
}

/* What talks now goes on talking on the other clock. */
static void change_clock(struct ami_calls *calls, bool by_switch) {
  struct ami_clock *clock = &calls->clock;
  if (clock->by_switch == by_switch) return;
  clock->by_switch = by_switch;
  msec_t by_ms = by_switch ? clock->ahead_ms : -clock->ahead_ms;
  for (struct ami_channel *at = calls->channels.first; at; at = at->next)
    at->leg.talk_since_ms += by_ms;
}

/* Reading late makes the switch's clock look slow: the most that was seen is the
 * nearest. A new connection begins anew, for clocks are set. */
msec_t ami_clock_stamp(struct ami_calls *calls, msec_t stamp_ms, msec_t now_ms) {
  struct ami_clock *clock = &calls->clock;
  if (clock->events && clock->by_switch) return stamp_ms; /* ours follows theirs */
  msec_t ahead_ms = stamp_ms - now_ms;
  bool believed = clock->events || ahead_ms <= AHEAD_MAX_MS;
  if (!believed) {
    change_clock(calls, false);
  } else if (!clock->stamped || (clock->by_switch && ahead_ms > clock->ahead_ms)) {
    clock->ahead_ms = ahead_ms;
  }
  if (!clock->stamped && believed) change_clock(calls, true);
  clock->stamped = true;
  if (clock->events) clock->ahead_ms = 0;
  return clock->by_switch ? stamp_ms : now_ms;
}

void ami_clock_listed(struct ami_clock *clock, msec_t switch_ms, msec_t now_ms) {
  if (clock->listed_ms == MSEC_NONE || switch_ms - now_ms > clock->listed_ms)
    clock->listed_ms = switch_ms - now_ms;
}

void ami_clock_list_complete(struct ami_clock *clock) {
  if (clock->listed_ms == MSEC_NONE || clock->stamped) return;
  if (clock->events && clock->by_switch) return;
  msec_t off_ms = clock->listed_ms - clock->ahead_ms;
  if (off_ms > COARSE_MS || off_ms < -COARSE_MS) clock->ahead_ms = clock->listed_ms;
}
