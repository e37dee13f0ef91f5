/* Alerts that people do not switch off: acknowledgement, escalation of what nobody
 * acknowledged, digests of what is over a budget. What is decided is journalled as
 * records of alerts; the state it follows from is the fold's. */
#ifndef CALLPACE_ENGINE_CARE_H
#define CALLPACE_ENGINE_CARE_H

#include "callpace/base/writer.h"
#include "callpace/engine/engine.h"

/* Somebody sees to an alert. `by` and `note` are their own words, cut to
 * CARE_TEXT_MAX. STATUS_USAGE: no alert of this id is kept. */
enum { CARE_TEXT_MAX = 500 };
enum status care_acknowledge(struct engine *engine, struct slice id, struct slice by,
                             struct slice note, struct error *error);

/* The same by a link of a message (core/ack_link), which has to be good. */
enum status care_follow_link(struct engine *engine, const struct ack_link *link, struct slice sign,
                             struct error *error);

/* Escalates and digests what is due at the fold's now. Once a tick, before the
 * barrier; looks once a second. */
void care_run(struct engine *engine);

/* Appends an alert's JSON as it is shown: with its acknowledgement. */
void care_put_alert(const struct engine *engine, const struct alert_entry *entry, struct writer *w);

/* Appends the array of `callpace alerts stats`: an object for every type that was
 * raised, with type, raised, recovered, ran_out, acked, open, recovered_median_ms,
 * acked_median_ms. */
void care_put_stats(const struct engine *engine, struct writer *w);

#endif
