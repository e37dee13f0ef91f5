/* Forms in which values are shown to people. */
#ifndef CALLPACE_SHOW_H
#define CALLPACE_SHOW_H

#include <stdbool.h>

#include "callpace/base/clock.h"
#include "callpace/base/writer.h"

/* "11-23 09:00:00", or "09:00:00", in the zone of $TZ. */
void put_local_time(struct writer *out, msec_t at_ms, bool with_date);
/* "2:30:05", "4:09" */
void put_duration(struct writer *out, msec_t length_ms);
/* A field of section 4 by its name: durations, moments, rates and plain values. */
void put_field(struct writer *out, const char *name, struct slice value);
/* A bar of `columns` columns, filled by done/target (at most whole). */
void put_bar(struct writer *out, int64_t done, int64_t target, unsigned columns);

/* Whether people here read Chinese: LC_ALL, LC_MESSAGES or LANG begins with zh. */
bool reader_is_chinese(void);
/* The words for people on a terminal in their language; in a pipe, for scripts,
 * always the English ones. */
const char *in_words(const char *english, const char *chinese);
/* A state of the board in words: the state's own name, or its Chinese. */
struct slice state_in_words(struct slice state);

#endif
