/* The reports that are written by schedule. */
#include <stddef.h>

#include "config_internal.h"

#define AT(member) offsetof(struct config, reports.member)

/* Formats of files, each at most once. */
static enum status formats_read(struct reading *r, struct node *node, const char ***out) {
  static const char *const formats[] = {"csv", "html", "json", NULL};
  enum status status = texts_read(r, node, out, NULL);
  if (status != STATUS_OK) return status;
  for (const struct node *n = node->child; n; n = n->next) {
    bool known = false;
    for (size_t i = 0; formats[i] && !known; i++)
      known = slice_equal(n->text, slice_of(formats[i]));
    if (!known)
      return fail_at(r, n, "\"%s\" is no format of a report%s", n->text.data,
                     did_you_mean(r, n->text.data, formats));
    for (const struct node *other = node->child; other != n; other = other->next)
      if (slice_equal(other->text, n->text))
        return fail_at(r, n, "\"%s\" stands here twice", n->text.data);
  }
  return STATUS_OK;
}

static enum status daily_read(struct reading *r, struct node *node, void *base) {
  return formats_read(r, node, &((struct config *)base)->reports.formats[PERIOD_DAY]);
}

static enum status weekly_read(struct reading *r, struct node *node, void *base) {
  return formats_read(r, node, &((struct config *)base)->reports.formats[PERIOD_WEEK]);
}

static enum status monthly_read(struct reading *r, struct node *node, void *base) {
  return formats_read(r, node, &((struct config *)base)->reports.formats[PERIOD_MONTH]);
}

static const char *const languages[] = {"en", "zh", NULL};

const struct option report_options[] = {
    {"folder", OPTION_PATH, AT(folder),
     .help = "Directory to write reports to, made where it is missing; none are written without "
             "it. A file that is there is never written again."},
    {"daily", OPTION_READ, .fallback = "[csv, html]", .read = daily_read,
     .type_name = "list of csv, html, json", .help = "Forms in which a day is written."},
    {"weekly", OPTION_READ, .fallback = "[csv, html]", .read = weekly_read,
     .type_name = "list of csv, html, json", .help = "Forms in which an ISO week is written."},
    {"monthly", OPTION_READ, .fallback = "[csv, html]", .read = monthly_read,
     .type_name = "list of csv, html, json", .help = "Forms in which a month is written."},
    {"after", OPTION_DURATION, AT(after_ms), "10m", .min = 0, .max = 86400000,
     .help = "How long after the end of its last business day, so that late events are in it."},
    {"language", OPTION_CHOICE, AT(chinese), "en", .choices = languages,
     .help = "Of the headings: of html, and with zh of csv, too."},
    {.name = NULL}};
