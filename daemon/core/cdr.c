#include "callpace/core/cdr.h"

#include <stdlib.h>

#include "cdr_internal.h"

enum cdr_format cdr_format_parse(struct slice name) {
  if (slice_equal(name, SLICE("asterisk"))) return CDR_ASTERISK;
  return slice_equal(name, SLICE("freeswitch")) ? CDR_FREESWITCH : CDR_NO_FORMAT;
}

void cdr_list_free(struct cdr_list *list) {
  arena_free(&list->arena);
  free(list->calls);
  *list = (struct cdr_list){.count = 0};
}

int64_t cdr_number(struct slice text) {
  int64_t value = 0;
  if (text.len == 0 || text.len > 18) return -1;
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') return -1;
    value = value * 10 + (text.data[i] - '0');
  }
  return value;
}

msec_t cdr_local_time(const struct cdr_reading *r, struct slice text) {
  char iso[CLOCK_TEXT_SIZE];
  msec_t at;
  if (text.len != 19 || text.data[10] != ' ') return MSEC_NONE;
  memcpy(iso, text.data, 19);
  iso[10] = 'T';
  iso[19] = 'Z'; /* read as if it were UTC, then moved into the zone */
  if (!clock_parse_rfc3339((struct slice){iso, 20}, &at)) return MSEC_NONE;
  return zone_to_utc(r->zone, at);
}

bool cdr_is_asked(const struct cdr_reading *r, msec_t start_ms) {
  return start_ms != MSEC_NONE && start_ms >= r->from_ms && start_ms < r->to_ms;
}

void cdr_add(struct cdr_reading *r, const struct cdr_call *call) {
  struct cdr_list *list = r->list;
  list->calls = mem_grow(list->calls, &list->capacity, list->count + 1, sizeof *list->calls);
  struct cdr_call *added = &list->calls[list->count++];
  *added = *call;
  added->id = arena_dup(&list->arena, slice_of(call->id));
  added->agent = arena_dup(&list->arena, slice_of(call->agent));
  added->number = (struct slice){arena_dup(&list->arena, call->number), call->number.len};
}

static int by_id(const void *a, const void *b) {
  const struct cdr_call *x = a, *y = b;
  int order = strcmp(x->id, y->id);
  if (order) return order;
  order = strcmp(x->agent, y->agent);
  return order ? order : (x->start_ms > y->start_ms) - (x->start_ms < y->start_ms);
}

/* A dial that forks, or goes on to another trunk, has a record for each leg. */
static void join_forks(struct cdr_list *list) {
  size_t kept = 0;
  if (list->count) qsort(list->calls, list->count, sizeof *list->calls, by_id);
  for (size_t i = 0; i < list->count; i++) {
    struct cdr_call *call = &list->calls[i], *before = kept ? &list->calls[kept - 1] : NULL;
    if (before && call->id[0] && strcmp(before->id, call->id) == 0 &&
        strcmp(before->agent, call->agent) == 0 && before->inbound == call->inbound) {
      before->answered |= call->answered;
      before->talk_ms += call->talk_ms;
    } else {
      list->calls[kept++] = *call;
    }
  }
  list->count = kept;
}

enum status cdr_read(struct slice text, enum cdr_format format, const struct roster *roster,
                     const struct zone *zone, msec_t from_ms, msec_t to_ms, struct cdr_list *out,
                     struct error *error) {
  struct error why = {0};
  struct cdr_reading r = {.csv = csv_of(text),
                          .roster = roster,
                          .zone = zone,
                          .from_ms = from_ms,
                          .to_ms = to_ms,
                          .list = out,
                          .error = error ? error : &why};
  *out = (struct cdr_list){.count = 0};
  enum status status = format == CDR_ASTERISK ? cdr_read_asterisk(&r) : cdr_read_freeswitch(&r);
  csv_free(&r.csv);
  join_forks(out);
  return status;
}
