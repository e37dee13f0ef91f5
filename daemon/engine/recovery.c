#include "callpace/engine/recovery.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "callpace/base/log.h"
#include "callpace/engine/judge.h"
#include "callpace/engine/pipeline.h"

/* A snapshot after so many records, so that a start replays at most about that
 * many: a second or two. More often, and under a flood of events the disk would have
 * more to do with snapshots than with the journal. And every hour, so that old
 * segments can go. */
enum {
  SNAPSHOT_EVERY_RECORDS = 4000000,
  SNAPSHOT_EVERY_MS = MSEC_PER_HOUR,
  PROGRESS_EVERY_RECORDS = 5000000,
  SNAPSHOT_VERSION = 2
};

/* ---- back ---- */

struct replay {
  struct engine *engine;
  struct settings *past; /* in force at that point of the journal; NULL: the files' */
  uint64_t records;
};

static uint64_t mark_of(const struct settings *settings) {
  return fold_settings_mark(slice_of(settings->policy_text), slice_of(settings->roster_text));
}

/* The rules of that time, so that each day is judged by what was in force. */
static void use_past_settings(struct replay *replay, struct slice policy, struct slice roster) {
  const struct settings *now = replay->past ? replay->past : replay->engine->settings;
  if (mark_of(now) == fold_settings_mark(policy, roster)) return;
  struct settings *settings = NULL;
  struct error why = {0};
  if (settings_from_text(policy, "policy in the journal", roster, "roster in the journal",
                         &settings, &why) != STATUS_OK) {
    log_warning("past_settings_unreadable", KV("reason", why.text));
    return;
  }
  fold_judge(&replay->engine->fold, NULL);
  fold_use_settings(&replay->engine->fold, settings);
  settings_free(replay->past);
  replay->past = settings;
}

/* What was lost by then has been told: what comes after the telling proves it. */
static void pass_told_losses(struct engine *e) {
  if (e->fold.now_ms == MSEC_NONE) return;
  struct lost_call told;
  while (centre_take_lost(e->fold.centre, e->fold.now_ms - judge_lost_hold_ms(e), &told)) {
  }
}

static bool on_record(void *context, uint64_t lsn, const struct record *record) {
  struct replay *replay = context;
  if (record->type == RECORD_EVENT || record->type == RECORD_CLOCK)
    pass_told_losses(replay->engine);
  if (record->type == RECORD_SETTINGS && lsn > replay->engine->fold.lsn)
    use_past_settings(replay, record->settings.policy, record->settings.roster);
  fold_record(&replay->engine->fold, lsn, record);
  if (++replay->records % PROGRESS_EVERY_RECORDS == 0)
    log_info("replaying", KV_INT("records", replay->records), KV_INT("lsn", lsn));
  return true;
}

static void on_ahead(void *context, const struct record *records, size_t count) {
  const struct replay *replay = context;
  fold_expect(&replay->engine->fold, records, count);
}

/* A snapshot is the rules in force, then the fold: what was counted by them goes on
 * by them, until the journal tells of others. */
static bool use_snapshot(struct replay *replay, struct slice bytes, struct error *error) {
  struct engine *e = replay->engine;
  struct reader r = reader_of(bytes);
  if (get_u32(&r) != SNAPSHOT_VERSION)
    return error_set(error, STATUS_CONFIG, "snapshot of another version") == STATUS_OK;
  struct slice policy = get_blob(&r), roster = get_blob(&r);
  if (r.failed) return error_set(error, STATUS_CONFIG, "snapshot is damaged") == STATUS_OK;
  use_past_settings(replay, policy, roster);
  return fold_load(&e->fold, (struct slice){r.at, (size_t)(r.end - r.at)}, error);
}

static void load_snapshot(struct replay *replay) {
  struct engine *e = replay->engine;
  struct snapshot snapshot = {0};
  struct writer skipped = {0};
  struct error why = {0};
  snapshot_load(e->config->state_dir, &snapshot, &skipped, &why);
  if (skipped.len) log_warning("snapshot_skipped", KV("reason", writer_text(&skipped)));
  if (snapshot.data && !use_snapshot(replay, (struct slice){snapshot.data, snapshot.len}, &why)) {
    log_warning("snapshot_unused", KV("reason", why.text));
  } else if (snapshot.data) {
    e->snapshot_lsn = snapshot.lsn;
    log_info("snapshot_loaded", KV_INT("lsn", snapshot.lsn));
  }
  snapshot_free(&snapshot);
  writer_free(&skipped);
}

static void record_settings(struct engine *e) {
  struct record record = {.type = RECORD_SETTINGS,
                          .settings = {.policy = slice_of(e->settings->policy_text),
                                       .roster = slice_of(e->settings->roster_text)}};
  pipeline_record(e, &record);
}

void recovery_note_settings(struct engine *e) {
  if (e->fold.settings_mark != mark_of(e->settings)) record_settings(e);
}

static void note_serves(struct engine *e, const struct coverage_source *source) {
  struct record record = {
      .type = RECORD_SOURCE_SERVES,
      .source_serves = {.source = slice_of(source->name), .serves = writer_slice(&source->serves)}};
  pipeline_record(e, &record);
}

static void note_down(struct engine *e, const struct coverage_source *source) {
  struct record record = {.type = RECORD_SOURCE,
                          .source = {.change = SOURCE_DOWN,
                                     .at_ms = source->down_since_ms,
                                     .source = slice_of(source->name),
                                     .reason = SLICE("still")}};
  pipeline_record(e, &record);
}

void recovery_note_segment(struct engine *e) {
  record_settings(e);
  for (size_t i = 0; i < e->fold.coverage.count; i++) {
    const struct coverage_source *source = &e->fold.coverage.sources[i];
    if (source->serves.len > 0) note_serves(e, source);
    if (source->down_since_ms != MSEC_NONE && source->name[0]) note_down(e, source);
  }
}

static void record_start(struct engine *e, const struct journal_found *found) {
  struct record record = {.type = RECORD_START,
                          .start = {.node = slice_of(e->config->node),
                                    .version = slice_of(CALLPACE_VERSION),
                                    .clock_events = e->config->clock_events,
                                    .after_clean_stop = found->clean_stop}};
  e->fold.clock_events = e->config->clock_events;
  e->now_ms = e->wall_ms = clock_wall_ms();
  /* Event time goes on where it stood; the wall clock never stood still. */
  if (e->config->clock_events) e->now_ms = e->fold.now_ms == MSEC_NONE ? 0 : e->fold.now_ms;
  pipeline_record(e, &record);
}

enum status recovery_run(struct engine *e, const struct journal_found *found, struct error *error) {
  usec_t began = clock_monotonic_us();
  if (found->tail_cut)
    log_warning("journal_tail_cut", KV("file", found->tail_file),
                KV_INT("offset", found->tail_offset), KV_INT("bytes", found->tail_bytes));
  fold_init(&e->fold, e->settings, e->config->clock_events);
  struct replay replay = {.engine = e};
  load_snapshot(&replay);
  enum status status = journal_replay_ahead(e->config->state_dir, e->fold.lsn + 1, on_record,
                                            on_ahead, &replay, error);
  if (status != STATUS_OK) return status;
  if (replay.past) {
    fold_judge(&e->fold, NULL);
    fold_use_settings(&e->fold, e->settings);
  }
  settings_free(replay.past);
  record_start(e, found);
  recovery_note_settings(e);
  e->snapshot_begun_ms = e->wall_ms;
  log_info("recovered", KV_INT("records", replay.records), KV_INT("lsn", e->fold.lsn),
           KV_INT("took_ms", (clock_monotonic_us() - began) / 1000));
  return STATUS_OK;
}

/* ---- forward ---- */

static enum status write_snapshot(struct engine *e, struct error *error) {
  struct writer body = {0};
  put_u32(&body, SNAPSHOT_VERSION);
  put_blob(&body, slice_of(e->settings->policy_text));
  put_blob(&body, slice_of(e->settings->roster_text));
  fold_save(&e->fold, &body);
  enum status status =
      snapshot_write(e->config->state_dir, e->fold.lsn, writer_slice(&body), NULL, error);
  writer_free(&body);
  return status;
}

void snapshot_now(struct engine *e) {
  struct error why = {0};
  if (e->fold.lsn == e->snapshot_lsn || e->fold.lsn > journal_durable_lsn(e->journal)) return;
  if (write_snapshot(e, &why) != STATUS_OK) log_warning("snapshot_failed", KV("reason", why.text));
}

/* In a child: the copy of memory at the fork is the state at this LSN, and the
 * line goes on meanwhile. */
static void snapshot_in_child(struct engine *e) {
  uint64_t lsn = e->fold.lsn;
  pid_t pid = fork();
  if (pid < 0) {
    log_warning("snapshot_failed", KV("reason", "cannot fork"));
    return;
  }
  if (pid == 0) {
    /* It shares the lock of the state directory: gone with the daemon. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct error why = {0};
    _exit(write_snapshot(e, &why) == STATUS_OK ? 0 : 1);
  }
  e->snapshot_pid = pid;
  e->snapshot_due_lsn = lsn;
  e->snapshot_begun_ms = e->wall_ms;
}

void snapshot_abandon(struct engine *e) {
  if (!e->snapshot_pid) return;
  kill(e->snapshot_pid, SIGKILL);
  waitpid(e->snapshot_pid, NULL, 0);
  e->snapshot_pid = 0;
}

void snapshot_upkeep(struct engine *e) {
  if (e->snapshot_pid || e->stalled || e->fold.lsn != journal_durable_lsn(e->journal)) return;
  if (e->fold.lsn == e->snapshot_lsn) return;
  if (e->fold.lsn - e->snapshot_lsn >= SNAPSHOT_EVERY_RECORDS ||
      e->wall_ms - e->snapshot_begun_ms >= SNAPSHOT_EVERY_MS)
    snapshot_in_child(e);
}

bool snapshot_reaped(struct engine *e, pid_t pid, int status) {
  if (!e->snapshot_pid || pid != e->snapshot_pid) return false;
  e->snapshot_pid = 0;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    log_warning("snapshot_failed", KV_INT("status", status));
    return true;
  }
  e->snapshot_lsn = e->snapshot_due_lsn;
  msec_t before = e->fold.now_ms - e->config->journal.retain_ms;
  unsigned gone = journal_retain(e->journal, before, e->snapshot_lsn);
  log_info("snapshot_written", KV_INT("lsn", e->snapshot_lsn), KV_INT("segments_deleted", gone));
  return true;
}
