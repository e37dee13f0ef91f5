#include "callpace/core/alert_log.h"

#include <stdlib.h>

#include "callpace/base/mem.h"

static void entry_free(struct alert_entry *entry) {
  free(entry->id);
  free(entry->json);
  free(entry->lead);
  free(entry->hooks);
  free(entry);
}

void alert_log_free(struct alert_log *log) {
  while (log->oldest) {
    struct alert_entry *entry = log->oldest;
    log->oldest = entry->newer;
    entry_free(entry);
  }
  table_free(&log->by_id);
  *log = (struct alert_log){0};
}

/* ---- the two lists ---- */

static void link_same(struct alert_log *log, struct alert_entry *entry) {
  struct alert_entry *same = table_get(&log->by_id, slice_of(entry->id));
  if (!same) {
    table_put(&log->by_id, slice_of(entry->id), entry);
    return;
  }
  while (same->newer_same)
    same = same->newer_same;
  same->newer_same = entry;
  entry->older_same = same;
}

static void unlink_same(struct alert_log *log, struct alert_entry *entry) {
  struct alert_entry *older = entry->older_same, *newer = entry->newer_same;
  if (newer) newer->older_same = older;
  if (older) {
    older->newer_same = newer;
    return;
  }
  table_remove(&log->by_id, slice_of(entry->id));
  if (newer) table_put(&log->by_id, slice_of(newer->id), newer);
}

static void link_newest(struct alert_log *log, struct alert_entry *entry) {
  entry->older = log->newest;
  if (log->newest)
    log->newest->newer = entry;
  else
    log->oldest = entry;
  log->newest = entry;
  log->count++;
}

static void forget(struct alert_log *log, struct alert_entry *entry) {
  if (entry->older)
    entry->older->newer = entry->newer;
  else
    log->oldest = entry->newer;
  entry->newer->older = entry->older; /* the newest is never forgotten */
  unlink_same(log, entry);
  log->count--;
  log->settled--;
  entry_free(entry);
}

static void forget_old(struct alert_log *log) {
  struct alert_entry *entry = log->oldest;
  while (log->count > ALERT_LOG_MAX && log->settled > 0 && entry != log->newest) {
    struct alert_entry *newer = entry->newer;
    if (!entry->hooks[0]) forget(log, entry);
    entry = newer;
  }
}

struct alert_entry *alert_log_add(struct alert_log *log, const struct alert_said *said) {
  struct alert_entry *entry = mem_alloc(sizeof *entry);
  *entry = (struct alert_entry){.lsn = said->lsn,
                                .at_ms = said->at_ms,
                                .raised = said->raised,
                                .notice = said->notice,
                                .id = mem_slice_dup(said->id),
                                .json = mem_slice_dup(said->json),
                                .lead = mem_slice_dup(said->lead),
                                .hooks = mem_slice_dup(said->hooks)};
  link_newest(log, entry);
  link_same(log, entry);
  if (said->hooks.len == 0) log->settled++;
  for (size_t i = 0; i < said->hooks.len; i++)
    log->for_digests += said->hooks.data[i] == '~';
  forget_old(log);
  return entry;
}

struct alert_entry *alert_log_after(const struct alert_log *log, uint64_t lsn) {
  struct alert_entry *entry = log->newest;
  if (!entry || entry->lsn <= lsn) return NULL;
  while (entry->older && entry->older->lsn > lsn)
    entry = entry->older;
  return entry;
}

/* ---- who waits ---- */

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

static void strike(struct alert_log *log, struct alert_entry *entry, char *at, size_t name_len) {
  const char *rest = at + name_len + 1;
  log->for_digests -= *at == '~';
  memmove(at, rest, strlen(rest) + 1);
  if (!entry->hooks[0]) log->settled++;
}

void alert_log_delivered(struct alert_log *log, struct slice id, bool raised, struct slice hook) {
  struct alert_entry *entry = table_get(&log->by_id, id);
  for (; entry; entry = entry->newer_same) {
    char *at = entry->raised == raised ? find_hook(entry, hook) : NULL;
    if (!at) continue;
    strike(log, entry, at, hook.len);
    return;
  }
}

/* The place of "~NAME" in the list, or NULL. */
static char *find_digest(const struct alert_entry *entry, struct slice hook) {
  for (char *at = entry->hooks; (at = strchr(at, '~')); at++) {
    const char *comma = strchr(at, ',');
    if (comma && slice_equal((struct slice){at + 1, (size_t)(comma - at) - 1}, hook)) return at;
  }
  return NULL;
}

bool alert_log_digests(const struct alert_log *log, struct slice id, struct slice hook) {
  if (log->for_digests == 0) return false;
  for (const struct alert_entry *e = table_get(&log->by_id, id); e; e = e->newer_same)
    if (find_digest(e, hook)) return true;
  return false;
}

const struct alert_entry *alert_log_raised(const struct alert_log *log, struct slice id) {
  const struct alert_entry *found = NULL;
  for (const struct alert_entry *e = table_get(&log->by_id, id); e; e = e->newer_same)
    if (e->raised && !e->notice) found = e;
  return found;
}

void alert_log_touch(struct alert_log *log, struct slice id, uint64_t lsn) {
  struct alert_entry *found = NULL;
  for (struct alert_entry *e = table_get(&log->by_id, id); e; e = e->newer_same)
    if (e->raised && !e->notice) found = e;
  if (!found) return;
  found->touched_lsn = log->touched_lsn = lsn;
}

void alert_log_digested(struct alert_log *log, struct slice hook, struct slice lead, uint64_t lsn,
                        void (*each)(void *context, const struct alert_entry *entry),
                        void *context) {
  struct alert_entry *entry = log->oldest;
  for (; entry && entry->lsn <= lsn && log->for_digests > 0; entry = entry->newer) {
    char *at = slice_equal(slice_of(entry->lead), lead) ? find_digest(entry, hook) : NULL;
    if (!at) continue;
    strike(log, entry, at, hook.len + 1);
    each(context, entry);
  }
}

void alert_log_save(const struct alert_log *log, struct writer *w) {
  put_varint(w, log->count);
  for (const struct alert_entry *entry = log->oldest; entry; entry = entry->newer) {
    put_varint(w, entry->lsn);
    put_u64(w, (uint64_t)entry->at_ms);
    put_u8(w, (uint8_t)(entry->raised | entry->notice << 1));
    put_blob(w, slice_of(entry->id));
    put_blob(w, slice_of(entry->json));
    put_blob(w, slice_of(entry->lead));
    put_blob(w, slice_of(entry->hooks));
  }
}

void alert_log_load(struct alert_log *log, struct reader *r) {
  uint64_t count = get_varint(r);
  for (; count > 0 && !r->failed; count--) {
    struct alert_said said = {.lsn = get_varint(r), .at_ms = (msec_t)get_u64(r)};
    uint8_t flags = get_u8(r);
    said.raised = flags & 1;
    said.notice = flags & 2;
    said.id = get_blob(r);
    said.json = get_blob(r);
    said.lead = get_blob(r);
    said.hooks = get_blob(r);
    if (!r->failed) alert_log_add(log, &said);
  }
}
