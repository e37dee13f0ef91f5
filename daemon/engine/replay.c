/* Both sides read, then compared row by row. */
#include "callpace/engine/replay.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "replay_internal.h"

/* --- the side in the child --- */

/* Hands over its side, or an error's text behind the exit status. */
static void run_child(const struct replay_options *options, int fd) {
  struct side side;
  struct error error = {0};
  struct writer bytes = {0};
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  enum status status = side_read(options, false, &side, &error);
  if (status == STATUS_OK)
    side_save(&side, &bytes);
  else
    put_text(&bytes, error.text);
  for (size_t at = 0; at < bytes.len;) {
    ssize_t n = write(fd, bytes.data + at, bytes.len - at);
    if (n <= 0) _exit(STATUS_IO);
    at += (size_t)n;
  }
  _exit((int)status);
}

static pid_t start_child(const struct replay_options *options, int *fd, struct error *error) {
  *fd = memfd_create("callpace-replay", MFD_CLOEXEC);
  fflush(NULL); /* what is buffered is ours to write */
  pid_t pid = *fd < 0 ? -1 : fork();
  if (pid == 0) run_child(options, *fd);
  if (pid < 0) error_set_errno(error, STATUS_UNAVAILABLE, "cannot start the second reading");
  return pid;
}

/* What the child left, mapped. */
static struct slice map_child(int fd) {
  struct stat st;
  if (fstat(fd, &st) != 0 || st.st_size == 0) return (struct slice){0};
  void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  return data == MAP_FAILED ? (struct slice){0} : (struct slice){data, (size_t)st.st_size};
}

static enum status wait_child(pid_t pid, int fd, struct slice *bytes, struct error *error) {
  int status;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return error_set_errno(error, STATUS_BUG, "waitpid");
  *bytes = map_child(fd);
  if (!WIFEXITED(status))
    return error_set(error, STATUS_UNAVAILABLE, "the second reading ended by a signal");
  if (WEXITSTATUS(status) == 0) return STATUS_OK;
  return error_set(error, (enum status)WEXITSTATUS(status), "%.*s", (int)bytes->len, bytes->data);
}

/* --- totals --- */

static struct replay_total *total_of(struct replay_totals *totals, const char *what,
                                     struct slice name) {
  static struct replay_total none;
  for (size_t i = 0; i < totals->count; i++)
    if (strcmp(totals->at[i].what, what) == 0 && slice_equal(slice_of(totals->at[i].name), name))
      return &totals->at[i];
  if (totals->count == REPLAY_TOTALS_MAX || name.len >= sizeof totals->at[0].name) return &none;
  struct replay_total *total = &totals->at[totals->count++];
  *total = (struct replay_total){.what = what};
  memcpy(total->name, name.data, name.len);
  return total;
}

static void count_value(struct replay_totals *totals, const char *what, struct slice name,
                        int64_t was, int64_t becomes) {
  struct replay_total *total = total_of(totals, what, name);
  total->was += was;
  total->becomes += becomes;
}

/* The figures of which it is told how often they are so. */
static const char *counted_as(enum period_kind kind, const char *field) {
  static const char *const states[PERIOD_KINDS] = {"day.state", "week.state", NULL};
  if (strcmp(field, "state") == 0) return states[kind];
  if (kind == PERIOD_MONTH && strcmp(field, "outcome") == 0) return "month.outcome";
  if (kind == PERIOD_MONTH && strcmp(field, "points") == 0) return "month.points";
  return NULL;
}

static void add_total(struct replay_totals *totals, const char *what, const struct replay_value *v,
                      bool becomes) {
  if (!v->present) return;
  int64_t count = v->value.is_text ? 1 : v->value.number;
  struct slice name = v->value.is_text ? v->value.text : SLICE("");
  count_value(totals, what, name, becomes ? 0 : count, becomes ? count : 0);
}

/* --- the comparison --- */

struct comparison {
  void (*each)(void *context, const struct replay_change *change);
  void *context;
  struct replay_totals *totals;
};

static bool value_equal(const struct replay_value *a, const struct replay_value *b) {
  if (a->present != b->present || !a->present) return a->present == b->present;
  if (a->value.is_text != b->value.is_text) return false;
  return a->value.is_text ? slice_equal(a->value.text, b->value.text)
                          : a->value.number == b->value.number;
}

/* One period on both sides; a side that does not have it is all absent. */
static void compare_rows(const struct comparison *c, const struct side_row *was,
                         const struct side_row *becomes) {
  static const struct side_row nothing;
  const struct side_row *one = was ? was : becomes;
  const char *names[SIDE_FIELDS_MAX];
  for (unsigned i = 0, count = side_fields(one->period.kind, names); i < count; i++) {
    struct replay_change change = {.agent = one->agent,
                                   .period = one->period,
                                   .field = names[i],
                                   .was = (was ? was : &nothing)->values[i],
                                   .becomes = (becomes ? becomes : &nothing)->values[i]};
    const char *what = counted_as(one->period.kind, names[i]);
    if (what) add_total(c->totals, what, &change.was, false);
    if (what) add_total(c->totals, what, &change.becomes, true);
    if (value_equal(&change.was, &change.becomes)) continue;
    c->totals->changes++;
    c->each(c->context, &change);
  }
}

static bool compare_sides(const struct comparison *c, struct slice was, struct slice becomes) {
  struct reader a = reader_of(was), b = reader_of(becomes);
  struct side_row row_a, row_b;
  bool has_a = side_next(&a, &row_a), has_b = side_next(&b, &row_b);
  while (has_a || has_b) {
    int order = !has_a ? 1 : !has_b ? -1 : side_compare(&row_a, &row_b);
    compare_rows(c, order <= 0 ? &row_a : NULL, order >= 0 ? &row_b : NULL);
    if (order <= 0) has_a = side_next(&a, &row_a);
    if (order >= 0) has_b = side_next(&b, &row_b);
  }
  return !a.failed && !b.failed;
}

static void compare_alerts(const struct comparison *c, const uint64_t was[ALERT_TYPES],
                           const uint64_t becomes[ALERT_TYPES]) {
  for (unsigned type = 1; type < ALERT_TYPES; type++)
    if (was[type] || becomes[type])
      count_value(c->totals, "alerts", slice_of(alert_type_name((enum alert_type)type)),
                  (int64_t)was[type], (int64_t)becomes[type]);
}

static enum status compare(const struct comparison *c, struct slice child, const struct side *other,
                           struct error *error) {
  uint64_t alerts[ALERT_TYPES];
  struct slice rows;
  if (!side_load(child, &rows, alerts) || !compare_sides(c, rows, writer_slice(&other->rows)))
    return error_set(error, STATUS_BUG, "the second reading handed over something broken");
  compare_alerts(c, alerts, other->alerts);
  return STATUS_OK;
}

/* The days of the journal where none are given. */
static enum status find_days(struct replay_options *options, struct error *error) {
  struct history_extent extent;
  enum status status = history_extent(options->state_dir, &extent, error);
  if (status != STATUS_OK) return status;
  if (options->from == DAY_NONE || options->from < extent.first) options->from = extent.first;
  if (options->to == DAY_NONE || options->to > extent.last) options->to = extent.last;
  return STATUS_OK;
}

enum status replay_run(const struct replay_options *given,
                       void (*each)(void *context, const struct replay_change *change),
                       struct replay_totals *totals, struct error *error) {
  struct replay_options options = *given;
  struct comparison c = {each, options.context, totals};
  struct side other = {.rows = {0}};
  struct slice child = {0};
  int fd = -1;
  *totals = (struct replay_totals){.count = 0};
  enum status status = find_days(&options, error);
  if (status != STATUS_OK) return status;
  pid_t pid = start_child(&options, &fd, error);
  if (pid < 0) {
    status = error->status;
  } else {
    status = side_read(&options, true, &other, error);
    if (status != STATUS_OK) kill(pid, SIGKILL);
    struct error why = {0};
    enum status child_status = wait_child(pid, fd, &child, &why);
    if (status == STATUS_OK && child_status != STATUS_OK)
      status = error_set(error, child_status, "%s", why.text);
  }
  if (status == STATUS_OK) status = compare(&c, child, &other, error);
  if (child.len) munmap((void *)(uintptr_t)child.data, child.len);
  if (fd >= 0) close(fd);
  side_free(&other);
  return status;
}
