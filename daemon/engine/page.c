/* The page of the wall and of an agent, as it was built in, and the policy that
 * lets a browser run exactly this style and script. */
#include <openssl/sha.h>

#include "callpace/base/hmac.h"
#include "callpace/engine/page_files.h"
#include "web_internal.h"

static void put_hash(struct writer *w, struct slice text) {
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256((const unsigned char *)text.data, text.len, digest);
  put_text(w, "'sha256-");
  put_base64(w, digest, sizeof digest);
  put_text(w, "'");
}

static void put_policy(struct writer *w) {
  put_text(w, "Content-Security-Policy: default-src 'none'; style-src ");
  put_hash(w, page_style);
  put_text(w, "; script-src ");
  put_hash(w, page_script);
  put_text(w, "; connect-src 'self'; form-action 'self'; base-uri 'none'; "
              "frame-ancestors 'none'\r\n");
}

void page_serve(struct exchange *x) {
  x->type = "text/html; charset=utf-8";
  put_policy(x->extra);
  put_slice(x->body, page_head);
  put_text(x->body, "<style>");
  put_slice(x->body, page_style);
  put_text(x->body, "</style>");
  put_slice(x->body, page_body);
  put_text(x->body, "<script>");
  put_slice(x->body, page_script);
  put_text(x->body, "</script>\n");
}
