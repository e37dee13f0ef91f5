/* Where to listen or connect, and who may come: text only, no socket. */
#ifndef CALLPACE_BASE_ADDRESS_H
#define CALLPACE_BASE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/base/slice.h"

enum { ADDRESS_HOST_SIZE = 256, ADDRESS_TEXT_SIZE = 300 };

/* "HOST:PORT", "[V6]:PORT" or "unix:/PATH". */
struct address {
  bool is_unix;
  char host[ADDRESS_HOST_SIZE]; /* or the path of a unix socket */
  uint16_t port;                /* 0: any free one (listen only) */
};

/* False when the text is no such address; `out` stays untouched. */
bool address_parse(const char *text, struct address *out);
/* Writes the text form back and NUL. */
void address_format(const struct address *address, char out[ADDRESS_TEXT_SIZE]);
/* True for a unix socket, 127.0.0.0/8, ::1 and "localhost". */
bool address_is_loopback(const struct address *address);

/* A network: "10.0.0.0/8", "::1/128", or a bare address. IPv4 is kept in its
 * IPv4-mapped form, so that one compare does for both. */
struct cidr {
  uint8_t bytes[16];
  unsigned bits;
};
bool cidr_parse(const char *text, struct cidr *out);
bool cidr_holds(const struct cidr *cidr, const uint8_t address[16]);

#endif
