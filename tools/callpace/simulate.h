/* A believable call centre from a seed: people (simulate_people.c) and what
 * their telephones say (simulate.c). The same options give the same bytes. */
#ifndef CALLPACE_SIMULATE_H
#define CALLPACE_SIMULATE_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/base/writer.h"
#include "callpace/core/period.h"

/* A stream of random numbers (xorshift64*), one for each agent and purpose, so
 * that more agents or days change nothing about the others. */
struct dice {
  uint64_t state;
};
struct dice dice_of(uint64_t seed, uint64_t first, uint64_t second);
uint64_t dice_next(struct dice *dice);
double dice_real(struct dice *dice);                    /* [0, 1) */
unsigned dice_below(struct dice *dice, unsigned bound); /* [0, bound) */
double dice_normal(struct dice *dice);                  /* mean 0, deviation 1 */
double dice_log_normal(struct dice *dice, double median, double sigma);

/* What kind of day a person has, on the whole. */
enum temper { TEMPER_STAR, TEMPER_STEADY, TEMPER_SLOW, TEMPER_TALKER, TEMPER_STRAGGLER, TEMPERS };

struct person {
  unsigned number; /* id is 1001 + number */
  unsigned team;
  bool veteran;
  bool late;                 /* comes an hour or more after the others */
  bool on_leave;             /* the afternoon of the first day */
  day_t hired, confirmed_on; /* DAY_NONE: not confirmed */
  enum temper temper;
  double answer_rate;
  double talk_median_ms, talk_sigma;
  double pause_median_ms; /* between two calls */
};

struct simulate_options {
  unsigned agents; /* at least 1 */
  unsigned days;   /* calendar days; nobody works on Saturday and Sunday */
  uint64_t seed;
  day_t start;
  msec_t utc_offset_ms;          /* of the centre; China: 8 h */
  msec_t gap_from_ms, gap_to_ms; /* of each day, since midnight: the source sees nothing;
                                    MSEC_NONE: no gap */
};

struct person person_of(const struct simulate_options *options, unsigned number);
unsigned simulate_team_count(const struct simulate_options *options);
/* Appends the roster file (YAML). */
void simulate_roster(const struct simulate_options *options, struct writer *out);

/* Produces the lines in order of time. */
struct simulation *simulation_new(const struct simulate_options *options);
void simulation_free(struct simulation *simulation);
/* Appends at least `room` bytes of whole lines; false when nothing is left. */
bool simulation_write(struct simulation *simulation, size_t room, struct writer *out);
uint64_t simulation_lines(const struct simulation *simulation); /* written so far */

#endif
