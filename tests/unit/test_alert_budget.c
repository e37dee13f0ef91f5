#include <criterion/criterion.h>

#include "callpace/core/alert_budget.h"

static const struct rate_rule two = {2, 1000};

Test(alert_budget, is_kept_for_each_hook_and_lead) {
  struct alert_budget budget = {0}, loaded = {0};
  for (msec_t at = 1; at <= 2; at++)
    alert_budget_note(&budget, SLICE("chat"), SLICE("Li"), at);
  cr_assert_not(alert_budget_allows(&budget, SLICE("chat"), SLICE("Li"), two, 1000));
  cr_assert(alert_budget_allows(&budget, SLICE("chat"), SLICE("Li"), two, 1001));
  cr_assert(alert_budget_allows(&budget, SLICE("chat"), SLICE("Wang"), two, 3));
  cr_assert(alert_budget_allows(&budget, SLICE("mail"), SLICE("Li"), two, 3));
  struct writer w = {0}, again = {0};
  alert_budget_save(&budget, &w);
  struct reader r = reader_of(writer_slice(&w));
  alert_budget_load(&loaded, &r);
  cr_assert(!r.failed && r.at == r.end);
  cr_assert_not(alert_budget_allows(&loaded, SLICE("chat"), SLICE("Li"), two, 1000));
  alert_budget_save(&loaded, &again);
  cr_assert(slice_equal(writer_slice(&w), writer_slice(&again)));
  alert_budget_free(&loaded);
  for (size_t len = 0; len < w.len; len++) {
    r = reader_of((struct slice){w.data, len});
    alert_budget_load(&loaded, &r);
    cr_assert(r.failed && !loaded.first);
  }
  writer_free(&w);
  writer_free(&again);
  alert_budget_free(&budget);
}
