/* A conversation with a switch or a Redis that has to be over in time: blocking
 * calls, one deadline for all of it, plain or TLS. */
#ifndef CALLPACE_WIRE_H
#define CALLPACE_WIRE_H

#include "callpace/base/address.h"
#include "callpace/base/clock.h"
#include "callpace/base/status.h"
#include "callpace/base/writer.h"

struct wire {
  int fd;
  void *context, *tls; /* SSL_CTX, SSL; NULL: plain */
  usec_t until_us;     /* of the monotonic clock */
  struct writer in;    /* all that came, at most WIRE_IN_MAX */
  bool ended;          /* the peer closed */
};
enum { WIRE_IN_MAX = 1 << 20 };

/* Connects within `patience_ms`, which is also the time for all that follows. TLS:
 * `ca` names a file of authorities (NULL: the system's), and the peer has to prove
 * its host name. False with the reason in `error`. */
bool wire_open(struct wire *wire, const struct address *to, bool tls, const char *ca,
               msec_t patience_ms, struct error *error);
bool wire_send(struct wire *wire, struct slice bytes);
/* Waits for more and adds it to `in`; false at the end, the deadline or the bound. */
bool wire_read(struct wire *wire);
/* Reads on until `what` stands in what came; false when it never did. */
bool wire_read_until(struct wire *wire, const char *what);
void wire_close(struct wire *wire);

#endif
