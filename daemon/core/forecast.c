#include "callpace/core/forecast.h"

__extension__ typedef __int128 wide_t;
__extension__ typedef unsigned __int128 uwide_t;

/* Larger figures are as good as this one, and products of them fit. */
static const int64_t figure_max = 1000000000000;

/* 1.28 deviations on either side hold four fifths of a bell; squared, of 10000. */
enum { RANGE_SQUARED = 16384, TEN_THOUSAND = 10000 };
/* The deviation of an exponential and of their number together: root of 2. */
enum { ROOT_OF_TWO = 141421, HUNDRED_THOUSAND = 100000 };

/* Time as both quotas see it. The figures so far and, for `assumed` of it, the
 * target's pace are what was seen in `seen` of time. */
struct outlook {
  msec_t total, elapsed, left;
  msec_t seen, assumed;
};

static struct outlook outlook_of(const struct pace_facts *facts) {
  struct outlook o = {.total = spans_total(&facts->plan->productive)};
  o.elapsed = spans_elapsed(&facts->plan->productive, facts->now_ms);
  o.left = o.total - o.elapsed;
  o.seen = facts->plan->policy->pace.warmup_ms;
  if (o.seen < o.elapsed) o.seen = o.elapsed;
  if (o.seen < 1) o.seen = 1;
  o.assumed = o.seen - o.elapsed;
  return o;
}

static int64_t clamp(wide_t value, int64_t low, int64_t high) {
  return value < low ? low : value > high ? high : (int64_t)value;
}

static uwide_t root(uwide_t value) {
  uwide_t found = 0;
  for (uwide_t bit = (uwide_t)1 << 126; bit; bit >>= 2) {
    if (value >= found + bit) {
      value -= found + bit;
      found = (found >> 1) + bit;
    } else {
      found >>= 1;
    }
  }
  return found;
}

/* What was seen, in units of 1 / total. What came before the day's time began is no
 * pace. */
static wide_t seen_of(const struct outlook *o, int64_t actual, int64_t target) {
  if (o->elapsed == 0) actual = 0;
  return (wide_t)actual * o->total + (wide_t)target * o->assumed;
}

static int64_t to_come(const struct outlook *o, int64_t actual, int64_t target) {
  wide_t unit = (wide_t)o->total * o->seen;
  wide_t rest = seen_of(o, actual, target) * o->left;
  return clamp((rest + unit / 2) / unit, 0, figure_max);
}

/* Half the range of the calls to come, times `seen`: of their number itself and of
 * the rate it was judged from. One more than was seen, since none seen does not
 * mean that none can come. */
static wide_t half_range(const struct outlook *o, int64_t calls_seen) {
  uwide_t square = (uwide_t)(calls_seen + 1) * (uwide_t)o->left * (uwide_t)(o->left + o->seen);
  return (wide_t)root(square * RANGE_SQUARED / TEN_THOUSAND);
}

static void put_calls(const struct outlook *o, int64_t calls, int64_t target, int64_t calls_seen,
                      struct forecast *out) {
  int64_t rest = to_come(o, calls, target);
  int64_t range = (int64_t)((half_range(o, calls_seen) + o->seen - 1) / o->seen);
  out->calls = calls + rest;
  out->calls_low = calls + (rest > range ? rest - range : 0);
  out->calls_high = calls + rest + range;
}

/* Nobody talks for longer than the time that is left. */
static void put_talk(const struct outlook *o, msec_t talk_ms, msec_t target, int64_t calls_seen,
                     struct forecast *out) {
  msec_t rest = clamp(to_come(o, talk_ms, target), 0, o->left);
  wide_t mean = seen_of(o, talk_ms, target) / o->total / (calls_seen > 0 ? calls_seen : 1);
  msec_t range = clamp(mean * half_range(o, calls_seen) / o->seen * ROOT_OF_TWO / HUNDRED_THOUSAND,
                       0, figure_max);
  out->talk_ms = talk_ms + rest;
  out->talk_low_ms = talk_ms + (rest > range ? rest - range : 0);
  out->talk_high_ms = talk_ms + (o->left - rest > range ? rest + range : o->left);
}

/* Productive time that the rest of a quota takes at the best rate; -1: met, 0: not
 * known, or done by the call that is up. */
static wide_t calls_need(const struct pace_memory *memory, const struct pace_facts *facts) {
  if (memory->calls_met || facts->calls >= facts->plan->calls_target) return -1;
  return (wide_t)(facts->plan->calls_target - facts->calls) *
         (facts->call_cycle_ms > 0 ? facts->call_cycle_ms : 0);
}

static wide_t talk_need(const struct pace_memory *memory, const struct pace_facts *facts) {
  if (memory->talk_met || facts->talk_ms >= facts->plan->talk_target_ms) return -1;
  wide_t need = (wide_t)facts->plan->talk_target_ms - pace_talk_so_far(facts);
  return need > 0 ? need : 0;
}

/* The last moment at which no more than `elapsed` has passed: where a break
 * follows, its end is as good as its beginning. */
static msec_t last_moment(const struct pace_facts *facts, msec_t elapsed) {
  return spans_point(&facts->plan->productive, elapsed + 1) - 1;
}

static void put_binding(const struct outlook *o, const struct pace_memory *memory,
                        const struct pace_facts *facts, struct forecast *out) {
  wide_t calls = calls_need(memory, facts), talk = talk_need(memory, facts);
  wide_t need = calls > talk ? calls : talk;
  out->last_useful_ms = MSEC_NONE;
  out->binds = FORECAST_NONE;
  if (need < 0) return;
  out->binds = calls > talk ? FORECAST_CALLS : FORECAST_TALK;
  if (need > 0 && need <= o->left)
    out->last_useful_ms = last_moment(facts, o->total - (msec_t)need);
}

bool forecast_make(const struct pace_memory *memory, const struct pace_facts *facts,
                   struct forecast *out) {
  const struct day_plan *plan = facts->plan;
  if (plan->exempt || plan->productive.count == 0) return false;
  struct outlook o = outlook_of(facts);
  int64_t calls_target = clamp(plan->calls_target, 0, figure_max);
  msec_t talk_target = clamp(plan->talk_target_ms, 0, figure_max);
  wide_t seen = seen_of(&o, facts->calls, calls_target) + o.total - 1;
  int64_t calls_seen = clamp(seen / o.total, 0, figure_max);
  put_calls(&o, facts->calls, calls_target, calls_seen, out);
  put_talk(&o, pace_talk_so_far(facts), talk_target, calls_seen, out);
  out->productive_left_ms = o.left;
  put_binding(&o, memory, facts, out);
  return true;
}

const char *forecast_quota_name(enum forecast_quota quota) {
  return quota == FORECAST_CALLS ? "calls" : quota == FORECAST_TALK ? "talk" : NULL;
}
