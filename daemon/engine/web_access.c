/* Who may come, and what they may see. */
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <strings.h>

#include "callpace/base/mem.h"
#include "web_internal.h"

#define COOKIE_NAME "callpace"
enum { COOKIE_LIFE_S = 30 * 86400, TOKEN_MAX = 4096 };

/* ---- badges ---- */

/* Tokens are compared by digest: in constant time, whatever their lengths. The
 * cookie is another digest of the token, so that it opens nothing but this. */
static void digest_token(struct slice token, uint8_t out[DIGEST_SIZE]) {
  SHA256((const unsigned char *)token.data, token.len, out);
}

static void digest_cookie(struct slice token, uint8_t out[DIGEST_SIZE]) {
  struct writer text = {0};
  put_text(&text, "callpace cookie 1\n");
  put_slice(&text, token);
  SHA256((const unsigned char *)text.data, text.len, out);
  explicit_bzero(text.data, text.len);
  writer_free(&text);
}

static void badge_make(struct badge *badge, enum http_role role, const char *subject,
                       const char *token, bool names) {
  *badge = (struct badge){.viewer = {.role = role, .subject = subject, .names = names},
                          .by_token = token != NULL};
  if (!token) return;
  digest_token(slice_of(token), badge->token);
  digest_cookie(slice_of(token), badge->cookie);
}

void badges_make(struct web *web) {
  const struct config *config = web->engine->config;
  bool open = !config->http.token && config->http.token_count == 0;
  web->badges = mem_zalloc((config->http.token_count + 1) * sizeof *web->badges);
  /* Without any token it listens on loopback only (io/config): all is open. */
  if (open || config->http.token)
    badge_make(&web->badges[web->badge_count++], HTTP_SUPERVISOR, "", config->http.token, true);
  for (size_t i = 0; i < config->http.token_count; i++) {
    const struct config_http_token *t = &config->http.tokens[i];
    badge_make(&web->badges[web->badge_count++], t->role, t->subject, t->token,
               t->role != HTTP_WALL || config->http.wall_names);
  }
}

void badges_free(struct web *web) {
  for (size_t i = 0; i < web->badge_count; i++) {
    writer_free(&web->badges[i].news);
    writer_free(&web->badges[i].overview);
  }
  free(web->badges);
  web->badges = NULL;
  web->badge_count = 0;
}

static struct badge *badge_of_token(struct web *web, struct slice token) {
  struct badge *found = NULL;
  uint8_t digest[DIGEST_SIZE];
  if (token.len == 0 || token.len > TOKEN_MAX) return NULL;
  digest_token(token, digest);
  for (size_t i = web->badge_count; i-- > 0;)
    if (web->badges[i].by_token && CRYPTO_memcmp(digest, web->badges[i].token, DIGEST_SIZE) == 0)
      found = &web->badges[i];
  return found;
}

static void put_hex(struct writer *w, const uint8_t digest[DIGEST_SIZE]) {
  for (int i = 0; i < DIGEST_SIZE; i++)
    put_format(w, "%02x", digest[i]);
}

static struct badge *badge_of_cookie(struct web *web, struct slice cookie) {
  struct badge *found = NULL;
  if (cookie.len != 2 * DIGEST_SIZE) return NULL;
  for (size_t i = web->badge_count; i-- > 0;) {
    struct writer hex = {0};
    put_hex(&hex, web->badges[i].cookie);
    if (web->badges[i].by_token && CRYPTO_memcmp(hex.data, cookie.data, cookie.len) == 0)
      found = &web->badges[i];
    writer_free(&hex);
  }
  return found;
}

struct badge *access_badge(struct web *web, const struct http_request *request) {
  if (web->badge_count == 1 && !web->badges[0].by_token) return &web->badges[0];
  struct slice given = request->headers[HTTP_AUTHORIZATION];
  if (given.len > 7 && strncasecmp(given.data, "Bearer ", 7) == 0)
    return badge_of_token(web, (struct slice){given.data + 7, given.len - 7});
  return badge_of_cookie(web, http_cookie(request->headers[HTTP_COOKIE], COOKIE_NAME));
}

/* ---- where it came from ---- */

static bool same_name(struct slice host, const char *name) {
  return host.len == strlen(name) && strncasecmp(host.data, name, host.len) == 0;
}

/* Without ":PORT" and without the brackets of an IPv6 address. */
static struct slice without_port(struct slice host) {
  if (host.len > 0 && host.data[0] == '[') {
    const char *end = memchr(host.data, ']', host.len);
    return end ? (struct slice){host.data + 1, (size_t)(end - host.data) - 1} : (struct slice){0};
  }
  const char *colon = host.len ? memchr(host.data, ':', host.len) : NULL;
  if (colon) host.len = (size_t)(colon - host.data);
  return host;
}

static bool is_ip(struct slice host) {
  char text[64];
  struct cidr parsed;
  if (host.len >= sizeof text || memchr(host.data, '/', host.len)) return false;
  memcpy(text, host.data, host.len);
  text[host.len] = 0;
  return cidr_parse(text, &parsed);
}

/* The name in "https://wall.example/…". */
static bool is_public_host(const char *url, struct slice host) {
  const char *at = url ? strstr(url, "://") : NULL;
  if (!at) return false;
  struct slice name = {at + 3, strcspn(at + 3, "/")};
  name = without_port(name);
  return name.len == host.len && strncasecmp(name.data, host.data, host.len) == 0;
}

/* A page elsewhere can make its own name point to this address, and its visitor's
 * browser would then let it read our answers; but the browser says that name. An
 * address as such cannot be taken over like this. */
bool access_host_is_ours(const struct web *web, struct slice host) {
  const struct config *config = web->engine->config;
  host = without_port(host);
  if (host.len == 0) return false;
  if (same_name(host, "localhost") || is_ip(host)) return true;
  if (!config->http.address.is_unix && same_name(host, config->http.address.host)) return true;
  if (is_public_host(config->public_url, host)) return true;
  for (const char **name = config->http.hosts; name && *name; name++)
    if (same_name(host, *name)) return true;
  return false;
}

bool access_same_origin(const struct http_request *request) {
  struct slice origin = request->headers[HTTP_ORIGIN], host = request->headers[HTTP_HOST];
  struct slice site = request->headers[HTTP_SEC_FETCH_SITE];
  if (site.len && !slice_equal(site, SLICE("same-origin"))) return false;
  if (!origin.data) return true; /* no browser */
  const char *authority = memmem(origin.data, origin.len, "://", 3);
  if (!authority) return false;
  authority += 3;
  return slice_equal((struct slice){authority, origin.len - (size_t)(authority - origin.data)},
                     host);
}

/* ---- signing in ---- */

void access_login(struct exchange *x) {
  char token[TOKEN_MAX + 1];
  int len = http_field(x->request.body, "token", token, sizeof token);
  if (!access_same_origin(&x->request)) {
    exchange_fail(x, 403, "foreign_origin", "the form is not of this site");
    return;
  }
  struct badge *badge = len > 0 ? badge_of_token(x->web, (struct slice){token, (size_t)len}) : NULL;
  explicit_bzero(token, sizeof token);
  x->status = 303;
  put_text(x->extra, badge ? "Location: /\r\n" : "Location: /?refused\r\n");
  if (!badge) return;
  put_text(x->extra, "Set-Cookie: " COOKIE_NAME "=");
  put_hex(x->extra, badge->cookie);
  put_format(x->extra, "; Path=/; Max-Age=%d; HttpOnly; SameSite=Strict%s\r\n", COOKIE_LIFE_S,
             x->web->engine->config->http.tls_cert ? "; Secure" : "");
}
