/* What is wrong with this installation, and what to do: looks at everything from the
 * configuration to the switches, whether the daemon runs or not, and changes nothing. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "callpace/base/text.h"
#include "callpace/control.h"
#include "callpace/doctor.h"
#include "callpace/grid.h"
#include "callpace/show.h"

static const char *const level_names[] = {"ok", "warning", "problem"};

static void print_finding(const struct doctor *doctor, enum doctor_level level, const char *subject,
                          const char *text, const char *todo) {
  static const enum grid_colour colours[] = {GRID_GREEN, GRID_YELLOW, GRID_RED};
  static const char *const chinese[] = {"正常", "注意", "问题"};
  static const char letters[] = "OWP";
  struct writer out = {0};
  if (doctor->terminal) {
    struct writer head = {0};
    put_format(&head, "%c %-7s", letters[level],
               doctor->chinese ? chinese[level] : level_names[level]);
    put_coloured(&out, writer_slice(&head), colours[level], true);
    writer_free(&head);
  } else {
    put_text(&out, level_names[level]);
  }
  put_text(&out, doctor->terminal ? "  " : "\t");
  text_put_terminal(&out, slice_of(subject), 0, false);
  put_text(&out, doctor->terminal ? ": " : "\t");
  text_put_terminal(&out, slice_of(text), 0, false);
  if (*todo || !doctor->terminal) put_text(&out, doctor->terminal ? "\n           → " : "\t");
  text_put_terminal(&out, slice_of(todo), 0, false);
  puts(writer_text(&out));
  writer_free(&out);
}

void doctor_tell(struct doctor *doctor, enum doctor_level level, const char *subject,
                 const char *todo, const char *format, ...) {
  char text[700];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  doctor->problems += level == DOCTOR_PROBLEM;
  if (!doctor->findings) {
    print_finding(doctor, level, subject, text, todo);
    fflush(stdout);
    return;
  }
  struct writer clean = {0};
  text_put_terminal(&clean, slice_of(text), 0, false);
  json_array_append_new(doctor->findings,
                        json_pack("{s:s, s:s, s:s, s:s}", "level", level_names[level], "subject",
                                  subject, "text", writer_text(&clean), "todo", todo));
  writer_free(&clean);
}

/* ---- configuration ---- */

static void unreadable(struct doctor *d, const struct error *error) {
  const char *todo = WORDS(d, "correct the file at that place", "请在该处修改文件");
  if (error->status == STATUS_PERMISSION)
    todo = WORDS(d, "run it as the daemon's user: sudo -u callpace callpace doctor",
                 "请以守护进程的用户运行：sudo -u callpace callpace doctor");
  doctor_tell(d, DOCTOR_PROBLEM, "configuration", todo, "%s", error->text);
}

static void look_at_files(struct doctor *d, const char *path, struct config **config,
                          struct settings **settings, struct error *error) {
  if (config_load(path, config, error)) {
    unreadable(d, error);
    return;
  }
  d->config = *config;
  for (size_t i = 0; i < d->config->warning_count; i++)
    doctor_tell(d, DOCTOR_WARNING, "configuration",
                WORDS(d, "correct the file at that place", "请在该处修改文件"), "%s",
                d->config->warnings[i]);
  if (settings_load(d->config->policy_path, d->config->roster_path, settings, error)) {
    unreadable(d, error);
    return;
  }
  d->settings = *settings;
  doctor_tell(
      d, DOCTOR_OK, "configuration", "",
      WORDS(d, "%s: %zu sources, %zu hooks, %zu agents", "%s：%zu 个来源，%zu 个钩子，%zu 名坐席"),
      path, d->config->source_count, d->config->hook_count, d->settings->roster->agent_count);
}

/* ---- the daemon ---- */

static void look_at_daemon(struct doctor *d, const struct client_options *options) {
  struct error error = {0};
  d->status = client_ask_once(options, json_pack("{s:s}", "command", "status"), &error);
  if (!d->status) {
    bool denied = error.status == STATUS_PERMISSION;
    doctor_tell(d, denied ? DOCTOR_PROBLEM : DOCTOR_WARNING, "daemon",
                denied ? WORDS(d, "join the socket's group: sudo adduser USER callpace",
                               "请加入套接字所属的组：sudo adduser USER callpace")
                       : WORDS(d, "start it: sudo systemctl start callpaced",
                               "请启动：sudo systemctl start callpaced"),
                "%s", error.text);
    return;
  }
  char room[32], why[32];
  struct slice state = json_text(d->status, "state", room);
  struct slice journal = json_text(json_object_get(d->status, "journal"), "state", why);
  if (slice_equal(state, SLICE("running")) && slice_equal(journal, SLICE("ok")))
    doctor_tell(d, DOCTOR_OK, "daemon", "", WORDS(d, "runs", "正在运行"));
  else
    doctor_tell(d, DOCTOR_PROBLEM, "daemon",
                WORDS(d, "see journalctl -u callpaced; is the disk full?",
                      "请查看 journalctl -u callpaced；磁盘是否已满？"),
                WORDS(d, "state %.*s, journal %.*s", "状态 %.*s，日志 %.*s"), (int)state.len,
                state.data, (int)journal.len, journal.data);
}

static void look_at_all(struct doctor *d, const struct client_options *options) {
  look_at_daemon(d, options);
  if (d->settings && d->status) doctor_roster(d, options);
  if (!d->config) return;
  for (size_t i = 0; i < d->config->source_count; i++)
    doctor_source(d, &d->config->sources[i]);
  doctor_redis(d);
  doctor_disk(d);
  doctor_hooks(d);
}

static int run(struct client_options *options, int argc, char **argv) {
  enum status status = options_read(options, NULL, argc, argv, NULL, 0, 0);
  if (status) return status;
  struct config *config = NULL;
  struct settings *settings = NULL;
  struct error error = {0};
  struct doctor doctor = {.terminal = !options->json && output_is_terminal(),
                          .chinese = !options->json && output_is_terminal() && reader_is_chinese(),
                          .findings = options->json ? json_array() : NULL};
  look_at_files(&doctor, options->config ? options->config : "/etc/callpace/callpace.yaml", &config,
                &settings, &error);
  look_at_all(&doctor, options);
  if (doctor.findings) json_print(doctor.findings);
  json_decref(doctor.findings);
  json_decref(doctor.status);
  settings_free(settings);
  config_free(config);
  if (error.status) return error.status;
  return doctor.problems ? 1 : STATUS_OK;
}

const struct command command_doctor = {
    .name = "doctor",
    .arguments = "",
    .summary = "What is wrong with this installation, and what to do about it",
    .manual = "Looks at the configuration, the daemon, who is seen and who is not, each source\n"
              "(reach, login, privilege, clock), Redis, the disk and the hooks: one line each,\n"
              "ok, warning or problem. It changes nothing, and the daemon need not run. Run it\n"
              "as the daemon's user: sudo -u callpace callpace doctor.\n\n"
              "Ends with 0 when there is no problem, 1 when there is one, 77 or 78 when the\n"
              "configuration cannot be read or is wrong.\n",
    .run = run,
};
