/* The hooks of callpace.yaml: who is told of what, and how. */
#include <stddef.h>

#include "callpace/base/text.h"
#include "config_internal.h"

static enum status exec_read(struct reading *r, struct node *node, void *base) {
  struct config_hook *hook = base;
  enum status status = texts_read(r, node, &hook->exec, NULL);
  if (status != STATUS_OK) return status;
  if (node->count == 0) return fail_at(r, node, "a program to run is needed here");
  if (strchr(hook->exec[0], '/')) {
    node->child->text = slice_of(path_resolve(r, node->child->text));
    hook->exec[0] = node->child->text.data;
  }
  return STATUS_OK;
}

static const char *const alert_names[] = {"day.behind",
                                          "day.unreachable",
                                          "day.met",
                                          "day.missed",
                                          "contact.at_risk",
                                          "contact.warning",
                                          "lead.hold",
                                          "lead.reassigned",
                                          "month.outcome",
                                          "source.down",
                                          "source.up",
                                          "redis.down",
                                          "redis.up",
                                          "call.lost_track",
                                          "journal.stalled",
                                          "lead.proposed",
                                          NULL};

static enum status patterns_read(struct reading *r, struct node *node, void *base) {
  struct config_hook *hook = base;
  enum status status = texts_read(r, node, &hook->on, NULL);
  if (status != STATUS_OK) return status;
  for (const struct node *n = node->child; n; n = n->next) {
    bool matches = false;
    for (size_t i = 0; alert_names[i] && !matches; i++)
      matches = text_match(n->text.data, slice_of(alert_names[i]));
    if (!matches)
      return fail_at(r, n, "\"%s\" matches no type of alert%s", n->text.data,
                     did_you_mean(r, n->text.data, alert_names));
  }
  if (node->count == 0) return fail_at(r, node, "an empty list would hear of nothing");
  return STATUS_OK;
}

/* ---- webhooks ---- */

static bool starts_with(struct slice text, struct slice start) {
  return text.len >= start.len && memcmp(text.data, start.data, start.len) == 0;
}

static bool is_loopback_host(struct slice host) {
  if (slice_equal(host, SLICE("localhost")) || slice_equal(host, SLICE("[::1]"))) return true;
  if (!starts_with(host, SLICE("127."))) return false;
  for (size_t i = 0; i < host.len; i++)
    if (host.data[i] != '.' && (host.data[i] < '0' || host.data[i] > '9')) return false;
  return true;
}

/* The host of "SCHEME://HOST:PORT/…"; empty when there is none or it hides behind
 * a user name. */
static struct slice host_of(struct slice rest) {
  size_t len = 0;
  bool bracket = rest.len > 0 && rest.data[0] == '[';
  while (len < rest.len && !strchr("/?#", rest.data[len]) && (bracket || rest.data[len] != ':')) {
    if (rest.data[len] == ']') bracket = false;
    if (rest.data[len++] == '@') return (struct slice){0};
  }
  return (struct slice){rest.data, len};
}

/* The URL may be a secret: no message repeats it. */
enum status check_url(struct reading *r, const struct node *node, const char *url, bool plain) {
  struct slice text = slice_of(url), https = SLICE("https://"), http = SLICE("http://");
  for (size_t i = 0; i < text.len; i++)
    if ((unsigned char)text.data[i] <= ' ' || (unsigned char)text.data[i] >= 0x7f)
      return fail_at(r, node, "a URL holds no blanks and only ASCII characters");
  if (starts_with(text, https)) {
    if (host_of((struct slice){text.data + https.len, text.len - https.len}).len > 0)
      return STATUS_OK;
  } else if (starts_with(text, http)) {
    struct slice host = host_of((struct slice){text.data + http.len, text.len - http.len});
    if (is_loopback_host(host) || (plain && host.len > 0)) return STATUS_OK;
    return fail_at(r, node, "http:// goes to this machine only: beyond loopback use https://");
  }
  return fail_at(r, node, "a URL is needed here, as https://crm.example/hooks");
}

#define HOOK(member) offsetof(struct config_hook, member)
static enum status webhook_read(struct reading *r, struct node *node, void *base) {
  enum status status = expect_text(r, node);
  if (status == STATUS_OK) status = check_url(r, node, node->text.data, false);
  if (status == STATUS_OK) ((struct config_hook *)base)->webhook = node->text.data;
  return status;
}

static enum status webhook_file_read(struct reading *r, struct node *node, void *base) {
  static const struct option secret = {.type = OPTION_SECRET};
  struct config_hook *hook = base;
  enum status status = scalar_read(r, node, &secret, &hook->webhook);
  return status == STATUS_OK ? check_url(r, node, hook->webhook, false) : status;
}

static enum status format_read(struct reading *r, struct node *node, void *base) {
  static const char *const names[] = {"json",  "slack",  "teams", "dingtalk",
                                      "wecom", "feishu", NULL};
  static const struct option choice = {
      .type = OPTION_CHOICE, .choices = names, .flags = CHOICE_TEXT};
  struct config_hook *hook = base;
  const char *name = NULL;
  enum status status = scalar_read(r, node, &choice, &name);
  if (status == STATUS_OK) chat_format_parse(slice_of(name), &hook->format);
  return status;
}

static enum status severity_read(struct reading *r, struct node *node, void *base) {
  static const char *const names[] = {"info", "warning", "critical", NULL};
  static const struct option choice = {
      .type = OPTION_CHOICE, .choices = names, .flags = CHOICE_TEXT};
  struct config_hook *hook = base;
  const char *name = NULL;
  enum status status = scalar_read(r, node, &choice, &name);
  for (int i = 0; status == STATUS_OK && names[i]; i++)
    if (names[i] == name) hook->severity = (enum alert_severity)i;
  return status;
}

static enum status teams_read(struct reading *r, struct node *node, void *base) {
  struct config_hook *hook = base;
  enum status status = texts_read(r, node, &hook->teams, NULL);
  if (status == STATUS_OK && node->count == 0)
    return fail_at(r, node, "an empty list would hear of nothing");
  return status;
}

/* ---- not too often, and not at night ---- */

static enum status hours_read(struct reading *r, const struct node *node,
                              struct time_of_day_span *hours) {
  static const struct option time = {.type = OPTION_TIME};
  if (node->kind != NODE_LIST || node->count != 2)
    return fail_at(r, node, "\"shift\" or a pair, as [\"20:00\", \"08:00\"], is needed here");
  enum status status = scalar_read(r, node->child, &time, &hours->from_ms);
  return status == STATUS_OK ? scalar_read(r, node->last, &time, &hours->to_ms) : status;
}

static enum status quiet_read(struct reading *r, struct node *node, void *base) {
  struct quiet *quiet = &((struct config_hook *)base)->quiet;
  enum status status = expect_list(r, node, "hours, as [shift, [\"12:00\", \"13:00\"]]");
  for (const struct node *n = node->child; n && status == STATUS_OK; n = n->next) {
    if (n->kind == NODE_SCALAR && slice_equal(n->text, SLICE("shift")))
      quiet->outside_shift = true;
    else if (quiet->count == QUIET_HOURS_MAX)
      status = fail_at(r, n, "more than %d pairs of hours", QUIET_HOURS_MAX);
    else
      status = hours_read(r, n, &quiet->hours[quiet->count++]);
  }
  return status;
}

static enum status passes_read(struct reading *r, struct node *node, void *base) {
  static const char *const names[] = {"warning", "critical", "none", NULL};
  static const struct option choice = {
      .type = OPTION_CHOICE, .choices = names, .flags = CHOICE_TEXT};
  const char *name = NULL;
  enum status status = scalar_read(r, node, &choice, &name);
  for (int i = 0; status == STATUS_OK && names[i]; i++)
    if (names[i] == name) ((struct config_hook *)base)->quiet_passes = ALERT_WARNING + i;
  return status;
}

static const struct option budget_options[] = {
    {"alerts", OPTION_INT, offsetof(struct config_hook, budget_alerts), .min = 1,
     .max = RATE_LIMIT_KEPT, .flags = REQUIRED},
    {"per", OPTION_DURATION, offsetof(struct config_hook, budget.per_ms), "1h", .min = MSEC_PER_MIN,
     .max = MSEC_PER_DAY},
    {.name = NULL}};

/* `budget: 6` is short for `budget: {alerts: 6, per: 1h}`. */
static enum status budget_read(struct reading *r, struct node *node, void *base) {
  struct config_hook *hook = base;
  enum status status;
  if (node->kind == NODE_SCALAR) {
    hook->budget.per_ms = MSEC_PER_HOUR;
    status = scalar_read(r, node, &budget_options[0], &hook->budget_alerts);
  } else {
    status = section_read(r, node, budget_options, hook);
  }
  hook->budget.count = (unsigned)hook->budget_alerts;
  return status;
}

/* ---- a hook ---- */

static const struct option escalate_options[] = {
    {"after", OPTION_DURATION, HOOK(escalate_after_ms), .min = 1000, .max = MSEC_PER_DAY,
     .help = "How long after this hook was told of a warning or worse."},
    {"to", OPTION_NAME, HOOK(escalate_to), .help = "Another hook."},
    {.name = NULL}};

static const char *const languages[] = {"en", "zh", NULL};

const struct option hook_options[] = {
    {"name", OPTION_NAME, HOOK(name), .flags = REQUIRED, .help = "Name of the hook, unique."},
    {"exec", OPTION_READ, .read = exec_read, .type_name = "list of texts",
     .help =
         "Program and arguments, run without a shell. {team}, {agent} and the like are filled in."},
    {"webhook", OPTION_READ, .read = webhook_read, .type_name = "url",
     .help = "Or: where to POST to, https:// (http:// on loopback only)."},
    {"webhook_file", OPTION_READ, .read = webhook_file_read, .type_name = "path",
     .help = "File that holds the URL, one line: those of chat systems are secrets."},
    {"format", OPTION_READ, .read = format_read,
     .type_name = "json | slack | teams | dingtalk | wecom | feishu",
     .help =
         "webhook: json, the default, is the alert itself; the others are the vendors' messages."},
    {"secret_file", OPTION_SECRET, HOOK(secret),
     .help =
         "webhook: file that holds the secret which json, dingtalk and feishu are signed with."},
    {"ca_file", OPTION_PATH, HOOK(ca_file),
     .help = "webhook: authorities (PEM) that the certificate is checked against; default the "
             "system's."},
    {"language", OPTION_CHOICE, HOOK(chinese), .choices = languages,
     .help = "webhook: of chat messages; default zh for dingtalk, wecom and feishu, else en."},
    {"on", OPTION_READ, .fallback = "[\"*\"]", .read = patterns_read,
     .type_name = "list of patterns", .help = "Which types of alert, as \"day.*\"."},
    {"teams", OPTION_READ, .read = teams_read, .type_name = "list of texts",
     .help = "Only alerts of these teams; default all, and alerts that belong to no team."},
    {"severity", OPTION_READ, .fallback = "info", .read = severity_read,
     .type_name = "info | warning | critical", .help = "Only alerts as severe as this, or more."},
    {"timeout", OPTION_DURATION, HOOK(timeout_ms), "10s", .min = 100, .max = 3600000,
     .help = "How long one run or post may take before it is ended and tried again."},
    {"retries", OPTION_INT, HOOK(retries), "10", .min = 0, .max = 1000,
     .help = "How often a failed run or post is tried again."},
    {"concurrency", OPTION_INT, HOOK(concurrency), "4", .min = 1, .max = 64,
     .help = "Runs or posts of this hook at once; of a chat system always one."},
    {"quiet", OPTION_READ, .read = quiet_read, .type_name = "list of hours",
     .help = "When alerts wait: pairs of times, as [\"20:00\", \"08:00\"], and shift for all time "
             "outside the shift."},
    {"quiet_passes", OPTION_READ, .fallback = "none", .read = passes_read,
     .type_name = "warning | critical | none",
     .help = "Alerts as severe as this are told in quiet hours too."},
    {"hold_down", OPTION_DURATION, HOOK(hold_down_ms), "0s", .min = 0, .max = MSEC_PER_DAY,
     .help = "How long a condition has to last; what resolves before is told to nobody."},
    {"budget", OPTION_READ, .read = budget_read, .type_name = "number or map",
     .help = "Alerts an hour for each team lead, as 6 or {alerts: 6, per: 1h}; the rest comes in "
             "one digest."},
    {"escalate", OPTION_SECTION, .table = escalate_options,
     .help = "Who is told of what nobody acknowledges."},
    {.name = NULL}};

static bool given(const struct node *node, const char *key) {
  return !node_is_empty(node_child(node, key));
}

static enum status check_escalate(struct reading *r, const struct node *node,
                                  const struct config_hook *hook) {
  const struct node *escalate = node_child(node, "escalate");
  if (node_is_empty(escalate)) return STATUS_OK;
  if (!hook->escalate_to || !hook->escalate_after_ms)
    return fail_at(r, escalate, "both \"after\" and \"to\" are needed here");
  return STATUS_OK;
}

/* Once all hooks are read. */
static enum status check_escalations(struct reading *r, const struct node *list,
                                     const struct config *config) {
  const struct node *n = list->child;
  for (size_t i = 0; i < config->hook_count; i++, n = n->next) {
    const char *to = config->hooks[i].escalate_to;
    bool found = to == NULL;
    for (size_t j = 0; j < config->hook_count; j++)
      found = found || (i != j && strcmp(config->hooks[j].name, to) == 0);
    if (!found)
      return fail_at(r, node_child(node_child(n, "escalate"), "to"),
                     "no other hook is named \"%s\"", to);
  }
  return STATUS_OK;
}

static enum status check_webhook(struct reading *r, const struct node *node,
                                 struct config_hook *hook) {
  const struct node *secret = node_child(node, "secret_file");
  bool signs =
      hook->format == CHAT_JSON || hook->format == CHAT_DINGTALK || hook->format == CHAT_FEISHU;
  if (hook->secret && !signs)
    return fail_at_key(r, secret, "%s signs nothing: its URL is the secret (webhook_file)",
                       chat_format_name(hook->format));
  if (!hook->secret && hook->format == CHAT_JSON)
    warn_at(r, node, "without \"secret_file\" the receiver cannot tell who sends");
  if (!given(node, "language"))
    hook->chinese =
        hook->format == CHAT_DINGTALK || hook->format == CHAT_WECOM || hook->format == CHAT_FEISHU;
  return STATUS_OK;
}

static enum status check_exec(struct reading *r, const struct node *node) {
  static const char *const others[] = {"format", "secret_file", "ca_file", "language", NULL};
  for (const char *const *key = others; *key; key++)
    if (given(node, *key))
      return fail_at_key(r, node_child(node, *key), "\"%s\" is for webhooks", *key);
  return STATUS_OK;
}

static enum status hook_read(struct reading *r, const struct node *list, struct node *node,
                             struct config_hook *hook) {
  enum status status = section_read(r, node, hook_options, hook);
  if (status == STATUS_OK) status = check_unique(r, list, node, "name");
  if (status != STATUS_OK) return status;
  int ways = given(node, "exec") + given(node, "webhook") + given(node, "webhook_file");
  if (ways != 1)
    return fail_at(r, node, "one of \"exec\", \"webhook\" and \"webhook_file\" is needed here");
  status = check_escalate(r, node, hook);
  if (status != STATUS_OK) return status;
  return hook->webhook ? check_webhook(r, node, hook) : check_exec(r, node);
}

enum status hooks_read(struct reading *r, struct node *node, void *base) {
  struct config *config = base;
  enum status status = expect_list(r, node, "hooks");
  if (status != STATUS_OK) return status;
  if (node->count > ENTRIES_MAX) return fail_at(r, node, "more than %d hooks", ENTRIES_MAX);
  config->hooks = arena_alloc(r->arena, (node->count + 1) * sizeof *config->hooks);
  for (struct node *n = node->child; n && status == STATUS_OK; n = n->next)
    status = hook_read(r, node, n, &config->hooks[config->hook_count++]);
  return status == STATUS_OK ? check_escalations(r, node, config) : status;
}
