/* After a (re)connect: the switch's list of live channels against what is known. */
#include "ami_internal.h"

/* When the channel came up, by its Uniqueid and the switch's clock. */
static msec_t born_ms(const struct ami_channel *channel) {
  return (msec_t)(channel->age >> 32) * MSEC_PER_SEC;
}

/* Born and for so long up: what time it is at the switch. */
static void note_times(struct ami_calls *calls, struct ami_channel *channel,
                       const struct ami_message *message, msec_t now_ms) {
  enum { SECONDS_MAX = 366 * 86400 };
  int64_t up_s = ami_number(message->field[KEY_SECONDS], -1);
  if (channel->age && up_s >= 0 && up_s <= SECONDS_MAX)
    ami_clock_listed(&calls->clock, born_ms(channel) + up_s * MSEC_PER_SEC, now_ms);
  msec_t wait = ami_cdr_wait(message);
  if (wait != MSEC_NONE) channel->answered_ms = born_ms(channel) + wait;
}

void ami_listed(struct ami_calls *calls, const struct ami_message *message, msec_t now_ms) {
  const struct slice *field = message->field;
  if (field[KEY_UNIQUEID].len == 0 || field[KEY_UNIQUEID].len > AMI_ID_SIZE) return;
  bool made;
  struct ami_channel *channel =
      ami_channel_seen(calls, field[KEY_UNIQUEID], field[KEY_CHANNEL], field[KEY_LINKEDID], &made);
  if (!channel) return;
  if (made) {
    channel->adopted = channel->adopted_once = true;
    int64_t state = ami_number(field[KEY_CHANNEL_STATE], 0);
    enum { DIALLING = 3, RINGING = 5 };
    channel->ringing = state == 0 || state == DIALLING || state == RINGING;
  }
  if (channel->kind == KIND_CUSTOMER && channel->number.len == 0) {
    ami_text_set(&channel->number, field[KEY_CALLER_NUMBER]);
  }
  note_times(calls, channel, message, now_ms);
  ami_channel_bridge(&calls->channels, channel, field[KEY_BRIDGE]);
}

/* An unknown agent's channel: older than its customer it dialled, else it was
 * dialled. */
static void adopt(struct ami_calls *calls, struct ami_channel *channel, msec_t at_ms) {
  channel->adopted = false;
  if (channel->kind != KIND_AGENT || channel->leg.open) return;
  const struct ami_channel *older = NULL, *younger = NULL;
  for (struct ami_channel *at = channel->group->first; at; at = at->group_next) {
    if (at->kind != KIND_CUSTOMER) continue;
    if (at->age < channel->age) {
      older = at;
    } else {
      younger = at;
      at->owner = ami_ref_of(channel);
    }
  }
  msec_t born = ami_clock_from_switch(&calls->clock, born_ms(channel));
  if (born > at_ms || born < at_ms - MSEC_PER_DAY) born = at_ms;
  channel->offered = older != NULL;
  channel->attempted = !older && younger;
  if (older) {
    ami_leg_begin(calls, channel, DIR_IN, older, born);
  } else if (younger) {
    ami_leg_begin(calls, channel, DIR_OUT, younger, born);
  }
}

void ami_sweep_begin(struct ami_calls *calls, enum ami_sweep sweep) {
  calls->sweep = sweep;
  calls->sweep_at = calls->channels.first;
  calls->sweep_walks = calls->walks;
}

static void settle(struct ami_calls *calls, struct ami_channel *channel, msec_t at_ms) {
  if (channel->kind != KIND_AGENT) return;
  if (channel->bridge) {
    if (channel->bridge->walked > calls->sweep_walks) return;
    ami_settle(calls, channel->bridge, at_ms, true);
  } else if (channel->leg.talking) {
    ami_talk_set(calls, channel, false, ami_gap_ms(calls, at_ms));
  }
}

/* What stood before the gap ended in it, nobody knows when. */
msec_t ami_gap_ms(const struct ami_calls *calls, msec_t at_ms) {
  if (calls->lost_ms == MSEC_NONE) return at_ms;
  return ami_clock_from_ours(&calls->clock, calls->lost_ms);
}

static void sweep_one(struct ami_calls *calls, struct ami_channel *channel, msec_t at_ms) {
  bool stale = channel->seen != calls->connection;
  msec_t gap_ms = ami_gap_ms(calls, at_ms);
  switch (calls->sweep) {
  case SWEEP_RESTART:
    /* The switch is another one: its calls ended with it. */
    if (!stale) return;
    if (channel->leg.outcome == OUTCOME_UNKNOWN) channel->leg.outcome = OUTCOME_FAILED;
    ami_leg_end(calls, channel, gap_ms);
    ami_channel_remove(&calls->channels, channel);
    return;
  case SWEEP_GONE:
    if (!stale) return;
    ami_leg_lost(calls, channel, gap_ms);
    ami_channel_remove(&calls->channels, channel);
    return;
  case SWEEP_ADOPT:
    if (channel->adopted) adopt(calls, channel, at_ms);
    return;
  case SWEEP_SETTLE: settle(calls, channel, at_ms); return;
  case SWEEP_UNLISTED:
    if (!stale) return;
    /* Told once; if it lives on its end will come, else it goes next time. */
    if (channel->seen + 1 == calls->connection) {
      ami_leg_lost(calls, channel, gap_ms);
    } else {
      ami_channel_remove(&calls->channels, channel);
    }
    return;
  default: return;
  }
}

void ami_sweep_step(struct ami_calls *calls, msec_t now_ms) {
  struct ami_channel *channel = calls->sweep_at;
  if (!channel) {
    enum ami_sweep done = calls->sweep;
    calls->sweep = SWEEP_NONE;
    if (done == SWEEP_GONE) ami_sweep_begin(calls, SWEEP_ADOPT);
    if (done == SWEEP_ADOPT) ami_sweep_begin(calls, SWEEP_SETTLE);
    return;
  }
  calls->sweep_at = channel->next;
  sweep_one(calls, channel, ami_clock_from_ours(&calls->clock, now_ms));
}
