#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callpace/base/csv.h"
#include "callpace/base/mem.h"
#include "callpace/base/table.h"
#include "callpace/base/text.h"
#include "callpace/control.h"
#include "callpace/core/period.h"
#include "callpace/leads.h"

enum { EXIT_LEFT_OUT = 1, TOLD_MAX = 20, DIGITS_MIN = 3, NUMBER_MAX = 64, PLACES = 4 };
enum place { PLACE_AGENT, PLACE_LEAD, PLACE_NUMBER, PLACE_WEEK };

/* ---- out ---- */

static void put_field(struct writer *w, const json_t *object, const char *key) {
  char room[32];
  text_put_csv(w, json_text(object, key, room));
}

void leads_put_row(const json_t *agent, const json_t *lead) {
  struct writer row = {0};
  put_field(&row, agent, "agent");
  static const char *const keys[] = {"lead", "number", "", "dials", "contacts", "state"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    put_char(&row, ',');
    put_field(&row, keys[i][0] ? lead : agent, keys[i][0] ? keys[i] : "week");
  }
  put_text(&row, json_is_true(json_object_get(lead, "received")) ? ",1\r\n" : ",0\r\n");
  fwrite(row.data, 1, row.len, stdout);
  writer_free(&row);
}

/* ---- in ---- */

struct importing {
  const struct leads_import *import;
  json_t *agents;     /* lead-weeks */
  struct table by_id; /* agent id -> its row in `agents` */
  struct table seen;  /* week and lead -> anything */
  struct arena names;
  int columns[PLACES]; /* of the file; -1: it has none */
  struct writer lines;
  unsigned long taken, left_out;
};

static void leave_out(struct importing *in, unsigned long line, const char *why,
                      struct slice what) {
  struct writer text = {0};
  if (++in->left_out <= TOLD_MAX) {
    text_put_terminal(&text, what, 0, false);
    fprintf(stderr, "%s:%lu: %s: %s\n", in->import->path, line, why, writer_text(&text));
  } else if (in->left_out == TOLD_MAX + 1) {
    fputs("… and more\n", stderr);
  }
  writer_free(&text);
}

static bool is_number(struct slice text) {
  unsigned digits = 0;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.data[i];
    if (c >= '0' && c <= '9')
      digits++;
    else if (!strchr("+-() ./", c))
      return false;
  }
  return digits >= DIGITS_MIN && text.len <= NUMBER_MAX;
}

/* False when a row of the file issued it already. */
static bool is_new(struct importing *in, struct slice week, struct slice lead) {
  struct writer key = {0};
  put_blob(&key, week);
  put_slice(&key, lead);
  bool fresh = !table_get(&in->seen, writer_slice(&key));
  if (fresh) {
    char *kept = arena_dup(&in->names, writer_slice(&key));
    table_put(&in->seen, (struct slice){kept, key.len}, kept);
  }
  writer_free(&key);
  return fresh;
}

static void put_line(struct importing *in, const struct slice field[PLACES]) {
  struct writer *w = &in->lines;
  json_open(w, '{');
  json_put_text(w, "type", "lead.issue");
  json_put_string(w, "agent", field[PLACE_AGENT]);
  json_put_string(w, "lead", field[PLACE_LEAD]);
  json_put_string(w, "number", field[PLACE_NUMBER]);
  if (field[PLACE_WEEK].len) json_put_string(w, "week", field[PLACE_WEEK]);
  json_close(w, '}');
  put_char(w, '\n');
  w->comma = false;
  in->taken++;
}

static void take_row(struct importing *in, const struct csv *csv) {
  struct slice field[PLACES];
  day_t monday;
  for (int i = 0; i < PLACES; i++)
    field[i] = in->columns[i] < 0 ? SLICE("") : csv_field(csv, (unsigned)in->columns[i]);
  if (field[PLACE_WEEK].len == 0 && in->import->week)
    field[PLACE_WEEK] = slice_of(in->import->week);
  const json_t *agent = table_get(&in->by_id, field[PLACE_AGENT]);
  if (!agent)
    leave_out(in, csv->line, "unknown agent", field[PLACE_AGENT]);
  else if (json_is_true(json_object_get(agent, "on_hold")))
    leave_out(in, csv->line, "no leads are issued to this agent (hold)", field[PLACE_AGENT]);
  else if (field[PLACE_LEAD].len == 0 ||
           text_utf8_prefix(field[PLACE_LEAD]) < field[PLACE_LEAD].len)
    leave_out(in, csv->line, "no id of a lead", field[PLACE_LEAD]);
  else if (!is_number(field[PLACE_NUMBER]))
    leave_out(in, csv->line, "not a telephone number", field[PLACE_NUMBER]);
  else if (field[PLACE_WEEK].len && !week_parse(field[PLACE_WEEK], &monday))
    leave_out(in, csv->line, "not a week like 2026-W48", field[PLACE_WEEK]);
  else if (!is_new(in, field[PLACE_WEEK], field[PLACE_LEAD]))
    leave_out(in, csv->line, "the lead stands in the file twice", field[PLACE_LEAD]);
  else
    put_line(in, field);
}

static bool take_titles(struct importing *in, const struct csv *csv) {
  static const char *const titles[PLACES] = {"agent", "lead", "number", "week"};
  for (int i = 0; i < PLACES; i++) {
    in->columns[i] = -1;
    for (unsigned c = 0; c < csv->count; c++)
      if (slice_equal(csv->fields[c], slice_of(titles[i]))) in->columns[i] = (int)c;
  }
  return in->columns[PLACE_AGENT] >= 0 && in->columns[PLACE_LEAD] >= 0 &&
         in->columns[PLACE_NUMBER] >= 0;
}

static enum status read_file(struct importing *in, struct error *error) {
  struct writer text = {0};
  FILE *file = fopen(in->import->path, "re");
  char block[65536];
  if (!file) return error_set_errno(error, STATUS_IO, "%s", in->import->path);
  for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;)
    put_bytes(&text, block, got);
  fclose(file);
  struct csv csv = csv_of(writer_slice(&text));
  if (!csv_next(&csv) || !take_titles(in, &csv))
    error_set(error, STATUS_USAGE, "%s:1: columns agent, lead and number are needed",
              in->import->path);
  else
    while (csv_next(&csv))
      take_row(in, &csv);
  csv_free(&csv);
  writer_free(&text);
  return error->status;
}

/* ---- to the daemon ---- */

static enum status ask_agents(struct importing *in, const struct client_options *options,
                              struct error *error) {
  size_t i;
  json_t *agent;
  in->agents = client_ask_once(
      options, json_pack("{s:s, s:s*}", "command", "lead-weeks", "week", in->import->week), error);
  json_array_foreach(in->agents, i, agent) {
    const char *id = json_string_value(json_object_get(agent, "agent"));
    if (id) table_put(&in->by_id, slice_of(id), agent);
  }
  return error->status;
}

/* The daemon's first source of lines. */
static enum status find_source(const struct client_options *options, char to[512],
                               struct error *error) {
  size_t i;
  json_t *source,
      *status = client_ask_once(options, json_pack("{s:s}", "command", "status"), error);
  to[0] = 0;
  json_array_foreach(json_object_get(status, "sources"), i, source) {
    const char *type = json_string_value(json_object_get(source, "type"));
    const char *listen = json_string_value(json_object_get(source, "listen"));
    if (!to[0] && type && listen && strcmp(type, "native") == 0) snprintf(to, 512, "%s", listen);
  }
  json_decref(status);
  if (!error->status && !to[0])
    error_set(error, STATUS_USAGE, "the daemon has no native source to take leads: --to ADDRESS");
  return error->status;
}

/* The lines as a file of callpace feed, which knows how to go on after a break; run
 * again for the same content it sends nothing twice. */
static int feed_lines(struct importing *in, struct client_options *options, const char *to) {
  char path[64], epoch[64];
  int fd = memfd_create("leads", 0);
  struct error error = {0};
  if (fd < 0 || write(fd, in->lines.data, in->lines.len) != (ssize_t)in->lines.len) {
    error_set_errno(&error, STATUS_IO, "cannot keep the lines");
    return client_fail(&error);
  }
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  struct stat about = {0};
  stat(in->import->path, &about);
  snprintf(epoch, sizeof epoch, "leads %lld.%09ld %zu", (long long)about.st_mtim.tv_sec,
           about.st_mtim.tv_nsec, in->lines.len);
  const char *words[] = {path,         "--to",         to,
                         "--producer", "leads-import", "--epoch",
                         epoch,        "--token-file", in->import->token_file};
  int count = (int)(sizeof words / sizeof *words) - (in->import->token_file ? 0 : 2);
  int code = command_feed.run(options, count, (char **)(uintptr_t)words);
  close(fd);
  return code;
}

static int deliver(struct importing *in, struct client_options *options) {
  char found[512];
  struct error error = {0};
  const char *to = in->import->to;
  fprintf(stderr, "%lu leads to issue, %lu left out\n", in->taken, in->left_out);
  if (in->import->dry_run || in->taken == 0) return in->left_out ? EXIT_LEFT_OUT : STATUS_OK;
  if (!to && find_source(options, found, &error)) return client_fail(&error);
  int code = feed_lines(in, options, to ? to : found);
  return code == STATUS_OK && in->left_out ? EXIT_LEFT_OUT : code;
}

int leads_import(struct client_options *options, const struct leads_import *import) {
  struct importing in = {.import = import};
  struct error error = {0};
  int code;
  if (ask_agents(&in, options, &error) || read_file(&in, &error))
    code = client_fail(&error);
  else
    code = deliver(&in, options);
  json_decref(in.agents);
  table_free(&in.by_id);
  table_free(&in.seen);
  arena_free(&in.names);
  writer_free(&in.lines);
  return code;
}
