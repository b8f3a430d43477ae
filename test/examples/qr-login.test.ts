/** The site of examples/qr-login, its backend and both pages, in a real browser before a real server. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { expect, test } from 'vitest';
import { freePort, plainEnvironment, startCarillon } from '../support/carillon.ts';
import { requireOrSkip } from '../support/require-or-skip.ts';
import { root } from './pages.ts';

const executablePath = requireOrSkip('chromium');
const folder = `${root}examples/qr-login`;

test.skipIf(executablePath === undefined)(
  'examples/qr-login signs a browser in that a phone has confirmed, and no other',
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
    try {
      await once(backend.stdout, 'data');
      const site = `http://127.0.0.1:${port}`;
      const [login, phone] = [await browser.newPage(), await browser.newPage()];
      await login.goto(`${site}/`);
      await login.getByText('Waiting for your phone').waitFor();
      await phone.goto((await login.locator('#address').getAttribute('href')) ?? '');
      await phone.getByText('A browser at 127.0.0.1').waitFor();
      await login.getByText('Scanned by A**').waitFor();
      expect(await login.evaluate(async () => (await fetch('/me')).status)).toBe(401);
      await phone.locator('#confirm').click();
      await phone.getByText('Confirmed.').waitFor();
      await login.getByText('Signed in as Ada').waitFor();
      expect(await login.evaluate(async () => (await fetch('/me')).json())).toEqual({ name: 'Ada' });
      await phone.reload();
      await phone.getByText('collected already').waitFor();
    } finally {
      await browser.close();
      backend.kill('SIGKILL');
      await carillon.stop();
    }
  },
);
