import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { encode } from 'uqr';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { requireOrSkip } from '../support/require-or-skip.ts';

const executablePath = requireOrSkip('chromium');
const desktop = { viewport: { width: 1180, height: 860 } };
const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

/** What Chromium would otherwise ask the internet for. */
const quiet = ['quic', 'background-networking', 'component-update', 'sync'].map(
  (part) => `--disable-${part}`,
);

let carillon: RunningCarillon;
let browser: Browser;

/** What the browser complained about; a test that cuts the network expects that and takes it out. */
let complaints: string[] = [];

describe.skipIf(executablePath === undefined)('the login by QR code, in a real browser', () => {
  beforeAll(async () => {
    mkdirSync('test-results', { recursive: true });
    await promisify(execFile)(process.execPath, ['scripts/build-pages.ts']);
    carillon = await startCarillon();
    browser = await chromium.launch({
      ...(executablePath !== undefined && { executablePath }),
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', ...quiet],
    });
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

  test.each([
    ['websocket', 'WebSocket'],
    ['sse', 'SSE'],
    ['longpoll', 'long-polling'],
  ])('scanned and confirmed, the page is signed in at once, over %s', async (transport, label) => {
    const page = await openLogin(`?transport=${transport}`);
    await page.getByText(`Connected · ${label}`).waitFor();
    const scanner = await openPhone(page, 'Ada Byron');
    await stage(page, 'scanned');
    expect(await page.locator('#stage').textContent()).toMatch(/^Scanned by \S\*+/);
    expect(await scanner.locator('#browser').textContent()).toBe('Chrome · Linux');
    expect(await scanner.locator('#address').textContent()).toBe('127.0.0.1');
    await scanner.locator('#confirm').click();
    await stage(page, 'done');
    expect(await page.locator('#stage').textContent()).toBe('Signed in as Ada Byron');
    await scanner.getByText('The page on the computer signs in as Ada Byron.').waitFor();
    const steps = await page.locator('#steps').textContent();
    expect(steps).toContain('{"data":{"name":"Ada Byron"}}');
    const events = await page.locator('#steps li', { hasText: 'rendezvous:' }).allTextContents();
    expect(events.join()).toContain('confirmed');
    expect(events.slice(1).join()).not.toContain('Ada Byron');
  });

  test('the picture is the QR code of the address that the phone opens', async () => {
    const page = await openLogin();
    const address = await phoneAddress(page);
    expect(address).toMatch(new RegExp(`^${carillon.url}/phone/#[\\w-]{16}$`));
    const { data, size } = encode(address, { ecc: 'M', border: 4 });
    const drawn = await page.locator('#code svg').evaluate((svg, side) => {
      const path = svg.querySelector('path') as SVGPathElement;
      const dark = (x: number, y: number) => path.isPointInFill({ x: x + 0.5, y: y + 0.5 } as DOMPointInit);
      return Array.from({ length: side }, (_, y) => Array.from({ length: side }, (__, x) => dark(x, y)));
    }, size);
    expect(drawn).toEqual(data);
  });

  test('a second phone is told that it came second, and the first still confirms', async () => {
    const page = await openLogin();
    const first = await openPhone(page, 'Ada');
    await stage(page, 'scanned');
    const second = await openPhone(page);
    await second.getByText('Somebody else was first').waitFor();
    await second.screenshot({ path: 'test-results/qr-phone-second.png' });
    expect(await page.locator('#card').getAttribute('data-stage')).toBe('scanned');
    await first.reload();
    await name(first, 'Ada');
    await first.locator('#confirm').click();
    await stage(page, 'done');
    await second.reload();
    await second.getByText('Somebody else was first').waitFor();
    expect(refusedRequests(409)).toBe(2);
  });

  test('declined on the phone, the page says so and draws a new code', async () => {
    const page = await openLogin();
    const before = await phoneAddress(page);
    const scanner = await openPhone(page);
    await scanner.locator('#cancel').click();
    await stage(page, 'cancelled');
    await scanner.getByText('Nobody was signed in').waitFor();
    await page.locator('#again').click();
    await stage(page, 'waiting');
    expect(await phoneAddress(page)).not.toBe(before);
  });

  test('confirmed before the page could listen, it is signed in all the same', async () => {
    const page = await openPage(desktop);
    await page.route('**/rendezvous', async (route) => {
      const response = await route.fetch();
      const { code } = (await response.json()) as { readonly code: string };
      await api('rendezvous_confirm', { code, data: { name: 'Early' } });
      await route.fulfill({ response });
    });
    await page.goto(`${carillon.url}/qr/`);
    await stage(page, 'done');
    expect(await page.locator('#stage').textContent()).toBe('Signed in as Early');
  });

  test('loaded again, the page shows the same code, how far it was, and that it is signed in', async () => {
    const page = await openLogin();
    const address = await phoneAddress(page);
    await page.reload();
    await stage(page, 'waiting');
    expect(await phoneAddress(page)).toBe(address);
    const scanner = await openPhone(page, 'Ada');
    await stage(page, 'scanned');
    await page.reload();
    await stage(page, 'scanned');
    await page.getByText(/^Scanned by \S/).waitFor();
    await page.goto('about:blank');
    await scanner.locator('#confirm').press('Enter');
    await scanner.getByText('You can close this one.').waitFor();
    await page.goto(`${carillon.url}/qr/`);
    await stage(page, 'done');
    await page.reload();
    await stage(page, 'done');
    await page.locator('#again').click();
    await stage(page, 'waiting');
  });

  test.each(['websocket', 'sse', 'longpoll'])(
    'confirmed while the page was offline, it is signed in when it is back, over %s',
    async (transport) => {
      const page = await openLogin(`?transport=${transport}`);
      const scanner = await openPhone(page, 'Ada');
      await stage(page, 'scanned');
      await page.context().setOffline(true);
      await scanner.locator('#confirm').click();
      await scanner.getByText('You can close this one.').waitFor();
      await page.waitForTimeout(1_500);
      expect(await page.locator('#stage').textContent()).not.toContain('Signed in');
      await page.context().setOffline(false);
      await stage(page, 'done');
      expect(await page.locator('#stage').textContent()).toBe('Signed in as Ada');
      complaints = complaints.filter(
        (text) => !/ERR_INTERNET_DISCONNECTED|WebSocket connection to/.test(text),
      );
    },
  );

  test('a phone page without a code, or with one that never was, says what to do', async () => {
    const page = await openPage(phone);
    await page.goto(`${carillon.url}/phone/`);
    await page.getByText('Open the login page on a computer').waitFor();
    await page.goto(`${carillon.url}/phone/#never-was`);
    await page.getByText('This code is no longer valid').waitFor();
    expect(refusedRequests(410)).toBe(1);
  });

  test('the pages look right on a desktop, in the dark, on a phone and in Chinese', async () => {
    const light = await openLogin();
    await light.screenshot({ path: 'test-results/qr-desktop-light.png', fullPage: true });
    const scanner = await openPhone(light, 'Ada');
    await stage(light, 'scanned');
    await light.screenshot({ path: 'test-results/qr-desktop-scanned.png', fullPage: true });
    await scanner.screenshot({ path: 'test-results/qr-phone-ask.png' });
    expect(await overflow(scanner)).toBe(0);
    await scanner.locator('#confirm').click();
    await stage(light, 'done');
    await light.screenshot({ path: 'test-results/qr-desktop-done.png', fullPage: true });
    await scanner.screenshot({ path: 'test-results/qr-phone-confirmed.png' });

    const dark = await openLogin('', { ...desktop, colorScheme: 'dark', locale: 'zh-CN' });
    await dark.getByText('等待手机扫码').waitFor();
    await dark.screenshot({ path: 'test-results/qr-desktop-dark.png', fullPage: true });
    const darkPhone = await openPhone(dark, '张三', { ...phone, colorScheme: 'dark', locale: 'zh-CN' });
    await darkPhone.screenshot({ path: 'test-results/qr-phone-dark.png' });
    const small = await openLogin('', phone);
    await small.screenshot({ path: 'test-results/qr-small.png', fullPage: true });
    expect(await overflow(small)).toBe(0);
    expect(await overflow(dark)).toBe(0);
  });

  test('the home page leads to it, and the link beside the code to the phone page', async () => {
    const page = await openPage(desktop);
    await page.goto(`${carillon.url}/`);
    await page.getByRole('link', { name: 'QR login' }).click();
    await stage(page, 'waiting');
    const opened = page.context().waitForEvent('page');
    await page.getByRole('link', { name: 'Open the phone page here' }).click();
    const scanner = await opened;
    await scanner.getByRole('button', { name: 'Sign in' }).click();
    await stage(page, 'done');
  });
});

describe.skipIf(executablePath === undefined)('a code whose time is short', () => {
  let short: RunningCarillon;
  beforeAll(async () => {
    short = await startCarillon({ env: { CARILLON_RENDEZVOUS_TTL: '3s' } });
    browser = await chromium.launch({
      ...(executablePath !== undefined && { executablePath }),
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', ...quiet],
    });
  });
  afterAll(async () => {
    await browser?.close();
    await short?.stop();
  });

  test('it expires on both pages, and a new one can be drawn', async () => {
    complaints = [];
    const page = await openPage(desktop);
    await page.goto(`${short.url}/qr/`);
    await stage(page, 'waiting');
    const old = await phoneAddress(page);
    await stage(page, 'expired');
    await page.screenshot({ path: 'test-results/qr-desktop-expired.png', fullPage: true });
    const scanner = await openPage(phone);
    await scanner.goto(old);
    await scanner.getByText('This code is no longer valid').waitFor();
    expect(refusedRequests(410)).toBe(1);
    await page.locator('#again').click();
    await stage(page, 'waiting');
    await scanner.goto('about:blank');
    await scanner.goto(await phoneAddress(page));
    await stage(page, 'scanned');
    await scanner.getByText('This code is no longer valid').waitFor();
    await stage(page, 'expired');
    expect(complaints).toEqual([]);
  });
});

/** A window of its own: nothing is shared with the others. */
async function openPage(options: BrowserContextOptions): Promise<Page> {
  const context = await browser.newContext({ locale: 'en-US', ...options });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  return page;
}

async function openLogin(query = '', options: BrowserContextOptions = desktop): Promise<Page> {
  const page = await openPage(options);
  await page.goto(`${carillon.url}/qr/${query}`);
  await stage(page, 'waiting');
  await page.locator('#dot[data-state=connected]').waitFor();
  return page;
}

/** The page that a phone shows after it read the code of `page`. */
async function openPhone(page: Page, who?: string, options: BrowserContextOptions = phone): Promise<Page> {
  const scanner = await openPage(options);
  await scanner.goto(await phoneAddress(page));
  if (who !== undefined) await name(scanner, who);
  return scanner;
}

async function name(scanner: Page, who: string): Promise<void> {
  await scanner.locator('#name').fill(who);
  await scanner.locator('#name').press('Enter');
}

async function phoneAddress(page: Page): Promise<string> {
  return (await page.locator('#open-phone').getAttribute('href')) ?? '';
}

async function stage(page: Page, wanted: string): Promise<void> {
  await page.locator(`#card[data-stage=${wanted}]`).waitFor({ timeout: 25_000 });
}

/** How many requests the browser reported as answered with that status; each is taken out of the complaints. */
function refusedRequests(status: number): number {
  const before = complaints.length;
  complaints = complaints.filter((text) => !text.includes(`status of ${status}`));
  return before - complaints.length;
}

/** By how many pixels the page is wider than its window. */
function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

async function api(method: string, params: object): Promise<void> {
  const headers = { 'Content-Type': 'application/json' };
  const body = JSON.stringify(params);
  expect((await fetch(`${carillon.url}/v1/${method}`, { method: 'POST', headers, body })).status).toBe(200);
}
