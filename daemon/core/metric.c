#include "callpace/core/metric.h"

/* The enums give the rows of the tables below their places. */
enum day_field {
  DAY_AGENT,
  DAY_NAME,
  DAY_TEAM,
  DAY_CLASS,
  DAY_DIALS,
  DAY_ANSWERED,
  DAY_CALLS,
  DAY_INBOUND,
  DAY_INBOUND_TALK,
  DAY_NO_ANSWER,
  DAY_BUSY,
  DAY_FAILED,
  DAY_CANCELLED,
  DAY_LOST_TRACK,
  DAY_TALK,
  DAY_RING,
  DAY_HOLD,
  DAY_LONGEST,
  DAY_MEMBERS,
  DAY_OPEN_CALLS,
  DAY_ON_CALL_SINCE,
  DAY_FIRST_DIAL,
  DAY_LAST_DIAL,
  DAY_CALLS_TARGET,
  DAY_TALK_TARGET,
  DAY_CALLS_EXPECTED,
  DAY_TALK_EXPECTED,
  DAY_CALLS_STATE,
  DAY_TALK_STATE,
  DAY_STATE,
  DAY_COVERAGE,
  DAY_UPDATED,
  DAY_LSN,
  DAY_NODE,
  DAY_FIELDS
};

const struct metric day_metrics[] = {
    [DAY_AGENT] = {"agent", UNIT_TEXT, "Agent id", "坐席工号"},
    [DAY_NAME] = {"name", UNIT_TEXT, "Agent's name", "姓名"},
    [DAY_TEAM] = {"team", UNIT_TEXT, "Team id", "团队"},
    [DAY_CLASS] = {"class", UNIT_TEXT, "new or veteran", "新人或老员工"},
    [DAY_DIALS] = {"dials", UNIT_COUNT, "Outbound attempts", "外呼次数"},
    [DAY_ANSWERED] = {"answered", UNIT_COUNT, "Outbound attempts answered", "外呼接通数"},
    [DAY_CALLS] = {"calls", UNIT_COUNT, "Calls that count towards the target", "有效通话数"},
    [DAY_INBOUND] = {"inbound", UNIT_COUNT, "Inbound calls answered", "呼入接听数"},
    [DAY_INBOUND_TALK] = {"inbound_talk_ms", UNIT_MS, "Inbound talk", "呼入通话时长"},
    [DAY_NO_ANSWER] = {"no_answer", UNIT_COUNT, "Attempts not answered", "无人接听"},
    [DAY_BUSY] = {"busy", UNIT_COUNT, "Attempts that met busy", "对方忙"},
    [DAY_FAILED] = {"failed", UNIT_COUNT, "Attempts that failed", "呼叫失败"},
    [DAY_CANCELLED] = {"cancelled", UNIT_COUNT, "Attempts given up by the agent", "主动取消"},
    [DAY_LOST_TRACK] = {"lost_track", UNIT_COUNT, "Calls whose end was never seen",
                        "失去跟踪的通话"},
    [DAY_TALK] = {"talk_ms", UNIT_MS, "Talk that counts towards the target", "有效通话时长"},
    [DAY_RING] = {"ring_ms", UNIT_MS, "Ringing of outbound attempts", "振铃时长"},
    [DAY_HOLD] = {"hold_ms", UNIT_MS, "Hold within outbound talk", "保持时长"},
    [DAY_LONGEST] = {"longest_ms", UNIT_MS, "Longest outbound talk", "最长通话"},
    [DAY_MEMBERS] = {"members", UNIT_COUNT, "Members developed", "发展会员数"},
    [DAY_OPEN_CALLS] = {"open_calls", UNIT_COUNT, "Calls now up or ringing", "进行中的通话"},
    [DAY_ON_CALL_SINCE] = {"on_call_since_ms", UNIT_TIME_MS, "On a call since", "本次通话开始时间"},
    [DAY_FIRST_DIAL] = {"first_dial_ms", UNIT_TIME_MS, "First attempt of the day", "首次外呼时间"},
    [DAY_LAST_DIAL] = {"last_dial_ms", UNIT_TIME_MS, "Latest attempt of the day", "最近外呼时间"},
    [DAY_CALLS_TARGET] = {"calls_target", UNIT_COUNT, "Calls to be made today", "今日通话目标"},
    [DAY_TALK_TARGET] = {"talk_target_ms", UNIT_MS, "Talk to be reached today", "今日时长目标"},
    [DAY_CALLS_EXPECTED] = {"calls_expected", UNIT_COUNT, "Calls expected by now",
                            "当前应达通话数"},
    [DAY_TALK_EXPECTED] = {"talk_expected_ms", UNIT_MS, "Talk expected by now", "当前应达时长"},
    [DAY_CALLS_STATE] = {"calls_state", UNIT_TEXT, "Calls against their target", "通话数状态"},
    [DAY_TALK_STATE] = {"talk_state", UNIT_TEXT, "Talk against its target", "通话时长状态"},
    [DAY_STATE] = {"state", UNIT_TEXT, "The day: the worse of both", "当日状态"},
    [DAY_COVERAGE] = {"coverage_bp", UNIT_BP, "Share of productive time that was seen",
                      "数据覆盖率"},
    [DAY_UPDATED] = {"updated_ms", UNIT_TIME_MS, "Last change of these counters", "更新时间"},
    [DAY_LSN] = {"lsn", UNIT_COUNT, "Journal record of the last change", "日志序号"},
    [DAY_NODE] = {"node", UNIT_TEXT, "Instance that wrote this", "节点"},
};
const unsigned day_metric_count = DAY_FIELDS;

static bool number(struct metric_value *out, int64_t value) {
  *out = (struct metric_value){.number = value};
  return true;
}

static bool text(struct metric_value *out, const char *value) {
  if (!value) return false;
  *out = (struct metric_value){.is_text = true, .text = slice_of(value)};
  return true;
}

static bool point_in_time(struct metric_value *out, msec_t at) {
  return at != MSEC_NONE && number(out, at);
}

/* Who it is: fields from the roster. */
static bool identity(const struct day_tally *t, unsigned metric, struct metric_value *out) {
  const struct agent *rostered = t->agent->rostered;
  switch (metric) {
  case DAY_AGENT: return text(out, t->agent->id);
  case DAY_NAME: return rostered && text(out, rostered->name);
  case DAY_TEAM: return rostered && rostered->team && text(out, rostered->team->id);
  default: return text(out, agent_class_name(t->agent_class));
  }
}

/* What is judged: fields that stand only where there is a target. */
static bool judgement(const struct day_tally *t, unsigned metric, struct metric_value *out) {
  const struct verdict *v = &t->verdict;
  bool judged = t->rostered && !t->exempt;
  switch (metric) {
  case DAY_STATE: return text(out, pace_state_name(t->rostered ? v->state : PACE_UNROSTERED));
  case DAY_COVERAGE: return t->rostered && v->state != PACE_NONE && number(out, v->coverage_bp);
  case DAY_CALLS_TARGET: return judged && number(out, t->calls_target);
  case DAY_TALK_TARGET: return judged && number(out, t->talk_target_ms);
  case DAY_CALLS_EXPECTED: return judged && number(out, v->calls_expected);
  case DAY_TALK_EXPECTED: return judged && number(out, v->talk_expected_ms);
  case DAY_CALLS_STATE: return judged && text(out, pace_state_name(v->calls_state));
  default: return judged && text(out, pace_state_name(v->talk_state));
  }
}

bool day_metric_value(const struct day_tally *t, const char *node, unsigned metric,
                      struct metric_value *out) {
  switch ((enum day_field)metric) {
  case DAY_DIALS: return number(out, t->dials);
  case DAY_ANSWERED: return number(out, t->answered);
  case DAY_CALLS: return number(out, t->calls);
  case DAY_INBOUND: return number(out, t->inbound);
  case DAY_INBOUND_TALK: return number(out, t->inbound_talk.total_ms);
  case DAY_NO_ANSWER: return number(out, t->no_answer);
  case DAY_BUSY: return number(out, t->busy);
  case DAY_FAILED: return number(out, t->failed);
  case DAY_CANCELLED: return number(out, t->cancelled);
  case DAY_LOST_TRACK: return number(out, t->lost_track);
  case DAY_TALK: return number(out, t->talk.total_ms);
  case DAY_RING: return number(out, t->ring_ms);
  case DAY_HOLD: return number(out, t->hold_ms);
  case DAY_LONGEST: return number(out, t->longest_ms);
  case DAY_MEMBERS: return number(out, t->members);
  case DAY_OPEN_CALLS: return number(out, t->open_calls);
  case DAY_ON_CALL_SINCE: return point_in_time(out, t->on_call_since_ms);
  case DAY_FIRST_DIAL: return point_in_time(out, t->first_dial_ms);
  case DAY_LAST_DIAL: return point_in_time(out, t->last_dial_ms);
  case DAY_UPDATED: return number(out, t->updated_ms);
  case DAY_LSN: return number(out, (int64_t)t->lsn);
  case DAY_NODE: return text(out, node);
  case DAY_AGENT:
  case DAY_NAME:
  case DAY_TEAM:
  case DAY_CLASS: return identity(t, metric, out);
  default: return judgement(t, metric, out);
  }
}

enum forecast_field {
  FORECAST_AT_END_CALLS,
  FORECAST_LEAST_CALLS,
  FORECAST_MOST_CALLS,
  FORECAST_AT_END_TALK,
  FORECAST_LEAST_TALK,
  FORECAST_MOST_TALK,
  FORECAST_LEFT,
  FORECAST_LAST_USEFUL,
  FORECAST_BINDS,
  FORECAST_FIELDS
};

const struct metric forecast_metrics[] = {
    [FORECAST_AT_END_CALLS] = {"calls_forecast", UNIT_COUNT, "Calls by the day's end at this pace",
                               "预计全天通话数"},
    [FORECAST_LEAST_CALLS] = {"calls_forecast_low", UNIT_COUNT, "… at least, most likely",
                              "预计通话数下限"},
    [FORECAST_MOST_CALLS] = {"calls_forecast_high", UNIT_COUNT, "… at most, most likely",
                             "预计通话数上限"},
    [FORECAST_AT_END_TALK] = {"talk_forecast_ms", UNIT_MS, "Talk by the day's end at this pace",
                              "预计全天通话时长"},
    [FORECAST_LEAST_TALK] = {"talk_forecast_low_ms", UNIT_MS, "… at least, most likely",
                             "预计时长下限"},
    [FORECAST_MOST_TALK] = {"talk_forecast_high_ms", UNIT_MS, "… at most, most likely",
                            "预计时长上限"},
    [FORECAST_LEFT] = {"productive_left_ms", UNIT_MS, "Productive time that is left today",
                       "今日剩余工作时间"},
    [FORECAST_LAST_USEFUL] = {"last_useful_ms", UNIT_TIME_MS,
                              "Until then the target can still be met", "最晚补救时间"},
    [FORECAST_BINDS] = {"binds", UNIT_TEXT, "Which of calls and talk has less time to spare",
                        "更紧的指标"},
};
const unsigned forecast_metric_count = FORECAST_FIELDS;

bool forecast_metric_value(const struct forecast *f, unsigned metric, struct metric_value *out) {
  switch ((enum forecast_field)metric) {
  case FORECAST_AT_END_CALLS: return number(out, f->calls);
  case FORECAST_LEAST_CALLS: return number(out, f->calls_low);
  case FORECAST_MOST_CALLS: return number(out, f->calls_high);
  case FORECAST_AT_END_TALK: return number(out, f->talk_ms);
  case FORECAST_LEAST_TALK: return number(out, f->talk_low_ms);
  case FORECAST_MOST_TALK: return number(out, f->talk_high_ms);
  case FORECAST_LEFT: return number(out, f->productive_left_ms);
  case FORECAST_LAST_USEFUL: return point_in_time(out, f->last_useful_ms);
  default: return text(out, forecast_quota_name(f->binds));
  }
}

enum week_forecast_field {
  WEEK_AHEAD_NEEDED,
  WEEK_AHEAD_LEFT,
  WEEK_AHEAD_REACHED,
  WEEK_AHEAD_RATE,
  WEEK_AHEAD_RUNG,
  WEEK_AHEAD_ACTION,
  WEEK_AHEAD_POINTS,
  WEEK_AHEAD_REQUIRES,
  WEEK_AHEAD_TIME,
  WEEK_AHEAD_FIELDS
};

const struct metric week_forecast_metrics[] = {
    [WEEK_AHEAD_NEEDED] = {"leads_needed", UNIT_COUNT,
                           "Leads still to be reached so that nothing follows", "还需联系的线索"},
    [WEEK_AHEAD_LEFT] = {"leads_left", UNIT_COUNT, "Leads issued and not reached yet",
                         "尚未联系到的线索"},
    [WEEK_AHEAD_REACHED] = {"leads_forecast", UNIT_COUNT,
                            "Leads reached by the week's end at this pace", "预计本周联系线索"},
    [WEEK_AHEAD_RATE] = {"contact_rate_forecast_bp", UNIT_BP, "Contact rate at that end",
                         "预计本周联系率"},
    [WEEK_AHEAD_RUNG] = {"next_rung", UNIT_COUNT, "Rung of the ladder that a short week is",
                         "不达标时的级别"},
    [WEEK_AHEAD_ACTION] = {"next_action", UNIT_TEXT, "What follows from it", "不达标时的处理"},
    [WEEK_AHEAD_POINTS] = {"next_points", UNIT_COUNT, "Points that it costs", "不达标时的扣分"},
    [WEEK_AHEAD_REQUIRES] = {"next_requires_base_unmet", UNIT_FLAG,
                             "1: only when days of the week were missed as well",
                             "1：仅在基本工作量也未达标时"},
    [WEEK_AHEAD_TIME] = {"week_productive_left_ms", UNIT_MS,
                         "Productive time that is left of the week", "本周剩余工作时间"},
};
const unsigned week_forecast_metric_count = WEEK_AHEAD_FIELDS;

bool week_forecast_metric_value(const struct week_forecast *f, unsigned metric,
                                struct metric_value *out) {
  switch ((enum week_forecast_field)metric) {
  case WEEK_AHEAD_NEEDED: return number(out, f->needed);
  case WEEK_AHEAD_LEFT: return number(out, f->left);
  case WEEK_AHEAD_REACHED: return f->reached >= 0 && number(out, f->reached);
  case WEEK_AHEAD_RATE: return f->rate_bp >= 0 && number(out, f->rate_bp);
  case WEEK_AHEAD_RUNG: return number(out, f->rung);
  case WEEK_AHEAD_ACTION: return text(out, ladder_action_name(f->action));
  case WEEK_AHEAD_POINTS: return number(out, f->points);
  case WEEK_AHEAD_REQUIRES: return f->only_if_base_unmet && number(out, 1);
  default: return number(out, f->productive_left_ms);
  }
}

enum month_field {
  MONTH_CALLS,
  MONTH_TALK,
  MONTH_MEMBERS,
  MONTH_CALLS_TARGET,
  MONTH_TALK_TARGET,
  MONTH_MEMBERS_TARGET,
  MONTH_BASIC,
  MONTH_INCENTIVE,
  MONTH_MUST_MEET,
  MONTH_OUTCOME,
  MONTH_ATTAINMENT,
  MONTH_POINTS,
  MONTH_OFFENCES,
  MONTH_LSN,
  MONTH_FIELDS
};

const struct metric month_metrics[] = {
    [MONTH_CALLS] = {"calls", UNIT_COUNT, "Calls this month", "本月有效通话数"},
    [MONTH_TALK] = {"talk_ms", UNIT_MS, "Talk this month", "本月有效通话时长"},
    [MONTH_MEMBERS] = {"members", UNIT_COUNT, "Members developed this month", "本月发展会员数"},
    [MONTH_CALLS_TARGET] = {"calls_target", UNIT_COUNT, "Calls of the month's target",
                            "本月通话目标"},
    [MONTH_TALK_TARGET] = {"talk_target_ms", UNIT_MS, "Talk of the month's target", "本月时长目标"},
    [MONTH_MEMBERS_TARGET] = {"members_target", UNIT_COUNT, "Members of the month's target",
                              "本月会员目标"},
    [MONTH_BASIC] = {"basic", UNIT_TEXT, "Basic quantity: met, alternative or unmet", "基本工作量"},
    [MONTH_INCENTIVE] = {"incentive", UNIT_TEXT, "Members against their target", "会员激励"},
    [MONTH_MUST_MEET] = {"must_meet", UNIT_FLAG, "1 in the first month: no alternative applies",
                         "首月必须达标"},
    [MONTH_OUTCOME] = {"outcome", UNIT_TEXT, "What pay follows from, as it stands", "月度结果"},
    [MONTH_ATTAINMENT] = {"attainment_bp", UNIT_BP,
                          "The lower of calls and talk against their targets", "基本工作量完成率"},
    [MONTH_POINTS] = {"points", UNIT_COUNT, "Points that are left of the month's", "本月积分"},
    [MONTH_OFFENCES] = {"offences", UNIT_COUNT, "Weeks below the contact ladder's rung",
                        "本月违规次数"},
    [MONTH_LSN] = {"lsn", UNIT_COUNT, "Journal record of the last change", "日志序号"},
};
const unsigned month_metric_count = MONTH_FIELDS;

bool month_metric_value(const struct month_state *m, unsigned metric, struct metric_value *out) {
  const struct month_verdict *v = &m->verdict;
  switch ((enum month_field)metric) {
  case MONTH_CALLS: return number(out, m->tally->calls);
  case MONTH_TALK: return number(out, m->tally->talk_ms);
  case MONTH_MEMBERS: return number(out, m->tally->members);
  case MONTH_CALLS_TARGET: return v->judged && number(out, v->calls_target);
  case MONTH_TALK_TARGET: return v->judged && number(out, v->talk_target_ms);
  case MONTH_MEMBERS_TARGET: return v->judged && number(out, v->members_target);
  case MONTH_BASIC: return text(out, month_basic_name(v->basic));
  case MONTH_INCENTIVE: return text(out, month_incentive_name(v->incentive));
  case MONTH_MUST_MEET: return v->must_meet && number(out, 1);
  case MONTH_OUTCOME: return text(out, month_outcome_name(v->outcome));
  case MONTH_ATTAINMENT: return v->judged && number(out, v->attainment_bp);
  case MONTH_POINTS: return m->has_points && number(out, m->points);
  case MONTH_OFFENCES: return m->has_points && number(out, m->offences);
  default: return number(out, (int64_t)m->tally->lsn);
  }
}

enum week_field {
  WEEK_LEADS_ISSUED,
  WEEK_LEADS_RECEIVED,
  WEEK_LEADS_DIALLED,
  WEEK_LEADS_CONTACTED,
  WEEK_LEADS_REACHED,
  WEEK_CONTACT_RATE,
  WEEK_THRESHOLD,
  WEEK_RUNG,
  WEEK_STATE,
  WEEK_LSN,
  WEEK_FIELDS
};

const struct metric week_metrics[] = {
    [WEEK_LEADS_ISSUED] = {"leads_issued", UNIT_COUNT, "Leads issued for the week", "本周发放线索"},
    [WEEK_LEADS_RECEIVED] = {"leads_received", UNIT_COUNT,
                             "Leads taken over from others, outside the rate", "转入线索"},
    [WEEK_LEADS_DIALLED] = {"leads_dialled", UNIT_COUNT, "Of those issued, dialled at least once",
                            "已拨打线索"},
    [WEEK_LEADS_CONTACTED] = {"leads_contacted", UNIT_COUNT,
                              "Of those issued, contacted at least once", "已接通线索"},
    [WEEK_LEADS_REACHED] = {"leads_reached", UNIT_COUNT, "Of those issued, contacted often enough",
                            "已联系线索"},
    [WEEK_CONTACT_RATE] = {"contact_rate_bp", UNIT_BP, "Reached of those issued", "联系率"},
    [WEEK_THRESHOLD] = {"threshold_bp", UNIT_BP, "Contact rate that is asked for", "联系率标准"},
    [WEEK_RUNG] = {"rung", UNIT_COUNT, "Rung of the ladder, on an offence", "违规级别"},
    [WEEK_STATE] = {"state", UNIT_TEXT, "The week against the contact rate", "本周状态"},
    [WEEK_LSN] = {"lsn", UNIT_COUNT, "Journal record of the last change", "日志序号"},
};
const unsigned week_metric_count = WEEK_FIELDS;

bool week_metric_value(const struct lead_week *w, unsigned metric, struct metric_value *out) {
  const struct lead_counts *counts = &w->book.counts;
  const struct week_verdict *v = &w->verdict;
  bool judged = w->agent->rostered != NULL;
  switch ((enum week_field)metric) {
  case WEEK_LEADS_ISSUED: return number(out, counts->issued);
  case WEEK_LEADS_RECEIVED: return number(out, counts->received);
  case WEEK_LEADS_DIALLED: return number(out, counts->dialled);
  case WEEK_LEADS_CONTACTED: return number(out, counts->contacted);
  case WEEK_LEADS_REACHED: return number(out, counts->reached);
  case WEEK_CONTACT_RATE:
    return counts->issued > 0 && number(out, ladder_rate_bp(counts->reached, counts->issued));
  case WEEK_THRESHOLD: return judged && v->rung > 0 && number(out, v->threshold_bp);
  case WEEK_RUNG: return judged && v->offence && number(out, v->rung);
  case WEEK_STATE: return judged && text(out, week_state_name(v->state));
  default: return number(out, (int64_t)w->lsn);
  }
}

enum team_field {
  TEAM_AGENTS,
  TEAM_DIALS,
  TEAM_ANSWERED,
  TEAM_CALLS,
  TEAM_TALK,
  TEAM_MEMBERS,
  TEAM_MET,
  TEAM_ON_PACE,
  TEAM_WARMING,
  TEAM_BEHIND,
  TEAM_UNREACHABLE,
  TEAM_MISSED,
  TEAM_EXEMPT,
  TEAM_UNKNOWN,
  TEAM_FIELDS
};

const struct metric team_metrics[] = {
    [TEAM_AGENTS] = {"agents", UNIT_COUNT, "Agents of the team", "人数"},
    [TEAM_DIALS] = {"dials", UNIT_COUNT, "Outbound attempts", "外呼次数"},
    [TEAM_ANSWERED] = {"answered", UNIT_COUNT, "Outbound attempts answered", "外呼接通数"},
    [TEAM_CALLS] = {"calls", UNIT_COUNT, "Calls that count towards the targets", "有效通话数"},
    [TEAM_TALK] = {"talk_ms", UNIT_MS, "Talk that counts towards the targets", "有效通话时长"},
    [TEAM_MEMBERS] = {"members", UNIT_COUNT, "Members developed", "发展会员数"},
    [TEAM_MET] = {"met", UNIT_COUNT, "Agents who met the day", "已达标人数"},
    [TEAM_ON_PACE] = {"on_pace", UNIT_COUNT, "Agents on pace", "进度正常人数"},
    [TEAM_WARMING] = {"warming", UNIT_COUNT, "Agents in their first hour", "热身中人数"},
    [TEAM_BEHIND] = {"behind", UNIT_COUNT, "Agents behind", "落后人数"},
    [TEAM_UNREACHABLE] = {"unreachable", UNIT_COUNT, "Agents who cannot make it any more",
                          "已无法达标人数"},
    [TEAM_MISSED] = {"missed", UNIT_COUNT, "Agents who missed the day", "未达标人数"},
    [TEAM_EXEMPT] = {"exempt", UNIT_COUNT, "Agents not judged today", "免考核人数"},
    [TEAM_UNKNOWN] = {"unknown", UNIT_COUNT, "Agents of whom too little was seen", "数据不足人数"},
};
const unsigned team_metric_count = TEAM_FIELDS;

bool team_metric_value(const struct team_day *t, unsigned metric, struct metric_value *out) {
  switch ((enum team_field)metric) {
  case TEAM_AGENTS: return number(out, t->agents);
  case TEAM_DIALS: return number(out, t->dials);
  case TEAM_ANSWERED: return number(out, t->answered);
  case TEAM_CALLS: return number(out, t->calls);
  case TEAM_TALK: return number(out, t->talk_ms);
  case TEAM_MEMBERS: return number(out, t->members);
  case TEAM_MET: return number(out, t->states[PACE_MET]);
  case TEAM_ON_PACE: return number(out, t->states[PACE_ON_PACE]);
  case TEAM_WARMING: return number(out, t->states[PACE_WARMING]);
  case TEAM_BEHIND: return number(out, t->states[PACE_BEHIND]);
  case TEAM_UNREACHABLE: return number(out, t->states[PACE_UNREACHABLE]);
  case TEAM_MISSED: return number(out, t->states[PACE_MISSED]);
  case TEAM_EXEMPT: return number(out, t->states[PACE_EXEMPT]);
  default: return number(out, t->states[PACE_UNKNOWN]);
  }
}
