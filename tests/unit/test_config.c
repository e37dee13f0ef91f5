#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callpace/io/config.h"

static char dir[64];

static void make_dir(void) {
  strcpy(dir, "/tmp/callpace-config-XXXXXX");
  cr_assert_not_null(mkdtemp(dir));
}

static void remove_dir(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", dir);
  cr_assert_eq(system(command), 0);
}

static const char *put(const char *name, const char *text, mode_t mode) {
  static char path[128];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE *file = fopen(path, "w");
  cr_assert_not_null(file);
  fputs(text, file);
  fclose(file);
  chmod(path, mode);
  return path;
}

TestSuite(config, .init = make_dir, .fini = remove_dir);

static struct config *read_good(const char *text) {
  struct config *config = NULL;
  struct error error = {0};
  char path[128];
  snprintf(path, sizeof path, "%s/c.yaml", dir);
  cr_assert_eq(config_from_text(slice_of(text), path, &config, &error), STATUS_OK, "%s",
               error.text);
  return config;
}

/* The error starts with c.yaml:LINE:COLUMN and holds the words. */
static void expect_error(const char *text, const char *place, const char *words) {
  struct config *config = NULL;
  struct error error = {0};
  cr_assert_eq(config_from_text(slice_of(text), "c.yaml", &config, &error), STATUS_CONFIG,
               "taken: %s", text);
  cr_assert_null(config);
  char start[64];
  snprintf(start, sizeof start, "c.yaml:%s: ", place);
  cr_assert(strncmp(error.text, start, strlen(start)) == 0, "%s: not at %s\n%s", error.text, place,
            text);
  cr_assert_not_null(strstr(error.text, words), "%s: no \"%s\"", error.text, words);
}

Test(config, an_empty_file_is_all_defaults) {
  struct config *c = read_good("");
  cr_assert(strlen(c->node) > 0);
  cr_assert_str_eq(c->state_dir, "/var/lib/callpace");
  cr_assert_not(c->clock_events);
  char policy[128];
  snprintf(policy, sizeof policy, "%s/policy.yaml", dir);
  cr_assert_str_eq(c->policy_path, policy);
  cr_assert_not(c->journal.sync_never);
  cr_assert_eq(c->journal.retain_ms, 400 * MSEC_PER_DAY);
  cr_assert_eq(c->journal.segment_bytes, 64 * 1024 * 1024);
  cr_assert_eq(c->redis.url.kind, REDIS_EMBEDDED);
  cr_assert_str_eq(c->redis.prefix, "callpace");
  cr_assert_eq(c->redis.retain_ms, 62 * MSEC_PER_DAY);
  cr_assert_null(c->redis.password);
  cr_assert_str_eq(c->control.socket, "/run/callpace/ctl.sock");
  cr_assert_eq(c->control.mode, 0660);
  cr_assert_str_eq(c->log.level, "info");
  cr_assert_eq(c->source_count, 0);
  cr_assert_eq(c->warning_count, 1); /* no sources */
  config_free(c);
  config_free(NULL);
}

Test(config, everything_given) {
  put("s", "s3cret\n", 0600);
  put("t", "tok en\r\n", 0644);
  struct config *c = read_good(
      "node: pbx-1.x\nclock: events\nstate_dir: state\npolicy: p/y.yaml\n"
      "journal: {sync: never, retain: 2d, segment: 4KiB}\n"
      "redis: {url: \"redis://10.0.0.1:6380/3\", prefix: \"a:b\", retain: 1h, username: u, "
      "password_file: s}\n"
      "control: {socket: ctl.sock, mode: \"0600\", group: staff}\n"
      "sources:\n"
      "  - {name: a, type: native, listen: \"0.0.0.0:7070\", token_file: t, allow: [10.0.0.0/8],"
      " max_connections: 5, idle_timeout: 30s, start_means: answer}\n"
      "  - {name: b, type: native, listen: \"unix:x.sock\"}\n"
      "  - {name: c, type: ami, connect: \"pbx:5038\", username: m, secret_file: s, tls: {}}\n"
      "hooks:\n"
      "  - {name: h, exec: [./run, \"{team}\"], on: [\"day.*\"], timeout: 2s, retries: 0, "
      "concurrency: 1}\n"
      "  - {name: i, exec: [logger]}\n"
      "log: {level: debug, file: x.log}\n");
  char text[256];
  cr_assert_str_eq(c->node, "pbx-1.x");
  cr_assert(c->clock_events);
  snprintf(text, sizeof text, "%s/state", dir);
  cr_assert_str_eq(c->state_dir, text);
  cr_assert(c->journal.sync_never);
  cr_assert_eq(c->redis.url.kind, REDIS_TCP);
  cr_assert_str_eq(c->redis.password, "s3cret");
  cr_assert_eq(c->source_count, 3);
  const struct config_source *s = c->sources;
  cr_assert_str_eq(s[0].token, "tok en");
  cr_assert_eq(s[0].allow_count, 1);
  cr_assert_eq(s[0].max_connections, 5);
  cr_assert_eq(s[0].idle_timeout_ms, 30000);
  cr_assert(s[0].start_means_answer);
  cr_assert_not(s[0].connects);
  cr_assert(s[1].address.is_unix);
  snprintf(text, sizeof text, "%s/x.sock", dir);
  cr_assert_str_eq(s[1].address.host, text);
  cr_assert_eq(s[1].allow_count, 2);
  cr_assert_eq(s[1].max_connections, 256);
  cr_assert(s[2].connects && s[2].tls);
  cr_assert_str_eq(s[2].secret, "s3cret");
  cr_assert_eq(s[2].address.port, 5038);
  snprintf(text, sizeof text, "%s/./run", dir);
  cr_assert_str_eq(c->hooks[0].exec[0], text);
  cr_assert_str_eq(c->hooks[0].exec[1], "{team}");
  cr_assert_null(c->hooks[0].exec[2]);
  cr_assert_eq(c->hooks[0].timeout_ms, 2000);
  cr_assert_str_eq(c->hooks[1].exec[0], "logger");
  cr_assert_str_eq(c->hooks[1].on[0], "*");
  cr_assert_eq(c->hooks[1].retries, 10);
  cr_assert_eq(c->warning_count, 1, "the token is world-readable");
  cr_assert_not_null(strstr(c->warnings[0], "c.yaml:9:"), "%s", c->warnings[0]);
  config_free(c);
}

Test(config, redis_short_forms) {
  struct config *c = read_good("redis: embedded\n");
  cr_assert_eq(c->redis.url.kind, REDIS_EMBEDDED);
  config_free(c);
  c = read_good("redis: \"unix:///run/r.sock\"\n");
  cr_assert_eq(c->redis.url.kind, REDIS_UNIX);
  cr_assert_str_eq(c->redis.url.path, "/run/r.sock");
  config_free(c);
}

Test(config, errors_have_their_place) {
  expect_error("nod: x\n", "1:1", "unknown key \"nod\", did you mean \"node\"?");
  expect_error("node: a\nnode: b\n", "2:1", "duplicate key \"node\", first on line 1");
  expect_error("zzzzzzzz: 1\n", "1:1", "unknown key \"zzzzzzzz\"");
  expect_error("journal:\n  retian: 4d\n", "2:3", "did you mean \"retain\"?");
  expect_error("journal:\n  retain: 400\n", "2:11", "a duration with its unit");
  expect_error("journal: {segment: 64}\n", "1:20", "a size with its unit");
  expect_error("journal: {segment: 1B}\n", "1:20", "out of range: 4KiB to 4GiB");
  expect_error("journal: {retain: 400years}\n", "1:19", "duration");
  expect_error("journal: {sync: comit}\n", "1:17", "did you mean \"commit\"?");
  expect_error("journal: 5\n", "1:10", "a map");
  expect_error("journal: []\n", "1:10", "a map");
  expect_error("clock: evnts\n", "1:8", "did you mean \"events\"?");
  expect_error("node: [a]\n", "1:7", "not a list");
  expect_error("node: {a: b}\n", "1:7", "not a map");
  expect_error("node: \"a b\"\n", "1:7", "a name is");
  expect_error("node: \"\"\n", "1:7", "missing");
  expect_error("redis: \"http://x\"\n", "1:8", "");
  expect_error("redis: {prefix: \"a b\"}\n", "1:17", "prefix");
  expect_error("control: {mode: \"999\"}\n", "1:17", "octal");
  expect_error("log: {level: loud}\n", "1:14", "not one of error, warning, info, debug");
  expect_error("on: 1\n", "1:1", "unknown key \"on\"");
  expect_error("http: {listen: \"0.0.0.0:80\"}\n", "1:16", "loopback");
  expect_error("http: {listen: \"0.0.0.0:80\", tls: {cert: c, key: k}}\n", "1:16", "token_file");
  expect_error("http: {listen: \"127.0.0.1\"}\n", "1:16", "not an address");
  expect_error("http: {listen: \"127.0.0.1:0\", tls: {cert: c}}\n", "1:36", "key");
  expect_error("http: {listen: \"127.0.0.1:0\", tokens: [{role: boss}]}\n", "1:47", "a role is");
  expect_error("http: {listen: \"127.0.0.1:0\", tokens: [{role: \"team:\"}]}\n", "1:47", "role");
  expect_error("[a, b]\n", "1:1", "a map");
  expect_error("just text\n", "1:1", "a map");
}

Test(config, yaml_itself_is_limited) {
  expect_error("node: &a x\n", "1:7", "anchors");
  expect_error("node: *a\n", "1:7", "aliases");
  expect_error("node: !!str x\n", "1:7", "tags");
  expect_error("[a]: b\n", "1:1", "a key must be");
  expect_error("node: a\n---\nnode: b\n", "2:1", "second document");
  expect_error("node: \"a\\0b\"\n", "1:7", "NUL");
  expect_error("node: \"abc\n", "2:1", "");
  expect_error("a: b: c\n", "1:5", "");
  expect_error("\tnode: a\n", "1:1", "");
  expect_error("node: a\xff\n", "1:1", "");
  char deep[5000] = "";
  memset(deep, '[', sizeof deep - 1);
  expect_error(deep, "1:33", "more than 32 levels");
}

#define SOURCE(rest) "sources:\n  - {name: a, type: native, " rest "}\n"

Test(config, source_errors) {
  expect_error("sources: {a: b}\n", "1:10", "a list of sources");
  expect_error("sources:\n  - {type: native}\n", "2:5", "\"name\" is missing");
  expect_error("sources:\n  - {name: a}\n", "2:5", "\"type\" is missing");
  expect_error(SOURCE("listen: 7070"), "2:37", "not an address");
  expect_error(SOURCE("lisen: \"127.0.0.1:1\""), "2:29", "did you mean \"listen\"?");
  expect_error(SOURCE("tls: {}"), "2:5", "needs \"listen\"");
  expect_error(SOURCE("connect: \"h:1\", listen: \"127.0.0.1:1\""), "2:29", "use \"listen\"");
  expect_error(SOURCE("listen: \"0.0.0.0:7070\""), "2:37", "beyond loopback");
  expect_error(SOURCE("listen: \"[::]:7070\""), "2:37", "beyond loopback");
  expect_error(SOURCE("listen: \"127.0.0.1:1\", allow: [x]"), "2:60", "not a network");
  expect_error(SOURCE("listen: \"127.0.0.1:1\", allow: []"), "2:59", "nobody");
  expect_error(SOURCE("listen: \"127.0.0.1:1\", max_connections: 0"), "2:69", "1 to 100000");
  expect_error(SOURCE("listen: \"127.0.0.1:1\", max_connections: \"9\""), "2:69", "without quotes");
  expect_error(SOURCE("listen: \"127.0.0.1:1\", tls: {cert: x}"), "2:57", "\"key\"");
  expect_error(
      SOURCE("listen: \"127.0.0.1:1\"") "  - {name: a, type: native, listen: \"unix:/x\"}\n",
      "3:12", "taken already, on line 2");
  expect_error(
      SOURCE("listen: \"127.0.0.1:1\"") "  - {name: b, type: native, listen: \"127.0.0.1:1\"}\n",
      "3:37", "taken already");
  expect_error("sources:\n- {name: a, type: evapi, connect: \"h:1\", username: u}\n", "2:42",
               "no login");
  expect_error("sources:\n- {name: a, type: evapi}\n", "2:3", "needs \"connect\"");
  expect_error("sources:\n- {name: a, type: esl, connect: \"h:1\"}\n", "2:3",
               "needs \"password_file\"");
  expect_error("sources:\n- {name: a, type: esl, connect: \"h:1\", events: xml}\n", "2:48",
               "not one of plain, json");
  expect_error("sources:\n- {name: a, type: amy}\n", "2:19", "did you mean \"ami\"?");
  expect_error("sources:\n- {name: a, type: ami, connect: \"h:1\"}\n", "2:3", "\"secret_file\"");
  expect_error("sources:\n- {name: a, type: ami, listen: \"h:1\"}\n", "2:24", "use \"connect\"");
  expect_error("sources:\n- {name: a, type: ami, connect: \"h:0\"}\n", "2:33", "port 0");
  struct config *c = read_good(
      SOURCE("listen: \"127.0.0.1:0\"") "  - {name: b, type: native, listen: \"127.0.0.1:0\"}\n");
  config_free(c);
}

Test(config, hook_errors) {
  expect_error("hooks:\n- {name: a}\n", "2:3", "one of \"exec\"");
  expect_error("hooks:\n- {name: a, exec: [x], webhook: \"https://x\"}\n", "2:3",
               "one of \"exec\"");
  expect_error("hooks:\n- {name: a, exec: /bin/true}\n", "2:19", "a list of texts");
  expect_error("hooks:\n- {name: a, exec: []}\n", "2:19", "a program");
  expect_error("hooks:\n- {name: a, exec: [x], on: [day.behnd]}\n", "2:29",
               "did you mean \"day.behind\"?");
  expect_error("hooks:\n- {name: a, exec: [x], timeout: 1ms}\n", "2:33", "100ms to 1h");
  expect_error("hooks:\n- {name: a, webhook: \"ftp://x\"}\n", "2:22", "a URL");
  expect_error("hooks:\n- {name: a, webhook: \"https://\"}\n", "2:22", "a URL");
  expect_error("hooks:\n- {name: a, webhook: \"https://u@x/\"}\n", "2:22", "a URL");
  expect_error("hooks:\n- {name: a, webhook: \"https://x/ y\"}\n", "2:22", "no blanks");
  expect_error("hooks:\n- {name: a, webhook: \"http://crm/\"}\n", "2:22", "https://");
  expect_error("hooks:\n- {name: a, webhook: \"http://127.evil.example/\"}\n", "2:22", "https://");
  expect_error("hooks:\n- {name: a, webhook: \"http://[::1]/\", format: irc}\n", "2:47",
               "not one of");
  expect_error("hooks:\n- {name: a, exec: [x], format: json}\n", "2:24", "for webhooks");
  expect_error("hooks:\n- {name: a, exec: [x], severity: high}\n", "2:34", "not one of");
  expect_error("public_url: wall.example\n", "1:13", "a URL");
  expect_error("public_url: \"https://wall.example/?x\"\n", "1:13", "without '?'");
  expect_error("hooks:\n- {name: a, exec: [x], teams: []}\n", "2:31", "an empty list");
  expect_error("hooks:\n- {name: a, exec: [x], quiet: [night]}\n", "2:32", "\"shift\" or a pair");
  expect_error("hooks:\n- {name: a, exec: [x], quiet: [[\"20:00\"]]}\n", "2:32", "a pair");
  expect_error("hooks:\n- {name: a, exec: [x], budget: 0}\n", "2:32", "1 to 128");
  expect_error("hooks:\n- {name: a, exec: [x], budget: {per: 1h}}\n", "2:32", "\"alerts\"");
  expect_error("hooks:\n- {name: a, exec: [x], escalate: {to: b}}\n", "2:34", "\"after\"");
  expect_error("hooks:\n- {name: a, exec: [x], escalate: {after: 1m, to: a}}\n", "2:50",
               "no other hook");
  expect_error("hooks:\n- {name: a, exec: [x]}\n- {name: a, exec: [y]}\n", "3:10", "taken already");
}

Test(config, secrets) {
  struct config *config = NULL;
  struct error error = {0};
  static const char text[] = "redis: {password_file: s}\n";
  char path[128];
  snprintf(path, sizeof path, "%s/c.yaml", dir);
  cr_assert_eq(config_from_text(SLICE(text), path, &config, &error), STATUS_CONFIG);
  cr_assert_not_null(strstr(error.text, "c.yaml:1:24: "), "%s", error.text);
  cr_assert_not_null(strstr(error.text, "No such file"), "%s", error.text);
  put("s", "a\nb\n", 0600);
  cr_assert_eq(config_from_text(SLICE(text), path, &config, &error), STATUS_CONFIG);
  cr_assert_not_null(strstr(error.text, "one line"), "%s", error.text);
  put("s", "\n", 0600);
  cr_assert_eq(config_from_text(SLICE(text), path, &config, &error), STATUS_CONFIG);
  expect_error("redis: {password: x}\n", "1:9", "did you mean \"password_file\"?");
}

Test(config, webhooks) {
  put("s", "sign-me\n", 0600);
  put("u", "https://chat.example/robot/send?access_token=t0k\n", 0600);
  struct config *c =
      read_good("sources: [{name: a, type: native, listen: \"127.0.0.1:0\"}]\nhooks:\n"
                "  - {name: crm, webhook: \"https://crm.example/hooks\", format: json, "
                "secret_file: s, on: [\"lead.*\"]}\n"
                "  - {name: d, webhook_file: u, format: dingtalk, secret_file: s, "
                "teams: [red, blue], severity: critical, ca_file: ca.pem}\n"
                "  - {name: w, webhook: \"http://127.0.0.1:80/\", language: zh}\n"
                "  - {name: x, exec: [true]}\n");
  const struct config_hook *h = c->hooks;
  cr_assert_str_eq(h[0].webhook, "https://crm.example/hooks");
  cr_assert_eq(h[0].format, CHAT_JSON);
  cr_assert_str_eq(h[0].secret, "sign-me");
  cr_assert_null(h[0].exec);
  cr_assert(h[0].severity == ALERT_INFO && !h[0].teams && !h[0].chinese);
  cr_assert_str_eq(h[1].webhook, "https://chat.example/robot/send?access_token=t0k");
  cr_assert_eq(h[1].format, CHAT_DINGTALK);
  cr_assert(h[1].chinese && h[1].severity == ALERT_CRITICAL);
  cr_assert_str_eq(h[1].teams[1], "blue");
  cr_assert_null(h[1].teams[2]);
  cr_assert(h[2].chinese);
  cr_assert_null(h[3].webhook);
  cr_assert_eq(c->warning_count, 1, "one json hook signs nothing");
  struct writer dump = {0};
  config_dump(c, &dump);
  cr_assert_null(strstr(writer_text(&dump), "t0k"), "a secret in the dump");
  struct config *again = read_good(writer_text(&dump));
  cr_assert_str_eq(again->hooks[1].webhook, h[1].webhook);
  writer_free(&dump);
  config_free(again);
  config_free(c);
  put("u", "https://bad url/s3cret\n", 0600);
  struct error error = {0};
  c = NULL;
  const char *path = put("c.yaml", "hooks:\n- {name: a, webhook_file: u}\n", 0600);
  cr_assert_eq(config_load(path, &c, &error), STATUS_CONFIG);
  cr_assert_not_null(strstr(error.text, "no blanks"), "%s", error.text);
  cr_assert_null(strstr(error.text, "s3cret"), "%s", error.text);
}

Test(config, hooks_that_wait) {
  struct config *c = read_good(
      "hooks:\n"
      "  - {name: a, exec: [x], quiet: [shift, [\"20:00\", \"08:00\"]], quiet_passes: critical, "
      "hold_down: 2m, budget: 6, escalate: {after: 15m, to: b}}\n"
      "  - {name: b, exec: [x], budget: {alerts: 3, per: 30m}}\n");
  struct writer dump = {0};
  config_dump(c, &dump);
  struct config *again = read_good(writer_text(&dump));
  const struct config_hook *a = &again->hooks[0], *b = &again->hooks[1];
  cr_assert(a->quiet.outside_shift && a->quiet.count == 1);
  cr_assert_eq(a->quiet.hours[0].from_ms, 20 * MSEC_PER_HOUR);
  cr_assert_eq(a->quiet.hours[0].to_ms, 8 * MSEC_PER_HOUR);
  cr_assert_eq(a->quiet_passes, ALERT_CRITICAL);
  cr_assert_eq(a->hold_down_ms, 2 * MSEC_PER_MIN);
  cr_assert(a->budget.count == 6 && a->budget.per_ms == MSEC_PER_HOUR);
  cr_assert_eq(a->escalate_after_ms, 15 * MSEC_PER_MIN);
  cr_assert_str_eq(a->escalate_to, "b");
  cr_assert(b->budget.count == 3 && b->budget.per_ms == 30 * MSEC_PER_MIN);
  cr_assert(!b->quiet.outside_shift && b->quiet.count == 0 && !b->escalate_to);
  cr_assert_gt(b->quiet_passes, ALERT_CRITICAL, "nothing passes");
  writer_free(&dump);
  config_free(again);
  config_free(c);
}

Test(config, missing_and_unreadable_files) {
  struct config *config = NULL;
  struct error error = {0};
  cr_assert_eq(config_load("/nonexistent/c.yaml", &config, &error), STATUS_CONFIG);
  cr_assert_str_eq(error.text, "/nonexistent/c.yaml: No such file or directory");
  cr_assert_eq(config_load(dir, &config, &error), STATUS_CONFIG);
  const char *path = put("c.yaml", "node: a\n", 0600);
  cr_assert_eq(config_load(path, &config, &error), STATUS_OK);
  config_free(config);
}

Test(config, the_dump_reads_back_to_the_same) {
  put("s", "top-s3cret\n", 0600);
  struct config *c =
      read_good("node: n\nredis: {url: \"redis://h:1/2\", password_file: s}\nsources:\n"
                "  - {name: a, type: native, listen: \"127.0.0.1:0\"}\n"
                "  - {name: b, type: ami, connect: \"h:5\", username: \"o'\\\"x\\u4e2d\", "
                "secret_file: s, tls: {}}\n"
                "hooks: [{name: h, exec: [run, \"-x y\"], on: [\"day.*\"]}]\n");
  struct writer first = {0}, second = {0};
  config_dump(c, &first);
  cr_assert_null(strstr(writer_text(&first), "top-s3cret"), "a secret in the dump");
  cr_assert_not_null(strstr(writer_text(&first), "password_file:"));
  struct config *again = read_good(writer_text(&first));
  config_dump(again, &second);
  cr_assert_str_eq(writer_text(&first), writer_text(&second));
  cr_assert_str_eq(again->sources[1].username, "o'\"x中");
  cr_assert_str_eq(again->hooks[0].exec[1], "-x y");
  cr_assert(again->sources[1].tls && !again->sources[0].tls);
  cr_assert_str_eq(again->policy_path, c->policy_path);
  cr_assert_null(config_fixed_change(c, again));
  struct config *other = read_good("node: n\nredis: embedded\n");
  cr_assert_str_eq(config_fixed_change(c, other), "redis");
  config_free(other);
  other = read_good("node: m\n");
  cr_assert_str_eq(config_fixed_change(c, other), "node");
  config_free(other);
  config_free(again);
  config_free(c);
  writer_free(&first);
  writer_free(&second);
}

static char *sample;

static void stands_in_sample(const struct config_option *option, void *user) {
  (void)user;
  const char *dot = strrchr(option->path, '.');
  char key[100];
  snprintf(key, sizeof key, "%s:", dot ? dot + 1 : option->path);
  cr_assert_not_null(strstr(sample, key), "%s is not in the sample", option->path);
  cr_assert_not_null(option->type);
  cr_assert(option->help && option->help[strlen(option->help) - 1] == '.', "%s", option->path);
}

static void check_sample(enum config_file file, const char *path) {
  FILE *f = fopen(path, "r");
  cr_assert_not_null(f, "%s", path);
  static char bytes[65536];
  bytes[fread(bytes, 1, sizeof bytes - 1, f)] = 0;
  fclose(f);
  sample = bytes;
  config_options(file, stands_in_sample, NULL);
}

Test(config, the_samples_hold_every_option_and_load) {
  check_sample(CONFIG_FILE_MAIN, PROJECT_ROOT "/conf/callpace.yaml");
  check_sample(CONFIG_FILE_POLICY, PROJECT_ROOT "/conf/policy.yaml");
  check_sample(CONFIG_FILE_ROSTER, PROJECT_ROOT "/conf/roster.yaml");
  struct writer report = {0};
  struct error error = {0};
  cr_assert_eq(config_check(PROJECT_ROOT "/conf/callpace.yaml", &report, &error), STATUS_OK, "%s",
               error.text);
  cr_assert_not_null(strstr(writer_text(&report), "3 agents in 2 teams"), "%s",
                     writer_text(&report));
  cr_assert_null(strstr(writer_text(&report), "warning"), "%s", writer_text(&report));
  writer_free(&report);
}
