/* A random key that is made once and kept in the state directory. */
#ifndef CALLPACE_IO_KEY_FILE_H
#define CALLPACE_IO_KEY_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "callpace/base/status.h"

/* Reads STATE_DIR/NAME, `len` bytes; makes it (mode 0600, durable) when there is
 * none. A file of another length is STATUS_CONFIG. The directory is ours alone. */
enum status key_file_read(const char *state_dir, const char *name, uint8_t *key, size_t len,
                          struct error *error);

#endif
