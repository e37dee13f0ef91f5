/* The SMDR dialect: layouts, the shipped ones too, lines, and what is wrong with
 * either. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "callpace/dialect/dialect.h"
#include "callpace/io/config.h"

#define NOW_MS ((msec_t)1795485600000) /* 2026-11-24 02:00 UTC, 10:00 in Shanghai */

static struct config *config;
static struct error error;
static struct settings *settings;
static const struct zone *zone;
static void *smdr;
static const struct dialect *dialect = &dialect_smdr;
static struct dialect_setup setup;

/* A source with the layout of a file; false: `error` says why not. */
static bool load(const char *path) {
  char text[600];
  snprintf(text, sizeof text,
           "sources:\n- {name: pbx, type: smdr, listen: \"127.0.0.1:0\", layout: %s}\n", path);
  return config_from_text(slice_of(text), "c.yaml", &config, &error) == STATUS_OK;
}

static bool load_text(const char *layout) {
  char path[] = "/tmp/test_smdr.XXXXXX";
  int fd = mkstemp(path);
  cr_assert(fd >= 0 && write(fd, layout, strlen(layout)) == (ssize_t)strlen(layout));
  close(fd);
  bool loaded = load(path);
  unlink(path);
  return loaded;
}

static void open_dialect(void) {
  setup = (struct dialect_setup){.source = "pbx", .zone = &zone};
  setup.layout = config->sources[0].layout;
  smdr = dialect->open(&setup);
  dialect->greet(smdr, NOW_MS, NULL);
}

static void set_up(void) {
  cr_assert_eq(settings_load(PROJECT_ROOT "/conf/policy.yaml", PROJECT_ROOT "/conf/roster.yaml",
                             &settings, &error),
               STATUS_OK);
  zone = settings->policy->calendar.zone;
}

static void tear_down(void) {
  if (smdr) dialect->close(smdr);
  config_free(config);
  settings_free(settings);
}

TestSuite(smdr, .init = set_up, .fini = tear_down);

/* "1001 out 0600 09:00:01 ring 9 talk 95 answered", "-" for nobody's call, or the
 * code of a refusal; several are joined by " | ". */
static const char *said(const char *lines) {
  static struct writer log;
  struct slice bytes = slice_of(lines);
  struct item item;
  struct writer out = {0};
  enum item_kind kind;
  msec_t start_ms = 0, answer_ms = 0;
  writer_reset(&log);
  while ((kind = dialect->next(smdr, &bytes, false, NOW_MS, &item, &out)) != ITEM_MORE) {
    const struct call_event *event = &item.event;
    if (kind == ITEM_UP) continue;
    if (log.len && (kind != ITEM_EVENT || event->type == EVENT_CALL_START)) put_text(&log, " | ");
    if (kind == ITEM_REFUSED) {
      put_text(&log, item.code);
    } else if (event->type == EVENT_CALL_START) {
      int64_t of_day = (event->ts_ms + 8 * MSEC_PER_HOUR) / 1000 % 86400;
      start_ms = event->ts_ms;
      answer_ms = MSEC_NONE;
      cr_expect_eq(strncmp(event->call.data, "pbx:", 4), 0);
      put_format(&log, "%.*s %s %.*s %02d:%02d:%02d", (int)event->agent.len, event->agent.data,
                 call_dir_name(event->dir), (int)event->number.len, event->number.data,
                 (int)(of_day / 3600), (int)(of_day / 60 % 60), (int)(of_day % 60));
    } else if (event->type == EVENT_CALL_ANSWER) {
      answer_ms = event->ts_ms;
    } else {
      msec_t rang_ms = (answer_ms == MSEC_NONE ? event->ts_ms : answer_ms) - start_ms;
      put_format(&log, " ring %lld", (long long)(rang_ms / 1000));
      if (event->talk_ms != MSEC_NONE)
        put_format(&log, " talk %lld", (long long)event->talk_ms / 1000);
      put_format(&log, " %s", call_outcome_name(event->outcome));
    }
  }
  cr_expect_eq(out.len, 0, "nothing is sent back");
  return log.len ? writer_text(&log) : "-";
}

#define EXPECT(lines, text) cr_expect_str_eq(said(lines), text)

/* --- shipped layouts, by the examples of their sources --- */

Test(smdr, avaya_ip_office) {
  cr_assert(load(PROJECT_ROOT "/conf/switches/smdr/avaya-ip-office.yaml"), "%s", error.text);
  open_dialect();
  EXPECT("2008/06/28 09:28:41,00:00:00,9,8004206,I,4324,4324,,0,1000014155,0,E4324,Joe Bloggs,"
         "T9161,LINE 5.1,0,0,,,,,,,,,,,,,\r\n",
         "4324 in 8004206 09:28:41 ring 9 no_answer");
  EXPECT("2008/08/01 15:14:19,00:00:05,7,01707299900,I,403,390664,,0,1000013,0,E403,Extn403,"
         "T9001,Line 1.2,0,0,,,,,,,,,,,,,,\r\n",
         "403 in 01707299900 15:14:19 ring 7 talk 5 answered");
  EXPECT("2008/06/26 10:27:44,00:00:44,4,4688,O,4207,4207,,1,1000013898,0,E4688,Joe Bloggs,E4207,"
         "John Smith,0,0,,,,,,,,,,,,,\r\n",
         "4688 internal 4207 10:27:44 ring 4 talk 44 answered");
  EXPECT("2008/06/28 09:30:57,00:00:21,0,01707392200,I,299999,299999,,0,1000014160,0,V9502,"
         "VM Channel 2,T9002,LINE 1.2,0,0,,,,,,,,,,,,,\r\n",
         "-");
  EXPECT("2026/11/24 09:00:00,00:01:35,9,4688,O,13800138000,13800138000,,0,17,0,E4688,"
         "\"Bloggs, Joe\",T9001,Line 1.1,0,0\r\n",
         "4688 out 13800138000 09:00:00 ring 9 talk 95 answered");
}

Test(smdr, panasonic_kx) {
  cr_assert(load(PROJECT_ROOT "/conf/switches/smdr/panasonic-kx.yaml"), "%s", error.text);
  open_dialect();
  EXPECT("  Date     Time    Ext CO        Dial Number        Ring Duration  Acc code  CD\r"
         "--------------------------------------------------------------------------------\r",
         "-");
  EXPECT("01/02/02 10:03AM 1200  01 <I>12345678901234567890   5'15 00:00'00            NA\r\n",
         "1200 in 12345678901234567890 09:57:45 ring 315 no_answer");
  EXPECT("01/02/02 10:07AM 1200  01 <I>                       0'05 00:01'05 9876543210 TR\r\n",
         "1200 in  10:05:50 ring 5 talk 65 answered");
  EXPECT("01/02/02 01:07PM 1200  01 1234567890123456               00:01'05\r\n",
         "1200 out 1234567890123456 13:05:55 ring 0 talk 65 answered");
  EXPECT("01/02/02 01:07PM 1234  01 <D>CDE9876<I>Q COMPANY    0'05 00:01'05\r\n",
         "1234 in Q COMPANY 13:05:50 ring 5 talk 65 answered");
  EXPECT("01/02/02 03:35PM 1234     EXT1235                        00:12'05\r\n",
         "1234 internal 1235 15:22:55 ring 0 talk 725 answered");
  EXPECT("01/02/02 01:07PM *123  01 1234567890123456               00:01'05\r\n"
         "01/02/02 01:07PM 1234     LOG IN\r\n",
         "-");
  EXPECT("**/**/** **:**** 1234  01 123                            00:00'05\r\n", "bad_field");
}

Test(smdr, the_example) {
  cr_assert(load(PROJECT_ROOT "/conf/switches/smdr/example.yaml"), "%s", error.text);
  open_dialect();
  EXPECT("# a heading\nstart,dir\n2026-11-23 10:02:11,out,1001,13800138000,95,answered,9,c-17\n",
         "1001 out 13800138000 10:02:11 ring 9 talk 95 answered");
  EXPECT("\"2026-11-23 10:02:11\",int,1001,\"a \"\"b\"\", c\",0,gone,9,c-18\n",
         "1001 internal a \"b\", c 10:02:11 ring 9 cancelled");
  EXPECT("2026-11-23 10:02:11,out,nobody,1,95,answered,9,c\n", "-");
}

/* --- layouts --- */

Test(smdr, a_regular_expression) {
  cr_assert(load_text("kind: regex\n"
                      "regex: '^(?<time>[0-9:]+) (?<date>[0-9/]+) ([(]x[)] )?(?<agent>[^ ]+) to "
                      "(?<number>[0-9]*) (?<duration>[0-9]+)min(?<outcome>[A-Z]*)$'\n"
                      "fields: {agent: {match: '([0-9]+)$'}}\n"
                      "time_format: '%d/%m/%Y %H:%M'\n"
                      "duration_unit: minutes\n"
                      "outcome: {busy: [B], failed: [F, X]}\n"),
            "%s", error.text);
  open_dialect();
  EXPECT("10:30 23/11/2026 (x) SIP-1001 to 0600 2min\n",
         "1001 out 0600 10:30:00 ring 0 talk 120 answered");
  EXPECT("10:30 23/11/2026 SIP-1001 to 0600 0minB\n", "1001 out 0600 10:30:00 ring 0 busy");
  EXPECT("10:30 23/11/2026 SIP-1001 to 0600 0minX\n", "1001 out 0600 10:30:00 ring 0 failed");
  EXPECT("10:30 23/11/2026 SIP-1001 to 0600 2 min\n", "bad_field");
}

Test(smdr, caller_and_called) {
  cr_assert(load_text("kind: separated\nseparator: \"\\t\"\nquote: none\n"
                      "fields: {end: 1, caller: 2, called: 3, dir: 4, ring: 5, duration: 6}\n"
                      "dir: {in: [IN]}\nduration_is: total\ntime_format: epoch\n"
                      "timezone: UTC\n"),
            "%s", error.text);
  open_dialect();
  EXPECT("1795485000\t1001\t0600\tOUT\t10\t40\n",
         "1001 out 0600 09:49:20 ring 10 talk 30 answered");
  EXPECT("1795485000\t0600\t1001\tIN\t10\t10\n", "1001 in 0600 09:49:50 ring 10 no_answer");
}

Test(smdr, zones_and_years) {
  cr_assert(
      load_text("kind: columns\nfields: {date: 1-5, time: 7-12, agent: 14-17, duration: 19-}\n") ==
      false);
  cr_assert(load_text("kind: columns\n"
                      "fields: {date: 1-5, time: 7-12, agent: 14-17, duration: 19-26}\n"
                      "time_format: '%m/%d %H%M%S'\ntimezone: America/New_York\n"),
            "%s", error.text);
  open_dialect();
  EXPECT("11/23 090000 1001 00:00:10\n", "1001 out  22:00:00 ring 0 talk 10 answered");
  struct slice bytes = SLICE("12/31 090000 1001 00:00:10\n");
  struct item item;
  struct writer out = {0};
  cr_assert_eq(dialect->next(smdr, &bytes, false, NOW_MS, &item, &out), ITEM_EVENT);
  cr_expect_eq(item.event.ts_ms, 1767189600000, "it is of last year");
}

#define MINIMUM "kind: separated\nfields: {start: 1, agent: 2, duration: 3}\n"

Test(smdr, faults_of_a_layout) {
  static const char *const cases[][2] = {
      {"fields: {}\n", "\"kind\" is missing"},
      {"kind: csv\n", "not one of separated, columns, regex"},
      {"kind: separated\nfields: {agnt: 1}\n", "did you mean \"agent\"?"},
      {"kind: separated\nfields: {agent: 0}\n", "no place"},
      {"kind: separated\nfields: {agent: 1-2}\n", "one part"},
      {"kind: columns\nfields: {agent: 9-2}\n", "no place"},
      {"kind: separated\nfields: {agent: {match: x}}\n", "\"at\" is missing"},
      {"kind: separated\nfields: {agent: {at: 1, match: '('}}\n", "extended regular expression"},
      {"kind: separated\nfields: {agent: {at: 1, mach: x}}\n", "not \"mach\""},
      {"kind: separated\nfields: {agent: 1, duration: 2}\n", "when"},
      {"kind: separated\nfields: {start: 1, duration: 2}\n", "who"},
      {"kind: separated\nfields: {start: 1, agent: 2}\n", "what became"},
      {MINIMUM "separator: ab\n", "one character"},
      {MINIMUM "dir: {outt: [O]}\n", "did you mean \"out\"?"},
      {MINIMUM "dir: [O]\n", "a map"},
      {MINIMUM "outcome: {busy: B}\n", "a list"},
      {MINIMUM "skip: ['[']\n", "extended regular expression"},
      {MINIMUM "timezone: Nowhere/Land\n", "no time zone"},
      {"kind: regex\n", "needs \"regex\""},
      {"kind: regex\nregex: '(?<agent>a)(?<agent>b)'\n", "twice"},
      {"kind: regex\nregex: '(?<who>a)'\n", "no field is named \"who\""},
      {"kind: regex\nregex: '(?<agent'\n", "ends with >"},
      {"kind: regex\nregex: '(?<agent>a)'\nfields: {number: {match: x}}\n", "no group"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    error = (struct error){0};
    cr_expect(!load_text(cases[i][0]), "%s", cases[i][0]);
    cr_expect(strstr(error.text, cases[i][1]), "%s: %s", cases[i][0], error.text);
    cr_expect_eq(error.status, STATUS_CONFIG);
  }
}

/* --- lines --- */

Test(smdr, what_is_wrong_with_a_line) {
  cr_assert(load_text(MINIMUM), "%s", error.text);
  open_dialect();
  EXPECT("2026-11-24 09:00:00,1001,xx\n", "bad_field");
  EXPECT("2026-11-24 09:00,1001,1\n", "bad_field");
  EXPECT("2026-11-24 10:06:00,1001,1\n", "future_ts");
  EXPECT("1969-11-24 10:06:00,1001,1\n", "bad_field");
  EXPECT("2026-11-24 09:00:00,10\xff,1\n", "bad_utf8");
  EXPECT("2026-11-24 09:00:00\n\n\r\n,,\n", "-");
  struct writer line = {0};
  put_text(&line, "2026-11-24 09:00:00,");
  for (int i = 0; i < 129; i++)
    put_char(&line, 'x');
  put_text(&line, ",1\n");
  EXPECT(writer_text(&line), "bad_field");
  writer_reset(&line);
  for (int i = 0; i < 5000; i++)
    put_char(&line, 'x');
  put_text(&line, "\n2026-11-24 09:00:00,1001,1\n");
  EXPECT(writer_text(&line), "too_long | 1001 out  09:00:00 ring 0 talk 1 answered");
  writer_free(&line);
}

Test(smdr, pieces_and_repeats) {
  static const char text[] = "2026-11-24 09:00:00,1001,1\r\n\f2026-11-24 09:01:00,1001,2\r"
                             "2026-11-24 09:00:00,1001,1\n";
  cr_assert(load_text(MINIMUM), "%s", error.text);
  open_dialect();
  struct slice unread = {text, 0};
  struct writer out = {0};
  char ids[3][80];
  size_t starts = 0;
  for (size_t given = 1; given < sizeof text; given++) {
    struct item item;
    unread.len = (size_t)(text + given - unread.data);
    enum item_kind kind;
    while ((kind = dialect->next(smdr, &unread, false, NOW_MS, &item, &out)) != ITEM_MORE) {
      cr_assert_eq(kind, ITEM_EVENT);
      if (item.event.type != EVENT_CALL_START) continue;
      cr_assert_lt(starts, 3);
      snprintf(ids[starts++], sizeof ids[0], "%.*s", (int)item.event.call.len,
               item.event.call.data);
    }
  }
  cr_expect_eq(starts, 3);
  cr_expect_str_eq(ids[0], ids[2], "the same line is the same call");
  cr_expect_str_neq(ids[0], ids[1]);
}

Test(smdr, an_end_within_a_line) {
  cr_assert(load_text(MINIMUM), "%s", error.text);
  open_dialect();
  struct slice bytes = SLICE("2026-11-24 09:00:00,1001,1");
  struct item item;
  struct writer out = {0};
  cr_expect_eq(dialect->next(smdr, &bytes, true, NOW_MS, &item, &out), ITEM_REFUSED);
  cr_expect_str_eq(item.code, "truncated");
  cr_expect_eq(dialect->next(smdr, &bytes, true, NOW_MS, &item, &out), ITEM_MORE);
}

Test(smdr, as_a_client_it_is_up_when_connected) {
  cr_assert(load_text(MINIMUM), "%s", error.text);
  dialect = dialect_find("smdr", true);
  cr_assert_eq(dialect, &dialect_smdr_client);
  cr_expect_eq(dialect_find("smdr", false), &dialect_smdr);
  open_dialect();
  struct slice nothing = {0};
  struct item item;
  struct writer out = {0};
  cr_expect_eq(dialect->next(smdr, &nothing, false, NOW_MS, &item, &out), ITEM_UP);
  cr_expect_eq(dialect->next(smdr, &nothing, false, NOW_MS, &item, &out), ITEM_MORE);
  EXPECT("2026-11-24 09:00:00,1001,1\n", "1001 out  09:00:00 ring 0 talk 1 answered");
}
