/* Each source: can it be reached, does the login work, what may it do, is its clock
 * right, and what does the running daemon say of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callpace/control.h"
#include "callpace/doctor.h"
#include "callpace/wire.h"

enum { PATIENCE_MS = 8000, BEAT_LATE_MS = 1000, SKEW_MS = 2000 };

void doctor_clock(struct doctor *d, const char *subject, msec_t theirs, msec_t uncertain_ms) {
  if (theirs == MSEC_NONE) {
    doctor_tell(d, DOCTOR_OK, subject, "",
                WORDS(d, "the switch does not tell its time", "交换机不提供时间"));
    return;
  }
  msec_t ahead = theirs - clock_wall_ms();
  bool wrong = ahead > SKEW_MS || ahead < -SKEW_MS - uncertain_ms;
  doctor_tell(
      d, wrong ? DOCTOR_WARNING : DOCTOR_OK, subject,
      wrong ? WORDS(d, "run NTP (chrony) on both hosts: calls are counted by the switch's time",
                    "请在两台主机上运行 NTP（chrony）：通话按交换机时间计算")
            : "",
      WORDS(d, "the switch's clock is %.1f s off ours", "交换机时钟与本机相差 %.1f 秒"),
      (double)ahead / 1000);
}

static const json_t *told_of(const struct doctor *d, const char *name) {
  size_t i;
  json_t *source;
  json_array_foreach(json_object_get(d->status, "sources"), i, source) {
    const char *its = json_string_value(json_object_get(source, "name"));
    if (its && strcmp(its, name) == 0) return source;
  }
  return NULL;
}

/* What the daemon says, where it runs. */
static void tell_state(struct doctor *d, const char *subject, const struct config_source *source) {
  const json_t *told = told_of(d, source->name);
  char room[32], why[32];
  if (!d->status) return;
  if (!told) {
    doctor_tell(
        d, DOCTOR_WARNING, subject, "callpace reload",
        WORDS(d, "the running daemon does not know this source", "运行中的守护进程没有这个来源"));
    return;
  }
  struct slice state = json_text(told, "state", room), reason = json_text(told, "reason", why);
  long long events = (long long)json_number(told, "events", 0);
  bool up = slice_equal(state, SLICE("up"));
  doctor_tell(
      d, up ? DOCTOR_OK : DOCTOR_WARNING, subject,
      up ? "" : WORDS(d, "see journalctl -u callpaced", "请查看 journalctl -u callpaced"),
      WORDS(d, "the daemon has it %.*s, %lld events %.*s", "守护进程状态 %.*s，%lld 个事件 %.*s"),
      (int)state.len, state.data, events, (int)reason.len, reason.data);
}

/* Kamailio's snippet sends a heartbeat every 5 s, with the time in it. */
static void look_at_evapi(struct doctor *d, const char *subject, struct wire *wire) {
  bool came = wire_read_until(wire, "\"ts\":") && wire_read_until(wire, "}");
  const char *ts = came ? memmem(wire->in.data, wire->in.len, "\"ts\":", 5) : NULL;
  if (!ts) {
    doctor_tell(d, DOCTOR_WARNING, subject,
                WORDS(d,
                      "include conf/switches/kamailio/callpace.cfg: its heartbeat tells every 5 s",
                      "请包含 conf/switches/kamailio/callpace.cfg：其心跳每 5 秒一次"),
                WORDS(d, "connected, but no event came in 8 s", "已连接，但 8 秒内没有事件"));
    return;
  }
  doctor_tell(d, DOCTOR_OK, subject, "", WORDS(d, "events come", "收到事件"));
  put_char(&wire->in, '\0');
  ts = memmem(wire->in.data, wire->in.len, "\"ts\":", 5);
  double seconds = ts ? strtod(ts + 5 + strspn(ts + 5, " \""), NULL) : 0;
  doctor_clock(d, subject, seconds > 1e9 && seconds < 1e11 ? (msec_t)(seconds * 1000) : MSEC_NONE,
               BEAT_LATE_MS);
}

static void look_at_switch(struct doctor *d, const char *subject,
                           const struct config_source *source) {
  struct wire wire;
  struct error error = {0};
  bool evapi = strcmp(source->type, "evapi") == 0;
  if (!wire_open(&wire, &source->address, source->tls, source->tls_ca, PATIENCE_MS, &error)) {
    doctor_tell(d, DOCTOR_PROBLEM, subject,
                WORDS(d,
                      "is the switch up, does it listen there, and does no firewall stand between?",
                      "交换机是否运行并监听该地址？中间是否有防火墙？"),
                WORDS(d, "cannot be reached: %s", "无法连接：%s"), error.text);
    return;
  }
  if (strcmp(source->type, "ami") == 0)
    doctor_ami(d, subject, source, &wire);
  else if (strcmp(source->type, "esl") == 0)
    doctor_esl(d, subject, source, &wire);
  else if (evapi)
    look_at_evapi(d, subject, &wire);
  else
    doctor_tell(d, DOCTOR_OK, subject, "", WORDS(d, "can be reached", "可以连接"));
  wire_close(&wire);
}

void doctor_source(struct doctor *d, const struct config_source *source) {
  char subject[96], place[ADDRESS_TEXT_SIZE];
  snprintf(subject, sizeof subject, "source %s", source->name);
  address_format(&source->address, place);
  if (source->connects)
    look_at_switch(d, subject, source);
  else if (!d->status)
    doctor_tell(d, DOCTOR_OK, subject, "",
                WORDS(d, "will listen on %s once the daemon runs", "守护进程运行后将监听 %s"),
                place);
  tell_state(d, subject, source);
}
