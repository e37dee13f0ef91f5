/* The leads of one agent in one week, and the agent's outbound calls of that week,
 * from which follows what every lead came to. Events join in any order to the same
 * result. Pure; part of the fold. POLICY section 5. */
#ifndef CALLPACE_CORE_LEAD_BOOK_H
#define CALLPACE_CORE_LEAD_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callpace/base/clock.h"
#include "callpace/base/slice.h"
#include "callpace/base/writer.h"

enum lead_state {
  LEAD_ISSUED = 0,
  LEAD_DIALLED = 1,   /* at least one dial */
  LEAD_CONTACTED = 2, /* at least one contact */
  LEAD_REACHED = 3,   /* reached_contacts of them */
  LEAD_STATES
};
const char *lead_state_name(enum lead_state state); /* "dialled"; NULL for what is none */

/* What makes a contact: `contact` of the policy. */
struct lead_rules {
  int64_t reached_contacts;
  bool attempted; /* contact_when: attempted */
  msec_t min_gap_ms;
};

struct lead {
  uint64_t key;    /* number_lead_key of its id */
  msec_t moved_ms; /* ts of the latest that gave it to the agent or took it away */
  uint32_t text;   /* the book's own: where id and number stand */
  uint32_t target; /* … its number's; … the next with this number, and the next dirty */
  uint32_t next_same, next_dirty;
  uint16_t id_len, number_len;
  uint16_t dials, contacts; /* at most 65535 */
  uint8_t state;            /* enum lead_state */
  bool held;                /* the agent's now; false: withdrawn or moved away */
  bool received;            /* by reassignment: stays out of the rate */
  bool dirty;
};

/* Of leads that are held and were not received: what the contact rate is made of.
 * A reached lead is contacted and dialled as well. */
struct lead_counts {
  uint32_t issued, received, dialled, contacted, reached;
};

/* Places in an array by key; a place is kept as itself + 1, 0 is none. */
struct lead_index {
  uint32_t *slots;
  uint32_t capacity; /* power of two, or 0 */
  uint32_t used;
};

/* Zero-initialise. */
struct lead_book {
  struct lead *leads; /* in the order of their coming, the withdrawn too */
  uint32_t lead_count;
  char *texts;
  uint32_t text_len, text_wasted;
  struct lead_target *targets; /* numbers, and ids named by calls */
  uint32_t target_count;
  struct lead_dial *dials;
  uint32_t dial_count, dial_free;
  struct lead_call *calls; /* as they came, while there is no lead and no target */
  uint32_t call_count;
  size_t lead_capacity, text_capacity, target_capacity, dial_capacity, call_capacity;
  struct lead_index by_id, by_target;
  uint32_t dirty_first, dirty_last; /* changed leads, as places + 1 */
  uint32_t sweep;                   /* leads from here on are dirty as well */
  bool frozen;                      /* calls are gone: what it came to stands */
  struct lead_counts counts;
};
void lead_book_free(struct lead_book *book); /* its content; leaves it empty */

/* The id's lead, held or not; NULL. */
struct lead *lead_book_find(const struct lead_book *book, struct slice id);
struct slice lead_id(const struct lead_book *book, const struct lead *lead);
struct slice lead_number(const struct lead_book *book, const struct lead *lead);

/* Appends `number,dials,contacts,state`, the form of callpace:lead:{ID}:WEEK; a
 * number with a comma or quote in it is quoted. CONTRACT section 4. */
void lead_put_csv(const struct lead_book *book, const struct lead *lead, struct writer *out);

/* Gives a lead: `key` is the number's number_key. Of an issue and a withdrawal the
 * later ts wins, at the same ts the withdrawal; an issued lead does not become a
 * received one. True when something changed. */
bool lead_book_give(struct lead_book *book, const struct lead_rules *rules, struct slice id,
                    struct slice number, uint64_t key, bool received, msec_t ts_ms);
/* Takes one away that is held; true when it is gone. */
bool lead_book_take(struct lead_book *book, struct slice id, msec_t ts_ms);

/* A completed outbound call comes (or, with `add` false, one that came is taken
 * back): to the number or lead of `key`, at `at_ms` after the week's first moment.
 * True when it moved a lead. */
bool lead_book_dial(struct lead_book *book, const struct lead_rules *rules, uint64_t key,
                    msec_t at_ms, bool answered, bool add);

/* Other rules: every lead is counted again. */
void lead_book_recount(struct lead_book *book, const struct lead_rules *rules);
/* Gives up the calls; leads stay as they are, later calls do not count. */
void lead_book_freeze(struct lead_book *book);

/* Leads whose outward form changed, each once; NULL: none left. */
struct lead *lead_book_next_dirty(struct lead_book *book);
bool lead_book_is_dirty(const struct lead_book *book);
void lead_book_mark_all(struct lead_book *book);

/* For snapshots. Loading into an empty book; bytes that make no sense set the
 * reader's `failed`. Every lead is dirty afterwards. */
void lead_book_save(const struct lead_book *book, struct writer *w);
void lead_book_load(struct lead_book *book, const struct lead_rules *rules, struct reader *r);

#endif
