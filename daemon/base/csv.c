#include "callpace/base/csv.h"

struct csv csv_of(struct slice text) {
  if (text.len >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0) {
    text.data += 3;
    text.len -= 3;
  }
  return (struct csv){.rest = text, .next_line = 1};
}

void csv_free(struct csv *csv) {
  writer_free(&csv->text);
}

static char peek(const struct csv *csv) {
  return csv->rest.len ? csv->rest.data[0] : '\0';
}

static void skip(struct csv *csv, size_t count) {
  csv->rest.data += count;
  csv->rest.len -= count;
}

static void end_line(struct csv *csv) {
  if (peek(csv) == '\r') skip(csv, 1);
  if (peek(csv) == '\n') skip(csv, 1);
  csv->next_line++;
}

/* Behind the opening quote; what follows the closing one belongs to the field, too. */
static void read_quoted(struct csv *csv) {
  bool open = true;
  for (; csv->rest.len; skip(csv, 1)) {
    char c = peek(csv);
    if (open && c == '"') {
      bool doubled = csv->rest.len > 1 && csv->rest.data[1] == '"';
      if (doubled) skip(csv, 1);
      open = doubled;
      if (!doubled) continue;
    } else if (!open && (c == ',' || c == '\r' || c == '\n')) {
      return;
    }
    if (c == '\n') csv->next_line++;
    put_char(&csv->text, c);
  }
}

/* Fields lie in `text` while the row is read: it may move. */
struct place {
  const char *data; /* NULL: in `text`, from `at` on */
  size_t at, len;
};

static struct place read_field(struct csv *csv) {
  struct place place = {.at = csv->text.len};
  if (peek(csv) == '"') {
    skip(csv, 1);
    read_quoted(csv);
    place.len = csv->text.len - place.at;
    return place;
  }
  place.data = csv->rest.data;
  while (csv->rest.len && !memchr(",\r\n", peek(csv), 3))
    skip(csv, 1);
  place.len = (size_t)(csv->rest.data - place.data);
  return place;
}

bool csv_next(struct csv *csv) {
  struct place places[CSV_FIELDS_MAX];
  while (csv->rest.len && (peek(csv) == '\r' || peek(csv) == '\n'))
    end_line(csv);
  if (csv->rest.len == 0) return false;
  csv->line = csv->next_line;
  csv->count = 0;
  writer_reset(&csv->text);
  for (;;) {
    struct place place = read_field(csv);
    if (csv->count < CSV_FIELDS_MAX) places[csv->count++] = place;
    if (peek(csv) != ',' || csv->rest.len == 0) break;
    skip(csv, 1);
  }
  end_line(csv);
  for (unsigned i = 0; i < csv->count; i++)
    csv->fields[i] = (struct slice){places[i].data ? places[i].data : csv->text.data + places[i].at,
                                    places[i].len};
  return true;
}

struct slice csv_field(const struct csv *csv, unsigned index) {
  return index < csv->count ? csv->fields[index] : (struct slice){"", 0};
}
