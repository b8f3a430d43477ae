import { limits } from '@carillon/protocol';
import { describe, expect, test } from 'vitest';
import { FakeConnection } from '../testing/fake-connection.ts';
import { LaneWorld, Member } from '../testing/lane-world.ts';
import { LineWire } from '../testing/line-wire.ts';

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => String(from + index));
}

describe('a sweep', () => {
  test('gives everybody what was appended, in one write', () => {
    const world = new LaneWorld();
    const members = ['a', 'b', 'c'].map((name) => world.join(name));
    world.publish(3);
    expect(members.map((member) => member.read())).toEqual([[], [], []]);
    expect(world.sweep()).toBe(true);
    expect(members.map((member) => member.read())).toEqual(Array(3).fill(['1', '2', '3']));
    expect(members.map(({ connection }) => connection.writes)).toEqual([1, 1, 1]);
    expect(world.wire.encoded).toBe(3);
  });

  test('without anything new writes nothing', () => {
    const world = new LaneWorld();
    const member = world.join('a');
    world.publish();
    world.sweep();
    world.sweep();
    expect(member.connection.writes).toBe(1);
  });

  test('of much writes parts, none beyond what one write may have', () => {
    const world = new LaneWorld();
    const member = world.join('a');
    world.publish();
    world.sweep();
    member.connection.writes = 0;
    const frame = 'x'.repeat(50_000);
    for (let count = 0; count < 12; count++) {
      world.lane.append({ offset: count + 2, data: JSON.stringify(frame) }, 'e');
    }
    world.sweep();
    expect(member.connection.writes).toBe(Math.ceil(12 / Math.floor(limits.joinedWriteBytes / 50_040)));
  });

  test('stops at its deadline and goes on where it stopped', () => {
    const world = new LaneWorld();
    const members = Array.from({ length: 1_000 }, (_, index) => world.join(`m${index}`));
    world.publish();
    world.sweep();
    for (const member of members) member.read();
    world.tick = 1;
    world.publish(2);
    let slices = 1;
    while (!world.sweep(world.now)) {
      slices += 1;
      // What comes meanwhile waits for its own round.
      if (slices === 2) world.publish();
      expect(slices).toBeLessThan(20);
    }
    expect(slices).toBeGreaterThanOrEqual(7);
    for (const member of members) {
      expect(member.read()).toEqual(['2', '3', '4']);
      expect(member.connection.writes).toBe(3);
    }
  });

  test('that is interrupted keeps everybody in order, whoever leaves, stalls, joins or comes back meanwhile', () => {
    const world = new LaneWorld();
    const names = Array.from({ length: 1_200 }, (_, index) => `m${index}`);
    const members = new Map(names.map((name) => [name, world.join(name)]));
    world.publish();
    world.sweep();
    const got = new Map(names.map((name) => [name, [] as string[]]));
    const gone = new Set<string>();
    world.tick = 1;
    const collect = (): void => {
      for (const [name, member] of members) {
        if (gone.has(name) || Number(name.slice(1)) % 7 === 3) continue;
        got.get(name)?.push(...member.read());
      }
    };
    collect();
    for (let step = 0; step < 60; step++) {
      if (step % 3 === 0) world.publish(2);
      const done = world.sweep(world.now);
      if (step % 4 === 1) {
        const name = names[(step * 37) % 1_200] ?? '';
        const member = members.get(name);
        if (member !== undefined && !gone.has(name)) {
          world.lane.leave(member.subscription);
          gone.add(name);
        }
      }
      if (step % 5 === 2) {
        // Some find their connection full, somewhere in the middle of a sweep.
        for (let at = step; at < 1_200; at += 97) members.get(`m${at}`)?.blocked();
      }
      if (step % 5 === 4) {
        for (const member of members.values()) {
          if (!member.isBlocked) continue;
          member.isBlocked = false;
          if (member.subscription.state === 'behind') world.lane.readOn(member.subscription);
        }
      }
      if (step % 6 === 5) {
        const name = `late${step}`;
        members.set(name, world.join(name));
        got.set(name, []);
      }
      if (done || step % 2 === 0) collect();
    }
    world.tick = 0;
    for (const member of members.values()) member.isBlocked = false;
    world.publish();
    world.sweep();
    for (const [name, member] of members) {
      const all = [...(got.get(name) ?? []), ...member.readAll()].map(Number);
      const first = all[0] ?? 1;
      expect(all).toEqual(all.map((_, index) => first + index));
      if (gone.has(name)) continue;
      expect(all.at(-1)).toBe(42);
      if (name.startsWith('m')) expect(first).toBe(1);
    }
    expect(world.lane.log.bytes).toBe(0);
  });
});

describe('who cannot keep up', () => {
  test('is set aside, is given nothing more, and reads on when there is room', () => {
    const world = new LaneWorld();
    const [fast, slow] = [world.join('fast'), world.join('slow', 100)];
    for (let turn = 0; turn < 20; turn++) {
      world.publish();
      world.sweep();
    }
    expect(fast.readAll()).toEqual(numbers(1, 20));
    expect(slow.connection.writes).toBeLessThan(6);
    expect(slow.subscription.state).toBe('behind');
    expect(slow.readAll()).toEqual(numbers(1, 20));
    expect(slow.subscription.state).toBe('live');
    expect(world.wire.encoded).toBe(20);
    expect(world.reread).toEqual([]);
  });

  test('holds what it needs of the log, and nothing once it has it', () => {
    const world = new LaneWorld();
    const slow = world.join('slow', 0);
    world.join('fast');
    for (let turn = 0; turn < 30; turn++) {
      world.publish();
      world.sweep();
    }
    expect(world.lane.log.bytes).toBeGreaterThan(25 * 30);
    slow.connection.capacity = 10_000;
    expect(slow.readAll()).toEqual(numbers(1, 30));
    expect(world.lane.log.bytes).toBe(0);
  });

  test('frees the log by leaving', () => {
    const world = new LaneWorld();
    const slow = world.join('slow', 0);
    world.join('fast');
    for (let turn = 0; turn < 30; turn++) {
      world.publish();
      world.sweep();
    }
    world.lane.leave(slow.subscription);
    expect(world.lane.log.bytes).toBe(0);
    expect(slow.subscription.state).toBe('ended');
  });

  test('cannot make the log grow past its bound of frames', () => {
    const world = new LaneWorld({ logFrames: 50 });
    world.join('slow', 0);
    const fast = world.join('fast');
    for (let turn = 0; turn < 300; turn++) {
      world.publish();
      world.sweep();
      expect(world.lane.log.end - world.lane.log.base).toBeLessThanOrEqual(50);
    }
    expect(fast.readAll()).toEqual(numbers(1, 300));
  });

  test('cannot make the log grow past its bound of bytes', () => {
    const world = new LaneWorld({ logBytes: 1_000 });
    world.join('slow', 0);
    world.join('fast');
    for (let turn = 0; turn < 300; turn++) {
      world.publish(3);
      world.sweep();
      expect(world.lane.log.bytes).toBeLessThanOrEqual(1_000);
    }
  });

  test('must read history when the log has gone on without it', () => {
    const world = new LaneWorld({ logFrames: 10 });
    const slow = world.join('slow', 0);
    world.join('fast');
    for (let turn = 0; turn < 30; turn++) {
      world.publish();
      world.sweep();
    }
    expect(world.reread).toEqual([]);
    slow.connection.capacity = 10_000;
    slow.readAll();
    expect(world.reread).toEqual(['slow']);
  });

  test('comes in step again with what it knows from history, without a repeat', () => {
    const world = new LaneWorld({ logFrames: 10 });
    const slow = world.join('slow', 0);
    const fast = world.join('fast');
    for (let turn = 0; turn < 30; turn++) {
      world.publish();
      world.sweep();
    }
    slow.connection.capacity = 10_000;
    expect(slow.readAll()).toEqual(['1']);
    // History may be ahead of what was handed on.
    slow.subscription.offset = 32;
    world.lane.attach(slow.subscription);
    world.lane.readOn(slow.subscription);
    world.publish(4);
    world.sweep();
    expect(slow.readAll()).toEqual(['33', '34']);
    expect(slow.subscription.state).toBe('live');
    world.publish();
    world.sweep();
    expect([slow.readAll(), fast.readAll().at(-1)]).toEqual([['35'], '35']);
  });
});

describe('joining', () => {
  test('begins after what the newcomer has, not before it is attached', () => {
    const world = new LaneWorld({ offset: 5 });
    world.join('other');
    const late = new Member('late', new FakeConnection(world.wire), world.lane);
    late.subscription.epoch = 'e';
    world.lane.join(late.subscription);
    world.publish(4);
    world.sweep();
    expect(late.read()).toEqual([]);
    late.subscription.offset = 7;
    world.lane.attach(late.subscription);
    world.lane.readOn(late.subscription);
    expect(late.read()).toEqual(['8', '9']);
    world.publish();
    world.sweep();
    expect(late.read()).toEqual(['10']);
  });

  test('without history begins with what came since it joined', () => {
    const world = new LaneWorld();
    world.join('other', undefined, '');
    world.publishPlain('"before"');
    world.sweep();
    const late = new Member('late', new FakeConnection(world.wire), world.lane);
    world.lane.join(late.subscription);
    world.publishPlain('"while joining"');
    world.sweep();
    world.lane.attach(late.subscription);
    world.lane.readOn(late.subscription);
    world.publishPlain('"after"');
    world.sweep();
    expect(late.read()).toEqual(['while joining', 'after']);
  });

  test('counts as being there', () => {
    const world = new LaneWorld();
    world.join('a');
    const late = new Member('late', new FakeConnection(world.wire), world.lane);
    world.lane.join(late.subscription);
    expect(world.lane.size).toBe(2);
    world.lane.leave(late.subscription);
    expect(world.lane.size).toBe(1);
  });
});

describe('REC8 an excluded member', () => {
  test('gets everything but what excludes it, and the others everything', () => {
    const world = new LaneWorld();
    const [a, b] = [world.join('a'), world.join('b')];
    world.publish();
    world.publish(1, { sessions: ['a'] });
    world.publish();
    world.publish(1, { sessions: ['b', 'nobody'] });
    world.sweep();
    world.publish();
    world.sweep();
    expect(a.read()).toEqual(['1', '3', '4', '5']);
    expect(b.read()).toEqual(['1', '2', '3', '5']);
    expect([a, b].map(({ subscription }) => subscription.state)).toEqual(['live', 'live']);
  });

  test('that is excluded from all of a turn gets no write', () => {
    const world = new LaneWorld();
    const a = world.join('a');
    world.publish();
    world.sweep();
    world.publish(2, { sessions: ['a'] });
    world.sweep();
    expect(a.connection.writes).toBe(1);
    world.publish();
    world.sweep();
    expect(a.read()).toEqual(['1', '4']);
  });

  test('is excluded as well when it was behind', () => {
    const world = new LaneWorld();
    const slow = world.join('slow', 0);
    world.publish();
    world.sweep();
    world.publish(1, { sessions: ['slow'] });
    world.publish();
    world.sweep();
    slow.connection.capacity = 1_000;
    expect(slow.readAll()).toEqual(['1', '3']);
  });
});

describe('a cut', () => {
  test('takes everybody out of step, where it stands, and forgets the log', () => {
    const world = new LaneWorld();
    const [fast, slow] = [world.join('fast'), world.join('slow', 0)];
    world.publish(2);
    world.sweep();
    world.publish();
    world.lane.cut();
    expect(world.lane.behind()).toEqual(expect.arrayContaining([fast.subscription, slow.subscription]));
    expect([fast.subscription.offset, slow.subscription.offset]).toEqual([2, 2]);
    expect([world.lane.log.bytes, world.lane.log.floor]).toEqual([0, 0]);
  });

  test('has those who miss something read history, before anything that comes after it', () => {
    const world = new LaneWorld();
    const fast = world.join('fast');
    world.publish(2);
    world.sweep();
    world.publish();
    world.lane.cut();
    world.publish();
    world.sweep();
    expect(world.reread).toEqual(['fast']);
    expect(fast.read()).toEqual(['1', '2']);
  });

  test('a parked subscription looks again with the next publication', () => {
    const world = new LaneWorld();
    const one = world.join('one');
    world.publish();
    world.sweep();
    world.lane.cut();
    world.lane.park(one.subscription);
    expect(world.reread).toEqual([]);
    world.publish();
    world.sweep();
    expect(world.reread).toEqual(['one']);
  });

  test('PRE9 one that comes back from history is told of events that it missed, parked or not, and of nothing else', () => {
    const world = new LaneWorld();
    const one = world.join('one');
    const comeBack = (): number => {
      world.lane.cut();
      world.lane.park(one.subscription);
      world.lane.park(one.subscription);
      world.publish();
      world.sweep();
      expect(one.subscription.state).toBe('rereading');
      world.lane.attach(one.subscription);
      world.lane.readOn(one.subscription);
      return one.gaps;
    };
    world.publish();
    world.sweep();
    expect(comeBack()).toBe(0);
    world.lane.tell('{}', undefined);
    expect(comeBack()).toBe(1);
    expect(comeBack()).toBe(1);
    world.lane.tell('{}', undefined);
    world.sweep();
    expect(comeBack()).toBe(1);
  });
});

test('on a wire that stamps each recipient reads for itself, and none is ever live', () => {
  class StampingWire extends LineWire {
    stamp(): Buffer {
      return Buffer.from('\n');
    }
  }
  const wire = new StampingWire();
  const world = new LaneWorld({ wire });
  const [a, b] = [world.join('a'), world.join('b')];
  world.publish(3);
  world.sweep();
  expect([a.read(), b.read()]).toEqual([numbers(1, 3), numbers(1, 3)]);
  expect([a, b].map(({ subscription }) => subscription.state)).toEqual(['behind', 'behind']);
  expect(wire.encoded).toBe(3);
  expect(world.lane.log.bytes).toBe(0);
});
