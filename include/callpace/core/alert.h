/* What a team lead is told, and the latch that tells it once: raise on the edge,
 * nothing while open, resolve once. Pure; decisions are handed to the caller, who
 * journals them and gives them back on replay. CONTRACT section 5. */
#ifndef CALLPACE_CORE_ALERT_H
#define CALLPACE_CORE_ALERT_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/base/table.h"
#include "callpace/base/writer.h"
#include "callpace/core/closed.h"
#include "callpace/core/pace.h"

/* Values stand in the journal: never renumber. */
enum alert_type {
  ALERT_NONE = 0,
  ALERT_DAY_BEHIND = 1,
  ALERT_DAY_UNREACHABLE = 2,
  ALERT_DAY_MET = 3,
  ALERT_DAY_MISSED = 4,
  ALERT_SOURCE_DOWN = 5,
  ALERT_SOURCE_UP = 6,
  ALERT_REDIS_DOWN = 7,
  ALERT_REDIS_UP = 8,
  ALERT_CALL_LOST_TRACK = 9,
  ALERT_JOURNAL_STALLED = 10,
  ALERT_CONTACT_AT_RISK = 11,
  ALERT_CONTACT_WARNING = 12,
  ALERT_LEAD_HOLD = 13,
  ALERT_LEAD_REASSIGNED = 14,
  ALERT_MONTH_OUTCOME = 15,
  ALERT_LEAD_PROPOSED = 16, /* mode: propose: a reassignment waits for approval */
  ALERT_TYPES
};
const char *alert_type_name(enum alert_type type);   /* "day.behind"; NULL for NONE */
enum alert_type alert_type_parse(struct slice name); /* ALERT_NONE when unknown */
/* The type in "AGENT/TYPE/PERIOD" (an agent's id may hold '/' too); ALERT_NONE. */
enum alert_type alert_id_type(struct slice id);
/* All three parts of it; false when it is no alert's id. */
bool alert_id_parse(struct slice id, struct slice *subject, enum alert_type *type,
                    struct period *period);
/* True for a condition, which is open until it resolves (day.behind,
 * day.unreachable, source.down, redis.down, journal.stalled, contact.at_risk);
 * the others are facts, told once. */
bool alert_type_lasts(enum alert_type type);
/* What the period of such an alert is: a business day, a week, a month. */
enum period_kind alert_type_period(enum alert_type type);

enum alert_severity { ALERT_INFO, ALERT_WARNING, ALERT_CRITICAL };
enum alert_severity alert_severity_of(enum alert_type type);
const char *alert_severity_name(enum alert_severity severity); /* "info" */

enum alert_state { ALERT_CLEAR = 0, ALERT_RAISED = 1, ALERT_RESOLVED = 2 };
const char *alert_state_name(enum alert_state state); /* "raised"; NULL for CLEAR */

struct alert_number {
  const char *key; /* static */
  int64_t value;
};
enum { ALERT_NUMBERS_MAX = 16 };

/* A lead that changed hands; `to` empty: into the unassigned pool. */
struct alert_move {
  struct slice lead, from, to;
};

/* One alert as it is told. Slices are borrowed from whoever made it, and live
 * for the call that hands it over; an empty one does not apply. */
struct alert {
  enum alert_type type;
  enum alert_state state;
  bool silent;          /* to be journalled and shown, but not delivered to anybody */
  struct slice subject; /* agent id, source name, "redis" or "journal" */
  struct slice agent, name, team, team_name, team_lead;
  msec_t at_ms;
  day_t period;      /* first business day of it (alert_type_period) */
  day_t policy_from; /* DAY_NONE: no policy behind it */
  struct alert_number numbers[ALERT_NUMBERS_MAX];
  unsigned number_count;
  struct slice call;              /* call.lost_track: the call's id */
  const char *reason;             /* call.lost_track: "max_call" or "unknown_to_switch" */
  const char *outcome;            /* month.outcome: its name; NULL elsewhere */
  const struct alert_move *moves; /* lead.reassigned: borrowed */
  size_t move_count;
};

/* Appends "AGENT/TYPE/PERIOD". */
void alert_put_id(struct writer *w, const struct alert *alert);
/* Appends the JSON object of CONTRACT section 5. */
void alert_put_json(struct writer *w, const struct alert *alert);
/* What happened, for people; plain text that holds names from outside. */
void alert_put_text_en(struct writer *w, const struct alert *alert);
void alert_put_text_zh(struct writer *w, const struct alert *alert);
/* What to do next: one short English imperative. */
const char *alert_action(const struct alert *alert);
const char *alert_action_zh(const struct alert *alert); /* and a Chinese one */
/* A number by its key; 0 when it is not there. */
int64_t alert_number(const struct alert *alert, const char *key);

/* The latch. Zero-initialise; part of the fold. Holds an entry for every subject
 * and business day of which something was told. */
struct alert_latch {
  struct alert_latch_day *days; /* linked, newest first */
};
void alert_latch_free(struct alert_latch *latch); /* its content; leaves it empty */

enum alert_state alert_latch_state(const struct alert_latch *latch, struct slice subject,
                                   enum alert_type type, day_t period);
/* The states of all types at once, by type; NULL: all are clear. Holds until the latch
 * next changes. */
const uint8_t *alert_latch_states(const struct alert_latch *latch, struct slice subject,
                                  day_t period);
/* Since when it has that state; MSEC_NONE when clear. */
msec_t alert_latch_since(const struct alert_latch *latch, struct slice subject,
                         enum alert_type type, day_t period);
/* The newest business day for which an alert of a type is open; DAY_NONE. */
day_t alert_latch_open_day(const struct alert_latch *latch, struct slice subject,
                           enum alert_type type);
/* Alerts open now, conditions only. */
size_t alert_latch_open_count(const struct alert_latch *latch);

/* A decision as the journal holds it; false when the id is none. Applying one
 * twice changes nothing. The functions that decide have already done it. */
bool alert_latch_apply(struct alert_latch *latch, struct slice id, enum alert_state state,
                       msec_t at);
/* The same for a decision still at hand, and a visit to all subjects for which a
 * type is open on a day; the visitor may set states, no more. */
void alert_latch_set(struct alert_latch *latch, const struct alert *alert);
void alert_latch_each_open(struct alert_latch *latch, enum alert_type type, day_t period,
                           void (*visit)(void *context, struct slice subject), void *context);
/* Forgets what is of business days before `before` and not open. */
void alert_latch_forget(struct alert_latch *latch, day_t before);

/* For snapshots. Loading into an empty latch; bytes that make no sense set the
 * reader's `failed` and leave it empty. */
void alert_latch_save(const struct alert_latch *latch, struct writer *w);
void alert_latch_load(struct alert_latch *latch, struct reader *r);

/* Takes every decision, in order. The latch has it already. */
typedef void alert_emit(void *context, const struct alert *alert);
struct alert_sink {
  alert_emit *emit;
  void *context;
};

/* The day of one rostered agent, after every judgement: raises and resolves
 * day.*. day.behind resolves at 5 % above behind_below (at most 100 %), so that
 * it does not flutter; the same id is raised again only after hold_down of
 * productive time. A day that ends missed or unknown closes day.behind and
 * day.unreachable silently; neither is raised while `unseen`. Returns the earliest later moment at
 * which time alone may change the decision though it does not change the verdict; MSEC_MAX: never.
 */
struct alert_day {
  const struct agent *agent;
  day_t day;
  const struct pace_memory *memory;
  const struct pace_facts *facts;
  const struct verdict *verdict;
  bool unseen; /* a source is down: what is behind may only look so */
};
msec_t alert_judge_day(struct alert_latch *latch, const struct alert_day *day,
                       struct alert_sink sink);
/* The business day is over (POLICY: it may become met until then): closes silently
 * what is still open of it. */
void alert_close_day(struct alert_latch *latch, day_t day, msec_t now_ms, struct alert_sink sink);

/* The week of one rostered agent, after every judgement: raises and resolves
 * contact.at_risk (POLICY section 5). It resolves when the rate is reached, or when
 * the projected one is 5 % above what is asked for, so that it does not flutter; the
 * same id is raised again only after hold_down. A week that ends short or unknown
 * closes it silently. Returns as alert_judge_day. */
struct alert_week {
  const struct agent *agent;
  day_t monday;
  msec_t now_ms;
  const struct week_facts *facts;
  const struct week_verdict *verdict;
};
msec_t alert_judge_week(struct alert_latch *latch, const struct alert_week *week,
                        struct alert_sink sink);

/* What a closed week leads to, told once: contact.warning, lead.hold or
 * lead.reassigned by the action of its rung (POLICY section 5). In shadow it says that
 * nothing follows. The caller knows whether it was told. And, as lead.proposed, that the
 * moves wait for approval. */
struct alert_offence {
  const struct agent *agent;
  day_t monday;
  msec_t now_ms;
  const struct week_closed *closed; /* an offence */
  const struct alert_move *moves;   /* reassign_undialled: the leads */
  size_t move_count;
};
void alert_tell_proposed(struct alert_latch *latch, const struct alert_offence *offence,
                         struct alert_sink sink);
void alert_tell_offence(struct alert_latch *latch, const struct alert_offence *offence,
                        struct alert_sink sink);

/* How a month closed for an agent (POLICY section 4). The caller knows whether it was
 * told, and that it was judged. */
void alert_tell_month(struct alert_latch *latch, const struct agent *agent, month_t month,
                      const struct month_closed *closed, msec_t now_ms, struct alert_sink sink);

/* A call of this agent was closed as lost_track; told once an agent and day.
 * `agent` is NULL for one who is not on the roster. */
struct alert_lost_call {
  struct slice agent_id;
  const struct agent *agent;
  struct slice call; /* its id */
  bool timed_out;    /* nothing was heard for max_call; else the switch knows it no more */
  day_t day;
  msec_t now_ms;
  msec_t started_ms;
  const struct policy *policy; /* may be NULL */
};
void alert_lost_track(struct alert_latch *latch, const struct alert_lost_call *call,
                      struct alert_sink sink);

/* A source, Redis or the journal: `type` is source.down, redis.down or
 * journal.stalled, `down_since_ms` MSEC_NONE while all is well. Raised after
 * ALERT_OUTAGE_HOLD_MS, resolved at once, with the fact source.up or redis.up.
 * To be called on changes and at the time it returns (MSEC_MAX: none). `subject`
 * is the source's name; ignored for the others. */
enum { ALERT_OUTAGE_HOLD_MS = 5000 };
msec_t alert_outage(struct alert_latch *latch, enum alert_type type, struct slice subject,
                    msec_t down_since_ms, day_t today, msec_t now_ms, struct alert_sink sink);

#endif
