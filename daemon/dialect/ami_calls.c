/* What an agent's channel is to callpace: an attempt, an offered call, talk.
 * The rules are those that gave the telephones' own counts on recordings:
 *  - attempt: a dial to a customer, once per agent's channel;
 *  - offered: a dial to an agent while a customer is in the call;
 *  - talk: the agent's bridge, followed across Local pairs, holds a customer;
 *  - the end is the Hangup of the agent's channel, never an earlier sign. */
#include <stdio.h>

#include "ami_internal.h"

static struct call_event event_of(struct ami_calls *calls, const struct ami_channel *channel,
                                  enum call_event_type type, msec_t ts_ms) {
  struct call_event event = call_event_of(type, ts_ms);
  writer_reset(&calls->id);
  put_slice(&calls->id, calls->source);
  put_char(&calls->id, ':');
  put_bytes(&calls->id, channel->id, channel->id_len);
  if (channel->leg.number > 1) {
    put_char(&calls->id, '/');
    put_uint(&calls->id, channel->leg.number);
  }
  event.call = writer_slice(&calls->id);
  return event;
}

void ami_leg_begin(struct ami_calls *calls, struct ami_channel *channel, enum call_dir dir,
                   const struct ami_channel *customer, msec_t ts_ms) {
  struct ami_leg *leg = &channel->leg;
  if (leg->open && leg->dir == dir) return;
  bool talking = leg->talking;
  if (leg->open) ami_leg_end(calls, channel, ts_ms);
  *leg = (struct ami_leg){.dir = dir, .open = true, .number = leg->number + 1};
  struct call_event event = event_of(calls, channel, EVENT_CALL_START, ts_ms);
  event.dir = dir;
  event.agent = channel->agent;
  if (customer) {
    event.number = ami_text_slice(&customer->number);
    event.trunk = ami_trunk_name(customer);
  }
  if (dir == DIR_IN && channel->group) event.queue = ami_text_slice(&channel->group->queue);
  event_queue_put(&calls->events, &event);
  if (talking) ami_talk_set(calls, channel, true, ts_ms);
}

static enum call_outcome outcome_of(const struct ami_leg *leg) {
  if (leg->answered) return OUTCOME_ANSWERED;
  if (leg->outcome != OUTCOME_UNKNOWN) return leg->outcome;
  return leg->dir == DIR_IN ? OUTCOME_NO_ANSWER : OUTCOME_CANCELLED;
}

void ami_leg_end(struct ami_calls *calls, struct ami_channel *channel, msec_t ts_ms) {
  struct ami_leg *leg = &channel->leg;
  ami_talk_set(calls, channel, false, ts_ms);
  if (!leg->open) return;
  leg->open = false;
  struct call_event event = event_of(calls, channel, EVENT_CALL_END, ts_ms);
  event.outcome = outcome_of(leg);
  if (leg->answered) event.talk_ms = leg->talk_ms;
  char cause[16];
  if (leg->cause > 0) {
    int len = snprintf(cause, sizeof cause, "%d", leg->cause);
    event.cause = (struct slice){cause, (size_t)len};
  }
  event_queue_put(&calls->events, &event);
}

void ami_leg_tell(struct ami_calls *calls, struct ami_channel *channel, enum call_event_type type,
                  msec_t ts_ms) {
  struct call_event event = event_of(calls, channel, type, ts_ms);
  event_queue_put(&calls->events, &event);
}

void ami_leg_lost(struct ami_calls *calls, struct ami_channel *channel, msec_t ts_ms) {
  if (channel->leg.open) ami_leg_tell(calls, channel, EVENT_CALL_LOST, ts_ms);
}

void ami_talk_set(struct ami_calls *calls, struct ami_channel *channel, bool talking,
                  msec_t ts_ms) {
  struct ami_leg *leg = &channel->leg;
  if (leg->talking == talking) return;
  if (!talking) {
    leg->talking = leg->since_listing = false;
    if (ts_ms > leg->talk_since_ms) leg->talk_ms += ts_ms - leg->talk_since_ms;
    return;
  }
  if (channel->adopted) return; /* the end of the listing will judge it */
  /* A customer came by transfer or pickup: a call of its own. */
  if (!leg->open || leg->dir == DIR_INTERNAL) {
    ami_leg_begin(calls, channel, DIR_IN, ami_customer_of(channel->group, false), ts_ms);
  }
  leg->talking = true;
  leg->talk_since_ms = ts_ms;
  if (leg->answered) return;
  leg->answered = true;
  ami_leg_tell(calls, channel, EVENT_CALL_ANSWER, ts_ms);
}

struct ami_channel *ami_customer_of(const struct ami_group *group, bool ringing_too) {
  if (!group) return NULL;
  for (struct ami_channel *at = group->first; at; at = at->group_next) {
    if (at->kind == KIND_CUSTOMER && (ringing_too || !at->ringing)) return at;
  }
  return NULL;
}

/* --- who talks with whom --- */

static size_t walk_add(struct ami_calls *calls, size_t count, struct ami_bridge *bridge) {
  if (!bridge || bridge->holding || bridge->walked == calls->walks) return count;
  bridge->walked = calls->walks;
  calls->walk = mem_grow(calls->walk, &calls->walk_capacity, count + 1, sizeof(calls->walk[0]));
  calls->walk[count] = bridge;
  return count + 1;
}

/* Leaves all bridges that are joined to this one in calls->walk. */
static size_t walk_from(struct ami_calls *calls, struct ami_bridge *bridge,
                        struct ami_channel **customer) {
  calls->walks++;
  size_t count = walk_add(calls, 0, bridge);
  for (size_t i = 0; i < count; i++) {
    for (struct ami_channel *at = calls->walk[i]->first; at; at = at->bridge_next) {
      if (at->kind == KIND_CUSTOMER) *customer = at;
      if (at->kind == KIND_LOCAL && at->pair) count = walk_add(calls, count, at->pair->bridge);
    }
  }
  return count;
}

/* An answer that only a listing shows lies where the later of both was answered,
 * and not before the gap when the call was known then. */
static void settle_listed(struct ami_calls *calls, struct ami_channel *agent,
                          const struct ami_channel *customer, msec_t at_ms) {
  struct ami_leg *leg = &agent->leg;
  msec_t told = agent->answered_ms;
  if (customer->answered_ms > told) told = customer->answered_ms;
  told = told == MSEC_NONE ? at_ms : ami_clock_from_switch(&calls->clock, told);
  if (told > at_ms) told = at_ms;
  msec_t gap_ms = ami_gap_ms(calls, at_ms);
  if (!agent->adopted_once && calls->lost_ms != MSEC_NONE && told < gap_ms) told = gap_ms;
  if (!leg->talking) {
    ami_talk_set(calls, agent, true, told);
    leg->since_listing = true;
  } else if (leg->since_listing && told < leg->talk_since_ms) {
    leg->talk_since_ms = told;
    ami_leg_tell(calls, agent, EVENT_CALL_ANSWER, told);
  }
}

void ami_settle(struct ami_calls *calls, struct ami_bridge *bridge, msec_t ts_ms, bool listed) {
  struct ami_channel *customer = NULL;
  size_t count = walk_from(calls, bridge, &customer);
  for (size_t i = 0; i < count; i++) {
    for (struct ami_channel *at = calls->walk[i]->first; at; at = at->bridge_next) {
      if (at->kind != KIND_AGENT) continue;
      if (listed && customer) {
        settle_listed(calls, at, customer, ts_ms);
      } else {
        ami_talk_set(calls, at, customer != NULL, listed ? ami_gap_ms(calls, ts_ms) : ts_ms);
      }
    }
  }
}
