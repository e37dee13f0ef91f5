#include "callpace/core/lead_pool.h"

#include <stdlib.h>

#include "callpace/base/mem.h"

enum { KEY_WEEK = sizeof(day_t), ID_MAX = 1024 };

/* The lead, and behind it its texts, the first of which is the table's key: the week
 * and the id. */
struct entry {
  struct pool_lead lead;
  char text[];
};

static struct slice key_of(const struct pool_lead *lead) {
  return (struct slice){lead->lead.data - KEY_WEEK, lead->lead.len + KEY_WEEK};
}

static struct pool_lead *find(const struct lead_pool *pool, day_t week, struct slice lead) {
  char key[KEY_WEEK + ID_MAX];
  if (pool->by_lead.count == 0 || lead.len > ID_MAX) return NULL;
  memcpy(key, &week, KEY_WEEK);
  if (lead.len) memcpy(key + KEY_WEEK, lead.data, lead.len);
  return table_get(&pool->by_lead, (struct slice){key, KEY_WEEK + lead.len});
}

const struct pool_lead *lead_pool_find(const struct lead_pool *pool, day_t week,
                                       struct slice lead) {
  return find(pool, week, lead);
}

static char *copy(char *to, struct slice *text) {
  if (text->len) memcpy(to, text->data, text->len);
  text->data = to;
  return to + text->len;
}

bool lead_pool_add(struct lead_pool *pool, const struct pool_lead *lead) {
  if (lead->lead.len > ID_MAX || find(pool, lead->week, lead->lead)) return false;
  size_t len = KEY_WEEK + lead->lead.len + lead->number.len + lead->from.len + lead->reason.len;
  struct entry *entry = mem_alloc(sizeof *entry + len);
  entry->lead = *lead;
  memcpy(entry->text, &lead->week, KEY_WEEK);
  char *to = copy(entry->text + KEY_WEEK, &entry->lead.lead);
  to = copy(to, &entry->lead.number);
  to = copy(to, &entry->lead.from);
  copy(to, &entry->lead.reason);
  entry->lead.next = NULL;
  entry->lead.before = pool->last;
  if (pool->last)
    pool->last->next = &entry->lead;
  else
    pool->first = &entry->lead;
  pool->last = &entry->lead;
  table_put(&pool->by_lead, key_of(&entry->lead), &entry->lead);
  return true;
}

static void drop(struct lead_pool *pool, struct pool_lead *lead) {
  table_remove(&pool->by_lead, key_of(lead));
  if (lead->next)
    lead->next->before = lead->before;
  else
    pool->last = lead->before;
  if (lead->before)
    lead->before->next = lead->next;
  else
    pool->first = lead->next;
  free((struct entry *)lead);
}

bool lead_pool_remove(struct lead_pool *pool, day_t week, struct slice lead) {
  struct pool_lead *found = find(pool, week, lead);
  if (found) drop(pool, found);
  return found != NULL;
}

void lead_pool_drop(struct lead_pool *pool, day_t before) {
  for (struct pool_lead *lead = pool->first, *next; lead; lead = next) {
    next = lead->next;
    if (lead->week < before) drop(pool, lead);
  }
}

void lead_pool_free(struct lead_pool *pool) {
  while (pool->first)
    drop(pool, pool->first);
  table_free(&pool->by_lead);
  *pool = (struct lead_pool){0};
}

void lead_pool_save(const struct lead_pool *pool, struct writer *w) {
  put_varint(w, pool->by_lead.count);
  for (const struct pool_lead *lead = pool->first; lead; lead = lead->next) {
    put_varint_signed(w, lead->week);
    put_varint_signed(w, lead->at_ms);
    put_blob(w, lead->lead);
    put_blob(w, lead->number);
    put_blob(w, lead->from);
    put_blob(w, lead->reason);
  }
}

void lead_pool_load(struct lead_pool *pool, struct reader *r) {
  for (uint64_t count = get_varint(r); count > 0 && !r->failed; count--) {
    int64_t week = get_varint_signed(r);
    struct pool_lead lead = {.week = (day_t)week, .at_ms = get_varint_signed(r)};
    lead.lead = get_blob(r);
    lead.number = get_blob(r);
    lead.from = get_blob(r);
    lead.reason = get_blob(r);
    if (week != lead.week || r->failed || !lead_pool_add(pool, &lead)) r->failed = true;
  }
}
