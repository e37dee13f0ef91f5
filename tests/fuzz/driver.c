/* Stands in for libFuzzer where only GCC is at hand: replays the seeds of a
 * folder, then feeds mutations of them for some seconds.
 *
 *   fuzz_NAME FOLDER|FILE [SECONDS [SEED]]
 *
 * An input that ends the program is left in fuzz_NAME.crash of the working
 * directory; run the program with that file to see it again. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 8192, SEEDS_MAX = 1024, MUTATIONS_MAX = 6 };

struct input {
  uint8_t *data;
  size_t size;
};

static struct input seeds[SEEDS_MAX];
static size_t seed_count;
static uint64_t random_state;

/* What runs at this moment, for the crash handler. */
static struct {
  const uint8_t *data;
  size_t size;
  char crash_path[256];
} current;

/* xorshift64*: a run is repeated by its seed alone. */
static uint64_t random_next(void) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return random_state * 0x2545f4914f6cdd1du;
}

static size_t random_below(size_t bound) {
  return bound ? (size_t)(random_next() % bound) : 0;
}

static void save_current(void) {
  int fd = open(current.crash_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return;
  ssize_t written = write(fd, current.data, current.size);
  close(fd);
  if (written == (ssize_t)current.size) {
    static const char told[] = "fuzz: the input was saved to ";
    written = write(STDERR_FILENO, told, sizeof told - 1);
    written = write(STDERR_FILENO, current.crash_path, strlen(current.crash_path));
    written = write(STDERR_FILENO, "\n", 1);
  }
}

static void on_signal(int number) {
  save_current();
  signal(number, SIG_DFL);
  raise(number);
}

/* Called by the sanitizers before they end the program. */
void __sanitizer_set_death_callback(void (*callback)(void));
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

static void catch_crashes(void) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_set_death_callback(save_current);
#else
  signal(SIGSEGV, on_signal);
  signal(SIGBUS, on_signal);
#endif
  signal(SIGABRT, on_signal);
  signal(SIGALRM, on_signal);
}

/* The copy has exactly its size, so that the sanitizer sees a read behind it.
 * An input that takes ten seconds is a fault too. */
static void run(const uint8_t *data, size_t size) {
  uint8_t *copy = malloc(size ? size : 1);
  if (!copy) abort();
  memcpy(copy, data, size);
  current.data = copy;
  current.size = size;
  alarm(10);
  LLVMFuzzerTestOneInput(copy, size);
  alarm(0);
  free(copy);
}

static bool load(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  uint8_t *data = malloc(INPUT_MAX);
  ssize_t size = data ? read(fd, data, INPUT_MAX) : -1;
  close(fd);
  if (size < 0 || seed_count == SEEDS_MAX) {
    free(data);
    return false;
  }
  seeds[seed_count++] = (struct input){data, (size_t)size};
  return true;
}

static bool load_all(const char *path) {
  struct stat status;
  if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode)) return load(path);
  struct dirent **entries;
  int count = scandir(path, &entries, NULL, alphasort);
  if (count < 0) return false;
  bool good = true;
  for (int i = 0; i < count; i++) {
    char file[4096];
    snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
    if (entries[i]->d_name[0] != '.' && !load(file)) {
      fprintf(stderr, "fuzz: %s: %s\n", file, strerror(errno));
      good = false;
    }
    free(entries[i]);
  }
  free(entries);
  return good;
}

/* Replaces `old` bytes at `at` by `size` of `data`, cut to what fits. */
static void replace(struct input *input, size_t at, size_t old, const void *data, size_t size) {
  if (input->size - old + size > INPUT_MAX) return;
  memmove(input->data + at + size, input->data + at + old, input->size - at - old);
  memmove(input->data + at, data, size);
  input->size += size - old;
}

static void splice_token(struct input *input, size_t at, size_t old) {
  static const char *const tokens[] = {"\"",
                                       "\\",
                                       "{",
                                       "}",
                                       "[",
                                       "]",
                                       ":",
                                       ",",
                                       "\\u",
                                       "\\ud83d",
                                       "\\ude00",
                                       "\\u0000",
                                       "\xf0\x9f\x98\x80",
                                       "\xc0\x80",
                                       "\xed\xa0\x80",
                                       "\xff",
                                       "-",
                                       "0",
                                       "1e999",
                                       "-0",
                                       "9223372036854775807",
                                       "-9223372036854775809",
                                       "18446744073709551616",
                                       "0.5",
                                       "E+",
                                       "null",
                                       "true",
                                       "false",
                                       "\r\n",
                                       "\n",
                                       "\r\n\r\n",
                                       " ",
                                       "\t",
                                       ": ",
                                       "#",
                                       "- ",
                                       "  ",
                                       "&a",
                                       "*a",
                                       "|\n",
                                       "ts",
                                       "seq",
                                       "\"type\":",
                                       "Event: ",
                                       "Uniqueid: ",
                                       "2026-11-23T09:00:00+08:00",
                                       "\x01",
                                       "\x7f",
                                       "%s%n"};
  const char *token = tokens[random_below(sizeof tokens / sizeof tokens[0])];
  replace(input, at, old, token, strlen(token));
}

static void splice_seed(struct input *input, size_t at, size_t old) {
  const struct input *other = &seeds[random_below(seed_count)];
  size_t from = random_below(other->size + 1);
  replace(input, at, old, other->data + from, random_below(other->size - from + 1));
}

static void duplicate_run(struct input *input, size_t at, size_t size) {
  uint8_t copy[INPUT_MAX];
  memcpy(copy, input->data + at, size);
  for (size_t times = 1 + random_below(4); times > 0; times--)
    replace(input, at, 0, copy, size);
}

static void mutate(struct input *input) {
  size_t at = random_below(input->size + 1), left = input->size - at;
  size_t few = random_below((left < 16 ? left : 16) + 1);
  uint8_t byte = (uint8_t)random_next();
  switch (random_below(9)) {
  case 0:
    if (left) input->data[at] ^= (uint8_t)(1u << random_below(8));
    break;
  case 1:
    if (left) input->data[at] = byte;
    break;
  case 2: replace(input, at, 0, &byte, 1); break;
  case 3: replace(input, at, few, "", 0); break;
  case 4: replace(input, at, random_below(left + 1), "", 0); break;
  case 5: splice_token(input, at, 0); break;
  case 6: splice_token(input, at, few); break;
  case 7: splice_seed(input, at, few); break;
  default: duplicate_run(input, at, random_below(2) ? few : random_below(left + 1)); break;
  }
}

static double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t run_mutations(double seconds) {
  static uint8_t room[INPUT_MAX];
  uint64_t runs = 0;
  for (double end = seconds_now() + seconds; seconds_now() < end; runs++) {
    const struct input *seed = &seeds[random_below(seed_count)];
    struct input input = {room, seed->size};
    memcpy(room, seed->data, seed->size);
    for (size_t times = 1 + random_below(MUTATIONS_MAX); times > 0; times--)
      mutate(&input);
    run(input.data, input.size);
  }
  return runs;
}

int main(int argc, char **argv) {
  if (argc < 2 || !load_all(argv[1]) || seed_count == 0) {
    fprintf(stderr, "usage: %s FOLDER|FILE [SECONDS [SEED]]; needs at least one input\n", argv[0]);
    return 64;
  }
  const char *name = strrchr(argv[0], '/');
  snprintf(current.crash_path, sizeof current.crash_path, "%s.crash", name ? name + 1 : argv[0]);
  catch_crashes();
  for (size_t i = 0; i < seed_count; i++)
    run(seeds[i].data, seeds[i].size);
  double seconds = argc > 2 ? strtod(argv[2], NULL) : 0;
  if (argc > 3)
    random_state = strtoull(argv[3], NULL, 0);
  else if (getrandom(&random_state, sizeof random_state, 0) < 0)
    random_state = (uint64_t)time(NULL);
  random_state |= 1;
  printf("fuzz: %zu seeds, seed of the run %llu\n", seed_count, (unsigned long long)random_state);
  fflush(stdout);
  printf("fuzz: %llu mutations\n", (unsigned long long)run_mutations(seconds));
  for (size_t i = 0; i < seed_count; i++)
    free(seeds[i].data);
  return 0;
}
