#include "callpace/core/quiet.h"

bool quiet_is_given(const struct quiet *quiet) {
  return quiet->outside_shift || quiet->count > 0;
}

static bool in_shift(const struct calendar *calendar, msec_t at) {
  struct spans productive;
  msec_t end;
  calendar_productive(calendar, calendar_day_of(calendar, at), &productive, &end);
  return productive.count > 0 && at >= productive.at[0].from_ms && at < end;
}

static msec_t time_of_day(const struct calendar *calendar, msec_t at) {
  msec_t local = at + zone_offset_ms(calendar->zone, at);
  return (local % MSEC_PER_DAY + MSEC_PER_DAY) % MSEC_PER_DAY;
}

bool quiet_at(const struct quiet *quiet, const struct calendar *calendar, msec_t at) {
  if (quiet->outside_shift && !in_shift(calendar, at)) return true;
  if (quiet->count == 0) return false;
  msec_t time = time_of_day(calendar, at);
  for (unsigned i = 0; i < quiet->count; i++) {
    msec_t from = quiet->hours[i].from_ms, to = quiet->hours[i].to_ms;
    if (from <= to ? time >= from && time < to : time >= from || time < to) return true;
  }
  return false;
}
