/* Weeks of leads and the unassigned pool in snapshots of the centre. */
#include "centre_codec.h"

enum { WEEK_BYTES_MIN = 12 };

static void code_rules(struct codec *c, struct lead_rules *rules) {
  code_i64(c, &rules->reached_contacts);
  code_bool(c, &rules->attempted);
  code_i64(c, &rules->min_gap_ms);
}

static void code_verdict(struct codec *c, struct week_verdict *verdict) {
  verdict->state = (enum week_state)code_small(c, verdict->state, WEEK_STATES);
  code_bool(c, &verdict->offence);
  verdict->rung = code_small(c, verdict->rung, LADDER_MAX + 1);
  code_i64(c, &verdict->threshold_bp);
  code_i64(c, &verdict->rate_bp);
  code_bool(c, &verdict->base_unmet);
}

static void code_closed(struct codec *c, struct lead_week *week) {
  int64_t numbers[WEEK_CLOSED_NUMBERS] = {0};
  bool closed = week->closed != NULL;
  code_bool(c, &closed);
  code_bool(c, &week->told);
  if (!closed) return;
  if (c->w) week_closed_pack(week->closed, numbers);
  for (unsigned i = 0; i < WEEK_CLOSED_NUMBERS; i++)
    code_i64(c, &numbers[i]);
  if (c->w || codec_failed(c)) return;
  week->closed = mem_zalloc(sizeof *week->closed);
  if (!week_closed_unpack(numbers, week->closed)) c->r->failed = true;
}

/* Everything of a week but its Monday, agent and leads. */
static void code_week(struct codec *c, struct lead_week *week) {
  code_i64(c, &week->begin_ms);
  code_bool(c, &week->on_hold);
  code_u64(c, &week->lsn);
  code_rules(c, &week->rules);
  code_verdict(c, &week->verdict);
  code_closed(c, week);
}

void centre_save_leads(struct codec *c, const struct centre *centre) {
  for (size_t i = 0; i < centre->agent_count; i++) {
    uint64_t count = 0;
    for (struct lead_week *week = centre->agents[i]->weeks; week; week = week->older)
      count++;
    put_varint(c->w, count);
    for (struct lead_week *week = centre->agents[i]->weeks; week; week = week->older) {
      put_varint_signed(c->w, week->monday);
      code_week(c, week);
      lead_book_save(&week->book, c->w);
    }
  }
  lead_pool_save(&centre->pool, c->w);
}

/* Weeks stand newest first; returns its Monday. */
static day_t load_week(struct codec *c, struct centre *centre, struct centre_agent *agent,
                       day_t newer) {
  int32_t monday = 0;
  code_i32(c, &monday);
  if (monday >= newer || weekday_of(monday) != 0) c->r->failed = true;
  if (codec_failed(c)) return newer;
  struct lead_week *week = centre_week_of(centre, agent, monday);
  code_week(c, week);
  lead_book_load(&week->book, &week->rules, c->r);
  centre->leads += week->book.lead_count;
  return monday;
}

void centre_load_leads(struct codec *c, struct centre *centre) {
  for (size_t i = 0; i < centre->agent_count && !codec_failed(c); i++) {
    uint64_t count = code_count(c, 0, WEEK_BYTES_MIN);
    day_t newer = INT32_MAX;
    for (uint64_t n = 0; n < count && !codec_failed(c); n++)
      newer = load_week(c, centre, centre->agents[i], newer);
  }
  lead_pool_load(&centre->pool, c->r);
}
