/* Configuration, policy and roster files (CONTRACT section 3): strict YAML 1.1
 * whose keys are always strings. What is wrong is an error
 * "FILE:LINE:COLUMN: message", STATUS_CONFIG. One option table says what there
 * is: it drives reading, defaults, the dump and the manual. */
#ifndef CALLPACE_IO_CONFIG_H
#define CALLPACE_IO_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callpace/base/address.h"
#include "callpace/base/clock.h"
#include "callpace/base/redis_url.h"
#include "callpace/base/slice.h"
#include "callpace/base/status.h"
#include "callpace/base/writer.h"
#include "callpace/core/alert.h"
#include "callpace/core/chat.h"
#include "callpace/core/quiet.h"
#include "callpace/core/settings.h"
#include "callpace/dialect/smdr_layout.h"

/* One entry of `sources`. */
struct config_source {
  const char *name; /* [A-Za-z0-9_.-]{1,64}, unique */
  const char *type; /* "native", "ami", "esl", "evapi", "smdr" */
  bool connects;    /* `connect` was given, else `listen` */
  struct address address;
  bool tls;
  const char *tls_cert, *tls_key, *tls_ca; /* paths or NULL */
  const char *username;                    /* NULL: none */
  const char *secret;                      /* content of secret_file; NULL: none */
  const char *password;                    /* content of password_file; NULL: none */
  bool json_events;                        /* events: json (else plain) */
  struct smdr_layout *layout;              /* smdr: of its lines; else NULL */
  const char *token;                       /* content of token_file; NULL: none */
  int64_t max_connections;
  msec_t idle_timeout_ms; /* 0: none */
  int64_t stall_buffer;   /* bytes kept of a connecting source while the journal stalls */
  struct cidr *allow;
  size_t allow_count;
  int64_t socket_mode; /* of a unix socket */
  bool start_means_answer;
  const char **teams, **agents; /* ids it serves, end with NULL; both NULL: everybody */
  unsigned teams_line, agents_line;
};

/* One entry of `hooks`: a program (exec) or an address (webhook). */
struct config_hook {
  const char *name; /* like a source's; unique among hooks */
  /* argv, ends with NULL; NULL: a webhook. A path with a '/' is absolute, a bare name
   * is for PATH. */
  const char **exec;
  const char **on; /* patterns for text_match, ends with NULL */
  msec_t timeout_ms;
  int64_t retries;
  int64_t concurrency;
  const char *webhook; /* URL, https or on loopback; NULL: a program */
  enum chat_format format;
  bool chinese;                 /* language of chat messages (else English) */
  const char *secret;           /* content of secret_file; NULL: none */
  const char *ca_file;          /* NULL: the system's authorities */
  const char **teams;           /* ids, ends with NULL; NULL: all, and what has no team */
  enum alert_severity severity; /* and what is worse */
  struct quiet quiet;
  int64_t quiet_passes;    /* a severity: as severe as this passes; above all: nothing does */
  msec_t hold_down_ms;     /* how long a condition has to last */
  struct rate_rule budget; /* per team lead; count 0: none */
  int64_t budget_alerts;   /* budget.count, as it was read */
  msec_t escalate_after_ms;
  const char *escalate_to; /* a hook's name; NULL: nobody */
};

/* Whom a token of `http` stands for. */
enum http_role {
  HTTP_SUPERVISOR, /* sees all, may acknowledge */
  HTTP_WALL,       /* sees all, without names unless wall_names */
  HTTP_TEAM,       /* one team */
  HTTP_AGENT,      /* one agent */
};
struct config_http_token {
  enum http_role role;
  const char *subject; /* id of the team or agent; "" for the others */
  const char *token;   /* content of token_file */
};

/* A whole configuration; owns everything in it. Strings are never NULL unless
 * said; paths are absolute when the path it was loaded from was. */
struct config {
  const char *node; /* [A-Za-z0-9_.-]{1,64} */
  const char *state_dir;
  bool clock_events; /* clock: events (else wall) */
  const char *policy_path, *roster_path;
  const char *public_url; /* http(s)://HOST…; NULL: none */
  struct {
    bool sync_never; /* journal.sync: never (else commit) */
    msec_t retain_ms;
    int64_t segment_bytes;
  } journal;
  struct {
    struct redis_url url;
    const char *prefix;
    msec_t retain_ms;
    const char *username; /* NULL: none */
    const char *password; /* content of password_file; NULL: none */
    const char *ca_file;  /* NULL: the system's */
  } redis;
  struct {
    const char *socket;
    int64_t mode;
    const char *group; /* NULL: the daemon's own */
  } control;
  struct config_source *sources;
  size_t source_count;
  struct config_hook *hooks;
  size_t hook_count;
  struct {
    const char *folder;                 /* NULL: none are written */
    const char **formats[PERIOD_KINDS]; /* "csv", "html", "json"; each ends with NULL */
    msec_t after_ms;                    /* the end of the period */
    bool chinese;
  } reports;
  struct {
    bool enabled; /* `listen` was given */
    struct address address;
    const char *tls_cert, *tls_key; /* both or none (NULL) */
    const char *token;              /* content of token_file, for a supervisor; NULL: none */
    struct config_http_token *tokens;
    size_t token_count;
    bool wall_names;
    const char **hosts; /* ends with NULL; NULL: none */
    struct cidr *allow;
    size_t allow_count;
    int64_t max_connections;
  } http;
  struct {
    const char *level; /* "error" "warning" "info" "debug" */
    const char *file;  /* NULL: stderr */
  } log;
  const char **warnings; /* "FILE:LINE:COLUMN: message"; for the caller to log */
  size_t warning_count;
  struct config_text *text; /* what it was read from; private */
};

/* Reads a configuration and the secrets it names. A missing file is
 * STATUS_CONFIG, one that may not be read STATUS_PERMISSION. */
enum status config_load(const char *path, struct config **out, struct error *error);
/* The same from text; `path` names the file in errors, and relative paths are
 * relative to its directory. */
enum status config_from_text(struct slice text, const char *path, struct config **out,
                             struct error *error);
void config_free(struct config *config); /* wipes the secrets; NULL is fine */

/* Appends the configuration in force as YAML, defaults included; secrets show as
 * the files they are in. */
void config_dump(const struct config *config, struct writer *out);

/* For a reload: the first option whose change needs a restart, as "redis",
 * or NULL when the new configuration can be taken over live. */
const char *config_fixed_change(const struct config *running, const struct config *loaded);

/* Reads policy and roster. Time zones come from $TZDIR, or /usr/share/zoneinfo. */
enum status settings_load(const char *policy_path, const char *roster_path, struct settings **out,
                          struct error *error);
/* The same from texts (copied), whose errors begin with the given labels. */
enum status settings_from_text(struct slice policy_text, const char *policy_label,
                               struct slice roster_text, const char *roster_label,
                               struct settings **out, struct error *error);

/* The same for the files a configuration names, and checks that it fits them: sources
 * serve teams and agents that there are. `path` is the configuration's, for errors. */
enum status config_settings(const struct config *config, const char *path, struct settings **out,
                            struct error *error);

/* Loads configuration, policy and roster, and appends what was found, warnings
 * included, one line each. */
enum status config_check(const char *path, struct writer *out, struct error *error);

/* The option table, for the help text, the manual and the tests. */
enum config_file { CONFIG_FILE_MAIN, CONFIG_FILE_POLICY, CONFIG_FILE_ROSTER, CONFIG_FILE_LAYOUT };
struct config_option {
  char path[96];        /* "journal.sync", "sources[].name" */
  const char *type;     /* "duration", "one of commit, never" */
  const char *fallback; /* the default as YAML; NULL: none */
  bool required;
  bool reloadable; /* a reload takes a change over */
  const char *help;
};
/* Calls `each` for every option of a file, sections before what is in them. */
void config_options(enum config_file file,
                    void (*each)(const struct config_option *option, void *user), void *user);

#endif
