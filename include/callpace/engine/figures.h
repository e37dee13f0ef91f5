/* The figures of one agent's day as every face shows them: the fields of the
 * registry (core/metric), and the ones that only live faces have. */
#ifndef CALLPACE_ENGINE_FIGURES_H
#define CALLPACE_ENGINE_FIGURES_H

#include "callpace/base/writer.h"
#include "callpace/core/metric.h"
#include "callpace/engine/engine.h"

enum { FIGURES_MAX = 64 };

unsigned figure_count(void);
const struct metric *figure_metric(unsigned figure);
/* The figure of that name; -1: none. */
int figure_named(struct slice name);

/* What they are taken from; holds until the centre next changes. */
struct figures {
  const struct engine *engine;
  const struct day_tally *tally;
  bool has_forecast;
  struct forecast forecast;
};
struct figures figures_of(struct engine *engine, struct day_tally *tally);
/* False when it does not apply. */
bool figure_value(const struct figures *figures, unsigned figure, struct metric_value *out);

/* Appends a JSON object of the figures whose bit is set in `choice`. */
void figures_put(const struct figures *figures, uint64_t choice, struct writer *w);
void metric_put_json(struct writer *w, const struct metric *metric,
                     const struct metric_value *value);

#endif
