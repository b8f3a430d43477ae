import { limits } from '@carillon/protocol';
import { describe, expect, test } from 'vitest';
import { makePlan, readerKinds, type Size } from './plan.ts';

const size: Size = { seconds: 60, readers: 14, publishers: 3, channels: 5, workers: 1, durable: true };
const kinds = (of: Size, seed = 1) => new Set(makePlan(seed, of).disturbances.map(({ kind }) => kind));

describe('a plan', () => {
  test('is the same for the same seed, and another for another', () => {
    for (const seed of [0, 1, 4_711, 999_999_999]) {
      expect(makePlan(seed, size)).toEqual(makePlan(seed, { ...size }));
      expect(makePlan(seed, size).disturbances).not.toEqual(makePlan(seed + 1, size).disturbances);
    }
  });

  test('is what it always was for this seed, so that a seed that failed elsewhere fails here', () => {
    const { readers, disturbances } = makePlan(7, { ...size, seconds: 3, readers: 3 });
    expect({ readers, disturbances }).toMatchInlineSnapshot(`
      {
        "disturbances": [
          {
            "afterMs": 1077,
            "again": [
              691,
            ],
            "downMs": 237,
            "kind": "kill",
          },
          {
            "afterBytes": 0,
            "afterMs": 765,
            "kind": "cut",
            "share": 64,
            "which": 988490,
          },
          {
            "afterMs": 967,
            "again": [],
            "downMs": 117,
            "kind": "kill",
          },
          {
            "afterMs": 1277,
            "downMs": 294,
            "kind": "restart",
          },
        ],
        "readers": [
          {
            "channels": [
              "chaos:1",
              "chaos:4",
              "chaos:2",
            ],
            "kind": "longpoll",
            "name": "r1 longpoll",
          },
          {
            "channels": [
              "chaos:2",
              "chaos:4",
              "chaos:5",
              "chaos:3",
            ],
            "kind": "sub-poll",
            "name": "r2 sub-poll",
          },
          {
            "channels": [
              "chaos:3",
              "chaos:4",
              "chaos:2",
              "chaos:5",
            ],
            "kind": "sdk",
            "name": "r3 sdk",
          },
        ],
      }
    `);
  });

  test('has every disturbance of a server with a data directory', () => {
    const { disturbances } = makePlan(3, size);
    expect(kinds(size)).toEqual(new Set(['kill', 'restart', 'takeover', 'pause', 'cut']));
    expect(disturbances.every(({ afterMs }) => afterMs >= 200)).toBe(true);
    // Enough for the time, even where each is done at once.
    expect(disturbances.reduce((sum, { afterMs }) => sum + afterMs, 0)).toBeGreaterThanOrEqual(60_000);
    expect(disturbances.length).toBeGreaterThan(40);
  });

  test('disturbs workers where there are several', () => {
    const ofWorkers = ['worker kill', 'worker pause', 'kill of all', 'replacement'];
    expect([...kinds({ ...size, workers: 2 })]).toEqual(expect.arrayContaining(ofWorkers));
    expect(kinds({ ...size, workers: 2, durable: false })).not.toContain('takeover');
  });

  test('takes over nothing where there is no data directory', () => {
    expect(kinds({ ...size, durable: false })).toEqual(new Set(['kill', 'restart', 'pause', 'cut']));
  });

  test('has readers of all kinds, each channel read by somebody, and no channel twice in one', () => {
    const { readers, channels } = makePlan(11, size);
    expect(new Set(readers.map(({ kind }) => kind))).toEqual(new Set(readerKinds));
    expect(new Set(readers.flatMap((reader) => reader.channels))).toEqual(new Set(channels));
    for (const reader of readers) expect(new Set(reader.channels).size).toBe(reader.channels.length);
    expect(readers.some((reader) => reader.channels.length > 1)).toBe(true);
  });

  test('slows its publishers down where readers would get more than they may', () => {
    const large = { ...size, seconds: limits.chaosSeconds, readers: limits.chaosReaders };
    const { publishers, readers } = makePlan(1, large);
    const perSecond = publishers.reduce((sum, { pauseMs }) => sum + 1000 / pauseMs, 0);
    expect(perSecond * large.seconds * readers.length).toBeLessThanOrEqual(limits.chaosDeliveries * 1.01);
  });
});
