/* Outages per source. Outages are rare and sources are few: a question walks through
 * the outages of those that serve the agent, and begins at its own time. */
#include "callpace/core/coverage.h"

#include <stdlib.h>

#include "callpace/base/mem.h"

enum { BP_ONE = 10000 };

/* --- a set of outages --- */

/* The first outage that ends at or after `at`. */
static size_t first_reaching(const struct outages *set, msec_t at) {
  size_t low = 0, high = set->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (set->at[middle].to_ms < at)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Replaces set->at[first, last) by one outage. */
static void replace(struct outages *set, size_t first, size_t last, struct span outage) {
  size_t count = set->count - (last - first) + 1;
  if (count > set->capacity) set->at = mem_grow(set->at, &set->capacity, count, sizeof(*set->at));
  memmove(set->at + first + 1, set->at + last, (set->count - last) * sizeof(*set->at));
  set->at[first] = outage;
  set->count = count;
}

/* Joins the two neighbours with the least healthy time between them. The first
 * may begin at MSEC_NONE, but none ends there, so the difference is safe. */
static void join_nearest(struct outages *set) {
  size_t best = 1;
  for (size_t i = 2; i < set->count; i++)
    if (set->at[i].from_ms - set->at[i - 1].to_ms < set->at[best].from_ms - set->at[best - 1].to_ms)
      best = i;
  struct span joined = {set->at[best - 1].from_ms, set->at[best].to_ms};
  replace(set, best - 1, best + 1, joined);
}

static void outages_add(struct outages *set, struct span outage) {
  if (outage.from_ms >= outage.to_ms) return;
  size_t first = first_reaching(set, outage.from_ms), last = first;
  while (last < set->count && set->at[last].from_ms <= outage.to_ms) {
    if (set->at[last].from_ms < outage.from_ms) outage.from_ms = set->at[last].from_ms;
    if (set->at[last].to_ms > outage.to_ms) outage.to_ms = set->at[last].to_ms;
    last++;
  }
  replace(set, first, last, outage);
}

static void outages_prune(struct outages *set, msec_t before) {
  size_t kept = 0;
  for (size_t i = 0; i < set->count; i++)
    if (set->at[i].to_ms > before || set->at[i].from_ms == MSEC_NONE) set->at[kept++] = set->at[i];
  set->count = kept;
}

/* --- sources --- */

static void serve_everybody(struct coverage_source *source) {
  table_free(&source->teams);
  table_free(&source->agents);
  writer_free(&source->serves);
}

void coverage_free(struct coverage *coverage) {
  for (size_t i = 0; i < coverage->count; i++) {
    serve_everybody(&coverage->sources[i]);
    free(coverage->sources[i].name);
    free(coverage->sources[i].past.at);
  }
  free(coverage->sources);
  *coverage = (struct coverage){0};
}

static struct coverage_source *find(const struct coverage *coverage, struct slice name) {
  for (size_t i = 0; i < coverage->count; i++)
    if (slice_equal(slice_of(coverage->sources[i].name), name)) return &coverage->sources[i];
  return NULL;
}

static struct coverage_source *find_or_add(struct coverage *coverage, struct slice name) {
  struct coverage_source *source = find(coverage, name);
  if (source) return source;
  coverage->sources = mem_grow(coverage->sources, &coverage->capacity, coverage->count + 1,
                               sizeof(*coverage->sources));
  source = &coverage->sources[coverage->count++];
  *source = (struct coverage_source){.name = mem_slice_dup(name), .down_since_ms = MSEC_NONE};
  return source;
}

static void add_past(struct coverage_source *source, struct span outage) {
  outages_add(&source->past, outage);
  if (source->past.count > COVERAGE_OUTAGES_MAX) join_nearest(&source->past);
}

void coverage_down(struct coverage *coverage, struct slice source, msec_t at) {
  struct coverage_source *entry = find_or_add(coverage, source);
  if (entry->down_since_ms != MSEC_NONE && entry->down_since_ms <= at) return;
  entry->down_since_ms = at;
}

void coverage_up(struct coverage *coverage, struct slice source, msec_t at) {
  struct coverage_source *entry = find_or_add(coverage, source);
  if (entry->down_since_ms == MSEC_NONE) return;
  add_past(entry, (struct span){entry->down_since_ms, at});
  entry->down_since_ms = MSEC_NONE;
}

void coverage_gap(struct coverage *coverage, struct slice source, msec_t from, msec_t to) {
  if (from >= to) return;
  add_past(find_or_add(coverage, source), (struct span){from, to});
}

msec_t coverage_down_since(const struct coverage *coverage, struct slice source) {
  const struct coverage_source *entry = find(coverage, source);
  return entry ? entry->down_since_ms : MSEC_NONE;
}

/* --- whom a source serves --- */

static void put_ids(struct writer *w, const char *const *ids) {
  size_t count = 0;
  while (ids && ids[count])
    count++;
  put_varint(w, count);
  for (size_t i = 0; i < count; i++)
    put_blob(w, slice_of(ids[i]));
}

void coverage_put_serves(struct writer *w, const char *const *teams, const char *const *agents) {
  if (!teams && !agents) return;
  put_ids(w, teams);
  put_ids(w, agents);
}

static void read_ids(struct reader *r, struct table *ids) {
  for (uint64_t left = get_varint(r); left > 0 && !r->failed; left--) {
    struct slice id = get_blob(r);
    if (!r->failed) table_put(ids, id, (void *)r);
  }
}

void coverage_serve(struct coverage *coverage, struct slice source, struct slice serves) {
  struct coverage_source *entry = find_or_add(coverage, source);
  serve_everybody(entry);
  if (serves.len == 0) return;
  put_slice(&entry->serves, serves);
  struct reader r = reader_of(writer_slice(&entry->serves));
  read_ids(&r, &entry->teams);
  read_ids(&r, &entry->agents);
  if (r.failed || r.at != r.end) serve_everybody(entry);
}

struct slice coverage_serves(const struct coverage *coverage, struct slice source) {
  const struct coverage_source *entry = find(coverage, source);
  return entry ? writer_slice(&entry->serves) : (struct slice){0};
}

static bool serves(const struct coverage_source *source, const struct agent *agent) {
  if (source->serves.len == 0 || !agent) return true;
  return table_get(&source->agents, slice_of(agent->id)) ||
         (agent->team && table_get(&source->teams, slice_of(agent->team->id)));
}

/* --- questions --- */

bool coverage_is_down(const struct coverage *coverage, const struct agent *agent) {
  for (size_t i = 0; i < coverage->count; i++)
    if (coverage->sources[i].down_since_ms != MSEC_NONE && serves(&coverage->sources[i], agent))
      return true;
  return false;
}

/* The source's first outage that ends behind `at`; from MSEC_MAX: none. Past ones
 * may reach beyond the beginning of the one that goes on. */
static struct span first_behind(const struct coverage_source *source, msec_t at) {
  struct span found = {MSEC_MAX, MSEC_MAX};
  size_t i = first_reaching(&source->past, at);
  if (i < source->past.count && source->past.at[i].to_ms == at) i++;
  if (i < source->past.count) found = source->past.at[i];
  if (source->down_since_ms != MSEC_NONE && source->down_since_ms <= found.from_ms)
    found = (struct span){source->down_since_ms, MSEC_MAX};
  return found;
}

bool coverage_next(const struct coverage *coverage, const struct agent *agent, msec_t at,
                   struct span *out) {
  *out = (struct span){MSEC_MAX, MSEC_MAX};
  for (size_t i = 0; i < coverage->count; i++) {
    struct span outage = first_behind(&coverage->sources[i], at);
    if (outage.from_ms < at) outage.from_ms = at;
    if (outage.from_ms < out->from_ms && serves(&coverage->sources[i], agent)) *out = outage;
  }
  return out->from_ms < MSEC_MAX;
}

msec_t coverage_missing_ms(const struct coverage *coverage, const struct agent *agent,
                           const struct spans *spans, msec_t upto) {
  if (spans->count == 0) return 0;
  msec_t missing = 0;
  struct span outage = {.to_ms = spans->at[0].from_ms};
  while (outage.to_ms < upto && coverage_next(coverage, agent, outage.to_ms, &outage) &&
         outage.from_ms < upto)
    missing += spans_within(spans, outage.from_ms, outage.to_ms < upto ? outage.to_ms : upto);
  return missing;
}

int64_t coverage_bp(const struct coverage *coverage, const struct agent *agent,
                    const struct spans *spans, msec_t upto) {
  msec_t elapsed = spans_elapsed(spans, upto);
  if (elapsed == 0) return BP_ONE;
  return (elapsed - coverage_missing_ms(coverage, agent, spans, upto)) * BP_ONE / elapsed;
}

void coverage_prune(struct coverage *coverage, msec_t before) {
  for (size_t i = 0; i < coverage->count; i++)
    outages_prune(&coverage->sources[i].past, before);
}

/* --- snapshots --- */

void coverage_save(const struct coverage *coverage, struct writer *w) {
  put_varint(w, coverage->count);
  for (size_t i = 0; i < coverage->count; i++) {
    const struct coverage_source *source = &coverage->sources[i];
    put_blob(w, slice_of(source->name));
    put_varint_signed(w, source->down_since_ms);
    put_blob(w, writer_slice(&source->serves));
    put_varint(w, source->past.count);
    for (size_t k = 0; k < source->past.count; k++) {
      put_varint_signed(w, source->past.at[k].from_ms);
      put_varint_signed(w, source->past.at[k].to_ms);
    }
  }
}

static void load_source(struct coverage *coverage, struct reader *r) {
  struct slice name = get_blob(r);
  if (r->failed || (name.len > 0 && memchr(name.data, 0, name.len)) || find(coverage, name)) {
    r->failed = true;
    return;
  }
  struct coverage_source *source = find_or_add(coverage, name);
  source->down_since_ms = get_varint_signed(r);
  coverage_serve(coverage, name, get_blob(r));
  uint64_t count = get_varint(r);
  if (count > COVERAGE_OUTAGES_MAX) r->failed = true;
  for (uint64_t k = 0; k < count && !r->failed; k++) {
    struct span outage = {.from_ms = get_varint_signed(r)};
    outage.to_ms = get_varint_signed(r);
    outages_add(&source->past, outage);
  }
}

void coverage_load(struct coverage *coverage, struct reader *r) {
  uint64_t count = get_varint(r);
  for (uint64_t i = 0; i < count && !r->failed; i++)
    load_source(coverage, r);
  if (r->failed) coverage_free(coverage);
}
