/* Everything that follows from the journal, and the one function that makes it
 * follow: state = fold(records). The live daemon, recovery and replay use this and
 * nothing else. Pure. DESIGN, "The core is a fold". */
#ifndef CALLPACE_CORE_FOLD_H
#define CALLPACE_CORE_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/core/alert.h"
#include "callpace/core/alert_book.h"
#include "callpace/core/alert_budget.h"
#include "callpace/core/alert_log.h"
#include "callpace/core/centre.h"
#include "callpace/core/coverage.h"
#include "callpace/core/leads.h"
#include "callpace/core/metric.h"
#include "callpace/core/points.h"
#include "callpace/core/producer.h"
#include "callpace/core/proposal.h"
#include "callpace/core/record.h"

/* What an origin number of the journal stands for. */
struct fold_origin {
  char *source;
  struct producer_epoch *epoch; /* NULL: a sender without hello */
};

struct fold {
  struct centre *centre;
  struct coverage coverage;
  struct alert_latch latch;
  struct alert_log alerts;
  struct alert_book book;
  struct alert_budget budget;
  struct points points;
  struct proposals proposals;
  struct producers producers;
  struct table proved;    /* sources on which a producer ever said hello: name -> itself */
  bool clock_events;      /* clock: events: absence is no gap */
  bool started;           /* some daemon has started on this journal */
  msec_t now_ms;          /* never goes back; MSEC_NONE before the first record */
  msec_t alive_ms;        /* last sign of life of a daemon, for the gap of its absence */
  uint64_t lsn;           /* of the last record folded in */
  uint64_t settings_mark; /* fold_settings_mark of the settings in force; 0: none yet */
  day_t weeks_closed;     /* Monday of the newest week closed for everybody; DAY_NONE: no time
                             has passed yet. What lies before the first day is not judged */
  month_t months_closed;  /* the same for months */
  day_t closes_from;      /* weeks and months that are over by then are not closed anew, for
                             whoever looks back from there; DAY_NONE: all are */
  msec_t week_due_ms, month_due_ms; /* fold_week_due, fold_month_due; MSEC_NONE: to be made */
  struct fold_origin *origins;
  size_t origin_capacity;
};

/* `settings` is borrowed until replaced. */
void fold_init(struct fold *fold, const struct settings *settings, bool clock_events);
void fold_free(struct fold *fold);

/* Folds one record in. RECORD_SETTINGS is for the caller: parse and hand over
 * with fold_use_settings. Records at or below fold->lsn only name origins. */
void fold_record(struct fold *fold, uint64_t lsn, const struct record *record);
void fold_use_settings(struct fold *fold, const struct settings *settings);

/* These are folded next: fetches from memory what they will touch; changes nothing. */
void fold_expect(const struct fold *fold, const struct record *records, size_t count);

/* The hot half of fold_record: an event of an origin at `now`. */
enum centre_result fold_event(struct fold *fold, uint64_t lsn, uint32_t origin, uint64_t seq,
                              const struct call_event *event, msec_t now_ms);
/* Time passes; harmless when it does not. */
void fold_advance(struct fold *fold, msec_t now_ms);
/* The next moment at which time alone does something; MSEC_MAX: never. */
msec_t fold_next_due(struct fold *fold);
/* The same, stopping at every moment at which something is due: there `judge` is
 * called, so that a verdict bears the time at which it became true and not that of
 * the next event. A leap of more than 62 days (one wrong time stamp is enough, with
 * clock: events) stops in its last part only. */
void fold_pass(struct fold *fold, msec_t to_ms, void (*judge)(void *context), void *context);

/* How a day stands at the fold's now; nothing is stored. False when it is judged
 * by nothing (no plan). */
bool fold_verdict(struct fold *fold, struct day_tally *tally, struct pace_facts *facts,
                  struct verdict *verdict);
/* Where it will end, likewise. */
bool fold_forecast(struct fold *fold, struct day_tally *tally, struct forecast *out);
/* Gives every day that waits for it a verdict, without alerts, for whoever looks
 * back; with `only` those of one agent, and the others wait no more. */
void fold_judge(struct fold *fold, const struct centre_agent *only);

/* Tells whether two settings have the same texts; never 0. */
uint64_t fold_settings_mark(struct slice policy, struct slice roster);

/* How an agent's week of leads stands: what it is judged by, the verdict, and the
 * earliest later moment at which time alone may change it (MSEC_MAX: never). False
 * when it is judged by nothing. POLICY section 5. */
bool fold_week_verdict(struct fold *fold, struct lead_week *week, struct week_facts *facts,
                       struct week_verdict *verdict, msec_t *due_ms);
/* Where it will end, likewise; false when nothing can follow any more. */
bool fold_week_forecast(struct fold *fold, struct lead_week *week, struct week_forecast *out);

/* The next moment at which a week closes, and a month; MSEC_MAX before the first day. And
 * which one it is: those that are no longer kept are passed over. */
msec_t fold_week_due(struct fold *fold);
msec_t fold_month_due(struct fold *fold);
day_t fold_closing_week(const struct fold *fold);
month_t fold_closing_month(const struct fold *fold);

/* An agent's offences that book into a month, as the weeks were decided. */
unsigned fold_offences(const struct centre_agent *agent, month_t month,
                       const struct policy *policy);

/* How an agent's month stands, by the settings in force. */
void fold_month(const struct fold *fold, const struct month_tally *tally, struct month_state *out);

/* Says what a number means; `producer` empty: a sender without hello. */
struct producer_epoch *fold_name_origin(struct fold *fold, uint32_t origin, struct slice source,
                                        struct slice producer, struct slice epoch);

/* Snapshot. Loading needs fold_init before; false (and an unchanged, still empty
 * fold) for bytes of another version or damaged ones. */
void fold_save(const struct fold *fold, struct writer *w);
bool fold_load(struct fold *fold, struct slice bytes, struct error *error);

#endif
