#include <assert.h>

#include "callpace/base/mem.h"
#include "store_internal.h"

void batch_reset(struct store *store) {
  writer_reset(&store->out);
  store->count = 0;
  store->answered = 0;
  store->fault[0] = '\0';
}

void batch_command(struct store *store, struct slice name) {
  store->starts =
      mem_grow(store->starts, &store->starts_capacity, store->count + 1, sizeof *store->starts);
  store->starts[store->count++] = (uint32_t)store->out.len;
  store->command = resp_begin(&store->out, name);
}

void batch_argument(struct store *store, struct slice argument) {
  resp_slice(&store->command, argument);
}

void batch_int(struct store *store, int64_t argument) {
  resp_int(&store->command, argument);
}

void batch_command_end(struct store *store) {
  resp_end(&store->command);
}

void batch_expire(struct store *store, struct slice key) {
  batch_command(store, SLICE("PEXPIRE"));
  batch_argument(store, key);
  batch_int(store, store->retain_ms);
  batch_command_end(store);
}

struct slice batch_key(const struct store *store, size_t index) {
  size_t start = store->starts[index];
  return resp_argument((struct slice){store->out.data + start, store->out.len - start}, 1);
}

size_t store_batch_bytes(const struct store *store) {
  return store->out.len;
}

/* Begins a command on a key which is kept for the commands after it. */
static void begin_keyed(struct store *store, struct slice name, struct slice key) {
  assert(store->phase == PHASE_BUILD);
  writer_reset(&store->key);
  put_slice(&store->key, key);
  batch_command(store, name);
  batch_argument(store, key);
}

/* Ends it, or takes it back when nothing followed the key. */
static bool end_keyed(struct store *store) {
  bool filled = store->command.arguments > 2;
  if (filled) {
    batch_command_end(store);
  } else {
    store->out.len = store->command.start;
    store->count--;
  }
  return filled;
}

void store_hash_begin(struct store *store, struct slice key) {
  begin_keyed(store, SLICE("HSET"), key);
  writer_reset(&store->absent);
  store->absent_count = 0;
}

void store_field_int(struct store *store, struct slice name, int64_t value) {
  resp_slice(&store->command, name);
  resp_int(&store->command, value);
}

void store_field_slice(struct store *store, struct slice name, struct slice value) {
  resp_slice(&store->command, name);
  resp_slice(&store->command, value);
}

void store_field_absent(struct store *store, struct slice name) {
  resp_put_slice(&store->absent, name);
  store->absent_count++;
}

void store_hash_end(struct store *store, bool renew) {
  struct slice key = writer_slice(&store->key);
  bool filled = end_keyed(store);
  if (store->absent_count) {
    batch_command(store, SLICE("HDEL"));
    batch_argument(store, key);
    resp_raw(&store->command, writer_slice(&store->absent), store->absent_count);
    batch_command_end(store);
  }
  if (filled && renew) batch_expire(store, key);
}

void store_zset_begin(struct store *store, struct slice key) {
  begin_keyed(store, SLICE("ZADD"), key);
}

void store_zset_member(struct store *store, struct slice member, int64_t score) {
  resp_int(&store->command, score);
  resp_slice(&store->command, member);
}

void store_zset_end(struct store *store, bool renew) {
  if (end_keyed(store) && renew) batch_expire(store, writer_slice(&store->key));
}

void store_publish(struct store *store, struct slice channel, struct slice payload) {
  begin_keyed(store, SLICE("PUBLISH"), channel);
  batch_argument(store, payload);
  batch_command_end(store);
}

void store_xadd(struct store *store, struct slice key, unsigned max_len, struct slice field,
                struct slice value, bool renew) {
  begin_keyed(store, SLICE("XADD"), key);
  batch_argument(store, SLICE("MAXLEN"));
  batch_argument(store, SLICE("~"));
  batch_int(store, max_len);
  batch_argument(store, SLICE("*"));
  store_field_slice(store, field, value);
  batch_command_end(store);
  if (renew) batch_expire(store, key);
}

void store_del(struct store *store, struct slice key) {
  begin_keyed(store, SLICE("DEL"), key);
  batch_command_end(store);
}
