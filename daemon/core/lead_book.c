#include "callpace/core/lead_book.h"

#include <assert.h>
#include <stdlib.h>

#include "callpace/base/mem.h"
#include "callpace/core/number.h"
#include "lead_book_inner.h"

/* So many noted calls are searched one by one, from the latest back. */
enum { INDEX_FIRST = 16, AT_MAX = INT32_MAX, WASTE_MIN = 4096, NOTES_MAX = 4096 };

const char *lead_state_name(enum lead_state state) {
  static const char *const names[LEAD_STATES] = {"issued", "dialled", "contacted", "reached"};
  return (unsigned)state < LEAD_STATES ? names[state] : NULL;
}

void lead_book_free(struct lead_book *book) {
  free(book->leads);
  free(book->texts);
  free(book->targets);
  free(book->dials);
  free(book->calls);
  free(book->by_id.slots);
  free(book->by_target.slots);
  *book = (struct lead_book){0};
}

/* --- places by key --- */

/* Both things that are looked up begin with their key. */
static uint64_t key_at(const void *things, size_t size, uint32_t place) {
  uint64_t key;
  memcpy(&key, (const char *)things + (size_t)(place - 1) * size, sizeof key);
  return key;
}

static uint32_t *slot_of(const struct lead_index *index, const void *things, size_t size,
                         uint64_t key) {
  uint32_t mask = index->capacity - 1;
  for (uint32_t i = (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;;
       i = (i + 1) & mask) {
    uint32_t *slot = &index->slots[i];
    if (*slot == 0 || key_at(things, size, *slot) == key) return slot;
  }
}

static uint32_t index_find(const struct lead_index *index, const void *things, size_t size,
                           uint64_t key) {
  return index->capacity ? *slot_of(index, things, size, key) : 0;
}

static void index_add(struct lead_index *index, const void *things, size_t size, uint32_t place) {
  if ((uint64_t)(index->used + 1) * 4 > (uint64_t)index->capacity * 3) {
    struct lead_index old = *index;
    index->capacity = old.capacity ? old.capacity * 2 : INDEX_FIRST;
    index->slots = mem_zalloc(index->capacity * sizeof *index->slots);
    for (uint32_t i = 0; i < old.capacity; i++)
      if (old.slots[i])
        *slot_of(index, things, size, key_at(things, size, old.slots[i])) = old.slots[i];
    free(old.slots);
  }
  *slot_of(index, things, size, key_at(things, size, place)) = place;
  index->used++;
}

static struct lead *lead_by_key(const struct lead_book *book, uint64_t key) {
  uint32_t place = index_find(&book->by_id, book->leads, sizeof *book->leads, key);
  return place ? &book->leads[place - 1] : NULL;
}

struct lead *lead_book_find(const struct lead_book *book, struct slice id) {
  return lead_by_key(book, number_lead_key(id));
}

static struct lead_target *target_by_key(const struct lead_book *book, uint64_t key) {
  uint32_t place = index_find(&book->by_target, book->targets, sizeof *book->targets, key);
  return place ? &book->targets[place - 1] : NULL;
}

struct lead_target *lead_book_target(struct lead_book *book, uint64_t key) {
  struct lead_target *target = target_by_key(book, key);
  if (target) return target;
  book->targets =
      mem_grow(book->targets, &book->target_capacity, book->target_count + 1, sizeof *target);
  target = &book->targets[book->target_count++];
  *target = (struct lead_target){.key = key};
  index_add(&book->by_target, book->targets, sizeof *target, book->target_count);
  return target;
}

/* --- texts --- */

struct slice lead_id(const struct lead_book *book, const struct lead *lead) {
  return (struct slice){book->texts + lead->text, lead->id_len};
}

struct slice lead_number(const struct lead_book *book, const struct lead *lead) {
  return (struct slice){book->texts + lead->text + lead->id_len, lead->number_len};
}

static void put_quoted(struct writer *out, struct slice text) {
  bool plain = true;
  for (size_t i = 0; i < text.len; i++)
    if (strchr(",\"\r\n", text.data[i])) plain = false;
  if (plain) {
    put_slice(out, text);
    return;
  }
  put_char(out, '"');
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] == '"') put_char(out, '"');
    put_char(out, text.data[i]);
  }
  put_char(out, '"');
}

void lead_put_csv(const struct lead_book *book, const struct lead *lead, struct writer *out) {
  put_quoted(out, lead_number(book, lead));
  put_format(out, ",%u,%u,%s", lead->dials, lead->contacts,
             lead_state_name((enum lead_state)lead->state));
}

static void append(struct lead_book *book, struct slice text) {
  memcpy(book->texts + book->text_len, text.data, text.len);
  book->text_len += (uint32_t)text.len;
}

static bool text_fits(const struct lead_book *book, struct slice id, struct slice number) {
  return id.len > 0 && id.len <= UINT16_MAX && number.len <= UINT16_MAX &&
         book->text_len <= UINT32_MAX / 2;
}

/* Neither text may be one of the book's own. */
static void set_text(struct lead_book *book, struct lead *lead, struct slice id,
                     struct slice number) {
  book->texts = mem_grow(book->texts, &book->text_capacity,
                         (size_t)book->text_len + id.len + number.len, sizeof(char));
  lead->text = book->text_len;
  lead->id_len = (uint16_t)id.len;
  lead->number_len = (uint16_t)number.len;
  append(book, id);
  append(book, number);
}

/* What other numbers left behind goes when it is half of all. */
static void compact_texts(struct lead_book *book) {
  if (book->text_wasted < WASTE_MIN || book->text_wasted < book->text_len / 2) return;
  char *old = book->texts;
  book->texts = mem_alloc(book->text_len);
  book->text_capacity = book->text_len;
  book->text_len = book->text_wasted = 0;
  for (uint32_t i = 0; i < book->lead_count; i++) {
    struct lead *lead = &book->leads[i];
    struct slice text = {old + lead->text, (size_t)lead->id_len + lead->number_len};
    lead->text = book->text_len;
    append(book, text);
  }
  free(old);
}

/* --- what changed outwardly --- */

static void mark(struct lead_book *book, struct lead *lead) {
  uint32_t place = (uint32_t)(lead - book->leads) + 1;
  if (lead->dirty || place > book->sweep) return;
  lead->dirty = true;
  lead->next_dirty = 0;
  if (book->dirty_first)
    book->leads[book->dirty_last - 1].next_dirty = place;
  else
    book->dirty_first = place;
  book->dirty_last = place;
}

struct lead *lead_book_next_dirty(struct lead_book *book) {
  if (!book->dirty_first)
    return book->sweep < book->lead_count ? &book->leads[book->sweep++] : NULL;
  struct lead *lead = &book->leads[book->dirty_first - 1];
  book->dirty_first = lead->next_dirty;
  lead->dirty = false;
  return lead;
}

bool lead_book_is_dirty(const struct lead_book *book) {
  return book->dirty_first || book->sweep < book->lead_count;
}

void lead_book_mark_all(struct lead_book *book) {
  while (book->dirty_first)
    lead_book_next_dirty(book);
  book->sweep = 0;
}

/* --- what a lead came to --- */

static void count(struct lead_book *book, const struct lead *lead, uint32_t one) {
  struct lead_counts *counts = &book->counts;
  if (!lead->held) return;
  if (lead->received) {
    counts->received += one;
    return;
  }
  counts->issued += one;
  if (lead->state >= LEAD_DIALLED) counts->dialled += one;
  if (lead->state >= LEAD_CONTACTED) counts->contacted += one;
  if (lead->state >= LEAD_REACHED) counts->reached += one;
}

/* Contacts at least a gap apart. Counted from the latest back: that gives as many
 * as from the first on. */
static uint32_t spaced(const struct lead_book *book, const struct lead_rules *rules,
                       const struct lead_target *number, const struct lead_target *named) {
  uint32_t a = number ? number->newest : 0, b = named ? named->newest : 0, contacts = 0;
  int64_t before = INT64_MAX;
  while (a || b) {
    const struct lead_dial *dial = &book->dials[(a ? a : b) - 1];
    if (a && b && book->dials[b - 1].at > dial->at) dial = &book->dials[b - 1];
    if (a && dial == &book->dials[a - 1])
      a = dial->older;
    else
      b = dial->older;
    if (!(dial->at & 1) && !rules->attempted) continue;
    if (contacts > 0 && before - (dial->at >> 1) < rules->min_gap_ms) continue;
    before = dial->at >> 1;
    contacts++;
  }
  return contacts;
}

static enum lead_state state_of(uint32_t dials, uint32_t contacts, const struct lead_rules *rules) {
  if (dials == 0) return LEAD_ISSUED;
  if (contacts == 0) return LEAD_DIALLED;
  return contacts >= rules->reached_contacts ? LEAD_REACHED : LEAD_CONTACTED;
}

static bool refresh(struct lead_book *book, const struct lead_rules *rules, struct lead *lead) {
  const struct lead_target *number = lead->target ? &book->targets[lead->target - 1] : NULL;
  const struct lead_target *named = target_by_key(book, lead->key);
  uint32_t dials = 0, contacts = 0;
  if (number) dials = number->dials, contacts = number->answered;
  if (named) dials += named->dials, contacts += named->answered;
  if (rules->attempted) contacts = dials;
  if (rules->min_gap_ms > 0 && contacts > 1) contacts = spaced(book, rules, number, named);
  if (dials > UINT16_MAX) dials = UINT16_MAX;
  if (contacts > UINT16_MAX) contacts = UINT16_MAX;
  enum lead_state state = state_of(dials, contacts, rules);
  if (dials == lead->dials && contacts == lead->contacts && state == lead->state) return false;
  count(book, lead, (uint32_t)-1);
  lead->dials = (uint16_t)dials;
  lead->contacts = (uint16_t)contacts;
  lead->state = (uint8_t)state;
  count(book, lead, 1);
  if (lead->held) mark(book, lead);
  return lead->held;
}

void lead_book_recount(struct lead_book *book, const struct lead_rules *rules) {
  for (uint32_t i = 0; i < book->lead_count && !book->frozen; i++)
    refresh(book, rules, &book->leads[i]);
}

/* --- calls --- */

static uint32_t take_dial(struct lead_book *book) {
  uint32_t place = book->dial_free;
  if (place) {
    book->dial_free = book->dials[place - 1].older;
    return place;
  }
  book->dials = mem_grow(book->dials, &book->dial_capacity, (size_t)book->dial_count + 1,
                         sizeof *book->dials);
  return ++book->dial_count;
}

uint32_t lead_book_put_dial(struct lead_book *book, struct lead_target *target, uint32_t after,
                            uint32_t at) {
  uint32_t place = take_dial(book);
  uint32_t *link = after ? &book->dials[after - 1].older : &target->newest;
  while (*link && book->dials[*link - 1].at > at)
    link = &book->dials[*link - 1].older;
  book->dials[place - 1] = (struct lead_dial){at, *link};
  *link = place;
  target->dials++;
  target->answered += at & 1;
  return place;
}

/* From here on it matters what each call was made to. */
static void file_notes(struct lead_book *book) {
  for (uint32_t i = 0; i < book->call_count; i++)
    lead_book_put_dial(book, lead_book_target(book, book->calls[i].key), 0, book->calls[i].at);
  free(book->calls);
  book->calls = NULL;
  book->call_capacity = book->call_count = 0;
}

void lead_book_note(struct lead_book *book, uint64_t key, uint32_t at) {
  book->calls = mem_grow(book->calls, &book->call_capacity, (size_t)book->call_count + 1,
                         sizeof *book->calls);
  book->calls[book->call_count++] = (struct lead_call){key, at};
  if (book->call_count == NOTES_MAX) file_notes(book);
}

static void drop_note(struct lead_book *book, uint64_t key, uint32_t at) {
  for (uint32_t i = book->call_count; i-- > 0;) {
    if (book->calls[i].key != key || book->calls[i].at != at) continue;
    book->calls[i] = book->calls[--book->call_count];
    return;
  }
}

/* --- leads come and go --- */

static void leave_target(struct lead_book *book, struct lead *lead) {
  if (!lead->target) return;
  uint32_t place = (uint32_t)(lead - book->leads) + 1;
  uint32_t *at = &book->targets[lead->target - 1].first_lead;
  while (*at != place)
    at = &book->leads[*at - 1].next_same;
  *at = lead->next_same;
  lead->target = 0;
}

static void join_target(struct lead_book *book, struct lead *lead, uint64_t key) {
  if (book->frozen || key == 0) return;
  struct lead_target *target = lead_book_target(book, key);
  lead->target = (uint32_t)(target - book->targets) + 1;
  lead->next_same = target->first_lead;
  target->first_lead = (uint32_t)(lead - book->leads) + 1;
}

struct lead *lead_book_add(struct lead_book *book, struct slice id, struct slice number,
                           uint64_t key) {
  if (!text_fits(book, id, number) || book->lead_count == UINT32_MAX - 1) return NULL;
  file_notes(book);
  book->leads = mem_grow(book->leads, &book->lead_capacity, (size_t)book->lead_count + 1,
                         sizeof(struct lead));
  struct lead *lead = &book->leads[book->lead_count++];
  *lead = (struct lead){.key = number_lead_key(id)};
  set_text(book, lead, id, number);
  index_add(&book->by_id, book->leads, sizeof *lead, book->lead_count);
  join_target(book, lead, key);
  return lead;
}

/* Of two issues at the same time the lesser number stays, whichever came first. */
static bool other_number(const struct lead_book *book, const struct lead *lead, struct slice number,
                         msec_t ts_ms) {
  struct slice known = lead_number(book, lead);
  if (slice_equal(known, number)) return false;
  if (!lead->held || ts_ms > lead->moved_ms) return true;
  size_t least = known.len < number.len ? known.len : number.len;
  int order = memcmp(number.data, known.data, least);
  return order < 0 || (order == 0 && number.len < known.len);
}

static void set_number(struct lead_book *book, struct lead *lead, struct slice id,
                       struct slice number, uint64_t key) {
  if (!text_fits(book, id, number)) return;
  leave_target(book, lead);
  book->text_wasted += (uint32_t)lead->id_len + lead->number_len;
  set_text(book, lead, id, number);
  join_target(book, lead, key);
  compact_texts(book);
}

bool lead_book_give(struct lead_book *book, const struct lead_rules *rules, struct slice id,
                    struct slice number, uint64_t key, bool received, msec_t ts_ms) {
  struct lead *lead = lead_book_find(book, id);
  bool made = lead == NULL;
  if (made && !(lead = lead_book_add(book, id, number, key))) return false;
  bool outdated = !made && (ts_ms < lead->moved_ms || (ts_ms == lead->moved_ms && !lead->held));
  bool becomes_issued = !made && lead->held && lead->received && !received;
  if (outdated && !becomes_issued) return false;
  bool renamed = !made && !outdated && other_number(book, lead, number, ts_ms);
  bool changed = made || !lead->held || renamed || becomes_issued;
  count(book, lead, (uint32_t)-1);
  if (renamed) set_number(book, lead, id, number, key);
  lead->received = lead->held ? lead->received && received : received;
  lead->held = true;
  if (!outdated) lead->moved_ms = ts_ms;
  count(book, lead, 1);
  if (!book->frozen) refresh(book, rules, lead);
  if (changed) mark(book, lead);
  return changed;
}

bool lead_book_take(struct lead_book *book, struct slice id, msec_t ts_ms) {
  struct lead *lead = lead_book_find(book, id);
  if (!lead || !lead->held || ts_ms < lead->moved_ms) return false;
  count(book, lead, (uint32_t)-1);
  lead->held = false;
  lead->moved_ms = ts_ms;
  mark(book, lead);
  return true;
}

/* --- calls come and go --- */

static bool drop_dial(struct lead_book *book, struct lead_target *target, uint32_t at) {
  uint32_t *link = &target->newest;
  while (*link && book->dials[*link - 1].at != at)
    link = &book->dials[*link - 1].older;
  uint32_t place = *link;
  if (!place) return false;
  *link = book->dials[place - 1].older;
  book->dials[place - 1].older = book->dial_free;
  book->dial_free = place;
  target->dials--;
  target->answered -= at & 1;
  return true;
}

bool lead_book_dial(struct lead_book *book, const struct lead_rules *rules, uint64_t key,
                    msec_t at_ms, bool answered, bool add) {
  if (book->frozen || key == 0) return false;
  uint32_t at = at_ms < 0 ? 0 : at_ms > AT_MAX ? AT_MAX : (uint32_t)at_ms;
  at = at << 1 | answered;
  if (lead_book_only_notes(book)) {
    if (add)
      lead_book_note(book, key, at);
    else
      drop_note(book, key, at);
    return false;
  }
  struct lead_target *target = add ? lead_book_target(book, key) : target_by_key(book, key);
  if (!target) return false;
  if (add)
    lead_book_put_dial(book, target, 0, at);
  else if (!drop_dial(book, target, at))
    return false;
  bool moved = false;
  struct lead *named = lead_by_key(book, key);
  if (named) moved = refresh(book, rules, named);
  for (uint32_t place = target->first_lead; place; place = book->leads[place - 1].next_same)
    moved |= refresh(book, rules, &book->leads[place - 1]);
  return moved;
}

void lead_book_freeze(struct lead_book *book) {
  free(book->targets);
  free(book->dials);
  free(book->calls);
  free(book->by_target.slots);
  book->targets = NULL;
  book->dials = NULL;
  book->calls = NULL;
  book->by_target = (struct lead_index){0};
  book->target_count = book->dial_count = book->dial_free = 0;
  book->target_capacity = book->dial_capacity = 0;
  book->call_capacity = book->call_count = 0;
  for (uint32_t i = 0; i < book->lead_count; i++)
    book->leads[i].target = book->leads[i].next_same = 0;
  book->frozen = true;
}
