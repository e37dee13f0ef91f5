#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "callpace/base/text.h"
#include "callpace/control.h"
#include "callpace/grid.h"
#include "callpace/show.h"

enum { BAR_COLUMNS = 10, IDLE_MS = 3000 };

/* From best to worst, as people read a board. */
static const char *const states[] = {"met",    "on_pace", "warming",    "behind", "unreachable",
                                     "missed", "exempt",  "unrostered", "unknown"};
enum { STATES = sizeof states / sizeof states[0] };

static int rank_of(struct slice state) {
  for (int i = 0; i < STATES; i++)
    if (slice_equal(state, slice_of(states[i]))) return i;
  return STATES;
}

struct entry {
  const json_t *agent;
  int rank;
  int64_t calls;
};

static int compare_entries(const void *a, const void *b) {
  const struct entry *first = a, *second = b;
  char room_a[32], room_b[32];
  if (first->rank != second->rank) return first->rank < second->rank ? -1 : 1;
  if (first->calls != second->calls) return first->calls > second->calls ? -1 : 1;
  const char *id_a = json_text(first->agent, "agent", room_a).data;
  return strcmp(id_a, json_text(second->agent, "agent", room_b).data);
}

/* The agents, best first. */
static struct entry *sorted(const json_t *agents, size_t *count) {
  json_t *agent;
  size_t i;
  char room[32];
  *count = json_array_size(agents);
  struct entry *entries = calloc(*count + 1, sizeof *entries);
  if (!entries) abort();
  json_array_foreach(agents, i, agent) {
    entries[i].agent = agent;
    entries[i].rank = rank_of(json_text(agent, "state", room));
    entries[i].calls = json_number(agent, "calls", 0);
  }
  qsort(entries, *count, sizeof *entries, compare_entries);
  return entries;
}

static void put_counts(const json_t *agents, bool coloured, struct writer *out) {
  json_t *agent;
  size_t i, counts[STATES + 1] = {0};
  char room[32];
  json_array_foreach(agents, i, agent) counts[rank_of(json_text(agent, "state", room))]++;
  for (int state = 0; state < STATES; state++) {
    if (!counts[state]) continue;
    struct writer text = {0};
    put_slice(&text, state_in_words(slice_of(states[state])));
    put_format(&text, " %zu", counts[state]);
    put_text(out, "  ");
    put_coloured(out, writer_slice(&text), colour_of_state(slice_of(states[state])), coloured);
    writer_free(&text);
  }
}

/* Day, clock, sums and agents by state in one line. */
static void put_headline(const json_t *board, bool coloured, struct writer *out) {
  const json_t *agents = json_object_get(board, "agents");
  json_t *agent;
  size_t i;
  char room[32];
  int64_t calls = 0, talk_ms = 0, dials = 0;
  json_array_foreach(agents, i, agent) {
    calls += json_number(agent, "calls", 0);
    talk_ms += json_number(agent, "talk_ms", 0);
    dials += json_number(agent, "dials", 0);
  }
  int64_t clock_ms = json_number(board, "clock_ms", 0);
  if (clock_ms <= 0) {
    put_text(out, in_words("no event yet\n", "尚无事件\n"));
    return;
  }
  put_slice(out, json_text(board, "day", room));
  put_text(out, in_words("  at ", "  截至 "));
  put_local_time(out, clock_ms, true);
  put_format(out, in_words("  dials %lld  calls %lld  talk ", "  外呼 %lld  通话 %lld  时长 "),
             (long long)dials, (long long)calls);
  put_duration(out, talk_ms);
  put_counts(agents, coloured, out);
  put_char(out, '\n');
}

static void put_progress(struct grid *grid, const json_t *agent, const char *actual,
                         const char *target, const char *state_key) {
  struct writer text = {0};
  char room[32];
  int64_t done = json_number(agent, actual, 0), wanted = json_number(agent, target, 0);
  enum grid_colour colour = colour_of_state(json_text(agent, state_key, room));
  struct writer number = {0};
  put_field(&number, actual, json_text(agent, actual, room));
  grid_put(grid, writer_slice(&number), GRID_PLAIN);
  if (wanted > 0) put_bar(&text, done, wanted, BAR_COLUMNS);
  grid_put(grid, writer_slice(&text), colour);
  writer_free(&number);
  writer_free(&text);
}

static void put_agent_row(struct grid *grid, const json_t *agent) {
  char room[32];
  struct slice state = json_text(agent, "state", room);
  bool talks = json_number(agent, "on_call_since_ms", 0) > 0;
  grid_put(grid, json_text(agent, "agent", room), GRID_PLAIN);
  grid_put(grid, json_text(agent, "name", room), GRID_PLAIN);
  grid_put(grid, json_text(agent, "team", room), GRID_PLAIN);
  grid_put(grid, json_text(agent, "class", room), GRID_DIM);
  grid_put(grid, talks ? slice_of(in_words("on call", "通话中")) : SLICE(""), GRID_CYAN);
  grid_put(grid, json_text(agent, "dials", room), GRID_PLAIN);
  put_progress(grid, agent, "calls", "calls_target", "calls_state");
  put_progress(grid, agent, "talk_ms", "talk_target_ms", "talk_state");
  grid_put(grid, state_in_words(state), colour_of_state(state));
}

static void put_table(const json_t *board, size_t rows_max, bool terminal, struct writer *out) {
  struct grid grid;
  size_t count;
  struct entry *entries = sorted(json_object_get(board, "agents"), &count);
  size_t shown = rows_max && count > rows_max ? rows_max : count;
  grid_begin(&grid,
             in_words("agent|name|team|class| |>dials|>calls|of target|>talk|of target|state",
                      "工号|姓名|团队|类别| |>外呼|>通话|占目标|>时长|占目标|状态"));
  for (size_t i = 0; i < shown; i++)
    put_agent_row(&grid, entries[i].agent);
  grid_print(&grid, terminal, out);
  if (shown < count)
    put_format(out, in_words("… and %zu more\n", "… 另有 %zu 人\n"), count - shown);
  grid_free(&grid);
  free(entries);
}

static void put_person(const json_t *agent, struct writer *out) {
  char room[32];
  text_put_terminal(out, json_text(agent, "name", room), 0, false);
  put_char(out, ' ');
  text_put_terminal(out, json_text(agent, "agent", room), 0, false);
  put_format(out, in_words(" (%lld calls, ", "（%lld 通，"),
             (long long)json_number(agent, "calls", 0));
  put_duration(out, json_number(agent, "talk_ms", 0));
  put_text(out, in_words(")", "）"));
}

/* Names by state. That nobody met, is behind or missed is worth a word too. */
static void put_summary(const json_t *board, bool coloured, struct writer *out) {
  size_t count, at = 0;
  struct entry *entries = sorted(json_object_get(board, "agents"), &count);
  for (int rank = 0; rank <= STATES; rank++) {
    struct slice state = rank < STATES ? slice_of(states[rank]) : SLICE("no state");
    size_t end = at;
    while (end < count && entries[end].rank == rank)
      end++;
    bool asked_for = slice_equal(state, SLICE("met")) || slice_equal(state, SLICE("behind")) ||
                     slice_equal(state, SLICE("missed"));
    if (end == at && !asked_for) continue;
    put_coloured(out, state_in_words(state), colour_of_state(state), coloured);
    put_format(out, " (%zu): %s", end - at, end == at ? in_words("nobody", "无") : "");
    for (bool first = true; at < end; at++, first = false) {
      if (!first) put_text(out, in_words(", ", "，"));
      put_person(entries[at].agent, out);
    }
    put_char(out, '\n');
  }
  free(entries);
}

static size_t terminal_rows(void) {
  struct winsize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row < 8) return 40;
  return size.ws_row;
}

/* Draws over what stood there, line by line, without flicker. */
static void draw(const struct writer *picture) {
  const char *at = picture->data, *end = at + picture->len, *newline;
  fputs("\033[H", stdout);
  while (at < end && (newline = memchr(at, '\n', (size_t)(end - at)))) {
    fwrite(at, 1, (size_t)(newline - at), stdout);
    fputs("\033[K\n", stdout);
    at = newline + 1;
  }
  fputs("\033[J", stdout);
  fflush(stdout);
}

/* Where the same is to be seen in a browser. */
static void put_wall(const json_t *board, struct writer *out) {
  char room[32];
  struct slice address = json_text(json_object_get(board, "http"), "listen", room);
  if (address.len == 0 || memcmp(address.data, "unix:", 5) == 0) return;
  put_text(out, in_words("the wall: http://", "看板：http://"));
  put_slice(out, address);
  put_text(out, "/\n");
}

static void show(const struct client_options *options, const json_t *board, bool live,
                 bool summary) {
  struct writer out = {0};
  bool terminal = output_is_terminal();
  if (options->json) {
    json_print(board);
    return;
  }
  put_headline(board, terminal, &out);
  if (live && terminal) put_wall(board, &out);
  if (summary)
    put_summary(board, terminal, &out);
  else if (!live)
    put_table(board, 0, terminal, &out);
  else if (terminal)
    put_table(board, terminal_rows() - 6, true, &out);
  if (live && terminal)
    draw(&out);
  else
    fputs(writer_text(&out), stdout);
  fflush(stdout);
  writer_free(&out);
}

static void sleep_ms(msec_t length_ms) {
  struct timespec length = {length_ms / MSEC_PER_SEC, length_ms % MSEC_PER_SEC * 1000000};
  nanosleep(&length, NULL);
}

static json_t *ask_board(FILE *control, const char *day, struct error *error) {
  json_t *request = json_pack("{s:s}", "command", "board");
  if (request && day) json_object_set_new(request, "day", json_string(day));
  return client_ask(control, request, error);
}

/* Shows it again and again; ends with the daemon, or when the clock stands still
 * for a while. */
static int watch(const struct client_options *options, FILE *control, const char *day,
                 msec_t every_ms, bool until_idle) {
  struct error error = {0};
  int64_t clock_ms = -1;
  msec_t still_ms = 0;
  if (output_is_terminal() && !options->json) fputs("\033[2J", stdout);
  for (;;) {
    json_t *board = ask_board(control, day, &error);
    if (!board) return client_fail(&error);
    int64_t now_ms = json_number(board, "clock_ms", 0);
    show(options, board, true, false);
    json_decref(board);
    still_ms = now_ms == clock_ms ? still_ms + every_ms : 0;
    clock_ms = now_ms;
    if (ferror(stdout) || (until_idle && still_ms >= IDLE_MS)) return STATUS_OK;
    sleep_ms(every_ms);
  }
}

static int run(struct client_options *options, int argc, char **argv) {
  const char *day = NULL;
  msec_t every_ms = 0;
  bool until_idle = false, summary = false;
  struct error error = {0};
  const struct option_row rows[] = {{"--day", OPTION_TEXT, &day},
                                    {"--watch", OPTION_DURATION, &every_ms},
                                    {"--until-idle", OPTION_FLAG, &until_idle},
                                    {"--summary", OPTION_FLAG, &summary},
                                    {0}};
  enum status status = options_read(options, rows, argc, argv, NULL, 0, 0);
  if (status) return status;
  FILE *control = client_connect(options, &error);
  if (!control) return client_fail(&error);
  int code = STATUS_OK;
  if (every_ms > 0) {
    code = watch(options, control, day, every_ms < 100 ? 100 : every_ms, until_idle);
  } else {
    json_t *board = ask_board(control, day, &error);
    if (board) show(options, board, false, summary);
    if (!board) code = client_fail(&error);
    json_decref(board);
  }
  fclose(control);
  return code;
}

const struct command command_board = {
    .name = "board",
    .arguments = "[--watch TIME [--until-idle]] [--day DATE] [--summary]",
    .summary = "All agents of the day, best first",
    .manual = "  --watch TIME   again every so often (1, 500ms); in a pipe one line each time\n"
              "  --until-idle   … until the daemon's clock has stood still for 3 s\n"
              "  --summary      names by state instead of the table\n"
              "  --day DATE     another day than the one at hand\n",
    .run = run,
};
