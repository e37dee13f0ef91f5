#include "callpace/io/supervisor.h"

#include <stdio.h>
#include <systemd/sd-daemon.h>

#include "callpace/base/clock.h"

void supervisor_ready(void) {
  sd_notify(0, "READY=1\nSTATUS=Taking calls");
}

void supervisor_reloading(void) {
  char text[96];
  snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=Reloading",
           (long long)clock_monotonic_us());
  sd_notify(0, text);
}

void supervisor_stopping(void) {
  sd_notify(0, "STOPPING=1\nSTATUS=Draining");
}

void supervisor_alive(void) {
  sd_notify(0, "WATCHDOG=1");
}
