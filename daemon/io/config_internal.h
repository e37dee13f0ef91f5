/* Shared by the files of io/config: the YAML tree, and tables of options that
 * say how a map of it fills a struct. */
#ifndef CALLPACE_IO_CONFIG_INTERNAL_H
#define CALLPACE_IO_CONFIG_INTERNAL_H

#include <stddef.h>

#include "callpace/base/mem.h"
#include "callpace/io/config.h"

enum { CONFIG_BYTES_MAX = 1024 * 1024, ROSTER_BYTES_MAX = 16 * 1024 * 1024, ENTRIES_MAX = 1000 };

/* --- the tree (config_yaml.c) --- */

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
  enum node_kind kind;
  unsigned line, column; /* from 1 */
  struct slice text;     /* scalar; NUL-terminated, holds no NUL */
  bool plain;            /* scalar without quotes */
  const char *key;       /* in a map */
  unsigned key_line, key_column;
  struct node *child, *last, *next;
  size_t count; /* children */
};

/* What a reading needs at hand. */
struct reading {
  const char *label; /* of the file, in errors */
  const char *dir;   /* which relative paths are relative to; "" for none */
  struct arena *arena;
  struct error *error;
  struct config *config;           /* where warnings go; NULL: nowhere */
  const struct calendar *calendar; /* roster: for local times */
};

/* Parses one document; an empty one is an empty map. NULL on error. The nodes
 * live in the reading's arena. */
struct node *yaml_read(struct reading *r, struct slice text);
struct node *node_child(const struct node *map, const char *key); /* or NULL */
/* A plain empty value, as `key:` alone, stands for "not given". */
bool node_is_empty(const struct node *node);
/* Gives a key that is missing or empty a text, as if it stood in the file. */
void node_give(struct reading *r, struct node *map, const char *key, struct slice text);
/* Appends the node in flow style, as YAML that reads back to the same. */
void node_dump(const struct node *node, struct writer *out);
/* Fails at a node, or at its key. */
enum status fail_at(struct reading *r, const struct node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
enum status fail_at_key(struct reading *r, const struct node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* `, did you mean "X"?` or nothing; the text stands in the arena. */
const char *did_you_mean(struct reading *r, const char *word, const char *const *candidates);
void warn_at(struct reading *r, const struct node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* --- options (config_options.c) --- */

enum option_type {
  OPTION_TEXT,     /* const char *, not empty */
  OPTION_NAME,     /* const char *, [A-Za-z0-9_.-]{1,64} */
  OPTION_PATH,     /* const char *, made relative to the file */
  OPTION_SECRET,   /* const char *, the content of the file named */
  OPTION_INT,      /* int64_t */
  OPTION_DURATION, /* int64_t, ms */
  OPTION_SIZE,     /* int64_t, bytes */
  OPTION_RATE,     /* int64_t, basis points */
  OPTION_MODE,     /* int64_t, octal file mode */
  OPTION_TIME,     /* int64_t, time of day in ms */
  OPTION_DATE,     /* day_t */
  OPTION_CHOICE,   /* bool: the index among two choices; or const char * with CHOICE_TEXT */
  OPTION_SECTION,  /* a map, by `table`, into the same struct */
  OPTION_READ,     /* by `read`, which gets the struct */
};

enum {
  REQUIRED = 1,
  FIXED = 2,       /* a change needs a restart */
  CHOICE_TEXT = 4, /* store the choice's text */
  NO_FIELD = 8,    /* checked, not stored */
};

struct option {
  const char *name; /* NULL ends a table */
  enum option_type type;
  size_t offset;
  const char *fallback;
  const char *help;
  int64_t min, max;
  const char *const *choices; /* ends with NULL */
  const struct option *table; /* of the section, or of the entries of a list */
  enum status (*read)(struct reading *r, struct node *node, void *base);
  const char *type_name; /* OPTION_READ */
  bool entries;          /* `table` describes the entries of a list */
  unsigned flags;
};

/* Fills `base` from a map by its table. `node` may be NULL: all defaults.
 * Errors about what is missing go to `node`. */
enum status section_read(struct reading *r, struct node *node, const struct option *table,
                         void *base);
/* For readers: is it of this kind, with at least one entry where `some`? */
enum status expect_list(struct reading *r, const struct node *node, const char *of_what);
enum status expect_text(struct reading *r, const struct node *node);
enum status switch_read(struct reading *r, const struct node *node, bool *out); /* true, false */
/* One scalar by the rules of a type; `out` as the field of that type. */
enum status scalar_read(struct reading *r, struct node *node, const struct option *option,
                        void *out);
/* The first option with FIXED that differs between two maps, or NULL. */
const char *section_fixed_change(const struct node *a, const struct node *b,
                                 const struct option *table);
/* A list of texts as array that ends with NULL. */
enum status texts_read(struct reading *r, struct node *node, const char ***out, size_t *count);
void section_dump(const struct node *map, const struct option *table, unsigned indent,
                  struct writer *out);

/* --- scalars without a file (config_values.c) --- */
bool value_int(struct slice text, int64_t *out);
bool value_rate(struct slice text, int64_t *basis_points); /* "0.80", at most 4 decimals */
bool value_time(struct slice text, int64_t *ms);           /* "09:00", also "24:00" */
bool value_weekday(struct slice text, int *weekday);       /* "mon" … "sun" */
bool value_is_name(struct slice text);
const char *path_resolve(struct reading *r, struct slice path);
/* Reads a whole regular file of at most `max` bytes; free with free(). */
enum status file_read(const char *path, size_t max, char **text, size_t *len, struct error *error);

/* --- files --- */
extern const struct option main_options[];
extern const struct option http_options[];
/* What is wrong among the options of `http` together. */
enum status http_check(struct reading *r, const struct node *node, const struct config *config);
/* HOST:PORT or unix:PATH, which is relative to the file; and networks. */
enum status address_read(struct reading *r, struct node *node, struct address *out);
enum status networks_read(struct reading *r, struct node *node, struct cidr **out, size_t *count);
extern const struct option policy_options[];
extern const struct option roster_options[];
extern const struct option layout_options[];
extern const struct option hook_options[];   /* config_hooks.c */
extern const struct option report_options[]; /* config_reports.c */
enum status hooks_read(struct reading *r, struct node *node, void *base);
/* Fails unless `url` is https://HOST…, or http://HOST…, that beyond loopback only
 * with `plain`. */
enum status check_url(struct reading *r, const struct node *node, const char *url, bool plain);
/* No entry of the list before `node` has the same text there. */
enum status check_unique(struct reading *r, const struct node *list, const struct node *node,
                         const char *key);
extern const struct option contact_options[], points_options[]; /* of a dated policy */
struct policy_book *policy_from_text(struct slice text, const char *label, struct error *error);
/* A time zone by its IANA name. */
enum status zone_load(struct reading *r, const struct node *node, struct zone **out);
/* The layout of an smdr source, from the file that a node names, or from text that
 * lives as long as the arena. On failure too `layout` is to be cleared. */
enum status layout_load(struct reading *r, const struct node *node, struct smdr_layout *layout);
enum status layout_from_text(struct reading *r, struct slice text, struct smdr_layout *layout);
struct roster *roster_from_text(struct slice text, const char *label,
                                const struct calendar *calendar, struct error *error);

#endif
