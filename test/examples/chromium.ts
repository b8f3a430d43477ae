/** Shows a page of the documents in a real browser, from a web server other than Carillon, as a reader's own would be. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

export interface Site {
  readonly port: number;
  /** Files by path, `/` being the page. */
  readonly files: ReadonlyMap<string, string>;
}

/**
 * Opens the page and does `nudge` again and again until `expected` can be read on it, 15 seconds at most.
 * Returns what can be read in the end, with what the browser complained about.
 */
export async function show(
  executablePath: string,
  site: Site,
  expected: string,
  nudge: () => Promise<void>,
): Promise<{ text: string; complaints: string[] }> {
  const server = await serve(site);
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
    await page.goto(`http://localhost:${site.port}/`, { waitUntil: 'domcontentloaded' });
    let text = '';
    for (let tries = 0; tries < 150 && !text.includes(expected); tries++) {
      await nudge();
      await sleep(100);
      text = await page.evaluate(() => document.body.textContent);
    }
    return { text, complaints };
  } finally {
    await browser.close();
    server.close();
  }
}

async function serve({ port, files }: Site): Promise<Server> {
  const server = createServer(({ url = '/' }, res) => {
    const body = files.get(url);
    const type = url.endsWith('.js') ? 'text/javascript' : 'text/html; charset=utf-8';
    res.writeHead(statusOf(body, url), { 'Content-Type': type });
    res.end(body);
  });
  server.listen(port, 'localhost');
  await once(server, 'listening');
  return server;
}

/** Every browser asks for an icon; not having one is no fault of the page. */
function statusOf(body: string | undefined, url: string): number {
  if (body !== undefined) return 200;
  return url === '/favicon.ico' ? 204 : 404;
}
