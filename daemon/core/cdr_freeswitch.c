/* FreeSWITCH: which column is what, by names in the first line, or by where the times
 * stand, as in the templates that come with mod_cdr_csv. */
#include "cdr_internal.h"

enum what {
  WHAT_UUID,
  WHAT_DIRECTION,
  WHAT_ACCOUNT,
  WHAT_USER,
  WHAT_CALLER,
  WHAT_DESTINATION,
  WHAT_START,
  WHAT_ANSWER,
  WHAT_BILLED,
  WHAT_DISPOSITION,
  WHAT_CHANNEL,
  WHATS
};
enum { UNIT_STAMP, UNIT_SECONDS, UNIT_MILLISECONDS, UNIT_MICROSECONDS };

struct layout {
  int at[WHATS]; /* column; -1: none */
  int start_unit, billed_unit;
};

static const struct {
  const char *name;
  enum what what;
  int unit;
} names[] = {{"uuid", WHAT_UUID, 0},
             {"direction", WHAT_DIRECTION, 0},
             {"accountcode", WHAT_ACCOUNT, 0},
             {"user_name", WHAT_USER, 0},
             {"username", WHAT_USER, 0},
             {"sip_auth_username", WHAT_USER, 0},
             {"caller_id_number", WHAT_CALLER, 0},
             {"destination_number", WHAT_DESTINATION, 0},
             {"start_stamp", WHAT_START, UNIT_STAMP},
             {"start_epoch", WHAT_START, UNIT_SECONDS},
             {"start_uepoch", WHAT_START, UNIT_MICROSECONDS},
             {"answer_stamp", WHAT_ANSWER, 0},
             {"answer_epoch", WHAT_ANSWER, 0},
             {"answer_uepoch", WHAT_ANSWER, 0},
             {"billsec", WHAT_BILLED, UNIT_SECONDS},
             {"billmsec", WHAT_BILLED, UNIT_MILLISECONDS},
             {"billusec", WHAT_BILLED, UNIT_MICROSECONDS},
             {"originate_disposition", WHAT_DISPOSITION, 0},
             {"channel_name", WHAT_CHANNEL, 0}};

static struct slice field(const struct cdr_reading *r, const struct layout *layout,
                          enum what what) {
  int column = layout->at[what];
  return column < 0 ? (struct slice){"", 0} : csv_field(&r->csv, (unsigned)column);
}

/* Names in the first line. */
static bool read_names(const struct cdr_reading *r, struct layout *layout) {
  for (unsigned what = 0; what < WHATS; what++)
    layout->at[what] = -1;
  for (unsigned column = 0; column < r->csv.count; column++)
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
      if (!slice_equal(r->csv.fields[column], slice_of(names[i].name))) continue;
      if (layout->at[names[i].what] >= 0 && names[i].what == WHAT_USER) continue;
      layout->at[names[i].what] = (int)column;
      if (names[i].what == WHAT_START) layout->start_unit = names[i].unit;
      if (names[i].what == WHAT_BILLED) layout->billed_unit = names[i].unit;
    }
  return layout->at[WHAT_UUID] >= 0 && layout->at[WHAT_START] >= 0;
}

static bool is_stamp(const struct cdr_reading *r, unsigned column) {
  return cdr_local_time(r, csv_field(&r->csv, column)) != MSEC_NONE;
}

/* "example" (as "sql", "snom", "linksys"): name, number, destination, context, start,
 * answer, end, duration, billsec, cause, uuid, bleg_uuid, accountcode. "asterisk": as
 * Master.csv, with the cause for a disposition. */
static bool guess(const struct cdr_reading *r, struct layout *layout) {
  static const struct layout example = {.at = {10, -1, 12, -1, 1, 2, 4, 5, 8, -1, -1},
                                        .billed_unit = UNIT_SECONDS};
  static const struct layout asterisk = {.at = {16, -1, 0, -1, 1, 2, 9, 10, 13, -1, 5},
                                         .billed_unit = UNIT_SECONDS};
  bool is_example = r->csv.count >= 11 && is_stamp(r, 4) && is_stamp(r, 6);
  bool is_asterisk = r->csv.count >= 17 && is_stamp(r, 9) && is_stamp(r, 11);
  if (is_example || is_asterisk) *layout = is_example ? example : asterisk;
  return is_example || is_asterisk;
}

static msec_t start_of(const struct cdr_reading *r, const struct layout *layout) {
  struct slice text = field(r, layout, WHAT_START);
  if (layout->start_unit == UNIT_STAMP) return cdr_local_time(r, text);
  int64_t value = cdr_number(text);
  if (value <= 0) return MSEC_NONE;
  return layout->start_unit == UNIT_SECONDS ? value * MSEC_PER_SEC : value / 1000;
}

static msec_t billed_of(const struct cdr_reading *r, const struct layout *layout) {
  int64_t value = cdr_number(field(r, layout, WHAT_BILLED));
  if (value <= 0 || value > (int64_t)366 * 86400 * 1000000) return 0;
  switch (layout->billed_unit) {
  case UNIT_SECONDS: return value * MSEC_PER_SEC;
  case UNIT_MILLISECONDS: return value;
  default: return value / 1000;
  }
}

/* "sofia/internal/1001@pbx1" -> "1001" */
static struct slice user_of(struct slice channel) {
  size_t from = channel.len, to;
  while (from > 0 && channel.data[from - 1] != '/')
    from--;
  for (to = from; to < channel.len && channel.data[to] != '@';)
    to++;
  return (struct slice){channel.data + from, to - from};
}

static bool is_given(struct slice text) {
  return text.len > 0 && !slice_equal(text, SLICE("0"));
}

/* The agent whose own leg the row is, where the row tells. */
static const struct agent *own_agent(const struct cdr_reading *r, const struct layout *layout) {
  struct slice channel = field(r, layout, WHAT_CHANNEL), user = field(r, layout, WHAT_USER);
  if (channel.len) return roster_find(r->roster, user_of(channel));
  return user.len ? roster_find(r->roster, user) : NULL;
}

static void add(struct cdr_reading *r, const struct layout *layout, const struct agent *agent,
                struct slice id, bool inbound) {
  struct slice disposition = field(r, layout, WHAT_DISPOSITION);
  struct cdr_call call = {.id = arena_dup(&r->list->arena, id),
                          .agent = agent->id,
                          .number = field(r, layout, inbound ? WHAT_CALLER : WHAT_DESTINATION),
                          .start_ms = start_of(r, layout),
                          .inbound = inbound,
                          .talk_ms = billed_of(r, layout)};
  call.answered = is_given(field(r, layout, WHAT_ANSWER)) || call.talk_ms > 0;
  /* Click-to-dial: the agent's own telephone answered, the customer's did not. */
  if (disposition.len && !slice_equal(disposition, SLICE("SUCCESS"))) call.answered = false;
  if (!call.answered) call.talk_ms = 0;
  cdr_add(r, &call);
}

/* Both legs are in the file, or those of callers alone: then whoever called is the
 * agent, or whoever was called. */
static bool take_row(struct cdr_reading *r, const struct layout *layout) {
  struct slice uuid = field(r, layout, WHAT_UUID), direction = field(r, layout, WHAT_DIRECTION);
  const struct agent *own = own_agent(r, layout);
  const struct agent *caller = roster_find(r->roster, field(r, layout, WHAT_CALLER));
  const struct agent *called = roster_find(r->roster, field(r, layout, WHAT_DESTINATION));
  bool tells = layout->at[WHAT_CHANNEL] >= 0 || layout->at[WHAT_USER] >= 0;
  if (!own && tells) return false;
  if (!own && !caller) caller = roster_find(r->roster, field(r, layout, WHAT_ACCOUNT));
  bool offered = own && slice_equal(direction, SLICE("outbound")) && caller != own;
  const struct agent *agent = own ? own : caller ? caller : called;
  if (!agent) return false;
  bool inbound = offered || (!own && !caller);
  const struct agent *other = inbound ? caller : called;
  if (other && other != agent) return true; /* internal */
  add(r, layout, agent, inbound && !own ? (struct slice){"", 0} : uuid, inbound);
  return true;
}

enum status cdr_read_freeswitch(struct cdr_reading *r) {
  struct layout layout = {.start_unit = UNIT_STAMP};
  bool known = false, first = true;
  for (; csv_next(&r->csv); first = false) {
    if (first && read_names(r, &layout)) {
      known = true;
      continue;
    }
    if (!known && !(known = guess(r, &layout))) continue;
    if (!cdr_is_asked(r, start_of(r, &layout))) continue;
    r->list->rows++;
    if (!take_row(r, &layout)) r->list->foreign++;
  }
  r->list->local_times = layout.start_unit == UNIT_STAMP;
  if (known || first) return STATUS_OK;
  return error_set(r->error, STATUS_CONFIG, "no row is one of FreeSWITCH's mod_cdr_csv");
}
