#include "callpace/core/alert_digest.h"

#include <stdlib.h>

#include "callpace/base/json_strings.h"
#include "callpace/base/text.h"
#include "callpace/core/alert.h"

static const char *const chances[DIGEST_CHANCES] = {"recoverable", "lost", "info"};
static const struct {
  const char *en, *zh;
} headings[DIGEST_CHANCES] = {
    {"Can still be recovered, the most urgent first:", "还来得及补救（最急的在前）："},
    {"Too late for today:", "今天已来不及："},
    {"For information:", "仅供知悉："},
};

static int by_rank(const void *a, const void *b) {
  const struct digest_item *x = a, *y = b;
  if (x->chance != y->chance) return x->chance < y->chance ? -1 : 1;
  if (x->slack_ms != y->slack_ms) return x->slack_ms < y->slack_ms ? -1 : 1;
  return (x->entry->lsn > y->entry->lsn) - (x->entry->lsn < y->entry->lsn);
}

void digest_rank(struct digest *digest) {
  qsort(digest->items, digest->count, sizeof *digest->items, by_rank);
}

void digest_put_id(struct writer *w, const struct digest *digest) {
  char time[CLOCK_TEXT_SIZE];
  clock_format_rfc3339(digest->at_ms, time);
  put_slice(w, digest->hook);
  put_char(w, ':');
  put_slice(w, digest->lead);
  put_format(w, "/digest/%s", time);
}

/* ---- the text ---- */

struct text_line {
  const char *language;
  struct writer *w;
};

/* One line, whatever names are in it. */
static void put_line(struct writer *w, struct slice text) {
  for (size_t at = 0; at < text.len;) {
    size_t start = at;
    if (text_is_hostile(text_next(text, &at)))
      put_char(w, ' ');
    else
      put_bytes(w, text.data + start, at - start);
  }
}

static void note_language(void *context, struct slice key, struct slice value) {
  const struct text_line *line = context;
  if (slice_equal(key, slice_of(line->language))) put_line(line->w, value);
}

static void note_text(void *context, struct slice key, bool is_string, struct slice value) {
  if (!is_string && slice_equal(key, SLICE("text")))
    json_each_string(value, note_language, context);
}

static void put_text_of(const struct digest *digest, bool chinese, struct writer *w) {
  put_format(w, chinese ? "另有 %zu 条提醒" : "%zu more alerts", digest->count);
  int last = -1;
  for (size_t i = 0; i < digest->count; i++) {
    const struct digest_item *item = &digest->items[i];
    if ((int)item->chance != last)
      put_format(w, "\n%s", chinese ? headings[item->chance].zh : headings[item->chance].en);
    last = (int)item->chance;
    put_format(w, "\n%zu. ", i + 1);
    struct text_line line = {chinese ? "zh" : "en", w};
    json_each_member(slice_of(item->entry->json), note_text, &line);
  }
}

/* ---- the rest ---- */

static void copy_member(void *context, struct slice key, struct slice value) {
  static const char *const copied[] = {"id", "type", "severity", "state", "agent", "name", NULL};
  for (const char *const *name = copied; *name; name++)
    if (slice_equal(key, slice_of(*name))) json_put_string(context, *name, value);
}

static void put_alerts(struct writer *w, const struct digest *digest) {
  json_key(w, "alerts");
  json_open(w, '[');
  for (size_t i = 0; i < digest->count; i++) {
    const struct digest_item *item = &digest->items[i];
    json_open(w, '{');
    json_each_string(slice_of(item->entry->json), copy_member, w);
    json_put_text(w, "chance", chances[item->chance]);
    if (item->slack_ms != MSEC_MAX) json_put_int(w, "slack_ms", item->slack_ms);
    json_close(w, '}');
  }
  json_close(w, ']');
}

static const char *severity_of(const struct digest *digest) {
  enum alert_severity worst = ALERT_INFO;
  for (size_t i = 0; i < digest->count; i++) {
    const struct alert_entry *entry = digest->items[i].entry;
    enum alert_type type = alert_id_type(slice_of(entry->id));
    if (entry->raised && type != ALERT_NONE && alert_severity_of(type) > worst)
      worst = alert_severity_of(type);
  }
  return alert_severity_name(worst);
}

static void put_texts(struct writer *w, const struct digest *digest) {
  json_key(w, "text");
  json_open(w, '{');
  for (int chinese = 0; chinese < 2; chinese++) {
    struct writer text = {0};
    put_text_of(digest, chinese, &text);
    json_put_string(w, chinese ? "zh" : "en", writer_slice(&text));
    writer_free(&text);
  }
  json_close(w, '}');
}

static size_t recoverable(const struct digest *digest) {
  size_t count = 0;
  for (size_t i = 0; i < digest->count; i++)
    count += digest->items[i].chance == DIGEST_RECOVERABLE;
  return count;
}

void digest_put_json(struct writer *w, const struct digest *digest) {
  struct writer id = {0};
  char period[DAY_TEXT_SIZE];
  digest_put_id(&id, digest);
  day_format(digest->period, period);
  json_open(w, '{');
  json_put_string(w, "id", writer_slice(&id));
  json_put_text(w, "type", "digest");
  json_put_text(w, "severity", severity_of(digest));
  json_put_text(w, "state", "raised");
  json_put_string(w, "team_lead", digest->lead);
  json_put_int(w, "at_ms", digest->at_ms);
  json_put_text(w, "period", period);
  json_key(w, "numbers");
  json_open(w, '{');
  json_put_uint(w, "alerts", digest->count);
  json_put_uint(w, "recoverable", recoverable(digest));
  json_close(w, '}');
  put_texts(w, digest);
  json_put_text(w, "action",
                recoverable(digest) > 0 ? "Begin at the top of the list." : "Nothing to do.");
  json_put_text(w, "action_zh", recoverable(digest) > 0 ? "请从最上面的坐席开始。" : "无需处理。");
  put_alerts(w, digest);
  json_close(w, '}');
  writer_free(&id);
}
