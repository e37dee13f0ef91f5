/* Reports of a day, a week or a month: one row an agent, columns named as the
 * fields of CONTRACT section 4, out of the one registry of figures. Pure. */
#ifndef CALLPACE_CORE_REPORT_H
#define CALLPACE_CORE_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "callpace/base/writer.h"
#include "callpace/core/fold.h"
#include "callpace/core/metric.h"

struct report_options {
  struct fold *fold; /* judged; its days must reach back to the period */
  const char *node;
  struct period period;
  struct slice team; /* empty: everybody */
  bool chinese;      /* headings and states; values of CSV and JSON never change */
};

/* A figure of the report. */
struct report_column {
  const struct metric *metric;
  enum { REPORT_WHO, REPORT_DAY, REPORT_WEEK, REPORT_MONTH, REPORT_SUM } from;
  unsigned index; /* in its registry */
};
enum { REPORT_COLUMNS_MAX = 96, REPORT_DAYS_MAX = 31 };

/* An agent with something to report. */
struct report_row {
  struct centre_agent *agent;
  struct day_tally *days[REPORT_DAYS_MAX]; /* from period.first on; NULL: none */
  struct lead_week *week;                  /* of a week's report; NULL: none */
  struct month_state month;                /* that in which the week ends, or the month itself;
                                              .tally NULL: none */
};

struct report {
  struct report_options options;
  struct report_column columns[REPORT_COLUMNS_MAX];
  unsigned column_count;
  struct report_row *rows; /* by team, then id */
  size_t row_count;
};
/* False when a team is asked for that the roster does not have. */
bool report_team_exists(const struct report_options *options);
void report_make(const struct report_options *options, struct report *out);
void report_free(struct report *report);

/* False where the figure does not apply. */
bool report_value(const struct report *report, const struct report_row *row, unsigned column,
                  struct metric_value *out);
/* The column of a name; -1: none. */
int report_find_column(const struct report *report, const char *name);

enum report_format { REPORT_NO_FORMAT, REPORT_JSON, REPORT_CSV, REPORT_HTML };
enum report_format report_format_parse(struct slice name); /* "csv"; NO_FORMAT for none */
const char *report_format_name(enum report_format format);
/* Makes the report and appends it in a format: one of the three below. */
void report_write(const struct report_options *options, enum report_format format,
                  struct writer *out);

/* An array of one object an agent. */
void report_put_json(const struct report *report, struct writer *out);
/* RFC 4180, with a byte order mark where anything is not ASCII (for Excel), and
 * texts that a spreadsheet would take for a formula made harmless. */
void report_put_csv(const struct report *report, struct writer *out);
/* One page to read and to print, in itself complete: no scripts, nothing loaded. */
void report_put_html(const struct report *report, struct writer *out);

#endif
