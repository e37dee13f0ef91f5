#include "callpace/core/audit.h"

#include <stdlib.h>

#include "callpace/base/table.h"

/* How far apart the begins of one call may lie on both sides, and to what a zone's
 * distance is rounded. */
enum { APART_MS = 5000, ZONE_STEP_MS = 15 * MSEC_PER_MIN, DIGITS_MIN = 6 };

const char *audit_kind_name(enum audit_kind kind) {
  static const char *const names[] = {"only_in_cdr", "only_here", "answered_differs",
                                      "talk_differs"};
  return (unsigned)kind < sizeof names / sizeof *names ? names[kind] : NULL;
}

void audit_free(struct audit *audit) {
  free(audit->agents);
  free(audit->calls);
  *audit = (struct audit){.agents = NULL};
}

/* --- pairs --- */

struct pairs {
  struct cdr_list *ours, *theirs;
  const struct cdr_call **of_ours; /* the partner, by index; NULL: none */
  bool *taken;                     /* of theirs */
};

/* "pbx1:1795459145.0/2" -> "1795459145.0": as the switch has it. */
static struct slice own_id(const char *id) {
  struct slice text = slice_of(id);
  const char *colon = memchr(text.data, ':', text.len);
  if (colon) text = slice_of(colon + 1);
  size_t len = text.len;
  while (len > 0 && text.data[len - 1] >= '0' && text.data[len - 1] <= '9')
    len--;
  if (len > 1 && len < text.len && text.data[len - 1] == '/') text.len = len - 1;
  return text;
}

static struct cdr_call *find_id(const struct table *ids, const struct cdr_call *call) {
  struct cdr_call *found = table_get(ids, slice_of(call->id));
  if (!found) found = table_get(ids, own_id(call->id));
  return found && strcmp(found->agent, call->agent) == 0 ? found : NULL;
}

static void pair(struct pairs *p, size_t our, const struct cdr_call *their) {
  p->of_ours[our] = their;
  p->taken[their - p->theirs->calls] = true;
}

static void pair_by_id(struct pairs *p) {
  struct table ids = {0};
  for (size_t i = 0; i < p->theirs->count; i++) {
    struct cdr_call *call = &p->theirs->calls[i];
    if (call->id[0]) table_put(&ids, slice_of(call->id), call);
  }
  for (size_t i = 0; i < p->ours->count; i++) {
    const struct cdr_call *their = find_id(&ids, &p->ours->calls[i]);
    if (their && !p->taken[their - p->theirs->calls]) pair(p, i, their);
  }
  table_free(&ids);
}

static msec_t rounded(msec_t distance) {
  msec_t half = distance < 0 ? -ZONE_STEP_MS / 2 : ZONE_STEP_MS / 2;
  return (distance + half) / ZONE_STEP_MS * ZONE_STEP_MS;
}

/* A switch whose clock stands in another zone than the centre's shows in the calls that
 * are known by id: all are off by the same. The one that most agree upon (Boyer and
 * Moore's vote). */
static msec_t zone_distance(const struct pairs *p) {
  msec_t candidate = 0;
  size_t votes = 0;
  for (size_t i = 0; i < p->ours->count; i++) {
    if (!p->of_ours[i]) continue;
    msec_t distance = rounded(p->ours->calls[i].start_ms - p->of_ours[i]->start_ms);
    if (votes == 0) candidate = distance;
    votes = distance == candidate ? votes + 1 : votes - 1;
  }
  return votes ? candidate : 0;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Numbers differ by prefixes and signs: the last digits tell. */
static bool same_number(struct slice a, struct slice b) {
  size_t i = a.len, j = b.len, same = 0;
  if (a.len == 0 || b.len == 0 || slice_equal(a, b)) return true;
  for (;;) {
    while (i > 0 && !is_digit(a.data[i - 1]))
      i--;
    while (j > 0 && !is_digit(b.data[j - 1]))
      j--;
    if (i == 0 || j == 0) return same >= DIGITS_MIN;
    if (a.data[--i] != b.data[--j]) return false;
    same++;
  }
}

static int by_agent(const void *a, const void *b) {
  const struct cdr_call *x = a, *y = b;
  int order = strcmp(x->agent, y->agent);
  return order ? order : (x->start_ms > y->start_ms) - (x->start_ms < y->start_ms);
}

static msec_t apart(const struct cdr_call *a, const struct cdr_call *b) {
  return a->start_ms > b->start_ms ? a->start_ms - b->start_ms : b->start_ms - a->start_ms;
}

/* The nearest of theirs that may be the same call; both lists are sorted, `from` moves
 * along. */
static const struct cdr_call *find_near(const struct pairs *p, const struct cdr_call *our,
                                        size_t *from) {
  const struct cdr_call *best = NULL, *theirs = p->theirs->calls;
  while (*from < p->theirs->count) {
    int order = strcmp(theirs[*from].agent, our->agent);
    if (order > 0 || (order == 0 && theirs[*from].start_ms >= our->start_ms - APART_MS)) break;
    (*from)++;
  }
  for (size_t j = *from; j < p->theirs->count && strcmp(theirs[j].agent, our->agent) == 0 &&
                         theirs[j].start_ms <= our->start_ms + APART_MS;
       j++) {
    bool fits = !p->taken[j] && theirs[j].inbound == our->inbound &&
                same_number(theirs[j].number, our->number);
    if (fits && (!best || apart(&theirs[j], our) < apart(best, our))) best = &theirs[j];
  }
  return best;
}

static void pair_by_time(struct pairs *p) {
  size_t from = 0;
  for (size_t i = 0; i < p->ours->count; i++) {
    if (p->of_ours[i]) continue;
    const struct cdr_call *their = find_near(p, &p->ours->calls[i], &from);
    if (their) pair(p, i, their);
  }
}

/* --- what came out --- */

static struct audit_agent *agent_of(struct audit *audit, const char *id) {
  size_t count = audit->agent_count;
  if (count && strcmp(audit->agents[count - 1].agent, id) == 0) return &audit->agents[count - 1];
  audit->agents = mem_grow(audit->agents, &audit->agent_capacity, count + 1, sizeof *audit->agents);
  audit->agents[count] = (struct audit_agent){.agent = id};
  audit->agent_count++;
  return &audit->agents[count];
}

static void count(struct audit_figures *figures, const struct cdr_call *call) {
  if (!call) return;
  if (!call->inbound) figures->dials++;
  if (!call->inbound && call->answered) figures->answered++;
  if (call->inbound && call->answered) figures->inbound++;
  figures->talk_ms += call->talk_ms;
}

static bool differs(const struct cdr_call *ours, const struct cdr_call *theirs, msec_t tolerance_ms,
                    enum audit_kind *kind) {
  msec_t distance = ours && theirs ? ours->talk_ms - theirs->talk_ms : 0;
  if (!theirs)
    *kind = AUDIT_ONLY_HERE;
  else if (!ours)
    *kind = AUDIT_ONLY_IN_CDR;
  else if (ours->answered != theirs->answered)
    *kind = AUDIT_ANSWERED_DIFFERS;
  else if (distance > tolerance_ms || distance < -tolerance_ms)
    *kind = AUDIT_TALK_DIFFERS;
  else
    return false;
  /* Calls to the agent that nobody answered count for nothing on either side. */
  return (ours && (!ours->inbound || ours->answered)) ||
         (theirs && (!theirs->inbound || theirs->answered));
}

static void add_call(struct audit *audit, const struct cdr_call *ours,
                     const struct cdr_call *theirs, msec_t tolerance_ms) {
  struct audit_agent *agent = agent_of(audit, (ours ? ours : theirs)->agent);
  enum audit_kind kind;
  count(&agent->ours, ours);
  count(&agent->theirs, theirs);
  if (!differs(ours, theirs, tolerance_ms, &kind)) return;
  agent->differing++;
  audit->calls =
      mem_grow(audit->calls, &audit->call_capacity, audit->call_count + 1, sizeof *audit->calls);
  audit->calls[audit->call_count++] = (struct audit_call){kind, ours, theirs};
}

/* Both lists are sorted: merged, each call once. A pair is of our day. */
static void collect(const struct pairs *p, msec_t begin_ms, msec_t end_ms, msec_t tolerance_ms,
                    struct audit *out) {
  size_t i = 0, j = 0;
  while (i < p->ours->count || j < p->theirs->count) {
    const struct cdr_call *our = i < p->ours->count ? &p->ours->calls[i] : NULL;
    const struct cdr_call *their = j < p->theirs->count ? &p->theirs->calls[j] : NULL;
    bool take_ours = our && (!their || by_agent(our, their) <= 0);
    const struct cdr_call *next = take_ours ? our : their;
    bool of_day = next->start_ms >= begin_ms && next->start_ms < end_ms;
    if (take_ours) {
      if (of_day) add_call(out, our, p->of_ours[i], tolerance_ms);
      i++;
    } else {
      if (of_day && !p->taken[j]) add_call(out, NULL, their, tolerance_ms);
      j++;
    }
  }
}

static void sort(struct cdr_list *list) {
  if (list->count) qsort(list->calls, list->count, sizeof *list->calls, by_agent);
}

void audit_compare(day_t day, msec_t begin_ms, msec_t end_ms, msec_t tolerance_ms,
                   struct cdr_list *ours, struct cdr_list *theirs, struct audit *out) {
  struct pairs p = {.ours = ours,
                    .theirs = theirs,
                    .of_ours = mem_zalloc((ours->count + 1) * sizeof(struct cdr_call *)),
                    .taken = mem_zalloc(theirs->count + 1)};
  *out = (struct audit){.day = day};
  sort(ours);
  sort(theirs);
  pair_by_id(&p);
  if (theirs->local_times) out->moved_ms = zone_distance(&p);
  for (size_t i = 0; out->moved_ms && i < theirs->count; i++)
    theirs->calls[i].start_ms += out->moved_ms;
  pair_by_time(&p);
  collect(&p, begin_ms, end_ms, tolerance_ms, out);
  free(p.of_ours);
  free(p.taken);
}

bool audit_drifts(const struct audit_agent *agent) {
  return agent->differing > 0 || agent->ours.dials != agent->theirs.dials ||
         agent->ours.answered != agent->theirs.answered ||
         agent->ours.inbound != agent->theirs.inbound;
}

/* --- JSON --- */

static void put_side(struct writer *out, const struct cdr_call *call, const char *talk) {
  if (call) json_put_int(out, talk, call->talk_ms);
}

static void put_call(struct writer *out, const struct audit_call *call) {
  const struct cdr_call *one = call->ours ? call->ours : call->theirs;
  json_open(out, '{');
  json_put_text(out, "reason", audit_kind_name(call->kind));
  json_put_text(out, "call", one->id);
  json_put_int(out, "when_ms", one->start_ms);
  json_put_text(out, "dir", one->inbound ? "in" : "out");
  if (one->number.len) json_put_string(out, "number", one->number);
  put_side(out, call->ours, "talk_ms");
  put_side(out, call->theirs, "cdr_talk_ms");
  json_close(out, '}');
}

static void put_agent(struct writer *out, const struct audit_agent *agent) {
  const struct audit_figures *ours = &agent->ours, *theirs = &agent->theirs;
  json_put_text(out, "agent", agent->agent);
  json_put_int(out, "dials", ours->dials);
  json_put_int(out, "cdr_dials", theirs->dials);
  json_put_int(out, "dials_drift", ours->dials - theirs->dials);
  json_put_int(out, "answered", ours->answered);
  json_put_int(out, "cdr_answered", theirs->answered);
  json_put_int(out, "answered_drift", ours->answered - theirs->answered);
  json_put_int(out, "inbound", ours->inbound);
  json_put_int(out, "cdr_inbound", theirs->inbound);
  json_put_int(out, "inbound_drift", ours->inbound - theirs->inbound);
  json_put_int(out, "talk_ms", ours->talk_ms);
  json_put_int(out, "cdr_talk_ms", theirs->talk_ms);
  json_put_int(out, "talk_drift_ms", ours->talk_ms - theirs->talk_ms);
}

void audit_put_json(const struct audit *audit, struct writer *out) {
  size_t at = 0;
  json_open(out, '[');
  for (size_t i = 0; i < audit->agent_count; i++) {
    json_open(out, '{');
    put_agent(out, &audit->agents[i]);
    json_put_bool(out, "drift", audit_drifts(&audit->agents[i]));
    json_key(out, "calls");
    json_open(out, '[');
    for (size_t left = audit->agents[i].differing; left > 0; left--)
      put_call(out, &audit->calls[at++]);
    json_close(out, ']');
    json_close(out, '}');
  }
  json_close(out, ']');
}
