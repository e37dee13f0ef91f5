/* Drives a real Chromium for test_wall.py: one JSON command a line on stdin, one JSON
 * answer a line on stdout.   node browser.cjs DIR_WITH_NODE_MODULES CHROMIUM */
'use strict';
const path = require('node:path');
const readline = require('node:readline');
const [modules, chromium] = process.argv.slice(2);
const playwright = require(path.join(modules, 'node_modules', 'playwright-core'));
const axe = require(path.join(modules, 'node_modules', 'axe-core')).source;

const PATIENCE_MS = 30000;
let browser, context, page, complaints = [];

const commands = {
  async open({ url, width = 1440, height = 900, scheme = 'light', locale = 'en-GB' }) {
    if (context) await context.close();
    complaints = [];
    context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, locale });
    page = await context.newPage();
    page.on('console', m => { if (m.type() === 'error' || m.type() === 'warning') complaints.push(m.text()); });
    page.on('pageerror', e => complaints.push(String(e)));
    page.on('dialog', d => { complaints.push('dialog: ' + d.message()); d.dismiss(); });
    await page.goto(url, { timeout: PATIENCE_MS });
  },
  /* Another tab of the same browser, in front from now on. */
  async tab({ url }) {
    page = await context.newPage();
    await page.goto(url, { timeout: PATIENCE_MS });
  },
  async close() { await page.close(); page = context.pages()[0]; },
  /* Until an element of that selector shows that text. */
  async wait({ selector, text }) {
    await page.locator(selector).filter({ hasText: text }).first().waitFor({ timeout: PATIENCE_MS });
  },
  async hidden({ selector }) {
    await page.locator(selector).waitFor({ state: 'hidden', timeout: PATIENCE_MS });
  },
  async count({ selector }) { return page.locator(selector).count(); },
  async text({ selector }) { return page.locator(selector).first().textContent(); },
  async click({ selector }) { await page.locator(selector).first().click(); },
  async type({ selector, text }) { await page.locator(selector).fill(text); },
  async evaluate({ code }) { return page.evaluate(code); },
  /* Serious violations of accessibility, by axe-core; it is put in past the page's own
   * policy, which forbids it. */
  async axe() {
    const session = await context.newCDPSession(page);
    await session.send('Page.enable');
    const { frameTree } = await session.send('Page.getFrameTree');
    const { executionContextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id });
    await session.send('Runtime.evaluate', { expression: axe, contextId: executionContextId });
    const { result } = await session.send('Runtime.evaluate', { contextId: executionContextId, awaitPromise: true, returnByValue: true,
      expression: 'axe.run(document, { resultTypes: ["violations"] }).then(r => r.violations.map(v => [v.id, v.impact, v.nodes[0].html.slice(0, 200)]))' });
    return result.value;
  },
  async complaints() { return complaints; },
  async picture({ file }) { await page.screenshot({ path: file }); }
};

(async () => {
  browser = await playwright.chromium.launch({ executablePath: chromium, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    let answer;
    try { answer = { ok: true, value: await commands[command.do](command) }; }
    catch (e) { answer = { ok: false, error: String(e) }; }
    process.stdout.write(JSON.stringify(answer) + '\n');
  }
  await browser.close();
})().catch(e => { process.stderr.write(String(e) + '\n'); process.exit(1); });
