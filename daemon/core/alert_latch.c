/* What was told: per business day and subject the state of every type. */
#include <stdlib.h>

#include "callpace/base/mem.h"
#include "callpace/core/alert.h"

struct latch_entry {
  struct latch_entry *next; /* in order of arrival, so that snapshots are repeatable */
  msec_t since_ms[ALERT_TYPES];
  uint8_t states[ALERT_TYPES];
  struct slice subject;
  char bytes[];
};

struct alert_latch_day {
  struct alert_latch_day *older;
  struct latch_entry *first, **end;
  struct table by_subject;
  day_t day;
};

static void free_day(struct alert_latch_day *day) {
  for (struct latch_entry *next, *entry = day->first; entry; entry = next) {
    next = entry->next;
    free(entry);
  }
  table_free(&day->by_subject);
  free(day);
}

void alert_latch_free(struct alert_latch *latch) {
  for (struct alert_latch_day *older, *day = latch->days; day; day = older) {
    older = day->older;
    free_day(day);
  }
  *latch = (struct alert_latch){0};
}

static struct alert_latch_day *find_day(const struct alert_latch *latch, day_t day) {
  struct alert_latch_day *at = latch->days;
  while (at && at->day > day)
    at = at->older;
  return at && at->day == day ? at : NULL;
}

static struct alert_latch_day *need_day(struct alert_latch *latch, day_t day) {
  struct alert_latch_day **link = &latch->days;
  while (*link && (*link)->day > day)
    link = &(*link)->older;
  if (*link && (*link)->day == day) return *link;
  struct alert_latch_day *added = mem_zalloc(sizeof(*added));
  added->day = day;
  added->end = &added->first;
  added->older = *link;
  return *link = added;
}

static struct latch_entry *need_entry(struct alert_latch_day *day, struct slice subject) {
  struct latch_entry *entry = table_get(&day->by_subject, subject);
  if (entry) return entry;
  entry = mem_zalloc(sizeof(*entry) + subject.len + 1);
  if (subject.len > 0) memcpy(entry->bytes, subject.data, subject.len);
  entry->subject = (struct slice){entry->bytes, subject.len};
  *day->end = entry;
  day->end = &entry->next;
  table_put(&day->by_subject, entry->subject, entry);
  return entry;
}

static const struct latch_entry *find_entry(const struct alert_latch *latch, struct slice subject,
                                            day_t period) {
  const struct alert_latch_day *day = find_day(latch, period);
  return day ? table_get(&day->by_subject, subject) : NULL;
}

enum alert_state alert_latch_state(const struct alert_latch *latch, struct slice subject,
                                   enum alert_type type, day_t period) {
  const struct latch_entry *entry = find_entry(latch, subject, period);
  return entry ? (enum alert_state)entry->states[type] : ALERT_CLEAR;
}

const uint8_t *alert_latch_states(const struct alert_latch *latch, struct slice subject,
                                  day_t period) {
  const struct latch_entry *entry = find_entry(latch, subject, period);
  return entry ? entry->states : NULL;
}

msec_t alert_latch_since(const struct alert_latch *latch, struct slice subject,
                         enum alert_type type, day_t period) {
  const struct latch_entry *entry = find_entry(latch, subject, period);
  return entry && entry->states[type] != ALERT_CLEAR ? entry->since_ms[type] : MSEC_NONE;
}

day_t alert_latch_open_day(const struct alert_latch *latch, struct slice subject,
                           enum alert_type type) {
  for (const struct alert_latch_day *day = latch->days; day; day = day->older) {
    const struct latch_entry *entry = table_get(&day->by_subject, subject);
    if (entry && entry->states[type] == ALERT_RAISED) return day->day;
  }
  return DAY_NONE;
}

static unsigned entry_open(const struct latch_entry *entry) {
  unsigned open = 0;
  for (unsigned type = 1; type < ALERT_TYPES; type++)
    if (entry->states[type] == ALERT_RAISED && alert_type_lasts((enum alert_type)type)) open++;
  return open;
}

size_t alert_latch_open_count(const struct alert_latch *latch) {
  size_t open = 0;
  for (const struct alert_latch_day *day = latch->days; day; day = day->older)
    for (const struct latch_entry *entry = day->first; entry; entry = entry->next)
      open += entry_open(entry);
  return open;
}

void alert_latch_set(struct alert_latch *latch, const struct alert *alert) {
  struct latch_entry *entry = need_entry(need_day(latch, alert->period), alert->subject);
  if (entry->states[alert->type] == (uint8_t)alert->state) return;
  entry->states[alert->type] = (uint8_t)alert->state;
  entry->since_ms[alert->type] = alert->at_ms;
}

bool alert_latch_apply(struct alert_latch *latch, struct slice id, enum alert_state state,
                       msec_t at) {
  struct period period;
  struct alert alert = {.state = state, .at_ms = at};
  if (!alert_id_parse(id, &alert.subject, &alert.type, &period)) return false;
  alert.period = period.first;
  if (state != ALERT_RAISED && state != ALERT_RESOLVED) return false;
  alert_latch_set(latch, &alert);
  return true;
}

void alert_latch_each_open(struct alert_latch *latch, enum alert_type type, day_t period,
                           void (*visit)(void *context, struct slice subject), void *context) {
  struct alert_latch_day *day = find_day(latch, period);
  for (struct latch_entry *entry = day ? day->first : NULL; entry; entry = entry->next)
    if (entry->states[type] == ALERT_RAISED) visit(context, entry->subject);
}

/* Keeps only the entries with something open; true when none is left. */
static bool strip_day(struct alert_latch_day *day) {
  struct latch_entry **link = &day->first;
  while (*link) {
    struct latch_entry *entry = *link;
    if (entry_open(entry) > 0) {
      link = &entry->next;
      continue;
    }
    *link = entry->next;
    table_remove(&day->by_subject, entry->subject);
    free(entry);
  }
  day->end = link;
  return day->first == NULL;
}

void alert_latch_forget(struct alert_latch *latch, day_t before) {
  struct alert_latch_day **link = &latch->days;
  while (*link) {
    struct alert_latch_day *day = *link;
    if (day->day >= before || !strip_day(day)) {
      link = &day->older;
      continue;
    }
    *link = day->older;
    free_day(day);
  }
}

/* --- snapshots --- */

static void save_entry(const struct latch_entry *entry, day_t day, struct writer *w) {
  put_u8(w, 1);
  put_varint_signed(w, day);
  put_blob(w, entry->subject);
  for (unsigned type = 1; type < ALERT_TYPES; type++) {
    if (entry->states[type] == ALERT_CLEAR) continue;
    put_u8(w, (uint8_t)type);
    put_u8(w, entry->states[type]);
    put_varint_signed(w, entry->since_ms[type]);
  }
  put_u8(w, ALERT_NONE);
}

void alert_latch_save(const struct alert_latch *latch, struct writer *w) {
  for (const struct alert_latch_day *day = latch->days; day; day = day->older)
    for (const struct latch_entry *entry = day->first; entry; entry = entry->next)
      save_entry(entry, day->day, w);
  put_u8(w, 0);
}

static void load_entry(struct alert_latch *latch, struct reader *r) {
  int64_t day = get_varint_signed(r);
  struct alert alert = {.period = (day_t)day, .subject = get_blob(r)};
  if (day != alert.period) r->failed = true;
  for (uint8_t type = get_u8(r); type != ALERT_NONE && !r->failed; type = get_u8(r)) {
    uint8_t state = get_u8(r);
    alert.at_ms = get_varint_signed(r);
    if (type >= ALERT_TYPES || state == ALERT_CLEAR || state > ALERT_RESOLVED) r->failed = true;
    if (r->failed) return;
    alert.type = (enum alert_type)type;
    alert.state = (enum alert_state)state;
    alert_latch_set(latch, &alert);
  }
}

void alert_latch_load(struct alert_latch *latch, struct reader *r) {
  while (get_u8(r) == 1)
    load_entry(latch, r);
  if (r->failed) alert_latch_free(latch);
}
