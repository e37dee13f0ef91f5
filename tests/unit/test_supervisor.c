#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "callpace/io/supervisor.h"

static char dir[] = "/tmp/callpace-notify-XXXXXX";
static int fd;

static const char *told(void) {
  static char text[512];
  ssize_t got = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
  text[got > 0 ? got : 0] = '\0';
  return text;
}

Test(supervisor, says_what_systemd_waits_for) {
  cr_assert(mkdtemp(dir));
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  snprintf(at.sun_path, sizeof at.sun_path, "%s/notify", dir);
  fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
  setenv("NOTIFY_SOCKET", at.sun_path, 1);
  supervisor_ready();
  cr_expect_eq(strncmp(told(), "READY=1\n", 8), 0);
  supervisor_alive();
  cr_expect_str_eq(told(), "WATCHDOG=1");
  supervisor_reloading();
  const char *reloading = told();
  cr_expect(strstr(reloading, "RELOADING=1\n") && strstr(reloading, "MONOTONIC_USEC="));
  supervisor_stopping();
  cr_expect_eq(strncmp(told(), "STOPPING=1\n", 11), 0);
  unsetenv("NOTIFY_SOCKET");
  supervisor_alive(); /* without systemd nothing happens */
  cr_expect_str_eq(told(), "");
  close(fd);
  unlink(at.sun_path);
  rmdir(dir);
}
