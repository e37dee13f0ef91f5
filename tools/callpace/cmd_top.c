#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "callpace/control.h"
#include "callpace/top.h"

enum { RETRY_MS = 500, STALE_MS = 3000, ASKS_MAX = 4, COLUMNS_IN_A_PIPE = 132, COLUMNS_MAX = 1000 };
enum { ROWS_ABOVE_THE_LIST = 4 };

enum asked { ASKED_BOARD, ASKED_STATUS, ASKED_AGENT, ASKED_TIMELINE };

struct top {
  const struct client_options *options;
  struct top_model model;
  struct top_view view;
  struct top_rows rows;
  struct frame frame;
  struct top_link board, alerts;
  enum asked asked[ASKS_MAX]; /* what is to be answered, in this order */
  unsigned asked_count;
  msec_t every_ms;
  msec_t heard_ms, ask_ms, retry_ms; /* on the monotonic clock; heard_ms -1: never */
  struct error error;
};

static msec_t now_ms(void) {
  return clock_monotonic_us() / 1000;
}

/* --- conversation --- */

static bool is_connected(const struct top *top) {
  return top->board.file != NULL;
}

static void disconnect(struct top *top) {
  top_link_close(&top->board);
  top_link_close(&top->alerts);
  top->asked_count = 0;
  top->retry_ms = now_ms() + RETRY_MS;
}

/* Over one connection everything is asked again and again, over the other alerts
 * come by themselves. */
static bool connect_both(struct top *top) {
  top->error = (struct error){0};
  if (!top_link_open(&top->board, top->options, &top->error) ||
      !top_link_open(&top->alerts, top->options, &top->error)) {
    disconnect(top);
    return false;
  }
  top_model_forget_alerts(&top->model);
  top_link_ask(&top->alerts, json_pack("{s:s, s:b}", "command", "alerts", "follow", 1));
  top->ask_ms = now_ms();
  return true;
}

static void ask(struct top *top, enum asked what, const char *command, const char *id) {
  top_link_ask(&top->board, id ? json_pack("{s:s, s:s}", "command", command, "id", id)
                               : json_pack("{s:s}", "command", command));
  top->asked[top->asked_count++] = what;
}

static void ask_all(struct top *top) {
  ask(top, ASKED_BOARD, "board", NULL);
  ask(top, ASKED_STATUS, "status", NULL);
  if (top->view.page == TOP_AGENT) {
    ask(top, ASKED_AGENT, "agent", top->view.opened);
    ask(top, ASKED_TIMELINE, "timeline", top->view.opened);
  }
  top->ask_ms = now_ms() + top->every_ms;
}

/* An answer about somebody who is not looked at any more is dropped. */
static void take_agent(struct top *top, json_t **place, json_t *data, const char *id) {
  if (id && strcmp(id, top->view.opened) == 0)
    top_model_set(place, data);
  else
    json_decref(data);
}

static void take_answer(struct top *top, enum asked what, struct slice line) {
  struct error error = {0};
  json_t *data = client_answer(line, &error);
  if (!data) {
    if (what == ASKED_BOARD) top->error = error;
    return;
  }
  const json_t *day = json_object_get(data, "day");
  switch (what) {
  case ASKED_BOARD:
    top_model_set(&top->model.board, data);
    top->heard_ms = now_ms();
    top->error = (struct error){0};
    break;
  case ASKED_STATUS: top_model_set(&top->model.status, data); break;
  case ASKED_AGENT:
    take_agent(top, &top->model.agent, data, json_string_value(json_object_get(day, "agent")));
    break;
  case ASKED_TIMELINE:
    take_agent(top, &top->model.timeline, data, json_string_value(json_object_get(data, "agent")));
    break;
  default: json_decref(data);
  }
}

/* True when something new was heard. */
static bool listen_to(struct top *top) {
  bool heard = false;
  struct slice line;
  if (!top_link_pump(&top->board) || !top_link_pump(&top->alerts)) {
    error_set(&top->error, STATUS_UNAVAILABLE, "callpaced closed the connection");
    disconnect(top);
    return true;
  }
  while (top->asked_count > 0 && top_link_line(&top->board, &line)) {
    enum asked what = top->asked[0];
    memmove(top->asked, top->asked + 1, --top->asked_count * sizeof *top->asked);
    take_answer(top, what, line);
    heard = true;
  }
  while (top_link_line(&top->alerts, &line)) {
    struct error ignored = {0};
    json_t *alert = client_answer(line, &ignored);
    if (alert) top_model_alert(&top->model, alert);
    heard = true;
  }
  return heard;
}

/* --- the live picture --- */

static struct top_news news_of(const struct top *top) {
  msec_t age_ms = top->heard_ms < 0 ? -1 : now_ms() - top->heard_ms;
  return (struct top_news){.age_ms = age_ms,
                           .connected = is_connected(top),
                           .stale = age_ms < 0 || age_ms > STALE_MS + top->every_ms,
                           .trouble = top->error.status ? top->error.text : NULL};
}

static void draw(struct top *top) {
  unsigned columns, rows;
  struct top_news news = news_of(top);
  top_screen_size(&columns, &rows);
  frame_begin(&top->frame, columns, rows);
  top_rows_make(&top->rows, &top->model, &top->view);
  top_draw(&top->frame, &top->model, &top->view, &top->rows, &news, false);
  top_screen_draw(&top->frame);
}

/* False when the user wants to leave. */
static bool take_keys(struct top *top, bool *moved) {
  int32_t key;
  char opened[TOP_TEXT];
  while (top_screen_key(&key)) {
    memcpy(opened, top->view.opened, sizeof opened);
    /* The rows of the last picture may be those of an answer that is gone. */
    top_rows_make(&top->rows, &top->model, &top->view);
    if (!top_view_key(&top->view, &top->model, &top->rows, key)) return false;
    if (strcmp(opened, top->view.opened) != 0) top_model_forget_agent(&top->model);
    if (top->view.page == TOP_AGENT && !top->model.agent) top->ask_ms = 0;
    *moved = true;
  }
  return true;
}

/* Until something comes, or is due; a terminal that is gone ends it. */
static bool await(struct top *top) {
  bool waits = top->asked_count > 0;
  msec_t due = !is_connected(top) ? top->retry_ms : waits ? now_ms() + RETRY_MS : top->ask_ms;
  msec_t left = due - now_ms();
  if (left > RETRY_MS) left = RETRY_MS; /* how old the picture is has to show */
  struct pollfd polled[3] = {{STDIN_FILENO, POLLIN, 0}, {-1, POLLIN, 0}, {-1, POLLIN, 0}};
  if (is_connected(top)) {
    polled[1] = (struct pollfd){fileno(top->board.file), POLLIN, 0};
    polled[2] = (struct pollfd){fileno(top->alerts.file), POLLIN, 0};
  }
  int ready = poll(polled, 3, left > 0 ? (int)left : 0);
  return ready <= 0 || !(polled[0].revents & (POLLHUP | POLLERR | POLLNVAL));
}

static int run_live(struct top *top) {
  msec_t drawn_ms = 0;
  if (!connect_both(top)) return client_fail(&top->error);
  if (!top_screen_open()) return client_usage_error("this is no terminal: see top --once");
  for (bool goes_on = true; goes_on;) {
    bool changed = false;
    if (!is_connected(top) && now_ms() >= top->retry_ms) connect_both(top);
    if (is_connected(top) && top->asked_count == 0 && now_ms() >= top->ask_ms) ask_all(top);
    if (is_connected(top)) changed = listen_to(top);
    goes_on = take_keys(top, &changed);
    if (changed || now_ms() - drawn_ms >= RETRY_MS) {
      draw(top);
      drawn_ms = now_ms();
    }
    goes_on = goes_on && await(top);
  }
  top_screen_close();
  return STATUS_OK;
}

/* --- one picture --- */

static unsigned output_columns(void) {
  struct winsize size;
  bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : COLUMNS_IN_A_PIPE;
}

static bool ask_once(struct top *top, FILE *control) {
  json_t *alert, *alerts;
  size_t i;
  top->model.board = client_ask(control, json_pack("{s:s}", "command", "board"), &top->error);
  if (!top->model.board) return false;
  top->model.status = client_ask(control, json_pack("{s:s}", "command", "status"), &top->error);
  if (!top->model.status) return false;
  alerts = client_ask(control, json_pack("{s:s}", "command", "alerts"), &top->error);
  json_array_foreach(alerts, i, alert) top_model_alert(&top->model, json_incref(alert));
  json_decref(alerts);
  return alerts != NULL;
}

static int run_once(struct top *top, unsigned columns) {
  FILE *control = client_connect(top->options, &top->error);
  if (!control) return client_fail(&top->error);
  bool known = ask_once(top, control);
  fclose(control);
  if (!known) return client_fail(&top->error);
  if (top->options->json) {
    json_print(top->model.board);
    return STATUS_OK;
  }
  struct top_news news = {.connected = true};
  struct writer out = {0};
  top_rows_make(&top->rows, &top->model, &top->view);
  frame_begin(&top->frame, columns, (unsigned)top->rows.count + ROWS_ABOVE_THE_LIST + 1);
  top_draw(&top->frame, &top->model, &top->view, &top->rows, &news, true);
  frame_print(&top->frame, output_is_terminal(), &out);
  fputs(writer_text(&out), stdout);
  writer_free(&out);
  return STATUS_OK;
}

/* --- */

struct words {
  const char *team, *state, *search, *sort;
};

static int use_words(struct top_view *view, const struct words *words) {
  const char *texts[][2] = {{words->team, view->team}, {words->search, view->search}};
  for (size_t i = 0; i < 2; i++) {
    if (!texts[i][0]) continue;
    if (strlen(texts[i][0]) >= TOP_TEXT) return client_usage_error("%s: too long", texts[i][0]);
    snprintf(i == 0 ? view->team : view->search, TOP_TEXT, "%s", texts[i][0]);
  }
  if (words->state) {
    view->state = (int)top_state_of(slice_of(words->state));
    if (strcmp(words->state, top_state_name((enum top_state)view->state)) != 0)
      return client_usage_error("--state: no state %s", words->state);
  }
  if (words->sort && !top_sort_find(words->sort, &view->sort))
    return client_usage_error("--sort: expected state, id, name, team, calls, talk, pace, "
                              "forecast, idle or until");
  return STATUS_OK;
}

static int run(struct client_options *options, int argc, char **argv) {
  bool once = false, teams = false;
  int64_t columns = 0;
  struct words words = {0};
  struct top top = {.options = options, .every_ms = 1000, .heard_ms = -1, .view.state = -1};
  const struct option_row rows[] = {{"--once", OPTION_FLAG, &once},
                                    {"--every", OPTION_DURATION, &top.every_ms},
                                    {"--columns", OPTION_COUNT, &columns},
                                    {"--teams", OPTION_FLAG, &teams},
                                    {"--team", OPTION_TEXT, &words.team},
                                    {"--state", OPTION_TEXT, &words.state},
                                    {"--search", OPTION_TEXT, &words.search},
                                    {"--sort", OPTION_TEXT, &words.sort},
                                    {0}};
  int status = (int)options_read(options, rows, argc, argv, NULL, 0, 0);
  if (!status) status = use_words(&top.view, &words);
  if (status) return status;
  if (columns > COLUMNS_MAX) return client_usage_error("--columns: at most %d", COLUMNS_MAX);
  if (teams) top.view.page = TOP_TEAMS;
  if (top.every_ms < 200) top.every_ms = 200;
  top_model_init(&top.model);
  if (once || options->json)
    status = run_once(&top, columns > 0 ? (unsigned)columns : output_columns());
  else
    status = run_live(&top);
  top_link_close(&top.board);
  top_link_close(&top.alerts);
  top_rows_free(&top.rows);
  top_model_free(&top.model);
  frame_free(&top.frame);
  return status;
}

const struct command command_top = {
    .name = "top",
    .arguments = "[--once] [--team ID] [--state STATE] [--search TEXT] [--sort BY] [--teams]",
    .summary = "The live board: agents and teams, with forecast and alerts",
    .manual = "  h shows the keys. Enter opens an agent: timeline, pace curve, open alerts.\n\n"
              "  --once          print one picture, plain in a pipe\n"
              "  --columns N     … so wide (the terminal's width, or 132)\n"
              "  --every TIME    ask the daemon so often (1s)\n"
              "  --teams         begin with the teams\n"
              "  --team ID, --state STATE, --search TEXT   only those\n"
              "  --sort BY       state (who needs help first), id, name, team, calls, talk, pace,\n"
              "                  forecast, idle, until\n",
    .run = run,
};
