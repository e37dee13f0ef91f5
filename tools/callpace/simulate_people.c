#include <math.h>

#include "callpace/simulate.h"

static uint64_t mix(uint64_t x) { /* splitmix64 */
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

struct dice dice_of(uint64_t seed, uint64_t first, uint64_t second) {
  uint64_t state = mix(mix(mix(seed) ^ first) ^ second);
  return (struct dice){state ? state : 1};
}

uint64_t dice_next(struct dice *dice) {
  dice->state ^= dice->state >> 12;
  dice->state ^= dice->state << 25;
  dice->state ^= dice->state >> 27;
  return dice->state * 0x2545f4914f6cdd1du;
}

double dice_real(struct dice *dice) {
  return (double)(dice_next(dice) >> 11) * 0x1.0p-53;
}

unsigned dice_below(struct dice *dice, unsigned bound) {
  return (unsigned)(((dice_next(dice) >> 32) * bound) >> 32);
}

/* Box and Muller. */
double dice_normal(struct dice *dice) {
  double radius = sqrt(-2 * log(1 - dice_real(dice)));
  return radius * cos(6.283185307179586 * dice_real(dice));
}

double dice_log_normal(struct dice *dice, double median, double sigma) {
  return median * exp(sigma * dice_normal(dice));
}

/* A shift has 480 minutes. A steady veteran dials every four of them, reaches
 * every second number and talks two and a half minutes: just about 60 calls and
 * 150 minutes. */
static const struct {
  unsigned share; /* of 100 */
  double answer_rate, talk_median_s, talk_sigma, pause_median_s;
} tempers[TEMPERS] = {
    [TEMPER_STAR] = {20, 0.58, 112, 0.95, 88},     [TEMPER_STEADY] = {42, 0.53, 102, 0.95, 104},
    [TEMPER_SLOW] = {16, 0.48, 94, 0.9, 140},      [TEMPER_TALKER] = {8, 0.45, 190, 1.0, 170},
    [TEMPER_STRAGGLER] = {14, 0.40, 72, 0.9, 250},
};

static enum temper pick_temper(struct dice *dice) {
  unsigned point = dice_below(dice, 100);
  for (unsigned i = 0; i < TEMPERS; i++) {
    if (point < tempers[i].share) return (enum temper)i;
    point -= tempers[i].share;
  }
  return TEMPER_STEADY;
}

unsigned simulate_team_count(const struct simulate_options *options) {
  unsigned count = (options->agents + 9) / 10;
  return count < 2 ? 2 : count;
}

struct person person_of(const struct simulate_options *options, unsigned number) {
  struct dice dice = dice_of(options->seed, 1, number);
  struct person p = {.number = number, .team = number % simulate_team_count(options)};
  p.veteran = dice_below(&dice, 100) < 65;
  p.late = dice_below(&dice, 100) < 8;
  p.on_leave = dice_below(&dice, 100) < 4;
  /* A few are in their first week: exempt. */
  day_t days_here = p.veteran                     ? 200 + (day_t)dice_below(&dice, 1500)
                    : dice_below(&dice, 100) < 10 ? (day_t)dice_below(&dice, 5)
                                                  : 10 + (day_t)dice_below(&dice, 70);
  p.hired = options->start - days_here;
  p.confirmed_on = p.veteran ? p.hired + 90 : DAY_NONE;
  p.temper = pick_temper(&dice);
  p.answer_rate = tempers[p.temper].answer_rate + 0.02 * dice_normal(&dice);
  p.talk_median_ms = 1000 * dice_log_normal(&dice, tempers[p.temper].talk_median_s, 0.06);
  p.talk_sigma = tempers[p.temper].talk_sigma;
  p.pause_median_ms = 1000 * dice_log_normal(&dice, tempers[p.temper].pause_median_s, 0.10);
  if (!p.veteran) p.answer_rate -= 0.04;
  return p;
}

static const char *const team_ids[] = {"red", "blue", "green", "gold", "white", "black"};
static const char *const team_names[] = {"红队", "Blue team", "绿队", "金队", "White team", "黑队"};
enum { NAMED_TEAMS = 6 };
static const char *const surnames[] = {"王", "李", "张", "刘", "陈", "杨", "赵", "黄",
                                       "周", "吴", "徐", "孙", "胡", "朱", "高", "欧阳"};
static const char *const given_names[] = {"伟", "芳", "娜",   "秀英", "敏",   "静",
                                          "丽", "强", "磊",   "洋",   "艳",   "勇",
                                          "杰", "娟", "小明", "雨桐", "子涵", "建国"};
static const char *const first_names[] = {"Emma",  "Liam", "Olivia", "Noah", "Ava",
                                          "Lucas", "Mia",  "Ethan",  "Zoe",  "Oscar"};
static const char *const last_names[] = {"Clark", "Evans", "Hughes", "Baker",
                                         "Ward",  "Moore", "Reid",   "Lane"};
#define COUNT(list) ((unsigned)(sizeof(list) / sizeof(list)[0]))

/* The nth of all pairs of two lists, in an order that the seed shifts; a step
 * prime to the number of pairs gives each of them once before any comes again. */
static unsigned pair_of(uint64_t seed, unsigned nth, unsigned step, unsigned pairs) {
  return (unsigned)((mix(seed) % pairs + (uint64_t)nth * step) % pairs);
}

static void put_name(uint64_t seed, unsigned nth, bool chinese, struct writer *out) {
  if (chinese) {
    unsigned pair = pair_of(seed, nth, 131, COUNT(surnames) * COUNT(given_names));
    put_text(out, surnames[pair % COUNT(surnames)]);
    put_text(out, given_names[pair / COUNT(surnames)]);
  } else {
    unsigned pair = pair_of(seed, nth, 37, COUNT(first_names) * COUNT(last_names));
    put_format(out, "%s %s", first_names[pair % COUNT(first_names)],
               last_names[pair / COUNT(first_names)]);
  }
}

static void put_team_id(unsigned team, struct writer *out) {
  if (team < NAMED_TEAMS)
    put_text(out, team_ids[team]);
  else
    put_format(out, "team-%02u", team + 1);
}

static void put_teams(const struct simulate_options *options, struct writer *out) {
  put_text(out, "teams:\n");
  for (unsigned team = 0; team < simulate_team_count(options); team++) {
    put_text(out, "  - {id: ");
    put_team_id(team, out);
    if (team < NAMED_TEAMS)
      put_format(out, ", name: \"%s\"", team_names[team]);
    else
      put_format(out, ", name: \"Team %u\"", team + 1);
    put_text(out, ", lead: \"");
    put_name(options->seed + 1, team, team % 2 == 0, out);
    put_text(out, "\"}\n");
  }
}

static void put_person(const struct simulate_options *options, unsigned number,
                       struct writer *out) {
  struct person p = person_of(options, number);
  struct dice dice = dice_of(options->seed, 3, number);
  char day[DAY_TEXT_SIZE];
  put_format(out, "  - {id: \"%u\", name: \"", 1001 + number);
  put_name(options->seed, number, dice_below(&dice, 100) < 70, out);
  put_text(out, "\", team: ");
  put_team_id(p.team, out);
  day_format(p.hired, day);
  put_format(out, ", class: %s, hired: %s", p.veteran ? "veteran" : "new", day);
  if (p.confirmed_on != DAY_NONE) {
    day_format(p.confirmed_on, day);
    put_format(out, ", confirmed_on: %s", day);
  }
  put_format(out, ", extensions: [\"PJSIP/%u\"]", 1001 + number);
  if (p.on_leave) {
    day_format(options->start, day);
    put_format(out, ", leave: [{from: \"%s 13:00\", to: \"%s 18:00\"}]", day, day);
  }
  put_text(out, "}\n");
}

void simulate_roster(const struct simulate_options *options, struct writer *out) {
  put_text(out, "# Written by callpace simulate.\n");
  put_teams(options, out);
  put_text(out, "agents:\n");
  for (unsigned number = 0; number < options->agents; number++)
    put_person(options, number, out);
}
