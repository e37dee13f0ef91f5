/* Call detail records of both switches, hostile. The first byte tells which; the rest
 * is the file, compared with itself, whole and in part. */
#include <stdio.h>
#include <stdlib.h>

#include "callpace/core/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                         \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                      \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

enum { FROM_DAY = 20779, DAYS = 4 }; /* 2026-11-22 */

static struct agent crew[] = {{.id = "1001"}, {.id = "1002"}, {.id = "PJSIP/1001"}};

static const struct roster *roster_of_crew(void) {
  static struct roster roster;
  for (size_t i = 0; roster.agent_count < sizeof crew / sizeof crew[0]; i++) {
    table_put(&roster.by_id, slice_of(crew[i].id), &crew[i]);
    roster.agent_count++;
  }
  return &roster;
}

static const struct zone *shanghai(void) {
  static struct zone *zone;
  char bytes[4096];
  if (zone) return zone;
  FILE *file = fopen("/usr/share/zoneinfo/Asia/Shanghai", "rbe");
  REQUIRE(file);
  size_t len = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  zone = zone_parse((struct slice){bytes, len}, "Asia/Shanghai", NULL);
  REQUIRE(zone);
  return zone;
}

static void read_list(struct slice text, enum cdr_format format, struct cdr_list *out) {
  msec_t from = FROM_DAY * MSEC_PER_DAY, to = from + DAYS * MSEC_PER_DAY;
  enum status status = cdr_read(text, format, roster_of_crew(), shanghai(), from, to, out, NULL);
  REQUIRE(status == STATUS_OK || status == STATUS_CONFIG);
  REQUIRE(out->foreign <= out->rows && out->count <= out->rows);
  for (size_t i = 0; i < out->count; i++) {
    REQUIRE(out->calls[i].start_ms >= from && out->calls[i].start_ms < to);
    REQUIRE(out->calls[i].talk_ms >= 0 && (out->calls[i].answered || out->calls[i].talk_ms == 0));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  enum cdr_format format = data[0] & 1 ? CDR_ASTERISK : CDR_FREESWITCH;
  struct slice whole = {(const char *)data + 1, size - 1};
  struct slice part = {whole.data, data[0] & 2 ? whole.len / 2 : whole.len};
  struct cdr_list a, b;
  struct audit audit;
  struct writer out = {0};
  read_list(whole, format, &a);
  read_list(part, format, &b);
  audit_compare(FROM_DAY + 1, (FROM_DAY + 1) * MSEC_PER_DAY, (FROM_DAY + 2) * MSEC_PER_DAY, 2000,
                &a, &b, &audit);
  size_t differing = 0;
  for (size_t i = 0; i < audit.agent_count; i++)
    differing += audit.agents[i].differing;
  REQUIRE(differing == audit.call_count);
  audit_put_json(&audit, &out);
  writer_free(&out);
  audit_free(&audit);
  cdr_list_free(&a);
  cdr_list_free(&b);
  return 0;
}
