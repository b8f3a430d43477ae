import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limits } from '@carillon/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LifecycleName } from '../core/lifecycle.ts';
import { ConfigError } from './faults.ts';
import { type LoadedConfig, loadConfig } from './load.ts';
import { lifecycleNames } from './webhooks.ts';

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'carillon-config-'));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

function load(webhooks: unknown): Promise<LoadedConfig> {
  writeFileSync(join(cwd, 'config.json'), JSON.stringify({ webhooks }));
  return loadConfig({ env: {}, cwd, flags: { config: 'config.json' } });
}

async function faultsOf(webhooks: unknown): Promise<readonly string[]> {
  try {
    await load(webhooks);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

const url = 'https://example.com/hook';

describe('webhooks', () => {
  it('are none where the config names none', async () => {
    expect((await load(undefined)).settings.webhooks).toEqual([]);
  });

  it('need a URL alone', async () => {
    expect((await load([{ url }])).settings.webhooks).toEqual([
      {
        url,
        secrets: [],
        batch: { size: 100, waitMs: 250 },
        timeoutMs: 15_000,
        headers: {},
        retries: { times: 15, firstMs: 1_000, longestMs: 300_000 },
      },
    ]);
  });

  it('may say everything else', async () => {
    const given = {
      url,
      events: ['connect', 'connect'],
      secret: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'plain'],
      batch: { size: 1, wait: '0s' },
      timeout: '1s',
      headers: { 'X-Key': 'k' },
      retries: { times: 0, first: '10ms', longest: '1h' },
    };
    const { settings, notes, inForce } = await load([given]);
    expect(settings.webhooks).toEqual([
      {
        url,
        events: ['connect'],
        secrets: given.secret,
        batch: { size: 1, waitMs: 0 },
        timeoutMs: 1_000,
        headers: given.headers,
        retries: { times: 0, firstMs: 10, longestMs: 3_600_000 },
      },
    ]);
    expect(notes).toEqual(['webhooks[0].secret: is shorter than 24 bytes and may be guessed.']);
    const shown = inForce.filter(({ path }) => path.startsWith('webhooks'));
    expect(shown).toContainEqual({ path: 'webhooks[0].url', value: url, origin: 'config.json' });
    expect(shown).toContainEqual({
      path: 'webhooks[0].secret',
      value: ['***', '***'],
      origin: 'config.json',
    });
    expect(shown).toContainEqual({ path: 'webhooks[0].batch.size', value: 1, origin: 'config.json' });
    expect(JSON.stringify(shown)).not.toContain('plain');
    expect(JSON.stringify(shown)).not.toContain('"k"');
  });

  it('are told of everything that the core tells', () => {
    const all: Record<LifecycleName, true> = {
      connect: true,
      disconnect: true,
      channelOccupied: true,
      channelVacated: true,
      userOnline: true,
      userOffline: true,
      inboxOverdue: true,
    };
    expect(lifecycleNames).toEqual(Object.keys(all));
  });
});

describe('faults of webhooks', () => {
  it('name the place, the limit and what was meant', async () => {
    const wrong = [
      { url: 'ftp://example.com', events: ['conect', 'userOnlin'] },
      { url, event: ['connect'], batch: { sice: 1, wait: '2h' }, events: [] },
      { secret: '' },
    ];
    expect(await faultsOf(wrong)).toEqual([
      `webhooks[0].url: must be a URL without user and password, such as 'https://example.com/path', but is "ftp://example.com"`,
      `webhooks[0].events[0]: must be one of ${lifecycleNames.join(', ')}, but is "conect"; did you mean 'connect'?`,
      `webhooks[0].events[1]: must be one of ${lifecycleNames.join(', ')}, but is "userOnlin"; did you mean 'userOnline'?`,
      'webhooks[1].events: must name at least one, but is a list',
      'webhooks[1].batch.wait: must be a duration from 0s to 1m, but is "2h"',
      "webhooks[1].batch.sice: unknown key; did you mean 'size'?",
      "webhooks[1].event: unknown key; did you mean 'events'?",
      "webhooks[2].url: is missing; it must be a URL without user and password, such as 'https://example.com/path'",
      'webhooks[2].secret: must be a text of printable ASCII without spaces',
    ]);
  });

  it.each([
    [
      [{ url }, { url: 'https://EXAMPLE.com:443/hook' }],
      'webhooks[1].url: is that of webhooks[0]; let one of them name all events.',
    ],
    [
      [{ url, secret: 'whsec_not base64!'.replace(' ', '-') }],
      "webhooks[0].secret: 'whsec_' must be followed by base64, as 'openssl rand -base64 32' prints it.",
    ],
    [
      [{ url, headers: { 'Webhook-Id': '1' } }],
      'webhooks[0].headers.Webhook-Id: is set by Carillon; leave it out.',
    ],
    [
      [{ url, retries: { first: '10m' } }],
      "webhooks[0].retries: 'first' (10m) must not be longer than 'longest' (5m).",
    ],
    [{ url }, 'webhooks: must be a list, but is an object'],
    [
      Array.from({ length: limits.webhooks + 1 }, (_, n) => ({ url: `${url}${n}` })),
      `webhooks: must not have more than ${limits.webhooks} elements, but is a list`,
    ],
  ])('%#', async (webhooks, fault) => {
    expect(await faultsOf(webhooks)).toEqual([fault]);
  });
});
