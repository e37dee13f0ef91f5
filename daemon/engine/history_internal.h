/* What the files of the history share; nobody else includes it. */
#ifndef CALLPACE_ENGINE_HISTORY_INTERNAL_H
#define CALLPACE_ENGINE_HISTORY_INTERNAL_H

#include "callpace/core/record.h"
#include "callpace/engine/history.h"

/* The rules of a settings record; with other rules in place of its policy. */
struct settings *history_settings(const struct history_options *options,
                                  const struct record *record, struct error *error);
/* Those in force where reading begins. NULL and `error`: there are none. */
struct settings *history_first_settings(const struct history_options *options, uint64_t begin_lsn,
                                        struct error *error);

#endif
