/* The centre's side of an audit. */
#include "callpace/base/mem.h"
#include "callpace/core/audit.h"

static void add(struct audit_calls *calls, const struct call *call) {
  struct cdr_list *list = &calls->list;
  const struct call_count *count = &call->count;
  bool counts = call->tally && (call->state == CALL_DONE || call->state == CALL_LOST);
  msec_t start_ms = counts ? call->tally->begin_ms + count->start : MSEC_NONE;
  if (!counts || start_ms < calls->from_ms || start_ms >= calls->to_ms) return;
  const char *number = table_get(&calls->numbers, call_id(call));
  list->calls = mem_grow(list->calls, &list->capacity, list->count + 1, sizeof *list->calls);
  list->calls[list->count++] =
      (struct cdr_call){.id = arena_dup(&list->arena, call_id(call)),
                        .agent = arena_dup(&list->arena, slice_of(call->tally->agent->id)),
                        .number = slice_of(number ? number : ""),
                        .start_ms = start_ms,
                        .inbound = !(count->flags & COUNT_DIALLED),
                        .answered = count->flags & COUNT_ANSWERED,
                        .talk_ms = count->talk_ms};
  /* Switches bill hold. */
  if (count->flags & COUNT_LESS_HOLDS) list->calls[list->count - 1].talk_ms += count->hold_ms;
}

static void on_call(void *context, const struct call *call) {
  add(context, call);
}

void audit_calls_begin(struct audit_calls *out, const struct fold *fold, msec_t from_ms,
                       msec_t to_ms) {
  *out = (struct audit_calls){.fold = fold, .from_ms = from_ms, .to_ms = to_ms};
  centre_on_forget(fold->centre, on_call, out);
}

void audit_calls_event(struct audit_calls *calls, const struct call_event *event) {
  struct arena *arena = &calls->list.arena;
  if (event->call.len == 0 || event->number.len == 0) return;
  if (event->ts_ms < calls->from_ms || event->ts_ms >= calls->to_ms + MSEC_PER_DAY) return;
  if (table_get(&calls->numbers, event->call)) return;
  char *call = arena_dup(arena, event->call);
  table_put(&calls->numbers, (struct slice){call, event->call.len},
            arena_dup(arena, event->number));
}

void audit_calls_finish(struct audit_calls *calls) {
  centre_each_call(calls->fold->centre, on_call, calls);
  centre_on_forget(calls->fold->centre, NULL, NULL);
}

void audit_calls_free(struct audit_calls *calls) {
  if (calls->fold) centre_on_forget(calls->fold->centre, NULL, NULL);
  table_free(&calls->numbers);
  cdr_list_free(&calls->list);
  *calls = (struct audit_calls){.fold = NULL};
}
