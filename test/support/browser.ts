/** Real browsers for tests of the pages: how Chromium is started, the screens it shows, and what is asked of a page. */
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { type Browser, chromium, type Page } from 'playwright-core';

export const desktop = { viewport: { width: 1280, height: 860 } };
export const phone = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
};

/** What Chromium would otherwise ask the internet for. */
const quiet = ['quic', 'background-networking', 'component-update', 'sync'].map(
  (part) => `--disable-${part}`,
);

/** Makes the folder for screenshots, `test-results`, and the pages out of their sources. */
export async function buildPages(): Promise<void> {
  mkdirSync('test-results', { recursive: true });
  await promisify(execFile)(process.execPath, ['scripts/build-pages.ts']);
}

/** Starts Chromium; `flags` are added to its command line. */
export function startBrowser(
  executablePath: string | undefined,
  flags: readonly string[] = [],
): Promise<Browser> {
  return chromium.launch({
    ...(executablePath !== undefined && { executablePath }),
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', ...quiet, ...flags],
  });
}

/** By how many pixels the page is wider than its window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** The texts of those elements that are not shown whole. */
export function cutOff(page: Page, selector: string): Promise<(string | null)[]> {
  return page
    .locator(selector)
    .evaluateAll((all) =>
      all.filter((each) => each.scrollWidth > each.clientWidth).map(({ textContent }) => textContent),
    );
}
