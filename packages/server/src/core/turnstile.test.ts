import { limits } from '@carillon/protocol';
import { describe, expect, test } from 'vitest';
import { pick, random } from '../../../../test/support/random.ts';
import { Held } from '../testing/scripted-hooks.ts';
import { Turnstile } from './turnstile.ts';

const nothing = (): Promise<void> => Promise.resolve();

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

describe('a line', () => {
  test.each(Array.from({ length: 20 }, (_, seed) => seed))(
    'keeps its order, whoever is ready first (seed %i)',
    async (seed) => {
      const draw = random(seed);
      const turnstile = new Turnstile('things');
      const lines = ['a', 'b', 'c'];
      const held = new Held<number>();
      const came = new Map<string, number[]>(lines.map((line) => [line, []]));
      const went = new Map<string, number[]>(lines.map((line) => [line, []]));
      const refused = new Set<number>();
      const outcomes: Promise<unknown>[] = [];
      let next = 0;
      for (let step = 0; step < 200 || held.waiting > 0; step++) {
        if (step < 200 && draw(2) === 0) {
          const line = pick(draw, lines);
          const number = next++;
          came.get(line)?.push(number);
          const passed = turnstile.pass(
            line,
            1,
            () => held.wait().then(() => number),
            async (value) => {
              went.get(line)?.push(value);
              return value;
            },
          );
          outcomes.push(
            passed.then(
              (value) => expect(value).toBe(number),
              () => refused.add(number),
            ),
          );
        } else if (held.waiting > 0) {
          held.answer(draw(5) === 0 ? new Error('no') : 0, draw(held.waiting));
          if (draw(2) === 0) await settle();
        }
      }
      await Promise.all(outcomes);
      for (const line of lines) {
        expect(went.get(line)).toEqual(came.get(line)?.filter((number) => !refused.has(number)));
        expect(turnstile.isBusy(line)).toBe(false);
      }
      expect(refused.size).toBeGreaterThan(0);
    },
  );

  test('is busy until the last of it has gone, and others are not held up', async () => {
    const turnstile = new Turnstile('things');
    const held = new Held<void>();
    const first = turnstile.pass('a', 1, () => held.wait(), nothing);
    expect([turnstile.isBusy('a'), turnstile.isBusy('b')]).toEqual([true, false]);
    await turnstile.pass('b', 1, nothing, nothing);
    held.answer();
    await first;
    expect(turnstile.isBusy('a')).toBe(false);
  });
});

describe('what waits', () => {
  test('is limited in number, and nothing is prepared beyond that', async () => {
    const turnstile = new Turnstile('things');
    const held = new Held<void>();
    const all = Array.from({ length: limits.waiting }, (_, at) =>
      turnstile.pass(`line ${at % 7}`, 1, () => held.wait(), nothing),
    );
    expect(() => turnstile.pass('another', 1, () => held.wait(), nothing)).toThrow(
      'not available: 10000 things wait for hooks or schemas; try again later',
    );
    expect(held.waiting).toBe(limits.waiting);
    held.answer();
    await settle();
    all.push(turnstile.pass('another', 1, () => held.wait(), nothing));
    while (held.waiting > 0) held.answer(undefined, held.waiting - 1);
    await Promise.all(all);
  });

  test('is limited in bytes, but a single one may be of any size', async () => {
    const turnstile = new Turnstile('things');
    const held = new Held<void>();
    const large = turnstile.pass('a', limits.waitingBytes + 1, () => held.wait(), nothing);
    expect(() => turnstile.pass('b', 1, () => held.wait(), nothing)).toThrow('67108864 bytes of things wait');
    held.answer(new Error('no'));
    await expect(large).rejects.toThrow('no');
    await turnstile.pass('b', 1, nothing, nothing);
  });
});
