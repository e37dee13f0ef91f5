/* The control connection to the daemon: a line of JSON each way. */
#ifndef CALLPACE_CONTROL_H
#define CALLPACE_CONTROL_H

#include <jansson.h>
#include <stdio.h>

#include "callpace/client.h"

/* Connects: --socket, else control.socket of the configuration, else the default
 * place. Returns NULL and fills `error`. */
FILE *client_connect(const struct client_options *options, struct error *error);

/* Sends a request (taken over) and returns its `data`, owned by the caller; NULL
 * with `error` when the daemon refused it or did not answer. */
json_t *client_ask(FILE *control, json_t *request, struct error *error);

/* Reads one more line of a stream: the `data` of it, NULL at its end. */
json_t *client_next(FILE *control, struct error *error);

/* The `data` of an answer that was read elsewhere; NULL with `error` when it is a
 * refusal or no answer at all. Times are shown in the centre's zone from then on. */
json_t *client_answer(struct slice line, struct error *error);

/* Connects, asks once, closes. */
json_t *client_ask_once(const struct client_options *options, json_t *request, struct error *error);

/* A member as text for people: strings as they are, numbers in decimal, "" when
 * absent. `room` holds numbers. */
struct slice json_text(const json_t *object, const char *key, char room[32]);
/* A member as an integer, also from a string of digits; `absent` without it. */
int64_t json_number(const json_t *object, const char *key, int64_t absent);

/* Prints one JSON document and a line feed. */
void json_print(const json_t *document);

#endif
