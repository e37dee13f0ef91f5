/* The registry of figures: one row a field, with name, unit and help in two
 * languages. Redis, the client, and whatever shows figures later read it, so that
 * every face shows the same number under the same name. CONTRACT section 4. */
#ifndef CALLPACE_CORE_METRIC_H
#define CALLPACE_CORE_METRIC_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/core/centre.h"
#include "callpace/core/forecast.h"
#include "callpace/core/forecast_week.h"
#include "callpace/core/leads.h"
#include "callpace/core/outcome.h"

enum metric_unit { UNIT_TEXT, UNIT_COUNT, UNIT_MS, UNIT_TIME_MS, UNIT_BP, UNIT_FLAG };

struct metric {
  const char *name; /* field name in Redis and JSON */
  enum metric_unit unit;
  const char *help_en, *help_zh;
};

/* The value of a field; text is borrowed from the tally, roster or node. */
struct metric_value {
  bool is_text;
  struct slice text;
  int64_t number;
};

/* Fields of an agent's day, in the order of the contract. */
extern const struct metric day_metrics[];
extern const unsigned day_metric_count;
/* False when the field does not apply (then it is absent). */
bool day_metric_value(const struct day_tally *tally, const char *node, unsigned metric,
                      struct metric_value *out);

/* Where an agent's day will end. Only where it is asked for: they move with time
 * alone, so nothing that is stored holds them. */
extern const struct metric forecast_metrics[];
extern const unsigned forecast_metric_count;
bool forecast_metric_value(const struct forecast *forecast, unsigned metric,
                           struct metric_value *out);

/* Where an agent's week of leads will end; likewise. */
extern const struct metric week_forecast_metrics[];
extern const unsigned week_forecast_metric_count;
bool week_forecast_metric_value(const struct week_forecast *forecast, unsigned metric,
                                struct metric_value *out);

/* An agent's month as it stands: counters, judgement, points (fold_month). */
struct month_state {
  const struct month_tally *tally;
  struct month_verdict verdict; /* .judged false: nobody on the roster, or grace */
  bool has_points;              /* on the roster, or with entries in the ledger */
  int64_t points;
  unsigned offences;
};
/* Fields of an agent's month. */
extern const struct metric month_metrics[];
extern const unsigned month_metric_count;
bool month_metric_value(const struct month_state *state, unsigned metric, struct metric_value *out);

/* Fields of an agent's week of leads. */
extern const struct metric week_metrics[];
extern const unsigned week_metric_count;
bool week_metric_value(const struct lead_week *week, unsigned metric, struct metric_value *out);

/* Fields of a team's day. */
extern const struct metric team_metrics[];
extern const unsigned team_metric_count;
bool team_metric_value(const struct team_day *team, unsigned metric, struct metric_value *out);

#endif
