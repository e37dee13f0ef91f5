/* What the two halves of the outbox share: what to run for an alert (outbox_job),
 * and when (outbox). */
#ifndef CALLPACE_ENGINE_OUTBOX_INTERNAL_H
#define CALLPACE_ENGINE_OUTBOX_INTERNAL_H

#include "callpace/io/config.h"
#include "callpace/io/hook.h"

/* Runs the hook's program for an alert: argv with its placeholders filled, the
 * alert's own variables, the JSON on standard input. As hook_run. */
enum status outbox_job_run(struct hook_runner *runner, const struct config_hook *hook,
                           struct slice json, hook_done_fn done, void *context,
                           struct error *error);

/* "exit status 3", "signal 9 (Killed)", "timed out after 10000 ms". */
void outbox_job_put_outcome(struct writer *out, const struct hook_result *result);

/* What the hook printed into the log, in pieces that a log line can hold. */
void outbox_job_log_output(const char *hook, struct slice alert_id,
                           const struct hook_result *result);

#endif
