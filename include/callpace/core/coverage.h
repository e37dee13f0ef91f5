/* Did the sources see what happened? Per source whom it serves and the times in
 * which it was not healthy, and from these the coverage of an agent's productive
 * time. Pure; part of the fold. POLICY section 3, "Coverage".
 *
 * What is not healthy is for the engine to say: a client source until it is
 * logged in, a native one while no producer that said hello is connected (if any
 * ever did), gaps that a producer declares, the time between the events on both
 * sides of a jump in seq, and callpaced's own absence. */
#ifndef CALLPACE_CORE_COVERAGE_H
#define CALLPACE_CORE_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callpace/base/slice.h"
#include "callpace/base/writer.h"
#include "callpace/core/period.h"
#include "callpace/core/roster.h"

/* The daemon itself, as a source that serves everybody. */
#define COVERAGE_DAEMON ((struct slice){"", 0})

/* More separate outages than this are joined at the shortest healthy time
 * between two of them: bounded memory, erring to "not covered". */
enum { COVERAGE_OUTAGES_MAX = 512 };

/* Sorted, disjoint, not touching; [from_ms, to_ms). */
struct outages {
  struct span *at;
  size_t count, capacity;
};

struct coverage_source {
  char *name;
  struct outages past;
  msec_t down_since_ms;       /* MSEC_NONE: healthy */
  struct writer serves;       /* as coverage_serve takes it; empty: everybody */
  struct table teams, agents; /* the ids in it */
};

/* Zero-initialise: no sources, everything covered. */
struct coverage {
  struct coverage_source *sources; /* in order of arrival */
  size_t count, capacity;
};
void coverage_free(struct coverage *coverage); /* its content; leaves it empty */

/* The functions below add a source that is not known yet, healthy so far. */

/* Not healthy from `at` on; a second one while down is ignored unless earlier. */
void coverage_down(struct coverage *coverage, struct slice source, msec_t at);
/* Healthy from `at` on; ignored while healthy. */
void coverage_up(struct coverage *coverage, struct slice source, msec_t at);
/* Saw nothing in [from, to); from MSEC_NONE is "since ever" (the time before the
 * daemon's very first start). Empty and inverted gaps are ignored. */
void coverage_gap(struct coverage *coverage, struct slice source, msec_t from, msec_t to);

/* Since when a source is down; MSEC_NONE when healthy or unknown. */
msec_t coverage_down_since(const struct coverage *coverage, struct slice source);

/* Appends whom a source serves, for coverage_serve: ids of teams and of agents, both
 * lists ended by NULL, or NULL when there is none. */
void coverage_put_serves(struct writer *w, const char *const *teams, const char *const *agents);
/* From here on, and for all that is remembered, the source serves these teams and
 * agents only; `serves` empty: everybody. Bytes that make no sense serve everybody. */
void coverage_serve(struct coverage *coverage, struct slice source, struct slice serves);
/* As it was handed over; empty for a source that is not known. */
struct slice coverage_serves(const struct coverage *coverage, struct slice source);

/* Below, `agent` is he who is asked about, and only sources that serve him matter;
 * NULL: all of them. */

/* Whether some source is down now. */
bool coverage_is_down(const struct coverage *coverage, const struct agent *agent);

/* The first time at or after `at` in which some source was not healthy, cut off in
 * front of `at`; an outage that goes on ends at MSEC_MAX. Several that overlap come
 * one after the other, and none twice. False: there is none. */
bool coverage_next(const struct coverage *coverage, const struct agent *agent, msec_t at,
                   struct span *out);

/* Length of `spans` before `upto` in which some source was not healthy. */
msec_t coverage_missing_ms(const struct coverage *coverage, const struct agent *agent,
                           const struct spans *spans, msec_t upto);
/* Share of `spans` before `upto` in which every source was healthy, in basis
 * points rounded down; 10000 when nothing of `spans` has passed. */
int64_t coverage_bp(const struct coverage *coverage, const struct agent *agent,
                    const struct spans *spans, msec_t upto);

/* Forgets outages that ended before `before`. "Since ever" is kept. */
void coverage_prune(struct coverage *coverage, msec_t before);

/* For snapshots. Loading into an empty coverage; bytes that make no sense set
 * the reader's `failed` and leave it empty. */
void coverage_save(const struct coverage *coverage, struct writer *w);
void coverage_load(struct coverage *coverage, struct reader *r);

#endif
