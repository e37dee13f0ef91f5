/* The line protocol of callpace itself: one flat JSON object a line
 * (CONTRACT section 2, doc/protocol.md). */
#include <stdlib.h>

#include "callpace/base/mem.h"
#include "callpace/dialect/native_fields.h"

/* The longest line with both its ending bytes is one more than may stay unread. */
enum { LONGEST_WITH_ENDING = FLAT_LINE_MAX + 2 };

struct native {
  const struct dialect_setup *setup;
  uint64_t line_number; /* of the line taken last */
  size_t searched;      /* bytes of the unread line known to hold no '\n' */
  bool hello;
  bool event_taken;
  bool skipping;                 /* within a line that was too long */
  struct flat_object *unescaped; /* holds strings with escapes between two calls */
};

static void *native_open(const struct dialect_setup *setup) {
  struct native *n = mem_zalloc(sizeof *n);
  n->setup = setup;
  return n;
}

static void forget_unescaped(struct native *n) {
  free(n->unescaped);
  n->unescaped = NULL;
}

static void native_close(void *self) {
  if (self) forget_unescaped(self);
  free(self);
}

static void native_greet(void *self, msec_t now_ms, struct writer *out) {
  struct native *n = self;
  (void)now_ms;
  (void)out;
  forget_unescaped(n);
  *n = (struct native){.setup = n->setup};
}

static void advance(struct slice *unread, size_t len) {
  unread->data += len;
  unread->len -= len;
}

static enum item_kind refused(struct native *n, struct slice line, struct item *item) {
  if (line.len > FLAT_LINE_MAX) line.len = FLAT_LINE_MAX;
  item->line = line;
  item->line_number = n->line_number;
  return ITEM_REFUSED;
}

/* Takes the opening apart. */
static bool read_hello(struct native *n, const struct flat_object *object, struct item *item) {
  static const char *const names[] = {"producer", "epoch", "token"};
  struct slice *const places[] = {&item->producer, &item->epoch, &item->token};
  int64_t version;
  if (n->hello || n->event_taken) return native_refuse(item, "bad_field", "hello must be first");
  const struct flat_member *v = native_member(object, SLICE("v"));
  if (!v) return native_refuse(item, "missing_field", "v: missing");
  if (!flat_int(v, &version) || version != 1)
    return native_refuse(item, "bad_field", "v: only version 1 is spoken here");
  for (unsigned i = 0; i < 3; i++) {
    const struct flat_member *member = native_member(object, slice_of(names[i]));
    *places[i] = SLICE("");
    if (!member && i < 2) return native_refuse(item, "missing_field", "%s: missing", names[i]);
    if (member && !native_text(member, places[i]))
      return native_refuse(item, "bad_field", "%s: not a string", names[i]);
    if (places[i]->len > NATIVE_TEXT_MAX || memchr(places[i]->data, '\0', places[i]->len))
      return native_refuse(item, "bad_field", "%s: too long or holds a NUL", names[i]);
  }
  if (item->producer.len == 0 || item->producer.len > NATIVE_PRODUCER_MAX)
    return native_refuse(item, "bad_field", "producer: not 1 to %d bytes", NATIVE_PRODUCER_MAX);
  n->hello = true;
  return true;
}

static bool is_hello(const struct flat_object *object) {
  const struct flat_member *type = native_member(object, SLICE("type"));
  return type && type->kind == FLAT_STRING && slice_equal(type->value, SLICE("hello"));
}

static enum item_kind judge_object(struct native *n, const struct flat_object *object,
                                   struct slice line, msec_t now_ms, struct item *item) {
  struct native_context context = {now_ms, n->setup->events_clock, n->setup->start_means_answer,
                                   n->hello, object == n->unescaped};
  item->line = line;
  if (native_event(object, &context, item)) {
    n->event_taken = true;
    item->line_number = n->line_number;
    return ITEM_EVENT;
  }
  if (!is_hello(object)) return refused(n, line, item);
  if (!read_hello(n, object, item)) return refused(n, line, item);
  item->line_number = n->line_number;
  return ITEM_HELLO;
}

static enum item_kind judge_line(struct native *n, struct slice line, msec_t now_ms,
                                 struct item *item) {
  struct flat_object plain, *object = &plain;
  if (memchr(line.data, '\\', line.len)) {
    /* Strings with escapes live in the object, which has to outlive this call. */
    if (!n->unescaped) n->unescaped = mem_alloc(sizeof *n->unescaped);
    object = n->unescaped;
  }
  item->passing = object != &plain;
  enum flat_result result = flat_json_scan(line, object);
  if (result == FLAT_OK) return judge_object(n, object, line, now_ms, item);
  native_refuse(item, result == FLAT_BAD_UTF8 ? "bad_utf8" : "bad_json", "%s at byte %zu",
                object->error, object->error_at + 1);
  return refused(n, line, item);
}

static enum item_kind too_long(struct native *n, struct slice line, struct item *item) {
  native_refuse(item, "too_long", "line longer than %d bytes", FLAT_LINE_MAX);
  return refused(n, line, item);
}

/* A line whose ending has not come. */
static enum item_kind without_ending(struct native *n, struct slice *unread, bool end,
                                     struct item *item) {
  struct slice line = *unread;
  n->searched = line.len;
  bool is_too_long = line.len >= LONGEST_WITH_ENDING;
  if (!is_too_long && (!end || line.len == 0)) {
    forget_unescaped(n);
    return ITEM_MORE;
  }
  if (end && line.len > FLAT_LINE_MAX && line.data[FLAT_LINE_MAX] != '\r') is_too_long = true;
  n->line_number++;
  n->searched = 0;
  advance(unread, line.len);
  n->skipping = is_too_long;
  if (is_too_long) return too_long(n, line, item);
  native_refuse(item, "truncated", "the connection ended within this line");
  return refused(n, line, item);
}

/* Passes the rest of a line that was too long; false while it goes on. */
static bool skip_rest(struct native *n, struct slice *unread) {
  const char *ending = unread->len ? memchr(unread->data, '\n', unread->len) : NULL;
  n->skipping = !ending;
  advance(unread, ending ? (size_t)(ending - unread->data) + 1 : unread->len);
  return !n->skipping;
}

static enum item_kind native_next(void *self, struct slice *unread, bool end, msec_t now_ms,
                                  struct item *item, struct writer *out) {
  struct native *n = self;
  (void)out;
  item->seq = 0;
  item->has_seq = false;
  if (n->skipping && !skip_rest(n, unread)) return ITEM_MORE;

  /* Only what may still be one line is searched, and no byte twice: neither a
   * full buffer nor bytes that trickle in make this quadratic. */
  struct slice head = *unread;
  if (head.len > LONGEST_WITH_ENDING) head.len = LONGEST_WITH_ENDING;
  const char *ending =
      head.len > n->searched ? memchr(head.data + n->searched, '\n', head.len - n->searched) : NULL;
  if (!ending && head.len < unread->len) {
    struct slice start = head;
    enum item_kind kind = without_ending(n, &start, end, item);
    advance(unread, head.len);
    return kind;
  }
  if (!ending) return without_ending(n, unread, end, item);

  struct slice line = {unread->data, (size_t)(ending - unread->data)};
  advance(unread, line.len + 1);
  n->searched = 0;
  n->line_number++;
  if (line.len && line.data[line.len - 1] == '\r') line.len--;
  if (line.len > FLAT_LINE_MAX) return too_long(n, line, item);
  return judge_line(n, line, now_ms, item);
}

const struct dialect dialect_native = {
    .name = "native",
    .is_client = false,
    .unread_max = LONGEST_WITH_ENDING - 1,
    .items_last = true,
    .open = native_open,
    .close = native_close,
    .greet = native_greet,
    .next = native_next,
};
