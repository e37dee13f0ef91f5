/* Sources and their connections: opens and closes them as configured, turns what
 * the dialects say into events for the line, and answers senders after the
 * barrier. CONTRACT section 2; POLICY section 3, "Coverage". */
#ifndef CALLPACE_ENGINE_INTAKE_H
#define CALLPACE_ENGINE_INTAKE_H

#include "callpace/base/writer.h"
#include "callpace/engine/engine.h"

struct intake *intake_new(struct engine *engine);
void intake_free(struct intake *intake); /* NULL is fine */

/* Makes the sources be those of `config`: the same ones (name, type, address, tls)
 * go on with their connections, others are closed or opened. When one cannot be
 * opened nothing has changed and the error says which. Config stays borrowed. */
enum status intake_configure(struct intake *intake, const struct config *config,
                             struct error *error);

/* After the barrier: welcomes and acknowledgements for what is durable now. */
void intake_acknowledge(struct intake *intake);

/* Once a second: outage alerts' times, acknowledgements that found a full
 * connection, pings. */
void intake_upkeep(struct intake *intake);

/* Appends the JSON array "sources" of the status (CONTRACT section 8). */
void intake_put_status(const struct intake *intake, struct writer *w);
/* One source as it is now; texts live for the call. */
struct intake_report {
  const char *name, *type;
  const char *reason; /* why it is down; "" */
  bool is_up;
  msec_t since_ms;
  msec_t last_event_ms, last_arrival_ms; /* of the newest event, its ts and when it came; or NONE */
  size_t connections;
  uint64_t events, refused, duplicates, outages, gaps; /* since the start */
};
void intake_each(const struct intake *intake,
                 void (*fn)(void *context, const struct intake_report *report), void *context);
/* Calls `fn` for every source with its fields in callpace:meta, PREFIX:NAME:
 * "source", "up,SINCE_MS,LAST_EVENT_MS" (last event empty when none came), and
 * "health", JSON with lag_ms, events_per_minute, gaps and gaps_by as in the status. */
void intake_each_meta(const struct intake *intake,
                      void (*fn)(void *context, const char *prefix, const char *name,
                                 struct slice text),
                      void *context);

#endif
