import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildPages, desktop, overflow, phone, startBrowser } from '../support/browser.ts';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { requireOrSkip } from '../support/require-or-skip.ts';

const executablePath = requireOrSkip('chromium');

/** A name of this machine that the page cannot take for one. */
const networkName = 'carillon.test';

let carillon: RunningCarillon;
let browser: Browser;
let complaints: string[] = [];

describe.skipIf(executablePath === undefined)('the home page, in a real browser', () => {
  beforeAll(async () => {
    await buildPages();
    carillon = await startCarillon({ env: { CARILLON_HOSTS: networkName } });
    browser = await startBrowser(executablePath, [`--host-resolver-rules=MAP ${networkName} 127.0.0.1`]);
  });

  afterAll(async () => {
    await browser?.close();
    await carillon?.stop();
  });

  beforeEach(() => {
    complaints = [];
    return async () => {
      for (const context of browser.contexts()) await context.close();
      expect(complaints).toEqual([]);
    };
  });

  test('it shows a line that publishes, what the server answers, and the message arriving', async () => {
    const small = await open(carillon.url, phone);
    const dark = await open(carillon.url, { ...desktop, colorScheme: 'dark', locale: 'zh-CN' });
    const page = await open(carillon.url, desktop);
    const line = await page.locator('#publish').textContent();
    const [, url = '', type = '', body = ''] =
      /^curl -X POST (\S+) -H '(.*)' -d '(.*)'$/.exec(line ?? '') ?? [];
    expect([url, type]).toEqual([`${carillon.url}/v1/publish`, 'Content-Type: application/json']);
    const promised = await page.locator('#answer').textContent();
    const answer = await post(url, body);
    expect(`# ${answer.replace(/("offset":)\d+(,"epoch":)"[^"]+"/, '$11$2"…"')}`).toBe(promised);
    for (const each of [small, dark, page]) {
      await each.getByText('hello from curl', { exact: true }).waitFor();
      expect(await each.locator('#arrivals time').count()).toBe(1);
    }
    await page.locator('#publish-here').click();
    await page.locator('#arrivals').getByText('hello from this page').waitFor();
    for (const each of [small, dark, page]) expect(await overflow(each)).toBe(0);
    await page.screenshot({ path: 'test-results/home-desktop-light.png', fullPage: true });
    await dark.screenshot({ path: 'test-results/home-desktop-dark.png', fullPage: true });
    await small.screenshot({ path: 'test-results/home-phone.png', fullPage: true });
    await page.getByRole('link', { name: 'Open in the chat' }).click();
    await expect
      .poll(() => page.locator('#messages .text').allTextContents(), { timeout: 25_000 })
      .toContain('hello from curl');
  });

  test.each([
    ['en-US', /^Development mode: on this machine/, /^Development mode, open to the network/],
    ['zh-CN', /^开发模式：在本机上/, /^开发模式，对网络开放/],
  ])(
    'it says for whom it is open, by the name that it was reached by (%s)',
    async (locale, here, network) => {
      const small = { ...phone, locale, viewport: { width: 320, height: 700 } };
      const ours = await open(carillon.url, small);
      expect(await ours.locator('footer p').textContent()).toMatch(here);
      expect(await overflow(ours)).toBe(0);
      const theirs = await open(`http://${networkName}:${carillon.port}`, small);
      expect(await theirs.locator('footer p').textContent()).toMatch(network);
      expect(await overflow(theirs)).toBe(0);
      await theirs.screenshot({ path: `test-results/home-network-${locale}.png`, fullPage: true });
    },
  );
});

/** A window of its own at the home page, connected. */
async function open(origin: string, options: BrowserContextOptions): Promise<Page> {
  const context = await browser.newContext({ locale: 'en-US', ...options });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(`${origin}/`);
  await page.locator('#dot[data-state=connected]').waitFor();
  return page;
}

/** Resolves with the text of the answer. */
async function post(url: string, body: string): Promise<string> {
  const headers = { 'Content-Type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body });
  expect(response.status).toBe(200);
  return response.text();
}
