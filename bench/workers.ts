/** The scenario `workers`: what a server of two workers costs beside one of a single process, for the same load. */
import { addedCounts, noCounts } from '../packages/server/src/bench/checker.ts';
import { settledBytes } from '../packages/server/src/bench/idle.ts';
import { type Figure, figure, type Outcome } from '../packages/server/src/bench/outcome.ts';
import { processTree, residentBytes } from '../packages/server/src/bench/process-figures.ts';
import type { Progress } from '../packages/server/src/bench/progress.ts';
import { runScenario, type Size } from '../packages/server/src/bench/scenarios.ts';
import type { Target } from '../packages/server/src/bench/target.ts';
import { measurePublishing } from './durable.ts';
import { type StartOptions, startServer } from './servers.ts';
import { WorkersConfig } from './workers-config.ts';

export const shapes = ['two workers', 'one process'] as const;
/** Two workers are three processes: the primary has the broker. */
export type Shape = (typeof shapes)[number];

const mebibyte = 1_048_576;

/** One round with one shape: a steady fan-out, publishes to one subscriber each, publishes to nobody, and memory before all that. */
export async function runWorkers(
  shape: Shape,
  size: Size,
  options: StartOptions,
  progress: Progress,
): Promise<Outcome> {
  using config = new WorkersConfig(shape === 'two workers' ? 2 : 1);
  const server = await startServer('carillon', { ...options, config: config.file });
  try {
    const { target } = server;
    const memory = await memoryOf(target, size);
    const steady = await runScenario('steady', target, size, progress);
    const directed = await runScenario('directed', target, size, progress);
    const publications = size.quick === true ? 1_000 : 100_000;
    const plan = { channels: 100, publications, publishers: 64, payload: 128 };
    const silent = await measurePublishing(target, plan, progress);
    const all = [steady, directed, silent];
    return {
      scenario: 'workers',
      title: 'Two workers beside a single process: steady fan-out, directed publish, publish to nobody',
      figures: [
        ...memory,
        ...chosen('steady', steady, ['server CPU us/delivery', 'last subscriber p99 ms']),
        ...chosen('directed', directed, ['publications/s', 'server CPU us/publication']),
        ...chosen('to nobody', silent, ['publications/s', 'server CPU us/publication']),
        ...chosen('', silent, ['others busy %']),
      ],
      counts: all.map((one) => one.counts).reduce(addedCounts, noCounts()),
      notes: [...new Set(all.flatMap(({ notes }) => notes))],
    };
  } finally {
    await server.stop();
  }
}

async function memoryOf({ pid }: Target, { quick }: Size): Promise<readonly Figure[]> {
  const total = await settledBytes(pid, quick === true ? 0.3 : 2);
  if (pid === undefined || total === undefined) return [];
  const [first, ...workers] = processTree(pid);
  const each = workers.length === 0 ? total : (residentBytes(workers) ?? 0) / workers.length;
  const primary = first === undefined || workers.length === 0 ? 0 : (residentBytes([first]) ?? 0);
  return [
    figure('memory MiB a worker', each / mebibyte, 1),
    { ...figure('memory MiB of the primary', primary / mebibyte, 1), compared: false },
    figure('memory MiB in all', total / mebibyte, 1),
  ];
}

function chosen(prefix: string, { figures }: Outcome, names: readonly string[]): readonly Figure[] {
  return figures
    .filter(({ name }) => names.includes(name))
    .map((one) => (prefix === '' ? one : { ...one, name: `${prefix}: ${one.name}` }));
}
