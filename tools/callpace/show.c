#include "callpace/show.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "callpace/grid.h"

void put_local_time(struct writer *out, msec_t at_ms, bool with_date) {
  struct tm local;
  char text[32] = "";
  time_t seconds = (time_t)(at_ms / MSEC_PER_SEC);
  if (localtime_r(&seconds, &local))
    strftime(text, sizeof text, with_date ? "%m-%d %H:%M:%S" : "%H:%M:%S", &local);
  put_text(out, text);
}

void put_duration(struct writer *out, msec_t length_ms) {
  long long seconds = (long long)(length_ms / MSEC_PER_SEC);
  if (seconds >= 3600) {
    put_format(out, "%lld:%02lld:%02lld", seconds / 3600, seconds / 60 % 60, seconds % 60);
  } else {
    put_format(out, "%lld:%02lld", seconds / 60, seconds % 60);
  }
}

bool reader_is_chinese(void) {
  static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *value = getenv(names[i]);
    if (value && *value) return strncmp(value, "zh", 2) == 0;
  }
  return false;
}

const char *in_words(const char *english, const char *chinese) {
  return output_is_terminal() && reader_is_chinese() ? chinese : english;
}

struct slice state_in_words(struct slice state) {
  static const char *const words[][2] = {
      {"met", "已达标"},      {"on_pace", "进度正常"}, {"warming", "热身中"},
      {"behind", "落后"},     {"missed", "未达标"},    {"unreachable", "无法达标"},
      {"exempt", "免考核"},   {"unknown", "数据不足"}, {"unrostered", "未登记"},
      {"no state", "无状态"},
  };
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (slice_equal(state, slice_of(words[i][0])))
      return slice_of(in_words(words[i][0], words[i][1]));
  return state;
}

static bool ends_with(const char *name, const char *ending) {
  size_t len = strlen(name), ending_len = strlen(ending);
  return len >= ending_len && strcmp(name + len - ending_len, ending) == 0;
}

static bool is_moment(const char *name) {
  return strcmp(name, "on_call_since_ms") == 0 || strcmp(name, "first_dial_ms") == 0 ||
         strcmp(name, "last_dial_ms") == 0 || strcmp(name, "updated_ms") == 0 ||
         strcmp(name, "last_useful_ms") == 0;
}

void put_field(struct writer *out, const char *name, struct slice value) {
  char digits[32] = "";
  if (value.len < sizeof digits) memcpy(digits, value.data, value.len);
  char *end;
  long long number = strtoll(digits, &end, 10);
  bool is_number = value.len && value.len < sizeof digits && !*end;
  if (is_number && is_moment(name))
    put_local_time(out, number, true);
  else if (is_number && ends_with(name, "_ms"))
    put_duration(out, number);
  else if (is_number && ends_with(name, "_bp"))
    put_format(out, "%lld.%02lld %%", number / 100, number % 100);
  else
    put_slice(out, value);
}

void put_bar(struct writer *out, int64_t done, int64_t target, unsigned columns) {
  static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  int64_t eighths = target > 0 ? done * 8 * columns / target : 0;
  if (eighths < 0) eighths = 0;
  if (eighths > 8 * (int64_t)columns) eighths = 8 * (int64_t)columns;
  unsigned whole = (unsigned)(eighths / 8), part = (unsigned)(eighths % 8), used = whole;
  for (unsigned i = 0; i < whole; i++)
    put_text(out, "█");
  if (part) {
    put_text(out, parts[part]);
    used++;
  }
  for (; used < columns; used++)
    put_text(out, "·");
}
