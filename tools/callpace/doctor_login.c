/* Logging in to an Asterisk manager and a FreeSWITCH event socket, and asking only
 * what changes nothing there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callpace/doctor.h"
#include "callpace/wire.h"

/* A value must not end its line. */
static void put_value(struct writer *out, const char *value) {
  if (value) put_bytes(out, value, strcspn(value, "\r\n"));
}

/* The value of the line `key`, which ends with ": ", in text; empty when there is none. */
static struct slice value_of(struct slice text, const char *key) {
  size_t len = strlen(key);
  for (const char *at = text.data, *end = text.data + text.len; at && at < end;) {
    const char *line_end = memchr(at, '\n', (size_t)(end - at));
    size_t line = line_end ? (size_t)(line_end - at) : (size_t)(end - at);
    if (line >= len && memcmp(at, key, len) == 0) {
      struct slice value = {at + len, line - len};
      if (value.len && value.data[value.len - 1] == '\r') value.len--;
      return value;
    }
    at = line_end ? line_end + 1 : NULL;
  }
  return (struct slice){0};
}

/* The message that holds `mark`, up to its blank line. */
static struct slice message_with(struct slice all, const char *mark, const char *blank) {
  const char *at = all.data, *end = all.data + all.len;
  while (at && at < end) {
    const char *over = memmem(at, (size_t)(end - at), blank, strlen(blank));
    struct slice message = {at, (size_t)((over ? over : end) - at)};
    if (memmem(message.data, message.len, mark, strlen(mark))) return message;
    at = over ? over + strlen(blank) : NULL;
  }
  return (struct slice){0};
}

/* Seconds with a fraction, as milliseconds. */
static msec_t time_of(struct slice text) {
  char digits[40] = "", *end;
  if (text.len == 0 || text.len >= sizeof digits) return MSEC_NONE;
  memcpy(digits, text.data, text.len);
  double seconds = strtod(digits, &end);
  return end == digits || seconds < 1e9 || seconds > 1e11 ? MSEC_NONE : (msec_t)(seconds * 1000);
}

/* ---- Asterisk ---- */

static bool may_run(struct slice commands, const char *name) {
  char key[40];
  snprintf(key, sizeof key, "%s: ", name);
  return value_of(commands, key).len > 0;
}

static void look_at_rights(struct doctor *d, const char *subject, struct slice commands) {
  static const char *const harmful[] = {"Originate", "Command", "UpdateConfig", "Redirect",
                                        "Setvar",    "DBPut",   "ModuleLoad",   "QueueAdd",
                                        "UserEvent", "Hangup"};
  struct writer found = {0};
  for (size_t i = 0; i < sizeof harmful / sizeof *harmful; i++)
    if (may_run(commands, harmful[i]))
      put_format(&found, "%s%s", found.len ? ", " : "", harmful[i]);
  if (found.len) {
    doctor_tell(d, DOCTOR_WARNING, subject,
                WORDS(d, "in manager.conf let this user have write = reporting and no more",
                      "请在 manager.conf 中只给该用户 write = reporting"),
                WORDS(d, "privilege too high: the account may run %s", "权限过高：该账户可执行 %s"),
                writer_text(&found));
  } else if (commands.len && !may_run(commands, "Status")) {
    doctor_tell(d, DOCTOR_WARNING, subject,
                WORDS(d, "add write = reporting to this user in manager.conf",
                      "请在 manager.conf 中给该用户加上 write = reporting"),
                WORDS(d, "live calls cannot be asked for after an interruption",
                      "连接中断后无法查询仍在进行的通话"));
  } else {
    doctor_tell(d, DOCTOR_OK, subject, "",
                WORDS(d, "the account may do no harm", "该账户没有危险权限"));
  }
  writer_free(&found);
}

static void look_behind_login(struct doctor *d, const char *subject, const struct wire *wire,
                              usec_t asked_us) {
  struct slice all = writer_slice(&wire->in);
  if (!memmem(all.data, all.len, "FullyBooted", 11))
    doctor_tell(d, DOCTOR_WARNING, subject,
                WORDS(d, "give this user read = call,agent,system in manager.conf",
                      "请在 manager.conf 中给该用户 read = call,agent,system"),
                WORDS(d, "privilege too low, or the switch still starts: no FullyBooted came",
                      "权限过低或交换机仍在启动：没有收到 FullyBooted"));
  look_at_rights(d, subject, message_with(all, "callpace-doctor-list", "\r\n\r\n"));
  msec_t theirs =
      time_of(value_of(message_with(all, "callpace-doctor-ping", "\r\n\r\n"), "Timestamp: "));
  doctor_clock(d, subject, theirs, (clock_monotonic_us() - asked_us) / 1000);
}

static void login_refused(struct doctor *d, const char *subject, struct slice said) {
  doctor_tell(d, DOCTOR_PROBLEM, subject,
              WORDS(d,
                    "compare username and secret_file with manager.conf; permit/deny and "
                    "allowmultiplelogin=no refuse, too",
                    "请核对 username、secret_file 与 manager.conf；permit/deny 和 "
                    "allowmultiplelogin=no 也会拒绝"),
              WORDS(d, "the switch refused the login: %.*s", "交换机拒绝登录：%.*s"), (int)said.len,
              said.data ? said.data : "");
}

bool doctor_ami(struct doctor *d, const char *subject, const struct config_source *source,
                struct wire *wire) {
  if (!wire_read_until(wire, "\n") || memcmp(wire->in.data, "Asterisk", 8) != 0) {
    doctor_tell(d, DOCTOR_PROBLEM, subject,
                WORDS(d, "is it the port of manager.conf, and tls as there?",
                      "端口和 tls 是否与 manager.conf 一致？"),
                WORDS(d, "no Asterisk manager answers there", "该地址没有 Asterisk 管理接口应答"));
    return false;
  }
  wire->in.len = 0;
  struct writer out = {0};
  put_text(&out,
           "Action: Login\r\nActionID: callpace-doctor-login\r\nEvents: system\r\nUsername: ");
  put_value(&out, source->username);
  put_text(&out, "\r\nSecret: ");
  put_value(&out, source->secret);
  put_text(&out, "\r\n\r\n");
  wire_send(wire, writer_slice(&out));
  writer_free(&out);
  bool answered = wire_read_until(wire, "\r\n\r\n");
  struct slice said = writer_slice(&wire->in);
  if (!answered || !slice_equal(value_of(said, "Response: "), SLICE("Success"))) {
    login_refused(d, subject, value_of(said, "Message: "));
    return false;
  }
  doctor_tell(d, DOCTOR_OK, subject, "", WORDS(d, "logged in", "已登录"));
  usec_t asked_us = clock_monotonic_us();
  wire_send(wire, SLICE("Action: ListCommands\r\nActionID: callpace-doctor-list\r\n\r\n"
                        "Action: Ping\r\nActionID: callpace-doctor-ping\r\n\r\n"));
  if (wire_read_until(wire, "callpace-doctor-ping")) {
    while (value_of(message_with(writer_slice(&wire->in), "callpace-doctor-ping", "\r\n\r\n"),
                    "Timestamp: ")
               .len < 17)
      if (!wire_read(wire)) break;
    look_behind_login(d, subject, wire, asked_us);
  }
  wire_send(wire, SLICE("Action: Logoff\r\n\r\n"));
  return true;
}

/* ---- FreeSWITCH ---- */

/* The answer to one command, emptied of what came before it. */
static struct slice ask(struct wire *wire, struct slice command, const char *awaited) {
  wire->in.len = 0;
  wire_send(wire, command);
  wire_read_until(wire, awaited);
  while (wire->in.len && !memmem(wire->in.data, wire->in.len, "\n\n", 2))
    if (!wire_read(wire)) break;
  return writer_slice(&wire->in);
}

/* The body of the answer to an api command; one that may not be run has none. */
static struct slice body_of(struct wire *wire, struct slice command) {
  struct slice all = ask(wire, command, "\n\n"), length = value_of(all, "Content-Length: ");
  const char *body = all.len ? memmem(all.data, all.len, "\n\n", 2) : NULL;
  size_t len = length.len ? (size_t)strtoul(length.data, NULL, 10) : 0;
  if (!body || len > WIRE_IN_MAX / 2) return (struct slice){0};
  size_t before = (size_t)(body + 2 - all.data);
  while (wire->in.len < before + len)
    if (!wire_read(wire)) return (struct slice){0};
  return (struct slice){wire->in.data + before, len};
}

static bool authenticate(struct doctor *d, const char *subject, const struct config_source *source,
                         struct wire *wire) {
  struct writer out = {0};
  put_text(&out, source->username ? "userauth " : "auth ");
  put_value(&out, source->username);
  if (source->username) put_char(&out, ':');
  put_value(&out, source->password);
  put_text(&out, "\n\n");
  struct slice said = value_of(ask(wire, writer_slice(&out), "Reply-Text"), "Reply-Text: ");
  writer_free(&out);
  bool accepted = said.len >= 3 && memcmp(said.data, "+OK", 3) == 0;
  if (accepted)
    doctor_tell(d, DOCTOR_OK, subject, "", WORDS(d, "logged in", "已登录"));
  else
    doctor_tell(d, DOCTOR_PROBLEM, subject,
                WORDS(d, "compare password_file with event_socket.conf.xml",
                      "请核对 password_file 与 event_socket.conf.xml"),
                WORDS(d, "the switch refused the password: %.*s", "交换机拒绝密码：%.*s"),
                (int)said.len, said.data ? said.data : "");
  return accepted;
}

static void look_at_esl_rights(struct doctor *d, const char *subject,
                               const struct config_source *source, struct wire *wire) {
  struct slice list = body_of(wire, SLICE("api show channels as json\n\n"));
  if (!list.len || list.data[0] == '-')
    doctor_tell(d, DOCTOR_WARNING, subject,
                WORDS(d, "let this user run show (esl-allowed-api)",
                      "请允许该用户执行 show（esl-allowed-api）"),
                WORDS(d, "live calls cannot be asked for after an interruption",
                      "连接中断后无法查询仍在进行的通话"));
  struct slice version = source->username ? body_of(wire, SLICE("api version\n\n")) : list;
  if (source->username && version.len && version.data[0] != '-')
    doctor_tell(d, DOCTOR_WARNING, subject,
                WORDS(d, "give it esl-allowed-api = show uptime strepoch",
                      "请设置 esl-allowed-api = show uptime strepoch"),
                WORDS(d, "privilege too high: this user may run any command",
                      "权限过高：该用户可执行任何命令"));
  else if (source->password && strcmp(source->password, "ClueCon") == 0)
    doctor_tell(d, DOCTOR_WARNING, subject,
                WORDS(d, "choose another in event_socket.conf.xml: it opens everything",
                      "请在 event_socket.conf.xml 中更换：此密码可执行任何操作"),
                WORDS(d, "the password is the one FreeSWITCH is shipped with",
                      "密码是 FreeSWITCH 的出厂默认值"));
  else if (!source->username && !address_is_loopback(&source->address))
    doctor_tell(d, DOCTOR_WARNING, subject,
                WORDS(d, "set apply-inbound-acl, or use a user with esl-allowed-api",
                      "请设置 apply-inbound-acl，或使用带 esl-allowed-api 的用户"),
                WORDS(d, "privilege too high: this password may run any command, over the network",
                      "权限过高：此密码可经网络执行任何命令"));
}

bool doctor_esl(struct doctor *d, const char *subject, const struct config_source *source,
                struct wire *wire) {
  wire_read_until(wire, "\n\n");
  struct slice said = writer_slice(&wire->in);
  struct slice kind = value_of(said, "Content-Type: ");
  if (slice_equal(kind, SLICE("text/rude-rejection"))) {
    doctor_tell(d, DOCTOR_PROBLEM, subject,
                WORDS(d,
                      "let this host in: apply-inbound-acl in event_socket.conf.xml, acl.conf.xml",
                      "请放行本机：event_socket.conf.xml 的 apply-inbound-acl 与 acl.conf.xml"),
                WORDS(d, "refused by the switch's ACL", "被交换机的 ACL 拒绝"));
    return false;
  }
  if (!slice_equal(kind, SLICE("auth/request"))) {
    doctor_tell(d, DOCTOR_PROBLEM, subject,
                WORDS(d, "is it the port of event_socket.conf.xml?",
                      "端口是否与 event_socket.conf.xml 一致？"),
                WORDS(d, "no FreeSWITCH event socket answers there",
                      "该地址没有 FreeSWITCH 事件套接字应答"));
    return false;
  }
  if (!authenticate(d, subject, source, wire)) return false;
  look_at_esl_rights(d, subject, source, wire);
  usec_t asked_us = clock_monotonic_us();
  struct slice epoch = body_of(wire, SLICE("api strepoch\n\n"));
  while (epoch.len && (unsigned char)epoch.data[epoch.len - 1] <= ' ')
    epoch.len--;
  /* it tells whole seconds */
  doctor_clock(d, subject, time_of(epoch), MSEC_PER_SEC + (clock_monotonic_us() - asked_us) / 1000);
  wire_send(wire, SLICE("exit\n\n"));
  return true;
}
