/* The HTTP face: wallboard, API, event stream, metrics. Requests are read as they
 * come and answered after the barrier, so that nobody sees a figure that a crash
 * could take back. CONTRACT section 6; doc/openapi.json. */
#ifndef CALLPACE_ENGINE_WEB_H
#define CALLPACE_ENGINE_WEB_H

#include "callpace/base/writer.h"
#include "callpace/engine/engine.h"

/* Listens where the configuration says; `*out` is NULL where it says nothing, which
 * the other functions take too. */
enum status web_open(struct engine *engine, struct web **out, struct error *error);
void web_close(struct web *web);

/* Takes over tokens, hosts and limits, and the roster in force. Streams end, and
 * come again under the new rules. */
void web_configure(struct web *web);

/* After the barrier: answers what was asked, tells what changed. With a barrier
 * that did not hold (engine->stalled) only what needs no figures is answered. */
void web_publish(struct web *web);
/* Once a second: deadlines. */
void web_upkeep(struct web *web);

/* Appends the JSON object "http" of the status; null without a listener. */
void web_put_status(const struct web *web, struct writer *w);

#endif
