#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "callpace/client.h"
#include "callpace/simulate.h"

enum { CHUNK = 64 * 1024 };

/* "HH:MM-HH:MM" */
static bool read_gap(const char *text, struct simulate_options *options) {
  unsigned from_hour, from_minute, to_hour, to_minute;
  char rest;
  if (sscanf(text, "%2u:%2u-%2u:%2u%c", &from_hour, &from_minute, &to_hour, &to_minute, &rest) != 4)
    return false;
  if (from_hour > 23 || from_minute > 59 || to_hour > 24 || to_minute > 59) return false;
  options->gap_from_ms = (from_hour * 60 + from_minute) * (msec_t)MSEC_PER_MIN;
  options->gap_to_ms = (to_hour * 60 + to_minute) * (msec_t)MSEC_PER_MIN;
  return options->gap_from_ms < options->gap_to_ms && options->gap_to_ms <= MSEC_PER_DAY;
}

/* "+08:00" */
static bool read_offset(const char *text, msec_t *out) {
  unsigned hours, minutes;
  char sign, rest;
  if (sscanf(text, "%c%2u:%2u%c", &sign, &hours, &minutes, &rest) != 3) return false;
  if ((sign != '+' && sign != '-') || hours > 14 || minutes > 59) return false;
  *out = (hours * 60 + minutes) * (msec_t)MSEC_PER_MIN * (sign == '-' ? -1 : 1);
  return true;
}

static int write_roster(const struct simulate_options *options, const char *path) {
  struct writer out = {0};
  struct error error = {0};
  simulate_roster(options, &out);
  FILE *file = fopen(path, "we");
  bool written = file && fwrite(out.data, 1, out.len, file) == out.len;
  if (file && fclose(file) != 0) written = false;
  writer_free(&out);
  if (written) return STATUS_OK;
  error_set_errno(&error, STATUS_IO, "%s", path);
  return client_fail(&error);
}

static bool write_all(const struct writer *out) {
  for (size_t done = 0; done < out->len;) {
    ssize_t got = write(STDOUT_FILENO, out->data + done, out->len - done);
    if (got < 0 && errno != EINTR) return false;
    if (got > 0) done += (size_t)got;
  }
  return true;
}

/* A reader that has seen enough and closed the pipe is no fault. */
static int write_lines(const struct simulate_options *options) {
  struct simulation *simulation = simulation_new(options);
  struct writer out = {0};
  struct error error = {0};
  bool more = true, written = true;
  while (more && written) {
    writer_reset(&out);
    more = simulation_write(simulation, CHUNK, &out);
    written = write_all(&out);
  }
  if (!written && errno != EPIPE) error_set_errno(&error, STATUS_IO, "writing the lines");
  writer_free(&out);
  simulation_free(simulation);
  return error.status ? client_fail(&error) : STATUS_OK;
}

static int run(struct client_options *client, int argc, char **argv) {
  int64_t agents = 40, days = 1, seed = 1;
  const char *start = "2026-11-23", *offset = "+08:00", *gap = NULL, *roster = NULL;
  bool only_roster = false;
  const struct option_row rows[] = {{"--agents", OPTION_COUNT, &agents},
                                    {"--days", OPTION_COUNT, &days},
                                    {"--seed", OPTION_COUNT, &seed},
                                    {"--start", OPTION_TEXT, &start},
                                    {"--utc-offset", OPTION_TEXT, &offset},
                                    {"--gap", OPTION_TEXT, &gap},
                                    {"--roster-out", OPTION_TEXT, &roster},
                                    {"--only-roster", OPTION_FLAG, &only_roster},
                                    {0}};
  enum status status = options_read(client, rows, argc, argv, NULL, 0, 0);
  if (status) return status;
  struct simulate_options options = {.gap_from_ms = MSEC_NONE, .gap_to_ms = MSEC_NONE};
  if (agents < 1 || agents > 1000000) return client_usage_error("--agents: from 1 to 1000000");
  if (days < 1 || days > 3660) return client_usage_error("--days: from 1 to 3660");
  options.agents = (unsigned)agents;
  options.days = (unsigned)days;
  options.seed = (uint64_t)seed;
  if (!day_parse(slice_of(start), &options.start))
    return client_usage_error("--start: not a date like 2026-11-23: %s", start);
  if (!read_offset(offset, &options.utc_offset_ms))
    return client_usage_error("--utc-offset: not an offset like +08:00: %s", offset);
  if (gap && !read_gap(gap, &options))
    return client_usage_error("--gap: not a span like 10:00-10:20: %s", gap);
  if (roster) status = (enum status)write_roster(&options, roster);
  if (status || only_roster) return status;
  return write_lines(&options);
}

const struct command command_simulate = {
    .name = "simulate",
    .arguments = "[--agents N] [--days D] [--seed S] [--roster-out FILE] …",
    .summary = "Write a believable call centre as protocol lines",
    .manual = "  --agents N         so many, ids from 1001 on (40)\n"
              "  --days D           calendar days; nobody works at the weekend (1)\n"
              "  --seed S           the same seed gives the same lines (1)\n"
              "  --start DATE       the first day (2026-11-23)\n"
              "  --utc-offset ±H:M  of the centre's clocks (+08:00)\n"
              "  --gap H:M-H:M      each day the source sees nothing between, and says so\n"
              "  --roster-out FILE  write the roster that goes with it\n"
              "  --only-roster      … and nothing else\n\n"
              "Lines come sorted by time, with a tick every minute to the end of the last\n"
              "day, so that a daemon with `clock: events` judges all of it.\n",
    .run = run,
};
