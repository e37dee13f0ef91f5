/* The options of callpace.yaml. */
#include <stddef.h>

#include "callpace/base/text.h"
#include "config_internal.h"

#define DAYS(n)    ((n)*86400000LL)
#define AT(member) offsetof(struct config, member)

/* --- sources --- */

enum status address_read(struct reading *r, struct node *node, struct address *out) {
  enum status status = expect_text(r, node);
  if (status != STATUS_OK) return status;
  if (node->text.len > 5 && memcmp(node->text.data, "unix:", 5) == 0 && node->text.data[5] != '/') {
    struct slice relative = {node->text.data + 5, node->text.len - 5};
    const char *path = path_resolve(r, relative);
    char *text = arena_alloc(r->arena, strlen(path) + 6);
    memcpy(text, "unix:", 5);
    memcpy(text + 5, path, strlen(path));
    node->text = slice_of(text);
  }
  if (!address_parse(node->text.data, out))
    return fail_at(r, node, "\"%s\" is not an address, as 127.0.0.1:7070 or unix:/run/x.sock",
                   node->text.data);
  return STATUS_OK;
}

static enum status listen_read(struct reading *r, struct node *node, void *base) {
  return address_read(r, node, &((struct config_source *)base)->address);
}

static enum status connect_read(struct reading *r, struct node *node, void *base) {
  struct config_source *source = base;
  enum status status = address_read(r, node, &source->address);
  if (status != STATUS_OK) return status;
  source->connects = true;
  if (!source->address.is_unix && source->address.port == 0)
    return fail_at(r, node, "port 0 can be listened on, not connected to");
  return STATUS_OK;
}

enum status networks_read(struct reading *r, struct node *node, struct cidr **out, size_t *count) {
  enum status status = expect_list(r, node, "networks, as 10.0.0.0/8");
  if (status != STATUS_OK) return status;
  *out = arena_alloc(r->arena, (node->count + 1) * sizeof **out);
  *count = 0;
  for (const struct node *n = node->child; n; n = n->next) {
    status = expect_text(r, n);
    if (status != STATUS_OK) return status;
    if (!cidr_parse(n->text.data, &(*out)[*count]))
      return fail_at(r, n, "\"%s\" is not a network, as 10.0.0.0/8 or ::1", n->text.data);
    ++*count;
  }
  if (*count == 0) return fail_at(r, node, "an empty list would let nobody in");
  return STATUS_OK;
}

static enum status layout_read(struct reading *r, struct node *node, void *base) {
  struct config_source *source = base;
  enum status status = expect_text(r, node);
  if (status != STATUS_OK) return status;
  source->layout = arena_alloc(r->arena, sizeof *source->layout);
  status = layout_load(r, node, source->layout);
  node->text = slice_of(path_resolve(r, node->text));
  return status;
}

static enum status allow_read(struct reading *r, struct node *node, void *base) {
  struct config_source *source = base;
  return networks_read(r, node, &source->allow, &source->allow_count);
}

static enum status ids_read(struct reading *r, struct node *node, const char ***ids,
                            unsigned *line) {
  *line = node->line;
  enum status status = texts_read(r, node, ids, NULL);
  if (status == STATUS_OK && node->count == 0)
    return fail_at(r, node, "an empty list would serve nobody");
  return status;
}

static enum status teams_read(struct reading *r, struct node *node, void *base) {
  struct config_source *source = base;
  return ids_read(r, node, &source->teams, &source->teams_line);
}

static enum status agents_read(struct reading *r, struct node *node, void *base) {
  struct config_source *source = base;
  return ids_read(r, node, &source->agents, &source->agents_line);
}

#define SOURCE(member) offsetof(struct config_source, member)
static const char *const source_types[] = {"native", "ami", "esl", "evapi", "smdr", NULL};
static const char *const event_forms[] = {"plain", "json", NULL};
static const char *const start_meanings[] = {"start", "answer", NULL};

static const struct option tls_options[] = {
    {"cert", OPTION_PATH, SOURCE(tls_cert),
     .help = "Certificate chain (PEM) of a listening source."},
    {"key", OPTION_PATH, SOURCE(tls_key), .help = "Private key (PEM) of a listening source."},
    {"ca", OPTION_PATH, SOURCE(tls_ca),
     .help = "Authorities (PEM) that the switch's certificate is checked against; default the "
             "system's."},
    {.name = NULL}};

static const struct option source_options[] = {
    {"name", OPTION_NAME, SOURCE(name), .flags = REQUIRED, .help = "Name of the source, unique."},
    {"type", OPTION_CHOICE, SOURCE(type), .choices = source_types, .flags = REQUIRED | CHOICE_TEXT,
     .help = "native: senders of the line protocol come to us. We go to the others: ami is an "
             "Asterisk manager, esl a FreeSWITCH event socket, evapi a Kamailio. "
             "smdr: one line of text a finished call, from any switch; either way."},
    {"listen", OPTION_READ, .read = listen_read, .type_name = "address",
     .help = "native, smdr: where to listen, HOST:PORT (port 0: any free one) or unix:/PATH."},
    {"connect", OPTION_READ, .read = connect_read, .type_name = "address",
     .help = "ami, esl, evapi, smdr: where the switch listens, HOST:PORT."},
    {"username", OPTION_TEXT, SOURCE(username),
     .help = "ami: the manager account. esl: a directory user as USER@DOMAIN, if not the event "
             "socket's own password is used."},
    {"secret_file", OPTION_SECRET, SOURCE(secret),
     .help = "ami: file that holds the account's secret, one line."},
    {"password_file", OPTION_SECRET, SOURCE(password),
     .help = "esl: file that holds the event socket's password, one line."},
    {"events", OPTION_CHOICE, SOURCE(json_events), "plain", .choices = event_forms,
     .help = "esl: the form in which the switch sends events. They say the same."},
    {"layout", OPTION_READ, .read = layout_read, .type_name = "path",
     .help = "smdr: file that says what the parts of a line mean."},
    {"token_file", OPTION_SECRET, SOURCE(token),
     .help = "native: file that holds the token which senders must show in their hello."},
    {"tls", OPTION_SECTION, .table = tls_options,
     .help = "TLS on this source; {} is enough to connect."},
    {"allow", OPTION_READ, .fallback = "[127.0.0.0/8, \"::1\"]", .read = allow_read,
     .type_name = "list of networks", .help = "Who may connect to a listening TCP source."},
    {"max_connections", OPTION_INT, SOURCE(max_connections), "256", .min = 1, .max = 100000,
     .help = "Connections at once; more are refused."},
    {"idle_timeout", OPTION_DURATION, SOURCE(idle_timeout_ms), "0s", .min = 0, .max = DAYS(365),
     .help = "Close a connection that sent nothing for so long; 0s: never."},
    {"stall_buffer", OPTION_SIZE, SOURCE(stall_buffer), "16MiB", .min = 64 << 10, .max = 1 << 30,
     .help = "How much is kept of a source that connects while the journal stalls; the switch that "
             "sends more is left, which is a gap."},
    {"socket_mode", OPTION_MODE, SOURCE(socket_mode), "\"0660\"",
     .help = "Permissions of a unix socket."},
    {"start_means", OPTION_CHOICE, SOURCE(start_means_answer), "start", .choices = start_meanings,
     .help = "answer: the switch sends a start only when the conversation begins."},
    {"teams", OPTION_READ, .read = teams_read, .type_name = "list of texts",
     .help = "The source serves these teams only: its outages are no gap for others. Default: "
             "everybody."},
    {"agents", OPTION_READ, .read = agents_read, .type_name = "list of texts",
     .help = "The source serves these agents, beside those of `teams`."},
    {.name = NULL}};

static enum status check_listening(struct reading *r, const struct node *node,
                                   const struct config_source *source) {
  const struct node *listen = node_child(node, "listen");
  if (node_is_empty(listen)) return fail_at(r, node, "a native source needs \"listen\"");
  if (source->connects)
    return fail_at_key(r, node_child(node, "connect"), "a native source listens: use \"listen\"");
  if (source->tls && (!source->tls_cert || !source->tls_key))
    return fail_at(r, node_child(node, "tls"), "a listening source needs \"cert\" and \"key\"");
  if (source->address.is_unix || address_is_loopback(&source->address)) return STATUS_OK;
  if (!source->token && !source->tls)
    return fail_at(r, listen, "listening beyond loopback needs \"token_file\" or \"tls\"");
  if (node_is_empty(node_child(node, "allow")))
    warn_at(r, listen, "listens beyond loopback, but without \"allow\" only this machine may come");
  return STATUS_OK;
}

/* There is no login, and no TLS. */
static enum status check_evapi(struct reading *r, const struct node *node,
                               const struct config_source *source) {
  static const char *const useless[] = {"username", "secret_file", "password_file", "tls"};
  for (size_t i = 0; i < sizeof useless / sizeof useless[0]; i++) {
    const struct node *given = node_child(node, useless[i]);
    if (!node_is_empty(given))
      return fail_at_key(r, given, "an evapi source has no login and no TLS");
  }
  if (!source->address.is_unix && !address_is_loopback(&source->address))
    warn_at(r, node_child(node, "connect"),
            "evapi has no password and no encryption: reach it through loopback or a tunnel only");
  return STATUS_OK;
}

static enum status check_connecting(struct reading *r, const struct node *node,
                                    const struct config_source *source) {
  if (!node_is_empty(node_child(node, "listen")))
    return fail_at_key(r, node_child(node, "listen"),
                       "an %s source connects to the switch: use \"connect\"", source->type);
  if (!source->connects) return fail_at(r, node, "an %s source needs \"connect\"", source->type);
  bool is_ami = strcmp(source->type, "ami") == 0;
  if (is_ami && (!source->username || !source->secret))
    return fail_at(r, node, "an %s source needs \"username\" and \"secret_file\"", source->type);
  if (is_ami) return STATUS_OK;
  if (strcmp(source->type, "evapi") == 0) return check_evapi(r, node, source);
  if (source->secret)
    return fail_at_key(r, node_child(node, "secret_file"), "an %s source has a \"password_file\"",
                       source->type);
  if (!source->password)
    return fail_at(r, node, "an %s source needs \"password_file\"", source->type);
  return STATUS_OK;
}

/* Switches know no tokens: from beyond this machine only named networks may come. */
static enum status check_smdr(struct reading *r, const struct node *node,
                              const struct config_source *source) {
  const struct node *listen = node_child(node, "listen");
  if (!source->layout) return fail_at(r, node, "an smdr source needs \"layout\"");
  if (source->connects == !node_is_empty(listen))
    return fail_at(r, node, "an smdr source needs one of \"listen\" and \"connect\"");
  if (source->token)
    return fail_at_key(r, node_child(node, "token_file"), "a switch cannot show a token");
  if (source->connects) return STATUS_OK;
  if (source->tls && (!source->tls_cert || !source->tls_key))
    return fail_at(r, node_child(node, "tls"), "a listening source needs \"cert\" and \"key\"");
  if (source->address.is_unix || address_is_loopback(&source->address)) return STATUS_OK;
  if (!source->tls && node_is_empty(node_child(node, "allow")))
    return fail_at(r, listen,
                   "listening beyond loopback needs \"allow\" with the switch's address");
  return STATUS_OK;
}

enum status check_unique(struct reading *r, const struct node *list, const struct node *node,
                         const char *key) {
  const struct node *own = node_child(node, key);
  if (node_is_empty(own)) return STATUS_OK;
  for (const struct node *n = list->child; n != node; n = n->next) {
    const struct node *other = node_child(n, key);
    if (!node_is_empty(other) && slice_equal(own->text, other->text))
      return fail_at(r, own, "\"%s\" is taken already, on line %u", own->text.data, other->line);
  }
  return STATUS_OK;
}

static enum status source_read(struct reading *r, const struct node *list, struct node *node,
                               struct config_source *source) {
  enum status status = section_read(r, node, source_options, source);
  if (status != STATUS_OK) return status;
  source->tls = !node_is_empty(node_child(node, "tls"));
  status = check_unique(r, list, node, "name");
  if (status != STATUS_OK) return status;
  bool is_smdr = strcmp(source->type, "smdr") == 0, is_native = strcmp(source->type, "native") == 0;
  if (source->layout && !is_smdr)
    return fail_at_key(r, node_child(node, "layout"), "only an smdr source has a layout");
  status = is_smdr     ? check_smdr(r, node, source)
           : is_native ? check_listening(r, node, source)
                       : check_connecting(r, node, source);
  if (status != STATUS_OK || source->connects) return status;
  bool any_port = !source->address.is_unix && source->address.port == 0;
  return status != STATUS_OK || any_port ? status : check_unique(r, list, node, "listen");
}

static enum status sources_read(struct reading *r, struct node *node, void *base) {
  struct config *config = base;
  enum status status = expect_list(r, node, "sources");
  if (status != STATUS_OK) return status;
  if (node->count > ENTRIES_MAX) return fail_at(r, node, "more than %d sources", ENTRIES_MAX);
  config->sources = arena_alloc(r->arena, (node->count + 1) * sizeof *config->sources);
  for (struct node *n = node->child; n && status == STATUS_OK; n = n->next)
    status = source_read(r, node, n, &config->sources[config->source_count++]);
  return status;
}

/* --- the rest --- */

static enum status url_read(struct reading *r, struct node *node, void *base) {
  struct config *config = base;
  struct error why = {.status = STATUS_OK};
  enum status status = expect_text(r, node);
  if (status != STATUS_OK) return status;
  if (redis_url_parse(node->text, &config->redis.url, &why) != STATUS_OK)
    return fail_at(r, node, "%s", why.text);
  return STATUS_OK;
}

static enum status prefix_read(struct reading *r, struct node *node, void *base) {
  enum status status = expect_text(r, node);
  if (status != STATUS_OK) return status;
  for (const char *c = node->text.data; *c; c++)
    if (*c != ':' && !value_is_name((struct slice){c, 1}))
      return fail_at(r, node, "a prefix is of letters, digits, '_', '.', '-' and ':'");
  ((struct config *)base)->redis.prefix = node->text.data;
  return STATUS_OK;
}

static enum status public_url_read(struct reading *r, struct node *node, void *base) {
  enum status status = expect_text(r, node);
  if (status == STATUS_OK) status = check_url(r, node, node->text.data, true);
  if (status != STATUS_OK) return status;
  if (strpbrk(node->text.data, "?#"))
    return fail_at(r, node, "a URL without '?' and '#' is needed");
  ((struct config *)base)->public_url = node->text.data;
  return STATUS_OK;
}

static const char *const clocks[] = {"wall", "events", NULL};
static const char *const syncs[] = {"commit", "never", NULL};
static const char *const levels[] = {"error", "warning", "info", "debug", NULL};

static const struct option journal_options[] = {
    {"sync", OPTION_CHOICE, AT(journal.sync_never), "commit", .choices = syncs,
     .help = "commit: acknowledge only what fdatasync put on disk. never: for measurements; what "
             "was acknowledged can be lost with the machine."},
    {"retain", OPTION_DURATION, AT(journal.retain_ms), "400d", .min = 1000, .max = DAYS(36500),
     .help = "How long events are kept."},
    {"segment", OPTION_SIZE, AT(journal.segment_bytes), "64MiB", .min = 4096, .max = 4294967296,
     .help = "Size at which a new segment file begins."},
    {.name = NULL}};

static const struct option redis_options[] = {
    {"url", OPTION_READ, .fallback = "embedded", .read = url_read, .type_name = "url",
     .help = "embedded (a private redis-server of the daemon's own), redis://HOST:PORT/DB, "
             "rediss://HOST:PORT/DB (TLS) or unix:///PATH."},
    {"prefix", OPTION_READ, .fallback = "callpace", .read = prefix_read, .type_name = "text",
     .help = "What every key begins with."},
    {"retain", OPTION_DURATION, AT(redis.retain_ms), "62d", .min = 1000, .max = DAYS(36500),
     .help = "How long a key stays after it was last written."},
    {"username", OPTION_TEXT, AT(redis.username), .help = "ACL user; default Redis's own default."},
    {"password_file", OPTION_SECRET, AT(redis.password),
     .help = "File that holds the password, one line."},
    {"ca_file", OPTION_PATH, AT(redis.ca_file),
     .help = "Authorities (PEM) for rediss://; default the system's."},
    {.name = NULL}};

static const struct option control_options[] = {
    {"socket", OPTION_PATH, AT(control.socket), "/run/callpace/ctl.sock",
     .help = "Unix socket for the client, callpace."},
    {"mode", OPTION_MODE, AT(control.mode), "\"0660\"",
     .help = "Its permissions: who may write to it may use the client."},
    {"group", OPTION_TEXT, AT(control.group), .help = "Its group; default the daemon's own."},
    {.name = NULL}};

static const struct option log_options[] = {
    {"level", OPTION_CHOICE, AT(log.level), "info", .choices = levels, .flags = CHOICE_TEXT,
     .help = "Lines below it are left out."},
    {"file", OPTION_PATH, AT(log.file),
     .help = "Log to a file instead of stderr; SIGUSR1 reopens it."},
    {.name = NULL}};

const struct option main_options[] = {
    {"node", OPTION_NAME, AT(node), .flags = FIXED,
     .help = "Name of this instance; default the host name."},
    {"state_dir", OPTION_PATH, AT(state_dir), "/var/lib/callpace", .flags = FIXED,
     .help = "Directory for journal/, rejects/ and redis/."},
    {"clock", OPTION_CHOICE, AT(clock_events), "wall", .choices = clocks, .flags = FIXED,
     .help = "events: time is the highest time stamp seen (replay, tests, demonstrations)."},
    {"policy", OPTION_PATH, AT(policy_path), "policy.yaml", .help = "The rules to judge by."},
    {"roster", OPTION_PATH, AT(roster_path), "roster.yaml", .help = "Teams and agents."},
    {"journal", OPTION_SECTION, .table = journal_options, .flags = FIXED,
     .help = "The truth on disk."},
    {"redis", OPTION_SECTION, .table = redis_options, .flags = FIXED,
     .help = "Where the counters are shown; a bare url in place of the map will do."},
    {"control", OPTION_SECTION, .table = control_options, .flags = FIXED,
     .help = "Where the client comes in."},
    {"sources", OPTION_READ, .table = source_options, .entries = true, .read = sources_read,
     .type_name = "list of sources", .help = "Where call events come from."},
    {"hooks", OPTION_READ, .table = hook_options, .entries = true, .read = hooks_read,
     .type_name = "list of hooks", .help = "Programs and addresses that are told of alerts."},
    {"reports", OPTION_SECTION, .table = report_options,
     .help = "Reports that the daemon writes by itself."},
    {"http", OPTION_SECTION, .table = http_options,
     .help = "The wallboard, the API and the metrics."},
    {"public_url", OPTION_READ, .read = public_url_read, .type_name = "url",
     .help = "Where browsers reach the HTTP server, as https://wall.example: messages get links "
             "that acknowledge their alert."},
    {"log", OPTION_SECTION, .table = log_options, .help = "The daemon's own log."},
    {.name = NULL}};
