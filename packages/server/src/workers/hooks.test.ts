/** What the primary asks and tells of hooks, when workers begin, leave and die. */
import { duplexPair } from 'node:stream';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { refusedByHook } from '../core/errors.ts';
import type { HookName } from '../core/hooks.ts';
import type { LifecycleName } from '../core/lifecycle.ts';
import { Calls } from '../link/calls.ts';
import { FrameStream } from '../link/frames.ts';
import { settled } from '../testing/linked.ts';
import { Held } from '../testing/scripted-hooks.ts';
import { type NamedHooks, OfferedHooks, SharedHooks } from './hooks.ts';

const publication = { channel: 'a', data: '1', source: 'ingest' } as const;
type Answer = { readonly data: string };

/** A worker's hooks: a test answers what they are asked. */
class FakeHooks implements NamedHooks {
  readonly answers = new Held<Answer>();
  readonly told: string[] = [];
  #names: readonly string[] = [];
  #named: (names: readonly string[]) => void = () => {};

  load(...names: readonly string[]): void {
    this.#names = names;
    this.#named(names);
  }

  watch(named: (names: readonly string[]) => void): void {
    this.#named = named;
    named(this.#names);
  }

  has(name: HookName): boolean {
    return this.#names.includes(name);
  }

  wants(name: LifecycleName): boolean {
    return name !== 'connect' && this.#names.includes(name);
  }

  ask(): Promise<never> {
    return this.answers.wait() as Promise<never>;
  }

  tell(name: LifecycleName, event: object): void {
    this.told.push(`${name} ${Object.values(event).join(' ')}`);
  }
}

class World {
  readonly primary = new SharedHooks();
  readonly faults: string[] = [];
  #lastId = 0;

  worker(...names: readonly string[]) {
    const id = ++this.#lastId;
    const [here, there] = duplexPair();
    const failed = (name: string, error: unknown) => void this.faults.push(`${name}: ${String(error)}`);
    const stream = new FrameStream(here);
    this.primary.begun({ id, calls: new Calls(stream, failed) });
    stream.onEnded(() => this.primary.gone(id));
    const hooks = new FakeHooks();
    hooks.load(...names);
    const offered = new OfferedHooks(new Calls(new FrameStream(there), failed), hooks);
    return { hooks, leave: () => offered.leave(), die: () => there.destroy() };
  }

  async knows(name: HookName, has = true): Promise<void> {
    await vi.waitFor(() => expect(this.primary.has(name)).toBe(has));
  }
}

const worlds: World[] = [];

function start(): World {
  const world = new World();
  worlds.push(world);
  return world;
}

afterEach(() => {
  for (const { faults } of worlds.splice(0)) expect(faults).toEqual([]);
});

describe('what is asked', () => {
  test('HOK11 goes to the workers in turns, of those that have the hook', async () => {
    const world = start();
    const [one, two] = [world.worker('publish'), world.worker('publish', 'call')];
    await vi.waitFor(() => expect(world.primary.has('call')).toBe(true));
    await world.knows('publish');
    const asked = [1, 2, 3].map(() => world.primary.ask('publish', publication));
    await vi.waitFor(() => expect([one.hooks.answers.waiting, two.hooks.answers.waiting]).toEqual([2, 1]));
    one.hooks.answers.answer({ data: '"a"' });
    two.hooks.answers.answer({ data: '"b"' });
    one.hooks.answers.answer({ data: '"c"' });
    expect(await Promise.all(asked)).toEqual([{ data: '"a"' }, { data: '"b"' }, { data: '"c"' }]);
  });

  test('HOK11 is asked of another worker where one ends before it answers, and refused with 108 where none is left', async () => {
    const world = start();
    const [one, two] = [world.worker('publish'), world.worker('publish')];
    await world.knows('publish');
    const asked = world.primary.ask('publish', publication);
    await vi.waitFor(() => expect(one.hooks.answers.waiting).toBe(1));
    one.die();
    await vi.waitFor(() => expect(two.hooks.answers.waiting).toBe(1));
    two.die();
    await expect(asked).rejects.toMatchObject({ code: 108 });
    await world.knows('publish', false);
    await expect(world.primary.ask('publish', publication)).rejects.toMatchObject({ code: 108 });
  });

  test('a refusal is the answer', async () => {
    const world = start();
    const [one, two] = [world.worker('publish'), world.worker('publish')];
    await world.knows('publish');
    const asked = world.primary.ask('publish', publication);
    await vi.waitFor(() => expect(one.hooks.answers.waiting).toBe(1));
    one.hooks.answers.answer(refusedByHook(455, 'no'));
    await expect(asked).rejects.toMatchObject({ code: 455, message: 'no' });
    expect(two.hooks.answers.waiting).toBe(0);
  });

  test('a worker that leaves answers what it was asked, and is asked nothing more', async () => {
    const world = start();
    const [one, two] = [world.worker('publish'), world.worker()];
    await world.knows('publish');
    const asked = world.primary.ask('publish', publication);
    await vi.waitFor(() => expect(one.hooks.answers.waiting).toBe(1));
    let hasLeft = false;
    const left = one.leave().then(() => {
      hasLeft = true;
    });
    // There is such a hook and nobody to ask: nothing gets by it.
    await settled();
    await expect(world.primary.ask('publish', publication)).rejects.toMatchObject({ code: 108 });
    expect([world.primary.has('publish'), hasLeft]).toEqual([true, false]);
    // What is loaded from now on is nobody's business.
    one.hooks.load('publish', 'call');
    two.hooks.load('publish');
    await world.knows('publish');
    expect(world.primary.has('call')).toBe(false);
    one.hooks.answers.answer({ data: '1' });
    expect(await asked).toEqual({ data: '1' });
    await left;
    void world.primary.ask('publish', publication).catch(() => undefined);
    await vi.waitFor(() => expect(two.hooks.answers.waiting).toBe(1));
  });
});

describe('what is told', () => {
  test('HOK11 goes to the worker that came last, of those that want it, in order', async () => {
    const world = start();
    const one = world.worker('userOnline', 'userOffline', 'connect');
    const two = world.worker('userOnline');
    await vi.waitFor(() => expect(world.primary.wants('userOffline')).toBe(true));
    expect(world.primary.wants('connect')).toBe(false);
    expect(world.primary.wants('channelOccupied')).toBe(false);
    await world.knows('connect');
    for (const user of ['a', 'b']) {
      world.primary.tell('userOnline', { user });
      world.primary.tell('userOffline', { user });
    }
    await vi.waitFor(() => expect(two.hooks.told).toEqual(['userOnline a', 'userOnline b']));
    await vi.waitFor(() => expect(one.hooks.told).toEqual(['userOffline a', 'userOffline b']));
    two.die();
    await vi.waitFor(() => {
      world.primary.tell('userOnline', { user: 'c' });
      expect(one.hooks.told).toContain('userOnline c');
    });
  });

  test('follows the names as hooks are loaded anew', async () => {
    const world = start();
    const { hooks } = world.worker();
    hooks.load('userOnline');
    await vi.waitFor(() => expect(world.primary.wants('userOnline')).toBe(true));
    hooks.load();
    await vi.waitFor(() => expect(world.primary.wants('userOnline')).toBe(false));
  });
});
