import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from './load.ts';

let cwd = '';
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'carillon-config-'));
});
afterAll(() => rmSync(cwd, { recursive: true }));

const days30 = 30 * 86_400_000;

test.each([
  [{ inbox: true }, { size: 1_000, ttlMs: days30 }],
  [{ inbox: { overdue: '10m' } }, { size: 1_000, ttlMs: days30 }],
  [
    { inbox: true, history: { size: 20 } },
    { size: 20, ttlMs: days30 },
  ],
  [
    { inbox: true, history: { ttl: '24h' } },
    { size: 1_000, ttlMs: 86_400_000 },
  ],
  [
    { inbox: true, history: { size: 100, ttl: '10m' } },
    { size: 100, ttlMs: 600_000 },
  ],
  [
    { inbox: false, history: { size: 20 } },
    { size: 20, ttlMs: 600_000 },
  ],
  [{ inbox: false }, undefined],
])('a rule with %j keeps %j', async (rule, history) => {
  const config = join(cwd, 'config.json');
  // A dot in the pattern: what is given is looked up by the pattern itself.
  writeFileSync(config, JSON.stringify({ channels: { 'u.{uid}': { subscribe: 'owner', ...rule } } }));
  const { settings, origins } = await loadConfig({ flags: { config }, env: {}, cwd });
  expect(settings.channels[0]?.history).toEqual(history);
  if (rule.inbox !== false && !('history' in rule))
    expect(origins.get('channels["u.{uid}"].history.ttl')).toBe('an inbox');
});
