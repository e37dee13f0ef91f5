/* callpace top: the live board on a terminal. What is known (top_model.c), what is
 * looked at (top_view.c), how it is shown (top_page.c, top_board.c,
 * top_agent.c, top_words.c), where it comes
 * from (top_link.c) and the terminal (top_screen.c). */
#ifndef CALLPACE_TOP_H
#define CALLPACE_TOP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "callpace/base/clock.h"
#include "callpace/base/slice.h"
#include "callpace/client.h"
#include "callpace/frame.h"

/* --- what is known --- */

/* The last answers; NULL: none yet. */
struct top_model {
  json_t *board, *status, *agent, *timeline; /* agent and timeline: of the one opened */
  json_t *last_alert;                        /* agent -> its newest alert */
  json_t *open_alerts;                       /* alert id -> alert, while it is not resolved */
};
void top_model_init(struct top_model *model);
void top_model_free(struct top_model *model);
void top_model_forget_alerts(struct top_model *model);
void top_model_forget_agent(struct top_model *model);
/* Takes an answer over into its place. */
void top_model_set(json_t **place, json_t *answer);
void top_model_alert(struct top_model *model, json_t *alert); /* taken over */

/* States in the order in which somebody has to look at them. */
enum top_state {
  TOP_BEHIND,
  TOP_UNREACHABLE,
  TOP_MISSED,
  TOP_UNKNOWN,
  TOP_WARMING,
  TOP_ON_PACE,
  TOP_MET,
  TOP_EXEMPT,
  TOP_UNROSTERED,
  TOP_STATES
};
const char *top_state_name(enum top_state state);
char top_state_letter(enum top_state state);
unsigned top_state_style(enum top_state state);
enum top_state top_state_of(struct slice name);

/* One agent, or one team with the sums of its agents. Texts are the model's. */
struct top_row {
  const json_t *object;
  const char *id, *name, *team;
  enum top_state state, calls_state, talk_state;
  int64_t calls, calls_target, calls_expected, dials;
  msec_t talk_ms, talk_target_ms, talk_expected_ms;
  int64_t calls_forecast, calls_low, calls_high; /* -1: none */
  msec_t talk_forecast_ms, talk_low_ms, talk_high_ms;
  msec_t last_useful_ms; /* MSEC_NONE: none */
  const char *binds;
  int64_t pace_bp;     /* the lower of both, of expected; -1: nothing expected */
  msec_t on_call_ms;   /* length of the call that is up; -1: none */
  msec_t idle_ms;      /* since something was last counted; -1: nothing was */
  const json_t *alert; /* or NULL */
  unsigned agents;     /* of a team */
  unsigned by_state[TOP_STATES];
};

/* --- what is looked at --- */

enum top_page { TOP_AGENTS, TOP_TEAMS, TOP_AGENT };
enum top_sort {
  SORT_STATE,
  SORT_ID,
  SORT_NAME,
  SORT_TEAM,
  SORT_CALLS,
  SORT_TALK,
  SORT_PACE,
  SORT_FORECAST,
  SORT_IDLE,
  SORT_UNTIL,
  SORTS
};
const char *top_sort_name(enum top_sort sort);
bool top_sort_find(const char *name, enum top_sort *out);

enum { TOP_TEXT = 256 };
struct top_view {
  enum top_page page;
  bool help;
  enum top_sort sort;
  bool reversed;
  char team[TOP_TEXT]; /* "": all */
  int state;           /* enum top_state, -1: all */
  char search[TOP_TEXT];
  bool typing;           /* keys go into `search` */
  char chosen[TOP_TEXT]; /* the id under the mark: it stays there when the order changes */
  char opened[TOP_TEXT]; /* the agent of TOP_AGENT */
  size_t first;          /* the first row shown */
  unsigned page_rows;    /* rows that fit, as of the last picture */
};

/* The rows of a view: agents, or teams, filtered and sorted. */
struct top_rows {
  struct top_row *rows;
  size_t count, capacity;
  size_t all; /* before filtering */
};
void top_rows_make(struct top_rows *rows, const struct top_model *model,
                   const struct top_view *view);
void top_rows_free(struct top_rows *rows);
/* Place of the chosen row; 0 when it is not there. */
size_t top_rows_chosen(const struct top_rows *rows, const struct top_view *view);

/* A character, or one of these. */
enum top_key {
  KEY_IS_UP = 0x110000,
  KEY_IS_DOWN,
  KEY_IS_PAGE_UP,
  KEY_IS_PAGE_DOWN,
  KEY_IS_HOME,
  KEY_IS_END,
  KEY_IS_ENTER,
  KEY_IS_BACK,    /* Esc, left */
  KEY_IS_ERASE,   /* backspace */
  KEY_IS_NOTHING, /* the size changed, or a key without a meaning */
};
/* Moves the view; false when the user wants to leave. */
bool top_view_key(struct top_view *view, const struct top_model *model, const struct top_rows *rows,
                  int32_t key);

/* --- how it is shown --- */

struct top_news {
  msec_t age_ms;       /* of the last answer; -1: none yet */
  bool connected;      /* false: it is being tried again */
  bool stale;          /* too old to be believed */
  const char *trouble; /* why there is none, or NULL */
};
/* Draws a whole picture; moves view->first so that the chosen row shows. With
 * `everything` all rows are drawn, without the keys at the foot. */
void top_draw(struct frame *frame, const struct top_model *model, struct top_view *view,
              const struct top_rows *rows, const struct top_news *news, bool everything);
/* From row `top` on, above row `bottom`. */
void top_draw_list(struct frame *frame, struct top_view *view, const struct top_rows *rows,
                   unsigned top, unsigned bottom, bool everything);
void top_draw_agent(struct frame *frame, const struct top_model *model, const struct top_view *view,
                    unsigned top, unsigned bottom);
void top_draw_help(struct frame *frame, unsigned top);
/* Shared by both: a bar of done/target, "12m" of milliseconds, "5:03". */
void top_put_bar(struct frame *frame, unsigned style, int64_t done, int64_t target, unsigned width);
struct slice top_minutes(msec_t length_ms, char room[32]);
struct slice top_timer(msec_t length_ms, char room[32]);
struct slice top_clock(msec_t at_ms, char room[32]);
/* Of a business day other than that of the board: news of yesterday. */
bool top_alert_is_past(const struct top_model *model, const json_t *alert);
/* What an alert is about, in a few words. */
const char *top_alert_word(const json_t *alert);

/* --- where it comes from --- */

/* One control connection that never waits. */
struct top_link {
  FILE *file; /* NULL: none */
  struct writer out, in;
  size_t sent, taken, searched;
};
bool top_link_open(struct top_link *link, const struct client_options *options,
                   struct error *error);
void top_link_close(struct top_link *link);
void top_link_ask(struct top_link *link, json_t *request); /* taken over */
/* Sends and reads what can be; false when the connection is gone. */
bool top_link_pump(struct top_link *link);
/* The next line that has come; it holds until the next call of a function of the link. */
bool top_link_line(struct top_link *link, struct slice *line);

/* --- the terminal --- */

bool top_screen_open(void); /* false: this is no terminal for it */
void top_screen_close(void);
void top_screen_size(unsigned *columns, unsigned *rows);
void top_screen_draw(const struct frame *frame);
bool top_screen_key(int32_t *key); /* false: none is waiting */

#endif
