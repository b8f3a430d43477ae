import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { EventSource } from 'eventsource';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TcpProxy } from '../../packages/client/src/testing/tcp-proxy.ts';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { requireOrSkip } from '../support/require-or-skip.ts';

const executablePath = requireOrSkip('chromium');
let carillon: RunningCarillon;
let proxy: TcpProxy;
let channel = '';

beforeAll(async () => {
  carillon = await startCarillon();
});
afterAll(() => carillon?.stop());
beforeEach(async () => {
  channel = `news-${crypto.randomUUID().slice(0, 8)}`;
  proxy = await TcpProxy.start(carillon.port);
});
afterEach(() => proxy.stop());

async function publish(...texts: readonly string[]): Promise<void> {
  for (const body of texts) {
    const { status } = await fetch(`${carillon.url}/pub?channel=${channel}`, { method: 'POST', body });
    expect(status).toBe(200);
  }
}

async function subscribed(count = 1): Promise<void> {
  await expect
    .poll(
      async () => {
        const response = await fetch(`${carillon.url}/v1/channels`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: '{}',
        });
        const { result } = (await response.json()) as {
          result: { channels: readonly { channel: string; sessions: number }[] };
        };
        return result.channels.find((found) => found.channel === channel)?.sessions ?? 0;
      },
      { timeout: 10_000 },
    )
    .toBe(count);
}

test('the eventsource package resumes by Last-Event-ID when its connection is cut', async () => {
  const source = new EventSource(`http://127.0.0.1:${proxy.port}/sub?channel=${channel}`);
  const got: string[] = [];
  source.addEventListener('message', ({ data }: MessageEvent<string>) => got.push(data));
  await subscribed();
  await publish('1', '2');
  await expect.poll(() => got).toEqual(['1', '2']);
  proxy.cut();
  await publish('3', '4');
  await expect.poll(() => got, { timeout: 10_000 }).toEqual(['1', '2', '3', '4']);
  await publish('5');
  await expect.poll(() => got).toEqual(['1', '2', '3', '4', '5']);
  source.close();
});

test('curl -N prints what is published', async () => {
  for (const [accept, line] of [
    ['text/event-stream', 'data: hello curl'],
    ['application/x-ndjson', `{"channel":"${channel}","data":"hello curl"`],
  ] as const) {
    const curl = spawn('curl', ['-sN', '-H', `Accept: ${accept}`, `${carillon.url}/sub?channel=${channel}`]);
    let printed = '';
    curl.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    await subscribed();
    await publish('hello curl');
    await expect.poll(() => printed).toContain(line);
    curl.kill();
    await once(curl, 'close');
    await subscribed(0);
  }
});

test('a plain curl waits for the next message', async () => {
  const curl = spawn('curl', ['-s', `${carillon.url}/sub?channel=${channel}&format=raw`]);
  let printed = '';
  curl.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const closed = once(curl, 'close');
  await subscribed();
  await publish('hello again');
  await closed;
  expect(printed).toBe('hello again');
});

describe.skipIf(executablePath === undefined)('in Chromium', () => {
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    browser = await chromium.launch({
      ...(executablePath !== undefined && { executablePath }),
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
    });
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    page = await browser.newPage();
    return () => page.close();
  });

  /** A page of the site that the server is on, behind the proxy. */
  async function show(script: string): Promise<void> {
    const url = `http://127.0.0.1:${proxy.port}/page-of-the-test`;
    await page.route(url, (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: `<!DOCTYPE html><body><ul></ul><script>
          const show = (text) => document.querySelector('ul').append(
            Object.assign(document.createElement('li'), { textContent: text }));
          ${script}</script>`,
      }),
    );
    // Scripts and iframes that wait hold up the load event.
    await page.goto(url, { waitUntil: 'domcontentloaded' });
  }

  const shown = (): Promise<string[]> => page.locator('li').allTextContents();

  test('an EventSource goes on where a cut left it, also when nothing had come before the cut', async () => {
    await show(`
      new EventSource('/sub?channel=${channel}').onmessage = ({ data, lastEventId }) =>
        show(data + (lastEventId ? '' : ' without id'));`);
    await subscribed();
    proxy.cut();
    await publish('1', 'two\nlines');
    await expect.poll(shown, { timeout: 15_000 }).toEqual(['1', 'two\nlines']);
    proxy.cut();
    await publish('3');
    await subscribed();
    await publish('4');
    await expect.poll(shown, { timeout: 15_000 }).toEqual(['1', 'two\nlines', '3', '4']);
  });

  test('an EventSource that is refused does not come back', async () => {
    await show(`
      const source = new EventSource('/sub?channel=${channel}&token=wrong');
      source.onerror = () => show('state ' + source.readyState);`);
    await expect.poll(shown).toEqual(['state 2']);
  });

  test('a page of script elements polls by JSONP', async () => {
    await show(`
      let cursor = '';
      function poll() {
        const script = document.createElement('script');
        script.src = '/sub?channel=${channel}&from=oldest&callback=got&cursor=' + cursor;
        script.onload = () => script.remove();
        document.head.append(script);
      }
      function got(answer) {
        if (answer.error) return show(answer.error.message);
        cursor = answer.cursor;
        for (const { data } of answer.messages) show(typeof data === 'string' ? data : JSON.stringify(data));
        poll();
      }
      poll();`);
    await publish('1', '</script><script>show("injected")</script>');
    await publish('{"a":"\u2028"}');
    await expect.poll(shown).toEqual(['1', '</script><script>show("injected")</script>', '{"a":"\u2028"}']);
  });

  test('a script that is refused tells the page why', async () => {
    await show(`
      const got = ({ error }) => show('refused with ' + error.code);
      const script = document.createElement('script');
      script.src = '/sub?channel=${channel}&callback=got&token=wrong';
      document.head.append(script);`);
    await expect.poll(shown).toEqual(['refused with 101']);
  });

  test('a forever-iframe calls its parent', async () => {
    await show(`
      window.got = ({ channel, data, offset }) => show(channel + ' ' + JSON.stringify(data) + ' ' + offset);
      const frame = document.createElement('iframe');
      frame.src = '/sub?channel=${channel}&transport=iframe&callback=got';
      document.body.append(frame);`);
    await subscribed();
    await publish('</script>&', '{"n":1}');
    await expect.poll(shown).toEqual([`${channel} "</script>&" 1`, `${channel} {"n":1} 2`]);
  });
});
