/* From one line of a switch to what it says of a call, by a layout. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "callpace/base/text.h"
#include "smdr_internal.h"

static const char *const field_names[SMDR_FIELDS] = {
    [SMDR_CALL] = "call",         [SMDR_AGENT] = "agent",     [SMDR_NUMBER] = "number",
    [SMDR_CALLER] = "caller",     [SMDR_CALLED] = "called",   [SMDR_DIR] = "dir",
    [SMDR_INTERNAL] = "internal", [SMDR_START] = "start",     [SMDR_END] = "end",
    [SMDR_DATE] = "date",         [SMDR_TIME] = "time",       [SMDR_DURATION] = "duration",
    [SMDR_RING] = "ring",         [SMDR_OUTCOME] = "outcome", [SMDR_CAUSE] = "cause",
    [SMDR_QUEUE] = "queue",       [SMDR_TRUNK] = "trunk",
};

const char *smdr_field_name(enum smdr_field field) {
  return field_names[field];
}

static void regex_free(regex_t *regex) {
  if (!regex) return;
  regfree(regex);
  free(regex);
}

void smdr_layout_clear(struct smdr_layout *layout) {
  if (!layout) return;
  regex_free(layout->regex);
  for (size_t i = 0; i < SMDR_FIELDS; i++)
    regex_free(layout->places[i].match);
  for (size_t i = 0; i < layout->skip_count; i++)
    regex_free(layout->skip[i]);
  zone_free(layout->zone);
}

/* --- taking apart --- */

static struct slice trim(struct slice text) {
  while (text.len && (text.data[0] == ' ' || text.data[0] == '\t')) {
    text.data++;
    text.len--;
  }
  while (text.len && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
    text.len--;
  return text;
}

/* regexec wants its text to end with a NUL; what stands behind one is not seen. */
static bool matches(const regex_t *regex, struct slice text, regmatch_t *groups, size_t count) {
  char copy[SMDR_LINE_MAX + 1];
  size_t len = text.len < SMDR_LINE_MAX ? text.len : SMDR_LINE_MAX;
  if (len) memcpy(copy, text.data, len);
  copy[len] = '\0';
  return regexec(regex, copy, groups ? count : 0, groups, 0) == 0;
}

static struct slice group_of(struct slice text, const regmatch_t *group) {
  if (group->rm_so < 0) return (struct slice){0};
  return (struct slice){text.data + group->rm_so, (size_t)(group->rm_eo - group->rm_so)};
}

/* A quoted part may hold separators; a doubled quote in it stands for one. */
static const char *unquote(const struct smdr_layout *layout, const char *at, const char *end,
                           struct slice *part, char **to) {
  char *begin = *to;
  for (at++; at < end; at++) {
    if (*at == layout->quote && (at + 1 == end || at[1] != layout->quote)) break;
    if (*at == layout->quote) at++;
    *(*to)++ = *at;
  }
  *part = (struct slice){begin, (size_t)(*to - begin)};
  const char *stop = at < end ? memchr(at, layout->separator, (size_t)(end - at)) : NULL;
  return stop ? stop : end;
}

static void keep_part(const struct smdr_layout *layout, unsigned position, struct slice part,
                      struct smdr_record *record) {
  for (size_t i = 0; i < SMDR_FIELDS; i++) {
    if (layout->places[i].given && layout->places[i].from == position) record->field[i] = part;
  }
}

static void split(const struct smdr_layout *layout, struct slice line, struct smdr_record *record) {
  const char *at = line.data, *end = line.data + line.len;
  char *to = record->unquoted;
  for (unsigned position = 1; at <= end; position++) {
    struct slice part;
    const char *stop;
    if (layout->quote && at < end && *at == layout->quote) {
      stop = unquote(layout, at, end, &part, &to);
    } else {
      stop = at < end ? memchr(at, layout->separator, (size_t)(end - at)) : NULL;
      if (!stop) stop = end;
      part = (struct slice){at, (size_t)(stop - at)};
    }
    keep_part(layout, position, part, record);
    at = stop + 1;
  }
}

static void cut_columns(const struct smdr_layout *layout, struct slice line,
                        struct smdr_record *record) {
  for (size_t i = 0; i < SMDR_FIELDS; i++) {
    const struct smdr_place *place = &layout->places[i];
    if (!place->given || place->from > line.len) continue;
    size_t to = place->to < line.len ? place->to : line.len;
    record->field[i] = (struct slice){line.data + place->from - 1, to - place->from + 1};
  }
}

static bool take_apart(const struct smdr_layout *layout, struct slice line,
                       struct smdr_record *record) {
  regmatch_t groups[SMDR_GROUPS_MAX];
  switch (layout->kind) {
  case SMDR_SEPARATED: split(layout, line, record); break;
  case SMDR_COLUMNS: cut_columns(layout, line, record); break;
  case SMDR_REGEX:
    if (!matches(layout->regex, line, groups, SMDR_GROUPS_MAX)) return false;
    for (size_t i = 0; i < SMDR_FIELDS; i++) {
      if (layout->places[i].given)
        record->field[i] = group_of(line, &groups[layout->places[i].from]);
    }
  }
  return true;
}

/* What of each part is its value. */
static void narrow(const struct smdr_layout *layout, struct smdr_record *record) {
  regmatch_t groups[SMDR_GROUPS_MAX];
  for (size_t i = 0; i < SMDR_FIELDS; i++) {
    const regex_t *match = layout->places[i].match;
    struct slice text = record->field[i] = trim(record->field[i]);
    if (!match) continue;
    record->field[i] = (struct slice){0};
    if (!matches(match, text, groups, SMDR_GROUPS_MAX)) continue;
    size_t last = match->re_nsub < SMDR_GROUPS_MAX ? match->re_nsub : SMDR_GROUPS_MAX - 1;
    while (last > 0 && groups[last].rm_so < 0)
      last--;
    record->field[i] = trim(group_of(text, &groups[last]));
  }
}

/* --- what it means --- */

bool smdr_duration(struct slice text, int64_t unit_ms, msec_t *out) {
  enum { GROUPS = 3, DIGITS_MAX = 9 };
  int64_t numbers[GROUPS] = {0};
  size_t count = 0, digits = 0;
  text = trim(text);
  for (size_t i = 0; i < text.len; i++) {
    char c = text.data[i];
    if (c >= '0' && c <= '9') {
      if (digits == 0 && count++ == GROUPS) return false;
      if (++digits > DIGITS_MAX) return false;
      numbers[count - 1] = numbers[count - 1] * 10 + (c - '0');
    } else if (digits == 0 || i + 1 == text.len || (c != ':' && c != '\'' && c != '.')) {
      return false;
    } else {
      digits = 0;
    }
  }
  if (count == 0) return false;
  if (count == 1) return *out = numbers[0] * unit_ms, true;
  int64_t seconds = 0;
  for (size_t i = 0; i < count; i++)
    seconds = seconds * 60 + numbers[i];
  return *out = seconds * MSEC_PER_SEC, true;
}

static bool is_epoch(struct slice text, int64_t unit_ms, msec_t *out) {
  enum { DIGITS_MAX = 13 };
  int64_t value = 0;
  if (text.len == 0 || text.len > DIGITS_MAX) return false;
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') return false;
    value = value * 10 + (text.data[i] - '0');
  }
  return *out = value * unit_ms, true;
}

static int year_of(msec_t local_ms) {
  time_t seconds = (time_t)(local_ms / MSEC_PER_SEC);
  struct tm tm;
  return gmtime_r(&seconds, &tm) ? tm.tm_year : 70;
}

/* A local time by strptime(3). Without a year it is of this one, or of the last
 * when that is still to come. */
static bool local_time(const char *text, const char *format, const struct zone *zone, msec_t now_ms,
                       msec_t *out) {
  enum { NO_YEAR = INT32_MIN };
  struct tm tm = {.tm_mday = 1, .tm_year = NO_YEAR};
  const char *end = strptime(text, format, &tm);
  if (!end || *end) return false;
  bool yearless = tm.tm_year == NO_YEAR;
  if (yearless) tm.tm_year = year_of(now_ms + zone_offset_ms(zone, now_ms));
  tm.tm_isdst = 0;
  struct tm copy = tm;
  msec_t utc_ms = zone_to_utc(zone, (msec_t)timegm(&copy) * MSEC_PER_SEC);
  if (yearless && utc_ms > now_ms + MSEC_PER_DAY) {
    tm.tm_year--;
    utc_ms = zone_to_utc(zone, (msec_t)timegm(&tm) * MSEC_PER_SEC);
  }
  *out = utc_ms;
  return utc_ms >= 0;
}

static bool read_time(const struct smdr_layout *layout, const struct zone *zone, struct slice text,
                      msec_t now_ms, msec_t *out) {
  char copy[64];
  const char *format = layout->time_format;
  if (strcmp(format, "epoch") == 0) return is_epoch(text, MSEC_PER_SEC, out);
  if (strcmp(format, "epoch_ms") == 0) return is_epoch(text, 1, out);
  if (strcmp(format, "rfc3339") == 0) return clock_parse_rfc3339(text, out);
  if (text.len == 0 || text.len >= sizeof copy || memchr(text.data, 0, text.len)) return false;
  memcpy(copy, text.data, text.len);
  copy[text.len] = '\0';
  return local_time(copy, format, zone, now_ms, out);
}

static int meaning_of(const struct smdr_words *words, struct slice text, int otherwise) {
  for (size_t i = 0; i < words->count; i++) {
    if (slice_equal(words->at[i].word, text)) return words->at[i].meaning;
  }
  return otherwise;
}

static const char *bad_field(char *message, enum smdr_field field, struct slice text,
                             const char *what) {
  char shown[41];
  size_t len = 0;
  for (; len < text.len && len < sizeof shown - 1; len++) {
    char c = text.data[len];
    shown[len] = c >= ' ' && c <= '~' ? c : '?';
  }
  shown[len] = '\0';
  snprintf(message, SMDR_MESSAGE_SIZE, "%s: \"%s\" is %s", field_names[field], shown, what);
  return "bad_field";
}

/* Where the line's time stands: in one field, or in date and time. */
static enum smdr_field time_field(const struct smdr_layout *layout) {
  if (layout->places[SMDR_START].given) return SMDR_START;
  return layout->places[SMDR_END].given ? SMDR_END : SMDR_DATE;
}

static const char *read_times(const struct smdr_layout *layout, const struct zone *zone,
                              msec_t now_ms, struct smdr_record *record, char *message) {
  const struct slice *field = record->field;
  char joined[64];
  enum smdr_field which = time_field(layout);
  struct slice text = field[which];
  if (which == SMDR_DATE) {
    int len = snprintf(joined, sizeof joined, "%.*s %.*s", (int)field[SMDR_DATE].len,
                       field[SMDR_DATE].data, (int)field[SMDR_TIME].len, field[SMDR_TIME].data);
    text = (struct slice){joined, len < (int)sizeof joined ? (size_t)len : 0};
  }
  msec_t told, ring_ms = 0, talk_ms = 0;
  if (!read_time(layout, zone, text, now_ms, &told))
    return bad_field(message, which, text, "not in the layout's time_format");
  if (field[SMDR_RING].len && !smdr_duration(field[SMDR_RING], MSEC_PER_SEC, &ring_ms))
    return bad_field(message, SMDR_RING, field[SMDR_RING], "no length of time");
  if (field[SMDR_DURATION].len &&
      !smdr_duration(field[SMDR_DURATION], layout->duration_unit_ms, &talk_ms))
    return bad_field(message, SMDR_DURATION, field[SMDR_DURATION], "no length of time");
  if (layout->duration_is_total) talk_ms = talk_ms > ring_ms ? talk_ms - ring_ms : 0;
  bool is_end = which == SMDR_END || (which == SMDR_DATE && layout->time_is_end);
  record->start_ms = is_end ? told - talk_ms - ring_ms : told;
  record->answer_ms = record->start_ms + ring_ms;
  record->end_ms = record->answer_ms + talk_ms;
  record->talk_ms = talk_ms;
  return NULL;
}

/* Whether it was answered is told in words, or by its talk. */
static void read_outcome(const struct smdr_layout *layout, struct smdr_record *record) {
  int by_talk = record->talk_ms > 0 ? OUTCOME_ANSWERED : OUTCOME_NO_ANSWER;
  record->outcome =
      (enum call_outcome)meaning_of(&layout->outcomes, record->field[SMDR_OUTCOME], by_talk);
  if (record->outcome == OUTCOME_ANSWERED) return;
  record->answer_ms = MSEC_NONE;
  record->talk_ms = 0;
}

static void read_parties(const struct smdr_layout *layout, struct smdr_record *record) {
  const struct slice *field = record->field;
  record->dir =
      (enum call_dir)meaning_of(&layout->dirs, field[SMDR_DIR], (int)layout->dir_otherwise);
  bool called = record->dir == DIR_IN;
  if (meaning_of(&layout->internals, field[SMDR_INTERNAL], 0)) record->dir = DIR_INTERNAL;
  record->agent = layout->places[SMDR_AGENT].given ? field[SMDR_AGENT]
                                                   : field[called ? SMDR_CALLED : SMDR_CALLER];
  record->number = layout->places[SMDR_NUMBER].given ? field[SMDR_NUMBER]
                                                     : field[called ? SMDR_CALLER : SMDR_CALLED];
}

static const char *check_texts(const struct smdr_record *record, char *message) {
  enum { AGENT_MAX = 128, TEXT_MAX = 512 }; /* bytes, as in the line protocol */
  for (size_t i = 0; i < SMDR_FIELDS; i++) {
    if (!text_is_utf8(record->field[i])) {
      snprintf(message, SMDR_MESSAGE_SIZE, "%s is not UTF-8", field_names[i]);
      return "bad_utf8";
    }
    if (record->field[i].len > TEXT_MAX)
      return bad_field(message, (enum smdr_field)i, record->field[i], "too long");
  }
  if (record->agent.len > AGENT_MAX)
    return bad_field(message, SMDR_AGENT, record->agent, "too long");
  return NULL;
}

enum smdr_reading smdr_line_read(const struct smdr_layout *layout, const struct zone *zone,
                                 struct slice line, msec_t now_ms, struct smdr_record *record,
                                 const char **code, char *message) {
  memset(record, 0, offsetof(struct smdr_record, unquoted));
  for (size_t i = 0; i < layout->skip_count; i++) {
    if (matches(layout->skip[i], line, NULL, 0)) return SMDR_SKIPPED;
  }
  if (!take_apart(layout, line, record)) {
    snprintf(message, SMDR_MESSAGE_SIZE, "the line does not fit the layout's regex");
    return *code = "bad_field", SMDR_REFUSED;
  }
  narrow(layout, record);
  read_parties(layout, record);
  if (record->agent.len == 0) return SMDR_SKIPPED;
  *code = check_texts(record, message);
  if (!*code)
    *code = read_times(layout, layout->zone ? layout->zone : zone, now_ms, record, message);
  if (*code) return SMDR_REFUSED;
  read_outcome(layout, record);
  return SMDR_READ;
}
