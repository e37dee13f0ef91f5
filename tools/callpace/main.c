/* callpace: the one client. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "callpace/client.h"

static void print_usage(FILE *out) {
  fputs("usage: callpace COMMAND [--json] [--socket PATH | -c FILE] …\n\n", out);
  for (size_t i = 0; command_at(i); i++)
    fprintf(out, "  %-10s %s\n", command_at(i)->name, command_at(i)->summary);
  fputs("\n  help COMMAND tells more of one; --version the version.\n"
        "  --json prints JSON; --socket is the daemon's control socket, -c the\n"
        "  configuration that names it (/etc/callpace/callpace.yaml).\n"
        "  Options may stand before or behind the command.\n",
        out);
}

static int unknown_command(const char *name) {
  enum { NAMES_MAX = 32 };
  const char *names[NAMES_MAX + 2] = {"help"};
  for (size_t i = 0; command_at(i) && i < NAMES_MAX; i++)
    names[i + 1] = command_at(i)->name;
  const char *near = nearest_word(name, names);
  if (near) return client_usage_error("unknown command %s: did you mean %s?", name, near);
  return client_usage_error("unknown command %s: see callpace help", name);
}

static int print_help(const char *name) {
  if (!name) {
    print_usage(stdout);
    return STATUS_OK;
  }
  const struct command *command = command_find(name);
  if (!command) return unknown_command(name);
  printf("usage: callpace %s%s%s\n\n%s.\n", command->name, command->arguments[0] ? " " : "",
         command->arguments, command->summary);
  if (command->manual) printf("\n%s", command->manual);
  return STATUS_OK;
}

static bool asks_for_help(const char *word) {
  return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* The name of the command for which help is wanted, or NULL for all of it. */
static bool wants_help(int argc, char **argv, const char **name) {
  *name = NULL;
  if (argc > 1 && (strcmp(argv[1], "help") == 0 || asks_for_help(argv[1]))) {
    *name = argc > 2 ? argv[2] : NULL;
    return true;
  }
  for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
    if (asks_for_help(argv[i])) {
      *name = argv[1][0] == '-' ? NULL : argv[1];
      return true;
    }
  return false;
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  const char *topic;
  if (wants_help(argc, argv, &topic)) return print_help(topic);
  if (argc > 1 && strcmp(argv[1], "--version") == 0) {
    puts("callpace " CALLPACE_VERSION);
    return STATUS_OK;
  }
  struct client_options options = {0};
  int used;
  enum status status = options_read_leading(&options, argc - 1, argv + 1, &used);
  if (status) return status;
  int at = 1 + used;
  if (at >= argc) {
    print_usage(stderr);
    return STATUS_USAGE;
  }
  const struct command *command = command_find(argv[at]);
  if (!command) return unknown_command(argv[at]);
  int code = command->run(&options, argc - at - 1, argv + at + 1);
  if (fflush(stdout) != 0 && code == 0) {
    fprintf(stderr, "callpace: writing the output failed\n");
    return STATUS_IO;
  }
  return code;
}
