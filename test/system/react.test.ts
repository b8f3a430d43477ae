/** The hooks of @carillon/react with the real react-dom in a real browser, against the real server. */
import { fileURLToPath } from 'node:url';
import { Carillon } from '@carillon/client';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { requireOrSkip } from '../support/require-or-skip.ts';
import type { PanelProps } from './react-page.tsx';

const executablePath = requireOrSkip('chromium');

let carillon: RunningCarillon;
let browser: Browser;
let script = '';
let page: Page;
/** The operations that the page asked the server for, in order. */
let sent: string[] = [];
let uncaught: string[] = [];
let channel = '';

describe.skipIf(executablePath === undefined)('the hooks, in StrictMode and a real browser', () => {
  beforeAll(async () => {
    const { outputFiles } = await build({
      entryPoints: [fileURLToPath(new URL('react-page.tsx', import.meta.url))],
      bundle: true,
      write: false,
      format: 'iife',
      jsx: 'automatic',
      conditions: ['carillon-source'],
      define: { 'process.env.NODE_ENV': '"development"' },
    });
    script = outputFiles[0]?.text ?? '';
    carillon = await startCarillon();
    browser = await chromium.launch({
      ...(executablePath !== undefined && { executablePath }),
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run'],
    });
  });

  afterAll(async () => {
    await browser?.close();
    await carillon?.stop();
  });

  beforeEach(async () => {
    channel = `room:${crypto.randomUUID()}`;
    [sent, uncaught] = [[], []];
    const context = await browser.newContext();
    page = await context.newPage();
    page.on('pageerror', ({ message }) => uncaught.push(message));
    page.on('websocket', (socket) =>
      socket.on('framesent', ({ payload }) => sent.push(JSON.parse(String(payload)).op)),
    );
    // A page that the server itself sent: Chromium lets no other connect to this machine.
    await page.goto(`${carillon.url}/healthz`);
    await page.addScriptTag({ content: script });
    return async () => {
      await context.close();
      expect(uncaught).toEqual([]);
    };
  });

  test('a component that React mounts twice subscribes once, and shows and hears each message once', async () => {
    await show({ id: 'one', channel });
    await publish('a', 'b');
    await eventually(() => texts('one')).toEqual(['a', 'b']);
    expect(await heard('one')).toEqual(['a', 'b']);
    expect(sent).toEqual(['subscribe']);
    expect(await page.locator('output').getAttribute('data-state')).toBe('connected');
  });

  test('components share a subscription, which ends with the last of them', async () => {
    await show({ id: 'one', channel }, { id: 'two', channel });
    await publish('a');
    await eventually(() => texts('two')).toEqual(['a']);
    await show({ id: 'two', channel });
    await publish('b');
    await eventually(() => texts('two')).toEqual(['a', 'b']);
    expect(sent).toEqual(['subscribe']);
    await show();
    await eventually(async () => sent).toEqual(['subscribe', 'unsubscribe']);
    await publish('c', 'd');
    await show({ id: 'three', channel, last: 2 });
    await eventually(() => texts('three')).toEqual(['c', 'd']);
    expect([await heard('one'), await heard('two'), await heard('three')]).toEqual([
      ['a'],
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  test('moving from one component to another in one commit, or to another name, keeps what stays', async () => {
    await show({ id: 'one', channel });
    await show({ id: 'two', channel });
    await publish('a');
    await eventually(() => texts('two')).toEqual(['a']);
    expect(sent).toEqual(['subscribe']);
    await show({ id: 'two', channel: `${channel}:other` });
    await eventually(() => texts('two')).toEqual([]);
    await eventually(async () => sent.toSorted()).toEqual(['subscribe', 'subscribe', 'unsubscribe']);
    await show({ id: 'two' });
    await eventually(() => state('two')).toBe('unsubscribed');
    await eventually(async () => sent.length).toBe(4);
  });

  test('begins with as many of the newest as any component asks for, and holds a bounded number', async () => {
    await publish(...numbers(1, 30));
    await show({ id: 'few', channel, last: 5, limit: 3 }, { id: 'many', channel, last: 20 });
    await eventually(() => texts('many')).toEqual(numbers(11, 30));
    expect(await texts('few')).toEqual(numbers(28, 30));
    await publish(...numbers(31, 130));
    await eventually(() => texts('many')).toEqual(numbers(31, 130));
    expect(await texts('few')).toEqual(numbers(128, 130));
    expect(sent).toEqual(['subscribe']);
  });

  test('publishes, and tells why there is no subscription', async () => {
    await show({ id: 'one', channel }, { id: 'bad', channel: '$reserved' });
    expect(await page.evaluate(() => window.page.publish('one', 'mine'))).toMatchObject({ offset: 1 });
    await eventually(() => texts('one')).toEqual(['mine']);
    await page.locator('#bad[data-error="107"][data-state=unsubscribed]').waitFor({ state: 'attached' });
  });

  test('shows who is there, begins where other components say, and asks again after a time offline', async () => {
    const crowd = (): Promise<string | null> => page.locator('u').textContent();
    await publish('a');
    const other = new Carillon(carillon.url);
    await other.channel(channel).subscribe();
    await show({ id: 'crowd', channel, last: 1 });
    await eventually(() => texts('crowd')).toEqual(['a']);
    await eventually(crowd).toBe('2');
    await offline(true);
    other.close();
    await offline(false);
    await eventually(crowd).toBe('1');
    await show();
    await eventually(crowd).toBe('0');
    expect(sent.filter((op) => op === 'subscribe')).toHaveLength(2);
  });

  test('after a time offline it shows what was missed and tells of it; what is gone is told as a gap', async () => {
    await show({ id: 'one', channel });
    await publish('a');
    await eventually(() => texts('one')).toEqual(['a']);
    await offline(true);
    await publish('b', 'c');
    await offline(false);
    await eventually(() => texts('one')).toEqual(['a', 'b', 'c']);
    expect(await page.locator('#one b').textContent()).toBe('1-3');
    expect(await page.locator('#one q').count()).toBe(0);
    await offline(true);
    await publish(...numbers(4, 113));
    await offline(false);
    await eventually(() => texts('one')).toEqual(numbers(14, 113));
    expect(await page.locator('#one q').textContent()).toMatch(/^4-/);
  });

  test('a handler that throws does not keep the others from hearing', async () => {
    await show({ id: 'one', channel, throws: true }, { id: 'two', channel });
    await publish('a', 'b');
    await eventually(() => heard('two')).toEqual(['a', 'b']);
    expect(await heard('one')).toEqual(['a', 'b']);
    expect(uncaught.splice(0)).toEqual(['thrown by one', 'thrown by one']);
  });

  test('two components never show different moments of a channel, also in transitions', async () => {
    await show({ id: 'watched', channel });
    for (let batch = 0; batch < 10; batch++) await publish(...numbers(batch * 5 + 1, batch * 5 + 5));
    await eventually(() => texts('watched')).toEqual(numbers(1, 50));
    await eventually(() => page.locator('i').allTextContents()).toEqual(['50', '50']);
    const { torn, commits } = await page.evaluate(() => ({
      torn: window.page.torn,
      commits: window.page.commits,
    }));
    expect(commits).toBeGreaterThan(2);
    expect(torn).toEqual([]);
  });

  test('markup from a server connects to nothing, and the page takes it over without a complaint', async () => {
    await publish('a');
    const panels: PanelProps[] = [{ id: 'one', channel, last: 10 }];
    const markup = await page.evaluate((given) => window.page.hydrate(given), panels);
    expect(markup).toContain('<output data-state="disconnected">');
    expect(markup).toContain('data-state="unsubscribed"');
    await eventually(() => texts('one')).toEqual(['a']);
    expect(await page.evaluate(() => window.page.complaints)).toEqual([]);
    expect(sent).toEqual(['subscribe']);
  });
});

function eventually<T>(look: () => Promise<T>) {
  return expect.poll(look, { timeout: 15_000 });
}

/** Mounts these panels and no others, and waits until all of a channel are subscribed. */
async function show(...panels: readonly PanelProps[]): Promise<void> {
  await page.evaluate((given) => window.page.show(given), panels);
  for (const { id, channel: name } of panels) {
    if (name?.startsWith('room:')) await eventually(() => state(id)).toBe('subscribed');
  }
  await eventually(() => page.locator('section').count()).toBe(panels.length);
}

function state(id: string): Promise<string | null> {
  return page.locator(`#${id}`).getAttribute('data-state');
}

function texts(id: string): Promise<string[]> {
  return page.locator(`#${id} p`).allTextContents();
}

function heard(id: string): Promise<unknown[]> {
  return page.evaluate((given) => window.page.heard[given] ?? [], id);
}

async function offline(isOffline: boolean): Promise<void> {
  await page.context().setOffline(isOffline);
  if (isOffline) await page.locator('output[data-state=connecting]').waitFor({ state: 'attached' });
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, at) => String(from + at));
}

async function publish(...all: readonly string[]): Promise<void> {
  for (const data of all) {
    const response = await fetch(`${carillon.url}/v1/publish`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ channel, data }),
    });
    expect(response.status).toBe(200);
  }
}
