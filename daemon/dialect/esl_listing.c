/* After a connect: the switch's list of live channels against what is known. The
 * list can be as long as the switch is busy, so it is read row by row. It tells
 * no users, no bridges and whole seconds only; what a leg's end tells later is
 * exact, and earlier, so that it wins. */
#include "esl_internal.h"

/* --- the body --- */

/* Outside of rows: {"row_count":2,"rows":[ … ]}. Stops at a row's brace. */
static bool walk(struct esl_listing *listing, struct slice *body) {
  enum { ROWS = 2 };
  for (; body->len > 0; body->data++, body->len--) {
    char c = body->data[0];
    if (listing->in_text) {
      bool ends = c == '"' && !listing->escaped;
      listing->escaped = c == '\\' && !listing->escaped;
      if (ends) listing->in_text = false;
      continue;
    }
    if (c == '"') listing->in_text = true;
    if (c == '{' && listing->depth == ROWS) return true;
    if (c == '{' || c == '[') listing->depth++;
    if (c != '}' && c != ']') continue;
    if (listing->depth == 0) {
      listing->broken = true;
      return false;
    }
    listing->depth--;
  }
  return false;
}

static enum esl_listing_kind body_ends(const struct esl_listing *listing) {
  bool whole = !listing->broken && !listing->in_text && listing->depth == 0;
  return whole ? LISTING_DONE : LISTING_BROKEN;
}

static enum esl_listing_kind other_answer(struct slice *body, bool whole, struct slice *row) {
  enum { SHOWN_MAX = 200 };
  *row = (struct slice){body->data, body->len < SHOWN_MAX ? body->len : SHOWN_MAX};
  if (!whole && body->len < SHOWN_MAX) return LISTING_MORE;
  body->data += body->len;
  body->len = 0;
  return LISTING_OTHER;
}

enum esl_listing_kind esl_listing_next(struct esl_listing *listing, struct slice *body, bool whole,
                                       struct slice *row) {
  if (!listing->begun && body->len > 0) {
    listing->begun = true;
    listing->is_list = body->data[0] == '{';
  }
  if (!listing->is_list) return other_answer(body, whole, row);
  while (!listing->broken && walk(listing, body)) {
    const char *end = esl_json_object_end(*body);
    size_t len = end ? (size_t)(end - body->data) : 0;
    if (end && len <= ESL_ROW_MAX) {
      *row = (struct slice){body->data, len};
      body->data += len;
      body->len -= len;
      return LISTING_ROW;
    }
    if (!whole && !end && body->len <= ESL_ROW_MAX) return LISTING_MORE;
    listing->broken = true;
  }
  if (listing->broken) body->len = 0;
  return whole ? body_ends(listing) : LISTING_MORE;
}

/* --- its rows --- */

/* The end of the second that the list tells, so that the exact time is earlier. */
static msec_t row_created(const struct esl_calls *calls, const struct esl_event *row,
                          msec_t now_ms) {
  int64_t seconds = esl_number(row->field[KEY_ROW_CREATED], 0);
  if (seconds <= 0 || seconds > calls->latest_ms / MSEC_PER_SEC) return now_ms;
  msec_t end_ms = seconds * MSEC_PER_SEC + MSEC_PER_SEC - 1;
  return end_ms < now_ms ? end_ms : now_ms;
}

void esl_listed(struct esl_calls *calls, const struct esl_event *row, msec_t now_ms) {
  const struct slice *field = row->field;
  struct slice id = field[KEY_ROW_ID], call = field[KEY_ROW_CALL], state = field[KEY_ROW_CALLSTATE];
  if (id.len == 0 || id.len > ESL_ID_SIZE) return;
  struct esl_leg *leg = esl_leg_find(&calls->legs, id);
  if (!leg) {
    leg = esl_leg_add(&calls->legs, id);
    if (!leg) {
      calls->full = true;
      return;
    }
    leg->created_ms = row_created(calls, row, now_ms);
    esl_leg_guess(calls, row, leg);
  }
  leg->seen = calls->round;
  leg->up = slice_equal(state, SLICE("ACTIVE")) || slice_equal(state, SLICE("HELD"));
  leg->call_len = (uint8_t)(call.len <= ESL_ID_SIZE ? call.len : 0);
  if (leg->call_len) memcpy(leg->call, call.data, leg->call_len);
}

/* --- sweeps --- */

static void join(struct esl_calls *calls, struct esl_leg *leg, struct esl_leg *peer,
                 msec_t now_ms) {
  if (leg->kind != LEG_AGENT || leg->talking) return;
  bool answered = leg->answered;
  esl_call_bridged(calls, leg, peer, now_ms);
  leg->inexact = leg->answered && !answered;
}

/* A leg that belongs to another's call was dialled by it, or is with it. */
static void join_lead(struct esl_calls *calls, struct esl_leg *leg, msec_t now_ms) {
  struct slice call = {leg->call, leg->call_len};
  leg->call_len = 0;
  if (leg->seen != calls->round) return;
  struct esl_leg *lead = esl_leg_find(&calls->legs, call);
  if (!lead || lead == leg || lead->seen != calls->round) return;
  if (leg->guessed && leg->kind == LEG_AGENT) leg->dialled = !leg->inbound;
  if (leg->up && lead->up) {
    join(calls, lead, leg, now_ms);
    join(calls, leg, lead, now_ms);
  } else if (!leg->up) {
    esl_call_dialled(calls, lead, leg, now_ms);
  }
}

void esl_sweep_begin(struct esl_calls *calls, enum esl_sweep sweep) {
  calls->sweep = sweep;
  calls->sweep_at = calls->legs.first;
}

static void lose(struct esl_calls *calls, const struct esl_leg *leg, msec_t now_ms) {
  msec_t gap_ms = calls->lost_ms == MSEC_NONE ? now_ms : calls->lost_ms;
  if (leg->open) esl_call_tell(calls, leg, EVENT_CALL_LOST, gap_ms);
}

static void sweep_one(struct esl_calls *calls, struct esl_leg *leg, msec_t now_ms) {
  bool stale = leg->seen != calls->round;
  switch (calls->sweep) {
  case SWEEP_JOIN:
    if (leg->call_len) join_lead(calls, leg, now_ms);
    return;
  case SWEEP_GONE:
    if (!stale) return;
    lose(calls, leg, now_ms);
    esl_leg_remove(&calls->legs, leg);
    return;
  case SWEEP_UNLISTED:
    if (!stale) return;
    /* Told once; if it lives on its end will come, else it goes next time. */
    if (leg->seen + 1 == calls->round) {
      lose(calls, leg, now_ms);
    } else {
      esl_leg_remove(&calls->legs, leg);
    }
    return;
  default: return;
  }
}

void esl_sweep_step(struct esl_calls *calls, msec_t now_ms) {
  struct esl_leg *leg = calls->sweep_at;
  if (!leg) {
    bool joined = calls->sweep == SWEEP_JOIN;
    calls->sweep = SWEEP_NONE;
    if (joined) esl_sweep_begin(calls, SWEEP_GONE);
    return;
  }
  calls->sweep_at = leg->next;
  sweep_one(calls, leg, now_ms);
}
