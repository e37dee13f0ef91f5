#include "callpace/core/ack_link.h"

#include "callpace/base/hmac.h"

/* Appends the signature. Each part is told apart by its length, whatever is in it. */
static void put_sign(struct writer *w, struct slice key, const struct ack_link *link) {
  struct writer text = {0};
  uint8_t mac[HMAC_BYTES];
  put_text(&text, "callpace ack 1\n");
  put_blob(&text, link->id);
  put_blob(&text, link->by);
  put_u64(&text, (uint64_t)link->until_s);
  hmac_sha256(key, writer_slice(&text), mac);
  put_hex(w, mac, ACK_SIGN_BYTES);
  writer_free(&text);
}

void ack_link_put(struct writer *w, struct slice base, struct slice key,
                  const struct ack_link *link) {
  while (base.len > 0 && base.data[base.len - 1] == '/')
    base.len--;
  put_slice(w, base);
  put_text(w, "/ack?id=");
  put_percent(w, link->id);
  put_text(w, "&by=");
  put_percent(w, link->by);
  put_format(w, "&until=%lld&sign=", (long long)link->until_s);
  put_sign(w, key, link);
}

bool ack_link_is_good(const struct ack_link *link, struct slice sign, struct slice key,
                      msec_t now_ms) {
  struct writer wanted = {0};
  put_sign(&wanted, key, link);
  bool good = hmac_equal(writer_slice(&wanted), sign) && now_ms / MSEC_PER_SEC <= link->until_s;
  writer_free(&wanted);
  return good;
}
