/** `npm run bench`: Carillon beside the plain `ws` loop, in the same run on the same machine. README.md says how to read it. */
import { mkdirSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseScenarios } from '../packages/server/src/bench/main.ts';
import { clean, disturbance, disturbed, type Outcome } from '../packages/server/src/bench/outcome.ts';
import { silentProgress, standardProgress } from '../packages/server/src/bench/progress.ts';
import { runScenario, type ScenarioName, type Size } from '../packages/server/src/bench/scenarios.ts';
import { BenchError } from '../packages/server/src/bench/target.ts';
import { formatComparison, orderOf, ratios, type Series, summarise } from './compare.ts';
import { topFunctions } from './profile.ts';
import { endServersOnSignals, pinGenerator, type ServerName, serverNames, startServer } from './servers.ts';

const usage = `npm run bench -- [options]
  --only A,B        scenarios: fanout, steady, wide, directed, idle, idle-own, connect (default: all but idle-own)
  --server NAME     only carillon, or only baseline
  --rounds N        rounds of every server and scenario, 1 to 99 (default 3)
  --repeats N       how often a run is repeated when other processes used over a fifth of a core (default 2)
  --connections N   subscribers, users or connections instead of the scenario's number
  --seconds S       measured seconds instead of the scenario's
  --quick           small and short; its figures mean nothing
  --profile DIR     CPU profiles of the servers, one folder each, and their top functions
  --json            results as JSON on standard output
`;

const standardScenarios = 'fanout,steady,wide,directed,idle,connect';

interface Plan {
  readonly scenarios: readonly ScenarioName[];
  readonly servers: readonly ServerName[];
  readonly rounds: number;
  readonly repeats: number;
  readonly size: Size;
  readonly profile: string | undefined;
  readonly json: boolean;
}

async function main(): Promise<number> {
  const plan = parsePlan();
  if (plan === undefined) return 0;
  endServersOnSignals();
  const cores = availableParallelism();
  const pinned = pinGenerator();
  if (!plan.json) process.stdout.write(header(cores, pinned));
  const results = [];
  let good = true;
  for (const scenario of plan.scenarios) {
    const { title, series } = await compare(scenario, plan, pinned);
    good &&= series.every(({ counts }) => clean(counts));
    const [first, second] = series;
    results.push({ scenario, title, series, ratios: first && second ? ratios(first, second) : [] });
    if (!plan.json) process.stdout.write(`${formatComparison(title, series)}\n`);
  }
  if (plan.json) process.stdout.write(`${JSON.stringify(results, undefined, 2)}\n`);
  return good ? 0 : 1;
}

/** Every round starts every server anew, so that no run inherits another's memory or compiled code. */
async function compare(scenario: ScenarioName, plan: Plan, pinned: boolean) {
  const outcomes = new Map<ServerName, Outcome[]>(plan.servers.map((name) => [name, []]));
  let title = '';
  for (let round = 0; round < plan.rounds; round++) {
    for (const name of orderOf(plan.servers, round)) {
      const profileDir = plan.profile === undefined ? undefined : join(plan.profile, `${scenario}-${name}`);
      if (profileDir !== undefined) mkdirSync(profileDir, { recursive: true });
      const outcome = await runQuietly(scenario, name, round, plan, { pinned, profileDir });
      title = outcome.title;
      outcomes.get(name)?.push(outcome);
      if (profileDir !== undefined && !plan.json)
        process.stdout.write(`${name}, ${scenario}\n${topFunctions(profileDir, 25)}`);
    }
  }
  const series: Series[] = [...outcomes].map(([name, rounds]) => summarise(name, rounds));
  return { title: `${title}; median of ${plan.rounds}`, series };
}

/** Repeats a run that other processes disturbed, and takes the one that they disturbed least. A run with losses always counts. */
async function runQuietly(...run: Parameters<typeof runOnce>): Promise<Outcome> {
  let best = await runOnce(...run);
  for (let repeat = 0; repeat < run[3].repeats && disturbed(best) && clean(best.counts); repeat++) {
    const again = await runOnce(...run);
    if (!clean(again.counts) || disturbance(again) < disturbance(best)) best = again;
  }
  return best;
}

async function runOnce(
  scenario: ScenarioName,
  name: ServerName,
  round: number,
  plan: Plan,
  options: { readonly pinned: boolean; readonly profileDir: string | undefined },
): Promise<Outcome> {
  const label = `${scenario}, round ${round + 1} of ${plan.rounds}, ${name}`;
  const progress = plan.json ? silentProgress : standardProgress(label);
  const server = await startServer(name, options);
  try {
    return await runScenario(scenario, server.target, plan.size, progress);
  } finally {
    progress.done();
    await server.stop();
  }
}

function header(cores: number, pinned: boolean): string {
  const pinning = pinned
    ? 'server pinned to core 0, generator to core 1'
    : 'NOT pinned (taskset or a second core is missing): expect noise';
  const model = cpus()[0]?.model.trim() ?? 'unknown CPU';
  return `Node.js ${process.version}, ${model}, ${cores} cores; ${pinning}; loopback.\n\n`;
}

function parsePlan(): Plan | undefined {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: standardScenarios },
      server: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      repeats: { type: 'string', default: '2' },
      connections: { type: 'string' },
      seconds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      profile: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return undefined;
  }
  return {
    scenarios: parseScenarios(values.only),
    servers: parseServers(values.server),
    rounds: number('--rounds', values.rounds, 1, 99),
    repeats: number('--repeats', values.repeats, 0, 99),
    size: {
      quick: values.quick,
      connections:
        values.connections === undefined ? undefined : number('--connections', values.connections, 1, 1e6),
      seconds: values.seconds === undefined ? undefined : number('--seconds', values.seconds, 0.1, 3600),
    },
    profile: values.profile,
    json: values.json,
  };
}

function parseServers(text: string | undefined): readonly ServerName[] {
  if (text === undefined) return serverNames;
  const known = serverNames.find((name) => name === text);
  if (known !== undefined) return [known];
  throw new BenchError(`--server is ${serverNames.join(' or ')}, not ${JSON.stringify(text)}.`, 64);
}

function number(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (value >= least && value <= most) return value;
  throw new BenchError(`${name} must be a number from ${least} to ${most}, not ${JSON.stringify(text)}.`, 64);
}

try {
  process.exitCode = await main();
} catch (error) {
  const wrongUsage =
    error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  process.stderr.write(
    `${error instanceof Error ? error.message : String(error)}\n${wrongUsage ? usage : ''}`,
  );
  process.exitCode = error instanceof BenchError ? error.exitCode : wrongUsage ? 64 : 1;
}
