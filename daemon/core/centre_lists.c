/* Lists of what changed and of who is to be judged: each thing at most once, in
 * the order of change. */
#include <assert.h>

#include "centre_inner.h"

/* One list: marks, takes the first, and drops what is too old. */
#define LIST(name, type, mark, next, first, last, moment)                                          \
  static void name##_push(struct centre *centre, type *thing) {                                    \
    if (thing->mark) return;                                                                       \
    thing->mark = true;                                                                            \
    thing->next = NULL;                                                                            \
    if (centre->first)                                                                             \
      centre->last->next = thing;                                                                  \
    else                                                                                           \
      centre->first = thing;                                                                       \
    centre->last = thing;                                                                          \
  }                                                                                                \
  static type *name##_pop(struct centre *centre) {                                                 \
    type *thing = centre->first;                                                                   \
    if (!thing) return NULL;                                                                       \
    centre->first = thing->next;                                                                   \
    thing->mark = false;                                                                           \
    return thing;                                                                                  \
  }                                                                                                \
  static void name##_purge(struct centre *centre, int32_t before) {                                \
    type *thing = centre->first;                                                                   \
    centre->first = NULL;                                                                          \
    for (type * following; thing; thing = following) {                                             \
      following = thing->next;                                                                     \
      thing->mark = false;                                                                         \
      if (thing->moment >= before) name##_push(centre, thing);                                     \
    }                                                                                              \
  }

LIST(dirty_day, struct day_tally, dirty, next_dirty, dirty_first, dirty_last, day)
LIST(judge, struct day_tally, to_judge, next_to_judge, judge_first, judge_last, day)
LIST(dirty_month, struct month_tally, dirty, next_dirty, dirty_month_first, dirty_month_last, month)
LIST(dirty_team, struct team_day, dirty, next_dirty, dirty_team_first, dirty_team_last, day)
LIST(dirty_week, struct lead_week, dirty, next_dirty, dirty_week_first, dirty_week_last, monday)
LIST(judge_week, struct lead_week, to_judge, next_to_judge, judge_week_first, judge_week_last,
     monday)

void centre_mark_day(struct centre *centre, struct day_tally *tally) {
  dirty_day_push(centre, tally);
}

void centre_mark_month(struct centre *centre, struct month_tally *month) {
  dirty_month_push(centre, month);
}

void centre_mark_team(struct centre *centre, struct team_day *team_day) {
  dirty_team_push(centre, team_day);
}

void centre_mark_judge(struct centre *centre, struct day_tally *tally) {
  if (tally->rostered) judge_push(centre, tally);
}

void centre_mark_week(struct centre *centre, struct lead_week *week) {
  dirty_week_push(centre, week);
}

void centre_mark_week_judge(struct centre *centre, struct lead_week *week) {
  if (week->agent->rostered) judge_week_push(centre, week);
}

bool centre_is_dirty(const struct centre *centre) {
  return centre->dirty_first || centre->dirty_month_first || centre->dirty_team_first ||
         centre->dirty_week_first;
}

struct day_tally *centre_next_dirty_day(struct centre *centre) {
  return dirty_day_pop(centre);
}

struct month_tally *centre_next_dirty_month(struct centre *centre) {
  return dirty_month_pop(centre);
}

struct team_day *centre_next_dirty_team(struct centre *centre) {
  return dirty_team_pop(centre);
}

struct lead_week *centre_next_dirty_week(struct centre *centre) {
  return dirty_week_pop(centre);
}

struct lead_week *centre_next_week_to_judge(struct centre *centre) {
  return judge_week_pop(centre);
}

struct day_tally *centre_next_to_judge(struct centre *centre) {
  return judge_pop(centre);
}

void centre_purge_lists(struct centre *centre, day_t day, month_t month) {
  dirty_day_purge(centre, day);
  judge_purge(centre, day);
  dirty_month_purge(centre, month);
  dirty_team_purge(centre, day);
  dirty_week_purge(centre, week_monday(day));
  judge_week_purge(centre, week_monday(day));
}

void centre_mark_all_dirty(struct centre *centre) {
  for (size_t i = 0; i < centre->agent_count; i++) {
    for (struct day_tally *t = centre->agents[i]->days; t; t = t->older)
      centre_mark_day(centre, t);
    for (struct month_tally *m = centre->agents[i]->months; m; m = m->older)
      centre_mark_month(centre, m);
    for (struct lead_week *w = centre->agents[i]->weeks; w; w = w->older) {
      lead_book_mark_all(&w->book);
      centre_mark_week(centre, w);
    }
  }
  for (size_t i = 0; i < centre->team_count; i++)
    for (struct team_day *t = centre->teams[i]->days; t; t = t->older)
      centre_mark_team(centre, t);
}

void centre_judge_all(struct centre *centre) {
  for (size_t i = 0; i < centre->agent_count; i++) {
    struct day_tally *tally = centre_find_day(centre->agents[i], centre->today);
    if (tally) centre_mark_judge(centre, tally);
  }
}

void centre_judge_span(struct centre *centre, msec_t from_ms, msec_t to_ms) {
  for (size_t i = 0; i < centre->agent_count; i++)
    for (struct day_tally *tally = centre->agents[i]->days; tally; tally = tally->older) {
      if (tally->centre_day->end_ms <= from_ms) break;
      if (tally->centre_day->begin_ms < to_ms) centre_mark_judge(centre, tally);
    }
}

/* --- in snapshots --- */

static void save_lost(const struct centre *centre, struct writer *w) {
  put_varint(w, centre->lost_count - centre->lost_first);
  for (size_t i = centre->lost_first; i < centre->lost_count; i++) {
    put_blob(w, slice_of(centre->lost[i].id));
    put_varint_signed(w, centre->lost[i].noted_ms);
  }
}

/* The site's mean call cycle of each day. */
static void save_means(const struct centre *centre, struct writer *w) {
  uint64_t count = 0;
  for (const struct centre_day *day = centre->days; day; day = day->older)
    count++;
  put_varint(w, count);
  for (const struct centre_day *day = centre->days; day; day = day->older) {
    put_varint_signed(w, day->day);
    put_varint_signed(w, day->site_cycle_ms);
  }
}

void centre_save_pending(const struct centre *centre, struct writer *w) {
  save_lost(centre, w);
  save_means(centre, w);
}

void centre_load_pending(struct centre *centre, struct reader *r) {
  for (uint64_t left = get_varint(r); left > 0 && !r->failed; left--) {
    struct slice id = get_blob(r);
    msec_t noted_ms = get_varint_signed(r);
    if (r->failed) return;
    centre->lost = mem_grow(centre->lost, &centre->lost_capacity, centre->lost_count + 1,
                            sizeof *centre->lost);
    centre->lost[centre->lost_count++] = (struct lost_note){mem_slice_dup(id), noted_ms};
  }
  for (uint64_t left = get_varint(r); left > 0 && !r->failed; left--) {
    int64_t day = get_varint_signed(r), mean_ms = get_varint_signed(r);
    for (struct centre_day *known = centre->days; known; known = known->older)
      if (known->day == day) known->site_cycle_ms = mean_ms;
  }
}
