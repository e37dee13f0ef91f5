/* The hooks that come with callpace, run as the daemon runs them. */
#include "hook_fixture.h"

TestSuite(sample_hooks, .init = open_world, .fini = close_world);

#define NOTIFY_FILE PROJECT_ROOT "/conf/hooks/notify-file"
#define NOTIFY_MAIL PROJECT_ROOT "/conf/hooks/notify-mail"

static const char hostile_text[] =
    "{\"id\":\"1001/day.behind/2026-11-23\",\"type\":\"day.behind\",\"severity\":\"warning\","
    "\"state\":\"raised\",\"agent\":\"1001\",\"name\":\"\xe7\x8e\x8b\xe8\x8a\xb3\\r\\nBcc: "
    "evil@example.com\",\"team\":\"red\",\"at_ms\":1795482000000,\"period\":\"2026-11-23\","
    "\"numbers\":{\"calls\":3},\"text\":{\"en\":\"Wang Fang\\tis\\nbehind.\\u001b[2J\",\"zh\":"
    "\"\xe7\x8e\x8b\xe8\x8a\xb3\xe8\x90\xbd\xe5\x90\x8e\"},\"action\":\"Talk.\"}";
#define HOSTILE SLICE(hostile_text)

static char *content_of(const char *path) {
  FILE *file = fopen(path, "r");
  cr_assert_not_null(file, "%s", path);
  char *text = mem_zalloc(16384);
  cr_assert_lt(fread(text, 1, 16383, file), 16383);
  fclose(file);
  return text;
}

Test(sample_hooks, a_file_gets_a_line_an_alert) {
  char *path = mem_strdup(path_of("alerts.log"));
  for (int i = 0; i < 2; i++) {
    start((const char *const[]){NOTIFY_FILE, path, NULL}, HOSTILE, 20000);
    wait_done();
    cr_assert(last.how == HOOK_EXITED && last.code == 0, "%s", last.output);
  }
  char *text = content_of(path);
  char *second = strchr(text, '\n') + 1;
  cr_assert_eq(strncmp(text, second, strlen(second)), 0);
  cr_assert_eq(strlen(second), (size_t)(second - text));
  cr_assert_eq(strncmp(second, "2026-11-2", 9), 0);
  cr_assert_not_null(strstr(second, "\twarning\traised\t1001/day.behind/2026-11-23\t"
                                    "Wang Fang is behind. [2J\t"
                                    "\xe7\x8e\x8b\xe8\x8a\xb3\xe8\x90\xbd\xe5\x90\x8e\n"));
  free(text);
  free(path);
}

Test(sample_hooks, a_file_that_cannot_be_written_is_tried_again) {
  start((const char *const[]){NOTIFY_FILE, path_of("no/alerts.log"), NULL}, HOSTILE, 20000);
  wait_done();
  cr_assert(last.how == HOOK_EXITED && last.code == 1);
  start((const char *const[]){NOTIFY_FILE, path_of("a.log"), NULL}, SLICE("{}"), 20000);
  wait_done();
  cr_assert(last.how == HOOK_EXITED && last.code == 65);
}

/* A sendmail that notes its arguments and what it was given. */
static char *fake_sendmail(int exit_code) {
  char text[512];
  snprintf(text, sizeof text, "echo \"$*\" >%s/arguments; cat >%s/mail; exit %d", dir, dir,
           exit_code);
  char *path = script(text);
  char *option = mem_alloc(strlen(path) + 16);
  sprintf(option, "--sendmail=%s", path);
  free(path);
  return option;
}

/* Reads the mail with a parser of its own. */
static const char read_mail[] =
    "import email, email.policy, sys\n"
    "m = email.message_from_file(open(sys.argv[1]), policy=email.policy.default)\n"
    "print(m['To'], m['From'], m['Bcc'], m['Subject'], sep='|')\n"
    "print(m.get_content_type(), m.get_content_charset(), m.is_multipart(), m['MIME-Version'])\n"
    "print(*m.get_content().splitlines()[:2], sep='\\n')\n";

Test(sample_hooks, a_mail_is_whole_and_goes_to_nobody_else) {
  char *option = fake_sendmail(0);
  start((const char *const[]){NOTIFY_MAIL, "--to=lead-red@example.com", "--from=pace@example.com",
                              option, NULL},
        HOSTILE, 20000);
  wait_done();
  cr_assert(last.how == HOOK_EXITED && last.code == 0, "%s", last.output);
  char *arguments = content_of(path_of("arguments"));
  cr_assert_str_eq(arguments, "-t -i\n");
  start((const char *const[]){"python3", "-c", read_mail, path_of("mail"), NULL}, SLICE(""), 20000);
  wait_done();
  cr_assert_str_eq(last.output,
                   "lead-red@example.com|pace@example.com|None|[callpace] warning: day.behind "
                   "raised \xe7\x8e\x8b\xe8\x8a\xb3 Bcc: evil@example.com\n"
                   "text/plain utf-8 False 1.0\n"
                   "Wang Fang is behind. [2J\n\xe7\x8e\x8b\xe8\x8a\xb3\xe8\x90\xbd\xe5\x90\x8e\n");
  free(arguments);
  free(option);
}

Test(sample_hooks, a_mail_that_is_refused_is_tried_again) {
  char *option = fake_sendmail(1);
  start((const char *const[]){NOTIFY_MAIL, "--to=lead@example.com", option, NULL}, HOSTILE, 20000);
  wait_done();
  cr_assert(last.how == HOOK_EXITED && last.code == 75);
  static const char *const bad[] = {"--to=a@example.com, b@example.com", "--to=a@b\nBcc: c@d",
                                    "--to=-oQ/tmp", "--to=", "--to=a b@c"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    start((const char *const[]){NOTIFY_MAIL, bad[i], option, NULL}, HOSTILE, 20000);
    wait_done();
    cr_assert(last.how == HOOK_EXITED && last.code == 64, "%s", bad[i]);
  }
  start((const char *const[]){NOTIFY_MAIL, "--to=a@b", "--sendmail=/nowhere/sendmail", NULL},
        HOSTILE, 20000);
  wait_done();
  cr_assert(last.how == HOOK_EXITED && last.code == 69);
  free(option);
}
