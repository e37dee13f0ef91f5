/* The layout file of an smdr source: what the parts of a line mean. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "config_internal.h"

enum { PLACES_MAX = 1000, WORDS_MAX = 1000 };

/* A layout as it stands in the file, with what is not in it. */
struct draft {
  struct smdr_layout *layout;
  const char *kind, *separator, *quote, *unit, *otherwise;
  struct node *regex, *fields;
};

/* --- regular expressions --- */

static enum status regex_make(struct reading *r, const struct node *node, const char *text,
                              regex_t **out) {
  regex_t *regex = mem_zalloc(sizeof *regex);
  int failed = regcomp(regex, text, REG_EXTENDED);
  if (!failed) return *out = regex, STATUS_OK;
  char why[128];
  regerror(failed, regex, why, sizeof why);
  free(regex);
  return fail_at(r, node, "not an extended regular expression: %s", why);
}

static int field_named(struct slice name) {
  for (int i = 0; i < SMDR_FIELDS; i++) {
    if (slice_equal(name, slice_of(smdr_field_name((enum smdr_field)i)))) return i;
  }
  return -1;
}

static enum status no_such_field(struct reading *r, const struct node *node, const char *name) {
  const char *names[SMDR_FIELDS + 1] = {NULL};
  for (int i = 0; i < SMDR_FIELDS; i++)
    names[i] = smdr_field_name((enum smdr_field)i);
  return fail_at(r, node, "no field is named \"%s\"%s", name, did_you_mean(r, name, names));
}

/* POSIX knows no names of groups: "(?<agent>[0-9]+)" is read as "([0-9]+)", and the
 * number of the group kept. */
static enum status groups_read(struct reading *r, const struct node *node,
                               struct smdr_layout *layout, char *plain) {
  unsigned group = 0;
  bool in_brackets = false;
  for (const char *at = node->text.data; *at; at++) {
    *plain++ = *at;
    if (*at == '\\' && at[1]) {
      *plain++ = *++at;
    } else if (in_brackets) {
      in_brackets = *at != ']';
    } else if (*at == '[') {
      in_brackets = true;
      if (at[1] == '^') *plain++ = *++at;
      if (at[1] == ']') *plain++ = *++at;
    } else if (*at == '(') {
      if (++group >= SMDR_GROUPS_MAX)
        return fail_at(r, node, "more than %d groups", SMDR_GROUPS_MAX - 1);
      if (at[1] != '?' || at[2] != '<') continue;
      const char *name = at + 3, *end = strchr(name, '>');
      if (!end) return fail_at(r, node, "a name of a group begins with (?< and ends with >");
      const char *copy = arena_dup(r->arena, (struct slice){name, (size_t)(end - name)});
      int field = field_named(slice_of(copy));
      if (field < 0) return no_such_field(r, node, copy);
      if (layout->places[field].given) return fail_at(r, node, "\"%s\" is there twice", copy);
      layout->places[field] = (struct smdr_place){.given = true, .from = group};
      at = end;
    }
  }
  *plain = '\0';
  return STATUS_OK;
}

static enum status regex_apply(struct reading *r, const struct draft *draft) {
  const struct node *node = draft->regex;
  char *plain = arena_alloc(r->arena, node->text.len + 1);
  enum status status = groups_read(r, node, draft->layout, plain);
  if (status != STATUS_OK) return status;
  return regex_make(r, node, plain, &draft->layout->regex);
}

/* --- places --- */

static bool columns_parse(const char *text, struct smdr_place *place) {
  char *end;
  unsigned long from = strtoul(text, &end, 10), to = from;
  if (end == text) return false;
  if (*end == '-') {
    const char *second = end + 1;
    to = strtoul(second, &end, 10);
    if (end == second) return false;
  }
  if (*end || from < 1 || to < from || to > PLACES_MAX) return false;
  place->from = (unsigned)from;
  place->to = (unsigned)to;
  return true;
}

static enum status place_read(struct reading *r, const struct node *node, enum smdr_kind kind,
                              struct smdr_place *place) {
  enum status status = expect_text(r, node);
  if (status != STATUS_OK) return status;
  if (!columns_parse(node->text.data, place))
    return fail_at(r, node, "\"%s\" is no place: %s", node->text.data,
                   kind == SMDR_COLUMNS ? "columns from 1, as 8-13"
                                        : "the position of the part, from 1");
  if (kind == SMDR_SEPARATED && place->from != place->to)
    return fail_at(r, node, "one part of the line, not several");
  place->given = true;
  return STATUS_OK;
}

/* {at: 12, match: "^E(.+)$"}; of a regular expression `match` alone. */
static enum status place_map_read(struct reading *r, const struct node *node, enum smdr_kind kind,
                                  struct smdr_place *place) {
  for (const struct node *n = node->child; n; n = n->next) {
    enum status status = STATUS_OK;
    if (strcmp(n->key, "at") == 0 && kind != SMDR_REGEX) {
      status = place_read(r, n, kind, place);
    } else if (strcmp(n->key, "match") == 0) {
      status = expect_text(r, n);
      if (status == STATUS_OK) status = regex_make(r, n, n->text.data, &place->match);
    } else {
      return fail_at_key(r, n, "a field has %s\"match\", not \"%s\"",
                         kind == SMDR_REGEX ? "" : "\"at\" and ", n->key);
    }
    if (status != STATUS_OK) return status;
  }
  if (place->given) return STATUS_OK;
  return fail_at(r, node,
                 kind == SMDR_REGEX ? "the regex has no group of this name"
                                    : "\"at\" is missing here");
}

static enum status fields_apply(struct reading *r, const struct draft *draft) {
  struct smdr_layout *layout = draft->layout;
  if (!draft->fields) return STATUS_OK;
  if (draft->fields->kind != NODE_MAP)
    return fail_at(r, draft->fields, "a map of fields and their places is needed here");
  for (const struct node *n = draft->fields->child; n; n = n->next) {
    int field = field_named(slice_of(n->key));
    if (field < 0) return no_such_field(r, n, n->key);
    struct smdr_place *place = &layout->places[field];
    enum status status = n->kind == NODE_MAP || layout->kind == SMDR_REGEX
                             ? place_map_read(r, n, layout->kind, place)
                             : place_read(r, n, layout->kind, place);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

/* --- words --- */

static enum status words_add(struct reading *r, const struct node *list, int meaning,
                             struct smdr_words *words) {
  enum status status = expect_list(r, list, "words");
  if (status != STATUS_OK) return status;
  if (list->count + words->count > WORDS_MAX) return fail_at(r, list, "too many words");
  struct smdr_word *grown = arena_alloc(r->arena, (words->count + list->count + 1) * sizeof *grown);
  if (words->count) memcpy(grown, words->at, words->count * sizeof *grown);
  words->at = grown;
  for (const struct node *n = list->child; n; n = n->next) {
    status = expect_text(r, n);
    if (status != STATUS_OK) return status;
    grown[words->count++] = (struct smdr_word){n->text, meaning};
  }
  return STATUS_OK;
}

/* {out: [O, X], in: [I]}: what each list of words means. */
static enum status meanings_read(struct reading *r, const struct node *node,
                                 int (*meaning)(struct slice), const char *const *names,
                                 struct smdr_words *words) {
  if (node->kind != NODE_MAP) return fail_at(r, node, "a map of lists of words is needed here");
  for (const struct node *n = node->child; n; n = n->next) {
    int found = meaning(slice_of(n->key));
    if (!found)
      return fail_at_key(r, n, "unknown key \"%s\"%s", n->key, did_you_mean(r, n->key, names));
    enum status status = words_add(r, n, found, words);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

static const char *const dir_names[] = {"out", "in", "internal", NULL};
static const char *const outcome_names[] = {"answered", "no_answer", "busy",
                                            "failed",   "cancelled", NULL};

static int dir_meaning(struct slice name) {
  return (int)call_dir_parse(name);
}

static int outcome_meaning(struct slice name) {
  return (int)call_outcome_parse(name);
}

#define LAYOUT(base) (((struct draft *)(base))->layout)

static enum status dir_read(struct reading *r, struct node *node, void *base) {
  return meanings_read(r, node, dir_meaning, dir_names, &LAYOUT(base)->dirs);
}

static enum status outcome_read(struct reading *r, struct node *node, void *base) {
  return meanings_read(r, node, outcome_meaning, outcome_names, &LAYOUT(base)->outcomes);
}

static enum status internal_read(struct reading *r, struct node *node, void *base) {
  return words_add(r, node, 1, &LAYOUT(base)->internals);
}

/* --- the rest --- */

static enum status skip_read(struct reading *r, struct node *node, void *base) {
  struct smdr_layout *layout = LAYOUT(base);
  enum status status = expect_list(r, node, "regular expressions");
  if (status != STATUS_OK) return status;
  layout->skip = arena_alloc(r->arena, (node->count + 1) * sizeof *layout->skip);
  for (const struct node *n = node->child; n && status == STATUS_OK; n = n->next) {
    status = expect_text(r, n);
    if (status == STATUS_OK)
      status = regex_make(r, n, n->text.data, &layout->skip[layout->skip_count]);
    if (status == STATUS_OK) layout->skip_count++;
  }
  return status;
}

static enum status regex_read(struct reading *r, struct node *node, void *base) {
  ((struct draft *)base)->regex = node;
  return expect_text(r, node);
}

static enum status fields_read(struct reading *r, struct node *node, void *base) {
  (void)r;
  ((struct draft *)base)->fields = node;
  return STATUS_OK;
}

static enum status timezone_read(struct reading *r, struct node *node, void *base) {
  return zone_load(r, node, &LAYOUT(base)->zone);
}

static enum status format_read(struct reading *r, struct node *node, void *base) {
  LAYOUT(base)->time_format = node->text.data;
  return expect_text(r, node);
}

static enum status time_is_read(struct reading *r, struct node *node, void *base) {
  static const char *const choices[] = {"start", "end", NULL};
  const struct option row = {.type = OPTION_CHOICE, .choices = choices};
  return scalar_read(r, node, &row, &LAYOUT(base)->time_is_end);
}

static enum status duration_is_read(struct reading *r, struct node *node, void *base) {
  static const char *const choices[] = {"talk", "total", NULL};
  const struct option row = {.type = OPTION_CHOICE, .choices = choices};
  return scalar_read(r, node, &row, &LAYOUT(base)->duration_is_total);
}

#define DRAFT(member) offsetof(struct draft, member)
static const char *const kinds[] = {"separated", "columns", "regex", NULL};
static const char *const units[] = {"seconds", "minutes", "milliseconds", NULL};

const struct option layout_options[] = {
    {"kind", OPTION_CHOICE, DRAFT(kind), .choices = kinds, .flags = REQUIRED | CHOICE_TEXT,
     .help = "How a line is taken apart: at a separator, at fixed columns, or by a regular "
             "expression."},
    {"separator", OPTION_TEXT, DRAFT(separator), "\",\"",
     .help = "separated: the character between the parts; \"\\t\" for a tabulator."},
    {"quote", OPTION_TEXT, DRAFT(quote), "'\"'",
     .help = "separated: what stands around a part that holds the separator; none: nothing does."},
    {"regex", OPTION_READ, .read = regex_read, .type_name = "regular expression",
     .help = "regex: extended (POSIX), with named groups: (?<agent>[0-9]+)."},
    {"fields", OPTION_READ, .read = fields_read, .type_name = "map of places",
     .help = "Where each field stands: a position (separated) or columns as 8-13, from 1; or a "
             "map, {at: 12, match: \"^E(.+)$\"}, where match says what of it is the value (its "
             "last group). Fields: call, agent, number, caller, called, dir, internal, start, end, "
             "date, time, duration, ring, outcome, cause, queue, trunk."},
    {"time_format", OPTION_READ, .fallback = "\"%Y-%m-%d %H:%M:%S\"", .read = format_read,
     .type_name = "text",
     .help = "Of start or end, or of date and time with a blank between, as strptime(3); or "
             "epoch, epoch_ms, rfc3339."},
    {"time_is", OPTION_READ, .fallback = "start", .read = time_is_read, .type_name = "start | end",
     .help = "What date and time tell."},
    {"timezone", OPTION_READ, .read = timezone_read, .type_name = "time zone",
     .help = "IANA name of the switch's zone; default the policy's."},
    {"duration_is", OPTION_READ, .fallback = "talk", .read = duration_is_read,
     .type_name = "talk | total", .help = "total: the duration includes the ringing."},
    {"duration_unit", OPTION_CHOICE, DRAFT(unit), "seconds", .choices = units, .flags = CHOICE_TEXT,
     .help = "Of a duration that is one number; 0:12'05 and the like need none."},
    {"dir", OPTION_READ, .read = dir_read, .type_name = "map of lists",
     .help = "What the words of the field dir mean: {out: [O], in: [I], internal: []}."},
    {"dir_otherwise", OPTION_CHOICE, DRAFT(otherwise), "out", .choices = dir_names,
     .flags = CHOICE_TEXT, .help = "The direction where no word of dir fits."},
    {"internal", OPTION_READ, .read = internal_read, .type_name = "list of texts",
     .help = "Words of the field internal by which a call is between colleagues."},
    {"outcome", OPTION_READ, .read = outcome_read, .type_name = "map of lists",
     .help = "What the words of the field outcome mean: {busy: [B], no_answer: [N]}. Where none "
             "fits, a call with talk is answered, one without is not."},
    {"skip", OPTION_READ, .read = skip_read, .type_name = "list of regular expressions",
     .help = "Lines that are no call: headings, rules, dates. Lines without an agent are passed "
             "over by themselves."},
    {.name = NULL}};

static enum status one_character(struct reading *r, const struct node *map, const char *key,
                                 const char *text, char *out) {
  if (strcmp(text, "\\t") == 0) text = "\t";
  if (text[0] && !text[1]) return *out = text[0], STATUS_OK;
  return fail_at(r, node_child(map, key), "one character is needed here");
}

static enum status finish(struct reading *r, const struct node *root, struct draft *draft) {
  struct smdr_layout *layout = draft->layout;
  enum status status = STATUS_OK;
  layout->kind = strcmp(draft->kind, "regex") == 0     ? SMDR_REGEX
                 : strcmp(draft->kind, "columns") == 0 ? SMDR_COLUMNS
                                                       : SMDR_SEPARATED;
  layout->dir_otherwise = call_dir_parse(slice_of(draft->otherwise));
  layout->duration_unit_ms = draft->unit[0] == 's'                 ? MSEC_PER_SEC
                             : strcmp(draft->unit, "minutes") == 0 ? MSEC_PER_MIN
                                                                   : 1;
  status = one_character(r, root, "separator", draft->separator, &layout->separator);
  if (status == STATUS_OK && strcmp(draft->quote, "none") != 0)
    status = one_character(r, root, "quote", draft->quote, &layout->quote);
  if (status == STATUS_OK && layout->kind == SMDR_REGEX && !draft->regex)
    return fail_at(r, root, "kind: regex needs \"regex\"");
  if (status == STATUS_OK && layout->kind == SMDR_REGEX) status = regex_apply(r, draft);
  if (status == STATUS_OK) status = fields_apply(r, draft);
  return status;
}

/* A line must tell who, and when. */
static enum status check_fields(struct reading *r, const struct node *root,
                                const struct smdr_layout *layout) {
  const struct smdr_place *place = layout->places;
  bool when = place[SMDR_START].given || place[SMDR_END].given ||
              (place[SMDR_DATE].given && place[SMDR_TIME].given);
  bool who = place[SMDR_AGENT].given || (place[SMDR_CALLER].given && place[SMDR_CALLED].given);
  if (!when) return fail_at(r, root, "no field tells when: start, end, or date and time");
  if (!who) return fail_at(r, root, "no field tells who: agent, or caller and called");
  if (!place[SMDR_DURATION].given && !place[SMDR_OUTCOME].given)
    return fail_at(r, root, "no field tells what became of a call: duration or outcome");
  return STATUS_OK;
}

enum status layout_from_text(struct reading *r, struct slice text, struct smdr_layout *layout) {
  struct draft draft = {.layout = layout};
  struct node *root = yaml_read(r, text);
  if (!root) return STATUS_CONFIG;
  enum status status = section_read(r, root, layout_options, &draft);
  if (status == STATUS_OK) status = finish(r, root, &draft);
  return status == STATUS_OK ? check_fields(r, root, layout) : status;
}

enum status layout_load(struct reading *r, const struct node *node, struct smdr_layout *layout) {
  const char *path = path_resolve(r, node->text), *slash = strrchr(path, '/');
  struct error why = {.status = STATUS_OK};
  char *text = NULL;
  size_t len = 0;
  if (file_read(path, CONFIG_BYTES_MAX, &text, &len, &why) != STATUS_OK) {
    fail_at(r, node, "%s", why.text);
    if (r->error) r->error->status = why.status;
    return why.status;
  }
  struct reading own = {.label = path, .arena = r->arena, .error = r->error, .config = r->config};
  own.dir = slash ? arena_dup(r->arena, (struct slice){path, (size_t)(slash - path)}) : "";
  layout->path = path;
  /* The nodes borrow from the text. */
  const char *kept = arena_dup(r->arena, (struct slice){text, len});
  free(text);
  return layout_from_text(&own, (struct slice){kept, len}, layout);
}
