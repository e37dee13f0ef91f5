#include "callpace/core/alert_book.h"

#include <stdlib.h>

#include "callpace/base/mem.h"

static void case_free(struct alert_case *c) {
  while (c->told) {
    struct alert_told *told = c->told;
    c->told = told->next;
    free(told);
  }
  free(c->id);
  free(c->acked_by);
  free(c->note);
  free(c);
}

void alert_book_free(struct alert_book *book) {
  while (book->oldest) {
    struct alert_case *c = book->oldest;
    book->oldest = c->newer;
    case_free(c);
  }
  table_free(&book->by_id);
  *book = (struct alert_book){0};
}

/* ---- cases ---- */

static void forget_oldest(struct alert_book *book) {
  struct alert_case *c = book->oldest;
  book->oldest = c->newer;
  book->oldest->older = NULL;
  book->count--;
  if (table_get(&book->by_id, slice_of(c->id)) == c) table_remove(&book->by_id, slice_of(c->id));
  case_free(c);
}

static struct alert_case *add_case(struct alert_book *book, struct slice id, msec_t at_ms) {
  struct alert_case *c = mem_zalloc(sizeof *c);
  *c = (struct alert_case){.older = book->newest,
                           .type = alert_id_type(id),
                           .id = mem_slice_dup(id),
                           .raised_ms = at_ms,
                           .resolved_ms = MSEC_NONE,
                           .acked_ms = MSEC_NONE};
  if (book->newest)
    book->newest->newer = c;
  else
    book->oldest = c;
  book->newest = c;
  table_put(&book->by_id, slice_of(c->id), c);
  if (++book->count > ALERT_BOOK_MAX) forget_oldest(book);
  return c;
}

struct alert_case *alert_book_find(const struct alert_book *book, struct slice id) {
  return table_get(&book->by_id, id);
}

struct alert_told *alert_case_told(const struct alert_case *c, struct slice hook) {
  struct alert_told *told = c->told;
  while (told && !slice_equal(slice_of(told->name), hook))
    told = told->next;
  return told;
}

static struct alert_told *add_told(struct alert_case *c, struct slice hook, bool escalated) {
  struct alert_told *told = alert_case_told(c, hook);
  if (told && escalated) told->escalated = true;
  if (told) return told;
  told = mem_zalloc(sizeof *told + hook.len + 1);
  memcpy(told->name, hook.data, hook.len);
  told->told_ms = MSEC_NONE;
  told->escalated = escalated;
  struct alert_told **end = &c->told;
  while (*end)
    end = &(*end)->next;
  return *end = told;
}

/* ---- records ---- */

void alert_book_raise(struct alert_book *book, struct slice id, msec_t at_ms, struct slice hooks) {
  if (alert_id_type(id) == ALERT_NONE) return;
  struct alert_case *c = alert_book_find(book, id);
  bool escalated = hooks.len > 0 && hooks.data[0] == '^';
  if (!escalated || !c) c = add_case(book, id, at_ms);
  for (size_t begin = 0, at = 0; at < hooks.len; at++) {
    if (hooks.data[at] != ',') continue;
    if (hooks.data[begin] == '^' || hooks.data[begin] == '~') begin++;
    if (at > begin) add_told(c, (struct slice){hooks.data + begin, at - begin}, escalated);
    begin = at + 1;
  }
}

void alert_book_resolve(struct alert_book *book, struct slice id, msec_t at_ms, bool recovered) {
  struct alert_case *c = alert_book_find(book, id);
  if (!c || c->resolved_ms != MSEC_NONE) return;
  c->resolved_ms = at_ms;
  c->recovered = recovered;
}

void alert_book_told(struct alert_book *book, struct slice id, struct slice hook, msec_t now_ms) {
  struct alert_case *c = alert_book_find(book, id);
  struct alert_told *told = c ? alert_case_told(c, hook) : NULL;
  if (told && told->told_ms == MSEC_NONE) told->told_ms = now_ms;
}

void alert_book_ack(struct alert_book *book, struct slice id, msec_t at_ms, struct slice by,
                    struct slice note) {
  struct alert_case *c = alert_book_find(book, id);
  if (!c) return;
  free(c->acked_by);
  free(c->note);
  c->acked_ms = at_ms;
  c->acked_by = mem_slice_dup(by);
  c->note = mem_slice_dup(note);
}

/* ---- showing ---- */

void alert_book_put_json(const struct alert_book *book, struct slice id, bool raised, msec_t at_ms,
                         struct slice json, struct writer *w) {
  const struct alert_case *c = raised ? alert_book_find(book, id) : NULL;
  bool acked = c && c->raised_ms == at_ms && c->acked_ms != MSEC_NONE && json.len > 1;
  if (!acked) {
    json_raw(w, json);
    return;
  }
  json_raw(w, (struct slice){json.data, json.len - 1}); /* open again */
  json_key(w, "acked");
  json_open(w, '{');
  json_put_int(w, "at_ms", c->acked_ms);
  json_put_text(w, "by", c->acked_by);
  json_put_text(w, "note", c->note);
  json_close(w, '}');
  json_close(w, '}');
}

static int by_length(const void *a, const void *b) {
  msec_t x = *(const msec_t *)a, y = *(const msec_t *)b;
  return (x > y) - (x < y);
}

/* The lower of the two in the middle, so that it is one that occurred. */
static msec_t median_of(msec_t *lengths, size_t count) {
  if (count == 0) return MSEC_NONE;
  qsort(lengths, count, sizeof *lengths, by_length);
  return lengths[(count - 1) / 2];
}

void alert_book_stats(const struct alert_book *book, enum alert_type type,
                      struct alert_stats *out) {
  msec_t *recovered = mem_alloc((book->count + 1) * sizeof *recovered);
  msec_t *acked = mem_alloc((book->count + 1) * sizeof *acked);
  *out = (struct alert_stats){0};
  for (const struct alert_case *c = book->oldest; c; c = c->newer) {
    if (c->type != type) continue;
    out->raised++;
    if (c->acked_ms != MSEC_NONE) acked[out->acked++] = c->acked_ms - c->raised_ms;
    if (c->resolved_ms == MSEC_NONE)
      out->open += alert_type_lasts(type);
    else if (c->recovered)
      recovered[out->recovered++] = c->resolved_ms - c->raised_ms;
    else
      out->ran_out++;
  }
  out->median_recovered_ms = median_of(recovered, out->recovered);
  out->median_acked_ms = median_of(acked, out->acked);
  free(recovered);
  free(acked);
}

/* ---- snapshots ---- */

static void save_case(const struct alert_case *c, struct writer *w) {
  put_blob(w, slice_of(c->id));
  put_u64(w, (uint64_t)c->raised_ms);
  put_u64(w, (uint64_t)c->resolved_ms);
  put_u8(w, c->recovered);
  put_u64(w, (uint64_t)c->acked_ms);
  put_blob(w, slice_of(c->acked_by));
  put_blob(w, slice_of(c->note));
  for (const struct alert_told *told = c->told; told; told = told->next) {
    put_u8(w, (uint8_t)(1 | told->escalated << 1));
    put_blob(w, slice_of(told->name));
    put_u64(w, (uint64_t)told->told_ms);
  }
  put_u8(w, 0);
}

void alert_book_save(const struct alert_book *book, struct writer *w) {
  put_varint(w, book->count);
  for (const struct alert_case *c = book->oldest; c; c = c->newer)
    save_case(c, w);
}

static void load_case(struct alert_book *book, struct reader *r) {
  struct slice id = get_blob(r);
  msec_t raised_ms = (msec_t)get_u64(r);
  if (r->failed || alert_id_type(id) == ALERT_NONE) {
    r->failed = true;
    return;
  }
  struct alert_case *c = add_case(book, id, raised_ms);
  c->resolved_ms = (msec_t)get_u64(r);
  c->recovered = get_u8(r) != 0;
  msec_t acked_ms = (msec_t)get_u64(r);
  struct slice by = get_blob(r), note = get_blob(r);
  if (acked_ms != MSEC_NONE) alert_book_ack(book, id, acked_ms, by, note);
  for (uint8_t flags; (flags = get_u8(r)) != 0 && !r->failed;) {
    struct slice name = get_blob(r);
    msec_t told_ms = (msec_t)get_u64(r);
    if (flags > 3 || name.len == 0) r->failed = true;
    if (!r->failed) add_told(c, name, flags & 2)->told_ms = told_ms;
  }
}

void alert_book_load(struct alert_book *book, struct reader *r) {
  for (uint64_t count = get_varint(r); count > 0 && !r->failed; count--)
    load_case(book, r);
  if (r->failed) alert_book_free(book);
}
