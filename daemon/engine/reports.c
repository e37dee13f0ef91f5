#include "callpace/engine/reports.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "callpace/base/log.h"
#include "callpace/core/report.h"
#include "callpace/io/folder.h"

enum { LOOK_BACK_DAYS = 7, RETRY_MS = 10 * MSEC_PER_MIN };

/* The business day that runs for reports: it lags behind, for late events. */
static day_t day_now(const struct engine *e) {
  msec_t at = e->now_ms - e->config->reports.after_ms;
  return e->now_ms > 0 && at > 0 ? calendar_day_of(&e->settings->policy->calendar, at) : DAY_NONE;
}

/* Days on which nobody worked or called are passed over. */
static bool has_news(const struct engine *e, const struct period *period) {
  const struct centre *centre = e->fold.centre;
  for (size_t i = 0; i < centre_agent_count(centre); i++)
    for (const struct day_tally *t = centre_agent_at(centre, i)->days; t && t->day >= period->first;
         t = t->older)
      if (t->day <= period->last && (t->calls_target || t->dials || t->inbound)) return true;
  return false;
}

/* --- in the child --- */

static enum status write_one(struct engine *e, const struct period *period, const char *format,
                             struct error *error) {
  char name[64];
  bool written;
  struct writer text = {0};
  struct report_options options = {.fold = &e->fold,
                                   .node = e->config->node,
                                   .period = *period,
                                   .chinese = e->config->reports.chinese};
  snprintf(name, sizeof name, "%s-%s.%s", period_kind_name(period->kind), period->text, format);
  if (folder_has(e->config->reports.folder, name)) return STATUS_OK;
  report_write(&options, report_format_parse(slice_of(format)), &text);
  enum status status =
      folder_write(e->config->reports.folder, name, writer_slice(&text), &written, error);
  writer_free(&text);
  if (status == STATUS_OK && written)
    log_info("report_written", KV("folder", e->config->reports.folder), KV("file", name));
  return status;
}

/* Every period of a kind that closed in the last week, before `today`. */
static enum status write_kind(struct engine *e, enum period_kind kind, day_t today,
                              struct error *error) {
  enum status status = STATUS_OK;
  struct period last = {.text = ""};
  for (day_t day = today - LOOK_BACK_DAYS; day < today && status == STATUS_OK; day++) {
    struct period period = period_of(kind, day);
    if (period.last >= today || strcmp(period.text, last.text) == 0 || !has_news(e, &period))
      continue;
    last = period;
    const char **formats = e->config->reports.formats[kind];
    for (size_t i = 0; formats[i] && status == STATUS_OK; i++)
      status = write_one(e, &period, formats[i], error);
  }
  return status;
}

static int write_all(struct engine *e, day_t today) {
  struct error why = {0};
  for (unsigned kind = 0; kind < PERIOD_KINDS; kind++)
    if (write_kind(e, (enum period_kind)kind, today, &why) != STATUS_OK) {
      log_warning("report_failed", KV("reason", why.text));
      return 1;
    }
  return 0;
}

/* --- in the daemon --- */

static void start_child(struct engine *e, day_t today) {
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    _exit(write_all(e, today));
  }
  if (pid < 0) {
    log_warning("report_failed", KV("reason", "cannot fork"));
    e->reports.retry_ms = e->wall_ms + RETRY_MS;
    return;
  }
  e->reports.pid = pid;
  e->reports.day = today;
}

void reports_upkeep(struct engine *e) {
  if (!e->config->reports.folder || e->reports.pid || e->wall_ms < e->reports.retry_ms) return;
  day_t today = day_now(e);
  if (today != DAY_NONE && today != e->reports.day) start_child(e, today);
}

bool reports_reaped(struct engine *e, pid_t pid, int status) {
  if (!e->reports.pid || pid != e->reports.pid) return false;
  e->reports.pid = 0;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  e->reports.day = DAY_NONE;
  e->reports.retry_ms = e->wall_ms + RETRY_MS;
  return true;
}

void reports_reconfigure(struct engine *e) {
  e->reports.day = DAY_NONE;
  e->reports.retry_ms = 0;
}
