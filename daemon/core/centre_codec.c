/* Snapshots of the centre. One description of the fields serves both ways: with
 * a writer it writes them, with a reader it reads them in. What follows from the
 * rest (unions, sums of teams, heaps) is not written but made again. */
#include <assert.h>
#include <stdlib.h>

#include "callpace/base/crc32c.h"
#include "centre_codec.h"

enum { SNAPSHOT_VERSION = 3, HEAD_SIZE = 4 + 4 + 8 + 4 };
static const char magic[4] = {'c', 'p', 'c', 'n'};

void code_i64(struct codec *c, int64_t *value) {
  if (c->w)
    put_varint_signed(c->w, *value);
  else
    *value = get_varint_signed(c->r);
}

void code_u64(struct codec *c, uint64_t *value) {
  if (c->w)
    put_varint(c->w, *value);
  else
    *value = get_varint(c->r);
}

void code_u32(struct codec *c, uint32_t *value) {
  uint64_t wide = *value;
  code_u64(c, &wide);
  if (wide > UINT32_MAX) c->r->failed = true;
  *value = (uint32_t)wide;
}

void code_i32(struct codec *c, int32_t *value) {
  int64_t wide = *value;
  code_i64(c, &wide);
  if (wide < INT32_MIN || wide > INT32_MAX) c->r->failed = true;
  *value = (int32_t)wide;
}

/* A small number below `bound`; out of range fails and reads as 0. */
unsigned code_small(struct codec *c, unsigned value, unsigned bound) {
  if (c->w) {
    put_u8(c->w, (uint8_t)value);
    return value;
  }
  value = get_u8(c->r);
  if (value >= bound) c->r->failed = true;
  return value < bound ? value : 0;
}

void code_bool(struct codec *c, bool *value) {
  *value = code_small(c, *value, 2);
}

/* A count of things of at least `size` bytes each, so no more than fit. */
uint64_t code_count(struct codec *c, uint64_t count, size_t size) {
  code_u64(c, &count);
  if (!c->w && count > (size_t)(c->r->end - c->r->at) / size) c->r->failed = true;
  return !c->w && c->r->failed ? 0 : count;
}

bool codec_failed(const struct codec *c) {
  return !c->w && c->r->failed;
}

/* A point in time of an event: none, or in range. */
void code_time(struct codec *c, msec_t *value) {
  code_i64(c, value);
  if (!c->w && *value != MSEC_NONE && (*value < 0 || *value > CALL_TIME_MAX)) c->r->failed = true;
}

/* Days. */

static void code_union(struct codec *c, struct talk_union *u) {
  uint32_t count = (uint32_t)code_count(c, u->count, 2);
  code_i64(c, &u->base_ms);
  if (!c->w) u->total_ms = u->base_ms;
  for (uint32_t i = 0; i < count && !codec_failed(c); i++) {
    struct talk_span span = c->w ? u->spans[i] : (struct talk_span){0};
    code_i32(c, &span.from);
    code_i32(c, &span.to);
    if (!c->w) talk_union_add(u, span.from, span.to);
  }
}

static void code_frozen(struct codec *c, struct day_tally *tally) {
  bool has = tally->frozen != NULL;
  code_bool(c, &has);
  if (!has) return;
  if (!c->w) tally->frozen = mem_zalloc(sizeof *tally->frozen);
  struct day_frozen *frozen = tally->frozen;
  code_union(c, &frozen->talk);
  code_union(c, &frozen->inbound_talk);
  code_i64(c, &frozen->first_dial_ms);
  code_i64(c, &frozen->last_dial_ms);
  code_u32(c, &frozen->longest_ms);
}

static void code_verdict(struct codec *c, struct verdict *v) {
  v->calls_state = (enum pace_state)code_small(c, v->calls_state, PACE_STATES);
  v->talk_state = (enum pace_state)code_small(c, v->talk_state, PACE_STATES);
  v->state = (enum pace_state)code_small(c, v->state, PACE_STATES);
  code_i64(c, &v->calls_expected);
  code_i64(c, &v->talk_expected_ms);
  code_i64(c, &v->coverage_bp);
  code_i64(c, &v->due_ms);
}

static void code_pace(struct codec *c, struct pace_memory *pace) {
  code_i64(c, &pace->calls_ok_ms);
  code_i64(c, &pace->talk_ok_ms);
  code_i64(c, &pace->noted_ms);
  code_bool(c, &pace->calls_met);
  code_bool(c, &pace->talk_met);
}

static void code_counters(struct codec *c, struct day_tally *t) {
  uint32_t *const counters[] = {&t->dials,      &t->answered, &t->calls,      &t->inbound,
                                &t->no_answer,  &t->busy,     &t->failed,     &t->cancelled,
                                &t->lost_track, &t->members,  &t->longest_ms, &t->cycles};
  for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
    code_u32(c, counters[i]);
  code_i64(c, &t->ring_ms);
  code_i64(c, &t->hold_ms);
  code_i64(c, &t->first_dial_ms);
  code_i64(c, &t->last_dial_ms);
  code_i64(c, &t->cycle_ms);
}

/* Everything of a tally but its day, agent, team and calls. */
static void code_tally(struct codec *c, struct day_tally *t) {
  code_u64(c, &t->lsn);
  code_i64(c, &t->updated_ms);
  code_counters(c, t);
  code_i64(c, &t->talk.base_ms);
  code_i64(c, &t->inbound_talk.base_ms);
  code_bool(c, &t->settled);
  code_frozen(c, t);
  t->agent_class = (enum agent_class)code_small(c, t->agent_class, CLASS_COUNT);
  code_bool(c, &t->rostered);
  code_bool(c, &t->exempt);
  code_i64(c, &t->calls_target);
  code_i64(c, &t->talk_target_ms);
  code_pace(c, &t->pace);
  code_verdict(c, &t->verdict);
}

/* Agents. */

/* How it closed, if it did. */
static void code_month_closed(struct codec *c, struct month_tally *month) {
  int64_t numbers[MONTH_CLOSED_NUMBERS] = {0};
  bool closed = month->closed != NULL;
  code_bool(c, &closed);
  code_bool(c, &month->told);
  if (!closed) return;
  if (c->w) month_closed_pack(month->closed, numbers);
  for (unsigned i = 0; i < MONTH_CLOSED_NUMBERS; i++)
    code_i64(c, &numbers[i]);
  if (c->w || codec_failed(c)) return;
  month->closed = mem_zalloc(sizeof *month->closed);
  if (!month_closed_unpack(numbers, month->closed)) c->r->failed = true;
}

static void save_agent(struct codec *c, struct centre_agent *agent) {
  put_blob(c->w, slice_of(agent->id));
  code_small(c, agent->state, AGENT_ACW + 1);
  code_time(c, &agent->state_ms);
  uint64_t months = 0, days = 0;
  for (struct month_tally *month = agent->months; month; month = month->older)
    months++;
  for (struct day_tally *tally = agent->days; tally; tally = tally->older)
    days++;
  put_varint(c->w, months);
  for (struct month_tally *month = agent->months; month; month = month->older) {
    put_varint_signed(c->w, month->month);
    code_i64(c, &month->calls);
    code_i64(c, &month->members);
    code_i64(c, &month->talk_ms);
    code_u64(c, &month->lsn);
    code_month_closed(c, month);
  }
  put_varint(c->w, days);
  for (struct day_tally *tally = agent->days; tally; tally = tally->older) {
    put_varint_signed(c->w, tally->day);
    put_varint_signed(c->w, tally->begin_ms);
    put_blob(c->w, tally->team_day ? slice_of(tally->team_day->team->id) : (struct slice){0});
    code_tally(c, tally);
  }
}

static void load_months(struct codec *c, struct centre_agent *agent, struct pool *pool) {
  struct month_tally **at = &agent->months;
  uint64_t count = code_count(c, 0, 5);
  for (uint64_t i = 0; i < count && !codec_failed(c); i++) {
    struct month_tally *month = pool_take(pool);
    *month = (struct month_tally){.agent = agent};
    *at = month;
    at = &month->older;
    code_i32(c, &month->month);
    code_i64(c, &month->calls);
    code_i64(c, &month->members);
    code_i64(c, &month->talk_ms);
    code_u64(c, &month->lsn);
    code_month_closed(c, month);
  }
}

static void load_days(struct codec *c, struct centre *centre, struct centre_agent *agent) {
  struct day_tally **at = &agent->days;
  uint64_t count = code_count(c, 0, 20);
  int32_t day = 0, before = INT32_MAX;
  for (uint64_t i = 0; i < count && !codec_failed(c); i++, before = day) {
    msec_t begin_ms = 0;
    code_i32(c, &day);
    code_i64(c, &begin_ms);
    struct slice team = get_blob(c->r);
    msec_t about = (msec_t)day * MSEC_PER_DAY;
    if (codec_failed(c) || day >= before || about < -CALL_TIME_MAX || about > CALL_TIME_MAX ||
        begin_ms < about - 4 * MSEC_PER_DAY || begin_ms > about + 4 * MSEC_PER_DAY) {
      c->r->failed = true;
      return;
    }
    struct day_tally *tally = pool_take(&centre->tally_pool);
    day_tally_init(tally, agent, day, begin_ms);
    *at = tally;
    at = &tally->older;
    tally->centre_day = centre_day_of(centre, day);
    tally->centre_day->tallies++;
    code_tally(c, tally);
    tally->centre_day->cycle_ms += tally->cycle_ms;
    tally->centre_day->cycles += tally->cycles;
    if (tally->verdict.due_ms != MSEC_MAX)
      deadlines_set(&centre->judgments, &tally->heap_at, tally->verdict.due_ms);
    /* The team by name; its sums follow when the calls are back. */
    if (team.len) tally->team_day = centre_team_day(centre, team, day);
  }
}

static void load_agents(struct codec *c, struct centre *centre) {
  uint64_t count = code_count(c, 0, 4);
  for (uint64_t i = 0; i < count && !codec_failed(c); i++) {
    struct slice id = get_blob(c->r);
    if (codec_failed(c) || id.len == 0 || table_get(&centre->agents_by_id, id)) {
      c->r->failed = true;
      return;
    }
    struct centre_agent *agent = centre_add_agent(centre, id);
    agent->state = (enum agent_state)code_small(c, 0, AGENT_ACW + 1);
    code_time(c, &agent->state_ms);
    load_months(c, agent, &centre->month_pool);
    load_days(c, centre, agent);
  }
}

/* What follows from the rest. */
static void complete(struct centre *centre) {
  for (size_t i = 0; i < centre->agent_count; i++)
    for (struct day_tally *tally = centre->agents[i]->days; tally; tally = tally->older) {
      day_tally_join_again(tally);
      if (tally->team_day) centre_sum_team(tally->team_day, tally, 1);
    }
  centre_mark_all_dirty(centre);
  centre_judge_all(centre);
}

/* The whole. */

static void code_head(struct codec *c, struct centre *centre) {
  code_i64(c, &centre->now_ms);
  code_i32(c, &centre->today);
  code_u64(c, &centre->lsn);
  code_u64(c, &centre->forgotten);
}

/* Saving only reads, though the shared description cannot say so. */
static struct centre *writable(const struct centre *centre) {
  return (struct centre *)(uintptr_t)centre;
}

void centre_save(const struct centre *centre, struct writer *w) {
  struct codec c = {.w = w};
  size_t head = w->len;
  put_bytes(w, magic, sizeof magic);
  put_u32(w, SNAPSHOT_VERSION);
  put_u64(w, 0);
  put_u32(w, 0);
  code_head(&c, writable(centre));
  put_varint(w, centre->agent_count);
  for (size_t i = 0; i < centre->agent_count; i++)
    save_agent(&c, centre->agents[i]);
  centre_save_calls(&c, centre);
  centre_save_pending(centre, w);
  member_set_save(&centre->members, w);
  centre_save_leads(&c, centre);
  if (w->failed) return;
  struct writer sizes = {0};
  put_u64(&sizes, w->len - head - HEAD_SIZE);
  put_u32(&sizes, crc32c(0, w->data + head + HEAD_SIZE, w->len - head - HEAD_SIZE));
  memcpy(w->data + head + 8, sizes.data, sizes.len);
  writer_free(&sizes);
}

/* Splits off the checked body. */
static enum status open_body(struct reader *r, struct reader *body, struct error *error) {
  if ((size_t)(r->end - r->at) < HEAD_SIZE || memcmp(r->at, magic, sizeof magic) != 0)
    return error_set(error, STATUS_CONFIG, "not a snapshot of counters");
  r->at += sizeof magic;
  uint32_t version = get_u32(r);
  if (version != SNAPSHOT_VERSION)
    return error_set(error, STATUS_CONFIG, "counters of version %u, this is %d", version,
                     SNAPSHOT_VERSION);
  uint64_t length = get_u64(r);
  uint32_t crc = get_u32(r);
  if (length > (size_t)(r->end - r->at) || crc != crc32c(0, r->at, length))
    return error_set(error, STATUS_CONFIG, "counters are damaged: wrong checksum");
  *body = reader_of((struct slice){r->at, length});
  r->at += length;
  return STATUS_OK;
}

static bool load_body(struct reader *body, struct centre *centre) {
  struct codec c = {.r = body};
  code_head(&c, centre);
  load_agents(&c, centre);
  if (codec_failed(&c)) return false;
  centre_bind_roster(centre);
  if (!centre_load_calls(&c, centre)) return false;
  centre_load_pending(centre, body);
  member_set_load(&centre->members, body);
  if (!body->failed) centre_load_leads(&c, centre);
  return !body->failed && body->at == body->end;
}

struct centre *centre_load(struct reader *r, const struct settings *settings, struct error *error) {
  struct reader body;
  if (open_body(r, &body, error) != STATUS_OK) {
    r->failed = true;
    return NULL;
  }
  struct centre *centre = centre_make(settings);
  if (!load_body(&body, centre)) {
    error_set(error, STATUS_CONFIG, "counters are damaged at byte %zu",
              (size_t)(body.at - (r->at - (body.end - body.at))));
    r->failed = true;
    centre_free(centre);
    return NULL;
  }
  complete(centre);
  return centre;
}
