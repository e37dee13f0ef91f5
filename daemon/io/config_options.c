/* Tables of options: filling structs from maps, and showing them. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "callpace/base/text.h"
#include "config_internal.h"

enum { SECRET_BYTES_MAX = 4096 };

enum status expect_text(struct reading *r, const struct node *node) {
  if (node->kind == NODE_MAP) return fail_at(r, node, "a single value is needed here, not a map");
  if (node->kind == NODE_LIST) return fail_at(r, node, "a single value is needed here, not a list");
  if (node->text.len == 0) return fail_at(r, node, "a value is missing here");
  return STATUS_OK;
}

enum status expect_list(struct reading *r, const struct node *node, const char *of_what) {
  if (node->kind == NODE_LIST) return STATUS_OK;
  return fail_at(r, node, "a list of %s is needed here", of_what);
}

enum status texts_read(struct reading *r, struct node *node, const char ***out, size_t *count) {
  enum status status = expect_list(r, node, "texts");
  if (status != STATUS_OK) return status;
  const char **texts = arena_alloc(r->arena, (node->count + 1) * sizeof *texts);
  size_t used = 0;
  for (const struct node *n = node->child; n; n = n->next) {
    status = expect_text(r, n);
    if (status != STATUS_OK) return status;
    texts[used++] = n->text.data;
  }
  *out = texts;
  if (count) *count = used;
  return STATUS_OK;
}

/* --- one scalar --- */

static void bound_text(const struct option *o, int64_t value, char out[32]) {
  static const struct {
    int64_t unit;
    const char *suffix;
  } sizes[] = {{1024 * 1024 * 1024, "GiB"}, {1024 * 1024, "MiB"}, {1024, "KiB"}, {1, "B"}},
    times[] = {{MSEC_PER_DAY, "d"},
               {MSEC_PER_HOUR, "h"},
               {MSEC_PER_MIN, "m"},
               {MSEC_PER_SEC, "s"},
               {1, "ms"}};
  snprintf(out, 32, "%lld", (long long)value);
  if (o->type == OPTION_RATE) snprintf(out, 32, "%g", (double)value / 10000);
  if (value == 0) return;
  if (o->type == OPTION_SIZE)
    for (size_t i = 4; i-- > 0;)
      if (value % sizes[i].unit == 0)
        snprintf(out, 32, "%lld%s", (long long)(value / sizes[i].unit), sizes[i].suffix);
  if (o->type == OPTION_DURATION)
    for (size_t i = 5; i-- > 0;)
      if (value % times[i].unit == 0)
        snprintf(out, 32, "%lld%s", (long long)(value / times[i].unit), times[i].suffix);
}

static const char *number_help(enum option_type type) {
  switch (type) {
  case OPTION_INT: return "a whole number without quotes";
  case OPTION_DURATION: return "a duration with its unit, as 250ms, 10s, 15m, 20h or 400d";
  case OPTION_SIZE: return "a size with its unit, as 512KiB, 64MiB or 3GiB";
  case OPTION_RATE: return "a rate between 0 and 1, as 0.80";
  case OPTION_TIME: return "a time of day, as \"09:00\"";
  default: return "a file mode in octal, as \"0660\"";
  }
}

static bool mode_parse(struct slice text, int64_t *out) {
  int64_t value = 0;
  if (text.len < 3 || text.len > 4) return false;
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '7') return false;
    value = value * 8 + (text.data[i] - '0');
  }
  *out = value;
  return true;
}

static bool number_parse(const struct node *node, enum option_type type, int64_t *out) {
  switch (type) {
  case OPTION_INT: return node->plain && value_int(node->text, out);
  case OPTION_DURATION:
    /* nothing is nothing in every unit */
    if (slice_equal(node->text, SLICE("0"))) return *out = 0, true;
    return text_parse_duration(node->text, out);
  case OPTION_SIZE: return text_parse_size(node->text, out);
  case OPTION_RATE: return value_rate(node->text, out);
  case OPTION_TIME: return value_time(node->text, out);
  default: return mode_parse(node->text, out);
  }
}

static enum status read_number(struct reading *r, const struct node *node, const struct option *o,
                               int64_t *out) {
  int64_t value = 0;
  if (!number_parse(node, o->type, &value))
    return fail_at(r, node, "\"%s\" is not %s", node->text.data, number_help(o->type));
  if (o->max > o->min && (value < o->min || value > o->max)) {
    char min[32], max[32];
    bound_text(o, o->min, min);
    bound_text(o, o->max, max);
    return fail_at(r, node, "%s is out of range: %s to %s", node->text.data, min, max);
  }
  *out = value;
  return STATUS_OK;
}

static enum status read_choice(struct reading *r, const struct node *node, const struct option *o,
                               void *out) {
  for (size_t i = 0; o->choices[i]; i++) {
    if (strcmp(o->choices[i], node->text.data) != 0) continue;
    if (o->flags & CHOICE_TEXT)
      *(const char **)out = o->choices[i];
    else if (!(o->flags & NO_FIELD))
      *(bool *)out = i == 1;
    return STATUS_OK;
  }
  char all[256] = "";
  for (size_t i = 0, len = 0; o->choices[i] && len < sizeof all; i++)
    len += (size_t)snprintf(all + len, sizeof all - len, "%s%s", i ? ", " : "", o->choices[i]);
  const char *near = did_you_mean(r, node->text.data, o->choices);
  return fail_at(r, node, "\"%s\" is not one of %s%s", node->text.data, all, near);
}

static enum status read_secret(struct reading *r, struct node *node, const char **out) {
  const char *path = path_resolve(r, node->text);
  struct error why = {0};
  char *text = NULL;
  size_t len = 0;
  if (file_read(path, SECRET_BYTES_MAX, &text, &len, &why) != STATUS_OK) {
    fail_at(r, node, "%s", why.text);
    if (r->error) r->error->status = why.status;
    return why.status;
  }
  size_t end = len;
  if (end > 0 && text[end - 1] == '\n') end--;
  if (end > 0 && text[end - 1] == '\r') end--;
  bool good = end > 0 && !memchr(text, 0, end) && !memchr(text, '\n', end);
  if (good) *out = arena_dup(r->arena, (struct slice){text, end});
  explicit_bzero(text, len);
  free(text);
  if (!good) return fail_at(r, node, "%s: one line with the secret is needed", path);
  struct stat st;
  if (stat(path, &st) == 0 && (st.st_mode & S_IROTH))
    warn_at(r, node, "%s may be read by everybody: chmod o-rwx", path);
  node->text = slice_of(path);
  return STATUS_OK;
}

enum status scalar_read(struct reading *r, struct node *node, const struct option *o, void *out) {
  enum status status = expect_text(r, node);
  if (status != STATUS_OK) return status;
  switch (o->type) {
  case OPTION_NAME:
    if (!value_is_name(node->text))
      return fail_at(r, node, "a name is 1 to 64 of letters, digits, '_', '.' and '-'");
    *(const char **)out = node->text.data;
    return STATUS_OK;
  case OPTION_TEXT: *(const char **)out = node->text.data; return STATUS_OK;
  case OPTION_PATH:
    node->text = slice_of(path_resolve(r, node->text));
    *(const char **)out = node->text.data;
    return STATUS_OK;
  case OPTION_SECRET: return read_secret(r, node, out);
  case OPTION_CHOICE: return read_choice(r, node, o, out);
  case OPTION_DATE:
    if (day_parse(node->text, out)) return STATUS_OK;
    return fail_at(r, node, "\"%s\" is not a date, as 2026-11-23", node->text.data);
  default: return read_number(r, node, o, out);
  }
}

enum status switch_read(struct reading *r, const struct node *node, bool *out) {
  static const char *const texts[] = {"false", "no", "off", "true", "yes", "on", NULL};
  enum status status = expect_text(r, node);
  if (status != STATUS_OK) return status;
  for (size_t i = 0; texts[i] && node->plain; i++) {
    if (strcmp(texts[i], node->text.data) != 0) continue;
    *out = i >= 3;
    return STATUS_OK;
  }
  return fail_at(r, node, "\"%s\" is not true or false", node->text.data);
}

/* --- a map --- */

static enum status unknown_key(struct reading *r, const struct node *node,
                               const struct option *table) {
  const char *names[64];
  size_t count = 0;
  for (const struct option *o = table; o->name && count < 63; o++)
    names[count++] = o->name;
  names[count] = NULL;
  return fail_at_key(r, node, "unknown key \"%s\"%s", node->key, did_you_mean(r, node->key, names));
}

static const struct option *option_named(const struct option *table, const char *name) {
  for (; table->name; table++)
    if (strcmp(table->name, name) == 0) return table;
  return NULL;
}

/* The default is YAML like anything else. */
static struct node *fallback_node(struct reading *r, const char *text) {
  struct reading plain = {.label = "default", .dir = r->dir, .arena = r->arena, .error = r->error};
  return yaml_read(&plain, slice_of(text));
}

static enum status option_read(struct reading *r, struct node *map, const struct option *o,
                               void *base) {
  struct node *node = node_child(map, o->name);
  if (node_is_empty(node)) {
    if (o->flags & REQUIRED) return fail_at(r, map, "\"%s\" is missing here", o->name);
    node = NULL;
    if (o->fallback) node = fallback_node(r, o->fallback);
    if (o->fallback && !node) return STATUS_BUG;
  }
  if (o->type == OPTION_SECTION) return section_read(r, node, o->table, base);
  if (!node) return STATUS_OK;
  if (o->type == OPTION_READ) return o->read(r, node, base);
  enum status status = scalar_read(r, node, o, (char *)base + o->offset);
  /* A default path is shown as what it came to. */
  if (status == STATUS_OK && o->type == OPTION_PATH && !node->key)
    node_give(r, map, o->name, node->text);
  return status;
}

enum status section_read(struct reading *r, struct node *node, const struct option *table,
                         void *base) {
  struct node none = {.kind = NODE_MAP, .line = 1, .column = 1};
  if (!node) node = &none;
  if (node->kind != NODE_MAP) return fail_at(r, node, "a map (key: value) is needed here");
  for (const struct node *n = node->child; n; n = n->next)
    if (!option_named(table, n->key)) return unknown_key(r, n, table);
  /* What is given is read in the order of the file, so that the first error is
   * the first in it; then what is not. */
  for (struct node *n = node->child; n; n = n->next) {
    if (node_is_empty(n)) continue;
    enum status status = option_read(r, node, option_named(table, n->key), base);
    if (status != STATUS_OK) return status;
  }
  for (const struct option *o = table; o->name; o++) {
    if (!node_is_empty(node_child(node, o->name))) continue;
    enum status status = option_read(r, node, o, base);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

/* --- showing --- */

/* One entry a dash: its first line stands behind the dash. */
static void dump_entries(const struct node *list, const struct option *table, unsigned indent,
                         struct writer *out) {
  put_text(out, list->count ? "\n" : " []\n");
  for (const struct node *n = list->child; n; n = n->next) {
    struct writer entry = {.limit = 0};
    section_dump(n, table, indent + 4, &entry);
    put_format(out, "%*s- ", (int)indent + 2, "");
    if (entry.len > indent + 4) put_bytes(out, entry.data + indent + 4, entry.len - indent - 4);
    writer_free(&entry);
  }
}

static void dump_section(const struct node *node, const struct option *o, unsigned indent,
                         struct writer *out) {
  struct writer content = {.limit = 0};
  section_dump(node, o->table, indent + 2, &content);
  if (content.len > 0)
    put_format(out, "%*s%s:\n", (int)indent, "", o->name);
  else if (node)
    put_format(out, "%*s%s: {}\n", (int)indent, "", o->name);
  put_slice(out, writer_slice(&content));
  writer_free(&content);
}

static void dump_option(const struct node *map, const struct option *o, unsigned indent,
                        struct writer *out) {
  const struct node *node = node_child(map, o->name);
  if (node_is_empty(node)) node = NULL;
  if (o->type == OPTION_SECTION) {
    dump_section(node, o, indent, out);
    return;
  }
  if (!node && !o->fallback) return;
  put_format(out, "%*s%s:", (int)indent, "", o->name);
  if (node && o->entries && node->kind == NODE_LIST) {
    dump_entries(node, o->table, indent, out);
    return;
  }
  put_char(out, ' ');
  if (node)
    node_dump(node, out);
  else
    put_text(out, o->fallback);
  put_char(out, '\n');
}

void section_dump(const struct node *map, const struct option *table, unsigned indent,
                  struct writer *out) {
  for (const struct option *o = table; o->name; o++)
    dump_option(map, o, indent, out);
}

const char *section_fixed_change(const struct node *a, const struct node *b,
                                 const struct option *table) {
  for (const struct option *o = table; o->name; o++) {
    if (!(o->flags & FIXED)) continue;
    struct writer was = {.limit = 0}, becomes = {.limit = 0};
    dump_option(a, o, 0, &was);
    dump_option(b, o, 0, &becomes);
    bool same = slice_equal(writer_slice(&was), writer_slice(&becomes));
    writer_free(&was);
    writer_free(&becomes);
    if (!same) return o->name;
  }
  return NULL;
}

static const char *type_text(const struct option *o, char *choices, size_t size) {
  static const char *const names[] = {
      [OPTION_TEXT] = "text",        [OPTION_NAME] = "name",  [OPTION_PATH] = "path",
      [OPTION_SECRET] = "path",      [OPTION_INT] = "number", [OPTION_DURATION] = "duration",
      [OPTION_SIZE] = "size",        [OPTION_RATE] = "rate",  [OPTION_MODE] = "mode",
      [OPTION_TIME] = "time of day", [OPTION_DATE] = "date",  [OPTION_CHOICE] = "choice",
      [OPTION_SECTION] = "section"};
  if (o->type_name) return o->type_name;
  if (o->type != OPTION_CHOICE) return names[o->type];
  size_t len = 0;
  for (size_t i = 0; o->choices[i] && len < size; i++)
    len += (size_t)snprintf(choices + len, size - len, "%s%s", i ? " | " : "", o->choices[i]);
  return choices;
}

static void walk(const struct option *table, const char *prefix, bool fixed,
                 void (*each)(const struct config_option *, void *), void *user) {
  for (const struct option *o = table; o->name; o++) {
    char choices[128], below[96];
    struct config_option shown = {.fallback = o->fallback,
                                  .required = o->flags & REQUIRED,
                                  .reloadable = !fixed && !(o->flags & FIXED),
                                  .help = o->help};
    snprintf(shown.path, sizeof shown.path, "%s%s", prefix, o->name);
    shown.type = type_text(o, choices, sizeof choices);
    each(&shown, user);
    if (!o->table) continue;
    snprintf(below, sizeof below, "%s%s%s.", prefix, o->name, o->entries ? "[]" : "");
    walk(o->table, below, fixed || (o->flags & FIXED), each, user);
  }
}

void config_options(enum config_file file, void (*each)(const struct config_option *, void *),
                    void *user) {
  static const struct option *const tables[] = {main_options, policy_options, roster_options,
                                                layout_options};
  walk(tables[file], "", false, each, user);
}
