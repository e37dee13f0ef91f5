/* Writes Redis commands (RESP2 arrays of bulk strings) into a writer, one
 * argument after the other; the number of arguments is patched in at the end.
 * https://redis.io/docs/latest/develop/reference/protocol-spec/ */
#ifndef CALLPACE_BASE_RESP_H
#define CALLPACE_BASE_RESP_H

#include <stdint.h>

#include "callpace/base/slice.h"
#include "callpace/base/writer.h"

/* A command under way: where it starts in the writer, and its arguments so far. */
struct resp {
  struct writer *w;
  size_t start;
  uint32_t arguments;
};

/* Begins a command with its name; nothing else goes into `w` before resp_end. */
struct resp resp_begin(struct writer *w, struct slice name);
void resp_slice(struct resp *command, struct slice argument);
void resp_int(struct resp *command, int64_t argument);
/* Appends what resp_slice, resp_int wrote elsewhere (`arguments` of them). */
void resp_raw(struct resp *command, struct slice encoded, uint32_t arguments);
void resp_end(struct resp *command);

/* One argument alone, to be taken over with resp_raw. */
void resp_put_slice(struct writer *w, struct slice argument);
void resp_put_int(struct writer *w, int64_t argument);

/* Argument number `index` (0 = the name) of the command that starts at the
 * first byte of `bytes`; the empty slice when there is none. */
struct slice resp_argument(struct slice bytes, unsigned index);

#endif
