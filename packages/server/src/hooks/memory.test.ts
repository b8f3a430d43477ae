import { afterEach, describe, expect, test } from 'vitest';
import { HookHost } from '../testing/hook-host.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { MemoryWatch } from './memory-watch.ts';

const mebibyte = 1_048_576;
let host: HookHost | undefined;

afterEach(async () => {
  await host?.close();
  host = undefined;
});

describe('RUN5 a hook that allocates without end', () => {
  // Some of these make V8 end the whole process when they meet its own limit.
  test.each([
    ['objects', 'const kept = []; for (;;) kept.push({ a: [1, 2, 3] });'],
    ['numbers', 'const kept = []; for (;;) kept.push(1);'],
    ['large arrays', 'const kept = []; for (;;) kept.push(new Array(1e7));'],
    ['filled arrays', 'const kept = []; for (;;) kept.push(new Array(1e6).fill(0));'],
    ['a map', 'const kept = new Map(); for (let i = 0; ; i++) kept.set(i, i);'],
    ['a set', "const kept = new Set(); for (let i = 0; ; i++) kept.add('k' + i);"],
    ['an object', "const kept = {}; for (let i = 0; ; i++) kept['k' + i] = i;"],
    ['texts', "const kept = []; for (let i = 0; ; i++) kept.push('x'.repeat(1e6) + i);"],
    ['buffers', 'const kept = []; for (;;) kept.push(Buffer.alloc(1_000_000, 1));'],
    ['array buffers', 'const kept = []; for (;;) kept.push(new ArrayBuffer(1e7));'],
    ['a doubling list', 'let kept = [1]; for (;;) kept = [...kept, ...kept];'],
  ])('such as %s, is ended alone', async (_, loop) => {
    host = await HookHost.start(
      `export function publish({ data }) { if (data === 'grow') { ${loop} } return { data }; }`,
      { memoryBytes: 64 * mebibyte },
    );
    expect(await host.refusal('grow')).toContain('108');
    await host.generation(2);
    expect(await host.publish('again')).toBe('again');
    expect(host.log.lines).toContainEqual(expect.stringContaining("while the hook 'publish' was running"));
  });

  test('from call to call is ended when what it keeps is too much, and not for its garbage', async () => {
    host = await HookHost.start(
      `const kept = [];
       export function publish({ data }) {
         const made = Array.from({ length: 20_000 }, (_, i) => ({ i, text: 'x'.repeat(10) + i }));
         if (data === 'keep') kept.push(made);
         return { data: made.length };
       }`,
      { memoryBytes: 64 * mebibyte },
    );
    for (let count = 0; count < 300; count++) expect(await host.publish('drop')).toBe(20_000);
    expect(host.info['generation']).toBe(1);
    for (let count = 0; count < 2_000 && host.info['generation'] === 1; count++) await host.refusal('keep');
    await host.logged('it needs more memory than 64 MiB (limits.hookMemoryBytes)');
  });

  test('while it loads is refused', async () => {
    const started = HookHost.start('const kept = []; for (;;) kept.push(new Array(1e6).fill(0));', {
      memoryBytes: 64 * mebibyte,
    });
    await expect(started).rejects.toThrow('it needs more memory than 64 MiB');
  });
});

describe('RUN5 a watch on memory', () => {
  interface World {
    readonly clock: VirtualClock;
    readonly watch: MemoryWatch;
    readonly happened: string[];
    /** Time for one look, which finds so many bytes in use. */
    look(bytes: number): Promise<string[]>;
  }

  function world(): World {
    const clock = new VirtualClock();
    const happened: string[] = [];
    let bytes = 0;
    const watch = new MemoryWatch({
      worker: {
        getHeapStatistics: async () => ({ used_heap_size: bytes / 2, external_memory: bytes / 2 }) as never,
      },
      limitBytes: 100,
      clock,
      isBusy: () => true,
      collect: () => void happened.push('collect'),
      exceeded: () => void happened.push('exceeded'),
    });
    return {
      clock,
      watch,
      happened,
      async look(found) {
        bytes = found;
        clock.advance(50);
        for (let turn = 0; turn < 5; turn++) await Promise.resolve();
        return happened.splice(0);
      },
    };
  }

  test('asks for a collection first, and judges what is left', async () => {
    const { look, watch, clock } = world();
    expect(await look(100)).toEqual([]);
    expect(await look(101)).toEqual(['collect']);
    expect(await look(120)).toEqual([]);
    watch.collected();
    expect(await look(99)).toEqual([]);
    // Garbage again, which is not worth another collection yet.
    expect([await look(140), await look(140)]).toEqual([[], []]);
    expect(await look(151)).toEqual(['collect']);
    watch.collected();
    expect(await look(101)).toEqual(['exceeded']);
    expect(clock.timers).toBe(0);
  });

  test('does not wait for a thread that is too busy to collect', async () => {
    const { look } = world();
    expect(await look(200)).toEqual(['collect']);
    expect([await look(200), await look(200)]).toEqual([[], ['exceeded']]);
    expect(await world().look(201)).toEqual(['exceeded']);
  });
});
