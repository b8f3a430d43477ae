import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limits } from '@carillon/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError } from '../config/faults.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import type { ReplyError } from '../core/errors.ts';
import { LinkedWorkers, settled, type TestWorker } from '../testing/linked.ts';
import { RememberingLog } from '../testing/remembering-log.ts';
import { offerConfig } from '../workers/config.ts';
import { PrimaryConfig, type ReloadingVerbs } from './primary-config.ts';
import { WorkerConfig } from './worker-config.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'carillon-primary-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function write(origin: string): void {
  writeFileSync(join(cwd, 'carillon.config.json'), JSON.stringify({ origins: [`https://${origin}`] }));
}

function load(): Promise<LoadedConfig> {
  return loadConfig({ env: {}, cwd });
}

/** What a worker has, or cannot have. */
interface Part {
  readonly worker: TestWorker;
  /** What is in force, the newest last. */
  readonly inForce: string[];
  abandoned: number;
  /** Why it refuses what it is to prepare. */
  fault: string | undefined;
  /** What it prepares is not ready before this. */
  ready: Promise<void>;
}

const originOf = ({ origins }: Settings): string => origins.join();

class World {
  readonly log = new RememberingLog();
  readonly workers: LinkedWorkers;
  readonly parts: Part[] = [];
  /** Of the primary. */
  readonly changed: string[] = [];
  readonly config: PrimaryConfig;

  private constructor(loaded: LoadedConfig) {
    const begun: PrimaryConfig[] = [];
    const shared = { begun: (worker: TestWorker['atPrimary']) => begun[0]?.begun(worker), gone: () => {} };
    this.workers = new LinkedWorkers({ shared: [shared] });
    const { relay, clock } = this.workers;
    const changed = (next: Settings): void => void this.changed.push(originOf(next));
    this.config = new PrimaryConfig(loaded, { relay, clock, log: this.log, load, changed });
    begun.push(this.config);
  }

  static async start(count: number): Promise<World> {
    write('a.example');
    const world = new World(await load());
    for (let at = 0; at < count; at++) world.begin().worker.serve();
    return world;
  }

  begin(): Part {
    const worker = this.workers.begin();
    const { settings } = this.config.carried;
    const part: Part = {
      worker,
      inForce: [originOf(settings)],
      abandoned: 0,
      fault: undefined,
      ready: Promise.resolve(),
    };
    const prepare = async (next: Settings) => {
      await part.ready;
      if (part.fault !== undefined) throw new ConfigError([part.fault]);
      return {
        commit: async () => void part.inForce.push(originOf(next)),
        abandon: async () => {
          part.abandoned += 1;
        },
      };
    };
    offerConfig(worker.calls, new WorkerConfig(settings, { load, prepare }));
    this.parts.push(part);
    return part;
  }

  reload(at = 0): Promise<unknown> {
    const calls = this.parts[at]?.worker.calls;
    if (calls === undefined) throw new Error(`there is no worker ${at}`);
    return calls.remote<ReloadingVerbs>('reloading').reload();
  }

  get inForce(): (string | undefined)[] {
    return this.parts.map(({ inForce }) => inForce.at(-1));
  }
}

const [a, b] = ['https://a.example', 'https://b.example'];

test('RLD6 whichever worker is asked, all take it over, and the primary too', async () => {
  const world = await World.start(3);
  write('b.example');
  expect(await world.reload(2)).toEqual({ changed: ['origins'], restart: [] });
  expect([world.inForce, world.changed]).toEqual([[b, b, b], [b]]);
  expect(world.log.lines).toEqual(['info: the config was loaded again']);
});

test('RLD2 RLD6 where one worker refuses, nothing has changed anywhere', async () => {
  const world = await World.start(3);
  const [one, two, three] = world.parts;
  if (two !== undefined) two.fault = 'hooks: cannot be loaded: no memory.';
  write('b.example');
  await expect(world.reload()).rejects.toMatchObject({
    code: 107,
    message: expect.stringMatching(/nothing has changed: hooks: cannot be loaded: no memory\.$/),
  });
  expect([world.inForce, world.changed]).toEqual([[a, a, a], []]);
  expect([one?.abandoned, two?.abandoned, three?.abandoned]).toEqual([1, 0, 1]);
  expect(world.log.lines).toEqual([
    'error: the config was not loaded again, and the one before stays in force',
  ]);
  if (two !== undefined) two.fault = undefined;
  expect(await world.reload()).toMatchObject({ changed: ['origins'] });
  expect(world.inForce).toEqual([b, b, b]);
});

test('what is wrong at all workers is named once', async () => {
  const world = await World.start(3);
  for (const part of world.parts) part.fault = 'hooks: cannot be loaded: it throws.';
  const refused: ReplyError = await world.reload().then(
    () => Promise.reject(new Error('it was loaded')),
    (error: ReplyError) => error,
  );
  expect(refused.message.match(/it throws/g)).toHaveLength(1);
});

test('RLD6 where one worker is late, the others stay as they were, and what it has ready later is gone', async () => {
  const world = await World.start(2);
  const late = world.parts[1];
  let goOn = (): void => {};
  if (late !== undefined)
    late.ready = new Promise((resolve) => {
      goOn = resolve;
    });
  write('b.example');
  const reloaded = world.reload();
  const refused = expect(reloaded).rejects.toMatchObject({ code: 108 });
  await prepared(world, 0);
  world.workers.clock.advance(limits.hookLoadMs + limits.workerAnswerMs);
  await settled();
  world.workers.clock.advance(limits.workerAnswerMs);
  await refused;
  expect([world.inForce, world.changed]).toEqual([[a, a], []]);
  goOn();
  await settled();
  expect([late?.abandoned, world.inForce]).toEqual([1, [a, a]]);
  expect(await world.reload()).toMatchObject({ changed: ['origins'] });
  expect(world.inForce).toEqual([b, b]);
});

/** Resolves when a worker has been asked. */
async function prepared(world: World, at: number): Promise<void> {
  const { worker } = world.parts[at] ?? {};
  for (let turn = 0; turn < 1_000 && worker !== undefined; turn++) {
    await settled(1);
    if (world.workers.clock.timers > 0) return;
  }
}

test('RLD6 a worker that ends meanwhile holds nobody up', async () => {
  const world = await World.start(2);
  const [, ending] = world.parts;
  if (ending !== undefined) ending.ready = new Promise(() => {});
  write('b.example');
  const reloaded = world.reload();
  await prepared(world, 0);
  ending?.worker.end();
  expect(await reloaded).toMatchObject({ changed: ['origins'] });
  expect(world.inForce[0]).toBe(b);
});

test('RLD6 a worker that began before takes over what is in force before it serves', async () => {
  const world = await World.start(1);
  const { generation } = world.config.carried;
  const later = world.begin();
  write('b.example');
  await world.reload();
  expect(world.inForce).toEqual([b, a]);
  await world.config.catchUp(later.worker.atPrimary, generation);
  expect(world.inForce).toEqual([b, b]);
  later.fault = 'hooks: cannot be loaded.';
  await expect(world.config.catchUp(later.worker.atPrimary, generation)).rejects.toMatchObject({
    message: expect.stringContaining('hooks: cannot be loaded.'),
  });
});
