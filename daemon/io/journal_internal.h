/* What the files of io/journal share: names, segments, frames. */
#ifndef CALLPACE_IO_JOURNAL_INTERNAL_H
#define CALLPACE_IO_JOURNAL_INTERNAL_H

#include "callpace/base/mem.h"
#include "callpace/base/table.h"
#include "callpace/io/journal.h"

enum {
  JOURNAL_VERSION = 1,
  MAGIC_SIZE = 16,
  FRAME_HEAD = 12,  /* CRC, length, low half of the LSN */
  PATH_SIZE = 4096, /* as PATH_MAX */
};

/* Little-endian numbers in place. */
static inline void store_u32(char *at, uint32_t value) {
  for (unsigned i = 0; i < 4; i++)
    at[i] = (char)(value >> 8 * i);
}
static inline uint32_t load_u32(const char *at) {
  const unsigned char *p = (const unsigned char *)at;
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Paths below STATE_DIR/journal; false when they do not fit. */
bool journal_path(char path[PATH_SIZE], const char *state_dir, const char *name);
bool journal_file(char path[PATH_SIZE], const char *state_dir, uint64_t lsn, const char *suffix);

/* The LSNs of all files NNNNNNNNNNNNNNNN + suffix, rising. `lsns` is malloc'd. An
 * absent directory gives STATUS_CONFIG. */
enum status journal_list(const char *state_dir, const char *suffix, uint64_t **lsns, size_t *count,
                         struct error *error);

/* Removes the *.tmp that an earlier run left. */
enum status journal_remove_unfinished(const char *state_dir, struct error *error);

/* The pid that holds STATE_DIR/lock, or 0. Not to be asked by the holder. */
pid_t journal_lock_holder(const char *state_dir);

/* A journal that only holds the lock, for journal_close; NULL as journal_open. */
struct journal *journal_lock(const char *state_dir, struct error *error);

/* Writes all of it; 0 or an errno. */
int journal_write_all(const struct journal_os *os, int fd, const char *data, size_t len, off_t at);
/* Syncs STATE_DIR/journal; 0 or an errno. */
int journal_sync_dir(const struct journal_os *os, const char *state_dir);

/* CRC of a frame: what follows the CRC field, begun with the upper half of the
 * LSN, so that a frame stands for one LSN only. */
uint32_t frame_crc(const char *frame, uint32_t len, uint64_t lsn);

/* One segment being read from its start. */
struct segment {
  int fd;
  char path[PATH_SIZE];
  uint64_t first_lsn;
  msec_t clock_ms; /* running clock */
  uint64_t next_lsn;
  uint64_t offset;      /* of the next frame */
  struct slice origins; /* of the header, encoded; behind a varint count */
  char *header;
  char *buffer;
  size_t capacity, begin, end; /* of the buffer: bytes from `offset` on */
};

enum frame_result { FRAME_OK, FRAME_END, FRAME_BAD, FRAME_ERROR };

/* Opens and reads the header. FRAME_BAD: it is no whole header (the segment is
 * open for segment_search_valid); FRAME_ERROR: errno tells. */
enum frame_result segment_open(struct segment *segment, const char *state_dir, uint64_t first_lsn);
void segment_close(struct segment *segment);
/* The next frame's payload, good until the next call. On FRAME_OK next_lsn and
 * offset have moved past it. */
enum frame_result segment_next(struct segment *segment, struct slice *payload);
/* Whether the next frame lies in the buffer: then payloads before it stay good. */
bool segment_holds_next(const struct segment *segment);
/* Looks for a whole frame with a right CRC of LSN next_lsn or later, from
 * `offset` on, at every byte. FRAME_OK: found, `at` tells where; FRAME_END: none. */
enum frame_result segment_search_valid(struct segment *segment, uint64_t *at);
uint64_t segment_file_bytes(const struct segment *segment);

/* Encodes a header. An origin is: varint number, then source, producer and epoch
 * as blobs. */
void segment_header_put(struct writer *out, uint64_t first_lsn, msec_t clock_ms, const char *node,
                        uint64_t origin_count, struct slice origins);

/* How a scan of one segment ended. */
enum scan_end {
  SCAN_WHOLE,   /* up to the end, or to where the next segment begins */
  SCAN_TORN,    /* last segment: what follows `offset` is a write that was cut short */
  SCAN_DAMAGED, /* `error` tells file and offset */
  SCAN_STOPPED, /* the callback returned false */
  SCAN_FAILED,  /* the system refused to read; `error` */
};

struct scan {
  const char *state_dir;
  uint64_t from_lsn;      /* records before it are checked, not handed out */
  journal_fn fn;          /* may be NULL */
  journal_ahead_fn ahead; /* may be NULL */
  void *context;
  bool shallow; /* only frames, types and the clock; the rest when they are read */
  /* results, of the last segment scanned: */
  char path[PATH_SIZE];
  uint64_t next_lsn, offset, file_bytes, records;
  msec_t first_clock_ms, clock_ms;
  enum record_type last_type;
};
/* `limit_lsn`: first LSN of the next segment, UINT64_MAX for the last one. */
enum scan_end segment_scan(struct scan *scan, uint64_t first_lsn, uint64_t limit_lsn,
                           struct error *error);

/* A segment as the writer knows it: enough to decide about its retention. */
struct segment_note {
  uint64_t first_lsn;
  msec_t clock_ms; /* of the record before its first */
  uint64_t bytes;
};

struct origin {
  char *key; /* source, producer, epoch, each behind its length */
  size_t key_len;
  uint32_t number;
  bool forgotten; /* still referred to by records that are not durable */
};

struct journal {
  char *state_dir;
  char *node;
  int lock_fd;
  struct journal_options options;
  const struct journal_os *os;

  struct writer pending; /* frames appended and not durable */
  uint64_t appended_lsn, durable_lsn;
  msec_t clock_ms, durable_clock_ms; /* running clock at those LSNs */

  int fd;              /* segment being written; -1: the next commit begins a fresh one */
  uint64_t size;       /* its durable bytes */
  uint64_t header_len; /* of which header */
  bool cut_due;        /* it may hold bytes beyond `size` that no sync confirmed */

  struct segment_note *segments; /* rising; the last is the one being written */
  size_t segment_count, segment_capacity;
  uint64_t total_bytes; /* of all segments */

  struct origin **origins; /* by age; no gaps */
  size_t origin_count, origin_capacity, forgotten_count;
  uint32_t next_origin;
  struct table origin_table;

  bool stalled;
  uint64_t commits, failures;
  usec_t last_sync_us, max_sync_us;
};

/* The snapshots' highest LSN by name, 0 for none. */
uint64_t snapshot_newest_lsn(const char *state_dir);

#endif
