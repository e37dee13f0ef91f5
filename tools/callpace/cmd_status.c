#include <stdio.h>
#include <string.h>

#include "callpace/control.h"
#include "callpace/grid.h"
#include "callpace/show.h"

static void put_row(struct grid *grid, const char *name, struct slice value,
                    enum grid_colour colour) {
  grid_put(grid, slice_of(name), GRID_PLAIN);
  grid_put(grid, value, colour);
}

static void put_member(struct grid *grid, const char *name, const json_t *object, const char *key) {
  char room[32];
  struct slice value = json_text(object, key, room);
  if (value.len) put_row(grid, name, value, colour_of_state(value));
}

static void put_moment(struct grid *grid, const char *name, const json_t *object, const char *key) {
  struct writer text = {0};
  int64_t at_ms = json_number(object, key, -1);
  if (at_ms >= 0) {
    put_local_time(&text, at_ms, true);
    put_row(grid, name, writer_slice(&text), GRID_PLAIN);
  }
  writer_free(&text);
}

static void show_sources(const json_t *sources, bool terminal, struct writer *out) {
  struct grid grid;
  size_t i;
  json_t *source;
  char room[32];
  if (json_array_size(sources) == 0) return;
  grid_begin(&grid, "source|type|address|state|>events|>refused");
  json_array_foreach(sources, i, source) {
    struct slice address = json_text(source, "listen", room);
    struct slice state = json_text(source, "state", room);
    if (!address.len) address = json_text(source, "connect", room);
    grid_put(&grid, json_text(source, "name", room), GRID_PLAIN);
    grid_put(&grid, json_text(source, "type", room), GRID_PLAIN);
    grid_put(&grid, address, GRID_PLAIN);
    grid_put(&grid, state, colour_of_state(state));
    grid_put(&grid, json_text(source, "events", room), GRID_PLAIN);
    grid_put(&grid, json_text(source, "refused", room), GRID_PLAIN);
  }
  put_char(out, '\n');
  grid_print(&grid, terminal, out);
  grid_free(&grid);
}

static void show_status(const json_t *status) {
  struct grid grid;
  struct writer out = {0};
  bool terminal = output_is_terminal();
  const json_t *redis = json_object_get(status, "redis");
  const json_t *journal = json_object_get(status, "journal");
  const json_t *centre = json_object_get(status, "centre");
  grid_begin(&grid, "callpaced| ");
  put_member(&grid, "node", status, "node");
  put_member(&grid, "state", status, "state");
  put_moment(&grid, "clock", status, "clock_ms");
  put_moment(&grid, "started", status, "started_ms");
  put_member(&grid, "last event (lsn)", status, "lsn");
  put_member(&grid, "in Redis up to (lsn)", status, "published_lsn");
  put_member(&grid, "Redis", redis, "state");
  put_member(&grid, "Redis at", redis, "socket");
  put_member(&grid, "journal", journal, "state");
  put_member(&grid, "journal bytes", journal, "bytes");
  put_member(&grid, "agents", centre, "agents");
  put_member(&grid, "open calls", centre, "open_calls");
  put_member(&grid, "open alerts", status, "open_alerts");
  grid_print(&grid, terminal, &out);
  grid_free(&grid);
  show_sources(json_object_get(status, "sources"), terminal, &out);
  fputs(writer_text(&out), stdout);
  writer_free(&out);
}

static int run(struct client_options *options, int argc, char **argv) {
  struct error error = {0};
  enum status status = options_read(options, NULL, argc, argv, NULL, 0, 0);
  if (status) return status;
  json_t *data = client_ask_once(options, json_pack("{s:s}", "command", "status"), &error);
  if (!data) return client_fail(&error);
  if (options->json)
    json_print(data);
  else
    show_status(data);
  json_decref(data);
  return STATUS_OK;
}

const struct command command_status = {
    .name = "status",
    .arguments = "",
    .summary = "How the daemon, its sources, Redis and the journal are",
    .run = run,
};
