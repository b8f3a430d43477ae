import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { Expiries, type Expiring } from './expiries.ts';

class Entry implements Expiring {
  heapIndex = -1;
  readonly expiresAt: number | undefined;
  readonly #over: (at: number | undefined) => void;

  constructor(expiresAt: number | undefined, over: (at: number | undefined) => void = () => {}) {
    this.expiresAt = expiresAt;
    this.#over = over;
  }

  expired(): void {
    this.#over(this.expiresAt);
  }
}

function setUp(): { clock: VirtualClock; expiries: Expiries; add: (at?: number) => Entry; over: string[] } {
  const clock = new VirtualClock(0);
  const expiries = new Expiries(clock);
  const over: string[] = [];
  const add = (at?: number): Entry => {
    const entry = new Entry(at, () => over.push(`${at}@${clock.now()}`));
    expiries.add(entry);
    return entry;
  };
  return { clock, expiries, add, over };
}

describe('expiries', () => {
  test('end each at its time, in order, with one timer for all', () => {
    const { clock, expiries, add, over } = setUp();
    for (const at of [500, 20, 300, 20, 7, 41]) add(at);
    expect(clock.timers).toBe(1);
    clock.advance(400);
    expect(over).toEqual(['7@7', '20@20', '20@20', '41@41', '300@300']);
    expect(expiries.size).toBe(1);
  });

  test('have no timer while nothing is in, nor for what never ends', () => {
    const { clock, expiries, add, over } = setUp();
    add(undefined);
    const entry = add(10);
    expiries.remove(entry);
    expiries.remove(entry);
    expect([expiries.size, clock.timers]).toEqual([0, 0]);
    clock.advance(100);
    expect(over).toEqual([]);
  });

  test('that have passed already end in a later turn, never within the call', () => {
    const { clock, add, over } = setUp();
    clock.advance(100);
    add(50);
    expect(over).toEqual([]);
    clock.advance(1);
    expect(over).toEqual(['50@101']);
  });

  test('agree with a sorted list over random comings and goings', () => {
    const { clock, expiries, add, over } = setUp();
    let seed = 7;
    const draw = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    const waiting = new Set<Entry>();
    for (let step = 0; step < 3_000; step++) {
      if (draw(3) > 0) waiting.add(add(1 + draw(1_000_000)));
      else {
        const gone = [...waiting][draw(waiting.size)];
        if (gone === undefined) continue;
        waiting.delete(gone);
        expiries.remove(gone);
      }
    }
    const expected = [...waiting].map(({ expiresAt = 0 }) => expiresAt).toSorted((a, b) => a - b);
    clock.advance(2_000_000);
    expect(over.map((line) => Number(line.split('@')[0]))).toEqual(expected);
    expect(over.every((line) => line.split('@')[0] === line.split('@')[1])).toBe(true);
    expect(expiries.size).toBe(0);
  });

  test('all of one moment end over several turns', () => {
    const { clock, expiries, add, over } = setUp();
    for (let count = 0; count < 2_500; count++) add(10);
    clock.advance(10);
    expect(expiries.size).toBe(1_500);
    clock.advance(2);
    expect(expiries.size).toBe(0);
    expect(over).toHaveLength(2_500);
  });

  test('far beyond what a timer can hold are waited for', () => {
    const { clock, add, over } = setUp();
    add(10_000_000);
    clock.advance(9_999_999);
    expect(over).toEqual([]);
    clock.advance(1);
    expect(over).toEqual(['10000000@10000000']);
  });
});
