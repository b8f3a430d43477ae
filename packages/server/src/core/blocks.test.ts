import { limits } from '@carillon/protocol';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { type BlockSubject, Blocks } from './blocks.ts';
import { Expiries } from './expiries.ts';

function world(): {
  clock: VirtualClock;
  blocks: Blocks;
  block: (subject: BlockSubject, ms: number) => void;
} {
  const clock = new VirtualClock();
  const blocks = new Blocks(clock, new Expiries(clock));
  return { clock, blocks, block: (subject, ms) => blocks.set({ ...subject, expiresAt: clock.now() + ms }) };
}

describe('ACC16: a block', () => {
  test('holds until its time is over, and then there is nothing left of it', () => {
    const { clock, blocks, block } = world();
    block({ user: 'ann' }, 1_000);
    clock.advance(999);
    expect(blocks.find({ user: 'ann' })).toMatchObject({ user: 'ann' });
    clock.advance(1);
    expect([blocks.find({ user: 'ann' }), blocks.size, clock.timers]).toEqual([undefined, 0, 0]);
  });

  test('is of a user or of a token, and one name may be both', () => {
    const { blocks, block } = world();
    block({ user: 'x' }, 1_000);
    expect(blocks.find({ tokenId: 'x' })).toBeUndefined();
    block({ jti: 'x' }, 1_000);
    blocks.delete({ user: 'x' });
    expect([blocks.find({ user: 'x' }), blocks.find({ user: 'ann', tokenId: 'x' })]).toEqual([
      undefined,
      expect.objectContaining({ jti: 'x' }),
    ]);
    expect(blocks.find({})).toBeUndefined();
  });

  test('takes the place of the one before, longer or shorter, and counts once', () => {
    const { clock, blocks, block } = world();
    block({ user: 'ann' }, 10_000);
    block({ user: 'ann' }, 1_000);
    expect(blocks.size).toBe(1);
    clock.advance(1_000);
    expect(blocks.size).toBe(0);
    block({ user: 'ann' }, 1_000);
    block({ user: 'ann' }, 10_000);
    clock.advance(5_000);
    expect(blocks.find({ user: 'ann' })).toBeDefined();
  });

  test('that was over before it came changes nothing', () => {
    const { blocks, block } = world();
    block({ user: 'ann' }, 0);
    expect(blocks.size).toBe(0);
  });

  test('is refused when the table is full, and those that are in it stay', () => {
    const { clock, blocks, block } = world();
    for (let count = 0; count < limits.blocks; count++) block({ user: `u${count}` }, 1_000 + count);
    expect(() => block({ user: 'one more' }, 1_000)).toThrow(/^limit exceeded: there are 100000 blocks/);
    block({ user: 'u5' }, 5);
    clock.advance(5);
    block({ jti: 'one more' }, 1_000);
    expect(blocks.size).toBe(limits.blocks);
    clock.advance(500_000);
    expect([blocks.size, clock.timers]).toEqual([0, 0]);
  });

  test('stands in the list in the order of blocking, page by page', () => {
    const { blocks, block } = world();
    for (const user of ['a', 'b', 'c']) block({ user }, 1_000);
    block({ user: 'a' }, 1_000);
    const users = (after: number, limit: number) =>
      blocks.list(after, limit).map(({ block: { user } }) => user);
    expect([users(0, 10), users(0, 2)]).toEqual([
      ['b', 'c', 'a'],
      ['b', 'c'],
    ]);
    expect(users(blocks.list(0, 2)[1]?.order ?? 0, 2)).toEqual(['a']);
  });
});
