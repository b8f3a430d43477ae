/** The shop of examples/message-center, its backend and both pages, in a real browser before a real server. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chromium, type Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { freePort, plainEnvironment, startCarillon } from '../support/carillon.ts';
import { requireOrSkip } from '../support/require-or-skip.ts';
import { root } from './pages.ts';

const executablePath = requireOrSkip('chromium');
const folder = `${root}examples/message-center`;

test.skipIf(executablePath === undefined)(
  'examples/message-center keeps what is pushed for each customer, on every device',
  { timeout: 60_000 },
  async () => {
    const port = await freePort();
    const text = readFileSync(`${folder}/carillon.config.json`, 'utf8').replaceAll('8000', String(port));
    const carillon = await startCarillon({ config: JSON.parse(text) as Record<string, unknown> });
    const env = { ...plainEnvironment(), CARILLON: carillon.url, PORT: String(port) };
    const backend = spawn(process.execPath, [`${folder}/backend.js`], { env });
    const browser = await chromium.launch({
      ...(executablePath !== undefined && { executablePath }),
      args: ['--no-sandbox', '--disable-gpu'],
    });
    const site = `http://127.0.0.1:${port}`;
    const complaints: string[] = [];
    /** A page with cookies of its own. */
    const open = async (path: string): Promise<Page> => {
      const page = await (await browser.newContext()).newPage();
      page.on('pageerror', (error) => complaints.push(String(error)));
      await page.goto(`${site}${path}`);
      return page;
    };
    const logIn = async (user: string): Promise<Page> => {
      const page = await open('/');
      await page.getByLabel('Customer').selectOption(user);
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.locator('#inside').waitFor();
      return page;
    };
    try {
      await once(backend.stdout, 'data');
      const desk = await open('/desk');
      await desk.getByText('nobody').waitFor();
      const [first, second] = [await logIn('ada'), await logIn('ada')];
      await desk.locator('#online', { hasText: 'ada' }).waitFor();
      await first.getByRole('button', { name: 'Order a bell' }).click();
      await unread(first, 1);
      await unread(second, 1);
      await desk.getByLabel('To').selectOption('everybody');
      await desk.getByRole('button', { name: 'Into the inbox' }).click();
      await desk.getByText('{"customers":2}').waitFor();
      await unread(first, 2);
      await first.getByRole('button', { name: 'Mark all as read' }).click();
      await unread(second, 0);
      const lin = await logIn('lin');
      await unread(lin, 1);
      await desk.getByLabel('To').selectOption({ index: 2 });
      await desk.getByRole('button', { name: 'Only to who is online' }).click();
      await desk.getByText('{"devices":1}').waitFor();
      await lin.locator('#notice', { hasText: '20% off' }).waitFor();
      await desk.getByLabel('To').selectOption({ index: 1 });
      await desk.getByRole('button', { name: 'Into the inbox' }).click();
      await desk.getByText('{"customers":1}').waitFor();
      await unread(lin, 2);
      expect(await lin.evaluate(async () => (await fetch('/online')).status)).toBe(403);
      expect(await (await open('/')).evaluate(async () => (await fetch('/token')).status)).toBe(401);
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
      backend.kill('SIGKILL');
      await carillon.stop();
    }
  },
);

async function unread(page: Page, count: number): Promise<void> {
  await page.locator('#badge', { hasText: new RegExp(`^${count}$`) }).waitFor();
}
