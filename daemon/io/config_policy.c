/* The policy file (POLICY, "Default policy file"). */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "config_internal.h"

#define HOURS(n)  ((n)*3600000LL)
#define DAYS(n)   ((n)*86400000LL)
#define COUNT_MAX 1000000

/* --- calendar --- */

static bool is_zone_name(struct slice text) {
  for (size_t i = 0; i < text.len; i++) {
    char c = text.data[i];
    if (!value_is_name((struct slice){&c, 1}) && c != '/' && c != '+') return false;
  }
  return text.len <= 64 && text.data[0] != '/' && !strstr(text.data, "..");
}

enum status zone_load(struct reading *r, const struct node *node, struct zone **out) {
  enum status status = expect_text(r, node);
  if (status != STATUS_OK) return status;
  const char *dir = getenv("TZDIR"), *name = node->text.data;
  if (!is_zone_name(node->text))
    return fail_at(r, node, "\"%s\" is not a time zone, as Asia/Shanghai", name);
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", dir && *dir ? dir : "/usr/share/zoneinfo", name);
  struct error why = {.status = STATUS_OK};
  struct slice bytes = {NULL, 0};
  char *text = NULL;
  if (file_read(path, CONFIG_BYTES_MAX, &text, &bytes.len, &why) != STATUS_OK)
    return fail_at(r, node, "no time zone \"%s\" on this machine (%s)", name, why.text);
  bytes.data = text;
  struct zone *zone = zone_parse(bytes, name, &why);
  free(text);
  if (!zone) return fail_at(r, node, "%s", why.text);
  *out = zone;
  return STATUS_OK;
}

static enum status zone_read(struct reading *r, struct node *node, void *base) {
  return zone_load(r, node, &((struct policy_book *)base)->calendar.zone);
}

static enum status working_read(struct reading *r, struct node *node, void *base) {
  struct calendar *calendar = &((struct policy_book *)base)->calendar;
  static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};
  enum status status = expect_list(r, node, "days of the week, as [mon, tue]");
  if (status != STATUS_OK) return status;
  for (const struct node *n = node->child; n; n = n->next) {
    int weekday = 0;
    status = expect_text(r, n);
    if (status != STATUS_OK) return status;
    if (!value_weekday(n->text, &weekday))
      return fail_at(r, n, "\"%s\" is not a day of the week%s", n->text.data,
                     did_you_mean(r, n->text.data, names));
    if (calendar->working[weekday]) return fail_at(r, n, "%s stands here twice", n->text.data);
    calendar->working[weekday] = true;
  }
  return STATUS_OK;
}

static int compare_days(const void *a, const void *b) {
  day_t x = *(const day_t *)a, y = *(const day_t *)b;
  return (x > y) - (x < y);
}

static enum status days_read(struct reading *r, struct node *node, day_t **days, size_t *count) {
  static const struct option date = {.type = OPTION_DATE};
  enum status status = expect_list(r, node, "dates, as [2026-10-01]");
  if (status != STATUS_OK) return status;
  *days = mem_alloc((node->count + 1) * sizeof **days);
  for (struct node *n = node->child; n && status == STATUS_OK; n = n->next)
    status = scalar_read(r, n, &date, &(*days)[(*count)++]);
  if (status == STATUS_OK) qsort(*days, *count, sizeof **days, compare_days);
  return status;
}

static enum status holidays_read(struct reading *r, struct node *node, void *base) {
  struct calendar *calendar = &((struct policy_book *)base)->calendar;
  return days_read(r, node, &calendar->holidays, &calendar->holiday_count);
}

static enum status workdays_read(struct reading *r, struct node *node, void *base) {
  struct calendar *calendar = &((struct policy_book *)base)->calendar;
  return days_read(r, node, &calendar->workdays, &calendar->workday_count);
}

static enum status breaks_read(struct reading *r, struct node *node, void *base) {
  static const struct option time = {.type = OPTION_TIME};
  struct calendar *calendar = &((struct policy_book *)base)->calendar;
  enum status status = expect_list(r, node, "pairs, as [[\"12:00\", \"13:00\"]]");
  if (status != STATUS_OK) return status;
  if (node->count > BREAKS_MAX) return fail_at(r, node, "more than %d breaks", BREAKS_MAX);
  for (const struct node *n = node->child; n; n = n->next) {
    struct time_of_day_span *pause = &calendar->breaks[calendar->break_count++];
    if (n->kind != NODE_LIST || n->count != 2)
      return fail_at(r, n, "a break is a pair, as [\"12:00\", \"13:00\"]");
    status = scalar_read(r, n->child, &time, &pause->from_ms);
    if (status == STATUS_OK) status = scalar_read(r, n->last, &time, &pause->to_ms);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

static enum status check_shift(struct reading *r, const struct node *root,
                               const struct calendar *calendar) {
  const struct node *shift = node_child(root, "shift");
  const struct node *at = node_is_empty(shift) ? root : shift;
  msec_t from = calendar_in_day(calendar, calendar->shift.from_ms, false);
  msec_t to = calendar_in_day(calendar, calendar->shift.to_ms, true);
  if (from >= to)
    return fail_at(r, at,
                   "the shift ends before it begins; one over midnight needs a "
                   "\"business_day_starts\" outside of it");
  const struct node *breaks = node_child(shift, "breaks");
  const struct node *n = breaks ? breaks->child : NULL;
  for (unsigned i = 0; i < calendar->break_count; i++) {
    msec_t begins = calendar_in_day(calendar, calendar->breaks[i].from_ms, false);
    msec_t ends = calendar_in_day(calendar, calendar->breaks[i].to_ms, true);
    if (begins >= ends) return fail_at(r, n ? n : at, "the break ends before it begins");
    if (n && (begins < from || ends > to))
      return fail_at(r, n, "the break is not within the shift");
    if (n) n = n->next;
  }
  return STATUS_OK;
}

/* --- numbers --- */

/* Keeps the longest first: 0086 is not an area's 0. */
static enum status prefix_take(struct reading *r, const struct node *node,
                               struct number_rules *rules) {
  enum status status = expect_text(r, node);
  if (status != STATUS_OK) return status;
  struct slice text = node->text;
  bool good = text.len <= NUMBER_PREFIX_LEN && strspn(text.data, "+0123456789") == text.len;
  if (!good || (text.len == 1 && text.data[0] == '+'))
    return fail_at(r, node, "\"%s\" is not a prefix of 1 to %d digits, as \"+86\"", text.data,
                   NUMBER_PREFIX_LEN);
  if (rules->count == NUMBER_PREFIXES_MAX)
    return fail_at(r, node, "more than %d prefixes", NUMBER_PREFIXES_MAX);
  unsigned at = rules->count++;
  for (; at > 0 && rules->prefixes[at - 1].len < text.len; at--)
    rules->prefixes[at] = rules->prefixes[at - 1];
  rules->prefixes[at].len = (uint8_t)text.len;
  memcpy(rules->prefixes[at].text, text.data, text.len + 1);
  return STATUS_OK;
}

static enum status prefixes_read(struct reading *r, struct node *node, void *base) {
  struct number_rules *rules = &((struct policy_book *)base)->numbers;
  if (node->kind != NODE_LIST) return prefix_take(r, node, rules);
  enum status status = STATUS_OK;
  for (const struct node *n = node->child; n && status == STATUS_OK; n = n->next)
    status = prefix_take(r, n, rules);
  return status;
}

static const struct option number_options[] = {
    {"country", OPTION_READ, .fallback = "[\"+86\", \"0086\"]", .read = prefixes_read,
     .type_name = "prefix, or list of prefixes", .help = "In front of a number with its country."},
    {"trunk", OPTION_READ, .fallback = "\"9\"", .read = prefixes_read,
     .type_name = "prefix, or list of prefixes", .help = "Dialled for an outside line."},
    {"area", OPTION_READ, .fallback = "\"0\"", .read = prefixes_read,
     .type_name = "prefix, or list of prefixes", .help = "In front of an area, or a far mobile."},
    {.name = NULL}};

/* --- one dated policy --- */

#define AT(member) offsetof(struct policy, member)

static enum status directions_read(struct reading *r, struct node *node, void *base) {
  struct policy *policy = base;
  enum status status = expect_list(r, node, "directions, as [out, in]");
  if (status != STATUS_OK) return status;
  policy->count.directions_out = policy->count.directions_in = false;
  for (const struct node *n = node->child; n; n = n->next) {
    status = expect_text(r, n);
    if (status != STATUS_OK) return status;
    if (strcmp(n->text.data, "out") == 0)
      policy->count.directions_out = true;
    else if (strcmp(n->text.data, "in") == 0)
      policy->count.directions_in = true;
    else
      return fail_at(r, n, "\"%s\" is not one of out, in", n->text.data);
  }
  if (node->count == 0) return fail_at(r, node, "an empty list would count nothing");
  return STATUS_OK;
}

static enum status hold_read(struct reading *r, struct node *node, void *base) {
  return switch_read(r, node, &((struct policy *)base)->count.talk_includes_hold);
}

struct alternative {
  int64_t calls, talk_ms, members;
};

static const struct option alternative_options[] = {
    {"calls", OPTION_INT, offsetof(struct alternative, calls), .max = COUNT_MAX, .flags = REQUIRED,
     .help = "Calls in the month."},
    {"talk", OPTION_DURATION, offsetof(struct alternative, talk_ms), .max = HOURS(744),
     .flags = REQUIRED, .help = "Talk in the month."},
    {"members", OPTION_INT, offsetof(struct alternative, members), .max = COUNT_MAX,
     .flags = REQUIRED, .help = "Members developed in the month."},
    {.name = NULL}};

static enum status alternatives_read(struct reading *r, struct node *node, void *base) {
  struct policy *policy = base;
  enum status status = expect_list(r, node, "alternatives");
  if (status != STATUS_OK) return status;
  if (node->count > ALTERNATIVES_MAX)
    return fail_at(r, node, "more than %d alternatives", ALTERNATIVES_MAX);
  for (struct node *n = node->child; n; n = n->next) {
    struct alternative a = {.calls = 0};
    status = section_read(r, n, alternative_options, &a);
    if (status != STATUS_OK) return status;
    unsigned i = policy->alternative_count++;
    policy->alternatives[i].calls = a.calls;
    policy->alternatives[i].talk_ms = a.talk_ms;
    policy->alternatives[i].members = a.members;
  }
  return STATUS_OK;
}

static const char *const call_whens[] = {"answered", "attempted", NULL};
static const char *const leaves[] = {"full", "prorate", NULL};
static const char *const prorates[] = {"none", "workdays", NULL};
static const char *const mondays[] = {"monday", NULL};

static const struct option count_options[] = {
    {"directions", OPTION_READ, .fallback = "[out]", .read = directions_read,
     .type_name = "list of out | in", .help = "Whose calls and talk count."},
    {"call_counts_when", OPTION_CHOICE, AT(count.calls_when_attempted), "answered",
     .choices = call_whens, .help = "answered: conversations; attempted: every dial."},
    {"min_talk", OPTION_DURATION, AT(count.min_talk_ms), "0s", .max = DAYS(1),
     .help = "Talk a call needs to count."},
    {"talk_includes_hold", OPTION_READ, .fallback = "true", .read = hold_read,
     .type_name = "true | false", .help = "Whether hold is part of talk."},
    {"max_call", OPTION_DURATION, AT(count.max_call_ms), "4h", .min = 60000, .max = DAYS(7),
     .help = "A call without an end is given up after this."},
    {.name = NULL}};

#define CLASS(tag, which, calls_d, talk_d, calls_m, talk_m, members_m)                             \
  static const struct option tag##_day[] = {{"calls", OPTION_INT, AT(classes[which].day_calls),    \
                                             calls_d, .max = COUNT_MAX, .help = "Calls a day."},   \
                                            {"talk", OPTION_DURATION,                              \
                                             AT(classes[which].day_talk_ms), talk_d,               \
                                             .max = DAYS(1), .help = "Talk a day."},               \
                                            {.name = NULL}};                                       \
  static const struct option tag##_month[] = {                                                     \
      {"calls", OPTION_INT, AT(classes[which].month_calls), calls_m, .max = COUNT_MAX,             \
       .help = "Calls a month."},                                                                  \
      {"talk", OPTION_DURATION, AT(classes[which].month_talk_ms), talk_m, .max = HOURS(744),       \
       .help = "Talk a month."},                                                                   \
      {"members", OPTION_INT, AT(classes[which].month_members), members_m, .max = COUNT_MAX,       \
       .help = "Members developed a month."},                                                      \
      {.name = NULL}};                                                                             \
  static const struct option tag##_class[] = {                                                     \
      {"day", OPTION_SECTION, .table = tag##_day, .help = "Targets of a day."},                    \
      {"month", OPTION_SECTION, .table = tag##_month, .help = "Targets of a month."},              \
      {.name = NULL}};
CLASS(new, CLASS_NEW, "50", "120m", "1100", "2640m", "600")
CLASS(veteran, CLASS_VETERAN, "60", "150m", "1320", "3300m", "700")

static const struct option class_options[] = {
    {"new", OPTION_SECTION, .table = new_class, .help = "Targets of new agents."},
    {"veteran", OPTION_SECTION, .table = veteran_class, .help = "Targets of veterans."},
    {.name = NULL}};

static const struct option monthly_options[] = {
    {"prorate", OPTION_CHOICE, AT(monthly_prorate_workdays), "none", .choices = prorates,
     .help = "workdays: a month's targets are scaled by the agent's working days."},
    {.name = NULL}};

static const struct option pace_options[] = {
    {"warmup", OPTION_DURATION, AT(pace.warmup_ms), "60m", .max = DAYS(1),
     .help = "Productive time before a day is judged."},
    {"behind_below", OPTION_RATE, AT(pace.behind_below_bp), "0.80", .min = 0, .max = 10000,
     .help = "Behind is below this part of what is expected by now."},
    {"hold_down", OPTION_DURATION, AT(pace.hold_down_ms), "15m", .max = DAYS(1),
     .help = "How long it must be so, in productive time."},
    {.name = NULL}};

static const struct option coverage_options[] = {
    {"floor", OPTION_RATE, AT(coverage_floor_bp), "0.95", .min = 0, .max = 10000,
     .help = "Below this coverage a missed day is unknown."},
    {.name = NULL}};

static const struct option dated_options[] = {
    {"from", OPTION_DATE, AT(from), .flags = REQUIRED, .help = "First day it applies to."},
    {"count", OPTION_SECTION, .table = count_options, .help = "What counts."},
    {"grace_days", OPTION_INT, AT(grace_days), "7", .min = 0, .max = 3660,
     .help = "Days from the hire date on without a judgement."},
    {"leave", OPTION_CHOICE, AT(leave_prorates), "prorate", .choices = leaves,
     .help = "prorate: part-day leave lowers the day's targets."},
    {"classes", OPTION_SECTION, .table = class_options, .help = "The targets."},
    {"alternatives", OPTION_READ, .table = alternative_options, .entries = true,
     .read = alternatives_read, .type_name = "list of alternatives",
     .fallback = "[{calls: 500, talk: 20h, members: 800}, {calls: 300, talk: 15h, members: 900}]",
     .help = "For confirmed agents, in place of the month's targets."},
    {"monthly", OPTION_SECTION, .table = monthly_options, .help = "Targets of a month."},
    {"pace", OPTION_SECTION, .table = pace_options, .help = "Judging a day while it runs."},
    {"coverage", OPTION_SECTION, .table = coverage_options, .help = "How much must be seen."},
    {"contact", OPTION_SECTION, .table = contact_options, .help = "Leads and the contact rate."},
    {"points", OPTION_SECTION, .table = points_options, .help = "The points ledger."},
    {.name = NULL}};

static int compare_policies(const void *a, const void *b) {
  const struct policy *x = a, *y = b;
  return (x->from > y->from) - (x->from < y->from);
}

static enum status policies_read(struct reading *r, struct node *node, void *base) {
  struct policy_book *book = base;
  enum status status = expect_list(r, node, "dated policies");
  if (status != STATUS_OK) return status;
  if (node->count == 0) return fail_at(r, node, "at least one policy is needed");
  if (node->count > 1000) return fail_at(r, node, "more than 1000 policies");
  book->policies = mem_zalloc(node->count * sizeof *book->policies);
  for (struct node *n = node->child; n; n = n->next) {
    struct policy *policy = &book->policies[book->count++];
    status = section_read(r, n, dated_options, policy);
    if (status != STATUS_OK) return status;
    for (size_t i = 0; i + 1 < book->count; i++)
      if (book->policies[i].from == policy->from)
        return fail_at(r, node_child(n, "from"), "a second policy from the same date");
  }
  qsort(book->policies, book->count, sizeof *book->policies, compare_policies);
  return STATUS_OK;
}

#define BOOK(member) offsetof(struct policy_book, member)
static const struct option calendar_options[] = {
    {"working", OPTION_READ, .fallback = "[mon, tue, wed, thu, fri]", .read = working_read,
     .type_name = "list of weekdays", .help = "Working days of a week."},
    {"holidays", OPTION_READ, .fallback = "[]", .read = holidays_read, .type_name = "list of dates",
     .help = "Days off."},
    {"workdays", OPTION_READ, .fallback = "[]", .read = workdays_read, .type_name = "list of dates",
     .help = "Make-up working days."},
    {.name = NULL}};

static const struct option shift_options[] = {
    {"start", OPTION_TIME, BOOK(calendar.shift.from_ms), "\"09:00\"", .min = 0,
     .max = DAYS(1) - 60000, .help = "When work begins."},
    {"end", OPTION_TIME, BOOK(calendar.shift.to_ms), "\"18:00\"", .help = "When it ends."},
    {"breaks", OPTION_READ, .fallback = "[[\"12:00\", \"13:00\"]]", .read = breaks_read,
     .type_name = "list of pairs", .help = "Time within it that is not productive."},
    {.name = NULL}};

const struct option policy_options[] = {
    {"timezone", OPTION_READ, .fallback = "Asia/Shanghai", .read = zone_read,
     .type_name = "time zone", .help = "IANA name of the centre's zone."},
    {"business_day_starts", OPTION_TIME, BOOK(calendar.day_starts_ms), "\"00:00\"", .min = 0,
     .max = DAYS(1) - 60000, .help = "When a business day begins."},
    {"week_starts", OPTION_CHOICE, .fallback = "monday", .choices = mondays, .flags = NO_FIELD,
     .help = "Weeks are ISO weeks."},
    {"calendar", OPTION_SECTION, .table = calendar_options, .help = "Working days."},
    {"shift", OPTION_SECTION, .table = shift_options, .help = "Working hours."},
    {"numbers", OPTION_SECTION, .table = number_options,
     .help = "What is taken off a number before it is compared, down to 7 digits."},
    {"policies", OPTION_READ, .table = dated_options, .entries = true, .read = policies_read,
     .fallback = "[{from: 2016-01-01}]", .type_name = "list of policies",
     .help = "The newest whose from is not after the judged day applies."},
    {.name = NULL}};

struct policy_book *policy_from_text(struct slice text, const char *label, struct error *error) {
  struct arena arena = {.blocks = NULL};
  struct reading r = {.label = label, .dir = "", .arena = &arena, .error = error};
  struct policy_book *book = mem_zalloc(sizeof *book);
  struct node *root = yaml_read(&r, text);
  enum status status = root ? section_read(&r, root, policy_options, book) : STATUS_CONFIG;
  if (status == STATUS_OK) status = check_shift(&r, root, &book->calendar);
  arena_free(&arena);
  if (status == STATUS_OK) return book;
  policy_book_free(book);
  return NULL;
}
