/* The judgement of one day. Everything is compared as exact fractions, in units
 * of 1/10000 x productive time of the day, so that nothing depends on rounding. */
#include "callpace/core/pace.h"

#include <assert.h>

__extension__ typedef __int128 wide_t;

enum { BP_ONE = 10000 };

const char *pace_state_name(enum pace_state state) {
  static const char *const names[PACE_STATES] = {
      [PACE_MISSED] = "missed",        [PACE_UNREACHABLE] = "unreachable",
      [PACE_BEHIND] = "behind",        [PACE_WARMING] = "warming",
      [PACE_ON_PACE] = "on_pace",      [PACE_MET] = "met",
      [PACE_EXEMPT] = "exempt",        [PACE_UNKNOWN] = "unknown",
      [PACE_UNROSTERED] = "unrostered"};
  return (unsigned)state < PACE_STATES ? names[state] : NULL;
}

/* Where the day stands at one moment. */
struct stand {
  const struct pace_facts *facts;
  const struct spans *productive;
  msec_t total, elapsed;
  bool talking;
};

/* One of the two quotas; `actual` is what is compared: with talk so far. */
struct quota {
  int64_t target, done, actual;
  bool grows; /* by the talk of a call that is up */
};

static bool nothing_to_judge(const struct pace_facts *facts) {
  return facts->plan->exempt || facts->plan->productive.count == 0;
}

static struct stand stand_of(const struct pace_facts *facts) {
  const struct spans *productive = &facts->plan->productive;
  return (struct stand){.facts = facts,
                        .productive = productive,
                        .total = spans_total(productive),
                        .elapsed = spans_elapsed(productive, facts->now_ms),
                        .talking = facts->talking_since_ms != MSEC_NONE &&
                                   facts->talking_since_ms <= facts->now_ms};
}

msec_t pace_talk_so_far(const struct pace_facts *facts) {
  if (facts->talking_since_ms == MSEC_NONE || facts->talking_since_ms >= facts->now_ms)
    return facts->talk_ms;
  return facts->talk_ms + (facts->now_ms - facts->talking_since_ms);
}

msec_t pace_productive_left(const struct pace_facts *facts) {
  const struct spans *productive = &facts->plan->productive;
  return spans_total(productive) - spans_elapsed(productive, facts->now_ms);
}

static struct quota calls_quota(const struct stand *s) {
  return (struct quota){s->facts->plan->calls_target, s->facts->calls, s->facts->calls, false};
}

static struct quota talk_quota(const struct stand *s) {
  return (struct quota){s->facts->plan->talk_target_ms, s->facts->talk_ms,
                        pace_talk_so_far(s->facts), s->talking};
}

/* actual - rate x expected, in the unit above; below means negative. */
static wide_t lead_over(const struct stand *s, int64_t target, int64_t actual, msec_t elapsed,
                        int64_t rate_bp) {
  return (wide_t)actual * s->total * BP_ONE - (wide_t)rate_bp * target * elapsed;
}

/* Narrow arithmetic where it is enough: the answer is asked for at every event. */
static bool is_below(const struct stand *s, const struct quota *q, int64_t rate_bp) {
  int64_t has, needs;
  if (__builtin_mul_overflow(q->actual, s->total * BP_ONE, &has) ||
      __builtin_mul_overflow(q->target, rate_bp * s->elapsed, &needs))
    return lead_over(s, q->target, q->actual, s->elapsed, rate_bp) < 0;
  return has < needs;
}

static int64_t behind_rate(const struct stand *s) {
  return s->facts->plan->policy->pace.behind_below_bp;
}

/* How fast rate x expected rises per ms of productive time, same unit. */
static wide_t demand(const struct quota *q, int64_t rate_bp) {
  return (wide_t)rate_bp * q->target;
}

/* Last productive time elapsed at which a quota that stands still was not below;
 * it is below now, so the demand is not 0. */
static msec_t last_ok_still(const struct stand *s, const struct quota *q) {
  return (msec_t)((wide_t)q->actual * s->total * BP_ONE / demand(q, behind_rate(s)));
}

/* The same for talk that grew since the call was answered: it may have caught up
 * in a break and fallen below again after it, where the target asks for more
 * talk than there is time. -1 when it was below all the while. */
static msec_t last_ok_growing(const struct stand *s, const struct quota *q) {
  msec_t since = s->facts->talking_since_ms, now = s->facts->now_ms;
  for (unsigned i = s->productive->count; i-- > 0;) {
    const struct span *span = &s->productive->at[i];
    if (span->from_ms >= now) continue;
    msec_t at = span->from_ms > since ? span->from_ms : since;
    if (at >= span->to_ms) break;
    msec_t elapsed = spans_elapsed(s->productive, at);
    wide_t lead = lead_over(s, q->target, q->actual - (now - at), elapsed, behind_rate(s));
    if (lead < 0) continue;
    wide_t loss = demand(q, behind_rate(s)) - (wide_t)s->total * BP_ONE;
    assert(loss > 0);
    return elapsed + (msec_t)(lead / loss);
  }
  return -1;
}

static msec_t last_ok(const struct stand *s, const struct quota *q) {
  if (!is_below(s, q, behind_rate(s))) return s->elapsed;
  return q->grows ? last_ok_growing(s, q) : last_ok_still(s, q);
}

/* A crossing before the last note happened under other facts and says nothing; of
 * a quota that is met nothing more is asked. */
static void note_quota(const struct stand *s, const struct quota *q, msec_t noted_ms, msec_t *ok_ms,
                       bool *met) {
  if (*met) return;
  if (q->done >= q->target) *met = true;
  msec_t ok = last_ok(s, q);
  if (ok >= noted_ms && ok > *ok_ms) *ok_ms = ok;
}

void pace_note(struct pace_memory *memory, const struct pace_facts *facts) {
  if (nothing_to_judge(facts)) return;
  struct stand s = stand_of(facts);
  struct quota calls = calls_quota(&s), talk = talk_quota(&s);
  note_quota(&s, &calls, memory->noted_ms, &memory->calls_ok_ms, &memory->calls_met);
  note_quota(&s, &talk, memory->noted_ms, &memory->talk_ok_ms, &memory->talk_met);
  if (s.elapsed > memory->noted_ms) memory->noted_ms = s.elapsed;
}

/* Productive time that the rest takes beyond what is left: unreachable if > 0.
 * Without a known cycle nothing can be said about calls. */
static wide_t calls_overrun(const struct stand *s, const struct quota *q) {
  if (s->facts->call_cycle_ms <= 0) return 0;
  wide_t missing = (wide_t)(q->target - q->actual) * s->facts->call_cycle_ms;
  return missing - (s->total - s->elapsed);
}

static wide_t talk_overrun(const struct stand *s, const struct quota *q) {
  return (wide_t)(q->target - q->actual) - (s->total - s->elapsed);
}

static bool shift_over(const struct pace_facts *facts) {
  return facts->plan->shift_end_ms != MSEC_NONE && facts->now_ms >= facts->plan->shift_end_ms;
}

/* POLICY section 3, the table of states, in the order in which they win. */
static enum pace_state quota_state(const struct stand *s, const struct quota *q, bool met,
                                   msec_t ok_ms, wide_t overrun) {
  const struct policy *policy = s->facts->plan->policy;
  if (met) return PACE_MET;
  if (shift_over(s->facts))
    return s->facts->coverage_bp < policy->coverage_floor_bp ? PACE_UNKNOWN : PACE_MISSED;
  if (s->elapsed < policy->pace.warmup_ms) return PACE_WARMING;
  if (overrun > 0) return PACE_UNREACHABLE;
  if (is_below(s, q, behind_rate(s)) && s->elapsed - ok_ms >= policy->pace.hold_down_ms)
    return PACE_BEHIND;
  return PACE_ON_PACE;
}

static enum pace_state worse_state(enum pace_state a, enum pace_state b) {
  if (a == PACE_UNKNOWN || b == PACE_UNKNOWN) return PACE_UNKNOWN;
  return a < b ? a : b;
}

/* --- when time alone changes something --- */

static void sooner(msec_t *due, msec_t at, msec_t now) {
  if (at > now && at < *due) *due = at;
}

static msec_t after(msec_t now, wide_t length) {
  return length > (wide_t)MSEC_MAX - now ? MSEC_MAX : now + (msec_t)length;
}

/* The moment at which `elapsed` of productive time has passed; MSEC_MAX: never. */
static msec_t moment_of(const struct stand *s, wide_t elapsed) {
  return elapsed > s->total ? MSEC_MAX : spans_point(s->productive, (msec_t)elapsed);
}

/* End of the run of productive or of idle time that holds `now`. */
static msec_t run_end(const struct stand *s, bool *productive) {
  msec_t now = s->facts->now_ms;
  for (unsigned i = 0; i < s->productive->count; i++) {
    const struct span *span = &s->productive->at[i];
    *productive = span->from_ms <= now;
    if (!*productive) return span->from_ms;
    if (span->to_ms > now) return span->to_ms;
  }
  *productive = false;
  return MSEC_MAX;
}

/* First later moment at which growing talk crosses rate x expected, or the end
 * of this run of time, after which the answer has to be sought anew. */
static msec_t growing_crossing(const struct stand *s, const struct quota *q, int64_t rate_bp) {
  bool productive = false;
  msec_t end = run_end(s, &productive);
  wide_t lead = lead_over(s, q->target, q->actual, s->elapsed, rate_bp);
  wide_t gain = (wide_t)s->total * BP_ONE - (productive ? demand(q, rate_bp) : 0);
  msec_t crossing = MSEC_MAX;
  if (lead < 0 && gain > 0) crossing = after(s->facts->now_ms, (-lead + gain - 1) / gain);
  if (lead >= 0 && gain < 0) crossing = after(s->facts->now_ms, lead / -gain + 1);
  return crossing < end ? crossing : end;
}

/* When the hold-down of a quota that stands still runs out. */
static msec_t behind_moment(const struct stand *s, const struct quota *q, msec_t ok_ms) {
  msec_t hold = s->facts->plan->policy->pace.hold_down_ms;
  if (is_below(s, q, behind_rate(s))) return moment_of(s, (wide_t)ok_ms + hold);
  if (q->grows || demand(q, behind_rate(s)) == 0) return MSEC_MAX;
  wide_t crossing = (wide_t)q->actual * s->total * BP_ONE / demand(q, behind_rate(s));
  return moment_of(s, crossing + (hold > 0 ? hold : 1));
}

static void quota_due(const struct stand *s, const struct quota *q, msec_t ok_ms, wide_t overrun,
                      msec_t *due) {
  msec_t now = s->facts->now_ms;
  sooner(due, behind_moment(s, q, ok_ms), now);
  if (!q->grows) {
    if (overrun <= 0) sooner(due, moment_of(s, s->elapsed - overrun + 1), now);
    return;
  }
  sooner(due, growing_crossing(s, q, behind_rate(s)), now);
  if (overrun > 0) sooner(due, after(now, overrun), now);
}

static msec_t due_of(const struct stand *s, const struct pace_memory *memory,
                     const struct quota *calls, const struct quota *talk) {
  const struct pace_facts *facts = s->facts;
  msec_t due = MSEC_MAX;
  if (shift_over(facts)) return due;
  if (facts->plan->shift_end_ms != MSEC_NONE)
    sooner(&due, facts->plan->shift_end_ms, facts->now_ms);
  /* What was expected and covered of the whole day is said of those too. */
  if (memory->calls_met && memory->talk_met) return due;
  if (s->elapsed < facts->plan->policy->pace.warmup_ms)
    sooner(&due, moment_of(s, facts->plan->policy->pace.warmup_ms), facts->now_ms);
  if (facts->talking_since_ms != MSEC_NONE) sooner(&due, facts->talking_since_ms, facts->now_ms);
  if (!memory->calls_met && facts->call_cycle_ms > 0)
    quota_due(s, calls, memory->calls_ok_ms, calls_overrun(s, calls), &due);
  else if (!memory->calls_met)
    sooner(&due, behind_moment(s, calls, memory->calls_ok_ms), facts->now_ms);
  if (!memory->talk_met) quota_due(s, talk, memory->talk_ok_ms, talk_overrun(s, talk), &due);
  return due;
}

void pace_judge(const struct pace_memory *memory, const struct pace_facts *facts,
                struct verdict *out) {
  *out = (struct verdict){.calls_state = PACE_EXEMPT,
                          .talk_state = PACE_EXEMPT,
                          .state = PACE_EXEMPT,
                          .coverage_bp = facts->coverage_bp,
                          .due_ms = MSEC_MAX};
  if (nothing_to_judge(facts)) return;
  struct pace_memory seen = *memory;
  pace_note(&seen, facts);
  struct stand s = stand_of(facts);
  struct quota calls = calls_quota(&s), talk = talk_quota(&s);
  out->calls_state =
      quota_state(&s, &calls, seen.calls_met, seen.calls_ok_ms, calls_overrun(&s, &calls));
  out->talk_state = quota_state(&s, &talk, seen.talk_met, seen.talk_ok_ms, talk_overrun(&s, &talk));
  out->state = worse_state(out->calls_state, out->talk_state);
  out->calls_expected = (int64_t)((wide_t)calls.target * s.elapsed / s.total);
  out->talk_expected_ms = (msec_t)((wide_t)talk.target * s.elapsed / s.total);
  out->due_ms = due_of(&s, &seen, &calls, &talk);
}

/* --- for alerts --- */

bool pace_keeps_up(const struct pace_memory *memory, const struct pace_facts *facts,
                   int64_t rate_bp) {
  if (nothing_to_judge(facts)) return true;
  struct stand s = stand_of(facts);
  struct quota calls = calls_quota(&s), talk = talk_quota(&s);
  return (memory->calls_met || !is_below(&s, &calls, rate_bp)) &&
         (memory->talk_met || !is_below(&s, &talk, rate_bp));
}

msec_t pace_keeps_up_due_ms(const struct pace_facts *facts, int64_t rate_bp) {
  if (nothing_to_judge(facts)) return MSEC_MAX;
  struct stand s = stand_of(facts);
  struct quota talk = talk_quota(&s);
  return talk.grows ? growing_crossing(&s, &talk, rate_bp) : MSEC_MAX;
}

msec_t pace_slack_ms(const struct pace_memory *memory, const struct pace_facts *facts) {
  if (nothing_to_judge(facts)) return MSEC_MAX;
  struct stand s = stand_of(facts);
  struct quota calls = calls_quota(&s), talk = talk_quota(&s);
  wide_t slack = MSEC_MAX;
  if (!memory->calls_met && facts->call_cycle_ms > 0) slack = -calls_overrun(&s, &calls);
  if (!memory->talk_met && -talk_overrun(&s, &talk) < slack) slack = -talk_overrun(&s, &talk);
  return slack < -MSEC_MAX ? -MSEC_MAX : (msec_t)slack;
}
