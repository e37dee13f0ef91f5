#include <criterion/criterion.h>
#include <jansson.h>

#include "callpace/core/alert_digest.h"

static struct alert_log log_of_alerts;

static const struct alert_entry *said(uint64_t lsn, const char *name, bool raised) {
  struct writer id = {0}, json = {0};
  put_format(&id, "%s/day.behind/2026-11-23", name);
  json_open(&json, '{');
  json_put_string(&json, "id", writer_slice(&id));
  json_put_text(&json, "type", "day.behind");
  json_put_text(&json, "state", raised ? "raised" : "resolved");
  json_put_text(&json, "name", name);
  json_key(&json, "text");
  json_open(&json, '{');
  json_put_text(&json, "en", name);
  json_put_text(&json, "zh", "落后");
  json_close(&json, '}');
  json_close(&json, '}');
  const struct alert_entry *entry =
      alert_log_add(&log_of_alerts, &(struct alert_said){.lsn = lsn,
                                                         .raised = raised,
                                                         .id = writer_slice(&id),
                                                         .json = writer_slice(&json),
                                                         .lead = SLICE("Li"),
                                                         .hooks = SLICE("~chat,crm,")});
  writer_free(&id);
  writer_free(&json);
  return entry;
}

Test(alert_digest, ranks_by_what_can_be_recovered) {
  struct digest_item items[] = {{said(1, "over", false), DIGEST_INFO, MSEC_MAX},
                                {said(2, "late\nx", true), DIGEST_LOST, -5},
                                {said(3, "easy", true), DIGEST_RECOVERABLE, 9000},
                                {said(4, "unknown", true), DIGEST_RECOVERABLE, MSEC_MAX},
                                {said(5, "tight", true), DIGEST_RECOVERABLE, 10},
                                {said(6, "tight too", true), DIGEST_RECOVERABLE, 10}};
  struct digest digest = {SLICE("chat"), SLICE("Li"), 1764000000000, 20416, items, 6};
  struct writer w = {0};
  digest_rank(&digest);
  digest_put_json(&w, &digest);
  json_error_t error;
  json_t *tree = json_loadb(w.data, w.len, 0, &error);
  cr_assert_not_null(tree, "%s", error.text);
  cr_assert_str_eq(json_string_value(json_object_get(tree, "id")),
                   "chat:Li/digest/2025-11-24T16:00:00.000Z");
  cr_assert_str_eq(json_string_value(json_object_get(tree, "severity")), "warning");
  cr_assert_str_eq(json_string_value(json_object_get(json_object_get(tree, "text"), "en")),
                   "6 more alerts\nCan still be recovered, the most urgent first:\n1. tight\n"
                   "2. tight too\n3. easy\n4. unknown\nToo late for today:\n5. late x\n"
                   "For information:\n6. over");
  const json_t *alerts = json_object_get(tree, "alerts");
  cr_assert_eq(json_array_size(alerts), 6);
  const json_t *first = json_array_get(alerts, 0), *fourth = json_array_get(alerts, 3);
  cr_assert_str_eq(json_string_value(json_object_get(first, "chance")), "recoverable");
  cr_assert_eq(json_integer_value(json_object_get(first, "slack_ms")), 10);
  cr_assert_null(json_object_get(fourth, "slack_ms"));
  json_decref(tree);
  writer_free(&w);
  alert_log_free(&log_of_alerts);
}

static void count(void *context, const struct alert_entry *entry) {
  cr_assert_str_eq(entry->hooks, "crm,");
  ++*(int *)context;
}

Test(alert_digest, takes_what_waits_for_it_out_of_the_log) {
  for (uint64_t i = 1; i <= 4; i++)
    said(i, "a", i % 2);
  cr_assert_eq(log_of_alerts.for_digests, 4);
  cr_assert(alert_log_digests(&log_of_alerts, SLICE("a/day.behind/2026-11-23"), SLICE("chat")));
  int taken = 0;
  alert_log_digested(&log_of_alerts, SLICE("chat"), SLICE("Wang"), 9, count, &taken);
  alert_log_digested(&log_of_alerts, SLICE("cha"), SLICE("Li"), 9, count, &taken);
  cr_assert_eq(taken, 0);
  alert_log_digested(&log_of_alerts, SLICE("chat"), SLICE("Li"), 3, count, &taken);
  cr_assert(taken == 3 && log_of_alerts.for_digests == 1, "the fourth came after it");
  alert_log_digested(&log_of_alerts, SLICE("chat"), SLICE("Li"), 9, count, &taken);
  cr_assert_not(alert_log_digests(&log_of_alerts, SLICE("a/day.behind/2026-11-23"), SLICE("chat")));
  alert_log_free(&log_of_alerts);
}
