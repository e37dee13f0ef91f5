/* A lead book in snapshots. Counts follow from leads and calls, and are made again;
 * only a frozen book's are written. */
#include "callpace/base/mem.h"
#include "callpace/core/number.h"
#include "lead_book_inner.h"

enum { HELD = 1, RECEIVED = 2, FLAGS = 4, LEAD_BYTES_MIN = 6, TARGET_BYTES_MIN = 10 };

static void save_lead(const struct lead_book *book, const struct lead *lead, struct writer *w) {
  put_blob(w, lead_id(book, lead));
  put_blob(w, lead_number(book, lead));
  put_varint_signed(w, lead->moved_ms);
  put_u8(w, (uint8_t)((lead->held ? HELD : 0) | (lead->received ? RECEIVED : 0)));
  if (!book->frozen) {
    put_u64(w, lead->target ? book->targets[lead->target - 1].key : 0);
    return;
  }
  put_varint(w, lead->dials);
  put_varint(w, lead->contacts);
  put_u8(w, lead->state);
}

static void save_target(const struct lead_book *book, const struct lead_target *target,
                        struct writer *w) {
  put_u64(w, target->key);
  put_varint(w, target->dials);
  for (uint32_t place = target->newest; place; place = book->dials[place - 1].older)
    put_varint(w, book->dials[place - 1].at);
}

void lead_book_save(const struct lead_book *book, struct writer *w) {
  uint32_t dialled = 0;
  put_u8(w, book->frozen);
  put_varint(w, book->lead_count);
  for (uint32_t i = 0; i < book->lead_count; i++)
    save_lead(book, &book->leads[i], w);
  for (uint32_t i = 0; i < book->target_count; i++)
    dialled += book->targets[i].dials > 0;
  put_varint(w, dialled + book->call_count);
  for (uint32_t i = 0; i < book->call_count; i++) {
    put_u64(w, book->calls[i].key);
    put_varint(w, 1);
    put_varint(w, book->calls[i].at);
  }
  for (uint32_t i = 0; i < book->target_count; i++)
    if (book->targets[i].dials > 0) save_target(book, &book->targets[i], w);
}

static void load_frozen(struct lead *lead, struct reader *r) {
  uint64_t dials = get_varint(r), contacts = get_varint(r);
  uint8_t state = get_u8(r);
  if (dials > UINT16_MAX || contacts > UINT16_MAX || state >= LEAD_STATES) {
    r->failed = true;
    return;
  }
  lead->dials = (uint16_t)dials;
  lead->contacts = (uint16_t)contacts;
  lead->state = state;
}

static void count_frozen(struct lead_counts *counts, const struct lead *lead) {
  if (!lead->held) return;
  if (lead->received) {
    counts->received++;
    return;
  }
  counts->issued++;
  counts->dialled += lead->state >= LEAD_DIALLED;
  counts->contacted += lead->state >= LEAD_CONTACTED;
  counts->reached += lead->state >= LEAD_REACHED;
}

static void load_lead(struct lead_book *book, struct reader *r) {
  struct slice id = get_blob(r), number = get_blob(r);
  msec_t moved_ms = get_varint_signed(r);
  uint8_t flags = get_u8(r);
  uint64_t key = book->frozen ? 0 : get_u64(r);
  struct lead *lead = NULL;
  if (!r->failed && flags < FLAGS && !lead_book_find(book, id))
    lead = lead_book_add(book, id, number, key);
  if (!lead) {
    r->failed = true;
    return;
  }
  lead->moved_ms = moved_ms;
  lead->held = flags & HELD;
  lead->received = flags & RECEIVED;
  if (book->frozen) load_frozen(lead, r);
  count_frozen(&book->counts, lead);
}

static void load_target(struct lead_book *book, struct reader *r) {
  uint64_t key = get_u64(r), dials = get_varint(r);
  if (key == 0 || dials > (size_t)(r->end - r->at)) r->failed = true;
  if (r->failed) return;
  struct lead_target *target = NULL;
  uint32_t newer = UINT32_MAX, after = 0; /* they stand latest first */
  for (uint64_t i = 0; i < dials && !r->failed; i++) {
    uint64_t at = get_varint(r);
    if (at > newer) r->failed = true;
    if (r->failed) return;
    newer = (uint32_t)at;
    if (lead_book_only_notes(book)) {
      lead_book_note(book, key, newer);
      continue;
    }
    if (!target) target = lead_book_target(book, key);
    after = lead_book_put_dial(book, target, after, newer);
  }
}

void lead_book_load(struct lead_book *book, const struct lead_rules *rules, struct reader *r) {
  uint8_t frozen = get_u8(r);
  uint64_t leads = get_varint(r);
  if (frozen > 1 || leads > (size_t)(r->end - r->at) / LEAD_BYTES_MIN) r->failed = true;
  book->frozen = frozen == 1;
  for (uint64_t i = 0; i < leads && !r->failed; i++)
    load_lead(book, r);
  uint64_t targets = get_varint(r);
  if (targets > (size_t)(r->end - r->at) / TARGET_BYTES_MIN || (targets && book->frozen))
    r->failed = true;
  for (uint64_t i = 0; i < targets && !r->failed; i++)
    load_target(book, r);
  if (!r->failed) lead_book_recount(book, rules);
}
