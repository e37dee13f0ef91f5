/* What callpace doctor looks at, one finding a line: the command and its findings
 * (cmd_doctor.c), the running daemon and who is seen (doctor_daemon.c), the sources
 * (doctor_source.c, doctor_login.c), Redis (doctor_redis.c), disk and hooks (doctor_host.c). */
#ifndef CALLPACE_DOCTOR_H
#define CALLPACE_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>

#include "callpace/client.h"
#include "callpace/io/config.h"

enum doctor_level { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_PROBLEM };

struct doctor {
  const struct config *config;     /* NULL: could not be read */
  const struct settings *settings; /* likewise */
  json_t *status;                  /* what the daemon says of itself; NULL: it does not run */
  json_t *findings;                /* with --json, else NULL */
  bool terminal, chinese;
  unsigned problems;
};

/* The words in the reader's language; both forms take the same arguments. */
#define WORDS(doctor, english, chinese_words) ((doctor)->chinese ? (chinese_words) : (english))

/* Tells a finding: what was looked at, what was found (printf), and what to do, ""
 * where there is nothing. Text from outside is made harmless here. */
void doctor_tell(struct doctor *doctor, enum doctor_level level, const char *subject,
                 const char *todo, const char *format, ...) __attribute__((format(printf, 5, 6)));

void doctor_roster(struct doctor *doctor, const struct client_options *options);
void doctor_source(struct doctor *doctor, const struct config_source *source);
void doctor_redis(struct doctor *doctor);
void doctor_disk(struct doctor *doctor);
void doctor_hooks(struct doctor *doctor);

/* Log in as the daemon does, and look at what the account may do (doctor_login.c).
 * False when no connection could be made of it; all is told. */
struct wire;
bool doctor_ami(struct doctor *doctor, const char *subject, const struct config_source *source,
                struct wire *wire);
bool doctor_esl(struct doctor *doctor, const char *subject, const struct config_source *source,
                struct wire *wire);

/* A switch's clock against ours, in a finding of its own. What it told may be old by
 * `uncertain_ms`. */
void doctor_clock(struct doctor *doctor, const char *subject, msec_t theirs, msec_t uncertain_ms);

#endif
