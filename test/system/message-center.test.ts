import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildPages, cutOff, desktop, overflow, phone, startBrowser } from '../support/browser.ts';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { requireOrSkip } from '../support/require-or-skip.ts';

const executablePath = requireOrSkip('chromium');
let carillon: RunningCarillon;
let browser: Browser;
let complaints: string[] = [];
let windows: Page[] = [];

describe.skipIf(executablePath === undefined)('the message center', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    await buildPages();
    browser = await startBrowser(executablePath);
  });
  afterAll(async () => {
    await browser?.close();
  });

  beforeEach(async () => {
    carillon = await startCarillon();
    complaints = [];
    windows = [];
  });
  afterEach(async () => {
    for (const page of windows) await page.context().close();
    await carillon.stop();
    expect(complaints).toEqual([]);
  });

  test('a customer signs in, orders, and reads what the shop answers', async () => {
    const page = await openWindow(desktop);
    await page.goto(`${carillon.url}/`);
    await page.getByRole('link', { name: 'Message center' }).click();
    await page.getByRole('button', { name: 'Ada' }).click();
    await page.getByText('Good to see you, Ada.').waitFor();
    await page.getByRole('button', { name: 'Order' }).first().click();
    await badge(page, 1);
    await page.locator('.toast', { hasText: 'Brass hand bell' }).waitFor();
    expect(await page.title()).toBe('(1) Carillon message center');
    await page.getByRole('button', { name: 'Notifications, 1 unread' }).click();
    expect(await page.locator('.toast').count()).toBe(0);
    await page.getByRole('button', { name: 'Mark all as read' }).click();
    await page.getByText('All read').waitFor();
    await badge(page, 0);
    await page.reload();
    await page.locator('#bell').click();
    await page.locator('.notice', { hasText: 'Brass hand bell' }).waitFor();
    expect(await page.locator('.notice[data-unread]').count()).toBe(0);
  });

  test('two devices are in step: what is read on one is read on the other', async () => {
    const first = await openShop('ada');
    const opened = first.context().waitForEvent('page');
    await first.getByRole('link', { name: 'Open a second device' }).click();
    const second = watched(await opened);
    const other = await openShop('lin', phone);
    for (const title of ['one', 'two', 'three']) await api('inbox_push', { user: 'ada', data: { title } });
    await badge(first, 3);
    await badge(second, 3);
    await first.locator('#bell').click();
    await first.locator('.notice', { hasText: 'two' }).click();
    await badge(first, 1);
    await badge(second, 1);
    await second.locator('#bell').click();
    expect(await second.locator('.notice[data-unread]').allTextContents()).toEqual(['three']);
    await second.locator('#mark-all').click();
    await badge(second, 0);
    await badge(first, 0);
    expect(await devicesOf('ada')).toEqual([3, 3]);
    await badge(other, 0);
  });

  test('offline and back: what waited is there, and what was read elsewhere is read', async () => {
    const page = await openShop('ada');
    const elsewhere = await openShop('ada', phone);
    await page.getByRole('button', { name: 'Go offline' }).click();
    for (const title of ['read elsewhere', 'waited'])
      await api('inbox_push', { user: 'ada', data: { title } });
    await badge(elsewhere, 2);
    await elsewhere.locator('#bell').click();
    await elsewhere.locator('.notice', { hasText: 'read elsewhere' }).click();
    await badge(elsewhere, 1);
    await badge(page, 0);
    await page.getByRole('button', { name: 'Come back' }).click();
    await page.locator('.toast', { hasText: '2 notifications waited for you' }).waitFor();
    await badge(page, 1);
    await page.locator('#bell').click();
    expect(await page.locator('.notice[data-unread]').allTextContents()).toEqual(['waited']);
  });

  test('a network that is gone for a while loses nothing', async () => {
    const page = await openShop('max');
    await page.context().setOffline(true);
    await page.evaluate(() => window.dispatchEvent(new Event('offline')));
    await api('inbox_push', { user: 'max', data: { title: 'while you were away' } });
    await page.context().setOffline(false);
    await badge(page, 1);
    await page.locator('#bell').click();
    await page.locator('.notice', { hasText: 'while you were away' }).waitFor();
    complaints = complaints.filter((text) => !/ERR_INTERNET_DISCONNECTED|WebSocket connection to/.test(text));
  });

  test('a device that was never there gets everything that is kept', async () => {
    for (const title of ['one', 'two']) await api('inbox_push', { user: 'lin', data: { title } });
    const page = await openShop('lin');
    await badge(page, 2);
  });

  test('the operator sees who is online and how much is unread, and pushes to one customer', async () => {
    const operator = await openOperator();
    await row(operator, 'ada', 'Away');
    const page = await openShop('ada');
    await openShop('ada', phone);
    await row(operator, 'ada', '2 devices online');
    await operator.getByLabel('Title').fill('Hello Ada');
    await operator.getByRole('button', { name: 'Send' }).click();
    await operator.getByText('In the inbox of 1 customer').waitFor();
    await badge(page, 1);
    await row(operator, 'ada', '1 unread');
    expect(await operator.locator('#calls').textContent()).toContain('/v1/inbox_push');
    await page.locator('#bell').click();
    await page.locator('#mark-all').click();
    await row(operator, 'ada', '0 unread');
  });

  test('the operator pushes by a tag expression, into inboxes and to who is online', async () => {
    const operator = await openOperator();
    const [ada, lin, max] = [await openShop('ada'), await openShop('lin'), await openShop('max')];
    await operator.getByRole('radio', { name: 'Tags' }).check();
    await operator.getByLabel('Tag expression').fill('vip & !city=berlin');
    await operator.getByLabel('Title').fill('For friends of the house');
    await operator.getByRole('button', { name: 'Send' }).click();
    await operator.getByText('In the inboxes of 2 customers').waitFor();
    await badge(ada, 1);
    await badge(lin, 1);
    await operator.getByRole('button', { name: 'city=shanghai' }).click();
    await operator.getByRole('radio', { name: 'Only to who is online' }).check();
    await operator.getByLabel('Title').fill('Rain in Shanghai');
    await operator.getByRole('button', { name: 'Send' }).click();
    await operator.getByText('Reached 1 device').waitFor();
    await lin.locator('.toast', { hasText: 'Rain in Shanghai' }).waitFor();
    await badge(lin, 1);
    await badge(max, 0);
    await operator.getByLabel('Tag expression').fill('vip &');
    await operator.getByRole('button', { name: 'Send' }).click();
    await operator.locator('#outcome[data-bad]', { hasText: "'to.where'" }).waitFor();
    expect(refusedRequests(400)).toBe(1);
  });

  test('the operator pushes to a group and to everybody, whether they are there or not', async () => {
    const operator = await openOperator();
    const max = await openShop('max');
    await operator.getByRole('radio', { name: 'Group' }).check();
    await operator.locator('input[name=member]:checked').nth(1).waitFor({ state: 'attached' });
    await operator.getByRole('checkbox', { name: 'Max' }).check();
    await operator.getByRole('checkbox', { name: 'Lin' }).uncheck();
    await expect.poll(() => membersOfRegulars()).toEqual(['ada', 'max']);
    await operator.getByRole('button', { name: 'Send' }).click();
    await operator.getByText('In the inboxes of 2 customers').waitFor();
    await badge(max, 1);
    await row(operator, 'ada', '1 unread');
    await row(operator, 'lin', '0 unread');
    await operator.getByRole('radio', { name: 'Everybody' }).check();
    await operator.getByRole('button', { name: 'Send' }).click();
    await operator.getByText('In the inboxes of 3 customers').waitFor();
    await badge(max, 2);
    await row(operator, 'lin', '1 unread');
    await badge(await openShop('ada', phone), 2);
  });

  test('everything can be done by the keyboard', async () => {
    const page = await openShop('ada');
    for (const title of ['one', 'two']) await api('inbox_push', { user: 'ada', data: { title } });
    await badge(page, 2);
    await page.locator('#bell').press('Enter');
    expect(await focused(page)).toContain('two');
    await page.keyboard.press('ArrowDown');
    expect(await focused(page)).toContain('one');
    await page.keyboard.press('Enter');
    await badge(page, 1);
    expect(await focused(page)).toContain('one');
    await page.keyboard.press('Escape');
    expect(await page.locator('#panel').isVisible()).toBe(false);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('bell');
    await page.getByRole('button', { name: 'Switch customer' }).press('Enter');
    await page.getByText('Who is shopping?').waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('Good to see you, Ada.').waitFor();
  });

  test('without a data directory a restart empties the bell, and the page says what is there', async () => {
    const page = await openShop('ada');
    await api('inbox_push', { user: 'ada', data: { title: 'before' } });
    await badge(page, 1);
    await carillon.stop();
    carillon = await startCarillon({ port: carillon.port });
    await api('inbox_push', { user: 'ada', data: { title: 'after' } });
    await page.locator('.notice', { hasText: 'after' }).waitFor({ state: 'attached', timeout: 25_000 });
    await badge(page, 1);
    await page.locator('#bell').click();
    expect(await page.locator('.notice').allTextContents()).toEqual(['after']);
    // The browser itself tells of connections to a server that is not there, or is just leaving.
    const away = /WebSocket connection to|ERR_CONNECTION|status of 503/;
    complaints = complaints.filter((text) => !away.test(text));
  });

  test('the pages look right on a desktop, in the dark, on a phone and in Chinese', async () => {
    const operator = await openOperator(desktop);
    const light = await openShop('ada');
    await light.getByRole('button', { name: 'Order' }).first().click();
    await operator.getByRole('button', { name: 'Send' }).click();
    await badge(light, 2);
    await row(operator, 'ada', '2 unread');
    await light.screenshot({ path: 'test-results/center-desktop.png' });
    await light.locator('#bell').click();
    await light.screenshot({ path: 'test-results/center-desktop-panel.png' });
    await operator.screenshot({ path: 'test-results/center-operator.png', fullPage: true });
    const dark = { colorScheme: 'dark', locale: 'zh-CN' } as const;
    const small = await openShop('ada', { ...phone, ...dark });
    await badge(small, 2);
    await small.screenshot({ path: 'test-results/center-phone-dark.png', fullPage: true });
    await small.locator('#bell').click();
    await small.screenshot({ path: 'test-results/center-phone-dark-panel.png' });
    const smallOperator = await openOperator({ ...phone, ...dark });
    await smallOperator.screenshot({ path: 'test-results/center-operator-phone-dark.png', fullPage: true });
    const signIn = await openWindow({ ...phone });
    await signIn.goto(`${carillon.url}/message-center/`);
    await signIn.getByText('Who is shopping?').waitFor();
    await signIn.screenshot({ path: 'test-results/center-sign-in.png' });
    for (const page of windows) expect([page.url(), await overflow(page)]).toEqual([page.url(), 0]);
    for (const page of windows)
      expect(await cutOff(page, '.button, h1, h2, .segments span, .badge')).toEqual([]);
  });
});

/** A window of its own: nothing is shared with the others. */
async function openWindow(options: BrowserContextOptions): Promise<Page> {
  const context = await browser.newContext({ locale: 'en-US', ...options });
  return watched(await context.newPage());
}

function watched(page: Page): Page {
  windows.push(page);
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  return page;
}

/** The shop on a device of its own, where that customer is signed in and connected. */
async function openShop(user: string, options: BrowserContextOptions = desktop): Promise<Page> {
  const page = await openWindow(options);
  await page.goto(`${carillon.url}/message-center/?as=${user}`);
  await page.locator('#dot[data-state=connected]').waitFor({ state: 'attached' });
  return page;
}

async function openOperator(options: BrowserContextOptions = desktop): Promise<Page> {
  const page = await openWindow(options);
  await page.goto(`${carillon.url}/message-center/operator/`);
  await page.locator('.customer-row').first().waitFor();
  return page;
}

/** Waits until the bell of the page says so. */
async function badge(page: Page, unread: number): Promise<void> {
  const shown = page.locator('#badge');
  if (unread === 0) await shown.waitFor({ state: 'hidden' });
  else await shown.filter({ hasText: new RegExp(`^${unread}$`) }).waitFor();
}

/** Waits until the operator's page says so of that customer. */
async function row(page: Page, user: string, text: string): Promise<void> {
  await page.locator(`.customer-row[data-user=${user}]`, { hasText: text }).waitFor();
}

async function focused(page: Page): Promise<string | undefined | null> {
  return await page.evaluate(() => document.activeElement?.textContent);
}

/** How far each of the user's devices has read. */
async function devicesOf(user: string): Promise<number[]> {
  const { devices } = await api<{ devices: { offset: number }[] }>('inbox_unread', { user });
  return devices.map(({ offset }) => offset);
}

async function membersOfRegulars(): Promise<string[]> {
  const { members } = await api<{ members: { user: string }[] }>('group', { group: 'regulars' });
  return members.map(({ user }) => user).sort();
}

/** How many requests the browser reported as answered with that status; each is taken out of the complaints. */
function refusedRequests(status: number): number {
  const before = complaints.length;
  complaints = complaints.filter((text) => !text.includes(`status of ${status}`));
  return before - complaints.length;
}

async function api<Result>(method: string, params: object): Promise<Result> {
  const headers = { 'Content-Type': 'application/json' };
  const response = await fetch(`${carillon.url}/v1/${method}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(params),
  });
  expect(response.status).toBe(200);
  return ((await response.json()) as { readonly result: Result }).result;
}
