#include "callpace/core/alert_log.h"

#include <stdlib.h>

#include "callpace/base/mem.h"

static void entry_free(struct alert_entry *entry) {
  free(entry->id);
  free(entry->json);
  free(entry->hooks);
  free(entry);
}

void alert_log_free(struct alert_log *log) {
  while (log->oldest) {
    struct alert_entry *entry = log->oldest;
    log->oldest = entry->newer;
    entry_free(entry);
  }
  *log = (struct alert_log){0};
}

static void forget_old(struct alert_log *log) {
  struct alert_entry **at = &log->oldest;
  while (log->count > ALERT_LOG_MAX && *at) {
    struct alert_entry *entry = *at;
    if (entry->hooks[0] || entry == log->newest) {
      at = &entry->newer;
      continue;
    }
    *at = entry->newer;
    log->count--;
    entry_free(entry);
  }
}

struct alert_entry *alert_log_add(struct alert_log *log, uint64_t lsn, bool raised, msec_t at_ms,
                                  struct slice id, struct slice json, struct slice hooks) {
  struct alert_entry *entry = mem_alloc(sizeof *entry);
  *entry = (struct alert_entry){.lsn = lsn,
                                .at_ms = at_ms,
                                .raised = raised,
                                .id = mem_slice_dup(id),
                                .json = mem_slice_dup(json),
                                .hooks = mem_slice_dup(hooks)};
  if (log->newest)
    log->newest->newer = entry;
  else
    log->oldest = entry;
  log->newest = entry;
  log->count++;
  forget_old(log);
  return entry;
}

/* The place of a name in the list "a,b,", or NULL. */
static char *find_hook(const struct alert_entry *entry, struct slice hook) {
  for (char *at = entry->hooks; *at;) {
    char *comma = strchr(at, ',');
    if (!comma) return NULL;
    if (slice_equal((struct slice){at, (size_t)(comma - at)}, hook)) return at;
    at = comma + 1;
  }
  return NULL;
}

bool alert_entry_waits(const struct alert_entry *entry, struct slice hook) {
  return find_hook(entry, hook) != NULL;
}

void alert_log_delivered(struct alert_log *log, struct slice id, bool raised, struct slice hook) {
  for (struct alert_entry *entry = log->oldest; entry; entry = entry->newer) {
    if (entry->raised != raised || !slice_equal(slice_of(entry->id), id)) continue;
    char *at = find_hook(entry, hook);
    if (!at) continue;
    const char *rest = at + hook.len + 1;
    memmove(at, rest, strlen(rest) + 1);
    return;
  }
}

void alert_log_save(const struct alert_log *log, struct writer *w) {
  put_varint(w, log->count);
  for (const struct alert_entry *entry = log->oldest; entry; entry = entry->newer) {
    put_varint(w, entry->lsn);
    put_u64(w, (uint64_t)entry->at_ms);
    put_u8(w, entry->raised);
    put_blob(w, slice_of(entry->id));
    put_blob(w, slice_of(entry->json));
    put_blob(w, slice_of(entry->hooks));
  }
}

void alert_log_load(struct alert_log *log, struct reader *r) {
  uint64_t count = get_varint(r);
  for (; count > 0 && !r->failed; count--) {
    uint64_t lsn = get_varint(r);
    msec_t at_ms = (msec_t)get_u64(r);
    bool raised = get_u8(r) != 0;
    struct slice id = get_blob(r), json = get_blob(r), hooks = get_blob(r);
    if (!r->failed) alert_log_add(log, lsn, raised, at_ms, id, json, hooks);
  }
}
