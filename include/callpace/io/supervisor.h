/* systemd's side of the daemon: readiness, reload, watchdog (sd_notify(3)).
 * Without systemd every function does nothing. */
#ifndef CALLPACE_IO_SUPERVISOR_H
#define CALLPACE_IO_SUPERVISOR_H

void supervisor_ready(void);
void supervisor_reloading(void); /* followed by supervisor_ready */
void supervisor_stopping(void);
/* Feeds the watchdog; from the loop only, so that a hung loop is noticed. */
void supervisor_alive(void);

#endif
