/* The options of `http`: where the wallboard, the API and the metrics are served. */
#include <stddef.h>

#include "callpace/base/text.h"
#include "config_internal.h"

#define AT(member)    offsetof(struct config, http.member)
#define TOKEN(member) offsetof(struct config_http_token, member)
enum { TOKENS_MAX = 1000 };

static enum status listen_read(struct reading *r, struct node *node, void *base) {
  struct config *config = base;
  config->http.enabled = true;
  return address_read(r, node, &config->http.address);
}

static enum status allow_read(struct reading *r, struct node *node, void *base) {
  struct config *config = base;
  return networks_read(r, node, &config->http.allow, &config->http.allow_count);
}

static enum status hosts_read(struct reading *r, struct node *node, void *base) {
  struct config *config = base;
  return texts_read(r, node, &config->http.hosts, NULL);
}

/* --- tokens --- */

static enum status role_read(struct reading *r, struct node *node, void *base) {
  static const struct {
    const char *name;
    enum http_role role;
    bool has_subject;
  } roles[] = {{"supervisor", HTTP_SUPERVISOR, false},
               {"wall", HTTP_WALL, false},
               {"team:", HTTP_TEAM, true},
               {"agent:", HTTP_AGENT, true}};
  struct config_http_token *token = base;
  enum status status = expect_text(r, node);
  if (status != STATUS_OK) return status;
  for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
    size_t len = strlen(roles[i].name);
    bool fits = roles[i].has_subject ? node->text.len > len : node->text.len == len;
    if (!fits || memcmp(node->text.data, roles[i].name, len) != 0) continue;
    token->role = roles[i].role;
    token->subject = node->text.data + len;
    return STATUS_OK;
  }
  return fail_at(r, node, "a role is supervisor, wall, team:ID or agent:ID");
}

static const struct option token_options[] = {
    {"role", OPTION_READ, .read = role_read, .type_name = "role", .flags = REQUIRED,
     .help = "Who shows it: supervisor (everything), wall (everything, read only and without "
             "names), team:ID (that team only), agent:ID (that agent only)."},
    {"token_file", OPTION_SECRET, TOKEN(token), .flags = REQUIRED,
     .help = "File that holds the token, one line."},
    {.name = NULL}};

static enum status tokens_read(struct reading *r, struct node *node, void *base) {
  struct config *config = base;
  enum status status = expect_list(r, node, "tokens");
  if (status != STATUS_OK) return status;
  if (node->count > TOKENS_MAX) return fail_at(r, node, "more than %d tokens", TOKENS_MAX);
  config->http.tokens = arena_alloc(r->arena, (node->count + 1) * sizeof *config->http.tokens);
  for (struct node *n = node->child; n && status == STATUS_OK; n = n->next)
    status = section_read(r, n, token_options, &config->http.tokens[config->http.token_count++]);
  return status;
}

/* --- the section --- */

static const char *const showings[] = {"hide", "show", NULL};

static const struct option tls_options[] = {
    {"cert", OPTION_PATH, AT(tls_cert), .flags = FIXED, .help = "Certificate chain (PEM)."},
    {"key", OPTION_PATH, AT(tls_key), .flags = FIXED, .help = "Its private key (PEM)."},
    {.name = NULL}};

const struct option http_options[] = {
    {"listen", OPTION_READ, .read = listen_read, .type_name = "address", .flags = FIXED,
     .help = "Where the wallboard, the API and the metrics are served, HOST:PORT (port 0: any "
             "free one) or unix:/PATH; default nowhere. Beyond loopback a token is needed."},
    {"token_file", OPTION_SECRET, AT(token),
     .help = "File that holds the supervisors' token, one line. With any token set, nobody is "
             "served without one."},
    {"tokens", OPTION_READ, .table = token_options, .entries = true, .read = tokens_read,
     .type_name = "list of tokens", .help = "Tokens for others, who see less."},
    {"wall_names", OPTION_CHOICE, AT(wall_names), "hide", .choices = showings,
     .help = "show: the role wall sees the names of agents too."},
    {"hosts", OPTION_READ, .read = hosts_read, .type_name = "list of texts",
     .help = "Host names under which browsers may come, besides localhost, addresses, and the "
             "name in listen."},
    {"allow", OPTION_READ, .read = allow_read, .type_name = "list of networks",
     .help = "Who may connect; default anyone who has a token."},
    {"max_connections", OPTION_INT, AT(max_connections), "1024", .min = 1, .max = 100000,
     .help = "Connections at once; more are refused."},
    {"tls", OPTION_SECTION, .table = tls_options, .flags = FIXED, .help = "TLS (https)."},
    {.name = NULL}};

enum status http_check(struct reading *r, const struct node *node, const struct config *config) {
  if (!config->http.enabled) return STATUS_OK;
  const struct node *listen = node_child(node, "listen");
  bool has_token = config->http.token || config->http.token_count > 0;
  if (!address_is_loopback(&config->http.address) && !has_token)
    return fail_at(r, listen, "listening beyond loopback needs \"token_file\" or \"tokens\"");
  if (!config->http.tls_cert != !config->http.tls_key)
    return fail_at(r, node_child(node, "tls"), "tls needs both \"cert\" and \"key\"");
  if (!address_is_loopback(&config->http.address) && !config->http.tls_cert)
    warn_at(r, listen, "serves beyond loopback without \"tls\": tokens can be overheard");
  return STATUS_OK;
}
