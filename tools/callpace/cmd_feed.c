#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callpace/base/mem.h"
#include "callpace/client.h"
#include "callpace/feed.h"

enum {
  EXIT_REFUSED = 1,
  EXIT_INTERRUPTED = 130,
  UNSENT_MAX = 256 * 1024,
  BACKOFF_FIRST_MS = 100,
  BACKOFF_MAX_MS = 5000,
  PROGRESS_MS = 200,
};

struct feed {
  struct address to;
  struct feed_hello hello;
  bool with_hello;
  msec_t give_up_ms; /* 0: never */
  bool json, progress;

  struct feed_input input;
  struct feed_pace pace;
  struct feed_window window;
  struct feed_link link;
  struct feed_refusals refusals;
  uint64_t durable;                     /* highest number the daemon said is on disk */
  uint64_t refused_first, refused_last; /* the newest run of lines refused without a break */
  struct writer opening;                /* what of hello is not sent yet */
  bool has_due;                         /* due_us is that of the line at hand */
  usec_t due_us;
  uint64_t skip_to; /* lines up to here were acknowledged before this run */
  uint64_t skipped;
  uint64_t connections;
  usec_t started_us, outage_us, retry_us, progress_us;
  msec_t backoff_ms;
  bool half_closed, outage_told;
  struct error error;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number) {
  (void)number;
  interrupted = 1;
}

static bool all_read(struct feed *f) {
  struct slice line;
  return !feed_input_line(&f->input, &line) && f->input.ended;
}

static bool all_sent(struct feed *f) {
  return all_read(f) && feed_window_unsent(&f->window).len == 0;
}

static void note_failure(struct feed *f, const struct error *why) {
  usec_t now_us = clock_monotonic_us();
  if (!f->outage_told) fprintf(stderr, "callpace: %s; trying again\n", why->text);
  f->outage_told = true;
  f->backoff_ms = f->backoff_ms ? f->backoff_ms * 2 : BACKOFF_FIRST_MS;
  if (f->backoff_ms > BACKOFF_MAX_MS) f->backoff_ms = BACKOFF_MAX_MS;
  f->retry_us = now_us + f->backoff_ms * 1000;
}

/* Once welcomed, a lost connection is tried again at once; before that it is a
 * failure like one to connect. */
static void lose_link(struct feed *f) {
  struct error why = {0};
  char name[ADDRESS_TEXT_SIZE];
  feed_close(&f->link);
  if (f->outage_us) {
    address_format(&f->to, name);
    error_set(&why, STATUS_UNAVAILABLE, "%s: closed without a welcome", name);
    note_failure(f, &why);
    return;
  }
  f->outage_us = clock_monotonic_us();
  f->backoff_ms = 0;
  f->retry_us = 0;
  f->outage_told = false;
}

static void try_connect(struct feed *f) {
  struct error why = {0};
  if (clock_monotonic_us() < f->retry_us) return;
  if (!feed_connect(&f->link, &f->to, &why)) {
    note_failure(f, &why);
    return;
  }
  f->connections++;
  f->half_closed = false;
  f->refused_first = f->refused_last = 0;
  writer_reset(&f->opening);
  f->link.opening = f->with_hello;
  f->link.first_seq = feed_window_rewind(&f->window);
  if (f->with_hello) {
    feed_put_hello(&f->hello, &f->opening);
  } else {
    f->link.welcomed = true;
    f->outage_us = 0;
  }
}

/* Takes lines that are due while there is room for them. */
static void fill(struct feed *f) {
  struct slice line;
  bool paced = f->pace.rate > 0 || f->pace.speed > 0;
  usec_t now_us = paced ? clock_monotonic_us() : 0;
  while (f->link.welcomed && feed_window_has_room(&f->window) &&
         feed_window_unsent(&f->window).len < UNSENT_MAX && feed_input_line(&f->input, &line)) {
    bool known = f->window.newest < f->skip_to;
    if (paced && !known && !f->has_due) {
      f->due_us = feed_pace_due(&f->pace, line, now_us);
      f->has_due = true;
    }
    if (paced && !known && f->due_us > now_us) return;
    f->has_due = false;
    feed_window_add(&f->window, line, f->with_hello);
    feed_input_take(&f->input, line);
    if (!known) continue;
    feed_window_ack(&f->window, f->window.newest);
    f->skipped++;
  }
}

/* Sends what the socket takes; false when the connection is gone. */
static bool flush_link(struct feed *f) {
  while (f->opening.len) {
    ssize_t got = send(f->link.fd, f->opening.data, f->opening.len, MSG_NOSIGNAL);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    f->opening.len -= (size_t)got;
    memmove(f->opening.data, f->opening.data + got, f->opening.len);
  }
  for (struct slice unsent; f->link.welcomed && (unsent = feed_window_unsent(&f->window)).len;) {
    ssize_t got = send(f->link.fd, unsent.data, unsent.len, MSG_NOSIGNAL);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    f->window.sent += (size_t)got;
    if (!f->with_hello) feed_window_ack(&f->window, feed_window_sent_seq(&f->window));
  }
  if (!f->with_hello && !f->half_closed && all_sent(f)) {
    shutdown(f->link.fd, SHUT_WR);
    f->half_closed = true;
  }
  return true;
}

static bool take_welcome(struct feed *f, uint64_t seq) {
  f->link.welcomed = true;
  f->outage_us = 0;
  if (seq < f->durable) {
    error_set(&f->error, STATUS_UNAVAILABLE,
              "the daemon acknowledged %llu events and now knows of %llu only",
              (unsigned long long)f->durable, (unsigned long long)seq);
    return false;
  }
  f->durable = seq;
  if (seq > f->window.newest)
    f->skip_to = seq;
  else
    feed_window_ack(&f->window, seq);
  uint64_t next = feed_window_rewind(&f->window);
  f->link.first_seq = next > seq ? next : seq + 1;
  return true;
}

static void take_ack(struct feed *f, uint64_t seq) {
  if (seq > f->durable) f->durable = seq;
  feed_window_ack(&f->window, seq);
}

/* Refusals come in the order of the lines. */
static void note_refused(struct feed *f, uint64_t seq) {
  if (seq != f->refused_last + 1) f->refused_first = seq;
  f->refused_last = seq;
}

/* Whether all that is not acknowledged was refused: a line of which the daemon can
 * not read the number is acknowledged only by one behind it (protocol.md). */
static bool rest_refused(const struct feed *f) {
  return f->refused_last == f->window.newest && f->refused_first <= f->window.acked + 1;
}

static bool take_error(struct feed *f, const struct feed_answer *answer) {
  bool refused_hello = f->with_hello && (!f->link.welcomed || answer->line < 2);
  if (!refused_hello && !slice_equal(answer->code, SLICE("not_authorized"))) {
    uint64_t seq = f->link.first_seq + answer->line - 1 - f->link.opening;
    feed_refused(&f->refusals, seq, answer->code, answer->message);
    note_refused(f, seq);
    if (!feed_window_has_room(&f->window) && rest_refused(f)) feed_window_ack(&f->window, seq);
    return true;
  }
  bool denied = slice_equal(answer->code, SLICE("not_authorized"));
  error_set(&f->error, denied ? STATUS_PERMISSION : STATUS_UNAVAILABLE,
            "the daemon refused us: %.*s %.*s", (int)answer->code.len, answer->code.data,
            (int)answer->message.len, answer->message.data);
  return false;
}

/* False when the run is over because of what was said. */
static bool take_replies(struct feed *f) {
  struct feed_answer answer;
  for (;;) {
    bool good = true;
    switch (feed_next_reply(&f->link, &answer)) {
    case FEED_REPLY_NONE: return true;
    case FEED_WELCOME: good = f->link.welcomed || take_welcome(f, answer.seq); break;
    case FEED_ACK: take_ack(f, answer.seq); break;
    case FEED_ERROR: good = take_error(f, &answer); break;
    }
    if (!good) return false;
  }
}

static int wait_ms(struct feed *f) {
  struct slice line;
  usec_t until_us = PROGRESS_MS * 1000, now_us = clock_monotonic_us();
  if (f->link.fd < 0) {
    until_us = f->retry_us - now_us;
  } else if (f->link.welcomed && feed_window_has_room(&f->window) &&
             feed_window_unsent(&f->window).len < UNSENT_MAX && feed_input_line(&f->input, &line)) {
    until_us = f->has_due ? f->due_us - now_us : 0;
  }
  if (until_us < 0) until_us = 0;
  if (until_us > PROGRESS_MS * 1000) until_us = PROGRESS_MS * 1000;
  return (int)((until_us + 999) / 1000);
}

/* Waits for whatever comes first, then reads it. False when the run is over. */
static bool wait_and_read(struct feed *f) {
  struct slice line;
  bool unsent = f->opening.len || (f->link.welcomed && feed_window_unsent(&f->window).len);
  bool wants_input = !f->input.ended && !feed_input_line(&f->input, &line);
  struct pollfd fds[2] = {
      {.fd = f->link.fd, .events = (short)(POLLIN | (unsent ? POLLOUT : 0))},
      {.fd = wants_input ? f->input.fd : -1, .events = POLLIN},
  };
  if (poll(fds, 2, wait_ms(f)) < 0) return errno == EINTR;
  if (fds[1].revents && !feed_input_read(&f->input)) {
    error_set_errno(&f->error, STATUS_IO, "reading the input");
    return false;
  }
  if (!(fds[0].revents & (POLLIN | POLLHUP | POLLERR))) return true;
  bool alive = feed_read(&f->link);
  if (!take_replies(f)) return false;
  if (!alive) f->link.closed_by_peer = true;
  return true;
}

static void show_progress(struct feed *f, bool last) {
  usec_t now_us = clock_monotonic_us();
  if (!f->progress || (!last && now_us - f->progress_us < PROGRESS_MS * 1000)) return;
  f->progress_us = now_us;
  double seconds = (double)(now_us - f->started_us) / 1e6;
  uint64_t events = f->window.newest - f->skipped;
  fprintf(stderr, "\r\033[K%llu events  %.0f/s  %llu acknowledged  %llu refused%s%s",
          (unsigned long long)events, seconds > 0 ? (double)events / seconds : 0,
          (unsigned long long)(f->with_hello ? f->window.acked - f->skipped : 0),
          (unsigned long long)f->refusals.count, f->link.fd < 0 ? "  (not connected)" : "",
          last ? "\n" : "");
}

static bool gave_up(struct feed *f) {
  if (!f->outage_us || !f->give_up_ms) return false;
  if (clock_monotonic_us() - f->outage_us < f->give_up_ms * 1000) return false;
  char name[ADDRESS_TEXT_SIZE];
  address_format(&f->to, name);
  error_set(&f->error, STATUS_UNAVAILABLE, "%s: no answer for %lld s, given up", name,
            (long long)f->give_up_ms / MSEC_PER_SEC);
  return true;
}

/* Until everything is acknowledged, or (without hello) sent and answered. */
static void run_feed(struct feed *f) {
  f->started_us = f->outage_us = clock_monotonic_us();
  while (!interrupted && !gave_up(f)) {
    if (f->link.fd < 0) try_connect(f);
    fill(f);
    if (f->link.fd >= 0 && !flush_link(f)) f->link.closed_by_peer = true;
    bool done = all_sent(f) && (f->window.acked == f->window.newest || rest_refused(f));
    if (done && f->connections && (f->with_hello ? f->link.welcomed : f->link.closed_by_peer))
      return;
    if (f->link.fd >= 0 && f->link.closed_by_peer) lose_link(f);
    if (!wait_and_read(f)) return;
    show_progress(f, false);
  }
}

static void put_summary_json(const struct feed *f, double seconds) {
  struct writer out = {0};
  uint64_t events = f->window.newest - f->skipped;
  json_open(&out, '{');
  json_put_uint(&out, "events", events);
  json_put_uint(&out, "acknowledged", f->with_hello ? f->window.acked - f->skipped : 0);
  json_put_uint(&out, "known_before", f->skipped);
  json_put_uint(&out, "refused", f->refusals.count);
  json_key(&out, "refused_by_code");
  json_open(&out, '{');
  for (unsigned i = 0; i < f->refusals.code_count; i++)
    json_put_uint(&out, f->refusals.codes[i].code, f->refusals.codes[i].count);
  json_close(&out, '}');
  json_put_uint(&out, "connections", f->connections);
  json_put_int(&out, "elapsed_ms", (int64_t)(seconds * 1000));
  json_close(&out, '}');
  puts(writer_text(&out));
  writer_free(&out);
}

static void put_summary(struct feed *f) {
  double seconds = (double)(clock_monotonic_us() - f->started_us) / 1e6;
  uint64_t events = f->window.newest - f->skipped;
  if (f->progress) fputs("\r\033[K", stderr);
  fprintf(stderr, "fed %llu events in %.1f s (%.0f/s)", (unsigned long long)events, seconds,
          seconds > 0 ? (double)events / seconds : 0);
  if (f->with_hello)
    fprintf(stderr, ", %llu acknowledged", (unsigned long long)(f->window.acked - f->skipped));
  if (f->skipped)
    fprintf(stderr, ", %llu were acknowledged in an earlier run of this epoch",
            (unsigned long long)f->skipped);
  fprintf(stderr, ", %llu refused", (unsigned long long)f->refusals.count);
  for (unsigned i = 0; i < f->refusals.code_count; i++)
    fprintf(stderr, "%s%s %llu", i ? ", " : " (", f->refusals.codes[i].code,
            (unsigned long long)f->refusals.codes[i].count);
  fputs(f->refusals.code_count ? ")\n" : "\n", stderr);
  if (f->json) put_summary_json(f, seconds);
}

static int finish(struct feed *f) {
  put_summary(f);
  int code = f->error.status     ? client_fail(&f->error)
             : interrupted       ? EXIT_INTERRUPTED
             : f->refusals.count ? EXIT_REFUSED
                                 : STATUS_OK;
  feed_close(&f->link);
  feed_input_free(&f->input);
  feed_window_free(&f->window);
  writer_free(&f->opening);
  return code;
}

static enum status read_token(const char *path, char token[512], struct error *error) {
  FILE *file = fopen(path, "re");
  size_t len = file ? fread(token, 1, 511, file) : 0;
  if (!file || ferror(file)) error_set_errno(error, STATUS_IO, "%s", path);
  if (file) fclose(file);
  token[len] = '\0';
  token[strcspn(token, "\r\n")] = '\0';
  return error->status;
}

/* A file is known by its name and its time of change, so that a run that was
 * broken off goes on where it was; what comes through a pipe is new each time. */
static enum status open_input(struct feed *f, const char *path, char epoch[512]) {
  struct stat about;
  if (strcmp(path, "-") == 0) {
    char text[CLOCK_TEXT_SIZE];
    clock_format_rfc3339(clock_wall_ms(), text);
    snprintf(epoch, 512, "%s %ld", text, (long)getpid());
    return STATUS_OK;
  }
  f->input.fd = open(path, O_RDONLY | O_CLOEXEC);
  if (f->input.fd < 0 || fstat(f->input.fd, &about) != 0)
    return error_set_errno(&f->error, STATUS_IO, "%s", path);
  snprintf(epoch, 512, "%.400s@%lld.%09ld", path, (long long)about.st_mtim.tv_sec,
           about.st_mtim.tv_nsec);
  return STATUS_OK;
}

/* "1000", "1000/s" */
static bool read_rate(const char *text, double *rate) {
  char unit[3] = "";
  int got = sscanf(text, "%lf%2s", rate, unit);
  return got >= 1 && *rate > 0 && (!unit[0] || strcmp(unit, "/s") == 0);
}

static void catch_signals(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

static int run(struct client_options *client, int argc, char **argv) {
  static struct feed f = {.give_up_ms = 60 * MSEC_PER_SEC, .link.fd = -1};
  const char *path = "-", *to = NULL, *rate = NULL, *token_file = NULL;
  char epoch[512], token[512];
  bool no_hello = false;
  f.hello.producer = "feed";
  const struct option_row rows[] = {{"--to", OPTION_TEXT, &to},
                                    {"--producer", OPTION_TEXT, &f.hello.producer},
                                    {"--epoch", OPTION_TEXT, &f.hello.epoch},
                                    {"--token-file", OPTION_TEXT, &token_file},
                                    {"--rate", OPTION_TEXT, &rate},
                                    {"--speed", OPTION_REAL, &f.pace.speed},
                                    {"--max-wait", OPTION_DURATION, &f.pace.max_wait_ms},
                                    {"--give-up", OPTION_DURATION, &f.give_up_ms},
                                    {"--no-hello", OPTION_FLAG, &no_hello},
                                    {0}};
  enum status status = options_read(client, rows, argc, argv, &path, 0, 1);
  if (status) return status;
  if (!to) return client_usage_error("--to is missing: HOST:PORT or unix:PATH");
  if (!address_parse(to, &f.to))
    return client_usage_error("--to: not HOST:PORT or unix:PATH: %s", to);
  if (rate && !read_rate(rate, &f.pace.rate))
    return client_usage_error("--rate: like 500/s: %s", rate);
  if (rate && f.pace.speed > 0) return client_usage_error("--rate or --speed, not both");
  if (open_input(&f, path, epoch)) return client_fail(&f.error);
  if (token_file && read_token(token_file, token, &f.error)) return client_fail(&f.error);
  if (!f.hello.epoch) f.hello.epoch = epoch;
  if (token_file) f.hello.token = token;
  f.with_hello = !no_hello;
  f.json = client->json;
  f.progress = isatty(STDERR_FILENO);
  feed_window_init(&f.window);
  catch_signals();
  run_feed(&f);
  return finish(&f);
}

const struct command command_feed = {
    .name = "feed",
    .arguments = "[FILE|-] --to HOST:PORT|unix:PATH [--rate N/s | --speed X] …",
    .summary = "Send protocol lines to a native source, with acknowledgement",
    .manual = "  --to ADDRESS       HOST:PORT, [V6]:PORT or unix:PATH of the source\n"
              "  --producer NAME    who we say we are (feed)\n"
              "  --epoch TEXT       name of this run of sequence numbers; default the file's\n"
              "                     name and time of change, for a pipe a new one each time\n"
              "  --token-file FILE  where the source wants a token\n"
              "  --rate N/s         so many lines a second\n"
              "  --speed X          X times as fast as the lines' `ts` tell; ticks do not wait\n"
              "  --max-wait TIME    with --speed: cut longer silences to this (2s, 500ms)\n"
              "  --give-up TIME     without an answer for so long (60s; 0: never)\n"
              "  --no-hello         neither sequence numbers nor acknowledgement\n\n"
              "Each line that is not blank gets its number as `seq`. After a broken\n"
              "connection, or when run again for the same file, it goes on behind what the\n"
              "daemon has on disk. Ends with 0 when all was acknowledged, 1 when all was but\n"
              "some lines were refused, 69 when the daemon did not answer, 77 when it did not\n"
              "let us in, 130 when interrupted.\n",
    .run = run,
};
