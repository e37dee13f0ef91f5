#include "callpace/engine/care.h"

#include "callpace/base/log.h"
#include "callpace/base/text.h"
#include "callpace/engine/pipeline.h"

/* ---- acknowledgement ---- */

static struct slice cut(struct slice text) {
  if (text.len <= CARE_TEXT_MAX) return text;
  return (struct slice){text.data, text_utf8_prefix((struct slice){text.data, CARE_TEXT_MAX})};
}

enum status care_acknowledge(struct engine *e, struct slice id, struct slice by, struct slice note,
                             struct error *error) {
  if (!alert_book_find(&e->fold.book, id))
    return error_set(error, STATUS_USAGE, "no alert of this id; see callpace alerts --json");
  pipeline_begin(e);
  struct record record = {.type = RECORD_ALERT_ACK,
                          .ack = {.at_ms = e->wall_ms, .id = id, .by = cut(by), .note = cut(note)}};
  if (e->fold.clock_events) record.ack.at_ms = e->now_ms;
  pipeline_record(e, &record);
  log_info("alert_acknowledged", KV_SLICE("alert", id), KV_SLICE("by", cut(by)));
  return STATUS_OK;
}

enum status care_follow_link(struct engine *e, const struct ack_link *link, struct slice sign,
                             struct error *error) {
  struct slice key = {(const char *)e->ack_key, sizeof e->ack_key};
  if (!ack_link_is_good(link, sign, key, clock_wall_ms()))
    return error_set(error, STATUS_PERMISSION, "this link is not good, or no longer");
  return care_acknowledge(e, link->id, link->by, SLICE(""), error);
}

/* ---- showing ---- */

void care_put_alert(const struct engine *e, const struct alert_entry *entry, struct writer *w) {
  alert_book_put_json(&e->fold.book, slice_of(entry->id), entry->raised, entry->at_ms,
                      slice_of(entry->json), w);
}

static void put_length(struct writer *w, const char *key, msec_t length) {
  json_key(w, key);
  if (length == MSEC_NONE)
    json_nil(w);
  else
    json_int(w, length);
}

void care_put_stats(const struct engine *e, struct writer *w) {
  json_open(w, '[');
  for (unsigned type = 1; type < ALERT_TYPES; type++) {
    struct alert_stats stats;
    alert_book_stats(&e->fold.book, (enum alert_type)type, &stats);
    if (stats.raised == 0) continue;
    json_open(w, '{');
    json_put_text(w, "type", alert_type_name((enum alert_type)type));
    json_put_uint(w, "raised", stats.raised);
    json_put_uint(w, "recovered", stats.recovered);
    json_put_uint(w, "ran_out", stats.ran_out);
    json_put_uint(w, "open", stats.open);
    json_put_uint(w, "acked", stats.acked);
    put_length(w, "recovered_median_ms", stats.median_recovered_ms);
    put_length(w, "acked_median_ms", stats.median_acked_ms);
    json_close(w, '}');
  }
  json_close(w, ']');
}
