/* Reading the journal: what is whole, what was cut short, what is damaged. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "journal_internal.h"

static enum scan_end scan_failed(const struct segment *segment, struct error *error) {
  error_set_errno(error, errno == EACCES ? STATUS_PERMISSION : STATUS_IO, "%s", segment->path);
  return SCAN_FAILED;
}

static enum scan_end scan_damaged(const struct segment *segment, uint64_t offset, const char *what,
                                  struct error *error) {
  error_set(error, STATUS_CONFIG,
            "%s: damaged at offset %" PRIu64 ": %s at LSN %" PRIu64
            "; \"callpace journal repair\" cuts there and keeps what follows aside",
            segment->path, offset, what, segment->next_lsn);
  return SCAN_DAMAGED;
}

/* Hands the senders of the header to the callback. */
static enum scan_end scan_origins(const struct scan *scan, const struct segment *segment,
                                  struct error *error) {
  struct reader r = reader_of(segment->origins);
  uint64_t count = get_varint(&r);
  for (; count > 0 && !r.failed; count--) {
    struct record record = {.type = RECORD_ORIGIN, .now_ms = segment->clock_ms};
    record.origin = (uint32_t)get_varint(&r);
    record.name.source = get_blob(&r);
    record.name.producer = get_blob(&r);
    record.name.epoch = get_blob(&r);
    if (!r.failed && scan->fn && !scan->fn(scan->context, 0, &record)) return SCAN_STOPPED;
  }
  if (r.failed) return scan_damaged(segment, 0, "broken header", error);
  return SCAN_WHOLE;
}

/* Something that is no right frame stands at `offset`. In a segment that others
 * follow that is damage. In the last one it is a torn write, unless a right frame
 * follows anywhere: then more than the tail is gone. A last frame of full length
 * with a wrong CRC counts as torn, too: power loss can leave a write with any of
 * its blocks missing, and nothing on the disk tells the one from the other. */
static enum scan_end scan_judge(struct segment *segment, bool last, const char *what,
                                struct error *error) {
  uint64_t at;
  if (!last) return scan_damaged(segment, segment->offset, what, error);
  switch (segment_search_valid(segment, &at)) {
  case FRAME_ERROR: return scan_failed(segment, error);
  case FRAME_OK:
    /* It has become whole meanwhile: a daemon is writing. */
    if (at == segment->offset && segment->header) return SCAN_WHOLE;
    return scan_damaged(segment, segment->offset, what, error);
  default: return SCAN_TORN;
  }
}

/* Records decoded and not handed out: their payloads lie in the segment's buffer. */
struct batch {
  size_t count;
  uint64_t lsns[JOURNAL_AHEAD_MAX];
  struct record records[JOURNAL_AHEAD_MAX];
  uint64_t judged; /* offset of the broken frame that was looked at last */
};

static enum scan_end hand_out(struct scan *scan, struct batch *batch) {
  size_t count = batch->count;
  batch->count = 0;
  if (count && scan->ahead) scan->ahead(scan->context, batch->records, count);
  for (size_t i = 0; i < count; i++)
    if (!scan->fn(scan->context, batch->lsns[i], &batch->records[i])) return SCAN_STOPPED;
  return SCAN_WHOLE;
}

static bool decode(const struct scan *scan, struct slice payload, msec_t *clock_ms,
                   struct record *record) {
  if (scan->shallow) return record_peek(payload, clock_ms, &record->type);
  return record_decode(payload, clock_ms, record);
}

static enum scan_end scan_record(struct scan *scan, struct segment *segment, struct batch *batch,
                                 struct slice payload, struct error *error) {
  struct record *record = &batch->records[batch->count];
  uint64_t lsn = segment->next_lsn - 1;
  if (!decode(scan, payload, &segment->clock_ms, record)) {
    segment->next_lsn = lsn;
    segment->offset -= FRAME_HEAD + payload.len;
    return scan_damaged(segment, segment->offset, "unknown record", error);
  }
  scan->records++;
  scan->last_type = record->type;
  if (!scan->fn) return SCAN_WHOLE;
  /* A sender named before the first record asked for is known to those after. */
  bool early = lsn < scan->from_lsn;
  if (early && record->type != RECORD_ORIGIN) return SCAN_WHOLE;
  batch->lsns[batch->count++] = early ? 0 : lsn;
  return SCAN_WHOLE;
}

static enum scan_end scan_frame(struct scan *scan, struct segment *segment, bool last,
                                struct batch *batch, bool *at_end, struct error *error) {
  struct slice payload;
  switch (segment_next(segment, &payload)) {
  case FRAME_OK: return scan_record(scan, segment, batch, payload, error);
  case FRAME_END:
    *at_end = true;
    if (last) return SCAN_WHOLE;
    return scan_damaged(segment, segment->offset, "records missing", error);
  case FRAME_BAD:
    if (batch->judged == segment->offset)
      return scan_damaged(segment, segment->offset, "broken record", error);
    batch->judged = segment->offset;
    return scan_judge(segment, last, "broken record", error);
  default: return scan_failed(segment, error);
  }
}

/* Whoever stops does so before damage that lies behind. */
static enum scan_end scan_frames(struct scan *scan, struct segment *segment, uint64_t limit_lsn,
                                 struct error *error) {
  struct batch batch = {.judged = UINT64_MAX};
  size_t most = scan->ahead ? JOURNAL_AHEAD_MAX : 1;
  enum scan_end end = SCAN_WHOLE;
  bool at_end = false;
  while (end == SCAN_WHOLE && !at_end && segment->next_lsn < limit_lsn) {
    end = scan_frame(scan, segment, limit_lsn == UINT64_MAX, &batch, &at_end, error);
    if (end == SCAN_WHOLE && batch.count < most && segment_holds_next(segment)) continue;
    enum scan_end told = hand_out(scan, &batch);
    if (told != SCAN_WHOLE) return told;
  }
  enum scan_end told = hand_out(scan, &batch);
  return told != SCAN_WHOLE ? told : end;
}

enum scan_end segment_scan(struct scan *scan, uint64_t first_lsn, uint64_t limit_lsn,
                           struct error *error) {
  struct segment segment;
  enum scan_end end;
  scan->records = 0;
  scan->last_type = RECORD_NONE;
  switch (segment_open(&segment, scan->state_dir, first_lsn)) {
  case FRAME_OK:
    scan->first_clock_ms = segment.clock_ms;
    end = scan_origins(scan, &segment, error);
    if (end == SCAN_WHOLE) end = scan_frames(scan, &segment, limit_lsn, error);
    break;
  case FRAME_ERROR: end = scan_failed(&segment, error); break;
  default:
    free(segment.header);
    segment.header = NULL;
    segment.offset = 0;
    end = scan_judge(&segment, limit_lsn == UINT64_MAX, "broken header", error);
    break;
  }
  snprintf(scan->path, sizeof scan->path, "%s", segment.path);
  scan->next_lsn = segment.next_lsn;
  scan->offset = segment.offset;
  scan->clock_ms = segment.clock_ms;
  scan->file_bytes = segment.fd >= 0 ? segment_file_bytes(&segment) : 0;
  segment_close(&segment);
  return end;
}

static enum status replay_list(struct scan *scan, const uint64_t *lsns, size_t count,
                               struct error *error) {
  size_t first = 0;
  if (count && scan->from_lsn && lsns[0] > scan->from_lsn)
    return error_set(error, STATUS_CONFIG,
                     "%s/journal: the records from LSN %" PRIu64 " to %" PRIu64
                     " are not there any more",
                     scan->state_dir, scan->from_lsn, lsns[0] - 1);
  while (first + 1 < count && lsns[first + 1] <= scan->from_lsn)
    first++;
  for (size_t i = first; i < count; i++) {
    uint64_t limit = i + 1 < count ? lsns[i + 1] : UINT64_MAX;
    switch (segment_scan(scan, lsns[i], limit, error)) {
    case SCAN_DAMAGED: return STATUS_CONFIG;
    case SCAN_FAILED: return error ? error->status : STATUS_IO;
    case SCAN_STOPPED: return STATUS_OK;
    default: break;
    }
  }
  return STATUS_OK;
}

enum status journal_replay_ahead(const char *state_dir, uint64_t from_lsn, journal_fn fn,
                                 journal_ahead_fn ahead, void *context, struct error *error) {
  uint64_t *lsns;
  size_t count;
  enum status status = journal_list(state_dir, ".seg", &lsns, &count, error);
  if (status != STATUS_OK) return status;
  struct scan scan = {
      .state_dir = state_dir, .from_lsn = from_lsn, .fn = fn, .ahead = ahead, .context = context};
  status = replay_list(&scan, lsns, count, error);
  free(lsns);
  return status;
}

enum status journal_replay(const char *state_dir, uint64_t from_lsn, journal_fn fn, void *context,
                           struct error *error) {
  return journal_replay_ahead(state_dir, from_lsn, fn, NULL, context, error);
}

/* The running clock at a segment's begin. */
static enum status begin_clock(const char *state_dir, uint64_t lsn, msec_t *clock_ms,
                               struct error *error) {
  struct segment segment;
  enum frame_result result = segment_open(&segment, state_dir, lsn);
  *clock_ms = segment.clock_ms;
  if (result == FRAME_ERROR) scan_failed(&segment, error);
  segment_close(&segment);
  if (result == FRAME_BAD) *clock_ms = MSEC_MAX; /* being made: it holds nothing yet */
  return result == FRAME_ERROR ? STATUS_IO : STATUS_OK;
}

enum status journal_find(const char *state_dir, msec_t at_ms, uint64_t *lsn, msec_t *clock_ms,
                         struct error *error) {
  uint64_t *lsns;
  size_t count;
  enum status status = journal_list(state_dir, ".seg", &lsns, &count, error);
  if (status != STATUS_OK) return status;
  *lsn = 0;
  *clock_ms = MSEC_NONE;
  for (size_t i = 0; i < count; i++) {
    msec_t clock;
    status = begin_clock(state_dir, lsns[i], &clock, error);
    if (status != STATUS_OK || (i > 0 && clock >= at_ms)) break;
    *lsn = lsns[i];
    *clock_ms = clock;
  }
  free(lsns);
  return status;
}
