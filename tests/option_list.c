/* Prints the options of one file (main, policy, roster or layout) as scdoc, for the manual
 * callpace.yaml(5), or with --names their paths alone. */
#include <stdio.h>
#include <string.h>

#include "callpace/io/config.h"

static void put_page_text(const char *text) {
  for (; *text; text++) {
    if (strchr("_*<#~\\", *text)) putchar('\\');
    putchar(*text);
  }
}

static void print_name(const struct config_option *option, void *user) {
  (void)user;
  puts(option->path);
}

static void print_entry(const struct config_option *option, void *user) {
  (void)user;
  fputs("*", stdout);
  put_page_text(option->path);
  fputs("*: ", stdout);
  put_page_text(option->type);
  if (option->required) fputs(", required", stdout);
  if (option->fallback) {
    fputs(", default ", stdout);
    put_page_text(option->fallback);
  }
  if (!option->reloadable) fputs(", needs a restart", stdout);
  fputs("\n\t", stdout);
  put_page_text(option->help);
  fputs("\n\n", stdout);
}

int main(int argc, char **argv) {
  static const char *const files[] = {"main", "policy", "roster", "layout"};
  bool names = argc == 3 && strcmp(argv[2], "--names") == 0;
  for (int i = 0; argc >= 2 && i < 4; i++) {
    if (strcmp(argv[1], files[i]) != 0) continue;
    config_options((enum config_file)i, names ? print_name : print_entry, NULL);
    return 0;
  }
  fputs("usage: option_list main|policy|roster|layout [--names]\n", stderr);
  return 64;
}
