/* How fast a switch's bytes go through its dialect, and through dialect and core,
 * beside a plain splitter that only counts the ends of messages. One thread, nothing
 * but processor time of this program:
 *   zcat tests/data/asterisk/e_mix/ami-min.raw.gz | bench_dialect ami
 *   bench_dialect native                               (makes its lines itself)
 *   bench_dialect smdr conf/switches/smdr/avaya-ip-office.yaml  (likewise)
 * A recording is played some times, each time to an empty core. Prints one JSON
 * object. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../unit/centre_fixture.h"
#include "bench_lines.h"
#include "callpace/core/fold.h"
#include "callpace/dialect/dialect.h"
#include "callpace/io/config.h"

enum { BYTES_MIN = 100 << 20, READ = 16384, AGENTS = 1000, LINES = 1500000, SMDR_LINES = 100000 };

static const struct type {
  const char *name, *ending; /* of a message; NULL: netstrings */
  bool connects;
} types[] = {{"native", "\n", false},
             {"ami", "\r\n\r\n", true},
             {"esl", "\n\n", true},
             {"evapi", NULL, true},
             {"smdr", "\n", false}};

static struct {
  const struct type *type;
  const struct dialect *dialect;
  struct settings *settings;
  const struct roster *roster;
  const struct zone *zone;
  struct dialect_setup setup;
  struct writer bytes, out;
  uint64_t messages, events;
  msec_t now_ms, first_ms; /* ts of the first event */
} b;

/* Every bench agent goes by the names that the recordings have. */
static void fill_roster(void) {
  b.settings = fixture_settings(AGENTS);
  struct roster *roster = b.settings->roster;
  for (size_t i = 0; i < 99; i++) {
    char name[32];
    snprintf(name, sizeof name, "agent%02zu", i + 1);
    table_put(&roster->by_extension, slice_of(arena_dup(&roster->arena, slice_of(name))),
              &roster->agents[i]);
  }
  b.roster = roster;
  b.zone = b.settings->policy->calendar.zone;
  b.setup = (struct dialect_setup){
      .source = "pbx", .secret = "ClueCon", .roster = &b.roster, .zone = &b.zone};
}

static void make_lines(void) {
  struct lines lines;
  lines_prepare(&lines, "bench", 0, 1, LINES);
  put_slice(&b.bytes, writer_slice(&lines.text));
  lines_free(&lines);
}

/* As an Avaya IP Office writes them. */
static void make_smdr(const char *layout) {
  static struct config *config;
  struct error error = {0};
  char text[600];
  snprintf(text, sizeof text,
           "sources:\n- {name: pbx, type: smdr, listen: \"127.0.0.1:0\", layout: %s}\n", layout);
  if (config_from_text(slice_of(text), "bench", &config, &error) != STATUS_OK)
    exit((fprintf(stderr, "%s\n", error.text), 1));
  b.setup.layout = config->sources[0].layout;
  for (unsigned i = 0; i < SMDR_LINES; i++)
    put_format(&b.bytes,
               "2026/11/24 %02u:%02u:%02u,00:01:%02u,9,%u,O,138%08u,138%08u,,0,%u,0,E%u,Agent,"
               "T9001,Line 1.1,0,0,,,,,,,,,,,,,,\r\n",
               9 + i / 36000, i / 600 % 60, i / 10 % 60, i % 60, 1001 + i % AGENTS, i, i, i,
               1001 + i % AGENTS);
}

static void read_stream(void) {
  size_t got;
  while ((got = fread(writer_reserve(&b.bytes, 1 << 20), 1, 1 << 20, stdin)) > 0)
    b.bytes.len += got;
}

static uint64_t split(void) {
  uint64_t messages = 0;
  const char *at = b.bytes.data, *end = at + b.bytes.len;
  if (b.type->ending) {
    size_t len = strlen(b.type->ending);
    for (; (at = memmem(at, (size_t)(end - at), b.type->ending, len)); at += len)
      messages++;
    return messages;
  }
  for (char *colon; at < end; at = colon + 2, messages++) {
    size_t len = strtoul(at, &colon, 10);
    colon += len;
  }
  return messages;
}

/* With `fold` into the core, else to nobody. */
static void play(struct fold *fold) {
  void *state = b.dialect->open(&b.setup);
  struct slice unread = {b.bytes.data, 0};
  struct item item;
  enum item_kind kind;
  size_t given = 0;
  msec_t now_ms = b.now_ms;
  b.events = 0;
  if (b.dialect->greet) b.dialect->greet(state, now_ms, &b.out);
  while (given < b.bytes.len) {
    size_t step = b.bytes.len - given < READ ? b.bytes.len - given : READ;
    given += step;
    unread.len += step;
    while ((kind = b.dialect->next(state, &unread, false, now_ms, &item, &b.out)) != ITEM_MORE) {
      if (kind == ITEM_REFUSED) exit((fprintf(stderr, "refused: %s\n", item.message), 1));
      if (kind != ITEM_EVENT) continue;
      if (b.events++ == 0) b.first_ms = item.event.ts_ms;
      if (fold) fold_event(fold, fold->lsn + 1, 0, 0, &item.event, item.event.ts_ms);
    }
    writer_reset(&b.out);
  }
  b.dialect->close(state);
}

static double seconds(void) {
  return (double)clock() / CLOCKS_PER_SEC;
}

/* The quickest of all rounds: what disturbs only ever adds. */
static double measure(bool with_core) {
  double best = 0;
  size_t rounds = BYTES_MIN / b.bytes.len + 3;
  for (size_t i = 0; i < rounds; i++) {
    struct fold fold;
    fold_init(&fold, b.settings, true);
    fold_advance(&fold, b.first_ms); /* the day has begun */
    double begin = seconds();
    play(with_core ? &fold : NULL);
    double took = seconds() - begin;
    if (i == 0 || took < best) best = took;
    fold_free(&fold);
  }
  return best;
}

static double measure_split(void) {
  double best = 0;
  for (size_t i = 0; i < BYTES_MIN / b.bytes.len + 3; i++) {
    double begin = seconds();
    b.messages = split();
    double took = seconds() - begin;
    if (i == 0 || took < best) best = took;
  }
  return best;
}

int main(int argc, char **argv) {
  for (size_t i = 0; argc > 1 && i < sizeof types / sizeof *types; i++)
    if (strcmp(types[i].name, argv[1]) == 0) b.type = &types[i];
  if (!b.type) return fprintf(stderr, "bench_dialect native|ami|esl|evapi|smdr [LAYOUT]\n"), 64;
  b.dialect = dialect_find(b.type->name, b.type->connects);
  b.now_ms = clock_wall_ms();
  fill_roster();
  if (strcmp(b.type->name, "native") == 0)
    make_lines();
  else if (strcmp(b.type->name, "smdr") == 0 && argc > 2)
    make_smdr(argv[2]);
  else
    read_stream();
  if (b.bytes.len == 0) return fprintf(stderr, "nothing to play\n"), 64;
  double plain = measure_split(), dialect = measure(false), core = measure(true);
  printf("{\"type\": \"%s\", \"bytes\": %zu, \"messages\": %" PRIu64 ", \"events\": %" PRIu64
         ", \"splitter_seconds\": %.6f, \"dialect_seconds\": %.6f, \"core_seconds\": %.6f}\n",
         b.type->name, b.bytes.len, b.messages, b.events, plain, dialect, core);
  settings_free(b.settings);
  writer_free(&b.bytes);
  writer_free(&b.out);
  return 0;
}
