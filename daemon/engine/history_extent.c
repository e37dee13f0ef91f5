/* How far the journal reaches, and which rules were in force at a place of it. */
#include "callpace/io/config.h"
#include "callpace/io/journal.h"
#include "history_internal.h"

struct settings *history_settings(const struct history_options *options,
                                  const struct record *record, struct error *error) {
  struct settings *settings = NULL;
  bool others = options->policy_text.len > 0;
  settings_from_text(others ? options->policy_text : record->settings.policy,
                     others ? options->policy_label : "policy in the journal",
                     record->settings.roster, "roster in the journal", &settings, error);
  return settings;
}

struct search {
  const struct history_options *options;
  bool first_only;     /* else the last one, */
  uint64_t before_lsn; /* before this record; 0: the journal's end */
  struct settings *found;
  uint64_t last_lsn;
  msec_t first_ms, last_ms; /* clocks of the records met */
  struct error *error;
};

static bool on_search(void *context, uint64_t lsn, const struct record *record) {
  struct search *search = context;
  if (lsn == 0) return true;
  if (search->before_lsn && lsn >= search->before_lsn) return false;
  if (search->last_lsn == 0) search->first_ms = record->now_ms;
  search->last_ms = record->now_ms;
  search->last_lsn = lsn;
  if (record->type != RECORD_SETTINGS) return true;
  settings_free(search->found);
  search->found = history_settings(search->options, record, search->error);
  return search->found && !search->first_only;
}

static enum status search_from(struct search *search, uint64_t from_lsn) {
  search->last_lsn = 0;
  enum status status =
      journal_replay(search->options->state_dir, from_lsn, on_search, search, search->error);
  return search->error->status ? search->error->status : status;
}

static enum status none_found(const struct search *search) {
  return error_set(search->error, STATUS_CONFIG, "%s/journal: holds no rules to judge by",
                   search->options->state_dir);
}

/* Every segment names them near its begin, unless an older version wrote it. */
struct settings *history_first_settings(const struct history_options *options, uint64_t begin_lsn,
                                        struct error *error) {
  struct search search = {.options = options, .first_only = true, .error = error};
  enum status status = search_from(&search, begin_lsn);
  if (status == STATUS_OK && !search.found) {
    search = (struct search){.options = options, .before_lsn = begin_lsn, .error = error};
    status = search_from(&search, 0);
  }
  if (status == STATUS_OK && !search.found) none_found(&search);
  return search.found;
}

/* Stops at the first record that has a time: event time has not begun at 0. */
static bool on_first(void *context, uint64_t lsn, const struct record *record) {
  struct search *search = context;
  if (lsn == 0) return true;
  if (search->last_lsn == 0) search->last_lsn = lsn;
  search->first_ms = record->now_ms;
  return record->now_ms <= 0;
}

enum status history_extent(const char *state_dir, struct history_extent *out, struct error *error) {
  struct error why = {0};
  if (!error) error = &why;
  const struct history_options options = {.state_dir = state_dir};
  struct search first = {.options = &options, .error = error}, last = first;
  uint64_t lsn;
  msec_t clock_ms;
  enum status status = journal_find(state_dir, MSEC_MAX, &lsn, &clock_ms, error);
  if (status == STATUS_OK) status = journal_replay(state_dir, 0, on_first, &first, error);
  if (status == STATUS_OK) status = search_from(&last, lsn);
  if (status == STATUS_OK && !last.found) status = search_from(&last, 0);
  if (status == STATUS_OK && !last.found) status = none_found(&last);
  if (status == STATUS_OK) {
    const struct calendar *calendar = &last.found->policy->calendar;
    *out = (struct history_extent){.first_lsn = first.last_lsn,
                                   .last_lsn = last.last_lsn,
                                   .first = calendar_day_of(calendar, first.first_ms),
                                   .last = calendar_day_of(calendar, last.last_ms)};
  }
  settings_free(last.found);
  return status;
}
