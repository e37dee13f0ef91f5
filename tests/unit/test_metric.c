#include <criterion/criterion.h>
#include <string.h>

#include "callpace/core/metric.h"

static void check(const struct metric *rows, unsigned count) {
  cr_assert_gt(count, 0);
  for (unsigned i = 0; i < count; i++) {
    cr_expect(rows[i].name && rows[i].name[0]);
    cr_expect(rows[i].help_en && rows[i].help_en[0], "%s has no English help", rows[i].name);
    cr_expect(rows[i].help_zh && rows[i].help_zh[0], "%s has no Chinese help", rows[i].name);
    const char *end = strrchr(rows[i].name, '_');
    if (rows[i].unit == UNIT_MS || rows[i].unit == UNIT_TIME_MS)
      cr_expect(end && strcmp(end, "_ms") == 0, "%s does not say its unit", rows[i].name);
    if (rows[i].unit == UNIT_BP)
      cr_expect(end && strcmp(end, "_bp") == 0, "%s does not say its unit", rows[i].name);
    for (unsigned k = 0; k < i; k++)
      cr_expect_str_neq(rows[i].name, rows[k].name);
  }
}

Test(metric, every_figure_has_a_name_of_its_own_and_help_in_both_languages) {
  check(day_metrics, day_metric_count);
  check(week_forecast_metrics, week_forecast_metric_count);
  check(forecast_metrics, forecast_metric_count);
  check(week_metrics, week_metric_count);
  check(month_metrics, month_metric_count);
  check(team_metrics, team_metric_count);
}
