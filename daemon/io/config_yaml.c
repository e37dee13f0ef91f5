/* YAML text to a tree with marks. libyaml's own tree takes duplicate keys and
 * any depth, so the events are read here, with limits. */
#include <stdarg.h>
#include <stdio.h>
#include <yaml.h>

#include "config_internal.h"

enum { DEPTH_MAX = 32, KEYS_MAX = 256 };

static enum status fail_mark(struct reading *r, unsigned line, unsigned column, const char *format,
                             va_list args) {
  char message[ERROR_TEXT_SIZE];
  vsnprintf(message, sizeof message, format, args);
  return error_set(r->error, STATUS_CONFIG, "%s:%u:%u: %s", r->label, line, column, message);
}

enum status fail_at(struct reading *r, const struct node *node, const char *format, ...) {
  va_list args;
  va_start(args, format);
  enum status status = fail_mark(r, node->line, node->column, format, args);
  va_end(args);
  return status;
}

enum status fail_at_key(struct reading *r, const struct node *node, const char *format, ...) {
  va_list args;
  va_start(args, format);
  enum status status = fail_mark(r, node->key ? node->key_line : node->line,
                                 node->key ? node->key_column : node->column, format, args);
  va_end(args);
  return status;
}

const char *did_you_mean(struct reading *r, const char *word, const char *const *candidates) {
  const char *near = nearest_word(word, candidates);
  size_t word_len = strlen(word); /* "password" for "password_file" */
  for (size_t i = 0; !near && word_len >= 3 && candidates[i]; i++)
    if (strncmp(candidates[i], word, word_len) == 0) near = candidates[i];
  if (!near) return "";
  char text[256];
  int len = snprintf(text, sizeof text, ", did you mean \"%s\"?", near);
  return arena_dup(r->arena,
                   (struct slice){text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1});
}

void warn_at(struct reading *r, const struct node *node, const char *format, ...) {
  if (!r->config) return;
  char message[ERROR_TEXT_SIZE], text[ERROR_TEXT_SIZE + 256];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  snprintf(text, sizeof text, "%s:%u:%u: %s", r->label, node->line, node->column, message);
  struct config *config = r->config;
  const char **grown = arena_alloc(r->arena, (config->warning_count + 1) * sizeof *grown);
  for (size_t i = 0; i < config->warning_count; i++)
    grown[i] = config->warnings[i];
  grown[config->warning_count++] = arena_dup(r->arena, slice_of(text));
  config->warnings = grown;
}

struct node *node_child(const struct node *map, const char *key) {
  for (struct node *n = map ? map->child : NULL; n; n = n->next)
    if (strcmp(n->key, key) == 0) return n;
  return NULL;
}

static void append(struct node *parent, struct node *node) {
  if (parent->last)
    parent->last->next = node;
  else
    parent->child = node;
  parent->last = node;
  parent->count++;
}

void node_give(struct reading *r, struct node *map, const char *key, struct slice text) {
  struct node *node = node_child(map, key);
  if (!node) {
    node = arena_alloc(r->arena, sizeof *node);
    node->key = key;
    append(map, node);
  }
  node->text = text;
  node->plain = false;
}

bool node_is_empty(const struct node *node) {
  return !node || (node->kind == NODE_SCALAR && node->plain && node->text.len == 0);
}

/* --- events to nodes --- */

struct builder {
  struct reading *r;
  yaml_parser_t parser;
  struct node *open[DEPTH_MAX]; /* lists and maps not yet closed */
  unsigned depth;
  struct node *root;
  struct node *key; /* a scalar that waits for its value */
  unsigned documents;
};

static struct node *node_new(struct builder *b, enum node_kind kind, const yaml_event_t *event) {
  struct node *node = arena_alloc(b->r->arena, sizeof *node);
  node->kind = kind;
  node->line = (unsigned)event->start_mark.line + 1;
  node->column = (unsigned)event->start_mark.column + 1;
  return node;
}

static enum status take_key(struct builder *b, struct node *map, struct node *key) {
  const struct node *same = node_child(map, key->text.data);
  if (same)
    return fail_at(b->r, key, "duplicate key \"%s\", first on line %u", key->text.data,
                   same->key_line);
  if (map->count >= KEYS_MAX) return fail_at(b->r, key, "more than %d keys in one map", KEYS_MAX);
  b->key = key;
  return STATUS_OK;
}

/* Puts a node where it belongs: the root, a list, or a map's next value. */
static enum status attach(struct builder *b, struct node *node) {
  if (b->depth == 0) {
    b->root = node;
    return STATUS_OK;
  }
  struct node *parent = b->open[b->depth - 1];
  if (parent->kind == NODE_MAP && !b->key) {
    if (node->kind != NODE_SCALAR) return fail_at(b->r, node, "a key must be a plain text");
    return take_key(b, parent, node);
  }
  if (b->key) {
    node->key = b->key->text.data;
    node->key_line = b->key->line;
    node->key_column = b->key->column;
    b->key = NULL;
  }
  if (parent->last)
    parent->last->next = node;
  else
    parent->child = node;
  parent->last = node;
  parent->count++;
  return STATUS_OK;
}

static enum status take_scalar(struct builder *b, const yaml_event_t *event) {
  struct node *node = node_new(b, NODE_SCALAR, event);
  struct slice text = {(const char *)event->data.scalar.value, event->data.scalar.length};
  if (text.len > 0 && memchr(text.data, 0, text.len))
    return fail_at(b->r, node, "a text must not hold a NUL character");
  if (event->data.scalar.tag || event->data.scalar.anchor)
    return fail_at(b->r, node, "tags, anchors and aliases are not taken");
  node->text = (struct slice){arena_dup(b->r->arena, text), text.len};
  node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
  return attach(b, node);
}

static enum status take_opening(struct builder *b, const yaml_event_t *event) {
  bool map = event->type == YAML_MAPPING_START_EVENT;
  struct node *node = node_new(b, map ? NODE_MAP : NODE_LIST, event);
  const void *tag = map ? event->data.mapping_start.tag : event->data.sequence_start.tag;
  const void *anchor = map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
  if (tag || anchor) return fail_at(b->r, node, "tags, anchors and aliases are not taken");
  if (b->depth == DEPTH_MAX)
    return fail_at(b->r, node, "more than %d levels of nesting", DEPTH_MAX);
  enum status status = attach(b, node);
  if (status == STATUS_OK) b->open[b->depth++] = node;
  return status;
}

static enum status take_event(struct builder *b, const yaml_event_t *event) {
  switch (event->type) {
  case YAML_SCALAR_EVENT: return take_scalar(b, event);
  case YAML_SEQUENCE_START_EVENT:
  case YAML_MAPPING_START_EVENT: return take_opening(b, event);
  case YAML_SEQUENCE_END_EVENT:
  case YAML_MAPPING_END_EVENT: b->depth--; return STATUS_OK;
  case YAML_ALIAS_EVENT:
    return fail_at(b->r, node_new(b, NODE_SCALAR, event),
                   "tags, anchors and aliases are not taken");
  case YAML_DOCUMENT_START_EVENT:
    if (b->documents++ == 0) return STATUS_OK;
    return fail_at(b->r, node_new(b, NODE_SCALAR, event), "a second document begins here");
  default: return STATUS_OK;
  }
}

static enum status fail_parser(struct builder *b) {
  const yaml_parser_t *p = &b->parser;
  const char *problem = p->problem ? p->problem : "it is no YAML";
  yaml_mark_t mark = p->problem_mark;
  if (p->error == YAML_READER_ERROR) { /* it tells a byte offset alone */
    return error_set(b->r->error, STATUS_CONFIG, "%s:%zu:%zu: %s", b->r->label, p->mark.line + 1,
                     p->mark.column + 1, problem);
  }
  return error_set(b->r->error, STATUS_CONFIG, "%s:%zu:%zu: %s", b->r->label, mark.line + 1,
                   mark.column + 1, problem);
}

static enum status build(struct builder *b) {
  for (;;) {
    yaml_event_t event;
    if (!yaml_parser_parse(&b->parser, &event)) return fail_parser(b);
    bool end = event.type == YAML_STREAM_END_EVENT;
    enum status status = take_event(b, &event);
    yaml_event_delete(&event);
    if (status != STATUS_OK || end) return status;
  }
}

struct node *yaml_read(struct reading *r, struct slice text) {
  struct builder b = {.r = r};
  if (!yaml_parser_initialize(&b.parser)) {
    error_set(r->error, STATUS_BUG, "libyaml does not start");
    return NULL;
  }
  yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&b.parser, (const unsigned char *)(text.data ? text.data : ""),
                               text.len);
  enum status status = build(&b);
  yaml_parser_delete(&b.parser);
  if (status != STATUS_OK) return NULL;
  if (b.root && !node_is_empty(b.root)) return b.root;
  struct node *empty = arena_alloc(r->arena, sizeof *empty);
  *empty = (struct node){.kind = NODE_MAP, .line = 1, .column = 1};
  return empty;
}

/* --- back to text --- */

static bool is_safe_plain(struct slice text) {
  static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+";
  for (size_t i = 0; i < text.len; i++)
    if (!strchr(safe, text.data[i]) && !(text.data[i] == '-' && i > 0)) return false;
  return text.len > 0;
}

static void dump_scalar(const struct node *node, struct writer *out) {
  if (node->plain && is_safe_plain(node->text)) {
    put_slice(out, node->text);
    return;
  }
  put_char(out, '"');
  for (size_t i = 0; i < node->text.len; i++) {
    unsigned char c = (unsigned char)node->text.data[i];
    if (c < 0x20 || c == 0x7f)
      put_format(out, "\\x%02x", c);
    else if (c == '"' || c == '\\')
      put_format(out, "\\%c", c);
    else
      put_char(out, (char)c);
  }
  put_char(out, '"');
}

void node_dump(const struct node *node, struct writer *out) {
  if (node->kind == NODE_SCALAR) {
    dump_scalar(node, out);
    return;
  }
  put_char(out, node->kind == NODE_MAP ? '{' : '[');
  for (const struct node *n = node->child; n; n = n->next) {
    if (n != node->child) put_text(out, ", ");
    if (n->key) put_format(out, "%s: ", n->key);
    node_dump(n, out);
  }
  put_char(out, node->kind == NODE_MAP ? '}' : ']');
}
