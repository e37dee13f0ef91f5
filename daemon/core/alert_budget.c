#include "callpace/core/alert_budget.h"

#include <stdlib.h>

#include "callpace/base/mem.h"

struct budget_line {
  struct budget_line *next; /* in order of arrival, so that snapshots are repeatable */
  struct rate_limit told;
  char *key; /* hook, '/' (which no hook's name holds), lead */
};

void alert_budget_free(struct alert_budget *budget) {
  while (budget->first) {
    struct budget_line *line = budget->first;
    budget->first = line->next;
    free(line->key);
    free(line);
  }
  table_free(&budget->lines);
  *budget = (struct alert_budget){0};
}

static struct budget_line *add_line(struct alert_budget *budget, struct slice key) {
  struct budget_line *line = mem_zalloc(sizeof *line);
  line->key = mem_slice_dup(key);
  if (budget->last)
    budget->last->next = line;
  else
    budget->first = line;
  budget->last = line;
  table_put(&budget->lines, slice_of(line->key), line);
  return line;
}

static struct slice put_key(struct writer *w, struct slice hook, struct slice lead) {
  put_slice(w, hook);
  put_char(w, '/');
  put_slice(w, lead);
  return writer_slice(w);
}

void alert_budget_note(struct alert_budget *budget, struct slice hook, struct slice lead,
                       msec_t now_ms) {
  struct writer key = {0};
  put_key(&key, hook, lead);
  struct budget_line *line = table_get(&budget->lines, writer_slice(&key));
  if (!line) line = add_line(budget, writer_slice(&key));
  rate_limit_note(&line->told, now_ms);
  writer_free(&key);
}

bool alert_budget_allows(const struct alert_budget *budget, struct slice hook, struct slice lead,
                         struct rate_rule rule, msec_t now_ms) {
  struct writer key = {0};
  const struct budget_line *line = table_get(&budget->lines, put_key(&key, hook, lead));
  writer_free(&key);
  return !line || rate_limit_wait(&line->told, &rule, 1, now_ms) == 0;
}

static unsigned long long kept(const struct rate_limit *limit) {
  return limit->done < RATE_LIMIT_KEPT ? limit->done : RATE_LIMIT_KEPT;
}

void alert_budget_save(const struct alert_budget *budget, struct writer *w) {
  put_varint(w, budget->lines.count);
  for (const struct budget_line *line = budget->first; line; line = line->next) {
    put_blob(w, slice_of(line->key));
    put_varint(w, kept(&line->told));
    for (unsigned long long i = line->told.done - kept(&line->told); i < line->told.done; i++)
      put_u64(w, (uint64_t)line->told.at_ms[i % RATE_LIMIT_KEPT]);
  }
}

void alert_budget_load(struct alert_budget *budget, struct reader *r) {
  for (uint64_t count = get_varint(r); count > 0 && !r->failed; count--) {
    struct slice key = get_blob(r);
    uint64_t times = get_varint(r);
    if (times > RATE_LIMIT_KEPT || table_get(&budget->lines, key)) r->failed = true;
    struct budget_line *line = r->failed ? NULL : add_line(budget, key);
    for (; line && times > 0 && !r->failed; times--)
      rate_limit_note(&line->told, (msec_t)get_u64(r));
  }
  if (r->failed) alert_budget_free(budget);
}
