/* Lists of leads between callpace and whoever keeps them. */
#ifndef CALLPACE_LEADS_H
#define CALLPACE_LEADS_H

#include <jansson.h>

#include "callpace/client.h"

struct leads_import {
  const char *path;
  const char *week;       /* of rows that name none; NULL: this one */
  const char *to;         /* address of a native source; NULL: the daemon's first */
  const char *token_file; /* NULL: none */
  bool dry_run;
};
/* Issues the leads of a CSV file over the line protocol, with acknowledgement. Tells
 * on stderr, by line, what is not issued. Returns the exit code: STATUS_OK, 1 when some
 * rows were left out or refused. */
int leads_import(struct client_options *options, const struct leads_import *import);

/* Prints a row of the export; what a spreadsheet would take for a formula is quoted. */
void leads_put_row(const json_t *agent, const json_t *lead);

#endif
