/* Events that come soon: what they will touch is fetched while others are worked on.
 * Memory answers slower than the centre counts, and an event touches a call, an agent
 * and a day of which hundreds of others were used since. */
#include "centre_inner.h"
#include "lead_book_inner.h"

enum { CACHE_LINE = 64 };

static void fetch(const void *memory, size_t size) {
  for (size_t at = 0; at < size; at += CACHE_LINE)
    __builtin_prefetch((const char *)memory + at, 1);
}

void centre_ahead_add(const struct centre *centre, struct centre_ahead *ahead,
                      const struct call_event *event) {
  if (ahead->count == CENTRE_AHEAD_MAX || event->call.len == 0) return;
  struct centre_ahead_item *item = &ahead->items[ahead->count++];
  *item = (struct centre_ahead_item){.hash = table_hash(event->call)};
  table_expect(&centre->calls, item->hash);
  if (event->agent.len == 0) return;
  const struct roster *roster = centre->settings->roster;
  const struct agent *rostered = roster_find(roster, event->agent);
  if (rostered) item->agent = centre->by_roster[rostered - roster->agents];
}

/* Each step needs what the one before has fetched, so all events take one step before
 * any takes the next. */
static void find_call(const struct centre *centre, struct centre_ahead_item *item) {
  item->call = table_likely(&centre->calls, item->hash);
  if (item->call) fetch(item->call, sizeof *item->call);
  if (item->agent) fetch(item->agent, sizeof *item->agent);
}

static void find_day(struct centre_ahead_item *item) {
  if (item->call && item->call->agent) item->agent = item->call->agent;
  if (item->call) item->day = item->call->tally;
  if (!item->day && item->agent) item->day = item->agent->recent;
  if (item->day) fetch(item->day, sizeof *item->day);
  if (item->call && item->agent) fetch(item->agent, sizeof *item->agent);
}

static void find_rest(const struct centre_ahead_item *item) {
  const struct day_tally *day = item->day;
  if (day && day->talk.count) fetch(&day->talk.spans[day->talk.count - 1], 1);
  if (day && day->done.last) fetch(&day->done.last->next_of_day, 1);
  if (!item->agent) return;
  if (item->agent->months) fetch(item->agent->months, sizeof *item->agent->months);
  if (item->agent->weeks) fetch(&item->agent->weeks->book, sizeof item->agent->weeks->book);
}

static void find_ends(const struct centre_ahead_item *item) {
  const struct lead_week *week = item->agent ? item->agent->weeks : NULL;
  if (week && week->book.calls) fetch(&week->book.calls[week->book.call_count], 1);
}

void centre_ahead_fetch(const struct centre *centre, struct centre_ahead *ahead) {
  for (size_t i = 0; i < ahead->count; i++)
    find_call(centre, &ahead->items[i]);
  for (size_t i = 0; i < ahead->count; i++)
    find_day(&ahead->items[i]);
  for (size_t i = 0; i < ahead->count; i++)
    find_rest(&ahead->items[i]);
  for (size_t i = 0; i < ahead->count; i++)
    find_ends(&ahead->items[i]);
  ahead->count = 0;
}

/* The next call was fetched when the one before it was forgotten; now what hangs on it. */
void centre_expect_forgetting(const struct centre *centre) {
  const struct call *next = centre->queue_first;
  if (!next) return;
  table_expect(&centre->calls, next->hash);
  if (next->next_of_day) fetch(&next->next_of_day->next_of_day, 1);
  if (next->tally) fetch(next->tally, sizeof *next->tally);
  if (next->next_queued) fetch(next->next_queued, sizeof *next->next_queued);
}
