/* Message authentication and the encodings it travels in. RFC 2104 with SHA-256
 * (FIPS 180-4), RFC 4648, RFC 3986. */
#ifndef CALLPACE_BASE_HMAC_H
#define CALLPACE_BASE_HMAC_H

#include <stdbool.h>
#include <stdint.h>

#include "callpace/base/slice.h"
#include "callpace/base/writer.h"

enum { HMAC_BYTES = 32 };

/* HMAC-SHA256. Both may be empty. */
void hmac_sha256(struct slice key, struct slice message, uint8_t out[HMAC_BYTES]);

/* Compares in a time that does not tell where they differ. */
bool hmac_equal(struct slice a, struct slice b);

void put_hex(struct writer *w, const uint8_t *bytes, size_t len);    /* lower case */
void put_base64(struct writer *w, const uint8_t *bytes, size_t len); /* with padding */
/* Everything but unreserved characters as %XX: for a component of a URL. */
void put_percent(struct writer *w, struct slice text);

#endif
