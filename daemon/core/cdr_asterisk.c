/* Asterisk: accountcode, src, dst, dcontext, clid, channel, dstchannel, lastapp,
 * lastdata, start, answer, end, duration, billsec, disposition, amaflags, and where
 * cdr.conf asks for them uniqueid, userfield, peeraccount, linkedid, sequence. */
#include "cdr_internal.h"

enum column {
  COLUMN_SRC = 1,
  COLUMN_DST = 2,
  COLUMN_CHANNEL = 5,
  COLUMN_DSTCHANNEL = 6,
  COLUMN_START = 9,
  COLUMN_BILLSEC = 13,
  COLUMN_DISPOSITION = 14,
  COLUMNS = 16,
  COLUMN_UNIQUEID = 16,
  COLUMN_LINKEDID = 19
};

static struct slice field(const struct cdr_reading *r, enum column column) {
  return csv_field(&r->csv, column);
}

static bool starts_with(struct slice text, struct slice start) {
  return text.len >= start.len && memcmp(text.data, start.data, start.len) == 0;
}

static bool is_local(struct slice channel) {
  return starts_with(channel, SLICE("Local/"));
}

/* A channel's name before its last '-' is the roster's extension. */
static const struct agent *agent_of(const struct cdr_reading *r, struct slice channel) {
  size_t len = channel.len;
  while (len > 0 && channel.data[len - 1] != '-')
    len--;
  if (len < 2 || is_local(channel)) return NULL;
  return roster_find(r->roster, (struct slice){channel.data, len - 1});
}

/* Calls that a Local pair stands between: the agent's row and the customer's are only
 * tied by their linkedid. */
struct links {
  struct table agents;    /* linkedid -> struct agent reached by a Local channel */
  struct table customers; /* linkedid -> anything: a customer called in */
};

static void note_link(struct cdr_reading *r, struct links *links) {
  struct slice linked = field(r, COLUMN_LINKEDID), channel = field(r, COLUMN_CHANNEL),
               other = field(r, COLUMN_DSTCHANNEL);
  if (linked.len == 0) return;
  const struct agent *agent = is_local(channel) ? agent_of(r, other) : NULL;
  bool calls_in = !is_local(channel) && !agent_of(r, channel);
  struct table *table = agent ? &links->agents : &links->customers;
  if ((!agent && !calls_in) || table_get(table, linked)) return;
  char *key = arena_dup(&r->list->arena, linked);
  table_put(table, (struct slice){key, linked.len}, agent ? (void *)(uintptr_t)agent : (void *)key);
}

static void add(struct cdr_reading *r, const struct agent *agent, struct slice id, bool inbound,
                struct slice number) {
  int64_t billsec = cdr_number(field(r, COLUMN_BILLSEC));
  char *own_id = arena_dup(&r->list->arena, id);
  struct cdr_call call = {.id = own_id,
                          .agent = agent->id,
                          .number = number,
                          .start_ms = cdr_local_time(r, field(r, COLUMN_START)),
                          .inbound = inbound};
  call.answered = slice_equal(field(r, COLUMN_DISPOSITION), SLICE("ANSWERED"));
  if (call.answered && billsec > 0) call.talk_ms = billsec * MSEC_PER_SEC;
  cdr_add(r, &call);
}

/* Whose call the row is, if it is one of an agent with a customer. */
static bool take_row(struct cdr_reading *r, const struct links *links) {
  struct slice channel = field(r, COLUMN_CHANNEL), other = field(r, COLUMN_DSTCHANNEL);
  struct slice linked = field(r, COLUMN_LINKEDID), none = {"", 0};
  const struct agent *caller = agent_of(r, channel), *called = agent_of(r, other);
  bool to_customer = other.len > 0 && !called && !is_local(other);
  if (caller && called) return true; /* internal */
  if (caller && to_customer) {
    add(r, caller, field(r, COLUMN_UNIQUEID), false, field(r, COLUMN_DST));
    return true;
  }
  if (caller) return true; /* a menu, a mailbox, or a queue */
  if (called && !is_local(channel)) {
    add(r, called, none, true, field(r, COLUMN_SRC));
    return true;
  }
  if (called) { /* a queue that reaches its members through Local channels; or click-to-dial */
    if (table_get(&links->customers, linked)) add(r, called, none, true, field(r, COLUMN_SRC));
    return true;
  }
  const struct agent *owner =
      is_local(channel) && to_customer ? table_get(&links->agents, linked) : NULL;
  if (owner) add(r, owner, none, false, field(r, COLUMN_DST));
  return owner != NULL;
}

static bool is_row(const struct cdr_reading *r) {
  return r->csv.count >= COLUMNS && cdr_local_time(r, field(r, COLUMN_START)) != MSEC_NONE;
}

enum status cdr_read_asterisk(struct cdr_reading *r) {
  struct links links = {0};
  struct slice whole = r->csv.rest;
  unsigned long good = 0;
  r->list->local_times = true;
  while (csv_next(&r->csv))
    if (is_row(r) && cdr_is_asked(r, cdr_local_time(r, field(r, COLUMN_START))))
      note_link(r, &links);
  csv_free(&r->csv);
  r->csv = csv_of(whole);
  while (csv_next(&r->csv)) {
    if (!is_row(r)) continue;
    good++;
    if (!cdr_is_asked(r, cdr_local_time(r, field(r, COLUMN_START)))) continue;
    r->list->rows++;
    if (!take_row(r, &links)) r->list->foreign++;
  }
  table_free(&links.agents);
  table_free(&links.customers);
  if (good || r->csv.next_line == 1) return STATUS_OK;
  return error_set(r->error, STATUS_CONFIG, "no row is one of Asterisk's Master.csv");
}
