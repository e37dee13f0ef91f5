#include <string.h>

#include "outbox_internal.h"

enum status outbox_post_run(struct webhook_client *client, const struct config_hook *hook,
                            const struct chat_item *items, size_t count, size_t *taken,
                            msec_t now_ms, webhook_done_fn done, void *context,
                            struct error *error) {
  struct chat_options options = {.format = hook->format,
                                 .chinese = hook->chinese,
                                 .secret = slice_of(hook->secret),
                                 .now_ms = now_ms};
  struct writer url = {0}, body = {0}, signature = {0};
  chat_put_url(&options, slice_of(hook->webhook), &url);
  *taken = chat_put_body(&options, items, count, &body);
  put_text(&signature, "X-Callpace-Signature: ");
  size_t head = signature.len;
  chat_put_signature(&options, writer_slice(&body), &signature);
  const char *headers[] = {signature.len > head ? writer_text(&signature) : NULL, NULL};
  struct webhook_request request = {.url = writer_text(&url),
                                    .headers = headers,
                                    .body = writer_slice(&body),
                                    .timeout_ms = hook->timeout_ms,
                                    .ca_file = hook->ca_file};
  enum status status = webhook_post(client, &request, done, context, error);
  explicit_bzero(url.data, url.len);
  writer_free(&url);
  writer_free(&body);
  writer_free(&signature);
  return status;
}
