/* What the files of the report share; nobody else includes it. */
#ifndef CALLPACE_CORE_REPORT_INNER_H
#define CALLPACE_CORE_REPORT_INNER_H

#include "callpace/core/report.h"

/* A state or an outcome in words: "on pace", "进度正常". Unknown ones as they are. */
void report_put_words(const struct report *report, struct slice name, struct writer *out);
/* The colour of a state, as in HTML. */
const char *report_colour(enum pace_state state);

/* report_chart.c: small drawings in SVG. */
/* Agents (or their days) by state, as one bar with its legend. */
void report_chart_states(const struct report *report, struct writer *out);
/* The calls of everybody, day by day. */
void report_chart_days(const struct report *report, struct writer *out);
/* done of target; the mark shows what is expected by now (0: none). */
void report_chart_bar(int64_t done, int64_t target, int64_t expected, struct writer *out);
/* One agent's calls of each day, coloured by its state. */
void report_chart_row(const struct report *report, const struct report_row *row,
                      struct writer *out);

#endif
