import { describe, expect, test } from 'vitest';
import { parseRate, rateSettings, rates } from './rates.ts';

describe('ACC19: rates in a config', () => {
  test.each([
    ['100/s', { count: 100, perMs: 1_000 }],
    ['600/10m', { count: 600, perMs: 600_000 }],
    ['1/24h', { count: 1, perMs: 86_400_000 }],
    ['5/250ms', { count: 5, perMs: 250 }],
    ['60000/m', { count: 60_000, perMs: 60_000 }],
  ])('%s', (text, rate) => {
    expect(parseRate(text)).toEqual(rate);
  });

  test.each([
    '',
    '100',
    '0/s',
    '-1/s',
    '1.5/s',
    '100/',
    '100/x',
    '100/0s',
    '1/25h',
    '1/1ms',
    '1000000000/s',
    '100 / s',
    '100/s/s',
  ])('%j is none', (text) => {
    expect(parseRate(text)).toBeUndefined();
    expect(rates.safeParse({ commandsPerUser: text }).error?.issues[0]?.message).toMatch(
      /^must be a rate such as/,
    );
  });

  test('have defaults where nobody notices them, and can be turned off', () => {
    expect(rateSettings(rates.parse({}))).toEqual({
      commandsPerUser: { count: 60_000, perMs: 60_000 },
      connectionsPerAddress: { count: 6_000, perMs: 60_000 },
      refusedTokensPerAddress: { count: 1_000, perMs: 600_000 },
    });
    expect(
      rateSettings(
        rates.parse({ commandsPerUser: 'off', connectionsPerAddress: 'off', refusedTokensPerAddress: 'off' }),
      ),
    ).toEqual({});
    expect(rateSettings(rates.parse({ publishesPerUser: '5/s' })).publishesPerUser).toEqual({
      count: 5,
      perMs: 1_000,
    });
  });
});
