#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callpace/base/text.h"
#include "callpace/control.h"
#include "callpace/core/audit.h"
#include "callpace/engine/history.h"
#include "callpace/grid.h"
#include "callpace/past.h"
#include "callpace/show.h"

/* Seconds are cut off at both ends of a call. */
enum { TOLERANCE_MS = 2000 };
#define FILE_BYTES_MAX ((size_t)1 << 30)

struct asked {
  const char *path;
  enum cdr_format format;
  day_t day;
  struct slice text; /* of the file */
  struct audit_calls ours;
};

/* --- for people --- */

static const char *reason_in_words(enum audit_kind kind) {
  switch (kind) {
  case AUDIT_ONLY_IN_CDR: return in_words("only in the switch's records", "仅在话单中");
  case AUDIT_ONLY_HERE: return in_words("only counted here", "仅在本系统中");
  case AUDIT_ANSWERED_DIFFERS: return in_words("answered on one side only", "接通与否不一致");
  default: return in_words("talk differs", "通话时长不一致");
  }
}

static void put_talk(struct grid *grid, const struct cdr_call *call) {
  struct writer text = {0};
  if (call) put_duration(&text, call->talk_ms);
  grid_put(grid, call ? writer_slice(&text) : SLICE("-"), GRID_PLAIN);
  writer_free(&text);
}

/* What stands in the records is anybody's: made harmless. */
static void put_text_cell(struct grid *grid, struct slice value) {
  struct writer text = {0};
  text_put_terminal(&text, value, 0, false);
  grid_put(grid, writer_slice(&text), GRID_PLAIN);
  writer_free(&text);
}

static void show_agents(const struct audit *audit, bool terminal, struct writer *out) {
  struct grid grid;
  grid_begin(&grid, "agent|>dials|>CDR|>answered|>CDR|>inbound|>CDR|>talk|>CDR|>differing");
  for (size_t i = 0; i < audit->agent_count; i++) {
    const struct audit_agent *a = &audit->agents[i];
    enum grid_colour colour = audit_drifts(a) ? GRID_YELLOW : GRID_PLAIN;
    const int64_t figures[] = {a->ours.dials,      a->theirs.dials, a->ours.answered,
                               a->theirs.answered, a->ours.inbound, a->theirs.inbound};
    put_text_cell(&grid, slice_of(a->agent));
    for (size_t f = 0; f < sizeof figures / sizeof *figures; f++)
      grid_put_number(&grid, figures[f], colour);
    put_talk(&grid, &(struct cdr_call){.talk_ms = a->ours.talk_ms});
    put_talk(&grid, &(struct cdr_call){.talk_ms = a->theirs.talk_ms});
    grid_put_number(&grid, (int64_t)a->differing, colour);
  }
  grid_print(&grid, terminal, out);
  grid_free(&grid);
}

static void show_calls(const struct audit *audit, bool terminal, struct writer *out) {
  struct grid grid;
  if (audit->call_count == 0) return;
  grid_begin(&grid, "agent|when|call|number|>talk|>CDR|reason");
  for (size_t i = 0; i < audit->call_count; i++) {
    const struct audit_call *call = &audit->calls[i];
    const struct cdr_call *one = call->ours ? call->ours : call->theirs;
    struct writer when = {0};
    put_local_time(&when, one->start_ms, true);
    put_text_cell(&grid, slice_of(one->agent));
    grid_put(&grid, writer_slice(&when), GRID_PLAIN);
    put_text_cell(&grid, slice_of(one->id));
    put_text_cell(&grid, one->number);
    put_talk(&grid, call->ours);
    put_talk(&grid, call->theirs);
    grid_put(&grid, slice_of(reason_in_words(call->kind)), GRID_DIM);
    writer_free(&when);
  }
  put_char(out, '\n');
  grid_print(&grid, terminal, out);
  grid_free(&grid);
}

static void show_summary(const struct audit *audit, const struct cdr_list *cdr,
                         struct writer *out) {
  size_t drifting = 0;
  for (size_t i = 0; i < audit->agent_count; i++)
    drifting += audit_drifts(&audit->agents[i]);
  put_format(
      out,
      in_words("\n%s: %zu of %zu agents drift, %zu calls differ; %lu rows read, %lu of "
               "nobody here\n",
               "\n%s：%zu / %zu 名坐席有偏差，%zu 个通话不一致；读取 %lu 行，%lu 行无对应坐席\n"),
      period_of(PERIOD_DAY, audit->day).text, drifting, audit->agent_count, audit->call_count,
      cdr->rows, cdr->foreign);
  if (audit->moved_ms)
    put_format(out,
               in_words("The records' clock is %lld minutes off the policy's zone; allowed for.\n",
                        "话单时钟与规则时区相差 %lld 分钟，已校正。\n"),
               (long long)(audit->moved_ms / MSEC_PER_MIN));
}

static void print(const struct client_options *options, const struct audit *audit,
                  const struct cdr_list *cdr) {
  struct writer out = {0};
  bool terminal = output_is_terminal() && !options->json;
  if (options->json) {
    audit_put_json(audit, &out);
    put_char(&out, '\n');
  } else {
    show_agents(audit, terminal, &out);
    show_calls(audit, terminal, &out);
    if (terminal) show_summary(audit, cdr, &out);
  }
  fputs(writer_text(&out), stdout);
  writer_free(&out);
}

/* --- the two sides --- */

static enum status read_file(const char *path, struct writer *text, struct error *error) {
  FILE *file = fopen(path, "re");
  if (!file)
    return error_set_errno(error, errno == EACCES ? STATUS_PERMISSION : STATUS_IO, "%s", path);
  for (size_t got = 1; got > 0 && text->len < FILE_BYTES_MAX; text->len += got)
    got = fread(writer_reserve(text, 1 << 20), 1, 1 << 20, file);
  enum status status = STATUS_OK;
  if (ferror(file))
    status = error_set_errno(error, STATUS_IO, "%s", path);
  else if (text->len >= FILE_BYTES_MAX)
    status = error_set(error, STATUS_USAGE, "%s: more than 1 GiB; cut it by days", path);
  fclose(file);
  return status;
}

static void on_begin(void *context, struct fold *fold) {
  struct asked *asked = context;
  const struct calendar *calendar = &centre_settings(fold->centre)->policy->calendar;
  audit_calls_begin(&asked->ours, fold, calendar_day_begin(calendar, asked->day - 1),
                    calendar_day_end(calendar, asked->day + 1));
}

static void on_event(void *context, uint64_t lsn, const struct call_event *event,
                     enum centre_result result) {
  struct asked *asked = context;
  (void)lsn;
  (void)result;
  audit_calls_event(&asked->ours, event);
}

static enum status compare(const struct client_options *options, struct asked *asked,
                           const struct settings *settings, struct error *error) {
  const struct calendar *calendar = &settings->policy->calendar;
  struct cdr_list theirs;
  struct audit audit;
  struct error why = {0};
  enum status status = cdr_read(asked->text, asked->format, settings->roster, calendar->zone,
                                asked->ours.from_ms, asked->ours.to_ms, &theirs, &why);
  if (status == STATUS_OK) {
    audit_compare(asked->day, calendar_day_begin(calendar, asked->day),
                  calendar_day_end(calendar, asked->day), TOLERANCE_MS, &asked->ours.list, &theirs,
                  &audit);
    print(options, &audit, &theirs);
    audit_free(&audit);
  } else {
    error_set(error, status, "%s: %s", asked->path, why.text);
  }
  cdr_list_free(&theirs);
  return status;
}

static enum status audit(const struct client_options *options, struct asked *asked,
                         const char *state_dir, struct error *error) {
  struct history_options range = {
      .state_dir = state_dir, .first = asked->day - 1, .last = asked->day + 1};
  struct history_visitor visitor = {.begin = on_begin, .event = on_event, .context = asked};
  struct history history;
  enum status status = history_read(&range, &visitor, &history, error);
  if (status == STATUS_OK) {
    use_zone_of(history.settings);
    audit_calls_finish(&asked->ours);
    status = compare(options, asked, history.settings, error);
  }
  audit_calls_free(&asked->ours);
  history_free(&history);
  return status;
}

/* --- the command --- */

/* Without --day the last one that is over. */
static enum status read_day(struct asked *asked, const char *given, const char *state_dir,
                            struct error *error) {
  struct period period;
  struct history_extent extent;
  if (given) {
    enum status status = past_period(PERIOD_DAY, given, &period);
    if (status == STATUS_OK) asked->day = period.first;
    return status;
  }
  enum status status = history_extent(state_dir, &extent, error);
  asked->day = extent.last - 1;
  return status;
}

static enum status read_format(struct asked *asked, const char *path, const char *format) {
  if (!path) return (enum status)client_usage_error("audit: --cdr FILE is needed");
  if (!format)
    return (enum status)client_usage_error("audit: --format asterisk|freeswitch is needed");
  asked->path = path;
  asked->format = cdr_format_parse(slice_of(format));
  if (asked->format != CDR_NO_FORMAT) return STATUS_OK;
  return (enum status)client_usage_error("--format %s: expected asterisk or freeswitch", format);
}

static int run(struct client_options *options, int argc, char **argv) {
  const char *path = NULL, *format = NULL, *day = NULL, *dir = NULL;
  struct asked asked = {.day = DAY_NONE};
  struct error error = {0};
  struct writer text = {0};
  const struct option_row rows[] = {{"--cdr", OPTION_TEXT, &path},
                                    {"--format", OPTION_TEXT, &format},
                                    {"--day", OPTION_TEXT, &day},
                                    {"--state-dir", OPTION_TEXT, &dir},
                                    {0}};
  enum status status = options_read(options, rows, argc, argv, NULL, 0, 0);
  if (status == STATUS_OK) status = read_format(&asked, path, format);
  if (status) return status;
  char *state_dir = past_state_dir(options, dir, &error);
  if (!state_dir) return client_fail(&error);
  status = read_day(&asked, day, state_dir, &error);
  if (status == STATUS_OK) status = read_file(path, &text, &error);
  asked.text = writer_slice(&text);
  if (status == STATUS_OK) status = audit(options, &asked, state_dir, &error);
  writer_free(&text);
  free(state_dir);
  return error.status ? client_fail(&error) : (int)status;
}

const struct command command_audit = {
    .name = "audit",
    .arguments = "--cdr FILE --format asterisk|freeswitch [--day DAY]",
    .summary = "The counters against the switch's own call records",
    .manual = "Compares what was counted of a day with the records that the switch wrote, and\n"
              "lists the drift of each agent with the calls behind it. Nothing is touched.\n\n"
              "  --cdr FILE         Master.csv of Asterisk, or mod_cdr_csv's of FreeSWITCH\n"
              "  --day 2026-11-23   default: the last day that is over\n"
              "  --state-dir DIR    default: state_dir of the configuration (-c FILE)\n",
    .run = run,
};
