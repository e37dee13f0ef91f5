/* The disk under the journal, and the programs that alerts are told to. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "callpace/doctor.h"
#include "callpace/io/hook.h"

enum { SYNCS = 40, PATH_SIZE = 4200 };

static int compare_times(const void *a, const void *b) {
  usec_t x = *(const usec_t *)a, y = *(const usec_t *)b;
  return (x > y) - (x < y);
}

/* A file without a name, which goes with its descriptor. */
static int nameless_file(const char *folder) {
  int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return fd;
  char path[PATH_SIZE];
  if (snprintf(path, sizeof path, "%s/.doctor-XXXXXX", folder) >= (int)sizeof path) return -1;
  fd = mkostemp(path, O_CLOEXEC);
  if (fd >= 0) unlink(path);
  return fd;
}

static bool time_syncs(int fd, usec_t times[SYNCS]) {
  char block[4096];
  memset(block, 'x', sizeof block);
  for (int i = 0; i < SYNCS; i++) {
    usec_t began = clock_monotonic_us();
    if (write(fd, block, sizeof block) != (ssize_t)sizeof block || fdatasync(fd) != 0) return false;
    times[i] = clock_monotonic_us() - began;
  }
  qsort(times, SYNCS, sizeof *times, compare_times);
  return true;
}

static void tell_speed(struct doctor *d, const usec_t times[SYNCS]) {
  enum { SLOW_US = 5000, SLOW_P99_US = 100 * 1000 };
  usec_t median = times[SYNCS / 2], p99 = times[SYNCS - 1];
  bool slow = median > SLOW_US || p99 > SLOW_P99_US;
  doctor_tell(d, slow ? DOCTOR_WARNING : DOCTOR_OK, "disk",
              slow ? WORDS(d, "put state_dir on a local SSD; acknowledgements wait for every sync",
                           "请把 state_dir 放到本地 SSD；每次确认都要等待同步")
                   : "",
              WORDS(d, "a sync takes %.2f ms, the slowest of 40 %.2f ms",
                    "同步一次 %.2f 毫秒，40 次中最慢 %.2f 毫秒"),
              (double)median / 1000, (double)p99 / 1000);
}

static void tell_room(struct doctor *d, const char *folder) {
  struct statvfs room;
  if (statvfs(folder, &room) != 0) return;
  unsigned long long free_mib = (unsigned long long)room.f_bavail * room.f_frsize >> 20;
  unsigned percent =
      room.f_blocks ? (unsigned)((unsigned long long)room.f_bavail * 100 / room.f_blocks) : 0;
  enum doctor_level level = free_mib < 256 ? DOCTOR_PROBLEM : DOCTOR_OK;
  if (level == DOCTOR_OK && (free_mib < 2048 || percent < 5)) level = DOCTOR_WARNING;
  doctor_tell(d, level, "disk",
              level ? WORDS(d, "make room, or lower journal.retain; without room nothing is taken",
                            "请腾出空间或缩短 journal.retain；空间不足时不再接收事件")
                    : "",
              WORDS(d, "%llu MiB free, %u %%", "剩余 %llu MiB，%u %%"), free_mib, percent);
}

void doctor_disk(struct doctor *d) {
  char folder[PATH_SIZE];
  usec_t times[SYNCS];
  snprintf(folder, sizeof folder, "%s/journal", d->config->state_dir);
  if (access(folder, F_OK) != 0) snprintf(folder, sizeof folder, "%s", d->config->state_dir);
  int fd = nameless_file(folder);
  if (fd >= 0 && time_syncs(fd, times)) {
    tell_speed(d, times);
  } else {
    bool missing = errno == ENOENT;
    doctor_tell(d, missing ? DOCTOR_WARNING : DOCTOR_PROBLEM, "disk",
                missing ? WORDS(d, "the daemon makes it when it starts; see that it may",
                                "守护进程启动时会创建；请确认其有权限")
                        : WORDS(d, "see to it that the user callpace owns it and may write",
                                "请确认用户 callpace 拥有并可写该目录"),
                "%s: %s", folder, strerror(errno));
  }
  if (fd >= 0) close(fd);
  tell_room(d, folder);
}

/* ---- hooks ---- */

static bool find_program(const char *name, char path[PATH_SIZE], struct stat *found) {
  snprintf(path, PATH_SIZE, "%s", name);
  if (strchr(name, '/')) return stat(path, found) == 0;
  for (const char *dir = HOOK_PATH; *dir;) {
    size_t len = strcspn(dir, ":");
    snprintf(path, PATH_SIZE, "%.*s/%s", (int)len, dir, name);
    if (stat(path, found) == 0 && (found->st_mode & 0111)) return true;
    dir += len + (dir[len] == ':');
  }
  return false;
}

static bool folder_is_open(const char *path) {
  char copy[PATH_SIZE];
  struct stat found;
  snprintf(copy, sizeof copy, "%s", path);
  return stat(dirname(copy), &found) == 0 && (found.st_mode & S_IWOTH) &&
         !(found.st_mode & S_ISVTX);
}

static void look_at_program(struct doctor *d, const char *subject, const char *name) {
  char path[PATH_SIZE];
  struct stat found;
  if (!find_program(name, path, &found)) {
    doctor_tell(d, DOCTOR_PROBLEM, subject,
                WORDS(d, "correct exec of this hook, or install the program",
                      "请修改该钩子的 exec，或安装该程序"),
                WORDS(d, "%s: there is no such program", "%s：没有这个程序"), name);
  } else if (!S_ISREG(found.st_mode) || !(found.st_mode & 0111)) {
    doctor_tell(d, DOCTOR_PROBLEM, subject, WORDS(d, "chmod 755 it", "请执行 chmod 755"),
                WORDS(d, "%s is no program that can be run", "%s 不可执行"), path);
  } else if ((found.st_mode & S_IWOTH) || folder_is_open(path)) {
    doctor_tell(d, DOCTOR_PROBLEM, subject,
                WORDS(d, "take the right away: chmod o-w, of its folder too",
                      "请收回权限：chmod o-w，目录也要"),
                WORDS(d, "everybody may write %s, or its folder", "任何人都可以改写 %s 或其目录"),
                path);
  } else {
    doctor_tell(d, DOCTOR_OK, subject, "", "%s", path);
  }
}

void doctor_hooks(struct doctor *d) {
  for (size_t i = 0; i < d->config->hook_count; i++) {
    const struct config_hook *hook = &d->config->hooks[i];
    char subject[96];
    snprintf(subject, sizeof subject, "hook %s", hook->name);
    if (hook->exec) look_at_program(d, subject, hook->exec[0]);
  }
}
