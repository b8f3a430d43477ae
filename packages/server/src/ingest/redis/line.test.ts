import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../testing/virtual-clock.ts';
import { Line } from './line.ts';
import type { Link } from './link.ts';

class FakeLink implements Link {
  readonly endpoint = { path: '/redis' };
  readonly place = '/redis';
  readonly #gone = Promise.withResolvers<never>();
  isClosed = false;

  constructor() {
    this.lost.catch(() => undefined);
  }

  get lost(): Promise<never> {
    return this.#gone.promise;
  }

  readonly close = (): void => {
    this.isClosed = true;
    this.break('closed');
  };

  ask(): Promise<null> {
    return Promise.resolve(null);
  }

  async subscribe(): Promise<void> {}

  async subscribePattern(): Promise<void> {}

  break(reason: string): void {
    this.#gone.reject(new Error(reason));
  }
}

let clock: VirtualClock;
let opened: PromiseWithResolvers<Link>[];
let downs: number[];
let warnings: unknown[];
/** What the work waits for before it is in force. */
let force: () => Promise<void>;

beforeEach(() => {
  clock = new VirtualClock();
  [opened, downs, warnings] = [[], [], []];
  force = () => Promise.resolve();
});

function makeLine(): Line {
  const quiet = (): void => undefined;
  const warn = (_: string, fields?: { readonly reason?: unknown }): void => {
    warnings.push(fields?.reason);
  };
  return new Line({
    name: 'test',
    open: () => {
      opened.push(Promise.withResolvers());
      return opened.at(-1)?.promise ?? Promise.reject(new Error());
    },
    work: async (link, up, signal) => {
      signal.addEventListener('abort', link.close, { once: true });
      await force();
      up();
      await link.lost;
    },
    backUp: (ms) => downs.push(ms),
    clock,
    log: { debug: quiet, info: quiet, warn, error: quiet },
  });
}

/** Lets promises settle; no time passes. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function openLink(at: number): Promise<FakeLink> {
  const link = new FakeLink();
  opened[at]?.resolve(link);
  await settle();
  return link;
}

describe('a line', () => {
  it('that comes up at once has lost nothing', async () => {
    const line = makeLine();
    const started = line.start();
    await openLink(0);
    expect(await started).toBeUndefined();
    expect([line.isUp, downs]).toEqual([true, []]);
    await line.close();
    expect(line.isUp).toBe(false);
  });

  it('that breaks is opened again after a wait, and tells how long it was down', async () => {
    const line = makeLine();
    void line.start();
    const link = await openLink(0);
    clock.advance(60_000);
    link.break('reset');
    await settle();
    expect([line.isUp, link.isClosed, opened.length]).toEqual([false, true, 1]);
    clock.advance(200);
    await settle();
    expect(opened).toHaveLength(2);
    clock.advance(1_000);
    await openLink(1);
    expect([line.isUp, downs]).toEqual([true, [1_200]]);
    await line.close();
  });

  it('whose first attempt fails says why, tries on, and counts that as a time without', async () => {
    const line = makeLine();
    const started = line.start();
    opened[0]?.reject(new Error('no way.'));
    expect(await started).toBe('no way');
    clock.advance(200);
    await settle();
    await openLink(1);
    expect(downs).toEqual([200]);
    await line.close();
  });

  it('gives up an attempt that nobody answers, and closes what comes of it later', async () => {
    const line = makeLine();
    const started = line.start();
    clock.advance(10_000);
    expect(await started).toBe('it does not answer');
    const late = await openLink(0);
    expect([late.isClosed, line.isUp]).toEqual([true, false]);
    force = () => new Promise(() => undefined);
    clock.advance(200);
    await settle();
    const silent = await openLink(1);
    clock.advance(10_000);
    await settle();
    expect(silent.isClosed).toBe(true);
    await line.close();
  });

  it('does not write a line for every failure, but reminds', async () => {
    const line = makeLine();
    void line.start();
    for (let at = 0; at < 20; at++) {
      opened[at]?.reject(new Error('down'));
      await settle();
      clock.advance(5_000);
      await settle();
    }
    expect(opened).toHaveLength(21);
    expect(warnings).toEqual(['down', 'down']);
    await line.close();
  });

  it('leaves no timer behind when it is closed, whatever it was doing', async () => {
    const waiting = makeLine();
    void waiting.start();
    opened[0]?.reject(new Error('down'));
    await settle();
    await waiting.close();
    const opening = makeLine();
    void opening.start();
    await opening.close();
    const working = makeLine();
    void working.start();
    await openLink(2);
    await working.close();
    expect(clock.timers).toBe(0);
  });
});
