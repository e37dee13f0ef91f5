/* What the files of the centre's snapshots share: one description of the fields
 * serves both ways, with a writer it writes them, with a reader it reads them in. */
#ifndef CALLPACE_CORE_CENTRE_CODEC_H
#define CALLPACE_CORE_CENTRE_CODEC_H

#include "centre_inner.h"

struct codec {
  struct writer *w; /* NULL: reading */
  struct reader *r;
};

void code_i64(struct codec *c, int64_t *value);
void code_u64(struct codec *c, uint64_t *value);
void code_u32(struct codec *c, uint32_t *value);
void code_i32(struct codec *c, int32_t *value);
unsigned code_small(struct codec *c, unsigned value, unsigned bound);
void code_bool(struct codec *c, bool *value);
uint64_t code_count(struct codec *c, uint64_t count, size_t size);
bool codec_failed(const struct codec *c);
void code_time(struct codec *c, msec_t *value);

void centre_save_calls(struct codec *c, const struct centre *centre);
bool centre_load_calls(struct codec *c, struct centre *centre);
void centre_save_leads(struct codec *c, const struct centre *centre);
void centre_load_leads(struct codec *c, struct centre *centre);

#endif
