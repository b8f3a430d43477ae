/** The chat demo in a real browser behind a hostile proxy: it keeps working, and says which transport it is on. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { HostileProxy, type Hostility } from '../support/proxy.ts';
import { requireOrSkip } from '../support/require-or-skip.ts';

const executablePath = requireOrSkip('chromium');

/** What Chromium would otherwise ask the internet for. */
const quiet = ['quic', 'background-networking', 'component-update', 'sync'].map(
  (part) => `--disable-${part}`,
);

let carillon: RunningCarillon;
let browser: Browser;
const cleanUp: (() => unknown)[] = [];

describe.skipIf(executablePath === undefined)('the chat demo behind a hostile proxy', () => {
  beforeAll(async () => {
    await promisify(execFile)(process.execPath, ['scripts/build-pages.ts']);
    carillon = await startCarillon();
    browser = await chromium.launch({
      ...(executablePath !== undefined && { executablePath }),
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', ...quiet],
    });
  });

  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    for (const each of cleanUp.splice(0).reverse()) await each();
  });

  afterAll(async () => {
    await browser?.close();
    await carillon?.stop();
  });

  const networks: readonly [string, Partial<Hostility>, string][] = [
    ['nothing hostile', {}, 'WebSocket'],
    ['swallowed upgrades', { upgrades: 'swallow' }, 'Server-Sent Events'],
    [
      'upgrades answered with 502, and buffered streams',
      { upgrades: 'refuse', streams: 'buffer' },
      'long-polling',
    ],
  ];
  test.each(networks)('%s: both ways, and the page says how', async (_, hostility, transport) => {
    const proxy = await behind(hostility);
    const [ada, ben] = [await enter(proxy.url), await enter(carillon.url)];
    await eventually(() => status(ada)).toBe(`Connected · ${transport}`);
    await eventually(() => status(ben)).toBe('Connected · WebSocket');
    await say(ada, 'from behind the proxy');
    await eventually(() => texts(ben)).toEqual(['from behind the proxy']);
    await say(ben, 'and back');
    await eventually(() => texts(ada)).toEqual(['from behind the proxy', 'and back']);
  });

  test('what worked is remembered over a page load', async () => {
    const proxy = await behind({ upgrades: 'swallow' });
    const page = await enter(proxy.url);
    await eventually(() => status(page)).toBe('Connected · Server-Sent Events');
    const { upgrades } = proxy.asked;
    await page.reload();
    await eventually(() => status(page)).toBe('Connected · Server-Sent Events');
    expect(proxy.asked.upgrades).toBe(upgrades);
  });

  test('a network that turns hostile while people talk: nothing is missing on either side', {
    timeout: 60_000,
  }, async () => {
    const proxy = await behind({});
    const [ada, ben] = [await enter(proxy.url), await enter(carillon.url)];
    await eventually(() => status(ada)).toBe('Connected · WebSocket');
    const all: string[] = [];
    const turns: readonly [Partial<Hostility>, string][] = [
      [{ upgrades: 'refuse' }, 'Server-Sent Events'],
      [{ upgrades: 'refuse', streams: 'refuse' }, 'long-polling'],
      [{}, 'WebSocket'],
    ];
    for (const [hostility, transport] of turns) {
      proxy.become({
        ...hostility,
        ...(transport === 'WebSocket' && { streams: 'refuse', polls: 'refuse' }),
      });
      proxy.cut();
      await ada.locator('#dot[data-state=connecting]').waitFor();
      await say(ben, `while away from ${transport}`);
      await eventually(() => status(ada)).toBe(`Connected · ${transport}`);
      await say(ada, `over ${transport}`);
      all.push(`while away from ${transport}`, `over ${transport}`);
      await eventually(() => texts(ben)).toEqual(all);
      await eventually(() => texts(ada)).toEqual(all);
      // A connection that lives longer than this is no failure, after which the next wait would be longer.
      await ada.waitForTimeout(5_100);
    }
  });
});

async function behind(hostility: Partial<Hostility>): Promise<HostileProxy> {
  const proxy = await HostileProxy.start(carillon.port, hostility);
  cleanUp.push(() => proxy.stop());
  return proxy;
}

let rooms = 0;

/** Each pair of windows of a test meets in a room of its own; the first window of a test opens it. */
async function enter(url: string): Promise<Page> {
  if (browser.contexts().length === 0) rooms += 1;
  const context = await browser.newContext({ locale: 'en-GB' });
  const page = await context.newPage();
  await page.goto(`${url}/chat/#fallback-${rooms}`);
  await page.locator('#dot[data-state=connected]').waitFor();
  return page;
}

async function say(page: Page, text: string): Promise<void> {
  await page.locator('#text').fill(text);
  await page.locator('#text').press('Enter');
}

const status = (page: Page): Promise<string | null> => page.locator('#state').textContent();
const texts = (page: Page): Promise<string[]> => page.locator('#messages .text').allTextContents();
const eventually = <T>(read: () => Promise<T>) => expect.poll(read, { timeout: 20_000, interval: 50 });
