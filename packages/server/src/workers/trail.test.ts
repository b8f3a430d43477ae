import { afterEach, expect, test } from 'vitest';
import { DeliveryFacts } from '../core/delivery-facts.ts';
import { Trail } from '../core/trail.ts';
import { LinkedWorkers, settled, type TestWorker } from '../testing/linked.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { askingAll, SharedTrail, type TrailVerbs, trailName } from './trail.ts';

const nobody = { user: () => [], session: () => undefined };
const clock = new VirtualClock();
let primary: Trail;
let trails: Trail[] = [];
let world: LinkedWorkers;

function start(): TestWorker[] {
  primary = new Trail(clock);
  trails = [];
  world = new LinkedWorkers({ shared: [new SharedTrail(primary)], clock });
  return world.serve(2, ({ id, calls }) => {
    const trail = new Trail(clock);
    trails.push(trail);
    calls.offer<TrailVerbs>(trailName, new DeliveryFacts(trail, nobody, id), ['facts']);
  });
}

afterEach(() => expect(world.faults).toEqual([]));

const position = { epoch: 'e', offset: 7 };
const question = { channel: 'a', to: { user: 'ann' }, position };
const ask = ({ calls, peers }: TestWorker) => askingAll(calls, peers)(question);

test('EXP4 every process says what it remembers, the primary first, and then the workers in their order', async () => {
  const [one, two] = start();
  if (one === undefined || two === undefined) throw new Error('two were begun');
  trails[1]?.wasPublished(clock.now(), 'a', 'api', position, false);
  primary.wasHanded('a', [{ offset: 7, data: '1' }], 'e', 2, [1, 2]);
  for (const trail of trails) trail.wasHanded('a', [{ offset: 7, data: '1' }], 'e', 3);
  trails[0]?.wasHanded('a', [{ offset: 8, data: '1' }], 'e', 3);
  for (const worker of [one, two]) {
    const facts = await ask(worker);
    expect(
      facts.map(({ worker: id, handed }) => [id, handed.map(({ offset, workers }) => [offset, workers])]),
    ).toEqual([
      [undefined, [[7, [1, 2]]]],
      [1, [[7, undefined]]],
      [2, [[7, undefined]]],
    ]);
    expect(facts.map(({ published }) => published.length)).toEqual([0, 0, 1]);
  }
});

test('EXP4 a worker that is gone takes what it remembered along, and when that was is known', async () => {
  const [one, two] = start();
  if (one === undefined || two === undefined) throw new Error('two were begun');
  await clock.elapse(1_000);
  two.end();
  await settled();
  const facts = await ask(one);
  expect(facts.map(({ worker }) => worker)).toEqual([undefined, 1]);
  expect(facts[0]?.gone).toMatchObject([{ worker: 2, at: expect.closeTo(clock.now(), 0) }]);
});
