import { limits } from '@carillon/protocol';
import { describe, expect, test } from 'vitest';
import { RememberingLog } from '../testing/remembering-log.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { Supervisor, type WorkerProcess } from './supervisor.ts';

/** A worker that does what the test says. */
class Scripted implements WorkerProcess {
  readonly id: number;
  readonly pid: number;
  readonly ready: Promise<void>;
  readonly gone: Promise<string>;
  readonly #events: string[];
  /** It answers when it is asked whether it lives. */
  isAwake = true;
  /** It ends as soon as it is asked to. */
  endsAtOnce = true;
  pings = 0;
  #serve: () => void = () => {};
  #fail: (error: Error) => void = () => {};
  #end: (how: string) => void = () => {};
  #isGone = false;

  constructor(id: number, events: string[]) {
    this.id = id;
    this.pid = 1_000 + id;
    this.#events = events;
    this.ready = new Promise((resolve, reject) => {
      [this.#serve, this.#fail] = [resolve, reject];
    });
    this.gone = new Promise((resolve) => {
      this.#end = resolve;
    });
    events.push(`${id} starts`);
  }

  serve(): void {
    this.#events.push(`${this.id} serves`);
    this.#serve();
  }

  fail(message: string): void {
    this.#fail(Object.assign(new Error(message), { code: 'ERR_FAKED' }));
  }

  die(how: string): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#events.push(`${this.id} is gone`);
    this.#fail(new Error(how));
    this.#end(how);
  }

  ping(): Promise<void> {
    this.pings += 1;
    return this.isAwake ? Promise.resolve() : new Promise(() => {});
  }

  retire(): void {
    this.#events.push(`${this.id} retires`);
    if (this.endsAtOnce) this.die('it ended with code 0');
  }

  kill(): void {
    if (this.#isGone) return;
    this.#events.push(`${this.id} is killed`);
    this.die('killed by SIGKILL');
  }
}

/** Says all that it is told, with what belongs to it. */
class TellingLog extends RememberingLog {
  readonly fields: Record<string, unknown>[] = [];

  override error(message: string, fields: Record<string, unknown> = {}): void {
    super.error(message);
    this.fields.push(fields);
  }
}

class Stage {
  readonly clock = new VirtualClock();
  readonly log = new TellingLog();
  readonly events: string[] = [];
  readonly workers: Scripted[] = [];
  readonly supervisor: Supervisor;
  /** New workers serve without being told to. */
  isSmooth = true;
  spawnFault: Error | undefined;

  constructor(count: number) {
    const { clock, log } = this;
    const spawn = (id: number): Scripted => {
      if (this.spawnFault !== undefined) throw this.spawnFault;
      const worker = new Scripted(id, this.events);
      this.workers.push(worker);
      if (this.isSmooth) worker.serve();
      return worker;
    };
    this.supervisor = new Supervisor({ count, retireMs: 5_000, clock, log, spawn });
  }

  static async with(count: number): Promise<Stage> {
    const stage = new Stage(count);
    await stage.supervisor.start();
    await stage.clock.elapse(0);
    return stage;
  }

  worker(id: number): Scripted {
    const worker = this.workers[id - 1];
    if (worker === undefined) throw new Error(`there is no worker ${id}`);
    return worker;
  }

  get serving(): number[] {
    return this.supervisor.serving.map(({ id }) => id);
  }

  settle(): Promise<void> {
    return this.clock.elapse(0);
  }
}

describe('a worker that dies', () => {
  test('LIF1 is replaced, and the log says which it was and how it went', async () => {
    const stage = await Stage.with(2);
    stage.worker(2).die('killed by SIGSEGV');
    await stage.settle();
    expect(stage.serving).toEqual([1]);
    expect(stage.log.fields).toEqual([
      { worker: 2, process: 1_002, reason: 'killed by SIGSEGV', waitMs: limits.workerBackoffMs },
    ]);
    await stage.clock.elapse(limits.workerBackoffMs);
    expect(stage.serving).toEqual([1, 3]);
    expect(stage.log.lines.at(-1)).toBe('info: a worker serves again');
    expect(stage.supervisor.restarts).toBe(1);
  });

  test('LIF1 again and again is waited for twice as long each time, up to a limit; one that served long counts as new', async () => {
    const stage = await Stage.with(1);
    const waits: unknown[] = [];
    for (let death = 1; death <= 12; death++) {
      stage.worker(death).die('it ended with code 1');
      await stage.settle();
      const waitMs = Number(stage.log.fields.at(-1)?.['waitMs']);
      waits.push(waitMs);
      await stage.clock.elapse(waitMs - 1);
      expect(stage.serving).toEqual([]);
      await stage.clock.elapse(1);
      expect(stage.serving).toEqual([death + 1]);
    }
    expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000, 30_000]);
    await stage.clock.elapse(limits.workerSettledMs);
    stage.worker(13).die('it ended with code 1');
    await stage.settle();
    expect(stage.log.fields.at(-1)).toMatchObject({ waitMs: limits.workerBackoffMs });
  });

  test('whose successor does not start, or cannot even be run, is tried again later and later', async () => {
    const stage = await Stage.with(1);
    stage.isSmooth = false;
    stage.worker(1).die('killed by SIGKILL');
    await stage.clock.elapse(100);
    stage.worker(2).fail('the hooks cannot be loaded');
    await stage.settle();
    expect(stage.events.slice(-2)).toEqual(['2 is killed', '2 is gone']);
    expect(stage.log.fields.at(-1)).toEqual({ worker: 2, reason: 'the hooks cannot be loaded', waitMs: 200 });
    stage.spawnFault = new Error('too many open files');
    await stage.clock.elapse(200);
    expect(stage.log.fields.at(-1)).toEqual({ worker: 3, reason: 'too many open files', waitMs: 400 });
    stage.spawnFault = undefined;
    stage.isSmooth = true;
    await stage.clock.elapse(400);
    expect(stage.serving).toEqual([4]);
    expect(stage.supervisor.restarts).toBe(1);
  });
});

describe('a start', () => {
  test('waits until all serve', async () => {
    const stage = new Stage(2);
    stage.isSmooth = false;
    let hasStarted = false;
    const started = stage.supervisor.start().then(() => {
      hasStarted = true;
    });
    stage.worker(1).serve();
    await stage.settle();
    expect(hasStarted).toBe(false);
    stage.worker(2).serve();
    await started;
    expect(stage.serving).toEqual([1, 2]);
  });

  test('that fails for one ends all, and is rejected with that one’s fault as it came', async () => {
    const stage = new Stage(3);
    stage.isSmooth = false;
    const started = stage.supervisor.start();
    stage.worker(1).serve();
    stage.worker(2).fail('the hooks cannot be loaded');
    await expect(started).rejects.toMatchObject({ message: 'the hooks cannot be loaded', code: 'ERR_FAKED' });
    for (const id of [1, 2, 3]) expect(stage.events).toContain(`${id} is gone`);
    await stage.clock.elapse(60_000);
    expect(stage.workers).toHaveLength(3);
  });

  test('loses a worker that served already, and has it replaced', async () => {
    const stage = new Stage(2);
    stage.isSmooth = false;
    const started = stage.supervisor.start();
    stage.worker(1).serve();
    await stage.settle();
    stage.worker(1).die('killed by SIGKILL');
    stage.worker(2).serve();
    await started;
    stage.isSmooth = true;
    await stage.clock.elapse(limits.workerBackoffMs);
    expect(stage.serving).toEqual([3, 2]);
  });

  test('that is closed meanwhile ends what it has started', async () => {
    const stage = new Stage(2);
    stage.isSmooth = false;
    const started = stage.supervisor.start();
    const outcome = expect(started).rejects.toThrow('it ended with code 0');
    await stage.supervisor.close();
    await outcome;
    for (const id of [1, 2]) expect(stage.events).toContain(`${id} is gone`);
  });
});

describe('a replacement of all', () => {
  test('LIF4 goes from one to the next, and each new one serves before its old one leaves', async () => {
    const stage = await Stage.with(2);
    stage.isSmooth = false;
    for (const worker of stage.workers) worker.endsAtOnce = false;
    stage.events.length = 0;
    const replaced = stage.supervisor.replaceAll();
    await stage.settle();
    expect(stage.events).toEqual(['3 starts']);
    stage.worker(3).serve();
    await stage.settle();
    expect(stage.events.splice(0)).toEqual(['3 starts', '3 serves', '1 retires']);
    stage.worker(1).die('it ended with code 0');
    await stage.settle();
    stage.worker(4).serve();
    await stage.settle();
    stage.worker(2).die('it ended with code 0');
    await replaced;
    expect(stage.events).toEqual(['1 is gone', '4 starts', '4 serves', '2 retires', '2 is gone']);
    expect(stage.serving).toEqual([3, 4]);
    expect(stage.log.fields).toEqual([]);
    expect(stage.supervisor.restarts).toBe(0);
  });

  test('LIF4 that is wished for again meanwhile is the same one; later it is another', async () => {
    const stage = await Stage.with(2);
    const first = stage.supervisor.replaceAll();
    expect(stage.supervisor.replaceAll()).toBe(first);
    await first;
    expect(stage.serving).toEqual([3, 4]);
    await stage.supervisor.replaceAll();
    expect(stage.serving).toEqual([5, 6]);
  });

  test('LIF4 keeps the old ones where a new one does not start', async () => {
    const stage = await Stage.with(2);
    stage.isSmooth = false;
    const replaced = stage.supervisor.replaceAll();
    stage.worker(3).fail('the hooks cannot be loaded');
    await replaced;
    expect(stage.serving).toEqual([1, 2]);
    expect(stage.log.lines.at(-1)).toBe('error: a new worker does not start, so the others stay');
    await stage.clock.elapse(60_000);
    expect(stage.workers).toHaveLength(3);
    stage.isSmooth = true;
    await stage.supervisor.replaceAll();
    expect(stage.serving).toEqual([4, 5]);
  });

  test('kills an old one that does not leave in time', async () => {
    const stage = await Stage.with(1);
    stage.worker(1).endsAtOnce = false;
    const replaced = stage.supervisor.replaceAll();
    await stage.clock.elapse(5_000);
    await replaced;
    expect(stage.events).toContain('1 is killed');
    expect(stage.serving).toEqual([2]);
  });

  test('finds one place empty, and fills it at once instead of waiting', async () => {
    const stage = await Stage.with(2);
    stage.worker(1).die('killed by SIGKILL');
    await stage.settle();
    await stage.supervisor.replaceAll();
    expect([...stage.serving].sort()).toEqual([3, 4]);
    await stage.clock.elapse(60_000);
    expect(stage.workers).toHaveLength(4);
  });

  test('says that all were replaced only when a worker serves in each place', async () => {
    const stage = await Stage.with(2);
    stage.spawnFault = new Error('EAGAIN');
    for (const id of [1, 2]) stage.worker(id).die('killed by SIGKILL');
    await stage.settle();
    await stage.supervisor.replaceAll();
    expect(stage.serving).toEqual([]);
    expect(stage.log.lines).toContain(
      'warn: the workers that served were replaced, and others do not serve yet',
    );
    expect(stage.log.lines).not.toContain('info: all workers were replaced');
  });

  test('whose old one dies before the new one serves leaves one worker in the place', async () => {
    const stage = await Stage.with(1);
    stage.isSmooth = false;
    const replaced = stage.supervisor.replaceAll();
    stage.worker(1).die('killed by SIGKILL');
    await stage.clock.elapse(60_000);
    expect(stage.workers).toHaveLength(2);
    stage.worker(2).serve();
    await replaced;
    expect(stage.serving).toEqual([2]);
  });

  test('whose old one dies and whose new one does not start has the place filled again', async () => {
    const stage = await Stage.with(1);
    stage.isSmooth = false;
    const replaced = stage.supervisor.replaceAll();
    stage.worker(1).die('killed by SIGKILL');
    await stage.settle();
    stage.worker(2).fail('no');
    await replaced;
    stage.isSmooth = true;
    await stage.clock.elapse(limits.workerBackoffMs);
    expect(stage.serving).toEqual([3]);
    expect(stage.supervisor.restarts).toBe(1);
  });
});

describe('a close', () => {
  test('has every worker retire, and kills those that do not end', async () => {
    const stage = await Stage.with(2);
    stage.worker(2).endsAtOnce = false;
    let isClosed = false;
    const closed = stage.supervisor.close().then(() => {
      isClosed = true;
    });
    await stage.clock.elapse(4_999);
    expect(isClosed).toBe(false);
    expect(stage.events.slice(-3)).toEqual(['1 retires', '1 is gone', '2 retires']);
    await stage.clock.elapse(1);
    await closed;
    expect(stage.events.slice(-2)).toEqual(['2 is killed', '2 is gone']);
    expect(stage.log.lines).toEqual(['warn: a worker did not end in time and is killed']);
    expect(stage.clock.timers).toBe(0);
  });

  test('while a place waits to be filled starts nobody', async () => {
    const stage = await Stage.with(2);
    stage.worker(1).die('killed by SIGKILL');
    await stage.settle();
    await stage.supervisor.close();
    await stage.clock.elapse(60_000);
    expect(stage.workers).toHaveLength(2);
  });

  test('while a place is being filled waits for the newcomer, too', async () => {
    const stage = await Stage.with(1);
    stage.isSmooth = false;
    stage.worker(1).die('killed by SIGKILL');
    await stage.clock.elapse(limits.workerBackoffMs);
    await stage.supervisor.close();
    await stage.clock.elapse(60_000);
    expect(stage.events.slice(-3)).toEqual(['2 starts', '2 retires', '2 is gone']);
    expect(stage.workers).toHaveLength(2);
  });

  test('in the middle of a replacement ends the old, the new, and all others, once each', async () => {
    const stage = await Stage.with(2);
    stage.worker(1).endsAtOnce = false;
    const replaced = stage.supervisor.replaceAll();
    await stage.settle();
    stage.events.length = 0;
    const closed = stage.supervisor.close();
    await stage.settle();
    expect(stage.events).toEqual(['2 retires', '2 is gone', '3 retires', '3 is gone']);
    stage.worker(1).die('it ended with code 0');
    await Promise.all([replaced, closed]);
    await stage.clock.elapse(60_000);
    expect(stage.workers).toHaveLength(3);
  });

  test('while a replacement starts leaves nobody behind', async () => {
    const stage = await Stage.with(2);
    stage.isSmooth = false;
    const replaced = stage.supervisor.replaceAll();
    await stage.supervisor.close();
    await replaced;
    for (const id of [1, 2, 3]) expect(stage.events).toContain(`${id} is gone`);
    expect(stage.log.lines).toEqual([]);
    expect(stage.workers).toHaveLength(3);
  });
});

describe('a worker that hangs', () => {
  test('LIF2 is killed when it has not answered for so long, and replaced; the log says why', async () => {
    const stage = await Stage.with(2);
    stage.worker(1).isAwake = false;
    await stage.clock.elapse(limits.workerPulseMs + limits.workerSilentMs - 1);
    expect(stage.serving).toEqual([1, 2]);
    await stage.clock.elapse(1);
    expect(stage.log.lines).toEqual([
      'error: a worker does not answer and is killed',
      'error: a worker died and is replaced',
    ]);
    expect(stage.log.fields.at(-1)).toMatchObject({
      worker: 1,
      reason: 'killed by SIGKILL: it had not answered for 20000 ms',
    });
    await stage.clock.elapse(limits.workerBackoffMs);
    expect(stage.serving).toEqual([3, 2]);
  });

  test('for less than that, or answers late, lives', async () => {
    const stage = await Stage.with(1);
    const [worker] = stage.workers;
    if (worker === undefined) throw new Error('nobody was started');
    let answer: () => void = () => {};
    worker.ping = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    for (let round = 0; round < 5; round++) {
      await stage.clock.elapse(limits.workerSilentMs - limits.workerPulseMs);
      answer();
      await stage.settle();
    }
    expect(stage.serving).toEqual([1]);
  });

  test('LIF2 is not suspected after the machine slept: what counts are the primary’s own turns', async () => {
    const stage = await Stage.with(1);
    stage.worker(1).isAwake = false;
    const { clock } = stage;
    await clock.elapse(limits.workerPulseMs);
    // One timer is late by an hour, and runs once.
    const now = clock.now.bind(clock);
    clock.now = () => now() + 3_600_000;
    await clock.elapse(limits.workerPulseMs);
    expect(stage.serving).toEqual([1]);
  });

  test('is asked one question at a time, and none when it is gone', async () => {
    const stage = await Stage.with(1);
    const { pings } = stage.worker(1);
    await stage.clock.elapse(10 * limits.workerPulseMs);
    expect(stage.worker(1).pings - pings).toBe(10);
    await stage.supervisor.close();
    await stage.clock.elapse(10 * limits.workerPulseMs);
    expect(stage.worker(1).pings - pings).toBe(10);
  });

  test('while it retires is killed just so', async () => {
    const stage = await Stage.with(1);
    stage.worker(1).endsAtOnce = false;
    stage.worker(1).retire = () => {};
    const closed = stage.supervisor.close();
    await stage.clock.elapse(5_000);
    await closed;
    expect(stage.events.slice(-2)).toEqual(['1 is killed', '1 is gone']);
  });
});
