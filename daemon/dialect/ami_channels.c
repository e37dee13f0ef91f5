/* The switch's channels as far as callpace must know them: who, which call, in
 * which bridge. Groups and bridges live as long as they have members. */
#include <assert.h>

#include "ami_internal.h"

void ami_text_set(struct ami_text *text, struct slice from) {
  text->len = (uint8_t)(from.len < AMI_TEXT_SIZE ? from.len : AMI_TEXT_SIZE);
  if (text->len) memcpy(text->data, from.data, text->len);
}

struct slice ami_text_slice(const struct ami_text *text) {
  return (struct slice){text->data, text->len};
}

void ami_channels_init(struct ami_channels *channels) {
  *channels = (struct ami_channels){0};
  pool_init(&channels->channel_pool, sizeof(struct ami_channel));
  pool_init(&channels->group_pool, sizeof(struct ami_group));
  pool_init(&channels->bridge_pool, sizeof(struct ami_bridge));
}

void ami_channels_free(struct ami_channels *channels) {
  table_free(&channels->by_id);
  table_free(&channels->by_local_name);
  table_free(&channels->groups);
  table_free(&channels->bridges);
  table_free(&channels->agent_ids);
  pool_free(&channels->channel_pool);
  pool_free(&channels->group_pool);
  pool_free(&channels->bridge_pool);
  arena_free(&channels->names);
}

struct slice ami_channel_name(const struct ami_channel *channel) {
  return (struct slice){channel->name, channel->name_len};
}

struct slice ami_name_prefix(struct slice name) {
  const char *dash = name.len ? memrchr(name.data, '-', name.len) : NULL;
  return dash ? (struct slice){name.data, (size_t)(dash - name.data)} : name;
}

struct slice ami_trunk_name(const struct ami_channel *channel) {
  struct slice name = ami_name_prefix(ami_channel_name(channel));
  static const char isdn[] = "DAHDI/i";
  const size_t len = sizeof isdn - 1;
  if (name.len < len || memcmp(name.data, isdn, len) != 0) return name;
  const char *number = memchr(name.data + len, '/', name.len - len);
  return number ? (struct slice){name.data, (size_t)(number - name.data)} : name;
}

struct ami_ref ami_ref_of(struct ami_channel *channel) {
  return (struct ami_ref){channel, channel->life};
}

struct ami_channel *ami_ref_get(struct ami_ref ref) {
  return ref.channel && ref.channel->life == ref.life ? ref.channel : NULL;
}

/* --- who it is --- */

static bool starts_with(struct slice text, const char *start) {
  size_t len = strlen(start);
  return text.len >= len && memcmp(text.data, start, len) == 0;
}

/* Channels that the switch makes for itself: nobody speaks there. */
static bool is_pseudo(struct slice name) {
  static const char *const starts[] = {
      "Message/",     "CBAnn/",      "CBRec/",        "Announcer/",         "Recorder/",
      "Snoop/",       "UnicastRTP/", "MulticastRTP/", "Surrogate/",         "AsyncGoto/",
      "AudioSocket/", "Bridge/",     "DAHDI/pseudo",  "OutgoingSpoolFailed"};
  for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
    if (starts_with(name, starts[i])) return true;
  }
  return false;
}

/* A telephone's peer name may stand in the roster without its technology. */
static const struct agent *find_agent(const struct roster *roster, struct slice prefix) {
  static const char *const peers[] = {"PJSIP/", "SIP/", "IAX2/", "SCCP/"};
  const struct agent *agent = roster ? roster_find(roster, prefix) : NULL;
  for (size_t i = 0; roster && !agent && i < sizeof peers / sizeof peers[0]; i++) {
    size_t len = strlen(peers[i]);
    if (!starts_with(prefix, peers[i]) || prefix.len == len) continue;
    agent = roster_find(roster, (struct slice){prefix.data + len, prefix.len - len});
  }
  return agent;
}

/* The roster may be replaced under a running call: its ids are kept. */
static struct slice keep_agent_id(struct ami_channels *channels, const char *id) {
  char *kept = table_get(&channels->agent_ids, slice_of(id));
  if (!kept) {
    kept = arena_dup(&channels->names, slice_of(id));
    table_put(&channels->agent_ids, slice_of(kept), kept);
  }
  return slice_of(kept);
}

enum ami_kind ami_kind_of(struct ami_channels *channels, const struct roster *roster,
                          struct slice name, struct slice *agent) {
  if (starts_with(name, "Local/")) return KIND_LOCAL;
  if (name.len == 0 || is_pseudo(name)) return KIND_PSEUDO;
  const struct agent *found = find_agent(roster, ami_name_prefix(name));
  if (!found) return KIND_CUSTOMER;
  *agent = keep_agent_id(channels, found->id);
  return KIND_AGENT;
}

/* --- lists --- */

static void group_leave(struct ami_channels *channels, struct ami_channel *channel) {
  struct ami_group *group = channel->group;
  if (!group) return;
  if (channel->group_prev) {
    channel->group_prev->group_next = channel->group_next;
  } else {
    group->first = channel->group_next;
  }
  if (channel->group_next) channel->group_next->group_prev = channel->group_prev;
  channel->group = NULL;
  channel->group_next = channel->group_prev = NULL;
  if (group->first) return;
  table_remove(&channels->groups, (struct slice){group->id, group->id_len});
  pool_give(&channels->group_pool, group);
}

void ami_channel_link(struct ami_channels *channels, struct ami_channel *channel,
                      struct slice linkedid) {
  if (linkedid.len == 0 || linkedid.len > AMI_ID_SIZE) return;
  struct ami_group *group = channel->group;
  if (group && slice_equal((struct slice){group->id, group->id_len}, linkedid)) return;
  group_leave(channels, channel);
  group = table_get(&channels->groups, linkedid);
  if (!group) {
    group = pool_take(&channels->group_pool);
    *group = (struct ami_group){.id_len = (uint8_t)linkedid.len};
    memcpy(group->id, linkedid.data, linkedid.len);
    table_put(&channels->groups, (struct slice){group->id, group->id_len}, group);
  }
  channel->group = group;
  channel->group_next = group->first;
  if (group->first) group->first->group_prev = channel;
  group->first = channel;
}

static void bridge_leave(struct ami_channels *channels, struct ami_channel *channel) {
  struct ami_bridge *bridge = channel->bridge;
  if (!bridge) return;
  if (channel->bridge_prev) {
    channel->bridge_prev->bridge_next = channel->bridge_next;
  } else {
    bridge->first = channel->bridge_next;
  }
  if (channel->bridge_next) channel->bridge_next->bridge_prev = channel->bridge_prev;
  channel->bridge = NULL;
  channel->bridge_next = channel->bridge_prev = NULL;
  if (bridge->first) return;
  table_remove(&channels->bridges, (struct slice){bridge->id, bridge->id_len});
  pool_give(&channels->bridge_pool, bridge);
}

void ami_channel_bridge(struct ami_channels *channels, struct ami_channel *channel,
                        struct slice bridge_id) {
  struct ami_bridge *bridge = channel->bridge;
  if (bridge && slice_equal((struct slice){bridge->id, bridge->id_len}, bridge_id)) return;
  bridge_leave(channels, channel);
  if (bridge_id.len == 0 || bridge_id.len > AMI_ID_SIZE) return;
  bridge = table_get(&channels->bridges, bridge_id);
  if (!bridge) {
    bridge = pool_take(&channels->bridge_pool);
    *bridge = (struct ami_bridge){.id_len = (uint8_t)bridge_id.len};
    memcpy(bridge->id, bridge_id.data, bridge_id.len);
    table_put(&channels->bridges, (struct slice){bridge->id, bridge->id_len}, bridge);
  }
  channel->bridge = bridge;
  channel->bridge_next = bridge->first;
  if (bridge->first) bridge->first->bridge_prev = channel;
  bridge->first = channel;
}

/* --- channels --- */

struct ami_channel *ami_channel_find(const struct ami_channels *channels, struct slice id) {
  return id.len ? table_get(&channels->by_id, id) : NULL;
}

/* Uniqueid: "1795459767.12" or "pbx1-1795459767.12". */
static uint64_t age_of(struct slice id) {
  const char *point = id.len ? memrchr(id.data, '.', id.len) : NULL;
  if (!point) return 0;
  struct slice head = {id.data, (size_t)(point - id.data)};
  struct slice serial = {point + 1, id.len - head.len - 1};
  const char *dash = head.len ? memrchr(head.data, '-', head.len) : NULL;
  if (dash) head = (struct slice){dash + 1, (size_t)(point - dash - 1)};
  uint64_t seconds = (uint64_t)ami_number(head, 0), number = (uint64_t)ami_number(serial, 0);
  return seconds << 32 | (number & UINT32_MAX);
}

/* The halves of a Local pair find each other by their name up to the ';'. */
static void join_pair(struct ami_channels *channels, struct ami_channel *channel) {
  if (channel->name_len < 2 || channel->name[channel->name_len - 2] != ';') return;
  struct slice base = {channel->name, channel->name_len - 2u};
  struct ami_channel *other = table_get(&channels->by_local_name, base);
  if (!other) {
    table_put(&channels->by_local_name, base, channel);
  } else if (!other->pair && !slice_equal(ami_channel_name(other), ami_channel_name(channel))) {
    channel->pair = other;
    other->pair = channel;
  }
}

/* The table's key lies in one half; the other one takes its place. */
static void part_pair(struct ami_channels *channels, struct ami_channel *channel) {
  if (channel->name_len < 2) return;
  struct slice base = {channel->name, channel->name_len - 2u};
  struct ami_channel *other = channel->pair;
  if (other) other->pair = NULL;
  if (table_get(&channels->by_local_name, base) != channel) return;
  table_remove(&channels->by_local_name, base);
  if (other) {
    table_put(&channels->by_local_name, (struct slice){other->name, other->name_len - 2u}, other);
  }
}

struct ami_channel *ami_channel_add(struct ami_channels *channels, const struct roster *roster,
                                    struct slice id, struct slice name, struct slice linkedid) {
  if (id.len == 0 || id.len > AMI_ID_SIZE || channels->count >= AMI_CHANNELS_MAX) return NULL;
  assert(!ami_channel_find(channels, id));
  struct ami_channel *channel = channels->spare;
  if (channel) {
    channels->spare = channel->next;
  } else {
    channel = pool_take(&channels->channel_pool);
  }
  if (name.len > AMI_NAME_SIZE) name.len = AMI_NAME_SIZE;
  /* The texts at the end are not cleared: their lengths say what counts. */
  memset(channel, 0, offsetof(struct ami_channel, id));
  channel->life = ++channels->lives;
  channel->answered_ms = MSEC_NONE;
  channel->id_len = (uint8_t)id.len;
  memcpy(channel->id, id.data, id.len);
  channel->name_len = (uint8_t)name.len;
  if (name.len) memcpy(channel->name, name.data, name.len);
  channel->age = age_of(id);
  channel->kind = ami_kind_of(channels, roster, name, &channel->agent);
  if (channel->kind == KIND_LOCAL) join_pair(channels, channel);
  table_put(&channels->by_id, (struct slice){channel->id, channel->id_len}, channel);
  channel->next = channels->first;
  if (channels->first) channels->first->prev = channel;
  channels->first = channel;
  channels->count++;
  ami_channel_link(channels, channel, linkedid.len ? linkedid : id);
  return channel;
}

void ami_channel_remove(struct ami_channels *channels, struct ami_channel *channel) {
  group_leave(channels, channel);
  bridge_leave(channels, channel);
  if (channel->kind == KIND_LOCAL) part_pair(channels, channel);
  table_remove(&channels->by_id, (struct slice){channel->id, channel->id_len});
  if (channel->prev) {
    channel->prev->next = channel->next;
  } else {
    channels->first = channel->next;
  }
  if (channel->next) channel->next->prev = channel->prev;
  channels->count--;
  channel->life = 0;
  channel->next = channels->spare;
  channels->spare = channel;
}
