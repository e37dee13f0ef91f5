/* What the two files of the lead book share. */
#ifndef CALLPACE_CORE_LEAD_BOOK_INNER_H
#define CALLPACE_CORE_LEAD_BOOK_INNER_H

#include "callpace/core/lead_book.h"

/* What calls go to: a number, or an id that a call named. */
struct lead_target {
  uint64_t key;
  uint32_t first_lead; /* of those with this number; as all links: place + 1 */
  uint32_t newest;     /* dial */
  uint32_t dials, answered;
};

struct lead_dial {
  uint32_t at;    /* ms after the week's first moment, times 2, plus 1 if answered */
  uint32_t older; /* of the same target, by `at` */
};

/* A call of a book without leads: most books of a centre that issues none. */
struct lead_call {
  uint64_t key;
  uint32_t at; /* as in lead_dial */
};

/* True while calls are only noted down. */
static inline bool lead_book_only_notes(const struct lead_book *book) {
  return book->lead_count == 0 && book->target_count == 0;
}
void lead_book_note(struct lead_book *book, uint64_t key, uint32_t at);

/* The target of a key, a new one where there was none. */
struct lead_target *lead_book_target(struct lead_book *book, uint64_t key);
/* Adds a dial, looking for its place behind the dial `after` (0: from the newest on);
 * returns its place. */
uint32_t lead_book_put_dial(struct lead_book *book, struct lead_target *target, uint32_t after,
                            uint32_t at);
/* A new lead, not held yet; NULL when it does not fit. */
struct lead *lead_book_add(struct lead_book *book, struct slice id, struct slice number,
                           uint64_t key);

#endif
