/* The control socket: what the client asks and what it is told. One request a
 * line, {"command":"status"}, one reply a line, {"ok":true,"timezone":…,"data":…} or
 * {"ok":false,"status":EXIT_CODE,"error":TEXT}. Commands: status, agent (id, day),
 * alerts (follow), board (day), report (kind, period, team, format, language),
 * reload. Who may connect is decided by the mode and group of the socket. CONTRACT
 * section 8. */
#ifndef CALLPACE_ENGINE_CONTROL_H
#define CALLPACE_ENGINE_CONTROL_H

#include "callpace/engine/engine.h"

enum status control_open(struct engine *engine, struct control **out, struct error *error);
void control_close(struct control *control); /* NULL is fine */

/* After the barrier: newly told alerts to those who follow them. */
void control_publish(struct control *control);

#endif
