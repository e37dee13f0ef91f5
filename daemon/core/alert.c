/* The names and the outside form of an alert. */
#include "callpace/core/alert.h"

static const struct {
  const char *name;
  enum alert_severity severity;
  bool lasts;
  enum period_kind period;
} types[ALERT_TYPES] = {
    [ALERT_DAY_BEHIND] = {"day.behind", ALERT_WARNING, true},
    [ALERT_DAY_UNREACHABLE] = {"day.unreachable", ALERT_CRITICAL, true},
    [ALERT_DAY_MET] = {"day.met", ALERT_INFO, false},
    [ALERT_DAY_MISSED] = {"day.missed", ALERT_CRITICAL, false},
    [ALERT_SOURCE_DOWN] = {"source.down", ALERT_CRITICAL, true},
    [ALERT_SOURCE_UP] = {"source.up", ALERT_INFO, false},
    [ALERT_REDIS_DOWN] = {"redis.down", ALERT_CRITICAL, true},
    [ALERT_REDIS_UP] = {"redis.up", ALERT_INFO, false},
    [ALERT_CALL_LOST_TRACK] = {"call.lost_track", ALERT_WARNING, false},
    [ALERT_JOURNAL_STALLED] = {"journal.stalled", ALERT_CRITICAL, true},
    [ALERT_CONTACT_AT_RISK] = {"contact.at_risk", ALERT_WARNING, true, PERIOD_WEEK},
    [ALERT_CONTACT_WARNING] = {"contact.warning", ALERT_WARNING, false, PERIOD_WEEK},
    [ALERT_LEAD_HOLD] = {"lead.hold", ALERT_CRITICAL, false, PERIOD_WEEK},
    [ALERT_LEAD_REASSIGNED] = {"lead.reassigned", ALERT_CRITICAL, false, PERIOD_WEEK},
    [ALERT_LEAD_PROPOSED] = {"lead.proposed", ALERT_WARNING, false, PERIOD_WEEK},
    [ALERT_MONTH_OUTCOME] = {"month.outcome", ALERT_INFO, false, PERIOD_MONTH},
};

const char *alert_type_name(enum alert_type type) {
  return (unsigned)type < ALERT_TYPES ? types[type].name : NULL;
}

enum alert_type alert_type_parse(struct slice name) {
  for (unsigned i = 1; i < ALERT_TYPES; i++)
    if (slice_equal(slice_of(types[i].name), name)) return (enum alert_type)i;
  return ALERT_NONE;
}

/* Cuts what follows the last '/' off `text`; false when there is none. */
static bool cut_last(struct slice *text, struct slice *part) {
  size_t at = text->len;
  while (at > 0 && text->data[at - 1] != '/')
    at--;
  if (at == 0) return false;
  *part = (struct slice){text->data + at, text->len - at};
  text->len = at - 1;
  return true;
}

enum alert_type alert_id_type(struct slice id) {
  struct slice period, type;
  if (!cut_last(&id, &period) || !cut_last(&id, &type)) return ALERT_NONE;
  return alert_type_parse(type);
}

bool alert_id_parse(struct slice id, struct slice *subject, enum alert_type *type,
                    struct period *period) {
  struct slice text, name;
  *subject = id;
  if (!cut_last(subject, &text) || !cut_last(subject, &name)) return false;
  *type = alert_type_parse(name);
  return *type != ALERT_NONE && period_parse(alert_type_period(*type), text, period);
}

bool alert_type_lasts(enum alert_type type) {
  return types[type].lasts;
}

enum period_kind alert_type_period(enum alert_type type) {
  return types[type].period;
}

enum alert_severity alert_severity_of(enum alert_type type) {
  return types[type].severity;
}

const char *alert_severity_name(enum alert_severity severity) {
  static const char *const names[] = {"info", "warning", "critical"};
  return names[severity];
}

const char *alert_state_name(enum alert_state state) {
  static const char *const names[] = {NULL, "raised", "resolved"};
  return names[state];
}

int64_t alert_number(const struct alert *alert, const char *key) {
  for (unsigned i = 0; i < alert->number_count; i++)
    if (strcmp(alert->numbers[i].key, key) == 0) return alert->numbers[i].value;
  return 0;
}

void alert_put_id(struct writer *w, const struct alert *alert) {
  struct period period = period_of(alert_type_period(alert->type), alert->period);
  put_slice(w, alert->subject);
  put_char(w, '/');
  put_text(w, alert_type_name(alert->type));
  put_char(w, '/');
  put_text(w, period.text);
}

static void put_made(struct writer *w, const char *key,
                     void (*make)(struct writer *, const struct alert *),
                     const struct alert *alert) {
  struct writer text = {0};
  make(&text, alert);
  json_put_string(w, key, writer_slice(&text));
  writer_free(&text);
}

static void put_given(struct writer *w, const char *key, struct slice value) {
  if (value.len > 0) json_put_string(w, key, value);
}

static void put_day(struct writer *w, const char *key, day_t day) {
  char text[DAY_TEXT_SIZE];
  day_format(day, text);
  json_put_text(w, key, text);
}

static void put_numbers(struct writer *w, const struct alert *alert) {
  json_key(w, "numbers");
  json_open(w, '{');
  for (unsigned i = 0; i < alert->number_count; i++)
    json_put_int(w, alert->numbers[i].key, alert->numbers[i].value);
  json_close(w, '}');
}

static void put_moves(struct writer *w, const struct alert *alert) {
  json_key(w, "leads");
  json_open(w, '[');
  for (size_t i = 0; i < alert->move_count; i++) {
    const struct alert_move *move = &alert->moves[i];
    json_open(w, '{');
    json_put_string(w, "lead", move->lead);
    json_put_string(w, "from", move->from);
    json_key(w, "to");
    if (move->to.len)
      json_slice(w, move->to);
    else
      json_nil(w);
    json_close(w, '}');
  }
  json_close(w, ']');
}

void alert_put_json(struct writer *w, const struct alert *alert) {
  json_open(w, '{');
  put_made(w, "id", alert_put_id, alert);
  json_put_text(w, "type", alert_type_name(alert->type));
  json_put_text(w, "severity", alert_severity_name(alert_severity_of(alert->type)));
  json_put_text(w, "state", alert_state_name(alert->state));
  put_given(w, "agent", alert->agent);
  put_given(w, "name", alert->name);
  put_given(w, "team", alert->team);
  put_given(w, "team_lead", alert->team_lead);
  json_put_int(w, "at_ms", alert->at_ms);
  json_put_text(w, "period", period_of(alert_type_period(alert->type), alert->period).text);
  if (alert->policy_from != DAY_NONE) put_day(w, "policy_from", alert->policy_from);
  put_numbers(w, alert);
  put_given(w, "call", alert->call);
  if (alert->reason) json_put_text(w, "reason", alert->reason);
  if (alert->outcome) json_put_text(w, "outcome", alert->outcome);
  if (alert->type == ALERT_LEAD_REASSIGNED || alert->type == ALERT_LEAD_PROPOSED)
    put_moves(w, alert);
  json_key(w, "text");
  json_open(w, '{');
  put_made(w, "en", alert_put_text_en, alert);
  put_made(w, "zh", alert_put_text_zh, alert);
  json_close(w, '}');
  json_put_text(w, "action", alert_action(alert));
  json_put_text(w, "action_zh", alert_action_zh(alert));
  json_close(w, '}');
}
