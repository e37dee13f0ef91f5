/* Alerts on their way to real children, with a real journal: nothing leaves before
 * it is durable, and nothing is forgotten. */
#include "centre_fixture.h"
#include "hook_fixture.h"

#include "callpace/engine/outbox.h"
#include "callpace/engine/pipeline.h"

static struct engine engine;
static struct config config;
static struct config_hook hooks[2];
static struct settings *settings;
static char *program;

static void on_child_of_engine(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg;
  int status;
  pipeline_begin(&engine);
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
    cr_assert(outbox_reaped(engine.outbox, pid, status));
}

static void open_engine(void) {
  struct error error = {0};
  engine = (struct engine){.base = base, .config = &config, .settings = settings};
  engine.journal =
      journal_open(dir, &(struct journal_options){.node = "test", .no_sync = true}, NULL, &error);
  cr_assert_not_null(engine.journal, "%s", error.text);
  fold_init(&engine.fold, settings, true);
  engine.outbox = outbox_new(&engine);
}

static void close_engine(void) {
  outbox_free(engine.outbox);
  journal_close(engine.journal);
  fold_free(&engine.fold);
}

/* The program appends its arguments to a file; then it does as the test says. */
static void use_program(const char *behaviour) {
  char text[1024];
  snprintf(text, sizeof text, "echo \"$@\" >>%s/told\n%s", dir, behaviour);
  char *path = script(text);
  if (program) /* it stands where the one before it stood */
    free(path);
  else
    program = path;
}

static void open_outbox(void) {
  open_world();
  event_free(child_ended);
  child_ended = evsignal_new(base, SIGCHLD, on_child_of_engine, NULL);
  event_add(child_ended, NULL);
  settings = fixture_settings(1);
  open_engine();
  use_program("exit 0");
  static const char *everything[] = {"*", NULL}, *days[] = {"day.*", NULL};
  static const char *exec[] = {NULL, "{id}/{state}", NULL};
  exec[0] = program;
  hooks[0] = (struct config_hook){.name = "lead",
                                  .exec = exec,
                                  .on = everything,
                                  .timeout_ms = 10000,
                                  .retries = 10,
                                  .concurrency = 4};
  hooks[1] = hooks[0];
  hooks[1].name = "days";
  hooks[1].on = days;
  config = (struct config){.hooks = hooks, .hook_count = 1};
  outbox_configure(engine.outbox, &config);
}

static void close_outbox(void) {
  close_engine();
  settings_free(settings);
  free(program);
  close_world();
}

TestSuite(outbox, .init = open_outbox, .fini = close_outbox, .timeout = 60);

/* What the pipeline does at the end of a tick. */
static void commit(void) {
  struct error error = {0};
  pipeline_begin(&engine);
  cr_assert_eq(journal_commit(engine.journal, &error), STATUS_OK, "%s", error.text);
  outbox_deliver(engine.outbox);
  engine.in_tick = false;
}

static void tick(void) {
  event_base_loop(base, EVLOOP_ONCE);
  commit();
}

static void decide(const char *id, bool raised, const char *names) {
  struct writer json = {0};
  json_open(&json, '{');
  json_put_text(&json, "id", id);
  json_put_text(&json, "type", "day.behind");
  json_put_text(&json, "state", raised ? "raised" : "resolved");
  json_close(&json, '}');
  struct record record = {.type = RECORD_ALERT,
                          .alert = {.raised = raised,
                                    .at_ms = 1,
                                    .id = slice_of(id),
                                    .json = writer_slice(&json),
                                    .hooks = slice_of(names)}};
  pipeline_begin(&engine);
  pipeline_record(&engine, &record);
  writer_free(&json);
}

static size_t waiting(void) {
  size_t count = 0;
  for (const struct alert_entry *e = engine.fold.alerts.oldest; e; e = e->newer)
    count += e->hooks[0] != 0;
  return count;
}

static void tick_until_told(void) {
  usec_t until = clock_monotonic_us() + 20 * 1000000;
  while (waiting() > 0) {
    cr_assert(clock_monotonic_us() < until, "%zu alerts still wait", waiting());
    tick();
  }
  commit();
}

static void expect_told(const char *wanted) {
  char text[4096] = "";
  FILE *file = fopen(path_of("told"), "r");
  if (file) {
    cr_assert_lt(fread(text, 1, sizeof text - 1, file), sizeof text - 1);
    fclose(file);
  }
  cr_assert_str_eq(text, wanted);
}

static const char *status_text(void) {
  static char text[512];
  struct writer w = {0};
  outbox_put_status(engine.outbox, &w);
  snprintf(text, sizeof text, "%s", writer_text(&w));
  writer_free(&w);
  return text;
}

/* The deliveries on record, as "hook id state yes|no attempts reason\n". */
static bool list_delivered(void *context, uint64_t lsn, const struct record *record) {
  (void)lsn;
  if (record->type != RECORD_DELIVERED) return true;
  put_format(context, "%.*s %.*s %s %s %d %.*s\n", (int)record->delivered.hook.len,
             record->delivered.hook.data, (int)record->delivered.id.len, record->delivered.id.data,
             record->delivered.raised ? "raised" : "resolved",
             record->delivered.success ? "yes" : "no", (int)record->delivered.attempts,
             (int)record->delivered.reason.len,
             record->delivered.reason.len ? record->delivered.reason.data : "");
  return true;
}

static void expect_record(const char *wanted) {
  struct writer w = {0};
  struct error error = {0};
  cr_assert_eq(journal_replay(dir, 0, list_delivered, &w, &error), STATUS_OK, "%s", error.text);
  cr_assert_str_eq(writer_text(&w), wanted);
  writer_free(&w);
}

Test(outbox, starts_nothing_before_it_is_durable) {
  decide("1/a", true, "lead,");
  outbox_deliver(engine.outbox);
  cr_assert(outbox_is_idle(engine.outbox));
  commit();
  cr_assert_not(outbox_is_idle(engine.outbox));
  tick_until_told();
  cr_assert(outbox_is_idle(engine.outbox));
  expect_told("1/a/raised\n");
  expect_record("lead 1/a raised yes 1 \n");
  cr_assert_str_eq(status_text(), "[{\"name\":\"lead\",\"waiting\":0,\"held\":0,\"running\":0,"
                                  "\"delivered\":1,\"failures\":0,\"given_up\":0}]");
}

/* Where a line stands in the deliveries on record; it must be there. */
static size_t recorded_at(const char *line) {
  struct writer w = {0};
  struct error error = {0};
  cr_assert_eq(journal_replay(dir, 0, list_delivered, &w, &error), STATUS_OK, "%s", error.text);
  const char *at = strstr(writer_text(&w), line);
  cr_assert_not_null(at, "%s is not in %s", line, writer_text(&w));
  size_t place = (size_t)(at - w.data);
  writer_free(&w);
  return place;
}

/* Children of different alerts run side by side, and the order in which they write
 * and end is not ours: so 1/a fails until 2/b was told, and at least twice. */
Test(outbox, tries_again_without_holding_up_others) {
  char text[512];
  snprintf(text, sizeof text,
           "case $1 in 1/a/raised) grep -q ^2/b %s/told && [ $(grep -c ^1/a/raised %s/told) -ge 3 "
           "];; esac",
           dir, dir);
  use_program(text);
  decide("1/a", true, "lead,");
  decide("1/a", false, "lead,");
  commit();
  decide("2/b", true, "lead,");
  usec_t began = clock_monotonic_us();
  commit();
  tick_until_told();
  cr_assert_geq(clock_monotonic_us() - began, 2900000, "waits 1 s, then 2 s");
  recorded_at("lead 2/b raised yes 1 ");
  cr_assert_lt(recorded_at("lead 1/a raised yes "), recorded_at("lead 1/a resolved yes 1 "));
}

Test(outbox, gives_up_on_the_record) {
  use_program("echo no receiver; exit 3");
  hooks[0].retries = 1;
  decide("1/a", true, "lead,");
  commit();
  tick_until_told();
  expect_record("lead 1/a raised no 2 exit status 3\n");
  hooks[0].retries = 0;
  hooks[0].exec = (const char *[]){"no-such-hook", NULL};
  decide("1/b", true, "lead,");
  commit();
  cr_assert_eq(waiting(), 0);
  cr_assert_str_eq(status_text(), "[{\"name\":\"lead\",\"waiting\":0,\"held\":0,\"running\":0,"
                                  "\"delivered\":0,\"failures\":3,\"given_up\":2}]");
}

Test(outbox, runs_only_so_many_at_once) {
  use_program("sleep 0.2");
  hooks[0].concurrency = 2;
  static const char *const ids[] = {"1", "2", "3", "4", "5"};
  for (size_t i = 0; i < 5; i++)
    decide(ids[i], true, "lead,");
  usec_t began = clock_monotonic_us();
  commit();
  cr_assert_not_null(strstr(status_text(), "\"waiting\":5,\"held\":0,\"running\":2"));
  tick_until_told();
  cr_assert_geq(clock_monotonic_us() - began, 550000, "three rounds");
}

static const char *hooks_for(enum alert_type type, const char *team) {
  static char text[128];
  struct writer w = {0};
  struct alert alert = {.type = type, .team = slice_of(team)};
  outbox_put_hooks(engine.outbox, &alert, SLICE("x"), &w);
  snprintf(text, sizeof text, "%s", writer_text(&w));
  writer_free(&w);
  return text;
}

Test(outbox, routes_by_type_team_and_severity) {
  config.hook_count = 2;
  outbox_configure(engine.outbox, &config);
  cr_assert_str_eq(hooks_for(ALERT_DAY_MET, "red"), "lead,days,");
  cr_assert_str_eq(hooks_for(ALERT_SOURCE_DOWN, NULL), "lead,");
  hooks[0].teams = (const char *[]){"blue", "red", NULL};
  hooks[1].severity = ALERT_CRITICAL;
  cr_assert_str_eq(hooks_for(ALERT_DAY_MET, "red"), "lead,");
  cr_assert_str_eq(hooks_for(ALERT_DAY_MISSED, "green"), "days,");
  cr_assert_str_eq(hooks_for(ALERT_DAY_MISSED, "blue"), "lead,days,");
  cr_assert_str_eq(hooks_for(ALERT_SOURCE_DOWN, NULL), "", "no team, and no day");
}

Test(outbox, gives_up_what_waits_for_a_hook_that_was_removed) {
  use_program("sleep 0.3; exit 1");
  decide("1/a", true, "lead,");
  decide("1/a", false, "lead,");
  decide("1/b", true, "nobody,lead,");
  hooks[0].concurrency = 1;
  commit();
  cr_assert_not(outbox_is_idle(engine.outbox));
  pipeline_begin(&engine);
  outbox_configure(engine.outbox, &(struct config){.hooks = &hooks[1], .hook_count = 1});
  cr_assert_not_null(strstr(status_text(), "[{\"name\":\"days\""));
  tick_until_told();
  expect_told("1/a/raised\n");
  expect_record("nobody 1/b raised no 0 hook no longer configured\n"
                "lead 1/b raised no 0 hook no longer configured\n"
                "lead 1/a raised no 1 hook no longer configured\n"
                "lead 1/a resolved no 0 hook no longer configured\n");
}

Test(outbox, keeps_the_figures_of_a_hook_that_stays) {
  decide("1/a", true, "lead,");
  commit();
  tick_until_told();
  config.hook_count = 2;
  outbox_configure(engine.outbox, &config);
  cr_assert_not_null(strstr(status_text(), "\"running\":0,\"delivered\":1"));
}

static bool fold_one(void *context, uint64_t lsn, const struct record *record) {
  (void)context;
  fold_record(&engine.fold, lsn, record);
  return true;
}

Test(outbox, delivers_again_after_a_crash) {
  use_program("[ $1 = 1/a/raised ]");
  decide("1/a", true, "lead,");
  decide("1/b", true, "lead,");
  commit();
  while (waiting() > 1)
    tick();
  commit();
  close_engine(); /* 1/b failed, or still runs */
  use_program("exit 0");
  open_engine();
  struct error error = {0};
  cr_assert_eq(journal_replay(dir, 0, fold_one, NULL, &error), STATUS_OK, "%s", error.text);
  cr_assert_eq(waiting(), 1);
  unlink(path_of("told"));
  outbox_configure(engine.outbox, &config);
  commit();
  tick_until_told();
  expect_told("1/b/raised\n");
}

Test(outbox, fills_placeholders_inside_one_argument) {
  static const char *exec[] = {"printf",  "<%s>",     "{id}",       "--team={team}",
                               "{name}!", "{nobody}", "{id}{type}", NULL};
  hooks[0].exec = exec;
  static const char json[] = "{\"id\":\"$(id) {team} ; x\",\"type\":\"day.met\",\"team\":\"a b\","
                             "\"text\":{\"name\":\"inner\"},\"name\":\"Li\\n\\u0000Wei\"}";
  struct record record = {
      .type = RECORD_ALERT,
      .alert = {.raised = true, .id = SLICE("x"), .json = SLICE(json), .hooks = SLICE("lead,")}};
  exec[0] = program;
  use_program(
      "for a; do echo \"<$a>\" >>${0%/*}/args; done; env | grep CALLPACE | sort >>${0%/*}/args");
  pipeline_begin(&engine);
  pipeline_record(&engine, &record);
  commit();
  tick_until_told();
  char text[1024] = "";
  FILE *file = fopen(path_of("args"), "r");
  cr_assert_not_null(file);
  cr_assert_gt(fread(text, 1, sizeof text - 1, file), 0);
  fclose(file);
  cr_assert_str_eq(text, "<<%s>>\n<$(id) {team} ; x>\n<--team=a b>\n<Li  Wei!>\n<{nobody}>\n"
                         "<$(id) {team} ; xday.met>\n"
                         "CALLPACE_ALERT_AGENT=\nCALLPACE_ALERT_ID=$(id) {team} ; x\n"
                         "CALLPACE_ALERT_SEVERITY=\nCALLPACE_ALERT_TEAM=a b\n"
                         "CALLPACE_ALERT_TYPE=day.met\n");
}
