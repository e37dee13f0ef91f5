/* Redis as the daemon uses it: connect, log in, version, memory policy, and whether
 * it may be written, told by a deletion of what is not there. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "callpace/control.h"
#include "callpace/doctor.h"
#include "callpace/wire.h"

enum { PATIENCE_MS = 8000 };

/* The next reply; NULL when none comes in time. */
static redisReply *ask(struct wire *wire, int argc, const char **argv) {
  char *command = NULL;
  long long len = redisFormatCommandArgv(&command, argc, argv, NULL);
  wire->in.len = 0;
  bool sent = len > 0 && wire_send(wire, (struct slice){command, (size_t)len});
  redisFreeCommand(command);
  redisReader *reader = redisReaderCreate();
  void *reply = NULL;
  while (sent && reader && !reply && wire_read(wire)) {
    redisReaderFeed(reader, wire->in.data, wire->in.len);
    wire->in.len = 0;
    if (redisReaderGetReply(reader, &reply) != REDIS_OK) break;
  }
  redisReaderFree(reader);
  return reply;
}

/* True when it did as asked; else tells. */
static bool does(struct doctor *d, struct wire *wire, int argc, const char **argv,
                 const char *todo) {
  redisReply *reply = ask(wire, argc, argv);
  bool ok = reply && reply->type != REDIS_REPLY_ERROR;
  if (!ok)
    doctor_tell(d, DOCTOR_PROBLEM, "redis", todo, "%s: %s", argv[0],
                reply && reply->str ? reply->str : WORDS(d, "no answer", "没有应答"));
  freeReplyObject(reply);
  return ok;
}

static void value_in(const char *info, const char *key, char out[64]) {
  const char *at = strstr(info, key);
  out[0] = '\0';
  if (!at) return;
  at += strlen(key);
  snprintf(out, 64, "%.*s", (int)strcspn(at, "\r\n"), at);
}

static void look_at_info(struct doctor *d, struct wire *wire) {
  char version[64], limit[64], policy[64];
  redisReply *reply = ask(wire, 1, (const char *[]){"INFO"});
  if (!reply || reply->type != REDIS_REPLY_STRING) {
    doctor_tell(d, DOCTOR_OK, "redis", "",
                WORDS(d, "connected; it does not tell its version", "已连接；不提供版本信息"));
    freeReplyObject(reply);
    return;
  }
  value_in(reply->str, "redis_version:", version);
  value_in(reply->str, "\nmaxmemory:", limit);
  value_in(reply->str, "maxmemory_policy:", policy);
  freeReplyObject(reply);
  bool evicts = strtoll(limit, NULL, 10) > 0 && strcmp(policy, "noeviction") != 0;
  bool old = strtol(version, NULL, 10) < 5;
  doctor_tell(d, evicts || old ? DOCTOR_WARNING : DOCTOR_OK, "redis",
              evicts ? WORDS(d, "set maxmemory-policy noeviction: keys of agents may vanish",
                             "请设置 maxmemory-policy noeviction：否则坐席的键可能被清除")
              : old ? WORDS(d, "streams need Redis 5 or later", "流需要 Redis 5 或更高版本")
                    : "",
              WORDS(d, "version %s, maxmemory %s, policy %s", "版本 %s，maxmemory %s，策略 %s"),
              version, limit, policy);
}

static void converse(struct doctor *d, struct wire *wire) {
  const char *user = d->config->redis.username, *password = d->config->redis.password;
  char db[16], key[200];
  snprintf(db, sizeof db, "%u", d->config->redis.url.db);
  snprintf(key, sizeof key, "%s:doctor", d->config->redis.prefix);
  const char *login[] = {"AUTH", user ? user : password, password};
  if (password && !does(d, wire, user ? 3 : 2, login,
                        WORDS(d, "compare username and password_file with Redis' ACL",
                              "请核对 username、password_file 与 Redis 的 ACL")))
    return;
  if (d->config->redis.url.db &&
      !does(d, wire, 2, (const char *[]){"SELECT", db},
            WORDS(d, "correct the number behind redis.url", "请修改 redis.url 末尾的编号")))
    return;
  const char *todo =
      WORDS(d, "let the user write the keys of redis.prefix; a replica cannot be used",
            "请允许该用户写入 redis.prefix 的键；不能使用只读副本");
  if (does(d, wire, 3, (const char *[]){"HDEL", key, "nothing"}, todo)) look_at_info(d, wire);
}

/* Where it listens; false for the embedded one, which does not yet. */
static bool place_of(struct doctor *d, struct address *out) {
  const struct redis_url *url = &d->config->redis.url;
  bool embedded = url->kind == REDIS_EMBEDDED;
  *out = (struct address){.is_unix = embedded || url->kind == REDIS_UNIX, .port = url->port};
  int len = embedded
                ? snprintf(out->host, sizeof out->host, "%s/redis/redis.sock", d->config->state_dir)
                : snprintf(out->host, sizeof out->host, "%s", out->is_unix ? url->path : url->host);
  return len < (int)sizeof out->host && !(embedded && !d->status);
}

static bool in_path(const char *name) {
  const char *path = getenv("PATH");
  for (const char *dir = path ? path : "/usr/bin:/bin"; *dir;) {
    char file[1024];
    size_t len = strcspn(dir, ":");
    snprintf(file, sizeof file, "%.*s/%s", (int)len, dir, name);
    if (access(file, X_OK) == 0) return true;
    dir += len + (dir[len] == ':');
  }
  return false;
}

void doctor_redis(struct doctor *d) {
  struct address to;
  struct wire wire;
  struct error error = {0};
  if (!place_of(d, &to)) {
    bool found = in_path("redis-server");
    doctor_tell(d, found ? DOCTOR_OK : DOCTOR_PROBLEM, "redis",
                found ? "" : "sudo apt-get install redis-server",
                found ? WORDS(d, "embedded; the daemon starts %s", "内嵌；守护进程会启动 %s")
                      : WORDS(d, "embedded, but there is no %s", "内嵌，但没有 %s"),
                "redis-server");
    return;
  }
  if (!wire_open(&wire, &to, d->config->redis.url.kind == REDIS_TLS, d->config->redis.ca_file,
                 PATIENCE_MS, &error)) {
    doctor_tell(d, DOCTOR_PROBLEM, "redis",
                WORDS(d, "is Redis up, and is redis.url right? Counting goes on without it",
                      "Redis 是否运行，redis.url 是否正确？没有它计数仍会继续"),
                WORDS(d, "cannot be reached: %s", "无法连接：%s"), error.text);
    return;
  }
  converse(d, &wire);
  wire_close(&wire);
}
