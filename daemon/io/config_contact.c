/* The policy file's sections `contact` and `points` (POLICY 5 and 6). */
#include <stddef.h>

#include "config_internal.h"

#define DAYS(n)    ((n)*86400000LL)
#define COUNT_MAX  1000000
#define AT(member) offsetof(struct policy, member)

static enum status moment_read(struct reading *r, const struct node *node, const char *example,
                               int *weekday, msec_t *time_ms) {
  enum status status = expect_text(r, node);
  if (status != STATUS_OK) return status;
  struct slice t = node->text;
  if (t.len != 9 || t.data[3] != ' ' || !value_weekday((struct slice){t.data, 3}, weekday) ||
      !value_time((struct slice){t.data + 4, 5}, time_ms))
    return fail_at(r, node, "\"%s\" is not a day and a time, as \"%s\"", t.data, example);
  return STATUS_OK;
}

static enum status at_risk_read(struct reading *r, struct node *node, void *base) {
  struct policy *policy = base;
  return moment_read(r, node, "wed 12:00", &policy->contact.at_risk_weekday,
                     &policy->contact.at_risk_time_ms);
}

static enum status judge_at_read(struct reading *r, struct node *node, void *base) {
  struct policy *policy = base;
  return moment_read(r, node, "sun 24:00", &policy->contact.judge_weekday,
                     &policy->contact.judge_time_ms);
}

struct rung {
  int64_t below_bp, points, weeks;
  const char *action;
  bool requires_base_unmet;
};

static const char *const actions[] = {"warn", "hold_leads", "reassign_undialled", NULL};
static const char *const requirements[] = {"none", "base_unmet", NULL};
static const struct option rung_options[] = {
    {"below", OPTION_RATE, offsetof(struct rung, below_bp), .min = 0, .max = 10000,
     .flags = REQUIRED, .help = "A contact rate below this is the offence."},
    {"points", OPTION_INT, offsetof(struct rung, points), .min = -1000, .max = 1000,
     .flags = REQUIRED, .help = "Points it costs, as -1."},
    {"action", OPTION_CHOICE, offsetof(struct rung, action), .choices = actions,
     .flags = REQUIRED | CHOICE_TEXT, .help = "What follows."},
    {"weeks", OPTION_INT, offsetof(struct rung, weeks), "1", .min = 1, .max = 52,
     .help = "hold_leads: for how long."},
    {"requires", OPTION_CHOICE, offsetof(struct rung, requires_base_unmet), "none",
     .choices = requirements, .help = "What must hold besides."},
    {.name = NULL}};

static enum ladder_action action_of(const char *name) {
  if (strcmp(name, actions[0]) == 0) return LADDER_WARN;
  return strcmp(name, actions[1]) == 0 ? LADDER_HOLD_LEADS : LADDER_REASSIGN_UNDIALLED;
}

static enum status rungs_read(struct reading *r, struct node *node, void *base) {
  struct policy *policy = base;
  enum status status = expect_list(r, node, "rungs");
  if (status != STATUS_OK) return status;
  if (node->count > LADDER_MAX) return fail_at(r, node, "more than %d rungs", LADDER_MAX);
  for (struct node *n = node->child; n; n = n->next) {
    struct rung rung = {.below_bp = 0};
    status = section_read(r, n, rung_options, &rung);
    if (status != STATUS_OK) return status;
    unsigned i = policy->contact.rung_count++;
    policy->contact.ladder[i].below_bp = rung.below_bp;
    policy->contact.ladder[i].points = rung.points;
    policy->contact.ladder[i].action = action_of(rung.action);
    policy->contact.ladder[i].weeks = rung.weeks;
    policy->contact.ladder[i].requires_base_unmet = rung.requires_base_unmet;
  }
  return STATUS_OK;
}

static enum status shadow_read(struct reading *r, struct node *node, void *base) {
  return switch_read(r, node, &((struct policy *)base)->contact.ladder_shadow);
}

#define RUNGS                                                                                      \
  "[{below: 0.60, points: -1, action: warn}, "                                                     \
  "{below: 0.65, points: -2, action: hold_leads, weeks: 1}, "                                      \
  "{below: 0.70, points: -3, action: reassign_undialled, requires: base_unmet}]"
static const struct option ladder_options[] = {
    {"shadow", OPTION_READ, .fallback = "false", .read = shadow_read, .type_name = "true | false",
     .help = "Judges and reports, but gives no points, no hold, no moves."},
    {"rungs", OPTION_READ, .table = rung_options, .entries = true, .read = rungs_read,
     .fallback = RUNGS, .type_name = "list of rungs",
     .help = "The nth offence is judged by the nth rung."},
    {.name = NULL}};

/* A list stands for its rungs alone. */
static enum status ladder_read(struct reading *r, struct node *node, void *base) {
  if (node->kind == NODE_LIST) return rungs_read(r, node, base);
  return section_read(r, node, ladder_options, base);
}

static const char *const call_whens[] = {"answered", "attempted", NULL};
static const char *const after_lasts[] = {"none", "repeat", NULL};
static const char *const windows[] = {"none", "month", NULL};
static const char *const modes[] = {"propose", "apply", NULL};
static const char *const scopes[] = {"team", "site", NULL};
static const char *const months[] = {"month", NULL};

static const struct option reassign_options[] = {
    {"mode", OPTION_CHOICE, AT(contact.reassign_applies), "apply", .choices = modes,
     .help = "propose: wait for approval."},
    {"scope", OPTION_CHOICE, AT(contact.reassign_site), "team", .choices = scopes,
     .help = "Among whom receivers are sought."},
    {"receivers", OPTION_INT, AT(contact.receivers), "3", .min = 1, .max = 1000,
     .help = "How many receivers take turns."},
    {"receiver_cap", OPTION_INT, AT(contact.receiver_cap), "30", .min = 1, .max = COUNT_MAX,
     .help = "Leads each takes at most."},
    {.name = NULL}};

const struct option contact_options[] = {
    {"reached_contacts", OPTION_INT, AT(contact.reached_contacts), "2", .min = 1, .max = 1000,
     .help = "Contacts that make a lead reached."},
    {"contact_when", OPTION_CHOICE, AT(contact.counts_when_attempted), "answered",
     .choices = call_whens, .help = "Which calls are contacts."},
    {"contact_min_gap", OPTION_DURATION, AT(contact.contact_min_gap_ms), "0s", .max = DAYS(7),
     .help = "Time between two contacts."},
    {"at_risk_from", OPTION_READ, .fallback = "\"wed 12:00\"", .read = at_risk_read,
     .type_name = "day and time", .help = "From when a week is flagged."},
    {"judge_at", OPTION_READ, .fallback = "\"sun 24:00\"", .read = judge_at_read,
     .type_name = "day and time", .help = "When a week is judged; sun 24:00 is its end."},
    {"ladder", OPTION_READ, .table = ladder_options, .read = ladder_read, .fallback = RUNGS,
     .type_name = "list of rungs, or section", .help = "What follows from a low contact rate."},
    {"after_last", OPTION_CHOICE, AT(contact.after_last_repeats), "repeat", .choices = after_lasts,
     .help = "What comes after the last rung."},
    {"window", OPTION_CHOICE, AT(contact.window_month), "month", .choices = windows,
     .help = "How long offences count."},
    {"base_unmet_days", OPTION_INT, AT(contact.base_unmet_days), "0", .max = 7,
     .help = "Missed days a week may have before base_unmet holds."},
    {"reassign", OPTION_SECTION, .table = reassign_options, .help = "Who gets undialled leads."},
    {.name = NULL}};

const struct option points_options[] = {
    {"start", OPTION_INT, AT(points_start), "100", .min = 0, .max = COUNT_MAX,
     .help = "Points an agent begins with."},
    {"period", OPTION_CHOICE, .fallback = "month", .choices = months, .flags = NO_FIELD,
     .help = "When they begin again."},
    {"appeal", OPTION_DURATION, AT(points_appeal_ms), "3d", .max = DAYS(366),
     .help = "How long an entry is provisional."},
    {.name = NULL}};
