/* Calls are explained when the centre forgets them, or at the end: by then all is
 * known of them that ever counted. */
#include "callpace/core/explain.h"

#include <stdlib.h>

#include "callpace/base/mem.h"
#include "explain_inner.h"

const char *explain_reason_name(enum explain_reason reason) {
  static const char *const names[REASON_COUNT] = {[REASON_DUPLICATE] = "duplicate",
                                                  [REASON_INTERNAL] = "internal",
                                                  [REASON_TOO_SHORT] = "too_short",
                                                  [REASON_AFTER_TRANSFER] = "after_transfer",
                                                  [REASON_LOST_TRACK] = "lost_track",
                                                  [REASON_OUTSIDE_WINDOW] = "outside_window",
                                                  [REASON_NOT_ANSWERED] = "not_answered",
                                                  [REASON_DIRECTION] = "direction",
                                                  [REASON_OPEN] = "open",
                                                  [REASON_INCOMPLETE] = "incomplete",
                                                  [REASON_OVERLAP] = "overlap",
                                                  [REASON_NO_TALK] = "no_talk"};
  return (unsigned)reason < REASON_COUNT ? names[reason] : NULL;
}

static const struct policy_book *book_of(const struct explain *x) {
  return centre_settings(x->fold->centre)->policy;
}

static bool is_mine(const struct explain *x, const struct centre_agent *agent) {
  return agent && slice_equal(slice_of(agent->id), slice_of(x->agent));
}

/* --- notes: what the fold does not keep of a call --- */

static struct note *note_of(struct explain *x, struct slice id) {
  struct note *note = table_get(&x->notes, id);
  if (note) return note;
  note = mem_zalloc(sizeof *note);
  note->call = mem_slice_dup(id);
  note->named_ms = MSEC_NONE;
  note->policy_from = DAY_NONE;
  table_put(&x->notes, (struct slice){note->call, id.len}, note);
  return note;
}

static void free_note(struct note *note) {
  if (!note) return;
  free(note->call);
  free(note->number);
  free(note->repeats);
  free(note);
}

static void note_repeat(struct note *note, uint64_t lsn, const struct call_event *event) {
  note->repeats = mem_grow(note->repeats, &note->repeat_capacity, note->repeat_count + 1,
                           sizeof(struct repeat));
  note->repeats[note->repeat_count++] = (struct repeat){event->type, event->ts_ms, lsn};
}

static bool is_of_call(enum call_event_type type) {
  return type >= EVENT_CALL_START && type <= EVENT_CALL_LOST;
}

void explain_event(struct explain *x, uint64_t lsn, const struct call_event *event,
                   enum centre_result result) {
  const struct centre *centre = x->fold->centre;
  if (!is_of_call(event->type) || event->call.len == 0) return;
  const struct call *call = centre_find_call(centre, event->call);
  bool names_me = event->agent.len &&
                  slice_equal(centre_resolve_agent(centre, event->agent), slice_of(x->agent));
  if (!call || !(names_me || is_mine(x, call->agent))) return;
  struct note *note = note_of(x, event->call);
  if (names_me && (note->named_ms == MSEC_NONE || event->ts_ms < note->named_ms))
    note->named_ms = event->ts_ms;
  if (event->number.len && !note->number) note->number = mem_slice_dup(event->number);
  if (result == CENTRE_UNCHANGED) note_repeat(note, lsn, event);
  if (result != CENTRE_APPLIED) return;
  note->lsn = lsn;
  if (call->tally) note->policy_from = policy_on(book_of(x), call->tally->day)->from;
}

/* --- entries --- */

static struct explain_entry *add_entry(struct explain *x, struct slice call) {
  x->entries = mem_grow(x->entries, &x->capacity, x->count + 1, sizeof *x->entries);
  struct explain_entry *entry = &x->entries[x->count++];
  *entry = (struct explain_entry){.call = arena_dup(&x->arena, call), .end_ms = MSEC_NONE};
  return entry;
}

static msec_t earliest(msec_t a, msec_t b) {
  if (a == MSEC_NONE) return b;
  return b == MSEC_NONE || a < b ? a : b;
}

static msec_t begin_of(const struct call *call, const struct note *note) {
  if (call->state != CALL_WAITING && call->state != CALL_INTERNAL) return call_begin(call);
  msec_t at = earliest(earliest(call->start_ms, call->answer_ms), call->end_ms);
  return at == MSEC_NONE && note ? note->named_ms : at;
}

static bool is_asked(const struct explain *x, day_t day) {
  return day >= x->first && day <= x->last;
}

static void excuse(struct explain_entry *entry, enum explain_reason reason) {
  entry->calls_reason = entry->talk_reason = reason;
}

/* Which switches of the policy left it out. */
enum explain_reason explain_not_counted(const struct call_count *count) {
  bool joins = count->flags & (COUNT_TALK | COUNT_CALL);
  if (count->flags & COUNT_LOST) return REASON_LOST_TRACK;
  if (!(count->flags & COUNT_ANSWERED)) return REASON_NOT_ANSWERED;
  return joins ? REASON_TOO_SHORT : REASON_DIRECTION;
}

/* Of a call that is done or lost. */
static void credit(struct explain_entry *entry, const struct call *call) {
  const struct call_count *count = &call->count;
  entry->calls_credited = count->flags & COUNT_CALL ? 1 : 0;
  excuse(entry, explain_not_counted(count));
  if (entry->calls_credited) entry->calls_reason = REASON_NONE;
  if (!(count->flags & COUNT_TALK)) return;
  entry->talk_reason = REASON_NONE;
  talk_union_add_call(&entry->talk, call->tally, call);
  entry->talk_ms = entry->talk.total_ms;
  entry->begin_ms = call->tally->begin_ms;
  entry->settled_ms = call->tally->talk.base_ms;
}

static enum explain_reason uncounted_reason(const struct call *call) {
  switch ((enum call_state)call->state) {
  case CALL_OPEN: return REASON_OPEN;
  case CALL_INTERNAL: return REASON_INTERNAL;
  default: return REASON_INCOMPLETE;
  }
}

static void describe(struct explain *x, struct explain_entry *entry, const struct call *call,
                     const struct note *note) {
  entry->state = (enum call_state)call->state;
  entry->dir = call->dir == DIR_UNKNOWN ? DIR_OUT : (enum call_dir)call->dir;
  entry->outcome = (enum call_outcome)call->outcome;
  entry->answered = call_answered(call);
  entry->end_ms = call->end_ms;
  if (call->tally && call->state != CALL_OPEN) {
    entry->talk_ms = call->count.talk_ms;
    if (!entry->answered) entry->outcome = (enum call_outcome)call->count.outcome;
  }
  entry->policy_from = policy_on(book_of(x), entry->day)->from;
  if (!note) return;
  if (note->policy_from != DAY_NONE) entry->policy_from = note->policy_from;
  entry->lsn = note->lsn;
  if (note->number) entry->number = arena_dup(&x->arena, slice_of(note->number));
}

static void add_repeats(struct explain *x, const struct call *call, const struct note *note,
                        day_t day) {
  for (size_t i = 0; note && i < note->repeat_count; i++) {
    struct explain_entry *entry = add_entry(x, call_id(call));
    entry->day = day;
    entry->at_ms = note->repeats[i].ts_ms;
    describe(x, entry, call, note);
    entry->repeated = note->repeats[i].type;
    entry->lsn = note->repeats[i].lsn;
    excuse(entry, REASON_DUPLICATE);
  }
}

static void add_mine(struct explain *x, const struct call *call, const struct note *note) {
  msec_t at = begin_of(call, note);
  if (at == MSEC_NONE) return;
  const struct calendar *calendar = &book_of(x)->calendar;
  bool counts = call->tally && call->state != CALL_OPEN;
  day_t day = call->tally ? call->tally->day : calendar_day_of(calendar, at);
  bool ends_inside =
      call->end_ms != MSEC_NONE && is_asked(x, calendar_day_of(calendar, call->end_ms));
  if (!is_asked(x, day) && !(counts && ends_inside)) return;
  struct explain_entry *entry = add_entry(x, call_id(call));
  entry->at_ms = at;
  entry->day = day;
  describe(x, entry, call, note);
  if (!is_asked(x, day))
    excuse(entry, REASON_OUTSIDE_WINDOW);
  else if (counts)
    credit(entry, call);
  else
    excuse(entry, uncounted_reason(call));
  add_repeats(x, call, note, day);
}

/* An event named this agent, but the call is another's. */
static void add_others(struct explain *x, const struct call *call, const struct note *note) {
  day_t day = calendar_day_of(&book_of(x)->calendar, note->named_ms);
  if (!is_asked(x, day)) return;
  struct explain_entry *entry = add_entry(x, call_id(call));
  entry->at_ms = note->named_ms;
  entry->day = day;
  describe(x, entry, call, note);
  excuse(entry, REASON_AFTER_TRANSFER);
  if (call->agent) entry->holder = arena_dup(&x->arena, slice_of(call->agent->id));
}

/* Calls of the weeks that are asked for, to whomever: leads may come later. */
static void add_dial(struct explain *x, const struct call *call, const struct note *note) {
  if (!call->tally || call->state == CALL_OPEN || call->count.dial_key == 0) return;
  day_t monday = week_monday(call->tally->day);
  if (monday < x->first_week || monday > x->last_week) return;
  x->dials = mem_grow(x->dials, &x->dial_capacity, x->dial_count + 1, sizeof *x->dials);
  struct explain_dial *dial = &x->dials[x->dial_count++];
  *dial = (struct explain_dial){.call = arena_dup(&x->arena, call_id(call)),
                                .monday = monday,
                                .at_ms = call->tally->begin_ms + call->count.start,
                                .key = call->count.dial_key,
                                .answered = call->count.flags & COUNT_ANSWERED};
  if (!note) return;
  dial->lsn = note->lsn;
  if (note->number) dial->number = arena_dup(&x->arena, slice_of(note->number));
}

static void explain_call(void *context, const struct call *call) {
  struct explain *x = context;
  struct note *note = table_remove(&x->notes, call_id(call));
  if (is_mine(x, call->agent)) {
    add_mine(x, call, note);
    add_dial(x, call, note);
  } else if (note && note->named_ms != MSEC_NONE) {
    add_others(x, call, note);
  }
  free_note(note);
}

/* --- life --- */

void explain_range(day_t *first, day_t *last) {
  day_t ended = week_monday(*last + 1) - 1; /* the last Sunday */
  *first = week_monday(*first);
  if (ended < *first) ended = *first + 6;
  if (*last < ended) *last = ended;
}

struct explain *explain_new(struct fold *fold, struct slice id, day_t first, day_t last) {
  struct explain *x = mem_zalloc(sizeof *x);
  *x = (struct explain){.fold = fold, .agent = mem_slice_dup(id), .first = first, .last = last};
  explain_range(&first, &last);
  x->first_week = first;
  x->last_week = week_monday(last + 1) - 7;
  centre_on_forget(fold->centre, explain_call, x);
  return x;
}

void explain_free(struct explain *x) {
  if (!x) return;
  centre_on_forget(x->fold->centre, NULL, NULL);
  size_t position = 0;
  for (struct note *note; (note = table_next(&x->notes, &position));)
    free_note(note);
  table_free(&x->notes);
  for (size_t i = 0; i < x->count; i++)
    talk_union_free(&x->entries[i].talk);
  free(x->entries);
  free(x->states);
  free(x->dials);
  free(x->agent);
  arena_free(&x->arena);
  free(x);
}

static int by_time(const void *a, const void *b) {
  const struct explain_entry *x = a, *y = b;
  if (x->day != y->day) return x->day < y->day ? -1 : 1;
  if (x->at_ms != y->at_ms) return x->at_ms < y->at_ms ? -1 : 1;
  int order = strcmp(x->call, y->call);
  if (order) return order;
  return (x->lsn > y->lsn) - (x->lsn < y->lsn);
}

/* What each call adds to the union of those before it in the same day. Calls that
 * came after the day was settled overlap with nothing before (day_tally_settle). */
static void credit_talk(struct explain *x, size_t from, size_t to) {
  struct talk_union u = {0};
  for (size_t i = from; i < to; i++) {
    struct explain_entry *first = &x->entries[i];
    if (first->talk.count == 0 || first->talk_credited_ms || first->talk_reason) continue;
    talk_union_free(&u);
    for (size_t j = i; j < to; j++) {
      struct explain_entry *entry = &x->entries[j];
      if (entry->talk.count == 0 || entry->settled_ms != first->settled_ms) continue;
      msec_t before = u.total_ms;
      for (uint32_t s = 0; s < entry->talk.count; s++)
        talk_union_add(&u, entry->talk.spans[s].from, entry->talk.spans[s].to);
      entry->talk_credited_ms = u.total_ms - before;
      if (entry->talk_credited_ms < entry->talk_ms) entry->talk_reason = REASON_OVERLAP;
    }
  }
  talk_union_free(&u);
}

void explain_finish(struct explain *x) {
  centre_each_call(x->fold->centre, explain_call, x);
  if (x->count) qsort(x->entries, x->count, sizeof *x->entries, by_time);
  for (size_t from = 0, to; from < x->count; from = to) {
    for (to = from; to < x->count && x->entries[to].day == x->entries[from].day; to++)
      if (!x->entries[to].talk_reason && x->entries[to].talk_ms == 0)
        x->entries[to].talk_reason = REASON_NO_TALK;
    credit_talk(x, from, to);
  }
}

/* The last state told of a day; NULL: none. */
static const struct explain_state *last_state(const struct explain *x, day_t day) {
  size_t i = x->state_count;
  while (i > 0 && x->states[i - 1].day != day)
    i--;
  return i ? &x->states[i - 1] : NULL;
}

static void add_state(struct explain *x, const struct day_tally *t) {
  const struct explain_state *last = last_state(x, t->day);
  if (last && last->verdict.state == t->verdict.state &&
      last->verdict.calls_state == t->verdict.calls_state &&
      last->verdict.talk_state == t->verdict.talk_state)
    return;
  x->states = mem_grow(x->states, &x->state_capacity, x->state_count + 1, sizeof *x->states);
  x->states[x->state_count++] =
      (struct explain_state){.at_ms = x->fold->now_ms,
                             .day = t->day,
                             .policy_from = policy_on(book_of(x), t->day)->from,
                             .verdict = t->verdict,
                             .calls = t->calls,
                             .calls_target = t->calls_target,
                             .talk_ms = t->talk.total_ms,
                             .talk_target_ms = t->talk_target_ms};
}

void explain_judge(struct explain *x) {
  const struct centre_agent *agent = centre_find_agent(x->fold->centre, slice_of(x->agent));
  if (!agent) return;
  fold_judge(x->fold, agent);
  for (const struct day_tally *t = agent->days; t && t->day >= x->first; t = t->older)
    if (t->day <= x->last && t->verdict.state != PACE_NONE) add_state(x, t);
}

size_t explain_count(const struct explain *x) {
  return x->count;
}

const struct explain_entry *explain_at(const struct explain *x, size_t index) {
  return &x->entries[index];
}

size_t explain_state_count(const struct explain *x) {
  return x->state_count;
}

const struct explain_state *explain_state_at(const struct explain *x, size_t index) {
  return &x->states[index];
}
