/* callpaced: arguments, boot in order, loop, teardown in reverse. */
#include <event2/event.h>
#include <event2/thread.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "callpace/base/log.h"
#include "callpace/engine/control.h"
#include "callpace/engine/intake.h"
#include "callpace/engine/outbox.h"
#include "callpace/engine/pipeline.h"
#include "callpace/engine/recovery.h"
#include "callpace/engine/reload.h"
#include "callpace/engine/reports.h"
#include "callpace/engine/upkeep.h"
#include "callpace/engine/view.h"
#include "callpace/engine/web.h"
#include "callpace/io/key_file.h"
#include "callpace/io/rejects.h"
#include "callpace/io/supervisor.h"

/* Under load, events gather this long or this much before one sync holds for all. */
enum { TICK_MAX_US = 2000, TICK_BACKLOG_BYTES = 4 << 20, DRAIN_MS = 4000 };

/* ---- arguments ---- */

struct arguments {
  const char *config_path;
  bool check, dump;
};

static const char help_text[] =
    "callpaced - keeps a call centre's live counters and judges its targets\n"
    "\n"
    "Usage: callpaced [-c FILE] [--check-config | --dump-config]\n"
    "\n"
    "  -c, --config FILE   configuration; default /etc/callpace/callpace.yaml\n"
    "      --check-config  check configuration, policy and roster, and leave\n"
    "      --dump-config   print the configuration in force, and leave\n"
    "      --version       print the version, and leave\n"
    "  -h, --help          this text\n"
    "\n"
    "Signals: TERM and INT drain and leave, HUP reloads, USR1 reopens the log file.\n"
    "Exit: 0 ok, 64 usage, 69 something needed is unavailable, 70 a bug, 74 I/O,\n"
    "      77 permission, 78 configuration or a damaged journal.\n"
    "See callpaced(8) and callpace.yaml(5).\n";

/* Returns -1 to go on, else the exit code. */
static int parse_arguments(int argc, char **argv, struct arguments *out) {
  static const struct option options[] = {
      {"config", required_argument, NULL, 'c'}, {"check-config", no_argument, NULL, 'C'},
      {"dump-config", no_argument, NULL, 'D'},  {"version", no_argument, NULL, 'V'},
      {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
  static const char *const names[] = {"--config",  "--check-config", "--dump-config",
                                      "--version", "--help",         NULL};
  opterr = 0;
  for (int c; (c = getopt_long(argc, argv, ":c:h", options, NULL)) != -1;) {
    switch (c) {
    case 'c': out->config_path = optarg; break;
    case 'C': out->check = true; break;
    case 'D': out->dump = true; break;
    case 'V': puts("callpaced " CALLPACE_VERSION); return 0;
    case 'h': fputs(help_text, stdout); return 0;
    case ':':
      fprintf(stderr, "callpaced: %s needs a file\n", argv[optind - 1]);
      return STATUS_USAGE;
    default: {
      const char *near = nearest_word(argv[optind - 1], names);
      fprintf(stderr, "callpaced: unknown option %s%s%s; see callpaced --help\n", argv[optind - 1],
              near ? "; did you mean " : "", near ? near : "");
      return STATUS_USAGE;
    }
    }
  }
  if (optind < argc) {
    fprintf(stderr, "callpaced: unexpected argument %s; see callpaced --help\n", argv[optind]);
    return STATUS_USAGE;
  }
  return -1;
}

static int fail(const struct error *error) {
  fprintf(stderr, "callpaced: %s\n", error->text);
  return error->status;
}

static int check_config(const char *path) {
  struct writer report = {0};
  struct error error = {0};
  enum status status = config_check(path, &report, &error);
  if (report.len > 0) fwrite(report.data, 1, report.len, stdout);
  writer_free(&report);
  return status == STATUS_OK ? 0 : fail(&error);
}

static int dump_config(const char *path) {
  struct config *config = NULL;
  struct error error = {0};
  if (config_load(path, &config, &error) != STATUS_OK) return fail(&error);
  struct writer text = {0};
  config_dump(config, &text);
  fwrite(text.data, 1, text.len, stdout);
  writer_free(&text);
  config_free(config);
  return 0;
}

/* ---- boot ---- */

static enum status read_files(struct engine *e, struct error *error) {
  enum status status = config_load(e->config_path, &e->config, error);
  if (status == STATUS_OK) status = config_settings(e->config, e->config_path, &e->settings, error);
  if (status != STATUS_OK) return status;
  e->roster = e->settings->roster;
  e->zone = e->settings->policy->calendar.zone;
  return status;
}

static enum status recover(struct engine *e, struct error *error) {
  struct journal_options options = {.node = e->config->node,
                                    .segment_bytes = (uint64_t)e->config->journal.segment_bytes,
                                    .no_sync = e->config->journal.sync_never};
  struct journal_found found = {0};
  e->journal = journal_open(e->config->state_dir, &options, &found, error);
  if (!e->journal) return error->status;
  if (key_file_read(e->config->state_dir, "ack.key", e->ack_key, sizeof e->ack_key, error) !=
      STATUS_OK)
    return error->status;
  return recovery_run(e, &found, error);
}

/* In order: what is on disk, what faces outwards, and last what lets events in. */
static enum status boot(struct engine *e, struct error *error) {
  enum status status = recover(e, error);
  if (status != STATUS_OK) return status;
  status = rejects_open(e->config->state_dir, &e->rejects, error);
  if (status != STATUS_OK) return status;
  e->hub = hub_new(e->base);
  e->control_hub = hub_new(e->base);
  e->outbox = outbox_new(e);
  e->intake = intake_new(e);
  outbox_configure(e->outbox, e->config);
  status = view_new(e, &e->view, error);
  if (status == STATUS_OK) status = control_open(e, &e->control, error);
  if (status == STATUS_OK) status = web_open(e, &e->web, error);
  if (status == STATUS_OK) status = intake_configure(e->intake, e->config, error);
  return status;
}

static void teardown(struct engine *e) {
  intake_free(e->intake);
  e->intake = NULL;
  control_close(e->control);
  web_close(e->web);
  hub_free(e->hub);
  hub_free(e->control_hub);
  view_free(e->view);
  outbox_free(e->outbox);
  rejects_close(e->rejects);
  journal_close(e->journal);
  fold_free(&e->fold);
  settings_free(e->settings);
  config_free(e->config);
  event_base_free(e->base);
}

/* ---- signals ---- */

static void on_stop(evutil_socket_t signal_number, short what, void *arg) {
  (void)what;
  struct engine *e = arg;
  if (e->stopping) return;
  e->stopping = true;
  log_info("stopping", KV("signal", strsignal(signal_number)));
  supervisor_stopping();
}

static void on_hangup(evutil_socket_t signal_number, short what, void *arg) {
  (void)signal_number;
  (void)what;
  struct error error = {0};
  supervisor_reloading();
  reload_run(arg, &error);
  supervisor_ready();
}

static void on_usr1(evutil_socket_t signal_number, short what, void *arg) {
  (void)signal_number;
  (void)what;
  (void)arg;
  log_reopen();
}

static void on_child(evutil_socket_t signal_number, short what, void *arg) {
  (void)signal_number;
  (void)what;
  struct engine *e = arg;
  int status;
  pipeline_begin(e);
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
    if (!view_reaped(e->view, pid, status) && !snapshot_reaped(e, pid, status) &&
        !reports_reaped(e, pid, status))
      outbox_reaped(e->outbox, pid, status);
}

enum { SIGNALS = 5 };

static void watch_signals(struct engine *e, struct event *events[SIGNALS]) {
  static const struct {
    int number;
    event_callback_fn run;
  } table[SIGNALS] = {{SIGTERM, on_stop},
                      {SIGINT, on_stop},
                      {SIGHUP, on_hangup},
                      {SIGUSR1, on_usr1},
                      {SIGCHLD, on_child}};
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN); /* a file over its limit is a failed write, not the end */
  for (int i = 0; i < SIGNALS; i++) {
    events[i] = evsignal_new(e->base, table[i].number, table[i].run, e);
    event_add(events[i], NULL);
  }
}

/* ---- loop ---- */

/* Waits for something to happen, then takes what else is ready, so that a busy
 * tick shares one sync and a quiet one answers at once. */
static void take_tick(struct engine *e) {
  event_base_loop(e->base, EVLOOP_ONCE);
  usec_t began = clock_monotonic_us();
  uint64_t had = 0;
  while (had != journal_appended_lsn(e->journal) &&
         journal_backlog_bytes(e->journal) < TICK_BACKLOG_BYTES &&
         clock_monotonic_us() - began < TICK_MAX_US) {
    had = journal_appended_lsn(e->journal);
    event_base_loop(e->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
  }
}

static void run(struct engine *e) {
  struct upkeep *upkeep = upkeep_new(e);
  pipeline_commit(e);
  supervisor_ready();
  log_info("ready", KV("node", e->config->node), KV_INT("lsn", e->fold.lsn));
  while (!e->stopping) {
    upkeep_plan(upkeep);
    take_tick(e);
    pipeline_commit(e);
  }
  upkeep_free(upkeep);
}

/* No more events in; what came is made durable and told, within the time that a
 * supervisor grants. */
static void drain(struct engine *e) {
  intake_free(e->intake);
  e->intake = intake_new(e);
  pipeline_commit(e);
  usec_t until = clock_monotonic_us() + (usec_t)DRAIN_MS * 1000;
  while (clock_monotonic_us() < until && !e->stalled &&
         !(view_is_current(e->view) && outbox_is_idle(e->outbox))) {
    event_base_loopexit(e->base, &(struct timeval){.tv_usec = 20000});
    event_base_loop(e->base, EVLOOP_ONCE);
    pipeline_commit(e);
  }
  struct record record = {.type = RECORD_STOP};
  pipeline_begin(e);
  if (!e->stalled) pipeline_record(e, &record);
  pipeline_commit(e);
  snapshot_abandon(e);
  snapshot_now(e);
}

int main(int argc, char **argv) {
  struct arguments arguments = {.config_path = "/etc/callpace/callpace.yaml"};
  int code = parse_arguments(argc, argv, &arguments);
  if (code >= 0) return code;
  if (arguments.check) return check_config(arguments.config_path);
  if (arguments.dump) return dump_config(arguments.config_path);

  struct engine engine = {.config_path = arguments.config_path,
                          .started_ms = clock_wall_ms(),
                          .judged_day = DAY_NONE,
                          .reports = {.day = DAY_NONE},
                          .base = event_base_new()};
  struct event *signals[SIGNALS];
  struct error error = {0};
  if (read_files(&engine, &error) != STATUS_OK) {
    code = fail(&error);
    teardown(&engine);
    return code;
  }
  reload_log(engine.config);
  watch_signals(&engine, signals);
  if (boot(&engine, &error) == STATUS_OK) {
    run(&engine);
    drain(&engine);
    code = 0;
  } else {
    code = fail(&error);
  }
  for (int i = 0; i < SIGNALS; i++)
    event_free(signals[i]);
  teardown(&engine);
  return code;
}
