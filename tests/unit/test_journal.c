/* The journal on a real disk: what was committed is there again, and what is
 * damaged is told. */
#include "journal_fixture.h"

TestSuite(journal, .init = make_dir, .fini = remove_dir);

static off_t size_of(const char *path) {
  struct stat st;
  cr_assert_eq(stat(path, &st), 0, "%s", path);
  return st.st_size;
}

static void flip(const char *path, off_t at) {
  int fd = open(path, O_RDWR);
  char byte;
  cr_assert_eq(pread(fd, &byte, 1, at), 1);
  byte = (char)(byte ^ 0x41);
  cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
  close(fd);
}

static void refuse(enum status status, const char *words) {
  error = (struct error){0};
  struct journal *journal = journal_open(state_dir, &(struct journal_options){0}, NULL, &error);
  cr_assert_null(journal);
  cr_assert_eq(error.status, status, "%s", error.text);
  cr_assert_not_null(strstr(error.text, words), "%s", error.text);
}

static const char *const first_segment = "0000000000000001.seg";

Test(journal, appends_commits_and_reads_back) {
  struct journal_found found;
  struct journal *journal = open_plain(&found);
  cr_assert(found.last_lsn == 0 && found.clean_stop && found.last_now_ms == MSEC_NONE);
  write_numbers(journal, 0, 1000, 7);
  cr_assert_eq(journal_durable_lsn(journal), 1001);
  cr_assert_eq(journal_backlog_bytes(journal), 0);
  journal_close(journal);
  cr_assert_eq(read_all(), 1000);

  journal = open_plain(&found);
  cr_assert(found.first_lsn == 1 && found.last_lsn == 1001 && !found.clean_stop);
  cr_assert_eq(found.last_now_ms, 1795482009990);
  write_numbers(journal, 1000, 1500, 100);
  struct record stop = {.type = RECORD_STOP, .now_ms = 1795482015000};
  journal_append(journal, &stop);
  must_commit(journal);
  journal_close(journal);
  cr_assert_eq(read_all(), 1500);
  journal_close(open_plain(&found));
  cr_assert(found.clean_stop && !found.tail_cut);
}

Test(journal, is_not_durable_before_the_commit) {
  struct journal *journal = open_plain(NULL);
  write_numbers(journal, 0, 5, 5);
  append_number(journal, 0, 5);
  cr_assert(journal_appended_lsn(journal) == 7 && journal_durable_lsn(journal) == 6);
  cr_assert_gt(journal_backlog_bytes(journal), 0);
  journal_close(journal);
  cr_assert_eq(read_all(), 5);
}

Test(journal, a_second_daemon_is_refused_with_the_pid) {
  struct journal *journal = open_plain(NULL);
  char words[64];
  snprintf(words, sizeof words, "in use by pid %ld", (long)getpid());
  pid_t child = fork();
  if (child == 0) {
    struct error own = {0};
    struct journal *second = journal_open(state_dir, &(struct journal_options){0}, NULL, &own);
    _exit(!second && own.status == STATUS_UNAVAILABLE && strstr(own.text, words) ? 0 : 1);
  }
  int status;
  cr_assert_eq(waitpid(child, &status, 0), child);
  cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  journal_close(journal);
}

Test(journal, a_forked_child_does_not_keep_the_lock) {
  int gate[2];
  cr_assert_eq(pipe(gate), 0);
  pid_t daemon = fork();
  if (daemon == 0) {
    open_plain(NULL);
    if (fork() == 0) {
      char byte;
      close(gate[1]);
      _exit(read(gate[0], &byte, 1) == 0 ? 0 : 1); /* lives until the test ends */
    }
    _exit(0);
  }
  waitpid(daemon, NULL, 0);
  journal_close(open_plain(NULL));
  close(gate[1]);
}

Test(journal, rotates_and_every_segment_stands_alone) {
  struct journal *journal =
      open_with(&(struct journal_options){.node = "test", .segment_bytes = 2000}, NULL);
  write_numbers(journal, 0, 500, 5);
  struct journal_stats stats;
  journal_stats(journal, &stats);
  cr_assert_gt(stats.segments, 8);
  cr_assert_eq(stats.durable_lsn, 501);
  journal_close(journal);
  cr_assert_eq(read_all(), 500);
  struct reading reading = {0};
  cr_assert_eq(journal_replay(state_dir, 333, read_one, &reading, NULL), STATUS_OK);
  cr_assert_eq(reading.records, 501 - 333 + 1);
  cr_assert_gt(reading.origins, 0);
}

Test(journal, forgotten_senders_leave_the_headers) {
  struct journal *journal = open_with(&(struct journal_options){.segment_bytes = 1000}, NULL);
  write_numbers(journal, 0, 3, 1);
  for (unsigned i = 0; i < 300; i++) {
    char name[16];
    struct slice producer = {name, (size_t)snprintf(name, sizeof name, "p%u", i)};
    journal_forget_origin(journal,
                          journal_origin(journal, SLICE("switch"), producer, SLICE("e1"), 1));
  }
  must_commit(journal);
  uint32_t origin = journal_origin(journal, SLICE("switch"), SLICE("pbx1"), SLICE("e1"), 1);
  cr_assert_eq(origin, 0);
  append_number(journal, origin, 3);
  must_commit(journal);
  cr_assert_lt(size_of(path_of("0000000000000305.seg")), 200);
  journal_close(journal);
  cr_assert_eq(read_all(), 4);
}

Test(journal, a_tail_torn_at_any_byte_is_cut_and_reported) {
  struct journal *journal = open_plain(NULL);
  write_numbers(journal, 0, 20, 20);
  journal_close(journal);
  char copy[256], command[600];
  snprintf(copy, sizeof copy, "%s/copy.seg", state_dir);
  snprintf(command, sizeof command, "cp %s %s", path_of(first_segment), copy);
  cr_assert_eq(system(command), 0);
  off_t whole = size_of(copy);
  uint64_t before = 0;
  for (off_t len = 0; len <= whole; len++) {
    int in = open(copy, O_RDONLY),
        out = open(path_of(first_segment), O_CREAT | O_TRUNC | O_RDWR, 0600);
    char bytes[4096];
    cr_assert_eq(pread(in, bytes, (size_t)whole, 0), whole);
    cr_assert_eq(pwrite(out, bytes, (size_t)len, 0), len);
    /* Alternately nothing, zeros and garbage behind. */
    memset(bytes, len % 3 == 1 ? 0 : 0xa5, sizeof bytes);
    if (len % 3) cr_assert_eq(pwrite(out, bytes, 100, len), 100);
    close(in);
    close(out);
    struct journal_found found;
    journal = open_plain(&found);
    uint64_t events = found.last_lsn ? found.last_lsn - 1 : 0;
    if (len % 3 == 0) { /* else what lies behind may by chance be what was cut */
      cr_assert_geq(events, before, "at byte %ld", (long)len);
      before = events;
    }
    if (len % 3) {
      cr_assert(found.tail_cut);
      cr_assert_str_eq(found.tail_file, path_of(first_segment));
      cr_assert_eq(found.tail_offset + found.tail_bytes, (uint64_t)len + 100);
    }
    cr_assert_eq(read_all(), events);
    write_numbers(journal, events, events + 2, 1);
    journal_close(journal);
    cr_assert_eq(read_all(), events + 2);
    snprintf(command, sizeof command, "rm -f %s/journal/*", state_dir);
    cr_assert_eq(system(command), 0);
  }
  cr_assert_geq(before, 19U);
}

Test(journal, any_flipped_byte_before_the_tail_is_refused) {
  struct journal *journal = open_plain(NULL);
  write_numbers(journal, 0, 5, 1);
  journal_close(journal);
  off_t before_last = size_of(path_of(first_segment));
  journal = open_plain(NULL);
  write_numbers(journal, 5, 6, 1);
  journal_close(journal);
  journal = open_plain(NULL);
  for (off_t at = 0; at < before_last; at++) {
    journal_close(journal);
    flip(path_of(first_segment), at);
    refuse(STATUS_CONFIG, "0000000000000001.seg: damaged at offset ");
    flip(path_of(first_segment), at);
    journal = open_plain(NULL);
  }
  journal_close(journal);
}

Test(journal, a_flipped_byte_within_the_last_segment_is_refused) {
  struct journal *journal = open_plain(NULL);
  write_numbers(journal, 0, 5, 5);
  off_t checked = size_of(path_of(first_segment)) - 40;
  journal_close(journal);
  for (off_t at = 0; at < checked; at++) {
    flip(path_of(first_segment), at);
    refuse(STATUS_CONFIG, "damaged at offset ");
    flip(path_of(first_segment), at);
  }
  cr_assert_eq(read_all(), 5);
}

Test(journal, a_missing_segment_is_refused) {
  struct journal *journal = open_with(&(struct journal_options){.segment_bytes = 500}, NULL);
  write_numbers(journal, 0, 100, 5);
  journal_close(journal);
  char command[128];
  snprintf(command, sizeof command, "cd %s/journal && rm $(ls | sed -n 3p)", state_dir);
  cr_assert_eq(system(command), 0);
  refuse(STATUS_CONFIG, "records missing");
}

Test(journal, retention_needs_age_and_a_snapshot) {
  struct journal *journal = open_with(&(struct journal_options){.segment_bytes = 500}, NULL);
  write_numbers(journal, 0, 100, 5);
  msec_t end = 1795482000000 + 1000;
  cr_assert_eq(journal_retain(journal, end + 1, 0), 0);
  cr_assert_eq(journal_retain(journal, 1795482000000, 101), 0);
  unsigned half = journal_retain(journal, end + 1, 50);
  cr_assert_gt(half, 0);
  unsigned rest = journal_retain(journal, end + 1, 101);
  cr_assert_gt(rest, 0);
  struct journal_stats stats;
  journal_stats(journal, &stats);
  cr_assert_eq(stats.segments, 1);
  journal_close(journal);
  struct reading reading = {0};
  cr_assert_eq(journal_replay(state_dir, stats.first_lsn, read_one, &reading, NULL), STATUS_OK);
  cr_assert_eq(reading.next_seq, 101);
  cr_assert_eq(journal_replay(state_dir, 1, read_one, &reading, &error), STATUS_CONFIG);
  journal_close(open_plain(NULL));
}

Test(journal, snapshots_keep_two_and_skip_the_damaged) {
  struct journal *journal = open_plain(NULL);
  write_numbers(journal, 0, 50, 10);
  struct snapshot snapshot;
  cr_assert_eq(snapshot_load(state_dir, &snapshot, NULL, &error), STATUS_OK);
  cr_assert_null(snapshot.data);
  cr_assert_eq(snapshot_write(state_dir, 10, SLICE("ten"), NULL, &error), STATUS_OK);
  cr_assert_eq(snapshot_write(state_dir, 20, SLICE("twenty"), NULL, &error), STATUS_OK);
  cr_assert_eq(snapshot_write(state_dir, 30, SLICE("thirty"), NULL, &error), STATUS_OK);
  cr_assert_neq(access(path_of("0000000000000010.snap"), F_OK), 0);
  struct writer skipped = {0};
  off_t len = size_of(path_of("0000000000000030.snap"));
  for (off_t at = 0; at <= len; at++) {
    if (at < len) flip(path_of("0000000000000030.snap"), at);
    cr_assert_eq(snapshot_load(state_dir, &snapshot, &skipped, &error), STATUS_OK);
    cr_assert_eq(snapshot.lsn, at < len ? 20 : 30);
    cr_assert_eq(memcmp(snapshot.data, at < len ? "twenty" : "thirty", snapshot.len), 0);
    if (at < len) flip(path_of("0000000000000030.snap"), at);
    snapshot_free(&snapshot);
  }
  cr_assert_not_null(strstr(writer_text(&skipped), "0000000000000030.snap: "));
  writer_free(&skipped);
  journal_close(journal);
}

Test(journal, a_tail_that_a_snapshot_knows_is_not_cut) {
  struct journal *journal = open_plain(NULL);
  write_numbers(journal, 0, 50, 10);
  cr_assert_eq(snapshot_write(state_dir, 51, SLICE("all"), NULL, &error), STATUS_OK);
  journal_close(journal);
  cr_assert_eq(truncate(path_of(first_segment), size_of(path_of(first_segment)) - 1), 0);
  refuse(STATUS_CONFIG, "a snapshot knows 51");
  struct writer out = {0};
  cr_assert_eq(journal_repair(state_dir, &out, &error), STATUS_OK, "%s", error.text);
  writer_free(&out);
  journal_close(open_plain(NULL));
  cr_assert_eq(read_all(), 49);
}

Test(journal, verifies_and_dumps_while_a_daemon_writes) {
  int gate[2], ready[2];
  char byte = 0;
  cr_assert(pipe(gate) == 0 && pipe(ready) == 0);
  pid_t daemon = fork();
  if (daemon == 0) {
    close(gate[1]);
    struct journal *journal = open_with(&(struct journal_options){.segment_bytes = 9000}, NULL);
    write_numbers(journal, 0, 10, 10);
    if (write(ready[1], &byte, 1) != 1) _exit(1);
    fcntl(gate[0], F_SETFL, O_NONBLOCK);
    for (uint64_t i = 10; read(gate[0], &byte, 1) != 0; i++)
      write_numbers(journal, i, i + 1, 1);
    journal_close(journal);
    _exit(0);
  }
  close(gate[0]);
  cr_assert_eq(read(ready[0], &byte, 1), 1);
  for (unsigned i = 0; i < 50; i++) {
    struct journal_verdict verdict;
    struct writer out = {0};
    cr_assert_eq(journal_verify(state_dir, &verdict, &out, &error), STATUS_OK, "%s", error.text);
    cr_assert(verdict.in_use && verdict.torn_bytes == 0);
    cr_assert_geq(read_all(), 10);
    writer_free(&out);
  }
  cr_assert_eq(journal_repair(state_dir, NULL, &error), STATUS_UNAVAILABLE);
  close(gate[1]);
  waitpid(daemon, NULL, 0);
}

Test(journal, repair_cuts_and_destroys_nothing) {
  struct journal *journal = open_with(&(struct journal_options){.segment_bytes = 600}, NULL);
  write_numbers(journal, 0, 100, 5);
  journal_close(journal);
  cr_assert_eq(snapshot_write(state_dir, 100, SLICE("late"), NULL, &error), STATUS_OK);
  flip(path_of(first_segment), size_of(path_of(first_segment)) - 10);
  refuse(STATUS_CONFIG, "damaged at offset ");
  struct journal_verdict verdict;
  struct writer out = {0};
  cr_assert_eq(journal_verify(state_dir, &verdict, &out, &error), STATUS_CONFIG);
  writer_reset(&out);
  cr_assert_eq(journal_repair(state_dir, &out, &error), STATUS_OK, "%s", error.text);
  cr_assert_not_null(strstr(writer_text(&out), " to 101, from 2026-"), "%s", out.data);
  cr_assert_not_null(strstr(out.data, "/damaged-"), "%s", out.data);
  writer_reset(&out);
  cr_assert_eq(journal_repair(state_dir, &out, &error), STATUS_OK);
  cr_assert_str_eq(writer_text(&out), "nothing to repair\n");
  writer_free(&out);
  struct journal_found found;
  journal = open_plain(&found);
  uint64_t left = read_all();
  cr_assert(left > 0 && left < 100 && found.last_lsn == left + 1);
  write_numbers(journal, left, 120, 3);
  journal_close(journal);
  cr_assert_eq(read_all(), 120);
}

Test(journal, dump_prints_protocol_lines) {
  struct journal *journal = open_plain(NULL);
  write_numbers(journal, 0, 3, 1);
  journal_close(journal);
  char *text = NULL;
  size_t len = 0;
  FILE *file = open_memstream(&text, &len);
  cr_assert_eq(journal_dump(state_dir, false, 0, 3, file, &error), STATUS_OK);
  fclose(file);
  cr_assert_str_eq(text, "{\"type\":\"call.start\",\"ts\":1795481999997,\"call\":\"call-0\","
                         "\"agent\":\"1001\"}\n"
                         "{\"type\":\"call.start\",\"ts\":1795482000007,\"call\":\"call-1\","
                         "\"agent\":\"1001\"}\n");
  free(text);
  file = open_memstream(&text, &len);
  cr_assert_eq(journal_dump(state_dir, true, 0, 0, file, &error), STATUS_OK);
  fclose(file);
  cr_assert_not_null(strstr(text, "{\"type\":\"x.origin\",\"now_ms\":1,\"origin\":0"));
  free(text);
}
