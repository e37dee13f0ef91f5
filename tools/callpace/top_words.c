/* Short forms in which the live board shows values. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "callpace/control.h"
#include "callpace/show.h"
#include "callpace/top.h"

struct slice top_minutes(msec_t length_ms, char room[32]) {
  snprintf(room, 32, "%lldm", (long long)(length_ms / MSEC_PER_MIN));
  return slice_of(room);
}

struct slice top_timer(msec_t length_ms, char room[32]) {
  long long seconds = (long long)(length_ms / MSEC_PER_SEC);
  if (seconds < 3600)
    snprintf(room, 32, "%lld:%02lld", seconds / 60, seconds % 60);
  else
    snprintf(room, 32, "%lldh%02lld", seconds / 3600, seconds / 60 % 60);
  return slice_of(room);
}

struct slice top_clock(msec_t at_ms, char room[32]) {
  struct tm local;
  time_t seconds = (time_t)(at_ms / MSEC_PER_SEC);
  room[0] = '\0';
  if (at_ms != MSEC_NONE && localtime_r(&seconds, &local)) strftime(room, 32, "%H:%M", &local);
  return slice_of(room);
}

const char *top_alert_word(const json_t *alert) {
  static const char *const words[][3] = {
      {"day.behind", "behind", "落后"},
      {"day.unreachable", "too late", "无法达标"},
      {"day.met", "met", "达标"},
      {"day.missed", "missed", "未达标"},
      {"contact.at_risk", "contacts", "接触率"},
      {"contact.warning", "warned", "警告"},
      {"lead.hold", "held", "停发线索"},
      {"lead.reassigned", "moved", "线索转出"},
      {"lead.proposed", "to approve", "待批准"},
      {"month.outcome", "month", "月结"},
      {"call.lost_track", "lost", "通话失联"},
  };
  const char *type = json_string_value(json_object_get(alert, "type"));
  const char *state = json_string_value(json_object_get(alert, "state"));
  if (!type) return "";
  if (state && strcmp(state, "resolved") == 0) return in_words("better", "已恢复");
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(words[i][0], type) == 0) return in_words(words[i][1], words[i][2]);
  return type;
}

void top_put_bar(struct frame *frame, unsigned style, int64_t done, int64_t target,
                 unsigned width) {
  struct writer bar = {0};
  if (target > 0) put_bar(&bar, done, target, width);
  frame_cell(frame, style, writer_slice(&bar), width, false);
  writer_free(&bar);
}
