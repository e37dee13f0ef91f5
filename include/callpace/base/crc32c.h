/* CRC-32C (Castagnoli, RFC 3720 appendix B.4): SSE4.2 where the processor has
 * it, else tables. */
#ifndef CALLPACE_BASE_CRC32C_H
#define CALLPACE_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues `crc` (0 to start) over `len` bytes. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);
/* The portable form, for its test against the fast one. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len);

#endif
