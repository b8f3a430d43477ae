/** Pages that were written for nginx, Lua and Redis, in a real browser: nothing of them is changed but the host. */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { freePort, type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { RedisServer } from '../support/redis.ts';
import { requireOrSkip } from '../support/require-or-skip.ts';
import { prependScript, roomPage, webwsPage } from './old-pages.ts';

const redisPath = requireOrSkip('redis-server');
const executablePath = requireOrSkip('chromium');
const patient = { timeout: 20_000, interval: 50 };

/** What Chromium would otherwise ask the internet for. */
const quiet = ['quic', 'background-networking', 'component-update', 'sync'].map(
  (part) => `--disable-${part}`,
);

describe.skipIf(redisPath === undefined || executablePath === undefined)('pages of older designs', () => {
  let redis: RedisServer;
  let carillon: RunningCarillon;
  let browser: Browser;
  let site: Server;
  let origin: string;
  let complaints: string[] = [];

  beforeAll(async () => {
    mkdirSync('test-results', { recursive: true });
    redis = await RedisServer.start(redisPath ?? '');
    const port = await freePort();
    const pages = await freePort();
    origin = `http://127.0.0.1:${pages}`;
    site = serve(pages, `ws://127.0.0.1:${port}/`);
    await once(site, 'listening');
    carillon = await startCarillon({
      port,
      config: {
        api: { keys: ['a-key-for-the-tests-of-old-pages'] },
        auth: { anonymous: true },
        origins: [origin],
        paths: { '/webws': { channel: 'chat:{channel}' }, '/ws': { channel: 'chat' } },
        channels: {
          'chat:*': { subscribe: 'anyone', publish: 'anyone' },
          chat: { subscribe: 'anyone', publish: 'anyone' },
        },
        ingest: { redis: { url: redis.url, channels: { 'chat:*': 'chat:*', chat: 'chat' } } },
      },
    });
    browser = await chromium.launch({
      ...(executablePath !== undefined && { executablePath }),
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', ...quiet],
    });
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
    await carillon?.stop();
    await redis?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    complaints = [];
    return async () => {
      for (const context of browser.contexts()) await context.close();
      expect(complaints).toEqual([]);
    };
  });

  /** Opens a page in a window of its own; `frozen` lets its timers run only when they are told to. */
  async function open(path: string, frozen = false): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 720, height: 400 } });
    const page = await context.newPage();
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('requestfailed', (request) => complaints.push(`${request.url()} failed`));
    if (frozen) await page.clock.install();
    await page.goto(`${origin}${path}`);
    return page;
  }

  test('/webws?channel="zhang" shows what is published to chat:zhang, and what its like-minded send', async () => {
    const [ada, ben] = [await open('/webws.html'), await open('/webws.html')];
    for (const page of [ada, ben]) {
      await page.getByRole('button', { name: 'Connect', exact: true }).click();
      await shows(page, ['connected']);
    }
    expect(await redis.cli('PUBLISH', 'chat:zhang', 'hello from redis-cli, 你好')).toBe('1');
    expect(await redis.cli('PUBLISH', 'chat:zhang', '{ "order": 12345678901234567890 }')).toBe('1');
    expect(await redis.cli('PUBLISH', 'chat:wang', 'for somebody else')).toBe('1');
    const published = ['recv: hello from redis-cli, 你好', 'recv: {"order":12345678901234567890}'];
    await shows(ada, ['connected', ...published]);
    await shows(ben, ['connected', ...published]);
    await ada.locator('#text').fill('from Ada');
    await ada.getByRole('button', { name: 'Send' }).click();
    await shows(ada, ['connected', ...published, 'send: from Ada', 'recv: from Ada']);
    await shows(ben, ['connected', ...published, 'recv: from Ada']);
    expect(await redis.connections('carillon')).toHaveLength(1);
    await ada.screenshot({ path: 'test-results/old-page-webws.png' });
  });

  test('it disconnects, misses what comes meanwhile as it always did, and connects again', async () => {
    const page = await open('/webws.html');
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    await shows(page, ['connected']);
    await page.getByRole('button', { name: 'Disconnect' }).click();
    await shows(page, ['connected', 'disconnected']);
    await redis.cli('PUBLISH', 'chat:zhang', 'nobody listens');
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    await shows(page, ['connected', 'disconnected', 'connected']);
    await redis.cli('PUBLISH', 'chat:zhang', 'again');
    await shows(page, ['connected', 'disconnected', 'connected', 'recv: again']);
  });

  test('/ws with a ping every ten seconds shows what is published to chat; its pings bother nobody else', async () => {
    const [ada, ben] = [await open('/room.html', true), await open('/room.html')];
    for (const page of [ada, ben]) await shows(page, ['成功进入聊天室'], '#log p');
    expect(await redis.cli('PUBLISH', 'chat', '网友42: 大家好')).toBe('1');
    for (const page of [ada, ben]) await shows(page, ['网友42: 大家好', '成功进入聊天室'], '#log p');
    await ada.clock.runFor(10_000);
    await shows(ada, ['pong', '网友42: 大家好', '成功进入聊天室'], '#log p');
    await ada.locator('#msgtext').fill('晚上好');
    await ada.getByRole('link', { name: '发送信息' }).click();
    await shows(ada, ['晚上好', 'pong', '网友42: 大家好', '成功进入聊天室'], '#log p');
    await shows(ben, ['晚上好', '网友42: 大家好', '成功进入聊天室'], '#log p');
    await ada.screenshot({ path: 'test-results/old-page-room.png' });
    await ben.getByRole('link', { name: '离开聊天室' }).click();
    await expect.poll(() => lines(ben, '#log p').then(([first]) => first), patient).toBe('已经和服务器断开');
    expect(await redis.connections('carillon')).toHaveLength(1);
  });
});

function lines(page: Page, selector: string): Promise<string[]> {
  return page.locator(selector).allTextContents();
}

/** Waits until the page shows exactly these lines. */
async function shows(page: Page, expected: readonly string[], selector = '#log li'): Promise<void> {
  await expect.poll(() => lines(page, selector), patient).toEqual(expected);
}

/** The site that the pages live on, with the WebSocket host of each page replaced. */
function serve(port: number, webSockets: string): Server {
  const files = new Map([
    ['/webws.html', webwsPage],
    ['/room.html', roomPage],
    ['/prepend.js', prependScript],
  ]);
  const server = createServer(({ url = '/' }, res) => {
    const text = files.get(url);
    if (text === undefined) return void res.writeHead(url === '/favicon.ico' ? 204 : 404).end();
    const type = url.endsWith('.js') ? 'text/javascript' : 'text/html; charset=utf-8';
    res.writeHead(200, { 'Content-Type': type }).end(text.replace(/ws:\/\/[\d.]+\//, webSockets));
  });
  return server.listen(port, '127.0.0.1');
}
