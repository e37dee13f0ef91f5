/* A directory into which whole files are put for others to take. */
#ifndef CALLPACE_IO_FOLDER_H
#define CALLPACE_IO_FOLDER_H

#include <stdbool.h>

#include "callpace/base/slice.h"
#include "callpace/base/status.h"

/* Writes DIR/NAME aside, syncs, renames and syncs the directory, which is made where
 * it is missing (its parent must be there): whoever looks sees no half file. A file
 * that is there already stays as it is, and `*written` (may be NULL) is false. Errors
 * name the path. STATUS_PERMISSION, STATUS_IO. */
enum status folder_write(const char *dir, const char *name, struct slice text, bool *written,
                         struct error *error);
/* Is it there? */
bool folder_has(const char *dir, const char *name);

#endif
