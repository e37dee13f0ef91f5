/* Lines of any switch that writes one a finished call (SMDR), over TCP: it comes
 * to us, or we go to it. Each line is a whole call. */
#include <stdio.h>
#include <stdlib.h>

#include "callpace/base/crc32c.h"
#include "callpace/base/mem.h"
#include "callpace/dialect/event_queue.h"
#include "smdr_internal.h"

struct smdr {
  const struct dialect_setup *setup;
  struct event_queue queue;
  struct writer id; /* of the call being told */
  bool up_told;
  bool skipping;  /* inside a line that is too long */
  size_t scanned; /* bytes of the unread ones that hold no end of a line */
  uint64_t line_number;
  struct smdr_record record;
};

static void *smdr_open(const struct dialect_setup *setup) {
  struct smdr *smdr = mem_zalloc(sizeof *smdr);
  smdr->setup = setup;
  return smdr;
}

static void smdr_close(void *self) {
  struct smdr *smdr = self;
  if (!smdr) return;
  event_queue_free(&smdr->queue);
  writer_free(&smdr->id);
  free(smdr);
}

static void smdr_greet(void *self, msec_t now_ms, struct writer *out) {
  struct smdr *smdr = self;
  (void)now_ms;
  (void)out;
  smdr->up_told = smdr->skipping = false;
  smdr->scanned = 0;
  smdr->line_number = 0;
}

static enum item_kind refuse(const struct smdr *smdr, struct item *item, const char *code,
                             const char *message, struct slice line) {
  *item = (struct item){.code = code, .line_number = smdr->line_number};
  snprintf(item->message, sizeof item->message, "%s", message);
  item->line = (struct slice){line.data, line.len < SMDR_LINE_MAX ? line.len : SMDR_LINE_MAX};
  return ITEM_REFUSED;
}

/* --- lines --- */

enum line_kind { LINE_MORE, LINE_WHOLE, LINE_TOO_LONG };

static const char *find_end(struct slice unread, size_t from) {
  for (size_t i = from; i < unread.len; i++) {
    if (unread.data[i] == '\n' || unread.data[i] == '\r') return unread.data + i;
  }
  return NULL;
}

static void consume(struct smdr *smdr, struct slice *unread, size_t len) {
  unread->data += len;
  unread->len -= len;
  smdr->scanned = 0;
}

/* Printers began a page with form feeds. */
static struct slice without_feeds(struct slice line) {
  while (line.len && (line.data[0] == '\f' || line.data[0] == '\0')) {
    line.data++;
    line.len--;
  }
  return line;
}

/* The next line that is not empty; CR and LF both end one. */
static enum line_kind next_line(struct smdr *smdr, struct slice *unread, struct slice *line) {
  for (;;) {
    const char *end = find_end(*unread, smdr->scanned);
    size_t len = end ? (size_t)(end - unread->data) : unread->len;
    if (!end && len <= SMDR_LINE_MAX) {
      if (smdr->skipping) consume(smdr, unread, len);
      smdr->scanned = unread->len;
      return LINE_MORE;
    }
    bool rest = smdr->skipping;
    *line = without_feeds((struct slice){unread->data, len});
    smdr->skipping = !end;
    consume(smdr, unread, end ? len + 1 : len);
    if (rest || line->len == 0) continue;
    smdr->line_number++;
    return len > SMDR_LINE_MAX ? LINE_TOO_LONG : LINE_WHOLE;
  }
}

/* --- calls --- */

/* What a switch sends again after a break is the same line, and the same call. */
static struct slice call_id(struct smdr *smdr, struct slice line) {
  enum { CALL_MAX = 100 };
  struct slice call = smdr->record.field[SMDR_CALL];
  writer_reset(&smdr->id);
  put_text(&smdr->id, smdr->setup->source);
  put_char(&smdr->id, ':');
  if (call.len) {
    put_bytes(&smdr->id, call.data, call.len < CALL_MAX ? call.len : CALL_MAX);
    put_char(&smdr->id, '-');
  }
  put_format(&smdr->id, "%lld-%08x", (long long)(smdr->record.start_ms / MSEC_PER_SEC),
             crc32c(0, line.data, line.len));
  return writer_slice(&smdr->id);
}

static void tell(struct smdr *smdr, struct slice line) {
  const struct smdr_record *record = &smdr->record;
  struct call_event event = call_event_of(EVENT_CALL_START, record->start_ms);
  event.call = call_id(smdr, line);
  event.agent = record->agent;
  event.number = record->number;
  event.dir = record->dir;
  event.queue = record->field[SMDR_QUEUE];
  event.trunk = record->field[SMDR_TRUNK];
  event_queue_put(&smdr->queue, &event);
  if (record->answer_ms != MSEC_NONE) {
    struct call_event answer = call_event_of(EVENT_CALL_ANSWER, record->answer_ms);
    answer.call = writer_slice(&smdr->id);
    event_queue_put(&smdr->queue, &answer);
  }
  struct call_event end = call_event_of(EVENT_CALL_END, record->end_ms);
  end.call = writer_slice(&smdr->id);
  end.outcome = record->outcome;
  end.cause = record->field[SMDR_CAUSE];
  if (record->answer_ms != MSEC_NONE) end.talk_ms = record->talk_ms;
  event_queue_put(&smdr->queue, &end);
}

static enum item_kind take_line(struct smdr *smdr, struct slice line, msec_t now_ms,
                                struct item *item) {
  enum { AHEAD_MAX_MS = 5 * 60 * 1000 };
  const struct dialect_setup *setup = smdr->setup;
  const char *code = NULL;
  char message[SMDR_MESSAGE_SIZE];
  switch (
      smdr_line_read(setup->layout, *setup->zone, line, now_ms, &smdr->record, &code, message)) {
  case SMDR_SKIPPED: return ITEM_MORE;
  case SMDR_REFUSED: return refuse(smdr, item, code, message, line);
  case SMDR_READ: break;
  }
  if (!setup->events_clock && smdr->record.end_ms > now_ms + AHEAD_MAX_MS)
    return refuse(smdr, item, "future_ts", "the call ends more than 5 min ahead of the clock",
                  line);
  if (smdr->record.start_ms < 0)
    return refuse(smdr, item, "bad_field", "the call begins before 1970", line);
  tell(smdr, line);
  return ITEM_MORE;
}

static enum item_kind next_item(struct smdr *smdr, struct slice *unread, bool end, msec_t now_ms,
                                struct item *item) {
  for (;;) {
    struct call_event event;
    if (event_queue_take(&smdr->queue, &event)) {
      *item = (struct item){.event = event};
      return ITEM_EVENT;
    }
    struct slice line;
    enum item_kind kind = ITEM_MORE;
    switch (next_line(smdr, unread, &line)) {
    case LINE_MORE:
      if (!end || unread->len == 0) return ITEM_MORE;
      line = *unread;
      consume(smdr, unread, unread->len);
      smdr->line_number++;
      return refuse(smdr, item, "truncated", "the connection ended inside the line", line);
    case LINE_TOO_LONG:
      return refuse(smdr, item, "too_long", "the line is longer than 4,096 bytes", line);
    case LINE_WHOLE: kind = take_line(smdr, line, now_ms, item); break;
    }
    if (kind != ITEM_MORE) return kind;
  }
}

static enum item_kind smdr_next(void *self, struct slice *unread, bool end, msec_t now_ms,
                                struct item *item, struct writer *out) {
  (void)out;
  return next_item(self, unread, end, now_ms, item);
}

/* As a client: nobody greets, so that being connected is being up. */
static enum item_kind smdr_client_next(void *self, struct slice *unread, bool end, msec_t now_ms,
                                       struct item *item, struct writer *out) {
  struct smdr *smdr = self;
  (void)out;
  if (smdr->up_told) return next_item(smdr, unread, end, now_ms, item);
  smdr->up_told = true;
  *item = (struct item){.message = "a feed of lines"};
  return ITEM_UP;
}

const struct dialect dialect_smdr = {
    .name = "smdr",
    .is_mute = true,
    .unread_max = SMDR_LINE_MAX + 2,
    .open = smdr_open,
    .close = smdr_close,
    .greet = smdr_greet,
    .next = smdr_next,
};

const struct dialect dialect_smdr_client = {
    .name = "smdr",
    .is_client = true,
    .unread_max = SMDR_LINE_MAX + 2,
    .open = smdr_open,
    .close = smdr_close,
    .greet = smdr_greet,
    .next = smdr_client_next,
};
