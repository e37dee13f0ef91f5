#include "callpace/engine/figures.h"

#include <assert.h>

/* Behind those of the day's hash. */
enum live_figure { LIVE_PRESENCE, LIVE_PRESENCE_SINCE, LIVE_FIGURES };

static const struct metric live_metrics[LIVE_FIGURES] = {
    [LIVE_PRESENCE] = {"agent_state", UNIT_TEXT, "What the switch says the agent does",
                       "交换机上的坐席状态"},
    [LIVE_PRESENCE_SINCE] = {"agent_state_since_ms", UNIT_TIME_MS, "Since when", "该状态开始时间"},
};

unsigned figure_count(void) {
  assert(day_metric_count + LIVE_FIGURES + forecast_metric_count <= FIGURES_MAX);
  return day_metric_count + LIVE_FIGURES + forecast_metric_count;
}

const struct metric *figure_metric(unsigned figure) {
  if (figure < day_metric_count) return &day_metrics[figure];
  figure -= day_metric_count;
  return figure < LIVE_FIGURES ? &live_metrics[figure] : &forecast_metrics[figure - LIVE_FIGURES];
}

int figure_named(struct slice name) {
  for (unsigned i = 0; i < figure_count(); i++)
    if (slice_equal(name, slice_of(figure_metric(i)->name))) return (int)i;
  return -1;
}

/* What is ahead is of today only. */
struct figures figures_of(struct engine *engine, struct day_tally *tally) {
  struct figures figures = {.engine = engine, .tally = tally};
  struct pace_facts facts;
  struct verdict verdict;
  struct fold *fold = &engine->fold;
  figures.has_forecast = tally->day == centre_today(fold->centre) &&
                         fold_verdict(fold, tally, &facts, &verdict) &&
                         forecast_make(&tally->pace, &facts, &figures.forecast);
  return figures;
}

static bool live_value(const struct figures *f, unsigned figure, struct metric_value *out) {
  const struct centre_agent *agent = f->tally->agent;
  if (agent->state_ms < f->tally->begin_ms) return false; /* yesterday's, or none */
  if (figure == LIVE_PRESENCE_SINCE) {
    *out = (struct metric_value){.number = agent->state_ms};
    return true;
  }
  const char *name = agent_state_name(agent->state);
  *out = (struct metric_value){.is_text = true, .text = slice_of(name)};
  return name != NULL;
}

bool figure_value(const struct figures *f, unsigned figure, struct metric_value *out) {
  if (figure < day_metric_count)
    return day_metric_value(f->tally, f->engine->config->node, figure, out);
  figure -= day_metric_count;
  if (figure < LIVE_FIGURES) return live_value(f, figure, out);
  return f->has_forecast && forecast_metric_value(&f->forecast, figure - LIVE_FIGURES, out);
}

void metric_put_json(struct writer *w, const struct metric *metric,
                     const struct metric_value *value) {
  if (value->is_text)
    json_put_string(w, metric->name, value->text);
  else
    json_put_int(w, metric->name, value->number);
}

void figures_put(const struct figures *f, uint64_t choice, struct writer *w) {
  json_open(w, '{');
  for (unsigned i = 0; i < figure_count(); i++) {
    struct metric_value value;
    if ((choice >> i & 1) && figure_value(f, i, &value))
      metric_put_json(w, figure_metric(i), &value);
  }
  json_close(w, '}');
}
