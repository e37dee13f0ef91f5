#include "callpace/base/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

static bool parse_port(const char *text, uint16_t *out) {
  if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 5) return false;
  long port = strtol(text, NULL, 10);
  if (port > UINT16_MAX) return false;
  *out = (uint16_t)port;
  return true;
}

bool address_parse(const char *text, struct address *out) {
  struct address parsed = {0};
  if (strncmp(text, "unix:", 5) == 0) {
    const char *path = text + 5;
    if (path[0] != '/' || strlen(path) >= sizeof parsed.host) return false;
    parsed.is_unix = true;
    snprintf(parsed.host, sizeof parsed.host, "%s", path);
    *out = parsed;
    return true;
  }
  const char *colon = strrchr(text, ':');
  if (!colon || !parse_port(colon + 1, &parsed.port)) return false;
  size_t len = (size_t)(colon - text);
  if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
    text++;
    len -= 2;
  } else if (memchr(text, ':', len)) {
    return false; /* a bare IPv6 address: which colon would be the port's? */
  }
  if (len == 0 || len >= sizeof parsed.host) return false;
  memcpy(parsed.host, text, len);
  *out = parsed;
  return true;
}

void address_format(const struct address *address, char out[ADDRESS_TEXT_SIZE]) {
  if (address->is_unix)
    snprintf(out, ADDRESS_TEXT_SIZE, "unix:%s", address->host);
  else if (strchr(address->host, ':'))
    snprintf(out, ADDRESS_TEXT_SIZE, "[%s]:%u", address->host, address->port);
  else
    snprintf(out, ADDRESS_TEXT_SIZE, "%s:%u", address->host, address->port);
}

bool address_is_loopback(const struct address *address) {
  if (address->is_unix || strcmp(address->host, "localhost") == 0) return true;
  struct in_addr v4;
  if (inet_pton(AF_INET, address->host, &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  struct in6_addr v6;
  return inet_pton(AF_INET6, address->host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool cidr_parse(const char *text, struct cidr *out) {
  char host[64];
  const char *slash = strchr(text, '/');
  size_t len = slash ? (size_t)(slash - text) : strlen(text);
  if (len >= sizeof host) return false;
  memcpy(host, text, len);
  host[len] = '\0';

  struct cidr parsed = {.bytes = {[10] = 0xff, [11] = 0xff}};
  unsigned most;
  if (inet_pton(AF_INET, host, parsed.bytes + 12) == 1)
    most = 32;
  else if (inet_pton(AF_INET6, host, parsed.bytes) == 1)
    most = 128;
  else
    return false;
  uint16_t bits = (uint16_t)most;
  if (slash && (!parse_port(slash + 1, &bits) || bits > most)) return false;
  parsed.bits = bits + (128 - most);
  *out = parsed;
  return true;
}

bool cidr_holds(const struct cidr *cidr, const uint8_t address[16]) {
  unsigned whole = cidr->bits / 8, rest = cidr->bits % 8;
  if (memcmp(cidr->bytes, address, whole) != 0) return false;
  if (rest == 0) return true;
  unsigned mask = 0xffu << (8 - rest);
  return ((cidr->bytes[whole] ^ address[whole]) & mask & 0xffu) == 0;
}
