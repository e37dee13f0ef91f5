/* Is a configuration sound, and does a layout fit the lines of a switch? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callpace/base/text.h"
#include "callpace/control.h"
#include "callpace/core/record.h"
#include "callpace/dialect/dialect.h"
#include "callpace/io/config.h"

/* --- the configuration --- */

static int check_files(struct client_options *options, const char *path) {
  struct error error = {0};
  struct writer found = {0};
  enum status status = config_check(path, &found, &error);
  if (options->json) {
    json_t *report = json_pack("{s:b, s:s?, s:s}", "ok", !status, "error",
                               status ? error.text : NULL, "found", writer_text(&found));
    json_print(report);
    json_decref(report);
  } else {
    fputs(writer_text(&found), stdout);
  }
  writer_free(&found);
  return status ? client_fail(&error) : STATUS_OK;
}

/* --- lines of a switch --- */

struct sampling {
  bool json;
  void *dialect;
  size_t line_number, calls, passed_over, refused;
  json_t *entry; /* of the line at hand */
};

static const struct config_source *smdr_source(const struct config *config, const char *name,
                                               struct error *error) {
  const struct config_source *found = NULL;
  for (size_t i = 0; i < config->source_count; i++) {
    const struct config_source *source = &config->sources[i];
    if (!source->layout || (name && strcmp(source->name, name) != 0)) continue;
    if (found) {
      error_set(error, STATUS_USAGE, "several sources have a layout: say which, --source NAME");
      return NULL;
    }
    found = source;
  }
  if (!found) error_set(error, STATUS_CONFIG, "no such source of type smdr is configured");
  return found;
}

static void show_event(struct sampling *sampling, const struct call_event *event) {
  struct record record = {.type = RECORD_EVENT, .event = *event, .now_ms = event->ts_ms};
  struct writer text = {0}, clean = {0};
  record_to_lines(&record, false, &text);
  if (text.len) text.len--; /* the line feed */
  if (sampling->json) {
    json_t *line = json_loadb(text.data, text.len, 0, NULL);
    json_array_append_new(json_object_get(sampling->entry, "events"), line);
  } else {
    text_put_terminal(&clean, writer_slice(&text), 0, false);
    printf("  %s\n", writer_text(&clean));
  }
  writer_free(&text);
  writer_free(&clean);
}

static void show_outcome(struct sampling *sampling, const struct item *refused, bool told) {
  sampling->calls += told;
  sampling->refused += refused != NULL;
  sampling->passed_over += !told && !refused;
  if (sampling->json) {
    json_object_set_new(sampling->entry, "passed_over", json_boolean(!told && !refused));
    if (refused) {
      json_object_set_new(sampling->entry, "code", json_string(refused->code));
      json_object_set_new(sampling->entry, "message", json_string(refused->message));
    }
    json_print(sampling->entry);
    return;
  }
  if (refused) printf("  refused, %s: %s\n", refused->code, refused->message);
  if (!told && !refused) puts("  passed over: no call of an agent");
}

static void sample_line(struct sampling *sampling, struct slice line) {
  struct writer shown = {0}, out = {0};
  struct item item, refused;
  enum item_kind kind;
  bool told = false, is_refused = false;
  sampling->line_number++;
  text_put_terminal(&shown, (struct slice){line.data, line.len - 1}, 0, false);
  sampling->entry = json_pack("{s:I, s:s, s:[]}", "line", (json_int_t)sampling->line_number, "text",
                              writer_text(&shown), "events");
  if (!sampling->json) printf("%zu: %s\n", sampling->line_number, writer_text(&shown));
  while ((kind = dialect_smdr.next(sampling->dialect, &line, false, clock_wall_ms(), &item,
                                   &out)) != ITEM_MORE) {
    if (kind == ITEM_EVENT) {
      told = true;
      show_event(sampling, &item.event);
    } else if (kind == ITEM_REFUSED) {
      refused = item;
      is_refused = true;
    }
  }
  show_outcome(sampling, is_refused ? &refused : NULL, told);
  json_decref(sampling->entry);
  writer_free(&shown);
  writer_free(&out);
}

static enum status sample_file(struct sampling *sampling, const char *path, struct error *error) {
  FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
  if (!file) return error_set_errno(error, STATUS_IO, "%s", path);
  char *text = NULL;
  size_t capacity = 0;
  ssize_t len;
  while ((len = getline(&text, &capacity, file)) > 0) {
    struct writer line = {0};
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
      len--;
    put_bytes(&line, text, (size_t)len);
    put_char(&line, '\n');
    if (len > 0) sample_line(sampling, writer_slice(&line));
    writer_free(&line);
  }
  free(text);
  if (file != stdin) fclose(file);
  return STATUS_OK;
}

static int check_sample(struct client_options *options, const char *path, const char *sample,
                        const char *name) {
  struct error error = {0};
  struct config *config = NULL;
  struct settings *settings = NULL;
  enum status status = config_load(path, &config, &error);
  if (status == STATUS_OK)
    status = settings_load(config->policy_path, config->roster_path, &settings, &error);
  const struct config_source *source =
      status == STATUS_OK ? smdr_source(config, name, &error) : NULL;
  struct sampling sampling = {.json = options->json};
  if (source) {
    const struct roster *roster = settings->roster;
    const struct zone *zone = settings->policy->calendar.zone;
    struct dialect_setup setup = {.source = source->name,
                                  .layout = source->layout,
                                  .events_clock = config->clock_events,
                                  .roster = &roster,
                                  .zone = &zone};
    sampling.dialect = dialect_smdr.open(&setup);
    sample_file(&sampling, sample, &error);
    dialect_smdr.close(sampling.dialect);
  }
  settings_free(settings);
  config_free(config);
  if (error.status) return client_fail(&error);
  if (!options->json)
    printf("%zu calls, %zu lines passed over, %zu refused\n", sampling.calls, sampling.passed_over,
           sampling.refused);
  return sampling.refused ? STATUS_CONFIG : STATUS_OK;
}

static int run_check(struct client_options *options, int argc, char **argv) {
  const char *path = NULL, *sample = NULL, *source = NULL;
  const struct option_row rows[] = {{"--sample", OPTION_TEXT, &sample},
                                    {"--source", OPTION_TEXT, &source},
                                    {NULL, OPTION_FLAG, NULL}};
  enum status status = options_read(options, rows, argc, argv, &path, 0, 1);
  if (status) return status;
  if (!path) path = options->config;
  if (!path && sample) path = "/etc/callpace/callpace.yaml";
  if (!path) return client_usage_error("check what? callpace check FILE");
  return sample ? check_sample(options, path, sample, source) : check_files(options, path);
}

const struct command command_check = {
    .name = "check",
    .arguments = "FILE [--sample LINES [--source NAME]]",
    .summary = "Check a configuration with its policy and roster, or a layout with lines",
    .manual = "Prints what was found, or FILE:LINE:COLUMN of the first fault (exit 78). Does\n"
              "what callpaced --check-config does; no daemon is needed.\n"
              "\n"
              "With --sample it shows what each line of LINES (- for standard input) becomes\n"
              "by the layout of the smdr source, as events of the line protocol; exit 78 when\n"
              "one is refused. --source NAME says which, where there are several.\n",
    .run = run_check,
};
