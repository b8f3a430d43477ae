import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildPages, cutOff, desktop, overflow, phone, startBrowser } from '../support/browser.ts';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { CuttableLine } from '../support/cuttable-line.ts';
import { requireOrSkip } from '../support/require-or-skip.ts';

const executablePath = requireOrSkip('chromium');

let carillon: RunningCarillon;
let browser: Browser;
let room = '';

/** What the browser complained about; a test that cuts the network expects that and takes it out. */
let complaints: string[] = [];

describe.skipIf(executablePath === undefined)('the chat page, in a real browser', () => {
  beforeAll(async () => {
    await buildPages();
    carillon = await startCarillon();
    browser = await startBrowser(executablePath);
  });

  afterAll(async () => {
    await browser?.close();
    await carillon?.stop();
  });

  beforeEach(() => {
    room = `room-${crypto.randomUUID().slice(0, 4)}`;
    complaints = [];
    return async () => {
      for (const context of browser.contexts()) await context.close();
      expect(complaints).toEqual([]);
    };
  });

  test('what is typed in one window is read in the other, once, and at the right where it was written', async () => {
    const [ada, ben] = [await enter(desktop), await enter(desktop)];
    const [greeting, lines] = ['Good morning 👋 早上好', 'Two lines\nand <b>no</b> markup'];
    await rename(ada, 'Ada');
    await say(ada, greeting);
    await eventually(() => texts(ben)).toEqual([greeting]);
    await say(ben, lines);
    await eventually(() => texts(ada)).toEqual([greeting, lines]);
    expect(await ada.locator('#outbox li').count()).toBe(0);
    expect(await ben.locator('#messages .message').first().locator('.name').textContent()).toBe('Ada');
    expect(await texts(ada, '.own ')).toEqual([greeting]);
    expect(await texts(ben, '.own ')).toEqual([lines]);
    expect(await ada.locator('#messages b:not(.name)').count()).toBe(0);
  });

  test('what the API publishes is shown, whatever it is', async () => {
    const pages = [await enter(desktop), await enter(desktop)];
    await publish('hello from curl');
    await publish({ name: 'deploy-bot', text: 'Release 1.4.2 is live' });
    await publish({ order: 10235, items: ['bell', 'rope'] });
    const shown = ['hello from curl', 'Release 1.4.2 is live'];
    for (const page of pages) {
      await eventually(async () => (await texts(page)).slice(0, 2)).toEqual(shown);
      await eventually(() => page.locator('#messages pre').textContent()).toContain('"order": 10235');
      expect(await page.locator('#messages .name').allTextContents()).toEqual(['API', 'deploy-bot', 'API']);
    }
  });

  test('what comes without a time shows when it came; what was there before shows none and keeps its place', async () => {
    await publish('before anybody came');
    const page = await enter(desktop);
    await eventually(() => texts(page)).toEqual(['before anybody came']);
    await publish('hello from curl');
    await publish({ order: 10235 });
    await publish({ name: 'deploy-bot', text: 'dated', at: Date.now() });
    await eventually(() => page.locator('#messages .message').count()).toBe(4);
    const items = page.locator('#messages > li').evaluateAll((all) => all.map(({ className }) => className));
    expect(await items).toEqual([
      'divider earlier',
      'message',
      'divider day',
      'message',
      'message follows json',
      'message',
    ]);
    const timed = page.locator('#messages .message:has(time)');
    expect(await timed.locator('.text').allTextContents()).toEqual([
      'hello from curl',
      '{\n  "order": 10235\n}',
      'dated',
    ]);
    expect(await page.locator('.divider.earlier').textContent()).toBe('Earlier');
    await page.screenshot({ path: 'test-results/chat-times.png' });
  });

  test('a newcomer sees the last 50 messages and who is here; who leaves is gone from the list', async () => {
    for (let at = 1; at <= 60; at++) await publish(`message ${at}`);
    const ada = await enter(desktop);
    await rename(ada, 'Ada');
    const ben = await enter(desktop);
    await eventually(() => texts(ben)).toEqual(Array.from({ length: 50 }, (_, at) => `message ${at + 11}`));
    await eventually(() => ben.locator('#people .who').allTextContents()).toContain('Ada');
    await eventually(() => ada.locator('#people-count').textContent()).toBe('2');
    expect(await ben.locator('.divider.good').count()).toBe(0);
    await ben.goto('about:blank');
    await eventually(() => ada.locator('#people-count').textContent()).toBe('1');
  });

  test('after a cut the page shows exactly what it missed, once, and says so; what was written meanwhile is sent', async () => {
    await using line = await CuttableLine.start(carillon.port);
    const [ada, ben] = [await enter(desktop), await enter(desktop, line.url)];
    await say(ada, 'before');
    await eventually(() => texts(ben)).toEqual(['before']);

    line.cut();
    await ben.locator('#dot[data-state=connecting]').waitFor();
    await say(ada, 'missed 1');
    await publish('missed 2');
    await say(ada, 'missed 3');
    await eventually(() => texts(ada)).toEqual(['before', 'missed 1', 'missed 2', 'missed 3']);
    await say(ben, 'written offline');
    expect(await ben.locator('#outbox .sending .text').allTextContents()).toEqual(['written offline']);
    await ben.screenshot({ path: 'test-results/chat-offline.png' });

    line.mend();
    const all = ['before', 'missed 1', 'missed 2', 'missed 3', 'written offline'];
    await eventually(() => texts(ben)).toEqual(all);
    await eventually(() => texts(ada)).toEqual(all);
    expect(await ben.locator('#notice').textContent()).toBe('recovered 3 missed messages');
    expect(await ben.locator('.divider.good').allTextContents()).toEqual([
      '3 messages while you were offline',
    ]);
    expect(await ben.locator('#state').textContent()).toBe('Connected · WebSocket');
    expect(await ben.locator('#outbox li').count()).toBe(0);
    await ben.screenshot({ path: 'test-results/chat-recovered.png' });
    await say(ada, 'after');
    await eventually(() => texts(ben)).toEqual([...all, 'after']);
    forgiveNetwork();
  });

  test('on the smallest phones, in both languages, what the status says after a cut fits as well', async () => {
    await using line = await CuttableLine.start(carillon.port);
    const kinds = ['en-US', 'zh-CN'].flatMap((locale) => [390, 320].map((width) => ({ locale, width })));
    const pages = await Promise.all(
      kinds.map(async ({ locale, width }) => {
        const page = await enter({ ...phone, locale, viewport: { width, height: 844 } }, line.url);
        return { page, width, name: `chat-recovered-${width}-${locale}` };
      }),
    );
    line.cut();
    for (const { page } of pages) await page.locator('#dot[data-state=connecting]').waitFor();
    for (let at = 1; at <= 3; at++) await publish(`missed ${at}`);
    line.mend();
    await Promise.all(
      pages.map(async ({ page, width, name }) => {
        await page.locator('#notice', { hasText: '3' }).waitFor();
        await page.screenshot({ path: `test-results/${name}.png` });
        expect(await page.evaluate(() => document.documentElement.scrollWidth), name).toBeLessThanOrEqual(
          width,
        );
        expect(await cutOff(page, '.status span'), name).toEqual([]);
      }),
    );
    forgiveNetwork();
  });

  test('a page that the browser says is offline comes back by itself', async () => {
    const [ada, ben] = [await enter(desktop), await enter(desktop)];
    await ben.context().setOffline(true);
    await ben.locator('#dot[data-state=connecting]').waitFor();
    await say(ada, 'while away');
    await eventually(() => texts(ada)).toEqual(['while away']);
    await ben.getByText(/^Offline · connecting in \d+ s$/).waitFor();
    expect(await texts(ben)).toEqual([]);
    await ben.context().setOffline(false);
    await eventually(() => texts(ben)).toEqual(['while away']);
    await eventually(() => ben.locator('#notice').textContent()).toBe('recovered 1 missed message');
    forgiveNetwork();
  });

  test('where messages are gone for good the page says so, before what is still there', async () => {
    await using line = await CuttableLine.start(carillon.port);
    const page = await enter(desktop, line.url);
    await publish('seen');
    await eventually(() => texts(page)).toEqual(['seen']);
    line.cut();
    await page.locator('#dot[data-state=connecting]').waitFor();
    for (let at = 1; at <= 130; at++) await publish(`missed ${at}`);
    line.mend();
    const kept = Array.from({ length: 100 }, (_, at) => `missed ${at + 31}`);
    await eventually(() => texts(page)).toEqual(['seen', ...kept]);
    const gap = page.locator('.divider.bad');
    expect(await gap.textContent()).toBe('Some messages are gone: the server no longer has them.');
    expect(await gap.evaluate((element) => element.previousElementSibling?.textContent)).toContain('seen');
    forgiveNetwork();
  });

  test('a message that the server refuses stays, says why, and can be sent again', async () => {
    const page = await openPage(desktop);
    let refuse = true;
    await page.routeWebSocket(/\/ws$/, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((frame) => {
        const { id, op, data } = JSON.parse(String(frame));
        if (refuse && op === 'publish' && data?.text === 'try me') {
          socket.send(JSON.stringify({ id, code: 103, msg: 'permission denied' }));
        } else server.send(frame);
      });
    });
    await page.goto(`${carillon.url}/chat/#${room}`);
    await page.locator('#dot[data-state=connected]').waitFor();
    await say(page, 'try me');
    await page.locator('#outbox .failed').getByText('permission denied').waitFor();
    expect(await texts(page)).toEqual([]);
    refuse = false;
    await page.getByRole('button', { name: 'Try again' }).click();
    await eventually(() => texts(page)).toEqual(['try me']);
    expect(await page.locator('#outbox li').count()).toBe(0);
  });

  test('a reader who scrolled up stays there and is told what came; a hidden page counts in its title', async () => {
    for (let at = 1; at <= 40; at++) await publish(`message ${at}`);
    const page = await enter(desktop);
    await eventually(async () => (await texts(page)).length).toBe(40);
    const scrolled = (): Promise<number> => page.locator('#stream').evaluate((stream) => stream.scrollTop);
    await eventually(scrolled).toBeGreaterThan(0);
    // A page learns of scrolling with its next frame, and on a busy machine a message can be there before it.
    await page.locator('#stream').evaluate(async (stream) => {
      const scrolling = new Promise((resolve) => stream.addEventListener('scroll', resolve, { once: true }));
      stream.scrollTo(0, 0);
      await scrolling;
    });
    await publish('new 1');
    await publish('new 2');
    await eventually(() => page.locator('#newer').textContent()).toBe('2 new messages');
    expect(await scrolled()).toBe(0);
    await page.locator('#newer').click();
    await page.locator('#newer').waitFor({ state: 'hidden' });
    expect(await scrolled()).toBeGreaterThan(0);

    await page.evaluate(() => Object.defineProperty(document, 'hidden', { value: true, configurable: true }));
    await publish('unseen');
    await eventually(() => page.title()).toBe(`(1) #${room} · Carillon`);
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { value: false });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    expect(await page.title()).toBe(`#${room} · Carillon`);
  });

  test('Enter sends, Shift and Enter makes a line, and a composition in progress is left alone', async () => {
    const page = await enter(desktop);
    await page.locator('#text').fill('one');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('two');
    await page.locator('#text').evaluate((text) => {
      text.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true }));
    });
    expect(await page.locator('#text').inputValue()).toBe('one\ntwo');
    await page.keyboard.press('Enter');
    await eventually(() => texts(page)).toEqual(['one\ntwo']);
  });

  test('rooms are apart, and going from one to the other takes the visitor along', async () => {
    const [ada, ben] = [await enter(desktop), await enter(desktop)];
    await say(ada, 'in the first');
    await eventually(() => texts(ben)).toEqual(['in the first']);
    await say(ben, `#Tea ${room}`, '#room-name');
    await eventually(() => ben.locator('#room').textContent()).toBe(`Tea-${room}`);
    await ben.locator('#empty').waitFor();
    await say(ben, 'in the second');
    await eventually(() => texts(ben)).toEqual(['in the second']);
    expect(await texts(ada)).toEqual(['in the first']);
    await ben.goBack();
    await eventually(() => texts(ben)).toEqual(['in the first']);
  });

  test('a phone, a dark screen and a Chinese reader get a page that fits', async () => {
    const small = await enter(phone);
    const dark = await enter({ ...desktop, colorScheme: 'dark', locale: 'zh-CN' });
    const light = await enter(desktop);
    await rename(light, 'Ada');
    await say(light, 'Good morning! Is the new build out?');
    await say(small, 'Yes, since nine.');
    await say(light, `A very long word: https://example.com/${'a'.repeat(200)}`);
    await publish('hello from curl');
    await publish({ name: 'deploy-bot', text: 'Release 1.4.2 is live on all nodes' });
    await say(dark, '收到了，我这边也看到了。');
    for (const page of [small, dark, light]) {
      await eventually(async () => (await texts(page)).length).toBe(6);
      await page.locator('#outbox li').waitFor({ state: 'detached' });
      expect(await overflow(page)).toBe(0);
    }
    await light.screenshot({ path: 'test-results/chat-desktop-light.png' });
    await dark.screenshot({ path: 'test-results/chat-desktop-dark.png' });
    await small.screenshot({ path: 'test-results/chat-phone.png' });
    expect(await dark.locator('#state').textContent()).toBe('已连接 · WebSocket');
    expect(await dark.evaluate(() => document.documentElement.dataset['theme'])).toBe('dark');

    await small.locator('#menu').click();
    await small.locator('#people').getByText('Ada').waitFor();
    await small.screenshot({ path: 'test-results/chat-phone-side.png' });
    await small.keyboard.press('Escape');
    await small.locator('#side').waitFor({ state: 'hidden' });

    await dark.locator('#language').click();
    await dark.locator('#theme').click();
    expect(await dark.locator('#state').textContent()).toBe('Connected · WebSocket');
    await dark.reload();
    expect(await dark.evaluate(() => document.documentElement.dataset['theme'])).toBe('light');
    expect(await dark.evaluate(() => document.documentElement.lang)).toBe('en');
  });
});

/** Looks again until it fits. Reconnecting waits for the SDK's backoff, and a busy machine for itself. */
function eventually<T>(look: () => Promise<T>) {
  return expect.poll(look, { timeout: 25_000 });
}

/** A window of its own: nothing is shared with the others. */
async function openPage(options: BrowserContextOptions): Promise<Page> {
  const context = await browser.newContext({ locale: 'en-US', ...options });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      complaints.push(`${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  return page;
}

async function enter(options: BrowserContextOptions, origin = carillon.url): Promise<Page> {
  const page = await openPage(options);
  await page.goto(`${origin}/chat/#${room}`);
  await page.locator('#dot[data-state=connected]').waitFor();
  await page.locator('#stream[aria-live=polite]').waitFor();
  return page;
}

async function say(page: Page, text: string, field = '#text'): Promise<void> {
  await page.locator(field).fill(text);
  await page.locator(field).press('Enter');
}

function rename(page: Page, name: string): Promise<void> {
  return say(page, name, '#name');
}

/** The texts of the stream in their order, without what has not reached the room. */
function texts(page: Page, whose = ''): Promise<string[]> {
  return page.locator(`#messages ${whose}.text`).allTextContents();
}

async function publish(data: unknown): Promise<void> {
  const method = 'POST';
  const headers = { 'Content-Type': 'application/json' };
  const body = JSON.stringify({ channel: `room:${room}`, data });
  expect((await fetch(`${carillon.url}/v1/publish`, { method, headers, body })).status).toBe(200);
}

/** Browsers report every connection that fails; while the network is cut that is no fault of the page. */
function forgiveNetwork(): void {
  const ofTheCut = /^WebSocket connection to .* failed|^Failed to load resource: net::ERR_\w+ \(.*\/stream\?/;
  complaints = complaints.filter((text) => !ofTheCut.test(text));
}
