'use strict';
(() => {
  const TEXTS = {
    en: {
      wall: 'wallboard', other: '中文', calls: 'Calls', minutes: 'Talk, minutes', met: 'met', of: 'of {n}', ofPeople: 'of {n} agents',
      expected: '{n} expected by now', share: '{a} of {b}', min: 'min', callsUnit: 'calls', more: 'and {n} more', moreAllLate: 'and {n} more, for whom it is too late today', moreLate: 'and {n} more; for {k} it is too late today', metDay: 'Met the day', needs: 'Behind', oncall: 'on a call',
      help: 'Who needs help now', none: 'Nobody is behind.', waiting: 'Waiting for the first event.', noCurve: 'Nobody works today, as far as is known.', noCalls: 'No calls yet', until: 'until', late: 'too late today',
      missing: 'Missing: {c} calls, {m} min of talk', binds: { calls: 'calls bind', talk: 'talk binds' },
      teams: 'Teams', curve: 'Pace of the day: calls', actual: 'so far', plan: 'expected', leaders: 'Most calls',
      week: 'Contact rate of the week', weekNote: '{r} of {i} leads reached; {n} agents at risk', avoid: '{n} more leads reached avoid rung {r}', safe: 'Enough are reached: nothing follows.',
      range: '{a} to {b}', kept: 'The bar is where the day should stand now',
      noLeads: 'No leads this week', alerts: 'Latest alerts', noAlerts: 'No alerts', ack: 'I see to it', acked: 'acknowledged', over: 'over',
      everybody: 'Everybody', search: 'Search', team: 'Team', all: 'All', name: 'Name', state: 'State',
      pace: 'Forecast', dials: 'Dials', stale: 'No news from callpace since {t}. These figures are old.',
      stalled: 'The journal cannot be written: figures stand still since {t}.', agent: 'agent',
      today: 'My day', myPace: 'My pace: calls', myWeek: 'My week of leads', myMonth: 'My month',
      myCalls: 'My calls today', counted: 'counted', not: 'not counted', running: 'running', time: 'Time', talk: 'Talk',
      result: 'Result', callsOf: 'Calls', talkOf: 'Talk (min)', missingCalls: 'Calls to go', missingTalk: 'Talk to go (min)',
      lastUseful: 'Can still be met until', forecastCalls: 'Calls forecast', forecastTalk: 'Talk forecast (min)',
      coverage: 'Seen of the day', points: 'Points', members: 'Members', issued: 'Leads issued', reached: 'Leads reached',
      rate: 'Contact rate', threshold: 'Asked for', outcome: 'As it stands', whatCounts: 'Newest first. A call counts when it was answered and long enough by the policy.', bindsHere: 'What is tight',
      reasons: { not_answered: 'not answered', no_answer: 'no answer', busy: 'busy', failed: 'failed', cancelled: 'cancelled', too_short: 'too short', direction: 'inbound is not counted', lost_track: 'its end was not seen', open: 'running' },
      outcomes: { base_and_bonus: 'base pay and bonus', base_only: 'base pay, no bonus', bonus_less_100: 'bonus, base pay less 100', by_attainment: 'by attainment' },
      login: 'Sign in', loginNote: 'This server shows figures to those who have a token.', token: 'Token', refused: 'That token is not known here.',
      unknownAgent: 'Nothing to be seen of this agent.', source: 'source',
      states: { met: 'met', on_pace: 'on pace', warming: 'warming up', behind: 'behind', unreachable: 'out of reach', missed: 'missed', exempt: 'exempt', unknown: 'unknown', unrostered: 'not on the roster' }
    },
    zh: {
      wall: '实时看板', other: 'English', calls: '通话数', minutes: '通话时长（分钟）', met: '已达标', of: '目标 {n}', ofPeople: '共 {n} 人',
      expected: '当前应达 {n}', share: '{a} / {b}', min: '分钟', callsUnit: '通', more: '另有 {n} 人', moreAllLate: '另有 {n} 人今日已来不及', moreLate: '另有 {n} 人，其中 {k} 人今日已来不及', metDay: '今日已达标', needs: '落后', oncall: '人通话中',
      help: '现在需要帮助的人', none: '目前无人落后。', waiting: '等待第一条事件。', noCurve: '目前没有今天的工作时间。', noCalls: '尚无通话', until: '最迟', late: '今日已来不及',
      missing: '还差 {c} 通、{m} 分钟', binds: { calls: '卡在通话数', talk: '卡在时长' },
      teams: '团队', curve: '今日进度：通话数', actual: '实际', plan: '应达', leaders: '通话数排行',
      week: '本周联系率', weekNote: '已联系 {r} / {i} 条线索；{n} 人有风险', avoid: '再联系 {n} 条线索可避免第 {r} 级', safe: '联系数已足够，不会有处理。',
      range: '{a} 至 {b}', kept: '竖线为当前应达位置', noLeads: '本周没有线索',
      alerts: '最新提醒', noAlerts: '没有提醒', ack: '我来处理', acked: '已确认', over: '已解除', everybody: '全部坐席', search: '查找', team: '团队', all: '全部',
      name: '姓名', state: '状态', pace: '预计', dials: '外呼', stale: '{t} 起没有收到数据，当前数字已过时。',
      stalled: '日志无法写入：数字自 {t} 起停止更新。', agent: '坐席',
      today: '我的今天', myPace: '我的进度：通话数', myWeek: '我的本周线索', myMonth: '我的本月', myCalls: '我今天的通话',
      counted: '计入', not: '未计入', running: '进行中', time: '时间', talk: '时长', result: '结果', callsOf: '通话数', talkOf: '时长（分钟）',
      missingCalls: '还差通话', missingTalk: '还差时长（分钟）', lastUseful: '最迟可补救时间', forecastCalls: '预计通话数', forecastTalk: '预计时长（分钟）',
      coverage: '当日数据覆盖', points: '积分', members: '会员', issued: '发放线索', reached: '已联系', rate: '联系率', threshold: '标准', outcome: '目前结果',
      whatCounts: '最新在前。接通且达到制度规定时长的通话才计入。', bindsHere: '更紧的指标',
      reasons: { not_answered: '未接通', no_answer: '无人接听', busy: '占线', failed: '失败', cancelled: '已取消', too_short: '时长不足', direction: '呼入不计', lost_track: '未见结束', open: '进行中' },
      outcomes: { base_and_bonus: '底薪与奖金', base_only: '底薪，无奖金', bonus_less_100: '奖金，底薪减 100', by_attainment: '按完成率' },
      login: '登录', loginNote: '持有令牌者可查看数据。', token: '令牌', refused: '令牌无效。', unknownAgent: '看不到该坐席的数据。', source: '来源',
      states: { met: '已达标', on_pace: '正常', warming: '热身', behind: '落后', unreachable: '无法达标', missed: '未达标', exempt: '免考核', unknown: '数据不足', unrostered: '未登记' }
    }
  };
  const STATES = ['met', 'on_pace', 'warming', 'behind', 'unreachable', 'missed', 'exempt', 'unknown'];
  const LEADERS_MAX = 7, RISKY_MAX = 3, ALERTS_MAX = 4, STALE_MS = 1700, DRAW_MS = 200;
  const asked = new URLSearchParams(location.search).get('lang');
  const store = { get: k => { try { return localStorage.getItem(k); } catch { return null; } },
    set: (k, v) => { try { localStorage.setItem(k, v); } catch { /* a private window */ } } };
  let language = asked || store.get('callpace-lang') || (navigator.language || 'en').slice(0, 2);
  if (!TEXTS[language]) language = 'en';
  let t = TEXTS[language];
  const $ = (s, from = document) => from.querySelector(s);
  const make = (tag, cls, text) => {
    const e = document.createElement(tag);
    if (cls) e.className = cls;
    if (text !== undefined) e.textContent = text;
    return e;
  };
  const say = (e, text) => { text = String(text ?? ''); if (e.textContent !== text) e.textContent = text; };
  const fill = (text, values) => text.replace(/\{(\w)\}/g, (_, k) => values[k]);
  const agentId = location.pathname.startsWith('/agent/') ? decodeURIComponent(location.pathname.slice(7)) : null;

  /* ---- what is known ---- */
  const rows = new Map(), changed = new Set(); /* of the table; agents to draw there */
  const model = { agents: new Map(), teams: new Map(), alerts: [], system: null, day: null, zone: undefined };
  let clock = 0, heard = 0, dirty = true, overview = null, streamState = 'running';
  const join = (known, change) => {
    for (const [key, value] of Object.entries(change)) if (value === null) delete known[key]; else known[key] = value;
  };
  const learn = (kind, data) => {
    heard = performance.now();
    if (data.clock_ms) clock = data.clock_ms;
    if (data.state) streamState = data.state;
    if (kind === 'beat') return;
    if (kind === 'snapshot') {
      model.agents.clear(); model.teams.clear(); model.alerts = [];
      model.day = data.day; model.zone = data.timezone;
    }
    for (let a of data.agents || []) {
      if (data.fields) a = Object.fromEntries(data.fields.map((name, i) => [name, a[i]]));
      const known = model.agents.get(a.agent) || {};
      join(known, a);
      changed.add(a.agent);
      model.agents.set(a.agent, known);
    }
    for (const team of data.teams || []) model.teams.set(team.team, team);
    if (data.alerts) model.alerts = model.alerts.concat(data.alerts).slice(-200);
    if (data.system) { model.system = data.system; streamState = data.system.state; }
    dirty = true;
  };
  const whole = () => ({ day: model.day, timezone: model.zone, clock_ms: clock, system: model.system, alerts: model.alerts,
    agents: [...model.agents.values()], teams: [...model.teams.values()] });

  /* ---- one stream for all tabs of a browser ---- */
  const channel = 'BroadcastChannel' in window ? new BroadcastChannel('callpace') : null;
  let leads = false;
  const open = () => {
    leads = true;
    const source = new EventSource('/api/v1/stream');
    for (const kind of ['snapshot', 'change', 'beat'])
      source.addEventListener(kind, event => {
        const data = JSON.parse(event.data);
        learn(kind, data);
        if (channel) channel.postMessage({ kind, data });
      });
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED) return;
      source.close();
      setTimeout(begin, 1000);
    };
  };
  const begin = async () => {
    try {
      const reply = await fetch('/api/v1/teams');
      if (reply.status === 401) { show('login'); return; }
      if (!reply.ok) throw new Error(String(reply.status));
    } catch { setTimeout(begin, 1000); return; }
    show(agentId === null ? 'wall' : 'agent');
    if (!channel || !navigator.locks) { open(); return; }
    channel.onmessage = event => {
      if (event.data.kind !== 'hello') { if (!leads) learn(event.data.kind, event.data.data); }
      else if (leads && model.system) channel.postMessage({ kind: 'snapshot', data: whole() });
    };
    channel.postMessage({ kind: 'hello' });
    /* Whoever holds the lock asks the daemon; when that tab closes, the next does. */
    navigator.locks.request('callpace-stream', () => new Promise(open));
  };
  let refreshing = -1e9;
  const refresh = async () => {
    if (!heard || performance.now() - refreshing < 5000 || $('#login').hidden === false) return;
    refreshing = performance.now();
    try {
      if (agentId === null) {
        const reply = await fetch('/api/v1/overview');
        if (reply.ok) overview = await reply.json();
      } else await readAgent();
      dirty = true;
    } catch { /* told by the stream */ }
  };

  /* ---- forms ---- */
  const hm = (ms, seconds) => ms === undefined ? '–' : new Intl.DateTimeFormat(language === 'zh' ? 'zh-CN' : 'en-GB',
    { hour: '2-digit', minute: '2-digit', second: seconds ? '2-digit' : undefined, hour12: false, timeZone: model.zone }).format(ms);
  const minutes = ms => Math.floor((ms || 0) / 60000);
  const number = n => new Intl.NumberFormat(language).format(n);
  const percent = bp => bp === undefined ? '–' : (bp / 100).toFixed(1) + ' %';
  const badge = state => make('span', 'badge ' + (STATES.includes(state) ? state : 'unknown'), t.states[state] || state);
  const nameOf = a => a.name || a.agent;
  const width = (e, share) => { e.style.width = Math.max(0, Math.min(100, share * 100)).toFixed(2) + '%'; };
  const sum = (list, key) => list.reduce((n, a) => n + (a[key] || 0), 0);
  const keep = (list, count, build) => {
    while (list.children.length > count) list.lastElementChild.remove();
    while (list.children.length < count) list.append(build());
    return list.children;
  };

  /* ---- a curve ---- */
  const svg = (tag, attributes, text) => {
    const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    if (text !== undefined) e.textContent = text;
    return e;
  };
  const drawCurve = (at, curve) => {
    const W = 600, H = 300, L = 58, B = 30;
    const legend = $('.legend', at), picture = $('svg', at);
    legend.replaceChildren(make('span', 'a', t.actual), make('span', 'e', t.plan));
    const last = curve.calls_expected.length - 1;
    const top = Math.max(1, ...curve.calls_expected, ...curve.calls) * 1.08;
    const x = i => L + (W - L - 8) * i / Math.max(1, last), y = v => H - B - (H - B - 8) * v / top;
    const line = v => v.map((n, i) => (i ? 'L' : 'M') + x(i).toFixed(1) + ' ' + y(n).toFixed(1)).join('');
    const parts = [];
    for (let i = 0; i <= 3; i++) {
      const v = top * i / 3;
      parts.push(svg('line', { class: 'grid', x1: L, x2: W - 8, y1: y(v), y2: y(v) }), svg('text', { x: L - 6, y: y(v) + 4, 'text-anchor': 'end' }, number(Math.round(v))));
    }
    for (let i = 0; i <= 4; i++) {
      const k = Math.round(last * i / 4);
      parts.push(svg('text', { x: x(k), y: H - 4, 'text-anchor': i === 0 ? 'start' : i === 4 ? 'end' : 'middle' }, hm(curve.from_ms + k * curve.step_ms)));
    }
    const n = curve.calls.length - 1;
    parts.push(svg('path', { class: 'area', d: line(curve.calls) + 'L' + x(n) + ' ' + y(0) + 'L' + x(0) + ' ' + y(0) + 'Z' }),
      svg('path', { class: 'expected', d: line(curve.calls_expected) }), svg('path', { class: 'actual', d: line(curve.calls) }),
      svg('circle', { class: 'dot', cx: x(n), cy: y(curve.calls[n]), r: 6 }));
    picture.replaceChildren(...parts);
    picture.setAttribute('aria-label', `${t.actual} ${number(curve.calls[n])}, ${t.plan} ${number(curve.calls_expected[Math.min(n, last)])}`);
  };

  /* ---- the wall ---- */
  const sums = agents => {
    const judged = agents.filter(a => a.calls_target > 0);
    const card = (title, value, target, expected, unit) => ({ title, value, target, expected, unit });
    const figures = [
      card(t.calls, sum(judged, 'calls'), sum(judged, 'calls_target'), sum(judged, 'calls_expected'), number),
      card(t.minutes, sum(judged, 'talk_ms'), sum(judged, 'talk_target_ms'), sum(judged, 'talk_expected_ms'), ms => number(minutes(ms))),
      card(t.metDay, agents.filter(a => a.state === 'met').length, judged.length, null, number),
      card(t.needs, agents.filter(a => a.state === 'behind' || a.state === 'unreachable').length, judged.length, null, number)];
    const cells = keep($('#sums'), figures.length, () => {
      const e = make('div', 'card sum');
      const bar = make('div', 'bar');
      bar.append(make('i'), make('b'));
      e.append(make('h2'), make('strong'), make('small'), bar);
      return e;
    });
    figures.forEach((f, i) => {
      const [title, value, note, bar] = cells[i].children, [done, mark] = bar.children;
      say(title, f.title); say(value, f.unit(f.value));
      say(note, f.expected === null ? fill(t.ofPeople, { n: f.unit(f.target) }) : fill(t.of, { n: f.unit(f.target) }) + ' · ' + fill(t.expected, { n: f.unit(f.expected) }));
      width(done, f.target ? f.value / f.target : 0);
      done.className = i === 3 ? 'behind' : i === 2 || f.value >= f.target ? 'met' : f.value < f.expected * .8 ? 'behind' : '';
      mark.hidden = f.expected === null || !f.target;
      bar.title = mark.hidden ? '' : t.kept;
      if (!mark.hidden) mark.style.left = Math.min(99.5, 100 * f.expected / f.target) + '%';
    });
  };
  const needing = agents => agents.filter(a => a.state === 'behind' || a.state === 'unreachable')
    .sort((a, b) => (a.state === 'unreachable') - (b.state === 'unreachable') || (a.last_useful_ms || 9e15) - (b.last_useful_ms || 9e15) || (a.agent < b.agent ? -1 : 1));
  /* As many as a screen holds. */
  const helpMax = () => Math.max(5, Math.min(14, Math.floor((innerHeight / parseFloat(getComputedStyle(document.documentElement).fontSize) - 21) / 4)));
  const help = agents => {
    const list = needing(agents), shown = list.slice(0, helpMax());
    say($('#help h2'), t.help + (list.length ? ` · ${number(list.length)}` : ''));
    const empty = $('#help .empty');
    empty.hidden = list.length > 0; say(empty, agents.length ? t.none : t.waiting);
    const rows = keep($('#help ol'), shown.length, () => {
      const e = make('li');
      const who = make('a', 'who');
      e.append(make('span', 'badge'), who, make('span', 'until'), make('span', 'what'));
      return e;
    });
    const rest = list.length - shown.length, late = list.slice(shown.length).filter(a => a.state === 'unreachable').length;
    $('#help .rest').hidden = rest === 0;
    say($('#help .rest'), fill(late === rest ? t.moreAllLate : late ? t.moreLate : t.more, { n: number(rest), k: number(late) }));
    shown.forEach((a, i) => {
      const [state, who, until, what] = rows[i].children;
      rows[i].className = a.state === 'unreachable' ? 'late' : '';
      state.className = 'badge ' + a.state; say(state, t.states[a.state]);
      say(who, nameOf(a)); who.href = '/agent/' + encodeURIComponent(a.agent);
      say(until, a.state === 'unreachable' ? t.late : a.last_useful_ms ? `${t.until} ${hm(a.last_useful_ms)}` : '');
      const team = model.teams.get(a.team);
      say(what, [team && team.name || a.team, fill(t.missing, { c: Math.max(0, a.calls_target - a.calls), m: Math.max(0, minutes(a.talk_target_ms) - minutes(a.talk_ms)) }), t.binds[a.binds]].filter(Boolean).join(' · '));
    });
  };
  const teams = agents => {
    const targets = new Map();
    for (const a of agents) {
      const of = targets.get(a.team) || { calls: 0, talk: 0 };
      of.calls += a.calls_target || 0; of.talk += a.talk_target_ms || 0;
      targets.set(a.team, of);
    }
    const list = [...model.teams.values()].filter(x => x.agents > 0).sort((a, b) => (b.behind + b.unreachable) / b.agents - (a.behind + a.unreachable) / a.agents);
    say($('#teams h2'), t.teams);
    const rows = keep($('#teams ul'), list.length, () => {
      const e = make('li');
      const bar = make('div', 'states');
      for (const s of STATES) bar.append(make('i', ['warming', 'exempt', 'unknown'].includes(s) ? 'f-other' : 'f-' + s));
      bar.setAttribute('aria-hidden', 'true');
      e.append(make('span', 'name'), make('span', 'sofar'), make('span', 'sofar'), bar, make('div', 'counts'));
      return e;
    });
    list.forEach((team, i) => {
      const [name, calls, talk, bar, counts] = rows[i].children;
      const of = targets.get(team.team) || { calls: 0, talk: 0 };
      say(name, team.name || team.team);
      say(calls, fill(t.share, { a: number(team.calls || 0), b: number(of.calls) }) + ' ' + t.callsUnit);
      say(talk, fill(t.share, { a: number(minutes(team.talk_ms)), b: number(minutes(of.talk)) }) + ' ' + t.min);
      STATES.forEach((s, k) => { bar.children[k].hidden = !team[s]; bar.children[k].style.flexGrow = team[s] || 0; });
      const shown = STATES.filter(s => team[s] > 0).map(s => [s, `${team[s]} ${t.states[s]}`]), text = shown.join();
      if (counts.dataset.text !== text) { counts.dataset.text = text; counts.replaceChildren(...shown.map(([s, x]) => make('span', 'badge ' + s, x))); }
    });
  };
  const leaders = agents => {
    const list = agents.filter(a => a.calls > 0).sort((a, b) => b.calls - a.calls || b.talk_ms - a.talk_ms).slice(0, LEADERS_MAX);
    say($('#leaders h2'), t.leaders);
    say($('#leaders .note'), list.length ? '' : t.noCalls);
    const rows = keep($('#leaders ol'), list.length, () => { const e = make('li'); const bar = make('div', 'bar'); bar.append(make('i')); e.append(make('span'), make('a', 'n'), make('strong'), bar); return e; });
    list.forEach((a, i) => {
      const [place, name, calls, bar] = rows[i].children;
      width(bar.firstElementChild, a.calls / list[0].calls);
      bar.firstElementChild.className = a.calls_target && a.calls >= a.calls_target ? 'met' : '';
      say(place, i + 1); say(name, nameOf(a)); name.href = '/agent/' + encodeURIComponent(a.agent); say(calls, number(a.calls));
    });
  };
  /* Who only looks is told so by the first answer, and asked no more. */
  const acked = new Set();
  let mayAct = true;
  const acknowledge = async event => {
    const id = event.currentTarget.dataset.id;
    const reply = await fetch('/api/v1/alerts/ack', { method: 'POST', body: new URLSearchParams({ id }) });
    if (reply.ok) acked.add(id); else if (reply.status === 403) mayAct = false;
    dirty = true;
  };
  const alerts = () => {
    say($('#alerts h2'), t.alerts);
    const latest = new Map();
    for (const a of model.alerts) { const known = latest.get(a.id); if (known && known.at_ms !== a.at_ms) latest.delete(a.id); latest.set(a.id, a); if (a.acked) acked.add(a.id); else if (a.state === 'resolved') acked.delete(a.id); }
    const list = [...latest.values()].slice(-ALERTS_MAX).reverse();
    const rows = keep($('#alerts ol'), Math.max(1, list.length), () => { const e = make('li'), b = make('button'); b.type = 'button'; b.addEventListener('click', acknowledge); e.append(make('time'), make('span'), b); return e; });
    if (!list.length) { say(rows[0].children[0], ''); say(rows[0].children[1], t.noAlerts); rows[0].children[2].hidden = true; }
    list.forEach((a, i) => {
      const text = a.text && (a.text[language] || a.text.en) || [a.type, a.agent].filter(Boolean).join(' ');
      rows[i].className = a.state === 'resolved' ? 'over' : '';
      say(rows[i].children[0], hm(a.at_ms)); say(rows[i].children[1], (a.state === 'resolved' ? `(${t.over}) ` : '') + text); rows[i].children[1].title = text;
      const button = rows[i].children[2];
      button.hidden = !mayAct || a.state === 'resolved' || !a.text;
      button.disabled = acked.has(a.id); button.dataset.id = a.id; say(button, acked.has(a.id) ? t.acked : t.ack);
    });
  };
  const week = () => {
    const w = overview && overview.week;
    say($('#week h2'), t.week);
    say($('#week .big'), w && w.leads_issued ? percent(w.contact_rate_bp) : '–');
    say($('#week .note'), w && w.leads_issued ? fill(t.weekNote, { r: number(w.leads_reached), i: number(w.leads_issued), n: number(w.agents_at_risk) }) : t.noLeads);
    const risky = (w && w.at_risk || []).slice(0, RISKY_MAX);
    const cells = keep($('#week ul'), risky.length, () => { const e = make('li'); e.append(make('a'), make('span')); return e; });
    risky.forEach((a, i) => {
      const [who, what] = cells[i].children;
      say(who, nameOf(a)); who.href = '/agent/' + encodeURIComponent(a.agent);
      say(what, fill(t.avoid, { n: number(a.leads_needed), r: a.next_rung }));
    });
    for (const part of ['.legend', 'svg']) $('#curve ' + part).toggleAttribute('hidden', !(overview && overview.curve));
    say($('#curve .note'), overview && !overview.curve ? t.noCurve : '');
    say($('#curve h2'), t.curve);
    if (overview && overview.curve) drawCurve($('#curve'), overview.curve);
  };
  const COLUMNS = [
    ['name', 'l', a => nameOf(a)], ['team', 'l wide', a => { const x = model.teams.get(a.team); return x && x.name || a.team || ''; }], ['state', 'l', null],
    ['callsOf', '', a => `${a.calls || 0} / ${a.calls_target ?? '–'}`], ['talkOf', '', a => `${minutes(a.talk_ms)} / ${a.talk_target_ms === undefined ? '–' : minutes(a.talk_target_ms)}`],
    ['pace', 'wide', a => a.calls_forecast === undefined ? '' : `${a.calls_forecast} · ${minutes(a.talk_forecast_ms)}`], ['dials', 'wide', a => a.dials || 0],
    ['lastUseful', 'wide', a => a.last_useful_ms ? hm(a.last_useful_ms) : '']];
  const rank = a => ['unreachable', 'behind', 'missed', 'warming', 'on_pace', 'met', 'unknown', 'exempt'].indexOf(a.state);
  const rowOf = a => {
    if (rows.has(a.agent)) return rows.get(a.agent);
    const row = make('tr');
    for (const [, cls] of COLUMNS) row.append(make('td', cls));
    row.children[0].append(make('a'));
    row.children[2].append(make('span'));
    rows.set(a.agent, row);
    changed.add(a.agent);
    return row;
  };
  const drawRow = a => {
    const row = rowOf(a);
    COLUMNS.forEach(([key, , value], i) => {
      const cell = row.children[i], inner = cell.firstElementChild;
      if (key === 'name') { say(inner, value(a)); inner.href = '/agent/' + encodeURIComponent(a.agent); }
      else if (key === 'state') { inner.className = 'badge ' + (STATES.includes(a.state) ? a.state : 'unknown'); say(inner, t.states[a.state] || a.state); }
      else say(cell, value(a));
    });
  };
  const everybody = agents => {
    say($('#everybody h2'), `${t.everybody} · ${number(agents.length)}`);
    const [search, team] = document.querySelectorAll('#everybody .filters span');
    say(search, t.search); say(team, t.team);
    const select = $('#team'), options = ['', ...model.teams.keys()];
    if (select.options.length !== options.length)
      select.replaceChildren(...options.map(id => { const o = make('option', '', id ? model.teams.get(id).name || id : t.all); o.value = id; return o; }));
    const wanted = $('#search').value.trim().toLowerCase(), of = select.value, body = $('#everybody tbody');
    const list = agents.filter(a => (!of || a.team === of) && (!wanted || nameOf(a).toLowerCase().includes(wanted) || a.agent.includes(wanted)))
      .sort((a, b) => rank(a) - rank(b) || (a.agent < b.agent ? -1 : 1));
    list.forEach((a, i) => {
      const row = rowOf(a);
      if (changed.delete(a.agent)) drawRow(a);
      if (body.children[i] !== row) body.insertBefore(row, body.children[i] || null);
    });
    while (body.children.length > list.length) body.lastElementChild.remove();
  };

  /* ---- an agent's page ---- */
  let mine = null, timeline = null;
  const readAgent = async () => {
    const at = '/api/v1/agents/' + encodeURIComponent(agentId);
    const [one, two] = await Promise.all([fetch(at), fetch(at + '/timeline')]);
    mine = one.ok ? await one.json() : {};
    timeline = two.ok ? await two.json() : null;
  };
  const facts = (at, rows) => {
    at.replaceChildren(...rows.filter(([, v]) => v !== undefined && v !== null && v !== '').flatMap(([k, v]) => [make('dt', '', k), make('dd', '', v)]));
  };
  const myCurve = day => {
    const spans = timeline.productive;
    if (!spans.length) return null;
    const from = spans[0].from_ms, to = spans[spans.length - 1].to_ms, step = 300000, last = Math.ceil((to - from) / step);
    const total = spans.reduce((n, s) => n + s.to_ms - s.from_ms, 0);
    const now = Math.max(0, Math.min(last, Math.ceil((timeline.now_ms - from) / step)));
    const elapsed = at => spans.reduce((n, s) => n + Math.max(0, Math.min(at, s.to_ms) - s.from_ms), 0);
    const calls = new Array(now + 1).fill(0);
    for (const c of timeline.calls) if (c.counts) calls[Math.max(0, Math.min(now, Math.ceil(((c.talk_to_ms || c.at_ms) - from) / step)))]++;
    for (let i = 1; i <= now; i++) calls[i] += calls[i - 1];
    return { from_ms: from, step_ms: step, calls, calls_expected: Array.from({ length: last + 1 }, (_, i) => Math.floor((day.calls_target || 0) * elapsed(from + i * step) / total)) };
  };
  const drawAgent = () => {
    if (!mine) return;
    const d = mine.day, w = mine.week, m = mine.month, ahead = mine.week_forecast;
    const range = (low, high, form) => low === undefined ? '' : ` (${fill(t.range, { a: form(low), b: form(high) })})`;
    say($('#me h2'), t.today);
    const state = $('#me .state');
    if (!d) { state.replaceChildren(make('span', 'badge unknown', t.unknownAgent)); return; }
    say($('#title'), nameOf(d)); document.title = nameOf(d) + ' · callpace';
    state.replaceChildren(badge(d.state));
    facts($('#me dl'), [[t.callsOf, d.calls_target === undefined ? d.calls : `${d.calls} / ${d.calls_target}`], [t.talkOf, d.talk_target_ms === undefined ? minutes(d.talk_ms) : `${minutes(d.talk_ms)} / ${minutes(d.talk_target_ms)}`],
      [t.missingCalls, d.calls_target === undefined ? '' : Math.max(0, d.calls_target - d.calls)], [t.missingTalk, d.talk_target_ms === undefined ? '' : Math.max(0, Math.ceil((d.talk_target_ms - d.talk_ms) / 60000))],
      [t.forecastCalls, d.calls_forecast === undefined ? '' : number(d.calls_forecast) + range(d.calls_forecast_low, d.calls_forecast_high, number)],
      [t.forecastTalk, d.talk_forecast_ms === undefined ? '' : number(minutes(d.talk_forecast_ms)) + range(d.talk_forecast_low_ms, d.talk_forecast_high_ms, ms => number(minutes(ms)))], [t.bindsHere, t.binds[d.binds]],
      [t.lastUseful, d.last_useful_ms ? hm(d.last_useful_ms) : ''], [t.members, d.members], [t.coverage, d.coverage_bp === undefined ? '' : percent(d.coverage_bp)]]);
    const curve = timeline && myCurve(d);
    $('#my-pace').hidden = !curve;
    say($('#my-pace h2'), t.myPace);
    if (curve) drawCurve($('#my-pace'), curve);
    $('#my-week').hidden = !(w && w.leads_issued);
    say($('#my-week h2'), t.myWeek);
    if (w) facts($('#my-week dl'), [[t.issued, w.leads_issued], [t.reached, w.leads_reached], [t.rate, percent(w.contact_rate_bp)], [t.threshold, percent(w.threshold_bp)]]);
    $('#my-week .note').classList.toggle('met', Boolean(ahead && ahead.leads_needed <= 0));
    say($('#my-week .note'), ahead ? ahead.leads_needed > 0 ? fill(t.avoid, { n: number(ahead.leads_needed), r: ahead.next_rung }) : t.safe : '');
    say($('#my-month h2'), t.myMonth);
    if (m) facts($('#my-month dl'), [[t.points, m.points], [t.callsOf, m.calls_target ? `${m.calls} / ${m.calls_target}` : m.calls], [t.talkOf, m.talk_target_ms ? `${minutes(m.talk_ms)} / ${minutes(m.talk_target_ms)}` : minutes(m.talk_ms)],
      [t.members, m.members_target ? `${m.members} / ${m.members_target}` : m.members], [t.outcome, t.outcomes[m.outcome] || m.outcome]]);
    say($('#my-calls h2'), t.myCalls); say($('#my-calls .note'), t.whatCounts);
    $('#my-calls thead tr').replaceChildren(...[t.time, t.talk, t.result].map(x => { const e = make('th', '', x); e.scope = 'col'; return e; }));
    const calls = (timeline ? timeline.calls : []).slice().sort((a, b) => b.at_ms - a.at_ms).slice(0, 300);
    $('#my-calls tbody').replaceChildren(...calls.map(c => {
      const row = make('tr'), open = !c.talk_to_ms && c.talk_from_ms;
      const length = c.talk_to_ms ? Math.round((c.talk_to_ms - c.talk_from_ms) / 1000) : 0;
      row.append(make('td', '', hm(c.at_ms, true)), make('td', '', length ? `${Math.floor(length / 60)}:${String(length % 60).padStart(2, '0')}` : ''),
        make('td', c.counts ? 'met' : '', c.counts ? t.counted : open ? t.running : t.reasons[c.outcome] || t.reasons[c.reason] || t.not));
      return row;
    }));
  };

  /* ---- all of it ---- */
  const show = which => { for (const id of ['wall', 'agent', 'login']) $('#' + id).hidden = id !== which; dirty = true; };
  const words = () => {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    say($('#language'), t.other);
    if (agentId === null) say($('#title'), t.wall);
    say($('#login h2'), t.login); say($('#login .note'), location.search === '?refused' ? t.refused : t.loginNote); say($('#login label span'), t.token); say($('#login button'), t.login);
    $('#everybody thead tr').replaceChildren(...COLUMNS.map(([key, cls]) => { const e = make('th', cls, t[key]); e.scope = 'col'; return e; }));
    for (const region of document.querySelectorAll('.scroll')) region.setAttribute('aria-label', region.closest('#my-calls') ? t.myCalls : t.everybody);
    for (const id of model.agents.keys()) changed.add(id);
    const all = $('#team option'); if (all) say(all, t.all);
    dirty = true;
  };
  const head = () => {
    say($('#clock time'), clock ? hm(clock, true) : ''); say($('#day'), model.day || '');
    const list = model.system ? model.system.sources.map(s => [s.state, s.name]).concat([[model.system.redis ? 'up' : 'down', 'Redis']]) : [];
    const rows = keep($('#sources'), list.length, () => make('li'));
    list.forEach(([state, name], i) => { rows[i].className = state === 'up' ? 'up' : 'down'; say(rows[i], name); });
  };
  const draw = () => {
    head();
    if (!$('#wall').hidden) {
      const agents = [...model.agents.values()];
      sums(agents); help(agents); teams(agents); leaders(agents); alerts(); week(); everybody(agents);
    } else if (!$('#agent').hidden) drawAgent();
  };
  let lastHeard = 0;
  setInterval(() => {
    const silent = heard > 0 && performance.now() - heard > STALE_MS, stalled = streamState === 'journal.stalled';
    if (!silent) lastHeard = clock;
    const bar = $('#stale');
    bar.hidden = !silent && !stalled;
    document.body.classList.toggle('is-stale', !bar.hidden);
    if (!bar.hidden) say(bar, fill(silent ? t.stale : t.stalled, { t: hm(lastHeard, true) }));
    refresh();
    if (dirty) { dirty = false; draw(); } else head();
  }, DRAW_MS);
  $('#language').addEventListener('click', () => { language = language === 'zh' ? 'en' : 'zh'; t = TEXTS[language]; store.set('callpace-lang', language); words(); });
  for (const id of ['#search', '#team']) $(id).addEventListener('input', () => { dirty = true; });
  words();
  begin();
})();
