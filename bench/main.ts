/** `npm run bench`: Carillon beside the plain `ws` loop, in the same run on the same machine. README.md says how to read it. */
import { mkdirSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseScenarios } from '../packages/server/src/bench/main.ts';
import { clean, disturbance, disturbed, type Outcome } from '../packages/server/src/bench/outcome.ts';
import { type Progress, silentProgress, standardProgress } from '../packages/server/src/bench/progress.ts';
import { runScenario, type ScenarioName, type Size } from '../packages/server/src/bench/scenarios.ts';
import { BenchError } from '../packages/server/src/bench/target.ts';
import { formatComparison, orderOf, ratios, type Series, summarise } from './compare.ts';
import { runDurable, runRestart, type Store, stores } from './durable.ts';
import { topFunctions } from './profile.ts';
import { RedisContest, type Way, ways } from './redis.ts';
import { runRolling } from './rolling.ts';
import { type CrowdSize, crowds, runSend } from './send.ts';
import {
  endServersOnSignals,
  pinGenerator,
  type ServerName,
  type StartOptions,
  serverNames,
  startServer,
} from './servers.ts';
import { runWorkers, type Shape, shapes } from './workers.ts';

const usage = `npm run bench -- [options]
  --only A,B        scenarios: fanout, steady, wide, directed, idle, idle-own, connect, sse, longpoll, redis,
                    durable, restart, send, workers, rolling (default: all but idle-own)
  --server NAME     only carillon, or only baseline; sse, longpoll, redis, durable, restart, send, workers and rolling are carillon alone
  --rounds N        rounds of every server and scenario, 1 to 99 (default 3)
  --repeats N       how often a run is repeated when other processes used over a fifth of a core (default 2)
  --connections N   subscribers, users or connections instead of the scenario's number
  --seconds S       measured seconds instead of the scenario's
  --quick           small and short; its figures mean nothing
  --profile DIR     CPU profiles of the servers, one folder each, and their top functions
  --json            results as JSON on standard output
`;

const standardScenarios =
  'fanout,steady,wide,directed,idle,connect,sse,longpoll,redis,durable,restart,send,workers,rolling';

/** Those that need more than a server that runs are not part of `carillon bench`. */
const ownScenarios = ['redis', 'durable', 'restart', 'send', 'workers', 'rolling'] as const;
type Scenario = ScenarioName | (typeof ownScenarios)[number];

interface Plan {
  readonly scenarios: readonly Scenario[];
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
    const compared = await compareIn(scenario, plan, pinned);
    if (compared === undefined) continue;
    const { title, series } = compared;
    good &&= series.every(({ counts }) => clean(counts));
    const [first, second] = series;
    results.push({ scenario, title, series, ratios: first && second ? ratios(first, second) : [] });
    if (!plan.json) process.stdout.write(`${formatComparison(title, series)}\n`);
  }
  if (plan.json) process.stdout.write(`${JSON.stringify(results, undefined, 2)}\n`);
  return good ? 0 : 1;
}

/** Undefined where what a scenario needs is not there. */
function compareIn(scenario: Scenario, plan: Plan, pinned: boolean): Promise<Compared | undefined> {
  switch (scenario) {
    case 'redis':
      return compareWays(plan, pinned);
    case 'sse':
      return compare(transportContest(plan), plan, pinned);
    case 'durable':
      return compare(storeContest(plan), plan, pinned);
    case 'restart':
      return compare(restartContest(plan), plan, pinned);
    case 'send':
      return compare(crowdContest(plan), plan, pinned);
    case 'rolling':
      return compare(rollingContest(plan), plan, pinned);
    case 'workers':
      return compare(shapeContest(plan), plan, pinned);
    default:
      return compare(serverContest(scenario, plan), plan, pinned);
  }
}

/** Who is compared in a scenario, and how one of them runs once. */
interface Contest<N extends string> {
  readonly scenario: string;
  readonly names: readonly N[];
  run(name: N, options: StartOptions, progress: Progress): Promise<Outcome>;
}

/** The baseline holds no polls. */
function serverContest(scenario: ScenarioName, { servers, size }: Plan): Contest<ServerName> {
  return {
    scenario,
    names: scenario === 'longpoll' ? ['carillon'] : servers,
    run: (name, options, progress) => runOn(name, scenario, size, options, progress),
  };
}

/** Carillon in both columns: the same load over Server-Sent Events and over WebSocket. */
function transportContest({ size }: Plan): Contest<'sse' | 'websocket'> {
  return {
    scenario: 'sse',
    names: ['sse', 'websocket'],
    run: (name, options, progress) =>
      runOn('carillon', name === 'sse' ? 'sse' : 'steady', size, options, progress),
  };
}

function storeContest({ size }: Plan): Contest<Store> {
  return {
    scenario: 'durable',
    names: stores,
    run: (store, options, progress) => runDurable(store, size, options, progress),
  };
}

/** Runs in this process: only the CPU that it uses itself is looked at. */
function crowdContest({ size }: Plan): Contest<CrowdSize> {
  return { scenario: 'send', names: crowds, run: (crowd, _, progress) => runSend(crowd, size, progress) };
}

/** All processes of the server share its core: what they cost is compared, not how many cores they fill. */
function shapeContest({ size }: Plan): Contest<Shape> {
  return {
    scenario: 'workers',
    names: shapes,
    run: (shape, options, progress) => runWorkers(shape, size, options, progress),
  };
}

function rollingContest({ size }: Plan): Contest<'carillon'> {
  return {
    scenario: 'rolling',
    names: ['carillon'],
    run: (_, options, progress) => runRolling(size, options, progress),
  };
}

function restartContest({ size }: Plan): Contest<'carillon'> {
  return {
    scenario: 'restart',
    names: ['carillon'],
    run: (_, options, progress) => runRestart(size, options, progress),
  };
}

/** Every run starts its server anew, so that none inherits another's memory or compiled code. */
async function runOn(
  name: ServerName,
  scenario: ScenarioName,
  size: Size,
  options: StartOptions,
  progress: Progress,
): Promise<Outcome> {
  const server = await startServer(name, options);
  try {
    return await runScenario(scenario, server.target, size, progress);
  } finally {
    await server.stop();
  }
}

/** Undefined where there is no Redis to start. */
async function compareWays(plan: Plan, pinned: boolean): Promise<Compared | undefined> {
  await using redis = await RedisContest.open(plan.size);
  if (redis === undefined) return undefined;
  const contest: Contest<Way> = { scenario: 'redis', names: ways, run: redis.run.bind(redis) };
  return await compare(contest, plan, pinned);
}

interface Compared {
  readonly title: string;
  readonly series: readonly Series[];
}

async function compare<N extends string>(
  contest: Contest<N>,
  plan: Plan,
  pinned: boolean,
): Promise<Compared> {
  const { scenario, names } = contest;
  const outcomes = new Map<N, Outcome[]>(names.map((name) => [name, []]));
  let title = '';
  for (let round = 0; round < plan.rounds; round++) {
    for (const name of orderOf(names, round)) {
      const profileDir = plan.profile === undefined ? undefined : join(plan.profile, `${scenario}-${name}`);
      if (profileDir !== undefined) mkdirSync(profileDir, { recursive: true });
      const outcome = await runQuietly(contest, name, round, plan, { pinned, profileDir });
      // The first contestant's: that of the other may tell of its own way.
      title ||= outcome.title;
      outcomes.get(name)?.push(outcome);
      if (profileDir !== undefined && !plan.json)
        process.stdout.write(`${name}, ${scenario}\n${topFunctions(profileDir, 25)}`);
    }
  }
  const series: Series[] = [...outcomes].map(([name, rounds]) => summarise(name, rounds));
  return { title: `${title}; median of ${plan.rounds}`, series };
}

/** Repeats a run that other processes disturbed, and takes the one that they disturbed least. A run with losses always counts. */
async function runQuietly<N extends string>(...run: Parameters<typeof runOnce<N>>): Promise<Outcome> {
  let best = await runOnce(...run);
  for (let repeat = 0; repeat < run[3].repeats && disturbed(best) && clean(best.counts); repeat++) {
    const again = await runOnce(...run);
    if (!clean(again.counts) || disturbance(again) < disturbance(best)) best = again;
  }
  return best;
}

async function runOnce<N extends string>(
  contest: Contest<N>,
  name: N,
  round: number,
  plan: Plan,
  options: StartOptions,
): Promise<Outcome> {
  const label = `${contest.scenario}, round ${round + 1} of ${plan.rounds}, ${name}`;
  const progress = plan.json ? silentProgress : standardProgress(label);
  return await contest.run(name, options, progress).finally(() => progress.done());
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
    scenarios: values.only.split(',').flatMap(scenariosOf),
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

function scenariosOf(text: string): readonly Scenario[] {
  const own = ownScenarios.find((name) => name === text.trim());
  if (own !== undefined) return [own];
  return text === 'all' ? [...parseScenarios(text), ...ownScenarios] : parseScenarios(text);
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
