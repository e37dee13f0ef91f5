/* What was acknowledged is there once and in order, whatever call fails and
 * whenever the process is killed. */
#include "journal_fixture.h"

TestSuite(journal_faults, .init = make_dir, .fini = remove_dir);

/* Fault injection: the Nth call of any kind fails, writes are short. */
static long calls_left;
static int fault;
static bool fault_stays;

static bool fails(void) {
  if (calls_left > 0 && --calls_left > 0) return false;
  if (calls_left < 0) return false;
  if (!fault_stays) calls_left = -1;
  errno = fault;
  return true;
}
static int bad_open(const char *path, int flags, mode_t mode) {
  return fails() ? -1 : journal_os_real.open(path, flags, mode);
}
static ssize_t bad_pwrite(int fd, const void *data, size_t len, off_t at) {
  /* Short writes always; a failing one has written half. */
  size_t some = len > 3 ? len / 2 : len;
  ssize_t n = journal_os_real.pwrite(fd, data, some, at);
  return fails() ? -1 : n;
}
static int bad_fdatasync(int fd) {
  return fails() ? -1 : journal_os_real.fdatasync(fd);
}
static int bad_fsync(int fd) {
  return fails() ? -1 : journal_os_real.fsync(fd);
}
static int bad_ftruncate(int fd, off_t len) {
  return fails() ? -1 : journal_os_real.ftruncate(fd, len);
}
static int bad_fallocate(int fd, int mode, off_t at, off_t len) {
  return fails() ? -1 : journal_os_real.fallocate(fd, mode, at, len);
}
static int bad_rename(const char *from, const char *to) {
  return fails() ? -1 : journal_os_real.rename(from, to);
}
static int bad_unlink(const char *path) {
  return fails() ? -1 : journal_os_real.unlink(path);
}
static const struct journal_os bad_os = {.open = bad_open,
                                         .pwrite = bad_pwrite,
                                         .fdatasync = bad_fdatasync,
                                         .fsync = bad_fsync,
                                         .ftruncate = bad_ftruncate,
                                         .fallocate = bad_fallocate,
                                         .rename = bad_rename,
                                         .unlink = bad_unlink};

/* Writes 40 events in batches of 4 and tells how many were acknowledged. Retries
 * a failed commit `retries` times, then gives up as if killed. */
static uint64_t run_with_faults(unsigned retries, uint64_t *appended) {
  struct journal_options options = {.segment_bytes = 600, .os = &bad_os};
  struct journal *journal = journal_open(state_dir, &options, NULL, &error);
  uint64_t acknowledged = 0;
  *appended = 0;
  if (!journal) return 0;
  uint32_t origin = journal_origin(journal, SLICE("switch"), SLICE("p"), SLICE("e1"), 1);
  bool dead = false;
  for (uint64_t i = 0; i < 40 && !dead; i++) {
    append_number(journal, origin, i);
    *appended = i + 1;
    if (i % 4 != 3) continue;
    enum status status = journal_commit(journal, &error);
    for (unsigned n = 0; n < retries && status != STATUS_OK; n++) {
      cr_assert(journal_stalled(journal) && journal_backlog_bytes(journal) > 0);
      status = journal_commit(journal, &error);
    }
    if (status == STATUS_OK) acknowledged = i + 1;
    dead = status != STATUS_OK;
  }
  if (!dead) cr_assert_eq(journal_durable_lsn(journal), 41);
  journal_close(journal);
  return acknowledged;
}

static void fail_each_call(int code, bool stays, unsigned retries) {
  fault = code;
  fault_stays = stays;
  for (long n = 1;; n++) {
    uint64_t appended;
    calls_left = n;
    uint64_t acknowledged = run_with_faults(retries, &appended);
    bool through = calls_left > 0;
    if (!stays) cr_assert(acknowledged == 40 || appended == 0, "call %ld", n);
    calls_left = -1;
    journal_close(open_plain(NULL));
    uint64_t there = read_all();
    cr_assert(there >= acknowledged && there <= appended, "call %ld: %" PRIu64 " of %" PRIu64, n,
              there, acknowledged);
    remove_dir();
    cr_assert_eq(mkdir(state_dir, 0700), 0);
    if (through) break;
    cr_assert_lt(n, 2000);
  }
}

Test(journal_faults, survives_one_failure_of_any_call) {
  fail_each_call(EIO, false, 1);
}

Test(journal_faults, survives_a_disk_that_stays_full_from_any_call_on) {
  fail_each_call(ENOSPC, true, 2);
}

Test(journal_faults, goes_on_in_order_when_space_returns) {
  struct journal_options options = {.segment_bytes = 600, .os = &bad_os};
  calls_left = -1;
  struct journal *journal = open_with(&options, NULL);
  uint32_t origin = journal_origin(journal, SLICE("switch"), SLICE("p"), SLICE("e1"), 1);
  for (uint64_t i = 0; i < 200; i++) {
    append_number(journal, origin, i);
    fault = ENOSPC;
    fault_stays = true;
    bool full = i % 50 >= 20 && i % 50 < 40;
    calls_left = full ? 1 : -1;
    cr_assert_eq(journal_commit(journal, &error), full ? STATUS_IO : STATUS_OK);
    cr_assert_eq(journal_stalled(journal), full);
    cr_assert(full || journal_durable_lsn(journal) == i + 2);
  }
  calls_left = -1;
  journal_close(journal);
  cr_assert_eq(read_all(), 200);
}

/* Like a disk that neither syncs nor lets itself be truncated any more, then
 * recovers: the old segment keeps records that the new one overrules. */
static int no_truncate(int fd, off_t len) {
  (void)fd, (void)len;
  errno = EIO;
  return -1;
}
Test(journal_faults, a_newer_segment_overrules_the_end_of_the_older) {
  struct journal_os os = bad_os;
  os.ftruncate = no_truncate;
  calls_left = -1;
  struct journal *journal = open_with(&(struct journal_options){.os = &os}, NULL);
  write_numbers(journal, 0, 10, 5);
  for (uint64_t i = 10; i < 14; i++)
    append_number(journal, 0, i);
  fault = EIO;
  fault_stays = false;
  /* The sync fails after the write has reached the file. */
  os.pwrite = journal_os_real.pwrite;
  calls_left = 1;
  cr_assert_eq(journal_commit(journal, &error), STATUS_IO);
  append_number(journal, 0, 14);
  must_commit(journal);
  journal_close(journal);
  cr_assert_eq(read_all(), 15);
  struct journal_verdict verdict;
  struct writer out = {0};
  cr_assert_eq(journal_verify(state_dir, &verdict, &out, &error), STATUS_OK);
  cr_assert_not_null(strstr(writer_text(&out), "overruled by the next segment"));
  cr_assert_eq(verdict.records, 16);
  writer_free(&out);
  journal_close(open_plain(NULL));
  cr_assert_eq(read_all(), 15);
}

Test(journal_faults, a_snapshot_that_fails_leaves_the_older) {
  struct journal *journal = open_plain(NULL);
  write_numbers(journal, 0, 50, 10);
  journal_close(journal);
  calls_left = -1;
  cr_assert_eq(snapshot_write(state_dir, 10, SLICE("ten"), &bad_os, &error), STATUS_OK);
  fault = ENOSPC;
  fault_stays = true;
  for (calls_left = 1;; calls_left++) {
    long n = calls_left;
    enum status status = snapshot_write(state_dir, 20, SLICE("twenty"), &bad_os, &error);
    struct snapshot snapshot;
    cr_assert_eq(snapshot_load(state_dir, &snapshot, NULL, &error), STATUS_OK);
    cr_assert(snapshot.lsn == 20 || (snapshot.lsn == 10 && status == STATUS_IO));
    snapshot_free(&snapshot);
    if (status == STATUS_OK) break;
    calls_left = n;
  }
}

Test(journal_faults, what_was_acknowledged_survives_sigkill) {
  uint64_t from = 0;
  for (unsigned round = 0; round < 8; round++) {
    int ack[2];
    cr_assert_eq(pipe(ack), 0);
    pid_t daemon = fork();
    if (daemon == 0) {
      struct journal *journal = open_with(&(struct journal_options){.segment_bytes = 3000}, NULL);
      for (uint64_t i = from;; i++) {
        write_numbers(journal, i, i + 1, 1);
        if (write(ack[1], &i, sizeof i) != sizeof i) _exit(1);
      }
    }
    close(ack[1]);
    uint64_t seen = 0;
    for (unsigned i = 0; i < 20 + 13 * round; i++)
      cr_assert_eq(read(ack[0], &seen, sizeof seen), sizeof seen);
    kill(daemon, SIGKILL);
    while (read(ack[0], &seen, sizeof seen) == sizeof seen)
      continue;
    waitpid(daemon, NULL, 0);
    close(ack[0]);
    journal_close(open_plain(NULL));
    from = read_all();
    cr_assert_geq(from, seen + 1);
  }
}
