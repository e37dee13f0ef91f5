/* A small call centre in Shanghai for the tests of the fold: agents 1001, 1002
 * … of the red team, with extensions SIP/1001 …, all veterans. */
#ifndef CALLPACE_TESTS_CENTRE_FIXTURE_H
#define CALLPACE_TESTS_CENTRE_FIXTURE_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "callpace/base/mem.h"
#include "callpace/core/centre.h"

#define SEC  ((msec_t)MSEC_PER_SEC)
#define MIN  ((msec_t)MSEC_PER_MIN)
#define HOUR ((msec_t)MSEC_PER_HOUR)

static inline msec_t utc(const char *text) {
  msec_t at = 0;
  bool good = clock_parse_rfc3339(slice_of(text), &at);
  assert(good);
  (void)good;
  return at;
}

static inline day_t date(const char *text) {
  day_t out = DAY_NONE;
  bool good = day_parse(slice_of(text), &out);
  assert(good);
  (void)good;
  return out;
}

static inline struct zone *shanghai(void) {
  static char bytes[8192];
  FILE *file = fopen("/usr/share/zoneinfo/Asia/Shanghai", "rb");
  assert(file);
  size_t len = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  return zone_parse((struct slice){bytes, len}, "Asia/Shanghai", NULL);
}

static inline struct policy_book *fixture_book(void) {
  struct policy_book *book = mem_zalloc(sizeof *book);
  book->calendar = (struct calendar){.zone = shanghai(),
                                     .working = {true, true, true, true, true, false, false},
                                     .shift = {9 * HOUR, 18 * HOUR},
                                     .breaks = {{12 * HOUR, 13 * HOUR}},
                                     .break_count = 1};
  book->policies = mem_zalloc(sizeof *book->policies);
  book->count = 1;
  book->policies[0] = (struct policy){
      .from = date("2016-01-01"),
      .count = {.directions_out = true, .talk_includes_hold = true, .max_call_ms = 4 * HOUR},
      .grace_days = 7,
      .leave_prorates = true,
      .classes = {{50, 120 * MIN, 1100, 2640 * MIN, 600}, {60, 150 * MIN, 1320, 3300 * MIN, 700}},
      .pace = {60 * MIN, 8000, 15 * MIN},
      .coverage_floor_bp = 9500,
      .contact = {.judge_weekday = 6, .judge_time_ms = 24 * HOUR},
      .points_start = 100};
  return book;
}

static inline struct roster *fixture_roster(size_t agents) {
  struct roster *roster = mem_zalloc(sizeof *roster);
  struct arena *arena = &roster->arena;
  roster->team_count = 1;
  roster->teams = arena_alloc(arena, sizeof *roster->teams);
  roster->teams[0] = (struct team){"red", "Red team", ""};
  roster->agent_count = agents;
  roster->agents = arena_alloc(arena, agents * sizeof *roster->agents);
  for (size_t i = 0; i < agents; i++) {
    char text[32];
    snprintf(text, sizeof text, "%zu", 1001 + i);
    char *id = arena_dup(arena, slice_of(text));
    snprintf(text, sizeof text, "SIP/%zu", 1001 + i);
    const char **extension = arena_alloc(arena, sizeof *extension);
    *extension = arena_dup(arena, slice_of(text));
    roster->agents[i] = (struct agent){.id = id,
                                       .name = id,
                                       .team = &roster->teams[0],
                                       .class_given = true,
                                       .given_class = CLASS_VETERAN,
                                       .hired = DAY_NONE,
                                       .confirmed_on = DAY_NONE,
                                       .extensions = extension,
                                       .extension_count = 1};
    table_put(&roster->by_id, slice_of(id), &roster->agents[i]);
    table_put(&roster->by_extension, slice_of(*extension), &roster->agents[i]);
  }
  return roster;
}

static inline struct settings *fixture_settings(size_t agents) {
  struct settings *settings = mem_zalloc(sizeof *settings);
  settings->policy = fixture_book();
  settings->roster = fixture_roster(agents);
  return settings;
}

/* The centre saved and loaded again; the given one is freed. */
static inline struct centre *fixture_reload(struct centre *centre,
                                            const struct settings *settings) {
  struct writer w = {0};
  struct error error = {0};
  put_text(&w, "before");
  centre_save(centre, &w);
  put_text(&w, "behind");
  struct reader r = reader_of((struct slice){w.data + 6, w.len - 6});
  struct centre *loaded = centre_load(&r, settings, &error);
  assert(loaded);
  assert(r.end - r.at == 6); /* reads just the snapshot */
  writer_free(&w);
  *centre_limits(loaded) = *centre_limits(centre);
  centre_free(centre);
  return loaded;
}

#endif
