/* What an alert says to a team lead, in English and in Chinese. */
#include "callpace/core/alert.h"

/* The words of a language that stand between the numbers. */
struct tongue {
  const char *hours, *minutes, *minutes_before_seconds, *seconds, *between;
};
static const struct tongue english = {" h", " min", " min", " s", " "};
static const struct tongue chinese = {" 小时", " 分钟", " 分", " 秒", " "};

/* As precise as people say it: "45 s", "3 min 20 s", "48 min", "2 h 30 min". */
static void put_duration(struct writer *w, msec_t length, const struct tongue *tongue) {
  int64_t seconds = (length > 0 ? length : 0) / MSEC_PER_SEC, minutes = seconds / 60;
  if (minutes == 0) {
    put_format(w, "%lld%s", (long long)seconds, tongue->seconds);
  } else if (minutes < 10 && seconds % 60 > 0) {
    put_format(w, "%lld%s%s%lld%s", (long long)minutes, tongue->minutes_before_seconds,
               tongue->between, (long long)(seconds % 60), tongue->seconds);
  } else if (minutes < 60) {
    put_format(w, "%lld%s", (long long)minutes, tongue->minutes);
  } else {
    put_format(w, "%lld%s", (long long)(minutes / 60), tongue->hours);
    if (minutes % 60 > 0)
      put_format(w, "%s%lld%s", tongue->between, (long long)(minutes % 60), tongue->minutes);
  }
}

/* 5999 is "59.99 %", 6000 is "60 %". */
static void put_rate(struct writer *w, int64_t bp) {
  put_int(w, bp / 100);
  if (bp % 100 != 0) put_format(w, ".%02d", (int)(bp % 100));
  put_text(w, " %");
}

static void put_outcome(struct writer *w, const char *name, bool in_chinese) {
  static const char *const words[][3] = {
      {"base_and_bonus", "base pay and bonus", "底薪加奖金"},
      {"base_only", "base pay, no bonus", "只有底薪，没有奖金"},
      {"bonus_less_100", "bonus, and base pay less 100 yuan", "奖金，底薪减 100 元"},
      {"by_attainment", "pay by attainment", "按完成比例计薪"},
  };
  for (size_t i = 0; name && i < sizeof words / sizeof *words; i++)
    if (strcmp(words[i][0], name) == 0) put_text(w, words[i][in_chinese ? 2 : 1]);
}

/* "%" and a letter in a pattern stands for a number of the alert … */
enum figure { COUNT, DURATION, RATE };
static const struct {
  char field;
  enum figure figure;
  const char *key;
} figures[] = {
    {'d', COUNT, "calls"},
    {'e', COUNT, "calls_expected"},
    {'g', COUNT, "calls_target"},
    {'E', DURATION, "talk_expected_ms"},
    {'G', DURATION, "talk_target_ms"},
    {'L', DURATION, "productive_left_ms"},
    {'A', DURATION, "down_ms"},
    {'O', DURATION, "open_ms"},
    {'i', COUNT, "issued"},
    {'r', COUNT, "reached"},
    {'n', COUNT, "needed"},
    {'R', RATE, "rate_bp"},
    {'H', RATE, "threshold_bp"},
    {'u', COUNT, "rung"},
    {'p', COUNT, "points"},
    {'w', COUNT, "weeks"},
    {'m', COUNT, "members"},
    {'M', COUNT, "members_target"},
    {'B', RATE, "attainment_bp"},
};

static void put_figure(struct writer *w, char field, const struct alert *alert,
                       const struct tongue *tongue) {
  for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
    if (figures[i].field != field) continue;
    int64_t value = alert_number(alert, figures[i].key);
    switch (figures[i].figure) {
    case COUNT: put_int(w, value); break;
    case DURATION: put_duration(w, value, tongue); break;
    case RATE: put_rate(w, value); break;
    }
    return;
  }
  put_char(w, field);
}

static void put_times(struct writer *w, int64_t times, bool in_chinese) {
  if (!in_chinese && (times == 1 || times == 2))
    put_text(w, times == 1 ? "once" : "twice");
  else
    put_format(w, in_chinese ? "%lld 次" : "%lld times", (long long)times);
}

static void put_lost_reason(struct writer *w, const struct alert *alert, bool in_chinese) {
  bool timed_out = alert->reason && strcmp(alert->reason, "max_call") == 0;
  if (timed_out)
    put_text(w,
             in_chinese ? "超过最长通话时间仍无任何消息" : "nothing was heard of it for max_call");
  else
    put_text(w, in_chinese ? "交换机已不再有此通话" : "the switch no longer knows it");
}

/* … or for: N name, T team in brackets, S subject, P period, D talk so far, C call,
 * W why its track was lost, k leads
 * moved, x contacts a lead needs, X outcome, Z whether the ladder is in shadow. */
static void put_field(struct writer *w, char field, const struct alert *alert,
                      const struct tongue *tongue) {
  bool in_chinese = tongue == &chinese;
  switch (field) {
  case 'N': put_slice(w, alert->name.len > 0 ? alert->name : alert->subject); break;
  case 'T':
    if (alert->team_name.len == 0) break;
    put_text(w, in_chinese ? "（" : " (");
    put_slice(w, alert->team_name);
    put_text(w, in_chinese ? "）" : ")");
    break;
  case 'S': put_slice(w, alert->subject); break;
  case 'P': put_text(w, period_of(alert_type_period(alert->type), alert->period).text); break;
  case 'D':
    put_duration(w, alert_number(alert, "talk_ms") + alert_number(alert, "talking_ms"), tongue);
    break;
  case 'C': put_slice(w, alert->call); break;
  case 'W': put_lost_reason(w, alert, in_chinese); break;
  case 'k': put_uint(w, alert->move_count); break;
  case 'x': put_times(w, alert_number(alert, "reached_contacts"), in_chinese); break;
  case 'X': put_outcome(w, alert->outcome, in_chinese); break;
  case 'Z':
    if (alert_number(alert, "shadow"))
      put_text(w, in_chinese ? "（试运行，不作处理）" : " (trial run: nothing follows)");
    break;
  default: put_figure(w, field, alert, tongue); break;
  }
}

static void put_pattern(struct writer *w, const char *pattern, const struct alert *alert,
                        const struct tongue *tongue) {
  for (const char *at = pattern; *at; at++) {
    if (*at == '%' && at[1])
      put_field(w, *++at, alert, tongue);
    else
      put_char(w, *at);
  }
}

#define PROGRESS_EN                                                                                \
  "%d calls done, %e expected by now (target %g); %D of talk, %E expected by now (target %G)."
#define PROGRESS_ZH                                                                                \
  "已完成 %d 通，按进度应为 %e 通（目标 %g 通）；通话时长 %D，按进度应为 %E（目标 %G）。"
#define RESULT_EN "%d calls (target %g), %D of talk (target %G)"
#define RESULT_ZH "完成 %d 通（目标 %g 通），通话时长 %D（目标 %G）"

/* What is said when it is raised and when it is resolved, and what to do then. */
struct wording {
  const char *en, *zh, *action;
  const char *resolved_en, *resolved_zh;
};
static const struct wording wordings[ALERT_TYPES] = {
    [ALERT_DAY_BEHIND] = {"%N%T is behind today: " PROGRESS_EN, "%N%T今天落后于进度：" PROGRESS_ZH,
                          "Talk to the agent and see what holds up the calls.",
                          "%N%T is no longer behind today: " PROGRESS_EN,
                          "%N%T今天已不再落后：" PROGRESS_ZH},
    [ALERT_DAY_UNREACHABLE] = {"%N%T can no longer reach today's target: " RESULT_EN
                               ", %L of working time left.",
                               "%N%T今天已无法达标：" RESULT_ZH "，剩余工作时间 %L。",
                               "Agree with the agent on what can still be done today.",
                               "%N%T can reach today's target again: " RESULT_EN
                               ", %L of working time left.",
                               "%N%T今天又有望达标：" RESULT_ZH "，剩余工作时间 %L。"},
    [ALERT_DAY_MET] = {"%N%T has met today's target: " RESULT_EN ".",
                       "%N%T今天已达标：" RESULT_ZH "。",
                       "Nothing to do: tell the agent well done.",
                       "%N%T: today's target is open again.", "%N%T今天的达标提醒已撤销。"},
    [ALERT_DAY_MISSED] = {"%N%T missed the day's target: " RESULT_EN ".",
                          "%N%T当天未达标：" RESULT_ZH "。",
                          "Review the day with the agent before the next shift.",
                          "%N%T: the missed target is withdrawn: " RESULT_EN ".",
                          "%N%T的未达标提醒已撤销：" RESULT_ZH "。"},
    [ALERT_SOURCE_DOWN] = {"Source %S has been down for %A; calls may go unseen.",
                           "数据源 %S 已中断 %A，期间的通话可能没有记录。",
                           "Check the switch and the connection to it.",
                           "Source %S is back after %A.", "数据源 %S 已恢复，共中断 %A。"},
    [ALERT_SOURCE_UP] = {"Source %S is back after %A.", "数据源 %S 已恢复，共中断 %A。",
                         "Check whether calls of that time are missing.",
                         "Source %S is down again.", "数据源 %S 再次中断。"},
    [ALERT_REDIS_DOWN] = {"Redis has been away for %A; calls are still counted, but the counters "
                          "that supervisors read stand still.",
                          "Redis 已断开 %A：通话照常统计，但看板数据暂停更新。",
                          "Check the Redis server and the connection to it.",
                          "Redis is back after %A.", "Redis 已恢复，共断开 %A。"},
    [ALERT_REDIS_UP] = {"Redis is back after %A; the counters are being brought up to date.",
                        "Redis 已恢复，共断开 %A，看板数据正在补齐。", "Nothing to do.",
                        "Redis is away again.", "Redis 再次断开。"},
    [ALERT_CALL_LOST_TRACK] =
        {"The end of call %C of %N%T was never seen: %W. It was closed after %O and counts as "
         "dialled, without talk.",
         "%N%T的通话 %C 一直没有收到结束信息（%W），已在 %O 后停止跟踪：计入拨打次数，"
         "不计通话时长。",
         "Check with the agent and the switch whether the call is still up.",
         "%N%T: the end of the call has been seen.", "%N%T的那通电话已收到结束信息。"},
    [ALERT_CONTACT_AT_RISK] =
        {"%N%T may miss the contact rate of %P: %r of %i leads reached; %n more leads reached %x "
         "avoid rung %u (below %H), %L of working time left.",
         "%N%T %P 的联系率可能不达标：已联系 %r / %i 条线索，再联系 %n 条（每条 %x）"
         "即可避免第 %u 级（低于 %H），剩余工作时间 %L。",
         "Agree with the agent on which leads to call first.",
         "%N%T can make the contact rate of %P again: %r of %i leads reached (target %H).",
         "%N%T %P 的联系率又有望达标：已联系 %r / %i 条线索（标准 %H）。"},
    [ALERT_CONTACT_WARNING] =
        {"%N%T: contact rate of %P %R, below %H (rung %u): %r of %i leads reached, %p points%Z.",
         "%N%T %P 的联系率为 %R，低于 %H（第 %u 级）：已联系 %r / %i 条线索，积分 %p%Z。",
         "Give the agent a verbal warning.", "%N%T: the warning for %P is withdrawn.",
         "%N%T %P 的警告已撤销。"},
    [ALERT_LEAD_HOLD] =
        {"%N%T gets no new leads for %w week(s): contact rate of %P %R, below %H (rung %u), "
         "%p points%Z.",
         "%N%T %P 的联系率为 %R，低于 %H（第 %u 级）：暂停发放线索 %w 周，积分 %p%Z。",
         "Tell the agent, and issue no leads for that time.",
         "%N%T: the hold after %P is withdrawn.", "%N%T %P 之后的暂停发放已撤销。"},
    [ALERT_LEAD_REASSIGNED] =
        {"%N%T: %k undialled lead(s) of %P go to others: contact rate %R, below %H (rung %u), "
         "%p points%Z.",
         "%N%T %P 的联系率为 %R，低于 %H（第 %u 级）：%k 条未拨打的线索转给他人，积分 %p%Z。",
         "Tell the agent and those who take the leads over.",
         "%N%T: the reassignment after %P is withdrawn.", "%N%T %P 之后的线索转移已撤销。"},
    [ALERT_LEAD_PROPOSED] =
        {"%N%T: %k undialled lead(s) of %P could go to others: contact rate %R, below %H "
         "(rung %u). It waits for approval.",
         "%N%T %P 的联系率为 %R，低于 %H（第 %u 级）：建议将 %k 条未拨打的线索转给他人，等待批准。",
         "Approve or reject it: callpace leads approve ID, or reject.",
         "%N%T: the proposal after %P is withdrawn.", "%N%T %P 之后的转移建议已撤销。"},
    [ALERT_MONTH_OUTCOME] = {"%N%T in %P: %X. " RESULT_EN
                             ", attainment %B, %m members (target %M), %p points left.",
                             "%N%T %P：%X。" RESULT_ZH
                             "，完成率 %B；发展会员 %m 人（目标 %M 人），剩余积分 %p。",
                             "Go through the month with the agent.",
                             "%N%T: the outcome of %P is withdrawn.", "%N%T %P 的月度结果已撤销。"},
    [ALERT_JOURNAL_STALLED] = {"The journal has not been writable for %A; no events are taken.",
                               "流水日志已有 %A 无法写入磁盘，暂停接收通话数据。",
                               "Check the disk: free space and errors.",
                               "The journal can be written again after %A; events are taken.",
                               "流水日志已恢复写入，共中断 %A，继续接收通话数据。"},
};

void alert_put_text_en(struct writer *w, const struct alert *alert) {
  const struct wording *wording = &wordings[alert->type];
  bool resolved = alert->state == ALERT_RESOLVED;
  put_pattern(w, resolved ? wording->resolved_en : wording->en, alert, &english);
}

void alert_put_text_zh(struct writer *w, const struct alert *alert) {
  const struct wording *wording = &wordings[alert->type];
  bool resolved = alert->state == ALERT_RESOLVED;
  put_pattern(w, resolved ? wording->resolved_zh : wording->zh, alert, &chinese);
}

static bool asks_nothing(const struct alert *alert) {
  return alert->state == ALERT_RESOLVED || alert_number(alert, "shadow");
}

const char *alert_action(const struct alert *alert) {
  return asks_nothing(alert) ? "Nothing to do." : wordings[alert->type].action;
}

static const char *const actions_zh[ALERT_TYPES] = {
    [ALERT_DAY_BEHIND] = "请与坐席沟通，了解是什么耽误了外呼。",
    [ALERT_DAY_UNREACHABLE] = "请与坐席商定今天还能完成多少。",
    [ALERT_DAY_MET] = "无需处理：请表扬坐席。",
    [ALERT_DAY_MISSED] = "请在下一班开始前与坐席一起回顾当天情况。",
    [ALERT_SOURCE_DOWN] = "请检查交换机及其连接。",
    [ALERT_SOURCE_UP] = "请核对中断期间是否有通话缺失。",
    [ALERT_REDIS_DOWN] = "请检查 Redis 服务及其连接。",
    [ALERT_REDIS_UP] = "无需处理。",
    [ALERT_CALL_LOST_TRACK] = "请向坐席和交换机核实该通话是否仍在进行。",
    [ALERT_CONTACT_AT_RISK] = "请与坐席商定先拨打哪些名单。",
    [ALERT_CONTACT_WARNING] = "请给予坐席口头警告。",
    [ALERT_LEAD_HOLD] = "请告知坐席，期间不再发放名单。",
    [ALERT_LEAD_REASSIGNED] = "请告知坐席以及接手名单的同事。",
    [ALERT_LEAD_PROPOSED] = "请批准或驳回：callpace leads approve 或 reject。",
    [ALERT_MONTH_OUTCOME] = "请与坐席一起回顾本月情况。",
    [ALERT_JOURNAL_STALLED] = "请检查磁盘：剩余空间与错误。",
};

const char *alert_action_zh(const struct alert *alert) {
  return asks_nothing(alert) ? "无需处理。" : actions_zh[alert->type];
}
