/* What is told of the sources: in the status, in callpace:meta and in /metrics. */
#include "intake_internal.h"

static uint64_t gaps_of(const struct source *s) {
  uint64_t gaps = 0;
  for (unsigned i = 0; i < GAP_KINDS; i++)
    gaps += s->gaps[i];
  return gaps;
}

/* How late events come, how many, and what is known to be missing. */
static void put_rates(struct writer *w, const struct source *s) {
  static const char *const kinds[GAP_KINDS] = {"sequence", "reconnect", "declared"};
  if (s->last_event_ms != MSEC_NONE)
    json_put_int(w, "lag_ms", s->last_arrival_ms - s->last_event_ms);
  json_put_uint(w, "events_per_minute", s->events_per_minute);
  json_put_uint(w, "gaps", gaps_of(s));
  json_key(w, "gaps_by");
  json_open(w, '{');
  for (unsigned i = 0; i < GAP_KINDS; i++)
    json_put_uint(w, kinds[i], s->gaps[i]);
  json_close(w, '}');
}

void intake_put_status(const struct intake *intake, struct writer *w) {
  json_open(w, '[');
  for (const struct source *s = intake->sources; s; s = s->next) {
    char address[ADDRESS_TEXT_SIZE];
    address_format(s->listener ? listener_address(s->listener) : &s->config->address, address);
    size_t connections = 0;
    for (const struct connection *c = s->connections; c; c = c->next)
      connections++;
    json_open(w, '{');
    json_put_text(w, "name", s->name);
    json_put_text(w, "type", s->dialect->name);
    json_put_text(w, s->listener ? "listen" : "connect", address);
    json_put_text(w, "state", s->is_up ? "up" : "down");
    json_put_int(w, "since_ms", s->changed_ms);
    if (s->reason[0]) json_put_text(w, "reason", s->reason);
    if (s->last_event_ms != MSEC_NONE) json_put_int(w, "last_event_ms", s->last_event_ms);
    json_put_uint(w, "connections", connections);
    json_put_uint(w, "events", s->events);
    json_put_uint(w, "refused", s->refused);
    json_put_uint(w, "duplicates", s->duplicates);
    json_put_uint(w, "outages", s->outages);
    put_rates(w, s);
    json_close(w, '}');
  }
  json_close(w, ']');
}

void intake_each(const struct intake *intake,
                 void (*fn)(void *context, const struct intake_report *report), void *context) {
  for (const struct source *s = intake->sources; s; s = s->next) {
    struct intake_report report = {.name = s->name,
                                   .type = s->dialect->name,
                                   .reason = s->reason,
                                   .is_up = s->is_up,
                                   .since_ms = s->changed_ms,
                                   .last_event_ms = s->last_event_ms,
                                   .last_arrival_ms = s->last_arrival_ms,
                                   .events = s->events,
                                   .refused = s->refused,
                                   .duplicates = s->duplicates,
                                   .outages = s->outages,
                                   .gaps = gaps_of(s)};
    for (const struct connection *c = s->connections; c; c = c->next)
      report.connections++;
    fn(context, &report);
  }
}

void intake_each_meta(const struct intake *intake,
                      void (*fn)(void *context, const char *prefix, const char *name,
                                 struct slice text),
                      void *context) {
  struct writer w = {0};
  for (const struct source *s = intake->sources; s; s = s->next) {
    writer_reset(&w);
    put_format(&w, "%s,%lld,", s->is_up ? "up" : "down", (long long)s->changed_ms);
    if (s->last_event_ms != MSEC_NONE) put_int(&w, s->last_event_ms);
    fn(context, "source", s->name, writer_slice(&w));
    writer_reset(&w);
    json_open(&w, '{');
    put_rates(&w, s);
    json_close(&w, '}');
    fn(context, "health", s->name, writer_slice(&w));
  }
  writer_free(&w);
}
