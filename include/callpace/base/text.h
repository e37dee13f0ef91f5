/* Text from outside: is it UTF-8, how wide is it on a terminal, how is it shown
 * without letting it do harm. */
#ifndef CALLPACE_BASE_TEXT_H
#define CALLPACE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callpace/base/slice.h"
#include "callpace/base/writer.h"

/* Strict UTF-8 (RFC 3629: no overlong forms, surrogates, or above U+10FFFF). */
bool text_is_utf8(struct slice text);
/* Bytes before the first that breaks it; text.len when none does. */
size_t text_utf8_prefix(struct slice text);

/* The code point at *at (< text.len), which moves behind it; TEXT_BROKEN for
 * one byte that starts no well-formed sequence. */
enum { TEXT_BROKEN = -1 };
int32_t text_next(struct slice text, size_t *at);

/* Never shown as it is: controls (C0, DEL, C1), line separators, bidi marks and
 * overrides, TEXT_BROKEN. */
bool text_is_hostile(int32_t point);

/* Columns on a terminal: East Asian wide and full-width 2, combining 0,
 * controls and broken bytes 1 each (they are shown as one '?'). */
size_t text_width(struct slice text);
size_t text_point_width(int32_t point);

/* Appends text for a terminal: controls (also C1 and bidi overrides) and broken
 * bytes as '?', cut to `columns` (0 = no cut), padded with blanks to `columns`
 * when `pad`. */
void text_put_terminal(struct writer *w, struct slice text, size_t columns, bool pad);

/* Appends one field of a CSV line (RFC 4180), quoted where it must be. What a
 * spreadsheet would take for a formula gets an apostrophe in front; controls and
 * broken bytes become '?', line ends a blank. */
void text_put_csv(struct writer *w, struct slice field);

/* Appends text for HTML and SVG, between tags and within quoted attributes.
 * Controls, bidi overrides and broken bytes become '?'. */
void text_put_html(struct writer *w, struct slice text);

/* "64MiB", "512KiB", "3GiB", "100B" -> bytes; "15m", "120m", "20h", "400d",
 * "10s", "250ms" -> milliseconds. False on anything else or overflow. A bare
 * number has no unit and is refused. */
bool text_parse_size(struct slice text, int64_t *bytes);
bool text_parse_duration(struct slice text, int64_t *milliseconds);

/* Shell-style match with '*' (any run) only, for `on: ["day.*"]`. */
bool text_match(const char *pattern, struct slice text);

#endif
